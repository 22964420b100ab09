"""What is known of how matches begin, and of the words they need, never hides one: the sweep against `re`."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.detect import Budget, Detector, limits
from guard.detect.assembly import Assembly
from guard.detect.pack import Confidence, Title, bounded
from guard.detect.rule import compile_rules

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
BEHIND = ["", r"(?<![\w-])", "(?<!(?:x))", "(?<!(?i:b))", "(?<=a)", "(?<=[一-龥])", r"\b", "^", "(?<!号)(?<![0-9])",
          "(?=[a-z号])", "(?<=(?i:b))"]
BEGINNINGS = ["ab", "(?:ab|号码|1)", "(?:a|b){1,3}", "[0-9]{1,3}", "[一-龥]{1,2}?", "(ab|b[0-9]|号)", "(?:(?:a|码)b?)+",
              "a?号", "(?:a(?<!ba)|1)", "(?:[0-9]{2}-){1,2}", "(?i:A[bB])", "x{2,}"]
REST = ["", "[0-9]", "(?: ?号|-b)", "(?=[号1])", "(?!b)", "(?:ab)?1", "[a-z一-龥]{1,3}", " ?(?:xx|号码|b1)", "$",
        "[ab]*+1"]
pattern = st.builds("{}{}{}".format, st.sampled_from(BEHIND), st.sampled_from(BEGINNINGS), st.sampled_from(REST))
folded = st.one_of(pattern, pattern.map("(?i:{})".format), st.tuples(pattern, pattern).map("|".join))
text = st.lists(st.text(st.sampled_from("aabbABxX1123-- 号码们_"), max_size=24), min_size=1, max_size=5)


def spans(patterns: list[str], lines: list[str]) -> dict[int, set[tuple[int, int]]]:
    """What the compiled engine finds: offsets of bytes by pattern."""
    from guard.detect.engine import EngineScan
    from guard.detect.sweep import Workspace

    detectors = [Detector(id=f"d{number}", data_class="person.name", title=Title(en="x", zh="x"), pattern=source,
                          boundary="none", confidence=Confidence(shape=0.9)) for number, source in enumerate(patterns)]
    assembly = Assembly(compile_rules(detectors), "none", use_cache=False)
    limits._current.set(Budget())
    scan = EngineScan(assembly, Workspace(), "\n".join(lines).encode(), "")
    found: dict[int, set[tuple[int, int]]] = {number: set() for number in range(len(patterns))}
    matches, _ = scan._swept()
    for number, start, end in zip(matches.program.tolist(), matches.start.tolist(), matches.end.tolist(), strict=True):
        found[assembly.patterns[number].rule.index].add((start, end))
    return found


def expected(source: str, lines: list[str]) -> set[tuple[int, int]]:
    edges = [0]
    for line in lines:
        edges.append(edges[-1] + len(line.encode()) + 1)
    spelled = re.compile(bounded(source, "none"), re.ASCII)
    return {(low + len(line[: found.start()].encode()), low + len(line[: found.end()].encode()))
            for line, (low, _) in zip(lines, pairwise(edges), strict=True) for found in spelled.finditer(line)
            if found.end() > found.start()}


@given(st.lists(folded, min_size=3, max_size=12, unique=True), text)
def test_the_sweep_finds_what_re_finds(patterns, lines):
    found = spans(patterns, lines)
    for number, source in enumerate(patterns):
        assert found[number] == expected(source, lines), source


@pytest.mark.parametrize("source", [r"(?i:(?<![\w-])[A-Z]{1,3}-[A-Z]{1,2}\s\d{1,4})", r"(?<!(?:x))ab\d"])
def test_what_may_not_stand_before_a_match_is_looked_at(source):
    lines = ["BERL-AB 12", "xab1 ab2", "ERL-AB 12"]
    assert spans([source], lines)[0] == expected(source, lines)

"""What is known of how matches begin, and of the words they need, never hides one: the sweep against `re`."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Hits
from guard.detect import Budget, Detector, Matcher, PlainMatcher, limits, load, walk
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
    # What is walked for the first time, the second and the third goes three different ways.
    for repeated in (lines, lines * 3):
        found = spans(patterns, repeated)
        for number, source in enumerate(patterns):
            assert found[number] == expected(source, repeated), source


@pytest.mark.parametrize("source", [r"(?i:(?<![\w-])[A-Z]{1,3}-[A-Z]{1,2}\s\d{1,4})", r"(?<!(?:x))ab\d"])
def test_what_may_not_stand_before_a_match_is_looked_at(source):
    lines = ["BERL-AB 12", "xab1 ab2", "ERL-AB 12"]
    assert spans([source], lines)[0] == expected(source, lines)


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """States are forgotten all the time, and lines share the root of everything."""
    monkeypatch.setattr(walk, "MOST_STATES", 64)
    monkeypatch.setattr(walk, "MOST_ROOTS", 2)


@pytest.mark.usefixtures("little_room")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(folded, min_size=3, max_size=12, unique=True), text)
def test_forgetting_states_loses_nothing(patterns, lines):
    lines = lines * 3
    found = spans(patterns, lines)
    for number, source in enumerate(patterns):
        assert found[number] == expected(source, lines), source


def test_states_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.detect import engine

    monkeypatch.setattr(walk, "MOST_STATES", 64)
    forgotten = []
    monkeypatch.setattr(engine, "forget", lambda walks: forgotten.append(walk.forget(walks)))
    words = [f"{first}{second}{third}" for first in "abcde" for second in "abcde" for third in "abcde"]
    # Transitions are made where they are asked for again.
    lines = [f"{word} 号码" for word in words for _ in range(3)]
    patterns = [f"{first}{second}{third}" for first in "abcde" for second in "edcba" for third in "abcde"]
    found = spans(patterns, lines)
    assert forgotten
    assert all(found[number] == expected(source, lines) for number, source in enumerate(patterns))


def test_long_lines_and_matches_across_the_window():
    line = "x" * (walk.WINDOW - 3) + "ab1" + "号" * walk.WINDOW + "ab1" + "a" * 40 + "1"
    for source in ("ab1", "x号?ab1", "(?<=x)ab", "号{3,}ab1$", "a{30,}1$", "1a{40}1"):
        assert spans([source], [line, line])[0] == expected(source, [line, line]), source


def test_more_places_than_are_noted_at_once():
    from guard.detect.sweep import EVENTS

    lines = ["x1" * EVENTS, "12" * 10, "1x" * 1_000]
    for source in ("[0-9]", "x?[0-9]x", "[0-9x]{3}"):
        assert spans([source, "[0-9]"], lines)[0] == expected(source, lines), source


def test_a_masked_value_is_the_group_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    detector = Detector(id="d", data_class="person.id", title=Title(en="x", zh="x"), pattern=r"\d{8}", boundary="none",
                        masked=r"no (\*{4}\d{4})|id \*{4}\d{4}", confidence=Confidence(shape=0.9))
    text = b"no ****1234, id ****5678, no ****1234"
    for matcher in (PlainMatcher([detector]), Matcher([detector], cache=False)):
        assert matcher.scan_text(text).start.tolist() == [3, 29]


@cache
def matchers() -> tuple[PlainMatcher, Matcher]:
    return PlainMatcher(load()), Matcher(load())


names = st.lists(st.text(st.sampled_from("王李欧阳高安方于单卡联说男女市某伟·· 、,，:;。1"), min_size=2, max_size=16),
                 min_size=1, max_size=4).map("\n".join)


@given(names)
def test_names_begin_with_a_surname_or_have_a_dot(lines):
    plain, fast = matchers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: True)
        found, right = fast.scan_text(lines.encode()), plain.scan_text(lines.encode())
    assert [column.tolist() for column in columns(found)] == [column.tolist() for column in columns(right)]


def columns(hits: Hits) -> tuple[Any, ...]:
    return hits.detector, hits.start, hits.end, hits.confidence, hits.flags

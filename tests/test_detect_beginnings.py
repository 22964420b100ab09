"""What is known of how matches begin, and of the words they need, never hides one: the sweep against `re`."""

from __future__ import annotations

import re
import re._parser as parser
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Hits
from guard.detect import Budget, Detector, Matcher, PlainMatcher, limits, load, prefilter, walk
from guard.detect.assembly import Assembly
from guard.detect.beginnings import TooLargeError, graph_of
from guard.detect.pack import Confidence, Title, bounded
from guard.detect.rule import compile_rules

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
SCREENED, ALL = 1.0, -1.0
"""Walks from the places that the prefilter lets through, or from all."""
worths = st.sampled_from([SCREENED, ALL])
BEHIND = ["", r"(?<![\w-])", "(?<!(?:x))", "(?<!(?i:b))", "(?<=a)", "(?<=[一-龥])", r"\b", "^", "(?<!号)(?<![0-9])",
          "(?=[a-z号])", "(?<=(?i:b))"]
BEGINNINGS = ["ab", "(?:ab|号码|1)", "(?:a|b){1,3}", "[0-9]{1,3}", "[一-龥]{1,2}?", "(ab|b[0-9]|号)", "(?:(?:a|码)b?)+",
              "a?号", "(?:a(?<!ba)|1)", "(?:[0-9]{2}-){1,2}", "(?i:A[bB])", "x{2,}", r"([ab-]?)1\1",
              r"(a|[0-9]号?){1,2}-?\1", r"(?i:(A|号)\1)", r"(a?(b|1))\2\1"]
REST = ["", "[0-9]", "(?: ?号|-b)", "(?=[号1])", "(?!b)", "(?:ab)?1", "[a-z一-龥]{1,3}", " ?(?:xx|号码|b1)", "$",
        "[ab]*+1"]
pattern = st.builds("{}{}{}".format, st.sampled_from(BEHIND), st.sampled_from(BEGINNINGS), st.sampled_from(REST))
folded = st.one_of(pattern, pattern.map("(?i:{})".format), st.tuples(pattern, pattern).map("|".join))
text = st.lists(st.text(st.sampled_from("aabbABxX1123-- 号码们_"), max_size=24), min_size=1, max_size=5)


def spans(patterns: list[str], lines: list[str], worth: float = prefilter.WORTH) -> dict[int, set[tuple[int, int]]]:
    """What the compiled engine finds: offsets of bytes by pattern. `worth` is SCREENED or ALL."""
    from guard.detect.engine import EngineScan
    from guard.detect.sweep import Workspace

    detectors = [Detector(id=f"d{number}", data_class="person.name", title=Title(en="x", zh="x"), pattern=source,
                          boundary="none", confidence=Confidence(shape=0.9)) for number, source in enumerate(patterns)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefilter, "WORTH", worth)
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


@given(st.lists(folded, min_size=3, max_size=12, unique=True), text, worths)
def test_the_sweep_finds_what_re_finds(patterns, lines, worth):
    # What is walked for the first time, the second and the third goes three different ways.
    for repeated in (lines, lines * 3):
        found = spans(patterns, repeated, worth)
        for number, source in enumerate(patterns):
            assert found[number] == expected(source, repeated), source


@pytest.mark.parametrize(("source", "spelled"), [(r"([ -]?)1\1", "[ -]?1[ -]?"), (r"(ab|c)\1", "(?:ab|c)(?:ab|c)"),
                                                 (r"(a)(b\1)\2", "aba")])
def test_a_reference_is_whatever_its_group_can_be(source: str, spelled: str) -> None:
    steps = [graph_of(list(parser.parse(one, re.ASCII).data), False).steps for one in (source, spelled)]
    assert steps[0] == steps[1]


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
@given(st.lists(folded, min_size=3, max_size=12, unique=True), text, worths)
def test_forgetting_states_loses_nothing(patterns, lines, worth):
    lines = lines * 3
    found = spans(patterns, lines, worth)
    for number, source in enumerate(patterns):
        assert found[number] == expected(source, lines), source


@pytest.mark.parametrize("worth", [SCREENED, ALL])
def test_states_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch, worth: float) -> None:
    from guard.detect import engine

    monkeypatch.setattr(walk, "MOST_STATES", 64)
    forgotten = []
    monkeypatch.setattr(engine, "forget", lambda walks: forgotten.append(walk.forget(walks)))
    words = [f"{first}{second}{third}" for first in "abcde" for second in "abcde" for third in "abcde"]
    # Transitions are made where they are asked for again.
    lines = [f"{word} 号码" for word in words for _ in range(3)]
    patterns = [f"{first}{second}{third}" for first in "abcde" for second in "edcba" for third in "abcde"]
    found = spans(patterns, lines, worth)
    assert forgotten
    assert all(found[number] == expected(source, lines) for number, source in enumerate(patterns))


@pytest.mark.parametrize("worth", [SCREENED, ALL])
def test_long_lines_and_matches_across_the_window(worth):
    line = "x" * (walk.WINDOW - 3) + "ab1" + "号" * walk.WINDOW + "ab1" + "a" * 40 + "1"
    sources = ("ab1", "x号?ab1", "(?<=x)ab", "(?<!号)a", "号{3,}ab1$", "a{30,}1$", "1a{40}1", "号{40}a", "^a{40}")
    for ahead in ("", "1", "号"):
        lines = [ahead + line, line, "a" * 40 + "1"]
        for source in sources:
            assert spans([source], lines, worth)[0] == expected(source, lines), source


@pytest.mark.parametrize("worth", [SCREENED, ALL])
def test_more_places_than_are_noted_at_once(worth):
    from guard.detect.stride_loops import EVENTS

    lines = ["x1" * EVENTS, "12" * 10, "1x" * 1_000]
    for source in ("[0-9]", "x?[0-9]x", "[0-9x]{3}"):
        assert spans([source, "[0-9]"], lines, worth)[0] == expected(source, lines), source


@given(st.lists(folded, min_size=1, max_size=30), text)
def test_the_prefilter_lets_every_beginning_through(patterns, lines):
    """Whatever bucket an opening is in, and however short a match is."""
    graphs, sources = [], []
    for source in patterns:
        try:
            tree = parser.parse(bounded(source, "none"), re.ASCII)
            graphs.append(graph_of(list(tree.data), bool(tree.state.flags & re.IGNORECASE)))
            sources.append(source)
        except TooLargeError:
            continue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefilter, "WORTH", SCREENED)
        table = prefilter.prefilter(graphs, [None] * len(graphs))
    data = ("\n" + "\n".join(lines) + "\n" * 8).encode()
    for source, bucket in zip(sources, table.buckets.tolist(), strict=True):
        for start, _ in expected(source, lines):
            seen = [int(table.pairs[int.from_bytes(data[start + ahead :][:2], "little")]) for ahead in (0, 2, 4)]
            assert seen[0] & seen[1] >> prefilter.SECOND & seen[2] >> prefilter.THIRD & bucket, source


def test_a_line_asks_only_for_the_buckets_of_its_words():
    """An opening with words is looked for in lines that hold one, in a bucket that others do not keep open."""
    lines = ["token=abcdefgh", "abcdefgh", "abcdefgh token"]
    sources = ["[a-z]{2,9}=[a-h]{8}", "token=[a-h]{8}", "[0-9]{9}"]
    found = spans(sources, lines, SCREENED)
    assert all(found[number] == expected(source, lines) for number, source in enumerate(sources))


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

"""Packs that are not shipped: their patterns find what `re` finds, in both engines and in the oracle, and what cannot
be run is said when the pack is loaded."""

from __future__ import annotations

import pickle
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import guard
from guard import content
from guard.batch import Hits
from guard.detect import Budget, Detector, Matcher, PlainMatcher, limits, load
from guard.detect.limits import LimitedPattern
from guard.errors import ContentError
from guard.taxonomy import Title

PATTERNS = (
    r"PRJ-\d{4,8}", r"(?i:staff)[ _-]?no[:=]\s*(\d{5,9})", r"工单号[：:]\s*[A-Z]{2}\d{6}",
    r"[一-龥]{2,4}(?:村|镇|街道)",
    r"(?<=编号)\d{4,12}", r"(?<!\d)7\d{9}(?!\d)", r"[A-Z]{3}(?:-[0-9A-F]{4}){3}", r"\b[a-z]+_[a-z]+@corp\b",
    r"(?P<q>['\"])tok_[^'\"]{4,40}(?P=q)", r"(?:\d{3}[ .]){3}\d{2}", r"x{e}|\{[a-z]{2,9}\}", r"[\[\]&|~-]{3,}\d",
    r"(?:ab|a)(?:bc|c)+?d", r"(?>a+)b|a{2,3}?c", r"[^\x00-\x7f]{3}\d", r"^-- [a-z ]+ --$", r"\w+(?:\.\w+){2,}(?!\w)",
    r"[.\d]{5,}[^\W\d]", r"(?=.*end)begin \w+", r"(?:(a)|(b)|c){2,5};",
)
PIECES = (
    "PRJ-1234", "PRJ-123456789", "staff_no: 12345", "STAFF NO=123456789", "工单号:AB123456",
    "工单号: XY000001", "东湖街道",
    "李家村", "编号20240001", "7123456789", "17123456789", "ABC-12AF-00FF-9E9E", "ann_lee@corp", "'tok_abcdef'",
    "\"tok_x'", "123.456 789.01", "x{e}", "{abc}", "[]&5", "~~~-1", "abcd", "abccd", "acd", "aab", "aaac",
    "中文字1", "-- a b --",
    "a.b.c", "www.x.org", "1.2.3.4z", "begin it", "end", "abcab;", "cc;", "é", "\u212a", "ſ", "\n", " ", "a", "1", "-",
)


def detector(pattern: str, number: int = 0, boundary: str = "none", **more: object) -> Detector:
    return Detector(id=f"mine-{number}", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=pattern,
                    boundary=boundary, **more)  # type: ignore[arg-type]


def spans(hits: Hits) -> set[tuple[int, int, int]]:
    return set(zip(hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True))


def expected(text: str) -> set[tuple[int, int, int]]:
    """What `re` itself finds in each line, in bytes of the text."""
    found, first = set(), 0
    for line in text.split("\n"):
        for number, pattern in enumerate(PATTERNS):
            for match in re.finditer(pattern, line, re.ASCII):
                start, end = (first + len(line[:at].encode()) for at in match.span())
                found.add((number, start, end))
        first += len(line.encode()) + 1
    return found


DETECTORS = tuple(detector(pattern, number) for number, pattern in enumerate(PATTERNS))
PLAIN, FAST = PlainMatcher(DETECTORS), Matcher(DETECTORS, cache=False)
SOUP = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


@settings(max_examples=60, deadline=None)
@given(SOUP)
def test_the_oracle_finds_what_re_finds(text: str) -> None:
    assert spans(PLAIN.scan_text(text.encode())) == expected(text)


def test_both_engines_find_what_re_finds(engine: str) -> None:
    chance = random.Random(7)
    for _ in range(60):
        text = "".join(chance.choices(PIECES, k=chance.randint(0, 60)))
        assert spans(FAST.scan_text(text.encode())) == expected(text), engine


ATOMS = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", r"\d", "é", "[é-ü]", r"\b", "^", "$", "(?<=a)", "(?!b)",
                         "{", "}", "{a}", "[[a:]", "[a&&b]", "[a--b]", "[]a]", r"[^\]a]", r"\{", "(?i:k)", "{,2}x"])
MANNERS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "*?", "+?", "{,2}", "{2,}?", "++"])


def _pattern(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joined = st.lists(inner, min_size=1, max_size=3).map("".join)
    return st.one_of(joined, st.tuples(joined, joined).map("(?:%s|%s)".__mod__), st.tuples(joined, MANNERS).map(
        lambda pair: f"({pair[0]}){pair[1]}"))


@settings(max_examples=300, deadline=None)
@given(st.recursive(st.tuples(ATOMS, MANNERS).map("".join), _pattern, max_leaves=6),
       st.text("ab{}[]:&-é1K\u212ax", max_size=12))
@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
def test_a_limited_pattern_is_the_same_pattern(pattern: str, text: str) -> None:
    if limits.fault(pattern):
        return
    limited, exact = LimitedPattern(pattern, 0), re.compile(pattern, re.ASCII)

    def told(found: re.Match[str]) -> object:
        return found.span(), found.groups(), found.lastindex

    with Budget().spending(0):
        assert [*map(told, limited.finditer(text))] == [*map(told, exact.finditer(text))]
        assert limited.groups == exact.groups
        whole, true = limited.fullmatch(text), exact.fullmatch(text)
        assert (whole and told(whole)) == (true and told(true))
        first, real = limited.search(text, 1, 7), exact.search(text, 1, 7)
        assert (first and told(first)) == (real and told(real))


def pack(folder: Path, *lines: str) -> Path:
    path = folder / "mine.yml"
    head = ["- id: mine", "  data_class: person.name", "  title: {en: Mine, zh: 我的}"]
    path.write_text("\n".join([*head, *(f"  {line}" for line in lines)]) + "\n", encoding="utf-8")
    return path


def test_only_the_shipped_packs_are_reviewed(tmp_path: Path) -> None:
    shipped = content.root("detectors") / "secret.yml"
    if not shipped.exists():
        shipped = next(path for path in content.files("detectors") if path.name != "taxonomy.yml")
    copy = tmp_path / shipped.name
    copy.write_bytes(shipped.read_bytes())
    assert all(one.reviewed for one in load())
    assert all(one.reviewed for one in load([shipped]))
    assert not any(one.reviewed for one in load([copy]))
    mixed = {one.id: one.reviewed for one in load([shipped, pack(tmp_path, "pattern: 'x-1'")])}
    assert not mixed.pop("mine")
    assert all(mixed.values())
    ours, theirs = (Matcher(load([one]), cache=False) for one in (shipped, copy))
    assert ours.digest == theirs.digest


def test_a_pack_cannot_review_itself(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"mine\.yml:5"):
        load([pack(tmp_path, "pattern: 'x-1'", "reviewed: true")])


def test_what_is_reviewed_survives_pickling_but_no_change() -> None:
    import dataclasses

    ours = next(one for one in load() if one.pattern)
    assert pickle.loads(pickle.dumps(ours)).reviewed
    assert not dataclasses.replace(ours, pattern="(a+)+b").reviewed


DOUBLING = "".join(rf"(\{group}\{group})" for group in range(1, 60))
"""Groups that each match what the one before did, twice."""


@pytest.mark.parametrize(("line", "fault"), [
    ("pattern: 'x*'", "at least one character"), ("pattern: '(?=x)'", "at least one character"),
    ("pattern: '(?:(?:a{1,1000}){1,1000}){1,1000}b'", "references amount"), ("pattern: '(?i)abc'", "global flags"),
    (f"pattern: '{'(?:a|' * 100}b{')c' * 100}'", "nested too deep"),
    (f"pattern: '(ab){DOUBLING}'", "references amount"), (f"pattern: '(a?){DOUBLING}b'", "references amount"),
    ("masked: '(?:x?){3}'\n  pattern: 'abc'", "at least one character"),
    ("cell: 'a|'\n  pattern: 'abc'", "at least one character"),
])
def test_patterns_that_cannot_be_run_are_errors_with_their_place(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(ContentError, match=rf"mine\.yml:4:.*{fault}"):
        load([pack(tmp_path, *line.split("\n  "))])


def test_a_pack_from_the_cache_is_no_more_trusted(tmp_path: Path) -> None:
    path = pack(tmp_path, "pattern: 'PRJ-[0-9]{4}'")
    assert [one.reviewed for one in (*load([path]), *load([path]))] == [False, False]


def test_a_cell_pattern_of_a_pack(tmp_path: Path, engine: str) -> None:
    path = pack(tmp_path, "pattern: 'PRJ-[0-9]{4}'", "cell: '[0-9]{4}'", "headers: [project]")
    source = tmp_path / "rows.csv"
    source.write_text("project,other\n" + "1234,1234\nPRJ-9999,x\n12345,y\n" * 3)
    report = guard.Scanner(packs=[path]).scan(source)
    assert [(f.field, f.hits) for f in report.fields if f.hits] == [("project", 6)], engine
    assert report.verdict == "pass"

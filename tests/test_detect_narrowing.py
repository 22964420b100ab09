"""Narrowed assemblies: columns in which most patterns cannot match are scanned without these, and nothing is missed.

The plain matcher says what is right. Columns here are of one kind each, as in tables, so that much is left out.
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, load, narrowing
from guard.detect.cell_text import CellText
from guard.detect.folding import fold
from guard.detect.needs import BEYOND, Needs, needs, needs_of, needs_of_words
from guard.detect.plan import Plan
from guard.detect.shapes import Block
from guard.detect.values import Values

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")


@cache
def matchers() -> tuple[PlainMatcher, Matcher]:
    return PlainMatcher(load()), Matcher(load())


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine and narrowing, however little there is to scan."""
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    monkeypatch.setattr(narrowing, "LEAST", 0)
    monkeypatch.setattr(narrowing, "PLENTY", 0)
    monkeypatch.setattr(narrowing, "MOST_WANTED", 1)


def as_column(values: list[bytes], header: str) -> Column:
    lengths = np.array([len(value) for value in values], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    return Column("field", header, b"\0".join(values), starts, starts + lengths, np.arange(len(values)))


def rows(hits: Hits) -> list[tuple[int, int, int, int, float, int]]:
    return list(zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                    hits.confidence.tolist(), hits.flags.tolist(), strict=True))


def assert_alike(values: list[bytes], header: str) -> int:
    plain, fast = matchers()
    column = as_column(values, header)
    expected = rows(plain.scan_column(column))
    assert rows(fast.scan_column(column)) == expected
    return len(expected)


def examples(detector: Detector) -> list[bytes]:
    texts = (*detector.examples.match, *detector.examples.masked, *detector.examples.no_match)
    return [text.encode() for text in texts]


@pytest.mark.parametrize("part", range(4))
def test_the_examples_of_each_detector_are_a_column(part: int) -> None:
    found = 0
    for number, detector in enumerate(load()[part::4]):
        header = detector.headers[number % len(detector.headers)].lstrip("=") if detector.headers else ""
        found += assert_alike(examples(detector), "" if number % 3 else header)
    assert found > 100


KINDS = {
    "digits": lambda chance: f"{chance.randrange(10 ** chance.choice((6, 8, 11, 15, 16, 18, 19)))}",
    "identity": lambda chance: chance.choice(("11010119900307123X", "110101199003071233", "330382199912211416", "1x")),
    "dates": lambda chance: f"{chance.randint(1900, 2030)}{chance.choice('-/.')}0{chance.randint(1, 9)}-1",
    "codes": lambda chance: "".join(chance.choices("SLAK0123456789", k=chance.choice((9, 12, 18)))),
    "names": lambda chance: "".join(chance.choices("王李赵欧阳小明男女先生同志、·某", k=chance.randint(2, 5))),
    "places": lambda chance: "".join(chance.choices(("杭州市", "西湖区", "文三路", "12号", "３幢", "2室"), k=4)),
    "words": lambda chance: chance.choice(("password", "pw: a1!Bc", "token=", "a@b.cn", "10.1.2.3", "x", "K\u212aey")),
    "odd": lambda chance: chance.choice(("", " ", "\n13800138000\r\n", "１３８００１３８０００", "\u200b", "𝟏𝟑𝟖00138")),
}


@pytest.mark.parametrize("seed", range(40))
def test_columns_of_one_kind(seed: int) -> None:
    chance = random.Random(seed)
    kinds = chance.sample(sorted(KINDS), chance.choice((1, 1, 2)))
    values = [KINDS[chance.choice(kinds)](chance).encode() for _ in range(30)]
    if seed % 7 == 0:
        values[3] += chance.choice((b"\xff", b"\xe4", b"\xe4\xb8", b"\xf0\x9f"))
    header = chance.choice(("", "备注", "手机号", "姓名", "id", "证件号码", "出生日期"))
    assert_alike(values, header)


def plan() -> Plan:
    return matchers()[1]._plan


def joined(values: list[bytes]) -> CellText:
    column = as_column(values, "")
    return CellText(Values(column.data, column.starts, column.ends).lines())


def test_little_is_left_for_a_column_of_numbers_and_all_beyond_the_basic_plane() -> None:
    assemblies, whole = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True), plan().assembly
    few = assemblies.of(joined([b"13800138000", b"13900139000"]), "手机号")
    assert 0 < len(few.patterns) < 20
    assert assemblies.of(joined([b"20260101", "𝟏".encode()]), "") is whole
    assert assemblies.of(joined([b"20260101", b"\xe4"]), "") is whole


@given(st.lists(st.binary(max_size=6) | st.text("a1中é０·\u200b\x1b[m\r\n\ud7ff\ue000𝟏", max_size=6).map(str.encode),
                min_size=1, max_size=8))
def test_plain_cells_are_what_they_look_like(values: list[bytes]) -> None:
    text = joined(values)
    data = text.values.data
    try:
        folded = fold(data.decode().encode())
    except UnicodeDecodeError:
        assert not text.is_plain
        return
    lines = Block(data).bounds.tolist()
    assert text.block.bounds.tolist() == Block(text.folded.data).bounds.tolist()
    assert text.folded.data == folded.data
    if text.is_plain:
        assert (folded.data, lines) == (data, [-1, *text.values.ends.tolist()])
    elif all(character <= "\uffff" for character in data.decode()) and b"\x1b" not in data:
        assert folded.data != data or len(lines) != len(values) + 1


def test_nothing_is_left_where_nothing_can_match() -> None:
    assemblies = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True)
    assert assemblies.of(joined([b"!", b"!!"]), "").patterns == ()
    assert assert_alike([b"!", b"!!"], "") == 0


def test_small_columns_are_narrowed_when_they_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "LEAST", 4)
    monkeypatch.setattr(narrowing, "PLENTY", 1000)
    assemblies, whole = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True), plan().assembly
    values = joined([b"20260101", b"19991231"])
    assert assemblies.of(joined([b"1"]), "") is whole
    assert assemblies.of(values, "") is whole
    narrowed = assemblies.of(values, "")
    assert narrowed is not whole
    assert assemblies.of(values, "") is narrowed


def test_cells_of_all_kinds_are_left_to_the_whole_assembly(monkeypatch: pytest.MonkeyPatch) -> None:
    printable = joined([bytes(range(32, 127)) * 3, "姓名电话身份证号地址".encode()])
    assemblies, whole = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True), plan().assembly
    assert assemblies.of(printable, "") is not whole
    monkeypatch.setattr(narrowing, "MOST_WANTED", 0.5)
    assert assemblies.of(printable, "") is whole
    assert assemblies.of(joined([b"13800138000"]), "") is not whole


def test_what_was_wanted_once_stays() -> None:
    assemblies = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True)
    silent, saying = joined(["王小明".encode(), "李雷话".encode()]), joined(["王小明".encode(), "李雷说".encode()])
    first, second = assemblies.of(silent, ""), assemblies.of(saying, "")
    assert len(second.patterns) > len(first.patterns)
    assert assemblies.of(silent, "") is second


def test_what_is_wanted_is_asked_only_when_something_new_occurs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, met = list[int](), Needs.met

    def counted(needs: Needs, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        asked.append(1)
        return met(needs, seen)

    monkeypatch.setattr(Needs, "met", counted)
    assemblies = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True)
    wide, narrow = joined([b"13800138000", b"2026-01-01"]), joined([b"13800138", b"2026"])
    first = assemblies.of(wide, "")
    calls = len(asked)
    assert assemblies.of(narrow, "") is first
    assert assemblies.of(wide, "") is first
    assert len(asked) == calls
    longer = assemblies.of(joined([b"110101199003071233", b"2026-01-01"]), "")
    assert len(asked) > calls
    assert len(longer.patterns) > len(first.patterns)


def test_the_number_of_assemblies_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "MOST", 3)
    assemblies = narrowing.NarrowedAssemblies(plan().assembly, use_cache=True)
    made = [assemblies.of(joined([b"20260101"]), f"h{number}") for number in range(5)]
    assert assemblies.of(joined([b"20260101"]), "h4") is made[4]
    assert assemblies.of(joined([b"20260101"]), "h0") is not made[0]


@pytest.mark.parametrize(("pattern", "text", "without"), [
    (r"\d{4}-\d", "1234-5", "-"), (r"ab|cd", "cd", "abcd"), (r"(?:x|y)?z", "z", "z"), (r"(?i:key)=", "KEY=", "Kk"),
    (r"a(?=[;:])", "a:", ":;"), (r"(?<=[名称])\d", "名1", "名称"), (r"[一-龥]{2}", "王明", "王明"),
    (r"(?>ab)c", "abc", "b"),
])
def test_needs(pattern: str, text: str, without: str) -> None:
    """A pattern that matches has all that it needs; what it cannot do without is among its needs."""
    found = needs([needs_of(pattern)])
    assert found.met(occurring(text)).all()
    assert not found.met(occurring("".join(set(text) - set(without)))).all()


def occurring(text: str) -> narrowing.Mask:
    seen = np.zeros(BEYOND + 1, bool)
    for character in text:
        seen[ord(character)] = True
        seen[BEYOND] |= ord(character) > 127
    return seen


@given(st.data())
def test_a_pattern_that_matches_has_what_it_needs(data: st.DataObject) -> None:
    patterns = plan().assembly.patterns
    pattern = data.draw(st.sampled_from(patterns))
    matches = [t for t in (*pattern.rule.detector.examples.match, *pattern.rule.detector.examples.masked)
               if (pattern.rule.masked if pattern.kind else pattern.rule.pattern).search(t)]
    for text in matches:
        assert needs([needs_of(pattern.source, spans_lines=pattern.spans_lines)]).met(occurring(text + "\r\n")).all()


def test_words_need_one_of_theirs_in_any_case() -> None:
    found = needs([needs_of_words(("mobile", "手机"))])
    for text, expected in (("手机", True), ("MOBILE", True), ("固话", False), ("123", False)):
        assert found.met(occurring(text)).all() == expected
    assert needs([needs_of_words(("kiosk",))]).met(occurring("\u212aIO\u017f\u212a")).all()


@pytest.mark.parametrize("chosen", [(), ("email-address",), ("cn-postcode",)])
def test_few_detectors(chosen: tuple[str, ...]) -> None:
    """Also without any pattern that has an opening, or without any that has none."""
    few = tuple(detector for detector in load() if detector.id in chosen)
    column = as_column([b"a@example.org", b"100871", "邮编 100871".encode()], "")
    expected = rows(PlainMatcher(few).scan_column(column))
    assert rows(Matcher(few, cache=False).scan_column(column)) == expected
    matcher = Matcher(few)
    assert [rows(matcher.scan_column(column)) for _ in range(2)] == [expected, expected]

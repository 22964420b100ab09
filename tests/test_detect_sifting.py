"""From matches to hits in compiled loops: keywords, context, evidence and masks as the plain code has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from span_arrays import BLANK

from guard import compiled
from guard.batch import Hits
from guard.detect import Detector, PlainMatcher, limits
from guard.detect.folding import fold, fold_quickly
from guard.detect.limits import Budget
from guard.detect.normalise import without_controls
from guard.detect.pack import Confidence, Context
from guard.detect.rule import compile_rules
from guard.detect.scan import merge

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")

Find = Callable[[str], list[Any]]
NUMBER = replace(BLANK, id="number", data_class="person.phone", pattern="[0-9]{4,6}", boundary="digit",
                 confidence=Confidence(shape=0.5, checked=0.8, failed=0.4))
CONTEXT = Context(words=("手机", "phone", "id card", "K", "größe", "ski"), against=("订单", "bytes", "手"), window=12,
                  after=6)
RULES = {
    "keyword": replace(NUMBER, keywords=("kelvin", "is")),
    "foreign keyword": replace(NUMBER, keywords=("größe", "单")),
    "context": replace(NUMBER, context=CONTEXT),
    "required context": replace(NUMBER, context=CONTEXT, require="context"),
    "masked": replace(NUMBER, masked="号?([0-9]{1,3}[*x]{2,4})", hidden=3, context=CONTEXT, separators=("1",)),
    "much evidence": replace(NUMBER, evidence={
        "uneven": 0.05, "contains_digit": 0.05, "calendar_date": 0.1, "area_code": 0.1, "mobile_segment": -0.2}),
    "name": replace(NUMBER, pattern="(?<![一-龥])[一-龥 ]{2,4}", separators=(" ",), filters=("is_usual_name",),
                    evidence={"is_sure_name": 0.1}, near=("person.phone",)),
}
PIECES = ("1234", "12345", "0571", "138001", "20200101", "K", "kelvin", "KELVIN", "\u212aelvin", "\u0130s", "ıs",
          "größe", "GRÖßE", "s\u212ai", "SK\u0131", "单", "手机", "手", "机", "订单", "phone", "Phone", "PHONES",
          "microphone", "myPhone", "id card", "ID_card", "idcard", "bytes", "size", "：", ":", ",", "。", " ", "\t",
          "\n", "\r\n", "　", "\u2003", "*", "x", "xx", "**", "号", "张伟", "王 芳", "\u200b", "１２", "é", "😀")


def by_definition(detectors: Sequence[Detector]) -> Find:
    """What the plain code finds."""
    matcher = PlainMatcher(detectors)
    return lambda text: rows(matcher.scan_text(text.encode()))


def by_loops(detectors: Sequence[Detector], *, by_machine: bool = True) -> Find:
    """What the compiled engine finds; without the machine words of the context are left to `re`."""
    from guard.detect.assembly import Assembly
    from guard.detect.engine import EngineScan
    from guard.detect.sweep import Workspace

    rules = compile_rules(detectors)
    assembly = Assembly(rules, "none", use_cache=False)
    if not by_machine:
        assembly.words = dict.fromkeys(assembly.words)

    def found(text: str) -> list[Any]:
        limits._current.set(Budget())
        return rows(merge(rules, EngineScan(assembly, Workspace(), text.encode(), "").found()))

    return found


def rows(hits: Hits) -> list[Any]:
    columns = (hits.detector, hits.start, hits.end, hits.confidence, hits.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("name", RULES)
def test_hits_are_those_of_the_plain_code(name: str) -> None:
    chosen = [RULES[name], replace(NUMBER, id="other")]
    expected, found, without = by_definition(chosen), by_loops(chosen), by_loops(chosen, by_machine=False)

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
    def check(text: str) -> None:
        right = expected(text)
        assert found(text) == right
        assert without(text) == right

    check()


@pytest.mark.parametrize(("name", "text", "count"), [
    ("keyword", "\u212aelvin 1234\n1234 KELVIN\n1234 elvin", 2), ("keyword", "\u0130s 1234\nıs 1234", 0),
    ("foreign keyword", "GRÖßE 1234\n1234\n订单1234", 2), ("required context", "手机 1234\nid  1234\nID card: 1234", 2),
    ("required context", "microphone 1234\nmyPhone=1234\nbytes=1234", 1), ("masked", "12****\n号1**\n1234", 3),
    ("much evidence", "0571 20200\n1234", 3), ("name", "1234 张伟\n张伟", 1),
    ("name", " 张伟 1234\n\u3000张伟K1234", 2),
])
def test_hits_of_some_lines(name: str, text: str, count: int) -> None:
    found = by_loops([RULES[name], NUMBER])(text)
    assert found == by_definition([RULES[name], NUMBER])(text)
    assert sum(row[0] == 0 for row in found) == count


REFERENCES = {
    "bare": replace(NUMBER, id="secret", pattern="=([^ =]{1,40})", group=1, boundary="none",
                    filters=("not_reference", "not_hex_id")),
    "separated": replace(NUMBER, id="secret", pattern="=([^ =]{1,40})", group=1, boundary="none", separators=("-",),
                         filters=("not_reference",)),
    "much evidence": replace(RULES["much evidence"], pattern="=([^ =]{1,40})", group=1, boundary="none",
                             filters=("not_reference",)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_names_of_code_are_refused_alike(name: str) -> None:
    pieces = ("=", "=", " ", "a", "Key", "_x", "9", ".", ".", "->", "::", "-", ":", ">", "．", "é", "\u200b", "x" * 12,
              "\n")
    expected, found = by_definition([REFERENCES[name]]), by_loops([REFERENCES[name]])

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.sampled_from(pieces), max_size=40).map("".join))
    def check(text: str) -> None:
        assert found(text) == expected(text)

    check()


@pytest.mark.parametrize(("value", "refused"), [
    ("store.setJob", True), ("a->b::c9.d", True), ("_a.b", True), ("a．b", True), ("a.9b", False), ("a.b.9", False),
    ("a.b->", False), ("9a.b-", False), ("a.b:c", False), ("é.b-c", False)])
def test_a_name_of_code_is_no_secret(value: str, refused: bool) -> None:
    found = by_loops([REFERENCES["bare"]])(f"={value}")
    assert found == by_definition([REFERENCES["bare"]])(f"={value}")
    assert (not found) == refused


def test_only_two_characters_have_ascii_letters_in_their_lower_case() -> None:
    letters = {chr(code) for code in range(128, 0x110000) if any(c.isascii() for c in chr(code).lower())}
    assert letters == {"\u0130", "\u212a"}


FOLDED = st.lists(st.sampled_from(("a", "１", "，", "\u200b", "・", "·", "\u3000", "é", "中", "龥", "😀", "𝟙",
                                   "\x1b[1m", "\ufeff", "x" * 9, "中" * 9)), max_size=30).map("".join)


@settings(deadline=None)
@given(FOLDED)
def test_a_buffer_is_folded_alike(text: str) -> None:
    quick, slow = fold_quickly(text.encode()), fold(text.encode())
    assert quick is not None
    assert quick.data == slow.data
    for name in ("points", "shifts", "sizes", "lost"):
        assert getattr(quick, name).tolist() == getattr(slow, name).tolist()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=4), st.sampled_from((b"abcdefgh", "中１".encode(), b"\xed\xa0\x80",
                                                                  b"\xf4\x90\x80\x80", b"\xe0\x80\x80"))), max_size=8))
def test_what_is_no_utf_8_is_not_folded(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    try:
        without_controls(data).decode()
    except UnicodeDecodeError:
        assert fold_quickly(data) is None
    else:
        assert fold_quickly(data) is not None


@settings(deadline=None)
@given(FOLDED.filter(bool), st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20)), min_size=1, max_size=9))
def test_hits_are_put_back_where_they_stand(text: str, spans: list[tuple[int, int]]) -> None:
    from guard.batch import NOISY
    from guard.detect.judging_loops import HitColumns, restore

    folded = fold(text.encode())
    size = len(folded.data)
    starts = np.array([start % max(1, size) for start, _ in spans], np.int64)
    ends = np.minimum(starts + [length for _, length in spans], max(1, size))
    out = HitColumns(np.arange(len(spans)), starts.copy(), ends.copy(), np.ones(len(spans)), np.zeros(len(spans), int))
    kept = np.arange(len(spans)) % 3 != 1
    count = restore(folded.points, folded.shifts, folded.sizes, folded.lost, kept, out, len(spans))
    first, last = folded.originals(starts[kept], ends[kept])
    assert (out.start[:count].tolist(), out.end[:count].tolist()) == (first.tolist(), last.tolist())
    assert out.detector[:count].tolist() == np.flatnonzero(kept).tolist()
    assert (out.flags[:count] > 0).tolist() == (last - first != (ends - starts)[kept]).tolist()
    assert set(out.flags[:count].tolist()) <= {0, NOISY}

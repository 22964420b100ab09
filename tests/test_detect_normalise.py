"""Normalising: what patterns see, and the way back to the bytes of the original."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.detect.normalise import FORMS, INVISIBLE, Line, lines, normal_form, normalise

NOISY = st.text("1８a张Ａ：　\u200b\ufeff\u00ad·•-–🙂é", max_size=30)


@given(NOISY, st.binary(max_size=3), st.integers(0, 40), st.data())
def test_spans_lead_back_to_the_bytes(text: str, rest: bytes, start: int, data: st.DataObject) -> None:
    raw = text.encode() + rest
    line = Line(raw, start)
    if not line.text:
        return
    low = data.draw(st.integers(0, len(line.text) - 1))
    high = data.draw(st.integers(low + 1, len(line.text)))
    first, last = line.span(low, high)
    piece = raw[first - start : last - start]
    assert normalise(piece.decode("utf-8", "surrogateescape")) == line.text[low:high]
    assert line.raw(low, high).encode("utf-8", "surrogateescape") == piece
    assert ord(line.raw(low, high)[0]) not in INVISIBLE
    assert ord(line.raw(low, high)[-1]) not in INVISIBLE


@given(st.binary(max_size=60))
def test_lines_cover_the_buffer_in_order(data: bytes) -> None:
    found = list(lines(data))
    assert [line.original.encode("utf-8", "surrogateescape") for line in found] == [
        part for part in data.replace(b"\r", b"\n").split(b"\n") if part]
    assert all(data[line.start :].startswith(line.original.encode("utf-8", "surrogateescape")) for line in found)


@given(st.text(st.characters(min_codepoint=0xFF01, max_codepoint=0xFF5E), max_size=20))
def test_full_width_follows_unicode(text: str) -> None:
    assert normalise(text) == unicodedata.normalize("NFKC", text)


@given(NOISY)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(("form", "variants"), [
    ("mobile", ["13812345678", "138 1234 5678", "+86 138-1234-5678", "0086-13812345678", "(+86)13812345678",
        "１３８１２３４５６７８",
                "138\u200b12345678", "8613812345678"]),
    ("landline", ["0571-87654321", "(0571)87654321", "（0571）87654321", "+86-571-87654321", "0086 571 87654321",
                  "+86(0571)87654321", "0571 8765 4321"]),
    ("upper", ["11010119900307123X", "11010119900307123x", "11010119900307123Ｘ"]),
    ("compact_upper", ["浙A·12345", "浙A12345", "浙a 12345", "浙A・12345"]),
    ("date", ["1990-3-7", "1990年03月07日", "1990/03/07", "1990.3.07"]),
    ("lower", ["Zhang@Example.COM", "zhang@example.com"]),
])
def test_one_value_has_one_normal_form(form: str, variants: list[str]) -> None:
    assert len({normal_form(text, (" ", "-") if form == "mobile" else (), form) for text in variants}) == 1


@given(st.sampled_from(sorted(FORMS)), st.text(max_size=30))
def test_forms_never_raise_and_are_stable(form: str, text: str) -> None:
    once = normal_form(text, (" ",), form)
    assert normal_form(once, (" ",), form) == once

"""Whether bytes are UTF-8: the loop against what Python decodes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard import compiled
from guard.utf8 import is_utf8

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
EDGES = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5]
pieces = st.one_of(st.text(max_size=9).map(lambda text: text.encode("utf-8", "surrogatepass")),
                   st.binary(max_size=3), st.lists(st.sampled_from(EDGES), max_size=4).map(bytes),
                   st.integers(0, 20).map(lambda count: b"a" * count))


def decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(pieces, max_size=6).map(b"".join))
@example(b"a" * 16 + "\u6570".encode() + b"a" * 8)
@example("\U0010ffff".encode() + b"\xf4\x90\x80\x80")
@example(b"\xed\xa0\x80")
@example(b"aaaaaaa\xe6\x95")
def test_what_is_utf8_decodes(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: True)
        assert is_utf8(data) == decodes(data)
        patch.setattr(compiled, "pays", lambda work: False)
        assert is_utf8(bytes(bytearray(data))) == decodes(data)


@given(st.lists(pieces, min_size=1, max_size=3), st.lists(st.integers(0, 5), max_size=12))
def test_buffers_may_be_asked_about_again_in_any_order(drawn: list[bytes], order: list[int]) -> None:
    buffers = [*drawn, drawn[0] + b"\xc3", "数".encode(), bytes(bytearray("数".encode()))]
    for number in order:
        data = buffers[number % len(buffers)]
        assert is_utf8(data) == decodes(data)

"""Escapes: places in a buffer where one character is written as several, and which one it is.

Percent-encoding (`%E5%BC%A0`, RFC 3986), code units (`\\u5f20`), bytes (`\\xe5\\xbc\\xa0`), and in the company of the
last two the short escapes of JSON (`\\"`, `\\n`, `\\\\`, RFC 8259). What does not stand for a whole character of UTF-8
text stays as it is: control characters, other charsets, lone surrogates. Not decoded are references of HTML and
quoted-printable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.last_buffer import LastBuffer
from guard.patterns import pattern

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

PERCENT, CODED, SHORT = 0, 1, 2
"""Kinds of escapes: percent-encoding; a backslash with a number; a backslash with a letter or mark."""
_WIDTH = 3
"""Bytes of the shortest escape that makes its line worth decoding, which is percent-encoding."""
_SEQUENCES = ((1, 0x00, 0x7F, 0x7F), (2, 0xC2, 0xDF, 0x1F), (3, 0xE0, 0xEF, 0x0F), (4, 0xF0, 0xF4, 0x07))
"""Of the sequences of UTF-8 by length: the first and last lead byte, and which bits of it belong to the character."""
_LETTER_ESCAPES = {0x22: 0x22, 0x27: 0x27, 0x2F: 0x2F, 0x5C: 0x5C, ord("n"): 10, ord("r"): 13, ord("t"): 9}
"""Escapes of one letter (RFC 8259), without those that stand for control characters."""

_NIBBLES = np.full(256, -1, np.int64)
_NIBBLES[list(b"0123456789abcdef")] = _NIBBLES[list(b"0123456789ABCDEF")] = np.arange(16)
_PERCENT = pattern(rb"%[0-9A-Fa-f]{2}")
_CODED = pattern(rb"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})")


class Escapes(NamedTuple):
    """Escapes in order: where each starts, how many bytes it is written in, the code point it stands for, its kind."""

    starts: Ints
    widths: Ints
    points: Ints
    kinds: Ints

    def take(self, which: npt.NDArray[Any]) -> Escapes:
        """The escapes at the given indices or under the given mask."""
        return Escapes(self.starts[which], self.widths[which], self.points[which], self.kinds[which])


_NO_ESCAPES = Escapes(*(np.empty(0, np.int64) for _ in Escapes._fields))


def find_escapes(data: bytes) -> Escapes:
    """The escapes in a buffer that stand for characters of text; others, and bytes that are no UTF-8, are left out."""
    # A search stops at the first one: most buffers have none, and their other backslashes need not be sorted out.
    parts = list[Escapes]()
    if b"%" in data and _PERCENT.search(data):
        view = np.frombuffer(data, np.uint8)
        places = np.flatnonzero(view == 0x25)
        whole = places[places <= len(data) - _WIDTH]
        parts.append(_characters(*_byte_escapes(view, whole, 1), PERCENT))
    if b"\\" in data and _CODED.search(data):
        parts.extend(_backslashes(_padded(data)))
    parts = [part for part in parts if len(part.starts)]
    if not parts:
        return _NO_ESCAPES
    together = Escapes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return together.take(np.argsort(together.starts, kind="stable"))


def _padded(data: bytes) -> Bytes:
    """The buffer with room behind it, so that an escape at its end can be looked at."""
    return np.frombuffer(data + bytes(12), np.uint8)


def _hexadecimal(view: Bytes, places: Ints, digits: int) -> Ints:
    """The number in `digits` hexadecimal digits at each place; negative where one is none."""
    number, bad = np.zeros(len(places), np.int64), np.zeros(len(places), bool)
    for offset in range(digits):
        value = _NIBBLES[view[places + offset]]
        bad |= value < 0
        number = number * 16 + value
    number[bad] = -1
    return number


def _byte_escapes(view: Bytes, places: Ints, prefix: int) -> tuple[Ints, Ints, int]:
    """Place and value of each escape of one byte, and the width of all of them."""
    values = _hexadecimal(view, places + prefix, 2)
    return places[values >= 0], values[values >= 0], prefix + 2


def _characters(places: Ints, values: Ints, width: int, kind: int) -> Escapes:
    """Whole characters out of escaped bytes: the well-formed sequences of UTF-8 (Unicode, table 3-7)."""
    count = len(places)
    padded = np.concatenate([values, np.zeros(3, np.int64)])
    beside = np.concatenate([places[1:] - places[:-1] == width, np.zeros(4, bool)]) if count else np.zeros(4, bool)
    inner = (padded & 0xC0) == 0x80
    sizes, points = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for size, low, high, keep in _SEQUENCES:
        fits, point = (values >= low) & (values <= high), values & keep
        for offset in range(1, size):
            fits &= beside[offset - 1 : offset - 1 + count] & inner[offset : offset + count]
            point = point << 6 | padded[offset : offset + count] & 0x3F
        sizes[fits], points[fits] = size, point[fits]
    shortest = np.array([0, 0, 0x80, 0x800, 0x10000])
    kept = (sizes > 0) & (points >= shortest[sizes]) & _is_text(points)
    return Escapes(places[kept], sizes[kept] * width, points[kept], np.full(int(kept.sum()), kind))


def _is_text(points: Ints) -> Mask:
    """Which code points are characters of text: no control characters, no surrogates."""
    printable = ((points >= 32) & (points != 127) & ((points < 0x80) | (points >= 0xA0))) | np.isin(points, (9, 10, 13))
    return np.asarray(printable & ((points < 0xD800) | (points > 0xDFFF)) & (points <= 0x10FFFF), bool)


def _backslashes(view: Bytes) -> Iterator[Escapes]:
    """The escapes that begin with a backslash which is not itself escaped."""
    places = np.flatnonzero(view == 0x5C)
    first = np.ones(len(places), bool)
    first[1:] = places[1:] != places[:-1] + 1
    numbers = np.arange(len(places))
    places = places[(numbers - np.maximum.accumulate(np.where(first, numbers, 0))) % 2 == 0]
    kinds = view[places + 1]
    yield _characters(*_byte_escapes(view, places[kinds == ord("x")], 2), CODED)
    yield _utf16(view, places[kinds == ord("u")])
    table = np.full(256, -1, np.int64)
    table[list(_LETTER_ESCAPES)] = list(_LETTER_ESCAPES.values())
    short = table[kinds] >= 0
    places, kinds = places[short], kinds[short]
    # An escaped backslash before `u5f20` is an escape of an escape: worth decoding once more.
    again = (kinds == 0x5C) & (((view[places + 2] == ord("u")) & (_hexadecimal(view, places + 3, 4) >= 0))
                               | ((view[places + 2] == ord("x")) & (_hexadecimal(view, places + 3, 2) >= 0)))
    yield Escapes(places, np.full(len(places), 2), table[kinds], np.where(again, CODED, SHORT))


def _utf16(view: Bytes, places: Ints) -> Escapes:
    """The characters of `\\uXXXX` escapes; two of them are one character beyond U+FFFF."""
    units = _hexadecimal(view, places + 2, 4)
    places, units = places[units >= 0], units[units >= 0]
    following = np.append(units[1:], 0)[: len(units)]
    beside = np.append(places[1:] - places[:-1] == 6, False)[: len(units)]
    paired = (units >> 10 == 0x36) & (following >> 10 == 0x37) & beside
    points = np.where(paired, 0x10000 + ((units & 0x3FF) << 10) + (following & 0x3FF), units)
    kept = _is_text(points)
    return Escapes(places[kept], np.where(paired, 12, 6)[kept], points[kept], np.full(int(kept.sum()), CODED))


def _marks(data: bytes) -> Ints:
    """Offsets of percent signs and backslashes, when there is an escape with a number at all."""
    places = [np.flatnonzero(np.frombuffer(data, np.uint8) == ord(mark))
              for mark, escape in ((b"%", _PERCENT), (b"\\", _CODED)) if mark in data and escape.search(data)]
    return np.sort(np.concatenate(places)) if places else np.empty(0, np.int64)


_LAST_MARKS = LastBuffer(_marks)


def may_hold_escape(data: bytes, starts: Ints, ends: Ints) -> Mask:
    """Which slices of a buffer may hold an escape with a number; sure is only that the others do not."""
    marks = _LAST_MARKS.of(data)
    return hold(starts, ends, marks, _WIDTH) if len(marks) else np.zeros(len(starts), bool)


def hold(starts: Ints, ends: Ints, places: Ints, size: int) -> Mask:
    """Which slices hold all of something that is `size` bytes long at one of the places, which are in order."""
    if not len(places):
        return np.zeros(len(starts), bool)
    at = np.searchsorted(places, starts)
    return np.asarray((at < len(places)) & (places[np.minimum(at, len(places) - 1)] + size <= ends), bool)

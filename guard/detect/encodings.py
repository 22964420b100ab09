"""Encoded text: where base64, hexadecimal digits, percent-encoding and escapes stand in a buffer, and what they say.

Two kinds. An *escape* stands for one character and its place is exact: `%E5%BC%A0`, `\\u5f20`, `\\xe5\\xbc\\xa0`, and
in their company the short ones of JSON (`\\"`, `\\n`, `\\\\`). A *token* is a run of base64 (standard or URL-safe
alphabet, RFC 4648, padded or not) or hexadecimal digits that decodes to text; in a run of random bytes the first few
characters already tell that it does not, so keys, digests and pictures cost next to nothing. A token ends with its
line: of base64 that is wrapped every line is a token of its own.

Not decoded: character references of HTML, quoted-printable, other charsets than UTF-8, anything compressed.
"""

from __future__ import annotations

import binascii
import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

LEAST = 23
"""Characters of the shortest token, padding not counted: two aligned words of it are all alphabet, however it lies."""
ROUGH_TOKEN, ROUGH_ESCAPE = 16, 3
_WORD = 8
_SEQUENCES = ((1, 0x00, 0x7F, 0x7F), (2, 0xC2, 0xDF, 0x1F), (3, 0xE0, 0xEF, 0x0F), (4, 0xF0, 0xF4, 0x07))
"""Of the sequences of UTF-8 by length: the first and last lead byte, and which bits of it belong to the character."""
_HEX_DIGITS = b"0123456789ABCDEFabcdef"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD, _SAFE, _HEX, _ANY = 1, 2, 4, 8
_GROUPS = 5
"""Groups of four characters that are looked at before a run is decoded."""
_SPEED = 32
"""So many bytes are looked through by NumPy in the time of one byte of other work."""
PERCENT, CODED, SHORT = 0, 1, 2
"""Kinds of escapes: percent-encoding; a backslash with a number; a backslash with a letter or mark."""
_TEXT = bytes((9, 10, 13, *range(32, 127), *range(128, 256)))
"""The bytes of text: what is left when control characters are taken away."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_LETTER_ESCAPES = {0x22: 0x22, 0x27: 0x27, 0x2F: 0x2F, 0x5C: 0x5C, ord("n"): 10, ord("r"): 13, ord("t"): 9}
"""Escapes of one letter (RFC 8259), without those that stand for control characters."""


def _alphabets() -> bytes:
    """For each byte the alphabets that it belongs to, as bits."""
    bits = bytearray(256)
    for letters, flag in ((_LETTERS, _STANDARD | _SAFE), (b"+/", _STANDARD), (b"-_", _SAFE), (_HEX_DIGITS, _HEX)):
        for letter in letters:
            bits[letter] |= flag | _ANY
    return bytes(bits)


def _values(*alphabets: bytes) -> npt.NDArray[np.int64]:
    """For each byte its value as a digit, -1 where it is none."""
    values = np.full(256, -1, np.int64)
    for alphabet in alphabets:
        values[list(alphabet)] = np.arange(len(alphabet))
    return values


def _successors() -> Mask:
    """Which byte may follow which in UTF-8 text without control characters, by their kinds alone."""
    codes = np.arange(256)
    text = np.isin(codes, list(_TEXT)) & (codes < 0x80)
    lead, inner = (codes >= 0xC2) & (codes < 0xF5), (codes >= 0x80) & (codes < 0xC0)
    before_start, start = text | inner, text | lead
    return np.asarray((before_start[:, None] & start) | ((lead | inner)[:, None] & inner), bool)


_ALPHABETS = _alphabets()
_SEXTETS = _values(_LETTERS + b"+/", _LETTERS + b"-_")
_NIBBLES = _values(b"0123456789abcdef", b"0123456789ABCDEF")
_MAY_FOLLOW = _successors()


class Escapes(NamedTuple):
    """Escapes in order: where each starts, how many bytes it is written in, the code point it stands for, its kind."""

    starts: Ints
    widths: Ints
    points: Ints
    kinds: Ints

    def take(self, which: npt.NDArray[Any]) -> Escapes:
        """The escapes at the given indices or under the given mask."""
        return Escapes(self.starts[which], self.widths[which], self.points[which], self.kinds[which])


@dataclass(frozen=True, slots=True)
class Token:
    """`data[start:end]` of the buffer decodes to `text`: `out` bytes of it for each `into` characters, in order."""

    start: int
    end: int
    into: int
    out: int
    text: bytes


Decoder = Callable[[bytes, int, int], Token | None]
Candidates = tuple[Decoder, Ints, Ints]


def escapes(data: bytes) -> Escapes:
    """The escapes in a buffer that stand for characters of text; others, and bytes that are no UTF-8, are left out."""
    parts = []
    if b"%" in data:
        view = _padded(data)
        parts.append(_characters(*_byte_escapes(view, np.flatnonzero(view == 0x25), 1), PERCENT))
    if b"\\" in data:
        parts.extend(_backslashes(_padded(data)))
    parts = [part for part in parts if len(part.starts)]
    if not parts:
        empty = np.empty(0, np.int64)
        return Escapes(empty, empty, empty, empty)
    whole = Escapes(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return whole.take(np.argsort(whole.starts, kind="stable"))


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


def tokens(data: bytes) -> list[Token]:
    """The tokens in a buffer, in order and apart from each other.

    Where readings compete, hexadecimal digits win over the standard alphabet and that over the URL-safe one.
    """
    if len(data) < LEAST:
        return []
    find = _candidates_compiled if compiled.pays(len(data) // _SPEED) else _candidates
    found: list[Token] = []
    for decode, starts, ends in find(data):
        apart = ~overlapping(starts, ends, *bounds(found))
        spans = zip(starts[apart].tolist(), ends[apart].tolist(), strict=True)
        found += [token for start, end in spans if (token := decode(data, start, end))]
        found.sort(key=lambda token: token.start)
    return found


def _candidates(data: bytes) -> Iterator[Candidates]:
    """How to decode and the bounds of runs that begin as text, for each alphabet."""
    words = _words(data)
    full = (words & _every(_ANY)) == _every(_ANY)
    full[1:-1] &= full[:-2] | full[2:]
    numbers = np.flatnonzero(full)
    view, among = np.frombuffer(data, np.uint8), words[numbers]
    tried = np.empty(0, np.int64), np.empty(0, np.int64)
    for flag, decode in _DECODERS:
        starts, ends = _runs(words, numbers[(among & _every(flag)) == _every(flag)], flag)
        if flag == _SAFE:
            # Without a mark of its own alphabet a run was tried before.
            new = ~(np.isin(starts, tried[0]) & np.isin(ends, tried[1]))
            starts, ends = starts[new], ends[new]
        tried = starts, ends
        text = _begins_as_text(view, starts, flag == _HEX)
        yield decode, starts[text], ends[text]


def _candidates_compiled(data: bytes) -> Iterator[Candidates]:
    """The same by a loop."""
    from guard.detect import decoding_loops as loops

    spans = np.empty((3 * (len(data) // LEAST + 1), 3), np.int64)
    view, alphabets = np.frombuffer(data, np.uint8), np.frombuffer(_ALPHABETS, np.uint8)
    count = loops.candidates(view, LEAST, alphabets, _SEXTETS, _NIBBLES, _MAY_FOLLOW, spans)
    for flag, decode in _DECODERS:
        mine = spans[:count][spans[:count, 2] == flag]
        yield decode, mine[:, 0], mine[:, 1]


def rough_tokens(data: bytes) -> Ints:
    """Offsets at which ROUGH_TOKEN bytes are all alphabet. Every token holds such a stretch."""
    words = _words(data)
    full = (words & _every(_ANY)) == _every(_ANY)
    return (np.flatnonzero(full[:-1] & full[1:]) - 1) * _WORD


def rough_escapes(data: bytes) -> Ints:
    """Offsets of the first ROUGH_ESCAPE bytes of what may be an escape with a number."""
    places = [np.empty(0, np.int64)]
    if b"%" in data:
        places.append(np.flatnonzero(np.frombuffer(data, np.uint8) == 0x25))
    if b"\\" in data:
        view = _padded(data)
        backslashes = np.flatnonzero(view == 0x5C)
        places.append(backslashes[(view[backslashes + 1] == ord("u")) | (view[backslashes + 1] == ord("x"))])
    return np.sort(np.concatenate(places))


def _words(data: bytes) -> Words:
    """The alphabets of eight bytes at a time, with an empty word before and behind."""
    marked = data.translate(_ALPHABETS)
    return np.frombuffer(bytes(_WORD) + marked + bytes(_WORD + -len(marked) % _WORD), "<u8")


def _every(flag: int) -> np.uint64:
    return np.uint64(flag * 0x0101010101010101)


def _runs(words: Words, full: Ints, flag: int) -> tuple[Ints, Ints]:
    """Bounds of the maximal runs of LEAST or more characters of one alphabet, given the words that are full of it."""
    apart = np.diff(full) != 1
    heads = full[np.concatenate([[True], apart])[: len(full)]]
    tails = full[np.concatenate([apart, [True]])[: len(full)]]
    longer = tails > heads
    heads, tails = heads[longer], tails[longer]
    before, behind = (~words[places] & _every(flag) for places in (heads - 1, tails + 1))
    # The exponent of a number tells its highest bit: the last gap before the run, and the first one behind it.
    highest = (np.frexp(before.astype(np.float64))[1] - 1) // _WORD
    lowest = (np.frexp((behind & (~behind + np.uint64(1))).astype(np.float64))[1] - 1) // _WORD
    starts = (heads - 1) * _WORD - (_WORD - 1 - highest)
    ends = tails * _WORD + lowest
    long = ends - starts >= LEAST
    return starts[long].astype(np.int64), ends[long].astype(np.int64)


def _begins_as_text(view: Bytes, starts: Ints, is_hex: bool) -> Mask:
    """Whether the first bytes behind each place could be UTF-8 text; of random ones most fail at once."""
    answer = np.zeros(len(starts), bool)
    left, previous = np.arange(len(starts)), np.full(len(starts), 32)
    for group in range(_GROUPS):
        places = starts[left] + 4 * group
        first, second, third, fourth = ((_NIBBLES if is_hex else _SEXTETS)[view[places + i]] for i in range(4))
        if is_hex:
            decoded = [first << 4 | second, third << 4 | fourth]
        else:
            decoded = [first << 2 | second >> 4, (second & 15) << 4 | third >> 2, (third & 3) << 6 | fourth]
        fine = np.ones(len(left), bool)
        for value in decoded:
            fine &= _MAY_FOLLOW[previous, value]
            previous = value
        left, previous = left[fine], previous[fine]
    answer[left] = True
    return answer


def _from_hex(data: bytes, start: int, end: int) -> Token | None:
    digits = data[start : end - (end - start) % 2]
    return _token(start, end, 2, 1, binascii.unhexlify(digits))


def _from_base64(data: bytes, start: int, end: int) -> Token | None:
    """A last character that cannot be part of a group (of a value that was cut) is passed over."""
    letters = data[start : end - ((end - start) % 4 == 1)].translate(_TO_STANDARD)
    missing = -len(letters) % 4
    padded = end
    while padded - end < missing and data[padded : padded + 1] == b"=":
        padded += 1
    return _token(start, padded, 4, 3, binascii.a2b_base64(letters + b"=" * missing))


def _token(start: int, end: int, into: int, out: int, decoded: bytes) -> Token | None:
    """None unless all of it is text; a character that was cut at the end is left away."""
    if decoded.translate(None, _TEXT):
        return None
    try:
        _, size = codecs.utf_8_decode(decoded, "strict", False)
    except UnicodeDecodeError:
        return None
    return Token(start, end, into, out, decoded[:size])


_DECODERS: tuple[tuple[int, Decoder], ...] = ((_HEX, _from_hex), (_STANDARD, _from_base64), (_SAFE, _from_base64))


def bounds(found: list[Token]) -> tuple[Ints, Ints]:
    """Starts and ends of tokens."""
    return np.array([token.start for token in found], np.int64), np.array([token.end for token in found], np.int64)


def overlapping(starts: Ints, ends: Ints, others: Ints, other_ends: Ints) -> Mask:
    """Which spans overlap one of the others; those are in order and apart from each other."""
    if not len(others):
        return np.zeros(len(starts), bool)
    place = np.searchsorted(other_ends, starts, "right")
    return np.asarray((place < len(others)) & (others[np.minimum(place, len(others) - 1)] < ends), bool)

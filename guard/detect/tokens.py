"""Tokens: runs of base64 or hexadecimal digits in a buffer that decode to text.

Base64 in its standard or URL-safe alphabet, padded or not (RFC 4648). In a run of random bytes the first few characters
already tell that it is none, so keys, digests and pictures cost next to nothing. A token ends with its line: of base64
that is wrapped every line is a token of its own. Nothing is decompressed.
"""

from __future__ import annotations

import binascii
import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints
from guard.detect.escapes import hold
from guard.detect.last_buffer import LastBuffer

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

LEAST = 23
"""Characters of the shortest token, padding not counted: two aligned words of it are all alphabet, however it lies."""
_WORD = 8
_HEX_DIGITS = b"0123456789ABCDEFabcdef"
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD, _SAFE, _HEX, _ANY = 1, 2, 4, 8
_GROUPS = 5
"""Groups of four characters that are looked at before a run is decoded."""
_SPEED = 32
"""So many bytes are looked through by NumPy in the time of one byte of other work."""
_TEXT = bytes((9, 10, 13, *range(32, 127), *range(128, 256)))
"""The bytes of text: what is left when control characters are taken away."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Token:
    """`data[start:end]` of the buffer decodes to `text`: `out` bytes of it for each `into` characters, in order."""

    start: int
    end: int
    into: int
    out: int
    text: bytes


Decoder = Callable[[bytes, int, int], Token | None]
Candidates = tuple[Decoder, Ints, Ints]


def find_tokens(data: bytes) -> list[Token]:
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
            known = dict(zip(tried[0].tolist(), tried[1].tolist(), strict=True))
            spans = zip(starts.tolist(), ends.tolist(), strict=True)
            new = np.array([known.get(start) != end for start, end in spans], bool)
            starts, ends = starts[new], ends[new]
        tried = starts, ends
        text = _begins_as_text(view, starts, flag == _HEX)
        yield decode, starts[text], ends[text]


def _candidates_compiled(data: bytes) -> Iterator[Candidates]:
    """The same by a loop."""
    from guard.detect import decoding_loops as loops

    spans = _room(len(data))
    count = loops.candidates(np.frombuffer(data, np.uint8), 0, len(data), LEAST, *_tables(), spans)
    for flag, decode in _DECODERS:
        mine = spans[:count][spans[:count, 2] == flag]
        yield decode, mine[:, 0], mine[:, 1]


def _room(length: int) -> Ints:
    """Room for the candidates in so many bytes: in each alphabet runs are LEAST bytes long and apart."""
    return np.empty((3 * (length // LEAST + 1), 3), np.int64)


def _tables() -> tuple[Bytes, Ints, Ints, Mask]:
    return np.frombuffer(_ALPHABETS, np.uint8), _SEXTETS, _NIBBLES, _MAY_FOLLOW


def may_hold_token(data: bytes, starts: Ints, ends: Ints) -> Mask:
    """Which slices of a buffer may hold a token; sure is only that the others do not."""
    lengths = ends - starts
    longest = int(lengths.max(initial=0))
    if longest < LEAST:
        return np.zeros(len(starts), bool)
    if compiled.pays(int(lengths.sum()) // _SPEED):
        from guard.detect import decoding_loops as loops

        found = np.zeros(len(starts), bool)
        loops.hold_candidates(np.frombuffer(data, np.uint8), starts, ends, LEAST, *_tables(), _room(longest), found)
        return found
    held = lengths >= LEAST
    held[held] = hold(starts[held], ends[held], _LAST_WORDS.of(data), 2 * _WORD)
    return held


def _full_words(data: bytes) -> Ints:
    """Offsets of aligned stretches of two words that are all alphabet; every token holds one."""
    words = _words(data)
    full = (words & _every(_ANY)) == _every(_ANY)
    return (np.flatnonzero(full[:-1] & full[1:]) - 1) * _WORD


_LAST_WORDS = LastBuffer(_full_words)


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

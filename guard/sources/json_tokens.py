"""JSON tokens of a UTF-8 buffer, found with NumPy and held to the grammar of RFC 8259.

A token is a structural character, a string that is a key, a string that is a value, or a scalar (number or literal).
Strings are found by the parity of their unescaped quotes, so no byte is looked at by Python. What a single token can
get wrong (a number such as 01, a control character or a bad escape in a string) is checked here; the order of the
tokens is checked by `guard.sources.json_paths`, on a *shape*: the tokens without the content of their values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints, distinct

NEWLINE, QUOTE, COMMA, COLON = b'\n",:'
OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = b"[]{}"
KEY, VALUE = ord("k"), 1
"""Kinds of tokens that are no single character. A string value has the kind QUOTE until shapes are made."""
BACKSLASH = ord("\\")
SHAPE_VALUE = b"\x01"
_BYTES_PER_TOKEN = 4

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BAD_NUMBER = re.compile(rb"(?m)^(?!" + NUMBER.pattern + rb"$)")


def _table(members: bytes) -> Mask:
    table = np.zeros(256, np.bool_)
    table[list(members)] = True
    return table


def _kinds() -> Bytes:
    table = np.full(256, VALUE, np.uint8)
    for byte in b'\n"[]{}:,':
        table[byte] = byte
    return table


KIND = _kinds()
_SOLID = {True: bytes(~_table(b" \t\r")), False: bytes(~_table(b" \t\r\n"))}
_DIGIT = _table(b"0123456789")
HEXADECIMAL = _table(b"0123456789abcdefABCDEF")
ESCAPED = _table(b'"\\/bfnrtu')
LITERALS = (b"true", b"false", b"null")


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Tokens in order: kind, and where they start and end in the buffer (strings with their quotes).

    `escaped` marks strings that hold a backslash, `wrong` are sorted offsets of what breaks the rules of a single
    token; a line with an odd number of quotes is wrong at its end and gives no reliable tokens.
    """

    kinds: Bytes
    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    escaped: Mask
    wrong: Ints

    def __len__(self) -> int:
        return len(self.kinds)

    def take(self, count: int) -> Tokens:
        """The first `count` tokens, and what is wrong before the end of the last of them."""
        limit = int(self.ends[count - 1]) if count else 0
        return Tokens(self.kinds[:count], self.starts[:count], self.ends[:count], self.escaped[:count],
                      self.wrong[self.wrong < limit])

    def shift(self, offset: int) -> Tokens:
        """The same tokens in a buffer that has `offset` more bytes in front."""
        move = np.int32(offset)
        return Tokens(self.kinds, self.starts + move, self.ends + move, self.escaped, self.wrong + offset)

    @staticmethod
    def concat(parts: Sequence[Tokens]) -> Tokens:
        """All parts one after the other."""
        names = ("kinds", "starts", "ends", "escaped", "wrong")
        return Tokens(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def values(self) -> Mask:
        """Which tokens are values: strings that are no keys, numbers and literals."""
        found: Mask = (self.kinds == QUOTE) | (self.kinds == VALUE)
        return found


def tokenize(data: bytes, *, lines: bool) -> Tokens:
    """The tokens of `data` (below 2 GiB). With `lines` every line stands for itself and its end is a token."""
    return (_by_loop if compiled.pays(0) else _by_arrays)(data, lines)


def _by_loop(data: bytes, lines: bool) -> Tokens:
    """In one pass; room for the tokens is guessed, and doubled when there are more."""
    from guard.sources.json_token_loops import NO_ROOM, TOKENS, WRONG, find_tokens

    raw, counts, room = np.frombuffer(data, np.uint8), np.zeros(2, np.int64), len(data) // _BYTES_PER_TOKEN + 64
    while True:
        kinds, escaped, wrong = np.empty(room, np.uint8), np.empty(room, np.bool_), np.empty(room, np.int64)
        starts, ends = np.empty(room, np.int32), np.empty(room, np.int32)
        if find_tokens(raw, lines, kinds, starts, ends, escaped, wrong, counts) != NO_ROOM:
            break
        room *= 2
    count = counts[TOKENS]
    return Tokens(kinds[:count], starts[:count], ends[:count], escaped[:count], distinct(wrong[: counts[WRONG]]))


def _by_arrays(data: bytes, lines: bool) -> Tokens:
    """With NumPy, mask by mask."""
    raw = np.frombuffer(data, np.uint8)
    back = np.flatnonzero(raw == BACKSLASH) if b"\\" in data else np.empty(0, np.int64)
    escapers = _escapers(back)
    quotes = _free_quotes(raw, escapers)
    if lines:
        quotes, broken = _even(raw, quotes)
    inside = _inside(len(raw), quotes)
    if not lines:
        # A string without an end runs to the end of the piece: what is in it must not look like tokens.
        quotes, broken = np.split(quotes, [len(quotes) & ~1])
    solid = np.frombuffer(data.translate(_SOLID[lines]), np.bool_)
    places = np.flatnonzero(solid > inside)
    kinds = KIND[raw[places]]
    _demote_stray_quotes(kinds, places, quotes)
    scalar = kinds == VALUE
    joined = np.zeros(len(places), np.bool_)
    joined[1:] = scalar[1:] & scalar[:-1] & (np.diff(places) == 1)
    last = scalar.copy()
    last[:-1] &= ~joined[1:]
    scalar_ends = places[last] + 1
    keep = ~joined
    kinds, starts = kinds[keep], places[keep]
    ends = starts + 1
    strings, scalars = kinds == QUOTE, kinds == VALUE
    starts[strings], ends[scalars] = quotes[0::2], scalar_ends
    strings[-1:] = False
    strings[:-1] &= kinds[1:] == COLON
    kinds[strings] = KEY
    wrong = [broken, _wrong_scalars(raw, starts[scalars], scalar_ends), _wrong_escapes(data, raw, inside, escapers),
             np.flatnonzero((raw < 0x20) & inside)]
    escaped = np.zeros(len(kinds), np.bool_)
    if len(back) and len(kinds):
        escaped[np.maximum(np.searchsorted(starts, back, "right") - 1, 0)] = True
        escaped &= (kinds == QUOTE) | (kinds == KEY)
    return Tokens(kinds, starts.astype(np.int32), ends.astype(np.int32), escaped, distinct(np.concatenate(wrong)))


def tokenize_document(data: bytes, *, piece: int = 1 << 22) -> Tokens:
    """The tokens of one large document, found piece by piece so that the work arrays stay small.

    A piece ends behind a structural character outside of strings; without one in it, it is doubled.
    """
    parts, start, size = [], 0, piece
    view = memoryview(data)
    while start < len(data):
        final = start + size >= len(data)
        found = tokenize(bytes(view[start : start + size]), lines=False)
        count = len(found) if final else _last_structural(found)
        if not final and not count:
            size *= 2
            continue
        done = found if final else found.take(count)
        parts.append(done.shift(start))
        start = len(data) if final else start + int(done.ends[-1])
        size = piece
    return Tokens.concat(parts) if parts else tokenize(b"", lines=False)


def shapes(data: bytes, tokens: Tokens) -> bytes:
    """The structure of the tokens as bytes: structural characters and keys as they are, every value as SHAPE_VALUE."""
    raw = np.frombuffer(data, np.uint8)
    keys = tokens.kinds == KEY
    borders = np.concatenate((tokens.starts[keys], tokens.ends[keys]))
    kept = _inside(len(raw) + 1, borders)[:-1]
    kept[tokens.starts] = True
    marked = raw.copy()
    marked[tokens.starts[tokens.values]] = VALUE
    return marked[np.flatnonzero(kept)].tobytes()  # three times as fast as the mask itself


def unescape(literals: Sequence[bytes]) -> list[bytes]:
    """The UTF-8 content of valid JSON string literals; a lone surrogate, which has no UTF-8 form, becomes `?`."""
    decoded = json.loads(b"[" + b",".join(literals) + b"]")
    return [text.encode("utf-8", "replace") for text in decoded]


def _escapers(back: Ints) -> Ints:
    """The backslashes that escape the next byte: every second one of a run, from its first."""
    if not len(back):
        return back
    first = np.ones(len(back), np.bool_)
    first[1:] = np.diff(back) != 1
    index = np.arange(len(back))
    in_run = index - np.maximum.accumulate(np.where(first, index, 0))
    every_second: Ints = back[in_run % 2 == 0]
    return every_second


def _free_quotes(raw: Bytes, escapers: Ints) -> Ints:
    quotes = np.flatnonzero(raw == QUOTE)
    if not len(escapers):
        return quotes
    escaped = np.zeros(len(raw) + 1, np.bool_)
    escaped[escapers + 1] = True
    return quotes[~escaped[quotes]]


def _even(raw: Bytes, quotes: Ints) -> tuple[Ints, Ints]:
    """The quotes of the lines in which they pair up, and the ends of the other lines."""
    line_ends = np.append(np.flatnonzero(raw == NEWLINE), len(raw))
    counts = np.diff(np.searchsorted(quotes, line_ends), prepend=0)
    odd_lines = counts % 2 == 1
    if not odd_lines.any():
        return quotes, np.empty(0, np.int64)
    return quotes[~np.repeat(odd_lines, counts)], np.maximum(line_ends[odd_lines] - 1, 0)


def _demote_stray_quotes(kinds: Bytes, places: Ints, quotes: Ints) -> None:
    """Quotes that close no string (in a line with an odd number, behind a stray backslash) are wrong scalars."""
    closing = np.flatnonzero(kinds == QUOTE)
    if len(closing) * 2 != len(quotes):
        kinds[closing[~np.isin(places[closing], quotes[1::2])]] = VALUE


def _inside(size: int, borders: Any) -> Mask:
    """True from every first border up to before the second, the third up to before the fourth, …"""
    flips = np.zeros(size, np.uint8)
    flips[borders] = 1
    mask: Mask = np.bitwise_xor.accumulate(flips).view(np.bool_) if size else flips.view(np.bool_)
    return mask


def _last_structural(tokens: Tokens) -> int:
    """How many tokens there are up to the last structural one."""
    structural = np.flatnonzero((tokens.kinds != QUOTE) & (tokens.kinds != KEY) & (tokens.kinds != VALUE))
    return int(structural[-1]) + 1 if len(structural) else 0


def _wrong_scalars(raw: Bytes, starts: Ints, ends: Ints) -> Ints:
    """Offsets of scalars that are neither a number nor true, false or null."""
    if not len(starts):
        return np.empty(0, np.int64)
    first = raw[starts]
    wrong = ~(_DIGIT[first] | (first == ord("-")))
    for word in LITERALS:
        which = np.flatnonzero((first == word[0]) & (ends - starts == len(word)))
        same = (raw[starts[which][:, None] + np.arange(len(word))] == np.frombuffer(word, np.uint8)).all(axis=1)
        wrong[which[same]] = False
    numbers = np.flatnonzero(_DIGIT[first] | (first == ord("-")))
    wrong[numbers[_wrong_numbers(raw, starts[numbers], ends[numbers])]] = True
    offsets: Ints = starts[wrong]
    return offsets


def _wrong_numbers(raw: Bytes, starts: Ints, ends: Ints) -> Ints:
    """Indices of what is no number. Only digits without a leading zero is the common case and needs no grammar."""
    if not len(starts):
        return np.empty(0, np.int64)
    digits, stops = _gather(raw, starts, ends)
    others = np.add.reduceat(~_DIGIT[digits], np.concatenate(([0], stops[:-1])), dtype=np.int32)
    plain = (others == 1) & ((raw[starts] != ord("0")) | (ends - starts == 1))
    rest = np.flatnonzero(~plain)
    if not len(rest):
        return rest
    joined, stops = _gather(raw, starts[rest], ends[rest])
    bad = [found.start() for found in _BAD_NUMBER.finditer(joined[:-1].tobytes())]
    return rest[np.searchsorted(stops, bad, "right")]


def _gather(raw: Bytes, starts: Ints, ends: Ints) -> tuple[Bytes, Ints]:
    """The bytes of all spans, each with a line end behind it, and where each ends behind that."""
    lengths = ends - starts + 1
    stops = np.cumsum(lengths)
    index = np.arange(stops[-1]) + np.repeat(starts - stops + lengths, lengths)
    index[stops - 1] = 0
    gathered = raw[index]
    gathered[stops - 1] = NEWLINE
    return gathered, stops


def _wrong_escapes(data: bytes, raw: Bytes, inside: Mask, escapers: Ints) -> Ints:
    """Offsets of backslashes in strings that start no escape of RFC 8259."""
    escapers = escapers[inside[escapers]]
    if not len(escapers):
        return escapers
    after = np.append(raw, 0)[escapers + 1]
    wrong = ~ESCAPED[after]
    hexadecimal = np.flatnonzero(after == ord("u"))
    digits = np.append(raw, np.zeros(6, np.uint8))[escapers[hexadecimal][:, None] + np.arange(2, 6)]
    wrong[hexadecimal[~HEXADECIMAL[digits].all(axis=1)]] = True
    offsets: Ints = escapers[wrong]
    return offsets

"""The tokens of `guard.sources.json_tokens` in one pass over the bytes, as a compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.compiled import inlined_loop, tight_loop
from guard.sources.json_tokens import (
    BACKSLASH,
    COLON,
    ESCAPED,
    HEXADECIMAL,
    KEY,
    KIND,
    LITERALS,
    NEWLINE,
    QUOTE,
    VALUE,
)

Array = Any
NO_ROOM = -1
TOKENS, WRONG = 0, 1
"""Slots of the counts of `find_tokens`."""
_SPACE = 0
_HEAD = KIND.copy()
_HEAD[list(b" \t\r")] = _SPACE
_TRUE, _FALSE, _NULL = (np.frombuffer(word, np.uint8) for word in LITERALS)
_at = np.uint64
"""An index that is not below zero, which the compiler then need not look for."""


@tight_loop
def find_tokens(raw: Array, lines: bool, kinds: Array, starts: Array, ends: Array, escaped: Array, wrong: Array,
                counts: Array) -> int:
    """Fills the columns of `Tokens`; `wrong` is not sorted and may repeat. How many there are of both is in `counts`.

    Returns NO_ROOM where the columns are too short for all tokens.
    """
    size, room = len(raw), min(len(kinds), len(wrong)) - 4
    at, count, bad = 0, 0, 0
    # Where the line began: one in which a string does not end is read again, as if quotes meant nothing.
    line, line_count, line_bad, is_odd = 0, 0, 0, False
    while at < size and count < room and bad < room:
        byte = raw[_at(at)]
        kind = _HEAD[byte]
        if kind == _SPACE or (byte == NEWLINE and not lines):
            at += 1
        elif byte == NEWLINE:
            if is_odd:
                wrong[bad] = max(at - 1, 0)
                bad += 1
            kinds[_at(count)], starts[_at(count)], ends[_at(count)], escaped[_at(count)] = NEWLINE, at, at + 1, False
            count += 1
            at += 1
            line, line_count, line_bad, is_odd = at, count, bad, False
        elif byte == QUOTE and not is_odd:
            end, has_escapes, bad = _string_end(raw, at, lines, wrong, bad, room)
            if end < 0 and lines:
                at, count, bad, is_odd = line, line_count, line_bad, True
            elif end < 0:
                wrong[bad] = at
                bad += 1
                at = size
            else:
                kinds[_at(count)], starts[_at(count)], ends[_at(count)], escaped[_at(count)] = (
                    QUOTE, at, end, has_escapes)
                count += 1
                at = end
        elif kind == VALUE or byte == QUOTE:
            end = _scalar_end(raw, at, is_odd)
            if not _is_scalar(raw, at, end):
                wrong[bad] = at
                bad += 1
            kinds[_at(count)], starts[_at(count)], ends[_at(count)], escaped[_at(count)] = VALUE, at, end, False
            count += 1
            at = end
        else:
            if byte == COLON and count > 0 and kinds[_at(count - 1)] == QUOTE:
                kinds[_at(count - 1)] = KEY
            kinds[_at(count)], starts[_at(count)], ends[_at(count)], escaped[_at(count)] = byte, at, at + 1, False
            count += 1
            at += 1
    if count >= room or bad >= room:
        return NO_ROOM
    if is_odd:
        wrong[bad] = max(size - 1, 0)
        bad += 1
    counts[TOKENS], counts[WRONG] = count, bad
    return 0


@inlined_loop
def _string_end(raw: Array, start: int, lines: bool, wrong: Array, bad: int, room: int) -> tuple[int, bool, int]:
    """Behind the quote that ends a string, -1 without one; whether it holds a backslash; how many offsets are wrong."""
    at, has_escapes, size = start + 1, False, len(raw)
    while at < size:
        byte = raw[_at(at)]
        if byte == QUOTE:
            return at + 1, has_escapes, bad
        if byte == BACKSLASH:
            has_escapes = True
            if not _is_escape(raw, at) and bad < room:
                wrong[bad] = at
                bad += 1
            # What is escaped may itself end the line, or be wrong.
            at += 2 if at + 1 < size and raw[_at(at + 1)] >= 0x20 else 1
            continue
        if byte < 0x20:
            if byte == NEWLINE and lines:
                return -1, has_escapes, bad
            if bad < room:
                wrong[bad] = at
                bad += 1
        at += 1
    return -1, has_escapes, bad


@tight_loop
def _is_escape(raw: Array, at: int) -> bool:
    """Whether the backslash at an offset begins an escape of RFC 8259."""
    if at + 1 >= len(raw) or not ESCAPED[raw[_at(at + 1)]]:
        return False
    if raw[_at(at + 1)] == 117:  # u
        for place in range(at + 2, at + 6):
            if place >= len(raw) or not HEXADECIMAL[raw[_at(place)]]:
                return False
    return True


@inlined_loop
def _scalar_end(raw: Array, start: int, is_odd: bool) -> int:
    """Behind the last byte of what is no string. A backslash takes a quote or another one with it."""
    at, size = start, len(raw)
    while at < size:
        byte = raw[_at(at)]
        if byte == BACKSLASH:
            taken = at + 1 < size and (raw[_at(at + 1)] == QUOTE or raw[_at(at + 1)] == BACKSLASH)
            at += 2 if taken else 1
        elif _HEAD[byte] == VALUE or (is_odd and byte == QUOTE):
            at += 1
        else:
            break
    return at


@tight_loop
def _is_scalar(raw: Array, start: int, end: int) -> bool:
    """Whether this is a number, true, false or null."""
    first = raw[_at(start)]
    if first == 116:  # t
        return _is_word(raw, start, end, _TRUE)
    if first == 102:  # f
        return _is_word(raw, start, end, _FALSE)
    if first == 110:  # n
        return _is_word(raw, start, end, _NULL)
    at = start + 1 if first == 45 else start
    whole = _digits_end(raw, at, end)
    if whole == at or (raw[_at(at)] == 48 and whole > at + 1):
        return False
    at = whole
    if at < end and raw[_at(at)] == 46:
        fraction = _digits_end(raw, at + 1, end)
        if fraction == at + 1:
            return False
        at = fraction
    if at < end and raw[_at(at)] | 0x20 == 101:  # e
        at += 1
        if at < end and (raw[_at(at)] == 43 or raw[_at(at)] == 45):
            at += 1
        exponent = _digits_end(raw, at, end)
        if exponent == at:
            return False
        at = exponent
    return at == end


@inlined_loop
def _is_word(raw: Array, start: int, end: int, word: Array) -> bool:
    alike = end - start == len(word)
    for index in range(len(word) if alike else 0):
        alike = alike and raw[_at(start + index)] == word[_at(index)]
    return alike


@inlined_loop
def _digits_end(raw: Array, start: int, end: int) -> int:
    at = start
    while at < end and 48 <= raw[_at(at)] <= 57:
        at += 1
    return at

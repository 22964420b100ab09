"""Normal forms of spans as compiled loops: what `guard.detect.normalise.normal_form` makes of a value.

Only of values that are written in one of the usual ways; the Python function knows the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop, tight_loop

Bytes = npt.NDArray[np.uint8]
LONGEST = 500
"""Bytes of the longest value that is read."""
AS_WRITTEN, UPPER, LOWER, DIGITS, MOBILE, DATE, LANDLINE, COMPACT_UPPER = range(8)
FORM_NUMBERS: Mapping[str, int] = {"": AS_WRITTEN, "upper": UPPER, "lower": LOWER, "digits": DIGITS, "mobile": MOBILE,
                                   "date": DATE, "landline": LANDLINE, "compact_upper": COMPACT_UPPER}
"""The values of `form` that there are loops for."""


@tight_loop
def read(buffer: Bytes, start: int, end: int, form: int, separators: Any, row: int, value: Bytes) -> tuple[int, bool]:
    """Writes the normal form of `buffer[start:end]` to `value`: its size, and whether it is ASCII.

    The size is -1 where only the Python function knows. `separators[row]` says for each byte whether it is left out.
    """
    while start < end and _is_blank(buffer[start]):
        start += 1
    while end > start and _is_blank(buffer[end - 1]):
        end -= 1
    if end - start > LONGEST or _may_be_blank(buffer, start, end):
        return -1, False
    if form == DATE:
        return _read_date(buffer, start, end, separators, row, value)
    if form == LANDLINE and not _is_plain_landline(buffer, start, end, separators, row):
        return -1, False
    if _is_number(buffer, start, end, separators, row):
        for at in range(start, end):
            value[at - start] = buffer[at]
        size, plain = end - start, True
    else:
        size, plain = _copy(buffer, start, end, form, separators, row, value)
    return (_without_country(value, size) if form == MOBILE and plain else size), plain


@inlined_loop
def _is_blank(byte: int) -> bool:
    return 9 <= byte <= 13 or 28 <= byte <= 32


@inlined_loop
def _may_be_blank(buffer: Bytes, start: int, end: int) -> bool:
    """Whether white space that is not ASCII could stand at an end, by the lead bytes of all that `str.isspace` knows.
    """
    if start == end:
        return False
    last = end - 1
    while last > start and buffer[last] & 0xC0 == 0x80:
        last -= 1
    return _leads_blank(buffer[start]) or _leads_blank(buffer[last])


@inlined_loop
def _leads_blank(byte: int) -> bool:
    return byte == 0xC2 or 0xE1 <= byte <= 0xE3


@inlined_loop
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


@inlined_loop
def _is_number(buffer: Bytes, start: int, end: int, separators: Any, row: int) -> bool:
    """Whether these are digits from end to end, none of which is left out: all forms but dates leave them as they are.
    """
    digits, dropped = 0, 0
    for at in range(start, end):
        digits += _is_digit(buffer[at])
    if digits < end - start:
        return False
    for digit in range(48, 58):
        dropped |= separators[row, digit]
    return dropped == 0


@inlined_loop
def _copy(buffer: Bytes, start: int, end: int, form: int, separators: Any, row: int, value: Bytes) -> tuple[int, bool]:
    """The forms that go character by character."""
    size, plain, at = 0, True, start
    while at < end:
        byte: Any = np.int64(buffer[at])
        at += 1
        if byte >= 0x80:
            if form == COMPACT_UPPER:
                width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                if 0xE4 <= byte <= 0xE9 and not (byte == 0xE4 and buffer[at] < 0xB8):
                    value[size], value[size + 1], value[size + 2] = byte, buffer[at], buffer[at + 1]
                    size, plain = size + 3, False
                at += width - 1
                continue
            if form != AS_WRITTEN:
                return -1, False
            plain = False
        elif separators[row, byte] or (form >= DIGITS and not _is_kept(byte, form)):
            continue
        elif form in (UPPER, COMPACT_UPPER) and 97 <= byte <= 122:
            byte -= 32
        elif form == LOWER and 65 <= byte <= 90:
            byte += 32
        value[size] = byte
        size += 1
    return size, plain


@inlined_loop
def _is_kept(byte: int, form: int) -> bool:
    if _is_digit(byte) or (form == MOBILE and byte == 43):
        return True
    return form == COMPACT_UPPER and (65 <= byte <= 90 or 97 <= byte <= 122)


@inlined_loop
def _without_country(value: Bytes, size: int) -> int:
    """Without +86, 0086 or 86 before exactly eleven digits."""
    width = size - 11
    if width < 2 or width > 4:
        return size
    for at in range(width, size):
        if not _is_digit(value[at]):
            return size
    if value[width - 2] != 56 or value[width - 1] != 54:
        return size
    if (width == 3 and value[0] != 43) or (width == 4 and (value[0] != 48 or value[1] != 48)):
        return size
    for at in range(11):
        value[at] = value[width + at]
    return 11


@inlined_loop
def _read_date(buffer: Bytes, start: int, end: int, separators: Any, row: int, value: Bytes) -> tuple[int, bool]:
    """The numbers with hyphens between them, in two digits at least. A separator would join numbers: not read."""
    size, at = 0, start
    while at < end:
        if buffer[at] >= 0x80 or separators[row, buffer[at]]:
            return -1, False
        first = at
        while at < end and _is_digit(buffer[at]):
            at += 1
        if at > first:
            if size + at - first + 2 > LONGEST:
                return -1, False
            if size > 0:
                value[size] = 45
                size += 1
            if at == first + 1:
                value[size] = 48
                size += 1
            for place in range(first, at):
                value[size] = buffer[place]
                size += 1
        else:
            at += 1
    return size, True


@inlined_loop
def _is_plain_landline(buffer: Bytes, start: int, end: int, separators: Any, row: int) -> bool:
    """Whether neither a country code nor an extension can be told: it begins otherwise, and ends in seven digits."""
    first = start + (start < end and buffer[start] == 40)
    if end - first < 7 or buffer[first] == 43:
        return False
    for at in range(start, end):
        if separators[row, buffer[at]] or buffer[at] >= 0x80:
            return False
    if buffer[first] == 56 and buffer[first + 1] == 54:
        return False
    if buffer[first] == 48 and buffer[first + 1] == 48:
        return False
    plain = True
    for at in range(end - 7, end):
        plain &= _is_digit(buffer[at])
    return plain

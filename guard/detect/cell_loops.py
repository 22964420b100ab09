"""Looking at many cells at once, as machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint16]
PLANE = 65_536
"""Code points with a class of their own; all beyond share one."""


@tight_loop
def find_usual(buffer: Bytes, lows: Ints, highs: Ints, usual: Mask) -> None:
    """Which cells hold no character that hides another (`judge.MASKS`) and no blank at their ends.

    Not exactly: a few others are left out too, by their first bytes.
    """
    for index in range(len(lows)):
        low, high = lows[index], highs[index]
        plain = low < high and not _may_be_blank(buffer, low, high)
        at = low
        while plain and at < high:
            byte = buffer[at]
            if byte == 0x2A or byte == 0x23 or byte == 0xE2:  # * and #; most of the others lie in one block
                plain = False
            elif byte == 0xC3:
                plain = buffer[at + 1] != 0x97  # ×
            elif byte == 0xE6:
                plain = buffer[at + 1] != 0x9F or buffer[at + 2] != 0x90  # 某
            at += 1
        usual[index] = plain


@tight_loop
def _may_be_blank(buffer: Bytes, low: int, high: int) -> bool:
    """Whether white space could stand at an end of `low`:`high`, by the lead bytes of all that `str.isspace` knows."""
    last = high - 1
    while last > low and buffer[last] & 0xC0 == 0x80:
        last -= 1
    for place in (low, last):
        byte = buffer[place]
        if byte <= 32 or byte == 0xC2 or 0xE1 <= byte <= 0xE3:
            return True
    return False


@tight_loop
def classify(classes: Bytes, buffer: Bytes, lows: Ints, highs: Ints, out: Bytes, edges: Ints) -> None:
    """Writes the classes of the characters of every cell to `out`, and to `edges` where the next cell begins."""
    size = 0
    for index in range(len(lows)):
        at = lows[index]
        while at < highs[index]:
            code, width = np.int64(buffer[at]), 1
            if code >= 0xF0:
                code, width = np.int64(PLANE), 4
            elif code >= 0xE0:
                code = (code & 0x0F) << 12 | (np.int64(buffer[at + 1]) & 0x3F) << 6 | np.int64(buffer[at + 2]) & 0x3F
                width = 3
            elif code >= 0x80:
                code, width = (code & 0x1F) << 6 | np.int64(buffer[at + 1]) & 0x3F, 2
            out[size] = classes[code]
            size += 1
            at += width
        edges[index + 1] = size


@tight_loop
def survey(folded: Codes, text: Bytes, seen: Mask) -> tuple[int, int]:
    """Notes which characters occur: `seen[folded[code point]]`, those beyond the PLANE and stray bytes at PLANE.

    Returns how many of them fold to another one, and how many line ends there are. Stray bytes are passed one by one,
    so that nothing behind them is overlooked.
    """
    size, at, changes, line_ends = len(text), 0, 0, 0
    while at < size:
        byte = np.int64(text[at])
        if byte < 0x80:
            seen[byte] = True
            line_ends += byte == 10 or byte == 13
            at += 1
            continue
        code, width = np.int64(PLANE), 1
        if 0xE0 <= byte < 0xF0 and at + 2 < size and text[at + 1] & 0xC0 == 0x80 and text[at + 2] & 0xC0 == 0x80:
            found = (byte & 0x0F) << 12 | (np.int64(text[at + 1]) & 0x3F) << 6 | np.int64(text[at + 2]) & 0x3F
            if found >= 0x800 and found >> 11 != 0x1B:  # no surrogate, and not a character that has a shorter form
                code, width = found, 3
        elif 0xC2 <= byte < 0xE0 and at + 1 < size and text[at + 1] & 0xC0 == 0x80:
            code, width = (byte & 0x1F) << 6 | np.int64(text[at + 1]) & 0x3F, 2
        if code < PLANE:
            changes += folded[code] != code
            seen[folded[code]] = True
        else:
            seen[PLANE] = True
        at += width
    return changes, line_ends

"""A whole buffer as patterns see it, as compiled loops: what `guard.detect.folding` does in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop

Bytes = npt.NDArray[np.uint8]
FULL, DAMAGED = -1, -2
GONE, SAME = -1, -2
_HIGH_BITS = np.uint64(0x8080808080808080)
_DOT = (0xC2, 0xB7)


@tight_loop
def find_changes(data: Bytes, words: Any, firsts: Ints, table: Any, places: Ints, targets: Any) -> int:
    """Fills in where characters change and what becomes of each (a code, or GONE); how many do.

    FULL when there is no room for more, DAMAGED when the buffer is no UTF-8. `words` are its bytes, eight at a time;
    `firsts[lead]` says where in `table` the characters with a lead byte begin, -1 where none of them changes.
    """
    size, count, at = len(data), 0, 0
    while at < size:
        while at & 7 == 0 and at >> 3 < len(words) and words[at >> 3] & _HIGH_BITS == 0:
            at += 8
        if at >= size:
            break
        byte = data[at]
        if byte < 0x80:
            at += 1
            continue
        width = _sound_width(data, at, size)
        if width == 0:
            return DAMAGED
        if firsts[byte] >= 0:
            index: Any = np.int64(data[at + 1] & 63)
            for step in range(2, width):
                index = index << 6 | data[at + step] & 63
            target = table[firsts[byte] + index]
            if target != SAME:
                if count == len(places):
                    return FULL
                places[count], targets[count] = at, target
                count += 1
        at += width
    return count


@inlined_loop
def _sound_width(data: Bytes, at: int, size: int) -> int:
    """The bytes of the character at an offset, which is not ASCII; 0 for what is no UTF-8 (RFC 3629)."""
    lead = data[at]
    if 0xE1 <= lead <= 0xEF:
        if at + 2 >= size or data[at + 1] & 0xC0 != 0x80 or data[at + 2] & 0xC0 != 0x80:
            return 0
        return 0 if lead == 0xED and data[at + 1] >= 0xA0 else 3
    if lead < 0xC2 or lead > 0xF4:
        return 0
    if lead < 0xE0:
        return 2 if at + 1 < size and data[at + 1] & 0xC0 == 0x80 else 0
    width = 3 if lead == 0xE0 else 4
    if at + width > size:
        return 0
    for step in range(1, width):
        if data[at + step] & 0xC0 != 0x80:
            return 0
    second = data[at + 1]
    if (lead == 0xE0 and second < 0xA0) or (lead == 0xF0 and second < 0x90) or (lead == 0xF4 and second >= 0x90):
        return 0
    return width


@tight_loop
def apply(data: Bytes, places: Ints, targets: Any, out: Bytes, points: Ints, shifts: Ints, sizes: Ints,
          lost: Ints) -> int:
    """Fills in the changed buffer and what `folding.Folded` tells of each change; the new size."""
    copied, size, shift = 0, 0, 0
    for index in range(len(places)):
        place, target = places[index], targets[index]
        _copy(data, copied, out, size, place - copied)
        size += place - copied
        lead = data[place]
        width = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        kept = 0 if target == GONE else 1 if target < 128 else 2
        if kept == 1:
            out[size] = target
        elif kept == 2:
            out[size], out[size + 1] = _DOT
        copied, size, shift = place + width, size + kept, shift + width - kept
        points[index], shifts[index], sizes[index], lost[index] = size, shift, kept, width - kept
    _copy(data, copied, out, size, len(data) - copied)
    return size + len(data) - copied


@inlined_loop
def _copy(data: Bytes, source: int, out: Bytes, target: int, count: int) -> None:
    """Of numbers without a sign the compiler knows that they do not count from the end, and copies in one go."""
    first, place = np.uint64(source), np.uint64(target)
    for step in range(np.uint64(count)):
        out[place + step] = data[first + step]

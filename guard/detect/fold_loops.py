"""A whole buffer as patterns see it, as compiled loops: what `guard.detect.folding` does in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop

Bytes = npt.NDArray[np.uint8]
FULL = -1
GONE, SAME = -1, -2
_DOT = (0xC2, 0xB7)
_STRETCH = 32


@tight_loop
def find_changes(data: Bytes, firsts: Ints, table: Any, places: Ints, targets: Any) -> int:
    """Fills in where characters of UTF-8 change and what becomes of each (a code, or GONE); how many do, FULL without
    room for more.

    `firsts[lead]` says where in `table` the characters with a lead byte begin, -1 where none of them changes.
    """
    size, count, start = len(data), 0, 0
    while start < size:
        end = min(start + _STRETCH, size)
        if end - start == _STRETCH and not _may_change(data, start):
            start = end
            continue
        for at in range(start, end):
            byte = data[at]
            if firsts[byte] < 0:
                continue
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            index: Any = np.int64(data[at + 1] & 63)
            for step in range(2, width):
                index = index << 6 | data[at + step] & 63
            target = table[firsts[byte] + index]
            if target != SAME:
                if count == len(places):
                    return FULL
                places[count], targets[count] = at, target
                count += 1
        start = end
    return count


@inlined_loop
def _may_change(data: Bytes, start: int) -> bool:
    """Whether one of so many bytes is a lead byte of characters that change (those of `normalise.TABLE`); the compiler
    looks at them all at once."""
    found, first = np.uint8(0), np.uint64(start)
    for step in range(np.uint64(_STRETCH)):
        byte = data[first + step]
        found |= np.uint8((byte == 0xC2) | ((byte >= 0xE1) & (byte <= 0xE3)) | (byte == 0xEF) | (byte == 0xF0))
    return bool(found)


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

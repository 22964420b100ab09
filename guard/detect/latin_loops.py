"""Latin given names as compiled loops: what `guard.detect.extents.known_latin_name` says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop
from guard.detect.code_points import Bytes

Offsets = npt.NDArray[np.int64]
MULTIPLIER = -7046029254386353131
"""2**64 divided by the golden ratio, odd, as a signed number (Knuth, The Art of Computer Programming 6.4)."""


@inlined_loop
def known_latin_name(latin: Offsets, buffer: Bytes, start: int, end: int) -> tuple[int, int]:
    """`extents.known_latin_name`."""
    while start < end and not _is_known(latin, buffer, start, end):
        while start < end and buffer[start] != 0x20:
            start += 1
        start += start < end
    for index in range(start, end):
        if buffer[index] == 0x20:
            return start, end
    return -1, -1


@inlined_loop
def _is_known(latin: Offsets, buffer: Bytes, start: int, end: int) -> bool:
    """Whether the first word, up to a space or hyphen, is a given name of the table, in any case."""
    key: Any = 0
    rest: Any = 0
    size = 0
    while start + size < end and buffer[start + size] != 0x20 and buffer[start + size] != 0x2D:
        letter = np.int64(buffer[start + size])
        if size == 16 or letter >= 0x80 or letter == 0:
            return False
        if 65 <= letter <= 90:
            letter += 32
        if size < 8:
            key |= letter << 8 * size
        else:
            rest |= letter << 8 * (size - 8)
        size += 1
    mask = len(latin) - 1
    slot = ((key ^ rest * MULTIPLIER) * MULTIPLIER >> 32) & mask
    while latin[slot, 0] != 0:
        if latin[slot, 0] == key and latin[slot, 1] == rest:
            return True
        slot = slot + 1 & mask
    return False

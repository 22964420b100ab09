"""Where the lines of a buffer end, as a compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.batch import Ints
from guard.compiled import tight_loop

FULL = -1
_HIGHS, _CONTROLS = np.uint64(0x8080808080808080), np.uint64(0x0E0E0E0E0E0E0E0E)


@tight_loop
def find_bounds(text: Any, words: Any, size: int, bounds: Ints) -> int:
    """Fills in the offsets of the line ends in the first `size` bytes, with one before the first and one behind the
    last byte; how many there are, FULL without room for them.

    `words` are eight bytes of the text from each on; it can be read for some bytes behind `size`.
    """
    if len(bounds) < 10:
        return FULL
    bounds[0], count, room = -1, 1, len(bounds) - 9
    for start in range(0, size, 8):
        word = words[start]
        # Whether one of eight bytes is below 14; line ends and tabs are the only such bytes in most texts.
        if (word - _CONTROLS) & ~word & _HIGHS == 0:
            continue
        if count > room:
            return FULL
        for at in range(start, min(start + 8, size)):
            if text[at] == 10 or text[at] == 13:
                bounds[count] = at
                count += 1
    bounds[count] = size
    return count + 1

"""Where the lines of a buffer end, as a compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop

FULL = -1
_HIGHS, _CONTROLS = np.uint64(0x8080808080808080), np.uint64(0x0E0E0E0E0E0E0E0E)
_ONES, _ONE, _SEVEN, _SHIFT = np.uint64(0x0101010101010101), np.uint64(1), np.uint64(7), np.uint64(56)


@tight_loop
def find_bounds(text: Any, words: Any, size: int, bounds: Ints) -> int:
    """Fills in the offsets of the line ends in the first `size` bytes, with one before the first and one behind the
    last byte; how many there are, FULL without room for them.

    `words` are eight bytes of the text from each on; it can be read for 32 bytes behind `size`.
    """
    room = len(bounds) - 2
    if room < 1:
        return FULL
    bounds[0], count = -1, 1
    for start in range(0, size, 32):
        found = (_controls(words[start]) | _controls(words[start + 8]) | _controls(words[start + 16])
                 | _controls(words[start + 24]))
        if found == 0:
            continue
        for first in range(start, start + 32, 8):
            # Eight bytes at once: in most texts line ends and tabs are the only ones below 14.
            controls = _controls(words[first])
            while controls != 0:
                at = first + _lowest(controls)
                controls &= controls - _ONE
                if at < size and (text[at] == 10 or text[at] == 13):
                    if count > room:
                        return FULL
                    bounds[count] = at
                    count += 1
    bounds[count] = size
    return count + 1


@inlined_loop
def _controls(word: Any) -> Any:
    return (word - _CONTROLS) & ~word & _HIGHS


@inlined_loop
def _lowest(marks: Any) -> Any:
    """The number of the lowest byte whose highest bit is set: the bytes below it, counted."""
    return np.int64(((((marks & (~marks + _ONE)) >> _SEVEN) - _ONE) & _ONES) * _ONES >> _SHIFT)

"""The loops of `guard.detect.cell_forms`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.detect.cell_loops import PLANE

Bytes = npt.NDArray[np.uint8]
Kinds = npt.NDArray[np.uint16]


@tight_loop
def note_forms(kinds: Kinds, text: Bytes, starts: Ints, ends: Ints, out: Kinds, edges: Ints) -> int:
    """Writes the kinds of the characters of every cell to `out`, and to `edges` where the next cell begins; how many
    characters there are. The cells are UTF-8."""
    size = 0
    for index in range(len(starts)):
        at, end = starts[index], ends[index]
        while at < end:
            code, width = np.int64(text[at]), 1
            if code >= 0xF0:
                code, width = np.int64(PLANE), 4
            elif code >= 0xE0:
                code = (code & 0x0F) << 12 | (np.int64(text[at + 1]) & 0x3F) << 6 | np.int64(text[at + 2]) & 0x3F
                width = 3
            elif code >= 0x80:
                code, width = (code & 0x1F) << 6 | np.int64(text[at + 1]) & 0x3F, 2
            out[size] = kinds[code]
            size += 1
            at += width
        edges[index + 1] = size
    return size


@tight_loop
def spread(edges: Ints, which: Ints, known: Ints, starts: Ints, out: Ints) -> None:
    """Gives every cell the matches of its form: those of form n are the columns `edges[n]` to `edges[n + 1]` of
    `known`, rows (pattern, start, end). Fills `out` with rows (pattern, start, end, cell)."""
    size = 0
    for cell in range(len(which)):
        low = starts[cell]
        for index in range(edges[which[cell]], edges[which[cell] + 1]):
            out[0, size], out[1, size] = known[0, index], low + known[1, index]
            out[2, size], out[3, size] = low + known[2, index], cell
            size += 1

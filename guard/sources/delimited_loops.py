"""Splitting delimited text with quotes as machine code: the same cells as `delimited_cells` finds, in one pass.

Quotes that do not keep to the rules (`delimited_cells`) are not for this loop: it says so and gives up.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_QUOTE, _CR, _LF = 34, 13, 10
_OPEN = -1
IRREGULAR = -1


@tight_loop
def count_stops(text: Bytes, delimiter: int) -> int:
    """How many delimiters and line ends there are, those in quotes included."""
    found = 0
    for byte in text:
        found += (byte == delimiter) | (byte == _LF) | (byte == _CR)
    return found


@tight_loop
def split(text: Bytes, delimiter: int, final: bool, starts: Ints, ends: Ints, counts: Ints, quoted: Mask,
          escaped: Mask) -> tuple[int, int, int]:
    """Fills the arrays as `Cells` has them; returns how many cells and records there are and where the last one ends.

    Without `final` a record counts only when its end is sure. IRREGULAR cells: nothing was split.
    """
    size = len(text)
    at = cells = records = done = first = 0
    while at < size:
        start, in_quotes = at, text[at] == _QUOTE
        doubled = False
        if in_quotes:
            at, doubled = _behind_quotes(text, at + 1)
            if at == _OPEN:
                return (IRREGULAR if final else first), records, done
            if at < size and text[at] != delimiter and text[at] != _LF and text[at] != _CR:
                return IRREGULAR, records, done
        else:
            while at < size and text[at] != delimiter and text[at] != _LF and text[at] != _CR:
                at += 1
        if not final and (at == size or (text[at] == _CR and at + 1 == size)):
            return first, records, done
        starts[cells], ends[cells], quoted[cells], escaped[cells] = start, at, in_quotes, doubled
        cells += 1
        if at < size and text[at] == delimiter:
            at += 1
            if at < size or not final:
                continue
            # The text ends behind a delimiter: one more cell, which is empty.
            starts[cells], ends[cells], quoted[cells], escaped[cells] = at, at, False, False
            cells += 1
        at = min(size, at + (2 if at + 1 < size and text[at] == _CR and text[at + 1] == _LF else 1))
        counts[records] = cells - first
        records, first, done = records + 1, cells, at
    return first, records, done


@tight_loop
def _behind_quotes(text: Bytes, at: int) -> tuple[int, bool]:
    """Where the quotes that opened before `at` have closed, and whether doubled ones are inside."""
    doubled = False
    while at < len(text):
        if text[at] != _QUOTE:
            at += 1
        elif at + 1 < len(text) and text[at + 1] == _QUOTE:
            doubled = True
            at += 2
        else:
            return at + 1, doubled
    return _OPEN, doubled


@tight_loop
def unescape(text: Bytes, starts: Ints, ends: Ints, which: Ints, out: Bytes, base: int) -> int:
    """Writes the chosen values with single quotes for doubled ones to `out`, and to `starts` and `ends` where they are
    now, counted from `base`; returns the bytes written."""
    size = 0
    for index in which:
        at, end, begin = starts[index], ends[index], size
        while at < end:
            out[size] = text[at]
            size += 1
            at += 2 if text[at] == _QUOTE else 1
        starts[index], ends[index] = base + begin, base + size
    return size

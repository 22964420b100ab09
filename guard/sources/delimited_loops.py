"""Splitting delimited text as machine code: the same cells as `delimited_cells` finds, in one pass.

Text without quotes is looked at eight bytes at a time. Quotes that do not keep to the rules (`delimited_cells`) are not
for these loops: `split` says so and gives up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.hashing_loops import Words

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_QUOTE, _CR, _LF = 34, 13, 10
_OPEN = -1
_RECORDS = 64
"""Records that are taken column by column at a time: some ten thousand bytes."""
IRREGULAR = -1
_ONES, _TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_FIRST = np.uint64(0x80)
_SEVEN, _SHIFT, _ONE = np.uint64(7), np.uint64(56), np.uint64(1)


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
def split_plain(text: Bytes, words: Words, delimiter: int, final: bool, starts: Ints, ends: Ints, counts: Ints,
                ) -> tuple[int, int, int]:
    """As `split`, for text without quotes; `words` are its overlapping words (`words_of`)."""
    size = len(text)
    marks, feeds, returns = np.uint64(delimiter) * _ONES, np.uint64(_LF) * _ONES, np.uint64(_CR) * _ONES
    at = cells = records = done = first = base = 0
    while base < size:
        step = 8 if base + 8 <= size else 1
        if step == 8:
            word = words[base]
            found = _zeros(word ^ marks) | _zeros(word ^ feeds) | _zeros(word ^ returns)
        else:
            found = _FIRST
        while found != 0:
            lowest = (found & (~found + _ONE)) >> _SEVEN
            found &= found - _ONE
            stop: Any = base + np.int64((((lowest - _ONE) & _ONES) * _ONES) >> _SHIFT)
            byte = text[stop]
            if byte == delimiter:
                starts[cells], ends[cells] = at, stop
                cells += 1
                at = stop + 1
                continue
            if byte == _CR:  # of CRLF the LF ends the record; at the end of the text it may be to come
                if (stop + 1 < size and text[stop + 1] == _LF) or (stop + 1 == size and not final):
                    continue
            elif byte != _LF:
                continue
            starts[cells], ends[cells] = at, stop - (byte == _LF and stop > at and text[stop - 1] == _CR)
            cells += 1
            counts[records] = cells - first
            records, first, at = records + 1, cells, stop + 1
            done = at
        base += step
    if final and done < size:
        starts[cells], ends[cells] = at, size
        cells += 1
        counts[records] = cells - first
        return cells, records + 1, size
    return first, records, done


@tight_loop
def _zeros(word: Any) -> Any:
    """The highest bit of each byte that is zero, and perhaps of some behind the first such byte."""
    return (word - _ONES) & ~word & _TOPS


@tight_loop
def measure(starts: Ints, ends: Ints, filled: Ints, sizes: Ints) -> None:
    """How many cells of each column are filled and their bytes, where every record has as many cells."""
    width = len(filled)
    column = 0
    for cell in range(len(starts)):
        size = ends[cell] - starts[cell]
        if size > 0:
            filled[column] += 1
            sizes[column] += size
        column = column + 1 if column + 1 < width else 0


@tight_loop
def stack(text: Bytes, words: Words, starts: Ints, ends: Ints, bases: Ints, counts: Ints, out: Bytes, out_words: Words,
          column_starts: Ints, column_ends: Ints) -> None:
    """Writes the filled cells of each column one below the other, a line feed behind each: those of a column from
    `bases` on, with eight bytes to spare behind them; where they are then, counted from there.

    `words` and `out_words` are those of the two buffers (`words_of`). A few records at a time are taken column by
    column: they are still at hand, and cells of one column have much the same length. `counts` are zeros, and the cells
    of each column in the end.
    """
    # A range whose step the compiler does not know to be above zero could raise an error, which needs a linker.
    width = max(len(bases), 1)
    for first in range(0, len(starts), _RECORDS * width):
        behind = min(first + _RECORDS * width, len(starts))
        for column in range(width):
            index = counts[column]
            place = bases[column] + (column_ends[column, index - 1] + 1 if index else 0)
            for cell in range(first + column, behind, width):
                start, end = starts[cell], ends[cell]
                if end <= start:
                    continue
                column_starts[column, index] = place - bases[column]
                if end <= len(words):
                    for at in range(start, end, 8):
                        out_words[place + at - start] = words[at]
                else:
                    for at in range(start, end):
                        out[place + at - start] = text[at]
                place += end - start
                column_ends[column, index] = place - bases[column]
                out[place] = _LF
                place += 1
                index += 1
            counts[column] = index


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

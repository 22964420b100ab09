"""Counting hits and free text as machine code, one pass each: the same numbers as `guard.scanner.count` gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Ints
from guard.compiled import tight_loop
from guard.hashing_loops import Words, hash_slice, word_at
from guard.model import CERTAIN, LIKELY
from guard.tally import SKETCH, ClassTally

Reals = npt.NDArray[np.float32]
_CERTAIN, _LIKELY = np.float32(CERTAIN), np.float32(LIKELY)
SURE, PROBABLE = 1 << 8, 1 << 9
KINDS = 1 << 10
"""A kind of hit: its flags, and whether it is certain and likely."""
_ONES, _TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_LOWS, _SPACES = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x2020202020202020)
_SEVEN, _SHIFT = np.uint64(7), np.uint64(56)


@tight_loop
def number_detectors(detectors: npt.NDArray[np.int16], numbers: Ints) -> int:
    """Writes to `numbers`, which are negative before, which of the detectors that occur each is; returns how many."""
    count = 0
    for detector in detectors:
        if numbers[detector] < 0:
            numbers[detector] = count
            count += 1
    return count


@tight_loop
def number_lines(text: Any, words: Words, line_end: int, offsets: Ints, numbers: Ints) -> None:
    """Fills in a number for the line of each offset, which are in order; it grows from line to line.

    `words` are the overlapping words of the text (`words_of`).
    """
    number, pattern = 0, np.uint64(line_end) * _ONES
    for index in range(len(offsets)):
        at, end = offsets[max(0, index - 1)], offsets[index]
        while at < end and at < len(words):
            others = words[at] ^ pattern
            if (others - _ONES) & ~others & _TOPS:
                break
            at += 8
        while at < end and text[at] != line_end:
            at += 1
        number += at < end
        numbers[index] = number


@tight_loop
def count_hits(words: Words, numbers: Ints, detectors: npt.NDArray[np.int16], starts: Ints, ends: Ints,
               confidence: Reals, flags: npt.NDArray[np.uint8], cells: Ints, bases: Ints, key: Any, kinds: Ints,
               filled: Ints, best: Reals, sketches: Words, sketched: Ints) -> None:
    """Counts hits, ordered by cell: how many there are of each of the `kinds` of each detector, the cells `filled` by
    those that are not masked, the highest confidence of these and their smallest hashes.

    A hit is at `bases[cell] + start`; without `bases` at `start`.
    """
    last: Any = np.int64(-1)
    value = key
    for index in range(len(detectors)):
        detector, worth, cell = numbers[detectors[index]], confidence[index], cells[index]
        kinds[detector, flags[index] | (worth >= _CERTAIN) << 8 | (worth >= _LIKELY) << 9] += 1
        if flags[index] & MASKED:
            continue
        best[detector] = max(best[detector], worth)
        if cell != filled[detector, 0]:
            filled[detector, 0] = cell
            filled[detector, 1] += 1
        if last < 0 or starts[index] != starts[last] or ends[index] != ends[last] or cell != cells[last]:
            base = bases[cell] if len(bases) else 0
            value = hash_slice(words, base + starts[index], base + ends[index], key)
        last = index
        if sketched[detector] < SKETCH or value < sketches[detector, SKETCH - 1]:
            sketched[detector] = _keep_smallest(sketches, sketched[detector], detector, value)


@tight_loop
def _keep_smallest(sketches: Words, size: int, detector: int, value: Any) -> int:
    """Puts a hash among the `size` smallest of a detector, which are sorted and distinct; how many there are then."""
    place = size
    while place > 0 and sketches[detector, place - 1] > value:
        place -= 1
    if place > 0 and sketches[detector, place - 1] == value:
        return size
    size = min(size + 1, SKETCH)
    for later in range(size - 1, place, -1):
        sketches[detector, later] = sketches[detector, later - 1]
    sketches[detector, place] = value
    return size


@tight_loop
def count_free_texts(words: Words, starts: Ints, ends: Ints, edges: Ints, length: int, spaces: int, beyond_ascii: int,
                     counts: Ints) -> None:
    """Fills in how many slices of each column are of at least `length` bytes and hold so many spaces or so many bytes
    beyond ASCII. Those of column n are `edges[n]` up to the next edge; `words` are those of the buffer (`words_of`)."""
    for column in range(len(counts)):
        found = 0
        for index in range(edges[column], edges[column + 1]):
            place, end = starts[index], ends[index]
            if end - place < length:
                continue
            blanks = others = 0
            while place < end and blanks < spaces and others < beyond_ascii:
                word = word_at(words, place, end)
                others += _marked(word & _TOPS)
                rest = word ^ _SPACES
                blanks += _marked(~(((rest & _LOWS) + _LOWS) | rest | _LOWS))
                place += 8
            if blanks >= spaces or others >= beyond_ascii:
                found += 1
        counts[column] = found


@tight_loop
def _marked(word: Any) -> Any:
    """How many bytes of a word, in which nothing else is, have their highest bit set."""
    return np.int64(((word >> _SEVEN) * _ONES) >> _SHIFT)


_NUMBERS = np.arange(KINDS)
_RAW = _NUMBERS & MASKED == 0
_COUNTED = np.stack([_RAW, *(_RAW & (_NUMBERS & kind != 0) for kind in (VALIDATED, SURE, PROBABLE)), ~_RAW,
                     *(_RAW & (_NUMBERS & kind != 0) for kind in (CHECK_FAILED, SHADOWED, FROM_HEADER))], axis=1)
"""Which kinds of hits count as what, in the order of the fields of `ClassTally`."""


def class_tally(kinds: Ints, cells: int, best: float, sketch: Words) -> ClassTally:
    """The tally of one detector."""
    met = np.flatnonzero(kinds)  # few of all there may be
    hits, proved, sure, probable, masked, failed, covered, by_header = (kinds[met] @ _COUNTED[met]).tolist()
    return ClassTally(hits, proved, sure, probable, masked, failed, covered, by_header, cells, best,
                      smallest=tuple(sketch.tolist()))

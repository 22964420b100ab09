"""Counting hits and free text as machine code, one pass each: the same numbers as `guard.scanner.count` gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Ints
from guard.compiled import tight_loop
from guard.hashing_loops import Words, hash_slice
from guard.model import CERTAIN, LIKELY
from guard.tally import SKETCH, ClassTally

HITS, PROVED, SURE, PROBABLE, HIDDEN, FAILED, COVERED, BY_HEADER, CELLS, LAST_CELL, SKETCHED = range(11)
WIDTH = SKETCHED + 1
"""What the columns of `counts` hold, one row for each detector."""
Reals = npt.NDArray[np.float32]
_CERTAIN, _LIKELY = np.float32(CERTAIN), np.float32(LIKELY)


@tight_loop
def count_hits(words: Words, detectors: npt.NDArray[np.int16], starts: Ints, ends: Ints, confidence: Reals,
               flags: npt.NDArray[np.uint8], cells: Ints, bases: Ints, key: Any, counts: Ints,
               best: Reals, sketches: Words) -> None:
    """Adds hits, ordered by cell, to `counts`, the highest confidence to `best`, the smallest hashes to `sketches`.

    A hit is at `bases[cell] + start`; without `bases` at `start`.
    """
    for index in range(len(detectors)):
        detector, marks, cell = detectors[index], flags[index], cells[index]
        if marks & MASKED:
            counts[detector, HIDDEN] += 1
            continue
        counts[detector, HITS] += 1
        counts[detector, PROVED] += (marks & VALIDATED) != 0
        counts[detector, FAILED] += (marks & CHECK_FAILED) != 0
        counts[detector, COVERED] += (marks & SHADOWED) != 0
        counts[detector, BY_HEADER] += (marks & FROM_HEADER) != 0
        counts[detector, SURE] += confidence[index] >= _CERTAIN
        counts[detector, PROBABLE] += confidence[index] >= _LIKELY
        best[detector] = max(best[detector], confidence[index])
        if cell != counts[detector, LAST_CELL]:
            counts[detector, CELLS] += 1
            counts[detector, LAST_CELL] = cell
        base = bases[cell] if len(bases) else 0
        value = hash_slice(words, base + starts[index], base + ends[index], key)
        _keep_smallest(sketches, counts, detector, value)


@tight_loop
def _keep_smallest(sketches: Words, counts: Ints, detector: int, value: Any) -> None:
    """Puts a hash among the smallest of a detector, which are sorted and distinct."""
    size = counts[detector, SKETCHED]
    if size == SKETCH and value >= sketches[detector, SKETCH - 1]:
        return
    place = size
    while place > 0 and sketches[detector, place - 1] > value:
        place -= 1
    if place > 0 and sketches[detector, place - 1] == value:
        return
    size = min(size + 1, SKETCH)
    for later in range(size - 1, place, -1):
        sketches[detector, later] = sketches[detector, later - 1]
    sketches[detector, place] = value
    counts[detector, SKETCHED] = size


@tight_loop
def count_free_text(data: npt.NDArray[np.uint8], starts: Ints, ends: Ints, length: int, spaces: int,
                    beyond_ascii: int) -> int:
    """How many slices of at least `length` bytes hold so many spaces or so many bytes beyond ASCII."""
    found = 0
    for index in range(len(starts)):
        if ends[index] - starts[index] < length:
            continue
        blanks = others = 0
        for place in range(starts[index], ends[index]):
            blanks += data[place] == 32
            others += data[place] >= 0x80
            if blanks >= spaces or others >= beyond_ascii:
                found += 1
                break
    return found


def class_tally(counts: Ints, best: float, sketch: Words) -> ClassTally:
    """One row of `counts` with what belongs to it."""
    hits, proved, sure, probable, hidden, failed, covered, by_header, cells, _, sketched = counts.tolist()
    return ClassTally(hits, proved, sure, probable, hidden, failed, covered, by_header, cells, best,
                      smallest=tuple(sketch[:sketched].tolist()))

"""Counting hits and free text as machine code, one pass each: the same numbers as `guard.scanner.count` gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Ints
from guard.compiled import loop
from guard.hashing_loops import Words, hash_slice
from guard.model import CERTAIN, LIKELY
from guard.tally import SKETCH, ClassTally

HITS, PROVED, SURE, PROBABLE, HIDDEN, FAILED, COVERED, BY_HEADER, CELLS, LAST_CELL, SKETCHED = range(11)
WIDTH = SKETCHED + 1
"""What the columns of `counts` hold, one row for each detector."""
Reals = npt.NDArray[np.float32]
_CERTAIN, _LIKELY = np.float32(CERTAIN), np.float32(LIKELY)


@loop
def count_hits(words: Words, detectors: npt.NDArray[np.int16], starts: Ints, ends: Ints, confidence: Reals,
               flags: npt.NDArray[np.uint8], cells: Ints, bases: Ints, key: Any, counts: Ints,
               best: Reals, sketches: Words) -> None:
    """Adds hits, ordered by cell, to `counts`, the highest confidence to `best`, the smallest hashes to `sketches`.

    A hit is at `bases[cell] + start`; without `bases` at `start`.
    """
    for index in range(len(detectors)):
        row = counts[detectors[index]]
        marks = flags[index]
        if marks & MASKED:
            row[HIDDEN] += 1
            continue
        row[HITS] += 1
        row[PROVED] += (marks & VALIDATED) != 0
        row[FAILED] += (marks & CHECK_FAILED) != 0
        row[COVERED] += (marks & SHADOWED) != 0
        row[BY_HEADER] += (marks & FROM_HEADER) != 0
        row[SURE] += confidence[index] >= _CERTAIN
        row[PROBABLE] += confidence[index] >= _LIKELY
        best[detectors[index]] = max(best[detectors[index]], confidence[index])
        if cells[index] != row[LAST_CELL]:
            row[CELLS] += 1
            row[LAST_CELL] = cells[index]
        base = bases[cells[index]] if len(bases) else 0
        value = hash_slice(words, base + starts[index], base + ends[index], key)
        row[SKETCHED] = _keep_smallest(sketches[detectors[index]], row[SKETCHED], value)


@loop
def _keep_smallest(kept: Words, size: int, value: Any) -> int:
    """Puts a hash among the smallest, which are sorted and distinct; returns how many there are."""
    if size == SKETCH and value >= kept[SKETCH - 1]:
        return size
    place = size
    while place > 0 and kept[place - 1] > value:
        place -= 1
    if place > 0 and kept[place - 1] == value:
        return size
    size = min(size + 1, SKETCH)
    for later in range(size - 1, place, -1):
        kept[later] = kept[later - 1]
    kept[place] = value
    return size


@loop
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

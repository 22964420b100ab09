"""From the hits of a batch to a tally: counting without an object per hit.

By NumPy, and by machine code (`guard.scanner.count_loops`) where there is much to count; the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Batch, Column, Hits, Ints, distinct
from guard.detect import Detector
from guard.hashing import hash64
from guard.model import CERTAIN, LIKELY
from guard.tally import SKETCH, ClassTally, FieldTally, Tally, text_tally

if TYPE_CHECKING:
    from guard.detect.weak_protection import WeakProtection

Counts = npt.NDArray[np.uint32]

_FREE_TEXT_BYTES = 20
_FREE_TEXT_SPACES = 2
_FREE_TEXT_HAN_BYTES = 60
_FEW = 256
"""Cells of a column of which it is soon told that none is long, and that are soon put behind those of others."""
_WORK_PER_HIT, _WORK_PER_CELL = 32, 4


def count_text(batch: Batch, hits: Hits, detectors: Sequence[Detector], key: int) -> FieldTally:
    """The tally of a text batch."""
    tally = text_tally(batch.dataset, batch.rows)
    if not len(hits):
        return tally
    tally.detectors = _by_detector(_Counted(hits, _lines_of(hits.start, batch.data), batch.data), detectors, key)
    return tally


class _Characters:
    """Running counts of spaces and of bytes beyond ASCII in one buffer, made once for all columns that lie in it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @cached_property
    def spaces(self) -> Counts:
        return _running(np.frombuffer(self._data, np.uint8) == 32)

    @cached_property
    def beyond_ascii(self) -> Counts:
        return _running(np.frombuffer(self._data, np.uint8) >= 0x80)


def count_column(batch: Batch, column: Column, long_text: int, hits: Hits, detectors: Sequence[Detector],
                 header_classes: tuple[str, ...], key: int) -> FieldTally:
    """The tally of one column of a batch; `long_text` of its values are free text."""
    tally = FieldTally(batch.dataset, column.field, "column", column.ordinal, batch.rows, len(column), long_text,
                       header_classes)
    if len(hits):
        tally.detectors = _by_detector(_Counted(hits, hits.cell, column.data, column.starts), detectors, key)
    return tally


def _lines_of(offsets: Ints, data: bytes) -> Ints:
    """A number for the line of each offset, which are in order; equal ones in the same line only."""
    if not compiled.pays(_WORK_PER_HIT * len(offsets)):
        return np.searchsorted(line_starts(data), offsets, side="right")
    from guard.hashing_loops import words_of
    from guard.scanner import count_loops as loops

    numbers = np.empty(len(offsets), np.int64)
    loops.number_lines(np.frombuffer(data, np.uint8), words_of(data), 10 if b"\n" in data else 13, offsets, numbers)
    return numbers


def line_starts(data: bytes) -> Ints:
    """Offsets after each line feed (or lone carriage return) of a buffer."""
    view = np.frombuffer(data, np.uint8)
    ends = view == 10
    if not ends.any():
        ends = view == 13
    return np.flatnonzero(ends).astype(np.int64) + 1


def free_texts(columns: Sequence[Column]) -> list[int]:
    """How many values of each column are long free text: several words, or some twenty Han characters."""
    cells = sum(map(len, columns))
    if 0 < cells <= _FEW * len(columns) and compiled.pays(_WORK_PER_CELL * cells):
        first = columns[0].data
        if all(column.data is first for column in columns):
            return _free_texts_compiled(first, columns)
    characters = {id(column.data): _Characters(column.data) for column in columns}
    return [_free_text(column, characters[id(column.data)]) for column in columns]


def _free_text(column: Column, characters: _Characters) -> int:
    if len(column) > _FEW and compiled.pays(_WORK_PER_CELL * len(column)):
        return _free_texts_compiled(column.data, [column])[0]
    long = column.ends - column.starts >= _FREE_TEXT_BYTES
    if not long.any():
        return 0
    if compiled.pays(_WORK_PER_CELL * len(column)):
        return _free_texts_compiled(column.data, [column])[0]
    starts, ends = column.starts[long], column.ends[long]
    spaces = characters.spaces[ends] - characters.spaces[starts]
    han = characters.beyond_ascii[ends] - characters.beyond_ascii[starts]
    return int(np.count_nonzero((spaces >= _FREE_TEXT_SPACES) | (han >= _FREE_TEXT_HAN_BYTES)))


def _running(mask: npt.NDArray[np.bool_]) -> Counts:
    total = np.zeros(len(mask) + 1, np.uint32)
    np.cumsum(mask, dtype=np.uint32, out=total[1:])
    return total


def _free_texts_compiled(data: bytes, columns: Sequence[Column]) -> list[int]:
    """The same for columns of one buffer."""
    from guard.hashing_loops import words_of
    from guard.scanner import count_loops as loops

    edges, counts = np.cumsum([0, *map(len, columns)]), np.empty(len(columns), np.int64)
    starts, ends = ((columns[0].starts, columns[0].ends) if len(columns) == 1 else
                    (np.concatenate([column.starts for column in columns]),
                     np.concatenate([column.ends for column in columns])))
    # Without a space only what is so long counts: columns of names and codes are not gone through.
    least = _FREE_TEXT_BYTES if b" " in data else _FREE_TEXT_HAN_BYTES
    loops.count_free_texts(words_of(data), starts, ends, edges, least, _FREE_TEXT_SPACES, _FREE_TEXT_HAN_BYTES, counts)
    found: list[int] = counts.tolist()
    return found


def note_weak(weak: WeakProtection, tally: Tally) -> None:
    """Says of the fields of a tally which of them hold values under a weak protection."""
    for key, found in weak.found().items():
        if key in tally.fields:
            tally.fields[key].weakness = found.sentence()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Counted:
    """Hits, the record of each, and their buffer; a hit of a column counts from its cell's place in `bases`."""

    hits: Hits
    cells: Ints
    data: bytes
    bases: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def places(self) -> tuple[Ints, Ints]:
        """Starts and ends in the buffer."""
        if not len(self.bases):
            return self.hits.start, self.hits.end
        base = self.bases[self.cells]
        return base + self.hits.start, base + self.hits.end


def _by_detector(counted: _Counted, detectors: Sequence[Detector], key: int) -> dict[str, ClassTally]:
    if compiled.pays(_WORK_PER_HIT * len(counted.hits)):
        return _by_detector_compiled(counted, detectors, key)
    (starts, ends), hits, found = counted.places(), counted.hits, {}
    for index in distinct(hits.detector):
        which = np.flatnonzero(hits.detector == index)
        found[detectors[index].id] = _count(hits.take(which), counted.cells[which], counted.data, starts[which],
                                            ends[which], key)
    return found


def _by_detector_compiled(counted: _Counted, detectors: Sequence[Detector], key: int) -> dict[str, ClassTally]:
    from guard.hashing_loops import words_of
    from guard.scanner import count_loops as loops

    hits, numbers = counted.hits, np.full(len(detectors), -1, np.int64)
    size = loops.number_detectors(hits.detector, numbers)
    kinds, filled = np.zeros((size, loops.KINDS), np.int64), np.zeros((size, 2), np.int64)
    filled[:, 0] = -1
    best, sketches, sketched = np.zeros(size, np.float32), np.empty((size, SKETCH), np.uint64), np.zeros(size, np.int64)
    loops.count_hits(words_of(counted.data), numbers, hits.detector, hits.start, hits.end, hits.confidence, hits.flags,
                     counted.cells, counted.bases, np.uint64(key), kinds, filled, best, sketches, sketched)
    return {detectors[index].id: loops.class_tally(kinds[number], int(filled[number, 1]), float(best[number]),
                                                   sketches[number, : sketched[number]])
            for index in np.flatnonzero(numbers >= 0).tolist() for number in (int(numbers[index]),)}


def _count(hits: Hits, cells: Ints, data: bytes, starts: Ints, ends: Ints, key: int) -> ClassTally:
    raw = hits.flags & MASKED == 0
    flags, confidence = hits.flags[raw], hits.confidence[raw]
    return ClassTally(
        hits=int(np.count_nonzero(raw)),
        validated=_having(flags, VALIDATED),
        certain=int(np.count_nonzero(confidence >= np.float32(CERTAIN))),
        likely=int(np.count_nonzero(confidence >= np.float32(LIKELY))),
        masked=len(hits) - int(np.count_nonzero(raw)),
        check_failed=_having(flags, CHECK_FAILED),
        shadowed=_having(flags, SHADOWED),
        from_header=_having(flags, FROM_HEADER),
        cells=_distinct_sorted(cells[raw]),
        confidence=float(confidence.max()) if len(confidence) else 0.0,
        smallest=_sketch(data, starts[raw], ends[raw], key),
    )


def _having(flags: npt.NDArray[np.uint8], flag: int) -> int:
    return int(np.count_nonzero(flags & flag))


def _distinct_sorted(cells: Ints) -> int:
    return int(np.count_nonzero(np.diff(cells))) + 1 if len(cells) else 0


def _sketch(data: bytes, starts: Ints, ends: Ints, key: int) -> tuple[int, ...]:
    if not len(starts):
        return ()
    return tuple(int(h) for h in distinct(hash64(data, starts, ends, key))[:SKETCH])

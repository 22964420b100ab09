"""Batches: how data travels from a source through detection and back into a file.

A batch is a UTF-8 buffer and columns of slices into it. A text batch has no columns: the whole buffer is one field
`text`, its lines are the records. Findings of a batch are `Hits`, parallel NumPy arrays; objects are made late. What
holds values has no repr that would show them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from guard.model import Location

Ints = npt.NDArray[np.int64]

VALIDATED, MASKED, SHADOWED, CHECK_FAILED, FROM_HEADER, NOISY, DECODED = 1, 2, 4, 8, 16, 32, 64
"""Flags of a hit: proof passed; already masked; another hit of the same value is the one to show; check digit failed;
raised by the header alone; written with separators, full-width or prefix, so its normal form differs; its bytes are an
encoding of the value (base64, hexadecimal digits, escapes), which `Matcher.decoded_value` tells."""


def distinct(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The different numbers of an array, sorted: as `np.unique`, in a third of its time, and without importing the
    masked arrays that it asks about (0.007 s)."""
    ordered = np.sort(values, axis=None, kind="stable")
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def among(values: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of the numbers of a flat array are among those of another: as `np.isin`, for the same reason."""
    ordered = np.sort(wanted)
    if not len(ordered):
        return np.zeros(len(values), bool)
    found: npt.NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hits:
    """Findings of one scanned buffer, as columns, ordered by cell and start.

    `detector` indexes `Matcher.detectors`; `start`/`end` are byte offsets in the scanned buffer (text) or in the
    cell's own bytes (column); `cell` is the index in the column (0 for text).
    """

    detector: npt.NDArray[np.int16]
    start: Ints
    end: Ints
    confidence: npt.NDArray[np.float32]
    flags: npt.NDArray[np.uint8]
    cell: Ints

    def __len__(self) -> int:
        return len(self.detector)

    def take(self, which: npt.NDArray[Any]) -> Hits:
        """The hits at the given indices or under the given mask; these themselves where a mask covers all."""
        if which.dtype == np.bool_ and which.all():
            return self
        return Hits(self.detector[which], self.start[which], self.end[which], self.confidence[which],
                    self.flags[which], self.cell[which])

    @staticmethod
    def empty() -> Hits:
        return Hits.build([], [], [], [], [], [])

    @staticmethod
    def build(detector: Sequence[int], start: Sequence[int], end: Sequence[int], confidence: Sequence[float],
              flags: Sequence[int], cell: Sequence[int]) -> Hits:
        """Hits from plain sequences, in the order given."""
        return Hits(np.asarray(detector, np.int16), np.asarray(start, np.int64), np.asarray(end, np.int64),
                    np.asarray(confidence, np.float32), np.asarray(flags, np.uint8), np.asarray(cell, np.int64))

    @staticmethod
    def concat(parts: Sequence[Hits]) -> Hits:
        """All parts one after the other, order kept."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Hits.empty()
        return Hits(*(np.concatenate([getattr(part, name) for part in parts]) for name in
                      ("detector", "start", "end", "confidence", "flags", "cell")))


@dataclass(slots=True, eq=False, repr=False)
class Column:
    """Values of one field in a batch. Nobody changes one; it is not frozen, as that takes four times as long to make,
    and JSON has one for each key of each file.

    Value i is `data[starts[i]:ends[i]]`, UTF-8, already unquoted or unescaped; a null is left out of the arrays.
    `rows[i]` is its record number in the dataset, from 0. `field` is the shown name (safe to store), `header` the raw
    name for header rules (a value: never stored or shown); `text` is false where the value is no string in its format
    (JSON numbers, typed Parquet columns). `key` marks the keys of a JSON object as values. Of a `stacked` column `data`
    was made of nothing but its values, one below the other, with a line feed between any two.
    """

    field: str
    header: str
    data: bytes
    starts: Ints
    ends: Ints
    rows: Ints
    ordinal: int = 0
    text: bool = True
    key: bool = False
    stacked: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def size(self) -> int:
        """The bytes of all values together."""
        return int((self.ends - self.starts).sum())

    def value(self, index: int) -> bytes:
        """The bytes of one value."""
        return self.data[self.starts[index] : self.ends[index]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Batch(ABC):
    """A piece of one dataset. `rows` counts the records (or lines) of this piece, empty ones included.

    `dataset` is the shown name. For text, `data` is the UTF-8 buffer and `columns` is empty. `is_source` tells source
    code, in which inline marks count, `commit` is the full id of the commit whose version it is, if there is one.
    """

    dataset: str
    rows: int
    data: bytes = b""
    columns: tuple[Column, ...] = ()
    is_source: bool = field(default=False, kw_only=True)
    commit: str = field(default="", kw_only=True)

    @property
    def is_text(self) -> bool:
        return not self.columns

    @abstractmethod
    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        """The place of bytes start:end of a cell; of the text buffer with `column` -1, `cell` 0. Made late."""


class CellEdit(NamedTuple):
    """New values for some cells of one column: `values` is a pyarrow string array (null = null), one per cell."""

    column: int
    cells: Ints
    values: Any

    def __repr__(self) -> str:
        return object.__repr__(self)


class SpanEdit(NamedTuple):
    """Replacements in a text buffer: sorted, not overlapping byte spans and a pyarrow string array of new texts."""

    starts: Ints
    ends: Ints
    values: Any

    def __repr__(self) -> str:
        return object.__repr__(self)


class Edits(NamedTuple):
    """What changes in one batch."""

    cells: tuple[CellEdit, ...] = ()
    spans: SpanEdit | None = None


class Edited(NamedTuple):
    """What a rewrite did: cells or spans replaced, columns left out, records written."""

    replaced: int = 0
    dropped: int = 0
    rows: int = 0
    notes: tuple[str, ...] = ()


class Editor(Protocol):
    """What `Document.rewrite` asks while it writes."""

    def drops(self, dataset: str, field: str) -> bool:
        """Whether the column is left out of the output (tables; in JSON its values become null)."""
        ...

    def edit(self, batch: Batch) -> Edits:
        """The changes to one batch. Cells that are not named stay byte-identical in CSV, text and JSON."""
        ...

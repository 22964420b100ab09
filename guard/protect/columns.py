"""Arrow string columns as bytes: rows of one width as a matrix, and back. No Python object per value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_HAN_LEAD = 0xE4
_HAN_SECOND = 0xB8


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """The UTF-8 bytes of a string array: value i is `data[starts[i] : starts[i] + widths[i]]`; a null has width -1."""

    data: Bytes
    starts: Rows
    widths: Rows

    @staticmethod
    def of(values: Any) -> Slices:
        """A view on a pyarrow array of type string or large_string."""
        _, offset_buffer, data_buffer = values.buffers()
        kind = np.int32 if pa.types.is_string(values.type) else np.int64
        offsets = np.frombuffer(offset_buffer, kind)[values.offset : values.offset + len(values) + 1].astype(np.int64)
        data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
        widths = np.diff(offsets)
        if values.null_count:
            widths[values.is_null().to_numpy(zero_copy_only=False)] = -1
        return Slices(data, offsets[:-1], widths)

    def by_width(self, rows: Rows | None = None) -> Iterator[tuple[int, Rows]]:
        """Each width that occurs, nulls left out, with the rows that have it (all, or of those given), in order."""
        widths = self.widths if rows is None else self.widths[rows]
        for width in np.unique(widths):
            if width >= 0:
                found = np.flatnonzero(widths == width)
                yield int(width), found if rows is None else rows[found]

    def matrix(self, rows: Rows, width: int) -> Bytes:
        """The bytes of rows that all have this width, one row each. A view where they stand side by side."""
        starts = self.starts[rows]
        if len(rows) and starts[-1] - starts[0] == (len(rows) - 1) * width:
            return self.data[starts[0] : starts[0] + len(rows) * width].reshape(len(rows), width)
        gathered: Bytes = self.data[starts[:, None] + np.arange(width)]
        return gathered


def from_matrix(matrix: Bytes) -> Any:
    """A string array whose values all have the width of the matrix."""
    count, width = matrix.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix)))


def assemble(parts: Sequence[tuple[Rows, Any]], count: int) -> Any:
    """One string array of `count` values from parts, each with the rows it is for; rows of no part are null."""
    parts = [(rows, values) for rows, values in parts if len(rows)]
    if len(parts) == 1 and len(parts[0][0]) == count:
        return parts[0][1]
    order = np.full(count, -1, np.int64)
    filled = 0
    for rows, values in parts:
        order[rows] = np.arange(filled, filled + len(values))
        filled += len(values)
    whole = pa.concat_arrays([values.cast(pa.string()) for _, values in parts] or [pa.nulls(0, pa.string())])
    return whole.take(pa.array(order, mask=order < 0))


def all_in(matrix: Bytes, allowed: Mask) -> Mask:
    """Which rows consist of allowed bytes only; `allowed` has an entry for each of the 256."""
    good = np.ones(len(matrix), bool)
    for column in range(matrix.shape[1]):
        good &= allowed[matrix[:, column]]
    return good


def is_han(matrix: Bytes) -> Mask:
    """Which rows are nothing but ideographs U+4E00 to U+9FFF, three bytes each."""
    if matrix.shape[1] == 0 or matrix.shape[1] % 3:
        return np.zeros(len(matrix), bool)
    good = np.ones(len(matrix), bool)
    for at in range(0, matrix.shape[1], 3):
        lead, second = matrix[:, at], matrix[:, at + 1]
        good &= ((lead > _HAN_LEAD) & (lead < 0xEA)) | ((lead == _HAN_LEAD) & (second >= _HAN_SECOND))
    return good


def byte_set(text: str) -> Mask:
    """The 256 entries for `all_in` that allow these ASCII characters."""
    allowed = np.zeros(256, bool)
    allowed[np.frombuffer(text.encode("ascii"), np.uint8)] = True
    return allowed

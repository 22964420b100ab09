"""Between the slices of a batch and Arrow arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from guard.batch import Ints


def strings(data: bytes, starts: Ints, ends: Ints) -> Any:
    """The slices `data[starts[i]:ends[i]]` as a pyarrow string array, without an object per slice when they ascend."""
    if not len(starts):
        return pa.array([], pa.string())
    borders = np.empty(2 * len(starts), np.int64)
    borders[0::2], borders[1::2] = starts, ends
    if np.any(np.diff(borders) < 0) or len(data) > np.iinfo(np.int32).max:
        return pa.array([str(data[s:e], "utf-8", "replace") for s, e in zip(starts, ends, strict=True)], pa.string())
    buffers = [None, pa.py_buffer(borders.astype(np.int32).tobytes()), pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(pa.string(), len(borders) - 1, buffers)
    return pieces.take(pa.array(np.arange(0, len(borders) - 1, 2)))


def slices(values: Any) -> tuple[bytes, Ints, Ints]:
    """Buffer, starts and ends of a pyarrow string array (nulls are empty)."""
    plain = values.fill_null("") if values.null_count else values
    offsets = np.frombuffer(plain.buffers()[1], np.int32)[plain.offset : plain.offset + len(plain) + 1]
    data = plain.buffers()[2]
    wide = offsets.astype(np.int64)
    return (data.to_pybytes() if data is not None else b""), wide[:-1], wide[1:]


def spliced(data: bytes, starts: Ints, ends: Ints, inner_starts: Ints, inner_ends: Ints, values: Any) -> Any:
    """The slices of `data`, as a pyarrow string array, with the spans inside of them replaced by `values`.

    Slices and spans do not overlap among themselves; every span lies inside one slice, and those of a slice ascend.
    """
    order = np.argsort(inner_starts, kind="stable")
    spans = list(zip(inner_starts[order].tolist(), inner_ends[order].tolist(),
                     values.take(pa.array(order)).to_pylist(), strict=True))
    firsts = np.searchsorted(inner_starts[order], starts, "left").tolist()
    lasts = np.searchsorted(inner_starts[order], ends, "left").tolist()
    texts = [_spliced(data, start, end, spans[first:last])
             for start, end, first, last in zip(starts.tolist(), ends.tolist(), firsts, lasts, strict=True)]
    return pa.array(texts, pa.string())


def _spliced(data: bytes, start: int, end: int, spans: list[tuple[int, int, str]]) -> str:
    parts = []
    for first, last, value in spans:
        parts += [data[start:first], value.encode()]
        start = last
    return b"".join([*parts, data[start:end]]).decode("utf-8", "replace")

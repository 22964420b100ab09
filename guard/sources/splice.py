"""Changing spans of a buffer, whole arrays at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from guard.batch import Ints

if TYPE_CHECKING:
    import pyarrow as pa


def as_binary(values: Any) -> pa.Array:
    """The new values of an edit, a pyarrow array of any string type, as UTF-8 in a plain binary array."""
    import pyarrow as pa

    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return whole.cast(pa.binary())


def splice(data: bytes, starts: Ints, ends: Ints, values: pa.Array) -> bytes:
    """`data` with each span starts:ends replaced by its value (null: by nothing).

    The spans may come in any order. Raises ValueError where they overlap or lie outside of the buffer.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(starts) != len(ends) or len(starts) != len(values):
        raise ValueError("an edit needs one value for each span")
    if not len(starts):
        return data
    order = np.lexsort((ends, starts))
    edges = np.empty(2 * len(order) + 2, np.int64)
    edges[0], edges[1:-1:2], edges[2:-1:2], edges[-1] = 0, starts[order], ends[order], len(data)
    if (np.diff(edges) < 0).any():
        raise ValueError("spans of an edit overlap or lie outside of the batch")
    # All pieces of the buffer, kept and replaced in turn, then the values: the result is a choice among them.
    size = len(edges) - 1
    pieces = pa.Array.from_buffers(pa.binary(), size, [None, pa.py_buffer(edges.astype(np.int32)), pa.py_buffer(data)])
    chosen = np.arange(size)
    chosen[1::2] = size + order
    taken = pc.take(pa.concat_arrays([pieces, values]), pa.array(chosen))
    _, offsets, content = taken.buffers()
    end = np.frombuffer(offsets, np.int32)[taken.offset + size]
    return bytes(memoryview(content)[:end]) if content is not None else b""

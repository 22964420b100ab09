"""Changing spans of a buffer, whole arrays at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from guard.batch import Ints


def string_values(values: Any) -> list[bytes]:
    """The new values of an edit as UTF-8; a null is b""."""
    return [b"" if value is None else value.encode() for value in values.to_pylist()]


def splice(data: bytes, starts: Ints, ends: Ints, values: Sequence[bytes]) -> bytes:
    """`data` with each span starts:ends replaced by its value. Spans are sorted and do not overlap."""
    pieces: list[bytes | memoryview] = []
    view, kept = memoryview(data), 0
    for start, end, value in zip(starts.tolist(), ends.tolist(), values, strict=True):
        pieces += (view[kept:start], value)
        kept = end
    pieces.append(view[kept:])
    return b"".join(pieces)


def check_spans(size: int, starts: Ints, ends: Ints) -> None:
    """Raise ValueError unless the spans are sorted, apart and inside a buffer of `size` bytes."""
    edges = np.stack([starts, ends], axis=1).ravel() if len(starts) else np.zeros(0, np.int64)
    if len(edges) and (edges[0] < 0 or edges[-1] > size or (np.diff(edges) < 0).any()):
        raise ValueError("spans of an edit overlap or lie outside of the batch")

"""Byte strings as matrices of one length each, and back: how lists reach the primitives that work on many values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from guard.crypto.blocks import Bytes


def map_by_length(function: Callable[[Bytes], Bytes], values: Sequence[bytes]) -> list[bytes]:
    """`function` over byte strings, called once for each length that occurs.

    It takes the values of one length, shape (n, length), and gives as many of one length; results stand in the order of
    the values.
    """
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    found = np.unique(lengths)
    data = np.frombuffer(b"".join(values), np.uint8)
    if len(found) == 1:
        return _rows(function(data.reshape(len(values), int(found[0]))))
    starts = np.cumsum(lengths) - lengths
    results = np.empty(len(values), object)
    for length in found.tolist():
        which = np.flatnonzero(lengths == length)
        results[which] = _objects(_rows(function(data[starts[which, None] + np.arange(length)])))
    return list(results)


def _rows(matrix: Bytes) -> list[bytes]:
    width = matrix.shape[1]
    if not width:
        return [b""] * len(matrix)
    # Of all ways to make a list of byte strings the quickest; the type V, unlike S, keeps zero bytes at the end.
    values: list[bytes] = np.ascontiguousarray(matrix).view(f"V{width}").ravel().tolist()
    return values


def _objects(values: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """An array of the very objects; NumPy would strip trailing zero bytes of byte strings."""
    array = np.empty(len(values), object)
    array[:] = values
    return array

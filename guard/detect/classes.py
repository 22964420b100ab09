"""Classes of characters: those that no step of any beginning tells apart are one; and sets as bits in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from guard.detect.charsets import Charset

PLANE = 65_536
"""Code points with a class of their own; those beyond share one that belongs to every set reaching there."""
HAN = (0x4E00, 0x9FA5)
END = 0
"""The class of an end of the line."""
Table = npt.NDArray[np.uint16]
Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


def classes_of(sets: Sequence[Charset]) -> tuple[Table, list[int]]:
    """The class of each code point (the last: of all beyond), and a code point of each class (-1: an end of the line).

    Membership in all sets becomes one random number a code point, which is summed up over the edges of ranges.
    """
    import random

    steps = [0] * (PLANE + 2)
    source = random.Random(1)  # noqa: S311 - the same numbers for everybody, not secret ones
    for chosen in sets:
        mark = source.getrandbits(64)
        spans = [(code, code) for code in chosen.ascii]
        spans += [(low, min(high, PLANE - 1)) for low, high in chosen.beyond if low < PLANE]
        spans += [(PLANE, PLANE)] if any(high >= PLANE for _, high in chosen.beyond) else []
        for low, high in spans:
            steps[low] += mark
            steps[high + 1] -= mark
    marks = np.cumsum(np.array([step % 2**64 for step in steps], np.uint64))[: PLANE + 1]
    _, first, inverse = np.unique(marks, return_index=True, return_inverse=True)
    # In order of their first code point, so that those of ASCII lie together.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return (rank[inverse] + 1).astype(np.uint16), [-1, *first[order].tolist()]


def members_of(chosen: Charset, samples: Sequence[int]) -> list[bool]:
    """Which classes, each told by a code point, belong to a set; an end of the line never does."""
    return [_holds(chosen, code) for code in samples]


def _holds(chosen: Charset, code: int) -> bool:
    if code < 128:
        return code in chosen.ascii
    if code >= PLANE:
        return any(high >= PLANE for _, high in chosen.beyond)
    return any(low <= code <= high for low, high in chosen.beyond)


def as_bits(members: Mask) -> Bits:
    """Masks (the last axis) as words of 64 bits: number n is bit n % 64 of word n // 64."""
    padding = [(0, 0)] * (members.ndim - 1) + [(0, -members.shape[-1] % 64)]
    packed = np.packbits(np.pad(members, padding), axis=-1, bitorder="little")
    words: Bits = np.ascontiguousarray(packed).view("<u8").astype(np.uint64)
    return words

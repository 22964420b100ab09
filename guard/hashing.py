"""Keyed 64-bit hashes of many byte slices at once.

For sets and sketches in memory only: the key is drawn per run, hashes are never stored or shown. Not a MAC.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints

Hashes = npt.NDArray[np.uint64]
_WORD = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FINAL = np.uint64(0xD6E8FEB86659FD93)
_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(_WORD)] + [2**64 - 1], np.uint64)


def new_key() -> int:
    """A fresh random key."""
    return int.from_bytes(os.urandom(8))


def hash64(data: bytes, starts: Ints, ends: Ints, key: int) -> Hashes:
    """One hash for each slice `data[starts[i]:ends[i]]`; equal bytes give equal hashes under one key."""
    if compiled.pays(_WORD * len(starts)):
        return _hash_compiled(data, starts, ends, key)
    padded = np.frombuffer(data + bytes(_WORD), np.uint8)
    words: Hashes = np.ndarray((len(data) + 1,), "<u8", buffer=padded, strides=(1,))
    lengths = ends - starts
    hashes = _mix(lengths.astype(np.uint64) ^ np.uint64(key))
    active = np.flatnonzero(lengths > 0)
    offset = 0
    while len(active):
        left = np.minimum(lengths[active] - offset, _WORD)
        hashes[active] = _mix(hashes[active] ^ (words[starts[active] + offset] & _MASKS[left]))
        offset += _WORD
        active = active[lengths[active] > offset]
    return hashes


def _hash_compiled(data: bytes, starts: Ints, ends: Ints, key: int) -> Hashes:
    from guard import hashing_loops as loops

    hashes: Hashes = np.empty(len(starts), np.uint64)
    loops.hash_slices(loops.words_of(data), np.ascontiguousarray(starts), np.ascontiguousarray(ends), np.uint64(key),
                      hashes)
    return hashes


def _mix(values: Hashes) -> Hashes:
    mixed = values * _MULTIPLIER
    mixed ^= mixed >> np.uint64(32)
    mixed *= _FINAL
    mixed ^= mixed >> np.uint64(29)
    return mixed

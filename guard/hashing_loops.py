"""Hashes of byte slices as machine code: the same values as `guard.hashing` gives without a compiler.

A buffer comes as `words`: the eight bytes from each offset on as one little-endian number (`words_of`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
_WORD = 8
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_FINAL = np.uint64(0xD6E8FEB86659FD93)
_ONE, _EIGHT, _LOW, _HIGH = np.uint64(1), np.uint64(8), np.uint64(29), np.uint64(32)


def words_of(data: bytes | Bytes) -> Words:
    """The overlapping eight-byte words of a buffer, without a copy.

    Of a buffer that has not two of them, a copy is padded with zeros: an array of one number is of another kind, and
    would need machine code of its own (`guard.native.signatures`). So what is to be written to is longer.
    """
    buffer = data if len(data) > _WORD else bytes(data).ljust(_WORD + 1, b"\0")
    return np.ndarray((len(buffer) - _WORD + 1,), "<u8", buffer=buffer, strides=(1,))


@tight_loop
def word_at(words: Words, start: int, end: int) -> Any:
    """At most eight bytes of `start`:`end` (not empty) as a little-endian number."""
    # Near the end of the buffer the last whole word is shifted: a loop over single bytes here costs ten times as much.
    place = min(start, len(words) - 1)
    word = words[place] >> (_EIGHT * np.uint64(start - place))
    left = end - start
    return word if left >= _WORD else word & ((_ONE << (_EIGHT * np.uint64(left))) - _ONE)


@tight_loop
def _mix(value: Any) -> Any:
    value = value * _MULTIPLIER
    value ^= value >> _HIGH
    value *= _FINAL
    return value ^ (value >> _LOW)


@tight_loop
def hash_slice(words: Words, start: int, end: int, key: Any) -> Any:
    """The hash of one slice."""
    value = _mix(np.uint64(end - start) ^ key)
    while start < end:
        value = _mix(value ^ word_at(words, start, end))
        start += _WORD
    return value


@tight_loop
def hash_slices(words: Words, starts: Ints, ends: Ints, key: Any, hashes: Words) -> None:
    """The hashes of all slices, written to `hashes`."""
    for index in range(len(starts)):
        hashes[index] = hash_slice(words, starts[index], ends[index], key)

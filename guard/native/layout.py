"""Where the fields of an array lie in memory: `PyArrayObject` of NumPy's C API, where pointers have eight bytes."""

from __future__ import annotations

import ctypes
from functools import cache as once

import numpy as np

_HEAD = object.__basicsize__
"""Bytes of `PyObject_HEAD`; the last of its fields is the type."""
TYPE, DATA, COUNT, SHAPE, STRIDES, ELEMENTS, FLAGS = (_HEAD + offset for offset in (-8, 0, 8, 16, 24, 40, 48))
"""Offsets: class, first byte, number of dimensions, lengths, strides, type of elements, flags."""


@once
def is_known() -> bool:
    """Whether arrays of this process are laid out so: another interpreter could have them in another way."""
    if ctypes.sizeof(ctypes.c_void_p) != 8 or not hasattr(ctypes, "pythonapi"):
        return False
    sample = np.zeros((5, 3), np.int16)[1:, :2]
    found = [*(_word(id(sample) + offset) for offset in (TYPE, DATA, ELEMENTS)),
             *(_word(id(sample) + offset) & 0xFFFFFFFF for offset in (COUNT, FLAGS))]
    if found != [id(np.ndarray), sample.ctypes.data, id(sample.dtype), 2, sample.flags.num]:
        return False
    shape, strides = (_word(id(sample) + offset) for offset in (SHAPE, STRIDES))
    return [_word(shape), _word(shape + 8), _word(strides), _word(strides + 8)] == [4, 2, 6, 2]


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value

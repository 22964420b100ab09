"""Arrays and what belongs to them as bytes of the rule cache.

NumPy's own files (`.npz`) would do, but to read one imports archives, a parser of Python and their like: 0.006 s, as
much as all else that is done with them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNMENT = 64


def dump(plain: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """One line of JSON with `plain` and the form of each array, then the arrays, aligned."""
    forms = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    head = json.dumps([plain, forms]).encode() + b"\n"
    parts, size = [head], len(head)
    for array in arrays.values():
        content = bytes(-size % _ALIGNMENT) + array.tobytes()
        parts.append(content)
        size += len(content)
    return b"".join(parts)


def load(blob: bytes | bytearray) -> tuple[Any, dict[str, npt.NDArray[Any]]]:
    """What `dump` was given; arrays can be written to, those of a bytearray are parts of it. Raises ValueError or
    TypeError for other bytes."""
    behind = blob.find(b"\n") + 1
    plain, forms = json.loads(blob[:behind])
    memory = np.frombuffer(blob if isinstance(blob, bytearray) else bytearray(blob), np.uint8)
    arrays = {}
    for name, kind, shape in forms:
        start = behind + -behind % _ALIGNMENT
        behind = start + np.dtype(kind).itemsize * math.prod(shape)
        arrays[name] = memory[start:behind].view(kind).reshape(shape)
    return plain, arrays

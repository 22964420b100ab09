"""Tables for columns in the rule cache: what follows from patterns and from the kind of characters that cells have.

To make those of a column of numbers takes longer than to scan a megabyte of it, and every register has such columns.
Nothing of a value is kept: the alphabets that tables are kept for are few and tell no letters (`is_common`), and kinds
of characters follow from patterns alone; of a column they show at most which of these it was searched for.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy.typing as npt

from guard import cache
from guard.detect import kept_arrays

Arrays = Mapping[str, npt.NDArray[Any]]
MOST = 32
"""Tables that are kept, each of a hundred kB or so: those that were made last."""
_CODE = ("automaton", "cell_forms", "cell_walks", "charsets", "classes", "context", "joint_walks", "pack", "supersets")
_CAPITALS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_SMALL = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_OTHERS = frozenset(b"\r\n +,-./:0123456789")
_LETTERS = (frozenset[int](), frozenset(b"X"), frozenset(b"x"), frozenset(b"Xx"), _CAPITALS, _SMALL,
            _CAPITALS | _SMALL)


def is_common(alphabet: frozenset[int]) -> bool:
    """Whether many columns are of these characters: digits, marks of dates and amounts, all letters of a case or none
    but the X of identity numbers. Others would say something of the column."""
    return alphabet - _OTHERS in _LETTERS


class KeptTables:
    """Arrays under the digest of what they follow from, all in one blob. Every doubt means that they are not there."""

    def __init__(self, *, use_cache: bool) -> None:
        self._name = cache.key("tables of columns", _code(), sys.version) if use_cache and _code() else ""
        self._known = _load(cache.load_writable(self._name)) if self._name else dict[str, Arrays]()

    def get(self, name: str) -> Arrays | None:
        """What was put there, by this process or another one."""
        return self._known.get(name)

    def put(self, name: str, arrays: Arrays) -> None:
        """Keeps arrays, for other processes too."""
        self._known = dict([*self._known.items(), (name, arrays)][-MOST:])
        if self._name:
            cache.store(self._name, kept_arrays.dump(None, {
                f"{name} {field}": array for name, arrays in self._known.items() for field, array in arrays.items()}))


def _load(blob: bytes | bytearray | None) -> dict[str, Arrays]:
    known: dict[str, dict[str, npt.NDArray[Any]]] = {}
    try:
        for spelled, array in kept_arrays.load(blob or b"")[1].items():
            name, field = spelled.split(" ")
            known.setdefault(name, {})[field] = array
    except (ValueError, KeyError, TypeError):
        return {}
    return dict(known)


def name_of(*parts: object) -> str:
    """The digest of what tables follow from, which `repr` must spell out."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@once
def _code() -> str:
    """A digest of the code that makes tables; empty where its source cannot be read, and then nothing is kept."""
    return cache.digest_of(Path(__file__).parent / f"{name}.py" for name in _CODE)

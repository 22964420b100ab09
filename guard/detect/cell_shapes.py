"""Which cells a pattern takes as a whole, asked once for each shape of cell.

Characters that no set of the pattern tells apart are of one class, and cells with the same classes in the same order
are of one shape: the pattern takes all of them or none. A column of numbers or names has few shapes.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.cell_loops import PLANE, classify
from guard.detect.charsets import LAST, Charset, charset_of, told_apart
from guard.detect.memory import CompiledNumbers
from guard.detect.supersets import parts
from guard.detect.values import Values

Mask = npt.NDArray[np.bool_]
Classes = npt.NDArray[np.uint8]
MOST_SHAPES = 32_768
_MOST_SETS, _MOST_CLASSES = 63, 254
_SINGLE = (sre.GROUPREF, sre.GROUPREF_EXISTS)


class CellPattern(threading.local):
    """A pattern, and for each thread what it says of the shapes seen so far."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._classes = _classes_of(pattern)
        self._numbers, self._taken = CompiledNumbers(), np.empty(0, bool)

    def takes(self, data: bytes, buffer: npt.NDArray[np.uint8], lows: Ints, highs: Ints) -> Mask:
        """Which of the sound cells `data[lows[i]:highs[i]]` it takes as a whole; `buffer` are the same bytes."""
        if self._classes is None or not len(lows):
            return self._search(data, lows, highs)
        which, first = self._shapes(self._classes, buffer, lows, highs)
        new = np.array([self._takes(data, low, high) for low, high in zip(
            lows[first].tolist(), highs[first].tolist(), strict=True)], bool)
        self._taken = np.concatenate([self._taken, new])
        taken: Mask = self._taken[which]
        if len(self._numbers) > MOST_SHAPES:
            self._numbers, self._taken = CompiledNumbers(), np.empty(0, bool)
        return taken

    def _shapes(self, classes: Classes, buffer: npt.NDArray[np.uint8], lows: Ints, highs: Ints) -> tuple[Ints, Ints]:
        """The shape of each cell, and the first cell of each new one."""
        out = np.empty(int((highs - lows).sum()), np.uint8)
        edges = np.zeros(len(lows) + 1, np.int64)
        classify(classes, buffer, lows, highs, out, edges)
        before = len(self._numbers)
        which, new = self._numbers.number(Values(out.tobytes(), edges[:-1], edges[1:]))
        first = np.zeros(len(new), np.int64)
        order = np.flatnonzero(which >= before)[::-1]
        first[which[order] - before] = order  # the last to be written is the first cell
        return which, first

    def _search(self, data: bytes, lows: Ints, highs: Ints) -> Mask:
        return np.array([self._takes(data, low, high)
                         for low, high in zip(lows.tolist(), highs.tolist(), strict=True)], bool)

    def _takes(self, data: bytes, low: int, high: int) -> bool:
        return self._pattern.fullmatch(data[low:high].decode("utf-8")) is not None


@lru_cache(maxsize=256)
def cell_pattern(pattern: re.Pattern[str]) -> CellPattern:
    """The one for a pattern."""
    return CellPattern(pattern)


@lru_cache(maxsize=256)
def _classes_of(pattern: re.Pattern[str]) -> Classes | None:
    """The class of every code point up to PLANE, and of all beyond.

    None where more than classes count: a character that has to come again, case that is ignored, or a pattern that
    tells characters beyond PLANE apart.
    """
    tree = parser.parse(pattern.pattern, pattern.flags)
    sets = None if pattern.flags & re.IGNORECASE else _sets_of(tree)
    if sets is None or len(sets) > _MOST_SETS:
        return None
    kinds = told_apart(sets, PLANE)
    # Zero stands in no class, so that shapes never run into one another.
    return (kinds + 1).astype(np.uint8) if int(kinds.max()) < _MOST_CLASSES else None


def _sets_of(tree: Iterable[tuple[Any, Any]]) -> list[Charset] | None:
    """All sets that the pattern asks for; None where it asks for more than that."""
    found = list(_walk(tree))
    sets = {chosen for chosen in found if chosen is not None}
    beyond_plane = any(low >= PLANE or PLANE <= high < LAST for chosen in sets for low, high in chosen.beyond)
    return None if None in found or beyond_plane else list(sets)


_WORD = Charset(frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"))


def _walk(items: Iterable[tuple[Any, Any]]) -> Iterator[Charset | None]:
    for operation, value in items:
        if (chosen := charset_of(operation, value, False)) is not None:
            yield chosen
        elif operation in _SINGLE or (operation is sre.SUBPATTERN and (value[1] or value[2])):
            yield None
        elif operation is sre.AT:
            yield _WORD
        for part in parts(operation, value):
            yield from _walk(part)

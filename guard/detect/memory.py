"""What the values of a column were found to be, remembered from batch to batch.

The hits of a cell follow from its value and its header alone, so a value that came before need not be scanned again:
employers, streets and states of a register repeat for thousands of rows. Bounded, one memory for each thread, and given
up for a header whose values hardly repeat. Values are told apart by their bytes; a hash only says where to look.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from guard import compiled
from guard.batch import Hits, Ints
from guard.detect.values import Values
from guard.hashing import new_key

if TYPE_CHECKING:
    from guard.detect.assembly import Assembly
    from guard.detect.cell_text import CellText
    from guard.detect.narrowing import NarrowedAssemblies

MOST_HEADERS = 64
MOST_VALUES = 32_768
LONGEST = 300
"""Bytes of the longest value that is remembered: longer ones are free text and do not repeat."""
TRIAL = 8_192
WORTH = 0.25
"""After TRIAL values a header is kept in memory only when this share of them had come before."""

_SPARE = 8
"""Bytes that a buffer has at least, so that it can be looked at word by word."""

ScanValues = Callable[[Values], Hits]


class ColumnMemories(threading.local):
    """The memories of one thread, by header, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._by_header: OrderedDict[str, ColumnMemory] = OrderedDict()
        self._narrowed: NarrowedAssemblies | None = None

    def narrowed(self, whole: Assembly, text: CellText, header: str, *, use_cache: bool) -> Assembly:
        """What the compiled engine runs for the cells of a column: `whole`, or as much of it as may match."""
        from guard.detect.narrowing import NarrowedAssemblies

        if self._narrowed is None:
            self._narrowed = NarrowedAssemblies(whole, use_cache=use_cache)
        return self._narrowed.of(text, header)

    def of(self, header: str) -> ColumnMemory:
        """The memory for values under this header."""
        memory = self._by_header.setdefault(header, ColumnMemory())
        self._by_header.move_to_end(header)
        if len(self._by_header) > MOST_HEADERS:
            self._by_header.popitem(last=False)
        return memory

    def forget(self, header: str) -> None:
        """What was remembered of this header may be less than the truth."""
        self._by_header.pop(header, None)


class Numbers:
    """The distinct values seen so far, each under a number of its own, in a dictionary."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, values: Values) -> tuple[Ints, Values]:
        """The number of each value, and those that are new, in order of their numbers."""
        before, numbers = len(self._numbers), self._numbers
        which = np.array([numbers.setdefault(value, len(numbers)) for value in values.as_list()], np.int64)
        new = list(numbers)[before:]
        edges = np.cumsum([0, *map(len, new)])
        return which, Values(b"".join(new), edges[:-1], edges[1:])


class CompiledNumbers:
    """The same as arrays, for compiled loops."""

    def __init__(self) -> None:
        self._key = np.uint64(new_key())
        self._count = 0
        self._slots = np.empty(0, np.int32)
        self._heads, self._edges = np.empty(0, np.uint64), np.zeros(1, np.int64)
        self._kept = np.empty(2 * _SPARE, np.uint8)

    def __len__(self) -> int:
        return self._count

    def number(self, values: Values) -> tuple[Ints, Values]:
        """The number of each value, and those that are new, in order of their numbers."""
        from guard.detect import value_loops as loops
        from guard.hashing_loops import words_of

        self._make_room(len(values), values.size)
        before, which = self._count, np.empty(len(values), np.int64)
        self._count = int(loops.number(
            np.frombuffer(values.data, np.uint8), words_of(values.data), np.ascontiguousarray(values.starts),
            np.ascontiguousarray(values.ends), self._key, self._slots, self._heads, self._edges, self._kept,
            words_of(self._kept), before, which))
        edges = self._edges[before : self._count + 1]
        return which, Values(self._kept[edges[0] : edges[-1]].tobytes(), edges[:-1] - edges[0], edges[1:] - edges[0])

    def _make_room(self, values: int, size: int) -> None:
        """Room for so many more values of so many bytes."""
        from guard.detect import value_loops as loops

        used, most = int(self._edges[self._count]), self._count + values
        if used + size > len(self._kept):
            self._kept = np.concatenate([self._kept[:used], np.empty(used + size + _SPARE, np.uint8)])
        if 2 * most > len(self._heads):
            self._heads = np.concatenate([self._heads[: 2 * self._count], np.empty(2 * most, np.uint64)])
            self._edges = np.concatenate([self._edges[: self._count + 1], np.empty(most, np.int64)])
        if 3 * most > 2 * len(self._slots):
            self._slots = np.full(1 << (2 * most - 1).bit_length(), loops.FREE, np.int32)
            loops.fill_slots(self._heads, self._count, self._key, self._slots)


@dataclass(slots=True, eq=False, repr=False)
class ColumnMemory:
    """The hits of the values seen so far."""

    _numbers: Numbers | CompiledNumbers = field(default_factory=Numbers)
    _hits: Hits = field(default_factory=Hits.empty)
    _edges: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    _seen: int = 0
    _known: int = 0

    @property
    def is_worth_it(self) -> bool:
        """Whether values repeat often enough, as far as is known."""
        return self._seen < TRIAL or self._known >= WORTH * self._seen

    def hits(self, values: Values, scan: ScanValues) -> Hits:
        """The hits of `values`, in order of their cells; `scan` is asked for those that are new."""
        fast = compiled.pays(values.size)
        if len(self._numbers) > MOST_VALUES or fast != isinstance(self._numbers, CompiledNumbers):
            self._forget(fast)
        before, slices = len(self._numbers), values.slices() if fast else None
        which, new = self._numbers.number(values if slices is None else slices[1])
        which = which if slices is None else which[slices[0]]
        self._seen += len(values)
        self._known += len(values) - len(new)
        if len(new):
            self._learn(scan(new), before, len(new))
        hits = spread(self._hits, self._edges, which)
        if not self.is_worth_it or (len(new) and int((new.ends - new.starts).max()) > LONGEST):
            self._forget(fast)
        return hits

    def _learn(self, found: Hits, before: int, count: int) -> None:
        """Adds the hits of `count` new values."""
        edges = self._edges[-1] + np.cumsum(np.bincount(found.cell, minlength=count))
        self._edges = np.concatenate([self._edges, edges])
        if len(found):
            shifted = Hits(found.detector, found.start, found.end, found.confidence, found.flags, found.cell + before)
            self._hits = Hits.concat([self._hits, shifted])

    def _forget(self, fast: bool) -> None:
        self._numbers = CompiledNumbers() if fast else Numbers()
        self._hits, self._edges = Hits.empty(), np.zeros(1, np.int64)


def spread(hits: Hits, edges: Ints, which: Ints) -> Hits:
    """The hits of distinct values given to every cell.

    `which` is the number of each cell's value; the hits of value n are `edges[n]` to `edges[n + 1]`.
    """
    if not len(hits):
        return Hits.empty()
    if compiled.pays(len(which)):
        return _spread_by_loops(hits, edges, which)
    sizes = (edges[1:] - edges[:-1])[which]
    cells = np.repeat(np.arange(len(which)), sizes)
    chosen = edges[which][cells] + np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    taken = hits.take(chosen)
    return Hits(taken.detector, taken.start, taken.end, taken.confidence, taken.flags, cells)


def _spread_by_loops(hits: Hits, edges: Ints, which: Ints) -> Hits:
    from guard.detect import value_loops as loops

    size = loops.count_spread(edges, which)
    known = loops.HitArrays(hits.detector, hits.start, hits.end, hits.confidence, hits.flags, hits.cell)
    out = loops.HitArrays._make(np.empty(size, column.dtype) for column in known)
    loops.spread(edges, which, known, out)
    return Hits(*out)

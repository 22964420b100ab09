"""What the values of a column were found to be, remembered from batch to batch.

The hits of a cell follow from its value and its header alone, so a value that came before need not be scanned again:
names, employers, streets and states of a register repeat for thousands of rows. Bounded, one memory for each thread,
and given up for a header whose values hardly repeat.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from guard.batch import Hits, Ints

MOST_HEADERS = 64
MOST_VALUES = 32_768
LONGEST = 300
"""Bytes of the longest value that is remembered: longer ones are free text and do not repeat."""
TRIAL = 8_192
WORTH = 0.25
"""After TRIAL values a header is kept in memory only when this share of them had come before."""

ScanValues = Callable[[Sequence[bytes]], Hits]


class ColumnMemories(threading.local):
    """The memories of one thread, by header, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._by_header: OrderedDict[str, ColumnMemory] = OrderedDict()

    def of(self, header: str) -> ColumnMemory:
        """The memory for values under this header."""
        memory = self._by_header.setdefault(header, ColumnMemory())
        self._by_header.move_to_end(header)
        if len(self._by_header) > MOST_HEADERS:
            self._by_header.popitem(last=False)
        return memory


@dataclass(slots=True)
class ColumnMemory:
    """The hits of the values seen so far, each value under a number of its own."""

    _numbers: dict[bytes, int] = field(default_factory=dict)
    _hits: Hits = field(default_factory=Hits.empty)
    _seen: int = 0
    _known: int = 0

    @property
    def is_worth_it(self) -> bool:
        """Whether values repeat often enough, as far as is known."""
        return self._seen < TRIAL or self._known >= WORTH * self._seen

    def hits(self, values: Sequence[bytes], scan: ScanValues) -> Hits:
        """The hits of `values`, in order of their cells; `scan` is asked for those that are new."""
        if len(self._numbers) > MOST_VALUES:
            self._numbers, self._hits = {}, Hits.empty()
        before = len(self._numbers)
        numbers = self._numbers
        which = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
        new = list(numbers)[before:]
        self._seen += len(values)
        self._known += len(values) - len(new)
        if new:
            found = scan(new)
            shifted = Hits(found.detector, found.start, found.end, found.confidence, found.flags, found.cell + before)
            self._hits = Hits.concat([self._hits, shifted])
        spread_hits = spread(self._hits, which, len(numbers))
        if not self.is_worth_it or any(len(value) > LONGEST for value in new):
            self._forget()
        return spread_hits

    def _forget(self) -> None:
        self._numbers, self._hits = {}, Hits.empty()


def spread(hits: Hits, which: Ints, count: int) -> Hits:
    """The hits of `count` distinct values given to every cell; `which` is the number of each cell's value."""
    firsts = np.searchsorted(hits.cell, np.arange(count + 1))
    sizes = (firsts[1:] - firsts[:-1])[which]
    cells = np.repeat(np.arange(len(which)), sizes)
    within = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = hits.take(firsts[which][cells] + within)
    return Hits(chosen.detector, chosen.start, chosen.end, chosen.confidence, chosen.flags, cells)

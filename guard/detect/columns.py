"""Columns: cells joined to one buffer, scanned once, hits mapped back to their cells.

A line end stands between two cells, and no pattern sees past a line, so no hit can cross from one cell into the next.
Values that occur again, in this batch or a later one, are scanned once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import Column, Hits, Ints
from guard.detect.cells import whole_cells
from guard.detect.overlap import Placed
from guard.detect.plain import scan_blocks
from guard.detect.plan import Plan
from guard.detect.scan import Found, Scan, concatenate, found_of, merge


def scan_column(plan: Plan, column: Column) -> Hits:
    """Hits in the values of a column; offsets are bytes of the value, the header is context."""
    values = [column.data[start:end] for start, end in zip(column.starts.tolist(), column.ends.tolist(), strict=True)]
    memory = plan.memories.of(column.header)
    if not memory.is_worth_it:
        return _Cells(plan, values, column.header).hits()
    return memory.hits(values, lambda distinct: _Cells(plan, distinct, column.header).hits())


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Values under one header."""

    plan: Plan
    values: Sequence[bytes]
    header: str

    def hits(self) -> Hits:
        scan = Scan(self.plan, b"\n".join(self.values), self.header)
        found = scan.found()
        lengths = np.array([len(value) for value in self.values], np.int64)
        firsts = np.concatenate([[0], np.cumsum(lengths + 1)])[: len(lengths)]
        cells = np.searchsorted(firsts, found.start, "right") - 1
        inside = Found(found.detector, found.start - firsts[cells], found.end - firsts[cells], found.confidence,
                       found.flags)
        spanning = list(self._spanning(scan, firsts))
        whole = list(whole_cells(self.plan.rules, self.header, self.values, _explained(inside, cells, spanning)))
        more = [*spanning, *whole]
        placed = np.array([cell for cell, _ in more], np.int64)
        everywhere = concatenate([inside, found_of([hit for _, hit in more])])
        return merge(self.plan.rules, everywhere, np.concatenate([cells, placed]))

    def _spanning(self, scan: Scan, firsts: Ints) -> Iterator[tuple[int, Placed]]:
        """(cell, hit) of the rules that span lines, in the cells where the scan saw something of them."""
        for index, places in scan.multiline.items():
            for cell in np.unique(np.searchsorted(firsts, places, "right") - 1).tolist():
                for hit in scan_blocks([self.plan.rules[index]], self.values[cell], self.header):
                    yield cell, hit


def _explained(found: Found, cells: Ints, spanning: Sequence[tuple[int, Placed]]) -> dict[int, set[int]]:
    """By rule the cells in which it has found something."""
    explained: dict[int, set[int]] = defaultdict(set)
    for index in np.unique(found.detector).tolist():
        explained[index].update(cells[found.detector == index].tolist())
    for cell, hit in spanning:
        explained[hit.detector].add(cell)
    return explained

"""Columns: cells joined to one buffer, scanned once, hits mapped back to their cells.

A line end stands between two cells, and no pattern sees past a line, so no hit can cross from one cell into the next.
Values that occur again, in this batch or a later one, are scanned once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from guard import compiled
from guard.batch import Column, Hits, Ints, distinct
from guard.detect import limits
from guard.detect.cells import Explained, whole_cells
from guard.detect.choice import scanned
from guard.detect.overlap import Placed
from guard.detect.plain import scan_blocks
from guard.detect.plan import Plan
from guard.detect.scan import Found, concatenate, found_of, merge
from guard.detect.values import Values

if TYPE_CHECKING:
    from guard.detect.cell_text import CellText


def scan_column(plan: Plan, column: Column) -> Hits:
    """Hits in the values of a column; offsets are bytes of the value, the header is context."""
    values = Values(column.data, column.starts, column.ends, column.stacked)
    memory, budget = plan.memories.of(column.header), limits.current()
    if budget.exhausted or not memory.is_worth_it:
        return _Cells(plan, values.lines(), column.header).hits()
    hits = memory.hits(values, lambda distinct: _Cells(plan, distinct.lines(), column.header).hits())
    if budget.exhausted:
        plan.memories.forget(column.header)
    return hits


class _Cells(NamedTuple):
    """Values under one header, one below the other."""

    plan: Plan
    values: Values
    header: str

    def hits(self) -> Hits:
        text = self._text()
        found, multiline = self._scanned(text)
        firsts = self.values.starts
        inside, cells = _in_cells(found, firsts) if text is None else _in_cells_by_loops(found, firsts)
        spanning = list(self._spanning(multiline, firsts))
        parts = [(inside, cells), _placed(spanning)]
        parts += self._whole(text, Explained(inside.detector, cells, spanning))
        if text is not None:
            from guard.detect.cell_hits import merge_cells

            return merge_cells(self.plan.rules, parts, len(self.values))
        return merge(self.plan.rules, concatenate([found for found, _ in parts]),
                     np.concatenate([cells for _, cells in parts]))

    def _text(self) -> CellText | None:
        """The values as compiled loops see them, where there is enough to do for these."""
        if not compiled.pays(len(self.values.data)):
            return None
        from guard.detect.cell_text import CellText

        return CellText(self.values)

    def _scanned(self, text: CellText | None) -> tuple[Found, dict[int, list[int]]]:
        """As `scanned`; the compiled engine looks only for what these cells could hold."""
        plan = self.plan
        if text is None or not plan.uses_loops(0):
            return scanned(plan, self.values.data, self.header)
        from guard.detect.cell_scan import CellScan

        assembly = plan.memories.narrowed(plan.assembly, text, self.header, use_cache=plan.use_cache)
        engine = CellScan(assembly, plan.workspace, text, self.header)
        return engine.found(), engine.multiline

    def _whole(self, text: CellText | None, explained: Explained) -> list[tuple[Found, Ints]]:
        """The hits of rules that take a whole cell, with their cells."""
        fitting = self.plan.rules.headers.fitting(self.header)
        rules = [rule for rule in fitting if rule.detector.cell or rule.header_only]
        if not rules:
            return []
        if text is not None:
            from guard.detect.cell_arrays import WholeCells

            return WholeCells(text, self.header).hits(rules, explained)
        return [_placed(list(whole_cells(rules, self.header, self.values.as_list(), explained)))]

    def _spanning(self, multiline: Mapping[int, Sequence[int]], firsts: Ints) -> Iterator[tuple[int, Placed]]:
        """(cell, hit) of the rules that span lines, in the cells where the scan saw something of them."""
        for index, places in multiline.items():
            for cell in distinct(np.searchsorted(firsts, places, "right") - 1).tolist():
                for hit in scan_blocks([self.plan.rules[index]], self.values.value(cell), self.header):
                    yield cell, hit


def _in_cells(found: Found, firsts: Ints) -> tuple[Found, Ints]:
    """Hits with offsets of their cells, and the cells; `firsts` are where these begin in the buffer."""
    cells = np.searchsorted(firsts, found.start, "right") - 1
    return Found(found.detector, found.start - firsts[cells], found.end - firsts[cells], found.confidence,
                 found.flags), cells


def _in_cells_by_loops(found: Found, firsts: Ints) -> tuple[Found, Ints]:
    from guard.detect.cell_hits import placed

    return placed(found, firsts)


def _placed(hits: list[tuple[int, Placed]]) -> tuple[Found, Ints]:
    return found_of([hit for _, hit in hits]), np.array([cell for cell, _ in hits], np.int64)

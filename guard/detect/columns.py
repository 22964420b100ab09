"""Columns: cells joined to one buffer, scanned once, hits mapped back to their cells.

A line end stands between two cells, and no pattern sees past a line, so no hit can cross from one cell into the next.
Values that occur again are scanned once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import Column, Hits, Ints
from guard.detect.judge import Place, companions
from guard.detect.normalise import Line
from guard.detect.overlap import Placed
from guard.detect.plain import judge_cell, place_line, scan_blocks
from guard.detect.plan import Plan
from guard.detect.rule import Rule
from guard.detect.scan import Found, Scan, concatenate, found_of, merge

SAMPLE = 512
WORTH_SHARING = 4
"""Values are looked up before they are scanned when in a sample each occurs this often on average."""


def scan_column(plan: Plan, column: Column) -> Hits:
    """Hits in the values of a column; offsets are bytes of the value, the header is context."""
    values = [column.data[start:end] for start, end in zip(column.starts.tolist(), column.ends.tolist(), strict=True)]
    sample = values[:SAMPLE]
    if len(set(sample)) * WORTH_SHARING > len(sample):
        return _Cells(plan, values, column.header).hits()
    numbers: dict[bytes, int] = {}
    which = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
    return _spread(_Cells(plan, list(numbers), column.header).hits(), which, len(numbers))


def _spread(hits: Hits, which: Ints, count: int) -> Hits:
    """The hits of distinct values given to every cell; `which` is the number of each cell's value."""
    firsts = np.searchsorted(hits.cell, np.arange(count + 1))
    sizes = (firsts[1:] - firsts[:-1])[which]
    cells = np.repeat(np.arange(len(which)), sizes)
    within = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = hits.take(firsts[which][cells] + within)
    return Hits(chosen.detector, chosen.start, chosen.end, chosen.confidence, chosen.flags, cells)


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
        whole = list(self._whole(inside, cells, spanning))
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

    def _whole(self, found: Found, cells: Ints, spanning: Sequence[tuple[int, Placed]]) -> Iterator[tuple[int, Placed]]:
        """(cell, hit) of the rules that take a whole cell under a fitting header, where they have found nothing."""
        fitting = [rule for rule in self.plan.rules if (rule.cell or rule.header_only) and
                   rule.header_words.fit(self.header)]
        if not fitting:
            return
        explained = {rule.index: set(cells[found.detector == rule.index].tolist()) for rule in fitting}
        for cell, hit in spanning:
            explained.get(hit.detector, set()).add(cell)
        for cell, value in enumerate(self.values):
            rules = [rule for rule in fitting if cell not in explained[rule.index]]
            for hit in self._judge_whole(rules, value) if rules and value else ():
                yield cell, hit

    def _judge_whole(self, rules: Sequence[Rule], value: bytes) -> Iterator[Placed]:
        line, place = Line(value), Place(self.header)
        verdicts = [verdict for rule in rules if (verdict := judge_cell(rule, line.text, place))]
        return place_line(companions(verdicts), line)

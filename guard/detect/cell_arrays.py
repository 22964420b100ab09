"""`guard.detect.cells` over columns: whole cells under a fitting header, judged together.

A cell with blanks around it, characters that hide others, line ends inside or stray bytes goes to the plain code, and
so does every cell of a rule that takes only a part of it or needs company.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from guard.batch import FROM_HEADER, Ints
from guard.detect.cell_hits import placed
from guard.detect.cell_loops import find_usual
from guard.detect.cell_shapes import cell_pattern
from guard.detect.cell_text import CellText
from guard.detect.cells import Explained, constant_worth, is_constant, plainly
from guard.detect.dense import header_sign
from guard.detect.folding import Folded
from guard.detect.limits import AnyPattern
from guard.detect.overlap import Placed
from guard.detect.rule import Rule
from guard.detect.scan import Found, found_of
from guard.detect.shapes import Block
from guard.detect.verdicts import judged
from guard.model import POSSIBLE

Mask = npt.NDArray[np.bool_]


def _is_whole(pattern: AnyPattern) -> bool:
    """Whether it takes the whole cell; one with a limit of time says nothing that could be remembered."""
    return isinstance(pattern, re.Pattern) and not pattern.groups


class WholeCells:
    """The cells of a column, one below the other, under one header."""

    def __init__(self, text: CellText, header: str) -> None:
        self._values, self._text, self._header = text.values, text, header

    @property
    def _folded(self) -> Folded:
        return self._text.folded

    @property
    def _block(self) -> Block:
        return self._text.block

    def hits(self, rules: Sequence[Rule], explained: Explained) -> list[tuple[Found, Ints]]:
        """The hits of rules that fit the header, with their cells."""
        filled = self._values.ends > self._values.starts
        parts, rest = [], list[tuple[Rule, Mask]]()
        apart = bool(self._header) and not any(rule.detector.near for rule in rules)
        left = [filled.copy() for _ in rules]
        for rule, still in zip(rules, left, strict=True):
            still[explained.cells(rule)] = False
        if not any(still.any() for still in left):
            return []
        usual = self._usual(np.logical_or.reduce(left))
        for rule, still in zip(rules, left, strict=True):
            together = np.zeros(len(still), bool)
            if apart and (rule.cell is None or _is_whole(rule.cell)):
                together = still & usual
                parts.append(self._judged(rule, np.flatnonzero(together)))
            rest.append((rule, still & ~together))
        single = list(self._plainly(rest))
        return [*parts, (found_of([hit for _, hit in single]), np.array([cell for cell, _ in single], np.int64))]

    def _usual(self, cells: Mask) -> Mask:
        """Which of some cells are written in the usual way."""
        if self._text.is_usual:
            return cells
        low, high, whole = self._lines
        chosen = np.flatnonzero(cells & whole)
        found = np.zeros(len(chosen), bool)
        find_usual(self._block.buffer, low[chosen], high[chosen], found)
        usual = np.zeros(len(cells), bool)
        usual[chosen] = found
        return usual

    @cached_property
    def _lines(self) -> tuple[Ints, Ints, Mask]:
        """Start and end of each cell in the folded block, and which are sound and of one line; folding keeps lines."""
        size, bounds = len(self._values), self._block.bounds
        if self._text.is_plain:
            return self._values.starts, self._values.ends, np.ones(size, bool)
        try:
            self._values.data.decode()
        except UnicodeDecodeError:
            return np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size, bool)
        if len(bounds) == size + 1:
            return bounds[:-1] + 1, bounds[1:], np.ones(size, bool)
        ends = Block(self._values.data).bounds[1:]
        first = np.searchsorted(ends, self._values.starts, "left")
        last = np.searchsorted(ends, self._values.ends, "left")
        return bounds[first] + 1, bounds[first + 1], first == last

    def _judged(self, rule: Rule, cells: Ints) -> tuple[Found, Ints]:
        """The hits of a rule in usual cells."""
        lows, highs, _ = self._lines
        if isinstance(rule.cell, re.Pattern):
            cells = cells[cell_pattern(rule.cell).takes(
                self._block.data, self._block.buffer, lows[cells], highs[cells])]
        low, high = lows[cells], highs[cells]
        if self._text.is_plain and is_constant(rule):
            found = self._constant(rule, high - low)
            return found, cells[: len(found.start)]
        signs = np.full(len(cells), header_sign(rule, self._header), np.int64)
        spans = judged(rule, self._block, self._folded, low, high, signs, fits=True)
        flags = spans.flags.astype(np.int64) | FROM_HEADER
        index = np.full(len(flags), rule.index, np.int64)
        inside, numbers = placed(Found(index, spans.start, spans.end, spans.confidence, flags), low)
        cells = cells[numbers]
        if self._text.is_plain:
            return inside, cells
        first, last = self._folded.originals(spans.start, spans.end)  # without invisible characters at the ends
        begin = self._values.starts[cells]
        return Found(index, first - begin, last - begin, spans.confidence, flags), cells

    def _constant(self, rule: Rule, sizes: Ints) -> Found:
        """The hits of a rule that says the same of plain cells of whatever sizes."""
        confidence, flags = constant_worth(rule, self._header)
        count = len(sizes) if confidence >= POSSIBLE else 0
        return Found(np.full(count, rule.index, np.int64), np.zeros(count, np.int64), sizes[:count],
                     np.full(count, confidence), np.full(count, flags, np.int64))

    def _plainly(self, rest: Sequence[tuple[Rule, Mask]]) -> Iterator[tuple[int, Placed]]:
        chosen = np.logical_or.reduce([mask for _, mask in rest])
        for cell in np.flatnonzero(chosen).tolist():
            rules = [rule for rule, mask in rest if mask[cell]]
            for hit in plainly(rules, self._values.value(cell), self._header):
                yield cell, hit


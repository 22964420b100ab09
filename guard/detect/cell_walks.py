"""Patterns that are walked through as tables, in cells of few ASCII characters.

In a column of numbers or codes each pattern is a small automaton (`automaton.compile_narrow_automaton`): a few steps a
cell tell whether it matches, where the machine takes ten times as long, or that nothing of this alphabet does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from guard.batch import Ints
from guard.detect import cell_walk_loops as loops
from guard.detect.automaton import ALNUM, DIGITS, MAX_WIDTH, Automaton, compile_narrow_automaton
from guard.detect.cell_walk_loops import Tables

if TYPE_CHECKING:
    from guard.detect.assembly import Pattern
    from guard.detect.program import Programs
    from guard.detect.shapes import Block

_ASCII = 128
_BARRED = {"digit": DIGITS, "alnum": ALNUM, "none": frozenset[int]()}


class CellWalks:
    """The patterns with these numbers, each with its automaton for an alphabet."""

    def __init__(self, patterns: Sequence[tuple[int, Pattern, Automaton]]) -> None:
        automata = [automaton for _, _, automaton in patterns]
        widths = np.array([automaton.widths() for automaton in automata], np.int64)
        sizes = np.array([_ASCII * len(automaton.accepting) for automaton in automata], np.int64)
        boundaries = [pattern.rule.detector.boundary for _, pattern, _ in patterns]
        self._boundaries = dict.fromkeys(boundaries)
        self._kinds = [list(self._boundaries).index(boundary) for boundary in boundaries]
        self._barred = {boundary: _flags(_BARRED[boundary]) for boundary in self._boundaries}
        self._tables = Tables(
            moves=np.concatenate([automaton.steps(_ASCII).ravel() for automaton in automata]),
            ends=np.concatenate([automaton.accepting for automaton in automata]),
            first=np.cumsum(sizes) - sizes,
            barred=np.stack([self._barred[boundary] for boundary in boundaries]),
            exact=np.array([automaton.complete and not pattern.group for _, pattern, automaton in patterns], bool),
            edged=np.array([automaton.edged for automaton in automata], bool),
            addresses=np.array([pattern.address for _, pattern, _ in patterns], np.int64),
            groups=np.array([pattern.reported for _, pattern, _ in patterns], np.int64),
            numbers=np.array([number for number, _, _ in patterns], np.int64),
            least=widths[:, 0].copy(), most=np.where(widths[:, 1] < MAX_WIDTH, widths[:, 1], np.iinfo(np.int64).max))

    def matches(self, block: Block, programs: Programs, memory: Ints, patience: int) -> Ints | None:
        """Columns (pattern, start, end, line) of all matches in a block of this alphabet; None when a program ran out
        of steps."""
        bounds = block.bounds
        whole = [np.empty(len(bounds) - 1, bool) for _ in self._boundaries]
        for boundary, found in zip(self._boundaries, whole, strict=True):
            loops.find_runs(self._barred[boundary], block.buffer, bounds, found)
        parts = [np.empty((4, 0), np.int64)]
        out = np.empty((4, block.size + 1), np.int64)
        for index, kind in enumerate(self._kinds):
            count = loops.walk(self._tables, block.buffer, bounds, whole[kind], programs, memory, patience, out, index,
                               0)
            if count == loops.OUT_OF_PATIENCE:
                return None
            parts.append(out[:, :count].copy())
        return np.concatenate(parts, axis=1)


def _flags(codes: frozenset[int]) -> loops.Mask:
    table = np.zeros(256, bool)
    table[list(codes)] = True
    return table


@lru_cache(maxsize=4096)
def automaton_of(source: str, alphabet: frozenset[int]) -> Automaton | None:
    """`compile_narrow_automaton`, kept: columns of one kind have the same alphabet."""
    return compile_narrow_automaton(source, alphabet)


def automata(patterns: Sequence[Pattern], alphabet: frozenset[int]) -> list[Automaton | None]:
    """The automaton of each pattern that can be walked through, None for the others."""
    return [None if pattern.spans_lines or pattern.address < 0 else automaton_of(pattern.source, alphabet)
            for pattern in patterns]

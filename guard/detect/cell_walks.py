"""Patterns that are walked through as tables, in cells of few ASCII characters.

In a column of numbers or codes each pattern is a small automaton (`automaton.compile_narrow_automaton`): a few steps a
cell tell whether it matches, where the machine takes ten times as long, or that nothing of this alphabet does. Those of
one boundary are walked together where a match can only fill the cell (`joint_walks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from guard.batch import Ints
from guard.detect import cell_walk_loops as loops
from guard.detect.automaton import ALNUM, DIGITS, Automaton, compile_narrow_automaton
from guard.detect.cell_walk_loops import Joint, Tables
from guard.detect.joint_walks import join

if TYPE_CHECKING:
    from guard.detect.assembly import Pattern
    from guard.detect.program import Programs
    from guard.detect.shapes import Block

ENOUGH = 16_384
"""Cells for which it pays to join automata: that takes some milliseconds."""
_ASCII = 128
_BARRED = {"digit": DIGITS, "alnum": ALNUM, "none": frozenset[int]()}


class CellWalks:
    """The patterns with these numbers, each with its automaton for an alphabet."""

    def __init__(self, patterns: Sequence[tuple[int, Pattern, Automaton]]) -> None:
        automata = [automaton for _, _, automaton in patterns]
        sizes = np.array([_ASCII * len(automaton.accepting) for automaton in automata], np.int64)
        boundaries = [pattern.rule.detector.boundary for _, pattern, _ in patterns]
        self._tables = Tables(
            moves=np.concatenate([automaton.steps(_ASCII).ravel() for automaton in automata]),
            ends=np.concatenate([automaton.accepting for automaton in automata]),
            first=np.cumsum(sizes) - sizes,
            barred=np.stack([_flags(_BARRED[boundary]) for boundary in boundaries]),
            exact=np.array([automaton.complete and not pattern.group for _, pattern, automaton in patterns], bool),
            edged=np.array([automaton.edged for automaton in automata], bool),
            addresses=np.array([pattern.address for _, pattern, _ in patterns], np.int64),
            groups=np.array([pattern.reported for _, pattern, _ in patterns], np.int64),
            numbers=np.array([number for number, _, _ in patterns], np.int64),
            least=np.array([automaton.widths()[0] for automaton in automata], np.int64))
        self._automata, self._boundaries, self._seen = automata, boundaries, 0
        self._joints, self._single = list[Joint](), list(range(len(automata)))

    def _join(self) -> None:
        """Join those of each boundary."""
        self._single = []
        for boundary in dict.fromkeys(self._boundaries):
            members = [index for index, other in enumerate(self._boundaries) if other == boundary]
            barred = _BARRED[boundary]
            joint = join([self._automata[index] for index in members], members, _flags(barred)) if barred else None
            if joint is None:
                self._single += members
            else:
                self._joints.append(joint)

    def matches(self, block: Block, programs: Programs, memory: Ints, patience: int) -> Ints | None:
        """Columns (pattern, start, end, line) of all matches in a block of this alphabet; None when a program ran out
        of steps."""
        bounds, lines = block.bounds, np.arange(len(block.bounds) - 1)
        is_new = self._seen < ENOUGH
        self._seen += len(lines)
        if is_new and self._seen >= ENOUGH:
            self._join()
        left = np.full(len(self._tables.numbers), patience, np.int64)
        parts, tasks = [np.empty((4, 0), np.int64)], [(index, lines) for index in self._single]
        for joint in self._joints:
            out, rest = np.empty((4, len(joint.members) * len(lines)), np.int64), np.empty(len(lines), np.int64)
            count, others = loops.walk_together(joint, self._tables, block.buffer, bounds, programs, memory, left, out,
                                                rest)
            if count == loops.OUT_OF_PATIENCE:
                return None
            parts.append(out[:, :count])
            tasks += [(index, rest[:others]) for index in joint.members.tolist() if others]
        out = np.empty((4, block.size + 1 if tasks else 0), np.int64)
        for index, chosen in tasks:
            count = loops.walk(self._tables, block.buffer, bounds, chosen, programs, memory, left, out, index)
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

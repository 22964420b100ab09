"""Patterns that are walked through as tables, in cells of few ASCII characters.

In a column of numbers or codes each pattern is a small automaton (`automaton.compile_narrow_automaton`): a few steps a
cell tell whether it matches, where the machine takes ten times as long, or that nothing of this alphabet does. Those of
one boundary are walked together where a match can only fill the cell (`joint_walks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import cell_walk_loops as loops
from guard.detect.automaton import ALNUM, DIGITS, Automaton, compile_narrow_automaton
from guard.detect.cell_walk_loops import Joint, Tables
from guard.detect.joint_walks import Steps, join
from guard.detect.kept_tables import Arrays, KeptTables, is_common, name_of

if TYPE_CHECKING:
    from guard.detect.assembly import Pattern
    from guard.detect.program import Programs
    from guard.detect.shapes import Block

ENOUGH = 16_384
"""Cells for which it pays to join automata: that takes some milliseconds, where it was not done before."""
UNTOLD, NOWHERE, WALKED = range(3)
_ASCII = 128
_BARRED = {"digit": DIGITS, "alnum": ALNUM, "none": frozenset[int]()}


class Walks(NamedTuple):
    """What some patterns come to in cells of an alphabet: arrays alone, so that they can be kept.

    `found[n]` says of pattern n whether it is UNTOLD, so that it has to be looked for, matches NOWHERE, or is WALKED.
    The others are those of `Tables` for the patterns that are walked, in order; `complete` ones are exact but for
    groups.
    """

    found: npt.NDArray[np.int8]
    moves: npt.NDArray[np.uint16]
    ends: loops.Mask
    first: Ints
    complete: loops.Mask
    edged: loops.Mask
    least: Ints

    @staticmethod
    def of(patterns: Sequence[Pattern], alphabet: frozenset[int]) -> Walks:
        """The walks of patterns in cells of no other characters."""
        made = automata(patterns, alphabet)
        walked = [automaton for automaton in made if automaton is not None and automaton.accepting.any()]
        sizes = np.array([_ASCII * len(automaton.accepting) for automaton in walked], np.int64)
        moves = [automaton.steps(_ASCII).ravel() for automaton in walked]
        ends = [automaton.accepting for automaton in walked]
        return Walks(
            np.array([UNTOLD if automaton is None else WALKED if automaton.accepting.any() else NOWHERE
                      for automaton in made], np.int8),
            np.concatenate([np.empty(0, np.uint16), *moves]), np.concatenate([np.empty(0, bool), *ends]),
            np.cumsum(sizes) - sizes, np.array([automaton.complete for automaton in walked], bool),
            np.array([automaton.edged for automaton in walked], bool),
            np.array([automaton.widths()[0] for automaton in walked], np.int64))

    def steps(self, index: int) -> Steps:
        """The automaton of one of those that are walked."""
        low, high = (int(edge) // _ASCII for edge in (*self.first, len(self.moves))[index : index + 2])
        return Steps(self.moves.reshape(-1, _ASCII)[low:high], self.ends[low:high])


class CellWalks:
    """The patterns that are walked, numbered from `first_number` on, with their walks. What they come to together is
    kept under `name`; "" where it is not."""

    def __init__(self, patterns: Sequence[Pattern], first_number: int, walks: Walks, kept: KeptTables, name: str,
                 ) -> None:
        self._boundaries = [pattern.rule.detector.boundary for pattern in patterns]
        self._tables = Tables(
            moves=walks.moves, ends=walks.ends, first=walks.first,
            barred=np.stack([_flags(_BARRED[boundary]) for boundary in self._boundaries]),
            exact=walks.complete & ~np.array([bool(pattern.group) for pattern in patterns], bool), edged=walks.edged,
            addresses=np.array([pattern.address for pattern in patterns], np.int64),
            groups=np.array([pattern.reported for pattern in patterns], np.int64),
            numbers=np.arange(first_number, first_number + len(patterns)), least=walks.least)
        self._walks, self._kept, self._name, self._seen = walks, kept, name, 0
        known = _joined_of(kept.get(name)) if name else None
        self._is_joined = known is not None
        self._joints, self._single = known or (list[Joint](), list(range(len(patterns))))

    def _join(self) -> None:
        self._joints, self._single = self._joined()
        self._is_joined = True
        if self._name:
            self._kept.put(self._name, _arrays_of(self._joints, self._single))

    def _joined(self) -> tuple[list[Joint], list[int]]:
        """Those of each boundary as one, and the numbers of those that stay apart."""
        joints, single = list[Joint](), list[int]()
        for boundary in dict.fromkeys(self._boundaries):
            members = [index for index, other in enumerate(self._boundaries) if other == boundary]
            barred = _BARRED[boundary]
            joint = join([self._walks.steps(index) for index in members], members, _flags(barred)) if barred else None
            if joint is None:
                single += members
            else:
                joints.append(joint)
        return joints, single

    def matches(self, block: Block, programs: Programs, memory: Ints, patience: int) -> Ints | None:
        """Columns (pattern, start, end, line) of all matches in a block of this alphabet; None when a program ran out
        of steps."""
        bounds, lines = block.bounds, np.arange(len(block.bounds) - 1)
        self._seen += len(lines)
        if not self._is_joined and self._seen >= ENOUGH:
            self._join()
        left = np.full(len(self._tables.numbers), patience, np.int64)
        parts, tasks = list[Ints](), [(index, lines) for index in self._single]
        for joint in self._joints:
            out, rest = np.empty((4, len(joint.members) * len(lines)), np.int64), np.empty(len(lines), np.int64)
            count, others = loops.walk_together(joint, self._tables, block.buffer, bounds, programs, memory, left, out,
                                                rest)
            if count == loops.OUT_OF_PATIENCE:
                return None
            if count:
                parts.append(out[:, :count])
            tasks += [(index, rest[:others]) for index in joint.members.tolist() if others]
        out = np.empty((4, block.size + 1 if tasks else 0), np.int64)
        for index, chosen in tasks:
            count = loops.walk(self._tables, block.buffer, bounds, chosen, programs, memory, left, out, index)
            if count == loops.OUT_OF_PATIENCE:
                return None
            if count:
                parts.append(out[:, :count].copy())
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty((4, 0), np.int64), *parts], axis=1)


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


def walks_of(patterns: Sequence[Pattern], alphabet: frozenset[int], kept: KeptTables) -> tuple[Walks, str]:
    """`Walks.of`, kept where many columns are of this alphabet; and under which name what they come to together is."""
    said = [(p.source, p.rule.detector.boundary, p.spans_lines, p.address < 0) for p in patterns]
    name = name_of(said, sorted(alphabet)) if is_common(alphabet) else ""
    known = _walks_in(kept.get(name), len(patterns)) if name else None
    if known is None:
        known = Walks.of(patterns, alphabet)
        if name:
            kept.put(name, known._asdict())
    return known, name and f"{name}-joint"


def _walks_in(arrays: Arrays | None, count: int) -> Walks | None:
    if arrays is None or arrays.keys() != set(Walks._fields) or len(arrays["found"]) != count:
        return None
    return Walks(**arrays)


def _arrays_of(joints: Sequence[Joint], single: Sequence[int]) -> Arrays:
    arrays = {f"{place}.{field}": np.asarray(value) for place, joint in enumerate(joints)
              for field, value in joint._asdict().items()}
    return {**arrays, "single": np.array(single, np.int64)}


def _joined_of(arrays: Arrays | None) -> tuple[list[Joint], list[int]] | None:
    """What `_arrays_of` was given; None when it is not there, or not whole."""
    if arrays is None or "single" not in arrays:
        return None
    joints = list[Joint]()
    while (place := f"{len(joints)}.") + "kinds" in arrays:
        parts = [arrays.get(place + field) for field in Joint._fields]
        if any(part is None for part in parts):
            return None
        joint = Joint._make(parts)
        joints.append(joint._replace(shift=int(joint.shift), closed=int(joint.closed)))
    return joints, arrays["single"].tolist()

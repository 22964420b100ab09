"""Candidates in lines, asked of the Python functions and of the loops: what tests of names and addresses share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from guard.detect.extents import EXTENTS
from guard.detect.normalise import normal_form
from guard.detect.pack import load
from guard.detect.rule import Rule
from guard.detect.validators import VALIDATORS

Candidate = tuple[int, int, int]
"""Number of a line, start and end in code points."""


BLANK = replace(load()[0], pattern="x", masked="", cell="", filters=(), check=(), evidence={}, entropy=0.0, form="",
                separators=(), keywords=(), extent="", near=(), require="nothing", context=None)
"""A detector that asks nothing."""


def tables_of(**changes: Any) -> Any:
    """The tables of a rule that has nothing but `changes`."""
    from guard.detect.rule_tables import Rulings

    return Rulings((Rule(0, replace(BLANK, **changes)),), {}).fill((0,))


def tools() -> Any:
    from guard.detect import address_loops, kept_lexicons, name_loops
    from guard.detect.sifting_loops import Tools

    names, addresses = kept_lexicons.lexicons(True)
    return Tools(names, name_loops.new_scratch(), addresses, address_loops.new_scratch(addresses))


def locate(kind: str, buffer: Any, spans: Sequence[Any]) -> Any:
    """The extents of candidates, given starts and ends of their lines and of themselves; -1 and -1 for none.

    Each is a match of a rule of its own, so that none is left out because it is like the one before.
    """
    from guard.detect import sifting_loops as loops
    from guard.detect.machine import new_memory
    from guard.detect.rule_tables import Bearings
    from guard.detect.sweep import Found

    low, high, starts, ends = (np.ascontiguousarray(column) for column in spans)
    size, one = len(low), tables_of(extent=kind)
    numbers, nothing = np.arange(size), np.zeros(size, np.int8)
    tables = one._replace(rows=np.repeat(one.rows, size, axis=0), floors=np.repeat(one.floors, size, axis=0))
    out = loops.Sifted(*(np.empty(size, kind) for kind in (np.int32, int, int, np.int32, np.int8, np.uint8)))
    left = loops.sift(
        tables, loops.Patterns(numbers.astype(np.int32), np.zeros(size, bool), numbers.astype(np.int32)),
        Bearings(nothing, nothing, nothing.astype(bool)), tools(), np.zeros(1, np.int32), fixed(buffer),
        np.stack([low - 1, high], axis=1).ravel(), np.zeros((1, 1), np.uint64),
        Found(numbers, starts, ends, 2 * numbers), new_memory(), np.zeros(size, np.int64),
        np.full((size, loops.SEEN), -1, np.int64), np.zeros(size + 1, np.int64), np.empty((size, 4), np.int64), out)
    found = np.full((2, size), -1, np.int64)
    found[:, out.rules[:left]] = out.starts[:left], out.ends[:left]
    return found


def check(kind: str, buffer: Any, starts: Any, ends: Any, *, spaced: bool = False) -> Any:
    """1 or 0 for what the check says to each value, -1 where only the Python function knows."""
    from guard.detect import check_tables, judging_loops

    size, tables = len(starts), tables_of(filters=(kind,), separators=(" ",) if spaced else ())
    codes, noisy, none = np.empty(size, np.int64), np.empty(size, bool), np.zeros(size, np.int32)
    judging_loops.judge(tables, check_tables.tables(), 20260101, tools(), fixed(buffer), none,
                        np.ascontiguousarray(starts), np.ascontiguousarray(ends), none.astype(np.int8),
                        np.empty(600, np.uint8), codes, noisy)
    return np.where(codes < 0, codes, codes & 1)


def fixed(buffer: Any) -> Any:
    """Of the type of a block's buffer: nobody writes to it."""
    return np.frombuffer(buffer.tobytes(), np.uint8)


class Lines:
    """Lines as one buffer, and where their characters start in it."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.buffer = np.frombuffer("\n".join(lines).encode() + b"\n", np.uint8)
        self.edges, offset = list[list[int]](), 0
        for line in lines:
            edges = [offset]
            for character in line:
                edges.append(edges[-1] + len(character.encode()))
            self.edges.append(edges)
            offset = edges[-1] + 1

    def spans(self, candidates: Sequence[Candidate]) -> tuple[Any, Any, Any, Any]:
        """Starts and ends of the lines, starts and ends of the candidates, in bytes."""
        rows = [(self.edges[line][0], self.edges[line][-1], self.edges[line][start], self.edges[line][end])
                for line, start, end in candidates]
        low, high, starts, ends = np.array(rows, np.int64).reshape(-1, 4).T
        return low, high, starts, ends

    def located(self, kind: str, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
        """The extents in bytes, as the loop finds them."""
        starts, ends = locate(kind, self.buffer, self.spans(candidates))
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    def expected(self, kind: str, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
        """The extents in bytes, as the Python function says."""
        found = [(line, EXTENTS[kind](self.lines[line], start, end)) for line, start, end in candidates]
        return [(self.edges[line][span[0]], self.edges[line][span[1]]) if span else (-1, -1) for line, span in found]

    def checked(self, kind: str, candidates: Sequence[Candidate], *, spaced: bool = False) -> list[int]:
        """What `check` says, and the Python function where only that knows."""
        _, _, starts, ends = self.spans(candidates)
        got = check(kind, self.buffer, starts, ends, spaced=spaced).tolist()
        expected = self.expected_checks(kind, candidates, spaced=spaced)
        return [answer if known < 0 else known for known, answer in zip(got, expected, strict=True)]

    def expected_checks(self, kind: str, candidates: Sequence[Candidate], *, spaced: bool = False) -> list[int]:
        """1 or 0 for what the Python function says of the normal form."""
        values = (self.lines[line][start:end] for line, start, end in candidates)
        return [int(VALIDATORS[kind](normal_form(value, (" ",) if spaced else (), ""))) for value in values]


def differences(lines: Lines, kind: str, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Any, Any]]:
    """Candidates that the loops and the Python function see differently: (candidate, got, expected)."""
    if kind in EXTENTS:
        got, expected = lines.located(kind, candidates), lines.expected(kind, candidates)
        return [row for row in zip(candidates, got, expected, strict=True) if row[1] != row[2]]
    checked = zip(candidates, lines.checked(kind, candidates), lines.expected_checks(kind, candidates), strict=True)
    return [row for row in checked if row[1] != row[2]]

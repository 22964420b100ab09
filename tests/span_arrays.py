"""Candidates in lines, asked of the Python functions and of the arrays: what tests of names and addresses share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from guard.detect.extent_arrays import check, locate
from guard.detect.extents import EXTENTS
from guard.detect.validators import VALIDATORS

Candidate = tuple[int, int, int]
"""Number of a line, start and end in code points."""


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
        """The extents in bytes, as `locate` fills them in."""
        starts, ends = np.empty(len(candidates), np.int64), np.empty(len(candidates), np.int64)
        locate(kind, self.buffer, *self.spans(candidates), starts, ends)
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    def expected(self, kind: str, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
        """The extents in bytes, as the Python function says."""
        found = [(line, EXTENTS[kind](self.lines[line], start, end)) for line, start, end in candidates]
        return [(self.edges[line][span[0]], self.edges[line][span[1]]) if span else (-1, -1) for line, span in found]

    def checked(self, kind: str, candidates: Sequence[Candidate], *, spaced: bool = False) -> list[bool]:
        """The answers of `check`."""
        _, _, starts, ends = self.spans(candidates)
        answers: list[bool] = check(kind, self.buffer, starts, ends, spaced=spaced).tolist()
        return answers

    def expected_checks(self, kind: str, candidates: Sequence[Candidate], *, spaced: bool = False) -> list[bool]:
        """The answers of the Python function."""
        values = (self.lines[line][start:end] for line, start, end in candidates)
        return [VALIDATORS[kind](value.replace(" ", "") if spaced else value) for value in values]


def differences(lines: Lines, kind: str, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Any, Any]]:
    """Candidates that the arrays and the Python function see differently: (candidate, got, expected)."""
    if kind in EXTENTS:
        got, expected = lines.located(kind, candidates), lines.expected(kind, candidates)
    else:
        got, expected = lines.checked(kind, candidates), lines.expected_checks(kind, candidates)
    return [row for row in zip(candidates, got, expected, strict=True) if row[1] != row[2]]

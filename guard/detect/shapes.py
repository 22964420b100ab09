"""Where the bounded ASCII patterns match in a buffer: masks, runs and tables instead of a search for each pattern.

Comparing and shifting whole buffers runs at gigabytes a second, so the places where a match could begin are found that
way; the automaton then walks all of them at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.automaton import ALNUM, DIGITS, MAX_WIDTH, Automaton, compile_automaton
from guard.detect.rule import bounded

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
PADDING = MAX_WIDTH + 8
_BARRED = {"digit": DIGITS, "alnum": ALNUM, "none": frozenset[int]()}


def byte_table(codes: frozenset[int]) -> Mask:
    """For each byte whether it is one of `codes`."""
    table = np.zeros(256, bool)
    table[list(codes)] = True
    return table


class Block:
    """One normalised buffer between line ends, with the masks that all shapes share; made when first asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.padded = np.frombuffer(b"\n" * PADDING + data + b"\n" * PADDING, np.uint8)
        self.buffer = self.padded[PADDING:]
        self._runs: dict[tuple[frozenset[int], int], Mask] = {}

    def runs(self, codes: frozenset[int], length: int) -> Mask:
        """For each offset whether `length` bytes from there on are all in `codes` (digits, or letters and digits)."""
        if (known := self._runs.get((codes, length))) is not None:
            return known
        if length == 1:
            mask = _member_mask(self.buffer, codes)
        else:
            half = length // 2
            mask = self.runs(codes, length - half).copy()
            mask[: -(length - half)] &= self.runs(codes, half)[length - half :]
        self._runs[codes, length] = mask
        return mask

    def line_ends(self) -> Ints:
        """Offsets of all line ends."""
        buffer = self.buffer[: self.size]
        return np.flatnonzero((buffer == 10) | (buffer == 13))


def _member_mask(buffer: Bytes, codes: frozenset[int]) -> Mask:
    """Few ranges are compared, which is ten times as fast as a table."""
    ordered = sorted(codes)
    lows = [code for code in ordered if code - 1 not in codes]
    highs = [code for code in ordered if code + 1 not in codes]
    if len(lows) > 4:
        return byte_table(codes)[buffer]
    mask = np.zeros(len(buffer), bool)
    for low, high in zip(lows, highs, strict=True):
        mask |= (buffer - np.uint8(low)) <= np.uint8(high - low)
    return mask


@dataclass(frozen=True, eq=False)
class Shape:
    """A bounded ASCII pattern between its boundaries, ready to be found in blocks."""

    automaton: Automaton
    pattern: re.Pattern[bytes]
    boundary: str
    right: Mask

    def find(self, block: Block) -> tuple[Ints, Ints]:
        """Starts and ends of exactly the matches that `re` finds line by line, in order."""
        starts = self._starts(block)
        if not len(starts):
            return starts, starts
        counts, lengths = self.automaton.run(block.buffer, starts, self.right)
        matched = counts > 0
        starts, counts, lengths = starts[matched], counts[matched], lengths[matched]
        for index in np.flatnonzero(counts > 1).tolist():
            lengths[index] = self._decide(block, int(starts[index]), int(lengths[index]))
        return _without_overlaps(starts, starts + lengths)

    def _starts(self, block: Block) -> Ints:
        """Every offset where a match could begin."""
        lead = self.automaton.lead
        if lead:
            mask = block.runs(self.automaton.lead_set, lead)[: block.size]
        else:
            mask = _member_mask(block.buffer[: block.size], self.automaton.first)
        if barred := _BARRED[self.boundary]:
            mask = mask & ~_member_mask(block.padded[PADDING - 1 : PADDING - 1 + block.size], barred)
        return np.flatnonzero(mask)

    def _decide(self, block: Block, start: int, longest: int) -> int:
        """The length that `re` chooses out of several; it sees the longest way and the byte behind it."""
        end = start + longest
        found = self.pattern.match(block.data, start, end + (block.data[end : end + 1] not in (b"", b"\n", b"\r")))
        return found.end() - start if found else longest


def _without_overlaps(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """What a search from left to right keeps: a match that begins inside the one before it is passed over."""
    if not len(starts) or not (starts[1:] < ends[:-1]).any():
        return starts, ends
    kept, reach = [], 0
    for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if start >= reach:
            kept.append(index)
            reach = end
    return starts[kept], ends[kept]


def compile_shape(pattern: str, boundary: str) -> Shape | None:
    """The shape of a detector's pattern, or None when it has none and lines have to be searched."""
    automaton = compile_automaton(pattern)
    if automaton is None:
        return None
    exact = re.compile(bounded(pattern, boundary).encode(), re.ASCII)
    return Shape(automaton, exact, boundary, ~byte_table(_BARRED[boundary]))

"""Layers: what a buffer decodes to, and the way back to where it stands.

A layer holds lines with escapes, as a whole with all escapes replaced, or tokens, each for itself
(`guard.detect.escapes`, `guard.detect.tokens`). What is decoded from one buffer lies apart in it, so a layer is never
longer than the one above, and nothing is decoded more than MAX_DEPTH times: time and memory are bounded by the size of
the buffer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import Ints
from guard.detect.escapes import CODED, SHORT, Escapes, Mask, find_escapes
from guard.detect.tokens import Token, bounds, find_tokens, overlapping

MAX_DEPTH = 3
WINDOW = 2048
"""Bytes of a line that are decoded on each side of an escape; most lines are shorter and decoded whole."""
MARGIN = 512
"""So near to the cut edge of a longer line nothing is believed: what stands behind the edge could change it."""
Span = tuple[Ints, Ints]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Layer(ABC):
    """Pieces of decoded text in one buffer, line ends between them.

    Piece i is `data[starts[i]:ends[i]]`; hits in it count between `lows[i]` and `highs[i]`. It begins at `origins[i]`
    and ends at `limits[i]` of the layer above, or of the scanned buffer where there is none.
    """

    parent: Layer | None
    data: bytes
    starts: Ints
    ends: Ints
    lows: Ints
    highs: Ints
    origins: Ints
    limits: Ints

    def places(self, starts: Ints, ends: Ints) -> Span:
        """Where spans of this layer, none of them empty or across pieces, stand in the scanned buffer."""
        starts, ends = self._above(starts, ends, np.searchsorted(self.starts, starts, "right") - 1)
        return (starts, ends) if self.parent is None else self.parent.places(starts, ends)

    @abstractmethod
    def _above(self, starts: Ints, ends: Ints, piece: Ints) -> Span:
        """The same one layer up; `piece` is the number of the piece of each span."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Tokens(Layer):
    """Tokens: `into[i]` characters above stand for `out[i]` bytes of piece i."""

    into: Ints
    out: Ints

    def _above(self, starts: Ints, ends: Ints, piece: Ints) -> Span:
        into, out, origin = self.into[piece], self.out[piece], self.origins[piece]
        first = origin + (starts - self.starts[piece]) // out * into
        last = origin - (self.starts[piece] - ends) // out * into
        # Padding belongs to the last group.
        return first, np.where(ends == self.ends[piece], self.limits[piece], np.minimum(last, self.limits[piece]))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Lines(Layer):
    """Lines: at `at[i]` stand `sizes[i]` bytes for escape i of those above."""

    at: Ints
    sizes: Ints
    escapes: Escapes

    def _above(self, starts: Ints, ends: Ints, piece: Ints) -> Span:
        first, _ = self._characters(starts, piece)
        _, last = self._characters(ends - 1, piece)
        return first, last

    def _characters(self, bytes_: Ints, piece: Ints) -> Span:
        """For single bytes: the escape that each is a part of, or the byte that it is above."""
        escape = np.searchsorted(self.at, bytes_, "right") - 1
        behind = (escape >= 0) & (self.at[escape] >= self.starts[piece])
        beyond = bytes_ - self.at[escape] - self.sizes[escape]
        start = self.escapes.starts[escape]
        end = start + self.escapes.widths[escape]
        plain = np.where(behind, end + beyond, self.origins[piece] + bytes_ - self.starts[piece])
        inside = behind & (beyond < 0)
        return np.where(inside, start, plain), np.where(inside, end, plain + 1)


def layers(data: bytes) -> list[Layer]:
    """Everything that a buffer decodes to."""
    found: list[Layer] = []
    above: list[Layer | None] = [None]
    for _ in range(MAX_DEPTH):
        above = [layer for parent in above for layer in _decoded(parent, data if parent is None else parent.data)]
        found.extend(layer for layer in above if layer is not None)
    return found


def _decoded(parent: Layer | None, data: bytes) -> Iterator[Layer]:
    escapes = find_escapes(data)
    starts, ends, cuts = _windows(data, escapes.starts[escapes.kinds != SHORT])
    if len(starts):
        yield _lines(parent, data, escapes, (starts, ends), cuts)
    if tokens := find_tokens(data):
        first, last = bounds(tokens)
        apart = ~overlapping(first, last, starts, ends)
        if apart.any():
            yield _tokens(parent, [tokens[index] for index in np.flatnonzero(apart).tolist()])


def _tokens(parent: Layer | None, tokens: Sequence[Token]) -> _Tokens:
    ends = np.cumsum([len(token.text) + 1 for token in tokens]) - 1
    starts = ends - np.array([len(token.text) for token in tokens], np.int64)
    origins, limits = bounds(list(tokens))
    into, out = (np.array([getattr(token, name) for token in tokens], np.int64) for name in ("into", "out"))
    return _Tokens(parent, b"\n".join([token.text for token in tokens]), starts, ends, starts, ends, origins, limits,
                   into, out)


def _windows(data: bytes, marks: Ints) -> tuple[Ints, Ints, Span]:
    """Stretches around marks, apart from each other: lines, or WINDOW bytes of a longer one on each side.

    With them how much of each start and end is not believed.
    """
    if not len(marks):
        return marks, marks, (marks, marks)
    view = np.frombuffer(data, np.uint8)
    breaks = np.concatenate([[-1], np.flatnonzero((view == 10) | (view == 13)), [len(data)]])
    line = np.searchsorted(breaks, marks, "right")
    first, last = breaks[line - 1] + 1, breaks[line]
    starts, ends = np.maximum(first, marks - WINDOW), np.minimum(last, marks + WINDOW)
    for _ in range(3):
        # No character is cut in two.
        starts -= (starts > first) & ((view[starts] & 0xC0) == 0x80)
        ends += (ends < last) & ((view[np.minimum(ends, len(data) - 1)] & 0xC0) == 0x80)
    opens = np.concatenate([[True], starts[1:] >= ends[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    cut_left, cut_right = (starts > first)[opens] * MARGIN, (ends < last)[closes] * MARGIN
    return starts[opens], ends[closes], (cut_left, cut_right)


def _lines(parent: Layer | None, data: bytes, escapes: Escapes, span: Span, cuts: Span) -> _Lines:
    origins, limits = span
    escapes, piece = _of_lines(escapes, origins, limits)
    joined = b"\n".join([data[start:end] for start, end in zip(origins.tolist(), limits.tolist(), strict=True)])
    offsets = np.concatenate([[0], np.cumsum(limits - origins + 1)[:-1]])
    inside = escapes.starts - origins[piece] + offsets[piece]
    characters = escapes.points.astype("<u4").tobytes().decode("utf-32-le")
    sizes = np.searchsorted((0x80, 0x800, 0x10000), escapes.points, "right") + 1
    shrinkage = np.concatenate([[0], np.cumsum(escapes.widths - sizes)])
    at = inside - shrinkage[:-1]
    # Nothing of an escape lies at the border of a piece.
    starts = offsets - shrinkage[np.searchsorted(inside, offsets)]
    ends = offsets + limits - origins
    ends = ends - shrinkage[np.searchsorted(inside, ends)]
    text = np.empty(len(joined) - shrinkage[-1], np.uint8)
    new = _ranges(len(text), at, sizes)
    text[new] = np.frombuffer(characters.encode(), np.uint8)
    text[~new] = np.frombuffer(joined, np.uint8)[~_ranges(len(joined), inside, escapes.widths)]
    return _Lines(parent, text.tobytes(), starts, ends, starts + cuts[0], ends - cuts[1], origins, limits, at, sizes,
                  escapes)


def _of_lines(escapes: Escapes, starts: Ints, ends: Ints) -> tuple[Escapes, Ints]:
    """The escapes that lie in these lines, and the number of the line of each.

    Short ones count only beside one with a number: else `C:\\new` would be torn apart.
    """
    line = np.searchsorted(starts, escapes.starts, "right") - 1
    inside = (line >= 0) & (escapes.starts + escapes.widths <= ends[line])
    coded = np.zeros(len(starts), bool)
    coded[line[inside & (escapes.kinds == CODED)]] = True
    kept = inside & ((escapes.kinds != SHORT) | coded[line])
    return escapes.take(kept), line[kept]


def _ranges(length: int, starts: Ints, sizes: Ints) -> Mask:
    """A mask of `length` that is set from each start for so many bytes."""
    edges = np.zeros(length + 1, np.int8)
    edges[starts] += 1
    edges[starts + sizes] -= 1
    return np.asarray(np.cumsum(edges[:-1], dtype=np.int8) > 0, bool)

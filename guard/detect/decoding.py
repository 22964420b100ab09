"""Decoding: what is written in an encoding is scanned like the text around it, and reported at its place.

    decoded_text(data, scan), decoded_column(column, scan)    hits in what a buffer or its cells decode to
    with_decoded(hits, decoded, rules)                        both together, overlaps flagged
    decoded_value(scan, source, hits, index)                  what stands at the place of such a hit

A *layer* holds what the buffer above it decodes to: lines with escapes, as a whole with all escapes replaced, or
tokens, each for itself (`guard.detect.encodings`). They are apart from each other, so what a buffer decodes to is never
longer than itself, and nothing is decoded more than MAX_DEPTH times: time and memory are bounded by its size.

A hit is placed where its value stands encoded: for escapes exactly there, for tokens at the groups of four characters
(base64) or two (hexadecimal digits) that hold its bytes. What is only possible is left out: a decoded value must be
likely or proved. So is what the header alone says, since that it says of the cell as it stands, and what is masked.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import DECODED, FROM_HEADER, MASKED, VALIDATED, Column, Hits, Ints
from guard.detect import encodings
from guard.detect.encodings import CODED, SHORT, Escapes, Mask, Token
from guard.detect.overlap import Placed, resolve
from guard.detect.rule import Rule
from guard.model import LIKELY

MAX_DEPTH = 3
WINDOW = 2048
"""Bytes of a line that are decoded on each side of an escape; most lines are shorter and decoded whole."""
MARGIN = 512
"""So near to the cut edge of a longer line nothing is believed: what stands behind the edge could change it."""

STRETCH, CELLS = 16_384, 256
"""How many bytes of a text or cells of a column are decoded again when somebody looks at one of the values in them."""

Scan = Callable[[Column], Hits]
"""How a matcher scans the values of a column as they stand."""
Span = tuple[Ints, Ints]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer(ABC):
    """Pieces of decoded text in one buffer, line ends between them.

    Piece i is `data[starts[i]:ends[i]]`; hits in it count between `lows[i]` and `highs[i]`. It begins at `origins[i]`
    and ends at `limits[i]` of the layer above, or of the scanned buffer where there is none.
    """

    parent: _Layer | None
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


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens(_Layer):
    """Tokens: `into[i]` characters above stand for `out[i]` bytes of piece i."""

    into: Ints
    out: Ints

    def _above(self, starts: Ints, ends: Ints, piece: Ints) -> Span:
        into, out, origin = self.into[piece], self.out[piece], self.origins[piece]
        first = origin + (starts - self.starts[piece]) // out * into
        last = origin - (self.starts[piece] - ends) // out * into
        # Padding belongs to the last group.
        return first, np.where(ends == self.ends[piece], self.limits[piece], np.minimum(last, self.limits[piece]))


@dataclass(frozen=True, slots=True, eq=False)
class _Lines(_Layer):
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


def layers(data: bytes) -> list[_Layer]:
    """Everything that a buffer decodes to."""
    found: list[_Layer] = []
    above: list[_Layer | None] = [None]
    for _ in range(MAX_DEPTH):
        above = [layer for parent in above for layer in _decoded(parent, data if parent is None else parent.data)]
        found.extend(layer for layer in above if layer is not None)
    return found


def _decoded(parent: _Layer | None, data: bytes) -> Iterator[_Layer]:
    escapes = encodings.escapes(data)
    starts, ends, cuts = _windows(data, escapes.starts[escapes.kinds != SHORT])
    if len(starts):
        yield _lines(parent, data, escapes, (starts, ends), cuts)
    if tokens := encodings.tokens(data):
        first, last = encodings.bounds(tokens)
        apart = ~encodings.overlapping(first, last, starts, ends)
        if apart.any():
            yield _tokens(parent, [tokens[index] for index in np.flatnonzero(apart).tolist()])


def _tokens(parent: _Layer | None, tokens: Sequence[Token]) -> _Tokens:
    ends = np.cumsum([len(token.text) + 1 for token in tokens]) - 1
    starts = ends - np.array([len(token.text) for token in tokens], np.int64)
    origins, limits = encodings.bounds(list(tokens))
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


def _lines(parent: _Layer | None, data: bytes, escapes: Escapes, span: Span, cuts: Span) -> _Lines:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Decoded:
    """Hits in what a buffer decodes to, at places of the buffer, and the values that stand there."""

    hits: Hits
    values: Sequence[bytes]


_NOTHING = _Decoded(Hits.empty(), ())


def _scan_layers(data: bytes, header: str, scan: Scan) -> _Decoded:
    found = layers(data)
    if not found:
        return _NOTHING
    offsets = np.cumsum([0, *(len(layer.data) + 1 for layer in found)])
    text = b"\n".join([layer.data for layer in found])
    starts = np.concatenate([layer.starts + offset for layer, offset in zip(found, offsets, strict=False)])
    ends = np.concatenate([layer.ends + offset for layer, offset in zip(found, offsets, strict=False)])
    hits = _worthy(scan(Column("", header, text, starts, ends, np.arange(len(starts)))))
    first, last = starts[hits.cell] + hits.start, starts[hits.cell] + hits.end
    counts = np.cumsum([0, *(len(layer.starts) for layer in found)])
    layer_of = np.searchsorted(offsets, first, "right") - 1
    parts, values = [Hits.empty()], []
    for number in np.unique(layer_of).tolist():
        layer, offset, mine = found[number], offsets[number], layer_of == number
        part, pieces = hits.take(mine), hits.cell[mine] - counts[number]
        inner, outer = first[mine] - offset, last[mine] - offset
        believed = (inner >= layer.lows[pieces]) & (outer <= layer.highs[pieces])
        part, inner, outer = part.take(believed), inner[believed], outer[believed]
        start, end = layer.places(inner, outer)
        # A value in clear beside escapes is there too: what stands around it may say more, once it is decoded.
        flags = part.flags | np.where(end - start != outer - inner, DECODED, 0).astype(np.uint8)
        parts.append(Hits(part.detector, start, end, part.confidence, flags, np.zeros(len(part), np.int64)))
        values += [layer.data[a:b] for a, b in zip(inner.tolist(), outer.tolist(), strict=True)]
    return _Decoded(Hits.concat(parts), values)


def _worthy(hits: Hits) -> Hits:
    """The hits that count in decoded text."""
    strong = (hits.confidence >= np.float32(LIKELY)) | (hits.flags & VALIDATED != 0)
    return hits.take(strong & (hits.flags & (MASKED | FROM_HEADER) == 0))


def decoded_text(data: bytes, scan: Scan) -> Hits:
    """Hits in what a UTF-8 buffer decodes to, in any order; offsets are bytes of the buffer."""
    return _scan_layers(data, "", scan).hits


def decoded_column(column: Column, scan: Scan) -> Hits:
    """The same for the values of a column; offsets are bytes of the value."""
    return _scan_cells(column, scan).hits


def _scan_cells(column: Column, scan: Scan) -> _Decoded:
    cells = _cells(column)
    if not len(cells):
        return _NOTHING
    values = [column.value(cell) for cell in cells.tolist()]
    starts = np.cumsum([0, *(len(value) + 1 for value in values)])[:-1]
    found = _scan_layers(b"\n".join(values), column.header, scan)
    number = np.searchsorted(starts, found.hits.start, "right") - 1
    start, end = found.hits.start - starts[number], found.hits.end - starts[number]
    return _Decoded(Hits(found.hits.detector, start, end, found.hits.confidence, found.hits.flags, cells[number]),
                    found.values)


class _LastBuffer(threading.local):
    """Where in a buffer something may be encoded; the columns of a batch lie in one buffer and come one by one."""

    def __init__(self) -> None:
        self._data = b""
        self._tokens = self._escapes = np.empty(0, np.int64)

    def of(self, data: bytes) -> Span:
        """Rough places of tokens and of escapes."""
        if data is not self._data:
            self._data, self._tokens, self._escapes = data, encodings.rough_tokens(data), encodings.rough_escapes(data)
        return self._tokens, self._escapes


_LAST_BUFFER = _LastBuffer()


def _cells(column: Column) -> Ints:
    """The cells that may hold something encoded."""
    lengths = column.ends - column.starts
    long = np.flatnonzero(lengths >= encodings.LEAST)
    tokens, escapes = _LAST_BUFFER.of(column.data)
    chosen = [long[_hold(column, long, tokens, encodings.ROUGH_TOKEN)]]
    if len(escapes):
        every = np.arange(len(column))
        chosen.append(every[_hold(column, every, escapes, encodings.ROUGH_ESCAPE)])
    return np.unique(np.concatenate(chosen))


def _hold(column: Column, cells: Ints, places: Ints, size: int) -> Mask:
    """Which cells hold all of something that is `size` bytes long at one of the places."""
    if not len(places) or not len(cells):
        return np.zeros(len(cells), bool)
    at = np.searchsorted(places, column.starts[cells])
    return np.asarray((at < len(places)) & (places[np.minimum(at, len(places) - 1)] + size <= column.ends[cells]), bool)


def with_decoded(hits: Hits, decoded: Hits, rules: Sequence[Rule]) -> Hits:
    """Both in the order of hits, each place once for a detector, overlaps flagged.

    Where both tell the same, the surer one stays.
    """
    if not len(decoded):
        return hits
    near = _overlapped(hits, decoded)
    best: dict[tuple[int, int, int, int], tuple[int, Placed]] = {}
    together = Hits.concat([hits.take(near), decoded])
    for cell, hit in zip(together.cell.tolist(), _placed(together, rules), strict=True):
        key = (cell, hit.start, hit.end, hit.detector | (hit.flags & MASKED) << 16)
        if key not in best or hit.rank[:2] > best[key][1].rank[:2]:
            best[key] = (cell, hit)
    rest = hits.take(~near)
    joined = Hits.concat([rest, _resolved(sorted(best.values(), key=lambda pair: pair[0]))])
    order = np.lexsort((joined.flags, joined.detector, -joined.end, joined.start, joined.cell))
    return joined.take(order)


def _overlapped(hits: Hits, others: Hits) -> Mask:
    """Which hits share a byte with one of the others."""
    stride = 1 + int(max(hits.end.max(initial=0), others.end.max()))
    starts, ends = others.start + others.cell * stride, others.end + others.cell * stride
    order = np.argsort(starts, kind="stable")
    reach = np.concatenate([[-1], np.maximum.accumulate(ends[order])])
    before = np.searchsorted(starts[order], hits.end + hits.cell * stride)
    return np.asarray(reach[before] > hits.start + hits.cell * stride, bool)


def _placed(hits: Hits, rules: Sequence[Rule]) -> Iterator[Placed]:
    for number, start, end, confidence, flags in zip(
            hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), hits.confidence.tolist(),
            hits.flags.tolist(), strict=True):
        yield Placed(number, rules[number].detector.data_class, start, end, confidence, flags)


def _resolved(found: Sequence[tuple[int, Placed]]) -> Hits:
    """Hits of several cells, in order of these, as columns with overlaps flagged."""
    parts = [Hits.empty()]
    for cell, group in itertools.groupby(found, key=lambda pair: pair[0]):
        hits = [hit for _, hit in group]
        parts.append(Hits.build([h.detector for h in hits], [h.start for h in hits], [h.end for h in hits],
                                [h.confidence for h in hits], resolve(hits), [cell] * len(hits)))
    return Hits.concat(parts)


class _LastValues(threading.local):
    """The values in a stretch of one text or column: they are asked for one after the other, in order of their hits."""

    def __init__(self) -> None:
        self._scan: Scan | None = None
        self._source: bytes | Column | None = None
        self._first = self._last = 0
        self._values: dict[tuple[int, int, int, int], bytes] = {}

    def value(self, scan: Scan, source: bytes | Column, hit: tuple[int, int, int, int]) -> bytes | None:
        """The value of one hit by cell, start, end and detector; None where there is none."""
        at = hit[1] if isinstance(source, bytes) else hit[0]
        if source is not self._source or scan != self._scan or not self._first <= at < self._last:
            self._scan, self._source = scan, source
            self._read(scan, source, at)
        return self._values.get(hit)

    def _read(self, scan: Scan, source: bytes | Column, at: int) -> None:
        if isinstance(source, bytes):
            self._first, self._last = _line_around(source, at, STRETCH)
            found, cell, byte = _scan_layers(source[self._first : self._last], "", scan), 0, self._first
        else:
            self._first = cell = at
            self._last, byte = at + CELLS, 0
            part = slice(at, self._last)
            found = _scan_cells(dataclasses.replace(source, starts=source.starts[part], ends=source.ends[part],
                                                    rows=source.rows[part]), scan)
        hits = found.hits
        keys = zip((hits.cell + cell).tolist(), (hits.start + byte).tolist(), (hits.end + byte).tolist(),
                   hits.detector.tolist(), strict=True)
        self._values = dict(zip(keys, found.values, strict=True))


_LAST_VALUES = _LastValues()


def decoded_value(scan: Scan, source: bytes | Column, hits: Hits, index: int) -> bytes:
    """What stands behind a DECODED hit in a text or column; its bytes as they are where nothing does."""
    cell, start, end = int(hits.cell[index]), int(hits.start[index]), int(hits.end[index])
    value = _LAST_VALUES.value(scan, source, (cell, start, end, int(hits.detector[index])))
    if value is None:
        value = (source if isinstance(source, bytes) else source.value(cell))[start:end]
    return value


def _line_around(data: bytes, place: int, least: int) -> tuple[int, int]:
    """Bounds of whole lines: from the one at `place` on, `least` bytes or more where there are so many."""
    first = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place)) + 1
    breaks = [found for mark in (b"\n", b"\r") if (found := data.find(mark, max(place, first + least))) >= 0]
    return first, min(breaks, default=len(data))

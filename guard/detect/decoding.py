"""Decoding: what is written in an encoding is scanned like the text around it, and reported at its place.

    decoded_text(data, scan), decoded_column(column, scan)    hits in what a buffer or its cells decode to
    with_decoded(hits, decoded, rules)                        both together, overlaps flagged
    DecodedValues().value(scan, source, hits, index)          what stands at the place of such a hit

A hit is placed where its value stands encoded: for escapes exactly there, for tokens at the groups of four characters
(base64) or two (hexadecimal digits) that hold its bytes. What is only possible is left out: a decoded value must be
likely or proved. So is what the header alone says, since that it says of the cell as it stands, and what is masked.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import DECODED, FROM_HEADER, MASKED, VALIDATED, Column, Hits, distinct
from guard.detect.escapes import Mask, may_hold_escape
from guard.detect.layers import layers
from guard.detect.overlap import Placed, resolve
from guard.detect.rule import Rule
from guard.detect.tokens import may_hold_token
from guard.model import LIKELY

STRETCH, CELLS = 16_384, 256
"""How many bytes of a text or cells of a column are decoded again when somebody looks at one of the values in them."""

Scan = Callable[[Column], Hits]
"""How a matcher scans the values of a column as they stand."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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
    for number in distinct(layer_of).tolist():
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
    cells = np.flatnonzero(may_hold_token(column.data, column.starts, column.ends)
                           | may_hold_escape(column.data, column.starts, column.ends))
    if not len(cells):
        return _NOTHING
    values = [column.value(cell) for cell in cells.tolist()]
    starts = np.cumsum([0, *(len(value) + 1 for value in values)])[:-1]
    found = _scan_layers(b"\n".join(values), column.header, scan)
    number = np.searchsorted(starts, found.hits.start, "right") - 1
    start, end = found.hits.start - starts[number], found.hits.end - starts[number]
    return _Decoded(Hits(found.hits.detector, start, end, found.hits.confidence, found.hits.flags, cells[number]),
                    found.values)


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


class DecodedValues(threading.local):
    """What stands behind the hits of a matcher. Each thread keeps the values in a stretch of one text or column: they
    are asked for one after the other, in order of their hits."""

    def __init__(self) -> None:
        self._scan: Scan | None = None
        self._source: bytes | Column | None = None
        self._first = self._last = 0
        self._values: dict[tuple[int, int, int, int], bytes] = {}

    def value(self, scan: Scan, source: bytes | Column, hits: Hits, index: int) -> bytes:
        """What stands behind a DECODED hit in a text or column; its bytes as they are where nothing does."""
        cell, start, end = int(hits.cell[index]), int(hits.start[index]), int(hits.end[index])
        value = self._known(scan, source, (cell, start, end, int(hits.detector[index])))
        if value is None:
            value = (source if isinstance(source, bytes) else source.value(cell))[start:end]
        return value

    def _known(self, scan: Scan, source: bytes | Column, hit: tuple[int, int, int, int]) -> bytes | None:
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


def _line_around(data: bytes, place: int, least: int) -> tuple[int, int]:
    """Bounds of whole lines: from the one at `place` on, `least` bytes or more where there are so many."""
    first = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place)) + 1
    breaks = [found for mark in (b"\n", b"\r") if (found := data.find(mark, max(place, first + least))) >= 0]
    return first, min(breaks, default=len(data))

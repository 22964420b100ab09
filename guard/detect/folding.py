"""A whole buffer as patterns see it (`guard.detect.normalise`), in one vectorised pass, and the way back.

The same table as for single lines, applied to UTF-8 bytes: full-width forms shrink to one byte, invisible characters
vanish. A buffer in which nothing changes costs one look.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.normalise import TABLE, without_controls
from guard.utf8 import is_utf8

Bytes = npt.NDArray[np.uint8]
_SAME, _GONE = -2, -1


def _tables() -> Mapping[int, npt.NDArray[np.int32]]:
    """By lead byte: what becomes of a character, indexed by the six low bits of each byte that follows."""
    tables: dict[int, npt.NDArray[np.int32]] = {}
    for code, target in TABLE.items():
        spelled = chr(code).encode()
        index = 0
        for byte in spelled[1:]:
            index = index << 6 | byte & 63
        if spelled[0] not in tables:
            tables[spelled[0]] = np.full(64 ** (len(spelled) - 1), _SAME, np.int32)
        tables[spelled[0]][index] = _GONE if target is None else target
    return tables


_TABLES = _tables()


class Folded(NamedTuple):
    """`data` is the normalised buffer. `points` are its offsets from which the original is `shifts` bytes ahead.

    `sizes` are the bytes that the changed character before a point has in `data`, `lost` those that it lost.
    """

    data: bytes
    points: Ints
    shifts: Ints
    sizes: Ints
    lost: Ints

    def __repr__(self) -> str:
        return object.__repr__(self)

    def originals(self, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """The original bytes of normalised, not empty spans: whole characters, without invisible ones at the ends."""
        if not len(self.points):
            return starts, ends
        last = ends - 1
        return starts + self._shift(starts), ends + self._shift(last) + self._tail(last)

    def _shift(self, offsets: Ints) -> Ints:
        return np.concatenate([[0], self.shifts])[np.searchsorted(self.points, offsets, "right")]

    def _tail(self, last: Ints) -> Ints:
        """What the character that ends at `last` lost."""
        found = np.minimum(np.searchsorted(self.points, last + 1, "left"), len(self.points) - 1)
        changed = (self.points[found] == last + 1) & (self.sizes[found] > 0)
        return np.where(changed, self.lost[found], 0)


def fold(data: bytes) -> Folded:
    """The buffer as patterns see it."""
    data = without_controls(data)
    if data.isascii():
        return _unchanged(data)
    buffer = np.frombuffer(data, np.uint8)
    parts = [_changes(buffer, lead, table) for lead, table in _TABLES.items()]
    places = np.concatenate([part[0] for part in parts])
    if not len(places):
        return _unchanged(data)
    order = np.argsort(places, kind="stable")
    widths, targets = (np.concatenate([part[i] for part in parts])[order] for i in (1, 2))
    return _apply(buffer, places[order], widths, targets)


def fold_quickly(data: bytes) -> Folded | None:
    """The same by compiled loops; None for a buffer that is no UTF-8."""
    from guard.detect import fold_loops as loops

    data = without_controls(data)
    if data.isascii():
        return _unchanged(data)
    if not is_utf8(data):
        return None
    buffer = np.frombuffer(data, np.uint8)
    firsts, table = _flat_tables()
    room, count = 1024 + len(data) // 16, loops.FULL
    while count == loops.FULL:
        places, targets = np.empty(room, np.int64), np.empty(room, np.int32)
        count = loops.find_changes(buffer, firsts, table, places, targets)
        room *= 4
    if count == 0:
        return _unchanged(data)
    out, tale = np.empty(len(data), np.uint8), np.empty((4, count), np.int64)
    size = loops.apply(buffer, places[:count], targets[:count], out, tale[0], tale[1], tale[2], tale[3])
    return Folded(out[:size].tobytes(), tale[0], tale[1], tale[2], tale[3])


@cache
def _flat_tables() -> tuple[Ints, npt.NDArray[np.int32]]:
    """All tables in one, and where that of each lead byte begins; -1 where there is none."""
    firsts, size = np.full(256, -1, np.int64), 0
    for lead, table in _TABLES.items():
        firsts[lead], size = size, size + len(table)
    return firsts, np.concatenate(list(_TABLES.values()))


def _unchanged(data: bytes) -> Folded:
    nothing = np.empty(0, np.int64)
    return Folded(data, nothing, nothing, nothing, nothing)


def _changes(buffer: Bytes, lead: int, table: npt.NDArray[np.int32]) -> tuple[Ints, Ints, Ints]:
    """Where characters with this lead byte change: offset, bytes, and the code that they become or `_GONE`."""
    width = {64: 2, 4096: 3, 262144: 4}[len(table)]
    places = np.flatnonzero(buffer[: max(0, len(buffer) - width + 1)] == lead)
    index, whole = np.zeros(len(places), np.int64), np.ones(len(places), bool)
    for step in range(1, width):
        following = buffer[places + step]
        whole &= (following & 0xC0) == 0x80
        index = index << 6 | following & 63
    targets = np.where(whole, table[index], _SAME)
    chosen = targets != _SAME
    return places[chosen], np.full(int(chosen.sum()), width, np.int64), targets[chosen].astype(np.int64)


def _apply(buffer: Bytes, places: Ints, widths: Ints, targets: Ints) -> Folded:
    out, keep = buffer.copy(), np.ones(len(buffer), bool)
    sizes = np.where(targets == _GONE, 0, np.where(targets < 128, 1, 2))
    for step in range(4):
        dropped = (step >= sizes) & (step < widths)
        keep[places[dropped] + step] = False
    narrow, dots = sizes == 1, sizes == 2
    out[places[narrow]] = targets[narrow]
    for step, byte in enumerate("·".encode()):
        out[places[dots] + step] = byte
    lost = widths - sizes
    shifts = np.cumsum(lost)
    return Folded(out[keep].tobytes(), places + sizes - (shifts - lost), shifts, sizes, lost)

"""Much text out of a few thousand rows: the identifiers in a block are redrawn in place, check digits and all.

Copying one block over and over would flatter a scanner that remembers values it has seen. So each tile gets new digits
where the kind of a value allows it, vectorised over all rows of the block at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from guard.demo import numbers

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Redraw = Callable[[Bytes, np.random.Generator], None]

_RESIDENT_WEIGHTS = np.array([pow(2, 17 - place, 11) for place in range(17)])
_RESIDENT_CHECKS = np.frombuffer(numbers.RESIDENT_CHECKS.encode(), np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


@dataclass(frozen=True, slots=True)
class Value:
    """A value inside a row that is redrawn; `kind` is resident_id, mobile, bank_card, serial, digits or hex."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line, its end included, and its values in the order in which they stand in it."""

    text: str
    values: tuple[Value, ...] = ()


class Tile:
    """A block of rows that can be drawn again and again. `size` is its length in bytes, `rows` its line count."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        self._bytes = np.frombuffer("".join(row.text for row in rows).encode(), np.uint8).copy()
        self._sites = _sites(rows)
        self._random = np.random.default_rng(seed)
        self._drawn = 0
        self.size, self.rows = len(self._bytes), len(rows)

    def draw(self) -> bytes:
        """The next variant of the block."""
        for (kind, _), places in self._sites.items():
            cells = self._bytes[places]
            if kind == "serial":
                _write_numbers(cells, np.arange(len(cells)) + self._drawn * len(cells) + 1)
            else:
                _REDRAWS[kind](cells, self._random)
            self._bytes[places] = cells
        self._drawn += 1
        return self._bytes.tobytes()


def _sites(rows: Sequence[Row]) -> dict[tuple[str, int], Places]:
    starts: dict[tuple[str, int], list[int]] = {}
    offset = 0
    for row in rows:
        data, cursor = row.text.encode(), 0
        for value in row.values:
            cursor = data.index(value.text.encode(), cursor)
            starts.setdefault((value.kind, len(value.text)), []).append(offset + cursor)
            cursor += len(value.text)
        offset += len(data)
    return {key: np.array(found)[:, None] + np.arange(key[1]) for key, found in starts.items()}


def _redraw_resident_ids(cells: Bytes, random: np.random.Generator) -> None:
    digits = cells[:, :17].astype(np.int64) - 48
    sequence = digits[:, 14] * 100 + digits[:, 15] * 10 + digits[:, 16]
    # An even step keeps the parity, which is the sex; 998 is even, so that the wrap keeps it too.
    sequence = (sequence - 1 + 2 * random.integers(0, 499, len(cells))) % 998 + 1
    _write_numbers(cells[:, 14:17], sequence)
    cells[:, 17] = _RESIDENT_CHECKS[(cells[:, :17].astype(np.int64) - 48) @ _RESIDENT_WEIGHTS % 11]


def _redraw_bank_cards(cells: Bytes, random: np.random.Generator) -> None:
    _redraw_digits(cells[:, 6:-1], random)
    digits = cells[:, -2::-1].astype(np.int64) - 48
    digits[:, ::2] *= 2
    total = (digits - 9 * (digits > 9)).sum(axis=1)
    cells[:, -1] = 48 + -total % 10


def _redraw_mobiles(cells: Bytes, random: np.random.Generator) -> None:
    _redraw_digits(cells[:, 3:], random)


def _redraw_digits(cells: Bytes, random: np.random.Generator) -> None:
    cells[:] = random.integers(48, 58, cells.shape, np.uint8)


def _redraw_hex(cells: Bytes, random: np.random.Generator) -> None:
    cells[:] = _HEX[random.integers(0, 16, cells.shape, np.uint8)]


def _write_numbers(cells: Bytes, values: Places) -> None:
    width = cells.shape[1]
    cells[:] = 48 + values[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10


_REDRAWS: dict[str, Redraw] = {
    "resident_id": _redraw_resident_ids, "bank_card": _redraw_bank_cards, "mobile": _redraw_mobiles,
    "digits": _redraw_digits, "hex": _redraw_hex,
}

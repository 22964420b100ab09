"""Columns of seeded random text, from which the rows of a large file are joined: no Python object for a row.

Every value is drawn anew for every row. Copying one block over and over would flatter a scanner that remembers values
it has seen, or whose work on one block stays in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from guard.demo.numbers import BASE62

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Text = Any
"""A pyarrow array of strings; a plain `str` stands for the same text in every row."""

_ZERO = 48


class Draw:
    """Draws columns of `rows` values. The same seed and the same calls give the same columns."""

    def __init__(self, random: np.random.Generator, rows: int) -> None:
        self.random, self.rows = random, rows

    def of(self, rows: int) -> Draw:
        """The same stream for another number of rows."""
        return Draw(self.random, rows)

    def integers(self, low: int, high: int) -> Ints:
        """Whole numbers from `low` to `high`, both included."""
        return self.random.integers(low, high + 1, self.rows)

    def chance(self, share: float) -> Mask:
        """True in about `share` of the rows."""
        return self.random.random(self.rows) < share

    def number(self, low: int, high: int, width: int = 0) -> Text:
        """Whole numbers from `low` to `high` as text, with leading zeros up to `width`."""
        return numerals(self.integers(low, high), width)

    def letters(self, alphabet: str, length: int) -> Text:
        """Random ASCII characters of an alphabet."""
        drawn = self.random.integers(0, len(alphabet), (self.rows, length), np.uint8)
        return fixed_width(np.frombuffer(alphabet.encode(), np.uint8)[drawn])

    def digits(self, length: int) -> Text:
        """Decimal digits."""
        return fixed_width(self.random.integers(_ZERO, _ZERO + 10, (self.rows, length), np.uint8))

    def hexadecimal(self, length: int) -> Text:
        """Lower-case hexadecimal digits."""
        return self.letters("0123456789abcdef", length)

    def token(self, length: int) -> Text:
        """ASCII letters and digits."""
        return self.letters(BASE62, length)

    def uuid(self) -> Text:
        """A random UUID (RFC 9562, version 4)."""
        part = self.hexadecimal
        return join(part(8), "-", part(4), "-4", part(3), "-", self.letters("89ab", 1), part(3), "-", part(12))

    def pick(self, words: Sequence[str]) -> Text:
        """One of the words, all equally often."""
        return pool(tuple(words)).take(pa.array(self.random.integers(0, len(words), self.rows)))

    def common(self, words: Sequence[str]) -> Text:
        """One of the words, the first ones more often (Zipf's law), as words and names are used."""
        places = np.searchsorted(_zipf(len(words)), self.random.random(self.rows))
        return pool(tuple(words)).take(pa.array(places))

    def maybe(self, share: float, text: Text) -> Text:
        """The text in about `share` of the rows, nothing in the others."""
        return choose(self.chance(share), text, "")


@lru_cache(maxsize=256)
def pool(words: tuple[str, ...]) -> Text:
    """The words as an Arrow array."""
    return pa.array(words, pa.string())


@lru_cache(maxsize=64)
def _zipf(count: int) -> npt.NDArray[np.float64]:
    weights = 1 / np.arange(2, count + 2)
    # The last sum can fall short of 1 by rounding, and a draw above it would be out of range.
    sums = np.cumsum(weights / weights.sum())
    sums[-1] = 1
    return np.asarray(sums)


def join(*parts: Text) -> Text:
    """Row by row, the parts one after the other."""
    return pc.binary_join_element_wise(*parts, "")


def choose(mask: Mask, yes: Text, no: Text) -> Text:
    """Row by row, `yes` where the mask is set."""
    return pc.if_else(pa.array(mask), yes, no)


def numerals(values: Ints, width: int = 0) -> Text:
    """Whole numbers as text, with leading zeros up to `width`."""
    text = pa.array(values).cast(pa.string())
    return pc.ascii_lpad(text, width, "0") if width else text


def decimals(values: Ints, width: int) -> Bytes:
    """The last `width` decimal digits of whole numbers as ASCII codes, one row a number."""
    return (_ZERO + values[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10).astype(np.uint8)


def fixed_width(cells: Bytes) -> Text:
    """Rows of ASCII codes as text."""
    rows, width = cells.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    buffers = [pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(cells))]
    return pa.StringArray.from_buffers(rows, *buffers)


def spread(parts: Sequence[Text], random: np.random.Generator) -> Text:
    """All rows of the parts in random order."""
    every = pa.concat_arrays(parts)
    return every.take(pa.array(random.permutation(len(every))))


def contents(rows: Text) -> memoryview:
    """The bytes of all rows, one after the other."""
    offsets = np.frombuffer(rows.buffers()[1], np.int32)[rows.offset : rows.offset + len(rows) + 1]
    return memoryview(rows.buffers()[2])[int(offsets[0]) : int(offsets[-1])]

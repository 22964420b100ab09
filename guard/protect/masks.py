"""mask: `guard.masking` over columns. The scalar function decides; kernels do the plain bulk with equal results."""

from __future__ import annotations

import string
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from guard.masking import COMPOUND_SURNAMES, ENDS, LEAST_HIDDEN, mask, mask_ends
from guard.protect.base import Transform
from guard.protect.columns import Bytes, Mask, Rows, Slices, all_in, assemble, byte_set, from_matrix, is_han

_ALNUM = byte_set(string.digits + string.ascii_letters)
_DIGITS = byte_set(string.digits)
_STAR = ord("*")
_HAN_NAMES = (6, 9, 12)
"""Widths in bytes of names of two to four ideographs."""
_COMPOUND = np.array(sorted(int.from_bytes(surname.encode(), "big") for surname in COMPOUND_SURNAMES), np.int64)

Part = tuple[Rows, Any]


class _Masked(Transform):
    """A mask with kernels for the values of one width."""

    @abstractmethod
    def _kernel(self, slices: Slices, width: int, rows: Rows) -> Iterator[Part]:
        """The masked values of some of these rows; the others are masked one by one."""

    def _apply_all(self, values: Any) -> Any:
        slices = Slices.of(values)
        parts = [part for width, rows in slices.by_width() for part in self._kernel(slices, width, rows)]
        left = slices.widths >= 0
        for rows, _ in parts:
            left[rows] = False
        rest = np.flatnonzero(left)
        if len(rest):
            parts.append((rest, self._apply_each(values.take(pa.array(rest)))))
        return assemble(parts, len(values))


class MaskedStyle(_Masked):
    """mask by a style of `guard.masking`."""

    def __init__(self, style: str) -> None:
        mask(style, "")
        self._style = style

    def apply_one(self, value: str) -> str | None:
        return mask(self._style, value)

    def _kernel(self, slices: Slices, width: int, rows: Rows) -> Iterator[Part]:
        if self._style in ENDS:
            yield from _mask_ends(slices, width, rows, *ENDS[self._style])
        elif self._style == "phone" and width == 11:
            yield from _mask_mobiles(slices, rows)
        elif self._style == "name" and width in _HAN_NAMES:
            yield from _mask_han_names(slices, width, rows)


class MaskedEnds(_Masked):
    """mask that keeps as many characters at the start and the end as the policy says; FULL where too few are hidden."""

    def __init__(self, head: int, tail: int) -> None:
        self._head, self._tail = head, tail

    def apply_one(self, value: str) -> str | None:
        return mask_ends(value, self._head, self._tail) if value.strip() else ""

    def _kernel(self, slices: Slices, width: int, rows: Rows) -> Iterator[Part]:
        yield from _mask_ends(slices, width, rows, self._head, self._tail, 1)


def _starred(plain: Bytes, head: int, tail: int) -> Any:
    masked = plain.copy()
    masked[:, head : plain.shape[1] - tail] = _STAR
    return from_matrix(masked)


def _where(matrix: Bytes, rows: Rows, good: Mask) -> tuple[Bytes, Rows]:
    return (matrix, rows) if good.all() else (matrix[good], rows[good])


def _mask_ends(slices: Slices, width: int, rows: Rows, head: int, tail: int, follows: int) -> Iterator[Part]:
    """Rows of letters and digits only: every byte is a significant character."""
    if width - head - tail - follows < LEAST_HIDDEN:
        return
    matrix = slices.matrix(rows, width)
    matrix, rows = _where(matrix, rows, all_in(matrix, _ALNUM))
    yield rows, _starred(matrix, head, tail)


def _mask_mobiles(slices: Slices, rows: Rows) -> Iterator[Part]:
    matrix = slices.matrix(rows, 11)
    matrix, rows = _where(matrix, rows, all_in(matrix, _DIGITS) & (matrix[:, 0] == ord("1")))
    yield rows, _starred(matrix, 3, 4)


def _mask_han_names(slices: Slices, width: int, rows: Rows) -> Iterator[Part]:
    matrix = slices.matrix(rows, width)
    matrix, rows = _where(matrix, rows, is_han(matrix))
    compound = _has_compound_surname(matrix) if width > 6 else np.zeros(len(matrix), bool)
    for kept, chosen in ((3, ~compound), (6, compound)):
        shown, where = _where(matrix, rows, chosen)
        stars = np.full((len(shown), (width - kept) // 3), _STAR, np.uint8)
        yield where, from_matrix(np.concatenate([shown[:, :kept], stars], axis=1))


def _has_compound_surname(matrix: Bytes) -> Mask:
    first = np.zeros(len(matrix), np.int64)
    for column in range(6):
        first = first << 8 | matrix[:, column]
    return np.isin(first, _COMPOUND)

"""Ranks for ranks: FF1 over the numbers below any size, by walking along its cycles until a number is below.

The numbers below `size` are numeral strings of the shortest length whose radix FF1 allows, and of the smallest radix
that holds them all, so that nearly every number is below at the first step. What is kept of a value is the tweak: every
kept number has a permutation of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.crypto.blocks import BlockCipher
from guard.crypto.ff1 import FF1
from guard.crypto.ff1_plain import RADIXES
from guard.protect.columns import Mask
from guard.protect.forms import LARGEST, Numbers, Ranked

Admit = Callable[[Numbers, Numbers], Mask]
"""Which values, by their kept numbers and ranks, belong to the form."""
_STEPS = 16
"""Sizes between one power of two and the next that a size is rounded up to, so that few ciphers do for many sizes."""


class RankCipher:
    """Exchanges the ranks of values that share what is kept, under one key."""

    def __init__(self, cipher: BlockCipher) -> None:
        self._cipher = cipher
        self._ciphers: dict[int, FF1] = {}

    def exchange(self, values: Ranked, ranks: Numbers, admit: Admit | None, *, backward: bool) -> Numbers:
        """The ranks after one step: below each row's size, and admitted. `backward` undoes a step."""
        results = ranks.copy()
        for capacity, rows in _by_capacity(values.sizes):
            self._walk(capacity, values, rows, results, admit, backward)
        return results

    def _walk(self, capacity: int, values: Ranked, rows: npt.NDArray[np.intp], results: Numbers, admit: Admit | None,
              backward: bool) -> None:
        """Steps for these rows until each is where it belongs; the cycle it is on comes back to it at the latest."""
        tweaks = values.kept.astype(">u8").view(np.uint8).reshape(-1, 8)
        while len(rows):
            results[rows] = self._step(capacity, results[rows], tweaks[rows], backward)
            outside = results[rows] >= values.sizes[rows]
            if admit is not None:
                inside = np.flatnonzero(~outside)
                outside[inside] = ~admit(values.kept[rows[inside]], results[rows[inside]])
            rows = rows[outside]

    def _step(self, capacity: int, numbers: Numbers, tweaks: npt.NDArray[np.uint8], backward: bool) -> Numbers:
        radix, length = shape(capacity)
        if capacity not in self._ciphers:
            self._ciphers[capacity] = FF1(self._cipher, radix, length)
        ff1 = self._ciphers[capacity]
        if capacity <= 2 * LARGEST and numbers.dtype != object:
            return (ff1.decrypt_numbers if backward else ff1.encrypt_numbers)(numbers, tweaks)
        numerals = _numerals(numbers, radix, length)
        return _number((ff1.decrypt if backward else ff1.encrypt)(numerals, tweaks), radix)


@cache
def shape(capacity: int) -> tuple[int, int]:
    """The radix and length of numeral strings that hold at least so many numbers: shortest first, then fewest."""
    length = 2
    while RADIXES[1] ** length < capacity:
        length += 1
    radix = max(RADIXES[0], round(capacity ** (1 / length)) - 2)
    while radix**length < capacity:
        radix += 1
    return radix, length


def _by_capacity(sizes: Numbers) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """The rows of each capacity."""
    if not len(sizes) or sizes.min() == sizes.max():
        yield from [(_capacity(int(sizes[0])), np.arange(len(sizes)))] if len(sizes) else []
        return
    different, which = np.unique(sizes, return_inverse=True)
    capacities = [_capacity(int(size)) for size in different]
    numbers = {capacity: number for number, capacity in enumerate(dict.fromkeys(capacities))}
    of_row = np.array([numbers[capacity] for capacity in capacities])[which.ravel()]
    for capacity, number in numbers.items():
        yield capacity, np.flatnonzero(of_row == number)


def _capacity(size: int) -> int:
    """The size, rounded up to one of `_STEPS` between powers of two: it must follow from the size alone."""
    unit = max(1, (1 << size.bit_length()) // (2 * _STEPS))
    return -(-size // unit) * unit


def _numerals(numbers: Numbers, radix: int, length: int) -> npt.NDArray[np.uint16]:
    numerals = np.empty((len(numbers), length), np.uint16)
    for place in reversed(range(length)):
        rest: Any = numbers // radix
        numerals[:, place] = (numbers - rest * radix).astype(np.uint16)
        numbers = rest
    return numerals


def _number(numerals: Any, radix: int) -> Numbers:
    numbers: Any = np.zeros(len(numerals), object)
    for place in range(numerals.shape[1]):
        numbers = numbers * radix + numerals[:, place].astype(object)
    return np.asarray(numbers, object)

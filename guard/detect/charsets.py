"""Sets of characters as patterns in ASCII mode have them; no set holds a line end, since a line has none."""

from __future__ import annotations

import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LAST = 0x10FFFF
_LINE_ENDS = (10, 13)
_DIGITS = ((48, 57),)
_SPACES = ((9, 13), (32, 32))
_WORDS = ((48, 57), (65, 90), (95, 95), (97, 122))
_CATEGORIES = {
    sre.CATEGORY_DIGIT: (_DIGITS, False), sre.CATEGORY_NOT_DIGIT: (_DIGITS, True),
    sre.CATEGORY_SPACE: (_SPACES, False), sre.CATEGORY_NOT_SPACE: (_SPACES, True),
    sre.CATEGORY_WORD: (_WORDS, False), sre.CATEGORY_NOT_WORD: (_WORDS, True),
}
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Charset:
    """`ascii` are codes below 128, `beyond` sorted ranges above, both ends included."""

    ascii: frozenset[int]
    beyond: Ranges = ()

    def table(self) -> list[int]:
        """128 numbers: 1 for each ASCII code that belongs to the set."""
        return [int(code in self.ascii) for code in range(128)]


def charset(ranges: Sequence[tuple[int, int]], *, negate: bool = False, fold: bool = False) -> Charset:
    """The set of all code points in some ranges, or of all others; `fold` adds the other case of ASCII letters."""
    merged = _merged(ranges)
    codes = {code for low, high in merged if low < 128 for code in range(low, min(high, 127) + 1)}
    if fold:
        codes |= {ord(chr(code).swapcase()) for code in codes if chr(code).isalpha()}
    beyond = tuple((max(low, 128), high) for low, high in merged if high > 127)
    if negate:
        codes, beyond = set(range(128)) - codes, _complement(beyond)
    return Charset(frozenset(codes - set(_LINE_ENDS)), beyond)


def charset_of(operation: Any, value: Any, fold: bool) -> Charset | None:
    """The set of a one-character item of the syntax tree; None for every other item."""
    if operation is sre.LITERAL:
        return charset([(value, value)], fold=fold)
    if operation is sre.NOT_LITERAL:
        return charset([(value, value)], negate=True, fold=fold)
    if operation is sre.ANY:
        return ANY
    if operation is not sre.IN:
        return None
    ranges: list[tuple[int, int]] = []
    for member, argument in value:
        if member is sre.LITERAL:
            ranges.append((argument, argument))
        elif member is sre.RANGE:
            ranges.append(argument)
        elif member is sre.CATEGORY:
            category, negated = _CATEGORIES[argument]
            ranges += _all_others(category) if negated else category
    return charset(ranges, negate=value[0][0] is sre.NEGATE, fold=fold)


def told_apart(sets: Sequence[Charset], last: int) -> npt.NDArray[np.int64]:
    """A number for every code point up to `last`, which stands for all from there on: the same for two of them where
    both are in the same of the sets. Runs of code points, of which there are few, and not each is looked at."""
    ranges = [(bit, low, high + 1) for bit, chosen in enumerate(sets)
              for low, high in (*_merged([(code, code) for code in chosen.ascii]), *chosen.beyond)]
    starts = sorted({0, last, *(edge for _, low, behind in ranges for edge in (low, behind) if edge < last)})
    members = [0] * len(starts)
    for bit, low, behind in ranges:
        for run in range(bisect_left(starts, low), bisect_left(starts, behind)):
            members[run] |= 1 << bit
    numbers: dict[int, int] = {}
    found = [numbers.setdefault(mine, len(numbers)) for mine in members]
    return np.repeat(np.array(found, np.int64), np.diff([*starts, last + 1]))


def _merged(ranges: Sequence[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _complement(ranges: Ranges, least: int = 128) -> Ranges:
    edges, gaps = least, []
    for low, high in ranges:
        if low > edges:
            gaps.append((edges, low - 1))
        edges = high + 1
    if edges <= LAST:
        gaps.append((edges, LAST))
    return tuple(gaps)


def _all_others(ranges: Ranges) -> Ranges:
    return _complement(_merged(ranges), 0)


ANY = charset([(0, LAST)])

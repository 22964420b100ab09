"""Which characters a pattern cannot do without: where they do not occur, it need not be looked for.

A *need* is a set of characters of which every match, with what must stand beside it, holds at least one. Needs are an
estimate that may be too few or too wide, never the other way round.
"""

from __future__ import annotations

import hashlib
import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import string
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.charsets import Charset, charset_of
from guard.detect.context import compile_words

Mask = npt.NDArray[np.bool_]
Item = tuple[Any, Any]
Need = frozenset[int]
BEYOND = 65_536
"""Stands for all characters beyond ASCII, in a need that has too many of them to be told one by one."""
_MOST = 64
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_LINE_ENDS = frozenset(b"\r\n")
_ASCII_LETTERS = frozenset(string.ascii_letters.encode())
_ALSO_LETTERS = frozenset(map(ord, "\u017f\u212a\u0130\u0131"))
"""Long s, the sign for Kelvin, dotted and dotless i."""


@lru_cache(maxsize=4096)
def needs_of(source: str, *, spans_lines: bool = False) -> tuple[Need, ...]:
    """The needs of a pattern, none of which holds all of another."""
    tree = parser.parse(source, re.ASCII)
    found = dict.fromkeys(_needs(tree.data, bool(tree.state.flags & re.IGNORECASE), spans_lines))
    return tuple(need for need in found if not any(other < need for other in found))


def needs_of_words(words: Sequence[str]) -> tuple[Need, ...]:
    """What there is wherever one of some context words stands (`context.compile_words`)."""
    patterns = [compile_words((word,)) for word in words]
    ways = [list(needs_of(pattern.pattern)) for pattern in patterns if pattern is not None]
    # Words are no patterns in ASCII mode: without regard to case these characters are letters too.
    return tuple(need | _ALSO_LETTERS if any(code in _ASCII_LETTERS for code in need) else need
                 for need in _either(ways))


@lru_cache(maxsize=1)
def code_digest() -> str:
    """A digest of the code that tells needs; empty where its source cannot be read, and then nothing is kept."""
    folder, total = Path(__file__).parent, hashlib.sha256()
    try:
        for name in ("charsets", "context", "needs"):
            total.update((folder / f"{name}.py").read_bytes())
    except OSError:
        return ""
    return total.hexdigest()


def least_width(source: str) -> int:
    """How many characters every match has."""
    return int(parser.parse(source, re.ASCII).getwidth()[0])


def _needs(items: Iterable[Item], fold: bool, spans_lines: bool) -> list[Need]:
    return [need for operation, value in items for need in _needs_of_one(operation, value, fold, spans_lines)]


def _needs_of_one(operation: Any, value: Any, fold: bool, spans_lines: bool) -> list[Need]:
    if (chosen := charset_of(operation, value, fold)) is not None:
        return [_need(chosen, spans_lines)]
    if operation is sre.BRANCH:
        return _either([_needs(way, fold, spans_lines) for way in value[1]])
    if operation in _REPEATS:
        return _needs(value[2], fold, spans_lines) if value[0] else []
    if operation is sre.SUBPATTERN:
        inner = (fold or bool(value[1] & re.IGNORECASE)) and not value[2] & re.IGNORECASE
        return _needs(value[3], inner, spans_lines)
    if operation is sre.ASSERT:
        return _needs(value[1], fold, spans_lines)
    return _needs(value, fold, spans_lines) if operation is sre.ATOMIC_GROUP else []


def _need(chosen: Charset, spans_lines: bool) -> Need:
    codes = chosen.ascii
    if spans_lines and (not codes or codes & {9, 32}):  # sets of characters have no line ends, but blanks mean these
        codes |= _LINE_ENDS
    count = sum(high - low + 1 for low, high in chosen.beyond)
    if not count:
        return codes
    if count > _MOST or chosen.beyond[-1][1] >= BEYOND:
        return codes | {BEYOND}
    return codes.union(*(range(low, high + 1) for low, high in chosen.beyond))


def _either(ways: Sequence[Sequence[Need]]) -> list[Need]:
    """What all of several ways need: the narrowest need of each, together."""
    if not all(ways):
        return []
    return [frozenset[int]().union(*(min(needs, key=_width) for needs in ways))]


def _width(need: Need) -> int:
    return len(need) + (1 << 16) * (BEYOND in need)


class Needs(NamedTuple):
    """The needs of `size` patterns: need n is `codes[starts[n]:starts[n + 1]]`, of pattern `owners[n]`."""

    size: int
    codes: Ints
    starts: Ints
    owners: Ints

    def met(self, seen: Mask) -> Mask:
        """Which patterns have all that they need, where `seen[code point]` (BEYOND: any beyond ASCII) occur."""
        met = np.ones(self.size, bool)
        if len(self.codes):
            met[self.owners[~np.logical_or.reduceat(seen[self.codes], self.starts)]] = False
        return met


def needs(patterns: Sequence[Sequence[Need]]) -> Needs:
    """The needs of each pattern, as columns."""
    each = [(owner, sorted(need)) for owner, mine in enumerate(patterns) for need in mine]
    return Needs(len(patterns), np.array([code for _, codes in each for code in codes], np.int64),
                 np.cumsum([0, *(len(codes) for _, codes in each)])[:-1],
                 np.array([owner for owner, _ in each], np.int64))

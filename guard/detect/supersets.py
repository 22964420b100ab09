"""From a detector's pattern to a cheaper byte pattern that matches wherever the detector could.

The engine only needs to know which lines to look at, so what Hyperscan cannot do is left out (look-arounds,
boundaries, back-references), and what makes it report one match many times is cut short: `key\\s*=\\s*\\S{6,}` ends
at every byte from the sixth on, `key\\s*=\\s*\\S{6}` only once. Leaving out can only add candidates. No class holds a
line end, since a line has none. Han characters are spelled as UTF-8 bytes, because byte mode is the only mode that is
defined for any input.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Item = tuple[Any, Any]
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
_ASCII = frozenset(range(128)) - frozenset(b"\r\n")
_DIGITS = frozenset(b"0123456789")
_SPACES = frozenset(b" \t\f\v")
_WORDS = frozenset(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CATEGORIES = {
    sre.CATEGORY_DIGIT: _DIGITS, sre.CATEGORY_SPACE: _SPACES, sre.CATEGORY_WORD: _WORDS,
    sre.CATEGORY_NOT_DIGIT: _ASCII - _DIGITS, sre.CATEGORY_NOT_SPACE: _ASCII - _SPACES,
    sre.CATEGORY_NOT_WORD: _ASCII - _WORDS,
}
_NEGATED = (sre.CATEGORY_NOT_DIGIT, sre.CATEGORY_NOT_SPACE, sre.CATEGORY_NOT_WORD)
LONGEST_REPEAT = 1000
"""Hyperscan refuses bounded repeats far above this; a longer one is unbounded in the superset."""
SPELLED_OUT = 64
"""A class of at most so many characters beyond ASCII is spelled byte by byte, a larger one as a range of lead bytes."""


class NoSupersetError(Exception):
    """The pattern uses something that has no superset worth having."""


@dataclass(frozen=True, slots=True)
class Characters:
    """What one position can be: ASCII codes, and ranges of code points beyond ASCII (both ends included)."""

    ascii: frozenset[int]
    beyond: tuple[tuple[int, int], ...] = ()

    @property
    def spelled_out(self) -> bool:
        return sum(high - low + 1 for low, high in self.beyond) <= SPELLED_OUT


def superset(pattern: str) -> bytes:
    """A Hyperscan expression (byte mode, no flags) that ends inside every match. Raises NoSupersetError."""
    tree = parser.parse(pattern, re.ASCII)
    items = _trim(_trim(list(tree.data), last=True), last=False)
    if not items:
        raise NoSupersetError("the pattern matches the empty string")
    return _spell(items, bool(tree.state.flags & re.IGNORECASE))


def longest_literal(pattern: str) -> bytes:
    """The longest run of plain characters that every match holds, as a Hyperscan expression (letter case free).

    Raises NoSupersetError when there is none. For patterns that span lines: their superset would report every byte.
    """
    best: list[int] = []
    current: list[int] = []
    for operation, value in parser.parse(pattern, re.ASCII).data:
        current = [*current, value] if operation is sre.LITERAL else []
        best = max(best, current, key=len)
    if not best:
        raise NoSupersetError("no literal")
    return _spell([(sre.LITERAL, code) for code in best], True)


def _trim(items: list[Item], *, last: bool) -> list[Item]:
    """The items without what is optional at one end."""
    kept = list(items)
    while kept:
        operation, value = kept[-1 if last else 0]
        if operation in _ZERO_WIDTH or (operation in _REPEATS and value[0] == 0):
            kept.pop(-1 if last else 0)
            continue
        if operation in _REPEATS and value[0] < value[1]:
            kept[-1 if last else 0] = (operation, (value[0], value[0], value[2]))
        elif operation is sre.SUBPATTERN:
            inner = _trim(list(value[3]), last=last)
            kept[-1 if last else 0] = (operation, (*value[:3], inner))
        break
    return kept


def _spell(items: Iterable[Item], fold: bool) -> bytes:
    return b"".join(_spell_item(operation, value, fold) for operation, value in items)


def _spell_item(operation: Any, value: Any, fold: bool) -> bytes:
    if operation in _ZERO_WIDTH:
        return b""
    if (characters := characters_of(operation, value, fold)) is not None:
        return _spell_characters(characters)
    if operation is sre.SUBPATTERN:
        return b"(?:" + _spell(value[3], _fold(value, fold)) + b")"
    if operation is sre.BRANCH:
        return b"(?:" + b"|".join(_spell(branch, fold) for branch in value[1]) + b")"
    if operation is sre.ATOMIC_GROUP:
        return b"(?:" + _spell(value, fold) + b")"
    if operation in _REPEATS:
        return _spell_repeat(value, fold)
    raise NoSupersetError(str(operation))


def _fold(subpattern: Any, fold: bool) -> bool:
    added, removed = subpattern[1], subpattern[2]
    return (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE


def _spell_repeat(value: Any, fold: bool) -> bytes:
    low, high, inner = value
    unbounded = high is sre.MAXREPEAT or high > LONGEST_REPEAT
    items = list(inner)
    characters = characters_of(items[0][0], items[0][1], fold) if len(items) == 1 else None
    if characters is not None and characters.beyond and not characters.spelled_out:
        # Any byte beyond ASCII counts as a quarter of a character: far smaller automata, and still a superset.
        atom, high = _bytes_class(characters.ascii, b"\\x80-\\xff"), high if unbounded else 4 * high
        low = low if characters.ascii else 2 * low
    else:
        atom = b"(?:" + _spell(items, fold) + b")"
    low = min(low, LONGEST_REPEAT)
    return atom + b"{%d,%s}" % (low, b"" if unbounded or high > LONGEST_REPEAT else b"%d" % high)


def characters_of(operation: Any, value: Any, fold: bool) -> Characters | None:
    """What a one-character item of the syntax tree can be; None for every other item."""
    if operation is sre.LITERAL:
        return _characters([(value, value)], False, fold)
    if operation is sre.NOT_LITERAL:
        return _characters([(value, value)], True, fold)
    if operation is sre.ANY:
        return Characters(_ASCII, ((0x80, 0x10FFFF),))
    if operation is not sre.IN:
        return None
    ranges: list[tuple[int, int]] = []
    for member, argument in value:
        if member is sre.LITERAL:
            ranges.append((argument, argument))
        elif member is sre.RANGE:
            ranges.append(argument)
        elif member is sre.CATEGORY:
            ranges += [(code, code) for code in _CATEGORIES[argument]]
            ranges += [(0x80, 0x10FFFF)] if argument in _NEGATED else []
    return _characters(ranges, value[0][0] is sre.NEGATE, fold)


def _characters(ranges: Sequence[tuple[int, int]], negate: bool, fold: bool) -> Characters:
    codes = {code for low, high in ranges for code in range(low, min(high, 127) + 1)} & _ASCII
    if fold:
        codes |= {ord(chr(code).swapcase()) for code in codes}
    if negate:
        return Characters(_ASCII - codes, ((0x80, 0x10FFFF),))
    return Characters(frozenset(codes), tuple((max(low, 128), high) for low, high in ranges if high > 127))


def _spell_characters(characters: Characters) -> bytes:
    parts = [_bytes_class(characters.ascii)] if characters.ascii else []
    if characters.beyond and characters.spelled_out:
        parts += [_hex(chr(code).encode()) for low, high in characters.beyond for code in range(low, high + 1)]
    elif characters.beyond:
        low, high = characters.beyond[0][0], max(high for _, high in characters.beyond)
        low = min(low for low, _ in characters.beyond)
        parts.append(_lead_range(low, high))
    if not parts:
        raise NoSupersetError("an empty class")
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"


def _lead_range(low: int, high: int) -> bytes:
    """All UTF-8 sequences whose lead byte lies between those of two code points; stray bytes too, if that is all."""
    if high == 0x10FFFF:
        return b"[\\x80-\\xff]{1,4}"
    first, last = chr(low).encode(), chr(high).encode()
    return b"[\\x%02x-\\x%02x][\\x80-\\xbf]{%d,%d}" % (first[0], last[0], len(first) - 1, len(last) - 1)


def _bytes_class(codes: Iterable[int], more: bytes = b"") -> bytes:
    return b"[" + b"".join(b"\\x%02x" % code for code in sorted(codes)) + more + b"]"


def _hex(raw: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in raw)

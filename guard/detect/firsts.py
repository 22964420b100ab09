"""What a piece of a pattern can begin with: an estimate that may be too wide, never too narrow."""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guard.detect.charsets import Charset, charset_of

Item = tuple[Any, Any]
END = 256
"""The key of the end of a line."""
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_WIDE = 512


@dataclass(frozen=True, slots=True)
class First:
    """`keys` are the last bytes of the code points that can come first (END: the end of the line may), `leads` the
    first bytes of their UTF-8 form.

    `empty`: the piece may end without a character, or look behind; then anything can come, the end of the line too.
    """

    keys: frozenset[int]
    leads: frozenset[int]
    empty: bool = False

    def __or__(self, other: First) -> First:
        return First(self.keys | other.keys, self.leads | other.leads, other.empty)

    def admits(self, key: int) -> bool:
        """Whether it can begin before a character with this key (END: before the end of the line)."""
        return self.empty or key in self.keys

    def table(self) -> list[int]:
        """256 numbers: 1 for each byte that can come first."""
        return [int(self.empty or byte in self.leads) for byte in range(256)]

    def excludes(self, chosen: Charset) -> bool:
        """Whether no character of a set can come first."""
        other = _of_set(chosen)
        return not self.empty and (not self.keys & other.keys or not self.leads & other.leads)


EVERYTHING = First(frozenset(range(256)), frozenset(range(256)), True)
_NOTHING = First(frozenset(), frozenset(), True)


def first_of(items: Sequence[Item], fold: bool) -> First:
    """What a sequence of items can begin with."""
    total = _NOTHING
    for operation, value in items:
        total = total | _first(operation, value, fold)
        if not total.empty:
            break
    return total


def _first(operation: Any, value: Any, fold: bool) -> First:
    if (chosen := charset_of(operation, value, fold)) is not None:
        return _of_set(chosen)
    if operation is sre.SUBPATTERN:
        _, added, removed, items = value
        return first_of(list(items), (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE)
    if operation is sre.ATOMIC_GROUP:
        return first_of(list(value), fold)
    if operation is sre.BRANCH:
        ways = [first_of(list(way), fold) for way in value[1]]
        return First(frozenset().union(*(way.keys for way in ways)), frozenset().union(*(way.leads for way in ways)),
                     any(way.empty for way in ways))
    if operation in _REPEATS:
        low, _, items = value
        inner = first_of(list(items), fold)
        return First(inner.keys, inner.leads, inner.empty or low == 0)
    if operation is sre.AT and value in (sre.AT_END, sre.AT_END_STRING):
        return First(frozenset([END]), frozenset())
    if operation is sre.ASSERT and value[0] > 0:
        return first_of(list(value[1]), fold)
    # What else takes no character says nothing about the next one, or not enough.
    return _NOTHING if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT) else EVERYTHING


def _of_set(chosen: Charset) -> First:
    keys, leads = set(chosen.ascii), set(chosen.ascii)
    for low, high in chosen.beyond:
        codes = range(low, high + 1)
        keys |= {code & 255 for code in codes} if len(codes) <= _WIDE else set(range(256))
        leads |= set(range(_lead(low), _lead(high) + 1))
    return First(frozenset(keys), frozenset(leads))


def _lead(code: int) -> int:
    return chr(code).encode("utf-8", "surrogatepass")[0]

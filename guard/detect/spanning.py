"""Rules that span lines, looked for only around the lines where something of them was seen."""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from guard.detect.overlap import Placed
from guard.detect.plain import judge_block
from guard.detect.rule import Rule

WIDEST = 4096
"""Bytes of a match, and of what it looks at beside itself, up to which only its surroundings are searched."""


def scan_around(rules: Sequence[Rule], data: bytes, seen: Mapping[int, Sequence[int]]) -> Iterator[Placed]:
    """What `plain.scan_blocks` finds of the rules whose indices are in `seen`, each with offsets in all lines that hold
    what its matches cannot do without."""
    text = data.decode("latin-1") if seen else ""
    for index in sorted(seen):
        pattern = rules[index].pattern
        width = _width(pattern) if isinstance(pattern, re.Pattern) else WIDEST + 1
        if isinstance(pattern, re.Pattern) and width <= WIDEST:
            matches = (found for low, high in _stretches(data, seen[index], width)
                       for found in pattern.finditer(text, low, high))
            yield from judge_block(rules[index], text, matches)
        elif pattern is not None:
            yield from judge_block(rules[index], text, pattern.finditer(text))


def _stretches(data: bytes, offsets: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
    """The lines of the offsets with `width` bytes on each side, apart from each other.

    No match that holds something in one of the lines reaches out of these, so none is cut, and none is begun before it.
    """
    low = high = -1
    for offset in sorted(offsets):
        if offset + width < high:
            continue
        first = max(0, data.rfind(b"\n", 0, offset) + 1 - width)
        behind = data.find(b"\n", offset)
        last = min(len(data), behind + width) if behind >= 0 else len(data)
        if first > high:
            if high >= 0:
                yield low, high
            low = first
        high = last
    if high >= 0:
        yield low, high


@lru_cache(maxsize=256)
def _width(pattern: re.Pattern[str]) -> int:
    """The most characters of a match, with those that it looks at before or behind itself."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    return int(tree.getwidth()[1]) + _width_beside(tree) + 1


def _width_beside(items: Iterable[tuple[Any, Any]]) -> int:
    """The characters of all look-arounds in a syntax tree together: none reaches further out of a match."""
    total = 0
    for operation, value in items:
        if operation in (sre.ASSERT, sre.ASSERT_NOT):
            total += int(value[1].getwidth()[1]) + _width_beside(value[1])
        elif operation is sre.SUBPATTERN:
            total += _width_beside(value[3])
        elif operation is sre.ATOMIC_GROUP:
            total += _width_beside(value)
        elif operation is sre.BRANCH:
            total += sum(map(_width_beside, value[1]))
        elif operation is sre.GROUPREF_EXISTS:
            total += sum(_width_beside(way) for way in value[1:] if way is not None)
        elif operation in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            total += _width_beside(value[2])
    return total

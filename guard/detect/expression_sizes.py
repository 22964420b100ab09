"""How large the automaton of an expression is, and the form of it that Hyperscan is asked to compile.

Hyperscan itself has no such bound: repeats inside of repeats took it minutes and gigabytes, and where the beginning of
a match had more states than its largest automaton (512), what it made overwrote the stack when it scanned. What is
measured to be large is asked for in a wider form: without the upper ends of its repeats, without their numbers, with
anything between their first round and what follows; where none is small enough, every line is looked at. The limits
were found by compiling thousands of generated patterns, each in a process of its own; no shipped pattern reaches them.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, reduce
from itertools import cycle
from math import inf
from operator import le
from typing import Any, NamedTuple

from guard.detect.supersets import pieces, relaxed, repeated_at_will, with_gaps

Item = tuple[Any, Any]
MOST_STATES = 512
"""Positions of an expression that may be long in any way; more only where the shortest match has few characters, as
with lists of words."""
MOST_WIDTH = 32
"""The bytes of a shortest match that are few."""
_POSITION = re.compile(r"\[[^\]]*\]|\\x..")
_LETTERS = range(0x100, 0xD800)
"""One for each position in its place: which bytes it may be does not matter here, but that it is no other's."""


class Limit(NamedTuple):
    """How large expressions may be, as `Size` says it."""

    copies: int
    tangles: int
    pairs: int


LIMITS = (Limit(512, 600, 32_000), Limit(64, 150, 5_000), Limit(8, 30, 2_000))
"""For one expression: the first with which all that are compiled together stay within MOST."""
MOST = Limit(8_000, 8_000, 300_000)
LONGEST = 16_000
"""Hyperscan takes no expression of more bytes."""


class Size(NamedTuple):
    """An expression as an automaton after Glushkov: `positions` are its characters with repeats written out, `written`
    those with each repeat once, `pairs` how many of them may follow one another, `firsts` and `lasts` those that a
    match may begin and end with; `may_be_empty`: a match needs none.

    `tangles` are the pairs inside of repeats, beyond those of a plain text: there a match may be in many places at
    once. A repeat of a single position that is in no other repeat is one position, for Hyperscan counts its rounds.
    """

    positions: int
    written: int
    pairs: int
    firsts: int
    lasts: int
    may_be_empty: bool
    tangles: int = 0

    @property
    def limited(self) -> tuple[int, int, int]:
        """What a `Limit` says of it: copies are positions that stand there more than once."""
        return self.positions - self.written, self.tangles, self.pairs


_NOTHING = Size(0, 0, 0, 0, 0, True)
_BEYOND = (inf, inf, inf)


def chosen(expressions: Sequence[bytes]) -> tuple[list[list[bytes]], Limit]:
    """For each expression the first form that is small enough, [] where there is none; and the limit for each form."""
    forms = list[list[bytes]]()
    for limit in LIMITS:
        forms = [next(fitting(expression, limit), []) for expression in expressions]
        if _is_compilable(forms):
            break
    _measured.cache_clear()
    return forms, limit


def fitting(expression: bytes, limit: Limit) -> Iterator[list[bytes]]:
    """The forms of an expression that are small enough, the narrowest first: each is one expression, or several that
    find together what it does."""
    for form in _forms(expression):
        if all(map(le, map(max, zip(*map(_measured, form), strict=True)), limit)):
            yield form


def _forms(expression: bytes) -> Iterator[list[bytes]]:
    yield [expression]
    for wider in (relaxed(expression), repeated_at_will(expression), with_gaps(expression)):
        yield [wider]
        yield pieces(wider)


@cache
def _measured(expression: bytes) -> tuple[float, float, float]:
    """What a `Limit` says of an expression, without end where it is too large in another way, or may be empty."""
    if len(expression) > LONGEST:
        return _BEYOND
    try:
        tree = _parsed(expression)
        found, width = _sequence(tree, False), tree.getwidth()[0]
    except RecursionError:
        return _BEYOND
    is_short = found.positions <= MOST_STATES or width <= MOST_WIDTH
    return found.limited if is_short and width > 0 else _BEYOND


def _is_compilable(forms: Iterable[list[bytes]]) -> bool:
    """Whether all together are within MOST."""
    sizes = [_measured(piece) for form in forms for piece in form]
    return all(map(le, map(sum, zip(*sizes, strict=True)), MOST))


def _parsed(expression: bytes) -> Any:
    letters = cycle(_LETTERS)
    return parser.parse(_POSITION.sub(lambda _: chr(next(letters)), expression.decode("latin-1")))


def _sequence(items: Iterable[Item], is_repeated: bool) -> Size:
    return reduce(_followed, (_item(operation, value, is_repeated) for operation, value in items), _NOTHING)


def _followed(first: Size, then: Size) -> Size:
    return Size(first.positions + then.positions, first.written + then.written,
                first.pairs + then.pairs + first.lasts * then.firsts,
                first.firsts + (then.firsts if first.may_be_empty else 0),
                then.lasts + (first.lasts if then.may_be_empty else 0), first.may_be_empty and then.may_be_empty,
                first.tangles + then.tangles)


def _beside(one: Size, other: Size) -> Size:
    return Size(one.positions + other.positions, one.written + other.written, one.pairs + other.pairs,
                one.firsts + other.firsts, one.lasts + other.lasts, one.may_be_empty or other.may_be_empty,
                one.tangles + other.tangles)


def _item(operation: Any, value: Any, is_repeated: bool) -> Size:
    if operation is sre.BRANCH:
        return reduce(_beside, (_sequence(way, is_repeated) for way in value[1]))
    if operation is sre.SUBPATTERN:
        return _sequence(value[-1], is_repeated)
    if operation is sre.MAX_REPEAT:
        return _repeat(value, is_repeated)
    return Size(1, 1, 0, 1, 1, operation is sre.AT)


def _repeat(value: tuple[int, Any, Sequence[Item]], is_repeated: bool) -> Size:
    low, high, items = value
    endless = high is sre.MAXREPEAT
    rounds = max(1, low if endless else int(high))
    one = _sequence(items, is_repeated or endless or rounds > 1)
    if not is_repeated and [operation for operation, _ in items] == [sre.LITERAL]:
        return one._replace(may_be_empty=low == 0)
    joints = rounds * (rounds - 1) // 2 if one.may_be_empty else rounds - 1
    whole = Size(one.positions * rounds, one.written,
                 one.pairs * rounds + one.lasts * one.firsts * (joints + endless),
                 one.firsts * (rounds if one.may_be_empty else 1),
                 one.lasts * (rounds if one.may_be_empty else rounds - max(low, 1) + 1), one.may_be_empty or low == 0)
    if endless or rounds > 1:
        return whole._replace(tangles=max(0, whole.pairs - whole.positions))
    return whole._replace(tangles=one.tangles)

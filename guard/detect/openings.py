"""How matches of a pattern begin: what may stand before them, their first two characters, the run they begin with.

All of it is an estimate that may be too wide and never too narrow: `guard.detect.triggers` uses it to say where a
match could begin at all.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from guard.detect.charsets import ANY, Charset, charset, charset_of

Item = tuple[Any, Any]
Pair = tuple[Charset, Charset | None]
"""The first character and the second; None: anything, the end of the line too."""
Prefix = tuple[Charset, ...]
MOST_PAIRS = 1500
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_LONGEST = 96
DIGITS = charset([(48, 57)])
ALNUM = charset([(48, 57), (65, 90), (97, 122)])
TOKEN = charset([(48, 57), (65, 90), (97, 122), (95, 95), (43, 43), (45, 47), (61, 61)])
LETTERS = charset([(65, 90), (97, 122)])
DASHED = charset([(48, 57), (45, 45)])
HEXES = charset([(48, 58), (65, 70), (97, 102)])
HAN = charset([(0x4E00, 0x9FA5)])
RUNS = (DIGITS, DASHED, HEXES, ALNUM, TOKEN, HAN)
"""The runs that are measured: digits, digits and dashes, hexadecimal digits and colons, letters and digits, tokens
(with _ + - . / =), and as the last Han characters (一-龥)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a match begins stands a whole run of RUNS[kind] of `least` to `most` characters, and behind it one of
    `following`, or, with `end`, the end of the line."""

    kind: int
    least: int
    most: int
    following: Charset
    end: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """`barred` may not stand before a match, nor, without `leads`, the beginning of the line. `pairs` are its first two
    characters, `further` those behind them, place by place (None: anything, the end of the line too). `runs[n]` is the
    least length of the run of RUNS[n] that every match begins with; `stretch` says more of one of them, where more is
    known."""

    barred: Charset
    leads: bool
    pairs: tuple[Pair, ...]
    further: tuple[Charset | None, ...]
    runs: tuple[int, ...]
    stretch: Stretch | None
    literal: int
    """How many plain characters in a row every match holds."""


class _TooManyError(Exception):
    """More beginnings than are worth telling apart."""


def opening_of(items: Sequence[Item], fold: bool) -> Opening | None:
    """The opening of a pattern with its boundaries; None when a match may be empty or begin in too many ways."""
    try:
        found = _openings(items, fold, [()])
    except _TooManyError:
        return None
    if any(not prefix for prefix in found):
        return None
    pairs = tuple(dict.fromkeys((prefix[0], prefix[1] if len(prefix) > 1 else None) for prefix in found))
    return Opening(_barred(items, fold), _leads(items), pairs, places(items, fold, PLACES)[2:],
                   tuple(_run(items, fold, run)[0] for run in RUNS), stretch_of(items, fold), _literal(items))


def ways_of(pattern: str) -> tuple[list[list[Item]], bool]:
    """The alternatives that a pattern begins with, each with all that comes before and behind; whether letters of
    both cases are alike."""
    tree = parser.parse(pattern, re.ASCII)
    return _ways(list(tree.data)), bool(tree.state.flags & re.IGNORECASE)


def _ways(items: list[Item]) -> list[list[Item]]:
    for index, (operation, value) in enumerate(items):
        if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            continue
        head, tail = items[:index], items[index + 1 :]
        if operation is sre.BRANCH:
            return [head + way + tail for inner in value[1] for way in _ways(list(inner))]
        if operation is sre.SUBPATTERN and not value[1] | value[2]:
            return [head + way + tail for way in _ways(list(value[3]))]
        break
    return [items]


def _openings(items: Iterable[Item], fold: bool, before: Sequence[Prefix]) -> list[Prefix]:
    """The prefixes of at most two characters after the items, given those before them."""
    done = [prefix for prefix in before if len(prefix) == 2]
    growing = [prefix for prefix in before if len(prefix) < 2]
    for operation, value in items:
        if not growing:
            break
        grown = _grow(operation, value, fold, growing)
        done += [prefix for prefix in grown if len(prefix) == 2]
        growing = list(dict.fromkeys(prefix for prefix in grown if len(prefix) < 2))
        if len(done) + len(growing) > MOST_PAIRS:
            raise _TooManyError
    return list(dict.fromkeys([*done, *growing]))


def _grow(operation: Any, value: Any, fold: bool, growing: Sequence[Prefix]) -> list[Prefix]:
    if (chosen := charset_of(operation, value, fold)) is not None:
        return [(*prefix, chosen) for prefix in growing]
    if operation is sre.SUBPATTERN:
        return _openings(list(value[3]), _folded(value, fold), growing)
    if operation is sre.ATOMIC_GROUP:
        return _openings(list(value), fold, growing)
    if operation is sre.BRANCH:
        return [prefix for way in value[1] for prefix in _openings(list(way), fold, growing)]
    if operation in _REPEATS:
        low, high, items = value
        found = list(growing) if low == 0 else []
        once: Sequence[Prefix] = growing
        for rounds in range(1, min(int(high), 2) + 1):
            once = _openings(list(items), fold, once)
            if rounds >= low:
                found += once
        return found if low <= 2 else list(once)
    if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return list(growing)
    raise _TooManyError


def _folded(subpattern: Any, fold: bool) -> bool:
    return (fold or bool(subpattern[1] & re.IGNORECASE)) and not subpattern[2] & re.IGNORECASE


def _barred(items: Iterable[Item], fold: bool) -> Charset:
    """What the look-behinds of one character at the very beginning rule out."""
    codes: frozenset[int] = frozenset()
    beyond: tuple[tuple[int, int], ...] = ()
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[0] is None:
            inner = _barred(value[3], _folded(value, fold))
            return charset([*_ranges(codes, beyond), *_ranges(inner.ascii, inner.beyond)])
        if operation in (sre.ASSERT_NOT, sre.ASSERT) and value[0] == -1:
            chosen = _barred_by(list(value[1]), fold, operation is sre.ASSERT)
            if chosen is not None:
                codes, beyond = codes | chosen.ascii, beyond + chosen.beyond
        elif operation not in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            break
    return charset(_ranges(codes, beyond))


def _leads(items: Iterable[Item]) -> bool:
    """Whether a match may begin where the line begins: not behind something that must stand before it."""
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[0] is None:
            return _leads(value[3])
        if operation is sre.ASSERT and value[0] == -1 and value[1].getwidth()[0] > 0:
            return False
        if operation not in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
            break
    return True


def _barred_by(items: Sequence[Item], fold: bool, wanted: bool) -> Charset | None:
    """What a look-behind rules out right before the match: what it names, or all but what it wants at its end."""
    if wanted and items and items[-1][0] in _REPEATS and items[-1][1][0] > 0:
        items = list(items[-1][1][2])
    if len(items) == 1 and items[0][0] is sre.SUBPATTERN:
        return _barred_by(list(items[0][1][3]), _folded(items[0][1], fold), wanted)
    if not items or (len(items) > 1 and not wanted):
        return None
    chosen = charset_of(items[-1][0], items[-1][1], fold)
    if chosen is None or not wanted:
        return chosen
    return charset(_ranges(chosen.ascii, chosen.beyond), negate=True)


def _ranges(codes: Iterable[int], beyond: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    return [(code, code) for code in codes] + list(beyond)


def _run(items: Iterable[Item], fold: bool, allowed: Charset) -> tuple[int, bool]:
    """(how many of the allowed characters every match begins with, whether what follows may go on with the run)."""
    count = 0
    for operation, value in items:
        more, goes_on = _run_item(operation, value, fold, allowed)
        count += more
        if not goes_on or count > _LONGEST:
            return min(count, _LONGEST), False
    return count, True


def _run_item(operation: Any, value: Any, fold: bool, allowed: Charset) -> tuple[int, bool]:
    if (chosen := charset_of(operation, value, fold)) is not None:
        inside = is_within(chosen, allowed)
        return int(inside), inside
    if operation is sre.SUBPATTERN:
        return _run(value[3], _folded(value, fold), allowed)
    if operation is sre.ATOMIC_GROUP:
        return _run(value, fold, allowed)
    if operation is sre.BRANCH:
        ways = [_run(way, fold, allowed) for way in value[1]]
        return min(count for count, _ in ways), all(goes_on for _, goes_on in ways)
    if operation in _REPEATS:
        count, goes_on = _run(value[2], fold, allowed)
        low, high = min(int(value[0]), _LONGEST), int(value[1])
        # A part that may be missing and is none of the run ends what is known; one that belongs to it does not.
        return (count * low if goes_on else count if low else 0), goes_on and (low > 0 or high >= 0)
    return 0, operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT)


def _literal(items: Iterable[Item]) -> int:
    """The longest row of plain characters, whatever their case."""
    best = row = 0
    for operation, value in items:
        row = row + 1 if operation is sre.LITERAL else 0
        inside = 0
        if operation is sre.SUBPATTERN or (operation in _REPEATS and value[0] > 0):
            inside = _literal(value[-1])
        elif operation is sre.BRANCH:
            inside = min(_literal(way) for way in value[1])
        best = max(best, row, inside)
    return best


PLACES = 10
"""Characters of the beginning of a match that are told apart."""


def places(items: Sequence[Item], fold: bool, count: int) -> tuple[Charset | None, ...]:
    """What can stand at each of the first places of a match; None for anything, the end of the line too."""
    reached: list[list[Charset] | None] = [[] for _ in range(count)]
    ends = _place(items, fold, frozenset([0]), reached, count)
    first = min(ends, default=count)
    return tuple(None if at >= first or reached[at] is None else _union(reached[at] or []) for at in range(count))


def _place(items: Sequence[Item], fold: bool, ats: frozenset[int], reached: list[list[Charset] | None],
           count: int) -> frozenset[int]:
    """Notes what the items can be when they begin at some places; the places behind them, as far as `count`."""
    for operation, value in items:
        ats = _place_item(operation, value, fold, ats, reached, count)
    return ats


def _place_item(operation: Any, value: Any, fold: bool, ats: frozenset[int], reached: list[list[Charset] | None],
                count: int) -> frozenset[int]:
    if (chosen := charset_of(operation, value, fold)) is not None:
        for at in ats:
            if (sets := reached[at]) is not None:
                sets.append(chosen)
        return frozenset(at + 1 for at in ats if at + 1 < count)
    if operation is sre.SUBPATTERN:
        return _place(list(value[3]), _folded(value, fold), ats, reached, count)
    if operation is sre.ATOMIC_GROUP:
        return _place(list(value), fold, ats, reached, count)
    if operation is sre.BRANCH:
        return frozenset().union(*(_place(list(way), fold, ats, reached, count) for way in value[1]))
    if operation in _REPEATS:
        return _place_repeat(value, fold, ats, reached, count)
    if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return ats
    for at in range(min(ats, default=count), count):
        reached[at] = None
    return ats


def _place_repeat(value: Any, fold: bool, ats: frozenset[int], reached: list[list[Charset] | None],
                  count: int) -> frozenset[int]:
    low, high = int(value[0]), min(int(value[1]), int(value[0]) + count)
    behind = ats if low == 0 else frozenset[int]()
    for rounds in range(1, high + 1):
        after = _place(list(value[2]), fold, ats, reached, count)
        if rounds >= low:
            if after <= behind:
                break
            behind |= after
        if not after:
            break
        ats = after
    return behind


def _union(sets: Sequence[Charset]) -> Charset:
    return charset([pair for chosen in dict.fromkeys(sets) for pair in _ranges(chosen.ascii, chosen.beyond)])


class _OpenError(Exception):
    """Anything may stand behind the run."""


@dataclass(slots=True)
class _Walk:
    """A walk along the run that a match begins with: what can stand behind it, and how long it can be there."""

    run: Charset
    following: list[Charset]
    least: int = _LONGEST
    most: int = 0
    end: bool = False

    def stop(self, chosen: Charset | None, least: int, most: int) -> None:
        """The run ends here, before a character of the set, or before the end of the line."""
        if chosen is None:
            self.end = True
        else:
            self.following.append(chosen)
        self.least, self.most = min(self.least, least), max(self.most, most)


def stretch_of(items: Sequence[Item], fold: bool) -> Stretch | None:
    """The run of which it is known what stands behind it: if there are more, the one with the least choice there."""
    found = []
    for kind, run in enumerate(RUNS):
        walk = _Walk(run, [])
        try:
            if _along(walk, list(items), fold, (0, 0), True) is not None or walk.most == 0:
                continue
        except _OpenError:
            continue
        following = charset([pair for chosen in walk.following for pair in _ranges(chosen.ascii, chosen.beyond)])
        found.append(Stretch(kind, walk.least, min(walk.most, _LONGEST), following, walk.end))
    return min(found, key=lambda stretch: len(stretch.following.ascii), default=None)


Lengths = tuple[int, int]
"""The least and the greatest length that the run can have reached."""


def _along(walk: _Walk, items: Sequence[Item], fold: bool, lengths: Lengths, last: bool) -> Lengths | None:
    """The lengths behind the items; None when every way has left the run. `last`: nothing comes behind them.

    Raises _OpenError where the run may end before anything at all.
    """
    for index, (operation, value) in enumerate(items):
        reached = _step(walk, operation, value, fold, lengths, last and index == len(items) - 1)
        if reached is None:
            return None
        lengths = reached
    if last:
        raise _OpenError
    return lengths


def _step(walk: _Walk, operation: Any, value: Any, fold: bool, lengths: Lengths, last: bool) -> Lengths | None:
    if (chosen := charset_of(operation, value, fold)) is not None:
        return _character(walk, chosen, lengths)
    if operation is sre.SUBPATTERN:
        return _along(walk, list(value[3]), _folded(value, fold), lengths, last)
    if operation is sre.ATOMIC_GROUP:
        return _along(walk, list(value), fold, lengths, last)
    if operation is sre.BRANCH:
        return _joined([_along(walk, list(way), fold, lengths, last) for way in value[1]])
    if operation in _REPEATS:
        return _repeated(walk, value, fold, lengths, last)
    if operation is sre.ASSERT and value[0] > 0 and last:
        # The last thing that is looked at: what must stand there stands behind the run.
        return _along(walk, list(value[1]), fold, lengths, last)
    if operation is sre.AT and value in (sre.AT_END, sre.AT_END_STRING) and last:
        walk.stop(None, *lengths)
        return None
    if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        return lengths
    raise _OpenError


def _character(walk: _Walk, chosen: Charset, lengths: Lengths) -> Lengths | None:
    if is_within(chosen, walk.run):
        return min(lengths[0] + 1, _LONGEST), min(lengths[1] + 1, _LONGEST)
    if not _are_apart(chosen, walk.run):
        raise _OpenError
    walk.stop(chosen, *lengths)
    return None


def _repeated(walk: _Walk, value: Any, fold: bool, lengths: Lengths, last: bool) -> Lengths | None:
    low, high, items = int(value[0]), min(int(value[1]), _LONGEST), list(value[2])
    reached: Lengths | None = lengths
    ways = [lengths] if low == 0 else []
    for rounds in range(1, high + 1):
        reached = _along(walk, items, fold, lengths, False)
        if reached is None or reached == lengths:
            break
        lengths = reached
        if rounds >= low:
            ways.append(lengths)
    if reached is None and not ways:
        return None
    if not ways:
        ways = [lengths]
    if last:
        raise _OpenError
    return min(way[0] for way in ways), max(way[1] for way in ways)


def _joined(ways: Sequence[Lengths | None]) -> Lengths | None:
    inside = [way for way in ways if way is not None]
    return (min(way[0] for way in inside), max(way[1] for way in inside)) if inside else None


def _are_apart(one: Charset, other: Charset) -> bool:
    return not one.ascii & other.ascii and not any(
        low <= end and start <= high for low, high in one.beyond for start, end in other.beyond)


def is_within(inner: Charset, outer: Charset) -> bool:
    """Whether every character of one set belongs to the other."""
    return inner.ascii <= outer.ascii and all(
        any(low <= first and last <= high for low, high in outer.beyond) for first, last in inner.beyond)


__all__ = ["ANY", "DIGITS", "HAN", "RUNS", "Opening", "Pair", "Stretch", "is_within", "opening_of", "ways_of"]

"""From patterns to instructions: what `guard.detect.machine` runs.

    Assembler().add("1[3-9]\\\\d{9}") -> address of a program
    assembler.finish() -> Programs                     plain arrays, shared by all programs

The instructions do what Python's `re` does with a pattern in ASCII mode, way by way and in the same order (leftmost,
first alternative first, look-arounds, possessive and lazy repeats, groups), over UTF-8 bytes. A pattern that needs
something else raises UnsuitableError and is searched by `re` itself.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.detect.charsets import Charset, charset_of
from guard.detect.firsts import EVERYTHING, First, first_of
from guard.detect.supersets import folds, parts

Item = tuple[Any, Any]
WIDTH = 5
"""Numbers of an instruction: what it does, and four operands."""
UNBOUNDED = 1 << 30
MOST_GROUPS = 24
MOST_MARKS = 64
LARGEST = 20_000
"""Instructions of one repeat, about: more would be a repeat of repeats that had better be searched in another way."""
MOST = 8 * LARGEST
"""Instructions of all programs, about."""
MOST_BEHIND = 3
"""Characters before a place that one instruction looks at."""
_REPEATS: Mapping[Any, str] = {sre.MAX_REPEAT: "greedy", sre.MIN_REPEAT: "lazy", sre.POSSESSIVE_REPEAT: "possessive"}
Ints32 = npt.NDArray[np.int32]


class UnsuitableError(Exception):
    """The machine has no instruction for something in the pattern."""


class Op(IntEnum):
    """What an instruction does; the operands are named behind it."""

    MATCH = 0
    CHARACTER = 1  # set
    BYTES = 2  # offset of the literal, its length
    JUMP = 3  # to
    CHOICE = 5  # table
    GREEDY = 6  # set, least, most, what can follow
    LAZY = 7  # set, least, most, what can follow
    POSSESSIVE = 8  # set, least, most
    SAVE = 9  # slot
    AHEAD = 10  # set
    NOT_AHEAD = 11  # set
    BEHIND = 12  # set
    NOT_BEHIND = 13  # set
    LINE_START = 14
    LINE_END = 15
    WORD_EDGE = 16
    NO_WORD_EDGE = 17
    LOOK = 18  # mark
    LOOK_END = 19  # mark
    LOOK_NOT = 20  # mark, where to go on
    LOOK_NOT_END = 21  # mark
    BACK = 22  # characters
    ATOMIC = 23  # mark
    ATOMIC_END = 24  # mark
    REFERENCE = 25  # group
    CLOSE = 26  # group, which ends and becomes the last one closed
    ENTER = 27  # groups, which have taken no part yet
    ALL_BEHIND = 28  # how many sets, each of which has its character behind: the nearest first
    NOT_ALL_BEHIND = 29  # the same


Programs = Ints32
"""All programs of a plan as one array, for the compiled loops: a call passes one array much faster than ten.

The first numbers say where the parts begin (`Part`). Instructions have WIDTH numbers. A set is four words of bits for
ASCII; its ranges are the LOWS and HIGHS from EDGES[set] to EDGES[set + 1]. Literals are bytes, one a number. CHOICES
has 257 numbers of lists a table, by the last byte of the code point (256: the end of the line); list n are the WAYS
from LISTS[n] to LISTS[n + 1]. FOLLOWS are nine words of bits each: what can come next behind a repeat, by the same key.
"""


class Part(IntEnum):
    """Where the offset of each part stands."""

    CODE = 0
    SETS = 1
    EDGES = 2
    LOWS = 3
    HIGHS = 4
    LITERALS = 5
    CHOICES = 6
    LISTS = 7
    WAYS = 8
    FOLLOWS = 9


class Assembler:
    """Collects programs."""

    def __init__(self) -> None:
        self._code: list[list[int]] = []
        self._sets: dict[Charset, int] = {}
        self._literals = bytearray()
        self._tables: list[list[int]] = []
        self._lists: dict[tuple[int, ...], int] = {(): 0}
        self._follows: dict[First, int] = {}
        self._marks = 0

    def add(self, pattern: str) -> int:
        """The address of a new program. Raises UnsuitableError, and leaves what was there before as it was."""
        tree = parser.parse(pattern, re.ASCII)
        if tree.state.groups > MOST_GROUPS:
            raise UnsuitableError("too many groups")
        fold = bool(tree.state.flags & re.IGNORECASE)
        if len(self._code) + _length(tree.data, fold) > MOST:
            raise UnsuitableError("too many instructions")
        address, self._marks = len(self._code), 0
        if tree.state.groups > 1:
            self._emit(Op.ENTER, tree.state.groups)
        try:
            self._sequence(tree.data, fold, None)
        except UnsuitableError:
            del self._code[address:]
            raise
        self._emit(Op.MATCH)
        self._settle(address)
        return address

    def _settle(self, address: int) -> None:
        """What is looked at first are characters before the match, in which no group has a part; and of jumps only the
        last is taken."""
        code = self._code
        if code[address][0] == Op.ENTER:
            first = address
            while code[first + 1][0] == Op.NOT_BEHIND:
                first += 1
            code.insert(first, code.pop(address))
        for number in range(address, len(code)):
            last = number
            while code[last][0] == Op.JUMP:
                last = code[last][1]
            if code[last][0] == Op.MATCH:
                code[number] = [*code[last]]
            elif last != number:
                code[number][1] = last

    def finish(self) -> Programs:
        """The programs so far."""
        sets = list(self._sets)
        beyond = [pair for chosen in sets for pair in chosen.beyond]
        lists = sorted(self._lists, key=self._lists.__getitem__)
        parts = [
            [number for instruction in self._code for number in instruction],
            [word for chosen in sets for word in _words(chosen.table())],
            np.cumsum([0, *(len(chosen.beyond) for chosen in sets)]).tolist(),
            [low for low, _ in beyond], [high for _, high in beyond], list(self._literals),
            [number for table in self._tables for number in table],
            np.cumsum([0, *map(len, lists)]).tolist(), [way for ways in lists for way in ways],
            [word for first in self._follows for word in _words([int(first.admits(key)) for key in range(257)])],
        ]
        offsets = np.cumsum([len(Part), *map(len, parts)])[:-1].tolist()
        return np.array([*offsets, *(number for part in parts for number in part)], np.int64).astype(np.int32)

    def _emit(self, operation: Op, *operands: int) -> int:
        self._code.append([operation, *operands, *[0] * (WIDTH - 1 - len(operands))])
        return len(self._code) - 1

    def _set(self, chosen: Charset) -> int:
        return self._sets.setdefault(chosen, len(self._sets))

    def _mark(self) -> int:
        self._marks += 2
        if self._marks > MOST_MARKS:
            raise UnsuitableError("too many look-arounds")
        return self._marks - 2

    def _sequence(self, items: Sequence[Item], fold: bool, rest: First | None) -> None:
        """The items one after the other; `rest` is what can follow them, None when that is not known."""
        items, index = list(items), 0
        while index < len(items):
            literal = _literal(items[index:], fold)
            if len(literal) > 1:
                self._emit_literal(literal)
                index += len(literal)
                continue
            following = first_of(items[index + 1 :], fold)
            if following.empty:
                following = EVERYTHING if rest is None else following | rest
            self._item(*items[index], fold, following)
            index += 1

    def _emit_literal(self, text: str) -> None:
        raw = text.encode()
        offset = self._literals.find(raw)
        if offset < 0:
            offset = len(self._literals)
            self._literals += raw
        self._emit(Op.BYTES, offset, len(raw))

    def _item(self, operation: Any, value: Any, fold: bool, rest: First) -> None:
        if (chosen := charset_of(operation, value, fold)) is not None:
            self._emit(Op.CHARACTER, self._set(chosen))
        elif operation in _REPEATS:
            self._repeat(_REPEATS[operation], value, fold, rest)
        else:
            builder: Callable[[Any, bool, First], None] | None = {
                sre.SUBPATTERN: self._group, sre.BRANCH: self._branch, sre.AT: self._place, sre.ASSERT: self._look,
                sre.ASSERT_NOT: self._look_not, sre.ATOMIC_GROUP: self._atomic, sre.GROUPREF: self._reference,
            }.get(operation)
            if builder is None:
                raise UnsuitableError(str(operation))
            builder(value, fold, rest)

    def _group(self, value: Any, fold: bool, rest: First) -> None:
        group, added, removed, items = value
        inner = (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
        if group is None:
            self._sequence(items, inner, rest)
            return
        self._emit(Op.SAVE, 2 * group)
        self._sequence(items, inner, rest)
        self._emit(Op.CLOSE, group)

    def _branch(self, value: Any, fold: bool, rest: First) -> None:
        ways, exits = [], []
        entry = self._emit(Op.CHOICE)
        for alternative in value[1]:
            ways.append(len(self._code))
            self._sequence(alternative, fold, rest)
            exits.append(self._emit(Op.JUMP))
        for jump in exits:
            self._code[jump][1] = len(self._code)
        self._code[entry][1] = self._choice([first_of(way, fold) for way in value[1]], ways)

    def _choice(self, firsts: Sequence[First], ways: Sequence[int]) -> int:
        """The table that says which ways are open before a character, by the last byte of its code point."""
        admitted = list(zip(*map(_admitted, firsts), strict=True))
        lists = {admits: self._lists.setdefault(tuple(compress(ways, admits)), len(self._lists))
                 for admits in dict.fromkeys(admitted)}
        self._tables.append([lists[admits] for admits in admitted])
        return len(self._tables) - 1

    def _place(self, value: Any, _fold: bool, _rest: First) -> None:
        operation = {sre.AT_BEGINNING: Op.LINE_START, sre.AT_BEGINNING_STRING: Op.LINE_START,
                     sre.AT_END: Op.LINE_END, sre.AT_END_STRING: Op.LINE_END,
                     sre.AT_BOUNDARY: Op.WORD_EDGE, sre.AT_NON_BOUNDARY: Op.NO_WORD_EDGE}.get(value)
        if operation is None:
            raise UnsuitableError(str(value))
        self._emit(operation)

    def _look(self, value: Any, fold: bool, _rest: First) -> None:
        direction, items = value
        if (chosen := _single(items, fold)) is not None:
            self._emit(Op.AHEAD if direction > 0 else Op.BEHIND, self._set(chosen))
            return
        if direction < 0 and (behind := self._behind(items, fold)):
            self._emit(Op.ALL_BEHIND, len(behind), *behind)
            return
        mark = self._mark()
        self._emit(Op.LOOK, mark)
        self._looked_at(direction, items, fold)
        self._emit(Op.LOOK_END, mark)

    def _look_not(self, value: Any, fold: bool, _rest: First) -> None:
        direction, items = value
        if (chosen := _single(items, fold)) is not None:
            self._emit(Op.NOT_AHEAD if direction > 0 else Op.NOT_BEHIND, self._set(chosen))
            return
        if direction < 0 and (behind := self._behind(items, fold)):
            self._emit(Op.NOT_ALL_BEHIND, len(behind), *behind)
            return
        mark = self._mark()
        entry = self._emit(Op.LOOK_NOT, mark)
        self._looked_at(direction, items, fold)
        self._emit(Op.LOOK_NOT_END, mark)
        self._code[entry][2] = len(self._code)

    def _behind(self, items: Any, fold: bool) -> list[int]:
        """The sets of the characters before a place, the nearest first; none where they are not a few characters."""
        singles = [item for one in items for item in _repeated(one)]
        chosen = [_single([item], fold) for item in singles]
        if len(chosen) > MOST_BEHIND:
            return []
        return [self._set(one) for one in reversed(chosen) if one is not None] if None not in chosen else []

    def _looked_at(self, direction: int, items: Any, fold: bool) -> None:
        if direction < 0:
            low, high = items.getwidth()
            if low != high:
                raise UnsuitableError("a look-behind of changing width")
            self._emit(Op.BACK, int(low))
        self._sequence(items, fold, None)

    def _atomic(self, items: Any, fold: bool, _rest: First) -> None:
        mark = self._mark()
        self._emit(Op.ATOMIC, mark)
        self._sequence(items, fold, None)
        self._emit(Op.ATOMIC_END, mark)

    def _reference(self, group: int, fold: bool, _rest: First) -> None:
        if fold:
            raise UnsuitableError("a reference without regard to case")
        self._emit(Op.REFERENCE, group)

    def _repeat(self, manner: str, value: Any, fold: bool, rest: First) -> None:
        low, high, items = value
        most = UNBOUNDED if high is sre.MAXREPEAT else int(high)
        if (chosen := _single(items, fold)) is not None:
            operation = {"greedy": Op.GREEDY, "lazy": Op.LAZY, "possessive": Op.POSSESSIVE}[manner]
            if operation is Op.GREEDY and rest.excludes(chosen):
                # To give back a character would leave one that cannot come next.
                operation = Op.POSSESSIVE
            self._emit(operation, self._set(chosen), int(low), most, self._follow(rest))
        elif manner == "possessive":
            mark = self._mark()
            self._emit(Op.ATOMIC, mark)
            self._rounds("greedy", int(low), most, items, fold, EVERYTHING)
            self._emit(Op.ATOMIC_END, mark)
        else:
            self._rounds(manner, int(low), most, items, fold, rest)

    def _follow(self, rest: First) -> int:
        return -1 if rest.empty or rest == EVERYTHING else self._follows.setdefault(rest, len(self._follows))

    def _rounds(self, manner: str, low: int, high: int, items: Any, fold: bool, rest: First) -> None:
        """A repeat of more than one character: its rounds are written out, an endless one is a loop."""
        again = first_of(list(items), fold) | rest
        if (low, high) != (0, 1) and high > low and items.getwidth()[0] == 0:
            raise UnsuitableError("a repeat of what may be empty")
        if _rounds_of(low, high) * _length(items, fold) > LARGEST:
            raise UnsuitableError("too many rounds")
        for _ in range(low):
            self._sequence(items, fold, again)
        if high == UNBOUNDED:
            entry = self._emit(Op.CHOICE)
            self._sequence(items, fold, again)
            self._emit(Op.JUMP, entry)
            self._join(entry, manner, first_of(list(items), fold), rest)
            return
        entries = []
        for _ in range(high - low):
            entries.append(self._emit(Op.CHOICE))
            self._sequence(items, fold, again)
        for entry in entries:
            self._join(entry, manner, first_of(list(items), fold), rest)

    def _join(self, entry: int, manner: str, inside: First, behind: First) -> None:
        """Another round, or what comes behind the repeat: whichever the next character allows, in the given order."""
        firsts, ways = [inside, behind], [entry + 1, len(self._code)]
        if manner != "greedy":
            firsts, ways = firsts[::-1], ways[::-1]
        self._code[entry][1] = self._choice(firsts, ways)


@lru_cache(maxsize=256)
def _admitted(first: First) -> tuple[bool, ...]:
    """What it admits, by key."""
    return tuple(first.admits(key) for key in range(257))


def _length(items: Iterable[Item], fold: bool) -> int:
    """About how many instructions a sequence takes; plain characters take one together."""
    total = 1
    for operation, value in items:
        inner = folds(value, fold) if operation is sre.SUBPATTERN else fold
        if operation in _REPEATS and _single(value[2], fold) is None:
            total += _rounds_of(value[0], value[1]) * _length(value[2], fold)
        elif fold or operation is not sre.LITERAL:
            total += 1 + sum(_length(part, inner) for part in parts(operation, value))
    return total


def _rounds_of(low: int, high: Any) -> int:
    """How often what is repeated is written out."""
    return low + 1 if high in (sre.MAXREPEAT, UNBOUNDED) else int(high)


def _repeated(item: Item) -> list[Item]:
    """The items that a repeat of just so many rounds stands for, if they are few."""
    operation, value = item
    rounds = int(value[0]) if operation in _REPEATS and value[0] == value[1] else 0
    return [inner for _ in range(rounds) for inner in value[2]] if 0 < rounds <= MOST_BEHIND else [item]


def _words(bits: Sequence[int]) -> list[int]:
    """Bits as words of 32, the first bit lowest."""
    return [sum(bit << index for index, bit in enumerate(bits[at : at + 32])) for at in range(0, len(bits), 32)]


def _literal(items: Sequence[Item], fold: bool) -> str:
    """The plain characters at the beginning; letters are none when their case does not matter."""
    text = ""
    for operation, value in items:
        if operation is not sre.LITERAL or value in (10, 13) or (fold and chr(value).isalpha() and value < 128):
            break
        text += chr(value)
    return text


def _single(items: Any, fold: bool) -> Charset | None:
    """The set of an item sequence that is one character."""
    items = list(items)
    while len(items) == 1 and items[0][0] is sre.SUBPATTERN and items[0][1][0] is None:
        _, added, removed, inner = items[0][1]
        fold = (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE
        items = list(inner)
    return charset_of(items[0][0], items[0][1], fold) if len(items) == 1 else None

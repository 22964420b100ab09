"""A pattern over ASCII as a table, so that NumPy can run it at many places of a buffer at once.

    compile_automaton("1[3-9]\\\\d{9}") -> Automaton or None
    automaton.run(buffer, starts, right) -> for each start, how many ends match and the last of them

Python's `re` takes the first way that its alternatives offer; the table knows all ways. Where there is exactly one end
both agree; where there are several the caller asks `re`. Look-arounds, anchors and references are left out of the
table, and long repeats have no upper end in it: then `complete` is false and `re` decides on every match.

In cells of a few ASCII characters a pattern has fewer ways: separators that do not occur leave nothing to refer to, and
wide classes are narrow. A table for such an alphabet (`compile_narrow_automaton`) is often complete where that for any
text is not, or has no end at all.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints, distinct
from guard.detect.supersets import Characters, characters_of, folds

MAX_NODES = 600
MAX_STATES = 400
MAX_WIDTH = 96
LONG_REPEAT = 16
"""A repeat of more optional rounds than this becomes a loop: its exact count would cost a state each."""
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
DIGITS = frozenset(b"0123456789")
ALNUM = DIGITS | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class _UnsuitableError(Exception):
    """The pattern has no table."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Automaton:
    """`table[state * classes + classes_of[byte]]` is the next state; 0 is dead, 1 the start.

    `lead` counts the bytes that every match begins with out of `lead_set`
    (digits, or letters and digits).
    """

    classes_of: npt.NDArray[np.uint16]
    table: npt.NDArray[np.uint16]
    accepting: npt.NDArray[np.bool_]
    classes: int
    lead: int
    lead_set: frozenset[int]
    first: frozenset[int]
    complete: bool
    edged: bool = False
    """Of a table for an alphabet: look-arounds at its ends were left out that hold wherever a match fills the line."""

    def steps(self, bytes_: int) -> npt.NDArray[np.uint16]:
        """The next state for each state and each of the first so many bytes."""
        return self.table.reshape(-1, self.classes)[:, self.classes_of[:bytes_]]

    def widths(self) -> tuple[int, int]:
        """The bytes of the shortest and of the longest match, as far as MAX_WIDTH; (MAX_WIDTH, 0) without any."""
        states, ends = np.ones(1, np.uint16), []
        for width in range(1, MAX_WIDTH + 1):
            states = distinct(self.table.reshape(-1, self.classes)[states])
            states = states[states > 0]
            if not len(states):
                break
            if self.accepting[states].any():
                ends.append(width)
        return (ends[0], ends[-1]) if ends else (MAX_WIDTH, 0)

    def taken_apart(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain data and arrays, from which `put_together` makes the same automaton."""
        plain = {"classes": self.classes, "lead": self.lead, "lead_set": sorted(self.lead_set),
                 "first": sorted(self.first), "complete": self.complete}
        return plain, {"classes_of": self.classes_of, "table": self.table, "accepting": self.accepting}

    @staticmethod
    def put_together(plain: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Automaton:
        """The automaton of `taken_apart`. Raises KeyError or TypeError for anything else."""
        return Automaton(arrays["classes_of"], arrays["table"], arrays["accepting"], plain["classes"], plain["lead"],
                         frozenset(plain["lead_set"]), frozenset(plain["first"]), plain["complete"])

    def run(self, buffer: npt.NDArray[np.uint8], starts: Ints, right: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """(number of ends, length of the longest match) for each start.

        `buffer` ends with MAX_WIDTH + 1 line ends; `right[byte]` says whether a match may be followed by it. What is
        still going on after MAX_WIDTH bytes counts as two ends: nobody knows.
        """
        counts, lengths = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
        alive, places = np.arange(len(starts)), starts
        states = np.ones(len(starts), np.int64)
        for step in range(1, MAX_WIDTH + 1):
            states = self.table[states * self.classes + self.classes_of[buffer[places]]].astype(np.int64)
            places = places + 1
            living = states > 0
            if not living.all():
                alive, places, states = alive[living], places[living], states[living]
            if not len(alive):
                break
            ended = self.accepting[states]
            if ended.any():
                ended &= right[buffer[places]]
                counts[alive[ended]] += 1
                lengths[alive[ended]] = step
        else:
            counts[alive] += 2
        return counts, lengths


@dataclass(slots=True, eq=False, repr=False)
class _Nodes:
    """A Thompson automaton: `moves[n]` are (bytes, target), `free[n]` the targets without a byte."""

    moves: list[list[tuple[frozenset[int], int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    groups: dict[int, Any] = field(default_factory=dict)
    complete: bool = True
    alphabet: frozenset[int] | None = None
    matched: set[int] = field(default_factory=set)
    """The groups that every way to where we are has gone through: what refers to another one may fail."""

    def add(self) -> int:
        if len(self.moves) >= MAX_NODES:
            raise _UnsuitableError
        self.moves.append([])
        self.free.append([])
        return len(self.moves) - 1

    def closure(self, nodes: Iterable[int]) -> frozenset[int]:
        """All nodes that can be reached without a byte."""
        seen, todo = set(nodes), list(nodes)
        while todo:
            for target in self.free[todo.pop()]:
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return frozenset(seen)


def compile_automaton(pattern: str) -> Automaton | None:
    """The table of a pattern, or None when it has wide classes beyond ASCII, may be empty, or is too large."""
    tree = parser.parse(pattern, re.ASCII)
    nodes = _Nodes()
    try:
        start = nodes.add()
        end = _build(nodes, tree.data, start, bool(tree.state.flags & re.IGNORECASE))
        return _determine(nodes, start, end)
    except _UnsuitableError:
        return None


def compile_narrow_automaton(pattern: str, alphabet: frozenset[int]) -> Automaton | None:
    """The table of a pattern in text of some ASCII characters, or None when it may be empty or is too large.

    Nothing in the alphabet matches where no state is `accepting`.
    """
    tree = _parsed(pattern)
    nodes = _Nodes(alphabet=alphabet)
    items = _without_edges(list(tree.data))
    try:
        start = nodes.add()
        end = _build(nodes, items, start, bool(tree.state.flags & re.IGNORECASE))
        return replace(_determine(nodes, start, end), edged=len(items) < len(tree.data))
    except _UnsuitableError:
        return None


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> Any:
    """Its syntax tree, kept: columns of other alphabets ask for it again."""
    return parser.parse(pattern, re.ASCII)


def _without_edges(items: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Without what may not stand before and behind a match."""
    while items and _is_edge(items[0], -1):
        items = items[1:]
    while items and _is_edge(items[-1], 1):
        items = items[:-1]
    return items


def _is_edge(item: tuple[Any, Any], direction: int) -> bool:
    operation, value = item
    return operation is sre.ASSERT_NOT and value[0] == direction and value[1].getwidth()[0] > 0


def _build(nodes: _Nodes, items: Iterable[tuple[Any, Any]], start: int, fold: bool) -> int:
    """Adds the items behind node `start`; returns the node behind them."""
    for operation, value in items:
        start = _build_item(nodes, operation, value, start, fold)
    return start


def _build_item(nodes: _Nodes, operation: Any, value: Any, start: int, fold: bool) -> int:
    if operation in (sre.AT, sre.ASSERT, sre.ASSERT_NOT):
        nodes.complete = False
        is_there = operation is not sre.ASSERT or nodes.alphabet is None or _is_possible(nodes.alphabet, value[1], fold)
        return start if is_there else nodes.add()
    if (characters := characters_of(operation, value, fold)) is not None:
        return _build_characters(nodes, characters, start)
    if operation is sre.SUBPATTERN:
        nodes.groups[value[0]] = value[3], folds(value, fold)
        end = _build(nodes, value[3], start, folds(value, fold))
        nodes.matched.add(value[0])
        return end
    if operation is sre.GROUPREF and value in nodes.groups:
        inner, folded = nodes.groups[value]
        nodes.complete &= (nodes.alphabet is not None and value in nodes.matched
                           and _is_sure(nodes.alphabet, inner, fold or folded))
        return _build(nodes, inner, start, fold or folded)
    if operation is sre.BRANCH:
        end, before, behind = nodes.add(), set(nodes.matched), list[set[int]]()
        for branch in value[1]:
            nodes.matched = set(before)
            nodes.free[_build(nodes, branch, _fork(nodes, start), fold)].append(end)
            behind.append(nodes.matched)
        nodes.matched = set.intersection(*behind)
        return end
    if operation in _REPEATS:
        return _build_repeat(nodes, value, start, fold)
    raise _UnsuitableError


def _build_characters(nodes: _Nodes, characters: Characters, start: int) -> int:
    if nodes.alphabet is not None:
        end = nodes.add()
        if chosen := characters.ascii & nodes.alphabet:
            nodes.moves[start].append((chosen, end))
        return end
    if not characters.spelled_out or not (characters.ascii or characters.beyond):
        raise _UnsuitableError
    end = nodes.add()
    if characters.ascii:
        nodes.moves[start].append((characters.ascii, end))
    for code in (code for low, high in characters.beyond for code in range(low, high + 1)):
        *leading, final = chr(code).encode()
        node = start
        for byte in leading:
            nodes.moves[node].append((frozenset([byte]), following := nodes.add()))
            node = following
        nodes.moves[node].append((frozenset([final]), end))
    return end


def _is_possible(alphabet: frozenset[int], items: Iterable[tuple[Any, Any]], fold: bool) -> bool:
    """Whether text of the alphabet may hold the items, as far as their characters tell."""
    for operation, value in items:
        characters = characters_of(operation, value, fold)
        if characters is not None and not characters.line_end and characters.ascii.isdisjoint(alphabet):
            return False
    return True


def _is_sure(alphabet: frozenset[int], items: Iterable[tuple[Any, Any]], fold: bool) -> bool:
    """Whether the items can only be one text of the alphabet."""
    for operation, value in items:
        if operation in _REPEATS:
            low, high, inner = value
            if low == 0 and len(inner) > 0 and not _is_possible(alphabet, inner, fold):
                continue
            if low != high or not _is_sure(alphabet, inner, fold):
                return False
            continue
        characters = characters_of(operation, value, fold)
        if characters is None or len(characters.ascii & alphabet) > 1:
            return False
    return True


def _fork(nodes: _Nodes, start: int) -> int:
    entry = nodes.add()
    nodes.free[start].append(entry)
    return entry


def _build_repeat(nodes: _Nodes, value: Any, start: int, fold: bool) -> int:
    low, high, inner = value
    if low > MAX_WIDTH:
        raise _UnsuitableError
    for _ in range(low):
        start = _build(nodes, inner, start, fold)
    end, matched = nodes.add(), set(nodes.matched)
    nodes.free[start].append(end)
    if high is sre.MAXREPEAT or high - low > LONG_REPEAT:
        nodes.complete = False
        loop = _fork(nodes, start)
        nodes.free[_build(nodes, inner, loop, fold)] += [loop, end]
    else:
        for _ in range(high - low):
            start = _build(nodes, inner, start, fold)
            nodes.free[start].append(end)
    nodes.matched = matched
    return end


def _determine(nodes: _Nodes, start: int, end: int) -> Automaton:
    """Subset construction over the classes of bytes that the pattern tells apart."""
    members: list[list[int]] = [[] for _ in range(256)]
    for number, codes in enumerate(dict.fromkeys(codes for moves in nodes.moves for codes, _ in moves)):
        for byte in codes:
            members[byte].append(number)
    signatures = [tuple(mine) for mine in members]
    distinct = {signature: index for index, signature in enumerate(dict.fromkeys([(), *signatures]))}
    samples = {distinct[signature]: byte for byte, signature in enumerate(signatures)}
    numbers: dict[frozenset[int], int] = {frozenset(): 0, (first := nodes.closure([start])): 1}
    todo, rows = [first], {0: [0] * len(distinct)}
    while todo:
        state = todo.pop()
        row = [0] * len(distinct)
        for index in range(1, len(distinct)):
            target = nodes.closure([t for n in state for codes, t in nodes.moves[n] if samples[index] in codes])
            if target not in numbers:
                if len(numbers) >= MAX_STATES:
                    raise _UnsuitableError
                numbers[target] = len(numbers)
                todo.append(target)
            row[index] = numbers[target]
        rows[numbers[state]] = row
    if end in first:
        raise _UnsuitableError
    table = np.array([rows[index] for index in range(len(rows))], np.uint16)
    accepting = np.array([end in state for state in numbers], bool)
    classes_of = np.array([distinct[signature] for signature in signatures], np.uint16)
    lead_set, lead = _lead(table, accepting, classes_of)
    leading = frozenset(byte for byte in range(256) if table[1, classes_of[byte]])
    return Automaton(classes_of, table.ravel(), accepting, len(distinct), lead, lead_set, leading, nodes.complete)


def _lead(table: npt.NDArray[np.uint16], accepting: npt.NDArray[np.bool_],
          classes_of: npt.NDArray[np.uint16]) -> tuple[frozenset[int], int]:
    """With how many digits, or letters and digits, every match begins; the digits are preferred."""
    for allowed in (DIGITS, ALNUM):
        inside = {int(c) for c in classes_of} - {int(classes_of[byte]) for byte in set(range(256)) - allowed}
        count, states = 0, {1}
        while states and not any(accepting[state] for state in states):
            moves = [(c, int(t)) for state in states for c, t in enumerate(table[state]) if t]
            if any(c not in inside for c, _ in moves) or count > MAX_WIDTH:
                break
            count, states = count + 1, {target for _, target in moves}
        if count:
            return allowed, count
    return frozenset(), 0

"""How matches begin, character by character: a pattern as an automaton, from its syntax tree.

After Glushkov: each node is one character, with the nodes that may come next. It takes every beginning of a match, and
some texts more: a reference is whatever its group can be, most look-arounds are left out, and what lies further behind
than DEPTH is taken for granted. `guard.detect.walk` follows the beginnings of all patterns at once from each place of a
text, and the machine looks only at those that come through.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from guard.detect.charsets import ANY, Charset, charset, charset_of
from guard.detect.classes import HAN

Item = tuple[Any, Any]
Nodes = frozenset[int]
DEPTH = 40
"""Characters of a match that are looked at."""
DEPTHS = (DEPTH, 24, 12, 6, 3)
MOST_NODES = 4_000
"""Nodes of one beginning; one that would have more is looked at less far."""
ACCEPT, BEFORE = 0, 1
"""The node that says a match may begin this way, and the one for what stands before it."""
_LOOKS = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ENDS = (sre.AT_END, sre.AT_END_STRING)
_STARTS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_SHARES = ((range(48, 58), 0.015), (range(97, 123), 0.0135), (range(65, 91), 0.003), (range(32, 48), 0.01))
_HAN_SHARE = 0.3
_NO_SHARE = 1e-6
_SPACE, _DOT = (32, 32), (0xB7, 0xB7)


_NAMES = charset([HAN, _SPACE, _DOT])


@dataclass(frozen=True, slots=True)
class Step:
    """What one character may be: one of `chosen`, or with `end` an end of the line."""

    chosen: Charset
    end: bool = False


class TooLargeError(Exception):
    """The automaton would have more nodes than it is worth, or a match may be empty."""


@dataclass
class Graph:
    """The nodes of one beginning: their steps (None: ACCEPT), and the nodes that may come behind each."""

    steps: list[Step | None]
    follows: list[set[int]] = field(default_factory=lambda: [set(), set()])
    depths: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, step: Step, behind: Nodes) -> Nodes:
        """A node for one character that may come behind others."""
        if not behind:
            return behind
        if len(self.steps) >= MOST_NODES:
            raise TooLargeError
        node = len(self.steps)
        self.steps.append(step)
        self.follows.append(set())
        self.depths.append(1 + min(self.depths[other] for other in behind))
        for other in behind:
            self.follows[other].add(node)
        return frozenset([node])

    def accept(self, behind: Iterable[int]) -> Nodes:
        """Ends the ways that reach some nodes; none goes on."""
        for node in behind:
            self.follows[node].add(ACCEPT)
        return frozenset()

    @property
    def begins_in_han(self) -> bool:
        """Whether a match begins with a Han character, whatever matches."""
        han = charset([HAN])
        return all(step is not None and not step.end and is_within(step.chosen, han)
                   for step in (self.steps[node] for node in self.follows[BEFORE]))

    def begin_with(self, firsts: frozenset[int]) -> None:
        """Leaves out of what `begins_in_han` what begins with any other Han character, but where a run of them goes on
        behind a dot or space.

        There a match that is left out would hide another one that begins inside it.
        """
        for node in self.follows[BEFORE] - {ACCEPT}:
            self.follows[BEFORE].remove(node)
            (narrower,) = self.add(_meet(self.steps[node], firsts), frozenset([BEFORE]))
            self.follows[narrower] |= self.follows[node]
        run = self.add(Step(charset([HAN])), frozenset([BEFORE]))
        self.follows[next(iter(run))] |= run
        space = self.add(Step(charset([_SPACE])), run)
        self.accept(self.add(Step(charset([_DOT])), run) | self.add(Step(_NAMES), space))

    def cost(self) -> float:
        """How many characters have to be looked at for each place of ordinary text, very roughly."""
        total, reached = 0.0, {BEFORE: _share(self.steps[BEFORE])}
        for _ in range(DEPTH):
            ahead: dict[int, float] = defaultdict(float)
            for node, share in reached.items():
                for follow in self.follows[node] - {ACCEPT}:
                    ahead[follow] = max(ahead[follow], share * _share(self.steps[follow]))
            alive = min(1.0, sum(ahead.values()))
            if alive < _NO_SHARE:
                break
            total, reached = total + alive, ahead
        return total


def graph_of(items: Sequence[Item], fold: bool) -> Graph:
    """How a pattern begins, from its syntax tree. Raises TooLargeError."""
    before = Step(charset(_ranges(_barred(items, fold)), negate=True), end=True)
    if not _leads(items):
        before = Step(before.chosen)
    elif _only_leads(items):
        before = Step(charset([]), end=True)
    for depth in DEPTHS:
        graph = Graph([None, before])
        try:
            graph.accept(_Builder(graph, depth).sequence(items, fold, frozenset([BEFORE]), True))
        except TooLargeError:
            continue
        if ACCEPT not in graph.follows[BEFORE]:
            return graph
        break
    raise TooLargeError


def is_run(items: Sequence[Item], fold: bool) -> bool:
    """Whether a pattern matches nothing but Han characters, spaces and dots, and not behind a Han character."""
    is_barred = any(low <= HAN[0] and HAN[1] <= high for low, high in _barred(items, fold).beyond)
    return is_barred and all(is_within(chosen, _NAMES) for chosen in _consumed(items, fold))


def begins_with(group: int, pattern: str) -> bool:
    """Whether a group begins where the match does, whatever matches; group 0 is the match."""
    return not group or _first_group(parser.parse(pattern, re.ASCII).data) == group


def _consumed(items: Iterable[Item], fold: bool) -> Iterator[Charset]:
    """The sets of all characters that a match takes; that of all characters for what is none."""
    for operation, value in items:
        if (chosen := charset_of(operation, value, fold)) is not None:
            yield chosen
        elif operation is sre.SUBPATTERN:
            yield from _consumed(value[3], _folded(value, fold))
        elif operation in _REPEATS:
            yield from _consumed(value[2], fold)
        elif operation is sre.BRANCH:
            for way in value[1]:
                yield from _consumed(way, fold)
        elif operation not in _LOOKS:
            yield ANY


def _first_group(items: Iterable[Item]) -> int:
    """The group that begins where the match does; 0 where none does, or not in all ways."""
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[3].getwidth()[1] > 0:
            return value[0] or _first_group(value[3])
        if operation is sre.BRANCH and any(way.getwidth()[1] > 0 for way in value[1]):
            found = {_first_group(way) for way in value[1]}
            return found.pop() if len(found) == 1 else 0
        if operation not in (sre.SUBPATTERN, sre.BRANCH, *_LOOKS):
            break
    return 0


def is_within(inner: Charset, outer: Charset) -> bool:
    """Whether every character of one set belongs to the other."""
    return inner.ascii <= outer.ascii and all(
        any(low <= first and last <= high for low, high in outer.beyond) for first, last in inner.beyond)


def ways_of(pattern: str) -> tuple[list[list[Item]], bool]:
    """The alternatives that a pattern begins with, each with all that comes before and behind; whether letters of
    both cases are alike."""
    tree = parser.parse(pattern, re.ASCII)
    return _ways(list(tree.data)), bool(tree.state.flags & re.IGNORECASE)


def _ways(items: list[Item]) -> list[list[Item]]:
    for index, (operation, value) in enumerate(items):
        if operation in _LOOKS:
            continue
        head, tail = items[:index], items[index + 1 :]
        if operation is sre.BRANCH:
            return [head + way + tail for inner in value[1] for way in _ways(list(inner))]
        if operation is sre.SUBPATTERN and not value[1] | value[2]:
            return [head + way + tail for way in _ways(list(value[3]))]
        break
    return [items]


class _Builder:
    """Follows items from left to right. Each step is given the nodes that were reached and says which are then."""

    def __init__(self, graph: Graph, depth: int) -> None:
        self._graph, self._depth = graph, depth
        self._groups: dict[int, tuple[list[Item], bool]] = {}
        self._references = 0

    def sequence(self, items: Sequence[Item], fold: bool, reached: Nodes, last: bool) -> Nodes:
        """`last`: nothing but look-arounds comes behind them."""
        for index, (operation, value) in enumerate(items):
            ends = last and all(other in _LOOKS for other, _ in items[index + 1 :])
            reached = self._item(operation, value, fold, self._cut(reached), ends)
        return reached

    def _cut(self, reached: Nodes) -> Nodes:
        deep = frozenset(node for node in reached if self._graph.depths[node] >= self._depth)
        self._graph.accept(deep)
        return reached - deep

    def _item(self, operation: Any, value: Any, fold: bool, reached: Nodes, last: bool) -> Nodes:
        if (chosen := charset_of(operation, value, fold)) is not None:
            return self._graph.add(Step(chosen), reached)
        if operation is sre.SUBPATTERN:
            return self._group(value[0], list(value[3]), _folded(value, fold), reached, last)
        if operation is sre.GROUPREF:
            self._references += 1
            items, folds = self._groups.get(value, (None, False))
            return self._graph.accept(reached) if items is None else self.sequence(items, fold or folds, reached, False)
        if operation is sre.ATOMIC_GROUP:
            return self.sequence(list(value), fold, reached, last)
        if operation is sre.BRANCH:
            return frozenset().union(*(self.sequence(list(way), fold, reached, last) for way in value[1]))
        if operation in _REPEATS:
            return self._repeat(int(value[0]), int(value[1]), list(value[2]), fold, reached)
        if operation in _LOOKS:
            return self._look(operation, value, fold, reached) if last else reached
        return self._graph.accept(reached)

    def _group(self, number: int | None, items: list[Item], fold: bool, reached: Nodes, last: bool) -> Nodes:
        """A group is noted for references: what it matched is one of the texts that it can match. One with references
        of its own is not, since such groups in a row would be twice as long each."""
        before = self._references
        ends = self.sequence(items, fold, reached, last)
        if number is not None and self._references == before:
            self._groups[number] = items, fold
        return ends

    def _repeat(self, low: int, high: int, items: Sequence[Item], fold: bool, reached: Nodes) -> Nodes:
        for _ in range(min(low, self._depth)):
            reached = self._cut(self.sequence(items, fold, reached, False))
        if high == int(sre.MAXREPEAT):
            return reached | self._loop(items, fold, reached)
        done = reached
        for _ in range(min(high - low, self._depth)):
            reached = self._cut(self.sequence(items, fold, reached, False))
            if reached <= done:
                break
            done |= reached
        return done

    def _loop(self, items: Sequence[Item], fold: bool, reached: Nodes) -> Nodes:
        """Any number of times: what can come first may come behind what can come last as well."""
        follows = self._graph.follows
        known = {node: set(follows[node]) for node in reached}
        ends = self.sequence(items, fold, reached, False)
        firsts = {new for node in reached for new in follows[node] - known[node] if new != ACCEPT}
        for node in ends:
            follows[node] |= firsts
        return ends

    def _look(self, operation: Any, value: Any, fold: bool, reached: Nodes) -> Nodes:
        """What is looked at behind the last character: what must stand there, or one character that may not."""
        graph = self._graph
        if operation is sre.AT and value in _ENDS:
            return graph.accept(graph.add(Step(charset([]), end=True), reached))
        if operation is sre.ASSERT and value[0] > 0:
            return graph.accept(self.sequence(list(value[1]), fold, reached, True))
        if operation is sre.ASSERT_NOT and value[0] > 0 and len(value[1]) == 1:
            chosen = charset_of(value[1][0][0], value[1][0][1], fold)
            if chosen is not None:
                return graph.accept(graph.add(Step(charset(_ranges(chosen), negate=True), end=True), reached))
        return reached


def _folded(subpattern: Any, fold: bool) -> bool:
    return (fold or bool(subpattern[1] & re.IGNORECASE)) and not subpattern[2] & re.IGNORECASE


def _barred(items: Iterable[Item], fold: bool) -> Charset:
    """What the look-behinds of one character at the very beginning rule out."""
    barred = charset([])
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[0] is None:
            return _both(barred, _barred(value[3], _folded(value, fold)))
        if operation in (sre.ASSERT_NOT, sre.ASSERT) and value[0] == -1:
            barred = _both(barred, _barred_by(list(value[1]), fold, operation is sre.ASSERT) or barred)
        elif operation not in _LOOKS:
            break
    return barred


def _leads(items: Iterable[Item]) -> bool:
    """Whether a match may begin where the line begins: not behind something that must stand before it."""
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[0] is None:
            return _leads(value[3])
        if operation is sre.ASSERT and value[0] == -1 and value[1].getwidth()[0] > 0:
            return False
        if operation not in _LOOKS:
            break
    return True


def _only_leads(items: Iterable[Item]) -> bool:
    """Whether a match may begin only where the line begins."""
    for operation, value in items:
        if operation is sre.SUBPATTERN and value[0] is None:
            return _only_leads(value[3])
        if operation is sre.AT and value in _STARTS:
            return True
        if operation not in _LOOKS:
            break
    return False


def _barred_by(items: Sequence[Item], fold: bool, wanted: bool) -> Charset | None:
    """What a look-behind rules out right before the match: what it names, or all but what it wants at its end."""
    if wanted and items and items[-1][0] in _REPEATS and items[-1][1][0] > 0:
        items = list(items[-1][1][2])
    if len(items) == 1 and items[0][0] is sre.SUBPATTERN:
        return _barred_by(list(items[0][1][3]), _folded(items[0][1], fold), wanted)
    if not items or (len(items) > 1 and not wanted):
        return None
    chosen = charset_of(items[-1][0], items[-1][1], fold)
    return chosen if chosen is None or not wanted else charset(_ranges(chosen), negate=True)


def _meet(step: Step | None, codes: frozenset[int]) -> Step:
    ranges = step.chosen.beyond if step is not None else ()
    return Step(charset([(code, code) for code in codes if any(low <= code <= high for low, high in ranges)]))


def _both(one: Charset, other: Charset) -> Charset:
    return charset([*_ranges(one), *_ranges(other)])


def _ranges(chosen: Charset) -> list[tuple[int, int]]:
    return [(code, code) for code in chosen.ascii] + list(chosen.beyond)


def _share(step: Step | None) -> float:
    """How common the characters of a step are in ordinary text, very roughly."""
    if step is None:
        return 0.0
    total = sum(weight for codes, weight in _SHARES for code in codes if code in step.chosen.ascii)
    for low, high in step.chosen.beyond:
        overlap = max(0, min(high, HAN[1]) - max(low, HAN[0]) + 1)
        total += min(_HAN_SHARE, overlap * 1e-4)
    return min(total, 1.0)

"""One pass over a block: where matches may begin, of every program that has openings.

Walks tell where a match of which program may begin, followed from all places, or from those that the prefilter lets
through. The machine looks at what they noted (`guard.detect.confirm_loops`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.classes import END, PLANE
from guard.detect.machine import before, code_point, new_memory
from guard.detect.prefilter import SECOND, THIRD
from guard.detect.stride_loops import (
    DONE,
    EVENTS,
    LAST_LINE,
    REACH,
    Window,
    begin,
    begin_all,
    follow_all,
    new_window,
    signed,
)
from guard.detect.walk import BEYOND, WIDEST, WINDOW, new_walks
from guard.detect.walk_loops import DEAD, NO_ROOM, Automaton, Walks, root

Bytes = Any
Events = Any
MARGIN = 8
"""Bytes behind the text that may be read."""
_HIGHS = np.uint64(0x8080808080808080)


class Starts(NamedTuple):
    """Of each program: `addresses`, and the `groups` that are reported, below 0 where nothing is when this one took no
    part; of each opening the program: `owners`."""

    addresses: npt.NDArray[np.int32]
    groups: npt.NDArray[np.int32]
    owners: npt.NDArray[np.int32]


class Found(NamedTuple):
    """Matches as columns: the program, its reported group as a span, and the number of the line."""

    program: Ints
    start: Ints
    end: Ints
    line: Ints


class Workspace:
    """Memory that one thread uses again and again."""

    def __init__(self) -> None:
        self.memory = new_memory()
        self.out = np.empty((4, 4096), np.int64)
        self.events, self.order = np.empty((3, 0), np.uint32), np.empty(0, np.int32)
        self._automaton: Automaton | None = None
        self._walks: Walks | None = None
        self.window = new_window()

    def walks(self, automaton: Automaton) -> Walks:
        """The states of an automaton that this thread has met."""
        if self._walks is None or self._automaton is not automaton:
            self._automaton, self._walks = automaton, new_walks(automaton)
        # A walk accepts an opening once, or twice where it begins anew, and may be left with some that it has not done
        # with.
        most = EVENTS + 3 * len(automaton.roots) + 1
        if self.events.shape[1] < most:
            self.events, self.order = np.empty((3, most), np.uint32), np.empty(most, np.int32)
        return self._walks

    def make_room(self, matches: int) -> None:
        """Room for so many matches, and as many again."""
        if self.out.shape[1] < matches:
            self.out = np.concatenate([self.out, np.empty((4, 2 * matches), np.int64)], axis=1)


@inlined_loop
def _screen(pairs: Any, twos: Any, at: int, stop: int, active: Any, begins: Any, left: Any) -> Any:
    """Adds the offsets at which the prefilter lets some active bucket through to those that there are; how many then.

    Two places at a time, since every entry is asked for again two places on, and then two more.
    """
    second, third, two, one = np.uint64(SECOND), np.uint64(THIRD), np.uint64(2), np.uint64(1)
    place, behind, before_all = np.uint64(at), np.uint64(stop), left
    even, odd = pairs[twos[place]] & active, pairs[twos[place + one]] & active
    next_even, next_odd = pairs[twos[place + two]], pairs[twos[place + np.uint64(3)]]
    while place < behind:
        last_even, last_odd = pairs[twos[place + np.uint64(4)]], pairs[twos[place + np.uint64(5)]]
        begins[left] = place
        left += np.uint64(even & next_even >> second & last_even >> third != 0)
        begins[left] = place + one
        left += np.uint64(odd & next_odd >> second & last_odd >> third != 0)
        even, odd, next_even, next_odd = next_even & active, next_odd & active, last_even, last_odd
        place += two
    if left > before_all and begins[left - one] == behind:
        left -= one
    return left


@inlined_loop
def _is_ascii(words: Any, start: int, stop: int) -> bool:
    """Whether no character of a slice takes more than a byte; up to seven bytes behind it are looked at as well."""
    seen = np.uint64(0)
    for at in range(start, stop, 8):
        seen |= words[at]
    return seen & _HIGHS == 0


@inlined_loop
def _kind_before(automaton: Automaton, text: Bytes, low: int, at: int) -> Any:
    """The class of what stands before an offset in a line."""
    if at <= low:
        return np.uint16(END)
    return automaton.classes[min(code_point(text, before(text, low, at)), PLANE)]


@inlined_loop
def _kind_at(automaton: Automaton, text: Bytes, at: Any, byte: Any) -> Any:
    """The class of a character that takes more than one byte, and their number."""
    kind = automaton.classes[min(code_point(text, signed(at)), PLANE)]
    return kind, np.uint64(2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)


@inlined_loop
def _classify_all(automaton: Automaton, window: Window, text: Bytes, low: int, at: int, high: int, base: Any) -> Any:
    """Adds the classes and offsets of the characters of a line from one on, behind so many, and first the class before
    it; how many there are then, and how many of the window's places. Some more than these are classed, or END behind
    the line."""
    classes, kinds, offsets = automaton.classes, window.kinds, window.offsets
    kinds[base] = _kind_before(automaton, text, low, at)
    length, reach = np.uint64(base), np.uint64(at)
    stop, most, one = np.uint64(high), np.uint64(WINDOW + BEYOND), np.uint64(1)
    while reach < stop and length < most:
        byte = text[reach]
        offsets[length] = reach
        length += one
        if byte < 0x80:
            kinds[length] = classes[byte]
            reach += one
        else:
            kinds[length], width = _kind_at(automaton, text, reach, byte)
            reach += width
    offsets[length] = reach
    kinds[length + one] = END
    return length + one, length if reach >= stop else np.uint64(WINDOW)


@inlined_loop
def _classify(automaton: Automaton, window: Window, text: Bytes, words: Any, low: int, high: int, first: Any,
              behind: Any, length: Any) -> Any:
    """Adds the classes of the characters of a line about some places, as far as walks may go from there, to so many
    that there are, and says for each place the number of what stands before it; how many there are then."""
    classes, kinds, begins, places = automaton.classes, window.kinds, window.begins, window.places
    start, last = int(begins[first]), int(begins[behind - np.uint64(1)])
    base, one = np.uint64(length), np.uint64(1)
    kinds[base] = _kind_before(automaton, text, low, start)
    stop = min(high, last + BEYOND)
    if _is_ascii(words, start, stop):
        for at in range(start, stop):
            length += one
            kinds[length] = classes[text[at]]
        for index in range(first, behind):
            places[index] = begins[index] - start + base
    else:
        length = _decode(automaton, window, text, start, min(high, last + WIDEST * BEYOND), length)
        for index in range(first, behind):
            places[index] = window.numbers[begins[index] - start]
    for index in range(first, behind):
        window.offsets[places[index]] = begins[index]
    kinds[length + one] = END
    return length + np.uint64(2)


@inlined_loop
def _decode(automaton: Automaton, window: Window, text: Bytes, start: int, stop: int, length: Any) -> Any:
    """Adds the classes of any characters behind so many, and notes how many those are at the first byte of each."""
    classes, kinds, numbers = automaton.classes, window.kinds, window.numbers
    reach, base, behind, one = np.uint64(start), np.uint64(start), np.uint64(stop), np.uint64(1)
    while reach < behind:
        byte = text[reach]
        numbers[reach - base] = length
        length += one
        if byte < 0x80:
            kinds[length] = classes[byte]
            reach += one
        else:
            kinds[length], width = _kind_at(automaton, text, reach, byte)
            reach += width
    return length


@tight_loop
def sweep(automaton: Automaton, walks: Walks, window: Window, text: Bytes, bounds: Ints, wanted: Any, walked: Any,
          events: Events, place: Any) -> int:
    """Fills `events` with the openings by which a match may begin somewhere, from `place` on; says in it how many.

    `bounds` are the offsets of the line ends, with one before the first byte. `wanted[line]` are the bits of the
    openings that are looked for in a line; `walked` those that are followed in every line, so that lines have few
    different roots. An event may come twice. Returns DONE when it is through, FULL when events have to be confirmed,
    and NO_ROOM when the walks are full: then make room and call again.
    """
    dead = DEAD * (len(walks.table) // len(walks.ends))
    line, at = place[LAST_LINE], place[REACH]
    while line < len(bounds) - 1:
        before_all, left, length, behind = line, np.uint64(0), np.uint64(0), np.uint64(0)
        while line < len(bounds) - 1 and behind < np.uint64(WINDOW):
            low, high = bounds[line] + 1, bounds[line + 1]
            at = max(at, low)
            base = dead if at >= high else root(automaton, walks, wanted, walked, line)
            if base == NO_ROOM:
                break
            if base == dead:
                line += 1
                continue
            first = length
            length, behind = _classify_all(automaton, window, text, low, at, high, first)
            left = begin_all(walks, window, np.uint64(base), first, behind, left)
            at = signed(window.offsets[behind])
        if behind == np.uint64(0) and line < len(bounds) - 1:
            place[LAST_LINE], place[REACH] = line, at
            return NO_ROOM
        told = follow_all(automaton, walks, window, left, bounds, wanted, before_all, events, place)
        if told != DONE:
            return told
    place[LAST_LINE], place[REACH] = line, at
    return DONE


@tight_loop
def sweep_screened(automaton: Automaton, walks: Walks, window: Window, pairs: Any, text: Bytes, words: Any, twos: Any,
                   bounds: Ints, wanted: Any, walked: Any, events: Events, place: Any) -> int:
    """The same where the prefilter lets few places through: `pairs` is its table, and the last word of `wanted[line]`
    are the bits of the buckets. `words` are the eight bytes from each offset of the text on, `twos` the byte before it
    and that at it."""
    roots, begins = window.roots, window.begins
    line, at, size, buckets = place[LAST_LINE], place[REACH], bounds[len(bounds) - 1], wanted.shape[1] - 1
    while at < size:
        before_all, stop, left, length = line, min(size, at + WINDOW), np.uint64(0), np.uint64(0)
        while at < stop:
            low, high = bounds[line] + 1, bounds[line + 1]
            if at >= high:
                line += 1
                at = max(at, high + 1)
                continue
            edge = min(stop, high)
            more = _screen(pairs, twos, at, edge, wanted[line, buckets], begins, left)
            if more > left:
                base = root(automaton, walks, wanted, walked, line)
                if base == NO_ROOM:
                    if left == 0:
                        place[LAST_LINE], place[REACH] = line, at
                        return NO_ROOM
                    break
                for index in range(left, more):
                    roots[index] = base
                length = _classify(automaton, window, text, words, low, high, left, more, length)
                left = more
            at = edge
        if left > 0:
            left = begin(walks, window, left)
            told = follow_all(automaton, walks, window, left, bounds, wanted, before_all, events, place)
            if told != DONE:
                return told
    place[LAST_LINE], place[REACH] = line, at
    return DONE



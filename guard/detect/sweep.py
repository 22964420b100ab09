"""One pass over a block: every match of every program that has openings, and of the others around given events.

Walks tell where a match of which program may begin (`sweep`), and the machine looks at these places (`confirm`).
Matches come as columns, in order of the block for each program; no two of one program overlap, as in a search by `re`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined, inlined_loop, tight_loop
from guard.detect.beginnings import DEPTH
from guard.detect.classes import PLANE
from guard.detect.machine import EXHAUSTED, LAST_CLOSED, STEPS, before, code_point, new_memory, run, run_here, width_at
from guard.detect.program import Programs
from guard.detect.walk import BEYOND, WINDOW, new_walks
from guard.detect.walk_loops import ACCEPTING, DEAD, NO_ROOM, ONCE, UNKNOWN, Automaton, Walks, advance, root

Bytes = Any
Events = Any
OUT_OF_STEPS, OUT_OF_ROOM = -1, -2
"""What is left of the patience of a program that was given up: it took too long, or the stack was too small."""
MARGIN = 8
"""Bytes behind the text that may be read."""
EVENTS = 1 << 16
"""Events that are noted before the machine looks at them."""
OPENING, AT, LINE = range(3)
"""Rows of events: the opening by which a match may begin, the offset, and the number of the line."""
NOTED = 2
"""The slot of the place that says how many events there are."""
_FARTHEST = DEPTH + 2
_NO_ROOM = np.uint64(NO_ROOM & (1 << 64) - 1)
FEW_NODES = 32
"""Of a state from which the machine is asked in place of a transition, the first time that one is wanted: what occurs
but once, as in random text, is dearer to make than to look at."""
STRIDES = 3
"""Of four characters each, for which walks are followed side by side."""


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

    def walks(self, automaton: Automaton) -> Walks:
        """The states of an automaton that this thread has met."""
        if self._walks is None or self._automaton is not automaton:
            self._automaton, self._walks = automaton, new_walks(automaton)
        # A walk accepts an opening once, and is left once with some that it has not done with.
        most = EVENTS + 2 * len(automaton.roots) + 1
        if self.events.shape[1] < most:
            self.events, self.order = np.empty((3, most), np.uint32), np.empty(most, np.int32)
        return self._walks

    def make_room(self, matches: int) -> None:
        """Room for so many matches, and as many again."""
        if self.out.shape[1] < matches:
            self.out = np.concatenate([self.out, np.empty((4, 2 * matches), np.int64)], axis=1)


@inlined
def _given_up(patience: int, left: int) -> int:
    if patience < 0:
        return patience
    return OUT_OF_STEPS if left < 0 else OUT_OF_ROOM


@tight_loop
def _keep(out: Any, count: int, program: int, group: int, at: int, end: int, line: int, memory: Any) -> int:
    """Adds a match; the new number of matches. What `judge.reported` says is reported."""
    start, stop, chosen = at, end, abs(group)
    if chosen > 0:
        if memory[2 * chosen] < 0 or memory[2 * chosen + 1] < 0:
            if group < 0:
                return count
            chosen = max(0, memory[LAST_CLOSED])
        if chosen > 0:
            start, stop = memory[2 * chosen], memory[2 * chosen + 1]
    if stop > start:
        out[0, count], out[1, count], out[2, count], out[3, count] = program, start, stop, line
        return count + 1
    return count


@inlined
def _signed(number: Any) -> Any:
    """A number without a sign as one with it: of both together the compiler would make a fraction."""
    return np.int64(number)


@inlined_loop
def _classify(automaton: Automaton, walks: Walks, text: Bytes, low: int, at: int, high: int) -> int:
    """Notes the classes and places of the characters from an offset on, and first the class before it; how many."""
    classes, kinds, offsets = automaton.classes, walks.kinds, walks.offsets
    kinds[0] = 0
    if at > low:
        code = code_point(text, before(text, low, at))
        kinds[0] = classes[min(code, PLANE)]
    length, reach = np.uint64(0), np.uint64(at)
    stop, most, one = np.uint64(high), np.uint64(WINDOW + BEYOND), np.uint64(1)
    while reach < stop and length < most:
        byte = text[reach]
        offsets[length] = reach
        length += one
        if byte < 0x80:
            kinds[length] = classes[byte]
            reach += one
        else:
            kinds[length] = classes[min(code_point(text, _signed(reach)), PLANE)]
            reach += np.uint64(2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
    offsets[length] = reach
    found: Any = np.int64(length)
    for index in range(found + 1, found + BEYOND):
        kinds[index] = 0
    return found


@inlined_loop
def _stride(walks: Walks, row: Any, ahead: Any) -> Any:
    """Where a walk is four characters on, with the bit ACCEPTING if it had it or something was accepted on the way."""
    table, kinds = walks.table, walks.kinds
    rows, flag = np.uint64(ACCEPTING - 1), np.uint64(ACCEPTING)
    first = np.uint64(table[(row & rows) + np.uint64(kinds[ahead])])
    second = np.uint64(table[(first & rows) + np.uint64(kinds[ahead + np.uint64(1)])])
    third = np.uint64(table[(second & rows) + np.uint64(kinds[ahead + np.uint64(2)])])
    fourth = np.uint64(table[(third & rows) + np.uint64(kinds[ahead + np.uint64(3)])])
    return fourth | (row | first | second | third) & flag


@inlined_loop
def _thin_out(walks: Walks, base: Any, length: int) -> int:
    """Notes the places of a window whose walks are still going after some strides, or accepted something; how many.

    Most walks end within a few characters. They are taken without a question in between, since a wrong guess of the
    processor costs more than some steps: first that from each place, then those that are left, and so on.
    """
    places, reached = walks.places, walks.rows
    # The compiler looks for numbers below zero before each index, but not where there are none.
    dead, left, one = np.uint64(DEAD * (len(walks.table) // len(walks.ends))), np.uint64(0), np.uint64(1)
    start, behind = np.uint64(0), np.uint64(length)
    while start < behind:
        row = _stride(walks, base, start)
        places[left], reached[left] = start, row
        left += np.uint64(row != dead)
        start += one
    for stride in range(1, STRIDES):
        index, behind, left = np.uint64(0), left, np.uint64(0)
        while index < behind:
            place = np.uint64(places[index])
            row = _stride(walks, np.uint64(reached[index]), place + np.uint64(4 * stride))
            places[left], reached[left] = place, row
            left += np.uint64(row != dead)
            index += one
    return int(left)


@inlined_loop
def _note(walks: Walks, automaton: Automaton, row: Any, deep: Any, at: Any, line: int, wanted: Any, events: Any,
          count: Any) -> Any:
    """Adds the openings by which a match may begin at an offset: those a state accepts, or all it has not done with.

    Returns the new number of events.
    """
    state, last = np.uint64(walks.table[row + np.uint64(len(walks.table) // len(walks.ends) - 1)]), np.uint64(1 << 32)
    ends = walks.ends if deep else walks.accept_ends
    for index in range(ends[state - np.uint64(1)], ends[state]):
        opening = np.uint64(automaton.openings[walks.listed[index]] if deep else walks.accepts[index])
        if opening == last:
            continue
        last = opening
        events[OPENING, count], events[AT, count], events[LINE, count] = opening, at, line
        count += wanted[line, opening >> np.uint64(6)] >> (opening & np.uint64(63)) & np.uint64(1)
    return count


@inlined_loop
def _has_few_nodes(walks: Walks, row: Any) -> bool:
    """Whether the machine had better look at the place of a walk than a transition be made from this state."""
    state = np.uint64(walks.table[row + np.uint64(len(walks.table) // len(walks.ends) - 1)])
    return walks.ends[state] - walks.ends[state - np.uint64(1)] <= FEW_NODES


@tight_loop
def sweep(automaton: Automaton, walks: Walks, text: Bytes, bounds: Ints, wanted: Any, walked: Any, events: Events,
          place: Any) -> int:
    """Fills `events` with the openings by which a match may begin somewhere, from `place` = (line, offset) on.

    `bounds` are the offsets of the line ends, with one before the first byte. `wanted[line]` are the bits of the
    openings that are looked for in a line, `walked` those that are followed in every line, so that lines have few
    different roots. An event may come twice. Returns how many there are, of all lines when `place` is behind the last:
    otherwise confirm them and call again. NO_ROOM when the walks are full: then make room and call again.
    """
    table, kinds, offsets, places, reached = walks.table, walks.kinds, walks.offsets, walks.places, walks.rows
    columns, unknown, flag = np.uint64(len(table) // len(walks.ends)), np.uint64(UNKNOWN), np.uint64(ACCEPTING)
    dead, once = np.uint64(DEAD) * columns, np.uint64(ONCE) * columns
    one, strides, rows, farthest = np.uint64(1), np.uint64(4 * STRIDES), np.uint64(ACCEPTING - 1), np.uint64(_FARTHEST)
    room, count = np.uint64(EVENTS), np.uint64(place[NOTED])
    for line in range(place[0], len(bounds) - 1):
        low, high = bounds[line] + 1, bounds[line + 1]
        at = max(low, place[1]) if line == place[0] else low
        if at >= high:
            continue
        rooted = root(automaton, walks, wanted, walked, line)
        if rooted == NO_ROOM:
            place[0], place[1], place[NOTED] = line, at, count
            return NO_ROOM
        base = np.uint64(rooted)
        if base == dead:
            continue
        while at < high:
            length = _classify(automaton, walks, text, low, at, high)
            if offsets[length] < high:
                length = WINDOW
            for survivor in range(_thin_out(walks, base, length)):
                start, row = np.uint64(places[survivor]), np.uint64(reached[survivor])
                ahead = start + strides
                if row >= flag or row <= once:
                    row, ahead = base, start
                if count >= room:
                    place[0], place[1], place[NOTED] = line, offsets[start], count
                    return _signed(count)
                while row != dead:
                    if row >= flag or ahead - start > farthest:
                        if row == _NO_ROOM:
                            place[0], place[1], place[NOTED] = line, offsets[start], count
                            return NO_ROOM
                        deep = row < flag
                        row &= rows
                        count = _note(walks, automaton, row, deep, offsets[start], line, wanted, events, count)
                        if deep:
                            break
                    following = np.uint64(table[row + np.uint64(kinds[ahead])])
                    if following <= once:
                        # Only walks know what stands before a match, so that their first step is always taken.
                        if following == unknown and ahead != start and _has_few_nodes(walks, row):
                            table[row + np.uint64(kinds[ahead])] = once
                            count = _note(walks, automaton, row, True, offsets[start], line, wanted, events, count)
                            break
                        following = np.uint64(advance(automaton, walks, _signed(row), int(kinds[ahead])))
                    row = following
                    ahead += one
            at = offsets[length]
    place[0], place[NOTED] = len(bounds), count
    return _signed(count)


@tight_loop
def confirm(programs: Programs, starts: Starts, text: Bytes, bounds: Ints, events: Events, noted: int, edges: Ints,
            order: Any, out: Any, count: int, resume: Any, memory: Any, patience: Any) -> int:
    """Fills `out`, from `count` on, with the matches that begin at the first `noted` events; how many there are then.

    Program by program, those of one as they come: the processor guesses better where what comes next is like what came
    before. `resume[program]` is where its last match ended, `patience[program]` how many steps it has left. `edges`,
    one more than programs, and `order` are working memory; `out` has room for a match of each event.
    """
    owners = starts.owners
    edges[:] = 0
    for event in range(noted):
        edges[owners[events[OPENING, event]] + 1] += 1
    for program in range(1, len(edges)):
        edges[program] += edges[program - 1]
    for event in range(noted):
        program = owners[events[OPENING, event]]
        order[edges[program]] = event
        edges[program] += 1
    first = 0
    for program in range(len(starts.addresses)):
        address, group = starts.addresses[program], starts.groups[program]
        for index in range(first, edges[program]):
            at, line = int(events[AT, order[index]]), int(events[LINE, order[index]])
            if resume[program] > at or patience[program] < 0:
                continue
            low, high = bounds[line] + 1, bounds[line + 1]
            memory[STEPS] = patience[program]
            end = run_here(programs, address, text, low, high, at, memory)
            patience[program] = memory[STEPS] if end != EXHAUSTED else _given_up(patience[program], memory[STEPS])
            if end >= 0:
                resume[program] = max(end, at + 1)
                count = _keep(out, count, program, group, at, end, line, memory)
        first = edges[program]
    return count


@tight_loop
def around(programs: Programs, starts: Starts, text: Bytes, bounds: Ints, event_programs: Ints, event_ends: Ints,
           backs: Ints, out: Any, resume: Any, memory: Any, patience: Any, place: Any) -> int:
    """Fills `out` with the matches that begin at most `backs[program]` characters before an event, from `place` on.

    Events are sorted by their end. `backs` of -1 look at the whole line. Returns as `sweep` does.
    """
    addresses, groups = starts.addresses, starts.groups
    room, count, line = out.shape[1] - 8, place[2], place[0]
    for event in range(place[1], len(event_ends)):
        program, last = event_programs[event], event_ends[event]
        if patience[program] < 0:
            continue
        # An event may have swallowed the end of its line.
        inside = max(last - 1, 0)
        if text[inside] == 10 or text[inside] == 13:
            inside -= 1
        while bounds[line + 1] < inside:
            line += 1
        while line > 0 and bounds[line] >= inside:
            line -= 1
        low, high = bounds[line] + 1, bounds[line + 1]
        at = low
        if backs[program] >= 0:
            at = min(last, high)
            steps = backs[program]
            while at > low and steps > 0:
                at -= 1
                while at > low and text[at] & 0xC0 == 0x80:
                    at -= 1
                steps -= 1
        at = max(at, resume[program])
        limit = min(last, high)
        while at < limit or (backs[program] < 0 and at < high):
            memory[STEPS] = patience[program]
            end = run(programs, addresses[program], text, low, high, at, memory)
            if end == EXHAUSTED:
                patience[program] = _given_up(patience[program], memory[STEPS])
                break
            patience[program] = memory[STEPS]
            if end < 0:
                at += width_at(text, at)
                continue
            if count >= room:
                place[0], place[1], place[2] = line, event, count
                resume[program] = max(resume[program], at)
                return -count - 1
            count = _keep(out, count, program, groups[program], at, end, line, memory)
            at = max(end, at + width_at(text, at))
        resume[program] = max(resume[program], at)
    place[2] = count
    return count

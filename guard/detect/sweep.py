"""One pass over a block: every match of every program that has openings, and of the others around given events.

Matches come as columns, in order of the block for each program; no two of one program overlap, as in a search by `re`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined, tight_loop
from guard.detect.machine import EXHAUSTED, LAST_CLOSED, SPARE, STEPS, before, code_point, new_memory, run, width_at
from guard.detect.openings import PLACES, RUNS
from guard.detect.program import Programs
from guard.detect.triggers import PLANE, Triggers

Bytes = Any
RUN_KINDS = len(RUNS)
_HAN_KIND = RUN_KINDS - 1
_KINDS_OF = np.array([sum((code in run.ascii) << kind for kind, run in enumerate(RUNS)) for code in range(128)]
                     + [0] * 128, np.uint8)
"""The bits of the runs that each byte belongs to."""
LONGEST_RUN = 96
"""Runs are measured so far; of a longer one nothing else is known."""
OUT_OF_STEPS, OUT_OF_ROOM = -1, -2
"""What is left of the patience of a program that was given up: it took too long, or the stack was too small."""
MARGIN = 8
"""Bytes behind the text that may be read."""
FURTHER = PLACES - 2
PASSED = SPARE + 2 * RUN_KINDS
AHEAD = PASSED + 4
"""Slots of the memory: which sets of `Triggers.alike` are passed by in this line, and the characters ahead."""
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT_NUMBERS = np.zeros(64, np.int64)
for _bit in range(64):
    _BIT_NUMBERS[((1 << _bit) * int(_DE_BRUIJN) >> 58) & 63] = _bit


class Starts(NamedTuple):
    """Of each program: `addresses` and the `groups` that are reported; of each opening the program: `owners`."""

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

    def grow(self) -> None:
        """Twice as much room for matches."""
        self.out = np.concatenate([self.out, np.empty_like(self.out)], axis=1)


@inlined
def _class_at(classes: Any, text: Bytes, at: int) -> int:
    byte = text[at]
    if byte < 0x80:
        return classes[byte]
    code = code_point(text, at)
    return classes[code if code < PLANE else PLANE]


@tight_loop
def _measure(text: Bytes, at: int, high: int, kind: int, classes: Any, memory: Any) -> None:
    """Notes how many characters from here on belong to a run, at most LONGEST_RUN, and the class behind them."""
    count = 0
    while at < high and count < LONGEST_RUN:
        byte = text[at]
        if kind == _HAN_KIND:
            if byte < 0xE4 or byte > 0xE9 or not 0x4E00 <= code_point(text, at) <= 0x9FA5:
                break
            at += 3
        else:
            if _KINDS_OF[byte] >> kind & 1 == 0:
                break
            at += 1
        count += 1
    memory[SPARE + kind] = count
    memory[SPARE + RUN_KINDS + kind] = _class_at(classes, text, at) if at < high else 0


@inlined
def _given_up(patience: int, left: int) -> int:
    if patience < 0:
        return patience
    return OUT_OF_STEPS if left < 0 else OUT_OF_ROOM


@tight_loop
def _keep(out: Any, count: int, program: int, group: int, at: int, end: int, line: int, memory: Any) -> int:
    """Adds a match; the new number of matches. What `judge.reported` says is reported."""
    start, stop = at, end
    if group > 0:
        chosen = group
        if memory[2 * chosen] < 0 or memory[2 * chosen + 1] < 0:
            chosen = max(0, memory[LAST_CLOSED])
        if chosen > 0:
            start, stop = memory[2 * chosen], memory[2 * chosen + 1]
    if stop > start:
        out[0, count], out[1, count], out[2, count], out[3, count] = program, start, stop, line
        return count + 1
    return count


@inlined
def _lowest(bits: Any) -> int:
    """The number of the lowest bit that is set: by the multiplication with a sequence of de Bruijn."""
    return _BIT_NUMBERS[((bits & (~bits + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)]


@inlined
def _may_match(triggers: Triggers, opening: int, text: Bytes, at: int, high: int, memory: Any) -> bool:
    """Whether the runs that begin at an offset are those of an opening."""
    kind = triggers.runs[opening, 0]
    if kind >= 0:
        if memory[SPARE + kind] < 0:
            _measure(text, at, high, kind, triggers.classes, memory)
        if memory[SPARE + kind] < triggers.runs[opening, 1]:
            return False
    kind = triggers.stretches[opening, 0]
    if kind < 0:
        return True
    if memory[SPARE + kind] < 0:
        _measure(text, at, high, kind, triggers.classes, memory)
    length = memory[SPARE + kind]
    return length == LONGEST_RUN or (triggers.stretches[opening, 1] <= length <= triggers.stretches[opening, 2]
                                     and triggers.following[opening, memory[SPARE + RUN_KINDS + kind]])


@inlined
def _class_ahead(classes: Any, text: Bytes, high: int, place: int, memory: Any) -> int:
    """The class of the character at a place behind the second one, noted in case it is asked for again.

    `memory[AHEAD]` is how many are known, then come their classes, then where the last known one stands.
    """
    while memory[AHEAD] <= place:
        at = memory[AHEAD + FURTHER + 1]
        if at < high:
            at += width_at(text, at)
        memory[AHEAD] += 1
        memory[AHEAD + memory[AHEAD]] = _class_at(classes, text, at) if at < high else 0
        memory[AHEAD + FURTHER + 1] = at
    return memory[AHEAD + 1 + place]


@tight_loop
def sweep(programs: Programs, triggers: Triggers, starts: Starts, text: Bytes, bounds: Ints, wanted: Any, out: Any,
          resume: Any, memory: Any, patience: Any, place: Any) -> int:
    """Fills `out` with the matches of the programs that have openings, from `place` = (line, offset, count) on.

    `bounds` are the offsets of the line ends, with one before the first byte. `wanted[line]` are the bits of the
    openings that are looked for in a line (`Triggers`); `resume[program]` is where its last match ended,
    `patience[program]` how many steps it has left. Returns how many matches there are, or the complement of it when
    `out` is full: then call again with more room.
    """
    addresses, groups, owners = starts.addresses, starts.groups, starts.owners
    classes, pairs, before_of, lists = triggers.classes, triggers.pairs, triggers.before, triggers.lists
    further, alike, midst = triggers.further, triggers.alike, triggers.midst
    memory[PASSED] = 0
    room, count = out.shape[1] - 600, place[2]
    for line in range(place[0], len(bounds) - 1):
        low, high = bounds[line] + 1, bounds[line + 1]
        at = low
        if line == place[0] and place[1] > low:
            at = place[1]
        if at >= high:
            continue
        prior = 0
        if at > low:
            prior = _class_at(classes, text, before(text, low, at))
        current = _class_at(classes, text, at)
        words = lists.shape[1]
        while words > 0 and wanted[line, words - 1] == 0:
            words -= 1
        for kind in range(len(midst)):
            memory[PASSED + 1 + kind] = 1
            for word in range(words):
                if midst[kind, word] & wanted[line, word] != 0:
                    memory[PASSED + 1 + kind] = 0
                    break
        while at < high:
            following = at + width_at(text, at)
            coming = _class_at(classes, text, following) if following < high else 0
            kind = alike[current]
            if alike[prior] == kind and alike[coming] == kind and memory[PASSED + kind] != 0:
                prior, current, at = current, coming, following
                continue
            number = pairs[current, coming]
            if number != 0:
                ready = False
                for word in range(words):
                    bits = lists[number, word] & before_of[prior, word] & wanted[line, word]
                    if bits == 0:
                        continue
                    if not ready:
                        if count >= room:
                            place[0], place[1], place[2] = line, at, count
                            return -count - 1
                        memory[AHEAD], memory[AHEAD + FURTHER + 1] = 0, following
                        for kind in range(RUN_KINDS):
                            memory[SPARE + kind] = -1
                        ready = True
                    for index in range(FURTHER):
                        bits &= further[index, _class_ahead(classes, text, high, index, memory), word]
                        if bits == 0:
                            break
                    while bits != 0:
                        opening = 64 * word + _lowest(bits)
                        bits &= bits - np.uint64(1)
                        program = owners[opening]
                        if resume[program] > at or patience[program] < 0 or not _may_match(
                                triggers, opening, text, at, high, memory):
                            continue
                        memory[STEPS] = patience[program]
                        end = run(programs, addresses[program], text, low, high, at, memory)
                        patience[program] = memory[STEPS] if end != EXHAUSTED else _given_up(
                            patience[program], memory[STEPS])
                        if end >= 0:
                            resume[program] = max(end, at + 1)
                            count = _keep(out, count, program, groups[program], at, end, line, memory)
            prior, current, at = current, coming, following
    place[0], place[2] = len(bounds), count
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

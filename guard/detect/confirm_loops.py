"""Matches of programs where they may begin: at the places that a sweep noted, and around given events.

Matches come as columns, in order of the block for each program; no two of one program overlap, as in a search by `re`.
"""

from __future__ import annotations

from typing import Any

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.machine import EXHAUSTED, LAST_CLOSED, STEPS, run, run_here, width_at
from guard.detect.program import Programs
from guard.detect.stride_loops import AT, LINE, OPENING
from guard.detect.sweep import Bytes, Events, Starts

OUT_OF_STEPS, OUT_OF_ROOM = -1, -2
"""What is left of the patience of a program that was given up: it took too long, or the stack was too small."""


@inlined_loop
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
           backs: Ints, out: Any, resume: Any, memory: Any, patience: Any, place: Any) -> Any:
    """Fills `out` with the matches that begin at most `backs[program]` characters before an event, from `place` on.

    Events are sorted by their end. `backs` of -1 look at the whole line. Returns how many there are; below zero when
    there is no room for more: then make some and call again.
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

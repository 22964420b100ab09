"""Patterns as tables, walked through the lines of a block of few ASCII characters: `guard.detect.cell_walks`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.detect.machine import EXHAUSTED, LAST_CLOSED, STEPS, run

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
OUT_OF_PATIENCE = -1


class Tables(NamedTuple):
    """The automata of some patterns, one behind the other.

    Of pattern n `moves[first[n] + 128 * state + byte]` is the next state, 0 when there is none; the first state is 1.
    `ends[first[n] // 128 + state]` says whether a match may end in a state. `barred[n]` are the bytes that may stand
    neither before nor behind a match.
    An `exact` table is as good as the pattern, an `edged` one where a match fills its line; elsewhere the program at
    `addresses[n]` decides, which also tells the span of the group that is reported, if `groups[n]` is one (below 0:
    that or nothing). `numbers[n]` is the number of the pattern, and matches have `least[n]` bytes or more.
    """

    moves: npt.NDArray[np.uint16]
    ends: Mask
    first: Ints
    barred: Mask
    exact: Mask
    edged: Mask
    addresses: Ints
    groups: Ints
    numbers: Ints
    least: Ints


class Joint(NamedTuple):
    """The automata of some patterns as one, which may all not be touched by the same bytes.

    A character is one of the `kinds[byte]`, of which those below `closed` may not touch a match. The next state is
    `moves[state << shift | kind]`; bit n of `ends[state]` says that pattern `members[n]` of the tables may end there.
    """

    kinds: Bytes
    moves: npt.NDArray[np.uint16]
    ends: Ints
    members: Ints
    shift: int
    closed: int


@tight_loop
def walk_together(joint: Joint, tables: Tables, text: Bytes, bounds: Ints, programs: Any, memory: Any, patience: Ints,
                  out: Ints, rest: Ints) -> tuple[int, int]:
    """Fills `out` with the matches, as `walk` does, in all lines in which they can begin at the beginning only, and end
    at the end or one byte before; and `rest` with the numbers of the other lines. How many there are of both.

    `out` has room for a match of each pattern in each line; `patience` is that of each pattern.
    """
    kinds, moves, closed = joint.kinds, joint.moves, joint.closed
    shift, count, left = np.uint64(joint.shift), 0, 0
    for line in range(len(bounds) - 1):
        low, last = bounds[line] + 1, bounds[line + 1] - 1
        at, state = low, np.uint64(1)
        while at < last and kinds[text[at] & 127] < closed:
            state = np.uint64(moves[state << shift | np.uint64(kinds[text[at] & 127])])
            at += 1
        if at < last:
            rest[left] = line
            left += 1
            continue
        if last < low:
            continue
        kind = kinds[text[last] & 127]
        before = joint.ends[state] if kind >= closed else 0
        found = joint.ends[moves[state << shift | np.uint64(kind)]] | before
        bit = 0
        while found >> bit:
            index = joint.members[bit]
            if found >> bit & 1 and (before >> bit & 1 or not tables.exact[index]):
                count = _walk_line(tables, text, low, last + 1, line, programs, memory, patience, out, index, count)
                if count == OUT_OF_PATIENCE:
                    return count, left
            elif found >> bit & 1:
                out[0, count], out[1, count], out[2, count], out[3, count] = tables.numbers[index], low, last + 1, line
                count += 1
            bit += 1
    return count, left


@tight_loop
def walk(tables: Tables, text: Bytes, bounds: Ints, lines: Ints, programs: Any, memory: Any, patience: Ints, out: Ints,
         index: int) -> int:
    """Fills the columns of `out` with the matches of pattern `index` in these lines, as rows (pattern, start, end,
    line); returns how many there are, or OUT_OF_PATIENCE. `out` has room for a match at each byte."""
    count = 0
    for line in lines:
        low, high = bounds[line] + 1, bounds[line + 1]
        if high - low >= tables.least[index]:
            count = _walk_line(tables, text, low, high, line, programs, memory, patience, out, index, count)
            if count == OUT_OF_PATIENCE:
                break
    return count


@tight_loop
def _walk_line(tables: Tables, text: Bytes, low: int, high: int, line: int, programs: Any, memory: Any, patience: Ints,
               out: Ints, index: int, count: int) -> int:
    """Adds the matches of one pattern in one line to the `count` columns of `out`."""
    moves, ends, barred, first = tables.moves, tables.ends, tables.barred[index], tables.first[index]
    at = low
    while at < high:
        if at > low and barred[text[at - 1]]:
            at += 1
            continue
        state, place, found, stop = 1, at, 0, at
        while place < high:
            state = moves[first + (state << 7 | text[place] & 127)]
            if state == 0:
                break
            place += 1
            if ends[(first >> 7) + state] and (place == high or not barred[text[place]]):
                found += 1
                stop = place
        if found > 1 or (found == 1 and (not tables.exact[index] or (
                tables.edged[index] and (at > low or stop < high)))):
            memory[STEPS] = patience[index]
            stop = run(programs, tables.addresses[index], text, low, high, at, memory)
            patience[index] = memory[STEPS]
            if stop == EXHAUSTED:
                return OUT_OF_PATIENCE
            stop = max(stop, at)
        if stop > at:
            out[0, count], out[1, count], out[2, count], out[3, count] = tables.numbers[index], at, stop, line
            count += _report(out, count, tables.groups[index], memory)
            at = stop
        else:
            at += 1
    return count


@tight_loop
def _report(out: Ints, count: int, group: int, memory: Any) -> Any:
    """Puts the span of the reported group in place of a match (`judge.reported`); whether there is any."""
    chosen = abs(group)
    if chosen > 0 and (memory[2 * chosen] < 0 or memory[2 * chosen + 1] < 0):
        chosen = max(0, memory[LAST_CLOSED]) if group > 0 else -1
    if chosen > 0:
        out[1, count], out[2, count] = memory[2 * chosen], memory[2 * chosen + 1]
    return chosen >= 0 and out[2, count] > out[1, count]

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
    that or nothing). `numbers[n]` is the number of the pattern, and matches have from `least[n]` to `most[n]` bytes.
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
    most: Ints


@tight_loop
def find_runs(barred: Mask, text: Bytes, bounds: Ints, whole: Mask) -> None:
    """For which lines a match can begin at their beginning only, and end at their end or one byte before: all but the
    last byte is barred."""
    for line in range(len(bounds) - 1):
        at, last = bounds[line] + 1, bounds[line + 1] - 1
        while at < last and barred[text[at]]:
            at += 1
        whole[line] = at >= last


@tight_loop
def walk(tables: Tables, text: Bytes, bounds: Ints, whole: Mask, programs: Any, memory: Any, patience: int, out: Ints,
         index: int, count: int) -> int:
    """Adds the matches of pattern `index` as rows (pattern, start, end, line) to the `count` columns of `out`; returns
    how many there are then, or OUT_OF_PATIENCE. `out` has room for a match at each byte. `whole` is from `find_runs`.
    """
    moves, ends, barred = tables.moves, tables.ends, tables.barred[index]
    first, number = tables.first[index], tables.numbers[index]
    exact, edged, group = tables.exact[index], tables.edged[index], tables.groups[index]
    least, most = tables.least[index], tables.most[index]
    for line in range(len(bounds) - 1):
        low, high = bounds[line] + 1, bounds[line + 1]
        if high - low < least or (whole[line] and high - low - (not barred[text[high - 1]]) > most):
            continue
        at = low
        while at < high:
            if at > low and barred[text[at - 1]]:
                if whole[line]:
                    break
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
            if found > 1 or (found == 1 and (not exact or (edged and (at > low or stop < high)))):
                memory[STEPS] = patience
                stop = run(programs, tables.addresses[index], text, low, high, at, memory)
                patience = memory[STEPS]
                if stop == EXHAUSTED:
                    return OUT_OF_PATIENCE
                stop = max(stop, at)
            if stop > at:
                out[0, count], out[1, count], out[2, count], out[3, count] = number, at, stop, line
                count += _report(out, count, group, memory)
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

"""Walks from many places of a text, taken side by side, and what they found in the order of the places.

What costs is not the steps but what the processor guesses wrongly. So walks take four characters at once, all of them
without a question in between; what a stride met is gone through again once all have ended, and put in order last.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop
from guard.detect.beginnings import DEPTH
from guard.detect.walk import BEYOND, WIDEST, WINDOW
from guard.detect.walk_loops import ACCEPTING, DEAD, NO_ROOM, ONCE, UNKNOWN, Automaton, Walks, advance

Numbers = npt.NDArray[np.uint32]
OPENING, AT, LINE = range(3)
"""Rows of events: the opening by which a match may begin, the offset, and the number of the line."""
EVENTS = 1 << 16
"""Events that are noted before the machine looks at them."""
DONE, FULL = 0, 1
LAST_LINE, REACH, NOTED = range(3)
"""Slots of a place: the number of its line, its offset, and how many events there are."""
FIRST, STEPS = 3, 4
"""Characters of the first stride, after which most walks have ended, and of a further one."""
STRIDES = 4
"""For which walks are taken side by side."""
FEW_NODES = 32
"""Of a state from which the machine is asked in place of a transition, the first time that one is wanted: what occurs
but once, as in random text, is dearer to make than to look at."""
_FARTHEST = DEPTH + 2
_MOST = 2 * (WINDOW + WIDEST * BEYOND)
_MOST_NOTES = _MOST * (DEPTH + 4)


class Window(NamedTuple):
    """Working memory for the walks from the places of a few thousand bytes.

    `kinds` are the classes of characters, and `offsets` where the one behind each begins. Where places are few,
    `begins` are their offsets and `places` the numbers of what stands before them among `kinds`, found by the
    `numbers` of offsets.
    Walk n begins behind the class `left[n]`, with the row `roots[n]`. Before each stride `going` are the walks that
    have not ended, at `rows`, and `met` are those of these which accept something in it. `noted` are walks that accept
    what the states at `noted_rows` do (with the bit ACCEPTING) or may still do (without), in any order; `order` is
    theirs by walk, and `edges` where the notes of each walk are in it.
    """

    kinds: npt.NDArray[np.uint16]
    offsets: Numbers
    numbers: Numbers
    begins: Numbers
    places: Numbers
    left: Numbers
    roots: Numbers
    edges: Numbers
    going: Numbers
    rows: Numbers
    met: Numbers
    noted: Numbers
    noted_rows: Numbers
    order: Numbers


def new_window() -> Window:
    """Room for one thread; memory is used only as far as it is filled."""
    shapes: list[int | tuple[int, int]] = [*[_MOST] * 7, *[(STRIDES, _MOST)] * 3, *[_MOST_NOTES] * 3]
    return Window(np.zeros(_MOST, np.uint16), *(np.zeros(shape, np.uint32) for shape in shapes))


@inlined_loop
def signed(number: Any) -> Any:
    """A number without a sign as one with it: of both together the compiler would make a fraction."""
    return np.int64(number)


@inlined_loop
def _dead(walks: Walks) -> Any:
    """The row of walks that have ended. The compiler looks for numbers below zero before each index, but not where
    there are none."""
    return np.uint64(DEAD * (len(walks.table) // len(walks.ends)))


@inlined_loop
def _stride(walks: Walks, window: Window, row: Any, ahead: Any, steps: int) -> Any:
    """Where a walk is some characters on, with the bit ACCEPTING if something was accepted on the way."""
    rows, met = np.uint64(ACCEPTING - 1), np.uint64(0)
    for step in range(steps):
        row = np.uint64(walks.table[(row & rows) + np.uint64(window.kinds[ahead + np.uint64(step)])])
        met |= row
    return row | met & np.uint64(ACCEPTING)


@inlined_loop
def begin_all(walks: Walks, window: Window, base: Any, first: Any, behind: Any, kept: Any) -> Any:
    """Adds those of some places in a row that have walks from one root that are still going after a stride, or accepted
    something, to so many that there are; how many then."""
    left, rows, before_all = window.left, window.rows, kept
    dead, one, place = _dead(walks), np.uint64(1), np.uint64(first)
    while place < behind:
        row = _stride(walks, window, base, place, FIRST)
        left[kept], rows[0, kept] = place, row
        kept += np.uint64(row != dead)
        place += one
    window.roots[before_all:kept] = base
    return kept


@inlined_loop
def begin(walks: Walks, window: Window, count: Any) -> Any:
    """Notes those of so many places with roots of their own; how many."""
    places, roots, left, rows = window.places, window.roots, window.left, window.rows
    dead, kept, one = _dead(walks), np.uint64(0), np.uint64(1)
    index, behind = np.uint64(0), np.uint64(count)
    while index < behind:
        base, place = np.uint64(roots[index]), np.uint64(places[index])
        row = _stride(walks, window, base, place, FIRST)
        roots[kept], left[kept], rows[0, kept] = base, place, row
        kept += np.uint64(row != dead)
        index += one
    return kept


@inlined_loop
def _second(walks: Walks, window: Window, count: Any) -> Any:
    """Of so many walks those that met something in their first stride, those that do in the second, and those that go
    on then; how many of each. One that met something may have ended: a further stride leaves it so."""
    going, rows, met, left = window.going, window.rows, window.met, window.left
    dead, last, one = _dead(walks), np.uint64(ACCEPTING - 1), np.uint64(1)
    walk, kept, firsts, hits = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
    while walk < count:
        before = np.uint64(rows[0, walk])
        row = _stride(walks, window, before & last, np.uint64(left[walk]) + _gone_before(1), STEPS)
        met[0, firsts], met[1, hits], going[1, kept], rows[1, kept] = walk, walk, walk, row & last
        firsts += before >> np.uint64(31)
        hits += row >> np.uint64(31)
        kept += np.uint64(row & last != dead)
        walk += one
    return firsts, hits, kept


@inlined_loop
def _further(walks: Walks, window: Window, stride: int, count: Any) -> Any:
    """Which of the walks that are going meet something in a further stride, and which go on; how many of both."""
    going, rows, met, left = window.going, window.rows, window.met, window.left
    dead, last, one = _dead(walks), np.uint64(ACCEPTING - 1), np.uint64(1)
    index, kept, hits = np.uint64(0), np.uint64(0), np.uint64(0)
    while index < count:
        walk, before = np.uint64(going[stride - 1, index]), np.uint64(rows[stride - 1, index])
        row = _stride(walks, window, before, np.uint64(left[walk]) + _gone_before(stride), STEPS)
        met[stride, hits], going[stride, kept], rows[stride, kept] = index, walk, row & last
        hits += row >> np.uint64(31)
        kept += np.uint64(row & last != dead)
        index += one
    return hits, kept


@inlined_loop
def _gone_before(stride: int) -> Any:
    """How many characters walks have gone before a stride behind the first."""
    return np.uint64(FIRST + STEPS * (stride - 1))


@inlined_loop
def _note_first(walks: Walks, window: Window, hits: Any) -> Any:
    """Notes the states that accept something in the first stride of so many walks; how many."""
    hit, notes, one = np.uint64(0), np.uint64(0), np.uint64(1)
    while hit < hits:
        walk = np.uint64(window.met[0, hit])
        row, ahead = np.uint64(window.roots[walk]), np.uint64(window.left[walk])
        notes = _note_met(walks, window, walk, row, ahead, FIRST, notes)
        hit += one
    return notes


@inlined_loop
def _note_further(walks: Walks, window: Window, stride: int, hits: Any, notes: Any) -> Any:
    """The same in a further stride, added to so many notes."""
    hit, one = np.uint64(0), np.uint64(1)
    while hit < hits:
        index = np.uint64(window.met[stride, hit])
        walk = index if stride == 1 else np.uint64(window.going[stride - 1, index])
        row, ahead = np.uint64(window.rows[stride - 1, index]), np.uint64(window.left[walk]) + _gone_before(stride)
        notes = _note_met(walks, window, walk, row, ahead, STEPS, notes)
        hit += one
    return notes


@inlined_loop
def _note_met(walks: Walks, window: Window, walk: Any, row: Any, ahead: Any, steps: int, notes: Any) -> Any:
    """Adds the states that accept something within some steps from a row to so many notes; how many then."""
    rows = np.uint64(ACCEPTING - 1)
    for step in range(steps):
        row = np.uint64(walks.table[(row & rows) + np.uint64(window.kinds[ahead + np.uint64(step)])])
        window.noted[notes], window.noted_rows[notes] = walk, row
        notes += row >> np.uint64(31)
    return notes


@inlined_loop
def _has_few_nodes(walks: Walks, row: Any) -> Any:
    """Whether the machine had better look at the place of a walk than a transition be made from this state."""
    state = np.uint64(walks.table[row + np.uint64(len(walks.table) // len(walks.ends) - 1)])
    return walks.ends[state] - walks.ends[state - np.uint64(1)] <= FEW_NODES


@inlined_loop
def _follow(automaton: Automaton, walks: Walks, window: Window, count: Any, notes: Any) -> Any:
    """Follows the walks that go on to their ends, one by one, and from their beginning where a state has to be made;
    how many notes there are then, and the first walk for which there was no room, or one beyond all."""
    table, kinds, noted, noted_rows = walks.table, window.kinds, window.noted, window.noted_rows
    columns, unknown, flag = np.uint64(len(table) // len(walks.ends)), np.uint64(UNKNOWN), np.uint64(ACCEPTING)
    dead, once, one, last = _dead(walks), np.uint64(ONCE) * columns, np.uint64(1), np.uint64(ACCEPTING - 1)
    farthest, strides, no_room = np.uint64(_FARTHEST), _gone_before(STRIDES), np.uint64(NO_ROOM & (1 << 64) - 1)
    index = np.uint64(0)
    while index < count:
        walk, row = np.uint64(window.going[STRIDES - 1, index]), np.uint64(window.rows[STRIDES - 1, index])
        start = np.uint64(window.left[walk])
        ahead = start + strides
        if row <= once:
            row, ahead = np.uint64(window.roots[walk]), start
        while row != dead:
            noted[notes], noted_rows[notes] = walk, row
            if row >= flag:
                if row == no_room:
                    return notes, walk
                notes += one
                row &= last
            elif ahead - start > farthest:
                notes += one
                break
            following = np.uint64(table[row + np.uint64(kinds[ahead])])
            if following <= once:
                # Only walks know what stands before a match, so that their first step is always taken.
                if following == unknown and ahead != start and _has_few_nodes(walks, row):
                    table[row + np.uint64(kinds[ahead])] = once
                    noted[notes], noted_rows[notes] = walk, row
                    notes += one
                    break
                following = np.uint64(advance(automaton, walks, signed(row), int(kinds[ahead])))
            row = following
            ahead += one
        index += one
    return notes, np.uint64(_MOST)


@inlined_loop
def _put_in_order(window: Window, count: Any, notes: Any) -> None:
    """Orders so many notes by their walks, of which there are so many."""
    noted, order, edges, one = window.noted, window.order, window.edges, np.uint64(1)
    edges[: count + one] = 0
    note = np.uint64(0)
    while note < notes:
        edges[np.uint64(noted[note]) + one] += np.uint32(1)
        note += one
    walk = one
    while walk < count:
        edges[walk] += edges[walk - one]
        walk += one
    note = np.uint64(0)
    while note < notes:
        walk = np.uint64(noted[note])
        order[np.uint64(edges[walk])] = note
        edges[walk] += np.uint32(1)
        note += one


@inlined_loop
def _note_events(automaton: Automaton, walks: Walks, row: Any, at: Any, line: int, wanted: Any, events: Any, count: Any
                 ) -> Any:
    """Adds the openings by which a match may begin at an offset: those a state accepts, or all it has not done with.

    Returns the new number of events.
    """
    deep, row = row < np.uint64(ACCEPTING), row & np.uint64(ACCEPTING - 1)
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
def _tell(automaton: Automaton, walks: Walks, window: Window, notes: Any, behind: Any, bounds: Any, wanted: Any,
          line: int, events: Any, place: Any) -> int:
    """Fills `events` with so many notes, as far as they are of walks before one; DONE, or the reason to stop there or
    earlier, with where to go on in `place`."""
    count, told, walk = np.uint64(place[NOTED]), NO_ROOM, np.uint64(_MOST)
    for index in range(notes):
        note = np.uint64(window.order[index])
        before, walk = walk, np.uint64(window.noted[note])
        if walk >= behind:
            break
        if count >= np.uint64(EVENTS) and walk != before:
            behind, told = walk, FULL
            break
        at = signed(window.offsets[np.uint64(window.left[walk])])
        while bounds[line + 1] <= at:
            line += 1
        count = _note_events(automaton, walks, np.uint64(window.noted_rows[note]), at, line, wanted, events, count)
    place[NOTED] = count
    if behind == np.uint64(_MOST):
        return DONE
    place[LAST_LINE], place[REACH] = line, window.offsets[np.uint64(window.left[behind])]
    return told


@inlined_loop
def follow_all(automaton: Automaton, walks: Walks, window: Window, count: Any, bounds: Any, wanted: Any, line: int,
               events: Any, place: Any) -> int:
    """Fills `events` with what walks accept that are left after a stride, the first of them in a line or behind it.

    Returns DONE, FULL when the machine has to look at events, or NO_ROOM, with where to go on in `place`.
    """
    firsts, hits, going = _second(walks, window, count)
    notes = _note_further(walks, window, 1, hits, _note_first(walks, window, firsts))
    for stride in range(2, STRIDES):
        hits, going = _further(walks, window, stride, going)
        notes = _note_further(walks, window, stride, hits, notes)
    notes, behind = _follow(automaton, walks, window, going, notes)
    _put_in_order(window, count, notes)
    return _tell(automaton, walks, window, notes, behind, bounds, wanted, line, events, place)

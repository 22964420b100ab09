"""States of the automaton of `guard.detect.walk`, made when a text first leads there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import tight_loop

Ints32 = npt.NDArray[np.int32]
ACCEPTED = -1
"""In `Automaton.follows`: a match may begin this way."""
STATES, LISTED, ACCEPTS, STAMP, ROOTS = 0, 1, 2, 3, 4
"""Slots of `Walks.counts`: how much of each array is used."""
NO_ROOM = -(1 << 62)
"""Instead of a row, or of a number of matches: the walks need room."""
UNKNOWN, ONCE, DEAD = range(3)
EVERYTHING = 0
"""The root of all openings, for lines whose own would be one too many."""
ACCEPTING = 1 << 31
_PRIME = 0x100000001B3
_at = np.uint64
"""An index that is not below zero, which the compiler then need not look for."""


class Automaton(NamedTuple):
    """All beginnings (`guard.detect.beginnings`) as one automaton.

    `classes[code point]` (PLANE: all beyond) is the class of a character, 0 the end of a line. Node n takes a character
    of the classes whose row in `members` has a one at `steps[n]`, and behind it come
    `follows[firsts[n]:firsts[n + 1]]`: nodes, or ACCEPTED. `openings[n]` is the opening it belongs to, `roots[opening]`
    the node for what stands before a match.
    """

    classes: npt.NDArray[np.uint16]
    members: npt.NDArray[np.uint8]
    steps: Ints32
    firsts: Ints32
    follows: Ints32
    openings: Ints32
    roots: Ints32


class Walks(NamedTuple):
    """The states that were met, of one thread.

    `table[row + class]` is where the row of the next state begins, with the bit ACCEPTING where something is accepted
    there, UNKNOWN where it was not asked for yet, that of ONCE where it was once and the walk was left
    (`stride_loops`). Rows are one longer than there are classes, and end with the number of the state; those of UNKNOWN
    and ONCE lead to UNKNOWN and that of DEAD to DEAD. State n has the nodes from `ends[n - 1]` to `ends[n]` of `listed`
    and the openings from `accept_ends[n - 1]` to `accept_ends[n]` of `accepts`, whose matches may begin where the walk
    began; `slots` are states by a hash of both. Root n is `root_states[n]`, for the openings `root_rows[n]`;
    `root_slots` are roots by a hash.
    `marks` and `opening_marks` say in which step a node or an opening was met, `counts` how much of all is used.
    """

    table: npt.NDArray[np.uint32]
    listed: Ints32
    ends: Ints32
    accepts: Ints32
    accept_ends: Ints32
    slots: Ints32
    root_rows: npt.NDArray[np.uint64]
    root_states: Ints32
    root_slots: Ints32
    marks: Ints32
    opening_marks: Ints32
    counts: npt.NDArray[np.int64]


@tight_loop
def _sort(values: Any, first: int, behind: int) -> None:
    """Shell's sort, in place; nearly always the values are in order, since nodes are followed in theirs."""
    gap = 0
    for index in range(first + 1, behind):
        if values[index] < values[index - 1]:
            gap = (behind - first) // 2
            break
    while gap > 0:
        for index in range(first + gap, behind):
            value, at = values[index], index
            while at - gap >= first and values[at - gap] > value:
                values[at] = values[at - gap]
                at -= gap
            values[at] = value
        gap //= 2


@tight_loop
def _settled(walks: Walks, listed: int, accepted: int) -> int:
    """The state with the nodes and accepts behind what is used of their arrays, an old one if there is one like it."""
    counts = walks.counts
    first, accept_first = counts[LISTED], counts[ACCEPTS]
    if listed == first and accepted == accept_first:
        return DEAD
    _sort(walks.listed, first, listed)
    _sort(walks.accepts, accept_first, accepted)
    key = np.uint64(listed - first)
    for index in range(first, listed):
        key = (key ^ np.uint64(walks.listed[_at(index)])) * np.uint64(_PRIME)
    for index in range(accept_first, accepted):
        key = (key ^ np.uint64(walks.accepts[index] + (1 << 24))) * np.uint64(_PRIME)
    mask = len(walks.slots) - 1
    slot = np.int64((key ^ key >> np.uint64(29)) & np.uint64(mask))
    while walks.slots[slot] != 0:
        state = walks.slots[slot]
        if _is_alike(walks, state, first, listed, accept_first, accepted):
            return int(state)
        slot = (slot + 1) & mask
    state = counts[STATES]
    if state + 1 >= len(walks.ends):
        return NO_ROOM
    counts[STATES], counts[LISTED], counts[ACCEPTS] = state + 1, listed, accepted
    walks.slots[slot] = state
    walks.ends[state], walks.accept_ends[state] = listed, accepted
    columns = len(walks.table) // len(walks.ends)
    walks.table[(state + 1) * columns - 1] = state
    return int(state)


@tight_loop
def _is_alike(walks: Walks, state: int, first: int, listed: int, accept_first: int, accepted: int) -> bool:
    begin, accept_begin = walks.ends[state - 1], walks.accept_ends[state - 1]
    if walks.ends[state] - begin != listed - first:
        return False
    if walks.accept_ends[state] - accept_begin != accepted - accept_first:
        return False
    for index in range(listed - first):
        if walks.listed[_at(begin + index)] != walks.listed[_at(first + index)]:
            return False
    for index in range(accepted - accept_first):
        if walks.accepts[accept_begin + index] != walks.accepts[accept_first + index]:
            return False
    return True


@tight_loop
def advance(automaton: Automaton, walks: Walks, row: int, kind: int) -> int:
    """Where the row of the state behind a character begins, negative where something is accepted; NO_ROOM."""
    columns = len(walks.table) // len(walks.ends)
    state, counts = row // columns, walks.counts
    if len(walks.listed) - counts[LISTED] < len(walks.marks) or len(walks.accepts) - counts[ACCEPTS] < len(
            walks.opening_marks):
        return NO_ROOM
    counts[STAMP] += 1
    stamp, listed, accepted = counts[STAMP], counts[LISTED], counts[ACCEPTS]
    for index in range(walks.ends[state - 1], walks.ends[state]):
        node = _at(walks.listed[_at(index)])
        if automaton.members[_at(kind), _at(automaton.steps[node])] == 0:
            continue
        for place in range(automaton.firsts[node], automaton.firsts[node + _at(1)]):
            follow = automaton.follows[_at(place)]
            if follow == ACCEPTED:
                opening = automaton.openings[node]
                if walks.opening_marks[_at(opening)] != stamp:
                    walks.opening_marks[_at(opening)] = stamp
                    walks.accepts[_at(accepted)] = opening
                    accepted += 1
            elif walks.marks[_at(follow)] != stamp:
                walks.marks[_at(follow)] = stamp
                walks.listed[_at(listed)] = follow
                listed += 1
    if accepted > counts[ACCEPTS]:
        listed = _without_accepted(automaton, walks, listed, stamp)
    found = _settled(walks, listed, accepted)
    if found == NO_ROOM:
        return NO_ROOM
    next_row = found * columns
    if found != DEAD and walks.accept_ends[found] > walks.accept_ends[found - 1]:
        next_row |= ACCEPTING
    walks.table[row + kind] = next_row
    return next_row


@tight_loop
def _without_accepted(automaton: Automaton, walks: Walks, listed: int, stamp: int) -> int:
    """Leaves out the nodes of what is accepted: nothing is to be learnt of it any more."""
    kept = walks.counts[LISTED]
    for index in range(walks.counts[LISTED], listed):
        node = walks.listed[index]
        if walks.opening_marks[automaton.openings[node]] != stamp:
            walks.listed[kept] = node
            kept += 1
    return int(kept)


@tight_loop
def _rooted(automaton: Automaton, walks: Walks, number: int) -> int:
    """The state of the openings of a root."""
    listed = walks.counts[LISTED]
    if len(walks.listed) - listed < len(walks.marks):
        return NO_ROOM
    for opening in range(len(automaton.roots)):
        if walks.root_rows[number, opening >> 6] >> np.uint64(opening & 63) & np.uint64(1):
            walks.listed[listed] = automaton.roots[opening]
            listed += 1
    return _settled(walks, listed, walks.counts[ACCEPTS])


@tight_loop
def root(automaton: Automaton, walks: Walks, wanted: Any, walked: Any, line: int) -> int:
    """Where the row of the state begins from which the openings of a line are walked: those that are wanted there and
    those that always are; NO_ROOM."""
    words, counts = walks.root_rows.shape[1], walks.counts
    columns = len(walks.table) // len(walks.ends)
    key = np.uint64(0)
    for word in range(words):
        key += (wanted[line, word] | walked[word]) * np.uint64(_PRIME + 2 * word)
    mask = len(walks.root_slots) - 1
    slot = np.int64((key ^ key >> np.uint64(32)) >> np.uint64(16) & np.uint64(mask))
    while walks.root_slots[slot] != 0:
        number, differing = walks.root_slots[slot], np.uint64(0)
        # To the end, without a question for each word: the processor compares many at once.
        for word in range(words):
            differing |= walks.root_rows[number, word] ^ (wanted[line, word] | walked[word])
        if differing == 0:
            return int(walks.root_states[number] * columns)
        slot = (slot + 1) & mask
    number = counts[ROOTS]
    if number < len(walks.root_states):
        for word in range(words):
            walks.root_rows[number, word] = wanted[line, word] | walked[word]
    else:
        number = EVERYTHING
    if walks.root_states[number] == UNKNOWN:
        state = _rooted(automaton, walks, number)
        if state == NO_ROOM:
            return NO_ROOM
        walks.root_states[number] = state
        if number != EVERYTHING:
            walks.root_slots[slot] = number
            counts[ROOTS] = number + 1
    return int(walks.root_states[number] * columns)

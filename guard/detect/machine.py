"""The machine that runs `guard.detect.program`: a backtracking matcher as one compiled loop, with a bounded patience.

Backtracking and not an automaton, because the definition of right is Python's `re`, which takes the first way that its
alternatives offer. What is left to try lies on an explicit stack; a pattern that would try for ever runs out of steps,
and the caller says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop, tight_loop
from guard.detect.program import MOST_GROUPS, MOST_MARKS, WIDTH, Part

_index = np.uint64
"""An index that is not below zero, which the compiler then need not look for: a quarter of the time."""
Array = Any
Bytes = Any
"""NumPy arrays of bytes; the compiler sees their types when a loop is first called."""
FAILED, EXHAUSTED = -1, -2
LAST_CLOSED = 2 * MOST_GROUPS
"""The slot of the group that was closed last; slots 2n and 2n + 1 say where group n begins and ends, -1: no part."""
_MARKS = LAST_CLOSED + 1
STEPS = _MARKS + MOST_MARKS
"""The slot of what is left of the patience."""
_STACK = STEPS + 1
_DEEPEST = _STACK + 4 * 20_000
SPARE = _DEEPEST + 64
"""32 slots for whoever calls the machine."""
_TRY, _UNDO, _LESS, _MORE = 0, 1, 2, 3
_CODE, _SETS, _EDGES, _LOWS, _HIGHS, _LITERALS, _CHOICES, _LISTS, _WAYS, _FOLLOWS = (int(part) for part in Part)


def new_memory() -> npt.NDArray[np.int64]:
    """Working memory of one thread: slots, marks, steps, and the stack of what is left to try. An entry of the stack
    is (what, where in the program, where in the text, how far)."""
    return np.full(SPARE + 32, -1, np.int64)


@inlined_loop
def _further(text: Bytes, at: int) -> int:
    """The six bits of a character that a byte behind its first one holds."""
    byte: Any = np.int64(text[_index(at)])
    return byte & 0x3F


@inlined_loop
def code_point(text: Bytes, at: int) -> int:
    """The character at an offset; the text is UTF-8 and goes on for three bytes behind its end."""
    byte: Any = np.int64(text[_index(at)])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | _further(text, at + 1)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | _further(text, at + 1) << 6 | _further(text, at + 2)
    return (byte & 0x07) << 18 | _further(text, at + 1) << 12 | _further(text, at + 2) << 6 | _further(text, at + 3)


@inlined_loop
def width_at(text: Bytes, at: int) -> int:
    """The bytes of the character at an offset."""
    byte = text[_index(at)]
    return 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4


@inlined_loop
def before(text: Bytes, low: int, at: int) -> int:
    """The offset of the character before `at`, which is behind `low`."""
    at -= 1
    while at > low and text[_index(at)] & 0xC0 == 0x80:
        at -= 1
    return at


@inlined_loop
def has(programs: Array, which: int, text: Bytes, at: int) -> bool:
    """Whether the character at an offset belongs to a set."""
    byte = np.int64(text[_index(at)])
    if byte < 0x80:
        return programs[_index(programs[_SETS] + 4 * which + (byte >> 5))] >> (byte & 31) & 1 != 0
    code = code_point(text, at)
    edges, lows, highs = programs[_EDGES] + which, programs[_LOWS], programs[_HIGHS]
    for index in range(programs[_index(edges)], programs[_index(edges + 1)]):
        if programs[_index(lows + index)] <= code <= programs[_index(highs + index)]:
            return True
    return False


@inlined_loop
def _key(text: Bytes, at: int, high: int) -> int:
    """What comes next, as tables of what can come have it: the last byte of a code point, 256 for the end."""
    return 256 if at >= high else code_point(text, at) & 255


@inlined_loop
def _can_follow(programs: Array, follow: int, text: Bytes, at: int, high: int) -> bool:
    """Whether what comes behind a repeat can begin here; always where that is not known (-1)."""
    if follow < 0:
        return True
    key = _key(text, at, high)
    return programs[_index(programs[_FOLLOWS] + 9 * follow + (key >> 5))] >> (key & 31) & 1 != 0


@tight_loop
def _is_word(text: Bytes, at: int) -> bool:
    byte = text[_index(at)]
    return 48 <= byte <= 57 or 65 <= byte <= 90 or byte == 95 or 97 <= byte <= 122


@inlined_loop
def _push(memory: Array, top: int, kind: int, pc: int, at: int, more: int) -> int:
    memory[_index(top)], memory[_index(top + 1)], memory[_index(top + 2)], memory[_index(top + 3)] = kind, pc, at, more
    return top + 4


@inlined_loop
def run_here(programs: Array, address: int, text: Bytes, low: int, high: int, at: int, memory: Array) -> int:
    """As `run`, as a part of the loop that calls it."""
    top, pc = _STACK, programs[_CODE] + WIDTH * address
    code = programs[_CODE]
    left = memory[STEPS]
    while True:
        operation, first = programs[_index(pc)], programs[_index(pc + 1)]
        alive = True
        if operation == 1:  # CHARACTER
            if at < high and has(programs, first, text, at):
                at += width_at(text, at)
            else:
                alive = False
        elif operation == 2:  # BYTES
            length, literal = programs[_index(pc + 2)], programs[_LITERALS] + first
            if at + length > high:
                alive = False
            else:
                for index in range(length):
                    if text[_index(at + index)] != programs[_index(literal + index)]:
                        alive = False
                        break
                at += length
                left -= length >> 4
        elif operation == 13:  # NOT_BEHIND
            alive = at == low or not has(programs, first, text, before(text, low, at))
        elif operation == 11:  # NOT_AHEAD
            alive = at >= high or not has(programs, first, text, at)
        elif operation == 6 or operation == 8:  # GREEDY, POSSESSIVE
            least, most = programs[_index(pc + 2)], programs[_index(pc + 3)]
            count, floor = 0, at
            while count < most and at < high and has(programs, first, text, at):
                at += width_at(text, at)
                count += 1
                if count == least:
                    floor = at
            left -= count >> 2
            if count < least:
                alive = False
            elif operation == 6 and at > floor:
                top = _push(memory, top, _LESS, pc, at, floor)
        elif operation == 5:  # CHOICE
            key = _key(text, at, high)
            number = programs[_LISTS] + programs[_index(programs[_CHOICES] + 257 * first + key)]
            begin, end = programs[_WAYS] + programs[_index(number)], programs[_WAYS] + programs[_index(number + 1)]
            if begin == end:
                alive = False
            elif top + 4 * (end - begin) > _DEEPEST:
                memory[STEPS] = left
                return EXHAUSTED
            else:
                for index in range(end - 1, begin, -1):
                    top = _push(memory, top, _TRY, code + WIDTH * programs[_index(index)], at, 0)
                pc = code + WIDTH * (programs[_index(begin)] - 1)
        elif operation == 7:  # LAZY
            least, most, follow = programs[_index(pc + 2)], programs[_index(pc + 3)], programs[_index(pc + 4)]
            count = 0
            while count < most and at < high and (count < least or not _can_follow(programs, follow, text, at, high)):
                if not has(programs, first, text, at):
                    break
                at += width_at(text, at)
                count += 1
            left -= count >> 2
            if count < least or not _can_follow(programs, follow, text, at, high):
                alive = False
            elif count < most:
                top = _push(memory, top, _MORE, pc, at, most - count)
        elif operation == 3:  # JUMP
            pc = code + WIDTH * (first - 1)
        elif operation == 9:  # SAVE
            if top > _STACK:
                top = _push(memory, top, _UNDO, first, memory[_index(first)], 0)
            memory[_index(first)] = at
        elif operation == 26:  # CLOSE
            if top > _STACK:
                top = _push(memory, top, _UNDO, 2 * first + 1, memory[_index(2 * first + 1)], 0)
                top = _push(memory, top, _UNDO, LAST_CLOSED, memory[LAST_CLOSED], 0)
            memory[_index(2 * first + 1)], memory[LAST_CLOSED] = at, first
        elif operation == 0:  # MATCH
            memory[STEPS] = left
            return at
        elif operation == 27:  # ENTER
            for index in range(2, 2 * first):
                memory[_index(index)] = -1
            memory[LAST_CLOSED] = -1
        elif operation == 10:  # AHEAD
            alive = at < high and has(programs, first, text, at)
        elif operation == 12:  # BEHIND
            alive = at > low and has(programs, first, text, before(text, low, at))
        elif operation == 28 or operation == 29:  # ALL_BEHIND, NOT_ALL_BEHIND
            place, count = at, 0
            while count < first and place > low:
                place = before(text, low, place)
                if not has(programs, programs[_index(pc + 2 + count)], text, place):
                    break
                count += 1
            alive = (count == first) == (operation == 28)
        elif operation == 18:  # LOOK
            memory[_index(_MARKS + first)], memory[_index(_MARKS + first + 1)] = top, at
        elif operation == 19:  # LOOK_END
            left -= top - memory[_index(_MARKS + first)] >> 4
            top = _cut(memory, memory[_index(_MARKS + first)], top)
            at = memory[_index(_MARKS + first + 1)]
        elif operation == 20:  # LOOK_NOT
            memory[_index(_MARKS + first)] = top
            top = _push(memory, top, _TRY, code + WIDTH * programs[_index(pc + 2)], at, 0)
        elif operation == 21:  # LOOK_NOT_END
            # It must leave no trace: groups that were set inside are undone.
            floor = memory[_index(_MARKS + first)]
            left -= top - floor >> 4
            while top > floor:
                top -= 4
                if memory[_index(top)] == _UNDO:
                    memory[_index(memory[_index(top + 1)])] = memory[_index(top + 2)]
            alive = False
        elif operation == 22:  # BACK
            for _ in range(first):
                if at == low:
                    alive = False
                    break
                at = before(text, low, at)
            left -= first >> 2
        elif operation == 23:  # ATOMIC
            memory[_index(_MARKS + first)] = top
        elif operation == 24:  # ATOMIC_END
            left -= top - memory[_index(_MARKS + first)] >> 4
            top = _cut(memory, memory[_index(_MARKS + first)], top)
        elif operation == 14:  # LINE_START
            alive = at == low
        elif operation == 15:  # LINE_END
            alive = at == high
        elif operation == 16 or operation == 17:  # WORD_EDGE, NO_WORD_EDGE
            edge = (at > low and _is_word(text, at - 1)) != (at < high and _is_word(text, at))
            alive = edge if operation == 16 else not edge
        else:  # REFERENCE
            begin, end = memory[_index(2 * first)], memory[_index(2 * first + 1)]
            alive = begin >= 0 and end >= 0 and at + end - begin <= high
            if alive:
                for index in range(end - begin):
                    if text[_index(at + index)] != text[_index(begin + index)]:
                        alive = False
                        break
                at += end - begin
                left -= (end - begin) >> 3
        pc += WIDTH
        if top > _DEEPEST:
            memory[STEPS] = left
            return EXHAUSTED
        while not alive:
            if top == _STACK:
                memory[STEPS] = left - 1
                return FAILED
            # Only trying again can go on for ever; what is cut off unseen is counted where it is.
            left -= 1
            if left < 0:
                memory[STEPS] = left
                return EXHAUSTED
            top -= 4
            kind, pc, at = memory[_index(top)], memory[_index(top + 1)], memory[_index(top + 2)]
            if kind == _TRY:
                alive = True
            elif kind == _UNDO:
                memory[_index(pc)] = at
            elif kind == _LESS:
                floor, follow = memory[_index(top + 3)], programs[_index(pc + 4)]
                while at > floor and not alive:
                    at = before(text, low, at)
                    left -= 1
                    alive = _can_follow(programs, follow, text, at, high)
                if alive:
                    if at > floor:
                        memory[_index(top + 2)] = at
                        top += 4
                    pc += WIDTH
            else:
                more, follow = memory[_index(top + 3)], programs[_index(pc + 4)]
                while more > 0 and not alive and at < high and has(programs, programs[_index(pc + 1)], text, at):
                    at += width_at(text, at)
                    more -= 1
                    left -= 1
                    alive = _can_follow(programs, follow, text, at, high)
                if alive:
                    if more > 0:
                        memory[_index(top + 2)], memory[_index(top + 3)] = at, more
                        top += 4
                    pc += WIDTH


@tight_loop
def run(programs: Array, address: int, text: Bytes, low: int, high: int, at: int, memory: Array) -> int:
    """The end of the match of a program at an offset of the line `text[low:high]`: FAILED without one.

    `memory` then has the groups. EXHAUSTED when its steps, or the stack, ran out.
    """
    return run_here(programs, address, text, low, high, at, memory)


@tight_loop
def _cut(memory: Array, floor: int, top: int) -> int:
    """Drops what is left to try above `floor` and keeps what has to be undone; the new top of the stack."""
    kept = floor
    for entry in range(floor, top, 4):
        if memory[_index(entry)] == _UNDO:
            kept = _push(memory, kept, _UNDO, memory[_index(entry + 1)], memory[_index(entry + 2)], 0)
    return kept


@tight_loop
def find(programs: Array, address: int, text: Bytes, low: int, high: int, start: int, memory: Array) -> int:
    """Where the first match at or behind `start` of the line `text[low:high]` begins; FAILED or EXHAUSTED.

    Slots 0 and 1 are where it begins and ends.
    """
    at = start
    while at <= high:
        end = run(programs, address, text, low, high, at, memory)
        if end >= 0:
            memory[0], memory[1] = at, end
            return at
        if end == EXHAUSTED:
            return EXHAUSTED
        if at >= high:
            break
        at += width_at(text, at)
    return FAILED

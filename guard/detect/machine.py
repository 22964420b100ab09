"""The machine that runs `guard.detect.program`: a backtracking matcher as one compiled loop, with a bounded patience.

Backtracking and not an automaton, because the definition of right is Python's `re`, which takes the first way that its
alternatives offer. What is left to try lies on an explicit stack; a pattern that would try for ever runs out of steps,
and the caller says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.compiled import loop
from guard.detect.program import MOST_GROUPS, MOST_MARKS, Programs

Bytes = Any
"""NumPy arrays of bytes; the compiler sees their types when a loop is first called."""
FAILED, EXHAUSTED = -1, -2
DEPTH = 20_000
"""Entries of the stack. Every entry is (what, where in the program, where in the text, how far)."""
SLOTS = 2 * MOST_GROUPS + 2
LAST_CLOSED = 2 * MOST_GROUPS
"""The slot of the group that was closed last."""
_TRY, _UNDO, _LESS, _MORE = 0, 1, 2, 3


def new_stack() -> npt.NDArray[np.int64]:
    """Working memory for one thread."""
    return np.zeros((DEPTH, 4), np.int64)


def new_slots() -> npt.NDArray[np.int64]:
    """Where groups begin and end (2n, 2n + 1; -1: took no part), the last closed one, and marks behind them."""
    return np.full(SLOTS + MOST_MARKS, -1, np.int64)


@loop
def code_point(text: Bytes, at: int) -> int:
    """The character at an offset; the text is UTF-8 and goes on for three bytes behind its end."""
    byte: int = np.int64(text[at])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | text[at + 1] & 0x3F
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | (np.int64(text[at + 1]) & 0x3F) << 6 | text[at + 2] & 0x3F
    return ((byte & 0x07) << 18 | (np.int64(text[at + 1]) & 0x3F) << 12 | (np.int64(text[at + 2]) & 0x3F) << 6
            | text[at + 3] & 0x3F)


@loop
def width_at(text: Bytes, at: int) -> int:
    """The bytes of the character at an offset."""
    byte = text[at]
    return 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4


@loop
def before(text: Bytes, low: int, at: int) -> int:
    """The offset of the character before `at`, which is behind `low`."""
    at -= 1
    while at > low and text[at] & 0xC0 == 0x80:
        at -= 1
    return at


@loop
def has(programs: Programs, which: int, text: Bytes, at: int) -> bool:
    """Whether the character at an offset belongs to a set."""
    byte = text[at]
    if byte < 0x80:
        return programs.ascii[which, byte] != 0
    code = code_point(text, at)
    for index in range(programs.edges[which], programs.edges[which + 1]):
        if programs.low[index] <= code <= programs.high[index]:
            return True
    return False


@loop
def _is_word(text: Bytes, at: int) -> bool:
    byte = text[at]
    return 48 <= byte <= 57 or 65 <= byte <= 90 or byte == 95 or 97 <= byte <= 122


@loop
def match(programs: Programs, address: int, text: Bytes, low: int, high: int, at: int, slots: Any, stack: Any,
          steps: Any) -> int:
    """The end of the match of a program at an offset of the line `text[low:high]`: FAILED without one.

    `slots` then has its groups. `steps[0]` is what is left of the patience; EXHAUSTED when it, or the stack, ran out.
    """
    code, follows = programs.code, programs.follows
    depth, pc = 0, address
    for index in range(LAST_CLOSED + 1):
        slots[index] = -1
    left = steps[0]
    while True:
        left -= 1
        if left < 0 or depth > DEPTH - 8:
            steps[0] = left
            return EXHAUSTED
        operation, first = code[pc, 0], code[pc, 1]
        alive = True
        if operation == 1:  # CHARACTER
            if at < high and has(programs, first, text, at):
                at += width_at(text, at)
                pc += 1
            else:
                alive = False
        elif operation == 2:  # BYTES
            length = code[pc, 2]
            if at + length > high:
                alive = False
            else:
                for index in range(length):
                    if text[at + index] != programs.literals[first + index]:
                        alive = False
                        break
                if alive:
                    at += length
                    pc += 1
        elif operation == 5:  # CHOICE
            key = 256 if at >= high else code_point(text, at) & 255
            number = programs.choices[first, key]
            begin, end = programs.lists[number], programs.lists[number + 1]
            if begin == end:
                alive = False
            else:
                if depth + end - begin > DEPTH - 8:
                    steps[0] = left
                    return EXHAUSTED
                for index in range(end - 1, begin, -1):
                    stack[depth, 0], stack[depth, 1], stack[depth, 2] = _TRY, programs.ways[index], at
                    depth += 1
                pc = programs.ways[begin]
        elif operation == 6 or operation == 8:  # GREEDY, POSSESSIVE
            least, most = code[pc, 2], code[pc, 3]
            count, floor = 0, at
            while count < most and at < high and has(programs, first, text, at):
                at += width_at(text, at)
                count += 1
                if count == least:
                    floor = at
            left -= count >> 2
            if count < least:
                alive = False
            else:
                if operation == 6 and at > floor:
                    stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3] = _LESS, pc, at, floor
                    depth += 1
                pc += 1
        elif operation == 7:  # LAZY
            least, most = code[pc, 2], code[pc, 3]
            count = 0
            while count < least and at < high and has(programs, first, text, at):
                at += width_at(text, at)
                count += 1
            if count < least:
                alive = False
            else:
                if count < most:
                    stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3] = _MORE, pc, at, most - count
                    depth += 1
                pc += 1
        elif operation == 3:  # JUMP
            pc = first
        elif operation == 4:  # SPLIT
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = _TRY, code[pc, 2], at
            depth += 1
            pc = first
        elif operation == 9:  # SAVE
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = _UNDO, first, slots[first]
            depth += 1
            slots[first] = at
            pc += 1
        elif operation == 26:  # CLOSE
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = _UNDO, LAST_CLOSED, slots[LAST_CLOSED]
            depth += 1
            slots[LAST_CLOSED] = first
            pc += 1
        elif operation == 13:  # NOT_BEHIND
            alive = at == low or not has(programs, first, text, before(text, low, at))
            pc += 1
        elif operation == 11:  # NOT_AHEAD
            alive = at >= high or not has(programs, first, text, at)
            pc += 1
        elif operation == 10:  # AHEAD
            alive = at < high and has(programs, first, text, at)
            pc += 1
        elif operation == 12:  # BEHIND
            alive = at > low and has(programs, first, text, before(text, low, at))
            pc += 1
        elif operation == 0:  # MATCH
            steps[0] = left
            return at
        elif operation == 18:  # LOOK
            slots[SLOTS + first], slots[SLOTS + first + 1] = depth, at
            pc += 1
        elif operation == 19:  # LOOK_END
            # What is left to try inside is given up; what has to be undone behind it must stay.
            depth = _cut(stack, slots[SLOTS + first], depth)
            at = slots[SLOTS + first + 1]
            pc += 1
        elif operation == 20:  # LOOK_NOT
            slots[SLOTS + first] = depth
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = _TRY, code[pc, 2], at
            depth += 1
            pc += 1
        elif operation == 21:  # LOOK_NOT_END
            # It must leave no trace: groups that were set inside are undone.
            floor = slots[SLOTS + first]
            while depth > floor:
                depth -= 1
                if stack[depth, 0] == _UNDO:
                    slots[stack[depth, 1]] = stack[depth, 2]
            alive = False
        elif operation == 22:  # BACK
            for _ in range(first):
                if at == low:
                    alive = False
                    break
                at = before(text, low, at)
            pc += 1
        elif operation == 23:  # ATOMIC
            slots[SLOTS + first] = depth
            pc += 1
        elif operation == 24:  # ATOMIC_END
            depth = _cut(stack, slots[SLOTS + first], depth)
            pc += 1
        elif operation == 14:  # LINE_START
            alive = at == low
            pc += 1
        elif operation == 15:  # LINE_END
            alive = at == high
            pc += 1
        elif operation == 16 or operation == 17:  # WORD_EDGE, NO_WORD_EDGE
            edge = (at > low and _is_word(text, at - 1)) != (at < high and _is_word(text, at))
            alive = edge if operation == 16 else not edge
            pc += 1
        else:  # REFERENCE
            begin, end = slots[2 * first], slots[2 * first + 1]
            alive = begin >= 0 and end >= 0 and at + end - begin <= high
            if alive:
                for index in range(end - begin):
                    if text[at + index] != text[begin + index]:
                        alive = False
                        break
            if alive:
                at += end - begin
                pc += 1
        while not alive:
            if depth == 0:
                steps[0] = left
                return FAILED
            depth -= 1
            kind, pc, at = stack[depth, 0], stack[depth, 1], stack[depth, 2]
            if kind == _TRY:
                alive = True
            elif kind == _UNDO:
                slots[pc] = at
            elif kind == _LESS:
                floor, follow = stack[depth, 3], code[pc, 4]
                while at > floor and not alive:
                    at = before(text, low, at)
                    left -= 1
                    alive = follow < 0 or (at < high and follows[follow, text[at]] != 0)
                if alive:
                    if at > floor:
                        stack[depth, 2] = at
                        depth += 1
                    pc += 1
            elif at < high and has(programs, code[pc, 1], text, at):
                at += width_at(text, at)
                if stack[depth, 3] > 1:
                    stack[depth, 2] = at
                    stack[depth, 3] -= 1
                    depth += 1
                pc += 1
                alive = True


@loop
def _cut(stack: Any, floor: int, depth: int) -> int:
    """Drops what is left to try above `floor` and keeps what has to be undone; the new depth."""
    kept = floor
    for index in range(floor, depth):
        if stack[index, 0] == _UNDO:
            for column in range(4):
                stack[kept, column] = stack[index, column]
            kept += 1
    return kept


@loop
def find(programs: Programs, address: int, text: Bytes, low: int, high: int, start: int, slots: Any, stack: Any,
         steps: Any) -> int:
    """Where the first match at or behind `start` of the line `text[low:high]` begins; FAILED or EXHAUSTED.

    Its end is in slot 1 of `slots`, where group 0 would end.
    """
    at = start
    while at <= high:
        end = match(programs, address, text, low, high, at, slots, stack, steps)
        if end >= 0:
            slots[0], slots[1] = at, end
            return at
        if end == EXHAUSTED:
            return EXHAUSTED
        if at >= high:
            break
        at += width_at(text, at)
    return FAILED

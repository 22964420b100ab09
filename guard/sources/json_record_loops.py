"""The records of JSON Lines from their tokens, as compiled loops: the shapes of lines told apart, what stands where."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.compiled import inlined_loop, tight_loop
from guard.hashing_loops import hash_slice, word_at
from guard.sources.json_tokens import KEY, NEWLINE, QUOTE, SHAPE_VALUE, VALUE

Array = Any
NO_SHAPE = -1
"""The number of the shape of a line that is blank or wrong."""
SHAPES, LINES = 0, 1
"""Slots of the counts of `number_shapes`."""
_VALUE = SHAPE_VALUE[0]
_WORD = 8
_at = np.uint64


@tight_loop
def number_shapes(words: Array, kinds: Array, starts: Array, ends: Array, wrong: Array, written: Array, bounds: Array,
                  slots: Array, secret: Any, shape_of: Array, counts: Array) -> None:
    """Writes each shape once, in the order in which lines first have them, and its number for every line.

    `words` are those of the text and `written` those of the shapes (`words_of`), with eight bytes to spare. Shape n are
    the bytes from `bounds[n]` to `bounds[n + 1]`; `shape_of[line]` is NO_SHAPE where a line is blank or `wrong`. Lines
    that follow the last token are not counted. `slots` is zero, a power of two and longer than there are lines; the
    `secret` number keeps others from writing shapes that all come to lie in the same of them.
    """
    mask, known, line, first, at = len(slots) - 1, 0, 0, 0, 0
    bounds[0] = 0
    for token in range(len(kinds)):
        kind = kinds[_at(token)]
        if kind == NEWLINE:
            shape_of[line], known = _numbered(written, bounds, slots, secret, mask, known, first, at, wrong[line])
            first = at = bounds[known]
            line += 1
        elif kind == KEY:
            start, end = int(starts[_at(token)]), int(ends[_at(token)])
            for place in range(start, end, _WORD):
                written[_at(at + place - start)] = word_at(words, place, end)
            at += end - start
        else:
            written[_at(at)] = np.uint64(_VALUE if kind in (QUOTE, VALUE) else kind)
            at += 1
    if at > first:
        shape_of[line], known = _numbered(written, bounds, slots, secret, mask, known, first, at, wrong[line])
        line += 1
    counts[SHAPES], counts[LINES] = known, line


@inlined_loop
def _numbered(written: Array, bounds: Array, slots: Array, secret: Any, mask: int, known: int, first: int, behind: int,
              is_wrong: Any) -> tuple[int, int]:
    """The number of the shape that was just written, and how many there are then."""
    if is_wrong or first == behind:
        return NO_SHAPE, known
    slot = np.int64(hash_slice(written, first, behind, secret) & np.uint64(mask))
    while slots[slot] != 0:
        number = slots[slot] - 1
        if _is_alike(written, bounds[number], bounds[number + 1], first, behind):
            return number, known
        slot = (slot + 1) & mask
    slots[slot], bounds[known + 1] = known + 1, behind
    return known, known + 1


@inlined_loop
def _is_alike(written: Array, begin: int, end: int, first: int, behind: int) -> bool:
    if end - begin != behind - first:
        return False
    for place in range(0, end - begin, _WORD):
        if word_at(written, begin + place, end) != word_at(written, first + place, behind):
            return False
    return True


@tight_loop
def place_cells(kinds: Array, starts: Array, ends: Array, escaped: Array, shape_of: Array, row: int, value_nodes: Array,
                value_firsts: Array, key_nodes: Array, key_objects: Array, key_firsts: Array, values: Array,
                value_escaped: Array, keys: Array, key_escaped: Array, counts: Array) -> None:
    """Fills `values` (rows: node, record, start, end) and `keys` (and the object) from the tokens of good lines.

    The nodes of shape n begin at `value_firsts[n]` and `key_firsts[n]`. `counts` are then the numbers of values, of
    keys, and of the lines that are not blank, which are records.
    """
    value, key, line, records, is_filled = 0, 0, 0, 0, False
    shape = shape_of[0] if len(shape_of) else NO_SHAPE
    next_value, next_key = _firsts(value_firsts, key_firsts, shape)
    for token in range(len(kinds)):
        kind = kinds[_at(token)]
        if kind == NEWLINE:
            line, is_filled = line + 1, False
            shape = shape_of[line] if line < len(shape_of) else NO_SHAPE
            next_value, next_key = _firsts(value_firsts, key_firsts, shape)
            continue
        if not is_filled:
            is_filled, records = True, records + 1
        if shape == NO_SHAPE:
            continue
        if kind == KEY:
            keys[0, key], keys[1, key], keys[2, key] = key_nodes[next_key], row + records - 1, starts[token]
            keys[3, key], keys[4, key] = ends[token], (line << 32) + key_objects[next_key]
            key_escaped[key] = escaped[token]
            key, next_key = key + 1, next_key + 1
        elif kind in (QUOTE, VALUE):
            values[0, value], values[1, value] = value_nodes[next_value], row + records - 1
            values[2, value], values[3, value] = starts[token], ends[token]
            value_escaped[value] = escaped[token]
            value, next_value = value + 1, next_value + 1
    counts[0], counts[1], counts[2] = value, key, records


@inlined_loop
def _firsts(value_firsts: Array, key_firsts: Array, shape: int) -> tuple[int, int]:
    if shape == NO_SHAPE:
        return 0, 0
    return value_firsts[shape], key_firsts[shape]

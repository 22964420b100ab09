"""The records of a block of JSON Lines: which lines parse, and the cells of their values and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints
from guard.hashing import new_key
from guard.sources.json_paths import Paths, ShapeError, Slots
from guard.sources.json_tokens import KEY, NEWLINE, Mask, Tokens, shapes, tokenize
from guard.sources.json_values import Cells

AnyInts = npt.NDArray[np.integer[Any]]
_NONE = np.empty(0, np.int32)
_NO_SLOTS = Slots(_NONE, _NONE, _NONE, ())


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """`count` lines that are not blank: the values and keys of those that parse, and a mask of all that do not."""

    count: int
    values: Cells
    keys: Cells
    wrong: Mask


def read_records(text: bytes, row: int, paths: Paths) -> Records:
    """The records of whole lines (below 2 GiB), of which the first has the number `row`."""
    tokens = tokenize(text, lines=True)
    return (_by_loops if compiled.pays(0) else _by_arrays)(text, tokens, row, paths)


def _by_arrays(text: bytes, tokens: Tokens, row: int, paths: Paths) -> Records:
    line_shapes = shapes(text, tokens).split(b"\n")
    if not line_shapes[-1]:
        line_shapes.pop()
    wrong = _wrong_lines(text, tokens, len(line_shapes))
    slots: list[Slots | None] = []
    for index, shape in enumerate(line_shapes):
        slots.append(None if wrong[index] else _slots(paths, shape))
        wrong[index] = slots[-1] is None
    line_of = np.cumsum(tokens.kinds == NEWLINE) - (tokens.kinds == NEWLINE)
    filled = np.zeros(len(slots), np.bool_)
    filled[line_of[tokens.kinds != NEWLINE]] = True
    row_of = row - 1 + np.cumsum(filled)
    good = ~wrong[np.minimum(line_of, len(slots) - 1)]
    found = [slot for slot in slots if slot is not None]
    values, keys = (np.flatnonzero(mask & good) for mask in (tokens.values, tokens.kinds == KEY))
    bases: Ints = np.repeat(np.arange(len(slots)) << 32, [0 if slot is None else len(slot.keys) for slot in slots])
    return Records(int(filled.sum()),
                   cells_of(tokens, values, join([slot.values for slot in found]), row_of[line_of[values]]),
                   cells_of(tokens, keys, join([slot.keys for slot in found]), row_of[line_of[keys]],
                            bases + join([slot.objects for slot in found])), wrong)


def _by_loops(text: bytes, tokens: Tokens, row: int, paths: Paths) -> Records:
    """The same: each shape is looked at once, and the rest is done token by token."""
    from guard.hashing_loops import words_of
    from guard.sources.json_record_loops import LINES, NO_SHAPE, SHAPES, number_shapes, place_cells

    counts = np.zeros(3, np.int64)
    most = int(np.count_nonzero(tokens.kinds == NEWLINE)) + 1
    wrong = _wrong_lines(text, tokens, most)
    written, shape_of = np.empty(len(text) + 16, np.uint8), np.empty(most, np.int64)
    bounds = np.zeros(most + 1, np.int64)
    number_shapes(words_of(text), tokens.kinds, tokens.starts, tokens.ends, wrong, words_of(written), bounds,
                  np.zeros(2 << most.bit_length(), np.int64), np.uint64(new_key()), shape_of, counts)
    wrong, shape_of = wrong[: counts[LINES]], shape_of[: counts[LINES]]
    slots = [_slots(paths, written[start:end].tobytes()) for start, end in pairwise(bounds[: counts[SHAPES] + 1])]
    is_wrong = np.array([*(slot is None for slot in slots), False])
    wrong |= is_wrong[shape_of]
    shape_of[is_wrong[shape_of]] = NO_SHAPE
    found = [slot or _NO_SLOTS for slot in slots]
    value_firsts, key_firsts = (np.cumsum([0, *map(len, part)])
                                for part in ([slot.values for slot in found], [slot.keys for slot in found]))
    most_values, most_keys = np.count_nonzero(tokens.values), np.count_nonzero(tokens.kinds == KEY)
    values, value_escaped = np.empty((4, most_values), np.int64), np.empty(most_values, np.bool_)
    keys, key_escaped = np.empty((5, most_keys), np.int64), np.empty(most_keys, np.bool_)
    place_cells(tokens.kinds, tokens.starts, tokens.ends, tokens.escaped, shape_of, row,
                join([slot.values for slot in found]), value_firsts, join([slot.keys for slot in found]),
                join([slot.objects for slot in found]), key_firsts, values, value_escaped, keys, key_escaped, counts)
    return Records(int(counts[2]), _cells(values[:, : counts[0]], value_escaped),
                   _cells(keys[:, : counts[1]], key_escaped), wrong)


def _cells(columns: npt.NDArray[np.int64], escaped: Mask) -> Cells:
    nodes, rows, starts, ends, *objects = (column.copy() for column in columns)
    return Cells(nodes.astype(np.int32), rows, starts, ends, escaped[: len(nodes)].copy(), *objects)


def _wrong_lines(text: bytes, tokens: Tokens, lines: int) -> Mask:
    """The lines of tokens that break the rules."""
    wrong = np.zeros(lines, np.bool_)
    if len(tokens.wrong):
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
        wrong[np.searchsorted(ends, tokens.wrong)] = True
    return wrong


def _slots(paths: Paths, shape: bytes) -> Slots | None:
    """What a line holds; None: nothing that parses."""
    try:
        return paths.slots(shape) if shape else _NO_SLOTS
    except ShapeError:
        return None


def cells_of(tokens: Tokens, which: Ints, nodes: AnyInts, rows: Ints, objects: AnyInts | None = None) -> Cells:
    """The chosen tokens as cells."""
    starts, ends = tokens.starts[which].astype(np.int64), tokens.ends[which].astype(np.int64)
    apart = np.empty(0, np.int64) if objects is None else objects.astype(np.int64)
    return Cells(nodes.astype(np.int32), rows, starts, ends, tokens.escaped[which], apart)


def join(parts: Sequence[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    """All parts one after the other; there may be none."""
    return np.concatenate(parts) if parts else np.empty(0, np.int32)

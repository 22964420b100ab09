"""A block of a delimited table as columns, the places of its cells, and its rewriting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from guard import compiled
from guard.batch import Batch, CellEdit, Column, Edits, Ints
from guard.model import Location
from guard.sources.delimited_cells import Cells, Mask
from guard.sources.splice import as_binary, splice
from guard.sources.stream import START, Place
from guard.sources.table_head import FieldName

if TYPE_CHECKING:
    import pyarrow as pa

MAX_EXTRA = 64
"""Cells this far beyond the header get fields of their own; those after them share the last one."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class TableBatch(Batch):
    """Records of a delimited table. `text` is the block, which `data` begins with; unescaped cells follow it there.

    `members[c]` are the indices into `cells` of the values of column c.
    """

    text: bytes
    cells: Cells
    members: tuple[Ints, ...]
    place: Place = START

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        chosen = self.columns[column]
        index = int(self.members[column][cell])
        begin = int(self.cells.starts[index] + self.cells.quoted[index])
        if self.cells.escaped[index]:
            value = chosen.value(cell)
            start, end = start + value[:start].count(b'"'), end + value[:end].count(b'"')
        line, code_point = self.place.locate(self.text, begin + start)
        return Location(self.dataset, chosen.field, line, code_point, self.place.offset + begin + start, end - start,
                        row=int(chosen.rows[cell]) + 1)


def table_batch(dataset: str, text: bytes, cells: Cells, names: Callable[[int], FieldName], width: int, first_row: int,
                place: Place) -> TableBatch:
    """The batch of a block. `names` gives the field of each column; those under the header are there even if empty."""
    starts, ends = cells.starts, cells.ends
    if cells.quoted.any():
        starts, ends = starts + cells.quoted, ends - cells.quoted
    data, starts, ends = _unescaped(text, cells, starts, ends)
    rows, columns, members = np.arange(first_row, first_row + len(cells.counts)), [], []
    for ordinal, found in enumerate(_by_column(data, starts, ends, cells, width)):
        name = names(ordinal)
        columns.append(Column(name.field, name.raw, found.data, found.starts, found.ends, rows[found.records], ordinal,
                              stacked=found.stacked))
        members.append(found.cells)
    return TableBatch(dataset, len(cells.counts), data, tuple(columns), text=text, cells=cells, members=tuple(members),
                      place=place)


def _unescaped(text: bytes, cells: Cells, starts: Ints, ends: Ints) -> tuple[bytes, Ints, Ints]:
    """The buffer with the values of cells that have doubled quotes appended, and where all values are in it."""
    which = np.flatnonzero(cells.escaped)
    if not len(which):
        return text, starts, ends
    if compiled.pays(len(text)):
        from guard.sources import delimited_loops as loops

        out = np.empty(int((ends[which] - starts[which]).sum()), np.uint8)
        size = loops.unescape(np.frombuffer(text, np.uint8), starts, ends, which, out, len(text))
        return text + out[:size].tobytes(), starts, ends
    values = [text[start:end].replace(b'""', b'"')
              for start, end in zip(starts[which].tolist(), ends[which].tolist(), strict=True)]
    stops = len(text) + np.cumsum([len(value) for value in values])
    starts[which], ends[which] = np.concatenate(([len(text)], stops[:-1])), stops
    return b"".join((text, *values)), starts, ends


class _Found(NamedTuple):
    """The filled cells of one column: their numbers, the records that they are in, and their values."""

    cells: Ints
    records: Ints | slice
    data: bytes
    starts: Ints
    ends: Ints
    stacked: bool = False


def _by_column(data: bytes, starts: Ints, ends: Ints, cells: Cells, width: int) -> Iterator[_Found]:
    """The columns of a block whose values are `data[starts[cell]:ends[cell]]`."""
    counts = cells.counts
    is_even = len(counts) > 0 and counts[0] == width and bool((counts == width).all())
    if is_even and compiled.pays(len(data)):
        yield from _stacked(data, starts, ends, width)
        return
    record_of = np.repeat(np.arange(len(counts)), counts)
    for cell in _even_columns(len(starts), width) if is_even else _ragged_columns(cells, width):
        cell = cell[ends[cell] > starts[cell]]
        yield _Found(cell, record_of[cell], data, starts[cell], ends[cell])


def _stacked(data: bytes, starts: Ints, ends: Ints, width: int) -> Iterator[_Found]:
    """The same where every record has `width` cells, each column in a buffer of its own: a record is longer than what
    a processor fetches at once, and columns are gone through many times."""
    from guard.hashing_loops import words_of
    from guard.sources import delimited_loops as loops

    filled, sizes = np.zeros(width, np.int64), np.zeros(width, np.int64)
    loops.measure(starts, ends, filled, sizes)
    bases = np.cumsum(sizes + filled + 8) - (sizes + filled + 8)
    out = np.empty(max(16, int((sizes + filled + 8).sum())), np.uint8)
    lows, highs = (np.empty((width, len(starts) // width), np.int64) for _ in range(2))
    loops.stack(np.frombuffer(data, np.uint8), words_of(data), starts, ends, bases, np.zeros(width, np.int64), out,
                words_of(out), lows, highs)
    for column, cell in enumerate(_even_columns(len(starts), width)):
        count, base = int(filled[column]), int(bases[column])
        chosen = slice(None) if count == len(cell) else np.flatnonzero(ends[cell] > starts[cell])
        text = out[base : base + max(0, int(sizes[column]) + count - 1)].tobytes()
        yield _Found(cell[chosen], chosen, text, lows[column, :count], highs[column, :count], stacked=True)


def _even_columns(size: int, width: int) -> Iterator[Ints]:
    """The cells of each column, in order, where every record has `width` cells."""
    return (np.arange(column, size, width) for column in range(width))


def _ragged_columns(cells: Cells, width: int) -> Iterator[Ints]:
    """The cells of each column, in order."""
    columns = np.minimum(cells.columns, width + MAX_EXTRA - 1)
    if width + MAX_EXTRA <= 1 << 16:
        columns = columns.astype(np.uint16)  # numbers this short are sorted by radix, ten times as fast
    order = np.argsort(columns, kind="stable")
    tops = np.searchsorted(columns[order], np.arange(max(width, int(columns.max(initial=0)) + 1) + 1))
    yield from (order[low:high] for low, high in pairwise(tops.tolist()))


def rewrite_block(batch: TableBatch, edits: Edits, dropped: Mask, delimiter: bytes) -> tuple[bytes, int]:
    """The text of the block after the edits and without the dropped columns, and how many cells were replaced.

    `dropped` tells the columns of `batch` that are left out; each goes with one delimiter.
    """
    import pyarrow as pa

    spans = [_edited(batch, edit, delimiter) for edit in edits.cells if not dropped[edit.column] and len(edit.cells)]
    replaced = sum(len(starts) for starts, _, _ in spans)
    if dropped.any():
        starts, ends = drop_spans(batch.cells, dropped)
        spans.append((starts, ends, pa.nulls(len(starts), pa.binary())))
    if not spans:
        return batch.text, 0
    starts, ends = np.concatenate([s for s, _, _ in spans]), np.concatenate([e for _, e, _ in spans])
    return splice(batch.text, starts, ends, pa.concat_arrays([values for _, _, values in spans])), replaced


def drop_spans(cells: Cells, dropped: Mask) -> tuple[Ints, Ints]:
    """What to cut so that the dropped columns are gone: the cell and the delimiter before it.

    Columns before the first one that stays take the delimiter behind them, for a record must not begin with one.
    """
    columns = cells.columns
    which = np.flatnonzero(dropped[np.minimum(columns, len(dropped) - 1)])
    kept = np.flatnonzero(~dropped)
    before = columns[which] < (kept[0] if len(kept) else len(dropped) + len(cells.starts))
    last = np.zeros(len(cells.starts), np.bool_)
    last[np.cumsum(cells.counts) - 1] = True
    return cells.starts[which] - ~before, cells.ends[which] + (before & ~last[which])


def _edited(batch: TableBatch, edit: CellEdit, delimiter: bytes) -> tuple[Ints, Ints, pa.Array]:
    """Spans and new texts. A quoted cell keeps its quotes; a null leaves nothing."""
    import pyarrow.compute as pc

    index, values = batch.members[edit.column][edit.cells], as_binary(edit.values)
    if len(index) != len(values):
        raise ValueError("an edit needs one value for each cell")
    starts, ends, inside = batch.cells.starts[index], batch.cells.ends[index], batch.cells.quoted[index]
    if inside.any():
        inside &= pc.fill_null(pc.binary_length(values), 0).to_numpy() > 0
        starts, ends = starts + inside, ends - inside
    return starts, ends, _quoted(values, inside, delimiter)


def _quoted(values: pa.Array, inside: Mask, delimiter: bytes) -> pa.Array:
    """The values as they stand in a cell; `inside` tells those between the quotes of the old value."""
    import pyarrow as pa

    content = values.buffers()[2]
    joined = content.to_pybytes() if content is not None else b""
    if not any(mark in joined for mark in (b'"', b"\r", b"\n", delimiter)):
        return values
    return pa.array([value and (value.replace(b'"', b'""') if within else quote(value, delimiter))
                     for value, within in zip(values.to_pylist(), inside.tolist(), strict=True)], pa.binary())


def quote(value: bytes, delimiter: bytes) -> bytes:
    """The value as a cell: in quotes where it holds a delimiter, a quote or a line end."""
    if any(mark in value for mark in (b'"', b"\r", b"\n", delimiter)):
        return b'"' + value.replace(b'"', b'""') + b'"'
    return value

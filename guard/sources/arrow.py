"""Arrow tables: columns as slices of one buffer each, nested types as path templates like those of JSON."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from guard.batch import Batch, Column, Edited, Editor, Ints
from guard.errors import SourceError
from guard.model import Labels, Location, Reason, Skipped
from guard.sources.document import Document
from guard.sources.files import Foreseeing
from guard.sources.json_paths import step

BATCH_ROWS = 32_768
_EXACT = 2.0**53
_BROUGHT = 32
"""Bytes of a dictionary for each row that uses it, at most."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ArrowBatch(Batch):
    """Rows of a table. `leaves` says for every column where it comes from."""

    leaves: tuple[Leaf, ...] = ()

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        return Location(self.dataset, self.columns[column].field, row=int(self.columns[column].rows[cell]) + 1)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column of values in a table: `top` is its column of the table, `number` counts the leaves of that column."""

    top: int
    number: int
    field: str
    header: str
    key: bool = False


@dataclass(frozen=True, slots=True)
class _Slots:
    """The values of a leaf as they stand in the table: the array, and the row (from 0) of every slot."""

    leaf: Leaf
    array: Any
    rows: Ints


class TableDocument(Document):
    """A table in memory: pyarrow, pandas, polars, or anything that offers an Arrow stream."""

    format = "table"

    def __init__(self, name: str, output: PurePosixPath, table: Any, labels: Labels) -> None:
        """Raises SourceError for a table that cannot be turned into Arrow."""
        self.name = name
        self.output = output
        self._table = as_table(table)
        self._labels = labels

    def read(self) -> Iterator[Batch | Skipped]:
        yield from read_batches(self.name, self._table.schema, self._open(), self._labels)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        """Writes Parquet."""
        from guard.sources.arrow_edits import write_edited

        return write_edited(self.name, lambda: (self._table.schema, self._open()), self._labels, out, editor)

    def _open(self) -> Iterator[Any]:
        return iter(self._table.to_batches(max_chunksize=BATCH_ROWS))


def as_table(table: Any) -> Any:
    """A pyarrow table of whatever table it is. Raises SourceError."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if type(table).__module__.partition(".")[0] == "pandas":
        return _from_pandas(table)
    return _from_stream(table)


def _from_stream(table: Any) -> Any:
    import pyarrow as pa

    if not hasattr(table, "__arrow_c_stream__"):
        raise SourceError("a table of this type cannot be read", reason=Reason.UNSUPPORTED,
                          hint="give a pyarrow, pandas or polars table")
    try:
        return pa.table(table)
    except (pa.ArrowException, TypeError, ValueError):
        raise SourceError("a table cannot be turned into Arrow", reason=Reason.UNSUPPORTED) from None


def _from_pandas(frame: Any) -> Any:
    """A pandas frame with its index, unless that only counts. Columns of mixed types are read as strings."""
    import pyarrow as pa

    try:
        return pa.Table.from_pandas(frame)
    except (pa.ArrowException, TypeError, ValueError):
        pass  # the message would show a value
    frame = frame if type(frame.index).__name__ == "RangeIndex" else frame.reset_index()
    return pa.table([_from_series(frame.iloc[:, place]) for place in range(frame.shape[1])], [str(n) for n in frame])


def _from_series(series: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        pairs = zip(series.isna().tolist(), series, strict=True)
        return pa.array([None if missing else str(value) for missing, value in pairs], pa.string())


def read_batches(name: str, schema: Any, batches: Iterator[Any], labels: Labels) -> Iterator[ArrowBatch | Skipped]:
    """The record batches as batches; a column (or part of one) that cannot be shown as text is skipped, once.

    A table without rows still gives its fields.
    """
    if isinstance(labels, Foreseeing):
        labels.foresee(schema.names)
    labels = RememberedLabels(labels)
    shown = label_columns(name, schema.names, labels)
    row, told = 0, set[str]()
    first = next(batches, None)
    for batch in itertools.chain([no_rows(schema) if first is None else first], batches):
        made, skips = make_batch(name, batch, shown, labels, row)
        for skip in skips:
            if skip.detail not in told:
                told.add(skip.detail)
                yield skip
        yield made
        row += batch.num_rows


def no_rows(schema: Any) -> Any:
    """A record batch without rows."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


class RememberedLabels:
    """Labels that ask once for each name, however many batches come."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._known: dict[tuple[str, str], str] = {}

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        found = self._known.get((raw, fallback))
        if found is None:
            found = self._known[raw, fallback] = self._labels.label(raw, fallback, dataset=dataset)
        return found


def label_columns(dataset: str, names: Sequence[str], labels: Labels) -> list[str]:
    """The names that may be shown, in order."""
    return [labels.label(name, f"column {place}", dataset=dataset) if name else f"column {place}"
            for place, name in enumerate(names, 1)]


def label_part(name: str, place: int, labels: Labels, dataset: str) -> str:
    """The name of a struct's member that may be shown."""
    return labels.label(name, f"part {place + 1}", dataset=dataset)


def make_batch(name: str, batch: Any, shown: Sequence[str], labels: Labels,
               row: int) -> tuple[ArrowBatch, list[Skipped]]:
    """One record batch, whose first row has the number `row`, and what of it cannot be read."""
    columns, leaves, skips = list[Column](), list[Leaf](), list[Skipped]()
    rows = np.arange(row, row + batch.num_rows)
    for top, field in enumerate(batch.schema):
        for slots in _walk(batch.column(top), _Branch(top, shown[top], field.name, labels, name), rows):
            column = _column(slots)
            if column is None:
                reason = Reason.BINARY if is_binary(slots.array.type) else Reason.UNSUPPORTED
                skips.append(Skipped(name, reason, f"column {top + 1}, part {slots.leaf.number + 1}"))
            else:
                columns.append(column)
                leaves.append(slots.leaf)
    if not columns:
        columns, leaves = [_empty(Leaf(-1, 0, "$", ""), rows[:0])], [Leaf(-1, 0, "$", "")]
    return ArrowBatch(name, batch.num_rows, b"", tuple(columns), tuple(leaves)), skips


class _Branch:
    """Where a walk through one column of a table is: the shown and the raw name of the part, and the leaves so far."""

    def __init__(self, top: int, field: str, header: str, labels: Labels, dataset: str,
                 counter: list[int] | None = None) -> None:
        self.top = top
        self.field = field
        self.header = header
        self._labels = labels
        self._dataset = dataset
        self._counter = counter if counter is not None else [0]

    def leaf(self, *, key: bool = False) -> Leaf:
        number = self._counter[0]
        self._counter[0] += 1
        return Leaf(self.top, number, f"{self.field} (key)" if key else self.field, self.header, key)

    def member(self, name: str, place: int) -> _Branch:
        shown = label_part(name, place, self._labels, self._dataset)
        return _Branch(self.top, self.field + step(shown), name, self._labels, self._dataset, self._counter)

    def below(self, suffix: str) -> _Branch:
        return _Branch(self.top, self.field + suffix, self.header, self._labels, self._dataset, self._counter)


def _walk(array: Any, branch: _Branch, rows: Ints) -> Iterator[_Slots]:
    """All leaves of an array, in the order in which `rebuild` meets them."""
    if not _has_dictionary(array):
        array = plain(array)
    kind = nesting(array.type)
    if kind == "struct":
        for place, child in enumerate(array.flatten()):
            yield from _walk(child, branch.member(array.type.field(place).name, place), rows)
    elif kind == "map":
        entries, parents = unnest(array)
        keys, items = entries.flatten()
        for slots in _walk(keys, branch.below(".*"), rows[parents]):
            yield _Slots(Leaf(branch.top, slots.leaf.number, f"{slots.leaf.field} (key)", branch.header, True),
                         slots.array, slots.rows)
        yield from _walk(items, branch.below(".*"), rows[parents])
    elif kind == "list":
        values, parents = unnest(array)
        yield from _walk(values, branch.below("[*]"), rows[parents])
    else:
        yield _Slots(branch.leaf(), array, rows)


def plain(array: Any) -> Any:
    """The array without dictionary, run-end or extension wrapping."""
    import pyarrow as pa

    while True:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        elif pa.types.is_dictionary(array.type):
            array = _decode(array)
        elif pa.types.is_run_end_encoded(array.type):
            import pyarrow.compute as pc

            array = pc.run_end_decode(array)
        else:
            return array


def _decode(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string_view(array.dictionary.type):  # what polars gives; Arrow cannot take from views
        array = pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.large_string()))
    return array.dictionary_decode()


def nesting(kind: Any) -> str:
    """`struct`, `map`, `list` or "" for a type that holds plain values."""
    import pyarrow as pa

    types = pa.types
    if types.is_struct(kind):
        return "struct"
    if types.is_map(kind):
        return "map"
    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view, types.is_large_list_view)
    return "list" if any(check(kind) for check in lists) else ""


def unnest(array: Any) -> tuple[Any, Ints]:
    """The items of all lists, those under a null left out, and the list that each belongs to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_map(array.type):
        entry = pa.struct([array.type.key_field, array.type.item_field])
        array = array.cast(pa.list_(pa.field("entries", entry, nullable=False)))
    elif not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        array = array.cast(pa.large_list(array.type.value_field))
    # Not list_parent_indices: it counts the items that may lie hidden under a null, flatten does not.
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    return array.flatten(), np.repeat(np.arange(len(array)), lengths)


def is_binary(kind: Any) -> bool:
    """Whether a type holds bytes that may be no text."""
    import pyarrow as pa

    types = pa.types
    return any(check(kind) for check in (types.is_binary, types.is_large_binary, types.is_fixed_size_binary,
                                         types.is_binary_view))


def is_text(kind: Any) -> bool:
    """Whether a type holds strings."""
    import pyarrow as pa

    return any(check(kind) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def as_strings(array: Any) -> Any | None:
    """A plain array in canonical string form, or None when it has none (bytes that are no UTF-8, intervals, unions).

    A float without a fraction is written as an integer: that is how a phone number beside missing values is meant.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = array.type, pa.types
    try:
        if types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
            array = array.cast(pa.large_binary())
        elif types.is_floating(kind):
            return _float_strings(array.cast(pa.float64()) if types.is_float16(kind) else array)
        elif types.is_timestamp(kind):
            array = _coarse(array.cast(pa.timestamp(kind.unit)))
        elif types.is_duration(kind):
            array = array.cast(pa.int64())
        return pc.cast(array, pa.large_string())
    except pa.ArrowException:
        return None  # the message would show a value


def _float_strings(array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), _EXACT))
    integers = pc.cast(pc.if_else(whole, array, None), pa.int64(), safe=False)
    return pc.coalesce(pc.cast(integers, pa.large_string()), pc.cast(array, pa.large_string()))


def _coarse(array: Any) -> Any:
    """Timestamps in whole seconds where that loses nothing, so that no zeros trail."""
    import pyarrow as pa

    try:
        return array.cast(pa.timestamp("s"))
    except pa.ArrowInvalid:
        return array


def brings_much(array: Any, rows: int) -> bool:
    """Whether a dictionary is much for so many rows: each batch brings all of it, whatever few of it are used."""
    import pyarrow as pa

    return bool(pa.types.is_dictionary(array.type) and array.dictionary.nbytes > _BROUGHT * rows)


def _has_dictionary(array: Any) -> bool:
    """Whether the array says each string once: its values are then slices of these."""
    import pyarrow as pa

    kind = array.type
    return bool(pa.types.is_dictionary(kind) and array.dictionary.null_count == 0
                and (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type))
                and not brings_much(array, len(array)))


def _column(slots: _Slots) -> Column | None:
    import pyarrow as pa

    array, leaf = slots.array, slots.leaf
    has_dictionary = pa.types.is_dictionary(array.type)
    strings = array.dictionary if has_dictionary else array
    # Most columns are strings with short offsets; what casts them would have to be imported.
    strings = strings if pa.types.is_string(strings.type) else as_strings(strings)
    if strings is None:
        return None
    text = has_dictionary or is_text(array.type) or is_binary(array.type)
    if not len(array) or strings.buffers()[1] is None:
        return _empty(leaf, slots.rows[:0], text=text)
    data, offsets = _content(strings)
    starts, ends, rows = offsets[:-1], offsets[1:], slots.rows
    valid = _valid(array if has_dictionary else strings)
    if has_dictionary:
        chosen = _buffer(array.indices, array.indices.type.to_pandas_dtype(), len(array))
        chosen, rows = (chosen, rows) if valid is None else (chosen[valid], rows[valid])
        starts, ends = starts[chosen], ends[chosen]
    elif valid is not None:
        starts, ends, rows = starts[valid], ends[valid], rows[valid]
    return Column(leaf.field, leaf.header, data, starts, ends, rows, leaf.top, text, leaf.key)


def _content(strings: Any) -> tuple[bytes, Ints]:
    """The bytes of an array of strings, one behind the other, and the offsets between them."""
    import pyarrow as pa

    offsets = _buffer(strings, np.int32 if pa.types.is_string(strings.type) else np.int64, len(strings) + 1)
    offsets, buffer = offsets.astype(np.int64), strings.buffers()[2]
    data = buffer.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes() if buffer is not None else b""
    return data, offsets - offsets[0]


def _buffer(array: Any, kind: Any, count: int) -> npt.NDArray[Any]:
    """So many numbers of the first buffer of an array, which are its indices or offsets."""
    return np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + count]


def _valid(array: Any) -> npt.NDArray[np.bool_] | None:
    """Which slots of an array are no nulls; None where all are."""
    if not array.null_count:
        return None
    valid = np.unpackbits(np.frombuffer(array.buffers()[0], np.uint8), bitorder="little").view(bool)
    return valid[array.offset : array.offset + len(array)]


def _empty(leaf: Leaf, none: Ints, *, text: bool = False) -> Column:
    return Column(leaf.field, leaf.header, b"", none, none, none, max(leaf.top, 0), text, leaf.key)

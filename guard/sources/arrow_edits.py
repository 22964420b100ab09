"""Edited Arrow columns put together again, and written as Parquet."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from guard.batch import CellEdit, Edited, Editor
from guard.errors import OutputError, SourceError
from guard.model import Labels
from guard.sources.arrow import (
    ArrowBatch,
    RememberedLabels,
    as_strings,
    is_binary,
    is_text,
    label_columns,
    label_part,
    make_batch,
    nesting,
    no_rows,
    plain,
    unnest,
)

Opener = Callable[[], tuple[Any, Iterator[Any]]]
"""Gives the schema and the record batches of a table, from the first."""
HIDDEN_KEY = "*"
_DROPPED = None

Changes = Mapping[int, CellEdit | None]
"""What happens to the leaves of one column of a table, by number: new values, or None for all to null."""


class _TextNeeded(Exception):  # noqa: N818 - it asks for another pass, nothing went wrong
    """New values do not fit the type of some leaves (column of the table, number): these become strings."""

    def __init__(self, leaf: tuple[int, int], kind: str) -> None:
        super().__init__()
        self.leaf = leaf
        self.kind = kind


@dataclass(slots=True)
class _Count:
    replaced: int = 0
    rows: int = 0


def write_edited(name: str, opener: Opener, labels: Labels, out: BinaryIO, editor: Editor, *,
                 compression: str = "snappy") -> Edited:
    """The table of `opener` as Parquet with the changes that `editor` wants. Raises SourceError and OutputError.

    New values that do not parse in their column's type make it a column of strings. Only a file whose schema says so
    from the start can hold them, so the first such value starts the writing again, and `editor` is asked again.
    """
    remembered, texts = RememberedLabels(labels), dict[tuple[int, int], str]()
    held = None if out.seekable() else io.BytesIO()
    sink = out if held is None else held
    begin = sink.tell()
    while True:
        try:
            edited = _Pass(name, opener, remembered, editor, texts).write(sink, compression)
            if held is not None:
                out.write(held.getvalue())
            return edited
        except _TextNeeded as needed:
            texts[needed.leaf] = needed.kind
            sink.seek(begin)
            sink.truncate()
        except OSError as error:
            raise OutputError.of(error) from None


class _Pass:
    """One attempt to write the whole table; `texts` are the leaves that become strings."""

    def __init__(self, name: str, opener: Opener, labels: Labels, editor: Editor,
                 texts: Mapping[tuple[int, int], str]) -> None:
        self._name = name
        self._labels = labels
        self._editor = editor
        self._texts = texts
        self._schema, self._batches = opener()
        self._shown = label_columns(name, self._schema.names, labels)
        self._count = _Count()
        self._dropped: set[int] = set()

    def write(self, sink: BinaryIO, compression: str) -> Edited:
        import pyarrow.parquet as pq

        writer = None
        try:
            for batch in self._edited():
                if writer is None:
                    writer = pq.ParquetWriter(sink, batch.schema, compression=compression)
                writer.write_batch(batch)
        finally:
            if writer is not None:
                writer.close()
        notes = tuple(f"column {top + 1}: {kind} became text" for (top, _), kind in sorted(self._texts.items()))
        return Edited(self._count.replaced, len(self._dropped), self._count.rows, notes)

    def _edited(self) -> Iterator[Any]:
        """The changed record batches; at least one, so that an empty table keeps its columns."""
        for batch in self._batches:
            yield self._edit(batch)
        if not self._count.rows:
            yield self._edit(no_rows(self._schema))

    def _edit(self, batch: Any) -> Any:
        import pyarrow as pa

        made, skips = make_batch(self._name, batch, self._shown, self._labels, self._count.rows)
        if skips:
            raise SourceError("a column of an input cannot be read", reason=skips[0].reason)
        self._count.rows += batch.num_rows
        changes = self._changes(made)
        self._dropped |= {top for top in changes if all(
            changes[top].get(leaf.number, ...) is _DROPPED for leaf in made.leaves if leaf.top == top)}
        arrays, fields = [], []
        for top, field in enumerate(batch.schema):
            if top in self._dropped:
                continue
            array = self._rebuild(batch.column(top), top, changes.get(top, {}))
            arrays.append(array)
            fields.append(pa.field(self._shown[top], bare(array.type), field.nullable or array.null_count > 0))
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _changes(self, batch: ArrowBatch) -> dict[int, dict[int, CellEdit | None]]:
        """New values by column of the table and number of the leaf."""
        changes: dict[int, dict[int, CellEdit | None]] = {}
        for edit in self._editor.edit(batch).cells:
            leaf = batch.leaves[edit.column]
            changes.setdefault(leaf.top, {})[leaf.number] = edit
        for leaf, column in zip(batch.leaves, batch.columns, strict=True):
            if leaf.top >= 0 and self._editor.drops(self._name, column.field):
                changes.setdefault(leaf.top, {})[leaf.number] = _DROPPED
        self._count.replaced += sum(len(edit.cells) for edits in changes.values() for edit in edits.values() if edit)
        return changes

    def _rebuild(self, array: Any, top: int, changes: Changes) -> Any:
        texts = {number for where, number in self._texts if where == top}
        if changes or texts or _is_dressed(array.type) or self._hides(array.type):
            return _Column(top, changes, texts, self._labels, self._name).rebuild(array)
        return array

    def _hides(self, kind: Any) -> bool:
        """Whether a member of a nested type has a name that may not be shown."""
        for place in range(kind.num_fields):
            field = kind.field(place)
            if nesting(kind) == "struct" and label_part(field.name, place, self._labels, self._name) != field.name:
                return True
            if self._hides(field.type):
                return True
        return False


class _Column:
    """One column of the table, put together from its changed leaves in the order in which `read` met them."""

    def __init__(self, top: int, changes: Changes, texts: set[int], labels: Labels, dataset: str) -> None:
        self._top = top
        self._changes = changes
        self._texts = texts
        self._labels = labels
        self._dataset = dataset
        self._number = 0

    def rebuild(self, array: Any, *, is_key: bool = False) -> Any:
        """`array` with its leaves changed; without dictionaries, whose entries would carry what was removed."""
        array = plain(array)
        build = {"struct": self._struct, "map": self._map, "list": self._list}.get(nesting(array.type))
        return build(array) if build else self._leaf(array, is_key)

    def _struct(self, array: Any) -> Any:
        import pyarrow as pa

        children = [self.rebuild(child) for child in array.flatten()]
        fields = [array.type.field(place) for place in range(len(children))]
        named = [pa.field(label_part(field.name, place, self._labels, self._dataset), child.type)
                 for place, (field, child) in enumerate(zip(fields, children, strict=True))]
        return pa.StructArray.from_arrays(children, fields=named, mask=array.is_null())

    def _list(self, array: Any) -> Any:
        import pyarrow as pa

        values, parents = unnest(array)
        large = pa.LargeListArray if pa.types.is_large_list(array.type) else pa.ListArray
        return large.from_arrays(_offsets(parents, array, large), self.rebuild(values), mask=array.is_null())

    def _map(self, array: Any) -> Any:
        import pyarrow as pa

        entries, parents = unnest(array)
        keys, items = entries.flatten()
        rebuilt = self.rebuild(keys, is_key=True), self.rebuild(items)
        offsets = _offsets(parents, array, pa.ListArray)
        # MapArray takes no mask, but nulls in the offsets.
        gone = np.append(array.is_null().to_numpy(zero_copy_only=False), False)
        return pa.MapArray.from_arrays(pa.array(offsets.to_numpy(), pa.int32(), mask=gone), *rebuilt)

    def _leaf(self, array: Any, is_key: bool) -> Any:
        import pyarrow as pa

        number, self._number = self._number, self._number + 1
        kind = array.type
        if number in self._texts and not (is_text(kind) or is_binary(kind)):
            strings: Any = as_strings(array)  # never None: `read` skipped such a leaf, and the rewrite stopped
            array = strings.cast(pa.string())
        if number not in self._changes:
            return array
        change = self._changes[number]
        if change is None:
            return pa.array([HIDDEN_KEY] * len(array), pa.string()) if is_key else pa.nulls(len(array), array.type)
        return self._replace(array, change, number, is_key)

    def _replace(self, array: Any, change: CellEdit, number: int, is_key: bool) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
            array = array.cast(pa.large_string() if is_text(array.type) else pa.large_binary())
        mask = np.zeros(len(array), np.bool_)
        mask[np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))[change.cells]] = True
        values = pc.fill_null(change.values, HIDDEN_KEY) if is_key else change.values
        try:
            return pc.replace_with_mask(array, mask, values.cast(array.type))
        except pa.ArrowException:
            raise _TextNeeded((self._top, number), str(array.type)) from None


def _offsets(parents: Any, array: Any, kind: Any) -> Any:
    import pyarrow as pa

    counts = np.bincount(parents, minlength=len(array))
    offsets = np.concatenate(([0], np.cumsum(counts)))
    return pa.array(offsets, pa.int64() if kind is pa.LargeListArray else pa.int32())


def _is_dressed(kind: Any) -> bool:
    """Whether a dictionary or extension type occurs in a type."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) or isinstance(kind, pa.BaseExtensionType):
        return True
    return any(_is_dressed(kind.field(place).type) for place in range(kind.num_fields))


def bare(kind: Any) -> Any:
    """A type without the metadata of its fields."""
    import pyarrow as pa

    types = pa.types
    if types.is_struct(kind):
        return pa.struct([_bare_field(kind.field(place)) for place in range(kind.num_fields)])
    if types.is_map(kind):
        return pa.map_(_bare_field(kind.key_field), _bare_field(kind.item_field), kind.keys_sorted)
    if types.is_fixed_size_list(kind):
        return pa.list_(_bare_field(kind.value_field), kind.list_size)
    if types.is_large_list(kind):
        return pa.large_list(_bare_field(kind.value_field))
    return pa.list_(_bare_field(kind.value_field)) if types.is_list(kind) else kind


def _bare_field(field: Any) -> Any:
    import pyarrow as pa

    return pa.field(field.name, bare(field.type), field.nullable)

"""One table from one file to another, field by field: what `protect` and `reveal` of files share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from guard.batch import Batch, CellEdit, Column, Edits
from guard.disclosure.cells import strings
from guard.disclosure.record_keys import RecordKeys
from guard.disclosure.staging import output_errors, publish_file, staging
from guard.errors import SourceError, UsageError
from guard.model import Skipped
from guard.protect import Transform
from guard.scanner import Scanner
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover

TABLES = ("csv", "tsv", "json", "jsonl", "parquet")


class TableEditor(ABC):
    """Changes whole columns of one table, and counts what was changed by field."""

    def __init__(self) -> None:
        self.changed: dict[str, int] = {}
        self._counted: set[tuple[str, int]] = set()
        self._record_keys: dict[tuple[str, bool], RecordKeys] = {}

    @abstractmethod
    def drops(self, dataset: str, field: str) -> bool:
        """Whether the column is left out."""

    @abstractmethod
    def edit_column(self, batch: Batch, column: Column) -> Any | None:
        """The new values of a column, a pyarrow string array; None where it stays as it is."""

    def edit(self, batch: Batch) -> Edits:
        """The changes to one batch."""
        return self.edit_text(batch) if batch.is_text else Edits(cells=tuple(self._cells(batch)))

    def edit_text(self, batch: Batch) -> Edits:
        """The changes to a text, which is what stands above the header of a table."""
        return Edits()

    def keys_of(self, batch: Batch, column: Column, record: str, *, repeat: bool = False) -> Any:
        """The record keys of a column's cells; `repeat` says that they are subjects."""
        keys = self._record_keys.setdefault((record, repeat), RecordKeys(batch.dataset, record, repeat=repeat))
        return keys.of(batch, column)

    def objections(self) -> list[str]:
        """Why columns do not serve as record keys."""
        return [keys.objection() for keys in self._record_keys.values() if keys.objection()]

    def _count(self, column: Column) -> None:
        """Once for each batch, however often it comes: Parquet is edited anew when a number becomes text."""
        place = column.field, int(column.rows[0]) if len(column) else -1
        if place not in self._counted:
            self._counted.add(place)
            self.changed[column.field] = self.changed.get(column.field, 0) + len(column)

    def _cells(self, batch: Batch) -> list[CellEdit]:
        edits = []
        for index, column in enumerate(batch.columns):
            new = self.edit_column(batch, column)
            if new is not None:
                self._count(column)
                edits.append(CellEdit(index, np.arange(len(new)), new))
        return edits


def applied(transform: Callable[..., Any], column: Column, records: Any = None) -> Any:
    """A transform's `apply` or `reveal` over the values of a column."""
    return transform(strings(column.data, column.starts, column.ends), records)


def takes_records(transform: Transform, record: str) -> bool:
    """Whether a transform is bound to records here."""
    return bool(record) and transform.binds_records


def record_column(params: Mapping[str, Any]) -> str:
    """The column that parameters name for record keys or subjects; "" for none."""
    return str(params.get("record") or params.get("subject") or "")


def open_one(source: Path, scanner: Scanner, options: Options, formats: tuple[str, ...] = TABLES) -> Document:
    """The one document of a file. Raises UsageError for a folder or another format, SourceError when unreadable."""
    if not source.is_file():
        raise UsageError("the source is not a file", hint="name one file; guard release takes folders")
    found = list(discover(source, options, ScannedLabels(scanner.matcher)))
    if len(found) != 1 or isinstance(found[0], Skipped):
        reason = found[0].reason if found and isinstance(found[0], Skipped) else "unreadable"
        raise SourceError(f"the source was not read: {reason}", reason=str(reason))
    if found[0].format not in formats:
        raise UsageError(f"a {found[0].format} file has no fields to name",
                         hint=f"it takes {', '.join(formats)}; a small table is known by the ending of its name")
    return found[0]


def rewrite(document: Document, out: Path, editor: TableEditor, check: Callable[[int], None]) -> int:
    """Write the changed table to the new file `out`, mode 0600, if `check` does not raise; returns its records.

    `check` is given the number of records. Whatever goes wrong, nothing is left there.
    """
    with staging(out) as folder:
        path = folder / "table"
        with output_errors():
            path.touch(0o600)
            with path.open("r+b") as file:
                edited = document.rewrite(file, editor)
        check(edited.rows)
        publish_file(path, out)
    return edited.rows

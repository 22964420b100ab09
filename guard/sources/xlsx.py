"""Workbooks: every sheet as a table, hidden ones too. Written anew as xlsx with values only."""

from __future__ import annotations

import datetime
import hashlib
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from guard.batch import Batch, Column, Edited, Editor, Ints
from guard.errors import OutputError, SourceError
from guard.model import Labels, Location, Reason, Skipped
from guard.sources import xlsx_parts
from guard.sources.document import Document, Options
from guard.sources.json_tokens import NUMBER
from guard.sources.stable import Opener, StableFile
from guard.sources.table_head import SAMPLE_ROWS, FieldName, find_head, name_fields
from guard.sources.text import TextBatch, edit_text

BATCH_ROWS = 10_000
MAX_SHEET_NAME = 31
"""Characters that Excel allows in the name of a sheet."""
_CREATED = datetime.datetime(2000, 1, 1)
_FORMS = {datetime.date: "yyyy-mm-dd", datetime.datetime: "yyyy-mm-dd hh:mm:ss", datetime.time: "hh:mm:ss",
          datetime.timedelta: "[h]:mm:ss"}
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'|'$")
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet as it was read: title rows, header and records, and how many rows of the sheet stand above each."""

    dataset: str
    shown: str
    hidden: bool
    titles: list[list[Any]]
    header: list[Any]
    names: tuple[FieldName, ...]
    rows: Iterator[list[Any]]
    above: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SheetBatch(Batch):
    """Records of a sheet, from its record number `first` on. Record 0 stands in its row `above`, both from 0."""

    above: int = 0
    first: int = 0
    records: tuple[list[Any], ...] = ()

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        row = int(self.columns[column].rows[cell])
        return Location(self.dataset, self.columns[column].field, line=self.above + row + 1, row=row + 1)


class XlsxDocument(Document):
    """A workbook: xlsx, xlsm, xlsb, xls or ods, held in memory. Its rewritten form is always xlsx."""

    format = "xlsx"

    def __init__(self, name: str, output: PurePosixPath, opener: Opener, size: int, options: Options,
                 labels: Labels) -> None:
        self.name = name
        self.output = output.with_suffix(".xlsx")
        self.size = size
        self._renamed = output.suffix.lower() != ".xlsx"
        self._opener = opener
        self._limit = options.max_document
        self._labels = labels

    def read(self) -> Iterator[Batch | Skipped]:
        try:
            data = self._load()
            yield from self._others(data)
            empty = True
            for sheet in self._sheets(data):
                for batch in self._batches(sheet):
                    empty = False
                    yield batch
            if empty:
                yield Skipped(self.name, Reason.EMPTY)
        except SourceError as error:
            yield Skipped(self.name, Reason(error.reason))
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        try:
            data = self._load()
        except OSError as error:
            raise SourceError(f"an input cannot be read ({error.strerror})") from None
        writer = _Writer(editor)
        hidden = 0
        for sheet in self._sheets(data):
            if sheet.hidden:
                hidden += 1
            else:
                writer.write(sheet, self._batches(sheet))
        notes = ["written anew with values only"]
        notes += [f"{hidden} hidden sheets left out"] if hidden else []
        notes += ["written as xlsx"] if self._renamed else []
        return writer.finish(out, tuple(notes))

    def _load(self) -> bytes:
        with StableFile.wrap(self._opener()) as file:
            data = file.read(self._limit + 1)
            if len(data) > self._limit:
                raise SourceError("a workbook is too large", reason=Reason.TOO_LARGE)
            self.digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            if file.changed():
                raise SourceError("an input changed while it was read", reason=Reason.CHANGED)
        if data.startswith(_ZIP):
            xlsx_parts.check_area(xlsx_parts.open_package(data, self._limit))
        return data

    def _others(self, data: bytes) -> Iterator[Batch | Skipped]:
        """What is in the workbook beside cells."""
        if not data.startswith(_ZIP):
            yield Skipped(self.name, Reason.UNSUPPORTED, "comments and objects of this kind of workbook")
            return
        package = xlsx_parts.open_package(data, self._limit)
        for detail in xlsx_parts.unreadable(package):
            yield Skipped(self.name, Reason.UNSUPPORTED, detail)
        for kind, text in xlsx_parts.texts(package):
            yield TextBatch(f"{self.name}#{kind}", text.count("\n") + 1, text.encode("utf-8", "replace"))

    def _sheets(self, data: bytes) -> Iterator[_Sheet]:
        book = _calamine(lambda module: module.load_workbook(io.BytesIO(data)))
        for number, entry in enumerate(book.sheets_metadata, 1):
            shown = self._labels.label(entry.name, f"sheet {number}", dataset=self.name)
            sheet = _calamine(lambda _, at=number - 1: book.get_sheet_by_index(at))
            if sheet.start is not None:
                hidden = not str(entry.visible).endswith(".Visible")
                yield self._open_sheet(sheet, shown, hidden)

    def _open_sheet(self, sheet: Any, shown: str, hidden: bool) -> _Sheet:
        dataset = f"{self.name}#{shown}"
        rows, blank = sheet.iter_rows(), sheet.start[0]
        head = list(itertools.islice(rows, blank, blank + SAMPLE_ROWS))
        found = find_head([[canonical(value)[0] for value in row] for row in head])
        header = head[found.titles] if found.header else [""] * max(map(len, head), default=0)
        names = name_fields([canonical(value)[0] for value in header], self._labels, dataset)
        begin = found.titles + found.header
        return _Sheet(dataset, shown, hidden, head[: found.titles], header if found.header else [], names,
                      itertools.chain(head[begin:], rows), blank + begin)

    def _batches(self, sheet: _Sheet) -> Iterator[Batch]:
        if sheet.titles:
            yield TextBatch(sheet.dataset, len(sheet.titles), _title_text(sheet.titles))
        first = 0
        records = tuple(itertools.islice(sheet.rows, BATCH_ROWS))
        while records or not first:  # a header without records still gives its fields
            columns = _columns(records, sheet.names, first)
            yield SheetBatch(sheet.dataset, len(records), b"", columns, sheet.above, first, records)
            first += len(records) or 1
            records = tuple(itertools.islice(sheet.rows, BATCH_ROWS))


def _calamine(ask: Any) -> Any:
    """What `ask` gets from the reader. Its errors, and panics of its Rust code, are one: a workbook that is corrupt."""
    import python_calamine

    try:
        return ask(python_calamine)
    except python_calamine.PasswordError:
        raise SourceError("a workbook is encrypted", reason=Reason.ENCRYPTED) from None
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise SourceError("a workbook is corrupt", reason=Reason.CORRUPT) from None
        raise


def canonical(value: Any) -> tuple[str, bool]:
    """A cell as text, and whether it was text. Whole numbers have no point, dates are ISO 8601."""
    if isinstance(value, str):
        return value, True
    if isinstance(value, bool):
        return ("true" if value else "false"), False
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value)), False
    if isinstance(value, datetime.datetime):
        return value.isoformat(" "), False
    return (value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)), False


def _columns(records: Sequence[list[Any]], names: Sequence[FieldName], first: int) -> tuple[Column, ...]:
    """The values of some records by field; text and other values of one field are two columns."""
    built = []
    for ordinal, name in enumerate(names):
        parts: dict[bool, list[tuple[int, bytes]]] = {True: [], False: []}
        for row, record in enumerate(records, first):
            text, is_text = canonical(record[ordinal]) if ordinal < len(record) else ("", True)
            if text:
                parts[is_text].append((row, text.encode("utf-8", "replace")))
        for is_text, cells in parts.items():
            if cells or (is_text and not parts[False]):
                built.append(_column(name, ordinal, cells, is_text))
    return tuple(built)


def _column(name: FieldName, ordinal: int, cells: list[tuple[int, bytes]], is_text: bool) -> Column:
    ends: Ints = np.cumsum([len(value) for _, value in cells], dtype=np.int64)
    starts = np.concatenate((np.zeros(min(1, len(ends)), np.int64), ends[:-1]))
    rows = np.array([row for row, _ in cells], np.int64)
    return Column(name.field, name.raw, b"".join(value for _, value in cells), starts, ends, rows, ordinal, is_text)


def _title_text(titles: Sequence[list[Any]]) -> bytes:
    """Title rows as lines, their cells parted by tabs."""
    lines = ("\t".join(" ".join(canonical(value)[0].split()) for value in row) for row in titles)
    return "\n".join(lines).encode("utf-8", "replace")


class _Writer:
    """A new workbook with values only. Nothing is spooled to disk, and the same input gives the same bytes."""

    def __init__(self, editor: Editor) -> None:
        import xlsxwriter

        self._editor = editor
        self._buffer = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._buffer, {
            "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
        self._book.set_properties({"created": _CREATED, "author": ""})
        self._styles = {kind: self._book.add_format({"num_format": form}) for kind, form in _FORMS.items()}
        self._names: set[str] = set()
        self._replaced = self._dropped = self._rows = 0

    def write(self, sheet: _Sheet, batches: Iterator[Batch]) -> None:
        """One sheet, changed as the editor wants."""
        page = self._book.add_worksheet(self._sheet_name(sheet.shown))
        kept = [place for place, name in enumerate(sheet.names) if not self._editor.drops(sheet.dataset, name.field)]
        self._dropped += len(sheet.names) - len(kept)
        row = 0
        for batch in batches:
            if isinstance(batch, SheetBatch):
                row = row or self._write_header(page, sheet, kept, 0)
                row = self._write_records(page, row, self._edited(batch), kept)
            else:
                row = self._write_titles(page, batch)
                row = self._write_header(page, sheet, kept, row)

    def _write_titles(self, page: Any, batch: Batch) -> int:
        text, replaced = edit_text(batch, self._editor)
        self._replaced += replaced
        lines = text.decode().split("\n")
        for row, line in enumerate(lines):
            for column, cell in enumerate(line.split("\t")):
                self._put(page, row, column, cell)
        return len(lines)

    def _write_header(self, page: Any, sheet: _Sheet, kept: Sequence[int], row: int) -> int:
        if not sheet.header:
            return row
        for column, place in enumerate(kept):
            self._put(page, row, column, sheet.names[place].shown_as)
        return row + 1

    def _edited(self, batch: SheetBatch) -> list[list[Any]]:
        records = [list(record) for record in batch.records]
        for edit in self._editor.edit(batch).cells:
            column = batch.columns[edit.column]
            rows = (column.rows[edit.cells] - batch.first).tolist()
            for row, value in zip(rows, edit.values.to_pylist(), strict=True):
                records[row][column.ordinal] = value if column.text or value is None else _as_number(value)
            self._replaced += len(rows)
        self._rows += len(records)
        return records

    def _write_records(self, page: Any, row: int, records: list[list[Any]], kept: Sequence[int]) -> int:
        for record in records:
            for column, place in enumerate(kept):
                if place < len(record):
                    self._put(page, row, column, record[place])
            row += 1
        return row

    def _put(self, page: Any, row: int, column: int, value: Any) -> None:
        """Writes one cell by its type; text is never a formula or a link."""
        if value is None or value == "":
            return
        if isinstance(value, bool):
            failed = page.write_boolean(row, column, value)
        elif isinstance(value, (int, float)):
            failed = page.write_number(row, column, value)
        elif (style := self._styles.get(type(value))) and not _is_early(value):
            failed = page.write_datetime(row, column, value, style)
        else:
            failed = page.write_string(row, column, canonical(value)[0])
        if failed:
            raise OutputError("a value does not fit into a sheet")

    def _sheet_name(self, shown: str) -> str:
        """`shown` as Excel allows it: short, without some signs, once."""
        base = _NOT_IN_NAMES.sub("_", shown)[:MAX_SHEET_NAME] or "sheet"
        ends = itertools.chain([""], (f" {number}" for number in itertools.count(2)))
        name = next(name for end in ends
                    if (name := base[: MAX_SHEET_NAME - len(end)] + end).lower() not in self._names)
        self._names.add(name.lower())
        return name

    def finish(self, out: BinaryIO, notes: tuple[str, ...]) -> Edited:
        """Write the workbook to `out`."""
        self._book.close()
        try:
            out.write(self._buffer.getvalue())
        except OSError as error:
            raise OutputError.of(error) from None
        return Edited(self._replaced, self._dropped, self._rows, notes)


def _is_early(value: Any) -> bool:
    """Whether a date lies before those that a sheet can count."""
    return isinstance(value, datetime.date) and value.year < 1900


def _as_number(value: str) -> int | float | str:
    """A number stays a number while its new value is one that a sheet holds exactly."""
    if not NUMBER.fullmatch(value.encode()):
        return value
    number = float(value)
    return number if canonical(number)[0] == value else value

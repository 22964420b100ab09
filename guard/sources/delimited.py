"""CSV, TSV and other delimited tables, read and rewritten in constant memory."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from guard.batch import Batch, Edited, Editor
from guard.errors import SourceError
from guard.model import Reason, Skipped
from guard.sources.cutting import Borders, Piece, RecordBorders
from guard.sources.delimited_batch import TableBatch, drop_spans, quote, rewrite_block, table_batch
from guard.sources.delimited_cells import (
    DELIMITERS,
    Cells,
    Mask,
    split_cells,
    split_exactly,
    split_records,
)
from guard.sources.encoding import Encoding, TextReader
from guard.sources.splice import splice
from guard.sources.stable import StableFile
from guard.sources.stream import START, Place, Sink, StreamDocument
from guard.sources.table_head import MAX_TITLES, SAMPLE_ROWS, FieldName, find_head, name_fields
from guard.sources.text import TextBatch, edit_text, safe_end

HEAD = 1 << 16
BLOCKS = 6
"""Blocks of text that make a batch: what is done once for each column of a batch weighs less."""
MAX_RECORD = 16
"""A record longer than this many blocks (16 MB) does not parse: most likely a quote is never closed."""


@dataclass(slots=True, eq=False, repr=False)
class _Table:
    """What the beginning of the file says: delimiter, title rows, header, the names of its fields."""

    delimiter: bytes
    titles: bytes
    header: bytes
    names: list[FieldName]
    width: int
    dropped: dict[int, bool] = field(default_factory=dict)

    def name(self, ordinal: int) -> FieldName:
        """The field of a column; those beyond the header are called by their number."""
        while len(self.names) <= ordinal:
            label = f"column {len(self.names) + 1}"
            while any(name.field == label for name in self.names):
                label += "'"
            self.names.append(FieldName(label, "", ""))
        return self.names[ordinal]


class DelimitedDocument(StreamDocument):
    """A delimited table. Delimiter, title rows and header are found out from its first 64 KB.

    Title rows come first, as a text batch; then the records, block by block. A record that does not parse is a
    `Skipped` with its line, and what can be told apart of it is scanned all the same; a rewrite refuses it.
    """

    format = "csv"
    can_be_cut = True

    def _batches(self, reader: TextReader) -> Iterator[Batch | Skipped]:
        text = reader.read(self._first_read())
        if not text:
            return
        table = self._begin(text)
        if table.titles:
            yield self._title_batch(table)
        yield from self._records(reader, text, table)

    def _rewrite(self, reader: TextReader, sink: Sink, editor: Editor) -> Edited:
        text = reader.read(max(self._options.block, HEAD))
        table = self._begin(text)
        titles, replaced = edit_text(self._title_batch(table), editor) if table.titles else (b"", 0)
        sink.write(titles)
        sink.write(self._rewritten_header(table, self._dropped(table, table.width, editor)))
        rows = 0
        for item in self._records(reader, text, table):
            if isinstance(item, Skipped):
                raise SourceError("a record does not parse", reason=item.reason,
                                  hint="guard scan tells its line; a quote may be missing there")
            dropped = self._dropped(table, len(item.columns), editor)
            changed, count = rewrite_block(item, editor.edit(item), dropped, table.delimiter)
            sink.write(changed)
            replaced += count
            rows += item.rows
        return Edited(replaced, sum(table.dropped.values()), rows)

    def _begin(self, text: bytes) -> _Table:
        head, delimiter = text[:HEAD], self._delimiter(text)
        titles, end, raw = _find_header(head, delimiter)
        names = list(name_fields(raw, self._labels, self.name))
        return _Table(delimiter, head[:titles], head[titles:end], names, len(raw))

    def _delimiter(self, text: bytes) -> bytes:
        tabbed = self._options.as_format == "tsv"
        return b"\t" if tabbed else choose_delimiter(text[:HEAD], whole=len(text) <= HEAD)

    def _least_piece(self) -> int:
        # So much that all readers see more than HEAD bytes of text: UTF-32 has four bytes for one, and a mark.
        return min(4 * HEAD + 8, self._first_read())

    def _first_read(self) -> int:
        return max(self._options.block, HEAD)

    def _borders(self, head: bytes, encoding: Encoding | None) -> Borders:
        return RecordBorders(self._delimiter(TextReader(io.BytesIO(head), encoding).read(len(head))))

    def _later_batches(self, file: StableFile, piece: Piece, reader: TextReader) -> Iterator[Batch | Skipped]:
        """The records of a piece under the header that the file begins with."""
        file.seek(0)
        table = self._begin(TextReader(file, piece.encoding).read(self._least_piece()))
        file.seek(piece.start)
        text = reader.read(BLOCKS * self._options.block)
        yield from self._records(reader, text, replace(table, titles=b"", header=b""))

    def _title_batch(self, table: _Table) -> TextBatch:
        return TextBatch(self.name, START.after(table.titles).line - 1, table.titles, place=START)

    def _dropped(self, table: _Table, width: int, editor: Editor) -> Mask:
        for ordinal in range(width):
            if ordinal not in table.dropped:
                table.dropped[ordinal] = editor.drops(self.name, table.name(ordinal).field)
        return np.array([table.dropped[ordinal] for ordinal in range(width)], np.bool_)

    def _rewritten_header(self, table: _Table, dropped: Mask) -> bytes:
        """The header without dropped columns; a name that may not be shown is written as its label."""
        if not table.header:
            return b""
        cells = split_exactly(table.header, table.delimiter, final=True)
        starts, ends = drop_spans(cells, dropped)
        renamed = np.array([ordinal for ordinal, name in enumerate(table.names[: table.width])
                            if name.shown_as != name.raw and not dropped[ordinal]], np.int64)
        if not len(starts) and not len(renamed):
            return table.header
        import pyarrow as pa

        values = [None] * len(starts) + [quote(table.names[at].shown_as.encode(), table.delimiter) for at in renamed]
        return splice(table.header, np.concatenate((starts, cells.starts[renamed])),
                      np.concatenate((ends, cells.ends[renamed])), pa.array(values, pa.binary()))

    def _records(self, reader: TextReader, text: bytes, table: _Table) -> Iterator[TableBatch | Skipped]:
        begin = len(table.titles) + len(table.header)
        row, place = 0, START.after(text[:begin])
        before: tuple[bytes, Cells] | None = None
        if begin == len(text):  # a header alone still has fields
            yield table_batch(self.name, b"", split_exactly(b"", table.delimiter, final=True), table.name, table.width,
                              row, place)
        for block, cells in self._blocks(reader, text[begin:], table.delimiter):
            # Where a block ends is asked when another follows: the last one of a piece need not be gone through.
            whole, place = bool(cells.end), _behind(place, *before) if before else place
            if not whole:
                cells = split_exactly(block, table.delimiter, final=True)
            batch = table_batch(self.name, block, cells, table.name, table.width, row, place)
            yield batch
            if not whole or cells.unclosed:
                line = place.locate(block, cells.unclosed[0] if cells.unclosed else 0)[0]
                yield Skipped(self.name, Reason.INVALID_RECORD, line=line)
            row, before = row + batch.rows, (block, cells)

    def _blocks(self, reader: TextReader, held: bytes, delimiter: bytes) -> Iterator[tuple[bytes, Cells]]:
        """Blocks of whole records. One whose cells end at 0 is a piece of a record that is too long."""
        size = BLOCKS * self._options.block
        window, fresh = 2 * size, reader.read(size)
        while held or fresh:
            seen = held[:window]
            whole = len(seen) == len(held)
            cells = split_cells(seen, delimiter, final=whole and not fresh)
            if not cells.end and not whole:
                window *= 2
                continue
            cut = cells.end
            if not cut and len(held) >= MAX_RECORD * self._options.block:
                seen = held[: 2 * size]
                cells = split_exactly(seen, delimiter, final=False, give_up=True)
                cut = cells.end or safe_end(seen)
            if cut:
                yield held[:cut], cells
                window = 2 * size
            held = held[cut:]
            if whole:
                # A record longer than the block: read as much again, so that it is not split over and over.
                held, fresh = held + fresh, reader.read(size if cut else max(size, len(held))) if fresh else b""


def _behind(place: Place, block: bytes, cells: Cells) -> Place:
    """The place right behind a block that begins at `place`."""
    if not (cells.is_plain and block.endswith((b"\n", b"\r"))):
        return place.after(block)
    return Place(place.line + len(cells.counts), place.offset + len(block))


@lru_cache(maxsize=2)
def _find_header(head: bytes, delimiter: bytes) -> tuple[int, int, tuple[str, ...]]:
    """Where title rows and header end, and the cells of the header; kept, since all pieces of a file ask."""
    rows = split_records(head, delimiter, limit=SAMPLE_ROWS + MAX_TITLES)
    found = find_head(rows)
    titles = _records_end(head, delimiter, found.titles)
    if not found.header:
        return titles, titles, ("",) * _usual_width(rows)
    return titles, _records_end(head, delimiter, found.titles + 1), tuple(rows[found.titles])


@lru_cache(maxsize=2)
def choose_delimiter(head: bytes, *, whole: bool) -> bytes:
    """The delimiter that gives most rows the same number of cells; a comma where none does."""
    best, chosen = 0.0, DELIMITERS[0]
    for delimiter in DELIMITERS:
        if delimiter not in head:
            continue
        rows = split_records(head, delimiter, limit=100)
        if not whole and 1 < len(rows) < 100:
            rows = rows[:-1]
        widths = Counter(len(row) for row in rows if any(row))
        share = max((count for width, count in widths.items() if width > 1), default=0) / max(1, widths.total())
        if share > best:
            best, chosen = share, delimiter
    return chosen


def _usual_width(rows: list[list[str]]) -> int:
    widths = Counter(len(row) for row in rows if any(row))
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _records_end(head: bytes, delimiter: bytes, count: int) -> int:
    """Where the first `count` records end."""
    return split_exactly(head, delimiter, final=True, limit=count).end if count else 0

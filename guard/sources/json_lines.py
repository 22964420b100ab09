"""JSON Lines (NDJSON): one record a line, read in blocks, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from guard.batch import Batch, Edited, Editor, Ints
from guard.errors import SourceError
from guard.model import Reason, Skipped
from guard.sources.cutting import Extent
from guard.sources.encoding import Encoding, TextReader
from guard.sources.json_edits import Replacements
from guard.sources.json_paths import Paths
from guard.sources.json_records import read_records
from guard.sources.json_tokens import Tokens, tokenize
from guard.sources.json_values import Cells, JsonBatch, depths, make_batch, pointer
from guard.sources.stream import Place, Sink, StreamDocument

BLOCKS = 4
"""Blocks of the options that are one batch."""
MAX_LINE = 8_000_000
"""A longer line is skipped: its tokens alone would take more memory than the whole run may."""
_LINES = 4
"""Lines whose tokens are remembered while places are looked up."""


class TextBlocks(Protocol):
    """What is needed of a TextReader."""

    @property
    def encoding(self) -> Encoding | None: ...

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Block:
    """Whole lines of the file: their records as a batch, all their keys, and the lines (from 0) that do not parse."""

    text: bytes
    batch: JsonBatch
    keys: Cells
    wrong_lines: Ints


class JsonLinesDocument(StreamDocument):
    """JSON Lines. A line that does not parse is skipped and named; the rest goes on."""

    format = "jsonl"
    can_be_cut = True
    _paths: Paths | None = None

    def _batches(self, reader: TextBlocks) -> Iterator[Batch | Skipped]:
        for block in self._blocks(reader):
            if isinstance(block, Skipped):
                yield block
                continue
            for line in block.wrong_lines.tolist():
                yield Skipped(self.name, Reason.INVALID_RECORD, line=block.batch.place.line + line)
            yield block.batch

    def _extent(self, reader: TextReader, rows: int) -> Extent:
        places = self._paths.places() if self._paths else None
        return Extent(reader.lines, reader.size, rows, places or frozenset(), places is None)

    def _rewrite(self, reader: TextBlocks, sink: Sink, editor: Editor) -> Edited:
        replaced, rows, dropped = 0, 0, set[str]()
        for block in self._blocks(reader):
            if isinstance(block, Skipped) or len(block.wrong_lines):
                raise SourceError("a line of an input is no JSON", reason=Reason.INVALID_RECORD)
            changes = Replacements(ascii_only=is_narrow(reader))
            changes.add(block.batch, editor)
            sink.write(changes.apply(block.text, block.keys))
            replaced, rows, dropped = replaced + changes.replaced, rows + block.batch.rows, dropped | changes.dropped
        return Edited(replaced, len(dropped), rows)

    def _blocks(self, reader: TextBlocks) -> Iterator[_Block | Skipped]:
        self._paths = paths = Paths(self.name, self._labels)
        rows = 0
        for text, place in _whole_lines(reader, BLOCKS * self._options.block):
            if text is None:
                yield Skipped(self.name, Reason.TOO_LARGE, "a line above 8 MB", place.line)
                continue
            block = _parse(self.name, text, place, rows, paths)
            rows += block.batch.rows
            yield block


def is_narrow(reader: TextBlocks) -> bool:
    """Whether the encoding cannot write every character, so that new values must be escaped."""
    return reader.encoding is not None and not reader.encoding.codec.startswith(("utf", "gb18030"))


def _whole_lines(reader: TextBlocks, size: int) -> Iterator[tuple[bytes | None, Place]]:
    """Blocks that end at a line end, with their places; None stands for a line that is too long."""
    place, pieces, held, skipping = Place(), list[bytes](), 0, False
    while piece := reader.read(size):
        cut = piece.rfind(b"\n") + 1
        if skipping and cut:
            first = piece.find(b"\n") + 1
            place, piece, cut, skipping = place.after(piece[:first]), piece[first:], cut - first, False
        if skipping:
            place = place.after(piece)
        elif cut or held + len(piece) <= MAX_LINE:
            text = b"".join((*pieces, piece[:cut])) if cut else b""
            if text:
                yield text, place
                place, pieces, held = place.after(text), [], 0
            pieces.append(piece[cut:])
            held += len(piece) - cut
        else:
            yield None, place
            place, pieces, held, skipping = place.after(b"".join((*pieces, piece))), [], 0, True
    if text := b"".join(pieces):
        yield text, place


def _parse(name: str, text: bytes, place: Place, row: int, paths: Paths) -> _Block:
    records = read_records(text, row, paths)
    data_keys = records.keys.take(np.array([node.is_data_key for node in paths.nodes])[records.keys.nodes])
    batch = make_batch(name, records.count, text, place, records.values, data_keys, paths.fields(),
                       _pointers(text))
    return _Block(text, batch, records.keys, np.flatnonzero(records.wrong))


def _pointers(text: bytes) -> Callable[[int], str]:
    """What gives the JSON pointer of the literal at a position, within its line. Findings often share a line."""
    @lru_cache(maxsize=_LINES)
    def tokens_from(start: int) -> tuple[bytes, Tokens, Ints]:
        end = text.find(b"\n", start)
        line = text[start : end if end >= 0 else len(text)]
        tokens = tokenize(line, lines=False)
        return line, tokens, depths(tokens)

    def pointer_at(position: int) -> str:
        start = text.rfind(b"\n", 0, position) + 1
        line, tokens, opened = tokens_from(start)
        return pointer(line, tokens, opened, int(np.searchsorted(tokens.starts, position - start)))

    return pointer_at

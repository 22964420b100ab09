"""JSON Lines (NDJSON): one record a line, read in blocks, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from guard.batch import Batch, Edited, Editor, Ints
from guard.errors import SourceError
from guard.model import Reason, Skipped
from guard.sources.cutting import Extent
from guard.sources.encoding import Encoding, TextReader
from guard.sources.json_edits import Replacements
from guard.sources.json_paths import Paths, ShapeError, Slots
from guard.sources.json_tokens import KEY, NEWLINE, Mask, Tokens, shapes, tokenize
from guard.sources.json_values import Cells, JsonBatch, depths, make_batch, pointer
from guard.sources.stream import Place, Sink, StreamDocument

AnyInts = npt.NDArray[np.integer[Any]]

BLOCKS = 2
"""Blocks of the options that are one batch."""
MAX_LINE = 8_000_000
"""A longer line is skipped: its tokens alone would take more memory than the whole run may."""
_NONE = np.empty(0, np.int32)
_NO_SLOTS = Slots(_NONE, _NONE, _NONE, ())


class TextBlocks(Protocol):
    """What is needed of a TextReader."""

    @property
    def encoding(self) -> Encoding | None: ...

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
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
    tokens = tokenize(text, lines=True)
    slots, wrong = _slots(text, tokens, paths)
    return _Block(text, *_batch(name, text, place, row, paths, tokens, slots, wrong), np.flatnonzero(wrong))


def _slots(text: bytes, tokens: Tokens, paths: Paths) -> tuple[list[Slots | None], Mask]:
    """What every line holds (None: nothing that parses), and which lines are wrong."""
    line_shapes = shapes(text, tokens).split(b"\n")
    if not line_shapes[-1]:
        line_shapes.pop()
    wrong = np.zeros(len(line_shapes), np.bool_)
    if len(tokens.wrong):
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
        wrong[np.searchsorted(ends, tokens.wrong)] = True
    slots: list[Slots | None] = []
    for index, shape in enumerate(line_shapes):
        slots.append(None)
        if not wrong[index]:
            try:
                slots[index] = paths.slots(shape) if shape else _NO_SLOTS
            except ShapeError:
                wrong[index] = True
    return slots, wrong


def _batch(name: str, text: bytes, place: Place, row: int, paths: Paths, tokens: Tokens, slots: list[Slots | None],
           wrong: Mask) -> tuple[JsonBatch, Cells]:
    """The batch of a block and all keys of its records. Lines that are not blank are records."""
    line_of = np.cumsum(tokens.kinds == NEWLINE) - (tokens.kinds == NEWLINE)
    filled = np.zeros(len(slots), np.bool_)
    filled[line_of[tokens.kinds != NEWLINE]] = True
    row_of = row - 1 + np.cumsum(filled)
    good = ~wrong[np.minimum(line_of, len(slots) - 1)]
    found = [slot for slot in slots if slot is not None]
    values, keys = (np.flatnonzero(mask & good) for mask in (tokens.values, tokens.kinds == KEY))
    bases: Ints = np.repeat(np.arange(len(slots)) << 32, [0 if slot is None else len(slot.keys) for slot in slots])
    all_keys = cells_of(tokens, keys, join([slot.keys for slot in found]), row_of[line_of[keys]],
                        bases + join([slot.objects for slot in found]))
    data_keys = all_keys.take(np.array([node.is_data_key for node in paths.nodes])[all_keys.nodes])
    cells = cells_of(tokens, values, join([slot.values for slot in found]), row_of[line_of[values]])
    batch = make_batch(name, int(filled.sum()), text, place, cells, data_keys, paths.fields(),
                       lambda position: _pointer(text, position))
    return batch, all_keys


def cells_of(tokens: Tokens, which: Ints, nodes: AnyInts, rows: Ints, objects: AnyInts | None = None) -> Cells:
    """The chosen tokens as cells."""
    starts, ends = tokens.starts[which].astype(np.int64), tokens.ends[which].astype(np.int64)
    apart = np.empty(0, np.int64) if objects is None else objects.astype(np.int64)
    return Cells(nodes.astype(np.int32), rows, starts, ends, tokens.escaped[which], apart)


def join(parts: Sequence[npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    """All parts one after the other; there may be none."""
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def _pointer(text: bytes, position: int) -> str:
    """The JSON pointer of the literal at `position`, within its line."""
    start = text.rfind(b"\n", 0, position) + 1
    end = text.find(b"\n", position)
    line = text[start : end if end >= 0 else len(text)]
    tokens = tokenize(line, lines=False)
    return pointer(line, tokens, depths(tokens), int(np.searchsorted(tokens.starts, position - start)))

"""A JSON document, whole in memory: one value, or several one after the other.

Its objects and arrays on the level that repeats most (the records) are parsed by shape like the lines of JSON Lines;
what stands around them, the skeleton, is parsed once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from guard.batch import Batch, Edited, Editor, Ints
from guard.errors import SourceError
from guard.model import Reason, Skipped
from guard.sources.encoding import Encoding
from guard.sources.json_edits import Replacements
from guard.sources.json_lines import JsonLinesDocument, TextBlocks, is_narrow
from guard.sources.json_paths import RECORD, RECORD_LEVELS, Nodes, Paths, ShapeError, Slots
from guard.sources.json_records import cells_of, join
from guard.sources.json_tokens import (
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    KEY,
    OPEN_ARRAY,
    OPEN_OBJECT,
    Mask,
    Tokens,
    shapes,
    tokenize_document,
)
from guard.sources.json_values import Cells, JsonBatch, depths, make_batch, pointer
from guard.sources.stream import Place, Sink

BATCH_VALUES = 50_000
_NONE = np.empty(0, np.int64)


class _GrammarError(ValueError):
    """The document breaks the grammar at a byte offset."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"offset {offset}")
        self.offset = offset


class _SizeError(ValueError):
    """The document is larger than may be held in memory."""


class JsonDocument(JsonLinesDocument):
    """A JSON file. One that turns out to be JSON Lines is read as such; one that does not parse is skipped whole."""

    format = "json"
    can_be_cut = False

    def _batches(self, reader: TextBlocks) -> Iterator[Batch | Skipped]:
        text = b""
        try:
            head = reader.read(self._options.block)
            if are_lines(head):
                yield from super()._batches(_Resumed(reader, head))
                return
            text = self._load(reader, head)
            if not text.strip(b" \t\r\n"):
                yield Skipped(self.name, Reason.EMPTY)
                return
            yield from _Structure(text, Paths(self.name, self._labels)).batches(self.name)
        except _SizeError:
            yield Skipped(self.name, Reason.TOO_LARGE, f"JSON above {self._options.max_document} bytes")
        except _GrammarError as error:
            line, column = Place().locate(text, error.offset)
            yield Skipped(self.name, Reason.INVALID_RECORD, f"line {line} column {column}", line)

    def _rewrite(self, reader: TextBlocks, sink: Sink, editor: Editor) -> Edited:
        try:
            head = reader.read(self._options.block)
            if are_lines(head):
                return super()._rewrite(_Resumed(reader, head), sink, editor)
            text = self._load(reader, head)
            structure = _Structure(text, Paths(self.name, self._labels))
        except _SizeError:
            raise SourceError("an input is too large to be held in memory", reason=Reason.TOO_LARGE) from None
        except _GrammarError:
            raise SourceError("an input is no JSON", reason=Reason.INVALID_RECORD) from None
        changes = Replacements(ascii_only=is_narrow(reader))
        rows = 0
        for batch in structure.batches(self.name):
            changes.add(batch, editor, batch.place.offset)
            rows += batch.rows
        sink.write(changes.apply(text, structure.keys))
        return changes.edited(rows)

    def _load(self, reader: TextBlocks, head: bytes) -> bytes:
        """The whole text, of which `head` was read already."""
        pieces, size = [head], len(head)
        while size <= self._options.max_document and (piece := reader.read(self._options.block)):
            pieces.append(piece)
            size += len(piece)
        if size > min(self._options.max_document, (1 << 31) - 1):
            raise _SizeError
        return b"".join(pieces)


class _Resumed:
    """A reader whose first block was read already and comes again."""

    def __init__(self, reader: TextBlocks, head: bytes) -> None:
        self._reader = reader
        self._head = head

    @property
    def encoding(self) -> Encoding | None:
        return self._reader.encoding

    def read(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._reader.read(size)


def are_lines(head: bytes) -> bool:
    """Whether the first line is an object or array by itself and another one follows."""
    first, _, rest = head.lstrip(b" \t\r\n").partition(b"\n")
    if first[:1] not in (b"{", b"[") or rest.lstrip(b" \t\r\n")[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class _Records:
    """The first and last token of every record, their nesting level, and which are items of an array."""

    level: int
    opens: Ints
    closes: Ints
    items: Mask


class _Structure:
    """A parsed document: all its values and keys in order. Raises _GrammarError."""

    def __init__(self, text: bytes, paths: Paths) -> None:
        self.text = text
        self._paths = paths
        self._tokens = tokenize_document(text)
        if len(self._tokens.wrong):
            raise _GrammarError(int(self._tokens.wrong[0]))
        self._depths = depths(self._tokens)
        self._records = _find_records(self._tokens, self._depths)
        skeleton, records = self._parse()
        values, keys = np.flatnonzero(self._tokens.values), np.flatnonzero(self._tokens.kinds == KEY)
        self.values = cells_of(self._tokens, values, self._order(values, skeleton.values, [s.values for s in records]),
                               self._rows(values))
        bases = np.repeat(np.arange(1, len(records) + 1) << 32, [len(slots.keys) for slots in records])
        objects = self._order(keys, skeleton.objects, [s.objects for s in records])
        objects[self._depths[keys] > self._records.level] += bases
        self.keys = cells_of(self._tokens, keys, self._order(keys, skeleton.keys, [s.keys for s in records]),
                             self._rows(keys), objects)

    def _parse(self) -> tuple[Slots, list[Slots]]:
        """The slots of the skeleton and of every record."""
        shape = shapes(self.text, self._tokens)
        key = self._tokens.kinds == KEY
        sizes = np.where(key, self._tokens.ends - self._tokens.starts, 1)
        ends = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        records = self._records
        begins, stops = ends[records.opens].tolist(), ends[records.closes + 1].tolist()
        gaps = [shape[start:stop] for start, stop in zip([0, *stops], [*begins, len(shape)], strict=True)]
        try:
            skeleton = self._paths.document(RECORD.join(gaps))
            return skeleton, [self._paths.slots(shape[start:stop], node)
                              for start, stop, node in zip(begins, stops, skeleton.records, strict=True)]
        except ShapeError:
            raise self._first_error(shape) from None

    def _first_error(self, shape: bytes) -> _GrammarError:
        """Where the grammar is broken first: a wrong bracket ends a record too early or too late."""
        try:
            self._paths.document(shape)
        except ShapeError as error:
            if error.token < len(self._tokens):
                return _GrammarError(int(self._tokens.starts[error.token]))
        return _GrammarError(len(self.text))

    def _order(self, which: Ints, around: Nodes, inside: list[Nodes]) -> Ints:
        """What the skeleton and the records say about the chosen tokens, in the order of the tokens."""
        ordered = np.empty(len(which), np.int64)
        in_record = self._depths[which] > self._records.level
        ordered[in_record], ordered[~in_record] = join(inside), around
        return ordered

    def _rows(self, which: Ints) -> Ints:
        """The record of the chosen tokens among those in arrays; 0 for what is in none."""
        if not len(self._records.opens):
            return np.zeros(len(which), np.int64)
        index = np.maximum(np.searchsorted(self._records.opens, which, "right") - 1, 0)
        inside = (self._depths[which] > self._records.level) & self._records.items[index]
        return np.where(inside, np.cumsum(self._records.items)[index] - 1, 0)

    def batches(self, name: str) -> Iterator[JsonBatch]:
        """The document cut behind every 50,000th value."""
        names = self._paths.fields()
        is_data = np.array([node.is_data_key for node in self._paths.nodes])
        starts = self._tokens.starts[self._records.opens[self._records.items]] if len(self._records.opens) else _NONE
        cuts = [*self.values.ends[BATCH_VALUES - 1 : -1 : BATCH_VALUES].tolist(), len(self.text)]
        begin, place = 0, Place()
        for cut in cuts:
            region = self.text[begin:cut]
            values, keys = (_between(cells, begin, cut) for cells in (self.values, self.keys))
            keys = keys.take(is_data[keys.nodes])
            rows = np.searchsorted(starts, cut) - np.searchsorted(starts, begin) if len(starts) else begin == 0
            yield make_batch(name, int(rows), region, place, values, keys, names, self._pointer(begin))
            begin, place = cut, place.after(region)

    def _pointer(self, begin: int) -> Pointers:
        return Pointers(self.text, self._tokens, self._depths, begin)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pointers:
    """The JSON pointer of the literal at a position of a region that starts at `begin`."""

    text: bytes
    tokens: Tokens
    depths: Ints
    begin: int

    def __call__(self, position: int) -> str:
        index = int(np.searchsorted(self.tokens.starts, self.begin + position))
        return pointer(self.text, self.tokens, self.depths, index)


def _between(cells: Cells, begin: int, end: int) -> Cells:
    """The cells whose literals stand between two offsets, with places counted from the first."""
    first, last = np.searchsorted(cells.starts, (begin, end)).tolist()
    part = cells.take(slice(first, last))
    return Cells(part.nodes, part.rows, part.starts - begin, part.ends - begin, part.escaped, part.objects)


def _find_records(tokens: Tokens, depth: Ints) -> _Records:
    """The objects and arrays on the level that repeats: the outermost with many in arrays, else the fullest."""
    nothing = _Records(RECORD_LEVELS, _NONE, _NONE, np.empty(0, np.bool_))
    if not len(depth) or depth[-1] != 0 or depth.min() < 0:
        return nothing
    opening = (tokens.kinds == OPEN_OBJECT) | (tokens.kinds == OPEN_ARRAY)
    closing = (tokens.kinds == CLOSE_OBJECT) | (tokens.kinds == CLOSE_ARRAY)
    deepest = min(RECORD_LEVELS, max(1, int(depth.max())))
    levels = [_level(tokens, depth, opening, closing, level) for level in range(deepest)]
    most = max(int(found.items.sum()) for found in levels)
    for found in levels:
        if most > 1 and found.items.sum() * 8 >= most:
            return found
    return max(levels, key=lambda found: len(found.opens) if found.level else 0)


def _level(tokens: Tokens, depth: Ints, opening: Mask, closing: Mask, level: int) -> _Records:
    opens = np.flatnonzero(opening & (depth == level + 1))
    closes = np.flatnonzero(closing & (depth == level))
    if level == 0:
        return _Records(level, opens, closes, np.full(len(opens), len(opens) > 1))
    above = np.flatnonzero(opening & (depth == level))
    items = tokens.kinds[above[np.searchsorted(above, opens) - 1]] == OPEN_ARRAY if len(above) else opens > opens
    return _Records(level, opens, closes, items)

"""JSON values as columns, the place of a value, and its replacement in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guard.batch import Batch, Column, Ints
from guard.model import Location
from guard.sources.json_paths import Nodes, veil
from guard.sources.json_tokens import (
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    COMMA,
    KEY,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    Mask,
    Tokens,
    unescape,
)
from guard.sources.stream import Place

_TEXT, _NUMBER, _LITERAL = 0, 1, 2
_ESCAPES = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]+", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cells:
    """Values (or keys) of a region in order: their node, record, and the span of their literal in the region.

    `objects` tells the objects apart that the keys stand in; it is empty for values.
    """

    nodes: Nodes
    rows: Ints
    starts: Ints
    ends: Ints
    escaped: Mask
    objects: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    def take(self, which: Any) -> Cells:
        """The cells at the given indices, slice or mask."""
        return Cells(self.nodes[which], self.rows[which], self.starts[which], self.ends[which], self.escaped[which],
                     self.objects[which] if len(self.objects) else self.objects)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JsonBatch(Batch):
    """A batch that knows where its values stand.

    `cells[c]` are the literals behind the values of column c, `literals[c]` the true, false and null of its field,
    which are no values but go when the field is dropped. `pointer` gives the JSON pointer of the literal at a position.
    """

    region: bytes = b""
    place: Place = field(default_factory=Place)
    cells: Sequence[Cells] = ()
    literals: Sequence[Cells] = ()
    pointer: Callable[[int], str] = str

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        cells = self.cells[column]
        position = int(cells.starts[cell])
        literal = self.region[position : int(cells.ends[cell])]
        if literal[:1] == b'"':
            start, end = (1 + place for place in raw_span(literal[1:-1], start, end))
        line, at = self.place.locate(self.region, position + start)
        shown = self.columns[column].field
        return Location(self.dataset, shown, line, at, self.place.offset + position + start, end - start,
                        int(cells.rows[cell]) + 1, veil(self.pointer(position), shown))


def make_batch(dataset: str, rows: int, region: bytes, place: Place, values: Cells, keys: Cells,
               names: tuple[list[str], list[str]], pointer: Callable[[int], str]) -> JsonBatch:
    """The batch of a region of UTF-8 text that begins at `place`.

    `names` are template and header of every node; `keys` are only those that are data.
    """
    data, contents = _contents(region, (values, keys))
    built = [*_columns(data, values, contents[0], region, names, is_key=False),
             *_columns(data, keys, contents[1], region, names, is_key=True)]
    columns, cells, literals = zip(*(built or [nothing()]), strict=True)
    return JsonBatch(dataset, rows, b"", columns, region, place, cells, literals, pointer)


def nothing() -> tuple[Column, Cells, Cells]:
    """Records without a single value are still records of one empty field: a batch without columns would be text."""
    none = np.empty(0, np.int64)
    empty = Cells(none.astype(np.int32), none, none, none, none.astype(np.bool_))
    return Column("$", "", b"", none, none, none, text=False), empty, empty


def _contents(region: bytes, parts: Sequence[Cells]) -> tuple[bytes, list[tuple[Ints, Ints]]]:
    """One buffer with the content of all strings, those with escapes in a tail, and the spans of every part."""
    raw = np.frombuffer(region, np.uint8)
    tail, spans = [region], []
    length = len(region)
    for cells in parts:
        quoted = raw[cells.starts] == QUOTE
        starts, ends = cells.starts + quoted, cells.ends - quoted
        which = np.flatnonzero(cells.escaped)
        if len(which):
            bounds = zip(cells.starts[which].tolist(), cells.ends[which].tolist(), strict=True)
            texts = unescape([region[start:end] for start, end in bounds])
            ends[which] = length + np.cumsum([len(text) for text in texts])
            starts[which] = ends[which] - [len(text) for text in texts]
            tail += texts
            length += sum(map(len, texts))
        spans.append((starts, ends))
    return b"".join(tail) if len(tail) > 1 else region, spans


def _columns(data: bytes, cells: Cells, spans: tuple[Ints, Ints], region: bytes, names: tuple[list[str], list[str]],
             *, is_key: bool) -> list[tuple[Column, Cells, Cells]]:
    if not len(cells.nodes):
        return []
    number_of: dict[str, int] = {}
    field_of = np.array([number_of.setdefault(name, len(number_of)) for name in names[0]])
    header_of = dict(zip(reversed(names[0]), reversed(names[1]), strict=True))
    fields = field_of[cells.nodes]
    groups = 3 * fields + _value_kinds(region, cells)
    order = np.argsort(groups.astype(np.int16) if len(number_of) < 10_000 else groups, kind="stable")
    bounds = np.concatenate(([0], np.cumsum(np.bincount(groups, minlength=3 * len(number_of)))))
    built = []
    for name, number in number_of.items():
        text, numbers, literal, end = bounds[3 * number : 3 * number + 4].tolist()
        if text == end:
            continue
        rest = cells.take(order[literal:end])
        shown = f"{name} (key)" if is_key else name
        parts = [(text, numbers, True), (numbers, literal, False)]
        for start, stop, is_text in [part for part in parts if part[0] < part[1]] or [(literal, literal, False)]:
            which = order[start:stop]
            column = Column(shown, header_of[name], data, spans[0][which], spans[1][which], cells.rows[which],
                            number, is_text, is_key)
            built.append((column, cells.take(which), rest))
            rest = rest.take(slice(0, 0))
    return built


def _value_kinds(region: bytes, cells: Cells) -> Ints:
    first = np.frombuffer(region, np.uint8)[cells.starts]
    kinds: Ints = np.where(first == QUOTE, _TEXT, np.where(first > ord("9"), _LITERAL, _NUMBER))
    return kinds


def raw_span(literal: bytes, start: int, end: int) -> tuple[int, int]:
    """Where bytes start:end of a string's content stand in the string as it is written (without quotes)."""
    if b"\\" not in literal:
        return start, end
    decoded, first, last = 0, len(literal), len(literal)
    for piece in _ESCAPES.finditer(literal):
        text = piece.group()
        length = len(text) if text[:1] != b"\\" else len(unescape([b'"' + text + b'"'])[0])
        plain = text[:1] != b"\\"
        if decoded <= start < decoded + length:
            first = piece.start() + (start - decoded if plain else 0)
        if decoded < end <= decoded + length:
            last = piece.start() + end - decoded if plain else piece.end()
        decoded += length
    return min(first, last), last


def pointer(data: bytes, tokens: Tokens, depths: Ints, index: int) -> str:
    """The JSON pointer (RFC 6901) of token `index`; `depths` are the open containers behind every token.

    Walks backwards from container to container. Of several values one after the other, the pointer starts in its own.
    """
    steps: list[str] = []
    if tokens.kinds[index] == KEY:
        steps.append(_key(data, tokens, index))
        index = _holder(tokens, depths, index)
    while depth := int(depths[index]) - int(tokens.kinds[index] in (OPEN_OBJECT, OPEN_ARRAY)):
        holder = _holder(tokens, depths, index, depth)
        between = slice(holder + 1, index)
        level = depths[between] == depth
        if tokens.kinds[holder] == OPEN_ARRAY:
            steps.append(str(np.count_nonzero(level & (tokens.kinds[between] == COMMA))))
        else:
            keys = np.flatnonzero(level & (tokens.kinds[between] == KEY))
            steps.append(_key(data, tokens, holder + 1 + int(keys[-1])))
        index = holder
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in reversed(steps))


def _key(data: bytes, tokens: Tokens, index: int) -> str:
    return unescape([data[tokens.starts[index] : tokens.ends[index]]])[0].decode()


def _holder(tokens: Tokens, depths: Ints, index: int, depth: int | None = None) -> int:
    """The token that opened the container around token `index`; looked for in growing windows backwards."""
    depth = int(depths[index]) if depth is None else depth
    stop, window = index, 1024
    while True:
        start = max(0, stop - window)
        kinds = tokens.kinds[start:stop]
        found = np.flatnonzero((depths[start:stop] == depth) & ((kinds == OPEN_OBJECT) | (kinds == OPEN_ARRAY)))
        if len(found):
            return start + int(found[-1])
        stop, window = start, window * 8


def depths(tokens: Tokens) -> Ints:
    """How many containers are open behind every token."""
    opening = (tokens.kinds == OPEN_OBJECT) | (tokens.kinds == OPEN_ARRAY)
    closing = (tokens.kinds == CLOSE_OBJECT) | (tokens.kinds == CLOSE_ARRAY)
    return np.cumsum(opening.astype(np.int8) - closing.astype(np.int8), dtype=np.int32)

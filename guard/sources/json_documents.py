"""Small JSON documents, many in one pass: what is done for each however little there is to it is done once.

Each gives the batch that `guard.sources.json_document` reads of it. That is left to do where a document is not of the
usual kind (`guard.sources.json_tree_loops`), where one of its keys may not be shown, and where loops do not pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Column, Ints
from guard.hashing import new_key
from guard.sources.document import Options
from guard.sources.encoding import is_plain_utf8
from guard.sources.files import Foreseeing
from guard.sources.json_document import BATCH_VALUES, Pointers, are_lines
from guard.sources.json_paths import step
from guard.sources.json_tokens import KEY, OPEN_ARRAY, QUOTE, Mask, tokenize_document, unescape
from guard.sources.json_values import Cells, JsonBatch, depths, nothing
from guard.sources.stream import START

if TYPE_CHECKING:
    from guard.sources.json_tree_loops import Fields, Places, Tokens

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int32]
KINDS, REST = 4, -2
"""Of `guard.sources.json_tree_loops`."""
_Span = tuple[int, int, int]
"""A field, by its number in its document, and its values from one up to another."""
_BYTES_PER_TOKEN = 4
_SPARE = 64


class Text(NamedTuple):
    """A document: the name that is shown, all of its bytes, and how it is to be read."""

    name: str
    content: bytes
    options: Options

    def __repr__(self) -> str:
        return object.__repr__(self)


def read_documents(texts: Sequence[Text], labels: Foreseeing) -> list[JsonBatch | None]:
    """The batch of each document; None for one that is to be read by itself.

    `labels` are asked whether keys may be shown as they are, and told of none.
    """
    found: list[JsonBatch | None] = [None] * len(texts)
    chosen = [number for number, text in enumerate(texts) if _is_usual(text)]
    if chosen and compiled.pays(sum(len(texts[number].content) for number in chosen)):
        forest = _forest([texts[number] for number in chosen])
        labels.foresee(forest.keys)
        for number, batch in zip(chosen, _batches(forest, labels.is_plain), strict=True):
            found[number] = batch
    return found


def _is_usual(text: Text) -> bool:
    """Whether a file is UTF-8 that nobody called otherwise, not too large, and one document."""
    content, options = text.content, text.options
    if options.encoding or len(content) > min(options.block, options.max_document):
        return False
    return not are_lines(content) and is_plain_utf8(content)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Forest:
    """What stands in documents that are joined to one text, in which document n begins at `begins[n]`.

    Its fields are `fields.firsts[n]` and on, in the order of `Paths`; to its nodes lead the keys `node_keys` from
    `node_firsts[n]` on. Values are in the order of their fields, in it by kind; those of kind k of field f are
    `edges[KINDS * f + k]` up to the next edge. `values` are their records, starts and ends in the text; their contents
    are slices of `data`.
    """

    texts: Sequence[Text]
    begins: Ints
    is_good: Mask
    records: Ints
    keys: Sequence[str]
    node_firsts: Ints
    node_keys: Ints
    fields: Fields
    edges: Ints
    values: Ints
    escaped: Mask
    data: bytes
    starts: Ints
    ends: Ints


def _forest(texts: Sequence[Text]) -> _Forest:
    from guard.sources import json_tree_loops as loops

    data = b"".join(text.content for text in texts)
    raw, stops = np.frombuffer(data, np.uint8), np.cumsum([len(text.content) for text in texts])
    begins = np.concatenate(([0], stops[:-1]))
    tokens, firsts, is_good = _tokens(raw, begins, stops)
    grown = _grown(data, tokens, firsts, is_good)
    most = len(grown.places.keys)
    fields = loops.Fields(np.empty(most, np.int32), np.empty(most, np.int32), np.empty(len(texts) + 1, np.int64))
    named = loops.name_fields(grown.places, grown.firsts, grown.levels, np.empty(most, np.int32), _slots(most), fields)
    edges, values = np.zeros(KINDS * named + 2, np.int64), np.empty((3, len(tokens.kinds)), np.int64)
    escaped = np.empty(len(tokens.kinds), np.bool_)
    filled = loops.order_values(raw, tokens, firsts, is_good, grown.places, grown.node_of, grown.row_of, edges, values,
                                escaped)
    return _Forest(texts, begins, is_good, grown.records, grown.names, grown.firsts, grown.places.keys, fields, edges,
                   values[:, :filled], escaped[:filled], *_contents(data, raw, values[:, :filled], escaped[:filled]))


def _tokens(raw: Bytes, begins: Ints, stops: Ints) -> tuple[Tokens, Ints, Mask]:
    """All tokens; which are the first of each document; and whether it is good.

    Room for them is guessed, and doubled when there are more.
    """
    from guard.sources import json_tree_loops as loops

    room, firsts = len(raw) // _BYTES_PER_TOKEN + _SPARE, np.zeros(len(begins) + 2, np.int64)
    is_good = np.zeros(len(begins), np.bool_)
    while True:
        kinds, starts, ends = np.empty(room, np.uint8), np.empty(room, np.int32), np.empty(room, np.int32)
        escaped, wrong = np.empty(room, np.bool_), np.empty(room, np.int64)
        if loops.tokenize_each(raw, begins, stops, kinds, starts, ends, escaped, wrong, firsts, is_good) == 0:
            break
        room *= 2
    count = firsts[len(begins)]
    return loops.Tokens(kinds[:count], starts[:count], ends[:count], escaped[:count]), firsts, is_good


class _Grown(NamedTuple):
    """The nodes of all documents, of which those of document n are `firsts[n]` and on; the names of their keys; the
    node and the record of tokens; how deep the records of each document lie, and how many there are."""

    places: Places
    names: Sequence[str]
    firsts: Ints
    node_of: Numbers
    row_of: Numbers
    levels: Ints
    records: Ints

    def __repr__(self) -> str:
        return object.__repr__(self)


def _grown(data: bytes, tokens: Tokens, firsts: Ints, is_good: Mask) -> _Grown:
    from guard.hashing_loops import words_of
    from guard.sources import json_tree_loops as loops

    count, keys = len(is_good), int(np.count_nonzero(tokens.kinds == KEY))
    most = keys + int(np.count_nonzero(tokens.kinds == OPEN_ARRAY)) + count
    places = loops.Places(*np.empty((len(loops.Places._fields), most), np.int32))
    written = loops.Keys(np.empty(keys, np.int32), np.empty(keys, np.int32), _slots(most),
                         np.array([new_key()], np.uint64))
    node_of, row_of = np.empty((2, len(tokens.kinds)), np.int32)
    node_firsts, levels, records = np.zeros(count + 1, np.int64), np.zeros(count, np.int64), np.ones(count, np.int64)
    known = loops.grow(words_of(data), tokens, firsts, is_good, places, written, _slots(most),
                       np.empty(loops.STACK, np.int64), node_of, row_of, node_firsts, levels, records)
    names = [data[start:end].decode() for start, end in
             zip(written.starts[:known].tolist(), written.ends[:known].tolist(), strict=True)]
    return _Grown(places, names, node_firsts, node_of, row_of, levels, records)


def _slots(most: int) -> Numbers:
    """An empty hash table for so many entries."""
    return np.zeros(2 << most.bit_length(), np.int32)


def _contents(data: bytes, raw: Bytes, values: Ints, escaped: Mask) -> tuple[bytes, Ints, Ints]:
    """What the values say: slices of the text, and behind it of those that are written with escapes."""
    quoted = raw[values[1]] == QUOTE
    starts, ends = values[1] + quoted, values[2] - quoted
    which = np.flatnonzero(escaped)
    if not len(which):
        return data, starts, ends
    literals = zip(values[1, which].tolist(), values[2, which].tolist(), strict=True)
    contents = unescape([data[start:end] for start, end in literals])
    ends[which] = len(data) + np.cumsum([len(content) for content in contents])
    starts[which] = ends[which] - [len(content) for content in contents]
    return b"".join([data, *contents]), starts, ends


def _batches(forest: _Forest, is_plain: Callable[[str], bool]) -> Iterator[JsonBatch | None]:
    """The batch of each document; None for one that is unusual, or has a key that is not plain."""
    hidden = np.array([*(key != "" and not is_plain(key) for key in forest.keys), False, False], np.bool_)
    names, edges = _spelled(forest), forest.edges
    filled, cuts = np.flatnonzero(edges[KINDS:-1:KINDS] > edges[:-2:KINDS]), edges.tolist()
    bounds = np.searchsorted(filled, np.asarray(forest.fields.firsts)).tolist()
    nodes, fields = forest.node_firsts.tolist(), forest.fields.firsts.tolist()
    for number, is_good in enumerate(forest.is_good.tolist()):
        size = cuts[KINDS * fields[number + 1]] - cuts[KINDS * fields[number]]
        keys = forest.node_keys[nodes[number] : nodes[number + 1]]
        if is_good and size <= BATCH_VALUES and not hidden[keys].any():
            mine = filled[bounds[number] : bounds[number + 1]].tolist()
            yield _batch(forest, number, [(field, cuts[KINDS * field : KINDS * field + KINDS + 1]) for field in mine],
                         names)
        else:
            yield None


def _batch(forest: _Forest, number: int, fields: Iterable[tuple[int, Sequence[int]]],
           names: Sequence[tuple[str, str]]) -> JsonBatch:
    """The batch of a document in which these fields have values, each with its part of the edges; `names` are template
    and header of every field."""
    columns, cells, literals = list[Column](), list[_Span](), list[_Span]()
    first, text, begin = int(forest.fields.firsts[number]), forest.texts[number], int(forest.begins[number])
    rows_of = forest.values[0]

    def add(field: int, span: tuple[int, int], rest: tuple[int, int], *, is_text: bool, is_key: bool = False) -> None:
        name, header = names[field]
        which = slice(*span)
        columns.append(Column(f"{name} (key)" if is_key else name, header, forest.data, forest.starts[which],
                              forest.ends[which], rows_of[which], field - first, is_text, is_key))
        cells.append((field - first, *span))
        literals.append((field - first, *rest))

    keys = list[tuple[int, int, int]]()
    for field, (texts, numbers, others, named, end) in fields:
        rest = (others, named)
        if texts < numbers:
            add(field, (texts, numbers), rest, is_text=True)
            rest = (named, named)
        if numbers < others or (texts == numbers and others < named):
            add(field, (numbers, others), rest, is_text=False)
        if named < end:
            keys.append((field, named, end))
    for field, named, end in keys:
        add(field, (named, end), (end, end), is_text=True, is_key=True)
    rows = int(forest.records[number])
    if not columns:
        column, empty, _ = nothing()
        return JsonBatch(text.name, rows, b"", (column,), text.content, START, (empty,), (empty,))
    return JsonBatch(text.name, rows, b"", tuple(columns), text.content, START, _Slices(forest, begin, cells),
                     _Slices(forest, begin, literals), _LatePointers(text.content))


def _spelled(forest: _Forest) -> list[tuple[str, str]]:
    """Template and header of all fields, as `Paths.fields` gives them for nodes; a field stands behind its parent."""
    steps: dict[int, str] = {}
    spelled: list[tuple[str, str]] = []

    def below(parent: int, key: int) -> tuple[str, str]:
        above, header = spelled[parent]
        if key < 0:
            return above + (".*" if key == REST else "[*]"), header
        if key not in steps:
            steps[key] = step(forest.keys[key])
        return above + steps[key], forest.keys[key]

    count = int(forest.fields.firsts[-1])
    for parent, key in zip(forest.fields.parents[:count].tolist(), forest.fields.keys[:count].tolist(), strict=True):
        spelled.append(("$", "") if parent < 0 else below(parent, key))
    return spelled


class _Slices(Sequence[Cells]):
    """The cells of columns, made when somebody asks where a value stands, which is about few."""

    def __init__(self, forest: _Forest, begin: int, spans: Sequence[_Span]) -> None:
        self._forest, self._begin, self._spans = forest, begin, spans

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: Any) -> Any:
        field, start, stop = self._spans[index]
        rows, starts, ends = self._forest.values[:, start:stop]
        return Cells(np.full(stop - start, field, np.int32), rows, starts - self._begin, ends - self._begin,
                     self._forest.escaped[start:stop])


class _LatePointers:
    """JSON pointers in a document, which is made tokens of when the first is asked for."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def __call__(self, position: int) -> str:
        return self._pointers(position)

    @cached_property
    def _pointers(self) -> Pointers:
        tokens = tokenize_document(self._text)
        return Pointers(self._text, tokens, depths(tokens), 0)

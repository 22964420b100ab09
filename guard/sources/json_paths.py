"""Paths of a JSON text: the grammar of a shape, and the field that every value and key belongs to.

A shape (`guard.sources.json_tokens.shapes`) is checked against RFC 8259 once; records of the same shape share the
answer. Fields are path templates: `$`, `.key` for simple names and `['a b']` for others, `[*]` for every array item,
`.*` for the members of an object whose keys are data themselves.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.model import Labels
from guard.sources.json_tokens import CLOSE_ARRAY, CLOSE_OBJECT, COMMA, OPEN_ARRAY, QUOTE, VALUE

MAX_NESTING = 200
MAX_KEYS = 64
"""An object with more distinct keys than this is a map: its keys are data and become `.*`."""
MAX_PATHS = 4096
"""So many paths are told apart; everything new beyond is the one field `$..*`."""
_NOTHING, _VALUE, _KEY, _COMMA, _CLOSE = 0, 1, 2, 4, 8
_ARRAY = -1
RECORD_LEVELS = 6
"""How deep the records of a document may lie, which are what repeats most."""
RECORD = b"\x02"
"""Stands in a shape for a whole object or array whose own shape is parsed apart."""

Nodes = npt.NDArray[np.int32]

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*":|.', re.DOTALL)
_STEPS = re.compile(r"\[\*\]|\.\*|\.[^\W\d]\w*|\['(?:[^'\\]|\\.)*'\]")
_SIMPLE = re.compile(r"[^\W\d]\w*")
_CACHED_SHAPES, _CACHED_BYTES = 1024, 16_384


class ShapeError(ValueError):
    """A shape breaks the grammar at its token number `token` (from 0; a key and its colon are two)."""

    def __init__(self, token: int) -> None:
        super().__init__(f"token {token}")
        self.token = token


class Node:
    """One place in the structure. `part` is its step from the parent: a key, or None for every array item.

    `children` are the places below by their keys, `written` the same by the tokens of a shape.
    """

    __slots__ = ("children", "hidden", "is_rest", "item", "number", "parent", "part", "rest", "wide", "written")

    def __init__(self, number: int, parent: Node | None, part: str | None, is_rest: bool = False) -> None:
        self.number = number
        self.parent = parent
        self.part = part
        self.is_rest = is_rest
        self.children: dict[str, Node] = {}
        self.written: dict[bytes, Node] = {}
        self.item: Node | None = None
        self.rest: Node | None = None
        self.hidden = 0
        self.wide = False

    @property
    def is_map(self) -> bool:
        """Whether the keys of this object are data: too many, or at least half of them are findings."""
        return self.wide or 0 < len(self.children) <= 2 * self.hidden

    @property
    def is_data_key(self) -> bool:
        """Whether the key that leads here is data."""
        return self.is_rest or (self.parent is not None and self.part is not None and self.parent.is_map)


class Slots(NamedTuple):
    """What a shape holds, in order: the node of every value, of every key, and the ordinal of the key's object.

    `records` are the nodes of the RECORD marks.
    """

    values: Nodes
    keys: Nodes
    objects: Nodes
    records: tuple[Node, ...]


class Paths:
    """The tree of all paths of one document, growing while shapes are parsed."""

    def __init__(self, dataset: str, labels: Labels) -> None:
        self._dataset = dataset
        self._labels = labels
        self.nodes: list[Node] = []
        self.root = self._add(None, None)
        self._sink: Node | None = None
        self._cached = lru_cache(_CACHED_SHAPES)(self._parse)

    def slots(self, shape: bytes, node: Node | None = None) -> Slots:
        """The slots of a record at the root or at `node`. Raises ShapeError."""
        parse = self._cached if len(shape) <= _CACHED_BYTES else self._parse
        return parse(shape, node or self.root)

    def _parse(self, shape: bytes, node: Node, *, many: bool = False) -> Slots:
        """A stack machine; `expects` says what may come next, `place` is where the next value stands."""
        values, keys, objects, records = list[int](), list[int](), list[int](), list[Node]()
        stack: list[tuple[Node | None, int]] = []
        holder, ordinal, place, opened = None, _ARRAY, node, 0
        top = after = _VALUE if many else _NOTHING
        expects, ended = _VALUE, False
        tokens = _TOKENS.findall(shape)
        for number, token in enumerate(tokens):
            kind = token[0]
            if kind == QUOTE and holder is not None and expects & _KEY:
                place = holder.written.get(token) or (
                    self._rest(holder) if holder.wide else self.member(holder, token[:-1]))
                keys.append(place.number)
                objects.append(ordinal)
                expects = _VALUE
            elif kind == VALUE and expects & _VALUE:
                values.append(place.number)
                expects = after
            elif kind == RECORD[0] and expects & _VALUE:
                records.append(place)
                expects = after
            elif kind == COMMA and holder is not None and expects & _COMMA:
                place, expects = (self.item(holder), _VALUE) if ordinal == _ARRAY else (place, _KEY)
            elif kind in b"[{" and expects & _VALUE and len(stack) < MAX_NESTING:
                stack.append((holder, ordinal))
                holder, after = place, _COMMA | _CLOSE
                if kind == OPEN_ARRAY:
                    place, ordinal, expects = self.item(holder), _ARRAY, _VALUE | _CLOSE
                else:
                    ordinal, opened, expects = opened, opened + 1, _KEY | _CLOSE
            elif expects & _CLOSE and kind == (CLOSE_ARRAY if ordinal == _ARRAY else CLOSE_OBJECT):
                holder, ordinal = stack.pop()
                if holder is None:
                    place, after = node, top
                expects = after
            else:
                raise ShapeError(number + len(keys))
            ended = holder is None
        if not ended:
            raise ShapeError(len(tokens) + len(keys))
        return Slots(np.array(values, np.int32), np.array(keys, np.int32), np.array(objects, np.int32), tuple(records))

    def document(self, shape: bytes) -> Slots:
        """The slots of a whole document, which may be several values one after the other. Raises ShapeError."""
        return self._parse(shape, self.root, many=True)

    def member(self, node: Node, literal: bytes) -> Node:
        """The node under a key, given as it is written."""
        if node.wide:
            return self._rest(node)
        key = _decode(literal)
        child = node.children.get(key)
        if child is not None:
            return child
        if key and self._labels.label(key, "*", dataset=self._dataset) != key:
            node.hidden += 1
            child = self._rest(node)
        else:
            child = self._add(node, key)
        node.children[key] = child
        if b"\\" not in literal:  # then a key is written in this way only
            node.written[literal + b":"] = child
        if len(node.children) > MAX_KEYS:
            node.wide = True
            node.children.clear()
            node.written.clear()
        return child

    def item(self, node: Node) -> Node:
        """The node of the items of an array."""
        if node.item is None:
            node.item = self._add(node, None)
        return node.item

    def _rest(self, node: Node) -> Node:
        if node.rest is None:
            node.rest = self._add(node, "*", is_rest=True)
        return node.rest

    def _add(self, parent: Node | None, part: str | None, is_rest: bool = False) -> Node:
        if len(self.nodes) < MAX_PATHS:
            node = Node(len(self.nodes), parent, part, is_rest)
            self.nodes.append(node)
            return node
        return self._overflow()

    def _overflow(self) -> Node:
        """The one node for all paths beyond MAX_PATHS: it is below itself."""
        if self._sink is None:
            sink = Node(len(self.nodes), self.root, "*", is_rest=True)
            sink.item = sink.rest = sink
            sink.wide = True
            self._sink = sink
            self.nodes.append(sink)
        return self._sink

    def places(self) -> frozenset[tuple[str | None, ...]] | None:
        """All places by the keys that lead there (None: array items), or None where a key is data or may become so."""
        if self._sink is not None or any(node.wide or node.hidden for node in self.nodes):
            return None
        found: list[tuple[str | None, ...]] = []
        for node in self.nodes:
            found.append(() if node.parent is None else (*found[node.parent.number], node.part))
        return frozenset(found)

    def fields(self) -> tuple[list[str], list[str]]:
        """Template and header (the nearest object key that is no data) of every node, by number."""
        templates, headers = [""] * len(self.nodes), [""] * len(self.nodes)
        for node in self.nodes:
            templates[node.number], headers[node.number] = self._name(node, templates, headers)
        return templates, headers

    def _name(self, node: Node, templates: list[str], headers: list[str]) -> tuple[str, str]:
        if node.parent is None:
            return "$", ""
        if node is self._sink:
            return "$..*", ""
        above, header = templates[node.parent.number], headers[node.parent.number]
        if node.part is None:
            return f"{above}[*]", header
        if node.is_data_key:
            return f"{above}.*", header
        return above + step(node.part), node.part


def step(key: str) -> str:
    """A key as a step of a path template."""
    if _SIMPLE.fullmatch(key):
        return f".{key}"
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"


def veil(pointer: str, template: str) -> str:
    """A JSON pointer without the keys that its path template does not show; "" where the two do not fit."""
    steps, parts = _STEPS.findall(template), pointer.split("/")[1:]
    if len(steps) != len(parts):
        return ""
    return "".join("/" + ("*" if shown == ".*" else part) for shown, part in zip(steps, parts, strict=True))


def _decode(literal: bytes) -> str:
    if b"\\" not in literal:
        return literal[1:-1].decode()
    decoded: str = json.loads(literal)
    return decoded.encode("utf-8", "replace").decode()

"""YAML as plain, unambiguous data: every node with its place, and checked against a shape.

The text is composed to nodes first, so that every error has `file:line:column`; duplicate keys, aliases and anchors are
errors, and building values runs nothing. Reading YAML and checking it need libraries that are slow to import, so this
module is imported when something has to be read (`guard.content`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from guard.errors import ContentError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_TOLD = 3
_MAPPING = "a mapping of names to values"
_WANTED = {"list_type": "a list", "tuple_type": "a list", "dict_type": _MAPPING, "model_type": _MAPPING,
           "dataclass_type": _MAPPING, "extra_forbidden": "left out: there is no such name here",
           "unexpected_keyword_argument": "left out: there is no such name here"}
"""What a value should be, by pydantic's types of errors; other messages of pydantic's are told as they are."""


class Strict(BaseModel):
    """Base of content models: unknown keys are errors, instances are frozen."""

    model_config = {"extra": "forbid", "frozen": True}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data, with the place of every node."""

    name: str
    data: Any
    places: dict[tuple[str | int, ...], tuple[int, int]]

    def place(self, path: Sequence[str | int]) -> str:
        """`file:line:column` of the node at `path`, or of the nearest node above it."""
        keys = tuple(path)
        while keys not in self.places and keys:
            keys = keys[:-1]
        line, column = self.places.get(keys, (1, 1))
        return f"{self.name}:{line}:{column}"

    def error(self, path: Sequence[str | int], message: str, *, hint: str = "") -> ContentError:
        return ContentError(message, place=self.place(path), hint=hint)

    def validate(self, shape: type[T]) -> T:
        """The data as `shape` (a dataclass, a pydantic model or a type); the first three problems are named with their
        places."""
        adapter = TypeAdapter(shape)
        try:
            return adapter.validate_python(self.data)
        except ValidationError as error:
            raise self._invalid(error) from None

    def _invalid(self, error: ValidationError) -> ContentError:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        more = "".join(f"; {self.place(self._path(other['loc']))}: {self._told(other)}"
                       for other in problems[1:_MOST_TOLD])
        tail = f" (and {len(problems) - _MOST_TOLD} more)" if len(problems) > _MOST_TOLD else ""
        return self.error(self._path(problems[0]["loc"]), f"{self._told(problems[0])}{more}{tail}")

    def _told(self, problem: ErrorDetails) -> str:
        """What is wrong, behind the names that lead there; pydantic would name our classes and not what is missing."""
        kind, path = problem["type"], self._path(problem["loc"])
        label = ".".join(str(part) for part in path)
        if kind == "missing":
            return f"{label + ': ' if label else ''}{problem['loc'][-1]} is missing"
        wanted = _WANTED.get(kind)
        text = f"should be {wanted}" if wanted else problem["msg"][:1].lower() + problem["msg"][1:]
        return f"{label}: {text}" if label else f"the file {text}"

    def _path(self, loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """The longest prefix of pydantic's location that names nodes of the file (it also names union branches)."""
        path: tuple[int | str, ...] = ()
        for part in loc:
            if (*path, part) in self.places:
                path = (*path, part)
        return path


def parse_yaml(raw: bytes, *, name: str) -> Document:
    """A YAML file as a `Document`. Raises ContentError with place for what is not plain, unambiguous data."""
    try:
        text = raw.decode("utf-8-sig")
        _refuse_aliases(text, name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            places: dict[tuple[str | int, ...], tuple[int, int]] = {}
            data = None if node is None else _build(loader, node, (), places, name)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise ContentError("is not UTF-8", place=f"{name}:1:{error.start + 1}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise ContentError(getattr(error, "problem", None) or "is not valid YAML", place=where) from None
    except RecursionError:
        raise ContentError("is nested too deep", place=f"{name}:1:1") from None
    return Document(name, data, places)


def _refuse_aliases(text: str, name: str) -> None:
    for event in yaml.parse(text, Loader=_Loader):
        if getattr(event, "anchor", None) and (mark := event.start_mark):
            raise ContentError("anchors and aliases are not allowed", place=f"{name}:{mark.line + 1}:{mark.column + 1}")


def _build(loader: Any, node: yaml.Node, path: tuple[str | int, ...],
           places: dict[tuple[str | int, ...], tuple[int, int]], name: str) -> Any:
    places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(loader, node, path, places, name)
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*path, i), places, name) for i, item in enumerate(node.value)]
    return loader.construct_object(node)


def _build_mapping(loader: Any, node: yaml.MappingNode, path: tuple[str | int, ...],
                   places: dict[tuple[str | int, ...], tuple[int, int]], name: str) -> dict[Any, Any]:
    built: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        where = f"{name}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise ContentError("a key must be plain text", place=where)
        key = key_node.value
        if key in built:
            raise ContentError(f"duplicate key {key}", place=where)
        built[key] = _build(loader, value_node, (*path, key), places, name)
        # An error about the key itself should point at the key, one about its value at the value: keys come first.
        if not isinstance(value_node, (yaml.MappingNode, yaml.SequenceNode)):
            places[(*path, key)] = (value_node.start_mark.line + 1, value_node.start_mark.column + 1)
    return built

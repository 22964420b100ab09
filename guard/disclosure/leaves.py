"""The leaves of a payload: its strings, numbers and keys taken out, and put back into the same shape."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.errors import UsageError
from guard.scanner.pairs import is_value_key, name_in

MAX_DEPTH = 200
HIDDEN_KEY = "[key]"
"""What is left of a key that may not leave at all."""
Rebuild = Callable[[], Any]


@dataclass(slots=True)
class Leaf:
    """A value of the payload as text; `masked` is what becomes of it (None: null), `number` counts the leaves.

    `header` is its nearest key; of `{"name": "password", "value": "…"}` it is the name.
    """

    number: int
    header: str
    value: str
    text: bool = True
    masked: str | None = None

    @property
    def is_changed(self) -> bool:
        return self.masked != self.value


@dataclass(slots=True)
class Leaves:
    """All leaves of one payload, in order."""

    found: list[Leaf] = field(default_factory=list)

    def take(self, value: Any, header: str = "", depth: int = 0) -> Rebuild:
        """Collect the leaves of `value`; what is returned gives the value again with its masked leaves.

        Raises UsageError for what JSON has no form for, and for nesting deeper than MAX_DEPTH.
        """
        if depth > MAX_DEPTH:
            raise UsageError(f"the payload is nested deeper than {MAX_DEPTH}")
        if isinstance(value, Mapping):
            keys = [self._key(key) for key in value]
            headers = map(str, value) if (name := name_in(value)) is None else [
                name if is_value_key(str(key)) else str(key) for key in value]
            items = [self.take(item, key, depth + 1) for key, item in zip(headers, value.values(), strict=True)]
            return lambda: dict(zip(_distinct(keys), (item() for item in items), strict=True))
        if isinstance(value, (list, tuple)):
            items = [self.take(item, header, depth + 1) for item in value]
            return (lambda: tuple(item() for item in items)) if isinstance(value, tuple) else (
                lambda: [item() for item in items])
        return self._scalar(value, header)

    def _scalar(self, value: Any, header: str) -> Rebuild:
        """A string is masked; a number or truth value stays, or becomes null: a masked form would change its type."""
        if value is None:
            return lambda: None
        leaf = self._leaf(header, value)
        if leaf.text:
            return lambda: leaf.masked
        return lambda: None if leaf.is_changed else value

    def _key(self, key: Any) -> tuple[Any, Leaf]:
        if isinstance(key, (list, tuple, bytes)):
            raise UsageError(f"a key of a payload is a string or a number, not {type(key).__name__}")
        return key, self._leaf("", "" if key is None else key)

    def _leaf(self, header: str, value: Any) -> Leaf:
        text = _text(value)
        leaf = Leaf(len(self.found), header, text, isinstance(value, str), text)
        self.found.append(leaf)
        return leaf


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        # 13800138000.0 is a mobile number that went through a table with gaps.
        return str(int(value))
    if not isinstance(value, (str, int, float)):
        raise UsageError(f"a payload holds strings, numbers, lists and objects, not {type(value).__name__}")
    try:
        return str(value)
    except ValueError:
        raise UsageError("a number of the payload has too many digits") from None


def _distinct(keys: list[tuple[Any, Leaf]]) -> list[Any]:
    """The keys after masking: no two alike, so that no member is lost; those that stay keep their form."""
    taken = {key for key, leaf in keys if not leaf.is_changed}
    distinct: list[Any] = []
    tried: dict[str, itertools.count[int]] = {}
    for key, leaf in keys:
        if leaf.is_changed:
            name = key = leaf.masked or HIDDEN_KEY
            while key in taken:
                key = f"{name}-{next(tried.setdefault(name, itertools.count(2)))}"
            taken.add(key)
        distinct.append(key)
    return distinct

"""Regular expressions over Chinese, kept as `re` runs them.

`re` looks at each character of a set when it compiles it: half a millisecond for every set with all Han characters, of
which the pattern of a name has a dozen. So what it made of such expressions is kept in the user's cache. Only those of
packs and of this code come here, never one that was made of what is scanned.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found, unused-ignore]
import json
import re
import re._compiler as compiler  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import sys
from array import array
from collections.abc import Mapping
from functools import cache as once
from functools import lru_cache
from typing import Any, NamedTuple

from guard import cache

MOST = 256
"""Expressions that are kept; those that come later are compiled by each process."""
_UNIT = "I"
"""The units of a program (`_sre.CODESIZE` bytes)."""


class Program(NamedTuple):
    """What `re` runs: flags, number of groups, their names, and the steps, in units of four bytes."""

    flags: int
    groups: int
    names: dict[str, int]
    steps: bytes

    @classmethod
    def of(cls, expression: str, flags: int) -> Program:
        """The program of an expression. Raises re.error."""
        tree = parser.parse(expression, flags)
        steps = array(_UNIT, compiler._code(tree, flags)).tobytes()
        return cls(int(flags | tree.state.flags), tree.state.groups - 1, tree.state.groupdict, steps)

    def pattern(self, expression: str) -> re.Pattern[str]:
        """The pattern of that expression. `re` checks the steps, and raises RuntimeError where they are none."""
        names: list[str | None] = [None] * (self.groups + 1)
        for name, number in self.names.items():
            names[number] = name
        made: re.Pattern[str] = _sre.compile(expression, self.flags, array(_UNIT, self.steps).tolist(), self.groups,
                                             self.names, tuple(names))
        return made


@lru_cache(maxsize=MOST)
def compiled(expression: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` gives, from the cache where it takes long. Raises re.error."""
    if expression.isascii() and "\\u" not in expression:
        return re.compile(expression, flags)
    return _programs().compiled(expression, flags)


class _Programs:
    """The programs that the cache has, and new ones."""

    def __init__(self) -> None:
        self._name = cache.key("regular expressions", sys.version, str(_sre.MAGIC))
        self._known = _load(cache.load(self._name))

    def compiled(self, expression: str, flags: int) -> re.Pattern[str]:
        key = f"{int(flags)} {expression}"
        try:
            return self._known[key].pattern(expression)
        except (LookupError, AttributeError, TypeError, ValueError, RuntimeError, OverflowError):
            found = re.compile(expression, flags)
        self._put(key, expression, flags, found)
        return found

    def _put(self, key: str, expression: str, flags: int, found: re.Pattern[str]) -> None:
        """Keeps the program of a pattern, if another process would make the same pattern of it."""
        try:
            program = Program.of(expression, flags)
            is_same = array(_UNIT).itemsize == _sre.CODESIZE and program.pattern(expression) == found
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return  # another version of `re`
        if is_same and len(self._known) < MOST:
            self._known = {**self._known, key: program}
            cache.store(self._name, _dump(self._known))


@once
def _programs() -> _Programs:
    return _Programs()


def _dump(known: Mapping[str, Program]) -> bytes:
    """A line of JSON, and all steps."""
    head = {key: [*program[:3], len(program.steps)] for key, program in known.items()}
    return json.dumps(head).encode() + b"\n" + b"".join(program.steps for program in known.values())


def _load(blob: bytes | None) -> dict[str, Program]:
    """The programs in a blob; none where it is of another form."""
    head, _, steps = (blob or b"{}\n").partition(b"\n")
    known, at = dict[str, Program](), 0
    try:
        entries: dict[str, list[Any]] = json.loads(head)
        for key, (flags, groups, names, size) in entries.items():
            known[key] = Program(flags, groups, names, steps[at : at + size])
            at += size
    except (ValueError, TypeError, AttributeError):
        return {}
    return known

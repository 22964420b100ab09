"""The line finder: which lines could hold a match of which expression, by Hyperscan or, without it, by RE2.

One database holds the supersets (`guard.detect.supersets`) of all expressions that no vector shape covers. Its events
are ends of possible matches; the caller confirms the line with the exact pattern, so a superset may be as wide as it
likes. Building the database costs hundreds of milliseconds, loading the serialised form less than one.

A database that comes from the cache is tried before it is used for the first time: it must see the packs' own examples.
One that does not, because it is of another machine or damaged in a way that no version tells, would find nothing and
say nothing; it is built anew. What was tried is noted for this very file, so that a restored cache is tried again.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from guard import cache

if TYPE_CHECKING:
    from guard.detect.expression_sizes import Limit


def _module(name: str) -> Any:
    """A module, or None where it cannot be imported."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


hyperscan = _module("hyperscan")
Samples = Sequence[tuple[int, bytes]]
EVERY_LINE = b""
"""An expression that stands for "look at every line"."""


class LineFinder:
    """Finds ends of possible matches of `expressions` (Hyperscan syntax, bytes). Safe to share between threads.

    `unfiltered` are the indices of the expressions that could not be compiled: the caller must look at every line.
    `samples` gives texts of one line with the expression that has to see each. A `light` one is there some seconds
    earlier and searches many times as slowly: by RE2, though there is Hyperscan.
    """

    def __init__(self, expressions: Sequence[bytes], *, use_cache: bool = True,
                 samples: Callable[[], Samples] | None = None, light: bool = False) -> None:
        self.expressions = tuple(expressions)
        self._use_cache = use_cache
        self._samples = samples
        self._is_light = light and _module("re2") is not None
        self._lock = threading.Lock()
        self._database: Any = None
        self._local = threading.local()
        self._patterns: tuple[tuple[int, Any], ...] = ()
        self.unfiltered: frozenset[int] = frozenset()
        self._ready = False

    def events(self, data: bytes) -> list[tuple[int, int]]:
        """(expression, end) for every end of a possible match, in no particular order."""
        self.prepare()
        if self._database is None:
            return [(index, end) for index, pattern in self._patterns for end in _ends(pattern, data)]
        found: list[tuple[int, int]] = []
        if data:
            self._database.scan(data, match_event_handler=_collect, context=found, scratch=self._scratch())
        return found

    @property
    def exhaustive(self) -> bool:
        """Whether every end is told; else only one in each line that has any."""
        return self._database is not None

    def prepare(self) -> None:
        """Compiles or loads the database; the first scan does it by itself."""
        if not self._ready:
            with self._lock:
                if not self._ready:
                    self._build()
                    self._ready = True

    def _scratch(self) -> Any:
        """The scratch space of this thread: two scans that share one silently find nothing."""
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch

    def _build(self) -> None:
        usable = [index for index, expression in enumerate(self.expressions) if expression != EVERY_LINE]
        if hyperscan is None or self._is_light:
            self._patterns, refused = _compile_singly(self.expressions, usable)
        else:
            self._database, refused = self._load(usable) if usable else (None, [])
        compiled = set(usable) - set(refused)
        self.unfiltered = frozenset(range(len(self.expressions))) - compiled

    def _load(self, usable: list[int]) -> tuple[Any, list[int]]:
        """The database from the cache, or a new one. Expressions that were refused are part of the cached content."""
        name = cache.key("bounded database", hyperscan.__version__, _digest(self.expressions))
        blob = cache.load(name) if self._use_cache else None
        if blob and (loaded := _unpack(blob)) is not None and self._is_tried(name, *loaded):
            return loaded
        database, refused = _compile(self.expressions, usable)
        if self._use_cache and database is not None:
            cache.store(name, _pack(database, refused))
        return database, refused

    def _is_tried(self, name: str, database: Any, refused: Sequence[int]) -> bool:
        """Whether the database in this file of the cache sees the samples, now or when it was tried before."""
        note, file = cache.key("tried", name), cache.identity(name).encode()
        if self._samples is None or cache.load(note) == file:
            return True
        if not _sees(database, [sample for sample in self._samples() if sample[0] not in refused]):
            return False
        cache.store(note, file)
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.expressions, self._use_cache, self._is_light)


def _digest(expressions: Sequence[bytes]) -> str:
    total = hashlib.sha256()
    for expression in expressions:
        total.update(b"%d " % len(expression))
        total.update(expression)
    return total.hexdigest()


def _restore(expressions: tuple[bytes, ...], use_cache: bool, light: bool) -> LineFinder:
    return LineFinder(expressions, use_cache=use_cache, light=light)


def _sees(database: Any, samples: Samples) -> bool:
    """Whether the expression of each sample has an event in it, or at the line end behind it."""
    edges = np.cumsum([0, *(len(text) + 1 for _, text in samples)])
    found: list[tuple[int, int]] = []
    database.scan(b"".join(text + b"\n" for _, text in samples), match_event_handler=_collect, context=found,
                  scratch=hyperscan.Scratch(database))
    owners = (np.searchsorted(edges, [max(end, 1) for _, end in found], "left") - 1).tolist()
    seen = {(index, owner) for (index, _), owner in zip(found, owners, strict=True)}
    return all((index, number) in seen for number, (index, _) in enumerate(samples))


def _collect(index: int, _start: int, end: int, _flags: int, found: list[tuple[int, int]]) -> None:
    found.append((index, end))


def _compile(expressions: Sequence[bytes], usable: list[int]) -> tuple[Any, list[int]]:
    """A database of all that is small enough and that Hyperscan accepts, if need be in a wider form or in pieces, and
    what is in none."""
    from guard.detect.expression_sizes import chosen

    forms, limit = chosen([expressions[index] for index in usable])
    with suppress(hyperscan.HyperscanError):
        return _database_of(usable, forms)
    forms = [_accepted(expressions[index], limit) for index in usable]
    with suppress(hyperscan.HyperscanError):  # each was taken by itself
        return _database_of(usable, forms)
    return None, usable


def _database_of(usable: list[int], forms: Sequence[list[bytes]]) -> tuple[Any, list[int]]:
    """A database of the expressions that have a form, and those that have none."""
    pieces = [(index, piece) for index, form in zip(usable, forms, strict=True) for piece in form]
    refused = [index for index, form in zip(usable, forms, strict=True) if not form]
    return (_database(pieces) if pieces else None), refused


def _database(expressions: Sequence[tuple[int, bytes]]) -> Any:
    """A database of expressions, each with what its events are called; several may be called alike."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[expression for _, expression in expressions], ids=[name for name, _ in expressions],
                     elements=len(expressions), flags=[hyperscan.HS_FLAG_DOTALL] * len(expressions))
    return database


def _accepted(expression: bytes, limit: Limit) -> list[bytes]:
    """The first form of an expression that Hyperscan takes; none where it takes nothing."""
    from guard.detect.expression_sizes import fitting

    for form in fitting(expression, limit):
        with suppress(hyperscan.HyperscanError):
            _database([(0, piece) for piece in form])
            return form
    return []


def _pack(database: Any, refused: list[int]) -> bytes:
    """The database, behind a line with what was refused, if anything was. It begins with no digit itself."""
    line = f"{','.join(map(str, refused))}\n".encode() if refused else b""
    return line + bytes(hyperscan.dumpb(database))


def _unpack(blob: bytes) -> tuple[Any, list[int]] | None:
    """The database of a blob; None when it is of another version or platform."""
    # Megabytes, which are not copied without need.
    head, _, body = blob.partition(b"\n") if blob[:1].isdigit() else (b"", b"", blob)
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK), [int(part) for part in head.split(b",") if part]
    except (hyperscan.HyperscanError, ValueError):
        return None


def _ends(pattern: Any, data: bytes) -> Iterator[int]:
    """Ends of matches, at least one in every line that has any: a match may share its last byte with the next."""
    start = 0
    while found := pattern.search(data, start):
        yield found.end()
        start = max(found.end() - 1, found.start() + 1)


def _compile_singly(expressions: Sequence[bytes], usable: list[int]) -> tuple[Any, list[int]]:
    """Single patterns for RE2. Never for `re`: supersets repeat loose classes, on which it would backtrack for ever."""
    engine = _module("re2")
    if engine is None:
        return (), usable
    from guard.detect.supersets import relaxed

    options = engine.Options()
    options.encoding, options.dot_nl, options.log_errors = engine.Options.Encoding.LATIN1, True, False
    patterns, refused = [], []
    for index in usable:
        try:
            patterns.append((index, engine.compile(relaxed(expressions[index]), options)))
        except engine.error:
            refused.append(index)
    return tuple(patterns), refused

"""Which rules can have a match in a text at all: by their keywords, and by their expressions in one pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from guard import cache
from guard.detect.compile import hyperscan
from guard.detect.foreign.rules import ForeignRule

_OWN_WAY = re.compile(r"\\[pPCxZ0-9]|\{,|\(\?U")
"""What Hyperscan may read in another way than RE2; a rule with it is searched wherever its keywords stand."""
_AT_EDGES = re.compile(r"\\[Az]|\^|\$")


class Presence:
    """Says for `rules`, by number, which may match. It never leaves out one that does."""

    def __init__(self, rules: Sequence[ForeignRule], *, use_cache: bool) -> None:
        self._rules = tuple(rules)
        self._use_cache = use_cache
        self._words = tuple(sorted({word.lower() for rule in rules for word in rule.keywords}))
        numbers = {word: number for number, word in enumerate(self._words)}
        self._wanted = [frozenset(numbers[word.lower()] for word in rule.keywords) for rule in rules]

    def candidates(self, data: bytes) -> list[int]:
        """The rules that may match in a text."""
        return self._candidates(data, data, self._told)

    def candidates_of(self, header: bytes, values: Sequence[bytes]) -> list[int]:
        """The rules that may match in one of many texts; keywords may stand in any of them or in the header."""
        data = b"\n".join(values)
        return self._candidates(header + b"\n" + data, data, self._told - self._edgy)

    def _candidates(self, words_in: bytes, data: bytes, told: frozenset[int]) -> list[int]:
        words = self._words_in(words_in)
        found = [number for number, wanted in enumerate(self._wanted) if not wanted or wanted & words]
        # Beyond ASCII Hyperscan would see no characters but bytes, and a vertical tab is a space to it, not to RE2.
        if not found or not data.isascii() or b"\v" in data or self._expressions is None:
            return found
        seen = self._expressions.seen(data)
        return [number for number in found if number not in told or number in seen]

    @cached_property
    def _told(self) -> frozenset[int]:
        """The rules of which Hyperscan tells whether they occur."""
        return self._expressions.known if self._expressions is not None else frozenset()

    @cached_property
    def _edgy(self) -> frozenset[int]:
        """The rules that look for edges of a text, which are hidden where many are joined."""
        return frozenset(number for number, rule in enumerate(self._rules) if _AT_EDGES.search(rule.regex))

    def _words_in(self, data: bytes) -> set[int]:
        if self._keywords is None:
            lowered = data.decode("utf-8", "replace").lower()
            return {number for number, word in enumerate(self._words) if word in lowered}
        found = self._keywords.seen(data)
        if len(self._keywords.known) < len(self._words):
            lowered = data.decode("utf-8", "replace").lower()
            found |= {number for number, word in enumerate(self._words)
                      if number not in self._keywords.known and word in lowered}
        return found

    @cached_property
    def _keywords(self) -> _Database | None:
        """Words beyond ASCII are left out: Hyperscan would have to know their letter case."""
        texts = {n: re.escape(word.encode()) for n, word in enumerate(self._words) if word.isascii()}
        return _Database(texts, ignores_case=True, use_cache=self._use_cache) if hyperscan and texts else None

    @cached_property
    def _expressions(self) -> _Database | None:
        texts = {number: rule.regex.replace("(?P<", "(?<").encode() for number, rule in enumerate(self._rules)
                 if rule.regex.isascii() and not _OWN_WAY.search(rule.regex)}
        return _Database(texts, ignores_case=False, use_cache=self._use_cache) if hyperscan and texts else None


class _Database:
    """Expressions of which it is told which occur. `known` are those that Hyperscan takes."""

    def __init__(self, expressions: dict[int, bytes], *, ignores_case: bool, use_cache: bool) -> None:
        self._flags = hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if ignores_case
                                                       else hyperscan.HS_FLAG_PREFILTER)
        parts = [f"{number} {hashlib.sha256(text).hexdigest()}" for number, text in expressions.items()]
        name = cache.key("presence", hyperscan.__version__, str(ignores_case), *parts)
        loaded = _load(name) if use_cache else None
        self._database, self.known = loaded or self._compile(expressions)
        if use_cache and loaded is None and self._database is not None:
            head = ",".join(map(str, sorted(self.known))).encode()
            cache.store(name, head + b"\n" + hyperscan.dumpb(self._database))

    def seen(self, data: bytes) -> set[int]:
        """The expressions that occur in a text."""
        found: set[int] = set()
        if data and self._database is not None:
            # A scratch for each call: one that is shared by two scans silently finds nothing.
            self._database.scan(data, match_event_handler=_note, context=found,
                                scratch=hyperscan.Scratch(self._database))
        return found

    def _compile(self, expressions: dict[int, bytes]) -> tuple[Any, frozenset[int]]:
        """The database of all that Hyperscan takes."""
        taken = dict(expressions)
        try:
            return self._built(taken), frozenset(taken)
        except hyperscan.HyperscanError:
            taken = {number: text for number, text in expressions.items() if self._takes(number, text)}
        return (self._built(taken) if taken else None), frozenset(taken)

    def _takes(self, number: int, text: bytes) -> bool:
        try:
            self._built({number: text})
        except hyperscan.HyperscanError:
            return False
        return True

    def _built(self, expressions: dict[int, bytes]) -> Any:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=list(expressions.values()), ids=list(expressions), elements=len(expressions),
                         flags=[self._flags] * len(expressions))
        return database


def _note(number: int, _start: int, _end: int, _flags: int, found: set[int]) -> None:
    found.add(number)


def _load(name: str) -> tuple[Any, frozenset[int]] | None:
    if (blob := cache.load(name)) is None:
        return None
    head, _, body = blob.partition(b"\n")
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK), frozenset(int(part) for part in head.split(b",") if part)
    except (hyperscan.HyperscanError, ValueError):
        return None

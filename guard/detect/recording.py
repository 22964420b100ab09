"""Recording: a rule that notes what the judge asks it and what it answers, so that a verdict can be told in full.

The judge does not know: it judges a `RecordingRule` as any other, so what is told is what was asked.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import NamedTuple

from guard.detect.context import Vicinity, before, behind, compile_words
from guard.detect.extents import Extent
from guard.detect.headers import HeaderWords
from guard.detect.limits import AnyPattern
from guard.detect.rule import Check, Rule


class Outcome(enum.StrEnum):
    """What became of a place that a detector looked at."""

    REPORTED = "reported"
    SHADOWED = "shadowed"
    NO_MATCH = "no match"
    NO_KEYWORD = "no keyword"
    TOUCHED = "touched"
    OTHER_FORM = "other form"
    NO_VALUE = "no value"
    NEEDS_HEADER = "needs header"
    NEEDS_CONTEXT = "needs context"
    FILTERED = "filtered"
    CHECK_FAILED = "check failed"
    TOO_LITTLE = "too little"
    NO_COMPANY = "no company"


class Use(enum.StrEnum):
    """What a check is asked for: it drops a match, proves it, or adds to its worth."""

    FILTER = "filter"
    CHECK = "check"
    EVIDENCE = "evidence"


class Where(enum.StrEnum):
    """Where a word of the context stands."""

    BEFORE = "before"
    BEHIND = "behind"
    HEADER = "header"


class Answer(NamedTuple):
    """What one check said about the value."""

    use: Use
    name: str
    passed: bool


class Word(NamedTuple):
    """The word that decided about the context, as the pack spells its kind; `sign` is 1 for and -1 against."""

    sign: int
    word: str
    where: Where


@dataclass(frozen=True, eq=False)
class RecordingRule(Rule):
    """`source`, with a record of one judgement: what each check answered, in order, and which word was near.

    `extents` holds what the extent said, if it was asked: where the value stands, or None.
    """

    source: Rule = field(kw_only=True)
    answers: list[Answer] = field(default_factory=list, kw_only=True)
    words: list[Word] = field(default_factory=list, kw_only=True)
    extents: list[tuple[int, int] | None] = field(default_factory=list, kw_only=True)

    @classmethod
    def of(cls, rule: Rule) -> RecordingRule:
        """A fresh record for one judgement of `rule`."""
        return cls(rule.index, rule.detector, rule.own, source=rule)

    @property
    def sign(self) -> int:
        """Which kind of word was near: 1, -1, or 0 for none."""
        return self.words[-1].sign if self.words else 0

    @cached_property
    def cell(self) -> AnyPattern | None:
        return self.source.cell

    @cached_property
    def header_words(self) -> HeaderWords:
        return self.source.header_words

    @cached_property
    def filters(self) -> tuple[Check, ...]:
        return self._noting(Use.FILTER, self.detector.filters, self.source.filters)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        return self._noting(Use.CHECK, self.detector.check, self.source.checks)

    @cached_property
    def evidence(self) -> tuple[tuple[Check, float], ...]:
        checks = self._noting(Use.EVIDENCE, tuple(self.detector.evidence), [check for check, _ in self.source.evidence])
        return tuple(zip(checks, self.detector.evidence.values(), strict=True))

    @cached_property
    def vicinity(self) -> Vicinity | None:
        return _RecordingVicinity(self.source.vicinity, self.words) if self.source.vicinity else None

    @cached_property
    def extent(self) -> Extent | None:
        return self._located if self.source.extent else None

    def _located(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        extent = self.source.extent
        self.extents.append(found := extent(text, start, end) if extent else (start, end))
        return found

    def _noting(self, use: Use, names: Sequence[str], checks: Sequence[Check]) -> tuple[Check, ...]:
        return tuple(partial(self._ask, use, name, check) for name, check in zip(names, checks, strict=True))

    def _ask(self, use: Use, name: str, check: Callable[[str], bool], value: str) -> bool:
        passed = bool(check(value))
        self.answers.append(Answer(use, name, passed))
        return passed


class _RecordingVicinity(Vicinity):
    """`source`, noting in `words` which word decided."""

    def __init__(self, source: Vicinity, words: list[Word]) -> None:
        self.context = source.context
        self._source, self._found = source, words

    def weigh(self, line: str, start: int, end: int, header: str) -> int:
        sign = self._source.weigh(line, start, end, header)
        if sign:
            where, text = next((where, text) for where, text in self._around(line, start, end, header)
                               if self._source.nearest(text) == sign)
            last = _last_word(self.context.words if sign > 0 else self.context.against, text)
            self._found.append(Word(sign, last, where))
        return sign

    def _around(self, line: str, start: int, end: int, header: str) -> Iterator[tuple[Where, str]]:
        """The texts that are looked at, in the order in which they count."""
        yield Where.BEFORE, before(line, start, self.context.window)
        yield Where.BEHIND, behind(line, end, self.context.after)
        yield Where.HEADER, header


def _last_word(words: tuple[str, ...], text: str) -> str:
    pattern = _compiled(words)
    return [found[0] for found in pattern.finditer(text)][-1] if pattern else ""


_compiled = cache(compile_words)

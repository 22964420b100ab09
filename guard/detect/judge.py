"""Judging: from places where a pattern matched to hits with a confidence.

    candidates(rule, text)            where the rule's patterns match in one normalised line
    judge(rule, text, span, place)    what such a place is worth, or None when it is no finding
    scan_line(rules, text, place)     both, for all rules, with companions: the hits of one line

How the confidence comes about, in order: `checked` when the checks pass, else `failed` (only with a context word or
fitting header), `shape` without checks; plus each piece of evidence; plus the boost of the context or the header, or
minus the penalty of an opposing word. What stays below POSSIBLE is no finding. A masked value keeps `MASKED_WORTH`.

Everything depends on one line (or cell) and the header only, so that an engine which finds the candidates in another
way comes to the same hits.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from operator import mul
from typing import NamedTuple

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, VALIDATED
from guard.detect.normalise import normal_form
from guard.detect.rule import Check, Rule
from guard.model import POSSIBLE
from guard.patterns import pattern

MASKED_WORTH = 0.7
BACKED_WORTH = 0.2
HEADER_BOOST = 0.3
COMPANION_DISTANCE = 160
CEILING = 0.99
MASKS = frozenset("*×●•■□○◯某#")
"""Characters that stand for hidden ones; in a masked pattern x and X do so too."""

_MASK = pattern(f"[{''.join(sorted(MASKS))}]")


class Kind(IntEnum):
    """Which pattern of the rule matched."""

    PATTERN = 0
    MASKED = 1
    CELL = 2


class Span(NamedTuple):
    """`text[start:end]` of a line is what would be reported; `kind` says which pattern matched."""

    start: int
    end: int
    kind: Kind = Kind.PATTERN


class Place(NamedTuple):
    """Where a line stands: the raw header of its column, "" in text."""

    header: str = ""


class Verdict(NamedTuple):
    """A hit in one line: indices of the normalised line, not yet bytes."""

    rule: Rule
    start: int
    end: int
    confidence: float
    flags: int


def candidates(rule: Rule, text: str) -> Iterator[Span]:
    """Every place in a normalised line where the pattern or the masked pattern matches, pattern first."""
    if rule.pattern is not None and not rule.detector.multiline:
        for found in rule.pattern.finditer(text):
            start, end = reported(found, rule.detector.group)
            if end > start:
                yield Span(start, end)
    if rule.masked is not None:
        for found in rule.masked.finditer(text):
            start, end = found.span(1 if rule.masked.groups else 0)
            if end > start:
                yield Span(start, end, Kind.MASKED)


def reported(found: re.Match[str], group: int) -> tuple[int, int]:
    """The span of the group, or of the last group that took part when this one did not."""
    span = found.span(group)
    return found.span(found.lastindex or 0) if span[0] < 0 else span


def judge(rule: Rule, text: str, span: Span, place: Place) -> Verdict | None:
    """What a candidate is worth; None when it is no finding."""
    if rule.extent is not None and span.kind is Kind.PATTERN:
        extent = rule.extent(text, span.start, span.end)
        if extent is None:
            return None
        span = Span(*extent)
    fits = bool(place.header) and rule.header_words.fit(place.header) > 0
    sign = rule.vicinity.weigh(text, span.start, span.end, place.header) if rule.vicinity else 0
    if not is_allowed(rule, fits, sign):
        return None
    if span.kind is Kind.MASKED or (span.kind is Kind.CELL and _MASK.search(text, span.start, span.end)):
        return _judge_masked(rule, text, span, fits or sign > 0)
    value = ""
    if rule.reads_value:
        value = normal_form(text[span.start : span.end], rule.detector.separators, rule.detector.form)
    return _judge_value(rule, value, span, fits, sign)


def is_allowed(rule: Rule, fits: bool, sign: int) -> bool:
    """Whether the detector may fire in such a place: whether the header fits, and which words (1, 0, -1) are near."""
    if rule.detector.require == "header":
        return fits
    return rule.detector.require == "nothing" or fits or sign > 0


def _judge_masked(rule: Rule, text: str, span: Span, backed: bool) -> Verdict | None:
    hidden = sum(character in MASKS or character in "xX" for character in text[span.start : span.end])
    if hidden < rule.detector.hidden:
        # A weak mask: what is hidden can be guessed, so the value counts as raw.
        return Verdict(rule, span.start, span.end, rule.detector.confidence.shape, 0)
    worth = min(MASKED_WORTH + (BACKED_WORTH if backed else 0.0), CEILING)
    return Verdict(rule, span.start, span.end, worth, MASKED)


def _judge_value(rule: Rule, value: str, span: Span, fits: bool, sign: int) -> Verdict | None:
    detector = rule.detector
    if not _pass(rule.filters, value) or (detector.entropy and entropy(value) < detector.entropy):
        return None
    flags = FROM_HEADER if span.kind is Kind.CELL else 0
    worth = detector.confidence.shape
    if rule.checks and _pass(rule.checks, value):
        worth, flags = detector.confidence.checked, flags | (VALIDATED if rule.is_proof else 0)
    elif rule.checks:
        worth = detector.confidence.failed if fits or sign > 0 else 0.0
        return Verdict(rule, span.start, span.end, worth, flags | CHECK_FAILED) if worth >= POSSIBLE else None
    if rule.evidence:
        worth += sum(weight for check, weight in rule.evidence if check(value))
    worth += context_worth(rule, fits, sign)
    worth = round(min(worth, CEILING), 4)
    return Verdict(rule, span.start, span.end, worth, flags) if worth >= POSSIBLE else None


def _pass(checks: Sequence[Check], value: str) -> bool:
    return not checks or all(check(value) for check in checks)


def context_worth(rule: Rule, fits: bool, sign: int) -> float:
    """What header and words add to the confidence."""
    context = rule.detector.context
    if fits and sign >= 0:
        return max(HEADER_BOOST, context.boost if context else 0.0)
    if context is None or sign == 0:
        return 0.0
    return context.boost if sign > 0 else -context.penalty


def entropy(value: str) -> float:
    """Shannon entropy in bits a character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(map(mul, shares, map(math.log2, shares))) if value else 0.0


def scan_line(rules: Iterable[Rule], text: str, place: Place) -> list[Verdict]:
    """All hits of one normalised line. Rules without a candidate in it make no difference to the others."""
    found: dict[tuple[int, int, int, int], Verdict] = {}
    lowered = text.lower()
    for rule in rules:
        if not rule.may_match(lowered):
            continue
        for span in candidates(rule, text):
            if (verdict := judge(rule, text, span, place)) is not None:
                found.setdefault((rule.index, verdict.start, verdict.end, verdict.flags & MASKED), verdict)
    return companions(list(found.values()))


def companions(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Without the hits that need another class near them and have none."""
    needs = {verdict.rule.detector.near for verdict in verdicts} - {()}
    if not needs:
        return list(verdicts)
    company = {near: _Company(verdicts, near) for near in needs}
    return [v for v in verdicts if not v.rule.detector.near or company[v.rule.detector.near].reaches(v)]


class _Company:
    """Where in a line hits of some classes stand; sorted, since a line may hold thousands."""

    def __init__(self, verdicts: Iterable[Verdict], classes: Sequence[str]) -> None:
        chosen = [v for v in verdicts if belongs(v.rule.detector.data_class, classes)]
        self._starts = sorted(verdict.start for verdict in chosen)
        self._ends = sorted(verdict.end for verdict in chosen)

    def reaches(self, verdict: Verdict) -> bool:
        """Whether one of them stands before or behind the hit, not further than COMPANION_DISTANCE."""
        return _any_between(self._starts, verdict.end, verdict.end + COMPANION_DISTANCE) or _any_between(
            self._ends, verdict.start - COMPANION_DISTANCE, verdict.start)


def _any_between(ordered: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(ordered, low)
    return at < len(ordered) and ordered[at] <= high


def belongs(data_class: str, near: Sequence[str]) -> bool:
    """Whether a class is one of those, or below one."""
    return any(data_class == name or data_class.startswith(name + ".") for name in near)

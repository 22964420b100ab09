"""Judgements that are kept: the same word in the same kind of place is worth the same wherever it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guard.detect.judge import Place, Span, Verdict, judge
from guard.detect.rule import Rule

_MEMORY = 50_000
_UNKNOWN = (-1.0, -1)
Key = tuple[int, int, bool, str]
_LONGEST = 40
"""Longer values hardly occur twice."""


class Judgements:
    """`judge` for spans that already have their real ends (`Rule.extent` was applied), with a bounded memory.

    The worth of a rule without context words depends on the value and on whether the header fits, on nothing else.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules, self._located = tuple(rules), dict[int, Rule]()
        self._known: dict[Key, tuple[float, int] | None] = {}

    def judge(self, rule: Rule, text: str, span: Span, place: Place) -> Verdict | None:
        """What a located candidate is worth; None when it is no finding."""
        located = self._located.get(rule.index)
        if located is None:
            located = self._located.setdefault(rule.index, _without_extent(self._rules[rule.index]))
        if located.vicinity is not None or span.end - span.start > _LONGEST:
            return judge(located, text, span, place)
        fits = bool(place.header) and located.header_words.fit(place.header) > 0
        key = (rule.index, int(span.kind), fits, text[span.start : span.end])
        # One look-up, so that another thread which clears the memory in between cannot turn a hit into none.
        worth = self._known.get(key, _UNKNOWN)
        if worth is _UNKNOWN:
            return self._remember(key, judge(located, text, span, place))
        return None if worth is None else Verdict(located, span.start, span.end, *worth)

    def _remember(self, key: Key, verdict: Verdict | None) -> Verdict | None:
        if len(self._known) >= _MEMORY:
            self._known.clear()
        self._known[key] = None if verdict is None else (verdict.confidence, verdict.flags)
        return verdict


def _without_extent(rule: Rule) -> Rule:
    if rule.extent is None:
        return rule
    return replace(rule, detector=replace(rule.detector, extent=""))

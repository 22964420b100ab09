"""A matcher with the rules of others beside its own detectors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from guard.batch import Column, Hits
from guard.detect.decoding import with_decoded
from guard.detect.foreign.presence import Presence
from guard.detect.foreign.rules import ForeignRule, RuleSet
from guard.detect.foreign.search import Place, Search, Searched, Span
from guard.detect.limits import Budget
from guard.detect.matcher import Matcher
from guard.detect.pack import Confidence, Detector
from guard.detect.rule import Rule, Rules
from guard.detect.validators import NO_CHECKS, Checks
from guard.taxonomy import Title

WORTH = 0.8
"""Who names a rule believes it: what it finds is likely. It has no proof, so it is not certain."""
DATA_CLASS = "secret"
_OTHER = re.compile(r"[^a-z0-9]+")


class RuleMatcher(Matcher):
    """Finds what `detectors` describe and what the rules do; these are further detectors of the class `secret`."""

    joins = False

    def __init__(self, detectors: Sequence[Detector], rule_sets: Sequence[RuleSet], *, checks: Checks = NO_CHECKS,
                 cache: bool = True) -> None:
        super().__init__(detectors, checks=checks, cache=cache)
        self._given = tuple(detectors), tuple(rule_sets), checks, cache
        own = tuple(_detectors([rule for rules in rule_sets for rule in rules.rules], {d.id for d in detectors}))
        more = (Rule(len(detectors) + number, detector) for number, detector in enumerate(own))
        self.rules = Rules((*self.rules, *more))
        self.detectors += own
        self.digest = _digest(self.digest, rule_sets)
        firsts = np.cumsum([len(detectors), *(len(rules.rules) for rules in rule_sets)]).tolist()
        self._sets = [(first, Searched(rules.rules, rules.allowlists, Presence(rules.rules, use_cache=cache)))
                      for first, rules in zip(firsts, rule_sets, strict=False)]
        self._place = Place()
        self._searches = self._make_searches()
        self._last: RuleMatcher | None = None

    def at(self, path: str, commit: str = "") -> Matcher:
        """The matcher for a dataset of this name: rules and allowlists may name paths and commits."""
        place = Place(path, commit)
        made = self._last
        if made is None or made._place != place:
            made = object.__new__(RuleMatcher)
            made.__dict__.update(self.__dict__)
            made._place = place
            made._searches = made._make_searches()
            self._last = made
        return made

    def scan_text(self, data: bytes, budget: Budget | None = None) -> Hits:
        """As `Matcher.scan_text`. Rules see the whole buffer as one text."""
        found = [(first + span.rule, 0, span) for first, search in self._searches for span in search.text(data)]
        return with_decoded(super().scan_text(data, budget), _hits(found), self.rules)

    def _scan_values(self, column: Column) -> Hits:
        values = [column.value(cell) for cell in range(len(column))]
        found = [(first + span.rule, cell, span) for first, search in self._searches
                 for cell, span in search.cells(column.header, values)]
        return with_decoded(super()._scan_values(column), _hits(found), self.rules)

    def _make_searches(self) -> list[tuple[int, Search]]:
        return [(first, Search(searched, self._place)) for first, searched in self._sets]

    def __reduce__(self) -> tuple[Callable[..., Matcher], tuple[Any, ...]]:
        return _restore, self._given


def _restore(detectors: tuple[Detector, ...], rule_sets: tuple[RuleSet, ...], checks: Checks,
             cache: bool) -> RuleMatcher:
    return RuleMatcher(detectors, rule_sets, checks=checks, cache=cache)


def _detectors(rules: Iterable[ForeignRule], taken: set[str]) -> Iterator[Detector]:
    """A detector for each rule: its name in our form, with a number where that is taken."""
    for rule in rules:
        base = name = _OTHER.sub("-", rule.id.lower()).strip("-") or "rule"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        yield Detector(id=name, data_class=DATA_CLASS, title=Title(rule.title, rule.title),
                       confidence=Confidence(shape=WORTH))


def _digest(own: str, rule_sets: Sequence[RuleSet]) -> str:
    canonical = json.dumps([own, *map(asdict, rule_sets)], ensure_ascii=False, sort_keys=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _hits(found: Sequence[tuple[int, int, Span]]) -> Hits:
    """Hits of spans with the number of their detector and cell, each place once for a detector."""
    unique = sorted({(cell, span.start, -span.end, number) for number, cell, span in found})
    return Hits.build([number for *_, number in unique], [start for _, start, _, _ in unique],
                      [-end for _, _, end, _ in unique], [WORTH] * len(unique), [0] * len(unique),
                      [cell for cell, *_ in unique])

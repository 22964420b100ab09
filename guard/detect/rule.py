"""A detector made ready to run: patterns compiled, names of functions looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from guard import kept_patterns
from guard.batch import Ints
from guard.detect.context import Vicinity
from guard.detect.extents import EXTENTS, NAMED_EXTENTS, Extent
from guard.detect.headers import HeaderWords
from guard.detect.limits import AnyPattern, LimitedPattern
from guard.detect.names import first_characters, is_fair_name, is_sure_name, is_usual_name
from guard.detect.normalise import FORMS
from guard.detect.overlap import PASSWORDS, WHOLES
from guard.detect.pack import Detector, bounded
from guard.detect.secret_checks import not_reference
from guard.detect.validators import NO_CHECKS, PROOFS, VALIDATORS, Checks
from guard.errors import ContentError

if TYPE_CHECKING:
    from guard.detect.dense import Worths
    from guard.detect.header_index import HeaderIndex
    from guard.detect.rule_tables import Rulings

Check = Callable[[str], bool]
SOONEST = (not_reference,)
"""Filters that refuse most of what they are asked about: names of code in the place of secrets."""
NAME_CHECKS = (is_usual_name, is_fair_name, is_sure_name)


@dataclass(frozen=True, eq=False, repr=False)
class Rule:
    """`detector` number `index` of a matcher. `own` are checks of its own, besides the shipped ones. `use_cache` is
    whether its patterns may be taken from the user's cache.

    Told apart by identity. What follows from one is kept in it, so that it goes when nobody holds the rule any more.
    """

    index: int
    detector: Detector
    own: Checks = NO_CHECKS
    use_cache: bool = False

    @cached_property
    def pattern(self) -> AnyPattern | None:
        return self._bounded(self.detector.pattern)

    @cached_property
    def masked(self) -> AnyPattern | None:
        return self._bounded(self.detector.masked)

    @cached_property
    def cell(self) -> AnyPattern | None:
        return self._compile(self.detector.cell) if self.detector.cell else None

    def _bounded(self, pattern: str) -> AnyPattern | None:
        return self._compile(bounded(pattern, self.detector.boundary)) if pattern else None

    def _compile(self, pattern: str) -> AnyPattern:
        if not self.detector.reviewed:
            return LimitedPattern(pattern, self.index)
        return (kept_patterns.compiled if self.use_cache else re.compile)(pattern, re.ASCII)

    @cached_property
    def keywords(self) -> tuple[str, ...]:
        return tuple(word.lower() for word in self.detector.keywords)

    @cached_property
    def vicinity(self) -> Vicinity | None:
        return Vicinity(self.detector.context) if self.detector.context else None

    @cached_property
    def header_words(self) -> HeaderWords:
        return HeaderWords(self.detector.headers)

    @cached_property
    def extent(self) -> Extent | None:
        return EXTENTS[self.detector.extent] if self.detector.extent else None

    @cached_property
    def filters(self) -> tuple[Check, ...]:
        return self._functions(self.detector.filters)

    @cached_property
    def filters_in_turn(self) -> tuple[Check, ...]:
        """The filters, those first that refuse most values soonest: all of them must hold, so their order is free."""
        return tuple(sorted(self.filters, key=lambda check: check not in SOONEST))

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        return self._functions(self.detector.check)

    @cached_property
    def is_proof(self) -> bool:
        """Whether passing all checks proves the value, as a check digit does."""
        return any(name in PROOFS or name in self.own.proofs for name in self.detector.check)

    @cached_property
    def evidence(self) -> tuple[tuple[Check, float], ...]:
        weights = self.detector.evidence
        return tuple(zip(self._functions(tuple(weights)), weights.values(), strict=True))

    @cached_property
    def reads_value(self) -> bool:
        """Whether anything is asked of the value itself, beyond where it stands."""
        return bool(self.filters or self.checks or self.evidence or self.detector.entropy)

    @cached_property
    def firsts(self) -> frozenset[str]:
        """Of a rule for Chinese names: the characters that what its pattern reports begins with, but for names with a
        dot; anything else is dropped. Empty where that is not known."""
        is_name = self.detector.extent in NAMED_EXTENTS or any(
            VALIDATORS.get(name) in NAME_CHECKS for name in self.detector.filters)
        return first_characters() if is_name else frozenset()

    @cached_property
    def worths(self) -> tuple[Worths, Worths]:
        """`dense.every_worth` where the header does not fit, and where it does."""
        from guard.detect.dense import every_worth

        return every_worth(self, False), every_worth(self, True)

    @cached_property
    def alone(self) -> Rulings:
        """The tables of this rule, which is number 0 there."""
        from guard.detect.rule_tables import Rulings

        rulings = Rulings((self,), {})
        rulings.fill((0,))
        return rulings

    @property
    def header_only(self) -> bool:
        """Whether the detector has no pattern of its own: every filled cell under a fitting header is a hit."""
        return not self.detector.pattern

    def may_match(self, lowered: str) -> bool:
        """Whether a line (in lower case) holds a keyword, or none is needed."""
        return not self.keywords or any(word in lowered for word in self.keywords)

    def _functions(self, names: Sequence[str]) -> tuple[Check, ...]:
        return tuple(VALIDATORS.get(name) or self.own.functions[name] for name in names)


class Rules(tuple[Rule, ...]):
    """The rules of a matcher by their index, with what follows from all of them and goes with them."""

    @cached_property
    def headers(self) -> HeaderIndex:
        """Which of them a header speaks to: a text has none."""
        from guard.detect.header_index import HeaderIndex

        return HeaderIndex(self)

    @cached_property
    def traits(self) -> Ints:
        """For each detector what its overlaps depend on, as `judging_loops` has it."""
        classes = [rule.detector.data_class for rule in self]
        numbers = {name: number for number, name in enumerate(classes)}
        traits = [(numbers[name], name.startswith(WHOLES), name.startswith(PASSWORDS)) for name in classes]
        return np.array(traits, np.int64)


def compile_rules(detectors: Sequence[Detector], checks: Checks = NO_CHECKS, *, use_cache: bool = False) -> Rules:
    """One rule for each detector, in order. Raises ContentError for a function that does not exist."""
    known = {**VALIDATORS, **checks.functions}
    for detector in detectors:
        _require_known(detector, "check", (*detector.filters, *detector.check, *detector.evidence), known)
        _require_known(detector, "extent", (detector.extent,), EXTENTS)
        _require_known(detector, "form", (detector.form,), FORMS)
    return Rules(Rule(index, detector, checks, use_cache) for index, detector in enumerate(detectors))


def _require_known(detector: Detector, kind: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    for name in names:
        if name and name not in known:
            raise ContentError(f"detector {detector.id}: unknown {kind} {name}",
                               hint=f"known are {', '.join(sorted(known))}")

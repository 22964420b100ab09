"""What the rules say of one class in one field, before anything else in the data set is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guard.model import LIKELY, Action, Audience
from guard.policy.document import Defaults, Rule, action_for
from guard.policy.strictness import Rank, rank

UNCLASSIFIED, MASKED, NO_FINDING, FREE_TEXT = (
    "default.unclassified", "default.masked", "default.no-finding", "default.free-text")
"""What stands for a rule where none speaks."""
SECRET_MARK = "state.secret_mark"  # noqa: S105


def is_secret(identifier: str) -> bool:
    """Whether one hit decides whatever its confidence, and no exception helps: secrets and state-secret marks."""
    return identifier == SECRET_MARK or identifier.split(".")[0] == "secret"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well one class is shown in one field.

    `rate` is the share of the filled cells that hold it, `header` says that the header names it.
    """

    data_class: str
    kind: str = "column"
    confidence: float = 1.0
    rate: float = 1.0
    validated: bool = True
    header: bool = False

    @property
    def decisive(self) -> bool:
        """What no floor waives: a validated identifier and a secret from one hit, what the header says always."""
        return self.validated or self.header or is_secret(self.data_class)

    @property
    def uncertain(self) -> bool:
        """Only `possible`: neither validated nor likely."""
        return not self.validated and not is_secret(self.data_class) and self.confidence < LIKELY


@dataclass(frozen=True, slots=True)
class Outcome:
    """The action, and the rule and legal ground it comes from."""

    action: Action
    rule: str
    params: Mapping[str, Any] = field(default_factory=dict)
    basis: tuple[str, ...] = ()
    reason: str = ""

    def rank(self, identifier: str) -> Rank:
        return rank(self.action, self.params, identifier)


class Rulebook:
    """All rules of a policy and of those it extends. Every matching rule applies; the strictest wins (就高从严)."""

    def __init__(self, rules: Sequence[Rule], defaults: Sequence[Defaults]) -> None:
        self._rules = tuple(rules)
        self._defaults = tuple(defaults)
        self._covering: dict[tuple[str, str, Audience], tuple[Rule, ...]] = {}

    def outcome(self, evidence: Evidence, audience: Audience) -> Outcome:
        """What happens to this class. Where no rule speaks: `defaults.unclassified`; below all floors: allow."""
        covering = self.covering(evidence.data_class, evidence.kind, audience)
        outcomes = [_outcome(rule, audience) for rule in covering if evidence.decisive or _above_floors(rule, evidence)]
        if outcomes:
            return max(outcomes, key=lambda found: found.rank(evidence.data_class))
        if covering:
            return Outcome(Action.ALLOW, covering[0].id, basis=covering[0].basis, reason="below the floors of the rule")
        return Outcome(self.default("unclassified", audience), UNCLASSIFIED, reason="no rule covers this class")

    def covering(self, identifier: str, kind: str, audience: Audience) -> tuple[Rule, ...]:
        """The rules about this class in a field of this kind for this audience, floors aside."""
        key = identifier, kind, audience
        if key not in self._covering:
            self._covering[key] = tuple(
                rule for rule in self._rules if rule.match.kind in (None, kind)
                and action_for(rule.action, audience) is not None and rule.match.covers(identifier))
        return self._covering[key]

    def default(self, name: str, audience: Audience) -> Action:
        """The strictest that the policy or one it extends says; for an audience none of them names, review."""
        said = [action_for(getattr(defaults, name), audience) or Action.REVIEW for defaults in self._defaults]
        return max(said, key=lambda action: action.strictness)


def _outcome(rule: Rule, audience: Audience) -> Outcome:
    action = action_for(rule.action, audience) or Action.BLOCK
    return Outcome(action, rule.id, rule.params.of(action), rule.basis)


def _above_floors(rule: Rule, evidence: Evidence) -> bool:
    return evidence.rate >= rule.match.min_rate and evidence.confidence >= rule.match.min_confidence

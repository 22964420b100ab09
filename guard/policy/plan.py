"""From decisions to what a release does with each field, and to the answer of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guard.model import Action, Decision, Report, Scope, Verdict
from guard.policy.strictness import rank


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one field: `decision` to the whole of it (None: nothing), `spans` to the places of a class.

    Spans matter where the whole field is left as it is, and where a span's action is stricter than the field's.
    """

    decision: Decision | None = None
    spans: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def action(self) -> Action | None:
        """The action for the whole field; None when only its spans are decided."""
        return self.decision.action if self.decision else None


def field_plan(decisions: Iterable[Decision]) -> dict[tuple[str, str], Plan]:
    """The plan of each (dataset, field): of its field decisions the strictest, of its spans the strictest by class.

    Names are no fields. A decision on the whole dataset that was found in a field (a state-secret mark) counts for it.
    """
    whole: dict[tuple[str, str], Decision] = {}
    spans: dict[tuple[str, str], dict[str, Decision]] = {}
    for decision in decisions:
        key = decision.dataset, decision.field
        if decision.scope is Scope.SPAN:
            inside = spans.setdefault(key, {})
            inside[decision.data_class] = _stricter(inside.get(decision.data_class), decision)
        elif decision.scope is Scope.FIELD or (decision.scope is Scope.DATASET and decision.field):
            whole[key] = _stricter(whole.get(key), decision)
    return {key: Plan(whole.get(key), spans.get(key, {})) for key in {**whole, **spans}}


def _stricter(one: Decision | None, two: Decision) -> Decision:
    return two if one is None or _rank(two) > _rank(one) else one


def _rank(decision: Decision) -> tuple[int, float]:
    if not decision.data_class:
        return decision.action.strictness, 0.0
    return rank(decision.action, decision.params, decision.data_class)


def violations(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that keep the data from leaving: block, and review that no exception has settled."""
    return [decision for decision in decisions if decision.action in (Action.BLOCK, Action.REVIEW)]


def waived(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions that an exception changed."""
    return [decision for decision in decisions if decision.waived_by]


def verdict(decisions: Iterable[Decision], report: Report) -> Verdict:
    """A violation before incomplete before pass. What was skipped, or nothing read at all, is incomplete."""
    if violations(decisions):
        return Verdict.VIOLATION
    return Verdict.INCOMPLETE if report.skipped or not report.fields else Verdict.PASS

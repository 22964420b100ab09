"""What happens because of what stands beside it: rules over the columns of one data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from guard.model import Action, Audience, Decision, Field, Scope
from guard.policy.document import DatasetRule
from guard.policy.plan import Plan, field_plan
from guard.policy.strictness import kept
from guard.taxonomy import data_class

BIRTH_DATE = "person.birth_date"
_YEAR = 4
_RESIDENT_ID, _HIDDEN_AT_LEAST, _BIRTH_DIGITS = 18, 4, 8
_REMOVED = (Action.DROP, Action.BLOCK, Action.PSEUDONYMISE, Action.ENCRYPT)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, what it holds throughout, and what is planned for it."""

    field: Field
    classes: tuple[str, ...]
    plan: Plan

    def leaves(self, *, generalised: bool) -> bool:
        """Whether values of the column leave so that they still tell something; generalised ones only on request."""
        decision = self.plan.decision
        if decision is None or decision.action not in (Action.GENERALISE, Action.MASK, *_REMOVED):
            return True
        if decision.action is Action.MASK:
            return kept(decision.params, decision.data_class) > 0
        return decision.action is Action.GENERALISE and generalised


def decide_dataset(fields: Sequence[Field], decisions: Sequence[Decision], rules: Iterable[DatasetRule],
                   audience: Audience, *, risk_measured: bool) -> list[Decision]:
    """The decisions of one data set after its dataset rules: some raised, some added."""
    decided = _mask_identity_strictly(decisions)
    for rule in rules:
        if audience in rule.audience and not (rule.until and risk_measured):
            decided = _apply(rule, _columns(fields, decided), decided)
    return decided


def settle_dropped(decisions: Sequence[Decision]) -> list[Decision]:
    """Drops instead of reviews where the whole field is left out anyway: there is nothing left to look at."""
    dropped = {key for key, plan in field_plan(decisions).items() if plan.action is Action.DROP}
    return [replace(decision, action=Action.DROP, reason="the whole field is left out")
            if decision.action is Action.REVIEW and (decision.dataset, decision.field) in dropped
            and decision.scope is not Scope.NAME else decision for decision in decisions]


def _columns(fields: Sequence[Field], decisions: Sequence[Decision]) -> list[_Column]:
    plans = field_plan(decisions)
    return [_Column(field, classes, plans.get((field.dataset, field.field), Plan())) for field in fields
            if field.kind == "column" and (classes := _dense(field))]


def _dense(field: Field) -> tuple[str, ...]:
    return tuple(count.data_class for count in field.classes if count.dense or count.from_header)


def _apply(rule: DatasetRule, columns: Sequence[_Column], decisions: list[Decision]) -> list[Decision]:
    companions = [column for column in columns if _is_companion(rule, column)]
    raised: dict[tuple[str, str], str] = {}
    for column in columns:
        matched = [identifier for identifier in column.classes if rule.match.covers(identifier)]
        count = len(companions) - _is_companion(rule, column)
        if matched and count >= rule.count and (not rule.planned or column.leaves(generalised=True)):
            reason = f'"{rule.title.en}": it stands beside {count} such columns'
            if rule.scope == "dataset":
                # Once for a data set: a second column of the class changes nothing.
                return [*decisions, Decision(column.field.dataset, "", matched[0], Scope.DATASET, rule.action, rule.id,
                                             basis=rule.basis, reason=reason)]
            raised.update(((column.field.field, identifier), reason) for identifier in matched)
    return [_raise(decision, rule, raised[place]) if (place := (decision.field, decision.data_class)) in raised
            else decision for decision in decisions]


def _is_companion(rule: DatasetRule, column: _Column) -> bool:
    """Whether the column counts for the rule when another one is looked at."""
    roles = {data_class(identifier).role for identifier in column.classes}
    return bool(roles & set(rule.beside)) and (not rule.planned or column.leaves(generalised=False))


def _raise(decision: Decision, rule: DatasetRule, reason: str) -> Decision:
    if decision.action.strictness >= rule.action.strictness:
        return decision
    # An exception that made it milder did not know of what stands beside it.
    return replace(decision, action=rule.action, rule=rule.id, params={}, basis=rule.basis, reason=reason, waived_by="")


def _mask_identity_strictly(decisions: Sequence[Decision]) -> list[Decision]:
    """Hides more of an ID number beside a birth date that leaves finer than a year: the date would fill the mask."""
    if not any(decision.data_class == BIRTH_DATE and _finer_than_year(decision) for decision in decisions):
        return list(decisions)
    return [replace(decision, params={"style": "id_strict"}, reason="the birth date beside it would fill the mask")
            if _is_weak_beside_birth_date(decision) else decision for decision in decisions]


def _finer_than_year(decision: Decision) -> bool:
    if decision.action is Action.MASK:
        return kept(decision.params, decision.data_class) > _YEAR
    if decision.action is Action.GENERALISE:
        return decision.params.get("to") == "month"
    return decision.action not in _REMOVED


def _is_weak_beside_birth_date(decision: Decision) -> bool:
    if decision.action is not Action.MASK or not decision.data_class or data_class(decision.data_class).mask != "id":
        return False
    hidden = _RESIDENT_ID - _BIRTH_DIGITS - kept(decision.params, decision.data_class)
    return hidden < _HIDDEN_AT_LEAST

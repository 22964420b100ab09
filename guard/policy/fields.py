"""What happens to each class in each field, looked at alone: rules, scope, and what is only possible."""

from __future__ import annotations

from guard.model import Action, Audience, ClassCount, Decision, Field, Scope
from guard.policy.rulebook import FREE_TEXT, MASKED, NO_FINDING, SECRET_MARK, Evidence, Outcome, Rulebook


def decide_field(field: Field, rulebook: Rulebook, audience: Audience) -> list[Decision]:
    """One decision for each class that fired, or that the header names; one that says so where there is none."""
    decisions = [_decide_class(field, count, rulebook, audience) for count in field.classes]
    if not decisions:
        decisions.append(_decision(field, "", Scope.FIELD, Outcome(Action.ALLOW, NO_FINDING)))
    free_text = rulebook.default("free_text", audience)
    if free_text is not Action.ALLOW and leaves_free_text(field, decisions):
        reason = f"free text in {field.long_text} of {field.filled} values may hold what no detector knows"
        decisions.append(_decision(field, "", Scope.FIELD, Outcome(free_text, FREE_TEXT, reason=reason)))
    return decisions


def leaves_free_text(field: Field, decisions: list[Decision]) -> bool:
    """Whether free text of this field would leave with nothing but its found spans changed."""
    whole = any(d.scope in (Scope.FIELD, Scope.DATASET) and d.action is not Action.ALLOW for d in decisions)
    return field.kind != "name" and field.long_text > 0 and not whole


def _decide_class(field: Field, count: ClassCount, rulebook: Rulebook, audience: Audience) -> Decision:
    scope = _scope(field, count)
    if _all_masked(field, count):
        outcome = Outcome(Action.ALLOW, MASKED, reason=f"{count.masked} already masked values, none in clear")
    else:
        evidence = _evidence(field, count)
        outcome = _with_doubt(rulebook.outcome(evidence, audience), evidence, count, empty=not field.filled)
    if scope is Scope.NAME:
        outcome = _for_name(outcome)
    return _decision(field, count.data_class, scope, outcome)


def _all_masked(field: Field, count: ClassCount) -> bool:
    """Masked values are no leak; beside them, a header asks for the rest of its column too."""
    return not count.hits and count.masked > 0 and not (count.from_header and count.masked < field.filled)


def _evidence(field: Field, count: ClassCount) -> Evidence:
    rate = count.cells / field.filled if field.filled else 0.0
    return Evidence(count.data_class, field.kind, count.confidence, min(1.0, rate), count.validated > 0,
                    count.from_header)


def _scope(field: Field, count: ClassCount) -> Scope:
    """A state-secret mark stops its whole file; a class that is dense or named by the header stands for its field."""
    if count.data_class == SECRET_MARK:
        return Scope.DATASET
    if field.kind == "name":
        return Scope.NAME
    return Scope.FIELD if field.kind == "column" and (count.dense or count.from_header) else Scope.SPAN


def _with_doubt(outcome: Outcome, evidence: Evidence, count: ClassCount, *, empty: bool) -> Outcome:
    """What is only possible needs a person to look, unless even the certain would pass, or nothing at all leaves."""
    mild = outcome.action is not Action.ALLOW and outcome.action.strictness < Action.REVIEW.strictness
    if mild and evidence.uncertain and not empty:
        reason = "only possible" + (f": {count.reason}" if count.reason else "")
        return Outcome(Action.REVIEW, outcome.rule, basis=outcome.basis, reason=reason)
    return outcome if outcome.reason else Outcome(outcome.action, outcome.rule, outcome.params, outcome.basis,
                                                  count.reason)


def _for_name(outcome: Outcome) -> Outcome:
    """A name with a finding is never written: its ordinal stands for it. That is a drop; only block asks for more."""
    if outcome.action in (Action.ALLOW, Action.BLOCK):
        return outcome
    return Outcome(Action.DROP, outcome.rule, basis=outcome.basis, reason="the name is replaced by its ordinal")


def _decision(field: Field, identifier: str, scope: Scope, outcome: Outcome) -> Decision:
    return Decision(field.dataset, field.field, identifier, scope, outcome.action, outcome.rule, outcome.params,
                    outcome.basis, outcome.reason)

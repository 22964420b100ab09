"""Risk decisions: a named person accepts, for one field and a while, less than the policy asks."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guard.content import read_yaml
from guard.model import Action, Audience, Decision
from guard.plain_yaml import Strict
from guard.policy.document import PolicyException
from guard.policy.rulebook import is_secret


class _ExceptionFile(Strict):
    exceptions: tuple[PolicyException, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """Decisions after the exceptions, and by id why an exception was not applied."""

    decisions: tuple[Decision, ...]
    refused: Mapping[str, str]


def load_exceptions(path: str | Path) -> tuple[PolicyException, ...]:
    """The exceptions of a YAML file `exceptions: [...]`. Raises ContentError with place."""
    document = read_yaml(Path(path), name=Path(path).name)
    loaded = document.validate(_ExceptionFile).exceptions
    for index, exception in enumerate(loaded):
        if any(other.id == exception.id for other in loaded[:index]):
            raise document.error(("exceptions", index, "id"), f"exception {exception.id} is there twice")
    return loaded


def apply_exceptions(decisions: Sequence[Decision], exceptions: Iterable[PolicyException],
                     hashes: Mapping[str, str], audience: Audience, today: datetime.date) -> Applied:
    """Applies each exception that is valid today to the decisions of its rule and field.

    `hashes` gives the schema hash of each dataset. An exception never reaches a secret or a state-secret mark.
    """
    decided, refused = list(decisions), {}
    for exception in exceptions:
        if refusal := _refusal(exception, decided, hashes, audience, today):
            refused[exception.id] = refusal
            continue
        decided = [_waive(decision, exception) if _matches(exception, decision) else decision for decision in decided]
    return Applied(tuple(decided), refused)


def _refusal(exception: PolicyException, decisions: Sequence[Decision], hashes: Mapping[str, str], audience: Audience,
             today: datetime.date) -> str:
    if today > exception.expires:
        return f"it expired on {exception.expires}"
    if today < exception.approved_at:
        return f"it holds from {exception.approved_at} on"
    if exception.action is Action.ENCRYPT and audience is Audience.PUBLIC:
        return "encrypt is no action for the audience public"
    wanted = exception.scope.schema_hash
    if wanted and hashes.get(exception.scope.dataset, wanted) != wanted:
        return "the fields of the data set have changed since it was approved"
    matched = [decision for decision in decisions if _matches(exception, decision)]
    if not matched:
        return "no decision of that rule for that field"
    if any(is_secret(decision.data_class) for decision in matched):
        return "secrets and state-secret marks cannot be waived"
    return "" if any(_milder(exception, decision) for decision in matched) else "it is not milder than the policy"


def _matches(exception: PolicyException, decision: Decision) -> bool:
    scope = exception.scope
    return (exception.rule, scope.dataset, scope.field) == (decision.rule, decision.dataset, decision.field)


def _milder(exception: PolicyException, decision: Decision) -> bool:
    return exception.action.strictness < decision.action.strictness


def _waive(decision: Decision, exception: PolicyException) -> Decision:
    if not _milder(exception, decision):
        return decision
    return replace(decision, action=exception.action, params={}, waived_by=exception.id,
                   reason=f"{exception.ground}: {exception.reason}")

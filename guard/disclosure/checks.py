"""The checks of a release's output: it changed where it had to, nothing withheld occurs, nothing else fires.

They show that what was found was dealt with, not that everything was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from guard.model import Action, Decision, Report, Scope
from guard.tally import Tally

if TYPE_CHECKING:
    from guard.disclosure.editor import Done

Decide = Callable[[Report], list[Decision]]
_ACCEPTED = (Action.ALLOW, Action.MASK, Action.GENERALISE, Action.PSEUDONYMISE, Action.ENCRYPT)
_NAMED = 5


def verdicts(done: Mapping[tuple[str, str, str], Done], suspects: Mapping[int, str], tally: Tally, output: Report,
             decisions: Iterable[Decision], decide: Decide) -> list[dict[str, Any]]:
    """The results of the checks, each {id, title, passed, detail}."""
    return [_changed(done), _absent(suspects), _quiet(output, decisions, decide), _readable(tally)]


def _changed(done: Mapping[tuple[str, str, str], Done]) -> dict[str, Any]:
    unchanged = {key: d.unchanged for key, d in done.items() if d.unchanged}
    total = sum(d.replaced for d in done.values())
    places = ", ".join(f"{key[0]} {key[1]}: {count}" for key, count in list(unchanged.items())[:_NAMED])
    return _result("changed", "every value that had to change did", not unchanged,
                   f"{total} values replaced" if not unchanged else f"unchanged values: {places}")


def _absent(suspects: Mapping[int, str]) -> dict[str, Any]:
    places = ", ".join(sorted(set(suspects.values()))[:_NAMED])
    return _result("absent", "no withheld identifier occurs in the output", not suspects,
                   "none found" if not suspects else f"{len(suspects)} withheld values occur in: {places}")


def _quiet(output: Report, decisions: Iterable[Decision], decide: Decide) -> dict[str, Any]:
    """What still fires was accounted for: the class was replaced there by a form of its own, or is allowed there.

    After a drop nothing of the class may be left, no mask passes a check digit, and a name that fires has escaped its
    ordinal.
    """
    planned = {(d.dataset, d.field, d.data_class): d.action for d in decisions
               if d.action in _ACCEPTED and d.scope is not Scope.NAME}
    allowed = {(d.dataset, d.field, d.data_class) for d in decide(output) if d.action is Action.ALLOW}
    loud = [f"{field.dataset} {field.field}: {count.data_class}" for field in output.fields for count in field.classes
            if count.hits and (key := (field.dataset, field.field, count.data_class)) not in allowed
            and (key not in planned or (planned[key] is Action.MASK and count.validated))]
    return _result("quiet", "nothing fires in the output that the decisions do not account for", not loud,
                   "nothing" if not loud else "; ".join(loud[:_NAMED]))


def _readable(tally: Tally) -> dict[str, Any]:
    skipped = [f"{s.dataset}: {s.reason}" for s in tally.skipped]
    return _result("readable", "the output was read to its end", not skipped,
                   "all of it" if not skipped else "; ".join(skipped[:_NAMED]))


def _result(identifier: str, title: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"id": identifier, "title": title, "passed": passed, "detail": detail}

"""The protection plan: what is done to each field of one table, said field by field and not by class.

A policy decides by what is found; a plan is for the engineer who knows the table. It takes the same actions with the
same parameters, and the same transforms carry it out. A field that it does not name is an error, unless `others` says
what happens to it. `docs/protect.md` describes the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field as Constraint
from pydantic import ValidationError

from guard.content import read_yaml
from guard.errors import UsageError
from guard.model import Action, Decision, Scope, member_name
from guard.plain_yaml import Document, Strict
from guard.policy.document import Params
from guard.taxonomy import taxonomy

RULE = "plan"


class FieldPlan(Strict):
    """What is done to one field. `class` is its data class, `params` are those of the action, as in a policy."""

    action: Literal["allow", "mask", "generalise", "pseudonymise", "encrypt", "drop"]
    data_class: str = Constraint(default="", alias="class")
    params: dict[str, Any] = Constraint(default_factory=dict)


class PlanDocument(Strict):
    """A plan file. `dataset` is the name that ciphertexts are bound to (default: that of the file), `domain` the link
    domain of pseudonyms and deterministic encryption, `record` the unique column of randomised encryption."""

    guard_plan: Literal[1]
    dataset: str | None = Constraint(default=None, min_length=1)
    domain: str | None = Constraint(default=None, min_length=1)
    record: str | None = Constraint(default=None, min_length=1)
    others: Literal["keep", "drop"] | None = None
    fields: dict[str, FieldPlan] = Constraint(min_length=1)


@dataclass(frozen=True, slots=True)
class ProtectionPlan:
    """A plan for one table: `decision` says what is done to a field."""

    dataset: str
    fields: Mapping[str, Decision]
    others: str = ""

    @staticmethod
    def load(path: str | Path, dataset: str) -> ProtectionPlan:
        """The plan in a YAML file, for a table that goes by the name `dataset` unless the file names one.

        Raises UsageError where there is no file, ContentError with place for what is not valid.
        """
        path = Path(path)
        if not path.is_file():
            raise UsageError("there is no such plan file", hint="docs/protect.md describes it")
        read = read_yaml(path, name=path.name)
        plan = read.validate(PlanDocument)
        name = plan.dataset or dataset
        return ProtectionPlan(name, {field: Decision(name, field, own.data_class, Scope.FIELD, Action(own.action), RULE,
                                                     _params(read, plan, field))
                                     for field, own in plan.fields.items()}, plan.others or "")

    def decision(self, field: str) -> Decision:
        """What is done to a field; `$.id` and `$[*].id` of JSON are `id` of a plan.

        Raises UsageError for one that it does not name.
        """
        named = field if field in self.fields else member_name(field)
        if named in self.fields:
            return self.fields[named]
        if not self.others:
            raise UsageError(f"the plan says nothing about the field {field}",
                             hint="name it, or say what happens to the others: others: keep, or others: drop")
        action = Action.ALLOW if self.others == "keep" else Action.DROP
        return Decision(self.dataset, field, "", Scope.FIELD, action, RULE)


def _params(read: Document, plan: PlanDocument, field: str) -> dict[str, Any]:
    """The parameters of a field, with those that the plan gives for all. Raises ContentError for what does not fit."""
    own = plan.fields[field]
    place = ("fields", field)
    if own.data_class and own.data_class not in taxonomy():
        raise read.error((*place, "class"), f"unknown data class {own.data_class}",
                         hint="the classes are listed in detectors/taxonomy.yml")
    if own.action not in Params.model_fields:
        if own.params:
            raise read.error((*place, "params"), f"{own.action} takes no parameters")
        return {}
    params = _with_those_of_the_plan(own, plan)
    try:
        Params.model_validate({own.action: params})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        told = ".".join(map(str, problem["loc"][1:]))
        raise read.error((*place, "params"), f"{told or own.action}: {problem['msg'].lower()}") from None
    if params.get("record") == field:
        raise read.error(place, "a field cannot be its own record key")
    return params


def _with_those_of_the_plan(own: FieldPlan, plan: PlanDocument) -> dict[str, Any]:
    params = dict(own.params)
    deterministic = own.action == "encrypt" and params.get("mode") == "deterministic"
    if plan.domain and (own.action == "pseudonymise" or deterministic):
        params.setdefault("domain", plan.domain)
    if plan.record and own.action == "encrypt" and not deterministic:
        params.setdefault("record", plan.record)
    return params

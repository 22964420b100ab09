"""The policy: load it, let it decide, test it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from guard import content
from guard.errors import UsageError
from guard.model import Action, Audience, Decision, Field, Report
from guard.policy.datasets import decide_dataset, settle_dropped
from guard.policy.document import DatasetRule, PolicyDocument, PolicyException, Rule
from guard.policy.exceptions import apply_exceptions
from guard.policy.fields import decide_field, leaves_free_text
from guard.policy.loading import Source, read_chain, rulebook
from guard.policy.rulebook import Evidence, Outcome, Rulebook
from guard.policy.trials import TestResult, run_trial
from guard.taxonomy import Title, taxonomy


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy with all it extends: immutable. `digest` is over every file that takes part."""

    id: str
    version: str
    title: Title
    digest: str
    audiences: tuple[Audience, ...]
    rules: tuple[Rule, ...]
    datasets: tuple[DatasetRule, ...]
    exceptions: tuple[PolicyException, ...]
    _rulebook: Rulebook
    _sources: tuple[Source, ...]

    @staticmethod
    def load(name_or_path: str | Path) -> Policy:
        """The shipped policy of that name, or the file. Raises UsageError (unknown), ContentError (not valid)."""
        sources = read_chain(name_or_path)
        own = sources[-1].policy
        return Policy(
            own.id, own.version, own.title, content.digest([source.path for source in sources]), own.audiences,
            tuple(rule for source in sources for rule in source.policy.rules),
            tuple(rule for source in sources for rule in source.policy.datasets),
            own.exceptions, rulebook(sources), sources,
        )

    def as_json(self) -> dict[str, Any]:
        """What a report says of its policy."""
        title = {"en": self.title.en, "zh": self.title.zh}
        return {"id": self.id, "version": self.version, "title": title, "digest": self.digest,
                "extends": [source.policy.id for source in self._sources[:-1]]}

    def with_exceptions(self, exceptions: Iterable[PolicyException]) -> Policy:
        """The same policy with more exceptions, see `load_exceptions`. Raises UsageError when an id is there twice."""
        both = (*self.exceptions, *exceptions)
        if len({exception.id for exception in both}) < len(both):
            raise UsageError("an exception id is there twice", hint="each exception needs an id of its own")
        return replace(self, exceptions=both)

    def outcome(self, data_class: str, audience: str) -> Outcome:
        """What the rules say of a class that is there for certain, in a column, whatever stands beside it."""
        return self._rulebook.outcome(Evidence(data_class), self._covered(audience))

    def decide(self, report: Report, audience: str = "public", *, today: datetime.date | None = None) -> list[Decision]:
        """What happens to every field of the report, in its order; dataset decisions follow their data set.

        Exceptions are those valid on `today` (default: the current date). Raises UsageError for an audience that the
        policy does not cover.
        """
        return self._decide(report, self._covered(audience), today)[0]

    def warnings(self, report: Report, audience: str = "", *, today: datetime.date | None = None) -> list[str]:
        """What an officer should know although it decides nothing: idle rules, idle exceptions, unread free text.

        `audience` defaults to that of the report, and then to the widest that the policy covers.
        """
        receiver = self._covered(audience or report.audience or self.audiences[0])
        decisions, refused = self._decide(report, receiver, today)
        idle = [f"exception {identifier} is not applied: {reason}" for identifier, reason in refused.items()]
        return [*self._idle_rules(), *idle, *_free_text(report.fields, decisions)]

    def test(self) -> list[TestResult]:
        """The results of the tests that stand in the policy file itself, in order."""
        source = self._sources[-1]
        return [run_trial(trial, source.document.place(("tests", index)), self.decide)
                for index, trial in enumerate(source.policy.tests)]

    def _covered(self, audience: str) -> Audience:
        if audience not in self.audiences:
            raise UsageError(f"the policy {self.id} does not cover the audience {audience or '(none)'}",
                             hint=f"it covers {', '.join(self.audiences)}")
        return Audience(audience)

    def _decide(self, report: Report, audience: Audience,
                today: datetime.date | None) -> tuple[list[Decision], dict[str, str]]:
        """The decisions, and why exceptions were not applied.

        Exceptions come before and after the dataset rules: what one of them lets leave stands beside the rest.
        """
        hashes = {field.dataset: field.schema_hash for field in report.fields if field.kind != "name"}
        day = today or datetime.date.today()
        alone = [decision for field in report.fields for decision in decide_field(field, self._rulebook, audience)]
        first = apply_exceptions(alone, self.exceptions, hashes, audience, day)
        together = self._decide_datasets(report, first.decisions, audience)
        second = apply_exceptions(together, self.exceptions, hashes, audience, day)
        refused = {identifier: reason for identifier, reason in second.refused.items() if identifier in first.refused}
        return settle_dropped(second.decisions), refused

    def _decide_datasets(self, report: Report, decisions: Sequence[Decision], audience: Audience) -> list[Decision]:
        fields: dict[str, list[Field]] = defaultdict(list)
        for field in report.fields:
            fields[field.dataset].append(field)
        alone: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions:
            alone[decision.dataset].append(decision)
        measured = report.risk.get("status") == "measured"
        return [decision for dataset, found in fields.items()
                for decision in decide_dataset(found, alone[dataset], self.datasets, audience, risk_measured=measured)]

    def _idle_rules(self) -> list[str]:
        rules: tuple[Rule | DatasetRule, ...] = (*self.rules, *self.datasets)
        return [f"rule {rule.id} can never match: no data class fits it" for rule in rules
                if not any(rule.match.covers(identifier) for identifier in taxonomy())]


def _free_text(fields: Sequence[Field], decisions: Sequence[Decision]) -> list[str]:
    """Free text that leaves with only its found spans changed: no detector knows every name."""
    by_field: dict[tuple[str, str], list[Decision]] = defaultdict(list)
    for decision in decisions:
        by_field[decision.dataset, decision.field].append(decision)
    return [f"{field.dataset}: {field.field}: {field.long_text} of {field.filled} values are free text; names in it "
            "may have been missed" for field in fields
            if leaves_free_text(field, by_field[field.dataset, field.field])
            and not any(d.action is Action.REVIEW for d in by_field[field.dataset, field.field])]


def schema() -> dict[str, Any]:
    """The JSON Schema of a policy file, for editors."""
    return PolicyDocument.model_json_schema()

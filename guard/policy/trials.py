"""Tests of a policy by example: the `tests` of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guard.model import CERTAIN, LIKELY, ClassCount, Decision, Field, Report, Verdict
from guard.policy.document import Expected, Given, Trial
from guard.policy.strictness import rank
from guard.taxonomy import data_class

_CELLS = 1000
_DATASET = "test"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of the policy file at `place`; `expected` and `actual` say action, parameters and rule."""

    __test__ = False  # pytest must not take it for a test class

    name: str
    passed: bool
    expected: str
    actual: str
    place: str

    @property
    def detail(self) -> str:
        return f"{self.place}: expected {self.expected}, got {self.actual}"


def run_trial(trial: Trial, place: str, decide: Callable[[Report, str], list[Decision]]) -> TestResult:
    """Decides the given field and compares the strictest decision on it, or on its data set, with what is expected."""
    given = trial.given
    others = [_field(f"beside {number}", Given.model_validate({"class": name, "audience": given.audience}))
              for number, name in enumerate(given.beside, 1)]
    report = _report((_field("given", given), *others))
    decisions = [d for d in decide(report, given.audience) if d.field in ("given", "")]
    actual = max(decisions, key=lambda d: rank(d.action, d.params, d.data_class or given.data_class))
    expected = trial.expect if isinstance(trial.expect, Expected) else Expected(action=trial.expect)
    return TestResult(trial.name, _fits(expected, actual), _said(expected.action, expected.params, expected.rule),
                      _said(actual.action, actual.params, actual.rule), place)


def _fits(expected: Expected, actual: Decision) -> bool:
    params = all(actual.params.get(key) == value for key, value in expected.params.items())
    return expected.action is actual.action and params and expected.rule in ("", actual.rule)


def _said(action: str, params: Mapping[str, Any], rule: str) -> str:
    said = "".join(f" {key}={value}" for key, value in sorted(params.items()))
    return f"{action}{said}" + (f" ({rule})" if rule else "")


def _field(name: str, given: Given) -> Field:
    """A field of _CELLS cells that holds the class as the test says."""
    cells = round(_CELLS * given.rate)
    raw, known = (0 if given.masked else cells), data_class(given.data_class)
    count = ClassCount(
        given.data_class, raw, raw if given.validated else 0, raw if given.confidence >= CERTAIN else 0,
        raw if given.confidence >= LIKELY else 0, cells - raw, raw, given.confidence,
        dense=given.kind == "column" and (given.header or given.rate >= 0.5), from_header=given.header)
    return Field(_DATASET, name, given.kind, given.data_class, known.role, known.grade, given.confidence, _CELLS,
                 _CELLS, raw, cells - raw, 0, (count,))


def _report(fields: tuple[Field, ...]) -> Report:
    return Report(tool={}, rules={}, inputs=(), fields=fields, findings=(), skipped=(), verdict=Verdict.PASS,
                  created="")

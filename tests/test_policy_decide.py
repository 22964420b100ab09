"""What a policy decides of each field, and what a release reads from the decisions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_fields import by_field, count, field, load_policy, report

from guard.errors import UsageError
from guard.model import Action, Audience, ClassCount, Decision, Reason, Scope, Skipped, Verdict
from guard.policy import Policy, field_plan, verdict, violations
from guard.taxonomy import taxonomy

OPEN = Policy.load("cn-open-data")
STRICT = Policy.load("strict")
BASE = Policy.load("cn-baseline")
SHARE = Policy.load("cn-department-share")
FLOORS = """\
rules:
  - id: T-NAME
    title: {en: Names, zh: 姓名}
    match: {class: person.name, min_rate: 0.02, min_confidence: 0.7}
    action: drop
    basis: [OGI-15]
"""


def decided(policy: Policy, *counts: ClassCount | str, audience: str = "public", **options: object) -> Decision:
    """The strictest decision on one field with these classes."""
    decisions = policy.decide(report(field("f", *counts, **options)), audience)  # type: ignore[arg-type]
    return max(decisions, key=lambda d: d.action.strictness)


def possible(identifier: str, hits: int = 100, **more: object) -> ClassCount:
    return count(identifier, hits, validated=0, confidence=0.4, **more)  # type: ignore[arg-type]


def test_a_decision_names_rule_and_ground() -> None:
    decision = decided(OPEN, "person.id.cn")
    assert (decision.action, decision.scope, decision.rule) == (Action.DROP, Scope.FIELD, "OPEN-IDENTITY")
    assert "OGI-15" in decision.basis


def test_every_field_gets_a_decision() -> None:
    decisions = OPEN.decide(report(field("a", "person.sex"), field("b"), field("c", "org.uscc")), "public")
    assert [(d.field, d.action, d.rule) for d in decisions] == [
        ("a", "allow", "CN-QUASI"), ("b", "allow", "default.no-finding"), ("c", "allow", "CN-ORGANISATION")]


@pytest.mark.parametrize(("one", "kind", "scope"), [
    (count("person.phone.mobile"), "column", Scope.FIELD),
    (count("person.phone.mobile", 1, dense=False), "column", Scope.SPAN),
    (count("person.phone.mobile", 1, dense=False, from_header=True), "column", Scope.FIELD),
    (count("person.phone.mobile", dense=False), "text", Scope.SPAN),
    (count("person.phone.mobile", 1, dense=False), "name", Scope.NAME),
    (count("state.secret_mark", 1, dense=False), "text", Scope.DATASET),
])
def test_scope(one: ClassCount, kind: str, scope: Scope) -> None:
    assert decided(OPEN, one, kind=kind).scope is scope


def test_one_validated_identifier_decides_whatever_the_floors(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, FLOORS)
    below = count("person.name", 1, validated=0, confidence=0.65, dense=False)
    waived = decided(policy, below)
    assert (waived.action, waived.rule, waived.reason) == (Action.ALLOW, "T-NAME", "below the floors of the rule")
    assert decided(policy, count("person.name", 1, validated=1, confidence=0.65, dense=False)).action is Action.DROP
    assert decided(policy, count("person.name", 2, validated=0, confidence=0.7, dense=False)).action is Action.DROP
    assert decided(policy, count("person.name", 2, validated=0, confidence=0.69, dense=False)).action is Action.ALLOW


def test_no_floor_waives_a_header(tmp_path: Path) -> None:
    unfitting = possible("person.name", 0, cells=0, from_header=True)
    assert decided(load_policy(tmp_path, FLOORS), unfitting).action is Action.DROP


def test_no_floor_waives_a_secret(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, FLOORS.replace("person.name", "secret.token").replace("drop", "block"))
    found = decided(policy, possible("secret.token", 1, dense=False), kind="text")
    assert found.action is Action.BLOCK


@pytest.mark.parametrize(("policy", "identifier", "action"), [
    (SHARE, "person.id.cn", Action.REVIEW),        # would be masked: a person has to look
    (OPEN, "person.id.cn", Action.DROP),           # goes anyway
    (OPEN, "org.uscc", Action.ALLOW),              # even the certain one may leave
    (OPEN, "state.work_secret_mark", Action.BLOCK),
    (SHARE, "person.health", Action.REVIEW),
])
def test_what_is_only_possible(policy: Policy, identifier: str, action: Action) -> None:
    audience = policy.audiences[0]
    assert decided(policy, possible(identifier), audience=audience).action is action


def test_a_personal_header_over_values_that_do_not_fit_is_reviewed_with_the_reason() -> None:
    unfitting = possible("person.id.cn", 0, from_header=True, reason='header says "X", none of 9 values fit')
    found = decided(SHARE, unfitting, audience="department_share")
    assert (found.action, found.scope) == (Action.REVIEW, Scope.FIELD)
    assert found.reason == 'only possible: header says "X", none of 9 values fit'


def test_an_empty_column_under_a_personal_header_asks_nobody() -> None:
    empty = count("person.phone.mobile", 0, confidence=0.3, from_header=True)
    assert decided(SHARE, empty, audience="department_share", filled=0).action is Action.MASK


def test_masked_values_are_no_leak_but_counted() -> None:
    found = decided(OPEN, count("person.phone.mobile", 0, masked=12, dense=False))
    assert (found.action, found.rule) == (Action.ALLOW, "default.masked")
    assert found.reason.startswith("12 already masked values")


def test_masked_values_under_a_header_do_not_cover_for_the_rest_of_the_column() -> None:
    half = count("person.phone.mobile", 0, masked=50, confidence=0.3, from_header=True)
    whole = count("person.phone.mobile", 0, masked=100, confidence=0.3, from_header=True)
    assert decided(OPEN, half).action is Action.DROP
    assert decided(OPEN, whole).action is Action.ALLOW


def test_an_unclassified_class_is_reviewed_and_what_no_rule_knows_of_nothing_is_not(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, FLOORS)
    assert decided(policy, "person.email").rule == "default.unclassified"
    assert decided(policy, "person.email").action is Action.REVIEW
    assert decided(policy).rule == "default.no-finding"


def test_a_name_with_a_finding_is_replaced_by_its_ordinal() -> None:
    for one in ("person.phone.mobile", possible("person.id.cn"), "person.birth_date"):
        assert decided(OPEN, one, kind="name").action is Action.DROP
    assert decided(OPEN, "secret.token", kind="name").action is Action.BLOCK


def test_free_text_is_a_warning_and_under_strict_a_review() -> None:
    text = report(field("意见", long_text=40))
    assert by_field(OPEN.decide(text, "public"))["意见"].action is Action.ALLOW
    assert OPEN.warnings(text, "public") == [
        "people.csv: 意见: 40 of 100 values are free text; names in it may have been missed"]
    strict = [d for d in STRICT.decide(text, "public") if d.rule == "default.free-text"]
    assert [(d.action, d.scope) for d in strict] == [(Action.REVIEW, Scope.FIELD)]
    assert STRICT.warnings(text, "public") == []
    assert not any(d.rule == "default.free-text" for d in STRICT.decide(text, "internal"))


def test_free_text_with_found_spans_still_leaves_free_text() -> None:
    text = report(field("意见", count("person.phone.mobile", 3, dense=False), long_text=40))
    assert len(OPEN.warnings(text, "public")) == 1
    assert any(d.rule == "default.free-text" for d in STRICT.decide(text, "public"))


def test_free_text_that_does_not_leave_asks_nobody() -> None:
    text = report(field("地址", "person.address", long_text=40))
    assert OPEN.warnings(text, "public") == []
    assert not any(d.rule == "default.free-text" for d in STRICT.decide(text, "public"))


def test_an_audience_that_is_not_covered() -> None:
    for audience in ("public", "everybody"):
        with pytest.raises(UsageError) as caught:
            SHARE.decide(report(), audience)
        assert "department_share, internal" in caught.value.hint


def test_of_the_same_action_the_one_that_leaves_less_wins(tmp_path: Path) -> None:
    rules = "rules:\n" + "".join(
        f"  - {{id: R{number}, title: {{en: A, zh: 甲}}, match: {{class: person.phone.mobile}}, action: mask,"
        f" params: {{mask: {params}}}}}\n" for number, params in enumerate(
            ("{style: phone}", "{keep: [1, 1]}", "{style: card}", "{keep: [3, 0]}")))
    found = decided(load_policy(tmp_path, rules), "person.phone.mobile")
    assert (found.rule, found.params) == ("R1", {"keep": [1, 1]})


def test_the_plan_takes_the_strictest_field_decision_and_keeps_the_spans() -> None:
    mixed = field("f", count("org.uscc"), count("person.birth_date"),
                  count("person.phone.mobile", 2, dense=False), count("person.id.cn", 1, dense=False))
    plan = field_plan(OPEN.decide(report(mixed), "public"))["people.csv", "f"]
    assert plan.action is Action.GENERALISE
    assert plan.decision is not None
    assert plan.decision.data_class == "person.birth_date"
    assert {name: d.action for name, d in plan.spans.items()} == {
        "person.phone.mobile": Action.DROP, "person.id.cn": Action.DROP}


def test_nothing_waits_for_review_in_a_field_that_is_left_out() -> None:
    doubtful = possible("person.phone.landline", 3, dense=False)
    mixed = OPEN.decide(report(field("f", "person.id.cn", doubtful), field("g", doubtful)), "public")
    assert [(d.field, d.action) for d in mixed] == [("f", "drop"), ("f", "drop"), ("g", "review")]
    secret = OPEN.decide(report(field("f", "person.id.cn", count("secret.token", 1, dense=False))), "public")
    assert [d.action for d in violations(secret)] == [Action.BLOCK]


def test_a_plan_of_spans_only_has_no_action() -> None:
    plan = field_plan(OPEN.decide(report(field("text", count("person.email", dense=False), kind="text")), "public"))
    assert plan["people.csv", "text"].action is None


def test_names_are_not_in_the_plan_and_a_state_secret_stops_its_field() -> None:
    decisions = OPEN.decide(report(field("file name", "person.email", kind="name"),
                                   field("text", count("state.secret_mark", 1, dense=False), kind="text")), "public")
    plans = field_plan(decisions)
    assert list(plans) == [("people.csv", "text")]
    assert plans["people.csv", "text"].action is Action.BLOCK


def test_verdicts() -> None:
    clean, bad = report(field("n")), report(field("f", "secret.token"))
    lost = (Skipped("b.bin", Reason.BINARY),)
    assert verdict(OPEN.decide(clean, "public"), clean) is Verdict.PASS
    assert verdict(OPEN.decide(bad, "public"), bad) is Verdict.VIOLATION
    assert verdict([], report(skipped=lost)) is Verdict.INCOMPLETE
    assert verdict([], report()) is Verdict.INCOMPLETE
    both = report(field("f", "secret.token"), skipped=lost)
    assert verdict(OPEN.decide(both, "public"), both) is Verdict.VIOLATION


classes = st.sampled_from(sorted(taxonomy()))
counts = st.builds(
    lambda name, hits, valid, confidence, dense, header: count(
        name, hits, validated=hits if valid else 0, confidence=confidence, dense=dense, from_header=header),
    classes, st.integers(1, 100), st.booleans(), st.floats(0.3, 1), st.booleans(), st.booleans())


@given(counts, st.sampled_from(["column", "text"]), st.sampled_from(list(Audience)))
def test_strict_is_never_milder_than_the_baseline(one: ClassCount, kind: str, audience: Audience) -> None:
    base, strict = (decided(policy, one, audience=audience, kind=kind) for policy in (BASE, STRICT))
    assert strict.action.strictness >= base.action.strictness


@given(st.lists(counts, min_size=1, max_size=4, unique_by=lambda c: c.data_class), st.sampled_from(list(Audience)))
def test_a_class_more_never_makes_a_field_milder(found: list[ClassCount], audience: Audience) -> None:
    few, more = (field_plan(OPEN.decide(report(field("f", *some)), audience)) for some in (found[:-1], found))
    before, after = few["people.csv", "f"], more["people.csv", "f"]
    rank = lambda plan: plan.action.strictness if plan.action else -1  # noqa: E731
    assert rank(after) >= rank(before) or not found[:-1]
    assert set(before.spans) <= set(after.spans) | {""}


@given(counts, st.sampled_from(list(Audience)))
def test_raw_certain_identifiers_never_pass_a_gate_to_outside(one: ClassCount, audience: Audience) -> None:
    """Whatever the statistics: what is direct and certain changes, or stops, before it reaches the public."""
    found = decided(OPEN, one, audience=audience)
    if audience is Audience.PUBLIC and taxonomy()[one.data_class].role == "direct":
        assert found.action is not Action.ALLOW
    if one.data_class.split(".")[0] == "secret":
        assert found in violations([found])

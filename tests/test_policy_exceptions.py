"""Risk decisions: bound to a person, a field and a time, and never for secrets."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_fields import count, field, report

from guard.errors import ContentError, UsageError
from guard.model import Action, Decision, Field
from guard.policy import Policy, PolicyException, load_exceptions, violations, waived

OPEN = Policy.load("cn-open-data")
DAY = datetime.date(2026, 11, 15)
HASH = "sha256:" + "a" * 64
FIELDS = {
    "id": "EX-1", "rule": "OPEN-NAME", "scope": {"dataset": "people.csv", "field": "法人"}, "action": "mask",
    "ground": "third_party_consent", "reason": "they agreed in writing", "requested_by": "Registry",
    "approved_by": "Officer", "approved_at": "2026-11-01", "expires": "2027-01-31"}


def exception(**changes: object) -> PolicyException:
    return PolicyException.model_validate({**FIELDS, **changes})


def decided(*exceptions: PolicyException, day: datetime.date = DAY, one: Field | None = None,
            audience: str = "public") -> tuple[Decision, list[str]]:
    policy = OPEN.with_exceptions(exceptions)
    found = report(one or field("法人", "person.name", schema_hash=HASH))
    return policy.decide(found, audience, today=day)[0], policy.warnings(found, audience, today=day)


def test_an_exception_replaces_the_action_and_is_named() -> None:
    decision, warnings = decided(exception())
    assert (decision.action, decision.rule, decision.waived_by) == (Action.MASK, "OPEN-NAME", "EX-1")
    assert decision.reason == "third_party_consent: they agreed in writing"
    assert waived([decision]) == [decision]
    assert warnings == []


def test_a_review_passes_once_an_exception_names_it() -> None:
    mark = field("text", count("state.internal_mark", 1, dense=False), kind="text")
    settled = exception(rule="CN-INTERNAL-MARK", action="allow", scope={"dataset": "people.csv", "field": "text"})
    assert violations([decided(one=mark)[0]])
    assert not violations([decided(settled, one=mark)[0]])


@pytest.mark.parametrize(("changes", "reason"), [
    ({"expires": "2026-11-14"}, "it expired on 2026-11-14"),
    ({"approved_at": "2026-11-16"}, "it holds from 2026-11-16 on"),
    ({"scope": {"dataset": "people.csv", "field": "name"}}, "no decision of that rule for that field"),
    ({"scope": {"dataset": "other.csv", "field": "法人"}}, "no decision of that rule for that field"),
    ({"scope": {"dataset": "people.csv"}}, "no decision of that rule for that field"),
    ({"rule": "CN-NAME"}, "no decision of that rule for that field"),
    ({"scope": {**FIELDS["scope"], "schema_hash": "sha256:" + "b" * 64}}, "the fields of the data set have changed"),
    ({"action": "drop"}, "it is not milder than the policy"),
    ({"action": "encrypt"}, "encrypt is no action for the audience public"),
])
def test_an_exception_that_does_not_fit_is_a_warning(changes: dict[str, object], reason: str) -> None:
    decision, warnings = decided(exception(**changes))
    assert (decision.action, decision.waived_by) == (Action.DROP, "")
    assert len(warnings) == 1
    assert warnings[0].startswith(f"exception EX-1 is not applied: {reason}")


def test_the_schema_hash_binds() -> None:
    bound = exception(scope={**FIELDS["scope"], "schema_hash": HASH})  # type: ignore[dict-item]
    assert decided(bound)[0].waived_by == "EX-1"


@pytest.mark.parametrize(("identifier", "rule"), [
    ("secret.password", "FLOOR-SECRET"), ("secret.cloud.aws.access_key", "FLOOR-SECRET"),
    ("state.secret_mark", "FLOOR-STATE-SECRET")])
@pytest.mark.parametrize("audience", ["public", "internal"])
def test_secrets_and_state_secrets_cannot_be_waived(identifier: str, rule: str, audience: str) -> None:
    for action in ("allow", "mask", "drop"):
        decision, warnings = decided(exception(rule=rule, action=action), audience=audience,
                                     one=field("法人", count(identifier, 1, dense=False)))
        assert decision.action is Action.BLOCK
        assert warnings == ["exception EX-1 is not applied: secrets and state-secret marks cannot be waived"]


def test_a_dataset_decision_is_waived_without_field() -> None:
    policy = OPEN.with_exceptions([exception(rule="FLOOR-HEALTH-LIST", action="allow", ground="false_positive",
                                             scope={"dataset": "people.csv"})])
    found = report(field("病种", count("person.health", from_header=True)), field("性别", "person.sex"))
    decisions = policy.decide(found, "public", today=DAY)
    assert not violations(decisions)
    assert [d.waived_by for d in decisions if d.rule == "FLOOR-HEALTH-LIST"] == ["EX-1"]


def test_what_an_exception_lets_leave_counts_beside_the_rest() -> None:
    """A birth date that an exception leaves in clear would fill the mask that another one allows for the ID number."""
    fields = report(field("sfzh", "person.id.cn"), field("csrq", "person.birth_date"))
    number = exception(rule="OPEN-IDENTITY", scope={"dataset": "people.csv", "field": "sfzh"})
    date = exception(id="EX-2", rule="CN-BIRTH-DATE", action="allow", scope={"dataset": "people.csv", "field": "csrq"})
    policy = OPEN.with_exceptions([number])
    assert policy.decide(fields, "public", today=DAY)[0].params == {}
    policy = policy.with_exceptions([date])
    decisions = policy.decide(fields, "public", today=DAY)
    assert (decisions[0].params, decisions[0].waived_by) == ({"style": "id_strict"}, "EX-1")
    assert (decisions[1].action, decisions[1].waived_by) == (Action.ALLOW, "EX-2")
    assert policy.warnings(fields, "public", today=DAY) == []


def test_an_exception_for_a_sensitive_field_does_not_measure_its_risk() -> None:
    fields = report(field("收入", "person.income"), field("性别", "person.sex"), field("国籍", "person.nationality"))
    scope = {"dataset": "people.csv", "field": "收入"}
    leave = exception(rule="CN-SENSITIVE", action="allow", scope=scope)
    found = OPEN.with_exceptions([leave]).decide(fields, "public", today=DAY)[0]
    assert (found.action, found.rule, found.waived_by) == (Action.REVIEW, "FLOOR-SENSITIVE-QUASI", "")
    risk = exception(id="EX-2", rule="FLOOR-SENSITIVE-QUASI", action="allow", scope=scope)
    found = OPEN.with_exceptions([leave, risk]).decide(fields, "public", today=DAY)[0]
    assert (found.action, found.waived_by) == (Action.ALLOW, "EX-2")


@pytest.mark.parametrize(("changes", "message"), [
    ({"approved_by": " registry "}, "approved_by must be somebody else"),
    ({"expires": "2027-05-01"}, "within 180 days"),
    ({"expires": "2026-10-31"}, "within 180 days"),
    ({"action": "review"}, "cannot give the action review"),
    ({"action": "block"}, "cannot give the action block"),
    ({"ground": "because"}, "third_party_consent"),
    ({"reason": ""}, "at least 1 character"),
    ({"scope": {"dataset": "people.csv", "field": "f", "schema_hash": "abc"}}, "pattern"),
])
def test_exceptions_that_are_not_valid(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write(tmp_path, {**FIELDS, **changes})
    with pytest.raises(ContentError, match=message) as caught:
        load_exceptions(path)
    assert caught.value.place.startswith("exceptions.yml:")


def write(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "exceptions.yml"
    path.write_text(json.dumps({"exceptions": list(entries)}, ensure_ascii=False), encoding="utf-8")
    return path


def test_exceptions_from_a_file(tmp_path: Path) -> None:
    loaded = load_exceptions(write(tmp_path, FIELDS))
    assert loaded == (exception(),)
    assert decided(*loaded)[0].waived_by == "EX-1"


def test_an_id_may_stand_once(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="EX-1 is there twice"):
        load_exceptions(write(tmp_path, FIELDS, {**FIELDS, "action": "allow"}))
    with pytest.raises(UsageError, match="there twice"):
        OPEN.with_exceptions([exception()]).with_exceptions([exception()])


@given(st.dates(datetime.date(2026, 9, 1), datetime.date(2027, 9, 1)), st.integers(0, 180))
def test_it_holds_from_approval_to_expiry_and_not_a_day_more(day: datetime.date, days: int) -> None:
    start = datetime.date(2026, 11, 1)
    end = start + datetime.timedelta(days)
    decision, warnings = decided(exception(approved_at=start, expires=end), day=day)
    assert (decision.waived_by == "EX-1") is (start <= day <= end) is (not warnings)

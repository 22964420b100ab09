"""What happens because of what stands beside it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from policy_fields import by_field, count, field, load_policy, report

from guard.model import Action, Decision, Field, Scope
from guard.policy import Policy

BASE = Policy.load("cn-baseline")
OPEN = Policy.load("cn-open-data")
ALLOW_ALL = """\
rules:
  - {id: T-ALL, title: {en: All, zh: 全部}, match: {class: "person.*"}, action: ACTION, params: PARAMS}
"""


def allowing(folder: Path, text: str = "", action: str = "allow", params: str = "{}") -> Policy:
    return load_policy(folder, ALLOW_ALL.replace("ACTION", action).replace("PARAMS", params) + text)


def income(policy: Policy, *others: Field, audience: str = "public", **more: object) -> Decision:
    fields = (field("收入", "person.income"), *others)
    return by_field(policy.decide(report(*fields, **more), audience))["收入"]  # type: ignore[arg-type]


SEX, AGE, PLACE = field("性别", "person.sex"), field("年龄", "person.age"), field("籍贯", "person.native_place")


def test_a_sensitive_field_beside_two_quasi_identifiers_waits_for_its_risk(tmp_path: Path) -> None:
    policy = allowing(tmp_path)
    raised = income(policy, SEX, AGE)
    assert (raised.action, raised.rule, raised.scope) == (Action.REVIEW, "FLOOR-SENSITIVE-QUASI", Scope.FIELD)
    assert raised.reason.endswith("it stands beside 2 such columns")
    assert income(policy, SEX).action is Action.ALLOW
    assert income(policy, SEX, AGE, audience="internal").action is Action.ALLOW


def test_once_the_risk_is_measured_the_rule_rests(tmp_path: Path) -> None:
    policy = allowing(tmp_path)
    assert income(policy, SEX, AGE, risk={"status": "measured"}).action is Action.ALLOW
    for status in ("not_measured", "failed", ""):
        assert income(policy, SEX, AGE, risk={"status": status}).action is Action.REVIEW


def test_columns_of_another_data_set_do_not_count(tmp_path: Path) -> None:
    other = field("年龄", "person.age", dataset="other.csv")
    assert income(allowing(tmp_path), SEX, other).action is Action.ALLOW


def test_spans_and_text_do_not_count_as_columns(tmp_path: Path) -> None:
    policy = allowing(tmp_path)
    sparse = field("备注", count("person.age", 3, dense=False))
    text = field("text", count("person.age", 3, dense=False), kind="text")
    assert income(policy, SEX, sparse).action is Action.ALLOW
    assert income(policy, SEX, text).action is Action.ALLOW


@pytest.mark.parametrize(("action", "params", "raised"), [
    ("drop", "{}", False), ("generalise", "{generalise: {width: 10}}", False), ("mask", "{mask: {style: full}}", False),
    ("mask", "{mask: {keep: [1, 0]}}", True), ("allow", "{}", True)])
def test_a_quasi_identifier_that_does_not_leave_does_not_count(tmp_path: Path, action: str, params: str,
                                                               raised: bool) -> None:
    policy = allowing(tmp_path, "  - {id: T-AGE, title: {en: A, zh: 甲}, match: {class: person.age}, "
                                f"action: {action}, params: {params}}}\n")
    assert (income(policy, SEX, AGE).action is Action.REVIEW) is raised


def test_a_sensitive_field_that_is_dropped_stays_dropped() -> None:
    assert income(OPEN, SEX, PLACE, AGE).rule == "CN-SENSITIVE"


def patients(policy: Policy, *others: Field, audience: str = "public") -> list[Decision]:
    fields = (field("诊断", count("person.health", from_header=True)), *others)
    return [d for d in policy.decide(report(*fields), audience) if d.scope is Scope.DATASET]


def test_a_list_of_patients_blocks_although_the_illness_is_dropped() -> None:
    found = patients(OPEN, SEX)
    assert [(d.action, d.rule, d.field, d.data_class) for d in found] == [
        (Action.BLOCK, "FLOOR-HEALTH-LIST", "", "person.health")]


def test_one_column_that_describes_a_person_makes_it_a_list_even_when_masked() -> None:
    assert patients(OPEN, field("姓名", count("person.name", 0, masked=100, from_header=True)))
    assert not patients(OPEN, field("单位", "org.name"), field("人数"))
    assert not patients(OPEN, SEX, audience="internal")


def test_two_columns_of_health_are_one_violation() -> None:
    assert len(patients(OPEN, SEX, field("症状", count("person.health", from_header=True)))) == 1


def identity(policy: Policy, *others: Field, audience: str = "department_share") -> Decision:
    return by_field(policy.decide(report(field("sfzh", "person.id.cn"), *others), audience))["sfzh"]


BIRTH = field("csrq", "person.birth_date")


def test_an_id_masked_beside_a_birth_date_in_clear_is_masked_further() -> None:
    strict = identity(BASE, BIRTH)
    assert (strict.action, strict.params) == (Action.MASK, {"style": "id_strict"})
    assert "birth date" in strict.reason
    assert identity(BASE).params == {}
    assert identity(BASE, field("csrq", "person.birth_date", dataset="other.csv")).params == {}


def test_a_birth_date_in_the_text_fills_the_mask_too() -> None:
    text = field("text", count("person.birth_date", 1, dense=False), kind="text")
    assert identity(BASE, text).params == {"style": "id_strict"}


@pytest.mark.parametrize(("action", "params", "strict"), [
    ("allow", "{}", True), ("generalise", "{generalise: {to: month}}", True),
    ("generalise", "{generalise: {to: year}}", False), ("generalise", "{generalise: {width: 5}}", False),
    ("mask", "{}", False), ("mask", "{mask: {keep: [7, 0]}}", True), ("drop", "{}", False),
    ("pseudonymise", "{}", False)])
def test_only_what_leaves_finer_than_a_year(tmp_path: Path, action: str, params: str, strict: bool) -> None:
    policy = load_policy(tmp_path, "rules:\n"
                         "  - {id: T-ID, title: {en: A, zh: 甲}, match: {class: person.id.cn}, action: mask}\n"
                         "  - {id: T-B, title: {en: A, zh: 甲}, match: {class: person.birth_date}, "
                         f"action: {action}, params: {params}}}\n")
    assert (identity(policy, BIRTH).params == {"style": "id_strict"}) is strict


@pytest.mark.parametrize(("params", "strict"), [
    ("{mask: {keep: [6, 4]}}", True), ("{mask: {keep: [4, 3]}}", True), ("{mask: {keep: [2, 4]}}", False),
    ("{mask: {style: id_strict}}", False), ("{mask: {style: full}}", False)])
def test_a_mask_that_already_hides_enough_stays(tmp_path: Path, params: str, strict: bool) -> None:
    policy = load_policy(tmp_path, "rules:\n  - {id: T-ID, title: {en: A, zh: 甲}, match: {class: person.id.cn}, "
                         f"action: mask, params: {params}}}\n")
    assert bool(identity(policy, BIRTH).reason) is strict


def test_a_very_wide_data_set_takes_no_longer_than_its_width(tmp_path: Path) -> None:
    """Quadratic work on the 6,000 fields of a nested JSON document took a minute."""
    policy = allowing(tmp_path)
    fields = [field(f"{name} {i}", f"person.{name}") for name in ("sex", "income") for i in range(3000)]
    start = time.process_time()
    decisions = policy.decide(report(*fields), "public")
    assert time.process_time() - start < 5
    assert sum(d.action is Action.REVIEW for d in decisions) == 3000


def test_dataset_rules_of_an_own_policy(tmp_path: Path) -> None:
    policy = allowing(tmp_path, (
        "datasets:\n  - id: T-PAIR\n    title: {en: Names beside plates, zh: 姓名与车牌}\n    audience: [internal]\n"
        "    match: {class: person.name}\n    beside: [direct]\n    action: drop\n    basis: [PIPL-6]\n"))
    phone, name = field("phone", "person.phone.mobile"), field("name", "person.name")
    found = by_field(policy.decide(report(name, phone), "internal"))
    assert (found["name"].action, found["name"].rule, found["name"].basis) == (Action.DROP, "T-PAIR", ("PIPL-6",))
    assert found["phone"].action is Action.ALLOW
    assert by_field(policy.decide(report(name), "internal"))["name"].action is Action.ALLOW

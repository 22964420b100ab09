"""The shipped policies: sound, tested, complete, and carried out by the protections that exist."""

from __future__ import annotations

import pytest
from policy_fields import by_field, count, field, report

from guard.masking import STYLES
from guard.model import Action, Audience, Decision, Scope
from guard.policy import Policy, references, schema, shipped
from guard.policy.document import MaskParams
from guard.protect import transform
from guard.taxonomy import taxonomy

FLOOR = "floor"


@pytest.fixture(params=shipped(), scope="module")
def policy(request: pytest.FixtureRequest) -> Policy:
    return Policy.load(request.param)


def test_the_shipped_policies() -> None:
    assert shipped() == ("cn-baseline", "cn-department-share", "cn-open-data", "floor", "strict")


def test_their_own_tests_pass(policy: Policy) -> None:
    results = policy.test()
    assert len(results) >= 8
    assert [result.detail for result in results if not result.passed] == []


def test_every_rule_has_both_titles_and_a_ground(policy: Policy) -> None:
    for rule in (*policy.rules, *policy.datasets):
        assert rule.title.en
        assert any("一" <= char <= "鿿" for char in rule.title.zh)
        assert rule.basis


def test_no_rule_is_idle(policy: Policy) -> None:
    assert policy.warnings(report()) == []


def test_every_class_is_covered_for_every_audience(policy: Policy) -> None:
    if policy.id == FLOOR:
        return
    open_ = [(identifier, audience) for identifier in taxonomy() for audience in policy.audiences
             if policy.outcome(identifier, audience).rule == "default.unclassified"]
    assert open_ == []


def test_every_outcome_can_be_carried_out(policy: Policy) -> None:
    for identifier in taxonomy():
        for audience in policy.audiences:
            found = policy.outcome(identifier, audience)
            decision = Decision("d", "f", identifier, Scope.FIELD, found.action, found.rule, found.params, found.basis)
            assert transform(decision, None, "release") is not None


def test_the_wider_the_audience_the_stricter(policy: Policy) -> None:
    for identifier in taxonomy():
        ranks = [policy.outcome(identifier, audience).action.strictness for audience in Audience
                 if audience in policy.audiences]
        if identifier.startswith("person."):
            # drop is stricter than review by rank, but review gives nothing away either
            ranks = [Action.DROP.strictness if rank == Action.REVIEW.strictness else rank for rank in ranks]
        assert ranks == sorted(ranks, reverse=True), identifier


def test_secrets_and_state_secrets_block_everywhere(policy: Policy) -> None:
    for identifier in taxonomy():
        if identifier.split(".")[0] == "secret" or identifier == "state.secret_mark":
            for audience in policy.audiences:
                assert policy.outcome(identifier, audience).action is Action.BLOCK


def test_nothing_direct_is_published_in_clear() -> None:
    for name in ("cn-baseline", "cn-open-data", "strict"):
        policy = Policy.load(name)
        for identifier, known in taxonomy().items():
            if known.role == "direct":
                assert policy.outcome(identifier, "public").action is not Action.ALLOW


@pytest.mark.parametrize(("policy", "audience"), [
    ("cn-open-data", "public"), ("strict", "public"), ("cn-baseline", "public")])
def test_a_list_of_patients_is_not_published(policy: str, audience: str) -> None:
    decisions = Policy.load(policy).decide(
        report(field("诊断", count("person.health", from_header=True)), field("性别", "person.sex")), audience)
    assert any(d.action is Action.BLOCK and d.scope is Scope.DATASET for d in decisions)


def test_a_birth_date_that_is_cut_to_its_year_leaves_the_mask_of_the_id_alone() -> None:
    decided = by_field(Policy.load("cn-department-share").decide(
        report(field("sfzh", "person.id.cn"), field("csrq", "person.birth_date")), "department_share"))
    assert decided["sfzh"].params == {}
    assert decided["csrq"].params == {"to": "year"}


def test_references_are_known_by_law_and_read_somewhere() -> None:
    used = {reference for name in shipped() for rule in (*Policy.load(name).rules, *Policy.load(name).datasets)
            for reference in rule.basis}
    assert used <= set(references())
    for identifier, reference in references().items():
        assert reference.title.zh
        assert reference.says.en
        assert reference.article == "" or identifier.endswith(f"-{reference.article}")


def test_the_digest_is_stable_and_tells_policies_apart() -> None:
    digests = {name: Policy.load(name).digest for name in shipped()}
    assert len(set(digests.values())) == len(digests)
    assert Policy.load("strict").digest == digests["strict"]


def test_the_styles_of_the_language_are_those_of_masking() -> None:
    offered = schema()["$defs"]["MaskParams"]["properties"]["style"]["anyOf"][0]["enum"]
    assert set(offered) == STYLES - {"none"}
    assert MaskParams(style="id_strict").style == "id_strict"

"""Policies that are not sound are refused with their place; a policy may only tighten what it extends."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from policy_fields import HEAD, load_policy, write_policy

from guard.content import root
from guard.errors import ContentError, UsageError
from guard.policy import Policy, schema, shipped

RULE = """\
rules:
  - id: T-1
    title: {en: One, zh: 一}
    match: {class: person.name}
    action: {public: drop}
"""


def refusal(folder: Path, text: str, head: str = HEAD) -> ContentError:
    with pytest.raises(ContentError) as caught:
        Policy.load(write_policy(folder, text, head=head))
    return caught.value


def rule(identifier: str, action: str, match: str = "{class: person.name}", more: str = "") -> str:
    lines = (f"  - id: {identifier}", "    title: {en: A, zh: 甲}", f"    match: {match}", f"    action: {action}")
    return "rules:\n" + "\n".join(lines) + "\n" + more


def test_a_small_policy(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, RULE)
    assert (policy.id, policy.version, policy.title.zh) == ("test", "1", "测试")
    assert policy.outcome("person.name", "public").action == "drop"
    assert policy.outcome("person.name", "internal").rule == "default.unclassified"


@pytest.mark.parametrize(("text", "place", "message"), [
    ("ruels: []\n", "test.yml:5:", "ruels"),
    ("rules: []\nrules: []\n", "test.yml:6:1", "duplicate key rules"),
    (RULE + "    actoin: drop\n", "test.yml:10:13", "actoin"),
    (RULE + "    action: {public: mask}\n", "test.yml:10:5", "duplicate key action"),
    (RULE.replace("drop", "remove"), "test.yml:9:", "9:22: rules.0.action.public: input should be 'allow'"),
    (RULE.replace("public", "everybody"), "test.yml:9:", "public"),
    (RULE.replace("person.name", "person.nmae"), "test.yml:8:", "unknown data class person.nmae"),
    (RULE + "    basis: [PIPL-28, PIPL-999]\n", "test.yml:10:22", "unknown reference PIPL-999"),
    (RULE + "    params: {mask: {style: pretty}}\n", "test.yml:10:28", "style"),
    (RULE + "    params: {mask: {style: id, keep: [1, 1]}}\n", "test.yml:10:20", "not both"),
    (RULE + "    params: {mask: {keep: [-1, 1]}}\n", "test.yml:10:20", "keep"),
    (RULE.replace("person.name}", "person.name, grade: '>=9'}"), "test.yml:8:12", "grade must be 1 to 4"),
    (RULE.replace("person.name}", "person.name, min_rate: 2}"), "test.yml:8:43", "less than or equal to 1"),
    (RULE.replace("drop", "encrypt"), "test.yml:9:", "encrypt is no action for the audience public"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {domain: city}}\n", "test.yml:10:",
     "must be unlinkable"),
    (RULE.replace("{public: drop}", "pseudonymise") + "    params: {pseudonymise: {domain: city}}\n", "test.yml:10:",
     "must be unlinkable"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {method: form}}\n", "test.yml:10:",
     "look real are refused"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {method: vault}}\n", "test.yml:10:",
     "a vault keeps the values"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {method: form, length: 16}}\n", "test.yml:10:",
     "takes no length"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {keep: [sex]}}\n", "test.yml:10:",
     "by token takes no keep"),
    (RULE.replace("drop", "pseudonymise") + "    params: {pseudonymise: {method: form, keep: [x]}}\n", "test.yml:10:",
     "keep.0: input should be"),
    (RULE + RULE.removeprefix("rules:\n"), "test.yml:10:9", "rule T-1 is already in test.yml"),
    ("audiences: [internal]\n" + RULE, "test.yml:10:22", "does not cover the audience public"),
    ("extends: ['builtin:nothing']\n", "test.yml:5:11", "there is no shipped policy builtin:nothing"),
    ("extends: [other.yml]\n", "test.yml:5:11", "there is no policy file other.yml"),
    ("tests: [{name: a, given: {class: no.such, audience: public}, expect: drop}]\n", "test.yml:5:", "unknown data"),
    ("defaults: {unclassified: &a review, free_text: *a}\n", "test.yml:5:", "anchors"),
])
def test_refused_with_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    error = refusal(tmp_path, text)
    assert message in error.message
    assert error.place.startswith(place)
    assert error.exit_code == 2


def test_the_version_of_the_language_must_be_known(tmp_path: Path) -> None:
    assert "guard_policy" in refusal(tmp_path, "", HEAD.replace("guard_policy: 1", "guard_policy: 2")).message


@pytest.mark.parametrize("name", ["no-such-policy", "missing.yml", "./missing/policy.yml", "floor.yml"])
def test_unknown_names_and_paths(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Policy.load(name)
    assert "cn-open-data" in caught.value.hint


def test_the_list_of_references_is_no_policy() -> None:
    with pytest.raises(UsageError):
        Policy.load("references")


def test_a_circle_is_told_with_its_steps(tmp_path: Path) -> None:
    write_policy(tmp_path, "extends: [b.yml]\n", "a.yml")
    write_policy(tmp_path, "extends: [c.yml]\n", "b.yml")
    write_policy(tmp_path, "extends: [a.yml]\n", "c.yml")
    with pytest.raises(ContentError, match=r"a\.yml -> b\.yml -> c\.yml -> a\.yml") as caught:
        Policy.load(tmp_path / "a.yml")
    assert caught.value.place == "c.yml:5:11"


def test_a_policy_that_extends_itself(tmp_path: Path) -> None:
    assert "test.yml -> test.yml" in refusal(tmp_path, "extends: [test.yml]\n").message


def test_a_diamond_is_no_circle(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE, "base.yml")
    for name in "lr":
        write_policy(tmp_path, f"extends: [base.yml]\n{rule(name, 'drop')}", f"{name}.yml")
    policy = load_policy(tmp_path, "extends: [l.yml, r.yml]\n")
    assert [r.id for r in policy.rules] == ["FLOOR-SECRET", "FLOOR-STATE-SECRET", "T-1", "l", "r"]


def test_every_policy_rests_on_the_floor(tmp_path: Path) -> None:
    assert load_policy(tmp_path, RULE).outcome("secret.password", "internal").rule == "FLOOR-SECRET"


@pytest.mark.parametrize(("text", "message"), [
    (rule("C-1", "mask", "{class: person.id.cn}"), "rule C-1 loosens what the policy extends for public"),
    (rule("C-1", "{internal: allow}", "{class: secret.password}"), "loosens what the policy extends for internal"),
    (rule("C-1", "{public: generalise}", "{class: person.address}", "    params: {generalise: {to: county}}\n"), ""),
    (rule("C-1", "{public: generalise}", "{class: person.birth_date}", "    params: {generalise: {to: month}}\n"),
     "rule C-1 loosens"),
    (rule("C-1", "{public: generalise}", "{class: person.birth_date}", "    params: {generalise: {to: decade}}\n"), ""),
    (rule("C-1", "{public: mask}", "{class: 'person.*'}"), ""),
    (rule("C-1", "{public: drop}", "{class: vehicle.plate}"), ""),
    (rule("C-1", "{public: mask}", "{class: vehicle.plate}", "    params: {mask: {keep: [4, 3]}}\n"), "C-1 loosens"),
    (rule("C-1", "{public: mask}", "{class: vehicle.plate}", "    params: {mask: {keep: [1, 0]}}\n"), ""),
])
def test_a_child_may_only_tighten(tmp_path: Path, text: str, message: str) -> None:
    text = 'extends: ["builtin:cn-open-data"]\n' + text
    if not message:
        load_policy(tmp_path, text)
        return
    error = refusal(tmp_path, text)
    assert message in error.message
    assert error.place.startswith("test.yml:")
    assert "exception" in error.hint


def test_a_child_cannot_let_pass_what_its_parent_leaves_to_review(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE, "base.yml")
    for floor in ("", ", min_confidence: 0.9", ", min_rate: 0.5"):
        error = refusal(tmp_path, "extends: [base.yml]\n" + rule("C-1", "allow", f"{{class: 'org.*'{floor}}}"))
        assert "loosens" in error.message
    # Its action is stricter, but its floor would waive what the parent leaves to review.
    error = refusal(tmp_path, "extends: [base.yml]\n" + rule("C-1", "drop", "{class: person.email, min_rate: 0.5}"))
    assert error.message.endswith("rule C-1 loosens person.email for public from review to allow")


def test_a_child_cannot_soften_defaults(tmp_path: Path) -> None:
    write_policy(tmp_path, "defaults: {unclassified: block, free_text: review}\n", "base.yml")
    policy = load_policy(tmp_path, "extends: [base.yml]\ndefaults: {unclassified: allow, free_text: allow}\n")
    assert policy.outcome("person.name", "public").action == "block"


def test_a_default_that_names_no_audience_is_review(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, "defaults: {unclassified: {internal: allow}}\n")
    assert policy.outcome("person.name", "internal").action == "allow"
    assert policy.outcome("person.name", "public").action == "review"


def test_a_child_cannot_reach_a_wider_audience(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'extends: ["builtin:cn-department-share"]\naudiences: [public, internal]\n')
    assert error.place == "test.yml:6:13"
    assert "covers the audience public" in error.message


def test_exceptions_of_a_parent_do_not_count(tmp_path: Path) -> None:
    write_policy(tmp_path, RULE + (
        "exceptions:\n  - {id: E, rule: T-1, scope: {dataset: d, field: f}, action: allow, ground: statute, reason: r,"
        " requested_by: a, approved_by: b, approved_at: 2026-01-01, expires: 2026-02-01}\n"), "base.yml")
    assert len(Policy.load(tmp_path / "base.yml").exceptions) == 1
    assert load_policy(tmp_path, "extends: [base.yml]\n").exceptions == ()


def test_the_digest_follows_every_file_that_takes_part(tmp_path: Path) -> None:
    base = write_policy(tmp_path, RULE, "base.yml")
    first = load_policy(tmp_path, "extends: [base.yml]\n").digest
    base.write_text(base.read_text() + "# changed\n")
    assert load_policy(tmp_path, "extends: [base.yml]\n").digest != first


def test_the_json_schema_accepts_every_shipped_policy_and_refuses_a_wrong_one() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    for name in shipped():
        text = (root("policies") / f"{name}.yml").read_text(encoding="utf-8")
        assert list(validator.iter_errors(yaml.safe_load(text))) == []
    assert list(validator.iter_errors({"guard_policy": 1, "id": "x", "rule": []}))


def test_tests_of_a_policy_can_fail(tmp_path: Path) -> None:
    policy = load_policy(tmp_path, RULE + (
        "tests:\n  - {name: right, given: {class: person.name, audience: public}, expect: {action: drop, rule: T-1}}\n"
        "  - {name: wrong action, given: {class: person.name, audience: public}, expect: mask}\n"
        "  - {name: wrong rule, given: {class: person.name, audience: public}, expect: {action: drop, rule: T-2}}\n"
        "  - {name: wrong params, given: {class: person.name, audience: public},"
        " expect: {action: drop, params: {a: 1}}}\n"))
    results = policy.test()
    assert [result.passed for result in results] == [True, False, False, False]
    assert results[1].detail == "test.yml:12:5: expected mask, got drop (T-1)"

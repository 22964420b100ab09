"""Releases with pseudonyms of a form: valid, the same in every format, and none a real identifier of the release."""

from __future__ import annotations

import csv
import json
import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

import guard
from guard.audit import AuditLog
from guard.demo import People
from guard.detect.identifier_checks import id_birth_date, iso7064_mod11_2, luhn, mobile_segment
from guard.disclosure.protecting import protect_file
from guard.disclosure.revealing import Binding, Permission, reveal_file, reveal_value
from guard.disclosure.walks import read_walks
from guard.errors import ContentError, KeyringError, ReleaseError, SourceError, UsageError
from guard.keys import Keyring
from guard.policy import Policy
from guard.render.sentences import say

POLICY = """\
guard_policy: 1
id: test-data
version: 2026.11.0
title: {{en: test data, zh: 测试数据}}
audiences: [{audience}]
rules:
  - id: T-1
    title: {{en: forms, zh: 格式}}
    match: {{class: [person.id.cn, person.phone.mobile, vehicle.plate]}}
    action: {{{audience}: pseudonymise}}
    params: {{pseudonymise: {{method: form{more}}}}}
    basis: []
    severity: high
"""


def policy(tmp_path: Path, audience: str = "internal", more: str = "") -> Path:
    path = tmp_path / "policy.yml"
    path.write_text(POLICY.format(audience=audience, more=more))
    return path


def release(tmp_path: Path, source: Path, **options: str) -> tuple[Path, tuple[str, ...]]:
    made = guard.release(source, policy=policy(tmp_path, **options), audience=options.get("audience", "internal"),
                         out=tmp_path / "out", keyring=Keyring.create(tmp_path / "keys.json"))
    return made.path / "public" / "data", made.report.warnings


def test_one_person_is_one_person_in_every_format_and_however_written(tmp_path: Path) -> None:
    people, source = People(11), tmp_path / "source"
    source.mkdir()
    persons = [(people.resident_id(), people.mobile()) for _ in range(30)]
    (source / "a.csv").write_text("身份证号,手机号\n" + "".join(f"{i},{m}\n" for i, m in persons))
    (source / "b.jsonl").write_text("".join(
        json.dumps({"idcard": i.lower(), "mobile": f"+86 {m[:3]}-{m[3:7]}-{m[7:]}"}) + "\n" for i, m in persons))
    (source / "c.log").write_text("".join(f"INFO user {m} with 身份证号 {i} logged in\n" for i, m in persons))
    data, _ = release(tmp_path, source)
    with (data / "a.csv").open() as file:
        table = [(row["身份证号"], row["手机号"]) for row in csv.DictReader(file)]
    records = [json.loads(line) for line in (data / "b.jsonl").read_text().splitlines()]
    assert [(r["idcard"].upper(), r["mobile"].replace("-", "").removeprefix("+86 ")) for r in records] == table
    words = [line.split() for line in (data / "c.log").read_text().splitlines()]
    assert [(line[5], line[2]) for line in words] == table
    assert all(iso7064_mod11_2(i) and id_birth_date(i) and mobile_segment(m) for i, m in table)
    real = {value for person in persons for value in person}
    assert not real & {value for person in table for value in person}
    assert len(set(table)) == 30


def test_pseudonyms_that_would_be_real_are_walked_past_and_told(tmp_path: Path) -> None:
    # A million plates of one office: of three thousand some nine would become a plate that is on the list.
    rng, source = random.Random(4), tmp_path / "source"
    source.mkdir()
    plates = [f"浙A{number:05d}F" for number in rng.sample(range(10**5), 3000)]
    (source / "a.csv").write_text("车牌号\n" + "\n".join(plates) + "\n")
    data, warnings = release(tmp_path, source)
    released = (data / "a.csv").read_text().splitlines()[1:]
    assert not set(released) & set(plates)
    assert len(set(released)) == 3000
    assert all(plate.startswith("浙A") and plate[2:7].isdigit() for plate in released)
    (told,) = [warning for warning in warnings if "walked past" in warning]
    assert "还原这些值需要本次发布的证据" in say(told, "zh")


def test_a_pseudonym_that_is_a_right_card_number_as_well_does_not_fail_the_release(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.protect.fpe import FormPseudonym

    source, card = tmp_path / "source", "620102198001010754"
    source.mkdir()
    assert iso7064_mod11_2(card)
    assert luhn(card)
    people = People(13)
    (source / "a.csv").write_text("身份证号\n" + "".join(f"{people.resident_id()}\n" for _ in range(20)))
    (source / "c.log").write_text(f"user with 身份证号 {people.resident_id()} logged in\n")
    monkeypatch.setattr(FormPseudonym, "_apply_all", lambda self, values: pa.array([card] * len(values)))
    data, _ = release(tmp_path, source)
    assert (data / "a.csv").read_text().splitlines()[1:] == [card] * 20


def test_a_card_that_stands_beside_pseudonyms_still_fails_the_release(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.protect.fpe import FormPseudonym

    source = tmp_path / "source"
    source.mkdir()
    people = People(13)
    (source / "a.csv").write_text("身份证号\n" + "".join(f"{people.resident_id()}\n" for _ in range(20)))
    monkeypatch.setattr(FormPseudonym, "_apply_all", lambda self, values: pa.array(
        [f"{people.resident_id()} 银行卡 {people.bank_card()}" for _ in values]))
    with pytest.raises(ReleaseError, match="nothing fires"):
        release(tmp_path, source)


def test_all_real_values_are_there_before_the_first_pseudonym_is_made(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.protect.fpe_real import RealValues

    people, source = People(12), tmp_path / "source"
    source.mkdir()
    numbers = [people.mobile() for _ in range(5)]
    (source / "a.csv").write_text("手机号\n" + "\n".join(numbers) + "\n")
    asked: list[bool] = []
    whole = RealValues.__call__

    def note(self: RealValues, rows: object) -> object:
        asked.append(self.is_open)
        return whole(self, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(RealValues, "__call__", note)
    data, _ = release(tmp_path, source)
    assert asked
    assert not any(asked), "asked while it was still collected"
    assert not set((data / "a.csv").read_text().split()) & set(numbers)


def test_dates_move_with_their_subject(tmp_path: Path) -> None:
    rows = [("a", "2020-01-10"), ("b", "2020-01-10"), ("a", "2020-02-29"), ("b", "2021-12-31"), ("c", "")]
    (tmp_path / "t.csv").write_text("person,visit\n" + "".join(f"{who},{day}\n" for who, day in rows))
    (tmp_path / "plan.yml").write_text(
        "guard_plan: 1\ndataset: visits\nothers: keep\nfields:\n"
        "  visit: {action: pseudonymise, class: person.birth_date,\n"
        "          params: {method: shift, subject: person, days: 90}}\n")
    keys = Keyring.create(tmp_path / "keys.json")
    protect_file(tmp_path / "t.csv", plan=tmp_path / "plan.yml", out=tmp_path / "out.csv", keyring=keys)
    moved = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    days = [(date.fromisoformat(new[1]) - date.fromisoformat(old[1])).days for old, new in
            zip(rows, moved, strict=True) if old[1]]
    assert days[0] == days[2] != 0
    assert days[1] == days[3] != 0
    assert moved[4] == ["c", ""]


def test_for_the_public_only_what_is_said_to_be_synthetic(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="look real"):
        Policy.load(str(policy(tmp_path, "public")))
    assert Policy.load(str(policy(tmp_path, "public", ", synthetic: true"))).outcome("person.id.cn", "public").params \
        == {"method": "form", "synthetic": True}


def walked_release(tmp_path: Path) -> tuple[list[str], Path, Permission]:
    """Plates of one office in a column, and more of them in a log, so that walks cross from one into the other."""
    rng, source = random.Random(4), tmp_path / "source"
    source.mkdir()
    plates = [f"浙A{number:05d}F" for number in rng.sample(range(10**5), 6000)]
    (source / "a.csv").write_text("车牌号\n" + "\n".join(plates[:4000]) + "\n")
    (source / "b.csv").write_text("车牌号\n" + "\n".join(plates[4000:]) + "\n")
    data, _ = release(tmp_path, source, more=", domain: city")
    (tmp_path / "plan.yml").write_text("guard_plan: 1\ndomain: city\nfields:\n  车牌号:\n    action: pseudonymise\n"
                                       "    class: vehicle.plate\n    params: {method: form}\n")
    keys = Keyring.open(tmp_path / "keys.json")
    return plates[:4000], data / "a.csv", Permission(keys, AuditLog(tmp_path / "log", keys), "case 12")


def test_pseudonyms_that_walked_are_revealed_rightly_with_the_evidence(tmp_path: Path) -> None:
    plates, released, permission = walked_release(tmp_path)
    assert reveal_file(released, ["车牌号"], permission=permission, out=tmp_path / "back.csv",
                       plan=tmp_path / "plan.yml", evidence=tmp_path / "out" / "evidence") == 4000
    assert (tmp_path / "back.csv").read_text().splitlines()[1:] == plates
    (tmp_path / "plan.yml").write_text((tmp_path / "plan.yml").read_text().replace("form}", "form, keep: [province]}"))
    with pytest.raises(UsageError, match="kept something else"):
        reveal_file(released, ["车牌号"], permission=permission, out=tmp_path / "back2.csv",
                    plan=tmp_path / "plan.yml", evidence=tmp_path / "out" / "evidence")


def test_pseudonyms_that_may_have_walked_are_not_revealed_without_the_evidence(tmp_path: Path) -> None:
    _, released, permission = walked_release(tmp_path)
    with pytest.raises(UsageError, match="walked past real values") as caught:
        reveal_file(released, ["车牌号"], permission=permission, out=tmp_path / "back.csv", plan=tmp_path / "plan.yml")
    assert "--evidence" in caught.value.hint
    assert not (tmp_path / "back.csv").exists()
    assert "not revealed" in (tmp_path / "log").read_text()
    pseudonym = released.read_text().splitlines()[1]
    with pytest.raises(KeyringError, match="cannot be revealed") as refused:
        reveal_value(pseudonym, permission=permission, field="车牌号", binding=Binding(domain="city"))
    assert "in its file" in refused.value.hint
    for folder, message in ((tmp_path, "no evidence"), (tmp_path / "out" / "evidence", "another key")):
        permission.keyring.rotate()
        with pytest.raises(UsageError, match=message):
            reveal_file(released, ["车牌号"], permission=permission, out=tmp_path / "back.csv",
                        plan=tmp_path / "plan.yml", evidence=folder, key_id=permission.keyring.key_id)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "guard.walks/v1", "key_id": "a", "walks": [3]}'])
def test_walks_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "walks.json").write_text(text)
    with pytest.raises(SourceError, match=r"walks\.json of the evidence cannot be read"):
        read_walks(tmp_path, "a")


def test_what_a_plan_protected_is_revealed_without_evidence_though_pseudonyms_are_real_values(tmp_path: Path) -> None:
    plates, _, permission = walked_release(tmp_path)
    (tmp_path / "t.csv").write_text("车牌号\n" + "\n".join(plates) + "\n")
    protect_file(tmp_path / "t.csv", plan=tmp_path / "plan.yml", out=tmp_path / "p.csv", keyring=permission.keyring,
                 log=permission.log)
    assert set((tmp_path / "p.csv").read_text().split()[1:]) & set(plates)
    # It goes by the name that it had.
    (tmp_path / "p.csv").replace(tmp_path / "t.csv")
    back = tmp_path / "b.csv"
    reveal_file(tmp_path / "t.csv", ["车牌号"], permission=permission, out=back, plan=tmp_path / "plan.yml")
    assert back.read_text().splitlines()[1:] == plates

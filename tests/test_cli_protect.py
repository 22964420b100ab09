"""guard keys, protect, reveal and audit as a user runs them: tables by plans and policies, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import Answer, guard

from guard.cli.main import run

IDS = ["110101199003070038", "110101199003070054", "110101199003070070", "110101199003070097"]
ROWS = [{"xh": str(n + 1), "id": IDS[n], "mobile": f"1380013800{n}", "note": note}
        for n, note in enumerate(["a,b", "", "行\n二", "x"])]
PLAN = """
guard_plan: 1
dataset: people-2026
domain: city
record: xh
fields:
  xh: {action: allow}
  id: {class: person.id.cn, action: encrypt}
  mobile: {class: person.phone.mobile, action: encrypt, params: {mode: deterministic}}
  note: {action: encrypt}
"""
REASON = ("--reason", "案件 2026-381")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GUARD_PASSPHRASE", "GUARD_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    call("keys", "init", "ring")
    Path("plan.yml").write_text(PLAN)
    return tmp_path


def call(*arguments: object, stdin: str = "") -> Answer:
    """As the command, in this process."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = run([str(argument) for argument in arguments])
        out.flush()
        err.flush()
    return Answer(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())  # type: ignore[attr-defined]


def good(*arguments: object, stdin: str = "") -> str:
    answer = call(*arguments, stdin=stdin)
    assert answer.code == 0, answer.err
    return answer.out


def write(name: str, rows: list[dict[str, str]] | None = None) -> None:
    rows = ROWS if rows is None else rows
    if name.endswith(".jsonl"):
        Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), name)
    else:
        with open(name, "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def read(name: str) -> list[dict[str, Any]]:
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in Path(name).read_text().splitlines()]
    if name.endswith(".parquet"):
        return list(pq.read_table(name).to_pylist())
    with open(name, newline="") as file:
        return list(csv.DictReader(file))


def protect(source: str, out: str, *more: object) -> Answer:
    return call("protect", source, "--plan", "plan.yml", "-o", out, "--keyring", "ring", *more)


def reveal(source: str, out: str, *more: object) -> Answer:
    fields = [part for name in ("id", "mobile", "note") for part in ("--field", name)]
    return call("reveal", source, *fields, "-o", out, "--keyring", "ring", "--plan", "plan.yml", *REASON, *more)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("suite", ["standard", "domestic"])
def test_a_table_is_protected_and_revealed(kind: str, suite: str) -> None:
    if suite == "domestic":
        good("keys", "init", "ring2", "--suite", "domestic")
        for name in ("ring", "ring.kek"):
            Path(name.replace("ring", "ring2")).replace(name)
    write(f"people.{kind}")
    answer = protect(f"people.{kind}", f"out.{kind}")
    assert answer.code == 0, answer.err
    protected = read(f"out.{kind}")
    assert [row["xh"] for row in protected] == ["1", "2", "3", "4"]
    letter = "s" if suite == "domestic" else "a"
    assert all(row["id"][13:15] == f"r{letter}" and row["mobile"][13:15] == f"d{letter}" for row in protected)
    assert protected[1]["note"] == ""
    assert not any(value in Path(f"out.{kind}").read_bytes() for row in ROWS for value in (
        row["id"].encode(), row["mobile"].encode()))
    assert Path(f"out.{kind}").stat().st_mode & 0o777 == 0o600
    assert reveal(f"out.{kind}", f"back.{kind}").code == 0
    assert read(f"back.{kind}") == ROWS
    assert good("audit", "verify", "ring").startswith("intact: 3 entries")


@pytest.mark.usefixtures("here")
def test_columns_of_different_files_join_where_the_plan_says_so() -> None:
    write("people.csv")
    write("people.jsonl")
    for kind in ("csv", "jsonl"):
        assert protect(f"people.{kind}", f"out.{kind}").code == 0
    one, two = read("out.csv"), read("out.jsonl")
    assert [row["mobile"] for row in one] == [row["mobile"] for row in two]
    assert not {row["id"] for row in one} & {row["id"] for row in two}


@pytest.mark.usefixtures("here")
def test_moved_values_do_not_open() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    rows = read("out.csv")
    errors = set()
    for change in ("records", "fields", "names", "bit"):
        moved = [dict(row) for row in rows]
        if change == "records":
            moved[0]["id"], moved[1]["id"] = rows[1]["id"], rows[0]["id"]
        elif change == "fields":
            moved[0]["note"] = rows[0]["id"]
        elif change == "names":
            moved[0]["xh"] = "9"
        else:
            moved[0]["id"] = rows[0]["id"][:-2] + ("AA" if rows[0]["id"][-2:] != "AA" else "BB")
        write("moved.csv", moved)
        answer = reveal("moved.csv", "back.csv")
        assert answer.code == 2
        errors.add(answer.err)
        assert not Path("back.csv").exists()
    assert len(errors) == 1
    log = Path("ring.audit.jsonl").read_text()
    assert log.count('"not revealed"') == 4
    assert not any(row["id"] in log for row in ROWS)


@pytest.mark.usefixtures("here")
def test_one_value_is_revealed_on_stdin_with_its_record() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    row = read("out.csv")[2]
    names = ("--dataset", "people-2026", "--domain", "city", "--keyring", "ring", *REASON)
    assert good("reveal", "-", "--field", "id", "--record-key", "3", *names, stdin=row["id"] + "\n") == IDS[2] + "\n"
    assert good("reveal", "-", "--field", "mobile", *names, stdin=row["mobile"]) == ROWS[2]["mobile"] + "\n"
    for field, key, value in (("id", "1", row["id"]), ("note", "3", row["id"]), ("id", "3", "13800138000"),
                              ("id", "3", row["id"] + "A")):
        answer = call("reveal", "-", "--field", field, "--record-key", key, *names, stdin=value)
        assert (answer.code, answer.out, answer.error) == (2, "", "a value cannot be revealed")


@pytest.mark.usefixtures("here")
def test_reveal_takes_key_reason_and_log() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    value, names = read("out.csv")[0]["mobile"], ("--field", "mobile", "--domain", "city")
    for more in ((), ("--keyring", "ring"), ("--keyring", "ring", "--reason", "  "), ("--reason", "x")):
        answer = call("reveal", "-", *names, *more, stdin=value)
        assert (answer.code, answer.out) == (2, "")
    log = Path("ring.audit.jsonl")
    log.write_bytes(log.read_bytes().replace(b"people-2026", b"people-2027"))
    answer = call("reveal", "-", *names, "--keyring", "ring", *REASON, stdin=value)
    assert (answer.code, answer.out, answer.error) == (2, "", "the audit log was edited or cut short")
    assert call("audit", "verify", "ring").code == 1
    log.unlink()
    log.mkdir()
    assert call("reveal", "-", *names, "--keyring", "ring", *REASON, stdin=value).out == ""


@pytest.mark.usefixtures("here")
def test_what_a_reason_holds_is_noted_masked() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    value = read("out.csv")[0]["mobile"]
    good("reveal", "-", "--field", "mobile", "--domain", "city", "--keyring", "ring", "--reason",
         f"法院 2026 调取 {IDS[0]} 13800138000", stdin=value)
    log = Path("ring.audit.jsonl").read_text()
    assert "法院 2026 调取" in log
    assert IDS[0] not in log
    assert "13800138000" not in log


BAD_PLANS = {
    "a field that is not named": (PLAN.replace("  note: {action: encrypt}\n", ""), "says nothing about the field note"),
    "a field that is not there": (PLAN + "  other: {action: drop}\n", "no field other"),
    "an unknown action": (PLAN.replace("note: {action: encrypt}", "note: {action: hash}"), "plan.yml:10"),
    "an unknown parameter": (PLAN.replace("{mode: deterministic}", "{mod: deterministic}"), "plan.yml:9"),
    "an unknown class": (PLAN.replace("person.id.cn", "person.idcard"), "unknown data class"),
    "parameters of nothing": (PLAN.replace("xh: {action: allow}", "xh: {action: allow, params: {a: 1}}"),
                              "no parameter"),
    "no domain": (PLAN.replace("domain: city\n", ""), "link domain"),
    "a record key that is changed": (PLAN.replace("xh: {action: allow}", "xh: {action: mask}"), "is changed itself"),
    "a record key that is not there": (
        PLAN.replace("record: xh", "record: nr").replace("fields:", "others: keep\nfields:"), "no field nr"),
    "a field as its own key": (PLAN.replace("record: xh", "record: id"), "its own record key"),
    "another version": (PLAN.replace("guard_plan: 1", "guard_plan: 2"), "plan.yml:2"),
}


@pytest.mark.parametrize("name", list(BAD_PLANS))
def test_a_plan_that_does_not_fit_changes_nothing(here: Path, name: str) -> None:
    text, message = BAD_PLANS[name]
    write("people.csv")
    Path("plan.yml").write_text(text)
    answer = protect("people.csv", "out.csv")
    assert answer.code == 2
    assert message in answer.error
    assert sorted(path.name for path in here.iterdir()) == ["people.csv", "plan.yml", "ring", "ring.kek"]


@pytest.mark.parametrize(("rows", "message"), [
    ([{**ROWS[0], "xh": "7"}, {**ROWS[1], "xh": "7"}], "xh is no record key: 1 of 2 values repeat"),
    ([ROWS[0], {**ROWS[1], "xh": ""}], "a record has no record key in xh"),
    ([{**ROWS[n % 2], "xh": str(n)} for n in range(30)], "2 different values among 30"),
])
def test_values_that_do_not_fit_the_plan_leave_nothing(here: Path, rows: list[dict[str, str]], message: str) -> None:
    write("people.csv", rows)
    answer = protect("people.csv", "out.csv")
    assert (answer.code, message in answer.error) == (2, True)
    assert not [path for path in here.iterdir() if path.name not in ("people.csv", "plan.yml", "ring", "ring.kek")]
    assert IDS[0] not in answer.err


@pytest.mark.usefixtures("here")
def test_the_answer_says_what_values_are_bound_to() -> None:
    write("people.csv")
    Path("plan.yml").write_text(PLAN.replace("record: xh\n", ""))
    answer = protect("people.csv", "out.csv")
    assert "id: encrypted values are bound to data set and field only, not to their record" in answer.out
    said = json.loads(protect("people.csv", "out2.csv", "--format", "json").out)
    assert {field["field"]: field.get("bound_to") for field in said["fields"]} == {
        "xh": None, "id": ["dataset", "field"], "mobile": ["domain", "field"], "note": ["dataset", "field"]}
    assert said["rows"] == 4
    assert read("out.csv")[0]["id"].split(":")[1] == said["key_id"]


@pytest.mark.usefixtures("here")
def test_an_output_is_never_overwritten_and_a_folder_is_no_table(here: Path) -> None:
    write("people.csv")
    Path("out.csv").write_text("mine")
    assert protect("people.csv", "out.csv").code == 2
    assert Path("out.csv").read_text() == "mine"
    (here / "folder").mkdir()
    for source in ("folder", "nowhere.csv"):
        assert protect(source, "new.csv").code == 2
    Path("notes.txt").write_text("some words that are no table\n")
    assert "has no fields" in protect("notes.txt", "new.csv").error
    assert not Path("new.csv").exists()


POLICY = """
guard_policy: 1
id: share
version: "1"
title: {en: Share, zh: 共享}
audiences: [department_share]
rules:
  - id: SHARE-ID
    title: {en: IDs, zh: 证件}
    match: {class: person.id.cn}
    action: encrypt
    params: {encrypt: {record: xh}}
  - id: SHARE-PHONE
    title: {en: Phones, zh: 电话}
    match: {class: person.phone.mobile}
    action: encrypt
    params: {encrypt: {mode: deterministic, domain: city, name: phone}}
  - id: SHARE-REST
    title: {en: Rest, zh: 其他}
    match: {class: "*"}
    action: allow
"""


def people(count: int) -> list[dict[str, str]]:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rows = []
    for number in range(count):
        body = f"11010119900307{number:03d}"
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
        rows.append({"xh": str(number), "身份证号": body + check, "手机": f"138{number:08d}", "备注": "ok"})
    return rows


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_release_encrypts_as_the_policy_says(kind: str) -> None:
    Path("share.yml").write_text(POLICY)
    write(f"people.{kind}", people(60))
    arguments = ("release", f"people.{kind}", "--policy", "share.yml", "--audience", "department_share")
    refused = call(*arguments, "--out", "released")
    assert (refused.code, refused.error) == (2, "the policy encrypts and no keyring was given")
    said = good(*arguments, "--out", "released", "--keyring", "ring", "--lang", "zh")
    assert "相同的值密文相同" in said
    name = f"released/public/data/people.{kind}"
    rows = read(name)
    assert json.loads(Path("released/evidence/manifest.json").read_text())["key_id"] == rows[0]["手机"].split(":")[1]
    assert all(row["身份证号"].startswith("g1:") and row["手机"].startswith("g1:") for row in rows)
    prefix = "$." if kind == "jsonl" else ""
    good("reveal", name, "--field", f"{prefix}身份证号", "--record", "xh", "-o", f"id.{kind}", "--keyring", "ring",
         *REASON)
    good("reveal", name, "--field", "手机", "--name", "phone", "--domain", "city", "-o", f"phone.{kind}", "--keyring",
         "ring", *REASON)
    assert [row["身份证号"] for row in read(f"id.{kind}")] == [row["身份证号"] for row in people(60)]
    assert [row["手机"] for row in read(f"phone.{kind}")] == [row["手机"] for row in people(60)]


@pytest.mark.usefixtures("here")
def test_a_release_refuses_what_the_values_do_not_allow() -> None:
    Path("share.yml").write_text(POLICY)
    write("people.csv", [{**row, "手机": f"1380013800{number % 4}"} for number, row in enumerate(people(60))])
    arguments = ("people.csv", "--policy", "share.yml", "--audience", "department_share", "--keyring", "ring")
    answer = call("release", *arguments, "--out", "released")
    assert (answer.code, "4 different values among 60" in answer.error) == (1, True)
    assert not Path("released").exists()
    answer = call("protect", *arguments, "-o", "out.csv")
    assert (answer.code, Path("out.csv").exists()) == (1, False)


@pytest.mark.usefixtures("here")
def test_a_file_is_protected_by_a_policy_alone() -> None:
    Path("share.yml").write_text(POLICY)
    write("people.csv", people(20))
    good("protect", "people.csv", "--policy", "share.yml", "--audience", "department_share", "--keyring", "ring", "-o",
         "out.csv")
    assert all(row["身份证号"].startswith("g1:") for row in read("out.csv"))
    assert Path("out.csv").stat().st_mode & 0o777 == 0o600
    for wrong in ((), ("--policy", "share.yml"), ("--plan", "plan.yml", "--policy", "share.yml")):
        assert call("protect", "people.csv", *wrong, "-o", "x.csv").code == 2


@pytest.mark.usefixtures("here")
def test_spans_inside_of_a_log_are_encrypted_and_revealed() -> None:
    Path("share.yml").write_text(POLICY.replace("{record: xh}", "{mode: randomised}"))
    text = "".join(f"2026-01-0{n + 1} INFO user id={row['身份证号']} done\n" for n, row in enumerate(people(5)))
    Path("app.log").write_text(text)
    good("release", "app.log", "--policy", "share.yml", "--audience", "department_share", "--out", "released",
         "--keyring", "ring")
    assert Path("released/public/data/app.log").read_text().count("g1:") == 5
    good("reveal", "released/public/data/app.log", "--inside", "--field", "text", "-o", "back.log", "--keyring", "ring",
         *REASON)
    assert Path("back.log").read_text() == text


@pytest.mark.usefixtures("here")
def test_the_life_of_a_key() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    first = good("keys", "list", "ring").split("\t")[0]
    assert call("keys", "destroy", "ring", first, "--yes").error == f"the key {first} is active"
    assert f"retired {first}" in good("keys", "rotate", "ring")
    asked = call("keys", "destroy", "ring", first)
    assert (asked.code, asked.error) == (2, "nothing was destroyed")
    assert f"g1:{first}:" in asked.out
    assert "people-2026: xh, id, mobile, note: 4 records" in asked.out
    assert reveal("out.csv", "back.csv").code == 0
    good("keys", "destroy", "ring", first, "--yes")
    gone = reveal("out.csv", "again.csv")
    assert (gone.code, gone.error) == (2, f"the key {first} was destroyed")
    second = good("keys", "list", "ring").splitlines()[1].split("\t")[0]
    good("keys", "retire", "ring", second)
    assert "no active key" in protect("people.csv", "new.csv").error
    said = good("keys", "inspect", "ring")
    assert "active key -\n" in said
    assert "0 active, 1 retired, 1 destroyed" in said


@pytest.mark.usefixtures("here")
def test_pseudonyms_of_a_form_come_back_with_their_key() -> None:
    rows = [{"xh": row["xh"], "id": row["身份证号"]} for row in people(30)]
    write("people.csv", rows)
    Path("plan.yml").write_text("guard_plan: 1\ndomain: city\nothers: keep\nfields:\n  id: {class: person.id.cn, "
                                "action: pseudonymise, params: {method: form}}\n")
    assert protect("people.csv", "out.csv").code == 0
    pseudonyms = read("out.csv")
    assert all(len(row["id"]) == 18 for row in pseudonyms)
    assert not {row["id"] for row in pseudonyms} & {row["id"] for row in rows}
    key = json.loads(Path("ring.audit.jsonl").read_text())["key"]
    good("keys", "rotate", "ring")
    arguments = ("reveal", "out.csv", "--plan", "plan.yml", "--field", "id", "--keyring", "ring", *REASON)
    good(*arguments, "--key", key, "-o", "back.csv")
    assert read("back.csv") == rows
    refused = call(*arguments, "-o", "wrong.csv")
    assert (refused.code, refused.error) == (2, "the pseudonyms of id do not say which of the 2 keys made them")
    assert not Path("wrong.csv").exists()
    assert call(*arguments, "--key", "k00000000", "-o", "x.csv").code == 2
    masked = Path("plan.yml").read_text().replace("pseudonymise, params: {method: form}", "mask")
    Path("plan.yml").write_text(masked)
    assert "not reversible" in call(*arguments, "-o", "y.csv").error


@pytest.mark.usefixtures("here")
def test_a_head_noted_elsewhere_tells_a_log_that_was_put_back() -> None:
    write("people.csv")
    protect("people.csv", "out.csv")
    older = {path: path.read_bytes() for path in Path().glob("ring.audit*")}
    reveal("out.csv", "back.csv")
    head = good("audit", "verify", "ring").splitlines()[1].removeprefix("head ")
    assert call("audit", "verify", "ring", "--expect", head).code == 0
    for path, content in older.items():
        path.write_bytes(content)
    assert call("audit", "verify", "ring").code == 0
    answer = call("audit", "verify", "ring", "--expect", head)
    assert (answer.code, "entries are missing" in answer.out) == (1, True)
    assert call("audit", "verify", "ring", "--expect", "x").code == 2


def test_a_key_from_a_file_elsewhere_a_variable_and_a_passphrase(here: Path) -> None:
    assert guard("keys", "init", here / "a", "--key-file", here / "keys.kek").code == 0
    assert guard("keys", "inspect", here / "a").code == 2
    assert guard("keys", "inspect", here / "a", GUARD_KEY_FILE=str(here / "keys.kek")).code == 0
    assert guard("keys", "init", here / "b", "--key-variable", "MY_KEY", MY_KEY="ab" * 32).code == 0
    assert "opened by environment" in guard("keys", "inspect", here / "b", MY_KEY="ab" * 32).out
    assert guard("keys", "inspect", here / "b", MY_KEY="ac" * 32).error == "the keyring cannot be opened"
    assert guard("keys", "init", here / "c", GUARD_PASSPHRASE="one two three").code == 0
    assert "opened by passphrase" in guard("keys", "rotate", here / "c", GUARD_PASSPHRASE="one two three").out + guard(
        "keys", "inspect", here / "c", GUARD_PASSPHRASE="one two three").out
    assert os.environ.get("MY_KEY") is None

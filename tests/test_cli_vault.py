"""The token vault as a user reaches it: by a plan, by a policy, and back with key, reason and audit log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import Answer, guard

NUMBERS = [f"138001380{number:02d}" for number in range(40)]
PLAN = """
guard_plan: 1
domain: city
fields:
  xh: {action: allow}
  mobile: {class: person.phone.mobile, action: pseudonymise, params: {method: vault}}
"""
POLICY = """
guard_policy: 1
id: share
version: "1"
title: {en: Share, zh: 共享}
audiences: [department_share]
rules:
  - id: SHARE-PHONE
    title: {en: Phones, zh: 电话}
    match: {class: person.phone.mobile}
    action: pseudonymise
    params: {pseudonymise: {method: vault}}
  - id: SHARE-ID
    title: {en: IDs, zh: 证件}
    match: {class: person.id.cn}
    action: pseudonymise
    params: {pseudonymise: {method: form, domain: city}}
"""
KEYS = ("--keyring", "ring")
REASON = ("--reason", "案件 2026-381 13800138000")
REVEAL = ("--field", "mobile", *KEYS, *REASON)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GUARD_PASSPHRASE", "GUARD_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert guard("keys", "init", "ring").code == 0
    Path("plan.yml").write_text(PLAN)
    Path("people.csv").write_text("xh,mobile\n" + "".join(f"{n},{number}\n" for n, number in enumerate(NUMBERS)))
    return tmp_path


def column(path: str | Path) -> list[str]:
    return [line.split(",")[1] for line in Path(path).read_text().splitlines()[1:]]


def protect(out: str, *more: str) -> Answer:
    return guard("protect", "people.csv", "--plan", "plan.yml", "-o", out, *KEYS, *more)


def test_a_plan_keeps_tokens_in_a_vault_and_they_are_revealed() -> None:
    for out in ("out.csv", "again.csv"):
        answer = protect(out, "--vault", "v")
        assert answer.code == 0, answer.err
    tokens = column("out.csv")
    assert len(set(tokens)) == 40
    assert all(token.startswith("phone_mobile_") for token in tokens)
    assert column("again.csv") == tokens
    assert Path("v").stat().st_mode & 0o777 == 0o600
    for number, how in enumerate([("--plan", "plan.yml"), ()]):
        answer = guard("reveal", "out.csv", *how, *REVEAL, "--vault", "v", "-o", f"back{number}.csv")
        assert answer.code == 0, answer.err
        assert column(f"back{number}.csv") == NUMBERS
    answer = guard("reveal", "-", *REVEAL, "--vault", "v", stdin=f"{tokens[7]}\n".encode())
    assert (answer.code, answer.out) == (0, NUMBERS[7] + "\n")
    log = Path("ring.audit.jsonl").read_text()
    assert log.count('"reveal from vault"') == 3
    assert not any(value in log for value in [*NUMBERS, *tokens])
    assert guard("audit", "verify", "ring").code == 0


def test_a_release_keeps_tokens_in_a_vault_and_they_are_revealed() -> None:
    Path("share.yml").write_text(POLICY)
    # Forms beside them need a read of their own, by which the vault must not grow.
    Path("ids.csv").write_text("身份证号\n110101199003070038\n110101199003070054\n")
    Path("in").mkdir()
    for name in ("people.csv", "ids.csv"):
        Path(name).replace(Path("in") / name)
    answer = guard("release", "in", "--policy", "share.yml", "--audience", "department_share", "--out", "released",
                   *KEYS, "--vault", "v")
    assert answer.code == 0, answer.err
    released = "released/public/data/people.csv"
    assert not set(column(released)) & set(NUMBERS)
    answer = guard("reveal", released, *REVEAL, "--vault", "v", "-o", "back.csv")
    assert answer.code == 0, answer.err
    assert column("back.csv") == NUMBERS
    assert count("v") == 40
    answer = guard("protect", "in/people.csv", "--policy", "share.yml", "--audience", "department_share", "-o",
                   "single.csv", *KEYS, "--vault", "v")
    assert answer.code == 0, answer.err
    assert not set(column("single.csv")) & set(column(released)), "each release is a link domain of its own"


def count(path: str) -> int:
    import sqlite3

    database = sqlite3.connect(path)
    (rows,) = database.execute("SELECT count(*) FROM tokens").fetchone()
    database.close()
    return int(rows)


def test_without_a_vault_or_with_the_wrong_keyring_nothing_is_written_or_revealed(here: Path) -> None:
    answer = protect("out.csv")
    assert (answer.code, answer.error) == (2, "tokens are to be kept in a vault and none was given")
    answer = guard("protect", "people.csv", "--plan", "plan.yml", "-o", "out.csv", "--vault", "v")
    assert (answer.code, answer.error) == (2, "tokens are to be kept in a vault and no keyring was given")
    Path("share.yml").write_text(POLICY)
    answer = guard("release", "people.csv", "--policy", "share.yml", "--audience", "department_share", "--out", "r",
                   *KEYS)
    assert (answer.code, "none was given" in answer.error) == (2, True)
    assert not {"out.csv", "v", "r"} & {path.name for path in here.iterdir()}

    assert protect("out.csv", "--vault", "v").code == 0
    guard("keys", "init", "other")
    token = column("out.csv")[0]
    whole = ("reveal", "out.csv", "--plan", "plan.yml", "-o", "back.csv", "--field", "mobile")
    for arguments, message in [
            ((*whole, *KEYS, *REASON), "the tokens of mobile are in a vault and none was given"),
            ((*whole, *KEYS, *REASON, "--vault", "w"), "there is no such vault"),
            ((*whole, *KEYS, "--vault", "v"), "to reveal takes a reason"),
            ((*whole, *KEYS, *REASON, "--vault", "v", "--inside"),
             "tokens of a vault are revealed as whole values only"),
            (("reveal", "people.csv", *REVEAL, "--vault", "v", "-o", "back.csv"),
             "a token has no value in this vault")]:
        answer = guard(*arguments)
        assert (answer.code, answer.error) == (2, message)
    answer = guard(*whole, "--keyring", "other", *REASON, "--vault", "v")
    assert answer.code == 2
    assert "key" in answer.error
    answer = guard("reveal", "-", "--field", "mobile", *KEYS, "--vault", "v", stdin=token.encode())
    assert (answer.code, answer.out, answer.error) == (2, "", "to reveal takes a reason")
    assert not Path("back.csv").exists()
    assert not Path("w").exists()


def test_two_processes_at_once_fill_one_vault() -> None:
    command = [sys.executable, "-m", "guard", "protect", "people.csv", "--plan", "plan.yml", *KEYS, "--vault", "v"]
    running = [subprocess.Popen([*command, "-o", f"out{n}.csv"], env={**os.environ}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for n in range(2)]
    told = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert column("out0.csv") == column("out1.csv")
    assert count("v") == 40
    report = json.loads(protect("out2.csv", "--vault", "v", "--format", "json").out)
    assert [field["reversible"] for field in report["fields"]] == [True, True]

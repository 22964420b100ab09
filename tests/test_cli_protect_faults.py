"""guard protect, reveal, keys and audit when something is wrong: what is refused, with which code, and what is left."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from command import Answer, guard

ID = "330106199101038405"
OTHER = "330106200210049707"
PLAN = """
guard_plan: 1
dataset: d
domain: city
others: keep
fields:
  id: {class: person.id.cn, action: encrypt}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GUARD_PASSPHRASE", "GUARD_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert guard("keys", "init", "ring").code == 0
    Path("plan.yml").write_text(PLAN)
    Path("people.csv").write_text(f"id,name\n{ID},a\n")
    return tmp_path


def protect(source: str, out: str, *more: object) -> Answer:
    return guard("protect", source, "--plan", "plan.yml", "--keyring", "ring", "-o", out, *more)


def reveal(source: str, out: str, *more: object) -> Answer:
    return guard("reveal", source, "--plan", "plan.yml", "--keyring", "ring", "--field", "id", "--reason", "x",
                 "-o", out, *more)


@pytest.mark.parametrize("log", ["no/log", "open.jsonl", "edited.jsonl"])
def test_nothing_is_protected_that_the_log_cannot_note(here: Path, log: str) -> None:
    (here / "open.jsonl").touch(0o644)
    (here / "edited.jsonl").touch(0o600)
    (here / "edited.jsonl").write_text("{}\n")
    answer = protect("people.csv", "out.csv", "--audit-log", log)
    assert (answer.code, "error: " in answer.err) == (2, True)
    assert not [path for path in here.iterdir() if "out.csv" in path.name]


def test_a_list_of_json_is_the_same_table(here: Path) -> None:
    Path("plan.yml").write_text(PLAN.replace("domain: city", "domain: city\nrecord: nr"))
    Path("people.json").write_text(json.dumps([{"nr": 1, "id": ID}, {"nr": 2, "id": None}, {"nr": 3, "id": OTHER}]))
    assert protect("people.json", "out.json").code == 0
    made = json.loads(Path("out.json").read_text())
    assert [str(row["id"])[:3] for row in made] == ["g1:", "Non", "g1:"]
    answer = reveal("out.json", "clear.json")
    assert answer.code == 0, answer.err
    assert json.loads(Path("clear.json").read_text()) == json.loads(Path("people.json").read_text())
    table = f"nr,id\n1,{made[0]['id']}\n3,{made[2]['id']}\n"
    Path("out.csv").write_text(table)
    assert reveal("out.csv", "clear.csv").code == 0
    assert Path("clear.csv").read_text() == f"nr,id\n1,{ID}\n3,{OTHER}\n"


@pytest.mark.parametrize("action", ["encrypt", "mask", "drop"])
def test_a_second_column_of_the_same_header_is_not_kept_in_clear(here: Path, action: str) -> None:
    plan = PLAN.replace("encrypt", action)
    Path("plan.yml").write_text(plan)
    Path("twice.csv").write_text(f"id,name,id\n{ID},a,{OTHER}\n")
    answer = protect("twice.csv", "out.csv")
    assert (answer.code, Path("out.csv").exists()) == (2, False)
    assert answer.error == "the field id.1 has the same header as id, which the plan changes"
    Path("plan.yml").write_text(plan + f"  id.1: {{class: person.id.cn, action: {action}}}\n")
    assert protect("twice.csv", "out.csv").code == 0
    assert OTHER not in Path("out.csv").read_text()


def test_a_column_that_only_looks_like_a_repeated_one_is_kept(here: Path) -> None:
    Path("other.csv").write_text(f"id,id.1\n{ID},7\n")
    assert protect("other.csv", "out.csv").code == 0
    assert Path("out.csv").read_text().endswith(",7\n")


def test_an_empty_head_is_no_head(here: Path) -> None:
    assert protect("people.csv", "out.csv").code == 0
    assert guard("audit", "verify", "ring").code == 0
    answer = guard("audit", "verify", "ring", "--expect", "")
    assert (answer.code, answer.error) == (2, "that is no head of an audit log")


def test_what_is_said_counts_more_than_what_stands_in_the_environment(here: Path) -> None:
    assert guard("keys", "init", "other", "--key-file", "k.kek").code == 0
    assert guard("keys", "inspect", "other", "--key-file", "k.kek", GUARD_PASSPHRASE="of another ring").code == 0
    answer = guard("keys", "inspect", "ring", GUARD_PASSPHRASE="of another ring")
    assert (answer.code, "GUARD_PASSPHRASE is set" in answer.err) == (2, True)
    assert "of another ring" not in answer.err


def test_a_passphrase_file_with_a_byte_order_mark_holds_the_same_passphrase(here: Path) -> None:
    Path("phrase").write_bytes(b"\xef\xbb\xbfone two three\r\n")
    assert guard("keys", "init", "p", "--passphrase-file", "phrase").code == 0
    assert guard("keys", "inspect", "p", GUARD_PASSPHRASE="one two three").code == 0


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_message_names_a_file_without_a_name(here: Path, name: str) -> None:
    assert not guard("keys", "init", name).error.startswith(" ")
    assert not guard("keys", "list", name).error.startswith(" ")


def test_a_plan_that_is_no_mapping_is_named_without_our_classes(here: Path) -> None:
    Path("plan.yml").write_text("id, name\n")
    answer = protect("people.csv", "out.csv")
    assert (answer.code, answer.error) == (2, "plan.yml:1:1: the file should be a mapping of names to values")


def test_without_a_keyring_the_message_says_how_to_get_one(here: Path) -> None:
    answer = guard("protect", "people.csv", "--plan", "plan.yml", "-o", "out.csv")
    assert (answer.code, answer.error) == (2, "to encrypt takes a key, and no keyring was given")
    assert "guard keys init" in answer.err


def test_what_cannot_be_written_is_exit_4(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.audit import AuditLog
    from guard.errors import KeyringError
    from guard.keys import Keyring

    keyring = Keyring.open("ring")
    real = os.open

    def read_only(path: str, flags: int, *more: int, **others: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *more, **others)

    monkeypatch.setattr("guard.private_files.os.open", read_only)
    for write in (keyring.rotate, lambda: Keyring.create("new"),
                  lambda: AuditLog(Path("log"), keyring).append("protect", {})):
        with pytest.raises(KeyringError, match="cannot be written") as raised:
            write()
        assert raised.value.exit_code == 4


def test_an_encrypted_number_of_parquet_is_bound_to_its_record(here: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    Path("plan.yml").write_text(PLAN.replace("domain: city", "domain: city\nrecord: nr"))
    pq.write_table(pa.table({"nr": [1, 2, 3], "id": [13800138000, None, 13800138002]}), "people.parquet")
    answer = protect("people.parquet", "out.parquet")
    assert answer.code == 0, answer.err
    assert "id: encrypt, 2 values" in answer.out
    assert reveal("out.parquet", "clear.parquet").code == 0
    assert pq.read_table("clear.parquet").to_pydict()["id"] == ["13800138000", None, "13800138002"]
    pq.write_table(pa.table({"nr": [1, 2, 1], "id": [13800138000, None, 13800138002]}), "twice.parquet")
    assert "nr is no record key: 1 of 3 values repeat" in protect("twice.parquet", "twice.out").err

"""The keyring file under faults: writers at the same time, writers that are killed, disks that are full."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guard.errors import KeyringError
from guard.keys import Keyring
from guard.private_files import MAX_FILE, locked

ROTATE = """
import sys
from guard.keys import Keyring
keyring = Keyring.open(sys.argv[1])
for _ in range(int(sys.argv[2])):
    print(keyring.rotate(), flush=True)
"""
HANG = """
import os, sys, time
import guard.private_files as files
from guard.keys import Keyring
keyring = Keyring.open(sys.argv[1])
def hang(*_):
    print("reached", flush=True)
    time.sleep(60)
setattr(files.os, sys.argv[2], hang)
keyring.rotate()
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def test_two_processes_rotate_at_once_and_no_key_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    first = Keyring.create(path).key_id
    writers = [started(ROTATE, path, 12) for _ in range(2)]
    made = [line for writer in writers for line in writer.communicate()[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0]
    keyring = Keyring.open(path)
    assert sorted(record.id for record in keyring.keys) == sorted([first, *made])
    assert [str(record.status) for record in keyring.keys].count("active") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ring", "ring.kek"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_writer_killed_before_the_rename_loses_nothing(tmp_path: Path, step: str) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    before = path.read_bytes()
    writer = started(HANG, path, step)
    assert writer.stdout
    assert writer.stdout.readline() == "reached\n"
    assert path.read_bytes() == before
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".ring.")]
    keyring.rotate()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ring", "ring.kek"]
    assert len(Keyring.open(path).keys) == 2


def test_a_killed_writer_frees_the_lock_and_a_living_one_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    Keyring.create(path)
    writer = started(HANG, path, "replace")
    assert writer.stdout
    writer.stdout.readline()
    waiting = started(ROTATE, path, 1)
    time.sleep(0.3)
    assert waiting.poll() is None
    writer.kill()
    writer.wait()
    writer.stdout.close()
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert len(Keyring.open(path).keys) == 2


def test_who_waited_for_a_replaced_file_sees_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    with locked(path):
        waiting = started(ROTATE, path, 1)
        time.sleep(0.3)
        other = tmp_path / "other"
        other.write_bytes(path.read_bytes())
        other.chmod(0o600)
        other.replace(path)
    made = waiting.communicate(timeout=30)[0].split()
    assert [record.id for record in Keyring.open(path).keys] == [keyring.key_id, *made]


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    before, active = path.read_bytes(), keyring.key_id

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("guard.private_files.os.fsync", full)
        with pytest.raises(KeyringError, match="cannot be written"):
            keyring.rotate()
    assert path.read_bytes() == before
    assert keyring.key_id == active
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ring", "ring.kek"]


def test_what_another_process_changed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    one, two = Keyring.create(path), Keyring.open(path)
    first = one.key_id
    one.rotate()
    one.destroy_key(first)
    two.rotate()
    assert [str(record.status) for record in Keyring.open(path).keys] == ["destroyed", "retired", "active"]
    with pytest.raises(KeyringError, match="was destroyed"):
        two.derive("token", "", "", key_id=first)


def test_a_file_edited_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    document = json.loads(path.read_text())
    document["keys"][0]["status"] = "retired"
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    with pytest.raises(KeyringError, match="cannot be opened"):
        keyring.rotate()
    assert path.read_bytes() == before


def test_a_file_that_became_open_to_others_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    path.chmod(0o644)
    with pytest.raises(KeyringError, match="others"):
        keyring.rotate()
    assert len(json.loads(path.read_text())["keys"]) == 1


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    path.touch(0o600)
    os.truncate(path, 4 * MAX_FILE)
    with pytest.raises(KeyringError, match="cannot be opened"):
        Keyring.open(path)

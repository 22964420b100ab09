"""The audit log: what it says, and that an edited, reordered or shortened one is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.audit import AuditLog, Head
from guard.errors import KeyringError
from guard.keys import Keyring

Change = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(params=["standard", "domestic"])
def keyring(tmp_path: Path, request: pytest.FixtureRequest) -> Keyring:
    return Keyring.create(tmp_path / "ring", suite=str(request.param))


def log_of(tmp_path: Path, keyring: Keyring, entries: int = 0) -> AuditLog:
    log = AuditLog(AuditLog.beside(tmp_path / "ring"), keyring)
    for number in range(entries):
        log.append("reveal", {"reason": f"信访件 {number}", "fields": ["id"]})
    return log


def test_entries_say_who_what_and_why_and_follow_each_other(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring, 3)
    entries = list(log.entries())
    assert [(entry["entry"], entry["event"], entry["reason"]) for entry in entries] == [
        (number + 1, "reveal", f"信访件 {number}") for number in range(3)]
    assert all(str(os.getuid()) in entry["user"] for entry in entries)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if "audit" in path.name} == {
        "ring.audit.jsonl": 0o600, "ring.audit.jsonl.head": 0o600}
    assert log.verify().intact
    assert log.verify().head.entries == 3
    again = log_of(tmp_path, Keyring.open(tmp_path / "ring"), 1)
    assert again.verify(log.verify().head).intact


def test_the_log_outlives_the_keys_of_values(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring, 2)
    first = keyring.key_id
    keyring.rotate()
    keyring.destroy_key(first)
    assert log_of(tmp_path, Keyring.open(tmp_path / "ring"), 1).verify().intact
    assert log.verify().intact


CHANGES: dict[str, Change] = {
    "a changed reason": lambda lines: [lines[0], lines[1].replace("件 1".encode(), "件 7".encode()), *lines[2:]],
    "a changed user": lambda lines: [lines[0].replace(b'"user":"', b'"user":"x'), *lines[1:]],
    "a removed entry": lambda lines: [lines[0], *lines[2:]],
    "the first removed": lambda lines: lines[1:],
    "the last removed": lambda lines: lines[:-1],
    "all removed": lambda lines: [],
    "two swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "one twice": lambda lines: [*lines, lines[-1]],
    "one inserted": lambda lines: [lines[0], b"{}\n", *lines[1:]],
    "no JSON": lambda lines: [*lines, b"\xff\n"],
    "no object": lambda lines: [*lines, b"[]\n"],
    "a mac that is no text": lambda lines: [*lines, b'{"entry":5,"mac":7}\n'],
    "the end of a line cut": lambda lines: [*lines[:-1], lines[-1][:-1]],
    "half of a line cut": lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]],
    "spaces that a parser does not see": lambda lines: [*lines[:-1], lines[-1].replace(b'":"', b'": "')],
    "a long line": lambda lines: [*lines, b"x" * 3_000_000 + b"\n"],
}


@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
def test_a_changed_log_is_told_and_takes_nothing_more(tmp_path: Path, keyring: Keyring, change: Change) -> None:
    log = log_of(tmp_path, keyring, 4)
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(change(lines)))
    found = log.verify()
    assert not found.intact
    assert found.problem
    changed = log.path.read_bytes()
    in_the_middle = changed.splitlines(keepends=True)[-1:] == lines[-1:]
    if not in_the_middle:
        with pytest.raises(KeyringError, match="edited or cut short"):
            log.append("reveal", {})
        assert log.path.read_bytes() == changed


@given(st.data())
def test_any_changed_byte_is_told(data: st.DataObject) -> None:
    log, whole = BYTES_LOG
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    log.path.write_bytes(changed)
    assert not log.verify().intact
    log.path.write_bytes(whole)
    assert log.verify().intact


@pytest.fixture(scope="module", autouse=True)
def one_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    global BYTES_LOG
    folder = tmp_path_factory.mktemp("log")
    log = log_of(folder, Keyring.create(folder / "ring"), 2)
    BYTES_LOG = log, log.path.read_bytes()


BYTES_LOG: tuple[AuditLog, bytes]


def test_an_older_pair_of_log_and_head_is_told_by_a_head_noted_elsewhere(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring, 1)
    head = log.path.with_name(log.path.name + ".head")
    older = log.path.read_bytes(), head.read_bytes()
    log.append("reveal", {})
    noted = log.verify().head
    log.path.write_bytes(older[0])
    head.write_bytes(older[1])
    assert log.verify().intact
    assert not log.verify(noted).intact
    log.append("reveal", {"another": "story"})
    assert log.verify().intact
    assert "not the one that was noted" in log.verify(noted).problem
    assert Head.parse(str(noted)) == noted
    with pytest.raises(KeyringError, match="no head"):
        Head.parse("12")


def test_a_missing_or_foreign_head_is_told(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring, 1)
    head = log.path.with_name(log.path.name + ".head")
    for content in (b"", b"0:" + b"0" * 64, b"\xff", b"1:" + b"0" * 64 + " 密".encode()):
        head.write_bytes(content)
        assert "head" in log.verify().problem
        with pytest.raises(KeyringError, match="edited or cut short"):
            log.append("reveal", {})
    head.unlink()
    assert "head" in log.verify().problem
    with pytest.raises(KeyringError, match="edited or cut short"):
        log.append("reveal", {})


def test_another_keyring_s_log_is_not_taken(tmp_path: Path, keyring: Keyring) -> None:
    log_of(tmp_path, keyring, 1)
    other = log_of(tmp_path, Keyring.create(tmp_path / "other"))
    assert not other.verify().intact
    with pytest.raises(KeyringError, match="edited or cut short"):
        other.append("reveal", {})


APPEND = """
import sys
from pathlib import Path
from guard.audit import AuditLog
from guard.keys import Keyring
log = AuditLog(Path(sys.argv[1] + ".audit.jsonl"), Keyring.open(sys.argv[1]))
for number in range(int(sys.argv[2])):
    log.append("reveal", {"number": number})
"""
KILLED = """
import os, sys
from pathlib import Path
import guard.audit as audit
from guard.keys import Keyring
log = audit.AuditLog(Path(sys.argv[1] + ".audit.jsonl"), Keyring.open(sys.argv[1]))
whole = audit._write
def torn(descriptor, data):
    whole(descriptor, data[: int(sys.argv[2]) or None])
    os._exit(9)
audit._write = torn
log.append("reveal", {"number": 9})
"""


def test_two_processes_append_at_once_and_no_entry_is_lost(tmp_path: Path, keyring: Keyring) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPEND, str(tmp_path / "ring"), "10"]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = log_of(tmp_path, keyring).verify()
    assert (found.intact, found.head.entries) == (True, 20)


@pytest.mark.parametrize(("entries", "kept", "left"), [(0, 20, 0), (3, 20, 3), (0, 0, 1), (3, 0, 4)])
def test_a_writer_killed_while_it_writes_spoils_nothing(tmp_path: Path, keyring: Keyring, entries: int, kept: int,
                                                        left: int) -> None:
    log = log_of(tmp_path, keyring, entries)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "ring"), str(kept)], check=False)
    assert done.returncode == 9
    log.append("reveal", {})
    found = log.verify()
    assert (found.intact, found.head.entries) == (True, left + 1)


def test_a_full_disk_is_an_error_and_leaves_the_log_whole(tmp_path: Path, keyring: Keyring,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(tmp_path, keyring, 1)
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 50:
            return real(descriptor, data[:50])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("guard.audit.os.write", full)
        with pytest.raises(KeyringError, match="cannot be written"):
            log.append("reveal", {})
    log.append("reveal", {})
    assert (log.verify().intact, log.verify().head.entries) == (True, 2)


def test_what_is_no_private_file_is_no_log(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring, 1)
    log.path.chmod(0o644)
    with pytest.raises(KeyringError, match="others"):
        log.append("reveal", {})
    log.path.unlink()
    with pytest.raises(KeyringError, match="does not exist"):
        log.verify()
    log.path.symlink_to("elsewhere")
    with pytest.raises(KeyringError, match="symbolic link"):
        log.append("reveal", {})


def test_a_reason_of_any_text_is_one_line(tmp_path: Path, keyring: Keyring) -> None:
    log = log_of(tmp_path, keyring)
    for reason in ('a"\n{"entry":9}', "\u2028\u202e密", "\ud800", "\x1b[2J"):
        log.append("reveal", {"reason": reason})
    assert log.verify().intact
    assert len(log.path.read_bytes().split(b"\n")) == 5
    assert json.loads(log.path.read_bytes().splitlines()[0])["reason"] == 'a"\n{"entry":9}'
    with pytest.raises(KeyringError, match="too long"):
        log.append("reveal", {"reason": "x" * 100_000})
    assert log.verify().intact

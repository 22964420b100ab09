"""The audit log: who revealed what and why, in a file that shows when it was edited or cut short.

JSON Lines, one entry a line, mode 0600, only ever appended to. An entry holds the digest of the line before it and a
MAC under a key that hangs on the keyring's key-encryption key, so that who has not the keyring can change, insert,
reorder or remove no entry without its being seen. Beside the log, `<log>.head` says how many entries there were and the
digest of the last: without it a log that lost its end would look whole.

What this cannot show: that log and head were both replaced by an older pair, or both removed. Against that, note the
head that `guard audit verify` prints somewhere else, and give it to the next run (`--expect`). Who can open the keyring
can forge a log. No value that was revealed is in it.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import pwd
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guard.errors import KeyringError, UnwrittenError
from guard.keys import Keyring
from guard.private_files import open_private, read_private, replace_private

SUFFIX = ".audit.jsonl"
HEAD_SUFFIX = ".head"
_START = "0" * 64
_HEAD = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
_CHUNK = 1 << 20
_LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: how many entries it has, and the digest of the last, in hexadecimal digits."""

    entries: int = 0
    digest: str = _START

    def __str__(self) -> str:
        return f"{self.entries}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """A head as `guard audit verify` prints it. Raises KeyringError for other text."""
        found = _HEAD.fullmatch(text.strip())
        if found is None:
            raise KeyringError("that is no head of an audit log", hint="guard audit verify prints it: NUMBER:DIGEST")
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class AuditVerification:
    """What `AuditLog.verify` found. `problem` names the first thing that is wrong, "" for nothing."""

    head: Head
    problem: str = ""

    @property
    def intact(self) -> bool:
        return not self.problem


class AuditLog:
    """The log of one keyring, by default beside it: `<keyring>.audit.jsonl`."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path = path
        self._suite = keyring.algorithms
        self._key = keyring.audit_key()

    @staticmethod
    def beside(keyring: Path) -> Path:
        """Where the log of the keyring at a path is by default."""
        return keyring.with_name(keyring.name + SUFFIX)

    def append(self, event: str, facts: Mapping[str, Any]) -> None:
        """Write one entry, on disk when this returns. `facts` are names, counts and reasons, never values.

        Raises KeyringError when the log cannot be written, or is not what it was after the last entry.
        """
        with self._locked(os.O_RDWR | os.O_CREAT | os.O_APPEND) as descriptor:
            head = self._end(descriptor)
            line = self._entry(head, event, facts)
            try:
                _write(descriptor, line + b"\n")
                os.fsync(descriptor)
            except OSError as error:
                raise UnwrittenError(f"the audit log cannot be written ({error.strerror})") from None
            self._write_head(Head(head.entries + 1, self._digest(line)))

    def verify(self, expected: Head | None = None) -> AuditVerification:
        """Whether every entry is there and unchanged, from the first to the head; `expected` is a head noted earlier.

        Raises KeyringError when there is no log.
        """
        with self._locked(os.O_RDONLY) as descriptor:
            noted = self._read_head()
            if noted is None:
                return AuditVerification(Head(), "the head is missing or is not of this keyring")
            return self._follow(descriptor, [noted, expected or noted])

    def entries(self) -> Iterator[dict[str, Any]]:
        """The entries as plain data, unverified, in order; lines that are none are left out."""
        with self._locked(os.O_RDONLY) as descriptor:
            for line in _lines(descriptor):
                entry = _parsed(line)
                if entry is not None:
                    yield entry

    def _follow(self, descriptor: int, noted: list[Head]) -> AuditVerification:
        """From entry to entry; every head that was noted must be met on the way."""
        head = Head()
        for line in _lines(descriptor):
            number = head.entries + 1
            if not self._is_entry(line, head):
                return AuditVerification(head, f"entry {number} was edited, moved or cut, or is not of this keyring")
            head = Head(number, self._digest(line[:-1]))
            if any(known.entries == number and known != head for known in noted):
                return AuditVerification(head, f"entry {number} is not the one that was noted")
        missing = max(known.entries for known in noted) - head.entries
        return AuditVerification(head, f"{missing} entries are missing at the end" if missing > 0 else "")

    def _is_entry(self, line: bytes, head: Head) -> bool:
        entry = _parsed(line)
        if entry is None or line[-1:] != b"\n":
            return False
        mac = entry.pop("mac", None)
        fits = entry.get("entry") == head.entries + 1 and entry.get("previous") == head.digest
        # Byte for byte: what a parser takes for the same is another line.
        return fits and isinstance(mac, str) and line[:-1] == _encoded({**entry, "mac": mac}) and hmac.compare_digest(
            self._mac("entry", _encoded(entry)).encode(), mac.encode("utf-8", "replace"))

    def _entry(self, head: Head, event: str, facts: Mapping[str, Any]) -> bytes:
        entry = {"entry": head.entries + 1, "time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event,
                 "user": _user(), **facts, "previous": head.digest}
        line = _encoded({**entry, "mac": self._mac("entry", _encoded(entry))})
        if len(line) > _LONGEST:
            raise KeyringError("an audit entry is too long", hint="give a shorter reason")
        return line

    def _end(self, descriptor: int) -> Head:
        """The head of the log as it is, which must be that of the last entry, or one further after a crash.

        A line without an end was cut by a crash before anything was revealed for it; it is taken away.
        """
        noted, size = self._read_head(), os.fstat(descriptor).st_size
        if noted is None and (size or self._head_path.exists()):
            raise _broken()
        if noted is None:
            # Before the first entry, so that a log without a head is never one that a crash left.
            self._write_head(Head())
            return Head()
        whole, last = _tail(descriptor, size)
        entry = _parsed(last + b"\n") if last else None
        end = Head(int(entry["entry"]), self._digest(last)) if entry and self._is_authentic(entry, last) else Head()
        if end != noted and not (entry and end.entries == noted.entries + 1 and entry["previous"] == noted.digest):
            raise _broken()
        if whole < size:
            os.ftruncate(descriptor, whole)
        return end

    def _is_authentic(self, entry: dict[str, Any], line: bytes) -> bool:
        number, previous = entry.get("entry"), entry.get("previous")
        return isinstance(number, int) and isinstance(previous, str) and self._is_entry(
            line + b"\n", Head(number - 1, previous))

    @property
    def _head_path(self) -> Path:
        return self.path.with_name(self.path.name + HEAD_SUFFIX)

    def _read_head(self) -> Head | None:
        """The head beside the log; None when there is none, or none of this keyring."""
        if not self._head_path.exists():
            return None
        text, _, mac = read_private(self._head_path).decode("utf-8", "replace").strip().partition(" ")
        authentic = hmac.compare_digest(self._mac("head", text.encode()).encode(), mac.encode())
        return Head.parse(text) if authentic and _HEAD.fullmatch(text) else None

    def _write_head(self, head: Head) -> None:
        text = str(head)
        replace_private(self._head_path, f"{text} {self._mac('head', text.encode())}\n".encode())

    def _mac(self, use: str, message: bytes) -> str:
        return self._suite.mac(self._key, use.encode() + b"\0" + message).hex()

    def _digest(self, line: bytes) -> str:
        return self._suite.digest(line).hex()

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        descriptor = open_private(self.path, flags)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def _broken() -> KeyringError:
    return KeyringError("the audit log was edited or cut short", hint="guard audit verify tells where; nothing is "
                        "revealed until the log is whole or another one is named")


def _user() -> str:
    """Who runs this, by the system and not by a variable of the environment that anybody sets."""
    uid = os.getuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} ({uid})"
    except KeyError:
        return str(uid)


def _encoded(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _tail(descriptor: int, size: int) -> tuple[int, bytes]:
    """Where the last whole line ends, and that line without its end."""
    start = max(0, size - 2 * _LONGEST)
    end = os.pread(descriptor, size - start, start)
    whole = end.rfind(b"\n") + 1
    return start + whole, end[: max(0, whole - 1)].rpartition(b"\n")[2]


def _lines(descriptor: int) -> Iterator[bytes]:
    """The lines with their ends; one that is longer than any entry comes in parts, which are no entries."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        while line := file.readline(_CHUNK):
            yield line

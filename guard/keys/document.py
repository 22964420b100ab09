"""The keyring file, version 1: JSON with a record for each key, and a MAC over everything in it.

    {"guard_keyring": 1, "suite": "standard", "wrap": {"algorithm": "AES-256-KWP", "kek": "file"},
     "keys": [{"id": "k00c0ffee", "status": "active", "created": "…", "wrapped": "…"}], "mac": "…"}

The MAC is keyed with the key-encryption key, so that an edited status is noticed as much as an edited key. It cannot
show that a whole older file was put back.
"""

from __future__ import annotations

import enum
import hmac
import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from guard.errors import KeyringError
from guard.keys.suites import KEY_BYTES, SUITES, Suite, Unwrapped
from guard.keys.unlocking import unopened

FORMAT = 1


class KeyStatus(enum.StrEnum):
    """What a key may still do."""

    ACTIVE = "active"
    RETIRED = "retired"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True, repr=False)
class KeyRecord:
    """One key of a keyring. At most one is active: it protects new values; a retired one only reveals old ones.

    `created`, `retired` and `destroyed` are times (ISO 8601, UTC), "" where that has not happened. `wrapped` is the key
    under the key-encryption key, "" once it is destroyed.
    """

    id: str
    status: KeyStatus
    created: str
    retired: str = ""
    destroyed: str = ""
    wrapped: str = ""

    def as_json(self) -> dict[str, str]:
        """The record as it stands in the file."""
        names = ("id", "status", "created", "retired", "destroyed", "wrapped")
        return {name: str(value) for name in names if (value := getattr(self, name))}


def now() -> str:
    """The time of a change."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, repr=False)
class KeyringDocument:
    """The content of a keyring file: `lock` says where its key-encryption key comes from."""

    suite: Suite
    lock: dict[str, Any]
    keys: tuple[KeyRecord, ...]

    def with_new_key(self, kek: bytes, key: bytes) -> KeyringDocument:
        """This key active, and the one that was active retired."""
        taken = {record.id for record in self.keys}
        key_id = new_id()
        while key_id in taken:
            key_id = new_id()
        record = KeyRecord(key_id, KeyStatus.ACTIVE, now(), wrapped=self.suite.wrap(kek, key, key_id).hex())
        return replace(self, keys=(*self._retired(), record))

    def with_retired(self, key_id: str) -> KeyringDocument:
        """The active key retired, with no key in its place. Raises KeyringError when it is not the active one."""
        if self.record(key_id).status is not KeyStatus.ACTIVE:
            raise KeyringError(f"the key {key_id} is {self.record(key_id).status}, not active")
        return replace(self, keys=self._retired())

    def with_destroyed(self, key_id: str) -> KeyringDocument:
        """The key gone. Raises KeyringError for the active one, which new values are protected with, and a gone one."""
        status = self.record(key_id).status
        if status is KeyStatus.ACTIVE:
            raise KeyringError(f"the key {key_id} is active", hint="rotate or retire it first, so that nothing uses it")
        if status is KeyStatus.DESTROYED:
            raise KeyringError(f"the key {key_id} was destroyed already")
        return replace(self, keys=tuple(
            replace(record, status=KeyStatus.DESTROYED, destroyed=now(), wrapped="") if record.id == key_id else record
            for record in self.keys))

    def record(self, key_id: str) -> KeyRecord:
        """The record of a key. Raises KeyringError when there is none."""
        for record in self.keys:
            if record.id == key_id:
                return record
        raise KeyringError("the keyring has no such key", hint="guard keys list names its keys")

    def unwrapped(self, kek: bytes) -> dict[str, bytearray]:
        """The keys that are not destroyed, by id."""
        try:
            keys = {record.id: self.suite.unwrap(kek, bytes.fromhex(record.wrapped), record.id)
                    for record in self.keys if record.status is not KeyStatus.DESTROYED}
        except (Unwrapped, ValueError):
            raise unopened() from None
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise unopened()
        return {key_id: bytearray(key) for key_id, key in keys.items()}

    def encoded(self, kek: bytes) -> bytes:
        """The bytes of the file."""
        document: dict[str, Any] = {"guard_keyring": FORMAT, "suite": self.suite.name, "wrap": self.lock,
                                    "keys": [record.as_json() for record in self.keys]}
        document["mac"] = _mac(self.suite, document, kek).hex()
        return json.dumps(document, indent=2).encode() + b"\n"

    def _retired(self) -> tuple[KeyRecord, ...]:
        return tuple(replace(record, status=KeyStatus.RETIRED, retired=now())
                     if record.status is KeyStatus.ACTIVE else record for record in self.keys)


def new_id() -> str:
    """An id that no other keyring is likely to have: `k` and eight hexadecimal digits."""
    return f"k{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True, repr=False)
class Unverified:
    """A keyring file that was read and whose MAC was not looked at yet."""

    suite: Suite
    lock: dict[str, Any]
    plain: dict[str, Any]

    def verified(self, kek: bytes) -> KeyringDocument:
        """The document. Raises the one KeyringError when the MAC, or anything under it, does not fit."""
        try:
            mac = bytes.fromhex(self.plain["mac"])
            if not hmac.compare_digest(_mac(self.suite, self.plain, kek), mac):
                raise unopened()
            keys = tuple(_record(key) for key in self.plain["keys"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise unopened() from None
        if not _sound(keys):
            raise unopened()
        return KeyringDocument(self.suite, self.lock, keys)


def parse(raw: bytes) -> Unverified:
    """The content of a keyring file. Raises the one KeyringError, or says that the file is of a newer version."""
    try:
        plain = json.loads(raw)
        version, suite, lock = plain["guard_keyring"], plain["suite"], plain.get("wrap")
        if isinstance(version, int) and version > FORMAT:
            raise KeyringError(f"the keyring has format {version}, newer than this version of guard",
                               hint="upgrade guard")
        if version != FORMAT or lock["algorithm"] != SUITES[suite].wrap_name:
            raise unopened()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise unopened() from None
    return Unverified(SUITES[suite], lock, plain)


def _record(plain: dict[str, str]) -> KeyRecord:
    record = KeyRecord(**{**plain, "status": KeyStatus(plain["status"])})  # type: ignore[arg-type]
    if not all(isinstance(value, str) for value in plain.values()):
        raise ValueError("a member of a key is a text")
    return record


def _sound(keys: tuple[KeyRecord, ...]) -> bool:
    """The MAC was checked before, so anything else is our own mistake or a newer writer's."""
    active = sum(record.status is KeyStatus.ACTIVE for record in keys)
    return bool(keys) and active <= 1 and len({record.id for record in keys}) == len(keys)


def _mac(suite: Suite, document: dict[str, Any], kek: bytes) -> bytes:
    rest = {name: value for name, value in document.items() if name != "mac"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return suite.mac(suite.subkey(kek, "mac"), canonical)

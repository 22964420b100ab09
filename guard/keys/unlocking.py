"""The key-encryption key: from a passphrase, from a key file, or from a variable of the environment."""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.errors import KeyringError
from guard.keys.suites import KEY_BYTES
from guard.private_files import create_private, read_private

KEK_SUFFIX = ".kek"
SCRYPT = {"n": 2**17, "r": 8, "p": 1}
"""Cost of a passphrase guess: 128 MiB and some tenths of a second."""
SCRYPT_BOUNDS = {"n": (2**14, 2**18), "r": (8, 8), "p": (1, 4)}
"""What an opened file may ask for: it is not authenticated before its cost is paid."""
_SALT_BYTES = 16
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

UNOPENED = "the keyring cannot be opened"
UNOPENED_HINT = "its passphrase or key is not the right one, or the file was changed or cut short"


def unopened() -> KeyringError:
    """The one error for every way in which passphrase, key and content of a keyring do not fit."""
    return KeyringError(UNOPENED, hint=UNOPENED_HINT)


@dataclass(frozen=True, slots=True, repr=False)
class Unlocking:
    """What the caller has to open a keyring with; at most one of the two.

    Without both, the key is in the key file beside the keyring, `<path>.kek`, or in the variable of the environment
    that the keyring names.
    """

    passphrase: str | None = None
    key_file: Path | None = None

    def key_file_of(self, path: Path) -> Path:
        """Where the key file of the keyring at `path` is."""
        return self.key_file or path.with_name(path.name + KEK_SUFFIX)


@dataclass(frozen=True, slots=True, repr=False)
class NewLock:
    """What a new keyring is wrapped with: the record for its file, the key, and the key file if it was made here."""

    record: dict[str, Any]
    kek: bytes
    made: Path | None = None


def new_lock(path: Path, unlocking: Unlocking, variable: str | None, algorithm: str) -> NewLock:
    """The lock of a new keyring. Raises KeyringError for what cannot be used, and for two at once."""
    given = [unlocking.passphrase is not None, unlocking.key_file is not None, variable is not None]
    if sum(given) > 1:
        raise KeyringError("a keyring has a passphrase, a key file or a variable, not two of them")
    if unlocking.passphrase is not None:
        if not unlocking.passphrase:
            raise KeyringError("the passphrase is empty", hint="choose six random words or more")
        scrypt = {**SCRYPT, "salt": secrets.token_hex(_SALT_BYTES)}
        record = {"algorithm": algorithm, "kek": "passphrase", "scrypt": scrypt}
        return NewLock(record, _scrypt(unlocking.passphrase, scrypt))
    if variable is not None:
        return NewLock({"algorithm": algorithm, "kek": "environment", "variable": variable}, _from_variable(variable))
    return _key_file_lock(unlocking.key_file_of(path), algorithm)


def unlock(record: dict[str, Any], path: Path, unlocking: Unlocking) -> bytes:
    """The key-encryption key of an existing keyring. Raises KeyringError, or what a malformed record leads to."""
    kind = record["kek"]
    if kind == "passphrase":
        if not unlocking.passphrase:
            raise KeyringError("this keyring needs its passphrase",
                               hint="GUARD_PASSPHRASE, or a file of --passphrase-file")
        return _scrypt(unlocking.passphrase, record["scrypt"])
    if kind not in ("file", "environment"):
        raise unopened()
    if unlocking.passphrase is not None:
        source = "a key file" if kind == "file" else "a variable of the environment"
        raise KeyringError(f"this keyring is opened by {source}, not by a passphrase",
                           hint="GUARD_PASSPHRASE is set, or --passphrase-file given: leave it out here")
    return _from_variable(record["variable"]) if kind == "environment" else _read_kek(unlocking.key_file_of(path))


def _key_file_lock(key_file: Path, algorithm: str) -> NewLock:
    record = {"algorithm": algorithm, "kek": "file"}
    if key_file.exists() or key_file.is_symlink():
        return NewLock(record, _read_kek(key_file))
    kek = secrets.token_bytes(KEY_BYTES)
    create_private(key_file, f"{kek.hex()}\n".encode())
    return NewLock(record, kek, key_file)


def _read_kek(key_file: Path) -> bytes:
    try:
        return _parsed(read_private(key_file).decode("ascii"))
    except ValueError:
        raise unopened() from None


def _from_variable(name: Any) -> bytes:
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        raise KeyringError("that is no name of a variable")
    value = os.environ.get(name)
    if value is None:
        raise KeyringError(f"the variable {name} is not set", hint="it holds the key as 64 hexadecimal digits")
    try:
        return _parsed(value)
    except ValueError:
        raise KeyringError(f"the variable {name} holds no key", hint="a key is 64 hexadecimal digits") from None


def _parsed(text: str) -> bytes:
    """64 hexadecimal digits. A passphrase is no key: nothing shorter or freer is taken."""
    kek = bytes.fromhex(text.strip())
    if len(kek) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return kek


def _scrypt(passphrase: str, parameters: dict[str, Any]) -> bytes:
    cost = {name: parameters[name] for name in SCRYPT_BOUNDS}
    for name, (low, high) in SCRYPT_BOUNDS.items():
        if type(cost[name]) is not int or not low <= cost[name] <= high:
            raise unopened()
    salt = bytes.fromhex(parameters["salt"])
    if len(salt) < _SALT_BYTES or cost["n"] & (cost["n"] - 1):
        raise unopened()
    # The same passphrase typed on another system may arrive decomposed.
    phrase = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt, KEY_BYTES, cost["n"], cost["r"], cost["p"]).derive(phrase)

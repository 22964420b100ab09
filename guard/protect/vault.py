"""The token vault: random tokens and the encrypted values that they stand for, in a file (SQLite).

A token of a vault is drawn at random and says nothing of its value, with the key or without; who may have a value back
has to ask the vault, with a reason, and the answer is given only after the audit has taken note of it. Values are
encrypted (SIV) and found by a keyed MAC, so that the file alone shows how many values a class has, and no more. One
value has one token, however many processes ask at once: the database lets one of them write at a time.

The keys of a vault are those of the keyring's key that was active when it was made: rotation does not change tokens,
and destroying that key shreds the vault.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag

from guard.crypto.blocks import BlockCipher
from guard.crypto.cmac import Cmac
from guard.crypto.siv import Siv
from guard.crypto.slices import map_by_length
from guard.errors import KeyringError, SourceError, UsageError
from guard.keys import Keyring
from guard.protect.base import Transform
from guard.protect.tokens import ALPHABETS, canonical, prefix

FORMAT = 1
LENGTH = 16
"""Characters of a token, of sixteen symbols each; one that is there already is drawn anew."""
WAIT = 60.0
"""Seconds to wait for another process that writes."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS about (format INTEGER NOT NULL, key_id TEXT NOT NULL, proof BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tokens (data_class TEXT NOT NULL, domain TEXT NOT NULL, found_by BLOB NOT NULL, "
    "token TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL, PRIMARY KEY (data_class, domain, found_by)) WITHOUT ROWID")

Audit = Callable[[Sequence[str], str], None]
"""Takes note of the tokens whose values are asked for, and the reason. What it raises ends the request."""


class TokenVault:
    """A vault at `path`, made when it is not there (mode 0600). Every call opens and closes the database: processes and
    threads may share a path, and none holds a connection.

    Raises KeyringError where the keyring has not the key of the vault, SourceError for a file that is no vault.
    """

    def __init__(self, path: str | Path, keyring: Keyring) -> None:
        self._path, self._keyring = Path(path), keyring
        self._make_private()
        with self._connected() as database, _writing(database):
            for table in _TABLES:
                database.execute(table)
            about = database.execute("SELECT format, key_id, proof FROM about").fetchone()
            if about is None:
                about = (FORMAT, keyring.key_id, self._proof(keyring.key_id))
                database.execute("INSERT INTO about VALUES (?, ?, ?)", about)
        if about[0] != FORMAT:
            raise SourceError("this vault is of another version of guard", reason="unsupported format")
        self._key_id = str(about[1])
        if not secrets.compare_digest(self._proof(self._key_id), bytes(about[2])):
            raise KeyringError("the keyring does not fit this vault", hint="open it with the keyring it was made with")

    def tokens(self, data_class: str, domain: str, values: Sequence[str]) -> list[str]:
        """The token of each value of a class in a link domain; values that have none yet get one."""
        forms = list(dict.fromkeys(values))
        found_by = dict(zip(forms, self._found_by(data_class, domain, forms), strict=True))
        with self._connected() as database:
            known = self._known(database, data_class, domain, list(found_by.values()))
            new = [form for form in forms if found_by[form] not in known]
            if new:
                known |= self._added(database, data_class, domain, new, found_by)
        return [known[found_by[value]] for value in values]

    def detokenise(self, tokens: Sequence[str], reason: str, audit: Audit) -> list[str]:
        """The values of tokens, after `audit` was called with the tokens and the reason.

        Raises UsageError for a blank reason, KeyringError for a token that is not there or was tampered with.
        """
        if not reason.strip():
            raise UsageError("a value is given back for a reason only", hint="say why, for the audit log")
        audit(tokens, reason)
        with self._connected() as database:
            query = "SELECT token, data_class, domain, sealed FROM tokens WHERE token = ?"
            rows = [database.execute(query, (token,)).fetchone() for token in tokens]
        if None in rows:
            raise _no_value()
        return [self._opened(*row) for row in rows]

    def _added(self, database: sqlite3.Connection, data_class: str, domain: str, forms: Sequence[str],
               found_by: dict[str, bytes]) -> dict[bytes, str]:
        """New tokens, unless another process was faster with some."""
        sealing = self._sealing(data_class, domain)
        drawn = [f"{prefix(data_class)}_{_drawn()}" for _ in forms]
        # The token is sealed with its value: moved to another row it does not open.
        sealed = map_by_length(sealing.seal, [f"{token}\0{form}".encode("utf-8", "surrogatepass")
                                              for token, form in zip(drawn, forms, strict=True)])
        rows = [(data_class, domain, found_by[form], token, secret)
                for form, token, secret in zip(forms, drawn, sealed, strict=True)]
        with _writing(database):
            database.executemany("INSERT OR IGNORE INTO tokens VALUES (?, ?, ?, ?, ?)", rows)
            known = self._known(database, data_class, domain, [row[2] for row in rows])
        # Left out is a value whose random token another value has: once in 2^64 draws, and then drawn anew.
        rest = [form for form in forms if found_by[form] not in known]
        return known | (self._added(database, data_class, domain, rest, found_by) if rest else {})

    def _known(self, database: sqlite3.Connection, data_class: str, domain: str,
               found_by: Sequence[bytes]) -> dict[bytes, str]:
        query = "SELECT token FROM tokens WHERE data_class = ? AND domain = ? AND found_by = ?"
        rows = ((mac, database.execute(query, (data_class, domain, mac)).fetchone()) for mac in found_by)
        return {mac: str(row[0]) for mac, row in rows if row}

    def _opened(self, token: str, data_class: str, domain: str, sealed: bytes) -> str:
        try:
            raw = self._sealing(data_class, domain).open(np.frombuffer(sealed, np.uint8).reshape(1, -1)).tobytes()
        except InvalidTag:
            raise _no_value() from None
        stands_for, _, value = raw.decode("utf-8", "surrogatepass").partition("\0")
        if stands_for != token:
            raise _no_value()
        return value

    def _found_by(self, data_class: str, domain: str, forms: Sequence[str]) -> list[bytes]:
        key = self._derive("vault lookup", data_class, domain, 32)
        suite = self._keyring.algorithms
        mac = Cmac(BlockCipher(key[: suite.cipher_key_bytes], suite.cipher))
        return map_by_length(mac.digest, [form.encode("utf-8", "surrogatepass") for form in forms])

    def _sealing(self, data_class: str, domain: str) -> Siv:
        suite = self._keyring.algorithms
        key = self._derive("vault", data_class, domain, 2 * suite.cipher_key_bytes)
        return Siv(key, [data_class.encode(), domain.encode()], suite.cipher)

    def _derive(self, purpose: str, data_class: str, domain: str, length: int) -> bytes:
        return self._keyring.derive(purpose, data_class, domain, length, key_id=self._key_id)

    def _proof(self, key_id: str) -> bytes:
        return self._keyring.derive("vault proof", "", "", 16, key_id=key_id)

    def _make_private(self) -> None:
        """SQLite gives its journal the mode of the file, so that the file has to be there first."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise SourceError(f"{self._path.name} cannot be opened ({error.strerror})", reason="unreadable") from None
        if self._path.stat().st_mode & 0o077:
            raise SourceError(f"{self._path.name} can be read by others than its owner", reason="unreadable",
                              hint=f"chmod 600 {self._path.name}")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=WAIT, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete = ON")
                yield database
        except sqlite3.Error as error:
            # What SQLite says may hold what it was given.
            raise SourceError(f"{self._path.name} cannot be used as a vault ({type(error).__name__})",
                              reason="corrupt") from None


class VaultToken(Transform):
    """pseudonymise by a vault. Without `audit` and a reason for it, nothing is given back."""

    injective = reversible = True

    def __init__(self, data_class: str, vault: TokenVault, domain: str, *,
                 normalise: Callable[[str], str] | None = None, reason: str = "", audit: Audit | None = None) -> None:
        self._data_class, self._vault, self._domain, self._normalise = data_class, vault, domain, normalise
        self._reason, self._audit = reason, audit

    def apply_one(self, value: str) -> str | None:
        result: str | None = self._apply_all(pa.array([value], pa.string()))[0].as_py()
        return result

    def _apply_all(self, values: Any) -> Any:
        encoded = values.dictionary_encode()
        forms = [self._canonical(value) for value in encoded.dictionary.to_pylist()]
        tokens = iter(self._vault.tokens(self._data_class, self._domain, [form for form in forms if form]))
        return pa.array([next(tokens) if form else "" for form in forms], pa.string()).take(encoded.indices)

    def reveal_one(self, value: str) -> str:
        result: str = self.reveal(pa.array([value], pa.string()))[0].as_py()
        return result

    def reveal(self, values: Any, records: Any = None) -> Any:
        """The canonical values of tokens. Raises UsageError without audit, and as `TokenVault.detokenise` does."""
        if self._audit is None:
            raise UsageError("a vault gives values back under audit only")
        encoded = values.dictionary_encode()
        tokens = encoded.dictionary.to_pylist()
        found = iter(self._vault.detokenise([token for token in tokens if token], self._reason, self._audit))
        return pa.array([next(found) if token else "" for token in tokens], values.type).take(encoded.indices)

    def _canonical(self, value: str) -> str:
        if not value.strip():
            return ""
        return canonical(self._data_class, self._normalise(value) or value if self._normalise else value)


@contextmanager
def _writing(database: sqlite3.Connection) -> Iterator[None]:
    """A transaction that waits for other writers first, and is undone whole when anything fails."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _drawn() -> str:
    return "".join(ALPHABETS["letters"][byte & 15] for byte in secrets.token_bytes(LENGTH))


def _no_value() -> KeyringError:
    return KeyringError("a token has no value in this vault", hint="it is of another vault, or the vault was changed")

"""The keyring: a few secrets, and every key that Guard uses derived from them.

Keyring file v1 is JSON, mode 0600. It holds keys by id (32 bytes each), wrapped under a key-encryption key that comes
from a passphrase (scrypt, RFC 7914), a key file or the environment, and a MAC over everything else in the file. The
caller chooses a suite and no algorithm.

Python cannot promise to wipe memory: `destroy` overwrites our copy, but copies made by the interpreter or by OpenSSL
may live on until the process ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from guard.errors import KeyringError
from guard.keys.document import KeyRecord, KeyringDocument, KeyStatus, new_id, now, parse
from guard.keys.packing import packed
from guard.keys.suites import KEY_BYTES, Suite, suite_named
from guard.keys.unlocking import NewLock, Unlocking, new_lock, unlock, unopened
from guard.private_files import create_private, exists_already, locked, read_private, replace_private


class Keyring:
    """Derives keys and never shows one. Made by `create`, `open` or `ephemeral`; cannot be pickled or copied.

    `key_id` is the id of the active key, which new values are protected with ("" when there is none), `keys` are the
    records of all, `suite` the name of the algorithms' suite.
    """

    __slots__ = ("_document", "_kek", "_masters", "_path", "_suite", "is_ephemeral")

    def __init__(self, document: KeyringDocument, masters: dict[str, bytearray], kek: bytes = b"",
                 path: Path | None = None) -> None:
        self.is_ephemeral = path is None
        self._suite = document.suite
        self._path = path
        self._kek = bytearray(kek)
        self._document = document
        self._masters = masters

    @classmethod
    def create(cls, path: str | Path, passphrase: str | None = None, key_file: str | Path | None = None, *,
               key_variable: str | None = None, suite: str = "standard") -> Keyring:
        """A new keyring file at `path` with one active key, opened. Raises KeyringError when a file is there already.

        Without a passphrase the key-encryption key is kept in `key_file`, by default `<path>.kek`, mode 0600; it is
        made when it is not there. Keep it elsewhere than the keyring: who has both has the keys. With `key_variable`
        it is 64 hexadecimal digits in that variable of the environment. `suite` is `standard` (AES-256, SHA-256) or
        `domestic` (SM4, SM3).
        """
        path = Path(path)
        algorithms = suite_named(suite)
        if path.exists() or path.is_symlink():
            raise exists_already(path)
        lock = new_lock(path, _unlocking(passphrase, key_file), key_variable, algorithms.wrap_name)
        document, master = _first_key(algorithms, lock)
        try:
            create_private(path, document.encoded(lock.kek))
        except KeyringError:
            if lock.made:
                lock.made.unlink(missing_ok=True)
            raise
        return cls(document, master, lock.kek, path)

    @classmethod
    def open(cls, path: str | Path, passphrase: str | None = None, key_file: str | Path | None = None) -> Keyring:
        """The keyring at `path`. One error for every way in which passphrase, key and content do not fit.

        Raises KeyringError for a file that is missing, a symbolic link, another user's, or readable by others.
        """
        path = Path(path)
        found = parse(read_private(path))
        suite_named(found.suite.name)
        try:
            kek = unlock(found.lock, path, _unlocking(passphrase, key_file))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise unopened() from None
        document = found.verified(kek)
        return cls(document, document.unwrapped(kek), kek, path)

    @classmethod
    def ephemeral(cls, suite: str = "standard") -> Keyring:
        """A keyring for one release, in memory only; nothing can save it. Call `destroy` when the release is done."""
        record = KeyRecord(new_id(), KeyStatus.ACTIVE, now())
        document = KeyringDocument(suite_named(suite), {}, (record,))
        return cls(document, {record.id: bytearray(secrets.token_bytes(KEY_BYTES))})

    @property
    def keys(self) -> tuple[KeyRecord, ...]:
        """The records of all keys, in the order of their making."""
        return self._document.keys

    @property
    def key_id(self) -> str:
        """The id of the active key; "" when there is none."""
        return next((record.id for record in self.keys if record.status is KeyStatus.ACTIVE), "")

    @property
    def suite(self) -> str:
        """`standard` or `domestic`."""
        return self._suite.name

    @property
    def algorithms(self) -> Suite:
        """The algorithms of the suite."""
        return self._suite

    @property
    def lock(self) -> str:
        """What opens the file: `passphrase`, `file` or `environment`; "" without a file."""
        return str(self._document.lock.get("kek", ""))

    def derive(self, purpose: str, data_class: str, domain: str, length: int = KEY_BYTES, *,
               key_id: str = "") -> bytes:
        """A key of `length` bytes (16 to 64) for one purpose, data class and link domain: HKDF (RFC 5869).

        Each part is length-prefixed, so that no two triples share a key. From the active key, or from `key_id`, which
        old values name. Raises KeyringError where that is destroyed or not there, and after `destroy`.
        """
        if not 16 <= length <= 64:
            raise ValueError("a derived key has 16 to 64 bytes")
        master = self._master(key_id)
        return self._suite.derive(master, length,
                                  packed("guard/v1", self._suite.name, purpose, data_class, domain, str(length)))

    def at(self, key_id: str) -> Keyring:
        """This keyring with another key as the active one, in memory only: to turn back what does not name its key.

        Raises KeyringError for a key that is destroyed or not there.
        """
        self._master(key_id)
        keys = tuple(replace(record, status=KeyStatus.ACTIVE if record.id == key_id else KeyStatus.RETIRED)
                     for record in self.keys if record.status is not KeyStatus.DESTROYED)
        return Keyring(replace(self._document, keys=keys), self._masters)

    def audit_key(self) -> bytes:
        """The key that the entries of this keyring's audit log are authenticated with.

        It hangs on the key-encryption key and not on the keys of values, so that a log outlives a destroyed key.
        Raises KeyringError for a keyring without a file.
        """
        if not any(self._kek):
            raise KeyringError("the keyring has no audit log", hint="only a keyring with a file has one")
        return self._suite.subkey(bytes(self._kek), "audit")

    def rotate(self) -> str:
        """Make a new active key and retire the one before; returns the new id. What was protected stays readable."""
        key = secrets.token_bytes(KEY_BYTES)
        self._change(lambda document: document.with_new_key(bytes(self._kek), key))
        return self.key_id

    def retire(self, key_id: str) -> None:
        """Protect nothing more with the active key; it still reveals. New values need `rotate` then."""
        self._change(lambda document: document.with_retired(key_id))

    def destroy_key(self, key_id: str) -> None:
        """Remove a retired key from the file for good: everything protected with it becomes unreadable.

        Copies of the file, backups included, keep the key as long as they and their key-encryption key exist.
        """
        self._change(lambda document: document.with_destroyed(key_id))

    def check_destroyable(self, key_id: str) -> None:
        """Raises KeyringError where `destroy_key` would; changes nothing."""
        self._document.with_destroyed(key_id)

    def destroy(self) -> None:
        """Forget the keys in memory: nothing can be derived any more. A file that holds them stays."""
        for secret in (*self._masters.values(), self._kek):
            secret[:] = bytes(len(secret))

    def __repr__(self) -> str:
        return f"<Keyring {self.key_id}>"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a keyring cannot be pickled or copied")

    def _master(self, key_id: str) -> bytes:
        chosen = key_id or self.key_id
        if not chosen:
            raise KeyringError("the keyring has no active key", hint="guard keys rotate makes one")
        if self._document.record(chosen).status is KeyStatus.DESTROYED:
            raise KeyringError(f"the key {chosen} was destroyed", hint="what it protected cannot be revealed again")
        master = bytes(self._masters[chosen])
        if not any(master):
            raise KeyringError("the keyring was destroyed", hint="its pseudonyms cannot be made again")
        return master

    def _change(self, change: Callable[[KeyringDocument], KeyringDocument]) -> None:
        """Change what the file holds now, under its lock: another process may have changed it since it was opened."""
        if self._path is None or not any(self._kek):
            raise KeyringError("the keyring has no file to change")
        kek = bytes(self._kek)
        with locked(self._path):
            document = change(parse(read_private(self._path)).verified(kek))
            masters = document.unwrapped(kek)
            replace_private(self._path, document.encoded(kek))
        self._document, self._masters = document, masters


def _unlocking(passphrase: str | None, key_file: str | Path | None) -> Unlocking:
    return Unlocking(passphrase, Path(key_file) if key_file is not None else None)


def _first_key(suite: Suite, lock: NewLock) -> tuple[KeyringDocument, dict[str, bytearray]]:
    document = KeyringDocument(suite, lock.record, ()).with_new_key(lock.kek, secrets.token_bytes(KEY_BYTES))
    return document, document.unwrapped(lock.kek)

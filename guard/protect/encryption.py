"""encrypt: a value that is had back with the key, and only where it belongs.

Randomised: AES-256-GCM-SIV (RFC 8452) or SM4-GCM under a random 96-bit nonce, bound to data set, field and record key;
equal values look different. Deterministic: AES-256-SIV (RFC 5297), or SM4 in its place, bound to link domain and field;
equal values look equal, so that columns join, and whoever sees them can count. Every field has a key of its own for
each mode, derived from the keyring. An empty value stays empty: that it is empty is not hidden, nor how long it is.

Moved to another record or field, under another key, or with a bit changed, a value does not open, and the error does
not tell which.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from guard.crypto.siv import Siv
from guard.errors import KeyringError, UsageError
from guard.keys import Keyring, KeyStatus, open_sm4_gcm, packed, seal_sm4_gcm
from guard.protect.base import Transform
from guard.protect.ciphertext import PREFIX, Malformed, decoded, encoded, prefix, split_prefix
from guard.protect.columns import Bytes, Rows, Slices, assemble, from_matrix

NONCE = 12
TAG = 16
MOST_MESSAGES = 1 << 32
"""Values of one field under one key: with random nonces of 96 bits two are equal with a chance of 2^-33 by then, and
NIST SP 800-38D (8.3) sets this limit for GCM. AES-GCM-SIV would only tell that two values are equal; SM4-GCM breaks."""
LEAST_DISTINCT = 1000
"""A field with fewer different values, many of which repeat, is not encrypted deterministically unless forced."""
_REPEATED = 0.2
"""Share of the values of a field that may repeat others."""

Seal = Callable[[bytes, bytes, bytes], bytes]
"""Nonce, plaintext or ciphertext, associated data."""


def not_revealed() -> KeyringError:
    """The one error for every way in which a value, its place and its key do not fit."""
    return KeyringError("a value cannot be revealed", hint="it was changed or moved, its key is not in this "
                        "keyring, or it is bound to other names: --dataset takes what protect said it was protected as")


class Encryption(Transform):
    """What both modes share: the text form, and the keys by id."""

    injective = reversible = True
    letter: ClassVar[str]

    def __init__(self, keyring: Keyring, place: str, field: str) -> None:
        self._keyring = keyring
        self._place, self._field = place, field
        self.mode = self.letter + keyring.algorithms.cipher[0].lower()
        """The mode in the text form."""

    def reveal_one(self, value: str) -> str:
        return str(self.reveal(pa.array([value], pa.string()))[0].as_py())

    def _derive(self, key_id: str, length: int) -> bytes:
        return self._keyring.derive(f"encrypt:{self.mode}", self._field, self._place, length, key_id=key_id)

    def _bound(self, key_id: str, *record: str) -> bytes:
        """What a ciphertext is bound to, beside its key: one encoding for each record key, and for none."""
        return packed("guard/v1/field", key_id, self.mode, self._place, self._field, *record)

    def _by_prefix(self, slices: Slices) -> list[tuple[str, Rows, Bytes]]:
        """Groups of rows with one key and one width: key id, rows, payloads. Empty and null rows are left out."""
        groups = []
        for width, rows in slices.by_width():
            if not width:
                continue
            matrix = slices.matrix(rows, width)
            if width <= PREFIX:
                raise not_revealed()
            left = np.ones(len(rows), bool)
            while left.any():
                # A column has few keys, most often one.
                start = matrix[int(left.argmax()), :PREFIX]
                same = left & (matrix[:, :PREFIX] == start).all(axis=1)
                groups.append((self._key_of(start.tobytes()), rows[same], _payloads(matrix[same, PREFIX:])))
                left &= ~same
        return groups

    def _key_of(self, start: bytes) -> str:
        """The id of the key behind a prefix. That it was destroyed is told; anything else is the one error."""
        found = split_prefix(start)
        if found is None or found[1] != self.mode:
            raise not_revealed()
        statuses = {record.id: record.status for record in self._keyring.keys}
        if found[0] not in statuses:
            raise not_revealed()
        if statuses[found[0]] is KeyStatus.DESTROYED:
            raise KeyringError(f"the key {found[0]} was destroyed", hint="what it protected cannot be revealed again")
        return found[0]


class RandomisedEncryption(Encryption):
    """encrypt, randomised: bound to data set and field, and to the record where its key is given.

    The record key is the value of a column that is unique and stays as it is. A ciphertext made with a record key opens
    with that one only, and one made without opens without.
    """

    letter = "r"
    binds_records = True

    def __init__(self, keyring: Keyring, dataset: str, field: str) -> None:
        super().__init__(keyring, dataset, field)
        self._sealed = 0

    def apply_one(self, value: str) -> str | None:
        return self._seal_all([value], None)[0]

    def apply(self, values: Any, records: Any = None) -> Any:
        """As `Transform.apply`; `records` are the record keys, an array of strings as long as `values`."""
        keys = None if records is None else records.to_pylist()
        if keys is not None and (len(keys) != len(values) or None in keys or "" in keys):
            raise UsageError("a record has no record key", hint="name a column that every record has a value in")
        return pa.array(self._seal_all(values.to_pylist(), keys), values.type)

    def reveal(self, values: Any, records: Any = None) -> Any:
        """As `Transform.reveal`. Raises KeyringError, without telling which value does not open or why."""
        keys = None if records is None else records.to_pylist()
        results = values.to_pylist()
        for key_id, rows, payloads in self._by_prefix(Slices.of(values)):
            opener = self._opener(key_id)
            for row, payload in zip(rows.tolist(), payloads, strict=True):
                raw = payload.tobytes()
                associated = self._bound(key_id, *_record(keys, row))
                results[row] = _opened(lambda: opener(raw[:NONCE], raw[NONCE:], associated))  # noqa: B023 - called at once
        return pa.array(results, values.type)

    def _seal_all(self, values: Sequence[str | None], keys: Sequence[str] | None) -> list[str | None]:
        key_id = self._keyring.key_id
        seal, start = self._sealer(key_id), prefix(key_id, self.mode).decode("ascii")
        self._sealed += len(values)
        if self._sealed > MOST_MESSAGES:
            raise UsageError("a field has too many values for one key", hint="protect it in several data sets")
        nonces, unbound = secrets.token_bytes(NONCE * len(values)), self._bound(key_id)
        results: list[str | None] = []
        for row, value in enumerate(values):
            if not value:
                results.append(value)
                continue
            nonce = nonces[row * NONCE : (row + 1) * NONCE]
            associated = unbound if keys is None else self._bound(key_id, keys[row])
            payload = nonce + seal(nonce, value.encode("utf-8"), associated)
            results.append(start + base64.urlsafe_b64encode(payload).rstrip(b"=").decode("ascii"))
        return results

    def _sealer(self, key_id: str) -> Seal:
        if self._keyring.suite == "domestic":
            key = self._derive(key_id, 16)
            return lambda nonce, value, associated: seal_sm4_gcm(key, nonce, value, associated)
        return AESGCMSIV(self._derive(key_id, 32)).encrypt

    def _opener(self, key_id: str) -> Seal:
        if self._keyring.suite == "domestic":
            key = self._derive(key_id, 16)
            return lambda nonce, value, associated: open_sm4_gcm(key, nonce, value, associated)
        return AESGCMSIV(self._derive(key_id, 32)).decrypt


class DeterministicEncryption(Encryption):
    """encrypt, deterministic: the same value gives the same text wherever link domain and field are the same.

    What is encrypted is the value as it is written: `138 0013 8000` and `13800138000` do not join. Who sees the column
    sees which values are equal and how often each occurs; over few values that gives them away, so `objection` is
    raised below LEAST_DISTINCT different values of which more than a fifth repeat, unless `force`.
    """

    letter = "d"

    def __init__(self, keyring: Keyring, domain: str, field: str, *, force: bool = False) -> None:
        super().__init__(keyring, domain, field)
        self._force = force
        self._filled = 0
        self._distinct: set[int] = set()
        self._cipher: tuple[str, Siv] | None = None

    def apply_one(self, value: str) -> str | None:
        return str(self._apply_all(pa.array([value], pa.string()))[0].as_py())

    def reveal(self, values: Any, records: Any = None) -> Any:
        """As `Transform.reveal`. Raises KeyringError, without telling which value does not open or why."""
        slices = Slices.of(values)
        parts = [(rows, from_matrix(self._open(key_id, payloads)))
                 for key_id, rows, payloads in self._by_prefix(slices)]
        return assemble([*parts, _blanks(slices)], len(values)).cast(values.type)

    def objection(self) -> str:
        few = len(self._distinct) < LEAST_DISTINCT and len(self._distinct) < (1 - _REPEATED) * self._filled
        return "" if self._force or not few else (
            f"{len(self._distinct)} different values among {self._filled} are too few to be encrypted "
            "deterministically: how often each occurs gives them away")

    def _apply_all(self, values: Any) -> Any:
        slices, key_id = Slices.of(values), self._keyring.key_id
        cipher, start = self._cipher_of(key_id), prefix(key_id, self.mode)
        parts = []
        for width, rows in slices.by_width():
            if width:
                sealed = cipher.seal(slices.matrix(rows, width))
                self._count(sealed)
                parts.append((rows, from_matrix(encoded(start, sealed))))
        return assemble([*parts, _blanks(slices)], len(values))

    def _count(self, sealed: Bytes) -> None:
        """Different values, by the first half of V: as good as a hash, and there already."""
        self._filled += len(sealed)
        if len(self._distinct) < LEAST_DISTINCT:
            halves = np.ascontiguousarray(sealed[:, :8]).view(np.uint64).ravel()
            self._distinct.update(np.unique(halves)[:LEAST_DISTINCT].tolist())

    def _open(self, key_id: str, payloads: Bytes) -> Bytes:
        try:
            return self._cipher_of(key_id).open(payloads)
        except InvalidTag:
            raise not_revealed() from None

    def _cipher_of(self, key_id: str) -> Siv:
        if self._cipher is None or self._cipher[0] != key_id:
            algorithms = self._keyring.algorithms
            key = self._derive(key_id, 2 * algorithms.cipher_key_bytes)
            self._cipher = key_id, Siv(key, [self._bound(key_id)], algorithms.cipher)
        return self._cipher[1]


def _payloads(digits: Bytes) -> Bytes:
    try:
        return decoded(digits)
    except Malformed:
        raise not_revealed() from None


def _opened(opener: Callable[[], bytes]) -> str:
    """The plaintext. What is authentic is UTF-8, for nothing else was sealed."""
    try:
        return opener().decode("utf-8")
    except (InvalidTag, ValueError):
        raise not_revealed() from None


def _record(keys: Sequence[str] | None, row: int) -> tuple[str, ...]:
    return () if keys is None else (keys[row],)


def _blanks(slices: Slices) -> tuple[Rows, Any]:
    """The rows that are empty, and their values."""
    empty = np.flatnonzero(slices.widths == 0)
    return empty, pa.array([""] * len(empty), pa.string())

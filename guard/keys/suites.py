"""The two suites: which algorithms stand for a hash, a MAC, a key derivation and a key wrap.

    standard   SHA-256 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869), AES-256 key wrap with padding (RFC 5649)
    domestic   SM3 (GB/T 32905), HMAC and HKDF over it, SM4-GCM (GB/T 32907, GB/T 36624) for the wrap

A keyring has one suite, chosen when it is made. HKDF over SM3 is the construction of RFC 5869, which no GM standard
covers: `docs/cryptography.md` says of each part which standard stands behind it.

A scan without a keyring needs nothing of this: the library is imported where it is used.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from abc import ABC, abstractmethod

from guard.errors import KeyringError
from guard.keys.packing import packed

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class Unwrapped(Exception):  # noqa: N818 - what happened, for the caller to say in its own words
    """A wrapped key that does not open under this key-encryption key."""


class Suite(ABC):
    """The algorithms of one suite. `cipher` is the block cipher's name, `wrap_name` what the file calls the wrap."""

    name: str
    cipher: str
    cipher_key_bytes: int
    wrap_name: str

    @abstractmethod
    def digest(self, message: bytes) -> bytes:
        """32 bytes of the suite's hash."""

    @abstractmethod
    def mac(self, key: bytes, message: bytes) -> bytes:
        """32 bytes of HMAC with the suite's hash."""

    @abstractmethod
    def derive(self, secret: bytes, length: int, info: bytes) -> bytes:
        """HKDF with the suite's hash and no salt."""

    @abstractmethod
    def wrap(self, kek: bytes, key: bytes, key_id: str) -> bytes:
        """A key under a key-encryption key."""

    @abstractmethod
    def unwrap(self, kek: bytes, wrapped: bytes, key_id: str) -> bytes:
        """The key again. Raises Unwrapped when anything does not fit."""

    def subkey(self, kek: bytes, use: str, length: int = KEY_BYTES) -> bytes:
        """A key of its own for each use of the key-encryption key."""
        return self.derive(kek, length, packed("guard/v1/kek", use))


class Standard(Suite):
    """AES-256 and SHA-256."""

    name, cipher, cipher_key_bytes, wrap_name = "standard", "AES", 32, "AES-256-KWP"

    def digest(self, message: bytes) -> bytes:
        return hashlib.sha256(message).digest()

    def mac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, "sha256")

    def derive(self, secret: bytes, length: int, info: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(hashes.SHA256(), length, salt=None, info=info).derive(secret)

    def wrap(self, kek: bytes, key: bytes, key_id: str) -> bytes:
        from cryptography.hazmat.primitives import keywrap

        # RFC 5649 binds nothing beside the key: the MAC over the whole file binds id and status to it.
        return keywrap.aes_key_wrap_with_padding(self.subkey(kek, "wrap"), key)

    def unwrap(self, kek: bytes, wrapped: bytes, key_id: str) -> bytes:
        from cryptography.hazmat.primitives import keywrap

        try:
            return keywrap.aes_key_unwrap_with_padding(self.subkey(kek, "wrap"), wrapped)
        except keywrap.InvalidUnwrap:
            raise Unwrapped from None


class Domestic(Suite):
    """SM4 and SM3."""

    name, cipher, cipher_key_bytes, wrap_name = "domestic", "SM4", 16, "SM4-GCM"

    def digest(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes

        state = hashes.Hash(hashes.SM3())
        state.update(message)
        return state.finalize()

    def mac(self, key: bytes, message: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives import hmac as keyed

        state = keyed.HMAC(key, hashes.SM3())
        state.update(message)
        return state.finalize()

    def derive(self, secret: bytes, length: int, info: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(hashes.SM3(), length, salt=None, info=info).derive(secret)

    def wrap(self, kek: bytes, key: bytes, key_id: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + seal_sm4_gcm(self._wrap_key(kek), nonce, key, packed(self.wrap_name, key_id))

    def unwrap(self, kek: bytes, wrapped: bytes, key_id: str) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return open_sm4_gcm(self._wrap_key(kek), wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:],
                                packed(self.wrap_name, key_id))
        except (InvalidTag, ValueError):
            raise Unwrapped from None

    def _wrap_key(self, kek: bytes) -> bytes:
        return self.subkey(kek, "wrap", self.cipher_key_bytes)


SUITES: dict[str, Suite] = {suite.name: suite for suite in (Standard(), Domestic())}


def suite_named(name: str) -> Suite:
    """The suite, which this build of OpenSSL must have. Raises KeyringError."""
    if name not in SUITES:
        raise KeyringError("unknown suite", hint=f"the suites are {', '.join(SUITES)}")
    from cryptography.exceptions import UnsupportedAlgorithm

    suite = SUITES[name]
    try:
        suite.wrap(bytes(KEY_BYTES), bytes(KEY_BYTES), "")
    except UnsupportedAlgorithm:
        raise KeyringError(f"the suite {name} is not available: OpenSSL was built without it") from None
    return suite


def seal_sm4_gcm(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """SM4-GCM (RFC 8998 has its test vectors): ciphertext and 16-byte tag. `nonce` has 12 bytes, never twice a key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def open_sm4_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """The plaintext again. Raises InvalidTag (of `cryptography`), or ValueError for what is too short to be any."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(nonce) != NONCE_BYTES or len(sealed) < TAG_BYTES:
        raise ValueError("too short to be SM4-GCM")
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-TAG_BYTES:])).decryptor()
    decryptor.authenticate_additional_data(associated)
    # GCM's plaintext is not to be used before the tag was checked, which `finalize` does.
    opened = decryptor.update(sealed[:-TAG_BYTES])
    return opened + decryptor.finalize()

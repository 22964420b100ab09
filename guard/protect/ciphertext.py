"""The text form of an encrypted value: `g1:<key id>:<mode>:<base64url>`, and whole columns of it.

    g1          the form, version 1
    key id      of the keyring's key: `k` and eight hexadecimal digits
    mode        ra  AES-256-GCM-SIV, randomised      rs  SM4-GCM, randomised
                da  AES-256-SIV, deterministic       ds  SM4 in the SIV construction, deterministic
    base64url   RFC 4648 section 5 without padding: nonce, ciphertext and tag (randomised), V and ciphertext (SIV)

All that stands before the payload has PREFIX characters. Base64 has spare bits at its end; they are zero, or the value
is refused, so that no two texts stand for one ciphertext.
"""

from __future__ import annotations

import re
import string

import numpy as np

from guard.protect.columns import Bytes

FORM = "g1"
PREFIX = len("g1:k00000000:ra:")
CIPHERTEXT = re.compile(r"g1:k[0-9a-f]{8}:(?:ra|rs|da|ds):[A-Za-z0-9_-]{22,}")
"""An encrypted value inside of other text. The shortest payload is a tag and one byte, 17 bytes."""
_SYMBOLS = np.frombuffer((string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_").encode(), np.uint8)
_NONE = 0xFF
_VALUES = np.full(256, _NONE, np.uint8)
_VALUES[_SYMBOLS] = np.arange(64, dtype=np.uint8)


class Malformed(Exception):  # noqa: N818 - what happened, for the caller to say in its own words
    """Text that is no base64url."""


def prefix(key_id: str, mode: str) -> bytes:
    """What stands before the payload."""
    return f"{FORM}:{key_id}:{mode}:".encode("ascii")


def split_prefix(start: bytes) -> tuple[str, str] | None:
    """Key id and mode, from the first PREFIX bytes of an encrypted value; None where they are no prefix."""
    parts = start.decode("latin-1").split(":")
    if len(parts) != 4 or parts[0] != FORM or not re.fullmatch(r"k[0-9a-f]{8}", parts[1]) or parts[3]:
        return None
    return parts[1], parts[2]


def encoded(start: bytes, payloads: Bytes) -> Bytes:
    """Payloads of one length, shape (n, length), as texts that begin with `start`, one row each."""
    count, length = payloads.shape
    padded = payloads
    if length % 3:
        padded = np.zeros((count, length + 3 - length % 3), np.uint8)
        padded[:, :length] = payloads
    one, two, three = padded[:, 0::3], padded[:, 1::3], padded[:, 2::3]
    groups = np.stack((one >> 2, (one & 3) << 4 | two >> 4, (two & 15) << 2 | three >> 6, three & 63), axis=2)
    digits = groups.reshape(count, -1)[:, : -(-length * 4 // 3)]
    text = np.empty((count, len(start) + digits.shape[1]), np.uint8)
    text[:, : len(start)] = np.frombuffer(start, np.uint8)
    text[:, len(start) :] = _SYMBOLS[digits]
    return text


def decoded(digits: Bytes) -> Bytes:
    """Payloads from their base64url digits, shape (n, digits). Raises Malformed when any row is not just that."""
    count, width = digits.shape
    values = _VALUES[digits]
    if width % 4 == 1 or (values == _NONE).any():
        raise Malformed
    padded = values
    if width % 4:
        padded = np.zeros((count, width + 4 - width % 4), np.uint8)
        padded[:, :width] = values
    one, two, three, four = (padded[:, at::4] for at in range(4))
    whole = np.stack((one << 2 | two >> 4, two << 4 | three >> 2, three << 6 | four), axis=2).reshape(count, -1)
    length = width * 3 // 4
    if whole[:, length:].any():
        raise Malformed
    return whole[:, :length]

"""Checks of formats that carry their own proof: check sums of keys, credentials in base 64.

Each takes the normal form of a value. Named in packs through `guard.detect.validators`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CHECK_BYTES = 4


def bech32(value: str) -> bool:
    """The last six characters are the check sum of BIP 173, as age identities and Nostr keys have it."""
    prefix, _, body = value.lower().rpartition("1")
    places = [_BECH32.find(character) for character in body]
    if not prefix or len(body) < 6 or min(places) < 0:
        return False
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    return _polymod(spread + places) == 1


def _polymod(values: list[int]) -> int:
    """The remainder over GF(32) that BIP 173 defines."""
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def base58_check(value: str) -> bool:
    """The last four bytes are the double SHA-256 of the others (Base58Check: wallet import format, BIP 32)."""
    number = 0
    for character in value:
        digit = _BASE58.find(character)
        if digit < 0:
            return False
        number = number * 58 + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    return bool(body) and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:_CHECK_BYTES] == check


def basic_credentials(value: str) -> bool:
    """Base 64 of `user:password` in printable characters (RFC 7617)."""
    user, mark, password = (_decoded(value) or "").partition(":")
    return bool(user and mark) and len(password) >= 4


def encoded_password(value: str) -> bool:
    """Base 64 of printable text, as npm keeps passwords."""
    return len(_decoded(value) or "") >= 6


def _decoded(value: str) -> str | None:
    """The printable ASCII text behind base 64 of either alphabet; None when there is none."""
    try:
        raw = base64.b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
        text = raw.decode("ascii")
    except (ValueError, binascii.Error):
        return None
    return text if text.isprintable() else None

"""AES-SIV (RFC 5297) over many values at once: deterministic authenticated encryption.

The same value under the same key and associated data gives the same result, which is what lets encrypted columns join,
and tells who sees them which values are equal. The output is `V || C`, 16 bytes longer than the value, and byte for
byte that of `cryptography`'s AESSIV.

With SM4 in place of AES this is the same construction over the other cipher. No standard covers that: RFC 5297 names
AES only, and no GM/T standard names SIV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cryptography.exceptions import InvalidTag

from guard.crypto.blocks import BLOCK, ROWS, BlockCipher, Bytes
from guard.crypto.cmac import Cmac, as_block, doubled
from guard.crypto.slices import map_by_length

_CLEARED = np.frombuffer(bytes.fromhex("ffffffffffffffff7fffffff7fffffff"), np.uint8)
"""The counter starts from V without the top bits of its last two words, so that adding never carries beyond them."""
_ONE = np.frombuffer(b"\x80" + bytes(BLOCK - 1), np.uint8)
MOST = (1 << 31) * BLOCK
"""Bytes of the longest value: beyond, the counter would run into the bit that was cleared."""


class Siv:
    """SIV under one key and one vector of associated data.

    `key` is the key of S2V followed by that of the counter mode: 32, 48 or 64 bytes for AES, 32 for SM4. `associated`
    are the components that every value is bound to, in order, at most 126; a nonce, where there is one, is the last.
    """

    def __init__(self, key: bytes, associated: Sequence[bytes] = (), algorithm: str = "AES") -> None:
        if len(key) % 2:
            raise ValueError("a key of SIV is two keys of its cipher")
        if len(associated) > 126:
            raise ValueError("SIV takes at most 126 components of associated data")
        middle = len(key) // 2
        self._mac = Cmac(BlockCipher(key[:middle], algorithm))
        self._counter = BlockCipher(key[middle:], algorithm)
        bound = int.from_bytes(self._mac.digest_one(bytes(BLOCK)), "big")
        for component in associated:
            bound = doubled(bound) ^ int.from_bytes(self._mac.digest_one(component), "big")
        self._long, self._short = as_block(bound), as_block(doubled(bound))

    def seal(self, values: Bytes) -> Bytes:
        """Values of one length, shape (n, length), encrypted: shape (n, 16 + length)."""
        sealed = np.empty((len(values), BLOCK + values.shape[1]), np.uint8)
        for start in range(0, len(values), ROWS):
            piece, place = values[start : start + ROWS], sealed[start : start + ROWS]
            place[:, :BLOCK] = self._synthetic(piece)
            place[:, BLOCK:] = self._crypt(place[:, :BLOCK], piece)
        return sealed

    def open(self, sealed: Bytes) -> Bytes:
        """What `seal` was given, from its result, shape (n, 16 + length).

        Raises InvalidTag when one of them is not what this key made with this associated data; it does not tell which.
        """
        if sealed.shape[1] < BLOCK:
            raise InvalidTag
        values = np.empty((len(sealed), sealed.shape[1] - BLOCK), np.uint8)
        different = np.uint8(0)
        for start in range(0, len(sealed), ROWS):
            piece = sealed[start : start + ROWS]
            opened = self._crypt(piece[:, :BLOCK], piece[:, BLOCK:])
            # Over all rows and bytes, whatever they hold: how long it takes tells nothing of where they differ.
            different |= np.bitwise_or.reduce(self._synthetic(opened) ^ piece[:, :BLOCK], axis=None)
            values[start : start + ROWS] = opened
        if different:
            raise InvalidTag
        return values

    def _synthetic(self, values: Bytes) -> Bytes:
        """S2V of the associated data and each value."""
        count, length = values.shape
        if length >= BLOCK:
            message = values.copy()
            message[:, length - BLOCK :] ^= self._long
        else:
            message = np.zeros((count, BLOCK), np.uint8)
            message[:, :length] = values
            message[:, length] = 0x80
            message ^= self._short
        return self._mac.digest(message)

    def _crypt(self, synthetic: Bytes, values: Bytes) -> Bytes:
        """Counter mode from each value's own initial counter: encrypts and decrypts."""
        count, length = values.shape
        blocks = -(-length // BLOCK)
        if not length or not count:
            return values.copy()
        counters = np.repeat((synthetic & _CLEARED)[:, None], blocks, axis=1).reshape(-1, BLOCK).view(">u4")
        last = counters[:, 3].reshape(count, blocks)
        last += np.arange(blocks, dtype=np.uint32)
        stream = self._counter.encrypt(counters).reshape(count, blocks * BLOCK)
        return values ^ stream[:, :length]


def seal_many(key: bytes, plaintexts: Sequence[bytes], associated: Sequence[bytes] = (),
              algorithm: str = "AES") -> list[bytes]:
    """Each plaintext encrypted, all under the same components of associated data (a field's: domain, name, …).

    `seal_many(key, [p, q], ad)` is `[AESSIV(key).encrypt(p, ad), AESSIV(key).encrypt(q, ad)]`.
    """
    return map_by_length(Siv(key, associated, algorithm).seal, plaintexts)


def open_many(key: bytes, ciphertexts: Sequence[bytes], associated: Sequence[bytes] = (),
              algorithm: str = "AES") -> list[bytes]:
    """What `seal_many` was given, from its result. Raises InvalidTag (of `cryptography`) where any does not open."""
    return map_by_length(Siv(key, associated, algorithm).open, ciphertexts)

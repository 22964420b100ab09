"""AES-CMAC (NIST SP 800-38B, RFC 4493) of many messages at once: one cipher call for a block of every row."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from guard.protect.columns import Bytes

BLOCK = 16
_ROWS = 8192
"""Rows per cipher call: state and message stay in the cache."""


class BulkCmac:
    """AES-CMAC under one key of 16, 24 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        # CMAC is built from the bare block cipher; ECB here is that block cipher, each block masked by the chain.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        zero = int.from_bytes(self._cipher.encryptor().update(bytes(BLOCK)), "big")
        self._whole = _as_block(_doubled(zero))
        self._padded = _as_block(_doubled(_doubled(zero)))

    def digest(self, messages: Bytes) -> Bytes:
        """The MACs, shape (n, 16), of messages of one length, shape (n, length)."""
        macs = np.empty((len(messages), BLOCK), np.uint8)
        encryptor = self._cipher.encryptor()
        for start in range(0, len(messages), _ROWS):
            blocks = self._blocks(messages[start : start + _ROWS])
            state = blocks[:, 0].copy()
            for index in range(blocks.shape[1]):
                if index:
                    state ^= blocks[:, index]
                state = np.frombuffer(encryptor.update(state.tobytes()), np.uint8).reshape(-1, BLOCK).copy()
            macs[start : start + _ROWS] = state
        return macs

    def _blocks(self, messages: Bytes) -> Bytes:
        """Messages as whole blocks, the last one padded where needed and masked with its subkey."""
        count, length = messages.shape
        size = max(1, -(-length // BLOCK))
        padded = np.zeros((count, size * BLOCK), np.uint8)
        padded[:, :length] = messages
        if length < size * BLOCK:
            padded[:, length] = 0x80
        blocks = padded.reshape(count, size, BLOCK)
        blocks[:, -1] ^= self._whole if length == size * BLOCK else self._padded
        return blocks


def _doubled(block: int) -> int:
    """Times x in GF(2^128), with the polynomial of RFC 4493 section 2.3."""
    shifted = block << 1 & (1 << 128) - 1
    return shifted ^ 0x87 if block >> 127 else shifted


def _as_block(value: int) -> Bytes:
    return np.frombuffer(value.to_bytes(BLOCK, "big"), np.uint8)

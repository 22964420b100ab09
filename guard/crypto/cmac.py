"""CMAC (NIST SP 800-38B, RFC 4493) of many messages at once: one cipher call for a block of every message."""

from __future__ import annotations

import numpy as np

from guard.crypto.blocks import BLOCK, ROWS, BlockCipher, Bytes


class Cmac:
    """CMAC under one key of a block cipher; a pseudorandom function of messages of any length."""

    def __init__(self, cipher: BlockCipher) -> None:
        self._cipher = cipher
        zero = int.from_bytes(cipher.encrypt(np.zeros((1, BLOCK), np.uint8)).tobytes(), "big")
        self._whole = as_block(doubled(zero))
        self._padded = as_block(doubled(doubled(zero)))

    def digest(self, messages: Bytes) -> Bytes:
        """The MACs, shape (n, 16), of messages of one length, shape (n, length)."""
        macs = np.empty((len(messages), BLOCK), np.uint8)
        for start in range(0, len(messages), ROWS):
            macs[start : start + ROWS] = self._chain(self._blocks(messages[start : start + ROWS]))
        return macs

    def digest_one(self, message: bytes) -> bytes:
        """The MAC of one message, 16 bytes."""
        return self.digest(np.frombuffer(message, np.uint8).reshape(1, -1)).tobytes()

    def _chain(self, blocks: Bytes) -> Bytes:
        state = self._cipher.encrypt(blocks[:, 0])
        for index in range(1, blocks.shape[1]):
            state = self._cipher.encrypt(state ^ blocks[:, index])
        return state

    def _blocks(self, messages: Bytes) -> Bytes:
        """Messages as whole blocks, shape (n, blocks, 16): the last padded where needed and masked by its subkey."""
        count, length = messages.shape
        size = max(1, -(-length // BLOCK))
        padded = np.zeros((count, size * BLOCK), np.uint8)
        padded[:, :length] = messages
        if length < size * BLOCK:
            padded[:, length] = 0x80
        blocks = padded.reshape(count, size, BLOCK)
        blocks[:, -1] ^= self._whole if length == size * BLOCK else self._padded
        return blocks


def doubled(block: int) -> int:
    """Times x in GF(2^128), with the polynomial of RFC 4493 section 2.3."""
    shifted = block << 1 & (1 << 128) - 1
    return shifted ^ 0x87 if block >> 127 else shifted


def as_block(value: int) -> Bytes:
    """A number below 2^128 as a block, most significant byte first."""
    return np.frombuffer(value.to_bytes(BLOCK, "big"), np.uint8)

"""A block cipher over many blocks at once: AES (FIPS 197) or SM4 (GB/T 32907-2016), 16 bytes a block."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Bytes = npt.NDArray[np.uint8]

BLOCK = 16
"""Bytes of a block of either cipher."""
ROWS = 8192
"""Values that are worked on at a time: what a few of their blocks take stays in the processor's cache."""
_CIPHERS = {"AES": (algorithms.AES, (16, 24, 32)), "SM4": (algorithms.SM4, (16,))}


class BlockCipher:
    """The permutation of blocks under one key of 16, 24 or 32 bytes (AES) or of 16 bytes (SM4).

    A building block and no mode of operation: equal blocks give equal results. Raises ValueError for another length of
    key or name of a cipher.
    """

    def __init__(self, key: bytes, algorithm: str = "AES") -> None:
        if algorithm not in _CIPHERS:
            raise ValueError("the block ciphers are AES and SM4")
        make, lengths = _CIPHERS[algorithm]
        if len(key) not in lengths:
            raise ValueError(f"a key of {algorithm} has {' or '.join(map(str, lengths))} bytes")
        # ECB is the library's name for the bare permutation that CMAC, SIV and FF1 are made of.
        self._cipher = Cipher(make(key), modes.ECB())  # noqa: S305
        self.algorithm = algorithm

    def encrypt(self, blocks: npt.NDArray[Any]) -> Bytes:
        """The blocks of an array whose bytes are whole blocks in a row, encrypted: shape (n, 16)."""
        data = np.ascontiguousarray(blocks)
        # The library wants room for one more block, less a byte, than it writes.
        result = np.empty(data.nbytes + BLOCK - 1, np.uint8)
        written = self._cipher.encryptor().update_into(data.data.cast("B") if data.nbytes else b"", result.data)
        return result[:written].reshape(-1, BLOCK)

    def encrypt_bytes(self, blocks: bytes) -> bytes:
        """As `encrypt`, for a few blocks: without the cost of arrays."""
        return self._cipher.encryptor().update(blocks)

    def __repr__(self) -> str:
        return f"<BlockCipher {self.algorithm}>"

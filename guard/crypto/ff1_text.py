"""FF1 of texts over an alphabet of at most 62 characters, as other implementations give it: for lists and columns.

The characters of the alphabet are the numerals in their order; a text of n characters is n numerals of that radix.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.crypto.blocks import BlockCipher, Bytes
from guard.crypto.ff1 import FF1, Numerals, Tweaks

MOST_CHARACTERS = 62
_ABSENT = 255


class AlphabetCipher:
    """FF1 under one key over one alphabet of 2 to 62 ASCII characters. Raises ValueError for another alphabet."""

    def __init__(self, cipher: BlockCipher, alphabet: str) -> None:
        if not 2 <= len(alphabet) <= MOST_CHARACTERS or len(set(alphabet)) != len(alphabet) or not alphabet.isascii():
            raise ValueError(f"an alphabet has 2 to {MOST_CHARACTERS} different ASCII characters")
        self._cipher = cipher
        self._symbols = np.frombuffer(alphabet.encode("ascii"), np.uint8)
        self._places = np.full(256, _ABSENT, np.uint8)
        self._places[self._symbols] = np.arange(len(alphabet), dtype=np.uint8)

    def encrypt(self, texts: Sequence[str], tweak: bytes = b"") -> list[str]:
        """Each text encrypted. Raises ValueError for a character that is none of the alphabet, and for a text so short
        that there are fewer than 10^6 of its length."""
        return self._apply(texts, tweak, backward=False)

    def decrypt(self, texts: Sequence[str], tweak: bytes = b"") -> list[str]:
        """What `encrypt` was given."""
        return self._apply(texts, tweak, backward=True)

    def encrypt_rows(self, rows: Bytes, tweaks: Tweaks = b"") -> Bytes:
        """As `encrypt`, for texts of one length as rows of ASCII bytes, shape (n, length)."""
        return self._symbols[self._ff1(rows).encrypt(self._numerals(rows), tweaks)]

    def decrypt_rows(self, rows: Bytes, tweaks: Tweaks = b"") -> Bytes:
        """What `encrypt_rows` was given."""
        return self._symbols[self._ff1(rows).decrypt(self._numerals(rows), tweaks)]

    def _ff1(self, rows: Bytes) -> FF1:
        return FF1(self._cipher, len(self._symbols), rows.shape[1])

    def _numerals(self, rows: Bytes) -> Numerals:
        numerals = self._places[rows]
        if numerals.size and numerals.max() == _ABSENT:
            raise ValueError("a text has a character that is none of the alphabet")
        return numerals

    def _apply(self, texts: Sequence[str], tweak: bytes, *, backward: bool) -> list[str]:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        one = self.decrypt_rows if backward else self.encrypt_rows
        found = np.unique(lengths).tolist()
        if len(found) == 1:
            return _texts(one(_rows(texts, found[0]), tweak))
        results = np.empty(len(texts), object)
        for length in found:
            which = np.flatnonzero(lengths == length)
            results[which] = _texts(one(_rows([texts[at] for at in which.tolist()], length), tweak))
        return list(results)


def _rows(texts: Sequence[str], length: int) -> Bytes:
    try:
        data = "".join(texts).encode("ascii")
    except UnicodeEncodeError:
        raise ValueError("a text has a character that is none of the alphabet") from None
    return np.frombuffer(data, np.uint8).reshape(len(texts), length)


def _texts(rows: Bytes) -> list[str]:
    length = rows.shape[1]
    texts: list[str] = np.ascontiguousarray(rows).view(f"S{length}").ravel().astype(f"U{length}").tolist()
    return texts

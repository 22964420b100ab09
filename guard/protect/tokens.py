"""pseudonymise: a keyed token in place of the value, the same for the same value under one key and link domain.

A token is CMAC (a pseudorandom function; with AES-256, or SM4 in the domestic suite) of the value's canonical form, cut
to at least 64 bits. With n different values and tokens of b bits the chance that any two share a token is at most
n^2 / 2^(b+1) (`collision_bound`): for 64 bits 3 in 10^8 at a million values. Without the key nobody can test a guess;
whoever has it can.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from guard.crypto.blocks import BLOCK, BlockCipher
from guard.crypto.cmac import Cmac
from guard.crypto.ff1 import write_numerals
from guard.errors import UsageError
from guard.keys import Keyring
from guard.protect.base import Transform
from guard.protect.columns import Bytes, Mask, Rows, Slices, all_in, assemble, byte_set, from_matrix, is_han

PURPOSE = "token"
LEAST_BITS = 64
ALPHABETS = {"letters": "bcdfghjkmnpqrstv", "hex": "0123456789abcdef", "digits": string.digits,
             "alphanumeric": string.digits + string.ascii_letters}
"""`letters` is the default: a token without digits can never look like a number that the check of the output would
have to report (a run of eleven digits or more turns up in about one of sixty hexadecimal tokens), and without vowels it
is no word."""
LENGTHS = {"letters": (16, 64), "hex": (16, 64), "digits": (20, 36), "alphanumeric": (11, 20)}
"""Fewest and most characters of a token: `LEAST_BITS`, and what two CMACs give."""
DEFAULT = 16

_NUMBERS = ("person.id", "person.passport", "person.travel_permit", "person.phone", "person.bank_card",
            "person.postcode", "person.bank_account", "org.uscc", "org.code", "org.registration", "org.taxpayer",
            "org.invoice", "property", "vehicle", "device.mac", "device.imei", "device.imsi")
_PHONES = ("person.phone.mobile", "person.phone.landline")
_WORDS = ("person.name", "person.address", "person.native_place", "org.name")
_FOLDED_CASE = ("person.email", "device.ip")
_SPACING = re.compile(r"[\s\-‐‑–—_./·・•:：()]")
_CHINA = re.compile(r"^(?:\+86|0086|86(?=1[0-9]{10}$)|\+)")
_TRUNK = re.compile(r"^0(?=[1-9])")
_UPPER = byte_set(string.digits + string.ascii_uppercase)
_VISIBLE = byte_set(string.digits + string.ascii_letters + string.punctuation)
_LOWER = byte_set(string.digits + string.ascii_lowercase + "@._+-")


def canonical(data_class: str, value: str) -> str:
    """The one form of a value that is written in many: full width, spaces, separators, +86 and letter case undone.

    What is left alone: classes in which case and punctuation carry meaning (secrets, accounts).
    """
    text = value.strip()
    if not value.isascii():
        text = unicodedata.normalize("NFKC", value)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf").strip()
    if _belongs(data_class, _NUMBERS):
        text = _SPACING.sub("", text).upper()
        if _belongs(data_class, _PHONES):
            text = _TRUNK.sub("", _CHINA.sub("", text))
    elif _belongs(data_class, _WORDS):
        text = "".join(text.split()) if any(ord(char) > 0x2E80 for char in text) else " ".join(text.split())
        text = text.casefold()
    elif _belongs(data_class, _FOLDED_CASE):
        text = text.lower()
    return text or value


Normalise = Callable[[str], str]
"""From a value to its normal form; a value that is normal stays as it is."""


class Token(Transform):
    """pseudonymise by token. `normalise` comes before `canonical`, and leaves a value that is canonical as it is."""

    injective = True

    def __init__(self, data_class: str, keyring: Keyring, domain: str, *, length: int | None = None,
                 alphabet: str = "letters", normalise: Normalise | None = None) -> None:
        if alphabet not in ALPHABETS:
            raise UsageError("unknown token alphabet", hint=f"the alphabets are {', '.join(ALPHABETS)}")
        shortest, longest = LENGTHS[alphabet]
        length = max(DEFAULT, shortest) if length is None else length
        if type(length) is not int or not shortest <= length <= longest:
            raise UsageError(f"a token of {alphabet} has {shortest} to {longest} characters")
        self._data_class = data_class
        self._normalise = normalise
        self._length = length
        self._symbols = np.frombuffer(ALPHABETS[alphabet].encode(), np.uint8)
        self._pairs = np.frombuffer("".join(a + b for a in ALPHABETS[alphabet] for b in ALPHABETS[alphabet]).encode(),
                                    np.uint16)
        self._prefix = np.frombuffer(f"{prefix(data_class)}_".encode(), np.uint8)
        keys = keyring.derive(PURPOSE, data_class, domain, 64)
        suite = keyring.algorithms
        # One CMAC gives so many characters; a longer token takes a second one under an independent key.
        given = 2 * (BLOCK if len(self._symbols) == 16 else _in_a_word(len(self._symbols)))
        self._macs = [Cmac(BlockCipher(key[: suite.cipher_key_bytes], suite.cipher))
                      for key in (keys[:32], keys[32:])][: -(-length // given)]

    def apply_one(self, value: str) -> str | None:
        if not value.strip():
            return ""
        message = np.frombuffer(self._canonical(value).encode("utf-8", "surrogatepass"), np.uint8)
        return self._text(self._digest(message.reshape(1, -1))).tobytes().decode("ascii")

    def _apply_all(self, values: Any) -> Any:
        slices = Slices.of(values)
        digests = np.empty((len(values), len(self._macs) * BLOCK), np.uint8)
        done = np.zeros(len(values), bool)
        for width, rows in slices.by_width():
            matrix = slices.matrix(rows, width)
            plain = self._is_canonical(matrix)
            digests[rows[plain]] = self._digest(matrix if plain.all() else matrix[plain])
            done[rows[plain]] = True
        rest = np.flatnonzero(~done & (slices.widths >= 0))
        blank = self._digest_rest(values, rest, digests)
        filled = np.setdiff1d(np.flatnonzero(slices.widths >= 0), blank, assume_unique=True)
        tokens = self._text(digests if len(filled) == len(values) else digests[filled])
        return assemble([(filled, from_matrix(tokens)), (blank, pa.array([""] * len(blank), pa.string()))], len(values))

    def _digest_rest(self, values: Any, rest: Rows, digests: Bytes) -> Rows:
        """Digests of rows that need Python to become canonical; gives the rows that are blank."""
        if not len(rest):
            return rest
        texts = values.take(pa.array(rest)).to_pylist()
        blank = np.array([not text.strip() for text in texts], bool)
        forms = Slices.of(pa.array([self._canonical(text) for text in texts], pa.large_string()))
        for width, rows in forms.by_width():
            digests[rest[rows]] = self._digest(forms.matrix(rows, width))
        return np.compress(blank, rest)

    def _canonical(self, value: str) -> str:
        return canonical(self._data_class, self._normalise(value) or value if self._normalise else value)

    def _is_canonical(self, matrix: Bytes) -> Mask:
        """Which rows surely are in canonical form; missing one costs time only."""
        width = matrix.shape[1]
        if width and _belongs(self._data_class, _NUMBERS):
            good = all_in(matrix, _UPPER)
            # A mobile number starts with 1; any other may carry a country or trunk prefix.
            return good & (width == 11) & (matrix[:, 0] == ord("1")) if _belongs(self._data_class, _PHONES) else good
        if width and _belongs(self._data_class, _WORDS):
            return is_han(matrix)
        if width and _belongs(self._data_class, _FOLDED_CASE):
            return all_in(matrix, _LOWER)
        if width:
            return all_in(matrix, _VISIBLE if self._normalise is None else _UPPER)
        return np.zeros(len(matrix), bool)

    def _digest(self, messages: Bytes) -> Bytes:
        return np.concatenate([mac.digest(messages) for mac in self._macs], axis=1)

    def _text(self, digests: Bytes) -> Bytes:
        start = len(self._prefix)
        text = np.empty((len(digests), start + self._length), np.uint8)
        text[:, :start] = self._prefix
        text[:, start:] = self._characters(digests)
        return text

    def _characters(self, digests: Bytes) -> Bytes:
        """The tokens without their prefix, shape (n, length)."""
        if len(self._symbols) == 16:
            # A byte is two characters.
            pairs = self._pairs[digests[:, : (self._length + 1) // 2]]
            return pairs.view(np.uint8)[:, : self._length]
        # Eight bytes give characters worth half of them, so that none is likelier than another by more than 2^-32.
        each = _in_a_word(len(self._symbols))
        words = digests.view(">u8").astype(np.uint64) % np.uint64(len(self._symbols) ** each)
        places = np.empty((len(digests), words.shape[1] * each), np.uint8)
        for word in range(words.shape[1]):
            write_numerals(words[:, word], len(self._symbols), places[:, word * each : (word + 1) * each])
        return self._symbols[places[:, : self._length]]


def collision_bound(count: int, length: int = DEFAULT, alphabet: str = "letters") -> float:
    """The chance, at most, that any two of `count` different values have the same token."""
    return min(1.0, count * count / 2 / float(len(ALPHABETS[alphabet])) ** length)


def _in_a_word(symbols: int) -> int:
    """Characters that eight bytes of a CMAC give."""
    return int(32 / math.log2(symbols))


def prefix(data_class: str) -> str:
    """What a token of the class starts with: `phone_mobile` for `person.phone.mobile`."""
    return data_class.partition(".")[2].replace(".", "_") or data_class or "value"


@lru_cache(maxsize=1024)
def _belongs(data_class: str, roots: tuple[str, ...]) -> bool:
    return any(data_class == root or data_class.startswith(f"{root}.") for root in roots)

"""FF1 (NIST SP 800-38G) over columns: format-preserving encryption of numeral strings of one radix and length.

All rows go through a round together, so that a column costs ten calls of the block cipher for every `ROWS` values.
Where a half is at most 2^56 (up to 32 decimal digits, 20 of radix 36, 18 of radix 62) it is a machine word and the
arithmetic that of NumPy; longer strings are Python's own numbers, with the cipher still called for all rows at once.

FF1 is not authenticated: what was changed decrypts to something else. FF3 and FF3-1 are not offered: NIST has withdrawn
them (SP 800-38G revision 1, second draft, 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.crypto.blocks import BLOCK, ROWS, BlockCipher, Bytes
from guard.crypto.ff1_plain import ROUNDS, check_domain, decrypt_one, encrypt_one, first_block, number_bytes

Numbers = npt.NDArray[np.uint64]
Numerals = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Tweaks = bytes | Bytes
"""One tweak for all rows, or one a row: shape (n, length)."""

FEW = 6
"""Rows below which one after the other is faster than all at once."""
_WORD = 1 << 56
_TABLE = 1 << 14
"""Entries of a table from numbers to their numerals, at most: it stays in the processor's nearest cache."""


class FF1:
    """FF1 under one key, for `length` numerals of one `radix` (2 to 65536).

    Raises ValueError for a domain below 10^6 (`radix**length`), which the standard's revision forbids.
    """

    def __init__(self, cipher: BlockCipher, radix: int, length: int) -> None:
        check_domain(radix, length)
        self._cipher, self._radix, self._length = cipher, radix, length
        self._middle = length // 2
        self._moduli = (radix**self._middle, radix ** (length - self._middle))
        self._bytes = number_bytes(radix, length)

    def encrypt(self, numerals: Numerals, tweaks: Tweaks = b"") -> Numerals:
        """The rows encrypted: numerals below the radix, shape (n, length), as given in type."""
        return self._apply(numerals, tweaks, backward=False)

    def decrypt(self, numerals: Numerals, tweaks: Tweaks = b"") -> Numerals:
        """What `encrypt` was given."""
        return self._apply(numerals, tweaks, backward=True)

    def encrypt_numbers(self, numbers: Numbers, tweaks: Tweaks = b"") -> Numbers:
        """As `encrypt`, for strings that are read as one number, the first numeral counting most: below 2^63."""
        return self._apply_numbers(numbers, tweaks, backward=False)

    def decrypt_numbers(self, numbers: Numbers, tweaks: Tweaks = b"") -> Numbers:
        """What `encrypt_numbers` was given."""
        return self._apply_numbers(numbers, tweaks, backward=True)

    def _apply(self, numerals: Numerals, tweaks: Tweaks, *, backward: bool) -> Numerals:
        if numerals.ndim != 2 or numerals.shape[1] != self._length:
            raise ValueError(f"a row has {self._length} numerals")
        if numerals.size and int(numerals.max()) >= self._radix:
            raise ValueError(f"numerals are below {self._radix}")
        results = np.empty_like(numerals)
        if len(numerals) < FEW:
            for row, tweak in enumerate(_each(tweaks, len(numerals))):
                one = decrypt_one if backward else encrypt_one
                results[row] = one(self._cipher, self._radix, tweak, numerals[row].tolist())
            return results
        wide = self._moduli[1] > _WORD
        for start in range(0, len(numerals), ROWS):
            piece = slice(start, start + ROWS)
            (self._wide if wide else self._narrow)(numerals[piece], results[piece], _some(tweaks, piece), backward)
        return results

    def _narrow(self, numerals: Numerals, results: Numerals, tweaks: Tweaks, backward: bool) -> None:
        left = read_numbers(numerals[:, : self._middle], self._radix)
        right = read_numbers(numerals[:, self._middle :], self._radix)
        left, right = self._rounds(left, right, tweaks, backward)
        write_numerals(left, self._radix, results[:, : self._middle])
        write_numerals(right, self._radix, results[:, self._middle :])

    def _apply_numbers(self, numbers: Numbers, tweaks: Tweaks, *, backward: bool) -> Numbers:
        if self._moduli[0] * self._moduli[1] > 1 << 63:
            raise ValueError("these strings are longer than a number of 63 bits")
        results = np.empty(len(numbers), np.uint64)
        modulus = np.uint64(self._moduli[1])
        for start in range(0, len(numbers), ROWS):
            piece = slice(start, start + ROWS)
            left = numbers[piece] // modulus
            left, right = self._rounds(left, numbers[piece] - left * modulus, _some(tweaks, piece), backward)
            results[piece] = left * modulus + right
        return results

    def _rounds(self, left: Numbers, right: Numbers, tweaks: Tweaks, backward: bool) -> tuple[Numbers, Numbers]:
        """The ten rounds over halves that are machine words."""
        high, low = self._constants(tweaks)
        blocks = np.empty((len(left), 2), ">u8")
        blocks[:, 0] = high
        turns = reversed(range(ROUNDS)) if backward else range(ROUNDS)
        for turn in turns:
            modulus = np.uint64(self._moduli[turn % 2])
            source, other = (left, right) if backward else (right, left)
            np.bitwise_xor(source, low ^ np.uint64(turn << 8 * self._bytes), out=blocks[:, 1], casting="unsafe")
            mixed = self._mixed(self._cipher.encrypt(blocks), modulus)
            # Unsigned numbers wrap around: of the sum with and without the modulus the smaller one is the remainder.
            if backward:
                mixed = other - mixed
                left, right = np.minimum(mixed, mixed + modulus), left
            else:
                mixed += other
                left, right = right, np.minimum(mixed, mixed - modulus)
        return left, right

    def _constants(self, tweaks: Tweaks) -> tuple[Numbers, Numbers]:
        """What the rounds have in common: the chain over all blocks but the last, added to the last's tweak.

        Two words, high and low, of one block or of one a row; the number of the round and the half are still to be
        added to the low one, which has room for both.
        """
        given = np.frombuffer(tweaks, np.uint8).reshape(1, -1) if isinstance(tweaks, bytes) else tweaks
        count, length = given.shape
        size = length + (-length - self._bytes - 1) % BLOCK + self._bytes + 1
        data = np.zeros((count, size), np.uint8)
        data[:, :length] = given
        state = np.frombuffer(first_block(self._radix, self._length, length), np.uint8).reshape(1, BLOCK)
        for at in range(0, size, BLOCK):
            state = self._cipher.encrypt(state) ^ data[:, at : at + BLOCK]
        words = state.view(">u8").astype(np.uint64)
        return words[:, 0], words[:, 1]

    def _mixed(self, stream: Bytes, modulus: np.uint64) -> Numbers:
        """y of the standard, modulo what it is added to: of 8 bytes where a half has up to 4, else of 12."""
        words = stream.view(">u8")
        mixed = _modulo(words[:, 0].astype(np.uint64), modulus)
        if self._bytes <= 4:
            return mixed
        # The rest comes in pieces that fit above a number below the modulus.
        left, step = 32, min(32, 64 - int(modulus).bit_length())
        rest = words[:, 1].astype(np.uint64) >> np.uint64(32)
        while left:
            step = min(step, left)
            left -= step
            piece = (rest >> np.uint64(left)) & np.uint64((1 << step) - 1)
            mixed = _modulo((mixed << np.uint64(step)) | piece, modulus)
        return mixed

    def _wide(self, numerals: Numerals, results: Numerals, tweaks: Tweaks, backward: bool) -> None:
        """The ten rounds over halves of any size."""
        left = _long_numbers(numerals[:, : self._middle], self._radix)
        right = _long_numbers(numerals[:, self._middle :], self._radix)
        streams = self._streams(tweaks, len(numerals))
        for turn in reversed(range(ROUNDS)) if backward else range(ROUNDS):
            modulus = self._moduli[turn % 2]
            if backward:
                mixed = streams(turn, left)
                left, right = [(r - m) % modulus for r, m in zip(right, mixed, strict=True)], left
            else:
                mixed = streams(turn, right)
                left, right = right, [(number + m) % modulus for number, m in zip(left, mixed, strict=True)]
        _write_long(left, self._radix, results[:, : self._middle])
        _write_long(right, self._radix, results[:, self._middle :])

    def _streams(self, tweaks: Tweaks, count: int) -> Callable[[int, list[int]], list[int]]:
        """A function from the number of a round and the halves to y of the standard, for halves of any size."""
        given = np.frombuffer(tweaks, np.uint8).reshape(1, -1) if isinstance(tweaks, bytes) else tweaks
        length, wanted = given.shape[1], 4 * -(-self._bytes // 4) + 4
        padding = (-length - self._bytes - 1) % BLOCK
        data = np.zeros((count, length + padding + 1 + self._bytes), np.uint8)
        data[:, :length] = given
        start = np.frombuffer(first_block(self._radix, self._length, length), np.uint8).reshape(1, BLOCK)

        def stream(turn: int, halves: list[int]) -> list[int]:
            data[:, length + padding] = turn
            data[:, length + padding + 1 :] = np.frombuffer(
                b"".join(half.to_bytes(self._bytes, "big") for half in halves), np.uint8).reshape(count, self._bytes)
            block = np.repeat(self._cipher.encrypt(start), count, axis=0)
            for at in range(0, data.shape[1], BLOCK):
                block = self._cipher.encrypt(block ^ data[:, at : at + BLOCK])
            parts = [block]
            for number in range(1, -(-wanted // BLOCK)):
                parts.append(self._cipher.encrypt(block ^ np.frombuffer(number.to_bytes(BLOCK, "big"), np.uint8)))
            whole = np.concatenate(parts, axis=1)[:, :wanted].tobytes()
            return [int.from_bytes(whole[at : at + wanted], "big") for at in range(0, len(whole), wanted)]

        return stream


def read_numbers(numerals: Numerals, radix: int) -> Numbers:
    """Rows of numerals, shape (n, length), as one number each, the first numeral counting most; below 2^64."""
    numbers = np.zeros(len(numerals), np.uint64)
    for column in range(numerals.shape[1]):
        numbers *= np.uint64(radix)
        numbers += numerals[:, column]
    return numbers


def write_numerals(numbers: Numbers, radix: int, numerals: Numerals) -> None:
    """The numerals of numbers below `radix**length`, written to a matrix of shape (n, length)."""
    step, table = _table(radix, numerals.dtype)
    place = numerals.shape[1]
    size = np.uint64(radix**step)
    while place > step:
        rest = numbers // size
        numerals[:, place - step : place] = table[(numbers - rest * size).astype(np.intp)]
        numbers, place = rest, place - step
    numerals[:, :place] = table[numbers.astype(np.intp), step - place :]


@cache
def _table(radix: int, kind: np.dtype[Any]) -> tuple[int, Numerals]:
    """How many numerals are written at a time, and those of every number they can be."""
    step = next(step for step in range(8, 0, -1) if step == 1 or radix**step <= _TABLE)
    places = np.array([radix**place for place in reversed(range(step))])
    return step, (np.arange(radix**step)[:, None] // places % radix).astype(kind)


def _modulo(numbers: Numbers, modulus: np.uint64) -> Numbers:
    """The remainder; NumPy divides by one number quickly, and does not so for its own remainder."""
    return numbers - numbers // modulus * modulus


def _some(tweaks: Tweaks, rows: slice) -> Tweaks:
    return tweaks if isinstance(tweaks, bytes) else tweaks[rows]


def _each(tweaks: Tweaks, count: int) -> Iterator[bytes]:
    for row in range(count):
        yield tweaks if isinstance(tweaks, bytes) else tweaks[row].tobytes()


def _long_numbers(numerals: Numerals, radix: int) -> list[int]:
    """As `read_numbers`, without a limit: machine words of some numerals each are put together."""
    numbers = [0] * len(numerals)
    step = 63 // radix.bit_length()
    for at in range(0, numerals.shape[1], step):
        part = numerals[:, at : at + step]
        size = radix ** part.shape[1]
        words = read_numbers(part, radix).tolist()
        numbers = [number * size + word for number, word in zip(numbers, words, strict=True)]
    return numbers


def _write_long(numbers: list[int], radix: int, numerals: Numerals) -> None:
    """As `write_numerals`, without a limit."""
    step = 63 // radix.bit_length()
    for end in range(numerals.shape[1], 0, -step):
        part = numerals[:, max(0, end - step) : end]
        size = radix ** part.shape[1]
        write_numerals(np.array([number % size for number in numbers], np.uint64), radix, part)
        numbers = [number // size for number in numbers]

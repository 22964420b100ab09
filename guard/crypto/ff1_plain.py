"""FF1 (NIST SP 800-38G, algorithms 7 and 8) of one numeral string, as the standard writes it down.

What `guard.crypto.ff1` does for columns has to be this, value by value; for a handful of values this is also faster.
"""

from __future__ import annotations

from collections.abc import Sequence

from guard.crypto.blocks import BLOCK, BlockCipher

ROUNDS = 10
LEAST_DOMAIN = 1_000_000
"""Numeral strings that radix and length must allow (NIST SP 800-38G revision 1, draft): a smaller domain is read off by
whoever may encrypt or guess a few."""
RADIXES = (2, 1 << 16)


def check_domain(radix: int, length: int) -> None:
    """Raises ValueError where the standard allows no encryption of `length` numerals of this radix."""
    if not RADIXES[0] <= radix <= RADIXES[1]:
        raise ValueError(f"a radix of FF1 is from {RADIXES[0]} to {RADIXES[1]}")
    if length < 2 or radix**length < LEAST_DOMAIN:
        raise ValueError(f"FF1 takes at least two numerals, and {LEAST_DOMAIN} strings or more that they can be")


def number_bytes(radix: int, length: int) -> int:
    """b of the standard: the bytes of the longer half as a number. In whole numbers: logarithms are off by one."""
    greatest: int = radix ** (length - length // 2) - 1
    return -(-greatest.bit_length() // 8)


def first_block(radix: int, length: int, tweak_length: int) -> bytes:
    """P of the standard."""
    return (b"\x01\x02\x01" + radix.to_bytes(3, "big") + bytes((ROUNDS, length // 2 % 256)) + length.to_bytes(4, "big")
            + tweak_length.to_bytes(4, "big"))


def encrypt_one(cipher: BlockCipher, radix: int, tweak: bytes, numerals: Sequence[int]) -> list[int]:
    """The numerals encrypted. Raises ValueError for a domain below 10^6."""
    check_domain(radix, len(numerals))
    middle = len(numerals) // 2
    sizes = (radix**middle, radix ** (len(numerals) - middle))
    left, right = _number(numerals[:middle], radix), _number(numerals[middle:], radix)
    for turn in range(ROUNDS):
        mixed = _round(cipher, radix, len(numerals), tweak, turn, right)
        left, right = right, (left + mixed) % sizes[turn % 2]
    return _numerals(left, radix, middle) + _numerals(right, radix, len(numerals) - middle)


def decrypt_one(cipher: BlockCipher, radix: int, tweak: bytes, numerals: Sequence[int]) -> list[int]:
    """What `encrypt_one` was given."""
    check_domain(radix, len(numerals))
    middle = len(numerals) // 2
    sizes = (radix**middle, radix ** (len(numerals) - middle))
    left, right = _number(numerals[:middle], radix), _number(numerals[middle:], radix)
    for turn in reversed(range(ROUNDS)):
        mixed = _round(cipher, radix, len(numerals), tweak, turn, left)
        left, right = (right - mixed) % sizes[turn % 2], left
    return _numerals(left, radix, middle) + _numerals(right, radix, len(numerals) - middle)


def _round(cipher: BlockCipher, radix: int, length: int, tweak: bytes, turn: int, half: int) -> int:
    """y of the standard: the number that one half and the number of the round add to the other half."""
    size = number_bytes(radix, length)
    padding = bytes((-len(tweak) - size - 1) % BLOCK)
    block = bytes(BLOCK)
    data = first_block(radix, length, len(tweak)) + tweak + padding + bytes((turn,)) + half.to_bytes(size, "big")
    for at in range(0, len(data), BLOCK):
        block = cipher.encrypt_bytes(_xor(block, data[at : at + BLOCK]))
    wanted = 4 * -(-size // 4) + 4
    stream = block + b"".join(cipher.encrypt_bytes(_xor(block, count.to_bytes(BLOCK, "big")))
                              for count in range(1, -(-wanted // BLOCK)))
    return int.from_bytes(stream[:wanted], "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(BLOCK, "big")


def _number(numerals: Sequence[int], radix: int) -> int:
    number = 0
    for numeral in numerals:
        number = number * radix + numeral
    return number


def _numerals(number: int, radix: int, length: int) -> list[int]:
    numerals = [0] * length
    for place in reversed(range(length)):
        number, numerals[place] = divmod(number, radix)
    return numerals

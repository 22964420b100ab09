"""Digests of many short messages at once, as columns: MD5, SHA-1, SHA-256 and SM3, for trying numbers.

Each function takes messages of one length below 56 bytes, a row of bytes each, and gives the first four bytes of every
digest as a number: enough to tell which of them are worth a closer look. Nothing is protected with what is here.
Sources: RFC 1321 (MD5), FIPS 180-4 (SHA-1, SHA-256), GB/T 32905-2016 (SM3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache as once

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint32]
_BLOCK, _BITS = 64, 0xFFFFFFFF
_MD5_TURNS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
_MD5_ORDER = ((1, 0), (5, 1), (3, 5), (7, 0))
_SHA1_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
"""The first four are those of MD5 too."""
_SHA1_ADDED = (0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6)
_SM3_START = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E)
_SM3_ADDED = (0x79CC4519, 0x7A879D8A)


def md5(messages: Bytes) -> Words:
    """The beginnings of MD5 digests."""
    block = _padded(messages, "<")
    a, b, c, d = _states(len(messages), _SHA1_START[:4])
    for step in range(64):
        quarter = step // 16
        factor, first = _MD5_ORDER[quarter]
        mixed = (c ^ (d & (b ^ c)) if quarter == 1 else b ^ c ^ d if quarter == 2 else
                 c ^ (b | ~d) if quarter == 3 else _chosen(b, c, d))
        mixed += a
        mixed += block[(factor * step + first) % 16]
        mixed += np.uint32(int(abs(math.sin(step + 1)) * 2**32))
        a, b, c, d = d, b + _turned(mixed, _MD5_TURNS[quarter][step % 4]), b, c
    return (a + np.uint32(_SHA1_START[0])).byteswap()


def sha1(messages: Bytes) -> Words:
    """The beginnings of SHA-1 digests."""
    words = list(_padded(messages, ">"))
    for at in range(16, 80):
        words.append(_turned(words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16], 1))
    a, b, c, d, e = _states(len(messages), _SHA1_START)
    for step, word in enumerate(words):
        quarter = step // 20
        mixed = _chosen(b, c, d) if quarter == 0 else _majority(b, c, d) if quarter == 2 else b ^ c ^ d
        mixed += _turned(a, 5)
        mixed += e
        mixed += word
        mixed += np.uint32(_SHA1_ADDED[quarter])
        a, b, c, d, e = mixed, a, _turned(b, 30), c, d
    return a + np.uint32(_SHA1_START[0])


def sha256(messages: Bytes) -> Words:
    """The beginnings of SHA-256 digests."""
    start, added = _sha256_constants()
    words = list(_padded(messages, ">"))
    for at in range(16, 64):
        one, two = words[at - 15], words[at - 2]
        words.append(words[at - 16] + words[at - 7] + (_turned(one, 25) ^ _turned(one, 14) ^ one >> np.uint32(3))
                     + (_turned(two, 15) ^ _turned(two, 13) ^ two >> np.uint32(10)))
    a, b, c, d, e, f, g, h = _states(len(messages), start)
    for word, constant in zip(words, added, strict=True):
        first = h + (_turned(e, 26) ^ _turned(e, 21) ^ _turned(e, 7)) + _chosen(e, f, g) + word + np.uint32(constant)
        second = (_turned(a, 30) ^ _turned(a, 19) ^ _turned(a, 10)) + _majority(a, b, c)
        a, b, c, d, e, f, g, h = first + second, a, b, c, d + first, e, f, g
    return a + np.uint32(start[0])


def sm3(messages: Bytes) -> Words:
    """The beginnings of SM3 digests."""
    words = list(_padded(messages, ">"))
    for at in range(16, 68):
        mixed = words[at - 16] ^ words[at - 9] ^ _turned(words[at - 3], 15)
        words.append(mixed ^ _turned(mixed, 15) ^ _turned(mixed, 23) ^ _turned(words[at - 13], 7) ^ words[at - 6])
    a, b, c, d, e, f, g, h = _states(len(messages), _SM3_START)
    for step in range(64):
        constant, turn = _SM3_ADDED[step >= 16], step % 32
        turned = np.uint32((constant << turn | constant >> (32 - turn)) & _BITS)
        twelfth = _turned(a, 12)
        one = _turned(twelfth + e + turned, 7)
        first = (a ^ b ^ c if step < 16 else _majority(a, b, c)) + d + (one ^ twelfth) + (words[step] ^ words[step + 4])
        second = (e ^ f ^ g if step < 16 else _chosen(e, f, g)) + h + one + words[step]
        a, b, c, d, e, f, g, h = (first, a, _turned(b, 9), c, second ^ _turned(second, 9) ^ _turned(second, 17), e,
                                  _turned(f, 19), g)
    return a ^ np.uint32(_SM3_START[0])


def _padded(messages: Bytes, order: str) -> Words:
    """The sixteen words of the one block of each message; they are rows, and messages columns."""
    count, length = messages.shape
    blocks = np.zeros((count, _BLOCK), np.uint8)
    blocks[:, :length] = messages
    blocks[:, length] = 0x80
    words = np.ascontiguousarray(blocks.view(f"{order}u4").T).astype(np.uint32)
    words[14 if order == "<" else 15] = 8 * length
    return words


def _states(count: int, start: Sequence[int]) -> list[Words]:
    return [np.full(count, value, np.uint32) for value in start]


def _turned(words: Words, bits: int) -> Words:
    return words << np.uint32(bits) | words >> np.uint32(32 - bits)


def _chosen(one: Words, two: Words, three: Words) -> Words:
    """The bits of two where those of one are set, else those of three."""
    return three ^ (one & (two ^ three))


def _majority(one: Words, two: Words, three: Words) -> Words:
    return (one & two) | (three & (one | two))


@once
def _sha256_constants() -> tuple[list[int], list[int]]:
    """The first 32 bits behind the point of the square roots of eight primes, and of the cube roots of 64."""
    primes = [number for number in range(2, 312) if all(number % other for other in range(2, math.isqrt(number) + 1))]
    return [_root(prime, 2) for prime in primes[:8]], [_root(prime, 3) for prime in primes]


def _root(number: int, power: int) -> int:
    scaled, low, high = number << 32 * power, 0, number << 32
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= scaled else (low, middle)
    return low & _BITS

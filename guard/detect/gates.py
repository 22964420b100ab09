"""Which openings are looked for in which lines: those of patterns that cannot do without a word only where it stands.

All words are found in one pass: each has one place of three bytes that is rare, a table of bits says for every three
bytes of the text whether they may be such a place, and only there words are compared. A word of two bytes has a place
for every byte that may stand behind it; those of a single byte are few and looked for one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.detect.classes import Bits, as_bits

PLACE = 3
"""Bytes of a word by which it is found."""
CASE = 0x20
"""The bit of a byte that is left out of account: of a letter, its case."""
MULTIPLIER = 0x9E3779
"""Odd, of as many bits as a place."""
HASH_BITS = 18
BUCKET_BITS = 16
WIDTH = 8
"""Bytes of a word that are compared at once."""
_RARE = b"jqxzkvwybgpfmuchdlnroaisteJQXZKVWYBGPFMUCHDLNROAISTE0123456789/,_=.-\":' "
"""Signs from rare to common; what is none of them, bytes of Chinese too, is taken for rarer."""
Ints32 = npt.NDArray[np.int32]
_NO_BUCKETS = np.empty(0, np.uint64)


class Gates(NamedTuple):
    """`filter` has a bit for each hash of a place; `first[bucket]` to `first[bucket + 1]` are the numbers of `entries`:
    (word, offset of the place in it). `heads[n]` are the first bytes of word n and the bits of them that count, as
    numbers (lowest byte first). `singles` are (word, byte) of the words of one byte. Word n is
    `letters[starts[n]:starts[n + 1]]`, where a small letter stands for both cases; `members[n]` are the bits of the
    openings that need it, and in the last column those of their buckets in the prefilter, all in those of its `columns`
    from `spans[n]` to `spans[n + 1]`."""

    filter: npt.NDArray[np.uint8]
    first: Ints32
    entries: Ints32
    heads: npt.NDArray[np.uint64]
    letters: npt.NDArray[np.uint8]
    starts: Ints32
    members: Bits
    spans: Ints32
    columns: Ints32
    singles: Ints32


def gates(words: Mapping[bytes, Sequence[int]], openings: int, buckets: Bits = _NO_BUCKETS) -> Gates:
    """The tables for words and the numbers of the openings that need them, of which the first are in these buckets."""
    hashes = sorted((_hash(seen), number, place) for number, word in enumerate(words)
                    if len(word) > 1 for place in [_rarest_place(word)] for seen in _spelled(word[place:][:PLACE]))
    filled = np.zeros(1 << HASH_BITS, bool)
    filled[[key for key, *_ in hashes]] = True
    counts = np.bincount([(key >> HASH_BITS - BUCKET_BITS) + 1 for key, *_ in hashes],
                         minlength=(1 << BUCKET_BITS) + 1)
    singles = [(number, byte) for number, word in enumerate(words) if len(word) == 1 for byte in {*word, *word.upper()}]
    members = np.zeros((max(1, len(words)), max(1, openings)), bool)
    for number, needing in enumerate(words.values()):
        members[number, list(needing)] = True
    active = np.where(members[:, : len(buckets)], buckets[:openings], np.uint64(0))
    bits = np.column_stack([as_bits(members), np.bitwise_or.reduce(active, axis=1)])
    lengths = [0, *map(len, words)]
    return Gates(np.packbits(filled, bitorder="little"), np.cumsum(counts).astype(np.int32),
                 np.array([entry for _, *entry in hashes], np.int32).reshape(-1, 2),
                 np.array([_head(word) for word in words] or [(0, 0)], np.uint64),
                 np.frombuffer(bytearray(b"".join(words) or b"\0"), np.uint8), np.cumsum(lengths).astype(np.int32),
                 bits, np.cumsum([0, *np.count_nonzero(bits, axis=1)]).astype(np.int32),
                 np.nonzero(bits)[1].astype(np.int32), np.array(singles, np.int32).reshape(-1, 2))


def _head(word: bytes) -> tuple[int, int]:
    """The first bytes of a word as one number, and which bits of it count: of small letters not their case."""
    counting = bytes(0xFF - CASE if 97 <= byte <= 122 else 0xFF for byte in word[:WIDTH])
    value, mask = int.from_bytes(word[:WIDTH], "little"), int.from_bytes(counting, "little")
    return value & mask, mask


def _spelled(place: bytes) -> list[bytes]:
    """A place, with every byte that may stand behind a shorter one; of two that differ in CASE one."""
    return [place] if len(place) == PLACE else [place + bytes([byte]) for byte in range(256) if byte & CASE]


def _rarest_place(word: bytes) -> int:
    """Of places alike the first that has the end of one character beyond ASCII and the beginning of the next: two
    characters of words do not often stand together, and each of them does in many others."""
    ranks = [_RARE.find(byte) for byte in word]
    are_two = [byte & 0xC0 == 0x80 and further >= 0xC0 for byte, further in pairwise(word)] + [False]
    return min(range(max(1, len(word) - PLACE + 1)),
               key=lambda place: (sum(ranks[place : place + PLACE]), not are_two[place]))


def _hash(place: bytes) -> int:
    first, second, third = (byte | CASE for byte in place)
    return ((third << 16 | second << 8 | first) * MULTIPLIER & 0xFFFFFF) >> 24 - HASH_BITS

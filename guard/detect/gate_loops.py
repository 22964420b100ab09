"""The pass that finds the words of `guard.detect.gates` in a block."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.batch import Ints
from guard.compiled import inlined, tight_loop
from guard.detect.gates import BUCKET_BITS, CASE, HASH_BITS, MULTIPLIER, Gates
from guard.detect.shapes import Block

_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[65:91] += 32
_CASES = CASE << 16 | CASE << 8 | CASE


@inlined
def _stands_at(gates: Gates, word: int, text: Any, at: int, low: int, high: int) -> bool:
    first = gates.starts[word]
    length = gates.starts[word + 1] - first
    if at < low or at + length > high:
        return False
    for index in range(length):
        byte, letter = text[at + index], gates.letters[first + index]
        if byte != letter and (_LOWER[byte] != letter or letter < 97 or letter > 122):
            return False
    return True


@inlined
def _hash(text: Any, at: int) -> Any:
    place = (np.uint32(text[at]) << np.uint32(16) | np.uint32(text[at + 1]) << np.uint32(8) | np.uint32(text[at + 2]))
    return np.uint32(np.uint32(place | np.uint32(_CASES)) * np.uint32(MULTIPLIER)) >> np.uint32(32 - HASH_BITS)


def open_gates(gates: Gates, block: Block, wanted: Any) -> None:
    """Adds to the bits of each line, a row of `wanted`, those of the openings whose words stand in it."""
    if len(gates.starts) > 1:
        _open_gates(gates, block.buffer, block.bounds, wanted)
    for word, byte in gates.singles.tolist():
        lines = block.lines_of(np.flatnonzero(np.frombuffer(block.data, np.uint8) == byte) + 1)
        wanted[lines] |= gates.members[word]


@tight_loop
def _open_gates(gates: Gates, text: Any, bounds: Ints, wanted: Any) -> None:
    """The same for words of more than one byte. The text can be read for some bytes behind the last line.

    What is read before its first byte is any other one: then the word does not stand inside the line.
    """
    line = 0
    for at in range(bounds[len(bounds) - 1]):
        key = _hash(text, at)
        if gates.filter[key >> 3] >> (key & 7) & 1 == 0:
            continue
        bucket = key >> (HASH_BITS - BUCKET_BITS)
        while bounds[line + 1] < at:
            line += 1
        for entry in range(gates.first[bucket], gates.first[bucket + 1]):
            if text[at + gates.entries[entry, 2]] | CASE != gates.entries[entry, 3]:
                continue
            word = gates.entries[entry, 0]
            if _stands_at(gates, word, text, at - gates.entries[entry, 1], bounds[line] + 1, bounds[line + 1]):
                for index in range(wanted.shape[1]):
                    wanted[line, index] |= gates.members[word, index]

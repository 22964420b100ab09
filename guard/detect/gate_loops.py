"""The pass that finds the words of `guard.detect.gates` in a block."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.gates import BUCKET_BITS, CASE, HASH_BITS, MULTIPLIER, WIDTH, Gates
from guard.detect.shapes import Block
from guard.hashing_loops import words_of

_CASES = np.uint64(CASE * 0x0101010101010101)
_HASHED, _BITS_LEFT = np.uint64(MULTIPLIER << 40), np.uint64(64 - HASH_BITS)
"""What is above the 24 bits of a place is multiplied away."""
_STRETCH = 4096
"""Bytes whose places are found before the words at them are compared."""
_BYTE, _TWO_BYTES, _THREE_BYTES = np.uint64(8), np.uint64(16), np.uint64(24)
_IN_BYTE, _LOWEST, _TO_BYTE = np.uint64(7), np.uint64(1), np.uint64(3)
_LOWS, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)


def open_gates(gates: Gates, block: Block, wanted: Any) -> None:
    """Adds to the bits of each line, a row of `wanted`, those of the openings whose words stand in it."""
    text, words = block.buffer, words_of(block.buffer)
    if len(gates.starts) > 1:
        _open_gates(gates, text, words, block.bounds, wanted, np.empty(_STRETCH, np.int64),
                    np.empty((2 * _STRETCH, 2), np.int64))
    for word, byte in gates.singles.tolist():
        _open_singles(gates.members, word, byte, np.uint64(byte) * _LOWS, text, words, block.bounds, wanted)


@tight_loop
def _open_gates(gates: Gates, text: Any, words: Any, bounds: Ints, wanted: Any, places: Ints, found: Ints) -> None:
    """The same for words of more than one byte. The text can be read for some bytes behind the last line; `words` are
    eight bytes of it from each on, `places` and `found` are working memory.

    Each step goes over many places before the next one does, and has no branches that nobody could foretell.
    """
    line, size = 0, bounds[len(bounds) - 1]
    for start in range(0, size, _STRETCH):
        count = _find_places(gates, words, start, min(start + _STRETCH, size), places)
        done = np.uint64(0)
        while done < count:
            done, standing = _compare(gates, words, places, done, count, found)
            line = _open(gates, text, bounds, found, standing, line, wanted)


@inlined_loop
def _compare(gates: Gates, words: Any, places: Ints, done: Any, count: Any, found: Ints) -> tuple[Any, Any]:
    """Fills in the words whose heads stand at the places from the number `done` on, and where, as long as there is
    room; up to which place, and how many."""
    standing, room = np.uint64(0), np.uint64(len(found))
    while done < count:
        at = places[done]
        bucket = _hash(words[at] | _CASES) >> np.uint64(HASH_BITS - BUCKET_BITS)
        first, last = gates.first[bucket], gates.first[bucket + np.uint64(1)]
        if standing + np.uint64(last - first) > room:
            break
        for entry in range(first, last):
            word, place = gates.entries[entry, 0], max(0, at - gates.entries[entry, 1])
            found[standing, 0], found[standing, 1] = word, place
            standing += np.uint64(words[place] & gates.heads[word, 1] == gates.heads[word, 0])
        done += np.uint64(1)
    return done, standing


@inlined_loop
def _open(gates: Gates, text: Any, bounds: Ints, found: Ints, standing: Any, line: int, wanted: Any) -> int:
    """Adds the bits of the words that stand there with all their bytes, inside of a line; the number of the last."""
    size = bounds[len(bounds) - 1]
    for index in range(standing):
        word, at = found[index, 0], found[index, 1]
        first, last = gates.starts[word], gates.starts[word + 1]
        if at + last - first > size:
            continue
        while bounds[line + 1] < at:
            line += 1
        while bounds[line] >= at:
            line -= 1
        if at + last - first > bounds[line + 1] or not _goes_on(gates, text, at - first, first + WIDTH, last):
            continue
        for place in range(gates.spans[word], gates.spans[word + 1]):
            column = gates.columns[place]
            wanted[line, column] |= gates.members[word, column]
    return line


@inlined_loop
def _goes_on(gates: Gates, text: Any, before: int, first: int, last: int) -> bool:
    """Whether the letters from the number `first` on stand `before` bytes behind their numbers."""
    for index in range(first, last):
        byte, letter = text[before + index], gates.letters[index]
        if byte != letter and (letter < 97 or letter > 122 or byte + CASE != letter):
            return False
    return True


@inlined_loop
def _find_places(gates: Gates, words: Any, start: int, end: int, places: Ints) -> Any:
    """Fills in where a place of some word may be; how many. Without a branch, which nobody could foretell: four places
    of each word of the text."""
    count, table = np.uint64(0), gates.filter
    for at in range(start, end, 4):
        word = words[at] | _CASES
        places[count] = at
        count += _bit(table, _hash(word))
        places[count] = at + 1
        count += _bit(table, _hash(word >> _BYTE))
        places[count] = at + 2
        count += _bit(table, _hash(word >> _TWO_BYTES))
        places[count] = at + 3
        count += _bit(table, _hash(word >> _THREE_BYTES))
    return count


@inlined_loop
def _hash(word: Any) -> Any:
    return word * _HASHED >> _BITS_LEFT


@inlined_loop
def _bit(table: Any, key: Any) -> Any:
    return np.uint64(table[key >> _TO_BYTE]) >> (key & _IN_BYTE) & _LOWEST


@tight_loop
def _open_singles(members: Any, word: int, byte: int, repeated: Any, text: Any, words: Any, bounds: Ints, wanted: Any,
                  ) -> None:
    """The same for a word of one byte; `repeated` is that byte eight times."""
    line, size = 0, bounds[len(bounds) - 1]
    for start in range(0, size, 8):
        others = words[start] ^ repeated
        if (others - _LOWS) & ~others & _HIGHS == 0:
            continue
        for at in range(start, min(start + 8, size)):
            if text[at] == byte:
                while bounds[line + 1] < at:
                    line += 1
                for column in range(wanted.shape[1]):
                    wanted[line, column] |= members[word, column]

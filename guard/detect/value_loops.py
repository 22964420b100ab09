"""Joining values, numbering distinct ones and spreading their hits, as machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.hashing_loops import Words, word_at

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int32]
FREE = -1
_MULTIPLIER, _FINAL, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(32)


@tight_loop
def join(data: Bytes, words: Words, starts: Ints, ends: Ints, out: Bytes, out_words: Words) -> None:
    """Writes every value and a line feed behind it; `words` and `out_words` are views of `data` and `out`
    (`words_of`). Values are short: they are copied eight bytes at a time, and what is written too much is written over.
    """
    size = 0
    for index in range(len(starts)):
        place, end = starts[index], ends[index]
        while place < end:
            if place < len(words) and size < len(out_words):
                out_words[size] = words[place]
                step = min(8, end - place)
            else:
                out[size] = data[place]
                step = 1
            place += step
            size += step
        out[size] = 10
        size += 1


@tight_loop
def number(data: Bytes, words: Words, starts: Ints, ends: Ints, key: Any, slots: Slots, hashes: Words, edges: Ints,
           kept: Bytes, kept_words: Words, count: int, which: Ints) -> int:
    """Writes to `which` the number of each value among the distinct ones, adds new ones, returns how many there are.

    Distinct value n is `kept[edges[n]:edges[n + 1]]`, `hashes[n]` its hash; `slots` is an open-addressing table of
    numbers, its size a power of two and more than there will be values. `words` and `kept_words` are those of the two
    buffers (`words_of`).
    """
    mask, places = len(slots) - 1, _places(slots)
    for index in range(len(starts)):
        start, end = starts[index], ends[index]
        value = _hash(words, start, end, key)
        slot = np.int64(value >> places)
        while True:
            found = slots[slot]
            if found == FREE:
                place = edges[count]
                for at in range(start, end):
                    kept[place + at - start] = data[at]
                edges[count + 1] = place + end - start
                hashes[count], slots[slot], found = value, count, count
                count += 1
                break
            if hashes[found] == value and _is_same(words, start, end, kept_words, edges[found], edges[found + 1]):
                break
            slot = (slot + 1) & mask
        which[index] = found
    return count


@tight_loop
def _hash(words: Words, start: int, end: int, key: Any) -> Any:
    """One multiplication for eight bytes, and one more: this only says where to look."""
    value = key + np.uint64(end - start)
    while start < end:
        value = (value ^ word_at(words, start, end)) * _MULTIPLIER
        value ^= value >> _HALF
        start += 8
    return value * _FINAL


@tight_loop
def _places(slots: Slots) -> Any:
    """By how many bits a hash is shifted to be a place in the table: its highest bits depend on all of the value."""
    size, bits = len(slots), 64
    while size > 1:
        size >>= 1
        bits -= 1
    return np.uint64(bits)


@tight_loop
def _is_same(words: Words, start: int, end: int, others: Words, first: int, last: int) -> bool:
    if end - start != last - first:
        return False
    while start < end:
        if word_at(words, start, end) != word_at(others, first, last):
            return False
        start += 8
        first += 8
    return True


@tight_loop
def fill_slots(hashes: Words, count: int, slots: Slots) -> None:
    """Puts the numbers of `count` distinct values into an empty table."""
    mask, places = len(slots) - 1, _places(slots)
    for index in range(count):
        slot = np.int64(hashes[index] >> places)
        while slots[slot] != FREE:
            slot = (slot + 1) & mask
        slots[slot] = index


@tight_loop
def spread(edges: Ints, which: Ints, chosen: Ints, cells: Ints) -> None:
    """For each cell the indices of the hits of its value: those of value n are `edges[n]` to `edges[n + 1]`."""
    size = 0
    for cell in range(len(which)):
        for index in range(edges[which[cell]], edges[which[cell] + 1]):
            chosen[size], cells[size] = index, cell
            size += 1

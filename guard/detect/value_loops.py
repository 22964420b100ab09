"""Joining values, numbering distinct ones and spreading their hits, as machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.hashing_loops import Words, hash_slice

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int32]
FREE = -1


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
           kept: Bytes, count: int, which: Ints) -> int:
    """Writes to `which` the number of each value among the distinct ones, adds new ones, returns how many there are.

    Distinct value n is `kept[edges[n]:edges[n + 1]]`, `hashes[n]` its hash; `slots` is an open-addressing table of
    numbers, its size a power of two and more than there will be values.
    """
    mask = len(slots) - 1
    for index in range(len(starts)):
        start, end = starts[index], ends[index]
        value = hash_slice(words, start, end, key)
        slot = np.int64(value & np.uint64(mask))
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
            if hashes[found] == value and _is_same(data, start, end, kept, edges[found], edges[found + 1]):
                break
            slot = (slot + 1) & mask
        which[index] = found
    return count


@tight_loop
def _is_same(data: Bytes, start: int, end: int, kept: Bytes, first: int, last: int) -> bool:
    at, size = 0, end - start
    while at < size and size == last - first and data[start + at] == kept[first + at]:
        at += 1
    return at == size == last - first


@tight_loop
def fill_slots(hashes: Words, count: int, slots: Slots) -> None:
    """Puts the numbers of `count` distinct values into an empty table."""
    mask = len(slots) - 1
    for index in range(count):
        slot = np.int64(hashes[index] & np.uint64(mask))
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

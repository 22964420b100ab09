"""Joining values, numbering distinct ones and spreading their hits, as machine code."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.hashing_loops import Words, word_at

Bytes = npt.NDArray[np.uint8]
Slots = npt.NDArray[np.int32]
FREE = -1


class HitArrays(NamedTuple):
    """The columns of `batch.Hits`."""

    detector: npt.NDArray[np.int16]
    start: Ints
    end: Ints
    confidence: npt.NDArray[np.float32]
    flags: npt.NDArray[np.uint8]
    cell: Ints


_LONG = 16
_NOTHING, _IS_LONG, _TOP_BYTE = np.uint64(0), np.uint64(0xFF << 56), np.uint64(56)
_MULTIPLIER, _FINAL, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93), np.uint64(32)


@tight_loop
def join(data: Bytes, words: Words, starts: Ints, ends: Ints, out: Bytes, out_words: Words, lows: Ints,
         highs: Ints) -> None:
    """Writes every value and a line feed behind it, and to `lows` and `highs` where it stands then; `words` and
    `out_words` are views of `data` and `out` (`words_of`). Values are short: they are copied eight bytes at a time, and
    what is written too much is written over.
    """
    size = 0
    for index in range(len(starts)):
        place, end = starts[index], ends[index]
        lows[index], highs[index] = size, size + end - place
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
def number(data: Bytes, words: Words, starts: Ints, ends: Ints, key: Any, slots: Slots, heads: Words, edges: Ints,
           kept: Bytes, kept_words: Words, count: int, which: Ints) -> int:
    """Writes to `which` the number of each value among the distinct ones, adds new ones, returns how many there are.

    Distinct value n is `kept[edges[n]:edges[n + 1]]`, `heads[2 * n]` and the one behind are its head (`_head`). `slots`
    is an open-addressing table of numbers, its size a power of two and more than there will be values. `words` and
    `kept_words` are those of the two buffers (`words_of`). A short value is looked for in two places of memory.
    """
    mask, places = len(slots) - 1, _places(slots)
    for index in range(len(starts)):
        start, end = starts[index], ends[index]
        one, two = _head(words, start, end, key)
        slot = np.int64(_hash(one, two, key) >> places)
        while True:
            found: Any = np.int64(slots[slot])
            if found == FREE:
                place = edges[count]
                for at in range(start, end):
                    kept[place + at - start] = data[at]
                edges[count + 1] = place + end - start
                heads[2 * count], heads[2 * count + 1] = one, two
                slots[slot], found = count, count
                count += 1
                break
            if heads[2 * found] == one and heads[2 * found + 1] == two and (end - start < _LONG or _is_same(
                    words, start, end, kept_words, edges[found])):
                break
            slot = (slot + 1) & mask
        which[index] = found
    return count


@inlined_loop
def _head(words: Words, start: int, end: int, key: Any) -> tuple[Any, Any]:
    """A value of less than _LONG bytes and its length in two words; of a longer one a hash and the length."""
    size = end - start
    if size >= _LONG:
        value = key
        while start < end:
            value = _mixed(value ^ word_at(words, start, end))
            start += 8
        return value, np.uint64(size) | _IS_LONG
    one = word_at(words, start, end) if size > 0 else _NOTHING
    two = word_at(words, start + 8, end) if size > 8 else _NOTHING
    return one, two | np.uint64(size) << _TOP_BYTE


@inlined_loop
def _mixed(value: Any) -> Any:
    value = value * _MULTIPLIER
    return value ^ (value >> _HALF)


@inlined_loop
def _hash(one: Any, two: Any, key: Any) -> Any:
    """What is made of a head only says where to look."""
    return _mixed(_mixed(one ^ key) ^ two) * _FINAL


@tight_loop
def _places(slots: Slots) -> Any:
    """By how many bits a hash is shifted to be a place in the table: its highest bits depend on all of the value."""
    size, bits = len(slots), 64
    while size > 1:
        size >>= 1
        bits -= 1
    return np.uint64(bits)


@tight_loop
def _is_same(words: Words, start: int, end: int, others: Words, first: int) -> bool:
    """Whether `start`:`end` are the bytes of another buffer from `first` on."""
    while start < end:
        if word_at(words, start, end) != word_at(others, first, first + end - start):
            return False
        start += 8
        first += 8
    return True


@tight_loop
def fill_slots(heads: Words, count: int, key: Any, slots: Slots) -> None:
    """Puts the numbers of `count` distinct values into an empty table."""
    mask, places = len(slots) - 1, _places(slots)
    for index in range(count):
        slot = np.int64(_hash(heads[2 * index], heads[2 * index + 1], key) >> places)
        while slots[slot] != FREE:
            slot = (slot + 1) & mask
        slots[slot] = index


@tight_loop
def count_spread(edges: Ints, which: Ints) -> int:
    """How many hits all cells have."""
    size = 0
    for value in which:
        size += edges[value + 1] - edges[value]
    return size


@tight_loop
def spread(edges: Ints, which: Ints, hits: HitArrays, out: HitArrays) -> None:
    """Gives every cell the hits of its value: those of value n are `edges[n]` to `edges[n + 1]`."""
    size = 0
    for cell in range(len(which)):
        for index in range(edges[which[cell]], edges[which[cell] + 1]):
            out.detector[size], out.cell[size] = hits.detector[index], cell
            out.start[size], out.end[size] = hits.start[index], hits.end[index]
            out.confidence[size], out.flags[size] = hits.confidence[index], hits.flags[index]
            size += 1

"""Loops over code points: a stretch of UTF-8 as numbers, and which words of a table stand in it.

A scratch is two arrays: `codes[i]` is a code point, `edges[i]` the byte offset where it starts. What no table knows
becomes OTHER: code points beyond the basic plane, the code point 0, bytes that are no UTF-8. Behind the last code point
stands a zero, which belongs to no word, so that nothing has to ask for the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.int64]


def constants(*values: int) -> Any:
    """Numbers to be passed on: of a plain number the compiler would make a copy of the loop for each value."""
    return list(np.array(values, np.int64))


OTHER, = constants(0xFFFF)


class Words(NamedTuple):
    """Several sets of words, each in groups by the first code point, longer words first.

    `groups[set, code]` is a number g; its words are those from `firsts[g]` to `firsts[g + 1]`; word w is
    `letters[edges[w]:edges[w + 1]]`. Group 0 is empty. (Few arrays: each costs time in every call that is compiled.)
    """

    groups: npt.NDArray[np.int16]
    firsts: npt.NDArray[np.int32]
    edges: npt.NDArray[np.int32]
    letters: npt.NDArray[np.uint16]


@inlined_loop
def code_point(buffer: Bytes, at: int, end: int) -> tuple[int, int]:
    """The code point at `at`, before `end`, and where the next one starts."""
    first: Any = np.int64(buffer[at])
    if 0 < first < 0x80:
        return first, at + 1
    code: Any = 0
    behind = at + 1
    if 0xE0 <= first < 0xF0 and at + 2 < end:
        code = (first & 15) << 12 | np.int64(buffer[at + 1] & 63) << 6 | np.int64(buffer[at + 2] & 63)
        behind = at + 3
    elif 0xC0 <= first < 0xE0 and at + 1 < end:
        code = (first & 31) << 6 | np.int64(buffer[at + 1] & 63)
        behind = at + 2
    elif first >= 0xF0 and at + 3 < end:
        behind = at + 4
    return (code if code else OTHER), behind


@inlined_loop
def decode(buffer: Bytes, at: int, end: int, codes: Codes, edges: Codes, count: int, most: int) -> int:
    """Appends the code points of `buffer[at:end]` behind `count` others, up to `most` in all; how many there are then.

    `codes` and `edges` have room for `most + 1`.
    """
    while at < end and count < most:
        edges[count] = at
        codes[count], at = code_point(buffer, at, end)
        count += 1
    edges[count] = at
    codes[count] = 0
    return count


@inlined_loop
def back(buffer: Bytes, start: int, at: int) -> int:
    """The offset of the code point before `at`, which is behind `start`."""
    at -= 1
    while at > start and buffer[at] & 0xC0 == 0x80:
        at -= 1
    return at


@inlined_loop
def code_before(buffer: Bytes, start: int, at: int) -> tuple[int, int]:
    """The code point before `at`, which is behind `start`, and where it starts."""
    last: Any = np.int64(buffer[at - 1])
    if 0 < last < 0x80:
        return last, at - 1
    if at - 3 >= start and buffer[at - 3] >> 4 == 0xE and buffer[at - 2] >> 6 == 2 and last >> 6 == 2:
        previous = at - 3
    else:
        previous = back(buffer, start, at)
    return code_point(buffer, previous, at)[0], previous


@inlined_loop
def is_han(code: int) -> bool:
    """Whether a code point is one of 一-龥, which patterns mean by Han."""
    return 0x4E00 <= code <= 0x9FA5


@inlined_loop
def is_usual_han(buffer: Bytes, at: int, start: int, end: int) -> bool:
    """Whether three bytes at `at` lie between `start` and `end` and are one of 倀-迿, which are most of 一-龥."""
    return at >= start and at + 3 <= end and 0xE5 <= buffer[at] <= 0xE8 and buffer[at + 2] >> 6 == 2


@inlined_loop
def word_length(words: Words, word: int, codes: Codes, at: int) -> int:
    """The length of a word of the group of `codes[at]` when it stands there, else 0."""
    start = words.edges[word]
    length: int = words.edges[word + 1] - start
    for index in range(1, length):
        if codes[at + index] != words.letters[start + index]:
            return 0
    return length


@inlined_loop
def longest(words: Words, which: int, codes: Codes, at: int) -> int:
    """The length of the longest word of a set that stands at `at`, 0 when none does."""
    group = words.groups[which, codes[at]]
    for word in range(words.firsts[group], words.firsts[group + 1]):
        length = word_length(words, word, codes, at)
        if length:
            return length
    return 0

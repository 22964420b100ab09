"""What the words around many matches say, as `guard.detect.context.Vicinity.weigh` does for one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop, tight_loop
from guard.detect.machine import code_point, run, width_at

Bytes = Any
SUPPORTS, OPPOSES = 1, 2
PAIRS = 1024
NO_SECOND = 256
"""What stands behind a word of one character that ends its text."""


class Words(NamedTuple):
    """The context of one rule: addresses of the programs of its words, and how many characters are looked at before and
    behind a match. `supporting_first` has a 1 for each byte with which a supporting word may begin, and a 2 for the
    last eight bits of each such character; none where the rule has no such words."""

    supporting: int
    opposing: int
    supporting_first: npt.NDArray[np.uint8]
    opposing_first: npt.NDArray[np.uint8]
    window: int
    after: int


@tight_loop
def _nearest(programs: Any, words: tuple[int, int], firsts: Any, pairs: Any, rule: Any, text: Bytes, low: int,
             high: int, memory: Any) -> int:
    """1 when a supporting word stands last in `text[low:high]`, -1 when an opposing one does, 0 without any."""
    one, two, at = -1, -1, low
    while at < high:
        byte = text[at]
        if firsts[rule, byte] == 0 or (byte < 0x80 and at > low and not _may_start(text, at)):
            at += width_at(text, at)
            continue
        following = at + width_at(text, at)
        second = code_point(text, following) & 255 if following < high else NO_SECOND
        kinds = pairs[rule, pair(code_point(text, at) & 255, second)]
        if kinds & SUPPORTS and at >= one:
            end = run(programs, words[0], text, low, high, at, memory)
            one = end if end > at else one
        if kinds & OPPOSES and at >= two:
            end = run(programs, words[1], text, low, high, at, memory)
            two = end if end > at else two
        at = following
    return 0 if one == two else 1 if one > two else -1


@inlined_loop
def pair(first: int, second: int) -> int:
    """Where the kinds of words stand that may begin with two characters, given the last eight bits of both."""
    return (first << 2 ^ second * 5) & 1023


@inlined_loop
def _may_start(text: Bytes, at: int) -> Any:
    """Whether a Latin word can begin at an offset: behind no letter, or at a camel hump (`context.compile_words`)."""
    byte, prior = text[at], text[at - 1]
    if 97 <= prior <= 122:
        return 65 <= byte <= 90
    return not 65 <= prior <= 90


@inlined_loop
def _cuts(code: int) -> bool:
    return code == 44 or code == 59 or code == 9 or code == 124 or code == 0x3002


@inlined_loop
def _is_blank(code: int) -> bool:
    """As `str.isspace` has it."""
    return (9 <= code <= 13 or 28 <= code <= 32 or code == 0x85 or code == 0xA0 or code == 0x1680
            or 0x2000 <= code <= 0x200A or code == 0x2028 or code == 0x2029 or code == 0x202F or code == 0x205F
            or code == 0x3000)


@tight_loop
def _left(text: Bytes, low: int, start: int, window: int) -> int:
    """Where the text before a match begins: `context.before`."""
    at, cut, filled, count = start, -1, False, 0
    while at > low and count < window and not (filled and cut >= 0):
        at -= 1
        count += 1
        byte: Any = text[at]
        if byte < 0x80:
            if cut < 0 and _cuts(byte):
                cut = at + 1
            elif cut < 0:
                filled |= not _is_blank(byte)
            continue
        while at > low and text[at] & 0xC0 == 0x80:
            at -= 1
        if cut < 0:
            # No character that cuts or is blank has another first byte.
            odd = text[at] == 0xC2 or 0xE1 <= text[at] <= 0xE3
            if odd and _cuts(code_point(text, at)):
                cut = at + width_at(text, at)
            else:
                filled |= not (odd and _is_blank(code_point(text, at)))
    return cut if cut >= 0 and filled else at


@tight_loop
def _right(text: Bytes, high: int, end: int, after: int) -> int:
    """Where the text behind a match ends: `context.behind`."""
    at, count = end, 0
    while at < high and count < after and not _cuts(code_point(text, at)):
        at += width_at(text, at)
        count += 1
    return at


@tight_loop
def weigh(programs: Any, words: tuple[int, int], firsts: Any, pairs: Any, rule: Any, window: int, after: int,
          text: Bytes, low: int, high: int, start: int, end: int, memory: Any) -> int:
    """1, 0 or -1 for the match `text[start:end]` of the line `text[low:high]`: what the words around it say.

    `words` are the programs of the supporting and of the opposing words. `firsts[rule]` tells the bytes with which one
    of them may begin, `pairs[rule]` which kinds may begin with two characters (`pair`). `window` and `after` are how
    many characters are looked at before and behind.
    """
    sign = 0
    if start > low:
        sign = _nearest(programs, words, firsts, pairs, rule, text, _left(text, low, start, window), start, memory)
    if sign == 0 and after > 0:
        right = _right(text, high, end, after)
        if right > end:
            sign = _nearest(programs, words, firsts, pairs, rule, text, end, right, memory)
    return sign

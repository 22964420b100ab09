"""What the words around many matches say, as `guard.detect.context.Vicinity.weigh` does for one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import loop
from guard.detect.machine import before, code_point, match, width_at
from guard.detect.program import Programs

Bytes = Any


class Words(NamedTuple):
    """The context of one rule: addresses of the programs of its words (-1: it has none), what these begin with, and
    how many characters are looked at before and behind a match."""

    supporting: int
    opposing: int
    supporting_first: npt.NDArray[np.uint8]
    opposing_first: npt.NDArray[np.uint8]
    window: int
    after: int


@loop
def _last(programs: Programs, address: int, first: Any, text: Bytes, low: int, high: int, slots: Any, stack: Any,
          steps: Any) -> int:
    """Where the last word of `text[low:high]` ends, -1 without one."""
    last, at = -1, low
    if address < 0:
        return last
    while at < high:
        if first[text[at]]:
            end = match(programs, address, text, low, high, at, slots, stack, steps)
            if end > at:
                last = at = end
                continue
        at += width_at(text, at)
    return last


@loop
def _nearest(programs: Programs, words: Words, text: Bytes, low: int, high: int, slots: Any, stack: Any,
             steps: Any) -> int:
    """1 when a supporting word stands last in `text[low:high]`, -1 when an opposing one does, 0 without any."""
    one = _last(programs, words.supporting, words.supporting_first, text, low, high, slots, stack, steps)
    two = _last(programs, words.opposing, words.opposing_first, text, low, high, slots, stack, steps)
    return 0 if one == two else 1 if one > two else -1


@loop
def _cuts(code: int) -> bool:
    return code == 44 or code == 59 or code == 9 or code == 124 or code == 0x3002


@loop
def _is_blank(code: int) -> bool:
    """As `str.isspace` has it."""
    return (9 <= code <= 13 or 28 <= code <= 32 or code == 0x85 or code == 0xA0 or code == 0x1680
            or 0x2000 <= code <= 0x200A or code == 0x2028 or code == 0x2029 or code == 0x202F or code == 0x205F
            or code == 0x3000)


@loop
def _left(text: Bytes, low: int, start: int, window: int) -> int:
    """Where the text before a match begins: `context.before`."""
    at, cut, filled, count = start, -1, False, 0
    while at > low and count < window:
        at = before(text, low, at)
        count += 1
        if cut < 0:
            code = code_point(text, at)
            if _cuts(code):
                cut = at + width_at(text, at)
            elif not _is_blank(code):
                filled = True
    return cut if cut >= 0 and filled else at


@loop
def _right(text: Bytes, high: int, end: int, after: int) -> int:
    """Where the text behind a match ends: `context.behind`."""
    at, count = end, 0
    while at < high and count < after and not _cuts(code_point(text, at)):
        at += width_at(text, at)
        count += 1
    return at


@loop
def weigh(programs: Programs, words: Words, text: Bytes, lows: Ints, highs: Ints, starts: Ints, ends: Ints,
          header: int, out: Ints, slots: Any, stack: Any, steps: Any) -> None:
    """Fills `out` with 1, 0 or -1 for each match `starts`:`ends` of the line `lows`:`highs`; `header` is the sign of
    the column's name, which counts when the text says nothing."""
    for index in range(len(starts)):
        low, start, end = lows[index], starts[index], ends[index]
        sign = 0
        if start > low:
            sign = _nearest(programs, words, text, _left(text, low, start, words.window), start, slots, stack, steps)
        if sign == 0 and words.after > 0:
            right = _right(text, highs[index], end, words.after)
            if right > end:
                sign = _nearest(programs, words, text, end, right, slots, stack, steps)
        out[index] = sign if sign != 0 else header

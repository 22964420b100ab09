"""What the words around many matches say, as `guard.detect.context.Vicinity.weigh` does for one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import tight_loop
from guard.detect.machine import before, code_point, run, width_at

Bytes = Any


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
def _nearest(programs: Any, supporting: int, opposing: int, supporting_first: Any, opposing_first: Any,
             text: Bytes, low: int, high: int, memory: Any) -> int:
    """1 when a supporting word stands last in `text[low:high]`, -1 when an opposing one does, 0 without any."""
    one, two, at = -1, -1, low
    while at < high:
        if (supporting_first[text[at]] | opposing_first[text[at]]) & 1:
            key = code_point(text, at) & 255
            if supporting_first[key] & 2 and at >= one:
                end = run(programs, supporting, text, low, high, at, memory)
                one = end if end > at else one
            if opposing_first[key] & 2 and at >= two:
                end = run(programs, opposing, text, low, high, at, memory)
                two = end if end > at else two
        at += width_at(text, at)
    return 0 if one == two else 1 if one > two else -1


@tight_loop
def _cuts(code: int) -> bool:
    return code == 44 or code == 59 or code == 9 or code == 124 or code == 0x3002


@tight_loop
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
        at = before(text, low, at)
        count += 1
        if cut < 0:
            code = code_point(text, at)
            if _cuts(code):
                cut = at + width_at(text, at)
            elif not _is_blank(code):
                filled = True
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
def weigh(programs: Any, words: Words, text: Bytes, line_starts: Ints, line_ends: Ints, starts: Ints, ends: Ints,
          header: int, out: Ints, memory: Any) -> None:
    """Fills `out` with 1, 0 or -1 for each match `starts`:`ends` of the line `line_starts`:`line_ends`.

    `header` is the sign of the column's name, which counts when the text says nothing.
    """
    supporting, opposing = words.supporting, words.opposing
    supporting_first, opposing_first = words.supporting_first, words.opposing_first
    window, after = words.window, words.after
    for index in range(len(starts)):
        low, start, end = line_starts[index], starts[index], ends[index]
        sign = 0
        if start > low:
            sign = _nearest(programs, supporting, opposing, supporting_first, opposing_first, text,
                            _left(text, low, start, window), start, memory)
        if sign == 0 and after > 0:
            right = _right(text, line_ends[index], end, after)
            if right > end:
                sign = _nearest(programs, supporting, opposing, supporting_first, opposing_first, text, end, right,
                                memory)
        out[index] = sign if sign != 0 else header

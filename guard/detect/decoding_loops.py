"""Candidates for tokens as machine code: the same spans as `guard.detect.tokens` finds without a compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
STANDARD, SAFE, HEX, ANY = 1, 2, 4, 8
"""Alphabets, as bits; all of them together."""
GROUPS = 5
"""Groups of four characters that are looked at before a candidate is decoded."""
_SPACE = 32


@tight_loop
def begins_as_text(data: Bytes, start: int, is_hex: bool, values: Any, may_follow: Mask) -> bool:
    """Whether the first bytes that stand behind `start` could be UTF-8 text."""
    previous = _SPACE
    for place in range(start, start + 4 * GROUPS, 4):
        first, second = values[data[place]], values[data[place + 1]]
        third, fourth = values[data[place + 2]], values[data[place + 3]]
        one = first << 4 | second if is_hex else first << 2 | second >> 4
        two = third << 4 | fourth if is_hex else (second & 15) << 4 | third >> 2
        three = (third & 3) << 6 | fourth
        if not may_follow[previous, one] or not may_follow[one, two]:
            return False
        previous = two
        if not is_hex:
            if not may_follow[two, three]:
                return False
            previous = three
    return True


@tight_loop
def _is_new(data: Bytes, first: int, last: int, start: int, end: int, alphabets: Bytes) -> bool:
    """Whether a run of the URL-safe alphabet in `first`:`last` is no run of the standard one, tried before."""
    if start > first and alphabets[data[start - 1]] & STANDARD:
        return True
    if end < last and alphabets[data[end]] & STANDARD:
        return True
    place = start
    while place < end and alphabets[data[place]] & STANDARD:
        place += 1
    return place < end


@tight_loop
def _split(data: Bytes, first: int, last: int, low: int, high: int, shared: int, least: int, alphabets: Bytes,
           sextets: Any, nibbles: Any, may_follow: Mask, spans: Ints, found: int) -> int:
    """Add the runs of each alphabet between `low` and `high` that begin as text; their number afterwards.

    `shared` are the alphabets that all of these bytes belong to.
    """
    found = _add_runs(data, first, last, low, high, shared, HEX, least, alphabets, nibbles, may_follow, spans, found)
    found = _add_runs(data, first, last, low, high, shared, STANDARD, least, alphabets, sextets, may_follow, spans,
                      found)
    # A run of both alphabets was tried just now.
    return found if shared & STANDARD and shared & SAFE else _add_runs(
        data, first, last, low, high, shared, SAFE, least, alphabets, sextets, may_follow, spans, found)


@inlined_loop
def _add_runs(data: Bytes, first: int, last: int, low: int, high: int, shared: int, flag: int, least: int,
              alphabets: Bytes, values: Any, may_follow: Mask, spans: Ints, found: int) -> int:
    """The same for one alphabet. A byte that is not of it is looked for from behind: before it nothing can begin."""
    start = low
    while high - start >= least:
        end = start + least
        if shared & flag:
            end = high
        else:
            place = end - 1
            while place >= start and alphabets[data[place]] & flag:
                place -= 1
            if place >= start:
                start = place + 1
                continue
            while end < high and alphabets[data[end]] & flag:
                end += 1
        if begins_as_text(data, start, flag == HEX, values, may_follow) and (
                flag != SAFE or _is_new(data, first, last, start, end, alphabets)):
            spans[found, 0], spans[found, 1], spans[found, 2] = start, end, flag
            found += 1
        start = end + 1
    return found


@tight_loop
def candidates(data: Bytes, first: int, last: int, least: int, alphabets: Bytes, sextets: Any, nibbles: Any,
               may_follow: Mask, spans: Ints) -> int:
    """Writes (start, end, alphabet) of what may be a token in `data[first:last]` to `spans`, and returns how many.

    A run of `least` characters holds every `least`-th byte or its neighbours, so most bytes are never looked at.
    """
    found, low, known, shared_before = 0, first, first, 0xFF
    probe = first + least - 1
    while probe < last:
        place, shared = probe, 0xFF
        while place >= known and alphabets[data[place]] & ANY:
            shared &= alphabets[data[place]]
            place -= 1
        if place >= known:
            low, known, probe, shared_before = place + 1, probe + 1, place + least, shared
            continue
        end, shared = probe + 1, shared & shared_before
        while end < last and alphabets[data[end]] & ANY:
            shared &= alphabets[data[end]]
            end += 1
        found = _split(data, first, last, low, end, shared, least, alphabets, sextets, nibbles, may_follow, spans,
                       found)
        low, known, probe, shared_before = end + 1, end + 1, end + least, 0xFF
    return found


@tight_loop
def hold_candidates(data: Bytes, starts: Ints, ends: Ints, least: int, alphabets: Bytes, sextets: Any, nibbles: Any,
                    may_follow: Mask, spans: Ints, held: Mask) -> None:
    """Writes to `held`, which is false before, which slices hold a candidate; `spans` has room for those of the
    longest."""
    for index in range(len(starts)):
        if ends[index] - starts[index] >= least:
            held[index] = candidates(data, starts[index], ends[index], least, alphabets, sextets, nibbles, may_follow,
                                     spans) > 0

"""Judging spans, telling which are near each other and putting them in order, as compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, SHADOWED, VALIDATED, Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.check_loops import passes
from guard.detect.form_loops import read
from guard.detect.judge import COMPANION_DISTANCE
from guard.model import LIKELY

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
UNREAD = -1
ASKED = 2
_WIDEST = 4 * COMPANION_DISTANCE
FAMILY, WHOLE, PASSWORD = range(3)
"""Columns of what `order` is told of each detector: a number of its data class, whether that is one thing as a whole
(`overlap.WHOLES`), and whether it is a password."""


@tight_loop
def judge(tables: Bytes, steps: Ints, form: int, dropped: Bytes, today: int, buffer: Bytes, starts: Ints, ends: Ints,
          signs: Ints, least: int, value: Bytes, codes: Ints, noisy: Mask) -> int:
    """Fills `codes` with the circumstances (`dense.circumstances`) of each span, UNREAD where only the Python functions
    know; `noisy` where the normal form is not what is written. How many are UNREAD.

    Spans with a sign below `least` are not asked; `value` is working memory.
    """
    unread = 0
    for index in range(len(starts)):
        noisy[index], codes[index] = False, 0
        if signs[index] < least:
            continue
        start, end = starts[index], ends[index]
        size, plain = read(buffer, start, end, form, dropped, value)
        code = UNREAD if size < 0 else _circumstances(tables, steps, today, value, size, plain, signs[index])
        codes[index] = code
        unread += code == UNREAD
        same = size == end - start
        at = 0
        while same and at < size:
            same = value[at] == buffer[start + at]
            at += 1
        noisy[index] = not same
    return unread


@inlined_loop
def _circumstances(tables: Bytes, steps: Ints, today: int, value: Bytes, size: int, plain: bool, sign: int) -> int:
    filters, checks = 3 + steps[0], 3 + steps[0] + steps[1]
    for step in range(3, filters):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer <= 0:
            return answer
    code = 1 | (sign + 1) << 2
    for step in range(filters, checks):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer <= 0:
            return answer if answer < 0 else code
    for step in range(checks, checks + steps[2]):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer < 0:
            return answer
        code |= answer << (4 + step - checks)
    return code | 2


@tight_loop
def strip(buffer: Bytes, starts: Ints, ends: Ints, spaced: bool, noisy: Mask, odd: Mask) -> None:
    """Takes blanks off the ends of spans; `noisy` where there were any, or, when spaces do not count, any inside.

    `odd` are those at whose ends other white space could stand.
    """
    for index in range(len(starts)):
        start, end = starts[index], ends[index]
        while start < end and _is_blank(buffer[start]):
            start += 1
        while end > start and _is_blank(buffer[end - 1]):
            end -= 1
        found = start != starts[index] or end != ends[index]
        last = end - 1
        while last > start and buffer[last] & 0xC0 == 0x80:
            last -= 1
        odd[index] = start < end and (_leads_blank(buffer[start]) or _leads_blank(buffer[last]))
        at = start
        while spaced and not found and at < end:
            found = buffer[at] == 32
            at += 1
        starts[index], ends[index], noisy[index] = start, end, found


@inlined_loop
def _is_blank(byte: int) -> bool:
    return 9 <= byte <= 13 or 28 <= byte <= 32


@inlined_loop
def _leads_blank(byte: int) -> bool:
    return byte == 0xC2 or 0xE1 <= byte <= 0xE3


@tight_loop
def find_keywords(letters: Bytes, edges: Ints, buffer: Bytes, lows: Ints, highs: Ints, starts: Ints, ends: Ints,
                  found: Bytes) -> int:
    """1 for each span in whose line a keyword stands; ASKED where only Python's lower case can tell, else 0.

    Most spans hold it themselves. Keyword n is `letters[edges[n]:edges[n + 1]]`, in lower case. How many are ASKED.
    """
    asked = 0
    for index in range(len(starts)):
        state = 0
        if _holds(letters, edges, buffer, starts[index], ends[index]) or (
                _holds(letters, edges, buffer, lows[index], highs[index])):
            state = 1
        else:
            for at in range(lows[index], highs[index]):
                if buffer[at] >= 0x80:
                    state = ASKED
                    break
        found[index] = state
        asked += state == ASKED
    return asked


@inlined_loop
def _holds(letters: Bytes, edges: Ints, buffer: Bytes, start: int, end: int) -> bool:
    for word in range(len(edges) - 1):
        first, size = edges[word], edges[word + 1] - edges[word]
        for at in range(start, end - size + 1):
            place = 0
            while place < size and _lower(buffer[at + place]) == letters[first + place]:
                place += 1
            if place == size:
                return True
    return False


@inlined_loop
def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


@tight_loop
def find_near(buffer: Bytes, starts: Ints, ends: Ints, friend_starts: Ints, friend_ends: Ints, near: Mask) -> None:
    """Which spans have a friend behind or before them in their line, no more than COMPANION_DISTANCE characters off.

    Both columns of friends are in ascending order.
    """
    for index in range(len(starts)):
        place = _count_below(friend_starts, ends[index])
        found = place < len(friend_starts) and _is_near(buffer, ends[index], friend_starts[place])
        if not found:
            place = _count_below(friend_ends, starts[index] + 1) - 1
            found = place >= 0 and _is_near(buffer, friend_ends[place], starts[index])
        near[index] = found


@inlined_loop
def _count_below(ordered: Ints, bound: int) -> int:
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@inlined_loop
def _is_near(buffer: Bytes, first: int, last: int) -> bool:
    if last - first > _WIDEST:
        return False
    count = 0
    for at in range(first, last):
        byte = buffer[at]
        if byte == 10 or byte == 13:
            return False
        count += byte & 0xC0 != 0x80
    return count <= COMPANION_DISTANCE


@tight_loop
def arrange(order: Ints, cells: Ints, starts: Ints, ends: Ints, detectors: Ints, flags: Ints) -> int:
    """Puts hits, given in order of cell and start and otherwise as found, in the order of `scan.merge`, each once.

    How many there are; the first of `order` are those.
    """
    kept = 0
    for index in range(len(order)):
        hit = order[index]
        place = kept
        while place > 0 and _is_before(hit, order[place - 1], cells, starts, ends, detectors, flags):
            place -= 1
        if place > 0 and _is_same(hit, order[place - 1], cells, starts, ends, detectors, flags):
            continue
        for other in range(kept, place, -1):
            order[other] = order[other - 1]
        order[place] = hit
        kept += 1
    for place in range(1, kept):
        one, two = order[place - 1], order[place]
        if flags[two] < flags[one] and _is_same_span(one, two, cells, starts, ends, detectors):
            order[place - 1], order[place] = two, one
    return kept


@inlined_loop
def _is_before(one: int, two: int, cells: Ints, starts: Ints, ends: Ints, detectors: Ints, flags: Ints) -> Any:
    """Whether the first of two stands before the other; of the same span by the same detector those that are not masked
    stand first, for now."""
    if starts[one] != starts[two] or cells[one] != cells[two]:
        return False
    if ends[one] != ends[two]:
        return ends[one] > ends[two]
    if detectors[one] != detectors[two]:
        return detectors[one] < detectors[two]
    return flags[one] & MASKED < flags[two] & MASKED


@inlined_loop
def _is_same(one: int, two: int, cells: Ints, starts: Ints, ends: Ints, detectors: Ints, flags: Ints) -> Any:
    return (_is_same_span(one, two, cells, starts, ends, detectors)
            and flags[one] & MASKED == flags[two] & MASKED)


@inlined_loop
def _is_same_span(one: int, two: int, cells: Ints, starts: Ints, ends: Ints, detectors: Ints) -> Any:
    return (starts[one] == starts[two] and ends[one] == ends[two] and cells[one] == cells[two]
            and detectors[one] == detectors[two])


@tight_loop
def shadow(traits: Any, cells: Ints, starts: Ints, ends: Ints, detectors: Ints, confidence: Floats, flags: Ints,
           active: Ints) -> None:
    """Flags overlaps of hits in order, as `overlap.resolve` does. `active` is working memory for so many hits."""
    count = 0
    for current in range(len(starts)):
        kept = 0
        for place in range(count):
            other = active[place]
            if cells[other] == cells[current] and ends[other] > starts[current]:
                active[kept] = other
                kept += 1
                _compare(traits, starts, ends, detectors, confidence, flags, other, current)
        active[kept] = current
        count = kept + 1


@inlined_loop
def _compare(traits: Any, starts: Ints, ends: Ints, detectors: Ints, confidence: Floats, flags: Ints, one: int,
             two: int) -> None:
    shared = min(ends[one], ends[two]) - max(starts[one], starts[two])
    size, other = ends[one] - starts[one], ends[two] - starts[two]
    if 2 * shared >= max(size, other) or (
            shared == min(size, other) and traits[detectors[one], FAMILY] == traits[detectors[two], FAMILY]):
        worse = two if _is_better(starts, ends, detectors, confidence, flags, one, two) else one
        flags[worse] |= SHADOWED
    elif _is_inside(traits, starts, ends, detectors, confidence, flags, two, one):
        flags[two] |= SHADOWED
    elif _is_inside(traits, starts, ends, detectors, confidence, flags, one, two):
        flags[one] |= SHADOWED


@inlined_loop
def _is_better(starts: Ints, ends: Ints, detectors: Ints, confidence: Floats, flags: Ints, one: int, two: int) -> Any:
    """Whether the first of two is as good as the other, by `Placed.rank`."""
    if flags[one] & VALIDATED != flags[two] & VALIDATED:
        return flags[one] & VALIDATED > 0
    if confidence[one] != confidence[two]:
        return confidence[one] > confidence[two]
    size, other = ends[one] - starts[one], ends[two] - starts[two]
    return size > other if size != other else detectors[one] <= detectors[two]


@inlined_loop
def _is_inside(traits: Any, starts: Ints, ends: Ints, detectors: Ints, confidence: Floats, flags: Ints, inner: int,
               outer: int) -> Any:
    """`overlap.inside_whole`."""
    if starts[inner] < starts[outer] or ends[inner] > ends[outer] or flags[outer] & MASKED:
        return False
    return (confidence[outer] >= LIKELY and traits[detectors[outer], WHOLE] != 0
            and traits[detectors[inner], PASSWORD] == 0)

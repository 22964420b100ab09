"""What spans of values are worth, which are near each other, and in what order they come, as compiled loops."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, NOISY, SHADOWED, VALIDATED, Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.address_loops import passes as address_passes
from guard.detect.check_loops import passes
from guard.detect.form_loops import read
from guard.detect.judge import COMPANION_DISTANCE
from guard.detect.machine import before
from guard.detect.name_loops import weigh
from guard.detect.rule_tables import (
    BUT_PATHS,
    BY_STEPS,
    BY_WORDS,
    FIRST_STEP,
    FIRST_WORTH,
    FLOORS,
    FORM,
    IN_DIVISION,
    IS_NAME,
    OF_VALUE,
    SPACED,
    WAY,
    WORTHS,
    RuleTables,
)
from guard.detect.sifting_loops import Tools
from guard.model import LIKELY

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
UNREAD = -1
_WIDEST = 4 * COMPANION_DISTANCE
FAMILY, WHOLE, PASSWORD = range(3)
"""Columns of what `order` is told of each detector: a number of its data class, whether that is one thing as a whole
(`overlap.WHOLES`), and whether it is a password."""


class HitColumns(NamedTuple):
    """Hits as columns: `scan.Found` as loops see it."""

    detector: Ints
    start: Ints
    end: Ints
    confidence: Floats
    flags: Ints


@tight_loop
def judge(tables: RuleTables, checks: Bytes, today: int, tools: Tools, buffer: Bytes, rules: Any, starts: Ints,
          ends: Ints, signs: Any, value: Bytes, codes: Ints, noisy: Mask) -> int:
    """Fills `codes` with the circumstances (`dense.circumstances`) of each span, UNREAD where only the Python functions
    know; `noisy` where the normal form is not what is written. How many are UNREAD.

    `checks` are the tables of `check_tables`, `signs` what stands around, `value` is working memory.
    """
    rows, unread = tables.rows, 0
    for index in range(len(rules)):
        start, end = starts[index], ends[index]
        rule: Any = np.int64(rules[index])
        way, code, changed = rows[rule, WAY], UNREAD, False
        if way == BY_STEPS:
            size, plain = read(buffer, start, end, rows[rule, FORM], tables.separators, rule, value)
            if size >= 0:
                code = _circumstances(tables.steps, rows[rule, FIRST_STEP], checks, today, value, size, plain,
                                      signs[index])
                changed = not _is_written(buffer, start, end, value, size)
        elif way == BY_WORDS:
            code, changed = _of_words(tables, rule, tools, buffer, start, end, signs[index])
        elif way == BUT_PATHS and is_path(buffer, start, end):
            code = 0
        codes[index], noisy[index] = code, changed
        unread += code == UNREAD
    return unread


@inlined_loop
def is_path(buffer: Bytes, start: int, end: int) -> bool:
    """Whether names of code with `.`, `->` or `::` between them: the first of what `not_reference` refuses."""
    at, names = start, 0
    while at < end and _is_of_name(buffer[at]) and not 48 <= buffer[at] <= 57:
        names += 1
        while at < end and _is_of_name(buffer[at]):
            at += 1
        if at == end:
            return names > 1
        sign: Any = buffer[at]
        behind = buffer[at + 1] if at + 1 < end else 0
        if sign == 46:
            at += 1
        elif (sign == 45 and behind == 62) or (sign == 58 and behind == 58):
            at += 2
        else:
            return False
    return False


@inlined_loop
def _is_of_name(byte: int) -> bool:
    return 97 <= byte <= 122 or 65 <= byte <= 90 or byte == 95 or 48 <= byte <= 57


@inlined_loop
def _is_written(buffer: Bytes, start: int, end: int, value: Bytes, size: int) -> bool:
    if size != end - start:
        return False
    at = 0
    while at < size and value[at] == buffer[start + at]:
        at += 1
    return at == size


@inlined_loop
def _circumstances(steps: Ints, first: int, tables: Bytes, today: int, value: Bytes, size: int, plain: bool, sign: int,
                   ) -> int:
    filters = first + 3 + steps[first]
    checks = filters + steps[first + 1]
    for step in range(first + 3, filters):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer <= 0:
            return answer
    code = 1 | (sign + 1) << 2
    for step in range(filters, checks):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer <= 0:
            return answer if answer < 0 else code
    for step in range(checks, checks + steps[first + 2]):
        answer = passes(tables, today, steps[step], value, size, plain)
        if answer < 0:
            return answer
        code |= answer << (4 + step - checks)
    return code | 2


@inlined_loop
def _of_words(tables: RuleTables, rule: Any, tools: Tools, buffer: Bytes, start: int, end: int, sign: int,
              ) -> tuple[int, bool]:
    """The circumstances of a name or an address, which is looked at as it is written but for blanks around it, and
    spaces where they do not count; whether it has any."""
    low, high, spaced = start, end, tables.rows[rule, SPACED] != 0
    while start < end and _is_blank(buffer[start]):
        start += 1
    while end > start and _is_blank(buffer[end - 1]):
        end -= 1
    if start < end and (_leads_blank(buffer[start]) or _leads_blank(buffer[before(buffer, start, end)])):
        return UNREAD, False
    changed, at = start != low or end != high, start
    while spaced and not changed and at < end:
        changed = buffer[at] == 32
        at += 1
    steps, first, worth, written = tables.steps, tables.rows[rule, FIRST_STEP], -np.inf, False
    if tables.floors[rule, OF_VALUE] < np.inf:
        worth, written = weigh(tools.names, tools.name_scratch, spaced, tables.floors[rule, OF_VALUE], buffer, start,
                               end)
    filters = first + 3 + steps[first]
    checks = filters + steps[first + 1]
    for step in range(first + 3, filters):
        if not _says(tools, steps[step], worth, written, buffer, start, end):
            return 0, changed
    code = 1 | (sign + 1) << 2
    for step in range(filters, checks):
        if not _says(tools, steps[step], worth, written, buffer, start, end):
            return code, changed
    for step in range(checks, checks + steps[first + 2]):
        code |= int(_says(tools, steps[step], worth, written, buffer, start, end)) << (4 + step - checks)
    return code | 2, changed


@inlined_loop
def _says(tools: Tools, check: int, worth: float, written: bool, buffer: Bytes, start: int, end: int) -> Any:
    """Whether a check of names or addresses lets a value pass."""
    if check >= IN_DIVISION:
        return address_passes(tools.addresses, tools.address_scratch, check - IN_DIVISION, buffer, start, end)
    return worth >= FLOORS[check] or (check == IS_NAME and written)


@inlined_loop
def _is_blank(byte: int) -> bool:
    return 9 <= byte <= 13 or 28 <= byte <= 32


@inlined_loop
def _leads_blank(byte: int) -> bool:
    return byte == 0xC2 or 0xE1 <= byte <= 0xE3


@tight_loop
def keep(tables: RuleTables, fits: Any, least: float, rules: Any, starts: Ints, ends: Ints, codes: Ints, noisy: Mask,
         out: HitColumns) -> int:
    """Fills `out` with the spans that are worth at least `least`, by rule and `codes`; how many they are.

    `fits` says of each rule whether the name of the column fits it.
    """
    rows, count = tables.rows, 0
    for index in range(len(rules)):
        rule = np.int64(rules[index])
        place = rows[rule, FIRST_WORTH] + codes[index] + (rows[rule, WORTHS] if fits[rule] else 0)
        worth = tables.worths[place]
        if worth < least:
            continue
        out.detector[count], out.start[count], out.end[count] = rule, starts[index], ends[index]
        out.confidence[count], out.flags[count] = worth, tables.marks[place] | (NOISY if noisy[index] else 0)
        count += 1
    return count


@tight_loop
def note_kinds(detectors: Ints, present: Mask) -> None:
    """Notes which detectors occur."""
    for detector in detectors:
        present[detector] = True


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
def restore(points: Ints, shifts: Ints, sizes: Ints, lost: Ints, kept: Mask, out: HitColumns, count: int) -> int:
    """Leaves those of the `count` hits of `out` that are `kept`, where they stand in the original
    (`Folded.originals`), NOISY where that is longer; how many they are."""
    left, first, final = 0, 0, 0
    for index in range(count):
        if not kept[index]:
            continue
        start, end, flags = out.start[index], out.end[index], out.flags[index]
        first, final = _points_up_to(points, start, first), _points_up_to(points, end - 1, final)
        begin = start + (shifts[first - 1] if first else 0)
        stop = end + (shifts[final - 1] if final else 0)
        if final < len(points) and points[final] == end and sizes[final] > 0:
            stop += lost[final]
        if stop - begin != end - start:
            flags |= NOISY
        out.detector[left], out.start[left], out.end[left] = out.detector[index], begin, stop
        out.confidence[left], out.flags[left] = out.confidence[index], flags
        left += 1
    return left


@inlined_loop
def _points_up_to(points: Ints, offset: int, near: int) -> int:
    """How many of the points are not behind an offset; found step by step from a number that is near."""
    while near < len(points) and points[near] <= offset:
        near += 1
    while near > 0 and points[near - 1] > offset:
        near -= 1
    return near


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

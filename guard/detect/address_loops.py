"""Addresses as compiled loops: what `guard.detect.addresses` says, for many candidates at once.

The patterns there are the definition, and tests hold these loops to them. Written by hand, because the grammar needs
to go back in one place only: how many places come before the first number. Everything before is atomic, and behind it
nothing is obligatory, so that the first way that fits is the way that `re` takes.

Positions are indices of a scratch of code points (`guard.detect.code_points`); no read goes outside
`buffer[line_start:line_end]`, whatever the bytes are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop, tight_loop
from guard.detect.code_points import (
    Bytes,
    Codes,
    Words,
    code_before,
    code_point,
    constants,
    decode,
    is_han,
    longest,
    word_length,
)

AROUND_NUMBER, BEHIND_LABEL = constants(*range(2))
"""What `locate` does: the ways of `guard.detect.extents`."""
BEGINS_WITH_DIVISION, READS_AS_ADDRESS = constants(*range(2))
"""What `check` asks: `addresses.in_division`, `addresses.is_address`."""
DIGIT, ALPHANUMERIC, NUMERAL, ORDINAL, DIRECTION, ROAD, DATED, RUN, PART = constants(*(1 << bit for bit in range(9)))
"""Bits of `AddressLexicon.kinds`."""
FIRST, STOP, DIVIDED, LINE_START, LINE_END, NUMBER_START, NUMBER_END, BEFORE = range(8)
"""Places in `Scratch.last`: the address, whether it begins with a division, the line, the number itself, and how many
characters of addresses stand right before it."""
_AT, _NEXT, _COUNT = range(3)
DIVISION, PLACE, UNIT, NAME, HOME, LEAD, TOWNSHIP = constants(*range(7))
"""Sets of `AddressLexicon.words`."""
_DIVISIONS, _PLACES, _STARTS, _DETAILS = 5, 3, 3, 2
_NAME = 9  # characters of the name of a division or place before its suffix, at most
_SHORT_DIVISION = 5
_TAILS = 4  # of a place: with 东路 or the like and without, with a space and without
_SPACE, _OPEN, _CLOSE, _HYPHEN = 0x20, 0x28, 0x29, 0x2D
_OF, _ATTACHED, _NUMBER = 0x4E4B, 0x9644, 0x7B2C  # 之 附 第
_START, _ONE, _TWO, _FOUR, _FIVE = constants(0, 1, 2, 4, 5)
_UNSPACED, _SPACED = constants(0, 1)
Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class AddressLexicon(NamedTuple):
    """What `guard.detect.addresses` knows.

    `kinds[code]` are bits that say what a code point can be. The sets of words are endings of divisions, endings of
    places, units of numbers, names of divisions, and what stands before an address. `reach` and `longest` count code
    points.
    """

    kinds: npt.NDArray[np.uint16]
    words: Words
    reach: int
    longest: int


class Scratch(NamedTuple):
    """Working memory of one thread; see `guard.detect.code_points` for the first two.

    `ends[n]` are ends that the place behind n others can have. Bit k of `tried[n]` says that no number can be reached
    from k characters further on with n places behind; `ways[n]` is where they end, how many ends of the next one were
    tried, and how many there are. `last` is what was found around the number before (FIRST to
    BEFORE).
    """

    codes: npt.NDArray[np.int64]
    edges: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    tried: npt.NDArray[np.int64]
    ways: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]


def new_scratch(lexicon: AddressLexicon) -> Scratch:
    """Working memory for one thread."""
    room = lexicon.reach + lexicon.longest + 1
    ends = _TAILS * _NAME * int(np.diff(lexicon.words.edges).max())
    return Scratch(np.zeros(room, np.int64), np.zeros(room, np.int64), np.zeros((_PLACES, ends), np.int64),
                   np.zeros(_PLACES + 1, np.int64), np.zeros((_PLACES + 1, 3), np.int64),
                   np.zeros(BEFORE + 1, np.int64))


@inlined_loop
def _behind_space(codes: Codes, at: int) -> int:
    return at + 1 if codes[at] == _SPACE else at


@inlined_loop
def _run_end(lexicon: AddressLexicon, codes: Codes, at: int, kinds: int, most: int) -> int:
    """Where a run of some kinds ends, or `most` characters of it."""
    end = at
    while end < at + most and lexicon.kinds[codes[end]] & kinds:
        end += 1
    return end


@inlined_loop
def _counted(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where a count and its unit end (12-3号, 三单元), -1 when none stands here.

    What can count cannot begin a unit, so that only the whole run can be the count.
    """
    if lexicon.kinds[codes[at]] & ALPHANUMERIC:
        end = _count_end(lexicon, codes, at)
    else:
        end = _run_end(lexicon, codes, at, NUMERAL, _FOUR)
    size = longest(lexicon.words, UNIT, codes, end) if end > at else 0
    return end + size if size else -1


@inlined_loop
def _count_end(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """The end of up to four groups of one to five letters or digits with hyphens between, -1 for any other run."""
    for _ in range(4):
        end = _run_end(lexicon, codes, at, ALPHANUMERIC, _FIVE)
        if end == at:
            return -1
        if codes[end] != _HYPHEN:
            return end
        at = end + 1
    return -1


@inlined_loop
def _number(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where a number ends: 附3号之一, -1 when none stands here."""
    if codes[at] == _ATTACHED or codes[at] == _NUMBER:
        at += 1
    at = _counted(lexicon, codes, at)
    if at < 0:
        return -1
    if codes[at] == _OF:
        end = _run_end(lexicon, codes, at + 1, ORDINAL, _TWO)
        at = end if end > at + 1 else at
    return _behind_space(codes, at)


@inlined_loop
def _numbers(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where one or more numbers and the digits of a room behind them end, -1 when no number stands here."""
    end = -1
    while at >= 0:
        at = _number(lexicon, codes, at)
        end = at if at >= 0 else end
    return _room_end(lexicon, codes, end) if end >= 0 else -1


@inlined_loop
def _room_end(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where 301 or 3-2-301 ends, `at` when it is none: it is no part of a longer number, of a date or of an amount."""
    best, group = at, at
    for _ in range(4):
        end = _run_end(lexicon, codes, group, DIGIT, _FOUR)
        if end == group or lexicon.kinds[codes[end]] & DIGIT:
            break
        if not lexicon.kinds[codes[end]] & DATED:
            best = end
        if codes[end] != _HYPHEN:
            break
        group = end + 1
    return best


@inlined_loop
def _place_ends(lexicon: AddressLexicon, codes: Codes, at: int, spaced: int, ends: Any, row: int) -> int:
    """Every end of a place that begins here, in the order in which `re` takes them, in a row of `ends`; how many.

    With `spaced` a space behind it may belong to it.
    """
    count, words = _START, lexicon.words
    for suffix in range(at + 1, at + 1 + _NAME):
        if not is_han(codes[suffix - 1]):
            break
        group = words.groups[PLACE, codes[suffix]]
        for word in range(words.firsts[group], words.firsts[group + 1]):
            length = word_length(words, word, codes, suffix)
            if length:
                plain = suffix + length
                further = _further_end(lexicon, codes, plain)
                if further > plain:
                    count = _add_end(codes, further, spaced, ends, row, count)
                count = _add_end(codes, plain, spaced, ends, row, count)
    return count


@inlined_loop
def _add_end(codes: Codes, at: int, spaced: int, ends: Any, row: int, count: int) -> int:
    if spaced and codes[at] == _SPACE:
        ends[row, count] = at + 1
        count += 1
    ends[row, count] = at
    return count + 1


@inlined_loop
def _further_end(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where 东路 or 三区 behind a place ends, `at` when none stands here."""
    end = _run_end(lexicon, codes, at, DIRECTION, _TWO)
    return end + 1 if end > at and lexicon.kinds[codes[end]] & ROAD else at


@inlined_loop
def _divisions_end(lexicon: AddressLexicon, codes: Codes, at: int) -> int:
    """Where up to five divisions end, each at the first ending that it can have."""
    for _ in range(_DIVISIONS):
        end = at
        for suffix in range(at + 1, at + 1 + _NAME):
            if not is_han(codes[suffix - 1]):
                break
            size = longest(lexicon.words, DIVISION, codes, suffix)
            if size:
                end = _behind_space(codes, suffix + size)
                break
        if end == at:
            break
        at = end
    return at


@inlined_loop
def _places_before_number(lexicon: AddressLexicon, scratch: Scratch, origin: int) -> int:
    """Where the places from `origin` on end behind which a number stands; -1 without such.

    As many and as far as `re` takes them: a further place first, if no number stands here, then the number.
    """
    ways, placed, at = scratch.ways, 0, origin
    while placed >= 0:
        if at >= 0:
            here = 1 << at - origin
            fresh = scratch.tried[placed] & here == 0
            scratch.tried[placed] |= here
            ways[placed, _AT], ways[placed, _NEXT], ways[placed, _COUNT] = at if fresh else -1, 0, 0
            if fresh and placed < _PLACES and _counted(lexicon, scratch.codes, at) < 0:
                ways[placed, _COUNT] = _place_ends(lexicon, scratch.codes, at, _SPACED, scratch.ends, placed)
        if ways[placed, _NEXT] < ways[placed, _COUNT]:
            at = scratch.ends[placed, ways[placed, _NEXT]]
            ways[placed, _NEXT] += 1
            placed += 1
            continue
        at = ways[placed, _AT]
        if placed and at >= 0 and _number(lexicon, scratch.codes, at) >= 0:
            return at
        placed, at = placed - 1, -1
    return -1


@inlined_loop
def _places_end(lexicon: AddressLexicon, scratch: Scratch, at: int) -> int:
    """Where one to three places end that need no number behind them, `at` when there is none."""
    for _ in range(_PLACES):
        if _counted(lexicon, scratch.codes, at) >= 0:
            break
        if _place_ends(lexicon, scratch.codes, at, _SPACED, scratch.ends, 0) == 0:
            break
        at = scratch.ends[0, 0]
    return at


@inlined_loop
def _details_end(lexicon: AddressLexicon, scratch: Scratch, at: int) -> int:
    """Where up to two further places with numbers end, which may stand in parentheses: (桂花苑37号楼)."""
    for _ in range(_DETAILS):
        start = at + 1 if scratch.codes[at] == _OPEN else at
        count = _place_ends(lexicon, scratch.codes, start, _UNSPACED, scratch.ends, 0)
        end = -1
        for index in range(count):
            end = _numbers(lexicon, scratch.codes, scratch.ends[0, index])
            if end >= 0:
                break
        if end < 0:
            break
        at = end + 1 if scratch.codes[end] == _CLOSE else end
    return at


@inlined_loop
def _trimmed(codes: Codes, start: int, end: int) -> int:
    while end > start and (codes[end - 1] == _SPACE or codes[end - 1] == _OPEN):
        end -= 1
    return end


@tight_loop
def _numbered(lexicon: AddressLexicon, scratch: Scratch, at: int) -> tuple[int, int, int]:
    """Where divisions, places and the whole numbered address end that begins at `at`; -1 for the whole without one."""
    divisions = _divisions_end(lexicon, scratch.codes, at)
    for placed in range(_PLACES + 1):
        scratch.tried[placed] = 0
    places = _places_before_number(lexicon, scratch, divisions)
    places = places if places >= 0 else divisions
    end = _numbers(lexicon, scratch.codes, places)
    if end >= 0:
        end = _trimmed(scratch.codes, at, _details_end(lexicon, scratch, end))
    return divisions, places, end


@inlined_loop
def _complete_end(lexicon: AddressLexicon, scratch: Scratch, at: int, count: int) -> int:
    """Where the numbered address ends that begins at `at`, -1 when that is none or one of a district only."""
    limit = at + lexicon.longest
    limit = limit if limit < count else count
    beyond = scratch.codes[limit]
    scratch.codes[limit] = 0
    divisions, places, end = _numbered(lexicon, scratch, at)
    scratch.codes[limit] = beyond
    return end if divisions > at and (places > divisions or divisions - at > _SHORT_DIVISION) else -1


@inlined_loop
def _starts_division(lexicon: AddressLexicon, codes: Codes, at: int) -> bool:
    return longest(lexicon.words, NAME, codes, at) > 0


@inlined_loop
def around_number(lexicon: AddressLexicon, scratch: Scratch, buffer: Bytes, line_end: int, start: int, end: int,
                  before: int) -> tuple[int, int, bool]:
    """`addresses.around_number` behind the `before` characters that were read, and whether the address begins with the
    name of a division; (-1, -1, False) for None."""
    count = _read_on(lexicon, scratch, buffer, line_end, start, before)
    starts, at, divided = 0, 0, True
    while starts < _STARTS and at >= 0:
        while at < before and not _starts_division(lexicon, scratch.codes, at):
            at += 1
        if at == before:
            if starts:
                break
            at, divided, starts = _rural_start(lexicon, scratch.codes, before), False, _STARTS
        stop = _complete_end(lexicon, scratch, at, count) if at >= 0 else -1
        if stop >= 0 and scratch.edges[stop] >= end:
            return scratch.edges[at], scratch.edges[stop], divided
        starts, at = starts + 1, at + 1
    return -1, -1, False


@inlined_loop
def _read_on(lexicon: AddressLexicon, scratch: Scratch, buffer: Bytes, line_end: int, start: int, count: int) -> int:
    """Decodes, behind `count` others, the characters from `start` on that an address can have, not further than an
    address can go; how many there are then."""
    codes, edges = scratch.codes, scratch.edges
    at, most = start, count + lexicon.longest
    while at < line_end and count < most:
        code, behind = code_point(buffer, at, line_end)
        if not lexicon.kinds[code] & PART:
            break
        codes[count], edges[count] = code, at
        at, count = behind, count + 1
    codes[count], edges[count] = 0, at
    return count


@inlined_loop
def _read_before(lexicon: AddressLexicon, scratch: Scratch, buffer: Bytes, line_start: int, start: int) -> int:
    """Decodes the characters of addresses right before `start`; how many they are.

    In a column of addresses they mostly begin with the line: then one way through it is enough.
    """
    codes, edges, at, count = scratch.codes, scratch.edges, line_start, 0
    while at < start and count < lexicon.reach:
        code, behind = code_point(buffer, at, start)
        if not lexicon.kinds[code] & RUN:
            break
        codes[count], edges[count] = code, at
        at, count = behind, count + 1
    if at == start:
        return count
    left, count = _left(lexicon, buffer, line_start, start)
    return decode(buffer, left, start, codes, edges, _START, count)


@inlined_loop
def _left(lexicon: AddressLexicon, buffer: Bytes, line_start: int, start: int) -> tuple[int, int]:
    """The offset of the first of the characters of addresses right before `start`, and how many they are."""
    at, count = start, 0
    while at > line_start and count < lexicon.reach:
        code, previous = code_before(buffer, line_start, at)
        if not lexicon.kinds[code] & RUN:
            break
        at, count = previous, count + 1
    return at, count


@inlined_loop
def _rural_start(lexicon: AddressLexicon, codes: Codes, limit: int) -> int:
    """Where the first township before `limit` begins, behind its lead words; -1 without one."""
    for at in range(limit):
        if not is_han(codes[at]) or not is_han(codes[at + 1]):
            continue
        for suffix in (at + 3, at + 2):
            size = longest(lexicon.words, TOWNSHIP, codes, suffix) if is_han(codes[suffix - 1]) else 0
            if size and suffix + size <= limit:
                return _behind_leads(lexicon, codes, at, suffix + size)
    return -1


@inlined_loop
def _behind_leads(lexicon: AddressLexicon, codes: Codes, at: int, limit: int) -> int:
    """Behind the words before an address (家住, 现住址在), `at` when there are none."""
    end = at + longest(lexicon.words, HOME, codes, at)
    found = at
    while end < limit:
        size = longest(lexicon.words, LEAD, codes, end)
        if size == 0 or end + size > limit:
            break
        end += size
        found = end
    return found


@inlined_loop
def behind_label(lexicon: AddressLexicon, scratch: Scratch, buffer: Bytes, start: int, end: int) -> tuple[int, int]:
    """`addresses.after_label`; (-1, -1) for None."""
    decode(buffer, start, end, scratch.codes, scratch.edges, _START, lexicon.longest)
    divisions, _, stop = _numbered(lexicon, scratch, _START)
    if stop < 0:
        places = _places_end(lexicon, scratch, divisions)
        stop = _trimmed(scratch.codes, _START, places) if places > divisions else -1
    if divisions == 0 or stop < 0:
        return -1, -1
    return start, scratch.edges[stop]


@inlined_loop
def locate(lexicon: AddressLexicon, scratch: Scratch, way: int, buffer: Bytes, line_start: int, line_end: int,
           start: int, end: int) -> tuple[int, int]:
    """The extent of the candidate `buffer[start:end]` in its line; (-1, -1) for none.

    A candidate that does not lie in its line, or a line that does not lie in the buffer, has none.
    """
    if not 0 <= line_start <= start <= end <= line_end <= len(buffer):
        return -1, -1
    if way == BEHIND_LABEL:
        return behind_label(lexicon, scratch, buffer, start, end)
    last = scratch.last
    further = _before_further(lexicon, last, buffer, line_start, line_end, start, end)
    if further >= 0:
        last[BEFORE] = further
    else:
        last[BEFORE] = _read_before(lexicon, scratch, buffer, line_start, start)
        last[FIRST], last[STOP], last[DIVIDED] = around_number(lexicon, scratch, buffer, line_end, start, end,
                                                               last[BEFORE])
    last[LINE_START], last[LINE_END], last[NUMBER_START], last[NUMBER_END] = line_start, line_end, start, end
    return last[FIRST], last[STOP]


@inlined_loop
def _before_further(lexicon: AddressLexicon, last: Offsets, buffer: Bytes, line_start: int, line_end: int, start: int,
                    end: int) -> int:
    """How many characters of addresses stand before a further number of the address that was found last; -1 when it is
    none.

    It needs no reading: from the same characters on the same divisions are tried, and the first that reached the number
    before reaches this one too. (Not so in an address without divisions: behind its first number there may be one.)
    """
    if not (last[DIVIDED] != 0 and end <= last[STOP] and last[NUMBER_START] < start and last[NUMBER_END] <= end
            and last[LINE_START] == line_start and last[LINE_END] == line_end):
        return -1
    at, count = start, last[BEFORE]
    while at > last[NUMBER_START] and count < lexicon.reach:
        code, previous = code_before(buffer, line_start, at)
        if not lexicon.kinds[code] & RUN:
            return -1
        at, count = previous, count + 1
    return count if at == last[NUMBER_START] else -1


@tight_loop
def passes(lexicon: AddressLexicon, scratch: Scratch, question: int, buffer: Bytes, start: int, end: int) -> bool:
    """The answer to `question` for `buffer[start:end]`."""
    count = decode(buffer, start, end, scratch.codes, scratch.edges, _START, _ONE)
    # The words of a group are in order: no name that begins so is longer than the first.
    first = lexicon.words.firsts[lexicon.words.groups[NAME, scratch.codes[0]]]
    most = lexicon.words.edges[first + 1] - lexicon.words.edges[first]
    count = decode(buffer, scratch.edges[count], end, scratch.codes, scratch.edges, count, most)
    if _starts_division(lexicon, scratch.codes, _START):
        return True
    if question != READS_AS_ADDRESS:
        return False
    decode(buffer, scratch.edges[count], end, scratch.codes, scratch.edges, count, lexicon.longest)
    _, places, stop = _numbered(lexicon, scratch, _START)
    return stop >= 0 and places > 0

"""What is left of the matches of a block before anything is asked of their values, as one compiled loop.

For each match in turn: does a keyword stand in its line, where does the value really begin and end, what do the words
around it say. What no loop can tell is marked, and the Python functions are asked (`guard.detect.verdicts`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.address_loops import AddressLexicon
from guard.detect.address_loops import Scratch as AddressScratch
from guard.detect.address_loops import locate as locate_address
from guard.detect.context_loops import weigh
from guard.detect.machine import STEPS
from guard.detect.name_loops import NameLexicon
from guard.detect.name_loops import locate as locate_name
from guard.detect.rule_tables import (
    AFTER,
    CONTEXT,
    EXTENT,
    FIRST_ADDRESS,
    FIRST_WORD,
    FOREIGN,
    LAST_WORD,
    NONE,
    OF_EXTENT,
    OPPOSING,
    READY,
    SUPPORTING,
    UNSUPPORTED,
    WINDOW,
    Bearings,
    RuleTables,
)
from guard.detect.rule_tables import ASKED as UNWEIGHED

Bytes = npt.NDArray[np.uint8]
HIDDEN, ASKED_KEYWORD, ASKED_WORDS = 1, 2, 4
"""Bits of `Sifted.doubts`: a match of a masked pattern; whether a keyword stands in the line, and what the words around
it say, is not known."""
UNREADY = -1
_MISSING, _THERE, _ASKED = range(3)
_LAST_START, _LAST_END, _LINE, _STATE = range(4)
SEEN = 4
"""Columns of what is remembered of each rule: the extent that was found last, and of which line it is known whether it
holds a keyword."""


class Patterns(NamedTuple):
    """Of each pattern its rule and whether it is a masked one; of each rule the bit of lines that hold a word of its
    context, -1 where any line may."""

    rules: npt.NDArray[np.int32]
    masked: npt.NDArray[np.bool_]
    beside: npt.NDArray[np.int32]


class Sifted(NamedTuple):
    """Matches as columns: rule, span, line, the sign of what stands around, doubts."""

    rules: npt.NDArray[np.int32]
    starts: Ints
    ends: Ints
    lines: npt.NDArray[np.int32]
    signs: npt.NDArray[np.int8]
    doubts: npt.NDArray[np.uint8]


class Tools(NamedTuple):
    """The tables of names and addresses, and working memory of one thread for them."""

    names: NameLexicon
    name_scratch: tuple[Ints, Ints]
    addresses: AddressLexicon
    address_scratch: AddressScratch


@tight_loop
def sift(tables: RuleTables, patterns: Patterns, bearings: Bearings, tools: Tools, programs: Any, buffer: Bytes,
         bounds: Ints, wanted: Any, matches: Any, memory: Any, patience: Ints, seen: Any,
         edges: Ints, order: Any, out: Sifted) -> int:
    """Fills `out` with what is left of `matches` (`sweep.Found`); how many that is.

    UNREADY when the tables have no row for the rule of some. `wanted[line]` are the bits of lines, `memory` that of the
    machine, `patience[rule]` how many of its steps are left; `seen[rule]` is working memory, -1 at first, and so are
    `edges`, one more than patterns and 0 at first, and `order`. Matches are taken pattern by pattern, since the
    processor guesses better where what comes next is like what came before.
    """
    rows, count = tables.rows, 0
    for place in range(_order(matches, edges, order)):
        pattern, start, end, line = order[place, 0], order[place, 1], order[place, 2], order[place, 3]
        rule, doubt = np.int64(patterns.rules[pattern]), 0
        least: Any = bearings.least[rule]
        if least == UNSUPPORTED:
            continue
        if rows[rule, READY] == 0:
            return UNREADY
        low, high = bounds[line] + 1, bounds[line + 1]
        if rows[rule, FIRST_WORD] != rows[rule, LAST_WORD]:
            state = _keyword(tables, rule, buffer, low, high, start, end, line, seen)
            if state == _MISSING:
                continue
            doubt = ASKED_KEYWORD if state == _ASKED else 0
        if patterns.masked[pattern]:
            doubt |= HIDDEN
        elif rows[rule, EXTENT] != NONE:
            start, end = _extent(tables, rule, tools, buffer, low, high, start, end)
            # Several numbers in a row of one address are one.
            if start < 0 or (start == seen[rule, _LAST_START] and end == seen[rule, _LAST_END]):
                continue
            seen[rule, _LAST_START], seen[rule, _LAST_END] = start, end
        sign: Any = 0
        if rows[rule, CONTEXT] != NONE:
            bit = patterns.beside[rule]
            if bit >= 0 and wanted[line, bit >> 6] >> np.uint64(bit & 63) & np.uint64(1) == 0:
                sign = bearings.signs[rule]
            elif rows[rule, CONTEXT] == UNWEIGHED:
                doubt |= ASKED_WORDS
            else:
                memory[STEPS] = patience[rule]
                sign = weigh(programs, (rows[rule, SUPPORTING], rows[rule, OPPOSING]), tables.firsts, tables.pairs,
                             rule, rows[rule, WINDOW], rows[rule, AFTER], buffer, low, high, start, end, memory)
                patience[rule] = memory[STEPS]
                sign = sign if sign != 0 else bearings.signs[rule]
        if sign < least and doubt & ASKED_WORDS == 0:
            continue
        out.rules[count], out.starts[count], out.ends[count], out.lines[count] = rule, start, end, line
        out.signs[count], out.doubts[count] = sign, doubt
        count += 1
    return count


@inlined_loop
def _order(matches: Any, edges: Ints, order: Any) -> int:
    """Puts matches in order of their pattern, those of one as they come, each in a row; how many they are."""
    programs = matches.program
    for index in range(len(programs)):
        edges[programs[index] + 1] += 1
    for pattern in range(1, len(edges)):
        edges[pattern] += edges[pattern - 1]
    for index in range(len(programs)):
        place = edges[programs[index]]
        edges[programs[index]] = place + 1
        order[place, 0], order[place, 1] = programs[index], matches.start[index]
        order[place, 2], order[place, 3] = matches.end[index], matches.line[index]
    return len(programs)


@inlined_loop
def _extent(tables: RuleTables, rule: Any, tools: Tools, buffer: Bytes, low: int, high: int, start: int, end: int,
            ) -> tuple[int, int]:
    """Where a value really begins and ends, (-1, -1) for none."""
    way = tables.rows[rule, EXTENT]
    if way >= FIRST_ADDRESS:
        return locate_address(tools.addresses, tools.address_scratch, way - FIRST_ADDRESS, buffer, low, high, start,
                              end)
    return locate_name(tools.names, tools.name_scratch, way, tables.floors[rule, OF_EXTENT], buffer, low, high, start,
                       end)


@inlined_loop
def _keyword(tables: RuleTables, rule: Any, buffer: Bytes, low: int, high: int, start: int, end: int, line: int,
             seen: Any) -> int:
    """Whether a keyword stands in the line; _ASKED where only Python's lower case can tell. Most matches hold it."""
    if _holds(tables, rule, buffer, start, end):
        return _THERE
    if seen[rule, _LINE] != line:
        seen[rule, _LINE] = line
        seen[rule, _STATE] = _THERE if _holds(tables, rule, buffer, low, high) else (
            _ASKED if _may_fold(buffer, low, high, tables.rows[rule, FOREIGN] != 0) else _MISSING)
    state: int = seen[rule, _STATE]
    return state


@inlined_loop
def _holds(tables: RuleTables, rule: Any, buffer: Bytes, start: int, end: int) -> bool:
    letters, edges = tables.letters, tables.edges
    for word in range(tables.rows[rule, FIRST_WORD], tables.rows[rule, LAST_WORD]):
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


@inlined_loop
def _may_fold(buffer: Bytes, low: int, high: int, foreign: bool) -> bool:
    """Whether something in the line has another lower case than bytes tell: of characters that are not ASCII only two
    have ASCII letters in theirs, U+0130 and U+212A; for keywords that are not ASCII it may be any."""
    for at in range(low, high):
        byte = buffer[at]
        if byte >= 0x80 and (foreign or (byte == 0xC4 and buffer[at + 1] == 0xB0) or (
                byte == 0xE2 and buffer[at + 1] == 0x84 and buffer[at + 2] == 0xAA)):
            return True
    return False

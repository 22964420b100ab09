"""Names as compiled loops: what `guard.detect.names` and the extents of names say, for many candidates at once.

The Python functions are the definition, and tests hold these loops to them. Spans are byte offsets of a buffer of
normalised UTF-8; no read goes outside `buffer[line_start:line_end]`, whatever the bytes are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.compiled import inlined_loop
from guard.detect.code_points import (
    Bytes,
    Codes,
    Words,
    code_before,
    code_point,
    constants,
    decode,
    is_han,
    is_usual_han,
    longest,
    word_length,
)
from guard.detect.latin_loops import MULTIPLIER, known_latin_name

CUT, WHOLE, BEFORE, LISTED, LATIN, FOLLOWED, BEGUN = constants(*range(7))
"""What `locate` does: the ways of `guard.detect.extents`."""
WHOLE_WORD, BEFORE_WORD, WHOLE_PLACE, BEFORE_PLACE, SURNAME = constants(*range(5))
"""Columns of `NameLexicon.entries`."""
AS_SURNAME, AS_GIVEN = constants(*range(2))
AT_END, BEFORE_DOT, BEFORE_FOLLOWER, BEFORE_HAN, ONE, TWO, SHORT, ETHNIC, ENDING = constants(*range(9))
"""Places in `NameLexicon.weights`: the constants of `guard.detect.names`."""
LEADS, FOLLOWERS, PARTS, LIST_ENDS, ENDINGS = constants(*range(5))
"""Sets of `NameLexicon.words`."""
BEARS, DOUBLES, LEADS_IN, TAKES_PART = 1, 2, 4, 8
"""Bits of `NameLexicon.beginnings`: a surname, the first half of some, the first character of a word before names, of
a part of names."""
MARKS = 1 << 18
"""Bits of `NameLexicon.marks`."""
_DOT, _SOMEBODY = 0xB7, 0x67D0  # · and 某
_LONGEST_DOTTED, = constants(52)  # 8 characters, then four times a dot and 10
USUAL_PART, LONGEST_PART = constants(4, 5)  # as in `guard.detect.names`
_LONGEST_WRITTEN, = constants(4)  # a surname of two characters and a given name of two
_LONGEST_NAME_PART, = constants(4)
_PART, = constants(8)  # `extents.PART`
_LEAD, _FOLLOWER = constants(3, 3)  # characters, at most
_START, _ONE, _TWO = constants(*range(3))
Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class NameLexicon(NamedTuple):
    """What `guard.detect.names` knows.

    `beginnings[code]` are bits that say what a code point can begin. `characters[code]` has a row of `odds` for it as a
    surname (0: none) and one as a character of a given name: columns AS_SURNAME and AS_GIVEN of both. `runs` is a hash
    table of two to four code points, packed into 64 bits, with the row of `entries` that belongs to them: what the word
    weighs, and what it does at the beginning of a name; the same for places; what the run is worth as a surname (-inf:
    it is none); `marks` has a bit set for the hash of each run. `latin` is a hash table of given names, bytes 1 to 8
    and 9 to 16. `weights` are the constants that have names here.
    """

    beginnings: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.uint8]
    odds: Floats
    runs: Offsets
    marks: npt.NDArray[np.uint8]
    entries: Floats
    words: Words
    latin: Offsets
    weights: Floats
    longest: int


def new_scratch() -> tuple[Codes, Codes]:
    """Working memory for one thread: `codes` and `edges`."""
    room = int(_LONGEST_DOTTED) + 2
    return np.zeros(room, np.int64), np.zeros(room, np.int64)


@inlined_loop
def plausibility(lexicon: NameLexicon, codes: Codes, at: int, size: int, least: float) -> float:
    """`names.plausibility` of `codes[at:at + size]`; some number below `least` where that is below `least`."""
    if _is_ethnic(lexicon, codes, at, size):
        return lexicon.weights[ETHNIC] - _beyond_usual(codes, at, size)
    return _usual_plausibility(lexicon, codes, at, size, least)


@inlined_loop
def _usual_plausibility(lexicon: NameLexicon, codes: Codes, at: int, size: int, least: float) -> float:
    """The same of a surname and a given name."""
    if size < 2 or size > _LONGEST_WRITTEN or lexicon.beginnings[codes[at]] & (BEARS | DOUBLES) == 0:
        return -np.inf
    if _has_somebody(codes, at, size):
        return -np.inf
    surname, given = _split(lexicon, codes, at, size)
    if surname == -np.inf or given > 2 or (given == 2 and _is_address(lexicon, codes, at + size - 2)):
        return -np.inf
    last = at + size - 1
    if given == 1:
        worth = _given_odds(lexicon, codes[last]) * lexicon.weights[ONE] + surname
        worth += lexicon.weights[SHORT]
    else:
        odds = _given_odds(lexicon, codes[last - 1]) + _given_odds(lexicon, codes[last])
        worth = odds * lexicon.weights[TWO] + surname
    if lexicon.words.groups[ENDINGS, codes[last]]:
        worth -= lexicon.weights[ENDING]
    # Words and places only weigh against a name, so that there is nothing to look up for one that is out already.
    return worth if worth < least else _weighed(lexicon, codes, at, size, worth)


@inlined_loop
def _is_address(lexicon: NameLexicon, codes: Codes, at: int) -> bool:
    """Whether the two code points at `at` are a word that follows names."""
    words, found = lexicon.words, False
    group = words.groups[FOLLOWERS, codes[at]]
    for word in range(words.firsts[group], words.firsts[group + 1]):
        found |= word_length(words, word, codes, at) == 2
    return found


@inlined_loop
def _weighed(lexicon: NameLexicon, codes: Codes, at: int, size: int, worth: float) -> float:
    """`worth` without what words and places weigh against the name."""
    entry = _entry(lexicon, codes, at, size)
    word, place = lexicon.entries[entry, WHOLE_WORD], lexicon.entries[entry, WHOLE_PLACE]
    if size == 3:
        entry = _entry(lexicon, codes, at, _TWO)
        word += lexicon.entries[entry, BEFORE_WORD]
        if place == 0.0:
            place = lexicon.entries[entry, BEFORE_PLACE]
    return worth - word - place


@inlined_loop
def _split(lexicon: NameLexicon, codes: Codes, at: int, size: int) -> tuple[float, int]:
    """What the surname is worth (-inf: there is none) and how long the given name is."""
    if size > 2 and lexicon.beginnings[codes[at]] & DOUBLES:
        compound = lexicon.entries[_entry(lexicon, codes, at, _TWO), SURNAME]
        if compound > -np.inf:
            return compound, size - 2
    return lexicon.odds[lexicon.characters[codes[at], AS_SURNAME], AS_SURNAME], size - 1


@inlined_loop
def _entry(lexicon: NameLexicon, codes: Codes, at: int, size: int) -> int:
    """The row of `entries` for a run of two to four code points, 0 when the tables do not have it."""
    key = codes[at] | codes[at + 1] << 16
    if size > 2:
        key |= codes[at + 2] << 32
    if size > 3:
        key |= codes[at + 3] << 48
    mark = (key * MULTIPLIER >> 40) & MARKS - 1
    if lexicon.marks[mark >> 3] >> (mark & 7) & 1 == 0:  # most runs are in no table, and this one is small
        return 0
    mask = len(lexicon.runs) - 1
    slot = (key * MULTIPLIER >> 32) & mask
    while lexicon.runs[slot, 1] != 0 and lexicon.runs[slot, 0] != key:
        slot = slot + 1 & mask
    return lexicon.runs[slot, 1]


@inlined_loop
def _given_odds(lexicon: NameLexicon, code: int) -> float:
    return lexicon.odds[lexicon.characters[code, AS_GIVEN], AS_GIVEN]


@inlined_loop
def _has_somebody(codes: Codes, at: int, size: int) -> bool:
    found = False
    for index in range(at, at + size):
        found |= codes[index] == _SOMEBODY
    return found


@inlined_loop
def _is_ethnic(lexicon: NameLexicon, codes: Codes, at: int, size: int) -> bool:
    """A name with a dot, or one of two to four parts that such names are made of."""
    if size < 3 or size > _LONGEST_DOTTED:
        return False
    takes_part = lexicon.beginnings[codes[at]] & TAKES_PART != 0
    return _is_dotted(codes, at, size) or (takes_part and _has_parts(lexicon, codes, at, size))


@inlined_loop
def _beyond_usual(codes: Codes, at: int, size: int) -> int:
    """How many characters more than usual stand behind the last dot, 0 without a dot."""
    last = at + size - 1
    while last > at and codes[last] != _DOT:
        last -= 1
    return max(0, at + size - 1 - last - USUAL_PART) if codes[last] == _DOT else 0


@inlined_loop
def _is_dotted(codes: Codes, at: int, size: int) -> bool:
    """Up to 8 Han characters, then one to four times a dot and up to 10."""
    dots, run = 0, 0
    for index in range(at, at + size):
        if codes[index] == _DOT:
            if run == 0 or dots == 4:
                return False
            dots, run = dots + 1, 0
        elif not is_han(codes[index]) or run == (10 if dots else 8):
            return False
        else:
            run += 1
    return dots > 0 and run > 0


@inlined_loop
def _has_parts(lexicon: NameLexicon, codes: Codes, at: int, size: int) -> bool:
    """Whether two to four parts make up the name; bit n of `reached` says that some of them end behind n characters."""
    reached, words = 1, lexicon.words
    for count in range(1, 5):
        beyond = 0
        for offset in range(size):
            group = words.groups[PARTS, codes[at + offset]] if reached >> offset & 1 else 0
            for word in range(words.firsts[group], words.firsts[group + 1]):
                length = word_length(words, word, codes, at + offset)
                if length and offset + length <= size:
                    beyond |= 1 << offset + length
        if count > 1 and beyond >> size & 1:
            return True
        if beyond == 0:
            break
        reached = beyond
    return False


@inlined_loop
def cut(lexicon: NameLexicon, buffer: Bytes, line_end: int, start: int, end: int, least: float, codes: Codes,
        edges: Codes) -> tuple[int, int]:
    """`names.cut` of `buffer[start:end]` in a line that ends at `line_end`: between which `edges`; (-1, -1) for None.
    """
    inside = decode(buffer, start, end, codes, edges, _START, _LEAD + lexicon.longest)
    decode(buffer, edges[inside], line_end, codes, edges, inside, inside + _FOLLOWER)
    return _cut(lexicon, codes, inside, least)


@inlined_loop
def _cut(lexicon: NameLexicon, codes: Codes, inside: int, least: float) -> tuple[int, int]:
    """The same of so many code points, behind which others follow."""
    first = _behind_lead(lexicon, codes, inside)
    best, chosen = -np.inf, -1
    limit = min(inside, first + lexicon.longest)
    if not _may_be_long(lexicon, codes, first, limit):
        if lexicon.beginnings[codes[first]] & (BEARS | DOUBLES) == 0:
            return -1, -1
        limit = min(limit, first + _LONGEST_WRITTEN)
    for stop in range(first + 2, limit + 1):
        worth = plausibility(lexicon, codes, first, stop - first, least)
        if worth < least:
            continue
        worth += _stop_worth(lexicon, codes, stop)
        if worth > best:
            best, chosen = worth, stop
    if chosen < 0 or best < least:
        return -1, -1
    return first, chosen


@inlined_loop
def _may_be_long(lexicon: NameLexicon, codes: Codes, first: int, limit: int) -> bool:
    """Whether a longer name than a surname and a given name can begin at `first`: with a dot, or of parts."""
    found = lexicon.beginnings[codes[first]] & TAKES_PART != 0 and longest(lexicon.words, PARTS, codes, first) > 0
    for at in range(first, limit):
        found |= codes[at] == _DOT
    return found


@inlined_loop
def _behind_lead(lexicon: NameLexicon, codes: Codes, inside: int) -> int:
    """Where the name starts: behind a word that stands before names, if two Han characters follow it."""
    words = lexicon.words
    group = words.groups[LEADS, codes[0]] if lexicon.beginnings[codes[0]] & LEADS_IN else 0
    for word in range(words.firsts[group], words.firsts[group + 1]):
        length = word_length(words, word, codes, _START)
        if length and length + 2 <= inside and is_han(codes[length]) and is_han(codes[length + 1]):
            return length
    return 0


@inlined_loop
def _stop_worth(lexicon: NameLexicon, codes: Codes, stop: int) -> float:
    if not is_han(codes[stop]):
        return lexicon.weights[AT_END if codes[stop] != _DOT else BEFORE_DOT]
    return lexicon.weights[BEFORE_FOLLOWER if longest(lexicon.words, FOLLOWERS, codes, stop) else BEFORE_HAN]


@inlined_loop
def name_before(lexicon: NameLexicon, buffer: Bytes, line_start: int, start: int, least: float, codes: Codes,
                edges: Codes) -> tuple[int, int]:
    """`extents.name_before` of what ends at `start` in a line that begins at `line_start`."""
    first, length, dotted = start, _START, False
    while first > line_start and length < _PART:
        if is_usual_han(buffer, first - 3, line_start, first):
            first, length = first - 3, length + 1
            continue
        code, prior = code_before(buffer, line_start, first)
        if code == _DOT and length:
            dotted, length = True, _START
        elif is_han(code):
            length += 1
        else:
            break
        first = prior
    if dotted:
        return (first, start) if length > 1 else (-1, -1)
    while length > _LONGEST_WRITTEN:
        first += 3
        length -= 1
    size = decode(buffer, first, start, codes, edges, _START, _LONGEST_WRITTEN)
    best, chosen = -np.inf, -1
    for width in range(2, size + 1):
        worth = plausibility(lexicon, codes, size - width, width, least)
        if worth >= best and worth >= least:
            best, chosen = worth, size - width
    if chosen < 0:
        return -1, -1
    return edges[chosen], start


@inlined_loop
def listed_name(lexicon: NameLexicon, buffer: Bytes, line_end: int, start: int, end: int, least: float, codes: Codes,
                edges: Codes) -> tuple[int, int]:
    """`extents.listed_name`, as `cut`."""
    first, stop = cut(lexicon, buffer, line_end, start, end, least, codes, edges)
    if first >= 0 and is_han(codes[stop]) and longest(lexicon.words, LIST_ENDS, codes, stop) == 0:
        return -1, -1
    return first, stop


@inlined_loop
def begun(lexicon: NameLexicon, buffer: Bytes, line_end: int, start: int, least: float, codes: Codes, edges: Codes,
          ) -> tuple[int, int]:
    """`names.begun`, as `cut`."""
    if decode(buffer, start, line_end, codes, edges, _START, _LONGEST_NAME_PART) == 0:
        return -1, -1
    bits, is_long = lexicon.beginnings[codes[0]], False
    if bits & (LEADS_IN | TAKES_PART):
        is_long = bits & LEADS_IN != 0 or longest(lexicon.words, PARTS, codes, _START) > 0
    if not (is_long or (bits and _may_go_on(lexicon, codes, least))
            or _has_dot(buffer, line_end, edges[1], codes[0])):
        return -1, -1
    at, inside, most = start, 0, lexicon.longest + _LEAD if is_long else _LONGEST_WRITTEN + _PART
    while at < line_end and inside < most:
        code, behind = code_point(buffer, at, line_end)
        if not is_han(code) and code != _DOT:
            break
        # Without a word before it, a name of more than a surname and a given name has a dot or is made of parts.
        if code == _DOT:
            most = lexicon.longest + _LEAD
        codes[inside], edges[inside] = code, at
        at, inside = behind, inside + 1
    decode(buffer, at, line_end, codes, edges, inside, inside + _FOLLOWER)
    return _cut(lexicon, codes, inside, least)


@inlined_loop
def _has_dot(buffer: Bytes, line_end: int, at: int, code: int) -> bool:
    """Whether a dot stands behind at most eight Han characters, the first of which is there already."""
    start, count = at, 0
    while count < _PART and at < line_end and code != _DOT and is_han(code):
        while count < _PART and is_usual_han(buffer, at, start, line_end):
            at, count = at + 3, count + 1
        if count == _PART or at >= line_end:
            return False
        code, at = code_point(buffer, at, line_end)
        count += 1
    return code == _DOT


@inlined_loop
def _may_go_on(lexicon: NameLexicon, codes: Codes, least: float) -> bool:
    """Whether a surname of one character and one or two characters behind it are as plausible as that, words and
    endings aside, or the surname is one of two."""
    if (lexicon.beginnings[codes[0]] & DOUBLES
            and lexicon.entries[_entry(lexicon, codes, _START, _TWO), SURNAME] > -np.inf):
        return True
    worth = lexicon.odds[lexicon.characters[codes[0], AS_SURNAME], AS_SURNAME]
    odds = _given_odds(lexicon, codes[1])
    if odds * lexicon.weights[ONE] + worth + lexicon.weights[SHORT] >= least:
        return True
    return (odds + _given_odds(lexicon, codes[2])) * lexicon.weights[TWO] + worth >= least


@inlined_loop
def followed(lexicon: NameLexicon, buffer: Bytes, line_end: int, start: int, least: float, codes: Codes, edges: Codes,
             ) -> tuple[int, int]:
    """`names.followed`, as `cut`."""
    first, stop = begun(lexicon, buffer, line_end, start, least, codes, edges)
    if first >= 0 and (_stop_worth(lexicon, codes, stop) <= 0.0 or _longest_part(codes, stop) > LONGEST_PART):
        return -1, -1
    return first, stop


@inlined_loop
def _longest_part(codes: Codes, stop: int) -> int:
    """The most code points that stand between two dots of what ends at `stop`, words before the name included."""
    most, size = 0, 0
    for at in range(stop):
        size = 0 if codes[at] == _DOT else size + 1
        most = max(most, size)
    return most


@inlined_loop
def locate(lexicon: NameLexicon, scratch: tuple[Codes, Codes], way: int, least: float, buffer: Bytes, line_start: int,
           line_end: int, start: int, end: int) -> tuple[int, int]:
    """The extent of the candidate `buffer[start:end]` in its line; (-1, -1) for none.

    A candidate that does not lie in its line, or a line that does not lie in the buffer, has none.
    """
    codes, edges = scratch
    if not 0 <= line_start <= start <= end <= line_end <= len(buffer):
        return -1, -1
    if way == LATIN:
        return known_latin_name(lexicon.latin, buffer, start, end)
    if way == BEFORE:
        return name_before(lexicon, buffer, line_start, start, least, codes, edges)
    if way == WHOLE:
        return (start, end) if _is_plausible(lexicon, buffer, start, end, least, codes, edges) else (-1, -1)
    if way == LISTED:
        first, stop = listed_name(lexicon, buffer, line_end, start, end, least, codes, edges)
    elif way == BEGUN:
        first, stop = begun(lexicon, buffer, line_end, start, least, codes, edges)
    elif way == FOLLOWED:
        first, stop = followed(lexicon, buffer, line_end, start, least, codes, edges)
    else:
        first, stop = cut(lexicon, buffer, line_end, start, end, least, codes, edges)
    return (edges[first], edges[stop]) if first >= 0 else (-1, -1)


@inlined_loop
def _is_plausible(lexicon: NameLexicon, buffer: Bytes, start: int, end: int, least: float, codes: Codes, edges: Codes,
                  ) -> bool:
    size = decode(buffer, start, end, codes, edges, _START, _LONGEST_DOTTED + 1)
    return plausibility(lexicon, codes, _START, size, least) >= least


@inlined_loop
def weigh(lexicon: NameLexicon, scratch: tuple[Codes, Codes], spaced: bool, least: float, buffer: Bytes, start: int,
          end: int) -> tuple[float, bool]:
    """The plausibility of `buffer[start:end]` as a name, some number below `least` where that is below `least`; and
    whether it is written like one: two to four characters, the first a surname. With `spaced` spaces do not count, as
    for detectors that have them for separators."""
    codes, edges = scratch
    size = _read(buffer, start, end, spaced, codes, edges)
    written = 2 <= size <= _LONGEST_WRITTEN and lexicon.beginnings[codes[0]] & BEARS != 0
    return plausibility(lexicon, codes, _START, size, least), written


@inlined_loop
def _read(buffer: Bytes, start: int, end: int, spaced: bool, codes: Codes, edges: Codes) -> int:
    """How many code points a value has, if no more than a name can have."""
    size = decode(buffer, start, end, codes, edges, _START, _LONGEST_DOTTED + 1)
    while spaced:
        read, at = size, edges[size]
        size = _without_spaces(codes, size)
        if size == read or at >= end:
            break
        size = decode(buffer, at, end, codes, edges, size, _LONGEST_DOTTED + 1)
    return size


@inlined_loop
def _without_spaces(codes: Codes, size: int) -> int:
    kept = 0
    for index in range(size):
        if codes[index] != 0x20:
            codes[kept] = codes[index]
            kept += 1
    codes[kept] = 0
    return kept

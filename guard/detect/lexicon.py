"""The tables behind names and addresses as flat arrays, which compiled loops read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, groupby
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from guard.detect import address_loops as bits
from guard.detect import addresses, name_loops, names
from guard.detect.address_loops import AddressLexicon
from guard.detect.code_points import Words
from guard.detect.extents import LIST_ENDS
from guard.detect.latin_loops import MULTIPLIER
from guard.detect.name_loops import (
    BEFORE_PLACE,
    BEFORE_WORD,
    SURNAME,
    WHOLE_PLACE,
    WHOLE_WORD,
    NameLexicon,
)
from guard.detect.tables import longest_first, numbers, table

CODES = 1 << 16
HAN = range(0x4E00, 0x9FA6)
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@cache
def empty_lexicons() -> tuple[NameLexicon, AddressLexicon]:
    """Tables that know nothing, where no rule asks."""
    words = Words(np.zeros((1, 1), np.int16), np.zeros(2, np.int32), np.zeros(2, np.int32), np.zeros(1, np.uint16))
    pairs = np.zeros((1, 2), np.int64)
    return (NameLexicon(np.zeros(1, np.uint8), np.zeros((1, 2), np.uint8), np.zeros((1, 2)), pairs,
                        np.zeros(name_loops.MARKS >> 3, np.uint8), np.zeros((1, 5)),
                        words, pairs, np.zeros(9), names.LONGEST),
            AddressLexicon(np.zeros(1, np.uint16), words, addresses.REACH, addresses.LONGEST))


@cache
def name_lexicon() -> NameLexicon:
    """The tables of names, built once."""
    characters, odds = np.zeros((CODES, 2), np.uint8), np.full((256, 2), -np.inf)
    surnames = {name: names.surname_worth(frequency) for name, frequency in numbers("surnames").items()}
    for column, values in ((name_loops.AS_SURNAME, surnames), (name_loops.AS_GIVEN, numbers("given"))):
        distinct = sorted(set(values.values()))
        single = [name for name in values if len(name) == 1]
        characters[[ord(name) for name in single], column] = 1 + np.searchsorted(distinct, [values[n] for n in single])
        odds[1 : len(distinct) + 1, column] = distinct
    odds[0, name_loops.AS_GIVEN] = names.UNKNOWN
    runs, entries = _runs()
    keys, rows = _hashed(packed(runs))
    words = _words(longest_first("name_leads"), longest_first("name_followers"), longest_first("name_parts"), LIST_ENDS,
                   longest_first("name_endings"))
    weights = np.array([names.AT_END, names.BEFORE_DOT, names.BEFORE_FOLLOWER, names.BEFORE_HAN, names.ONE_CHARACTER,
                        names.TWO_CHARACTERS, names.SHORT, names.ETHNIC, names.ENDING])
    beginnings = _beginnings(surnames, words)
    return NameLexicon(beginnings, characters, odds, np.stack([keys, rows], axis=1), _marks(packed(runs)), entries,
                       words, _latin(), weights, names.LONGEST)


def _beginnings(surnames: Iterable[str], words: Words) -> npt.NDArray[np.uint8]:
    """What each code point can begin, as bits."""
    beginnings = np.zeros(CODES, np.uint8)
    for surname in surnames:
        beginnings[ord(surname[0])] |= name_loops.BEARS if len(surname) == 1 else name_loops.DOUBLES
    for row, bit in ((name_loops.LEADS, name_loops.LEADS_IN), (name_loops.PARTS, name_loops.TAKES_PART)):
        beginnings[words.groups[row] != 0] |= bit
    return beginnings


@cache
def address_lexicon() -> AddressLexicon:
    """The tables of addresses, built once."""
    known = [name for group in addresses.division_names().values() for name in group]
    words = _words(longest_first("address_divisions"), longest_first("address_places"), longest_first("address_units"),
                   known, addresses.HOMES, addresses.LEADS, addresses.TOWNSHIPS)
    return AddressLexicon(_kinds(), words, addresses.REACH, addresses.LONGEST)


def _kinds() -> npt.NDArray[np.uint16]:
    """What a code point can be in an address, as bits."""
    from string import ascii_letters as letters
    from string import digits

    kinds = np.zeros(CODES, np.uint16)
    kinds[HAN.start : HAN.stop] = bits.RUN | bits.PART
    for members, kind in (
        (digits, bits.DIGIT), (digits + letters, bits.ALPHANUMERIC | bits.RUN | bits.PART), ("#· -", bits.RUN),
        ("#() -", bits.PART), (addresses.NUMERALS, bits.NUMERAL), (addresses.TENTHS + digits, bits.ORDINAL),
        (addresses.DIRECTIONS, bits.DIRECTION), (addresses.ROADS, bits.ROAD), (addresses.DATED, bits.DATED),
    ):
        kinds[[ord(member) for member in members]] |= np.uint16(kind)
    return kinds


def packed(runs: Sequence[str]) -> Integers:
    """Each run, at most four code points of the basic plane, as a signed number of 64 bits."""
    codes = np.array(runs, "U4").view(np.uint32).reshape(len(runs), 4)
    return np.ascontiguousarray(codes.astype("<u2")).view("<i8")[:, 0].astype(np.int64)


def _runs() -> tuple[list[str], Floats]:
    """The runs of characters that the tables have, and for each, from row 1 on, what `NameLexicon.entries` has."""
    words, known = numbers("words"), names.places()
    places = [place for place in known | names.divisions() if 2 <= len(place) <= 4]
    surnames = {name: frequency for name, frequency in numbers("surnames").items() if len(name) == 2}
    rows = {run: row for row, run in enumerate(dict.fromkeys([*words, *places, *surnames]), 1)}
    entries = np.tile([0.0, 0.0, 0.0, 0.0, -math.inf], (len(rows) + 1, 1))
    # The table of words has each once, so they are the first rows.
    own = entries[1 : len(words) + 1]
    own[:, WHOLE_WORD] = [names.word_worth(count) for count in words.values()]
    own[:, BEFORE_WORD] = [names.WORD_BEFORE if len(word) == 2 and names.is_common(count) else 0.0
                           for word, count in words.items()]
    entries[[rows[place] for place in places], WHOLE_PLACE] = names.PLACE
    entries[[rows[place] for place in places if len(place) == 2 and place in known], BEFORE_PLACE] = names.PLACE_BEFORE
    entries[[*map(rows.__getitem__, surnames)], SURNAME] = [*map(names.surname_worth, surnames.values())]
    return list(rows), entries


def _words(*sets: Iterable[str]) -> Words:
    """Sets of words, each in groups by the first character."""
    groups = np.zeros((len(sets), CODES), np.int16)
    firsts, ordered = [0], list[str]()
    for row, words in zip(groups, sets, strict=True):
        for initial, group in groupby(sorted(set(words), key=lambda word: (word[0], -len(word))), key=itemgetter(0)):
            row[ord(initial)] = len(firsts)
            firsts.append(len(ordered))
            ordered += group
    return Words(groups, np.array([*firsts, len(ordered)], np.int32),
                 np.array([0, *accumulate(map(len, ordered))], np.int32),
                 np.array([ord(character) for word in ordered for character in word], np.uint16))


def _marks(keys: Integers) -> npt.NDArray[np.uint8]:
    """A bit for the hash of each key."""
    marks = np.zeros(name_loops.MARKS, bool)
    marks[(keys * np.int64(MULTIPLIER) >> 40) & name_loops.MARKS - 1] = True
    return np.packbits(marks, bitorder="little")


def _latin() -> Integers:
    """A hash table of given names in lower case, of up to 16 bytes."""
    known = sorted({name.lower().encode() for name in table("given_latin") if name == name.capitalize()})
    halves = np.array(known, "S16").view("<i8").reshape(-1, 2)
    _, rows = _hashed(halves[:, 0] ^ halves[:, 1] * np.int64(MULTIPLIER))
    latin: Integers = np.concatenate([np.zeros((1, 2), np.int64), halves])[rows]
    return latin


def _hashed(keys: Integers) -> tuple[Integers, npt.NDArray[np.int32]]:
    """An open-addressing table of distinct keys, none 0: the keys, and their numbers from 1 (0: free)."""
    bits = max(4, int(len(keys) * 2.5).bit_length())
    slots = (keys * np.int64(MULTIPLIER) >> 32) & (1 << bits) - 1
    rows = np.zeros(1 << bits, np.int32)
    pending = np.arange(len(keys))
    while len(pending):
        free = pending[rows[slots[pending]] == 0]
        # Of several that want the same place the last one gets it, the others go on.
        rows[slots[free]] = free + 1
        pending = pending[rows[slots[pending]] != pending + 1]
        slots[pending] = slots[pending] + 1 & (1 << bits) - 1
    table_keys = np.zeros(1 << bits, np.int64)
    table_keys[rows > 0] = keys[rows[rows > 0] - 1]
    return table_keys, rows

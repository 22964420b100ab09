"""Chinese: which sentences may hold a name, and what of a model's answer counts.

The tables behind the name rules (`guard.detect.names`) have a say twice: a sentence goes to the model only if some run
of characters in it is plausible as a name, and a person whom the model sees counts only if the tables find the name
plausible. That the two agree is worth more than either: the tables know no context, and a model takes 毛尖, a tea, for
a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import names
from guard.detect.tables import numbers
from guard.nlp.entity import Entity, Judged, Kind
from guard.nlp.windows import Bytes, Spans, breaks_of

LEAST = names.USUAL
"""Plausibility of a name that is looked at."""
FAIR_NAME, USUAL_NAME = 0.7, 0.5
"""What a name is worth that the model sees and the tables find fair, and one that they merely do not exclude."""
HOUSE, PLACES = 0.65, 0.45
"""What places are worth that end in the number of a house, and three or more of which each lies in the one before."""
ORGANISATION = 0.6
LEAST_ORGANISATION = 4
"""Characters of the name of an organisation; shorter ones are words such as 法院."""
LEAST_PLACES = 3
_ORGANISATION = re.compile("(?:公司|集团|银行|厂|店|合作社|医院|大学|学院|学校|中学|小学|幼儿园|研究院|研究所|政府|局|"
                           "厅|委员会|办事处|派出所|法院|检察院|协会|学会|联合会|基金会|事务所|中心|支队|大队)$")
Codes = npt.NDArray[np.int32]
_CODES, _HAN, _DOT = 0x10000, (0x4E00, 0x9FA5), (0xC2, 0xB7)
_NUMBER = "[0-9０-９A-Za-z一二三四五六七八九十百-]{1,6}"
_UNIT = "(?:号楼|号院|号|弄|幢|栋|座|单元|室|楼|层)"
_HOUSE = re.compile(f"[一-龥]{{0,6}}?(?:{_NUMBER}{_UNIT}|[0-9０-９]+(?:-[0-9０-９]+)+)(?:{_NUMBER}(?:{_UNIT}|[组户])|"
                    f"[0-9０-９]{{3,4}}(?![0-9０-９])|[一-龥]{{1,6}}(?:大厦|大楼|广场|公寓|中心|小区){_NUMBER}{_UNIT})*")
_YEAR = r"[〔\[［（(【][0-9０-９]{4}[〕\]］）)】]"
_BEFORE_YEAR, _BEHIND_YEAR = re.compile(f"[一-龥]{{0,6}} ?{_YEAR}"), re.compile(f"{_YEAR}[一-龥]?$")
"""Around the years of documents and cases: 苏政办〔2018〕230号 is no person, （2022）浙0106刑初581号 no house."""
_FINE = tuple("镇乡村路街巷弄里苑园庄屯寨湾坊区")
"""How the finest of several places ends when together they lead to a person."""


class _Weights(NamedTuple):
    """By code point: what it is worth as a surname (-inf: it is none) and as a character of a given name, and whether
    a surname of two characters may begin there. `compounds` are these, packed and sorted, with their worth."""

    surname: npt.NDArray[np.float32]
    given: npt.NDArray[np.float32]
    opens: npt.NDArray[np.bool_]
    compounds: Ints
    worth: npt.NDArray[np.float32]


@cache
def _weights() -> _Weights:
    surname, given = np.full(_CODES, -np.inf, np.float32), np.full(_CODES, names.UNKNOWN, np.float32)
    compounds = {}
    for name, frequency in numbers("surnames").items():
        if len(name) == 1 and ord(name) < _CODES:
            surname[ord(name)] = names.surname_worth(frequency)
        elif len(name) == 2:
            compounds[ord(name[0]) << 16 | ord(name[1])] = names.surname_worth(frequency)
    for character, odds in numbers("given").items():
        if ord(character) < _CODES:
            given[ord(character)] = odds
    packed, opens = sorted(compounds), np.zeros(_CODES, np.bool_)
    opens[[number >> 16 for number in packed]] = True
    worth = np.array([compounds[number] for number in packed], np.float32)
    return _Weights(surname, given, opens, np.array(packed, np.int64), worth)


def breaks(view: Bytes) -> Ints:
    """Behind which bytes a sentence ends."""
    return breaks_of(view, han_stops=True)


def candidates(view: Bytes) -> Spans:
    """Runs of characters of UTF-8 that may be a name, and numbers of houses, in order.

    Words and places are not weighed yet: `is_plausible` does that for one candidate.
    """
    at, code = _han(view)
    if not len(at):
        return Spans(at, at)
    found = [*_named(at, code), _dotted(view, at), _numbered(view, at, code)]
    starts, ends = (np.concatenate([getattr(spans, name) for spans in found]) for name in ("starts", "ends"))
    order = np.lexsort((ends, starts))
    return Spans(starts[order], ends[order])


def _han(view: Bytes) -> tuple[Ints, Codes]:
    """Where Han characters begin, and which they are."""
    at = np.flatnonzero((view >= 0xE4) & (view <= 0xE9))
    at = at[at + 2 < len(view)]
    second, third = view[at + 1], view[at + 2]
    sound = (second & 0xC0 == 0x80) & (third & 0xC0 == 0x80)
    at, second, third = at[sound], second[sound], third[sound]
    code = (view[at] & 15).astype(np.int32) << 12 | (second & 63).astype(np.int32) << 6 | third & 63
    inside = (code >= _HAN[0]) & (code <= _HAN[1])
    return at[inside], code[inside]


def is_plausible(text: str, start: int, end: int) -> bool:
    """Whether the candidate `text[start:end]` still is one when words and places weigh against it."""
    candidate = text[start:end]
    return len(candidate) == 1 or "·" in candidate or names.plausibility(candidate) >= LEAST


def judged(text: str, entities: Sequence[Entity]) -> Iterator[Judged]:
    """What counts of a model's answer."""
    for start, end, kind in entities:
        value = text[start:end]
        if kind is Kind.PERSON:
            yield from _person(text, start, end)
        elif kind is Kind.ORGANISATION and len(value) >= LEAST_ORGANISATION and _ORGANISATION.search(value):
            yield Judged(start, end, kind, ORGANISATION)
    yield from _addresses(text, [entity for entity in entities if entity.kind is Kind.PLACE])


def _person(text: str, start: int, end: int) -> Iterator[Judged]:
    """The name that the model sees; where it sees only a surname, or only what follows one, the whole name."""
    if _BEFORE_YEAR.match(text, end):
        return
    if names.plausibility(text[start:end]) >= LEAST:
        worth = FAIR_NAME if names.is_fair_name(text[start:end]) else USUAL_NAME
        yield Judged(start, end, Kind.PERSON, worth)
    elif end - start == 1 and (found := names.begun(text, start, names.FAIR)):
        yield Judged(*found, Kind.PERSON, USUAL_NAME)
    elif end - start == 2 and start and names.is_fair_name(text[start - 1 : end]):
        yield Judged(start - 1, end, Kind.PERSON, USUAL_NAME)


def _named(at: Ints, code: Codes) -> Iterator[Spans]:
    """Runs of two to four characters that the weights of their characters allow to be a name."""
    weights = _weights()
    surname, given = weights.surname[code], weights.given[code]
    compound = np.full(len(code), -np.inf, np.float32)
    first = np.flatnonzero(weights.opens[code[:-1]])
    packed = code[first].astype(np.int64) << 16 | code[first + 1]
    place = np.minimum(np.searchsorted(weights.compounds, packed), len(weights.compounds) - 1)
    compound[first] = np.where(weights.compounds[place] == packed, weights.worth[place], np.float32(-np.inf))
    one, two = given * names.ONE_CHARACTER + names.SHORT, (given[:-1] + given[1:]) * names.TWO_CHARACTERS
    yield _run(at, 2, surname[:-1] + one[1:])
    yield _run(at, 3, np.maximum(surname[:-2] + two[1:], compound[:-2] + one[2:]))
    yield _run(at, 4, compound[:-3] + two[2:])


def _run(at: Ints, length: int, worth: npt.NDArray[np.float32]) -> Spans:
    """Those of so many characters side by side that are worth enough."""
    chosen = np.flatnonzero(worth >= LEAST)
    chosen = chosen[at[chosen + length - 1] == at[chosen] + 3 * (length - 1)]
    return Spans(at[chosen], at[chosen] + 3 * length)


def _dotted(view: Bytes, at: Ints) -> Spans:
    """The characters around a dot, as in names of the peoples without surnames."""
    before = at[at + 7 < len(view)]
    before = before[(view[before + 3] == _DOT[0]) & (view[before + 4] == _DOT[1]) & (view[before + 5] >= 0xE4)]
    return Spans(before, before + 8)


def _numbered(view: Bytes, at: Ints, code: Codes) -> Spans:
    """Units of houses behind a number: 12幢, 五单元."""
    units = np.flatnonzero(np.isin(code, [ord(unit) for unit in "幢栋单室"]) & (at > 0))
    numerals = np.isin(code[units - 1], [ord(numeral) for numeral in "一二三四五六七八九十百"]) & (
        at[units - 1] == at[units] - 3)
    digit = view[at[units] - 1]
    units = units[numerals | (digit >= 0x30) & (digit <= 0x39)]
    return Spans(at[units], at[units] + 3)


def _addresses(text: str, places: Sequence[Entity]) -> Iterator[Judged]:
    """Places one behind the other, with the house behind the last."""
    first = 0
    while first < len(places):
        last = first
        while last + 1 < len(places) and places[last + 1].start == places[last].end:
            last += 1
        start, end = places[first].start, places[last].end
        if _BEHIND_YEAR.search(text, 0, start):
            pass
        elif house := _HOUSE.match(text, end):
            yield Judged(start, house.end(), Kind.PLACE, HOUSE)
        elif last - first + 1 >= LEAST_PLACES and text[start:end].endswith(_FINE):
            yield Judged(start, end, Kind.PLACE, PLACES)
        first = last + 1

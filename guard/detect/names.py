"""Chinese personal names: how much a run of Han characters looks like one, and where it ends.

A name is a surname and a given name of one or two characters. Surnames are weighed by how common they are, characters
of the given name by how much more often they stand in given names than in running text (`data/surnames.tsv`,
`data/given.tsv`); ordinary words that start with a surname weigh against (`data/words.tsv`). Names of the peoples
without surnames are known by their dot (阿依古丽·买买提) or by the parts that they are made of.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache

from guard.detect.tables import longest_first, numbers, rows, table
from guard.patterns import pattern

LENIENT, USUAL, FAIR, EVIDENT, STRICT = -4.0, -2.0, 0.0, 1.8, 3.0
"""Least plausibility beside a label with a colon, alone in a cell beside an identifier, in a pattern that speaks for a
name, between two borders of running text, and for a word on its own."""

IMPLAUSIBLE, ETHNIC = -99.0, STRICT + 3
ONE_CHARACTER, TWO_CHARACTERS, SHORT = 0.75, 0.6, -1.0
"""What the odds of a given name count for by its length, and what is off for a short one."""
UNKNOWN = -6.0
"""The odds of a character that no given name of the table has."""
PLACE, PLACE_BEFORE, WORD_BEFORE = 5.0, 4.0, 1.5
"""What is off for a place, for one that a name of three characters starts with, and for a common word there."""
ENDING = 3.0
"""What is off for a last character that names of offices, places and goods have (`data/name_endings.tsv`)."""
AT_END, BEFORE_DOT, BEFORE_FOLLOWER, BEFORE_HAN = 4.0, -8.0, 3.0, -4.0
"""What it is worth that a name ends where it does."""
LONGEST = 12
"""Characters of a name in running text at most."""
USUAL_PART = 4
"""Characters behind the last dot of a name from which on each further one makes it less plausible."""
LONGEST_PART = 5
"""Characters between the dots of a name in running text at most."""
_ETHNIC_DOT = pattern(r"[一-龥]{1,8}(?:·[一-龥]{1,10}){1,4}")
_ETHNIC = pattern(f"(?:{'|'.join(longest_first('name_parts'))}){{2,4}}")
_FARTHEST = 64
"""So many characters of a run are looked at: more than a lead word and a name have, and a run may be a megabyte."""
_FOLLOWS = pattern("|".join(longest_first("name_followers")))


@cache
def _surnames() -> dict[str, float]:
    return numbers("surnames")


@cache
def _leads() -> dict[str, tuple[str, ...]]:
    """Words before a name by their first character, longer ones first."""
    words = longest_first("name_leads")
    return {first: tuple(word for word in words if word[0] == first) for first in {word[0] for word in words}}


@cache
def first_characters() -> frozenset[str]:
    """What every name without a dot begins with, or the word before it that is passed over."""
    words = (*_surnames(), *longest_first("name_parts"), *longest_first("name_leads"))
    return frozenset(word[0] for word in words)


def split(name: str) -> tuple[str, str] | None:
    """Surname and given name, or None when no surname stands at the beginning."""
    surnames = _surnames()
    if len(name) > 2 and name[:2] in surnames:
        return name[:2], name[2:]
    return (name[:1], name[1:]) if name[:1] in surnames and len(name) > 1 else None


@lru_cache(maxsize=65_536)
def plausibility(name: str) -> float:
    """How much a run of Han characters looks like a whole name: above STRICT surely, below LENIENT hardly."""
    if "·" in name and _ETHNIC_DOT.fullmatch(name):
        return ETHNIC - max(0, len(name.rpartition("·")[2]) - USUAL_PART)
    if name.startswith(longest_first("name_parts")) and _ETHNIC.fullmatch(name):
        return ETHNIC
    parts = None if "某" in name else split(name)
    if parts is None or not 1 <= len(parts[1]) <= 2 or _is_address(parts[1]):
        return IMPLAUSIBLE
    surname, given = parts
    odds = [numbers("given").get(character, UNKNOWN) for character in given]
    worth = sum(odds) * (ONE_CHARACTER if len(odds) == 1 else TWO_CHARACTERS) + surname_worth(_surnames()[surname])
    worth += SHORT if len(given) == 1 else 0.0
    worth -= ENDING if given[-1] in table("name_endings") else 0.0
    return worth - _word_weight(name) - _place_weight(name)


def _is_address(given: str) -> bool:
    """A surname before a form of address or another word that follows names: 李小姐, 王主任."""
    return len(given) == 2 and given in table("name_followers")


def surname_worth(frequency: float) -> float:
    """What a surname is worth by the logarithm of how many bear it."""
    return (frequency - 5.0) * 0.6


def word_worth(count: float) -> float:
    """What an ordinary word weighs against a name that is written like it."""
    return math.log2(count) * 0.8


def is_common(count: float) -> bool:
    """Whether a word is so common that a name which only starts with it is less plausible."""
    return count > 200


def _place_weight(name: str) -> float:
    """A place is hardly a name, with its suffix (巴彦县) or without; what starts like one may go on (杭州云帆公司)."""
    if name in places() or name in divisions():
        return PLACE
    return PLACE_BEFORE if len(name) == 3 and name[:2] in places() else 0.0


@cache
def places() -> frozenset[str]:
    """Names of divisions without their suffix: 石家庄, 连云港, 白云."""
    return frozenset(re.sub(r"(?:市|区|县|自治县|地区|盟|旗)$", "", row[1]) for row in rows("divisions"))


@cache
def divisions() -> frozenset[str]:
    """Names of divisions with their suffix."""
    return frozenset(row[1] for row in rows("divisions"))


def _word_weight(name: str) -> float:
    counts = numbers("words")
    weight = word_worth(counts[name]) if name in counts else 0.0
    if len(name) == 3 and name[:2] in counts and is_common(counts[name[:2]]):
        weight += WORD_BEFORE
    return weight


def cut(text: str, start: int, end: int, least: float) -> tuple[int, int] | None:
    """The span of the name that starts at `start` and ends at or before `end`; None when nothing there is plausible.

    The longest run is not always the name (联系人刘洋电话…), so every length is weighed together with what follows it.
    """
    start = _behind_lead(text, start, end)
    best, chosen = -math.inf, None
    for stop in range(start + 2, min(end, start + LONGEST) + 1):
        worth = plausibility(text[start:stop])
        if worth < least:
            continue
        worth += _stop_worth(text, stop)
        if worth > best:
            best, chosen = worth, stop
    return None if chosen is None or best < least else (start, chosen)


def _behind_lead(text: str, start: int, end: int) -> int:
    """Where a name begins behind a word before it; `start` without one, or where no two Han characters follow."""
    for lead in _leads().get(text[start : start + 1], ()):
        first = start + len(lead)
        if text.startswith(lead, start, end) and _run_end(text, first, min(first + 2, end)) == first + 2:
            return first
    return start


def _run_end(text: str, start: int, end: int, also: str = "") -> int:
    """Where the run of Han characters (and those `also` meant) ends that starts at `start`. No pattern: to compile a
    class of Han characters takes as long as a thousand runs."""
    while start < min(end, len(text)) and ("一" <= text[start] <= "龥" or text[start] in also):
        start += 1
    return start


def _stop_worth(text: str, stop: int) -> float:
    """What stands behind a name: its end, a word that follows names, or any other Han character."""
    if stop >= len(text) or not "一" <= text[stop] <= "龥":
        return AT_END if text[stop : stop + 1] != "·" else BEFORE_DOT
    return BEFORE_FOLLOWER if _FOLLOWS.match(text, stop) else BEFORE_HAN


def begun(text: str, start: int, least: float) -> tuple[int, int] | None:
    """The name that starts at `start`, wherever the run of Han characters and dots ends."""
    end = _run_end(text, start, start + _FARTHEST, also="·")
    return cut(text, start, end, least) if end > start else None


def followed(text: str, start: int, least: float) -> tuple[int, int] | None:
    """As `begun`, where a Han character behind the name must begin a word that follows names.

    What stands around the dot of a name is short: a longer run has other words in it.
    """
    found = begun(text, start, least)
    if found is None or _stop_worth(text, found[1]) <= 0:
        return None
    return found if max(map(len, text[start : found[1]].split("·"))) <= LONGEST_PART else None


def is_name(name: str) -> bool:
    """A Chinese name, in a place that already speaks for one (a column of names)."""
    return plausibility(name) >= LENIENT or (2 <= len(name) <= 4 and name[:1] in table("surnames"))


def is_sure_name(name: str) -> bool:
    """A Chinese name by itself: common surname, usual given name, no ordinary word."""
    return plausibility(name) >= STRICT


def is_usual_name(name: str) -> bool:
    """A Chinese name in a place that hints at one (alone in a cell, beside an identifier)."""
    return plausibility(name) >= USUAL


def is_fair_name(name: str) -> bool:
    """A Chinese name that its own form does not contradict."""
    return plausibility(name) >= FAIR

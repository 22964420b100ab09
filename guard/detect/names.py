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

LENIENT, USUAL, FAIR, STRICT = -4.0, -2.0, 0.0, 3.0
"""Least plausibility beside a label with a colon, alone in a cell beside an identifier, in a pattern that speaks for a
name, and for a word on its own."""

IMPLAUSIBLE = -99.0
_ONE, _SHORT, _PLACE, _PLACE_BEFORE = 0.75, -1.0, 5.0, 2.0
_ETHNIC_DOT = re.compile(r"[一-龥]{1,8}(?:·[一-龥]{1,10}){1,4}")
_ETHNIC = re.compile(f"(?:{'|'.join(longest_first('name_parts'))}){{2,4}}")
_LEADS = re.compile(f"(?:{'|'.join(longest_first('name_leads'))})(?=[一-龥]{{2}})")
_FOLLOWS = re.compile("|".join(longest_first("name_followers")))


@cache
def _surnames() -> dict[str, float]:
    return numbers("surnames")


def split(name: str) -> tuple[str, str] | None:
    """Surname and given name, or None when no surname stands at the beginning."""
    surnames = _surnames()
    if len(name) > 2 and name[:2] in surnames:
        return name[:2], name[2:]
    return (name[:1], name[1:]) if name[:1] in surnames and len(name) > 1 else None


@lru_cache(maxsize=65_536)
def plausibility(name: str) -> float:
    """How much a run of Han characters looks like a whole name: above STRICT surely, below LENIENT hardly."""
    if _ETHNIC_DOT.fullmatch(name) or _ETHNIC.fullmatch(name):
        return STRICT + 3
    parts = None if "某" in name else split(name)
    if parts is None or not 1 <= len(parts[1]) <= 2 or (len(parts[0]) == 1 and len(name) > 3 and not _double(name)):
        return IMPLAUSIBLE
    surname, given = parts
    odds = [numbers("given").get(character, -6.0) for character in given]
    worth = sum(odds) * (_ONE if len(odds) == 1 else 0.6) + (_surnames()[surname] - 5.0) * 0.6
    worth += _SHORT if len(given) == 1 else 0.0
    return worth - _word_weight(name) - _place_weight(name)


def _place_weight(name: str) -> float:
    """A place is hardly a name, with its suffix (巴彦县) or without; what starts like one may go on (杭州云帆公司)."""
    if name in _places() or name in _divisions():
        return _PLACE
    return _PLACE_BEFORE if len(name) == 3 and name[:2] in _places() else 0.0


@cache
def _places() -> frozenset[str]:
    """Names of divisions without their suffix: 石家庄, 连云港, 白云."""
    return frozenset(re.sub(r"(?:市|区|县|自治县|地区|盟|旗)$", "", row[1]) for row in rows("divisions"))


@cache
def _divisions() -> frozenset[str]:
    """Names of divisions with their suffix."""
    return frozenset(row[1] for row in rows("divisions"))


def _double(name: str) -> bool:
    """A child that bears both parents' surnames: 王李思雨."""
    return len(name) == 4 and name[1] in _surnames() and _surnames()[name[1]] > 6.5


def _word_weight(name: str) -> float:
    counts = numbers("words")
    weight = math.log2(counts[name]) * 0.8 if name in counts else 0.0
    if len(name) == 3 and name[:2] in counts and counts[name[:2]] > 200:
        weight += 1.5
    return weight


def cut(text: str, start: int, end: int, least: float) -> tuple[int, int] | None:
    """The span of the name that starts at `start` and ends at or before `end`; None when nothing there is plausible.

    The longest run is not always the name (联系人刘洋电话…), so every length is weighed together with what follows it.
    """
    if lead := _LEADS.match(text, start, end):
        start = lead.end()
    best, chosen = -math.inf, None
    for stop in range(start + 2, min(end, start + 12) + 1):
        worth = plausibility(text[start:stop])
        if worth < least:
            continue
        worth += _stop_worth(text, stop)
        if worth > best:
            best, chosen = worth, stop
    return None if chosen is None or best < least else (start, chosen)


def _stop_worth(text: str, stop: int) -> float:
    """What stands behind a name: its end, a word that follows names, or any other Han character."""
    if stop >= len(text) or not "一" <= text[stop] <= "龥":
        return 4.0 if text[stop : stop + 1] != "·" else -8.0
    return 3.0 if _FOLLOWS.match(text, stop) else -4.0


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

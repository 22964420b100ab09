"""Chinese postal addresses: from the division, through road or village, to number, building and room, in one span."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice

from guard.detect.tables import longest_first, rows
from guard.patterns import pattern

TENTHS = "一二三四五六七八九十"
NUMERALS = TENTHS + "百甲乙丙丁"
DIRECTIONS = "东南西北中" + TENTHS
ROADS = "段路街区里巷弄村条"
DATED = "年月日元万"
"""Behind digits: they are no room."""
_HAN = "一-龥"
_DIVISION = rf"[{_HAN}]{{1,9}}?(?:{'|'.join(longest_first('address_divisions'))})"
_PLACE = (rf"[{_HAN}]{{1,9}}?(?:{'|'.join(longest_first('address_places'))})"
          r"(?:[东南西北中一二三四五六七八九十]{1,2}(?:段|路|街|区|里|巷|弄|村|条))?")
_COUNT = rf"[0-9A-Za-z]{{1,5}}(?:-[0-9A-Za-z]{{1,5}}){{0,3}}|[{NUMERALS}]{{1,4}}"
_UNIT = "|".join(longest_first("address_units"))
_NUMBER = rf"(?:附|第)?(?:{_COUNT})(?:{_UNIT})(?:之[{TENTHS}0-9]{{1,2}})? ?"
_ROOM = rf"(?:{_NUMBER})+(?:[0-9]{{1,4}}(?:-[0-9]{{1,4}}){{0,3}}(?![0-9{DATED}]))?"
_LEAD = rf"(?P<division>(?:{_DIVISION} ?){{0,5}}+)"
_PLACES = rf"(?P<place>(?:(?!(?:{_COUNT})(?:{_UNIT})){_PLACE} ?){{1,3}})"
_NUMBERED = pattern(rf"{_LEAD}{_PLACES}?(?P<number>{_ROOM}(?:\(?{_PLACE}{_ROOM}\)?){{0,2}})", re.ASCII)
_UNNUMBERED = pattern(rf"{_LEAD}{_PLACES}", re.ASCII)
HOMES = ("户籍", "现", "家", "常", "暂", "居")
LEADS = ("住址", "住所", "地址", "位于", "住", *"在于到至为是我系从")
TOWNSHIPS = ("街道", "镇", "乡")
_LEAD_WORDS = pattern(f"(?:{'|'.join(HOMES)})?(?:{'|'.join(LEADS)})+")
_TOWNSHIP = pattern(f"[{_HAN}]{{2,3}}(?:{'|'.join(TOWNSHIPS)})")
_RUN = pattern(rf"[{_HAN}0-9A-Za-z#· -]*\Z")
REACH = 64
"""Code points to the left of a number that an address may start at, and to the right that it may go on."""
LONGEST = 2 * REACH + 8
"""Code points of an address at most: what is found at a place then depends on the place only, not on the number."""


@cache
def division_names() -> dict[str, tuple[str, ...]]:
    """Names of divisions by their first two characters, provinces without their suffix too."""
    found: dict[str, set[str]] = {}
    for code, name in ((row[0], row[1]) for row in rows("divisions")):
        forms = {name}
        if code.endswith("0000"):
            forms.add(re.sub(r"(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$", "", name))
        elif code.endswith("00") and len(name) > 3:
            forms.add(name)
        for form in forms:
            if len(form) > 1:
                found.setdefault(form[:2], set()).add(form)
    return {key: tuple(sorted(names, key=len, reverse=True)) for key, names in found.items()}


@cache
def _initials() -> re.Pattern[str]:
    """A first character of the name of a division: few places of a text have one."""
    return pattern(f"[{''.join(sorted({key[0] for key in division_names()}))}]")


def starts_division(text: str, at: int = 0) -> bool:
    """Whether the name of a division of GB/T 2260 (or of a province, without its suffix) stands at `at`."""
    names = division_names().get(text[at : at + 2])
    return names is not None and text.startswith(names, at)


def around_number(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The address that the house, building or group number `text[start:end]` belongs to; None when it is of none."""
    floor = max(0, start - REACH)
    window = text[floor:start]
    left = floor + len(window) - len(_leading(window))
    for at in _likely_starts(text, left, start):
        stop = _address_end(text[at : at + LONGEST])
        if at + stop >= end:
            return at, at + stop
    return None


@lru_cache(maxsize=1024)
def _address_end(text: str) -> int:
    """Where the whole numbered address ends that the text begins with, 0 when it begins with none.

    Every number of an address asks for the same one, one after the other.
    """
    found = _NUMBERED.match(text)
    return len(found.group().rstrip(" (")) if found and _complete(found) else 0


def _leading(window: str) -> str:
    """The run of address characters that ends where the window ends."""
    found = _RUN.search(window)
    return found.group() if found else ""


def _likely_starts(text: str, left: int, right: int) -> Iterator[int]:
    """At most three places from `left` on where a division begins, else behind a township's lead words."""
    initials = _initials().finditer(text, left, right)
    known = (found.start() for found in initials if starts_division(text, found.start()))
    if (first := next(known, None)) is not None:
        yield first
        yield from islice(known, 2)
        return
    rural = _TOWNSHIP.search(text, left, right)
    if rural is not None:
        lead = _LEAD_WORDS.match(text[rural.start() : rural.end()])
        yield rural.start() + (lead.end() if lead else 0)


def _complete(found: re.Match[str]) -> bool:
    """A division and a place or number in it, or a place in a township; a district with a number is none."""
    return bool(found["division"] and (found["place"] or len(found["division"]) > 5))


def after_label(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The address that starts at `start`, behind a label: a number is not needed there."""
    end = min(end, start + LONGEST)
    found = _NUMBERED.match(text, start, end) or _UNNUMBERED.match(text, start, end)
    if not found or not found["division"]:
        return None
    return start, start + len(found.group().rstrip(" ("))


def in_division(value: str) -> bool:
    """An address that begins with a known division."""
    return starts_division(value)


def is_address(value: str) -> bool:
    """A value that reads as an address: it begins with a division, or has a place and a number."""
    found = _NUMBERED.match(value, 0, LONGEST)
    return starts_division(value) or bool(found and (found["place"] or found["division"]))

"""Chinese postal addresses: from the division, through road or village, to number, building and room, in one span."""

from __future__ import annotations

import re
from functools import cache

from guard.detect.tables import rows

_HAN = "一-龥"
_DIVISION = rf"[{_HAN}]{{1,9}}?(?:特别行政区|自治区|自治州|自治县|开发区|高新区|管理区|街道|地区|新区|苏木|省|市|州|盟|区|县|旗|镇|乡)"
_PLACE = (rf"[{_HAN}]{{1,9}}?(?:胡同|大道|社区|小区|花园|公寓|广场|大厦|中心|新村|宿舍|家园|名苑|国际|大楼|路|街|道|巷|弄|里|条|"
          rf"段|环|桥|村|庄|屯|寨|苑|园|城|府|湾|郡|坊|院|楼|厂|坪|岭|坡|沟|口|营|堡|集|岗|站|墅|庭|阁|居|邸|港|洲|墩|浜|塘|埭|湖|山|店|组|队)"
          r"(?:[东南西北中一二三四五六七八九十]{1,2}(?:段|路|街|区|里|巷|弄|村|条))?")
_COUNT = r"[0-9A-Za-z]{1,5}(?:-[0-9A-Za-z]{1,5}){0,3}|[一二三四五六七八九十百甲乙丙丁]{1,4}"
_UNIT = "号楼|号院|号|弄|栋|幢|座|楼|层|室|户|组|队|社|单元|门|期|房|铺|巷|支弄|#楼|#"
_NUMBER = rf"(?:附|第)?(?:{_COUNT})(?:{_UNIT})(?:之[一二三四五六七八九十0-9]{{1,2}})? ?"
_ROOM = rf"(?:{_NUMBER})+(?:[0-9]{{1,4}}(?:-[0-9]{{1,4}}){{0,3}}(?![0-9年月日元万]))?"
_LEAD = rf"(?P<division>(?:{_DIVISION} ?){{0,5}}+)"
_PLACES = rf"(?P<place>(?:(?!(?:{_COUNT})(?:{_UNIT})){_PLACE} ?){{1,3}})"
_NUMBERED = re.compile(rf"{_LEAD}{_PLACES}?(?P<number>{_ROOM}(?:\(?{_PLACE}{_ROOM}\)?){{0,2}})", re.ASCII)
_UNNUMBERED = re.compile(rf"{_LEAD}{_PLACES}", re.ASCII)
_STARTERS = re.compile(r"^(?:现|家|常|暂|居|户籍)?(?:住址|住所|住|地址|位于|在|于|到|至|为|是|我|系|从)+(?:在|于|是|为)?")
_RUN = re.compile(rf"[{_HAN}0-9A-Za-z#·() -]*")
REACH = 64
"""Code points to the left of a number that an address may start at."""


@cache
def _starts() -> dict[str, tuple[str, ...]]:
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


def starts_division(text: str, at: int = 0) -> bool:
    """Whether the name of a division of GB/T 2260 (or of a province, without its suffix) stands at `at`."""
    return any(text.startswith(name, at) for name in _starts().get(text[at : at + 2], ()))


def around_number(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The address that the house, building or group number `text[start:end]` belongs to; None when it is of none."""
    floor = max(0, start - REACH)
    window = text[floor:start]
    left = floor + len(window) - len(_leading(window))
    for at in _likely_starts(text, left, start):
        found = _NUMBERED.match(text, at, min(len(text), end + REACH))
        if found and found.end() >= end and _complete(found):
            return at, at + len(found.group().rstrip(" ("))
    return None


def _leading(window: str) -> str:
    """The run of address characters that ends where the window ends."""
    found = re.search(rf"[{_HAN}0-9A-Za-z#· -]*$", window)
    return found.group() if found else ""


def _likely_starts(text: str, left: int, right: int) -> list[int]:
    known = [at for at in range(left, right) if starts_division(text, at)]
    if known:
        return known[:3]
    rural = re.compile(rf"[{_HAN}]{{2,3}}(?:镇|乡|街道)").search(text, left, right)
    if rural is None:
        return []
    lead = _STARTERS.match(text[rural.start() : rural.end()])
    return [rural.start() + (lead.end() if lead else 0)]


def _complete(found: re.Match[str]) -> bool:
    """A division and a place or number in it, or a place in a township; a district with a number is none."""
    return bool(found["division"] and (found["place"] or len(found["division"]) > 5))


def after_label(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The address that starts at `start`, behind a label: a number is not needed there."""
    found = _NUMBERED.match(text, start, end) or _UNNUMBERED.match(text, start, end)
    if not found or not found["division"]:
        return None
    return start, start + len(found.group().rstrip(" ("))


def in_division(value: str) -> bool:
    """An address that begins with a known division."""
    return starts_division(value)


def is_address(value: str) -> bool:
    """A value that reads as an address: it begins with a division, or has a place and a number."""
    found = _NUMBERED.match(value)
    return starts_division(value) or bool(found and (found["place"] or found["division"]))

"""generalise: a value becomes the class it lies in. What cannot be read as such a value is hidden whole.

Dates become a year, month, decade or band of years; ages and amounts bands; addresses an administrative area;
networks and coordinates a coarser one; postal codes their first digits. A class without a hierarchy goes to its top:
everything is hidden.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from guard.errors import UsageError
from guard.masking import FULL, split_address
from guard.protect.base import Transform

Rule = Callable[[str], str | None]
"""From a folded, stripped value to its generalised form, or None when the value does not fit."""

LEVELS = {
    "date": ("year", "month", "decade"), "place": ("county", "city", "province"), "network": ("network",),
}
KINDS = {
    "person.birth_date": "date", "person.age": "age", "person.address": "place", "person.native_place": "place",
    "person.whereabouts": "place", "device.ip": "network", "location.coordinates": "coordinates",
    "person.postcode": "digits", "person.income": "number",
}
BOUNDS = {"width": (1, 10**12), "top": (1, 10**12), "digits": (0, 6)}
PARAMETERS = ("to", *BOUNDS)
BIRTH_BAND, AGE_BAND, AGE_TOP = 5, 10, 90
"""Years of a band of birth dates and of ages, and the age from which all are one band (45 CFR 164.514(b)(2)(i)(C))."""
KEPT = 1 << 16
COORDINATE_DIGITS, POSTCODE_DIGITS = 2, 2
IPV4_PREFIX, IPV6_PREFIX = 24, 48

_DATE = re.compile(r"([0-9]{4})([-/.年])([0-9]{1,2})(?:[-/.月]([0-9]{1,2})日?|月?)(?:[ T].*)?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_YEAR = re.compile(r"([0-9]{4})年?")
_AGE = re.compile(r"([0-9]{1,3})(?:周?岁)?")
_NUMBER = re.compile(r"[¥$]?(-?(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,15})(?:\.[0-9]{1,10})?)(?: ?(?:元|CNY|RMB))?")
_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")
_BETWEEN = re.compile(r"[,;\s]+")
_POSTCODE = re.compile(r"[0-9]{5,6}(?:-[0-9]{4})?")


class Generalised(Transform):
    """generalise by one rule."""

    def __init__(self, rule: Rule) -> None:
        # Dates, ages and places are few: the same come in batch after batch.
        self._rule = lru_cache(maxsize=KEPT)(rule)

    def apply_one(self, value: str) -> str | None:
        if not value.strip():
            return ""
        return self._rule(unicodedata.normalize("NFKC", value).strip()) or FULL


def generalised(data_class: str, params: Mapping[str, Any]) -> Generalised:
    """The transform for a class; `params` are `to`, `width`, `top`, `digits`. Raises UsageError if they do not fit."""
    unknown = sorted(set(params) - set(PARAMETERS))
    if unknown:
        raise UsageError(f"unknown parameter of generalise: {unknown[0]}", hint=f"it takes {', '.join(PARAMETERS)}")
    given = {name: value for name, value in params.items() if value is not None}
    for name, (least, most) in BOUNDS.items():
        if name in given and (type(given[name]) is not int or not least <= given[name] <= most):
            raise UsageError(f"{name} of generalise is a whole number from {least} to {most}")
    kind = _kind(data_class, given)
    if "to" in given and given["to"] not in LEVELS.get(kind, ()):
        raise UsageError(f"{data_class} cannot be generalised to {given['to']}")
    return Generalised(_RULES[kind](given))


def _kind(data_class: str, given: Mapping[str, Any]) -> str:
    """What the class is by nature; for a class that has no nature here, what its parameters speak of."""
    if data_class in KINDS:
        return KINDS[data_class]
    for kind, levels in LEVELS.items():
        if given.get("to") in levels:
            return kind
    return "number" if "width" in given else "top"


def _date_rule(given: Mapping[str, Any]) -> Rule:
    level, width = given.get("to"), given.get("width", BIRTH_BAND)
    if level is None:
        return lambda value: _year_band(_year(value), width)
    if level == "decade":
        return lambda value: None if (year := _year(value)) is None else f"{year // 10 * 10}s"
    if level == "year":
        return lambda value: None if (year := _year(value)) is None else f"{year:04d}"
    return _month


def _year_band(year: int | None, width: int) -> str | None:
    if year is None:
        return None
    start = year // width * width
    return f"{start}-{start + width - 1}" if width > 1 else str(start)


def _year(value: str) -> int | None:
    if found := _YEAR.fullmatch(value):
        return _plausible(int(found[1]))
    if (month := _month(value)) is not None:
        return int(month[:4])
    found = _YEAR_LAST.fullmatch(value)
    if found is None:
        return None
    # Day and month may stand in either order; for the year it is enough that one order is a date.
    fits = _is_date(*found.group(3, 2, 1)) or _is_date(*found.group(3, 1, 2))
    return int(found[3]) if fits else None


def _month(value: str) -> str | None:
    found = _COMPACT.fullmatch(value) or _DATE.fullmatch(value)
    if found is None:
        return None
    year, month, day = (found.group(1, 2, 3) if len(found.groups()) == 3 else found.group(1, 3, 4))
    return f"{year}-{int(month):02d}" if _is_date(year, month, day or "1") else None


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        return False
    return _plausible(int(year)) is not None


def _plausible(year: int) -> int | None:
    return year if 1850 <= year <= 2100 else None


def _age_rule(given: Mapping[str, Any]) -> Rule:
    width, top = given.get("width", AGE_BAND), given.get("top", AGE_TOP)

    def band(value: str) -> str | None:
        found = _AGE.fullmatch(value)
        if not found or int(found[1]) > 150:
            return None
        age = int(found[1])
        start = age // width * width
        return f"{top}+" if age >= top else f"{start}-{min(start + width, top) - 1}"

    return band


def _number_rule(given: Mapping[str, Any]) -> Rule:
    """Half-open bands `[20000,30000)`; without a width there is no band that would be safe for any amount."""
    if "width" not in given:
        return _top_rule(given)
    width, top = Decimal(given["width"]), Decimal(given.get("top", "Infinity"))

    def band(value: str) -> str | None:
        found = _NUMBER.fullmatch(value)
        if found is None:
            return None
        number = Decimal(found[1].replace(",", ""))
        if number >= top:
            return f"{top}+"
        # Adding zero turns the -0 of decimal arithmetic into 0.
        start = (number / width).to_integral_value(ROUND_FLOOR) * width + 0
        return f"[{start:f},{min(start + width, top):f})"

    return band


def _place_rule(given: Mapping[str, Any]) -> Rule:
    level = LEVELS["place"].index(given.get("to", "county"))

    def area(value: str) -> str | None:
        """As far down as asked; nothing when the address does not tell where that level ends."""
        province, city, county, _ = split_address(value)
        kept = ((province, city, county), (province, city), (province,))[level]
        return "".join(kept) if any(kept) else None

    return area


def _network_rule(_: Mapping[str, Any]) -> Rule:
    def network(value: str) -> str | None:
        try:
            address = ipaddress.ip_address(value.strip("[]").partition("%")[0])
        except ValueError:
            return None
        if address.version == 6 and (address.ipv4_mapped or address.sixtofour or address.teredo):
            return None
        prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
        return str(ipaddress.ip_network((address, prefix), strict=False))

    return network


def _coordinates_rule(given: Mapping[str, Any]) -> Rule:
    step = Decimal(1).scaleb(-given.get("digits", COORDINATE_DIGITS))

    def cell(value: str) -> str | None:
        parts = _BETWEEN.split(value.strip("()[]"))
        if len(parts) > 2 or not all(_DEGREES.fullmatch(part) and abs(Decimal(part)) <= 180 for part in parts):
            return None
        return ",".join(str(Decimal(part).quantize(step, ROUND_HALF_EVEN) + 0) for part in parts)

    return cell


def _digits_rule(given: Mapping[str, Any]) -> Rule:
    kept = min(given.get("digits", POSTCODE_DIGITS), 3)

    def head(value: str) -> str | None:
        return value[:kept] + FULL if _POSTCODE.fullmatch(value) else None

    return head


def _top_rule(_: Mapping[str, Any]) -> Rule:
    return lambda value: None


_RULES: dict[str, Callable[[Mapping[str, Any]], Rule]] = {
    "date": _date_rule, "age": _age_rule, "number": _number_rule, "place": _place_rule, "network": _network_rule,
    "coordinates": _coordinates_rule, "digits": _digits_rule, "top": _top_rule,
}

"""Checks of identifiers: check digits, dates, tables. Each takes the normal form of a value.

Named in packs through `guard.detect.validators`.
"""

from __future__ import annotations

import datetime
import ipaddress
import re

from guard.detect.tables import divisions, table

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", (*range(10), *range(1, 9), *range(1, 6), 7, *range(9, 10),
                                                              *range(2, 10)), strict=True))
_OLDEST = 120


def iso7064_mod11_2(value: str) -> bool:
    """ISO 7064 MOD 11-2 over 18 characters (GB 11643-1999, resident identity number)."""
    if not re.fullmatch(r"\d{17}[\dX]", value, re.ASCII):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == value[17]


def cn_region(value: str) -> bool:
    """The first six digits are, or were, a division of GB/T 2260 (province and prefecture suffice)."""
    return value[:6] in divisions() or value[:4] in divisions()


def cn_province(value: str) -> bool:
    """The first two digits are a province of GB/T 2260, 81 to 83 (permits), or a foreigner's leading 9."""
    return value[:2] in divisions() or value[:1] == "9"


def id_birth_date(value: str) -> bool:
    """Digits 7 to 14 (or 7 to 12 of the old 15-digit form) are a day that a living person can be born on."""
    digits = value[6:14] if len(value) == 18 else "19" + value[6:12]
    return birth_date(digits)


def embedded_id(value: str) -> bool:
    """Holds a resident identity number whose check digit and birth date are right (student, disability numbers)."""
    found = re.search(r"[1-9][0-9]{16}[0-9X]", value)
    return found is not None and iso7064_mod11_2(found.group()) and id_birth_date(found.group())


def calendar_date(value: str) -> bool:
    """A day of the calendar: YYYYMMDD, or three numbers in the order year, month, day."""
    return _date(value) is not None


def birth_date(value: str) -> bool:
    """A day of the calendar from 120 years ago until today."""
    day = _date(value)
    today = datetime.date.today()
    return day is not None and day <= today and today.year - day.year <= _OLDEST


def _date(value: str) -> datetime.date | None:
    numbers = re.findall(r"[0-9]+", value)
    if len(numbers) == 1 and len(numbers[0]) == 8:
        numbers = [value[:4], value[4:6], value[6:8]]
    if len(numbers) < 3:
        return None
    if len(numbers[0]) < 3 and len(numbers[2]) == 4:
        numbers = [numbers[2], *_month_day(numbers[0], numbers[1])]
    try:
        return datetime.date(*(int(number) for number in numbers[:3]))
    except (ValueError, OverflowError):
        return None


def _month_day(first: str, second: str) -> tuple[str, str]:
    return (second, first) if int(first) > 12 else (first, second)


def uscc_check(value: str) -> bool:
    """The check character of a unified social credit code (GB 32100-2015)."""
    if len(value) != 18 or any(character not in _USCC_ALPHABET for character in value):
        return False
    total = sum(_USCC_ALPHABET.index(c) * weight for c, weight in zip(value, _USCC_WEIGHTS, strict=False))
    return _USCC_ALPHABET[-total % 31] == value[17]


def uscc_department(value: str) -> bool:
    """The first two characters are a registering department and category of GB 32100-2015."""
    return len(value) == 18 and value[1] in USCC_CATEGORIES.get(value[:1], "")


USCC_CATEGORIES = {"1": "1239", "2": "19", "3": "123459", "4": "19", "5": "1239", "6": "129", "7": "129", "8": "19",
                    "9": "123", "A": "19", "N": "1239", "Y": "1"}


def cn_region_of_uscc(value: str) -> bool:
    """Characters 3 to 8 are a division of GB/T 2260, or 100000 for the ministries."""
    return value[2:8] == "100000" or cn_region(value[2:8])


def uscc_organisation(value: str) -> bool:
    """The organisation code inside a unified social credit code (characters 9 to 17) has a right check character."""
    return organisation_code(value[8:17])


def organisation_code(value: str) -> bool:
    """The check character of an organisation code (GB 11714-1997), hyphen removed."""
    if not re.fullmatch(r"[0-9A-Z]{8}[0-9X]", value, re.ASCII):
        return False
    total = sum(int(c, 36) * weight for c, weight in zip(value, _ORG_WEIGHTS, strict=False))
    return "0123456789X0"[11 - total % 11] == value[8]


def business_registration(value: str) -> bool:
    """ISO 7064 MOD 11,10 over 15 digits (GS 15-2006, business registration number)."""
    if not re.fullmatch(r"[0-9]{15}", value):
        return False
    product = 10
    for digit in value[:-1]:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return (product + int(value[-1])) % 10 == 1


def luhn(value: str) -> bool:
    """The Luhn check digit (ISO/IEC 7812-1)."""
    if not re.fullmatch(r"[0-9]+", value):
        return False
    total = 0
    for index, digit in enumerate(reversed(value)):
        number = int(digit) * (1 + index % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def card_issuer(value: str) -> bool:
    """The issuer number and the length are those of a card scheme (ISO/IEC 7812: UnionPay, Visa, Mastercard, …)."""
    return any(len(value) in lengths and low <= value[: len(low)] <= high for low, high, lengths in ISSUERS)


ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("62", "62", (16, 17, 18, 19)), ("8100", "8171", (16, 17, 18, 19)), ("4", "4", (13, 16, 19)), ("51", "55", (16,)),
    ("2221", "2720", (16,)), ("34", "34", (15,)), ("37", "37", (15,)), ("3528", "3589", (16, 17, 18, 19)),
    ("6011", "6011", (16,)), ("644", "659", (16,)), ("9558", "9558", (16, 19)), ("36", "36", (14, 16)),
    ("60", "60", (16, 19)), ("56", "58", (16, 19)), ("67", "69", (16, 19)),
)


def mobile_segment(value: str) -> bool:
    """The first three digits are a segment given out to mobile networks in China."""
    return value[-11:][:3] in table("mobile_segments")


def area_code(value: str) -> bool:
    """The number starts with a Chinese area code."""
    return any(value[:size] in table("area_codes") for size in (3, 4))


def vin_check(value: str) -> bool:
    """The check character at position 9 of a vehicle identification number (GB 16735, ISO 3779 in North America)."""
    if len(value) != 17 or any(character not in _VIN_VALUES for character in value):
        return False
    total = sum(_VIN_VALUES[c] * weight for c, weight in zip(value, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11] == value[8]


def vin_letters(value: str) -> bool:
    """Letters and digits both, no long repeat: 17 digits are no vehicle."""
    return sum(c.isalpha() for c in value) >= 3 and any(c.isdigit() for c in value) and len(set(value)) >= 6


def ip_address(value: str) -> bool:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def ip_of_somebody(value: str) -> bool:
    """Not loopback, unspecified, multicast or broadcast, which name no device."""
    address = ipaddress.ip_address(value) if ip_address(value) else None
    return address is not None and not (address.is_loopback or address.is_unspecified or address.is_multicast
                                        or value.startswith("0.") or value == "255.255.255.255")


def mac_unicast(value: str) -> bool:
    """Not all zeros or ones: those are placeholders and broadcast."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", value).lower()
    return digits not in ("0" * 12, "f" * 12)


def ssn_issued(value: str) -> bool:
    """A US social security number outside the blocks that are never issued (20 CFR 422.103; 000, 666, 9xx)."""
    area, group, serial = value[:3], value[3:5], value[5:9]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def nanp_number(value: str) -> bool:
    """A number of the North American plan: area and exchange start with 2 to 9; toll-free and 400 numbers are not.
    """
    digits = value[-10:]
    return len(digits) == 10 and digits[0] in "23456789" and digits[3] in "23456789" and digits[1:3] != "00"


def not_file_name(value: str) -> bool:
    """Is neither like the name of a file (icon@2x.png) nor the login of a repository (git@host)."""
    return value.rpartition(".")[2] not in table("file_suffixes") and not value.startswith("git@")


def not_english_words(value: str) -> bool:
    """None of the words is one that names of persons do not hold (Customer Service, New York)."""
    return table("no_english_names").isdisjoint(value.lower().split())


def known_given_name(value: str) -> bool:
    """Starts with a given name that is common somewhere."""
    return value.partition(" ")[0].partition("-")[0].capitalize() in table("given_latin")


def uneven(value: str) -> bool:
    """At least three distinct digits: 13800000000 and 11111111 are fillers."""
    return len(set(value)) >= 3

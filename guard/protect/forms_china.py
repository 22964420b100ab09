"""The forms of Chinese identifiers, as data: what their parts can be, what can be kept, how they are checked.

A class has several layouts that share no value. The first that a value fits is its own, and its pseudonym is of the
same layout: a county of the list becomes one of the list, a person born this year one born in the same month. The last
layout of a class is for what is no right value (a birth date of February 30) and only keeps width and characters.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import cache

import numpy as np

from guard.detect.identifier_checks import USCC_CATEGORIES
from guard.detect.tables import divisions, rows, table
from guard.protect.forms import Blocks, Characters, Check, Either, Runs, Words
from guard.protect.forms_layout import Layout, Piece

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CODE_LETTERS = "ABCDEFGHJKLMNPQRTUWXY"
"""Letters of a unified social credit code (GB 32100-2015): I, O, S, V, Z are left out."""
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

ERAS = (("old", 1900, 1924), ("usual", 1925, 2024))
"""Years whose birth dates are exchanged for each other. Many checks take those born earlier for mistyped, and a
pseudonym must not be born in the future, so that later births keep their month. Not to be changed: pseudonyms would."""
RECENT = (2025, 2059)
BAND = 5
"""Years of a band of births; bands and decades are counted from 1925 on, so that the last one is whole."""


@cache
def layouts(data_class: str) -> tuple[Layout, ...]:
    """The layouts of a class, those of right values first; () for a class without a form."""
    make = _MAKERS.get(data_class)
    return tuple(make()) if make else ()


DEFAULT_KEEP = {"person.phone.mobile": ("segment",), "person.bank_card": ("issuer",),
                "vehicle.plate": ("province", "authority")}
"""What is kept of a class where the policy does not say."""


def _resident_ids() -> list[Layout]:
    checks = (_weighted(17, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), 11, "0123456789X", 1),)
    made = []
    for kind, codes in (("listed", _counties()), ("other", _other_divisions())):
        for era, first, last in ERAS:
            made.append(Layout(f"id18/{kind}/{era}", (_division(codes), _births(first, last), *_sequence()), checks,
                               widened=(1, 3, 0)))
        made.append(Layout(f"id18/{kind}/recent", (_division(codes), _months(*RECENT), *_sequence()), checks,
                           widened=(3, 0)))
        # Until 1999: no century and no check digit.
        made.append(Layout(f"id15/{kind}", (_division(codes), _births(1900, 1999, short=True), *_sequence()), (),
                           widened=(1, 3, 0)))
    made.append(Layout("id18/any", (Piece(Characters(*[DIGITS] * 17)),), checks, is_rest=True))
    made.append(Layout("id15/any", (Piece(Characters(*[DIGITS] * 15)),), is_rest=True))
    return made


def _sequence() -> tuple[Piece, Piece]:
    """The last three digits before the check digit: the last one is odd for men and even for women."""
    return Piece(Characters(DIGITS, DIGITS)), Piece(Words("1357902468"), (("sex", Blocks(10, 5)),))


def _mobiles() -> list[Layout]:
    known = sorted(table("mobile_segments"))
    others = [f"1{number:02d}" for number in range(100) if f"1{number:02d}" not in known]
    return [Layout(f"mobile/{kind}", (_whole(Words(words), "segment"), _whole(Characters(*[DIGITS] * 4), "area"),
                                      Piece(Characters(*[DIGITS] * 4))), widened=(1, 0))
            for kind, words in (("listed", known), ("other", others))]


def _cards() -> list[Layout]:
    return [_card(width) for width in range(13, 20)]


def _card(width: int) -> Layout:
    """ISO/IEC 7812: the issuer in the first digits, without which a number is no card of a scheme, and Luhn's digit."""
    twice = [int(digit) * 2 - (9 if int(digit) > 4 else 0) for digit in DIGITS]
    counts = np.zeros((width, 256), np.int64)
    for place in range(width - 1):
        counts[place, 48:58] = twice if (width - place) % 2 == 0 else range(10)
    check = Check(width - 1, DIGITS, counts, -np.arange(10) % 10)
    issuer = Characters(*[DIGITS] * 6)
    levels = tuple((name, Blocks(issuer.size, 10**less)) for less, name in enumerate(("issuer", "issuer5", "issuer4")))
    return Layout(f"card{width}", (Piece(issuer, levels, needed=True), Piece(Characters(*[DIGITS] * (width - 7)))),
                  (check,), widened=(0,))


def _credit_codes() -> list[Layout]:
    """GB 32100-2015: department and category, division, organisation code with its own check, check character."""
    alphabet = DIGITS + CODE_LETTERS
    organisation = _weighted(16, (0,) * 8 + (3, 7, 9, 10, 5, 8, 4, 2), 11, "0123456789X", 0)
    whole = _weighted(17, tuple(3**place % 31 for place in range(17)), 31, alphabet, 0, alphabet)
    categories = [department + category for department, each in USCC_CATEGORIES.items() for category in each]
    made = [Layout(f"uscc/{kind}", (_whole(Words(categories), "category", needed=True), _division(codes),
                                    Piece(Characters(*[alphabet] * 8))), (organisation, whole), widened=(1,))
            for kind, codes in (("listed", tuple(sorted([*_counties(), "100000"]))), ("other", _other_divisions()))]
    return [*made, Layout("uscc/any", (Piece(Characters(*[alphabet] * 17)),), (whole,), is_rest=True)]


def _organisation_codes() -> list[Layout]:
    """GB 11714-1997."""
    check = _weighted(8, (3, 7, 9, 10, 5, 8, 4, 2), 11, "0123456789X", 0)
    return [Layout("organisation", (Piece(Characters(*[DIGITS + LETTERS] * 8)),), (check,))]


def _plates() -> list[Layout]:
    """GA 36-2018: at most two letters among the five characters; of new energy six, with a letter first or last."""
    either, energy = DIGITS + PLATE_LETTERS, "ABCDEFGHJK"
    authority = (_whole(Words(PROVINCES), "province"), _whole(Words(PLATE_LETTERS), "authority"))
    patterns = [[PLATE_LETTERS if bits >> place & 1 else DIGITS for place in range(5)] for bits in range(32)]
    letters = [sum(alphabet == PLATE_LETTERS for alphabet in pattern) for pattern in patterns]
    made = [Layout(f"plate/{name}", (*authority, Piece(Either(*(
        Characters(*pattern) for pattern, count in zip(patterns, letters, strict=True) if count in counts)))))
        for name, counts in (("ordinary", (0, 1, 2)), ("letters", (3, 4)), ("word", (5,)))]
    return [
        *made,
        Layout("plate/energy", (*authority, Piece(Characters(energy, either, *[DIGITS] * 4)))),
        Layout("plate/energy-last", (*authority, Piece(Characters(*[DIGITS] * 5, energy)))),
        Layout("plate/marked", (*authority, Piece(Characters(*[either] * 4)),
                                _whole(Words("挂学警港澳"), "mark", needed=True))),
    ]


def _whole(part: Words | Characters, level: str, *, needed: bool = False) -> Piece:
    """A piece that is kept whole or not at all."""
    return Piece(part, ((level, Blocks(part.size, 1)),), needed)


@cache
def _division(codes: tuple[str, ...]) -> Piece:
    return Piece(Words(codes), (("county", Blocks(len(codes), 1)), ("city", _runs([code[:4] for code in codes])),
                                ("province", _runs([code[:2] for code in codes]))))


@cache
def _births(first: int, last: int, *, short: bool = False) -> Piece:
    days = _days(first, last)
    levels = tuple((name, _runs([(int(day[:4]) - ERAS[-1][1]) // years for day in days]))
                   for name, years in (("birth_year", 1), ("birth_band", BAND), ("birth_decade", 2 * BAND)))
    return Piece(Words([day[2:] for day in days] if short else days), levels)


@cache
def _months(first: int, last: int) -> Piece:
    days = _days(first, last)
    return Piece(Words(days), (("birth_month", _runs([day[:6] for day in days])),), needed=True)


def _days(first: int, last: int) -> list[str]:
    start, end = datetime.date(first, 1, 1).toordinal(), datetime.date(last, 12, 31).toordinal()
    return [datetime.date.fromordinal(day).strftime("%Y%m%d") for day in range(start, end + 1)]


def _runs(keys: Sequence[object]) -> Runs:
    """Groups of neighbours that have the same key."""
    return Runs([at for at in range(len(keys)) if at == 0 or keys[at] != keys[at - 1]], len(keys))


@cache
def _counties() -> tuple[str, ...]:
    """Divisions that numbers are given out by: counties of GB/T 2260, and cities that have none."""
    codes = sorted({row[0] for row in rows("divisions")})
    counties = [code for code in codes if not code.endswith("00")]
    divided = {code[:4] for code in counties}
    return tuple(sorted([*counties, *(c for c in codes if c.endswith("00") and not c.endswith("0000")
                                      and c[:4] not in divided)]))


@cache
def _other_divisions() -> tuple[str, ...]:
    """Codes under a city of GB/T 2260 that are in no list now: counties that were, and mistyped ones."""
    listed = set(_counties())
    cities = sorted(code for code in divisions() if len(code) == 4)
    return tuple(code for city in cities for last in range(100) if (code := f"{city}{last:02d}") not in listed)


def _weighted(place: int, weights: Sequence[int], modulus: int, symbols: str, extra: int,
              alphabet: str = DIGITS + LETTERS) -> Check:
    """A weighted sum of the characters before `place`, each counting as its place in the alphabet: with the check
    character it makes `extra` modulo `modulus`."""
    counts = np.zeros((place + 1, 256), np.int64)
    for position, weight in enumerate(weights):
        for value, character in enumerate(alphabet):
            counts[position, ord(character)] = value * weight
    return Check(place, symbols, counts, (extra - np.arange(modulus)) % modulus)


_MAKERS = {"person.id.cn": _resident_ids, "person.phone.mobile": _mobiles, "person.bank_card": _cards,
           "org.uscc": _credit_codes, "org.code": _organisation_codes, "vehicle.plate": _plates}

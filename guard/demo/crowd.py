"""Many synthetic people at once, as columns: what `guard.demo.people` makes one by one.

The parts of a person agree: sex and birth date stand in the ID, the place in ID and address. Check digits are right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from guard.demo import vocabulary, words
from guard.demo.draw import Bytes, Draw, Ints, Text, choose, decimals, fixed_width, join, numerals, pool
from guard.demo.numbers import RESIDENT_CHECKS
from guard.demo.people import FIRST_BIRTH, LAST_BIRTH

_DIVISIONS = vocabulary.DIVISIONS
_CODES = np.array([[int(digit) for digit in division.code] for division in _DIVISIONS], np.uint8)
_PLACES = tuple(division.text for division in _DIVISIONS)
_CITIES = tuple(division.city.removesuffix("市") for division in _DIVISIONS)
_RESIDENT_WEIGHTS = np.array([pow(2, 17 - place, 11) for place in range(17)])
_RESIDENT_CHECKS = np.frombuffer(RESIDENT_CHECKS.encode(), np.uint8)
_NETS = ("192.0.2", "198.51.100", "203.0.113", *(f"10.{one}.{two}" for one in range(12) for two in range(0, 256, 16)))


@dataclass(frozen=True, slots=True)
class Crowd:
    """People as columns of text, one row a person."""

    name: Text
    sex: Text
    ethnic_group: Text
    birth_date: Text
    resident_id: Text
    mobile: Text
    email: Text
    address: Text
    employer: Text
    bank_card: Text


def crowd(draw: Draw) -> Crowd:
    """The next people."""
    male, division = draw.chance(0.5), draw.integers(0, len(_DIVISIONS) - 1)
    first, last = np.datetime64(FIRST_BIRTH), np.datetime64(LAST_BIRTH)
    births = first + draw.integers(0, int((last - first).astype(int))).astype("timedelta64[D]")
    return Crowd(
        name=_name(draw, male), sex=choose(male, "男", "女"), ethnic_group=draw.pick(vocabulary.ETHNIC_GROUPS),
        birth_date=pa.array(np.datetime_as_string(births)), resident_id=_resident_id(draw, male, division, births),
        mobile=mobile(draw), email=email(draw), address=_address(draw, division), employer=_employer(draw, division),
        bank_card=bank_card(draw),
    )


def mobile(draw: Draw) -> Text:
    """Mainland mobile numbers."""
    return join(draw.pick(vocabulary.MOBILE_PREFIXES), draw.digits(8))


def email(draw: Draw) -> Text:
    """Addresses of one or two Pinyin syllables or an English word, mostly with digits, at common providers."""
    local = join(draw.common(words.PINYIN), draw.maybe(0.8, draw.common(words.PINYIN)), draw.maybe(0.1, "."),
                 draw.maybe(0.7, draw.number(1, 9999)))
    return join(local, "@", draw.common(vocabulary.MAIL_DOMAINS))


def bank_card(draw: Draw) -> Text:
    """UnionPay cards of 19 or 16 digits with their Luhn digit."""
    long, short = (tuple(prefix for prefix, length in vocabulary.BANK_PREFIXES if length == wanted)
                   for wanted in (19, 16))
    return choose(draw.chance(0.7), _card(draw, long, 19), _card(draw, short, 16))


def ipv4(draw: Draw) -> Text:
    """Addresses of private nets and of the documentation nets (RFC 1918, RFC 5737)."""
    return join(draw.common(_NETS), ".", draw.number(1, 254))


def _name(draw: Draw, male: np.ndarray) -> Text:
    second = choose(male, draw.common(words.GIVEN_MALE), draw.common(words.GIVEN_FEMALE))
    third = choose(male, draw.common(words.GIVEN_MALE), draw.common(words.GIVEN_FEMALE))
    surname = choose(draw.chance(0.02), draw.pick(vocabulary.COMPOUND_SURNAMES), draw.common(words.SURNAMES))
    han = join(surname, second, draw.maybe(0.82, third))
    other = join(draw.pick(words.FIRST_PARTS), "·", draw.pick(words.SECOND_PARTS))
    return choose(draw.chance(0.02), other, han)


def _resident_id(draw: Draw, male: np.ndarray, division: Ints, births: np.ndarray) -> Text:
    year, month, day = _calendar(births)
    sequence = draw.integers(0, 498) * 2 + 1 + ~male
    cells = np.empty((draw.rows, 18), np.uint8)
    cells[:, :6] = _CODES[division] + 48
    cells[:, 6:14] = decimals(year * 10000 + month * 100 + day, 8)
    cells[:, 14:17] = decimals(sequence, 3)
    cells[:, 17] = _RESIDENT_CHECKS[(cells[:, :17].astype(np.int64) - 48) @ _RESIDENT_WEIGHTS % 11]
    return fixed_width(cells)


def _calendar(days: np.ndarray) -> tuple[Ints, Ints, Ints]:
    months = days.astype("datetime64[M]")
    year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, months.astype(np.int64) % 12 + 1, (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _address(draw: Draw, division: Ints) -> Text:
    road = join(draw.common(words.ROAD_STEMS), draw.pick(words.ROAD_MIDDLES), draw.pick(words.ROAD_ENDS))
    street = join(pool(_PLACES).take(pa.array(division)), road, draw.number(1, 999), "号")
    room = join(draw.number(1, 33), draw.number(1, 8, 2), "室")
    estate = join(draw.common(words.ESTATE_STEMS), draw.pick(words.ESTATE_ENDS))
    flat = join(estate, draw.number(1, 40), draw.pick(("幢", "栋", "号楼")), draw.number(1, 6), "单元", room)
    return join(street, draw.maybe(0.7, flat))


def _employer(draw: Draw, division: Ints) -> Text:
    stem = join(draw.common(words.TRADE_NAME_CHARACTERS), draw.common(words.TRADE_NAME_CHARACTERS))
    return join(pool(_CITIES).take(pa.array(division)), stem, draw.common(words.TRADES),
                draw.pick(vocabulary.ORGANISATION_FORMS))


def _card(draw: Draw, prefixes: tuple[str, ...], length: int) -> Text:
    heads = np.array([[ord(digit) for digit in prefix] for prefix in prefixes], np.uint8)
    cells = draw.random.integers(48, 58, (draw.rows, length), np.uint8)
    cells[:, : heads.shape[1]] = heads[draw.integers(0, len(prefixes) - 1)]
    cells[:, -1] = _luhn(cells[:, :-1])
    return fixed_width(cells)


def _luhn(body: Bytes) -> Bytes:
    digits = body[:, ::-1].astype(np.int64) - 48
    digits[:, ::2] *= 2
    total = (digits - 9 * (digits > 9)).sum(axis=1)
    return np.asarray(48 + -total % 10, np.uint8)


def moments(first: int, step: float, rows: int, draw: Draw) -> Text:
    """Times as logs write them, `step` seconds apart on average, from `first` seconds after the start of 2026 on."""
    milliseconds = first * 1000 + np.cumsum(draw.of(rows).integers(0, int(2000 * step)))
    stamps = np.datetime64("2026-01-01T00:00:00.000") + milliseconds.astype("timedelta64[ms]")
    # Date and time are written by arithmetic: NumPy's own text of a time costs more than the rest of a line.
    days = stamps.astype("datetime64[D]")
    year, month, day = _calendar(days)
    rest = (stamps - days).astype(np.int64)
    cells = np.full((rows, 23), ord(" "), np.uint8)
    for place, width, values in ((0, 4, year), (5, 2, month), (8, 2, day), (11, 2, rest // 3_600_000),
                                 (14, 2, rest // 60_000 % 60), (17, 2, rest // 1000 % 60), (20, 3, rest % 1000)):
        cells[:, place : place + width] = decimals(values, width)
    for place, mark in ((4, "-"), (7, "-"), (13, ":"), (16, ":"), (19, ".")):
        cells[:, place] = ord(mark)
    return fixed_width(cells)


def dates(draw: Draw, first: str, days: int) -> Text:
    """Days of a period, as `2026-03-02`."""
    drawn = np.datetime64(first, "D") + draw.integers(0, days).astype("timedelta64[D]")
    year, month, day = _calendar(drawn)
    return join(numerals(year), "-", numerals(month, 2), "-", numerals(day, 2))

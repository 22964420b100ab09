"""The tables that `guard.detect.check_loops` reads, and the checks of a rule as numbers for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.detect import check_loops as loops
from guard.detect.form_loops import FORM_NUMBERS
from guard.detect.identifier_checks import ISSUERS, USCC_CATEGORIES
from guard.detect.rule import Rule
from guard.detect.tables import divisions, table

Bytes = npt.NDArray[np.uint8]
CHECKS: Mapping[str, int] = {name: number for number, name in enumerate((
    "uneven", "contains_digit", "contains_digit_or_mark", "iso7064_mod11_2", "id_birth_date", "cn_province",
    "cn_region", "birth_date", "calendar_date", "uscc_check", "uscc_department", "cn_region_of_uscc",
    "uscc_organisation", "organisation_code", "business_registration", "luhn", "card_issuer", "mobile_segment",
    "area_code", "vin_check", "vin_letters", "embedded_id", "ip_address", "ip_of_somebody", "mac_unicast",
    "nanp_number", "not_file_name"))}
"""The checks that there are loops for."""
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VIN = {**{digit: int(digit) for digit in "0123456789"}, **dict(zip(
    "ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))}


class Steps(NamedTuple):
    """How a rule judges a value: `numbers` is how many filters, checks and pieces of evidence there are, then those;
    `form` is its normal form and `dropped` says for each byte whether it is a separator."""

    numbers: npt.NDArray[np.int64]
    form: int
    dropped: Bytes


def steps(rule: Rule) -> Steps | None:
    """The steps of a rule; None when it asks for something that no loop knows."""
    detector = rule.detector
    groups = (detector.filters, detector.check, tuple(detector.evidence))
    names = [name for group in groups for name in group]
    if detector.entropy or detector.form not in FORM_NUMBERS or not CHECKS.keys() >= set(names):
        return None
    if any(len(separator) != 1 or not separator.isascii() for separator in detector.separators):
        return None
    dropped = np.zeros(256, np.uint8)
    dropped[[ord(separator) for separator in detector.separators]] = 1
    numbers = np.array([*map(len, groups), *(CHECKS[name] for name in names)], np.int64)
    return Steps(numbers, FORM_NUMBERS[detector.form], dropped)


@cache
def tables() -> Bytes:
    """All tables in one array, laid out as `check_loops` says."""
    out = np.zeros(loops.SIZE, np.uint8)
    _mark(out, loops.PROVINCES, 2, divisions())
    _mark(out, loops.REGIONS, 4, divisions())
    _mark(out, loops.SEGMENTS, 3, table("mobile_segments"))
    _mark(out, loops.SHORT_AREAS, 3, table("area_codes"))
    _mark(out, loops.LONG_AREAS, 4, table("area_codes"))
    for first, seconds in USCC_CATEGORIES.items():
        out[[loops.DEPARTMENTS + 128 * ord(first) + ord(second) for second in seconds]] = 1
    _put_values(out, loops.USCC, {letter: value for value, letter in enumerate(_USCC)})
    _put_values(out, loops.ORGANISATION, {letter: value for value, letter in enumerate(_ALPHABET)})
    _put_values(out, loops.VIN, _VIN)
    _put_rows(out, loops.ISSUERS, [
        bytes([len(low), *low.encode().ljust(4, b"\0"), *high.encode().ljust(4, b"\0"),
               sum(1 << length - 12 for length in lengths)]) for low, high, lengths in ISSUERS])
    _put_rows(out, loops.SUFFIXES, [bytes([len(suffix)]) + suffix.encode().ljust(loops.SUFFIX_ROW - 1, b"\0")
                                    for suffix in sorted(table("file_suffixes"))])
    return out


def _mark(out: Bytes, start: int, width: int, codes: Iterable[str]) -> None:
    out[[start + int(code) for code in codes if len(code) == width]] = 1


def _put_values(out: Bytes, start: int, values: Mapping[str, int]) -> None:
    out[start : start + 256] = loops.NO_VALUE
    for letter, value in values.items():
        out[start + ord(letter)] = value


def _put_rows(out: Bytes, start: int, rows: list[bytes]) -> None:
    joined = bytes([len(rows)]) + b"".join(rows)
    out[start : start + len(joined)] = np.frombuffer(joined, np.uint8)

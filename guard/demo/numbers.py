"""Check digits from the maker's side: a body goes in, the whole number comes out.

The validators of `guard.detect` check from the reader's side and share no code with this module, so that a generated
number tests a validator instead of repeating its mistakes. The `spoiled` form of a number differs in its check digit.
"""

from __future__ import annotations

import string
import zlib

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RESIDENT_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VIN_ALPHABET = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_VALUES = dict(zip(VIN_ALPHABET, (*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VIN_CHECK_POSITION = 8


def resident_number(body: str) -> str:
    """17 digits and their check character (GB 11643-1999: ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + RESIDENT_CHECKS[total % 11]


def luhn_number(body: str) -> str:
    """Digits and their Luhn check digit (ISO/IEC 7812-1 Annex B): bank cards, IMEI."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def organisation_code(body: str) -> str:
    """8 characters of `0-9A-Z` and their check character (GB 11714-1997)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    remainder = 11 - sum(int(letter, 36) * weight for letter, weight in zip(body, weights, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(remainder, str(remainder))


def credit_code(body: str) -> str:
    """17 characters and the check character of a unified social credit code (GB 32100-2015)."""
    total = sum(CREDIT_ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + CREDIT_ALPHABET[-total % 31]


def vehicle_number(body: str) -> str:
    """17 characters whose ninth is replaced by the check character (GB 16735-2019, ISO 3779)."""
    total = sum(_VIN_VALUES[letter] * weight for letter, weight in zip(body, _VIN_WEIGHTS, strict=True))
    check = "0123456789X"[total % 11]
    return body[:VIN_CHECK_POSITION] + check + body[VIN_CHECK_POSITION + 1 :]


def github_token(body: str) -> str:
    """30 characters as `ghp_`, body, CRC-32 of the body in six base-62 digits (GitHub's token format of 2021)."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return f"ghp_{body}{digits}"


def spoiled(number: str, position: int = -1) -> str:
    """The number with another digit at `position`, so that its check fails."""
    place = position % len(number)
    old = number[place]
    new = "1" if not old.isdigit() else str((int(old) + 1) % 10)
    return number[:place] + new + number[place + 1 :]

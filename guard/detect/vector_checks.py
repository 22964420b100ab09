"""The checks of `guard.detect.validators` over many values at once.

A kernel takes a matrix of bytes, one normal form a row, all of one length, and says for each row what the scalar check
of the same name says. A check without a kernel is called value by value. Tests hold each kernel to its scalar twin.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.detect import validators
from guard.detect.tables import divisions

Matrix = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Kernel = Callable[[Matrix], Mask]


def _none(values: Matrix) -> Mask:
    return np.zeros(len(values), bool)


def _mask(value: Any) -> Mask:
    return np.asarray(value, bool)


def _digits(values: Matrix) -> Mask:
    return _mask(((values - np.uint8(48)) < 10).all(axis=1))


def _number(values: Matrix) -> npt.NDArray[np.int64]:
    """The decimal number in each row; garbage where a byte is no digit."""
    powers = 10 ** np.arange(values.shape[1] - 1, -1, -1, dtype=np.int64)
    number: npt.NDArray[np.int64] = (values.astype(np.int64) - 48) @ powers
    return number


def _weighted(values: Matrix, weights: tuple[int, ...]) -> npt.NDArray[np.int64]:
    # float32 is exact up to 2**24 and multiplies by BLAS, which integers do not.
    total = values[:, : len(weights)].astype(np.float32) @ np.array(weights, np.float32)
    return total.astype(np.int64)


def _lookup(pairs: Mapping[str, int]) -> npt.NDArray[np.uint8]:
    """A table from byte to value, 255 where there is none."""
    table = np.full(256, 255, np.uint8)
    for character, value in pairs.items():
        table[ord(character)] = value
    return table


def iso7064_mod11_2(values: Matrix) -> Mask:
    """See `validators.iso7064_mod11_2`."""
    if values.shape[1] != 18:
        return _none(values)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = _weighted(values[:, :17] - np.uint8(48), weights)
    expected = np.frombuffer(b"10X98765432", np.uint8)[total % 11]
    return _mask(_digits(values[:, :17]) & (values[:, 17] == expected))


@cache
def _division_prefixes(size: int) -> Mask:
    table = np.zeros(10**size, bool)
    table[[int(code) for code in divisions() if len(code) == size and code.isdigit()]] = True
    return table


def _has_division(values: Matrix, size: int) -> Mask:
    if values.shape[1] < size:
        return _none(values)
    digits = _digits(values[:, :size])
    return _mask(digits & _division_prefixes(size)[np.where(digits, _number(values[:, :size]), 0)])


def cn_region(values: Matrix) -> Mask:
    """See `validators.cn_region`."""
    return _has_division(values, 6) | _has_division(values, 4)


def cn_province(values: Matrix) -> Mask:
    """See `validators.cn_province`."""
    return _mask(_has_division(values, 2) | (values[:, 0] == ord("9")))


def id_birth_date(values: Matrix) -> Mask:
    """See `validators.id_birth_date`."""
    if values.shape[1] == 18:
        return birth_date(values[:, 6:14])
    if values.shape[1] < 12:
        return _none(values)
    century = np.broadcast_to(np.frombuffer(b"19", np.uint8), (len(values), 2))
    return birth_date(np.concatenate([century, values[:, 6:12]], axis=1))


def calendar_date(values: Matrix) -> Mask:
    """See `validators.calendar_date`; eight digits only."""
    year, month, day = _number(values[:, :4]), _number(values[:, 4:6]), _number(values[:, 6:8])
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    sane = _digits(values) & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return _mask(sane & (day <= lengths[np.where(sane, month, 0)] + (leap & (month == 2))))


def birth_date(values: Matrix) -> Mask:
    """See `validators.birth_date`; eight digits only."""
    today = datetime.date.today()
    latest = today.year * 10000 + today.month * 100 + today.day
    number = _number(values)
    return _mask(calendar_date(values) & (number <= latest) & (today.year - number // 10000 <= validators._OLDEST))


def uscc_check(values: Matrix) -> Mask:
    """See `validators.uscc_check`."""
    if values.shape[1] != 18:
        return _none(values)
    numbers = _lookup({c: i for i, c in enumerate(validators._USCC_ALPHABET)})[values]
    known = _mask((numbers < 31).all(axis=1))
    total = _weighted(np.where(numbers < 31, numbers, 0)[:, :17], validators._USCC_WEIGHTS)
    return _mask(known & (numbers[:, 17] == -total % 31))


def uscc_organisation(values: Matrix) -> Mask:
    """See `validators.uscc_organisation`."""
    return organisation_code(values[:, 8:17])


def organisation_code(values: Matrix) -> Mask:
    """See `validators.organisation_code`."""
    if values.shape[1] != 9:
        return _none(values)
    numbers = _lookup({c: int(c, 36) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"})[values]
    known = _mask((numbers < 36).all(axis=1))
    total = _weighted(np.where(numbers < 36, numbers, 0), validators._ORG_WEIGHTS)
    expected = np.frombuffer(b"0123456789X0", np.uint8)[11 - total % 11]
    return _mask(known & (values[:, 8] == expected))


def luhn(values: Matrix) -> Mask:
    """See `validators.luhn`."""
    numbers = (values[:, ::-1] - np.uint8(48)).T
    doubled = numbers[1::2] * 2
    total = numbers[::2].sum(axis=0, dtype=np.int64) + (doubled - 9 * (doubled > 9)).sum(axis=0, dtype=np.int64)
    return _mask(_digits(values) & (total % 10 == 0))


def card_issuer(values: Matrix) -> Mask:
    """See `validators.card_issuer`."""
    found = _none(values)
    for low, high, lengths in validators._ISSUERS:
        if values.shape[1] in lengths:
            head = _number(values[:, : len(low)])
            found |= (head >= int(low)) & (head <= int(high)) & _digits(values[:, : len(low)])
    return found


def mobile_segment(values: Matrix) -> Mask:
    """See `validators.mobile_segment`."""
    if values.shape[1] < 3:
        return _none(values)
    head = values[:, -11:][:, :3]
    known = np.zeros(1000, bool)
    known[[int(segment) for segment in validators._SEGMENTS]] = True
    digits = _digits(head)
    return _mask(digits & known[np.where(digits, _number(head), 0)])


def vin_check(values: Matrix) -> Mask:
    """See `validators.vin_check`."""
    if values.shape[1] != 17:
        return _none(values)
    numbers = _lookup(validators._VIN_VALUES)[values]
    known = _mask((numbers < 255).all(axis=1))
    total = _weighted(np.where(numbers < 255, numbers, 0), validators._VIN_WEIGHTS)
    return _mask(known & (values[:, 8] == np.frombuffer(b"0123456789X", np.uint8)[total % 11]))


def uneven(values: Matrix) -> Mask:
    """See `validators.uneven`."""
    ordered = np.sort(values, axis=1)
    return _mask((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) >= 2)


def contains_digit(values: Matrix) -> Mask:
    """See `validators.contains_digit`."""
    return _mask(((values - np.uint8(48)) < 10).any(axis=1))


ANY_LENGTH: Mapping[str, Kernel] = {
    kernel.__name__: kernel
    for kernel in (iso7064_mod11_2, cn_region, cn_province, id_birth_date, uscc_check, uscc_organisation,
                   organisation_code, luhn, card_issuer, mobile_segment, vin_check, uneven, contains_digit)
}
EIGHT_DIGITS: Mapping[str, Kernel] = {"birth_date": birth_date, "calendar_date": calendar_date}


def kernel(name: str, length: int) -> Kernel | None:
    """The kernel of the check `name` for values of `length` bytes, if there is one."""
    return ANY_LENGTH.get(name) or (EIGHT_DIGITS.get(name) if length == 8 else None)

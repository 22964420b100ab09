"""The checks of `guard.detect.identifier_checks` over many values at once.

A kernel takes a matrix of bytes, one normal form a row, all of one length, and says for each row what the scalar check
of the same name says. A check without a kernel is called value by value. Tests hold each kernel to its scalar twin.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.detect.validators import VALIDATORS

Matrix = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Kernel = Callable[[Matrix], Mask]
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", b"".join(
    bytes(values) for values in (range(10), range(1, 9), range(1, 6), (7, 9), range(2, 10))), strict=True))
_OLDEST = 120
"""The same constants of the same standards as in `guard.detect.identifier_checks`, written down a second time on
purpose: the comparison of both is what finds a slip in either."""


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
    """See `identifier_checks.iso7064_mod11_2`."""
    if values.shape[1] != 18:
        return _none(values)
    total = _weighted(values[:, :17] - np.uint8(48), _ID_WEIGHTS)
    expected = np.frombuffer(b"10X98765432", np.uint8)[total % 11]
    return _mask(_digits(values[:, :17]) & (values[:, 17] == expected))


def _by_slice(name: str, start: int, stop: int) -> Kernel:
    """A kernel for a check that depends on `value[start:stop]` only: asked once for each distinct slice."""

    def kernel(values: Matrix) -> Mask:
        width = max(0, min(stop, values.shape[1]) - start)
        if not width or not len(values):
            return _one_by_one(name, values)
        slices = np.ascontiguousarray(values[:, start:stop]).view(f"V{width}").ravel().tolist()
        first = {piece: index for index, piece in enumerate(slices)}
        answers = {piece: VALIDATORS[name](bytes(values[i]).decode("utf-8")) for piece, i in first.items()}
        return np.array([answers[piece] for piece in slices], bool)

    return kernel


def id_birth_date(values: Matrix) -> Mask:
    """See `identifier_checks.id_birth_date`."""
    if values.shape[1] == 18:
        return _dates("id_birth_date", values, values[:, 6:14], birth_date)
    if values.shape[1] < 12:
        return _one_by_one("id_birth_date", values)
    century = np.broadcast_to(np.frombuffer(b"19", np.uint8), (len(values), 2))
    return _dates("id_birth_date", values, np.concatenate([century, values[:, 6:12]], axis=1), birth_date)


def _one_by_one(name: str, values: Matrix) -> Mask:
    return np.array([VALIDATORS[name](bytes(row).decode("utf-8")) for row in values], bool)


def _dates(name: str, values: Matrix, dates: Matrix, check: Kernel) -> Mask:
    """Dates of eight digits by the kernel; dates written in another way, which are rare, by the scalar check."""
    plain = _digits(dates)
    result = check(dates)
    result[~plain] = _one_by_one(name, values[~plain])
    return result


def _written_dates(name: str, values: Matrix) -> Mask:
    """Dates of the form 2020-01-02; others one by one."""
    usual = _digits(values[:, [0, 1, 2, 3, 5, 6, 8, 9]]) & (values[:, [4, 7]] == ord("-")).all(axis=1)
    result = np.zeros(len(values), bool)
    result[usual] = birth_date(values[usual][:, [0, 1, 2, 3, 5, 6, 8, 9]])
    result[~usual] = _one_by_one(name, values[~usual])
    return result


def calendar_date(values: Matrix) -> Mask:
    """See `identifier_checks.calendar_date`; eight digits only."""
    year, month, day = _number(values[:, :4]), _number(values[:, 4:6]), _number(values[:, 6:8])
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    sane = _digits(values) & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return _mask(sane & (day <= lengths[np.where(sane, month, 0)] + (leap & (month == 2))))


def birth_date(values: Matrix) -> Mask:
    """See `identifier_checks.birth_date`; eight digits only."""
    today = datetime.date.today()
    latest = today.year * 10000 + today.month * 100 + today.day
    number = _number(values)
    return _mask(calendar_date(values) & (number <= latest) & (today.year - number // 10000 <= _OLDEST))


def uscc_check(values: Matrix) -> Mask:
    """See `identifier_checks.uscc_check`."""
    if values.shape[1] != 18:
        return _none(values)
    numbers = _lookup({c: i for i, c in enumerate(_USCC_ALPHABET)})[values]
    known = _mask((numbers < 31).all(axis=1))
    total = _weighted(np.where(numbers < 31, numbers, 0)[:, :17], _USCC_WEIGHTS)
    return _mask(known & (numbers[:, 17] == -total % 31))


def uscc_organisation(values: Matrix) -> Mask:
    """See `identifier_checks.uscc_organisation`."""
    return organisation_code(values[:, 8:17])


def organisation_code(values: Matrix) -> Mask:
    """See `identifier_checks.organisation_code`."""
    if values.shape[1] != 9:
        return _none(values)
    numbers = _lookup({c: int(c, 36) for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"})[values]
    known = _mask((numbers < 36).all(axis=1))
    total = _weighted(np.where(numbers < 36, numbers, 0), _ORG_WEIGHTS)
    expected = np.frombuffer(b"0123456789X0", np.uint8)[11 - total % 11]
    return _mask(known & (values[:, 8] == expected))


def luhn(values: Matrix) -> Mask:
    """See `identifier_checks.luhn`."""
    numbers = (values[:, ::-1] - np.uint8(48)).T
    doubled = numbers[1::2] * 2
    total = numbers[::2].sum(axis=0, dtype=np.int64) + (doubled - 9 * (doubled > 9)).sum(axis=0, dtype=np.int64)
    return _mask(_digits(values) & (total % 10 == 0))


def vin_check(values: Matrix) -> Mask:
    """See `identifier_checks.vin_check`."""
    if values.shape[1] != 17:
        return _none(values)
    numbers = _lookup(_VIN_VALUES)[values]
    known = _mask((numbers < 255).all(axis=1))
    total = _weighted(np.where(numbers < 255, numbers, 0), _VIN_WEIGHTS)
    return _mask(known & (values[:, 8] == np.frombuffer(b"0123456789X", np.uint8)[total % 11]))


def uneven(values: Matrix) -> Mask:
    """See `identifier_checks.uneven`."""
    ordered = np.sort(values, axis=1)
    return _mask((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) >= 2)


def contains_digit(values: Matrix) -> Mask:
    """See `identifier_checks.contains_digit`."""
    return _mask(((values - np.uint8(48)) < 10).any(axis=1))


KERNELS: Mapping[str, Kernel] = {
    **{kernel.__name__: kernel for kernel in (
        iso7064_mod11_2, id_birth_date, uscc_check, uscc_organisation, organisation_code, luhn, vin_check, uneven,
        contains_digit)},
    **{name: _by_slice(name, start, stop) for name, (start, stop) in {
        "cn_region": (0, 6), "cn_province": (0, 2), "uscc_department": (0, 2), "cn_region_of_uscc": (2, 8),
        "card_issuer": (0, 4), "area_code": (0, 4),
    }.items()},
}
EIGHT_DIGITS: Mapping[str, Kernel] = {
    "birth_date": lambda values: _dates("birth_date", values, values, birth_date),
    "calendar_date": lambda values: _dates("calendar_date", values, values, calendar_date),
}
TEN_BYTES: Mapping[str, Kernel] = {"birth_date": lambda values: _written_dates("birth_date", values)}
ELEVEN_DIGITS: Mapping[str, Kernel] = {"mobile_segment": _by_slice("mobile_segment", 0, 3)}


def kernel(name: str, length: int) -> Kernel | None:
    """The kernel of the check `name` for values of `length` bytes, if there is one."""
    special = {8: EIGHT_DIGITS, 10: TEN_BYTES, 11: ELEVEN_DIGITS}.get(length, {})
    return KERNELS.get(name) or special.get(name)

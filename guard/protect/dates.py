"""pseudonymise by shift: every date of a subject moved by the same secret number of days.

The offset of a subject is drawn from a keyed function (CMAC) of the subject's key, the value of another column of the
record. So intervals between the dates of one subject stay, in every file and format, and dates of different subjects
say nothing of each other. What stays visible: the intervals themselves, and a known date of a subject gives away all
others of that subject. With `whole_weeks` weekdays stay, and there are only a seventh of the offsets.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from guard.crypto.blocks import BlockCipher
from guard.crypto.cmac import Cmac
from guard.errors import UsageError
from guard.keys import Keyring
from guard.masking import FULL
from guard.protect.base import Transform
from guard.protect.columns import Bytes, Mask, Slices, assemble, from_matrix
from guard.protect.tokens import canonical

PURPOSE = "date shift"
DAYS = (7, 3650)
"""Fewest and most days of the widest shift."""
DEFAULT_DAYS = 365
_DATE = re.compile(r"(\s*)([0-9]{4})([-/.年])([0-9]{1,2})([-/.月])([0-9]{1,2})(日?(?:[ T].*)?\s*)", re.DOTALL)
_COMPACT = re.compile(r"(\s*)([0-9]{4})([0-9]{2})([0-9]{2})(\s*)")
_SEPARATED, _PLAIN = 10, 8
"""Widths of 2026-11-22 and 20261122."""
_FIRST, _LAST = np.datetime64("0001-01-01", "D"), np.datetime64("9999-12-31", "D")


class DateShift(Transform):
    """pseudonymise by shift of at most `days` days forward or backward, never none.

    `apply` takes the subjects as its records; without them it shifts all dates alike. What is no date with a year,
    month and day in this order becomes `FULL`. Had back is the date; 2026-1-5 may come back as 2026-01-05.
    """

    reversible = keeps_type = binds_records = repeats_records = True

    def __init__(self, keyring: Keyring, domain: str, *, days: int = DEFAULT_DAYS, whole_weeks: bool = False,
                 subject_class: str = "", key_id: str = "") -> None:
        if type(days) is not int or not DAYS[0] <= days <= DAYS[1]:
            raise UsageError(f"days of a shift is a whole number from {DAYS[0]} to {DAYS[1]}")
        self._step = 7 if whole_weeks else 1
        self._most = days // self._step
        self._subject_class = subject_class
        suite = keyring.algorithms
        key = keyring.derive(PURPOSE, subject_class, domain, 32, key_id=key_id)
        self._mac = Cmac(BlockCipher(key[: suite.cipher_key_bytes], suite.cipher))

    def apply_one(self, value: str) -> str | None:
        result: str | None = self._shifted(pa.array([value], pa.string()), None, 1)[0].as_py()
        return result

    def apply(self, values: Any, records: Any = None) -> Any:
        """As `Transform.apply`; `records` are the subjects, an array of strings as long as `values`."""
        if records is not None and len(records) != len(values):
            raise UsageError("every date needs its subject")
        return self._shifted(values, records, 1).cast(values.type)

    def reveal_one(self, value: str) -> str:
        return str(self._shifted(pa.array([value], pa.string()), None, -1)[0].as_py())

    def reveal(self, values: Any, records: Any = None) -> Any:
        """The dates again; `records` as in `apply`. A hidden value stays hidden."""
        return self._shifted(values, records, -1).cast(values.type)

    def _shifted(self, values: Any, records: Any, sign: int) -> Any:
        offsets = sign * self._offsets(len(values), records)
        slices = Slices.of(values)
        parts, left = [], slices.widths >= 0
        for width in (_SEPARATED, _PLAIN):
            rows = np.flatnonzero(slices.widths == width)
            matrix = slices.matrix(rows, width)
            good, days = _days(matrix)
            moved = days[good] + offsets[rows[good]]
            inside = (moved >= 0) & (moved <= (_LAST - _FIRST).astype(np.int64))
            done = rows[good][inside]
            parts.append((done, from_matrix(_written(matrix[good][inside], moved[inside]))))
            left[done] = False
        rest = np.flatnonzero(left)
        texts = values.take(pa.array(rest)).to_pylist()
        slow = [_shifted_one(text, int(offset)) for text, offset in zip(texts, offsets[rest].tolist(), strict=True)]
        return assemble([*parts, (rest, pa.array(slow, pa.string()))], len(values))

    def _offsets(self, count: int, records: Any) -> npt.NDArray[np.int64]:
        """Days for each row: the same for every row of a subject."""
        encoded = pa.array([""] * count if records is None else records, pa.string()).dictionary_encode()
        if encoded.null_count:
            raise UsageError("every date needs its subject", hint="name a column that every record has a value in")
        subjects = [canonical(self._subject_class, subject) for subject in encoded.dictionary.to_pylist()]
        digests = [int.from_bytes(self._mac.digest_one(s.encode("utf-8", "surrogatepass")), "big") for s in subjects]
        # 128 bits over some thousand offsets: none is likelier than another by more than 2^-110.
        drawn = [digest % (2 * self._most) for digest in digests]
        steps = np.array([number - self._most if number < self._most else number - self._most + 1 for number in drawn],
                         np.int64)
        return steps[encoded.indices.to_numpy(zero_copy_only=False)] * self._step if count else steps[:0]


def _days(matrix: Bytes) -> tuple[Mask, npt.NDArray[np.int64]]:
    """Which rows are dates in digits, of one width, and the days since the first one of the calendar."""
    places = _places(matrix.shape[1])
    digits = matrix[:, places] - np.uint8(48)
    good = (digits < 10).all(axis=1)
    if matrix.shape[1] == _SEPARATED:
        good &= (matrix[:, 4] == matrix[:, 7]) & np.isin(matrix[:, 4], np.frombuffer(b"-/.", np.uint8))
    numbers = digits.astype(np.int64)
    year = numbers[:, :4] @ np.array([1000, 100, 10, 1])
    month, day = numbers[:, 4] * 10 + numbers[:, 5], numbers[:, 6] * 10 + numbers[:, 7]
    good &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = (year - 1970) * 12 + np.where(good, month - 1, 0)
    first = months.astype("M8[M]").astype("M8[D]")
    good &= first + (day - 1) < (months + 1).astype("M8[M]").astype("M8[D]")
    return good, (first + (day - 1) - _FIRST).astype(np.int64)


def _written(matrix: Bytes, days: npt.NDArray[np.int64]) -> Bytes:
    """The rows with other dates, written as they were."""
    moved = _FIRST + days
    months = moved.astype("M8[M]")
    month = months.astype(np.int64)
    day = (moved - months.astype("M8[D]")).astype(np.int64) + 1
    numbers = (month // 12 + 1970) * 10_000 + (month % 12 + 1) * 100 + day
    written = matrix.copy()
    for place in reversed(_places(matrix.shape[1])):
        written[:, place] = 48 + numbers % 10
        numbers = numbers // 10
    return written


def _places(width: int) -> list[int]:
    return [0, 1, 2, 3, 5, 6, 8, 9] if width == _SEPARATED else list(range(8))


def _shifted_one(value: str | None, offset: int) -> str | None:
    """A date in any of the written forms, with its time of day and blanks as they stood."""
    if value is None or not value.strip():
        return None if value is None else ""
    if value.strip() == FULL:
        return value
    found = _DATE.fullmatch(value) or _COMPACT.fullmatch(value)
    if found is None:
        return FULL
    parts = found.groups()
    year, month, day = (parts[1], parts[3], parts[5]) if len(parts) == 7 else parts[1:4]
    try:
        moved = datetime.date(int(year), int(month), int(day)) + datetime.timedelta(offset)
    except (ValueError, OverflowError):
        return FULL
    if len(parts) != 7:
        return f"{parts[0]}{moved.year:04d}{moved.month:02d}{moved.day:02d}{parts[4]}"
    # 2026-1-5 has no leading zeros; a date that has two digits for both may have had them for either reason.
    padded = len(month) == 2 and len(day) == 2
    new_month, new_day = (f"{moved.month:02d}", f"{moved.day:02d}") if padded else (str(moved.month), str(moved.day))
    return f"{parts[0]}{moved.year:04d}{parts[2]}{new_month}{parts[4]}{new_day}{parts[6]}"

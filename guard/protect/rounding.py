"""generalise: numbers rounded, and held within bounds (top and bottom coding); and one value for all.

Unlike a band, a rounded number is still a number: it is written as it was, with its sign, thousands' commas and unit.
What is no number becomes the band of everything: it is hidden.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from guard.errors import UsageError
from guard.masking import FULL
from guard.protect.base import Transform

_NUMBER = re.compile(r"(\s*[¥$]?)(-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,24})(?:\.[0-9]{1,12})?)"
                     r"( ?(?:元|万元|岁|CNY|RMB|%)?\s*)")


class Coded(Transform):
    """A number becomes the nearest multiple of `step`, ties to the even one, and then at least `least` and at most
    `most`. Raises UsageError where nothing is given, or the bounds leave no number."""

    keeps_type = True

    def __init__(self, step: float | None = None, least: float | None = None, most: float | None = None) -> None:
        self._step, self._least, self._most = (None if given is None else _decimal(given) for given in
                                               (step, least, most))
        if step is None and least is None and most is None:
            raise UsageError("rounding takes a step, or bounds")
        if self._step is not None and self._step <= 0:
            raise UsageError("a step is more than nothing")
        if self._least is not None and self._most is not None and self._least > self._most:
            raise UsageError("the lower bound is above the upper one")

    def apply_one(self, value: str) -> str | None:
        if not value.strip():
            return ""
        found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", value))
        if found is None:
            return FULL
        before, digits, after = found.groups()
        return f"{before}{self._written(Decimal(digits.replace(',', '')), ',' in digits)}{after}"

    def _written(self, number: Decimal, commas: bool) -> str:
        if self._step is not None:
            number = (number / self._step).quantize(Decimal(1), ROUND_HALF_EVEN) * self._step
        number = number if self._least is None else max(number, self._least)
        number = number if self._most is None else min(number, self._most)
        # Adding zero turns the -0 of decimal arithmetic into 0.
        return f"{number + 0:,f}" if commas else f"{number + 0:f}"


class Constant(Transform):
    """One text for every value that is not blank."""

    def __init__(self, text: str) -> None:
        self._text = text

    def apply_one(self, value: str) -> str | None:
        return self._text if value.strip() else ""


def _decimal(number: float) -> Decimal:
    """The number as it was written: 0.1 is a tenth. Raises UsageError for what is none, or not finite."""
    try:
        exact = Decimal(str(number))
    except InvalidOperation:
        raise UsageError("rounding takes numbers") from None
    if isinstance(number, bool) or not exact.is_finite():
        raise UsageError("rounding takes numbers")
    return exact

"""What a recognizer of Presidio says of a value, as checks that detectors name.

Its two methods have three answers: a value is proved (`validate_result` is True), refused (that is False, or
`invalidate_result` is True), or left to the pattern. A method that fails says nothing. The text of its exception, which
may hold the value, goes nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from presidio_analyzer import PatternRecognizer


@dataclass(frozen=True, slots=True)
class Accepts:
    """Whether the recognizer does not refuse a value."""

    recognizer: PatternRecognizer

    def __call__(self, value: str) -> bool:
        return (_answer(self.recognizer.validate_result, value) is not False
                and _answer(self.recognizer.invalidate_result, value) is not True)


@dataclass(frozen=True, slots=True)
class Validates:
    """Whether a value passes the recognizer's check."""

    recognizer: PatternRecognizer

    def __call__(self, value: str) -> bool:
        return _answer(self.recognizer.validate_result, value) is True


def _answer(method: Any, value: str) -> bool | None:
    try:
        answer = method(value)
    except Exception:
        return None
    return None if answer is None else bool(answer)

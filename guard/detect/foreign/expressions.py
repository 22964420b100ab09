"""Regular expressions of Go, run by RE2 over UTF-8 bytes."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

_MEMORY = 64 << 20
"""Bytes that one expression may take: RE2's own bound is too small for repeats of large classes."""


class ExpressionError(Exception):
    """RE2 does not take the expression."""


@cache
def compiled(expression: str) -> Any:
    """The expression, ready to search bytes. Raises ExpressionError."""
    engine = importlib.import_module("re2")  # dear to import, and needed for nobody's rules but these
    try:
        return engine.compile(expression.encode(), _options())
    except (engine.error, UnicodeEncodeError):
        raise ExpressionError from None


@cache
def any_of(expressions: tuple[str, ...]) -> Any:
    """One expression for all of them; they are known to be valid one by one."""
    return compiled("|".join(f"(?:{expression})" for expression in expressions))


@cache
def any_word(words: tuple[str, ...]) -> Any:
    """An expression for any of the words as they stand, in any letter case."""
    engine = importlib.import_module("re2")
    return compiled("(?i:" + "|".join(engine.escape(word) for word in words) + ")")


@cache
def _options() -> Any:
    options = importlib.import_module("re2").Options()
    options.max_mem, options.log_errors = _MEMORY, False  # what it logs is the pattern
    return options

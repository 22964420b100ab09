"""Presidio inside: its recognizers of patterns as detectors of ours, and our detectors as a recognizer of its.

    of_countries(countries) -> Pack            what the installed presidio-analyzer recognises by patterns
    translated(recognizers) -> Pack       the same of recognizers of your own
    GuardRecognizer(...)                  our detectors for an AnalyzerEngine

Needs the extra `presidio`. Importing this package is cheap; presidio-analyzer, which takes a second, is imported when
one of these is first used. Nothing here opens a network connection.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from guard.errors import UsageError

if TYPE_CHECKING:
    from guard.presidio.pack import Pack, of_countries, translated

    # The recognizer stands above the scanner, and the scanner uses the pack: to it this package must not lead there.
    GuardRecognizer: Any

__all__ = ["GuardRecognizer", "Pack", "of_countries", "translated"]
_HOMES = {"Pack": "pack", "of_countries": "pack", "translated": "pack", "GuardRecognizer": "recognizer"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"guard.presidio.{_HOMES[name]}"), name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "guard":
            raise
        raise UsageError("presidio-analyzer is not installed or cannot be imported",
                         hint="pip install 'disclosure-guard[presidio]'") from None

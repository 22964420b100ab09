"""What it is: detector packs, and the matchers that find what they describe.

    load(paths=None) -> tuple[Detector, ...]     the shipped packs, or the given ones
    shipped() -> list[Path]                      the files of the shipped packs
    Matcher(detectors, cache=True)               the fast matcher
    Budget()                                     what detectors may spend on one file, and which ran out
    PlainMatcher(detectors)                      the slow, obvious one that defines what is right
    explain(matcher, text, header="")            why something is reported or is not, as Explanation objects
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guard.detect.explanation import Explanation, explain
    from guard.detect.limits import Budget
    from guard.detect.matcher import Matcher
    from guard.detect.pack import Detector, load, shipped
    from guard.detect.plain import PlainMatcher

__all__ = ["Budget", "Detector", "Explanation", "Matcher", "PlainMatcher", "explain", "load", "shipped"]
_HOMES = {"Budget": "limits", "Detector": "pack", "load": "pack", "shipped": "pack", "Matcher": "matcher",
          "PlainMatcher": "plain", "Explanation": "explanation", "explain": "explanation"}


def __getattr__(name: str) -> Any:
    """Loaded when first used: a command that scans nothing must not pay for the engine."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"guard.detect.{_HOMES[name]}"), name)

"""Detectors as those of the shipped packs are: their patterns run without a limit of time, and may become shapes."""

from __future__ import annotations

from typing import Any

from guard.detect import Detector


def reviewed(**fields: Any) -> Detector:
    """A detector that `load` would have taken from a shipped pack."""
    made = Detector(**fields)
    object.__setattr__(made, "reviewed", True)
    return made

"""Detectors that ran out of time: said once for each dataset, since what they would have found in it is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from guard.detect import Budget, Detector
from guard.model import Reason, Skipped


class Limits:
    """The budget for one file, and what has been said of it."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self.budget = Budget()
        self._detectors = detectors
        self._said: set[tuple[str, int]] = set()

    def newly_skipped(self, dataset: str) -> list[Skipped]:
        """The detectors that did not see all of the dataset, of which that was not said before."""
        new = [index for index in sorted(self.budget.exhausted) if (dataset, index) not in self._said]
        self._said.update((dataset, index) for index in new)
        return [Skipped(dataset, Reason.TIMED_OUT, f"detector {self._detectors[index].id}") for index in new]

"""Names are data: a path, sheet, header or key passes the scanner before it is stored or shown."""

from __future__ import annotations

import numpy as np

from guard.batch import MASKED, SHADOWED
from guard.detect import Matcher
from guard.model import LIKELY, Role
from guard.taxonomy import data_class

_REMEMBERED = 10_000


class ScannedLabels:
    """Shows a name as it is when nothing fires in it, else by its ordinal; what fired is kept for the report."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._private: dict[str, tuple[int, ...]] = {}
        self.found: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        """`raw`, or `fallback` when it is empty or a finding. `found` then holds (raw, detectors) by place."""
        if not raw.strip():
            return fallback
        fired = self._fired(raw)
        if not fired:
            return raw
        if len(self.found) < _REMEMBERED:
            self.found[dataset, fallback] = (raw, fired)
        return fallback

    def _fired(self, raw: str) -> tuple[int, ...]:
        if raw not in self._private:
            if len(self._private) >= _REMEMBERED:
                self._private.clear()
            self._private[raw] = self._scan(raw)
        return self._private[raw]

    def _scan(self, raw: str) -> tuple[int, ...]:
        hits = self._matcher.scan_text(raw.encode("utf-8", "surrogateescape"))
        strong = hits.take((hits.confidence >= LIKELY) & (hits.flags & (MASKED | SHADOWED) == 0))
        return tuple(int(i) for i in np.unique(strong.detector) if _private(self._matcher.detectors[i].data_class))


def _private(identifier: str) -> bool:
    return data_class(identifier).role is not Role.NONE

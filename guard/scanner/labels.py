"""Names are data: a path, sheet, header or key passes the scanner before it is stored or shown."""

from __future__ import annotations

from collections.abc import Iterable

from guard.batch import MASKED, SHADOWED, Hits, distinct
from guard.detect import Budget, Matcher
from guard.model import LIKELY, Role
from guard.taxonomy import data_class

STATE_SECRET = "state.secret_mark"  # noqa: S105
REMEMBERED = 10_000
"""Names that are findings of which the raw form is kept, in one document."""
KNOWN = 100_000
"""Names of which it is kept what fires in them: more than the small files have that are scanned together."""

Detectors = tuple[int, ...]
"""Indices into `Matcher.detectors`."""
KnownNames = dict[str, Detectors]
"""What fires in names that some matcher has scanned, at most KNOWN of them."""


class ScannedLabels:
    """Shows a name as it is when nothing fires in it, else by its ordinal; what fired is kept for the report.

    `found` holds by (dataset, label) the raw names behind the label with what fired in them, `forgotten` counts those
    beyond the bound, `unfinished` are the detectors that ran out of time over names, each with the dataset. Pieces of a
    table have the same headers: labels that are given the same `known` scan each but once.
    """

    def __init__(self, matcher: Matcher, known: KnownNames | None = None) -> None:
        self._matcher = matcher
        self._fired: KnownNames = {} if known is None else known
        self._secret: set[str] = set()
        self._kept = 0
        self.found: dict[tuple[str, str], dict[str, Detectors]] = {}
        self.forgotten = 0
        self.unfinished: set[tuple[str, int]] = set()
        self._budget = Budget()

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        """`raw`, or `fallback` when it is empty or a finding."""
        if not raw.strip():
            return fallback
        fired = self._scan_once(raw)
        if fired is None:
            self.unfinished.update((dataset or fallback, index) for index in self._budget.exhausted)
            return fallback
        if not fired:
            return raw
        self._remember(raw, fired, dataset, fallback)
        return fallback

    def foresee(self, raw: Iterable[str]) -> None:
        """Scan the names that `label` is going to be asked about together, of which each costs little then.

        Where a detector runs out of time over them they stay unknown, and `label` finds out over which it does.
        """
        known = self._fired
        new = list(dict.fromkeys([name for name in raw if name not in known and name.strip()]))[:KNOWN]
        if len(new) < 2 or self._budget.exhausted:
            return
        budget = Budget()
        found = self._matcher.scan_texts([name.encode("utf-8", "replace") for name in new], budget)
        if not budget.exhausted:
            if len(known) + len(new) > KNOWN:
                known.clear()
            known.update(dict.fromkeys(new, ()))
            known.update((name, self._private(hits)) for name, hits in zip(new, found, strict=True) if len(hits))

    def is_plain(self, raw: str) -> bool:
        """Whether it is known already that nothing fires in a name, so that it is shown as it is."""
        return self._fired.get(raw) == () and not self._budget.exhausted

    @property
    def has_findings(self) -> bool:
        """Whether there is something to take."""
        return bool(self.found or self.unfinished)

    def take(self) -> tuple[dict[tuple[str, str], dict[str, Detectors]], int, set[tuple[str, int]]]:
        """`found`, `forgotten` and `unfinished`, which begin anew."""
        taken = self.found, self.forgotten, self.unfinished
        self.found, self.forgotten, self.unfinished, self._kept = {}, 0, set(), 0
        return taken

    def is_secret(self, dataset: str) -> bool:
        """Whether a state-secret mark stands in the name of this document, of a folder above it, or inside of it."""
        if not self._secret:
            return False
        return any(f"{dataset}/".startswith(f"{name}/") or name.startswith(f"{dataset}!") for name in self._secret)

    def _remember(self, raw: str, fired: Detectors, dataset: str, fallback: str) -> None:
        if any(self._matcher.detectors[i].data_class == STATE_SECRET for i in fired):
            self._secret.add(dataset)
        names = self.found.setdefault((dataset, fallback), {})
        if raw not in names and self._kept < REMEMBERED:
            names[raw] = fired
            self._kept += 1
        elif raw not in names:
            self.forgotten += 1

    def _scan_once(self, raw: str) -> Detectors | None:
        if self._budget.exhausted:
            return None
        fired = self._fired.get(raw)
        if fired is None and (fired := self._scan(raw)) is not None:
            if len(self._fired) >= KNOWN:
                self._fired.clear()
            self._fired[raw] = fired
        return fired

    def _scan(self, raw: str) -> Detectors | None:
        """What fires in a name; None when a detector ran out of time, now or before, so that nobody knows."""
        hits = self._matcher.scan_text(raw.encode("utf-8", "replace"), self._budget)
        if self._budget.exhausted:
            return None
        return self._private(hits)

    def _private(self, hits: Hits) -> Detectors:
        """The detectors whose likely hits make a name one that is not shown."""
        if not len(hits):
            return ()
        strong = hits.take((hits.confidence >= LIKELY) & (hits.flags & (MASKED | SHADOWED) == 0))
        return tuple(int(i) for i in distinct(strong.detector) if _is_private(self._matcher.detectors[i].data_class))


def _is_private(identifier: str) -> bool:
    return data_class(identifier).role is not Role.NONE

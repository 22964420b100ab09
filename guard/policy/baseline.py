"""The baseline: findings that a person has looked at and found to be false, by keyed fingerprint, never by value."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field as Constraint

from guard.content import read_yaml
from guard.errors import ContentError, OutputError, UsageError
from guard.model import Finding
from guard.plain_yaml import Strict
from guard.policy.rulebook import SECRET_MARK


class BaselineEntry(Strict):
    """One false finding. `fingerprint` is that of `Finding`: an HMAC of class and normalised value."""

    fingerprint: str = Constraint(min_length=16)
    detector: str
    reason: str = Constraint(min_length=1)
    added: datetime.date


class _BaselineFile(Strict):
    guard_baseline: Literal[1]
    key_check: str
    entries: tuple[BaselineEntry, ...]


class Baseline:
    """Known false findings under one fingerprint key.

    `detectors` are the ids that have entries, `used` the fingerprints that `covers` has met so far.
    """

    def __init__(self, entries: Sequence[BaselineEntry], key: bytes) -> None:
        self.entries = tuple(entries)
        self.detectors = frozenset(entry.detector for entry in entries)
        self.used: set[str] = set()
        self._key_check = _key_check(key)
        self._known = {(entry.fingerprint, entry.detector) for entry in entries}
        self.detectors = frozenset(entry.detector for entry in entries)

    @staticmethod
    def load(path: str | Path, key: bytes) -> Baseline:
        """The baseline in a YAML or JSON file. Raises ContentError when it is not valid or made with another key."""
        document = read_yaml(Path(path), name=Path(path).name)
        loaded = document.validate(_BaselineFile)
        if not hmac.compare_digest(loaded.key_check.encode(), _key_check(key).encode()):
            raise document.error(("key_check",), "the baseline was made with another fingerprint key",
                                 hint="use the project key it was made with, or make it anew")
        return Baseline(loaded.entries, key)

    @staticmethod
    def create(findings: Iterable[Finding], reason: str, key: bytes, *, added: datetime.date | None = None) -> Baseline:
        """A baseline of these findings, each once. Raises UsageError for a state-secret mark or an empty reason."""
        if not reason.strip():
            raise UsageError("a baseline needs a reason", hint="say why these findings are false")
        entries: dict[tuple[str, str], BaselineEntry] = {}
        for finding in findings:
            if finding.data_class == SECRET_MARK:
                raise UsageError("a state-secret mark cannot be put in a baseline")
            entries[finding.fingerprint, finding.detector] = BaselineEntry(
                fingerprint=finding.fingerprint, detector=finding.detector, reason=reason,
                added=added or datetime.date.today())
        return Baseline([entries[place] for place in sorted(entries)], key)

    def covers(self, finding: Finding) -> bool:
        """Whether this finding is known to be false; never a state-secret mark."""
        known = (finding.fingerprint, finding.detector) in self._known and finding.data_class != SECRET_MARK
        if known:
            self.used.add(finding.fingerprint)
        return known

    def warnings(self) -> list[str]:
        """The entries that nothing has met: what they were for may be gone."""
        return [f"baseline entry {entry.fingerprint[:12]} ({entry.detector}) matches nothing any more"
                for entry in self.entries if entry.fingerprint not in self.used]

    def save(self, path: str | Path) -> None:
        """Writes the baseline, mode 0600, to a new file. Raises OutputError when it exists or cannot be written."""
        entries = [entry.model_dump(mode="json") for entry in self.entries]
        text = yaml.safe_dump({"guard_baseline": 1, "key_check": self._key_check, "entries": entries},
                              sort_keys=False, allow_unicode=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            raise OutputError.of(error, "the baseline") from None


def _key_check(key: bytes) -> str:
    """Tells whether two keys are the same without giving either away."""
    if not key:
        raise ContentError("a baseline needs a fingerprint key", hint="keep a project key: fingerprints of a per-run "
                           "key are worthless in the next run")
    return hmac.new(key, b"guard.baseline/v1", hashlib.sha256).hexdigest()[:32]

"""Names that are findings, without the names: what is known of them can leave the process that read them."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.model import CERTAIN, Finding, Reason, Skipped
from guard.scanner.labels import REMEMBERED
from guard.scanner.sink import Sink
from guard.tally import ClassTally, FieldTally, Tally

Place = tuple[str, str]
"""Dataset and label."""


@dataclass(slots=True, eq=False, repr=False)
class FoundNames:
    """By place, the findings of each name behind the label, under a keyed digest of the name.

    At most REMEMBERED names are kept, the earliest; `forgotten` counts the others. `unfinished` are ids of detectors
    that ran out of time over names, each behind its dataset. Addition is associative.
    """

    findings: dict[Place, dict[bytes, tuple[Finding, ...]]] = field(default_factory=dict)
    forgotten: int = 0
    unfinished: set[tuple[str, str]] = field(default_factory=set)

    def __iadd__(self, other: FoundNames) -> FoundNames:
        kept = sum(map(len, self.findings.values())) if other.findings else 0
        for place, names in other.findings.items():
            known = self.findings.setdefault(place, {})
            new = [digest for digest in names if digest not in known]
            room = max(0, REMEMBERED - kept)
            known.update((digest, names[digest]) for digest in new[:room])
            kept += len(new[:room])
            self.forgotten += len(new[room:])
        self.forgotten += other.forgotten
        self.unfinished |= other.unfinished
        return self

    def tally(self, sink: Sink | None) -> Tally:
        """The names as fields of kind name; the sink gets their findings."""
        total = Tally()
        for (dataset, shown), names in self.findings.items():
            counted = FieldTally(dataset, shown, kind="name", rows=len(names), filled=len(names))
            for finding in (finding for found in names.values() for finding in found):
                _count(counted, finding)
                if sink:
                    sink.write(finding)
            total.fields[dataset, shown] = counted
        if self.forgotten:
            total.skipped.append(Skipped("names", Reason.TOO_LARGE, "more names are findings than are kept"))
        total.skipped += [Skipped(dataset, Reason.TIMED_OUT, f"detector {detector} over a name")
                          for dataset, detector in sorted(self.unfinished)]
        if sink:
            sink.keep()
        return total


NO_NAMES = FoundNames()
"""What nearly every document has. It is only read."""


def _count(total: FieldTally, finding: Finding) -> None:
    counted = ClassTally(hits=1, validated=int(finding.validated), certain=int(finding.confidence >= CERTAIN),
                         likely=1, cells=1, confidence=finding.confidence, examples=[finding])
    name = finding.detector
    total.detectors[name] = total.detectors[name] + counted if name in total.detectors else counted
    total.findings.append(finding)

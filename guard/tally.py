"""The tally: what a scan knows, bounded, and mergeable.

`scan(batch) -> Tally` and `Tally + Tally -> Tally` are the whole of a scan, in one process, in a pool and on Spark.
Addition is associative, and commutative but for which few examples are kept: the earliest parts win.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.model import Finding, Input, Skipped

MAX_EXAMPLES = 3
MAX_FINDINGS = 50
MAX_SKIPPED = 1000
SKETCH = 64


@dataclass(slots=True)
class ClassTally:
    """Counts of one detector in one field; the words are those of `guard.model.ClassCount`.

    `smallest` are the SKETCH smallest keyed 64-bit hashes seen (KMV sketch of the distinct values).
    """

    hits: int = 0
    validated: int = 0
    certain: int = 0
    likely: int = 0
    masked: int = 0
    check_failed: int = 0
    shadowed: int = 0
    from_header: int = 0
    cells: int = 0
    confidence: float = 0.0
    examples: list[Finding] = field(default_factory=list)
    smallest: tuple[int, ...] = ()

    def __add__(self, other: ClassTally) -> ClassTally:
        return ClassTally(
            self.hits + other.hits, self.validated + other.validated, self.certain + other.certain,
            self.likely + other.likely, self.masked + other.masked, self.check_failed + other.check_failed,
            self.shadowed + other.shadowed, self.from_header + other.from_header, self.cells + other.cells,
            max(self.confidence, other.confidence), (self.examples + other.examples)[:MAX_EXAMPLES],
            merge_sketches(self.smallest, other.smallest),
        )

    def distinct(self) -> int:
        """Estimate of the distinct values among the hits (exact below SKETCH)."""
        if len(self.smallest) < SKETCH:
            return len(self.smallest)
        return round((SKETCH - 1) / ((self.smallest[-1] + 1) / 2**64))


def merge_sketches(one: Iterable[int], two: Iterable[int]) -> tuple[int, ...]:
    """The SKETCH smallest of both."""
    return tuple(sorted({*one, *two})[:SKETCH])


@dataclass(slots=True)
class FieldTally:
    """Counts of one field. `header` is the raw name in memory only; `header_classes` what it says the field is.

    `weakness` says how its values, which look protected, can be had back; without a value in clear.
    """

    dataset: str
    name: str
    kind: str = "column"
    ordinal: int = 0
    rows: int = 0
    filled: int = 0
    long_text: int = 0
    header_classes: tuple[str, ...] = ()
    detectors: dict[str, ClassTally] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    weakness: str = ""

    def __add__(self, other: FieldTally) -> FieldTally:
        detectors = dict(self.detectors)
        for key, tally in other.detectors.items():
            detectors[key] = detectors[key] + tally if key in detectors else tally
        return FieldTally(
            self.dataset, self.name, self.kind, self.ordinal, self.rows + other.rows, self.filled + other.filled,
            self.long_text + other.long_text, self.header_classes or other.header_classes, detectors,
            (self.findings + other.findings)[:MAX_FINDINGS], self.weakness or other.weakness,
        )


def text_tally(dataset: str, lines: int) -> FieldTally:
    """That of a text in which nothing was found: its lines are the records of one field `text`."""
    return FieldTally(dataset, "text", "text", rows=lines, filled=lines, long_text=lines)


@dataclass(slots=True)
class Tally:
    """All fields of a scan by (dataset, field), the inputs, and what was skipped."""

    fields: dict[tuple[str, str], FieldTally] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    skipped_more: int = 0
    suppressed: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        total = Tally()
        total += self
        total += other
        return total

    def __iadd__(self, other: Tally) -> Tally:
        """Addition in place: the sum of many parts takes time for each part, not for all before it."""
        if self.fields.keys().isdisjoint(other.fields):
            self.fields.update(other.fields)
        else:
            for key, tally in other.fields.items():
                self.fields[key] = self.fields[key] + tally if key in self.fields else tally
        self.inputs += other.inputs
        room = MAX_SKIPPED - len(self.skipped)
        self.skipped += other.skipped[:room]
        self.skipped_more += other.skipped_more + max(0, len(other.skipped) - room)
        for ground, count in other.suppressed.items():
            self.suppressed[ground] = self.suppressed.get(ground, 0) + count
        return self

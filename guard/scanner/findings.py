"""From hits to findings: places, masked previews and keyed fingerprints, made only for what somebody looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from guard.batch import CHECK_FAILED, DECODED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Batch, Column, Hits, distinct
from guard.detect import Detector, Matcher
from guard.keys import fingerprinter
from guard.masking import preview
from guard.model import Finding, Hidden, Location
from guard.tally import MAX_EXAMPLES, MAX_FINDINGS, FieldTally
from guard.taxonomy import data_class


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shown:
    """How many findings of a field a report has, and how many examples of each of its detectors."""

    findings: int = 0
    examples: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(counted: FieldTally | None) -> Shown:
        """What a tally has."""
        if counted is None:
            return Shown()
        return Shown(len(counted.findings), {name: len(tally.examples) for name, tally in counted.detectors.items()})

    def __add__(self, other: Shown) -> Shown:
        names = self.examples.keys() | other.examples.keys()
        return Shown(self.findings + other.findings,
                     {name: self.examples.get(name, 0) + other.examples.get(name, 0) for name in names})


class FindingMaker:
    """Makes findings of one run; `key` keys their fingerprints."""

    def __init__(self, matcher: Matcher, key: bytes) -> None:
        self._matcher = matcher
        self._fingerprint: Callable[[str, str], str] = fingerprinter(key)

    def of_batch(self, batch: Batch, column: int, hits: Hits, index: int, *, placed: bool = True) -> Finding:
        """The finding of one hit in a column of a batch (`column` -1: its text); without its place on request."""
        first, last, cell = int(hits.start[index]), int(hits.end[index]), int(hits.cell[index])
        source = batch.data if column < 0 else batch.columns[column]
        whole = source if isinstance(source, bytes) else source.value(cell)
        text = _decoded(whole[first:last])
        if not placed:
            return self._make(hits, index, source, text, Location(batch.dataset), 0)
        place = batch.locate(column, cell, first, last)
        start = (place.column or 1) - 1 if column < 0 else len(_decoded(whole[:first]))
        return self._make(hits, index, source, text, place, start)

    def of_text(self, text: str, hits: Hits, dataset: str = "") -> Iterator[Finding]:
        """The findings of a text that are not shadowed; `start` and `end` are its code points."""
        data = text.encode("utf-8", "replace")
        # Hits come in order of their start: code points and lines are counted on from hit to hit.
        byte = start = line = line_start = 0
        for index in np.flatnonzero(hits.flags & SHADOWED == 0).tolist():
            first, last = int(hits.start[index]), int(hits.end[index])
            between = data[byte:first].decode("utf-8")
            if breaks := between.count("\n"):
                line, line_start = line + breaks, start + between.rfind("\n") + 1
            byte, start = first, start + len(between)
            place = Location(dataset, line=line + 1, column=start - line_start + 1, offset=first, length=last - first)
            yield self._make(hits, index, data, _decoded(data[first:last]), place, start)

    def _make(self, hits: Hits, index: int, source: bytes | Column, text: str, place: Location, start: int) -> Finding:
        """`text` is what stands at the place, `source` what was scanned; encoded values are shown and compared decoded.

        So a value has one fingerprint however it is written, and its mask hides what it says, not how it looks.
        """
        number, flags = int(hits.detector[index]), int(hits.flags[index])
        detector = self._matcher.detectors[number]
        value = _decoded(self._matcher.decoded_value(source, hits, index)) if flags & DECODED else text
        normal = self._matcher.normal_form(number, value.encode("utf-8", "replace"))
        return Finding(
            detector.id, detector.data_class, place, start, start + len(text), float(hits.confidence[index]),
            bool(flags & VALIDATED), bool(flags & MASKED), preview(data_class(detector.data_class).mask, value),
            self._fingerprint(detector.data_class, normal), _reason(flags), Hidden(value),
        )


def has_room(field: FieldTally, before: Shown) -> bool:
    """Whether the report may still have room for a finding of what `field` counts, after those `before`."""
    return before.findings < MAX_FINDINGS or bool(_wanted(field, before))


def _wanted(field: FieldTally, before: Shown) -> set[str]:
    """The detectors of which more examples are wanted, and whose hits are not all of values that others show."""
    return {name for name, tally in field.detectors.items()
            if before.examples.get(name, 0) < MAX_EXAMPLES and (tally.masked or tally.shadowed < tally.hits)}


def with_room(hits: Hits, detectors: Sequence[Detector], field: FieldTally, before: Shown) -> Hits:
    """The hits that `worth_making` need be asked about, of those that `field` counts: mostly those of a few rules."""
    if before.findings < MAX_FINDINGS:
        return hits
    wanted = _wanted(field, before)
    numbers = [number for number in np.flatnonzero(np.bincount(hits.detector)).tolist()
               if detectors[number].id in wanted]
    places = [np.flatnonzero(hits.detector == number) for number in numbers]
    return hits.take(np.sort(np.concatenate(places))) if places else Hits.empty()


def worth_making(hits: Hits, detectors: Sequence[Detector], before: Shown) -> tuple[set[int], set[int]]:
    """Which hits the report has room for, as findings and as examples of their detectors, after those `before`."""
    room = MAX_FINDINGS - before.findings
    examples: set[int] = set()
    for number in distinct(hits.detector).tolist():
        wanted = MAX_EXAMPLES - before.examples.get(detectors[number].id, 0)
        if wanted > 0:
            examples.update(np.flatnonzero(hits.detector == number)[:wanted].tolist())
    return set(range(min(max(room, 0), len(hits)))), examples


def _reason(flags: int) -> str:
    if flags & CHECK_FAILED:
        return "format and place fit, check fails"
    if flags & DECODED:
        return "found by decoding"
    return "header says so" if flags & FROM_HEADER else ""


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")

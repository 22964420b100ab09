"""Why: which detectors looked at a text, what matched, what each check and word was worth, and what came of it.

    explain(matcher, text, header="") -> tuple[Explanation, ...]

What is reported is asked of the matcher itself; how it came about, and what was looked at in vain, is told by the plain
matcher with a record of every judgement (`guard.detect.recorded`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from guard.batch import DECODED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Column, Hits
from guard.detect.limits import within
from guard.detect.marks import marked
from guard.detect.normalise import normal_form
from guard.detect.overlap import Placed, resolve
from guard.detect.pack import Detector
from guard.detect.reasons import Weight, answers, outcome, weights
from guard.detect.recorded import Record, as_cell, record_cell, record_decoded, record_text
from guard.detect.recording import Answer, Outcome, Word
from guard.detect.rule import Rules
from guard.errors import UsageError
from guard.masking import preview
from guard.model import confidence_word
from guard.taxonomy import data_class

LONGEST = 20_000
"""Code points that are explained at most: every pattern is run by `re`, and every match is told."""


class Explainable(Protocol):
    """A matcher: `Matcher` or `PlainMatcher`."""

    detectors: tuple[Detector, ...]
    rules: Rules

    def scan_text(self, data: bytes) -> Hits: ...

    def scan_column(self, column: Column) -> Hits: ...

    def decoded_value(self, source: bytes | Column, hits: Hits, index: int) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What one detector made of one place.

    `start` and `end` are code points of the text, `line` and `column` count from 1. `confidence` is the sum of
    `weights`: what is reported when it is a hit, else what it came to, 0 where nothing was added up. `flags` are those
    of `guard.batch`. `checks` are the answers in the order in which they were asked; after a filter or check that says
    no, none is asked. `friends` are the classes near it that a detector asks for, `by` is the detector whose hit
    explains the value better, `marked` tells that an inline mark stands in its line. `preview` is masked; it is empty
    where another preview shows the same characters, since two masks together show more than each.
    """

    detector: str
    data_class: str
    outcome: Outcome
    start: int = 0
    end: int = 0
    line: int = 0
    column: int = 0
    confidence: float = 0.0
    flags: int = 0
    checks: tuple[Answer, ...] = ()
    weights: tuple[Weight, ...] = ()
    word: Word | None = None
    friends: tuple[str, ...] = ()
    by: str = ""
    marked: bool = False
    preview: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "detector": self.detector, "data_class": self.data_class, "outcome": str(self.outcome),
            "start": self.start, "end": self.end, "line": self.line, "column": self.column, "preview": self.preview,
            "confidence": round(self.confidence, 3), "word": confidence_word(self.confidence),
            "validated": bool(self.flags & VALIDATED), "masked": bool(self.flags & MASKED),
            "from_header": bool(self.flags & FROM_HEADER), "decoded": bool(self.flags & DECODED),
            "checks": [{"use": str(use), "name": name, "passed": passed} for use, name, passed in self.checks],
            "weights": [{"name": name, "amount": round(amount, 3), "of": of} for name, amount, of in self.weights],
            "context": {"sign": self.word.sign, "word": self.word.word, "where": str(self.word.where)}
            if self.word else None,
            "near": list(self.friends), "by": self.by, "marked": self.marked,
        }


def explain(matcher: Explainable, text: str, header: str = "", *,
            only: Collection[str] = ()) -> tuple[Explanation, ...]:
    """What the detectors of `matcher` made of a text, or of a cell below `header`, in order of the places.

    With `only` (ids) just what these made of it, and that they found nothing to look at. Raises UsageError for a text
    of more than LONGEST code points or an unknown id, SourceError when a detector (of a pack of your own) runs out of
    time.
    """
    if len(text) > LONGEST:
        raise UsageError(f"a text of more than {LONGEST} characters is not explained", hint="give the line in question")
    if unknown := set(only) - {detector.id for detector in matcher.detectors}:
        raise UsageError(f"there is no detector {min(unknown)}", hint="guard detectors list names them")
    return _Explainer(matcher, text, header).explanations(only)


class _Explainer:
    """One text on its way to explanations."""

    def __init__(self, matcher: Explainable, text: str, header: str) -> None:
        self._matcher, self._header = matcher, header
        self._data = text.encode("utf-8", "replace")
        self._source: bytes | Column = as_cell(self._data, header) if header else self._data
        self._points = list(accumulate((len(c.encode("utf-8", "replace")) for c in text), initial=0))
        self._breaks = [at for at, character in enumerate(text) if character == "\n"]
        source = self._source
        self._hits = matcher.scan_text(source) if isinstance(source, bytes) else matcher.scan_column(source)
        with within(None, len(self._data), matcher.detectors):
            self._records = (record_cell if header else record_text)(matcher.rules, self._data, header)
            self._decoded = record_decoded(matcher.rules, source)
        self._at: dict[tuple[int, int, int], list[Record]] = {}
        for record in self._records:
            self._at.setdefault((record.rule.index, record.start, record.end), []).append(record)

    def explanations(self, only: Collection[str]) -> tuple[Explanation, ...]:
        """Those of all places, or of the named detectors, which are told even where they found nothing."""
        idle = [self._of_record(record, self._data[record.start : record.end])
                for record in self._records if not record.placed]
        found = sorted(_with_single_previews([*self._of_hits(), *idle]), key=_order)
        if not only:
            return tuple(found)
        found = [one for one in found if one.detector in only]
        silent = set(only) - {one.detector for one in found}
        return (*found, *(Explanation(detector=detector.id, data_class=detector.data_class, outcome=Outcome.NO_MATCH)
                          for detector in self._matcher.detectors if detector.id in silent))

    def _of_hits(self) -> Iterator[Explanation]:
        detectors = self._matcher.detectors
        placed = list(_as_placed(self._hits, detectors))
        marks = marked(self._data, self._hits, detectors)
        for number, hit in enumerate(placed):
            value = self._data[hit.start : hit.end]
            if hit.flags & DECODED:
                value = self._matcher.decoded_value(self._source, self._hits, number)
            record = self._record_of(hit, value)
            yield replace(
                self._of_record(record, value) if record else _of_foreign(detectors[hit.detector], hit),
                **self._place(hit.start, hit.end), confidence=hit.confidence, flags=hit.flags,
                outcome=Outcome.SHADOWED if hit.flags & SHADOWED else Outcome.REPORTED,
                by=_shadower(placed, number, detectors) if hit.flags & SHADOWED else "", marked=bool(marks[number]),
                preview=_preview(hit.data_class, value))

    def _record_of(self, hit: Placed, value: bytes) -> Record | None:
        """How a hit came about: by what stands there, else by what it decodes to; None for the rules of others."""
        for record in self._at.get((hit.detector, hit.start, hit.end), ()):
            if _is_same(record, hit):
                return record
        return next((record for text, record in self._decoded if text == value and _is_same(record, hit)), None)

    def _of_record(self, record: Record, value: bytes) -> Explanation:
        detector = record.rule.detector
        fits = bool(self._header) and record.rule.header_words.fit(self._header) > 0
        normal = normal_form(value.decode("utf-8", "replace"), detector.separators, detector.form)
        told = tuple(answers(record, normal))
        parts = tuple(weights(record, told, fits))
        return Explanation(
            detector=detector.id, data_class=detector.data_class, outcome=outcome(record, told, fits), checks=told,
            weights=parts, confidence=sum(part.amount for part in parts),
            word=record.rule.words[-1] if record.rule.words else None, friends=record.friends,
            preview=_preview(detector.data_class, value), **self._place(record.start, record.end))

    def _place(self, start: int, end: int) -> dict[str, Any]:
        """The place of bytes in code points."""
        first, last = bisect_right(self._points, start) - 1, bisect_left(self._points, end)
        line = bisect_left(self._breaks, first)
        return {"start": first, "end": last, "line": line + 1,
                "column": first - (self._breaks[line - 1] + 1 if line else 0) + 1}


def _order(one: Explanation) -> tuple[int, int, bool, str]:
    return one.start, -one.end, one.outcome is not Outcome.REPORTED, one.detector


def _as_placed(hits: Hits, detectors: Sequence[Detector]) -> Iterator[Placed]:
    columns = (hits.detector, hits.start, hits.end, hits.confidence, hits.flags)
    for number, start, end, confidence, flags in zip(*(column.tolist() for column in columns), strict=True):
        yield Placed(number, detectors[number].data_class, start, end, confidence, flags)


def _is_same(record: Record, hit: Placed) -> bool:
    """Whether the record is of a hit like this one, wherever it stands."""
    made = record.placed
    return made is not None and made.detector == hit.detector and not (made.flags ^ hit.flags) & MASKED and (
        float(np.float32(made.confidence)) == hit.confidence)


def _of_foreign(detector: Detector, hit: Placed) -> Explanation:
    """A rule of others (`guard.detect.foreign`): its tool decides what it finds."""
    return Explanation(detector=detector.id, data_class=hit.data_class, outcome=Outcome.REPORTED,
                       weights=(Weight("rule", hit.confidence),))


def _shadower(placed: Sequence[Placed], number: int, detectors: Sequence[Detector]) -> str:
    """The detector of the best hit that explains the value of hit `number` better."""
    bare = placed[number]._replace(flags=placed[number].flags & ~SHADOWED)
    better = []
    for at, other in enumerate(placed):
        if at == number or other.end <= bare.start or bare.end <= other.start:
            continue
        pair = [bare, other] if number < at else [other, bare]
        if resolve(pair)[int(at < number)] & SHADOWED:
            better.append(other)
    return detectors[max(better, key=lambda other: other.rank).detector].id if better else ""


def _preview(name: str, value: bytes) -> str:
    return preview(data_class(name).mask, value.decode("utf-8", "replace"))


def _with_single_previews(found: Sequence[Explanation]) -> Iterator[Explanation]:
    """Every preview that a report shows; of other places only those that share no character with a better one."""
    shown: list[tuple[int, int]] = []
    for one in sorted(found, key=lambda one: (one.outcome is not Outcome.REPORTED, -one.confidence)):
        if one.outcome is not Outcome.REPORTED and any(one.start < end and start < one.end for start, end in shown):
            yield replace(one, preview="")
        else:
            shown.append((one.start, one.end))
            yield one

"""The plain scan of one text or cell with a record of every judgement: what was found, and what was looked at in vain.

The steps are those of `guard.detect.plain`, and every decision is made by the same functions; a test holds that the
hits are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from guard.batch import MASKED, Column, Hits
from guard.detect.decoding import decoded_column, decoded_text
from guard.detect.judge import Kind, Place, Span, Verdict, candidates, companions, judge, reported
from guard.detect.normalise import Line, lines
from guard.detect.overlap import Placed
from guard.detect.plain import judge_cell, place_line, to_hits
from guard.detect.recording import Outcome, RecordingRule
from guard.detect.rule import Rule

Judged = tuple[Span, RecordingRule, Verdict | None]
_NO_HIT = -1


@dataclass(frozen=True, slots=True)
class Record:
    """One judgement. `start` and `end` are bytes of the text; `placed` is the hit, None where there is none.

    `friends` are the classes of the hits near it that the detector asks for. `barred` is why the judge was not even
    asked: no keyword stands in the line, a letter or digit touches the match, or the cell has another form.
    """

    rule: RecordingRule
    kind: Kind
    start: int
    end: int
    verdict: Verdict | None = None
    placed: Placed | None = None
    friends: tuple[str, ...] = ()
    barred: Outcome | None = None


def record_text(rules: Sequence[Rule], data: bytes, header: str = "") -> list[Record]:
    """The judgements of all lines of a text, and of the rules that span lines."""
    found = [record for line in lines(data) for record in _line(rules, line, header)]
    return [*found, *_blocks(rules, data, header)]


def record_cell(rules: Sequence[Rule], data: bytes, header: str) -> list[Record]:
    """The judgements of a cell: those of its lines, then those of the rules that take it whole."""
    found, whole = record_text(rules, data, header), Line(data)
    seen = {record.rule.index for record in found if record.placed}
    text, place = whole.text, Place(header)
    span = Span(len(text) - len(text.lstrip()), len(text.rstrip()), Kind.CELL)
    if span.start >= span.end:
        return found
    judged: list[Judged] = []
    for rule in rules:
        if rule.index in seen or not (rule.cell or rule.header_only) or not rule.header_words.fit(header):
            continue
        if rule.cell and not rule.cell.fullmatch(text, span.start, span.end):
            found.append(_barred(rule, whole, span, Outcome.OTHER_FORM))
            continue
        recording = RecordingRule.of(rule)
        judged.append((span, recording, judge_cell(recording, text, place)))
    return [*found, *_placed(judged, whole)]


def record_decoded(rules: Sequence[Rule], source: bytes | Column) -> list[tuple[bytes, Record]]:
    """The judgements in what a text or cell decodes to that are hits there, each behind its value."""
    found: list[tuple[bytes, Record]] = []

    def scan(column: Column) -> Hits:
        parts = [Hits.empty()]
        for cell in range(len(column)):
            value = column.value(cell)
            records = [record for record in record_cell(rules, value, column.header) if record.placed]
            found.extend((value[record.start : record.end], record) for record in records)
            parts.append(to_hits([record.placed for record in records if record.placed], cell))
        return Hits.concat(parts)

    _ = decoded_text(source, scan) if isinstance(source, bytes) else decoded_column(source, scan)
    return found


def as_cell(data: bytes, header: str) -> Column:
    """One value as a column."""
    zero = np.zeros(1, np.int64)
    return Column("cell", header, data, zero, zero + len(data), zero)


def _line(rules: Iterable[Rule], line: Line, header: str) -> Iterator[Record]:
    """As `judge.scan_line`, with what it leaves out."""
    lowered = line.text.lower()
    judged: list[Judged] = []
    out: list[Record] = []
    for rule in rules:
        spans = list(dict.fromkeys(candidates(rule, line.text)))
        if not rule.may_match(lowered):
            out += [_barred(rule, line, span, Outcome.NO_KEYWORD) for span in spans]
            continue
        for span in spans:
            recording = RecordingRule.of(rule)
            judged.append((span, recording, judge(recording, line.text, span, Place(header))))
        out += [_barred(rule, line, span, Outcome.TOUCHED) for span in _touched(rule, line.text, spans)]
    yield from _placed(judged, line)
    yield from out


def _barred(rule: Rule, line: Line, span: Span, why: Outcome) -> Record:
    return Record(RecordingRule.of(rule), span.kind, *line.span(span.start, span.end), barred=why)


def _touched(rule: Rule, text: str, spans: Sequence[Span]) -> Iterator[Span]:
    """Where the pattern would match if what touches it did not matter."""
    detector = rule.detector
    if detector.boundary == "none" or not detector.reviewed or not detector.pattern or detector.multiline:
        return
    for found in _unbounded(detector.pattern).finditer(text):
        start, end = reported(found, detector.group)
        if start < end and not any(span.start < end and start < span.end for span in spans):
            yield Span(start, end)


@lru_cache(maxsize=1024)
def _unbounded(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _placed(judged: Iterable[Judged], line: Line) -> Iterator[Record]:
    """The records of one line, each place once for a detector; a hit that has no company is none."""
    records: dict[tuple[int, int, int, int], Record] = {}
    for span, rule, verdict in judged:
        start, end = _bounds(span, rule, verdict)
        placed = next(place_line([verdict], line)) if verdict else None
        key = (rule.index, start, end, placed.flags & MASKED if placed else _NO_HIT)
        records.setdefault(key, Record(rule, span.kind, *line.span(start, end), verdict, placed))
    verdicts = [record.verdict for record in records.values() if record.verdict]
    kept = {id(verdict) for verdict in companions(verdicts)}
    for record in records.values():
        if record.verdict and record.rule.detector.near:
            friends = tuple(dict.fromkeys(_friends(record.verdict, verdicts)))
            record = replace(record, friends=friends, placed=record.placed if id(record.verdict) in kept else None)
        yield record


def _bounds(span: Span, rule: RecordingRule, verdict: Verdict | None) -> tuple[int, int]:
    """Where in the line the value stands, or what was looked at where there is none."""
    if verdict is not None:
        return verdict.start, verdict.end
    return (rule.extents[-1] if rule.extents else None) or (span.start, span.end)


def _friends(verdict: Verdict, verdicts: Iterable[Verdict]) -> Iterator[str]:
    for other in verdicts:
        if other is not verdict and any(kept is verdict for kept in companions([verdict, other])):
            yield other.rule.detector.data_class


def _blocks(rules: Iterable[Rule], data: bytes, header: str) -> Iterator[Record]:
    """As `plain.scan_blocks`, with what it leaves out."""
    text = data.decode("latin-1")
    for rule in rules:
        if not rule.detector.multiline or rule.pattern is None:
            continue
        for found in rule.pattern.finditer(text):
            recording = RecordingRule.of(rule)
            span = Span(*reported(found, rule.detector.group))
            verdict = judge(recording, text, span, Place(header))
            start, end = _bounds(span, recording, verdict)
            placed = None if verdict is None else Placed(
                rule.index, rule.detector.data_class, start, end, verdict.confidence, verdict.flags)
            yield Record(recording, span.kind, start, end, verdict, placed)

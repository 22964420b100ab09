"""The scanner: reads sources, finds what is in them, says what each field is.

A scan is a map and a merge: `Scanner.tally(document) -> Tally` for each document, `Tally + Tally`, then one verdict for
each field. Nothing here decides what may leave.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from guard._version import __version__
from guard.batch import MASKED, SHADOWED, Batch, Hits
from guard.classify import classify
from guard.detect import Matcher, load
from guard.errors import UsageError
from guard.hashing import new_key
from guard.model import LIKELY, POSSIBLE, Field, Finding, Input, Report, Skipped, Verdict
from guard.model import Reason as Why
from guard.scanner.count import count_column, count_text
from guard.scanner.findings import FindingMaker
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover, open_stream, open_table
from guard.tally import MAX_EXAMPLES, MAX_FINDINGS, ClassTally, FieldTally, Tally

__all__ = ["Scanner", "Sink", "Suppressor", "now"]

STATE_SECRET = "state.secret_mark"  # noqa: S105
Sink = Callable[[Finding], None]
Progress = Callable[[str, int], None]


class Suppressor(Protocol):
    """Known false positives: hits of `detectors` are asked about, one by one, and left out when covered."""

    detectors: frozenset[str]

    def covers(self, finding: Finding) -> bool:
        """Whether this finding is a known false positive."""
        ...

    def warnings(self) -> list[str]:
        """What an officer should know, such as entries that no longer match."""
        ...


def now() -> str:
    """The time of a report: UTC, to the second, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scanner:
    """Finds personal and secret information. Immutable, safe for threads and forks.

    `packs` are paths of detector packs (default: the shipped ones). `min_confidence` only filters the findings that
    are shown (0 to 1); counts, and so policies, always see everything from 0.3. `fingerprint_key` keys the
    fingerprints (default: a fresh key for each scanner, so they compare only within it).
    """

    def __init__(self, *, packs: Sequence[str | Path] | None = None, min_confidence: float = POSSIBLE,
                 fingerprint_key: bytes | None = None, suppressor: Suppressor | None = None,
                 cache: bool = True) -> None:
        if not 0 <= min_confidence <= 1:
            raise UsageError("the minimum confidence must be between 0 and 1")
        self.matcher = Matcher(load(None if packs is None else [Path(p) for p in packs]), cache=cache)
        self.min_confidence = max(min_confidence, POSSIBLE)
        self._key = fingerprint_key or secrets.token_bytes(32)
        self._maker = FindingMaker(self.matcher, self._key)
        self._suppressor = suppressor
        self._sketch_key = new_key()

    def scan_text(self, text: str) -> list[Finding]:
        """The findings of a text, in order; `start` and `end` are its code points."""
        hits = self.matcher.scan_text(text.encode("utf-8", "surrogatepass"))
        found = self._maker.of_text(text, hits.take(hits.confidence >= self.min_confidence))
        return [finding for finding in found if not self._covered(finding)]

    def scan(self, source: str | Path | BinaryIO, *, as_format: str = "", encoding: str = "",
             max_document: int | None = None, sink: Sink | None = None, progress: Progress | None = None) -> Report:
        """The report on a file, folder or binary stream.

        `max_document` bounds JSON documents, xlsx files and nested archives (bytes). `sink` gets every finding as it
        is made, `progress` the name and the number of bytes read. Raises UsageError for a path that does not exist;
        what cannot be read is in `Report.skipped` and makes the verdict incomplete.
        """
        options = Options(as_format=as_format, encoding=encoding,
                          **({} if max_document is None else {"max_document": max_document}))
        labels = ScannedLabels(self.matcher)
        return self.report(self.tally_all(_documents(source, options, labels), labels, sink, progress))

    def scan_table(self, table: Any, *, name: str = "table") -> Report:
        """The report on a table of pyarrow, pandas or polars."""
        labels = ScannedLabels(self.matcher)
        return self.report(self.tally_all([open_table(table, labels, name=name)], labels))

    def tally_all(self, documents: Sequence[Document | Skipped] | Iterator[Document | Skipped], labels: ScannedLabels,
                  sink: Sink | None = None, progress: Progress | None = None) -> Tally:
        """The sum of the tallies of all documents, and of the names that were findings."""
        total = Tally()
        for document in documents:
            total += self.tally(document, sink, progress)
        return total + self.names(labels, sink)

    def tally(self, document: Document | Skipped, sink: Sink | None = None, progress: Progress | None = None) -> Tally:
        """What is in one document."""
        if isinstance(document, Skipped):
            return Tally(inputs=[Input(document.dataset, 0, "skipped", str(document.reason))], skipped=[document])
        total = Tally()
        for item in document.read():
            if isinstance(item, Skipped):
                total += Tally(skipped=[item])
                continue
            part = self.tally_batch(item, sink)
            total += part
            if progress:
                progress(document.name, len(item.data))
            if _has_state_secret(part, self.matcher):
                total += Tally(skipped=[Skipped(item.dataset, Why.STOPPED)])
                _withhold_examples(total)
                break
        return total + Tally(inputs=[_input(document, total)])

    def tally_batch(self, batch: Batch, sink: Sink | None = None) -> Tally:
        """What is in one batch: the map of a scan. Findings are withheld when a state-secret mark is among them."""
        total = Tally()
        columns = range(len(batch.columns)) if batch.columns else (-1,)
        found = [self.hits(batch, column, total) for column in columns]
        open_ = not any(self._state_secret(hits) for hits in found)
        for column, hits in zip(columns, found, strict=True):
            field = self._count(batch, column, hits)
            if open_:
                self._show(batch, column, hits, field, sink)
            key = (field.dataset, field.name)
            total.fields[key] = total.fields[key] + field if key in total.fields else field
        return total

    def _count(self, batch: Batch, index: int, hits: Hits) -> FieldTally:
        if index < 0:
            return count_text(batch, hits, self.matcher.detectors, self._sketch_key)
        column = batch.columns[index]
        classes = self.matcher.header_classes(column.header)
        return count_column(batch, column, hits, self.matcher.detectors, classes, self._sketch_key)

    def _state_secret(self, hits: Hits) -> bool:
        likely = hits.detector[(hits.confidence >= LIKELY) & (hits.flags & MASKED == 0)]
        return any(self.matcher.detectors[int(i)].data_class == STATE_SECRET for i in set(likely.tolist()))

    def hits(self, batch: Batch, column: int, tally: Tally | None = None) -> Hits:
        """The hits of one column (-1: the text) of a batch that count.

        A hit that is only possible does not count where a better one explains the same value; known false positives
        do not either, and `tally` counts them.
        """
        if column < 0:
            hits = explained(self.matcher.scan_text(batch.data))
        else:
            hits = explained(self.matcher.scan_column(batch.columns[column]))
        if self._suppressor is None or not len(hits):
            return hits
        keep = [not self._known(batch, column, hits, i) for i in range(len(hits))]
        if tally is not None and (known := len(keep) - sum(keep)):
            tally.suppressed["baseline"] = tally.suppressed.get("baseline", 0) + known
        return hits.take(np.asarray(keep, bool))

    def report(self, tally: Tally) -> Report:
        """A report with verdicts on the fields and without decisions; `incomplete` when anything was skipped."""
        fields = classify(tally, self.matcher.detectors)
        findings = tuple(f for field in tally.fields.values() for f in field.findings)
        verdict = Verdict.INCOMPLETE if tally.skipped or not _read_anything(tally) else Verdict.PASS
        return Report(
            tool={"name": "guard", "version": __version__},
            rules={"digest": self.matcher.digest, "detectors": len(self.matcher.detectors)},
            inputs=tuple(tally.inputs), fields=fields, findings=findings, skipped=tuple(tally.skipped),
            verdict=verdict, created=now(), suppressed=dict(tally.suppressed), summary=_summary(tally, fields),
            warnings=tuple(self._suppressor.warnings()) if self._suppressor else (),
        )

    def _known(self, batch: Batch, column: int, hits: Hits, index: int) -> bool:
        detector = self.matcher.detectors[int(hits.detector[index])]
        if self._suppressor is None or detector.id not in self._suppressor.detectors:
            return False
        finding = next(self._maker.of_batch(batch, column, hits.take(np.asarray([index])), shadowed=True))
        return self._suppressor.covers(finding)

    def _covered(self, finding: Finding) -> bool:
        return self._suppressor is not None and self._suppressor.covers(finding)

    def _show(self, batch: Batch, column: int, hits: Hits, field: FieldTally, sink: Sink | None) -> None:
        """Make the findings that are kept in the report, or all of them when there is a sink."""
        shown = hits.take((hits.confidence >= self.min_confidence) & (hits.flags & SHADOWED == 0))
        for index, finding in enumerate(self._maker.of_batch(batch, column, shown)):
            if index < MAX_FINDINGS:
                field.findings.append(finding)
                _exemplify(field.detectors[finding.detector], finding)
            elif sink is None:
                break
            if sink:
                sink(finding)

    def names(self, labels: ScannedLabels, sink: Sink | None) -> Tally:
        """The names that were findings, as fields of kind name."""
        total = Tally()
        for (dataset, shown), (raw, detectors) in labels.found.items():
            field = FieldTally(dataset, shown, kind="name", rows=1, filled=1)
            for finding in self._maker.of_text(raw, self.matcher.scan_text(raw.encode("utf-8", "replace")), dataset):
                index = next((i for i in detectors if self.matcher.detectors[i].id == finding.detector), None)
                if index is None or finding.masked or finding.confidence < LIKELY:
                    continue
                counted = ClassTally(hits=1, validated=int(finding.validated), certain=int(finding.confidence >= 0.9),
                                     likely=1, cells=1, confidence=finding.confidence, examples=[finding])
                field.detectors[finding.detector] = field.detectors.get(finding.detector, ClassTally()) + counted
                field.findings.append(finding)
                if sink:
                    sink(finding)
            total.fields[dataset, shown] = field
        return total


def explained(hits: Hits) -> Hits:
    """Without the hits that are only possible and overlapped by a better one."""
    return hits.take((hits.flags & SHADOWED == 0) | (hits.confidence >= np.float32(LIKELY))) if len(hits) else hits


def _documents(source: str | Path | BinaryIO, options: Options, labels: ScannedLabels) -> Iterator[Document | Skipped]:
    if isinstance(source, (str, Path)):
        yield from discover(Path(source), options, labels)
    else:
        yield open_stream(source, options, labels)


def _exemplify(tally: ClassTally, finding: Finding) -> None:
    if len(tally.examples) < MAX_EXAMPLES:
        tally.examples.append(finding)


def _has_state_secret(tally: Tally, matcher: Matcher) -> bool:
    marks = {d.id for d in matcher.detectors if d.data_class == STATE_SECRET}
    return any(field.detectors[mark].likely for field in tally.fields.values() for mark in marks & set(field.detectors))


def _withhold_examples(tally: Tally) -> None:
    """Nothing of a file with a state-secret mark is shown, not even masked."""
    for field in tally.fields.values():
        field.findings.clear()
        for counted in field.detectors.values():
            counted.examples.clear()


def _input(document: Document, tally: Tally) -> Input:
    status = "scanned" if tally.fields else "failed" if tally.skipped else "scanned"
    reason = str(tally.skipped[0].reason) if tally.skipped else ""
    return Input(document.name, max(document.size, 0), status, reason, document.format, document.encoding, document.digest)


def _read_anything(tally: Tally) -> bool:
    return any(i.status == "scanned" for i in tally.inputs)


def _summary(tally: Tally, fields: tuple[Field, ...]) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "files": len(tally.inputs), "fields": len(fields), "skipped": len(tally.skipped) + tally.skipped_more,
        "bytes": sum(i.bytes for i in tally.inputs),
        "findings": sum(field.hits for field in fields), "masked": sum(field.masked_hits for field in fields),
        "personal_fields": sum(bool(field.data_class) for field in fields),
    }
    return counts

"""The scanner: reads sources, finds what is in them, says what each field is.

A scan is a map and a merge: `Scanner.scan_unit(unit) -> Part` for each file or piece of one, in this process or another
(`guard.scanner.run`), `Tally + Tally`, then one verdict for each field. Nothing here decides what may leave.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from guard.batch import MASKED, SHADOWED, Batch, Hits
from guard.detect import Budget, Detector, Matcher, load
from guard.detect.validators import NO_CHECKS, Checks
from guard.errors import UsageError
from guard.model import LIKELY, POSSIBLE, Finding, Report, Skipped
from guard.scanner.count import count_column, count_text, free_texts, note_weak
from guard.scanner.findings import FindingMaker, Shown, has_room, with_room, worth_making
from guard.scanner.known import without_known
from guard.scanner.labels import STATE_SECRET, KnownNames, ScannedLabels
from guard.scanner.limits import Limits
from guard.scanner.names import NO_NAMES, FoundNames, Place
from guard.scanner.pairs import may_be_named, with_names
from guard.scanner.parallel import usable_cores
from guard.scanner.parts import NOTHING_SHOWN, Part, Quiet, Unit, withhold_examples
from guard.scanner.run import Progress, ScanRun, Steps
from guard.scanner.sink import FindingList, Sink, Sinks
from guard.scanner.summary import now, summarised
from guard.scanner.together import scan_together
from guard.scanner.versions import Histories, NewValues, VersionMemory
from guard.sources import Document, Options, StreamDocument, discover, is_versioned, open_stream, open_table, reopen
from guard.tally import FieldTally, Tally

if TYPE_CHECKING:
    from guard.detect.weak_protection import WeakProtection
    from guard.nlp import EntityModel

__all__ = [
    "STATE_SECRET", "FindingList", "Progress", "ScanRun", "Scanner", "Sink", "Sinks", "Suppressor", "now",
    "usable_cores",
]


HOME = "cn"
"""The country of the shipped packs."""


class Suppressor(Protocol):
    """Known false positives: hits of `detectors` are asked about, one by one, and left out when covered.

    `used` are the fingerprints that were covered so far. It is sent to workers, so it must survive pickling.
    """

    detectors: frozenset[str]
    used: set[str]

    def covers(self, finding: Finding) -> bool:
        """Whether this finding is a known false positive; looks at detector, class and fingerprint only."""
        ...

    def warnings(self) -> list[str]:
        """What an officer should know, such as entries that no longer match."""
        ...


class Scanner:
    """Finds personal and secret information. Immutable, safe for threads and forks.

    `packs` are paths of detector packs (default: the shipped ones), `rules` those of files as gitleaks has them (TOML),
    whose rules run beside these (`guard.detect.foreign`); one that cannot be run is a ContentError, or with
    `skip_refused_rules` a warning in every report. `min_confidence` only filters the findings that are shown (0 to 1);
    counts, and so policies, always see everything from 0.3. `fingerprint_key` keys the fingerprints (default: a fresh
    key for each scanner, so they compare only within it). `countries` are ISO 3166-1 codes, or `all`: what the packs
    find is found always, other countries add recognizers of the installed presidio-analyzer (`guard.presidio`); a
    country that it does not know, or its absence, is a UsageError. `models` recognise names in free text beside the
    rules (`guard.nlp`), one for each language. Without `cache` what is made of packs and rules is neither taken from
    the user's cache nor kept there; machine code and Guard's own tables are, unless `GUARD_CACHE_DIR` is `/dev/null`.
    """

    def __init__(self, *, packs: Sequence[str | Path] | None = None, countries: Collection[str] = (HOME,),
                 rules: Sequence[str | Path] = (), skip_refused_rules: bool = False, min_confidence: float = POSSIBLE,
                 fingerprint_key: bytes | None = None, suppressor: Suppressor | None = None,
                 models: Sequence[EntityModel] = (), cache: bool = True) -> None:
        if not 0 <= min_confidence <= 1:
            raise UsageError("the minimum confidence must be between 0 and 1")
        detectors, checks = _detectors(packs, countries, cache)
        self._warnings: tuple[str, ...] = ()
        if rules:
            from guard.detect.foreign import RuleMatcher, read_all

            sets, self._warnings = read_all([Path(path) for path in rules], skip_refused=skip_refused_rules)
            self.matcher: Matcher = RuleMatcher(detectors, sets, checks=checks, cache=cache)
        else:
            self.matcher = Matcher(detectors, checks=checks, cache=cache)
        if models:
            from guard.nlp import ModelMatcher

            self.matcher = ModelMatcher(self.matcher, models)
        self.min_confidence = max(min_confidence, POSSIBLE)
        self._suppressor = suppressor
        self._set_key(fingerprint_key or os.urandom(32))

    def _set_key(self, key: bytes) -> None:
        self._key = key
        self._maker = FindingMaker(self.matcher, key)
        self._known_names: KnownNames = {}
        self._sketch_key = int.from_bytes(hmac.digest(key, b"guard.sketch/v1", hashlib.sha256)[:8])
        self._versions = VersionMemory(self._sketch_key)
        self._is_mark = np.array([d.data_class == STATE_SECRET for d in self.matcher.detectors], bool)

    def __getstate__(self) -> tuple[Any, ...]:
        """What a worker needs, the key included: for a pipe between processes, never for a file."""
        return self.matcher, self._warnings, self.min_confidence, self._suppressor, self._key

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.matcher, self._warnings, self.min_confidence, self._suppressor, key = state
        self._set_key(key)

    def scan_text(self, text: str) -> list[Finding]:
        """The findings of a text, in order; `start` and `end` are its code points.

        Raises SourceError when a detector (of a pack of your own) runs out of time.
        """
        hits = self.matcher.scan_text(text.encode("utf-8", "replace"))
        found = self._maker.of_text(text, hits.take(hits.confidence >= np.float32(self.min_confidence)))
        return [finding for finding in found if self._suppressor is None or not self._suppressor.covers(finding)]

    def scan(self, source: str | Path | BinaryIO, *, as_format: str = "", encoding: str = "",
             max_document: int | None = None, sink: Sink | None = None, progress: Progress | None = None,
             workers: int = 1, inline_marks: bool = True) -> Report:
        """The report on a file, folder or binary stream.

        `max_document` bounds JSON documents, xlsx files and nested archives (bytes). `sink` gets every finding as it
        is made, `progress` the name and the number of bytes read. `workers` processes share the work when there is
        enough of it; the report is the same, but that only findings of this process can `reveal` their value. (Where a
        worker is not forked, the calling script needs `if __name__ == "__main__":`, as `multiprocessing` says.)
        `inline_marks` is whether marks in texts under version control count (`guard.detect.marks`); histories of
        repositories are left out, which a warning tells. Raises UsageError for a path that does not exist; what cannot
        be read is in `Report.skipped` and makes the verdict incomplete.
        """
        is_source = inline_marks and isinstance(source, (str, Path)) and is_versioned(Path(source))
        options = Options(as_format=as_format, encoding=encoding, source_tree=is_source, hashed=False,
                          **({} if max_document is None else {"max_document": max_document}))
        labels, histories = ScannedLabels(self.matcher), Histories()
        run = self.run(labels, sink=sink, progress=progress, workers=workers)
        report = self._report(run, histories.left_out(_documents(source, options, labels)), sink)
        return dataclasses.replace(report, warnings=(*report.warnings, *histories.warnings()))

    def scan_git(self, repository: str | Path, *, since: str = "", staged: bool = False, as_format: str = "",
                 encoding: str = "", max_document: int | None = None, sink: Sink | None = None,
                 progress: Progress | None = None, workers: int = 1, inline_marks: bool = True) -> Report:
        """The report on every content that files have or had in a git repository, each scanned once.

        All refs are followed; with `since` only what commits of HEAD brought that are not in this revision, with
        `staged` what the index has and HEAD has not. A value counts at the commit that brought it, which its location
        names. Everything else is as in `scan`. Raises UsageError where git is missing or does not read the repository.
        """
        from guard.sources.git import Repository
        from guard.sources.git_documents import Versions

        options = Options(as_format=as_format, encoding=encoding, source_tree=inline_marks, hashed=False,
                          **({} if max_document is None else {"max_document": max_document}))
        labels, found = ScannedLabels(self.matcher), Repository(Path(repository))
        versions = Versions(found, options, labels, since=since, staged=staged)
        run = self.run(labels, sink=sink, progress=progress, workers=workers)
        total = Tally()
        with closing(versions):
            for _, tally in run.results(versions.documents()):
                tally.inputs.clear()
                total += tally
        total += run.names.tally(sink)
        report = self.report(total + versions.tally())
        return dataclasses.replace(report, summary={**report.summary, **versions.counts()})

    def scan_table(self, table: Any, *, name: str = "table") -> Report:
        """The report on a table of pyarrow, pandas or polars."""
        labels = ScannedLabels(self.matcher)
        return self._report(self.run(labels), [open_table(table, labels, name=name)], None)

    def run(self, labels: ScannedLabels, *, sink: Sink | None = None, progress: Progress | None = None,
            workers: int = 1) -> ScanRun:
        """A pass over documents that were opened with `labels`. Raises UsageError for less than one worker."""
        if workers < 1:
            raise UsageError("at least one process must scan", hint="give a number of workers from 1 on")
        return ScanRun(self, labels, sink=sink, progress=progress, workers=workers)

    def _report(self, run: ScanRun, documents: Iterable[Document | Skipped], sink: Sink | None) -> Report:
        total = Tally()
        for _, tally in run.results(documents):
            total += tally
        total += run.names.tally(sink)
        return self.report(total)

    def scan_unit(self, unit: Unit, sink: Sink | None = None) -> Part:
        """What is in a file or a piece of one: the map of a scan."""
        return _run(self.steps(unit, sink))

    def scan_units(self, units: Sequence[Unit], sinks: Sequence[Sink | None], contents: Sequence[bytes | None] = ()
                   ) -> list[Part | Quiet]:
        """What is in each of many units, small files (`guard.scanner.together`) or a single one.

        `contents` are those of the files, where they were read already.
        """
        known = contents or [None] * len(units)
        parts = scan_together(self, units, known, sinks) if self.matcher.joins else [None] * len(units)
        return [self.scan_unit(unit, sink) if part is None else part
                for unit, sink, part in zip(units, sinks, parts, strict=True)]

    def steps(self, unit: Unit, sink: Sink | None) -> Steps:
        """As `scan_unit`, batch by batch."""
        labels = self.new_labels()
        document = reopen(unit.recipe, labels)
        if unit.piece is None or not isinstance(document, StreamDocument):
            part = yield from self.steps_of(document, labels, sink)
        else:
            part = yield from self._read(document.read_piece(unit.piece), document.name, labels, sink,
                                         earlier=unit.shown, is_first=not unit.piece.start)
            part.extent, part.is_cut_short = document.extent, not document.extent.bytes
        part.names = self.names_of(labels)
        part.known = frozenset(self._suppressor.used if self._suppressor else ())
        return part

    def part_of(self, batch: Batch, raw: Sequence[Hits], labels: ScannedLabels, sink: Sink | None,
                version: Document | None = None) -> Part:
        """What is in a document that is this one batch, in whose columns (or text) the matcher found `raw`.

        `version` is the document where it is one of several that a file has had.
        """
        new = None if version is None else NewValues(version, labels, self._batches_of, self._versions)
        if not (labels.has_findings or any(map(len, raw)) or any(map(may_be_named, batch.columns))):
            part = self._plain_part(batch, raw)
        else:
            part = _run(self._read([batch], batch.dataset, labels, sink, new, raw=raw))
            part.names = self.names_of(labels)
        if new is not None and not part.is_secret:
            new.remember()
        part.known = frozenset(self._suppressor.used if self._suppressor else ())
        return part

    def _plain_part(self, batch: Batch, raw: Sequence[Hits]) -> Part:
        """As `part_of`, of a batch in which nothing was found."""
        tally = self.tally_batch(batch, raw)
        if batch.columns:
            weak = self._weak_protection()
            weak.add(batch)
            note_weak(weak, tally)
        return Part(tally, read=len(batch.data))

    def new_labels(self) -> ScannedLabels:
        """Labels for the names inside of one document."""
        return ScannedLabels(self.matcher, self._known_names)

    def steps_of(self, document: Document, labels: ScannedLabels, sink: Sink | None) -> Steps:
        """What is in a document, batch by batch; the names that are findings stay in `labels`."""
        new = NewValues(document, labels, self._batches_of, self._versions) if document.version \
            else None
        part = yield from self._read(document.read(), document.name, labels, sink, new)
        part.encoding, part.digest = document.encoding, document.digest
        if new is not None and not part.is_secret:
            new.remember()
        return part

    def _batches_of(self, document: Document) -> Iterator[tuple[Batch, Sequence[Hits]]]:
        """The hits of a document that is only compared with."""
        budget = Budget()
        for item in document.read():
            if not isinstance(item, Skipped):
                yield item, self.hits(item, budget=budget)

    def _read(self, items: Iterable[Batch | Skipped], name: str, labels: ScannedLabels, sink: Sink | None,
              new: NewValues | None = None, earlier: Mapping[Place, Shown] = NOTHING_SHOWN, *,
              is_first: bool = True, raw: Sequence[Hits] | None = None) -> Steps:
        part, limits = Part(), Limits(self.matcher.detectors)
        weak: WeakProtection | None = None
        for item in items:
            if isinstance(item, Skipped):
                part.tally += Tally(skipped=[item])
                continue
            is_secret = self._add(part.tally, item, sink, limits.budget, new, earlier, raw)
            part.is_secret = is_secret or labels.is_secret(name)
            part.tally += Tally(skipped=limits.newly_skipped(item.dataset))
            part.read += len(item.data)
            if part.is_secret:
                withhold_examples(part.tally)
                return part
            # One piece of a document says how its columns are protected.
            if is_first and item.columns:
                weak = weak or self._weak_protection()
                weak.add(item)
            yield len(item.data)
        if weak:
            note_weak(weak, part.tally)
        return part

    def _weak_protection(self) -> WeakProtection:
        """Imported where there are columns: a text has none."""
        from guard.detect.weak_protection import WeakProtection

        return WeakProtection(self.matcher)

    def _add(self, total: Tally, batch: Batch, sink: Sink | None, budget: Budget, new: NewValues | None,
             earlier: Mapping[Place, Shown], raw: Sequence[Hits] | None) -> bool:
        """Add a batch to the tally of its document; whether a state-secret mark stands in it."""
        found = self.hits(batch, total, budget, raw)
        is_secret = any(map(self._has_mark, found))
        found = found if new is None else new.among(batch, found)
        total += self.tally_batch(batch, found, None if is_secret else sink, kept=total, earlier=earlier,
                                  shows=not is_secret)
        return is_secret

    def tally_batch(self, batch: Batch, found: Sequence[Hits], sink: Sink | None = None, *, kept: Tally | None = None,
                    earlier: Mapping[Place, Shown] = NOTHING_SHOWN, shows: bool = True) -> Tally:
        """What is in one batch, given its hits: the map of a scan.

        `kept` is what came before, after what is already in `earlier` pieces: findings that there is no room for beside
        these are not made. `shows` is whether any are made.
        """
        total = Tally()
        long = free_texts(batch.columns)
        for column, hits in zip(_columns(batch), found, strict=True):
            field = self._count(batch, column, hits, long)
            key = (field.dataset, field.name)
            if shows and len(hits):
                before = Shown.of(kept.fields.get(key) if kept is not None else None)
                self._show(batch, column, hits, field, earlier.get(key, Shown()) + before, sink)
            total.fields[key] = total.fields[key] + field if key in total.fields else field
        return total

    def hits(self, batch: Batch, tally: Tally | None = None, budget: Budget | None = None,
             raw: Sequence[Hits] | None = None) -> tuple[Hits, ...]:
        """The hits that count of each column of a batch, or of its text; `tally` counts the known false positives.

        `raw` are those of the matcher, if they are known. Detectors that run out of time are noted in `budget`; without
        one they are a SourceError.
        """
        if raw is None:
            matcher = self.matcher.at(batch.dataset, batch.commit)
            raw = matcher.scan_columns(batch.columns, budget) if batch.columns else [
                matcher.scan_text(batch.data, budget)]
        return tuple(self._counting(batch, column, hits, tally, budget)
                     for column, hits in zip(_columns(batch), raw, strict=True))

    def hits_of(self, batch: Batch, column: int, tally: Tally | None = None, budget: Budget | None = None) -> Hits:
        """The hits of one column (-1: the text) of a batch that count."""
        matcher = self.matcher.at(batch.dataset, batch.commit)
        raw = matcher.scan_text(batch.data, budget) if column < 0 else matcher.scan_column(
            batch.columns[column], budget)
        return self._counting(batch, column, raw, tally, budget)

    def _counting(self, batch: Batch, column: int, raw: Hits, tally: Tally | None, budget: Budget | None) -> Hits:
        """Of the hits in one column those that count.

        A hit that is only possible does not count where a better one explains the same value; known false positives
        and what inline marks in source code cover do not either.
        """
        if column >= 0 and may_be_named(batch.columns[column]):
            raw = with_names(self.matcher.at(batch.dataset, batch.commit), batch, column, raw, budget)
        if not len(raw):
            return raw
        hits = _explained(raw)
        if batch.is_source and column < 0:
            from guard.detect.marks import marked  # marks count in trees of sources only

            allowed = marked(batch.data, hits, self.matcher.detectors)
            if tally is not None and allowed.any():
                tally += Tally(suppressed={"inline": int(np.count_nonzero(allowed & (hits.flags & SHADOWED == 0)))})
            hits = hits.take(~allowed)
        if self._suppressor is None or not len(hits):
            return hits
        known = np.array([self._is_known(batch, column, hits, i) for i in range(len(hits))], bool)
        if tally is not None and known.any():
            tally += Tally(suppressed={"baseline": int(np.count_nonzero(known))})
        return without_known(hits, known, [detector.data_class for detector in self.matcher.detectors])

    def names_of(self, labels: ScannedLabels) -> FoundNames:
        """Take the names that were findings from `labels`."""
        if not labels.has_findings and not labels.forgotten:
            return NO_NAMES
        found, forgotten, unfinished = labels.take()
        return FoundNames({(dataset, shown): {self._digest(raw): tuple(self._findings(raw, detectors, dataset))
                                              for raw, detectors in names.items()}
                           for (dataset, shown), names in found.items()}, forgotten,
                          {(dataset, self.matcher.detectors[index].id) for dataset, index in unfinished})

    def note_known(self, fingerprints: Iterable[str]) -> None:
        """Known false positives that were met elsewhere."""
        if self._suppressor is not None:
            self._suppressor.used.update(fingerprints)

    def report(self, tally: Tally) -> Report:
        """A report with verdicts on the fields and without decisions; `incomplete` when anything was skipped."""
        known = self._suppressor.warnings() if self._suppressor else ()
        return summarised(tally, self.matcher, (*self._warnings, *known))

    def _count(self, batch: Batch, index: int, hits: Hits, long: Sequence[int]) -> FieldTally:
        if index < 0:
            return count_text(batch, hits, self.matcher.detectors, self._sketch_key)
        column = batch.columns[index]
        classes = self.matcher.header_classes(column.header)
        return count_column(batch, column, long[index], hits, self.matcher.detectors, classes, self._sketch_key)

    def _show(self, batch: Batch, column: int, hits: Hits, field: FieldTally, before: Shown, sink: Sink | None,
              ) -> None:
        """Make the findings that are kept in the report, or all of them when there is a sink."""
        if sink is None and not has_room(field, before):
            return
        if sink is None:
            hits = with_room(hits, self.matcher.detectors, field, before)
        shown = hits.take((hits.confidence >= np.float32(self.min_confidence)) & (hits.flags & SHADOWED == 0))
        chosen, examples = worth_making(shown, self.matcher.detectors, before)
        for index in range(len(shown)) if sink else sorted(chosen | examples):
            finding = self._maker.of_batch(batch, column, shown, index)
            if index in chosen:
                field.findings.append(finding)
            if index in examples:
                field.detectors[finding.detector].examples.append(finding)
            if sink:
                sink.write(finding)

    def _findings(self, raw: str, detectors: Sequence[int], dataset: str) -> Iterator[Finding]:
        """What is in a name and of the detectors that make it one."""
        wanted = {self.matcher.detectors[index].id for index in detectors}
        for finding in self._maker.of_text(raw, self.matcher.scan_text(raw.encode("utf-8", "replace")), dataset):
            if finding.detector in wanted and not finding.masked and finding.confidence >= LIKELY:
                yield finding

    def _digest(self, raw: str) -> bytes:
        return hmac.digest(self._key, b"guard.name/v1\0" + raw.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def _has_mark(self, hits: Hits) -> bool:
        """Whether a state-secret mark is among the hits."""
        if not len(hits):
            return False
        marks = self._is_mark[hits.detector]
        if not marks.any():
            return False
        likely = (hits.confidence >= np.float32(LIKELY)) & (hits.flags & MASKED == 0)
        return bool((marks & likely).any())

    def _is_known(self, batch: Batch, column: int, hits: Hits, index: int) -> bool:
        detector = self.matcher.detectors[int(hits.detector[index])]
        if self._suppressor is None or detector.id not in self._suppressor.detectors:
            return False
        return self._suppressor.covers(self._maker.of_batch(batch, column, hits, index, placed=False))


def _run(steps: Steps) -> Part:
    """The part in the end, all at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            part: Part = end.value
            return part


def _columns(batch: Batch) -> Sequence[int]:
    """The columns of a batch by number; -1 is the text of one that has none."""
    return range(len(batch.columns)) if batch.columns else (-1,)


def _detectors(packs: Sequence[str | Path] | None, countries: Collection[str], cache: bool
               ) -> tuple[tuple[Detector, ...], Checks]:
    """Those of the packs and of the countries beyond HOME, by id, and the checks that these bring."""
    ours = load(None if packs is None else [Path(path) for path in packs], use_cache=cache)
    abroad = {code.strip().lower() for code in countries} - {HOME}
    if not abroad:
        return ours, NO_CHECKS
    from guard.presidio import of_countries

    theirs = of_countries(abroad)
    return tuple(sorted((*ours, *theirs.detectors), key=lambda detector: detector.id)), theirs.checks


def _explained(hits: Hits) -> Hits:
    """Without the hits that are only possible and overlapped by a better one."""
    return hits.take((hits.flags & SHADOWED == 0) | (hits.confidence >= np.float32(LIKELY)))


def _documents(source: str | Path | BinaryIO, options: Options, labels: ScannedLabels) -> Iterator[Document | Skipped]:
    if isinstance(source, (str, Path)):
        yield from discover(Path(source), options, labels, with_content=True)
    elif isinstance(source.read(0), bytes):
        yield open_stream(source, options, labels)
    else:
        raise UsageError("a stream must give bytes", hint='open the file in the mode "rb"')

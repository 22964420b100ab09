"""A scan in parts: what one process is asked to scan, what it answers, and how the answers become one tally.

A unit is a file, or a piece of one. Its part counts lines, rows and offsets from its own beginning; `DocumentTally`
puts the parts of a document one behind the other. The same is done with one process as with many, so they give the
same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from guard.model import Finding, Input, Location, Reason, Skipped
from guard.scanner.findings import Shown
from guard.scanner.names import NO_NAMES, FoundNames
from guard.scanner.sink import Sink
from guard.sources import Document, Extent, Piece, Recipe
from guard.tally import Tally, text_tally

Packed = tuple[Any, ...]
_START = Extent()
NOTHING_SHOWN: Mapping[tuple[str, str], Shown] = {}


class Unit(NamedTuple):
    """A file, or a piece of it; plain data. `shown` is what the report has already of the pieces before this one, by
    dataset and field: what it has no room for need not be made."""

    recipe: Recipe
    piece: Piece | None = None
    shown: Mapping[tuple[str, str], Shown] = NOTHING_SHOWN

    @property
    def size(self) -> int:
        """About how many bytes there are to read."""
        if self.piece is None:
            return self.recipe.size
        return (self.piece.stop or max(self.recipe.size, self.piece.start)) - self.piece.start


@dataclass(slots=True)
class Part:
    """What is in a unit. With a state-secret mark (`is_secret`) it ends there and has no examples.

    `known` are the fingerprints of the false positives that were met, `read` the bytes of text. `is_cut_short` tells a
    piece of which the end was not reached. `broken` says why the process that had the unit gave no answer; then
    everything else is empty.
    """

    tally: Tally = field(default_factory=Tally)
    names: FoundNames = field(default_factory=lambda: NO_NAMES)
    is_secret: bool = False
    is_cut_short: bool = False
    extent: Extent = _START
    encoding: str = ""
    digest: str = ""
    known: frozenset[str] = frozenset()
    read: int = 0
    broken: str = ""


class Quiet(NamedTuple):
    """The part of a text, whole and sound, in which nothing was found: what most files of a tree of sources give.

    It has so many lines, and says the same as the `Part` that a scan of this file alone gives. It can be sent, kept and
    counted without the dozen objects that a part is made of.
    """

    lines: int
    read: int
    encoding: str
    digest: str

    def tally_of(self, document: Document) -> Tally:
        """What is in the document, of which this is all."""
        counted = text_tally(document.name, self.lines)
        read = Input(document.name, max(document.size, 0), "scanned", "", document.format, self.encoding, self.digest)
        return Tally({(counted.dataset, counted.name): counted}, [read])


class DocumentTally:
    """A document as far as its parts have come in, in order. `is_closed` says that further parts do not count.

    `is_entangled` says that the pieces of the document cannot be told one without the other: it has to be read as one.
    """

    def __init__(self, document: Document, sink: Sink | None) -> None:
        self.document = document
        self.is_closed = self.is_entangled = False
        self._sink = sink
        self._total, self._is_empty = Tally(), True
        self._extent = _START
        self._is_secret = False

    def shown(self) -> dict[tuple[str, str], Shown]:
        """What the report has of the parts so far."""
        return {key: Shown.of(counted) for key, counted in self._total.fields.items()}

    def write(self, findings: Iterable[Finding]) -> None:
        """Findings of the part that comes next."""
        if self._sink and not self.is_closed:
            for finding in findings:
                self._sink.write(_moved(finding, self._extent))

    def add(self, part: Part) -> None:
        """The next part."""
        if part.broken:
            self.note(Skipped(self.document.name, Reason.CRASHED, part.broken,
                              self._extent.lines + 1 if self._extent.lines else None))
            self.is_closed = True
            return
        after = self._extent if part.extent is _START else self._extent + part.extent
        if after.is_entangled and not part.is_secret:
            self.is_closed = self.is_entangled = True
            return
        for key, counted in self._total.fields.items():
            if key not in part.tally.fields and counted.kind == "column":
                counted.rows += part.extent.rows  # a field that is empty in this piece has its records all the same
        if self._is_empty:
            self._total, self._is_empty = part.tally, False
        else:
            self._total += _shifted(part.tally, self._extent)
        self._extent = after
        self.is_closed = part.is_cut_short  # nobody can tell the lines of what follows
        if part.is_secret:
            self.stop()

    def begin_anew(self) -> None:
        """Forget all parts."""
        self.is_closed = self.is_entangled = False
        self._total, self._extent, self._is_empty = Tally(), _START, True
        if self._sink:
            self._sink.withdraw()

    def note(self, skipped: Skipped) -> None:
        """Something of the document that was not read."""
        self._is_empty = False
        self._total += Tally(skipped=[skipped])

    def stop(self) -> None:
        """A state-secret mark stands here: nothing of the document is shown, and its reading ends."""
        self.is_closed = self._is_secret = True

    def result(self) -> Tally:
        """What is in the document."""
        total = self._total
        if self._is_secret:
            withhold_examples(total)
            self.note(Skipped(self.document.name, Reason.STOPPED))
        if self._sink:
            self._sink.withdraw() if self._is_secret else self._sink.keep()
        total.inputs.append(self._input())
        return total

    def _input(self) -> Input:
        document, skipped = self.document, self._total.skipped
        status = "scanned" if self._total.fields or not skipped else "failed"
        reason = str(skipped[0].reason) if skipped else ""
        encoding, digest = ("", "") if self.is_closed else (document.encoding, document.digest)
        return Input(document.name, max(document.size, 0), status, reason, document.format, encoding, digest)


def withhold_examples(tally: Tally) -> None:
    """Leave the counts only."""
    for counted in tally.fields.values():
        counted.findings.clear()
        for detector in counted.detectors.values():
            detector.examples.clear()


def _shifted(tally: Tally, by: Extent) -> Tally:
    """The tally of a part with the places that things have in the document."""
    if by is _START:
        return tally
    for counted in tally.fields.values():
        counted.findings = [_moved(finding, by) for finding in counted.findings]
        for detector in counted.detectors.values():
            detector.examples = [_moved(finding, by) for finding in detector.examples]
    tally.skipped = [dataclasses.replace(skipped, line=skipped.line and skipped.line + by.lines)
                     for skipped in tally.skipped]
    return tally


def _moved(finding: Finding, by: Extent) -> Finding:
    if by is _START:
        return finding
    old = finding.location
    place = Location(
        old.dataset, old.field, None if old.line is None else old.line + by.lines, old.column,
        None if old.offset is None else old.offset + by.bytes, old.length,
        None if old.row is None else old.row + by.rows, old.pointer, old.commit)
    # Written out, as millions of findings may pass here.
    return Finding(finding.detector, finding.data_class, place, finding.start, finding.end, finding.confidence,
                   finding.validated, finding.masked, finding.preview, finding.fingerprint, finding.reason,
                   finding._value)


def packed(finding: Finding) -> Packed:
    """A finding as it goes through a pipe, ten times faster than as an object, and without its value."""
    at = finding.location
    return (finding.detector, finding.data_class, at.dataset, at.field, at.line, at.column, at.offset, at.length,
            at.row, at.pointer, at.commit, finding.start, finding.end, finding.confidence, finding.validated,
            finding.masked, finding.preview, finding.fingerprint, finding.reason)


def unpacked(row: Packed) -> Finding:
    """The finding that `packed` was given."""
    return Finding(row[0], row[1], Location(*row[2:11]), *row[11:])

"""Small files, many in one scan: what every scan costs, however little there is to it, is paid once for all of them.

A tree of sources is thousands of files of a few kB. Nothing of one file is seen by another, and what is told of each is
what a scan of it alone would tell (`Matcher.scan_texts`, `Matcher.scan_columns`). A file that is not what it should be
(damaged, in several batches, gone) is scanned alone, and so are all when a detector runs out of time over them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from guard.batch import Batch, Hits
from guard.detect import Budget, Matcher
from guard.scanner.labels import ScannedLabels
from guard.scanner.parts import Part, Unit
from guard.scanner.sink import Sink
from guard.sources import Document, Recipe, reopen, whole_text

FORMATS = ("text", "csv", "tsv", "json", "jsonl")
SMALL = 1 << 18
"""Bytes from which on a file is scanned alone. Most are smaller than what is read to tell their format."""
MOST_BYTES, MOST_FILES = 1 << 22, 4096
"""What is scanned together at most."""
_MOST_KEYS = 1000


class BatchScanner(Protocol):
    """What is asked of the scanner."""

    matcher: Matcher

    def new_labels(self) -> ScannedLabels:
        """Labels for the names inside of one document."""
        ...

    def part_of(self, batch: Batch, raw: Sequence[Hits], labels: ScannedLabels, sink: Sink | None,
                version: Document | None = None) -> Part:
        """What is in a document that is one batch."""
        ...


class _Read(NamedTuple):
    """A file that is one batch, the names inside of it, and the document where it is one of several versions."""

    batch: Batch
    labels: ScannedLabels
    encoding: str
    digest: str
    version: Document | None


class _File(NamedTuple):
    """A small file, and all that is in it; None where that cannot be said."""

    recipe: Recipe
    content: bytes | None

    def __repr__(self) -> str:
        return object.__repr__(self)

    def read_as(self, batch: Batch, labels: ScannedLabels) -> _Read:
        """The file of which this batch was made, which is UTF-8; `labels` know of nothing inside of it."""
        content = self.content or b""
        version = reopen(self.recipe, labels, content) if self.recipe.is_version else None
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if self.recipe.options.hashed else ""
        return _Read(self.recipe.placed(batch), labels, "utf-8", digest, version)


def is_small(unit: Unit) -> bool:
    """Whether a unit is a small file of a format that is read as text, or a version of one."""
    recipe = unit.recipe
    return unit.piece is None and recipe.size < SMALL and recipe.format in FORMATS


def scan_together(scanner: BatchScanner, units: Sequence[Unit], contents: Sequence[bytes | None],
                  sinks: Sequence[Sink | None]) -> list[Part | None]:
    """The part of each small file; None where it has to be scanned alone."""
    if len(units) < 2:
        return [None] * len(units)
    files = [_File(unit.recipe, unit.recipe.content(SMALL) if content is None else content)
             for unit, content in zip(units, contents, strict=True)]
    read = _read_all(scanner, files)
    budget = Budget()
    raw = iter(_hits(scanner.matcher, [one.batch for one in read if one is not None], budget))
    if budget.exhausted:
        return [None] * len(units)
    return [None if one is None else _part(scanner, one, next(raw), sink)
            for one, sink in zip(read, sinks, strict=True)]


def _part(scanner: BatchScanner, read: _Read, raw: Sequence[Hits], sink: Sink | None) -> Part:
    part = scanner.part_of(read.batch, raw, read.labels, sink, read.version)
    part.encoding, part.digest = read.encoding, read.digest
    return part


def _read_all(scanner: BatchScanner, files: Sequence[_File]) -> list[_Read | None]:
    """Each file as its one batch; None where it is something else."""
    labels = scanner.new_labels()
    batches = [_text(file) for file in files]
    documents = [number for number, file in enumerate(files) if file.recipe.format == "json" and file.content]
    if documents:
        from guard.sources.json_documents import Text, read_documents

        texts = [Text(files[number].recipe.name, files[number].content or b"", files[number].recipe.options)
                 for number in documents]
        for number, batch in zip(documents, read_documents(texts, labels), strict=True):
            batches[number] = batch
    labels.foresee(_keys([file for file, batch in zip(files, batches, strict=True) if batch is None]))
    return [_read(scanner, file) if batch is None else file.read_as(batch, labels)
            for file, batch in zip(files, batches, strict=True)]


def _text(file: _File) -> Batch | None:
    """The batch of a text of the usual kind."""
    recipe, content = file.recipe, file.content
    return None if content is None or recipe.format != "text" else whole_text(recipe.name, content, recipe.options)


def _read(scanner: BatchScanner, file: _File) -> _Read | None:
    """A file as its one batch, as its own reader gives it."""
    if file.content is None:
        return None
    labels = scanner.new_labels()
    document = reopen(file.recipe, labels, file.content)
    items = list(document.read())
    if len(items) != 1 or not isinstance(items[0], Batch):
        return None
    return _Read(items[0], labels, document.encoding, document.digest, document if file.recipe.is_version else None)


def _keys(files: Sequence[_File]) -> Iterator[str]:
    """The keys of JSON files as they are mostly written, for each of them is a name that has to be scanned."""
    for file in files:
        if file.content is not None and file.recipe.format in ("json", "jsonl"):
            for before in file.content.split(b'":', _MOST_KEYS)[:-1]:
                yield before[before.rfind(b'"') + 1 :].decode("utf-8", "replace")


def _hits(matcher: Matcher, batches: Sequence[Batch], budget: Budget) -> list[list[Hits]]:
    """What the matcher finds in each column of each batch, or in its text."""
    texts = iter(matcher.scan_texts([batch.data for batch in batches if batch.is_text], budget))
    columns = iter(matcher.scan_columns([column for batch in batches for column in batch.columns], budget))
    return [[next(texts)] if batch.is_text else [next(columns) for _ in batch.columns] for batch in batches]

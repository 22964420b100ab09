"""Small files, many in one scan: what every scan costs, however little there is to it, is paid once for all of them.

A tree of sources is thousands of files of a few kB. Nothing of one file is seen by another, and what is told of each is
what a scan of it alone would tell (`Matcher.scan_texts`, `Matcher.scan_columns`). A file that is not what it should be
(damaged, in several batches, gone) is scanned alone, and so are all when a detector runs out of time over them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from guard.batch import Batch, Hits
from guard.detect import Budget, Matcher
from guard.scanner.labels import ScannedLabels
from guard.scanner.parts import Part, Quiet, Unit
from guard.scanner.sink import Sink
from guard.sources import Document, Recipe, count_lines, is_whole_text, reopen, whole_text

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

    @property
    def sound(self) -> bytes | None:
        """The content of a text of the usual kind."""
        recipe, content = self.recipe, self.content
        is_sound = content is not None and recipe.format == "text" and is_whole_text(content, recipe.options)
        return content if is_sound else None

    def quiet(self, content: bytes) -> Quiet:
        """The part of a text in which nothing was found."""
        return Quiet(count_lines(content), len(content), "utf-8", self._digest(content))

    def read_as(self, batch: Batch, content: bytes, labels: ScannedLabels) -> _Read:
        """The file of which this batch was made, which is UTF-8; `labels` know of nothing inside of it."""
        version = reopen(self.recipe, labels, content) if self.recipe.is_version else None
        return _Read(self.recipe.placed(batch), labels, "utf-8", self._digest(content), version)

    def _digest(self, content: bytes) -> str:
        return f"sha256:{hashlib.sha256(content).hexdigest()}" if self.recipe.options.hashed else ""


_Opened = _Read | bytes | None
"""What is to be scanned of a file: a batch, the content of a sound text, or nothing where it is something else."""


def is_small(unit: Unit) -> bool:
    """Whether a unit is a small file of a format that is read as text, or a version of one."""
    recipe = unit.recipe
    return unit.piece is None and recipe.size < SMALL and recipe.format in FORMATS


def scan_together(scanner: BatchScanner, units: Sequence[Unit], contents: Sequence[bytes | None],
                  sinks: Sequence[Sink | None]) -> list[Part | Quiet | None]:
    """The part of each small file; None where it has to be scanned alone."""
    if len(units) < 2:
        return [None] * len(units)
    files = [_File(unit.recipe, unit.recipe.content(SMALL) if content is None else content)
             for unit, content in zip(units, contents, strict=True)]
    labels, budget = scanner.new_labels(), Budget()
    opened = _open_all(scanner, files, labels)
    found = _hits(scanner.matcher, opened, budget)
    if budget.exhausted:
        return [None] * len(units)
    return [_part(scanner, file, one, raw, labels, sink)
            for file, one, raw, sink in zip(files, opened, found, sinks, strict=True)]


def _part(scanner: BatchScanner, file: _File, opened: _Opened, raw: Sequence[Hits], labels: ScannedLabels,
          sink: Sink | None) -> Part | Quiet | None:
    if opened is None:
        return None
    if isinstance(opened, bytes):
        if not (len(raw[0]) or file.recipe.is_version):
            return file.quiet(opened)
        opened = file.read_as(whole_text(file.recipe.name, opened, file.recipe.options), opened, labels)
    part = scanner.part_of(opened.batch, raw, opened.labels, sink, opened.version)
    part.encoding, part.digest = opened.encoding, opened.digest
    return part


def _open_all(scanner: BatchScanner, files: Sequence[_File], labels: ScannedLabels) -> list[_Opened]:
    """What is to be scanned of each file; `labels` are those of files inside of which no name is a finding."""
    opened: list[_Opened] = [file.sound for file in files]
    documents = [number for number, file in enumerate(files) if file.recipe.format == "json" and file.content]
    if documents:
        from guard.sources.json_documents import Text, read_documents

        texts = [Text(files[number].recipe.name, files[number].content or b"", files[number].recipe.options)
                 for number in documents]
        for number, text, batch in zip(documents, texts, read_documents(texts, labels), strict=True):
            opened[number] = None if batch is None else files[number].read_as(batch, text.content, labels)
    others = [number for number, one in enumerate(opened) if one is None]
    labels.foresee(_keys([files[number] for number in others]))
    for number in others:
        opened[number] = _read(scanner, files[number])
    return opened


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


def _hits(matcher: Matcher, opened: Sequence[_Opened], budget: Budget) -> list[Sequence[Hits]]:
    """What the matcher finds in each column of each file, or in its text."""
    texts = iter(matcher.scan_texts([text for one in opened if (text := _text(one)) is not None], budget))
    columns = [() if one is None or isinstance(one, bytes) else one.batch.columns for one in opened]
    in_columns = iter(matcher.scan_columns([column for mine in columns for column in mine], budget))
    return [list(islice(in_columns, len(mine))) if mine else [] if one is None else [next(texts)]
            for one, mine in zip(opened, columns, strict=True)]


def _text(opened: _Opened) -> bytes | None:
    """The text of a file, if it is one."""
    if isinstance(opened, _Read):
        return opened.batch.data if opened.batch.is_text else None
    return opened

"""What every reader offers: a document that can be read, and read again while it is rewritten."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from guard.batch import Batch, Edited, Editor
from guard.errors import SourceError
from guard.model import Labels, Skipped
from guard.sources.stable import Opener, opener_of, peek

MAX_DOCUMENT = 256_000_000
MAX_DEPTH = 3
MAX_RATIO = 200
"""A member may expand to this many times its packed size (and always to 4 MB) before it counts as a bomb."""


class Options(NamedTuple):
    """How sources are read.

    `as_format` forces a reader (csv, tsv, json, jsonl, text, parquet, xlsx), `encoding` a codec. JSON documents, xlsx
    files and nested archives above `max_document` bytes are skipped. `block` is the size of a text or CSV batch.
    `source_tree` tells that texts are source code under version control, `hashed` that the digests of what is read are
    wanted: a release holds reads against each other by them, a report does not show them.
    """

    as_format: str = ""
    encoding: str = ""
    max_document: int = MAX_DOCUMENT
    block: int = 1 << 20
    source_tree: bool = False
    hashed: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Recipe:
    """What is needed to open a file as the same document again: plain data, so that it can be sent to a process.

    `output` is None where the name is that path.
    """

    format: str
    name: str
    output: PurePosixPath | None
    path: str
    size: int
    options: Options

    @property
    def is_version(self) -> bool:
        """Whether the content is one of several that a file has had."""
        return False

    def content(self, limit: int) -> bytes | None:
        """All of the content, where it has less than `limit` bytes; None where it has more, or cannot be read."""
        try:
            content, _, is_all = peek(self.path, limit)
        except (SourceError, OSError):
            return None
        return content if is_all else None

    def opener(self) -> Opener:
        """What opens the content."""
        return opener_of(self.path)

    def dressed(self, document: Document) -> Document:
        """The document that was made of the content, as this recipe has it."""
        return document

    def placed(self, batch: Batch) -> Batch:
        """The batch that was made of the content, as a document of this recipe has it."""
        return batch


class Document(ABC):
    """One input file. A directory gives many; an archive is one, whose batches carry `archive.zip!member` as dataset.

    `name` is shown, `output` is the safe relative path of its rewritten form, `digest` (`sha256:…` over the bytes that
    were really read, "" where the options want none) is there once `read` or `rewrite` has run to its end. `recipe`
    makes the document anew in another process, where it is a file that can be opened there; `content` may be all of a
    small file, as it was read when it was found. `version` is the id of the content in a repository, which may have
    several of the file, `before` those of the contents that this one replaced.
    """

    name: str
    format: str
    encoding: str = ""
    size: int = 0
    rereadable: bool = True
    digest: str = ""
    recipe: Recipe | None = None
    content: bytes | None = None
    version: str = ""
    before: tuple[str, ...] = ()

    @cached_property
    def output(self) -> PurePosixPath:
        """The name, where nothing else was set. Made late: it takes a while, and a scan of many files asks for none."""
        return PurePosixPath(self.name)

    def earlier(self, version: str, labels: Labels) -> Document | None:
        """One of the versions `before`, None where it cannot be read."""
        return None

    @abstractmethod
    def read(self) -> Iterator[Batch | Skipped]:
        """All batches in order. What cannot be read is a `Skipped` between them; nothing but a bug raises."""

    @abstractmethod
    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        """Read again, ask `editor` for the changes to each batch, write the changed file to `out`.

        Raises SourceError when anything cannot be read now, OutputError when `out` cannot be written.
        """

"""The versions of files in a repository as documents: each content once, called by its path, placed by its commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from guard.batch import Batch, Edited, Editor
from guard.errors import SourceError
from guard.model import Input, Labels, Location, Reason, Skipped
from guard.sources.document import Document, Options, Recipe
from guard.sources.formats import check_options, open_document
from guard.sources.git import GITLINK, LINK, SHORT, Repository, Version
from guard.sources.git_blobs import HELD, BlobOpener, Objects, close_objects, opener_of_blob, read_ahead
from guard.sources.stable import Opener
from guard.sources.stream import skipped
from guard.tally import Tally

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*"
                      rb"oid sha256:[0-9a-f]{64}\nsize [0-9]+\n?")
_LARGEST_POINTER = 1024


@dataclass(frozen=True, slots=True)
class BlobRecipe(Recipe):
    """As a recipe of a file, whose `path` is that of the repository. `before` are the contents that the file had."""

    blob: str = ""
    commit: str = ""
    before: tuple[str, ...] = ()

    @property
    def is_version(self) -> bool:
        return True

    def content(self, limit: int) -> bytes | None:
        try:
            return opener_of_blob(Path(self.path), self.blob).content(limit)
        except SourceError:
            return None

    def opener(self) -> Opener:
        return lambda: opener_of_blob(Path(self.path), self.blob)()

    def dressed(self, document: Document) -> Document:
        return BlobDocument(document, self)

    def placed(self, batch: Batch) -> Batch:
        return _committed(batch, self.commit)


class BlobDocument(Document):
    """One version of a file. It is `inner`, but that its places name the commit."""

    rereadable = False

    def __init__(self, inner: Document, recipe: BlobRecipe) -> None:
        self.version, self.before = recipe.blob, recipe.before
        self.name, self.output = recipe.name, recipe.output or PurePosixPath(recipe.name)
        self.format, self.size = inner.format, recipe.size
        self.recipe: BlobRecipe = recipe
        self._inner = inner

    def read(self) -> Iterator[Batch | Skipped]:
        for item in self._inner.read():
            yield item if isinstance(item, Skipped) else _committed(item, self.recipe.commit)
        self.encoding, self.digest = self._inner.encoding, self._inner.digest

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        raise SourceError("a version in a repository cannot be changed", hint="check it out, and change the file")

    def earlier(self, version: str, labels: Labels) -> Document | None:
        try:
            opener = opener_of_blob(Path(self.recipe.path), version)
        except SourceError:
            return None
        found = open_document(self.name, self.output, opener, opener.size, self.recipe.options, labels)
        return found if isinstance(found, Document) else None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Committed(Batch):
    """A batch of a version."""

    inner: Batch | None = None

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        if self.inner is None:
            raise AssertionError("a batch of a version without the batch")
        return replace(self.inner.locate(column, cell, start, end), commit=self.commit[:SHORT] or None)


def _committed(batch: Batch, commit: str) -> Batch:
    return _Committed(batch.dataset, batch.rows, batch.data, batch.columns, batch, is_source=batch.is_source,
                      commit=commit)


class Versions:
    """What `repository` has of all its files, or since a revision, or in its index. To be closed in the end."""

    def __init__(self, repository: Repository, options: Options, labels: Labels, *, since: str = "",
                 staged: bool = False) -> None:
        check_options(options)
        self._repository = repository
        self._options = options
        self._is_staged, self._is_part = staged, bool(since)
        self._paths = _Paths(labels)
        self._labels = labels
        self._listed = repository.staged() if staged else repository.history(since)
        self._objects = Objects(repository)
        self._seen: set[bytes] = set()
        self._said: set[tuple[str, Reason]] = set()
        self._unread: dict[str, Skipped] = {}
        self.name = labels.label(repository.path.resolve().name, "repository")
        self._count = self._bytes = 0

    def tally(self) -> Tally:
        """The repository as an input; to be asked for at the end.

        That nothing is staged, or that commits since a revision brought no content, is known: then nothing was to be
        read. A repository without content is empty as a file is, and so is what no commit is in.
        """
        is_known = self._is_staged or (self._is_part and self._repository.commits > 0)
        reason = "" if self._count or is_known else str(Reason.EMPTY)
        found = Input(self.name, self._bytes, "skipped" if reason else "scanned", reason, "git")
        return Tally(inputs=[found], skipped=[Skipped(self.name, Reason.EMPTY)] if reason else [])

    def counts(self) -> dict[str, int]:
        """How many commits were read, and how many contents."""
        return {"commits": self._repository.commits, "versions": self._count}

    def documents(self) -> Iterator[Document | Skipped]:
        """Every content, in the order of the commits; why one cannot be read is told once for each path."""
        try:
            for version, content in read_ahead(self._objects, self._new()):
                if (found := self._found(version, content)) is not None:
                    yield found
            yield from self._unread.values()
            if self._repository.is_cut:
                yield Skipped(self.name, Reason.TRUNCATED, "the clone is shallow")
        except SourceError as error:
            yield skipped(self.name, error)

    def close(self) -> None:
        """End what runs behind it. Documents that were not read by then open it again."""
        self._listed.close()
        self._objects.close()
        close_objects(self._repository.path)

    def _new(self) -> Iterator[Version]:
        """The versions whose content did not come before. Of what has none, a note is made."""
        for version in self._listed:
            if version.mode == GITLINK or not version.blob:
                self._note_without_content(version)
                continue
            identity = bytes.fromhex(version.blob)
            if identity not in self._seen:
                self._seen.add(identity)
                yield version

    def _note_without_content(self, version: Version) -> None:
        name = str(self._paths.shown(version.path))
        if version.mode == GITLINK:
            self._unread[name] = Skipped(name, Reason.SPECIAL, "a submodule")
        else:
            self._unread[name] = Skipped(name, Reason.UNREADABLE, "an unresolved merge")

    def _found(self, version: Version, content: BlobOpener | SourceError) -> Document | Skipped | None:
        """The document of a version; None where nothing is in it and where the same was said before."""
        path = self._paths.shown(version.path)
        if isinstance(content, SourceError):
            found: Document | Skipped = skipped(str(path), content)
        elif not content.size:
            return None  # its id says that nothing is in it, so this was read
        else:
            found = self._document(version, path, content)
        if isinstance(found, Document):
            self._count, self._bytes = self._count + 1, self._bytes + found.size
        elif (found.dataset, found.reason) in self._said:
            return None
        else:
            self._said.add((found.dataset, found.reason))
        return found

    def _document(self, version: Version, path: PurePosixPath, opener: BlobOpener) -> Document | Skipped:
        name = str(path)
        if opener.size <= _LARGEST_POINTER:
            with opener() as stream:
                if _POINTER.fullmatch(stream.read()):
                    return Skipped(name, Reason.UNSUPPORTED, "a Git LFS pointer")
        # The content of a link is the path that it leads to.
        options = self._options._replace(as_format="text") if version.mode == LINK else self._options
        found = open_document(name, path, opener, opener.size, options, self._labels)
        if isinstance(found, Skipped):
            return found
        recipe = BlobRecipe(found.format, name, path, str(self._repository.path), opener.size, options, version.blob,
                            version.commit, version.before)
        document = BlobDocument(found, recipe)
        document.content = opener.content(HELD)
        return document


class _Paths:
    """Paths as they may be shown. A part that is a finding is called by its number among those of its folder."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._numbers: dict[PurePosixPath, dict[str, int]] = {}

    def shown(self, raw: bytes) -> PurePosixPath:
        *folders, last = raw.decode("utf-8", "surrogateescape").split("/")
        path = PurePosixPath()
        for part in folders:
            path = self._part(path, part, "folder", "")
        suffix = PurePosixPath(last).suffix
        return self._part(path, last, "file", suffix if suffix[1:].isalpha() and suffix.isascii() else "")

    def _part(self, folder: PurePosixPath, raw: str, kind: str, suffix: str) -> PurePosixPath:
        known = self._numbers.get(folder, {})
        fallback = f"{kind} {known.get(raw, len(known) + 1)}{suffix[:8]}"
        readable = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        label = self._labels.label(readable, fallback, dataset=str(folder / fallback))
        if label == readable:
            return folder / raw
        self._numbers.setdefault(folder, {}).setdefault(raw, len(known) + 1)
        return folder / fallback

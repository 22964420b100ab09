"""gzip and zip: what is in them is read as documents of their own, and written again into a new archive."""

from __future__ import annotations

import gzip
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from guard.batch import Batch, Edited, Editor
from guard.errors import OutputError, SourceError
from guard.model import Labels, Reason, Skipped
from guard.sources.archive_streams import Budget, GunzipStream, MemberStream, UnpackedStream
from guard.sources.document import MAX_DEPTH, Document, Options
from guard.sources.formats import HEAD, SEEKING, construct, in_memory, open_document, sniff
from guard.sources.stable import Opener, StableFile
from guard.sources.stream import START, skipped
from guard.sources.text import TextBatch

MAX_MEMBERS = 100_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UTF8_NAME, _ENCRYPTED = 0x800, 0x41
_HEADER = 30
"""Bytes of a local file header before its name."""
_LARGE = 1 << 30
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]|^[A-Za-z]:|^/")
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


class _Archive(Document):
    """What gzip and zip share. `budget` is given by the archive around this one."""

    def __init__(self, name: str, output: PurePosixPath, opener: Opener, size: int, options: Options, labels: Labels,
                 depth: int = 0) -> None:
        self.name = name
        self.output = output
        self.size = size
        self._opener = opener
        self._options = options
        self._labels = labels
        self._depth = depth
        self.budget: Budget | None = None

    def _shared_budget(self) -> Budget:
        """The budget of the outermost archive. What comes from a pipe has no size and may expand to the largest one."""
        if self.budget is not None:
            return self.budget
        return Budget(self.size if self.size >= 0 else self._options.max_document)


class GzipDocument(_Archive):
    """A gzip file around one document, read as a stream."""

    format = "gzip"

    def read(self) -> Iterator[Batch | Skipped]:
        if self._depth >= MAX_DEPTH:
            yield Skipped(self.name, Reason.TOO_DEEP)
            return
        try:
            with StableFile.wrap(self._opener(), hashed=self._options.hashed) as file:
                streams, inner = self._inner(file)
                yield from _read_inner(inner, streams, self.name)
                self.digest = file.digest
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield skipped(self.name, error)
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        if self._depth >= MAX_DEPTH:
            raise SourceError("an archive is nested too deep", reason=Reason.TOO_DEEP)
        with _reading(), StableFile.wrap(self._opener()) as file:
            streams, inner = self._inner(file)
            with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:
                edited = _rewrite_inner(inner, streams, cast(BinaryIO, packed), editor)
            self.digest = file.digest
            _check_unchanged(file)
        return edited

    def _inner(self, file: StableFile) -> tuple[list[UnpackedStream], Document | Skipped]:
        """The document inside, and the streams that it reads. Standard input can be opened once only, so the stream
        that was looked at to know the format is the first that the document gets."""
        budget = self._shared_budget()
        first = GunzipStream(cast(BinaryIO, file), budget, closes=False)
        streams, waiting = [first], [first]

        def opener() -> BinaryIO:
            if waiting:
                return cast(BinaryIO, waiting.pop())
            streams.append(GunzipStream(cast(BinaryIO, StableFile.wrap(self._opener())), budget))
            return cast(BinaryIO, streams[-1])

        head = first.read(HEAD)
        first.unread(head)
        output = PurePosixPath(self.output.stem) if self.output.suffix.lower() == ".gz" else self.output
        found = sniff(head, output.suffix, self._options)
        if isinstance(found, tuple):
            return list(streams), Skipped(self.name, *found)
        ready = in_memory(opener, self._options.max_document) if found in SEEKING else opener
        inner = construct(found, self.name, output, ready, -1, self._options, self._labels, self._depth + 1)
        return cast(list[UnpackedStream], streams), _within(inner, budget)


class ZipDocument(_Archive):
    """A zip file: every member is a document `archive.zip!member`."""

    format = "zip"

    def read(self) -> Iterator[Batch | Skipped]:
        if self._depth >= MAX_DEPTH:
            yield Skipped(self.name, Reason.TOO_DEEP)
            return
        try:
            with StableFile.wrap(self._opener(), hashed=self._options.hashed) as file, _open_zip(file) as archive:
                yield from self._comments(archive)
                budget = self._shared_budget()
                for member in _members(archive, self.name, self._labels):
                    if isinstance(member, Skipped):
                        yield member
                        continue
                    streams, inner = self._inner(archive, member, budget)
                    yield from _read_inner(inner, streams, member.name)
                self.digest = file.digest
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield skipped(self.name, error)
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        if self._depth >= MAX_DEPTH:
            raise SourceError("an archive is nested too deep", reason=Reason.TOO_DEEP)
        total = Edited()
        with _reading(), StableFile.wrap(self._opener()) as file, _open_zip(file) as archive:
            budget = self._shared_budget()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
                for member in _members(archive, self.name, self._labels):
                    if isinstance(member, Skipped):
                        raise SourceError("a member of an archive cannot be read", reason=member.reason)
                    total = _plus(total, self._write(packed, archive, member, budget, editor))
            self.digest = file.digest
            _check_unchanged(file)
        return total

    def _write(self, packed: zipfile.ZipFile, archive: zipfile.ZipFile, member: _Member, budget: Budget,
               editor: Editor) -> Edited:
        streams, inner = self._inner(archive, member, budget)
        output = member.output if isinstance(inner, Skipped) else inner.output
        entry = zipfile.ZipInfo(str(output), _EPOCH)
        entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
        entry.external_attr = (stat.S_IFREG | 0o644) << 16
        with packed.open(entry, "w", force_zip64=member.info.file_size > _LARGE) as target:
            return _rewrite_inner(inner, streams, cast(BinaryIO, target), editor)

    def _inner(self, archive: zipfile.ZipFile, member: _Member,
               budget: Budget) -> tuple[list[UnpackedStream], Document | Skipped]:
        streams: list[UnpackedStream] = []

        def opener() -> BinaryIO:
            streams.append(MemberStream(archive, member.info, budget))
            return cast(BinaryIO, streams[-1])

        inner = open_document(member.name, member.output, opener, -1, self._options, self._labels, self._depth + 1,
                              Path(member.output.name))
        return streams, _within(inner, budget)

    def _comments(self, archive: zipfile.ZipFile) -> Iterator[Batch]:
        """Comments of the archive and its members: free text that nobody looks for."""
        comments = [archive.comment, *(member.comment for member in archive.infolist())]
        text = "\n".join(comment.decode("utf-8", "replace") for comment in comments if comment)
        if text:
            yield TextBatch(f"{self.name}#comments", text.count("\n") + 1, text.encode(), place=START)


@dataclass(frozen=True, slots=True)
class _Member:
    """A member that can be opened: its shown name, the safe path of its rewritten form, its entry."""

    name: str
    output: PurePosixPath
    info: zipfile.ZipInfo


def _open_zip(file: StableFile) -> zipfile.ZipFile:
    """The directory of the archive. Raises SourceError: corrupt, or members that share bytes (a bomb)."""
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, file))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, struct.error):
        raise SourceError("a zip file is corrupt", reason=Reason.CORRUPT) from None
    spans = sorted((info.header_offset, info.header_offset + _HEADER + info.compress_size)
                   for info in archive.infolist())
    if any(end > begin for (_, end), (begin, _) in pairwise(spans)):
        archive.close()
        raise SourceError("members of a zip file overlap", reason=Reason.BOMB)
    if len(spans) > MAX_MEMBERS:
        archive.close()
        raise SourceError("a zip file has too many members", reason=Reason.TOO_LARGE)
    return archive


def _members(archive: zipfile.ZipFile, name: str, labels: Labels) -> Iterator[_Member | Skipped]:
    """All members but folders, in the order of the archive's directory. Two of the same name get different ones."""
    taken: set[str] = set()
    for number, info in enumerate(archive.infolist(), 1):
        raw = _raw_name(info)
        if raw.endswith("/") and not info.file_size:
            continue
        if reason := _refusal(raw, info):
            yield Skipped(f"{name}!member {number}", reason)
            continue
        path = _shown(raw, number, labels, name)
        while str(path).casefold() in taken:
            path = path.with_name(f"{number} {path.name}")
        taken.add(str(path).casefold())
        if info.flag_bits & _ENCRYPTED:
            yield Skipped(f"{name}!{path}", Reason.ENCRYPTED)
        elif info.compress_type not in _READABLE:
            yield Skipped(f"{name}!{path}", Reason.UNSUPPORTED, "compression method")
        else:
            yield _Member(f"{name}!{path}", path, info)


def _raw_name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: archives made on Chinese Windows hold GBK without saying so."""
    if info.flag_bits & _UTF8_NAME:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.orig_filename
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.orig_filename


def _refusal(raw: str, info: zipfile.ZipInfo) -> Reason | None:
    """Why a member is not opened at all."""
    if _UNSAFE.search(raw) or any(part in ("", ".", "..") for part in raw.split("/")):
        return Reason.UNSAFE_PATH
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return Reason.SYMLINK
    return Reason.SPECIAL if kind not in (0, stat.S_IFREG) else None


def _shown(raw: str, number: int, labels: Labels, dataset: str) -> PurePosixPath:
    """The path that may be shown and created; a withheld name keeps its suffix, which says the format."""
    *folders, last = raw.split("/")
    suffix = PurePosixPath(last).suffix
    suffix = suffix if suffix.isascii() and suffix[1:].isalpha() and len(suffix) <= 8 else ""
    parts = [labels.label(part, f"folder {place}", dataset=dataset) for place, part in enumerate(folders, 1)]
    return PurePosixPath(*parts, labels.label(last, f"member {number}{suffix}", dataset=dataset))


def _within(inner: Document | Skipped, budget: Budget) -> Document | Skipped:
    if isinstance(inner, _Archive):
        inner.budget = budget
    return inner


def _read_inner(inner: Document | Skipped, streams: list[UnpackedStream], name: str) -> Iterator[Batch | Skipped]:
    """The batches of the inner document, and why its stream ended early."""
    if isinstance(inner, Document):
        yield from inner.read()
    failure = next((stream.failure for stream in streams if stream.failure is not None), None)
    if failure is not None:
        yield skipped(name, failure)
    elif isinstance(inner, Skipped):
        yield inner


def _rewrite_inner(inner: Document | Skipped, streams: list[UnpackedStream], out: BinaryIO, editor: Editor) -> Edited:
    if isinstance(inner, Skipped):
        raise SourceError("what is in an archive cannot be read", reason=inner.reason)
    edited = inner.rewrite(out, editor)
    for stream in streams:
        if stream.failure is not None:
            raise stream.failure
    return edited


def _check_unchanged(file: StableFile) -> None:
    if file.changed():
        raise SourceError("an input changed while it was read", reason=Reason.CHANGED)


def _plus(one: Edited, two: Edited) -> Edited:
    return Edited(one.replaced + two.replaced, one.dropped + two.dropped, one.rows + two.rows, one.notes + two.notes)


@contextmanager
def _reading() -> Iterator[None]:
    """An OSError while the new archive is written is one of its output: readers give SourceError or end early."""
    try:
        yield
    except OSError as error:
        raise OutputError.of(error) from None

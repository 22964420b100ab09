"""Finding documents: files and folders, standard input, tables in memory."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from guard.errors import SourceError, UsageError
from guard.model import Labels, Reason, Skipped
from guard.sources.document import Document, Options
from guard.sources.formats import HEAD, SEEKING, check_options, construct, in_memory, open_document, sniff
from guard.sources.stable import Opener, opener_of

_IN_MEMORY = (*SEEKING, "json")


def discover(path: str | os.PathLike[str], options: Options, labels: Labels) -> Iterator[Document | Skipped]:
    """The documents of a file, or of a folder and all below it, sorted by name.

    Links are not followed and nothing but regular files is opened; both are `Skipped`. Names are shown through
    `labels`, each part of a path for itself. Raises UsageError when there is nothing at `path`.
    """
    check_options(options)
    root = Path(path)
    try:
        mode = root.lstat().st_mode
    except (OSError, ValueError):
        raise UsageError("the source does not exist or cannot be read", hint="check the path") from None
    if stat.S_ISLNK(mode):
        # The person who names a link means its target; links below a folder were named by nobody.
        try:
            root = root.resolve(strict=True)
        except (OSError, RuntimeError):
            raise UsageError("the source is a link to nothing", hint="check the path") from None
        mode = root.lstat().st_mode
    if stat.S_ISDIR(mode):
        return _walk(root, PurePosixPath(), options, labels)
    shown = _shown(root.name, PurePosixPath(), 1, "file", labels)
    return iter([_open(root, mode, shown, options, labels)])


def _walk(folder: Path, shown: PurePosixPath, options: Options, labels: Labels) -> Iterator[Document | Skipped]:
    """Everything below a folder. Numbers in withheld names count within their folder."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError:
        yield Skipped(str(shown), Reason.UNREADABLE, "folder")
        return
    for number, entry in enumerate(entries, 1):
        is_folder = entry.is_dir(follow_symlinks=False)
        name = _shown(entry.name, shown, number, "folder" if is_folder else "file", labels)
        if is_folder:
            yield from _walk(folder / entry.name, name, options, labels)
            continue
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            yield Skipped(str(name), Reason.UNREADABLE)
            continue
        yield _open(folder / entry.name, mode, name, options, labels)


def _shown(raw: str, folder: PurePosixPath, number: int, kind: str, labels: Labels) -> PurePosixPath:
    """The path that may be shown and created. A withheld file name keeps its last suffix, which says the format."""
    # Names that are no UTF-8 come with surrogates, which no report could be written with.
    readable = os.fsencode(raw).decode("utf-8", "replace")
    fallback = f"{kind} {number}"
    label = labels.label(readable, fallback, dataset=str(folder / fallback))
    if label != readable and kind == "file":
        suffix = PurePosixPath(readable).suffix
        label += suffix if suffix.isascii() and suffix[1:].isalpha() and len(suffix) <= 8 else ""
    return folder / label


def _open(path: Path, mode: int, shown: PurePosixPath, options: Options, labels: Labels) -> Document | Skipped:
    name = str(shown)
    if stat.S_ISLNK(mode):
        return Skipped(name, Reason.SYMLINK)
    if not stat.S_ISREG(mode):
        return Skipped(name, Reason.SPECIAL)
    try:
        size = path.lstat().st_size
    except OSError:
        return Skipped(name, Reason.UNREADABLE)
    if not size:
        return Skipped(name, Reason.EMPTY)
    return open_document(name, shown, opener_of(path), size, options, labels, path=path)


def open_stream(stream: BinaryIO, options: Options, labels: Labels, name: str = "-") -> Document | Skipped:
    """The document of a stream that is read once, such as standard input.

    Formats that need their whole content (Parquet, xlsx, zip, JSON documents) are taken into memory, up to
    `max_document` bytes.
    """
    check_options(options)
    head = _read_head(stream)
    found = sniff(head, "", options)
    if isinstance(found, tuple):
        return Skipped(name, *found)
    opener: Opener = _OneRead(head, stream).open
    if found in _IN_MEMORY:
        opener = _kept(in_memory(opener, options.max_document))
    document = construct(found, name, PurePosixPath(f"stdin.{found}"), opener, -1, options, labels)
    document.rereadable = False
    return document


def open_table(table: Any, labels: Labels, name: str = "table") -> Document:
    """The document of a table in memory: pyarrow, pandas or polars."""
    from guard.sources.arrow import TableDocument

    return TableDocument(name, PurePosixPath(f"{name}.parquet"), table, labels)


def _read_head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD and (data := stream.read(HEAD - len(head))):
        head += data
    return head


class _Rejoined(io.RawIOBase):
    """The bytes that were looked at, followed by the rest of the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            data, self._head = self._head + self._stream.read(), b""
            return data
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._stream.read(size)


class _OneRead:
    """Opens a stream once."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._joined: _Rejoined | None = _Rejoined(head, stream)

    def open(self) -> BinaryIO:
        joined, self._joined = self._joined, None
        if joined is None:
            raise SourceError("a stream cannot be read twice", hint="save it to a file first")
        return joined  # type: ignore[return-value]


def _kept(opener: Opener) -> Opener:
    """An opener that keeps what it read once."""
    kept: list[bytes] = []

    def open_kept() -> BinaryIO:
        if not kept:
            with opener() as stream:
                kept.append(stream.read())
        return io.BytesIO(kept[0])

    return open_kept

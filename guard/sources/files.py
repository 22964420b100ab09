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
from guard.sources.document import Document, Options, Recipe
from guard.sources.formats import HEAD, SEEKING, check_options, construct, in_memory, open_document, sniff
from guard.sources.stable import Opener, opener_of, read_fully

_IN_MEMORY = (*SEEKING, "json")


def discover(path: str | os.PathLike[str], options: Options, labels: Labels) -> Iterator[Document | Skipped]:
    """The documents of a file, or of a folder and all below it, sorted by name.

    Links are not followed and nothing but regular files is opened; both are `Skipped`. Names are shown through
    `labels`, each part of a path for itself. Raises UsageError when there is nothing at `path`.
    """
    check_options(options)
    named = root = Path(path)
    try:
        mode = root.lstat().st_mode
        if stat.S_ISLNK(mode):
            # Who names a link means its target; links inside a folder were named by nobody.
            root = root.resolve(strict=True)
            mode = root.lstat().st_mode
    except (OSError, ValueError, RuntimeError):
        raise UsageError("the source does not exist or cannot be reached", hint="check the path") from None
    if stat.S_ISDIR(mode):
        return _walk(root, options, labels)
    shown = _Names([named.name], PurePosixPath(), labels).shown(named.name, "file")
    return iter([_open(root, mode, shown, options, labels)])


def _walk(root: Path, options: Options, labels: Labels) -> Iterator[Document | Skipped]:
    """Everything below a folder, depth first. A stack of listings, because folders may be nested deeper than calls."""
    stack = [_list(root, PurePosixPath(), labels)]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        path, shown, mode = found
        if mode is None:
            yield Skipped(str(shown), Reason.UNREADABLE)
        elif stat.S_ISDIR(mode) and is_history(path):
            yield Skipped(str(shown), Reason.HISTORY)
        elif stat.S_ISDIR(mode):
            stack.append(_list(path, shown, labels))
        else:
            yield _open(path, mode, shown, options, labels)


def is_history(folder: Path) -> bool:
    """Whether git keeps a repository in this folder. It is packed and compressed; `guard.sources.git` reads it."""
    return folder.name == ".git" and (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def is_versioned(path: Path) -> bool:
    """Whether a file or folder is part of the working tree of a git repository."""
    try:
        resolved = path.resolve()
        return any((folder / ".git").exists() for folder in (resolved, *resolved.parents))
    except (OSError, ValueError, RuntimeError):
        return False


def _list(folder: Path, shown: PurePosixPath, labels: Labels) -> Iterator[tuple[Path, PurePosixPath, int | None]]:
    """Path, shown name and mode of the entries of a folder, sorted by their bytes; mode None for what is unreadable."""
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: os.fsencode(entry.name))
    except OSError:
        yield folder, shown, None
        return
    names = _Names([entry.name for entry in entries], shown, labels)
    for entry in entries:
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except OSError:
            mode = None
        kind = "folder" if mode is not None and stat.S_ISDIR(mode) else "file"
        yield folder / entry.name, names.shown(entry.name, kind), mode


class _Names:
    """The names of one folder as they may be shown and created. One that is withheld is called by its number."""

    def __init__(self, raw: list[str], folder: PurePosixPath, labels: Labels) -> None:
        self._numbers = {name: number for number, name in enumerate(raw, 1)}
        self._folder = folder
        self._labels = labels

    def shown(self, raw: str, kind: str) -> PurePosixPath:
        fallback = self._fallback(raw, kind)
        # A name that is no UTF-8 is scanned as far as it can be read, but two of them may read alike.
        readable = os.fsencode(raw).decode("utf-8", "replace")
        label = self._labels.label(readable, fallback, dataset=str(self._folder / fallback))
        return self._folder / (raw if label == raw else fallback)

    def _fallback(self, raw: str, kind: str) -> str:
        """A name that no other entry has, with the suffix of the file, for that says its format."""
        suffix = PurePosixPath(raw).suffix if kind == "file" else ""
        suffix = suffix if suffix.isascii() and suffix[1:].isalpha() and len(suffix) <= 8 else ""
        label = f"{kind} {self._numbers[raw]}"
        while label + suffix in self._numbers:
            label += "-"
        return label + suffix


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
    found = open_document(name, shown, opener_of(path), size, options, labels, path=path)
    if isinstance(found, Document):
        found.recipe = Recipe(found.format, name, shown, path.absolute(), size, options)
    return found


def reopen(recipe: Recipe, labels: Labels) -> Document:
    """The document of a recipe, whose format is known; what happened to the file since then shows when it is read."""
    return recipe.dressed(construct(recipe.format, recipe.name, recipe.output, recipe.opener(), recipe.size,
                                    recipe.options, labels))


def open_stream(stream: BinaryIO, options: Options, labels: Labels, name: str = "-") -> Document | Skipped:
    """The document of a stream that is read once, such as standard input.

    Formats that need their whole content (Parquet, xlsx, zip, JSON documents) are taken into memory, up to
    `max_document` bytes.
    """
    check_options(options)
    head = read_fully(stream, HEAD)
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

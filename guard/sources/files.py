"""Finding documents: files and folders, standard input, tables in memory."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple, Protocol, runtime_checkable

from guard import compiled
from guard.errors import SourceError, UsageError
from guard.model import Labels, Reason, Skipped
from guard.sources.document import Document, Options, Recipe
from guard.sources.formats import HEAD, SEEKING, check_options, construct, in_memory, recognised, sniff
from guard.sources.stable import Opener, opener_of, peek, read_fully
from guard.sources.stream import skipped

AHEAD = 2048
"""Names that are listed before the first of them is shown."""
_IN_MEMORY = (*SEEKING, "json")
_NAME = attrgetter("name")


@runtime_checkable
class Foreseeing(Protocol):
    """Labels that may be told beforehand which names they are going to be asked about."""

    def foresee(self, raw: Iterable[str]) -> None:
        """`label` is soon called with these names."""
        ...

    def is_plain(self, raw: str) -> bool:
        """Whether it is known already that `label` gives this name as it is."""
        ...


def discover(path: str | os.PathLike[str], options: Options, labels: Labels, *, with_content: bool = False
             ) -> Iterator[Document | Skipped]:
    """The documents of a file, or of a folder and all below it, sorted by name.

    Links are not followed and nothing but regular files is opened; both are `Skipped`. Names are shown through
    `labels`, each part of a path for itself. `with_content` is for who reads each document once, as it comes: small
    files, of which all was seen to tell their format, need not be opened again. Raises UsageError when there is nothing
    at `path`.
    """
    check_options(options)
    opening = _Opening(options, labels, with_content)
    named = root = Path(path)
    try:
        status = root.lstat()
        if stat.S_ISLNK(status.st_mode):
            # Who names a link means its target; links inside a folder were named by nobody.
            root = root.resolve(strict=True)
            status = root.lstat()
    except (OSError, ValueError, RuntimeError):
        raise UsageError("the source does not exist or cannot be reached", hint="check the path") from None
    if stat.S_ISDIR(status.st_mode):
        return _walk(root, opening)
    compiled.announce(status.st_size)
    shown = _Names([named.name], "", labels, _foreseeing(labels)).shown(named.name, "file")
    return iter([opening.document(str(root.absolute()), shown) if stat.S_ISREG(status.st_mode)
                 else Skipped(shown, Reason.SPECIAL)])


def _walk(root: Path, opening: _Opening) -> Iterator[Document | Skipped]:
    """Everything below a folder, depth first. Names are listed some way ahead, so that many are scanned at once."""
    size, foreseeing = 0, _foreseeing(opening.labels)
    listed = _listed(_Folder(str(root.absolute()), opening.labels, foreseeing))
    while entries := list(islice(listed, AHEAD)):
        size += _size(entries, compiled.WORTH - size)
        compiled.announce(size)
        if foreseeing is not None:
            foreseeing.foresee([_readable(entry.name) for entry in entries])
        for entry in entries:
            shown = entry.shown  # of a folder too: its name may be a finding
            if entry.why_not is not None:
                yield Skipped(shown, entry.why_not)
            elif not entry.is_folder:
                yield opening.document(entry.path, shown)
            elif entry.is_history:
                yield Skipped(shown, Reason.HISTORY)


def _size(entries: Iterable[_Entry], enough: int) -> int:
    """The bytes of files, not many more than it is `enough` to know of: each takes a call of the system."""
    total = 0
    for entry in entries:
        if total >= enough:
            break
        if not entry.is_folder and entry.why_not is None:
            with suppress(OSError):
                total += os.lstat(entry.path).st_size
    return total


def _foreseeing(labels: Labels) -> Foreseeing | None:
    """The labels if they are such. Asked once: to look for methods takes longer than to list a folder."""
    return labels if isinstance(labels, Foreseeing) else None


def _listed(root: _Folder) -> Iterator[_Entry]:
    """All entries below a folder. A stack of listings, because folders may be nested deeper than calls."""
    stack = [root.entries()]
    while stack:
        for entry in stack[-1]:
            yield entry
            if entry.is_folder and not entry.is_history:
                stack.append(_Folder(entry.path, root.labels, root.foreseeing, entry).entries())
                break
        else:
            stack.pop()


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


class _Folder:
    """A folder at a path, which `entry` of another one is. How it is shown is asked when what is in it is shown."""

    def __init__(self, path: str, labels: Labels, foreseeing: Foreseeing | None, entry: _Entry | None = None) -> None:
        self.path = path
        self.labels = labels
        self.foreseeing = foreseeing
        self._entry = entry
        self._raw: list[str] = []
        self._names: _Names | None = None

    def entries(self) -> Iterator[_Entry]:
        """What is in it, sorted by the bytes of the names; one without a name where it cannot be read."""
        try:
            with os.scandir(self.path) as scanned:
                found = list(scanned)
        except OSError:
            return iter((_Entry(self, "", self.path, Reason.UNREADABLE),))
        if len(found) > 1:
            _put_in_order(found)
        self._raw = [entry.name for entry in found]
        return map(self._entry_of, found)

    def _entry_of(self, found: os.DirEntry[str]) -> _Entry:
        """An entry; what it is the listing tells mostly, without a further call of the system."""
        why_not = None
        try:
            if found.is_dir(follow_symlinks=False):
                return _Entry(self, found.name, found.path, is_folder=True)
            if not found.is_file(follow_symlinks=False):
                is_link = stat.S_ISLNK(found.stat(follow_symlinks=False).st_mode)
                why_not = Reason.SYMLINK if is_link else Reason.SPECIAL
        except OSError:
            why_not = Reason.UNREADABLE
        return _Entry(self, found.name, found.path, why_not)

    @property
    def shown(self) -> str:
        """Its path below the root, "" for the root."""
        return "" if self._entry is None else self._entry.shown

    def shown_entry(self, name: str, kind: str) -> str:
        """How a name in it is shown."""
        if self._names is None:
            self._names = _Names(self._raw, self.shown, self.labels, self.foreseeing)
        return self._names.shown(name, kind)


def _put_in_order(found: list[os.DirEntry[str]]) -> None:
    """By the bytes of the names. Those of UTF-8 have the order of its characters; bytes that are none stand apart."""
    found.sort(key=_NAME)
    if not "".join(map(_NAME, found)).isascii():
        found.sort(key=lambda entry: os.fsencode(entry.name))


class _Entry:
    """A name in a folder, and why it is not to be opened if it is neither a folder nor a regular file."""

    __slots__ = ("_folder", "_shown", "is_folder", "is_history", "name", "path", "why_not")

    def __init__(self, folder: _Folder, name: str, path: str, why_not: Reason | None = None, *,
                 is_folder: bool = False) -> None:
        self._folder = folder
        self.name = name
        self.path = path
        self.why_not = why_not
        self.is_folder = is_folder
        self.is_history = is_folder and name == ".git" and is_history(Path(path))
        self._shown = ""

    @property
    def shown(self) -> str:
        """Its path below the root, as it may be shown and created."""
        if not self._shown:
            self._shown = self._folder.shown_entry(self.name, "folder" if self.is_folder else "file") if self.name \
                else self._folder.shown or "."
        return self._shown


class _Names:
    """The names of one folder as they may be shown and created. One that is withheld is called by its number."""

    def __init__(self, raw: list[str], folder: str, labels: Labels, foreseeing: Foreseeing | None) -> None:
        self._raw = raw
        self._prefix = f"{folder}/" if folder else ""
        self._labels = labels
        self._foreseeing = foreseeing

    def shown(self, raw: str, kind: str) -> str:
        if self._foreseeing is not None and raw.isascii() and self._foreseeing.is_plain(raw):
            return self._prefix + raw  # as nearly all are; what else it could be called takes longer to find
        fallback = self._fallback(raw, kind)
        label = self._labels.label(_readable(raw), fallback, dataset=self._prefix + fallback)
        return self._prefix + (raw if label == raw else fallback)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self._raw, 1)}

    def _fallback(self, raw: str, kind: str) -> str:
        """A name that no other entry has, with the suffix of the file, for that says its format."""
        suffix = _suffix_of(raw) if kind == "file" else ""
        suffix = suffix if suffix.isascii() and suffix[1:].isalpha() and len(suffix) <= 8 else ""
        label = f"{kind} {self._numbers[raw]}"
        while label + suffix in self._numbers:
            label += "-"
        return label + suffix


def _suffix_of(path: str) -> str:
    """As `PurePath.suffix`, without making one."""
    dot = path.rfind(".")
    return path[dot:] if path.rfind(os.sep) + 1 < dot < len(path) - 1 else ""


def _readable(name: str) -> str:
    """A name as far as it can be read: one may be no UTF-8, and two of these may read alike."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


class _Opening(NamedTuple):
    """How what is found becomes a document."""

    options: Options
    labels: Labels
    with_content: bool

    def document(self, path: str, name: str) -> Document | Skipped:
        """The document of the regular file at an absolute path, or why there is none."""
        try:
            head, size, is_all = peek(path, HEAD)
        except SourceError as error:
            return Skipped(name, Reason.EMPTY) if _is_empty(path) else skipped(name, error)
        except OSError:
            return Skipped(name, Reason.UNREADABLE)
        if not size:
            return Skipped(name, Reason.EMPTY)
        found = recognised(head, name, None, opener_of(path), size, self.options, self.labels, 0, _suffix_of(path))
        if isinstance(found, Document):
            found.recipe = Recipe(found.format, name, None, path, size, self.options)
            found.content = head if is_all and self.with_content else None
        return found


def _is_empty(path: str) -> bool:
    """Whether there is nothing in a file, which can be told of one that may not be read."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and not found.st_size


def reopen(recipe: Recipe, labels: Labels, content: bytes | None = None) -> Document:
    """The document of a recipe, whose format is known; what happened to the file since then shows when it is read.

    With its `content`, if that was read already, the file is not opened again.
    """
    opener = recipe.opener() if content is None else partial(io.BytesIO, content)
    return recipe.dressed(construct(recipe.format, recipe.name, recipe.output, opener, recipe.size, recipe.options,
                                    labels))


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
    taken = _Rejoined(head, stream)
    opener: Opener = _OneRead(taken).open
    if found in _IN_MEMORY:
        opener = _kept(in_memory(opener, options.max_document))
    document = construct(found, name, PurePosixPath(f"stdin.{found}"), opener, -1, options, labels)
    document.rereadable = False
    taken.at_end = partial(setattr, document, "size")
    return document


def open_table(table: Any, labels: Labels, name: str = "table") -> Document:
    """The document of a table in memory: pyarrow, pandas or polars."""
    from guard.sources.arrow import TableDocument

    return TableDocument(name, PurePosixPath(f"{name}.parquet"), table, labels)


class _Rejoined(io.RawIOBase):
    """The bytes that were looked at, followed by the rest of the stream. `at_end` is told how many there were."""

    at_end: Callable[[int], None] | None = None

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream
        self._count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = -1
            data, self._head = self._head + self._stream.read(), b""
        elif self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._stream.read(size)
        self._count += len(data)
        if self.at_end is not None and (size < 0 or (size and not data)):
            self.at_end(self._count)
        return data


class _OneRead:
    """Opens a stream once."""

    def __init__(self, joined: _Rejoined) -> None:
        self._joined: _Rejoined | None = joined

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

"""The content of git's objects, by `git cat-file`: in the order in which they come, and one by one."""

from __future__ import annotations

import io
import os
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from guard.errors import SourceError
from guard.model import Reason
from guard.sources.git import Repository, Version

HELD = 8_000_000
"""Bytes of a blob that is taken into memory; a larger one is read through a process of its own each time."""
_AHEAD = 200
"""Blobs that are asked for before the first of them is read. To wait for each would take longer than to scan it; so
many ids fit into a pipe, so neither side waits for the other to read."""


class Objects:
    """The objects of a repository by id. Safe for threads, not for a fork."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._turn = threading.Lock()
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def content(self, blob: str) -> bytes | int:
        """All of it, or its size when that is more than HELD. Raises SourceError where there is no such blob."""
        with self._turn:
            self.ask([blob])
            return self.answer()

    def ask(self, blobs: Iterable[str]) -> None:
        """Ask for blobs; each is one `answer`, in this order. At most _AHEAD may wait."""
        if self._process is None:
            self._process = self._stack.enter_context(
                self._repository.running("cat-file", "--batch", stdin=subprocess.PIPE))
        asked = cast(BinaryIO, self._process.stdin)
        try:
            asked.write("".join(f"{blob}\n" for blob in blobs).encode())
            asked.flush()
        except OSError:
            self.close()  # it died: the answer says so

    def answer(self) -> bytes | int:
        """As `content`, of the next blob that was asked for. After one that is too large the others are forgotten."""
        answered = cast(BinaryIO, self._process.stdout) if self._process is not None else io.BytesIO()
        parts = answered.readline().split()
        if len(parts) != 3:
            # In a partial clone the content is elsewhere, and nothing is downloaded.
            raise SourceError("an object of the repository is missing or broken", reason=Reason.UNREADABLE)
        kind, size = parts[1], int(parts[2])
        if kind != b"blob" or size > HELD:
            self.close()  # rather than to read to its end what nobody wants
            if kind == b"blob":
                return size
            raise SourceError("an object of the repository is no file", reason=Reason.CORRUPT)
        data = answered.read(size)
        if len(data) != size or answered.read(1) != b"\n":
            self.close()
            raise SourceError("git cat-file stopped early", reason=Reason.CORRUPT)
        return data

    @property
    def path(self) -> Path:
        """A folder of the repository."""
        return self._repository.path

    @property
    def is_open(self) -> bool:
        """Whether what was asked for is still to come."""
        return self._process is not None

    def stream(self, blob: str) -> BinaryIO:
        """The content piece by piece."""
        return cast(BinaryIO, io.BufferedReader(_BlobStream(self._repository, blob)))

    def close(self) -> None:
        """End the process; the next question starts another one."""
        self._stack.close()
        self._process = None


class _BlobStream(io.RawIOBase):
    """The output of a process that ends with the stream."""

    def __init__(self, repository: Repository, blob: str) -> None:
        self._stack = ExitStack()
        self._process = self._stack.enter_context(repository.running("cat-file", "blob", blob))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        output = cast(io.BufferedReader, self._process.stdout)
        count = output.readinto(cast(bytearray, buffer))
        if not count and self._process.wait():
            raise OSError("git cat-file stopped early")
        return count

    def close(self) -> None:
        self._stack.close()
        super().close()


class BlobOpener:
    """Opens a blob. `content` is all of it, or its size when it is too large to be held."""

    def __init__(self, path: Path, blob: str, content: bytes | int) -> None:
        self._path, self._blob, self._content = path, blob, content

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._content if isinstance(self._content, int) else len(self._content)

    def content(self, limit: int) -> bytes | None:
        """All of it, where it has less than `limit` bytes and is held."""
        return None if isinstance(self._content, int) or len(self._content) >= limit else self._content

    def __call__(self) -> BinaryIO:
        if isinstance(self._content, int):
            return objects_of(self._path).stream(self._blob)
        return io.BytesIO(self._content)


Contents = Iterator[tuple[Version, "BlobOpener | SourceError"]]


def read_ahead(objects: Objects, versions: Iterable[Version]) -> Contents:
    """Each version with its content, or why there is none; many are asked for at a time."""
    waiting, coming = deque[Version](), iter(versions)
    while True:
        if len(waiting) <= _AHEAD // 2:
            more = list(islice(coming, _AHEAD - len(waiting)))
            waiting.extend(more)
            objects.ask(version.blob for version in more)
        if not waiting:
            return
        version = waiting.popleft()
        yield version, _answered(objects, version)
        if waiting and not objects.is_open:
            objects.ask(version.blob for version in waiting)


def _answered(objects: Objects, version: Version) -> BlobOpener | SourceError:
    try:
        return _shared(BlobOpener(objects.path, version.blob, objects.answer()))
    except SourceError as error:
        return error


_opened: dict[tuple[int, Path], Objects] = {}
_openers: weakref.WeakValueDictionary[tuple[Path, str], BlobOpener] = weakref.WeakValueDictionary()


def _shared(opener: BlobOpener) -> BlobOpener:
    """The opener, which others in this process get as well while somebody has it."""
    _openers[opener._path, opener._blob] = opener
    return opener


def opener_of_blob(path: Path, blob: str) -> BlobOpener:
    """What opens a blob of the repository at `path`. Raises SourceError where there is no such blob."""
    known = _openers.get((path, blob))
    return known or _shared(BlobOpener(path, blob, objects_of(path).content(blob)))


def objects_of(path: Path) -> Objects:
    """The objects of the repository at `path`, for this process: a forked one must not ask through another's pipes."""
    key = os.getpid(), path
    if key not in _opened:
        _opened[key] = Objects(Repository(path))
    return _opened[key]


def close_objects(path: Path) -> None:
    """End what `objects_of` started for this process."""
    if objects := _opened.pop((os.getpid(), path), None):
        objects.close()

"""The content of git's objects: one `git cat-file` for each process and repository, asked for one after the other."""

from __future__ import annotations

import io
import os
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from guard.errors import SourceError
from guard.model import Reason
from guard.sources.git import Repository

HELD = 8_000_000
"""Bytes of a blob that is taken into memory; a larger one is read through a process of its own each time."""


class Objects:
    """The objects of a repository by id, for one process."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._turn = threading.Lock()
        self._stack = ExitStack()
        self._checked = self._start("--batch-check")
        self._read = self._start("--batch")

    def _start(self, mode: str) -> subprocess.Popen[bytes]:
        return self._stack.enter_context(self._repository.running("cat-file", mode, stdin=subprocess.PIPE))

    def size(self, blob: str) -> int:
        """Its bytes. Raises SourceError where there is no such blob."""
        with self._turn:
            return self._asked(self._checked, blob)

    def content(self, blob: str) -> bytes:
        """All of it. Raises SourceError."""
        with self._turn:
            size, output = self._asked(self._read, blob), cast(BinaryIO, self._read.stdout)
            data = output.read(size)
            if len(data) != size or output.read(1) != b"\n":
                raise SourceError("git cat-file stopped early", reason=Reason.CORRUPT)
            return data

    def stream(self, blob: str) -> BinaryIO:
        """The same piece by piece."""
        return cast(BinaryIO, io.BufferedReader(_BlobStream(self._repository, blob)))

    def close(self) -> None:
        """End the processes."""
        self._stack.close()

    def _asked(self, process: subprocess.Popen[bytes], blob: str) -> int:
        asked, answered = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        try:
            asked.write(f"{blob}\n".encode())
            asked.flush()
            parts = answered.readline().split()
        except OSError:
            parts = []
        if len(parts) != 3:
            # In a partial clone the content is elsewhere, and nothing is downloaded.
            raise SourceError("an object of the repository is missing or broken", reason=Reason.UNREADABLE)
        if parts[1] != b"blob":
            raise SourceError("an object of the repository is no file", reason=Reason.CORRUPT)
        return int(parts[2])


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
    """Opens a blob; what fits is kept for the next time."""

    def __init__(self, path: Path, blob: str, size: int) -> None:
        self._path, self._blob, self._size = path, blob, size
        self._data: bytes | None = None

    def __call__(self) -> BinaryIO:
        if self._size > HELD:
            return objects_of(self._path).stream(self._blob)
        if self._data is None:
            self._data = objects_of(self._path).content(self._blob)
        return io.BytesIO(self._data)


_opened: dict[tuple[int, Path], Objects] = {}


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

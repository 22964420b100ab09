"""Reading a file once: hashed on the way, and held against what it was when it was opened."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, cast

from guard.errors import SourceError
from guard.model import Reason

Opener = Callable[[], BinaryIO]
"""Gives a fresh binary file at its start. It and the file raise nothing but SourceError and OSError."""

_PIECE = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


class Readable(Protocol):
    """A binary file, open for reading. Pipes and members of archives may give less than they were asked for."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, b"" only at the end."""
        ...


def read_fully(stream: Readable, size: int) -> bytes:
    """`size` bytes of the stream, or all that are left."""
    data = stream.read(size)
    if len(data) == size or not data:
        return data
    pieces, missing = [data], size - len(data)
    while missing and (data := stream.read(min(missing, _PIECE))):
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


class StableFile(io.RawIOBase):
    """A binary file that knows the SHA-256 of its bytes and whether it changed since it was opened.

    Bytes are hashed as they are read in order; `digest` reads what was not, so random access (Parquet, zip) works too.
    A stream without a descriptor (a member of an archive, memory) counts as never changed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash: hashlib._Hash | None = hashlib.sha256()
        self._hashed = 0
        self._position = 0
        self._stamp = _stamp(stream)

    @classmethod
    def open(cls, path: str | Path) -> StableFile:
        """As `open_regular`."""
        return cls(open_regular(path))

    @classmethod
    def wrap(cls, stream: BinaryIO | StableFile, *, hashed: bool = True) -> StableFile:
        """`stream` itself when it is stable already; if it is not to be `hashed`, its digest is ""."""
        file = stream if isinstance(stream, StableFile) else cls(stream)
        if not hashed:
            file._hash = None
        return file

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self._note(data)
        return data

    def readall(self) -> bytes:
        return self.read(-1)

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = self._stream.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def stamp(self) -> tuple[int, ...]:
        """What the file was when it was opened: device, inode, size, time of its last change; () for no file."""
        return self._stamp

    @property
    def digest(self) -> str:
        """`sha256:…` over all bytes; reads the rest of the file first where that was not done."""
        if self._hash is None:
            return ""
        if self._position != self._hashed:
            self.seek(self._hashed)
        while self.read(_PIECE):
            pass
        return f"sha256:{self._hash.hexdigest()}"

    def changed(self) -> bool:
        """Whether device, inode, size or modification time differ from when it was opened."""
        return self._stamp != _stamp(self._stream)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def __enter__(self) -> StableFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _note(self, data: bytes) -> None:
        end = self._position + len(data)
        if self._position <= self._hashed < end:
            if self._hash is not None:
                self._hash.update(memoryview(data)[self._hashed - self._position :])
            self._hashed = end
        self._position = end


def opener_of(path: str) -> Opener:
    """Opens the regular file at `path` as a `StableFile`, each time anew."""
    return cast(Opener, partial(StableFile.open, path))


def open_regular(path: str | Path) -> BinaryIO:
    """A regular file for reading, never through a link, never waiting for a pipe. Raises SourceError."""
    return open(_opened(path)[0], "rb")


def peek(path: str, size: int) -> tuple[bytes, int, bool]:
    """The first `size` bytes of a regular file, how many it has, and whether they are all of it and it stayed as it was
    meanwhile.

    Raises SourceError and OSError. In calls of the system alone, since a tree of sources has many small files, and with
    no more room than each needs: to ask for room and give it back takes longer than to read.
    """
    descriptor, found = _opened(path)
    try:
        data = os.read(descriptor, min(size, found.st_size + 1))
        while len(data) < size and len(data) != found.st_size and (more := os.read(descriptor, size - len(data))):
            data += more
        is_all = len(data) == found.st_size < size and _identity(os.fstat(descriptor)) == _identity(found)
    finally:
        os.close(descriptor)
    return data, found.st_size, is_all


def _opened(path: str | Path) -> tuple[int, os.stat_result]:
    """A descriptor and what the file was then. O_NONBLOCK: a FIFO put there since the listing must not make us wait."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        reason = Reason.SYMLINK if Path(path).is_symlink() else Reason.UNREADABLE
        raise SourceError(f"an input cannot be opened ({error.strerror})", reason=reason) from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise SourceError("an input is not a regular file", reason=Reason.SPECIAL)
    return descriptor, found


def _stamp(stream: BinaryIO) -> tuple[int, ...]:
    try:
        found = os.fstat(stream.fileno())
    except (OSError, AttributeError, io.UnsupportedOperation):
        return ()
    if not stat.S_ISREG(found.st_mode):
        return ()
    return _identity(found)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

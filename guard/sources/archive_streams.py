"""Streams out of archives: unpacked as they are read, within limits, never trusting a header.

A stream that fails just ends, and keeps the failure: what came before it is still scanned.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from guard.errors import SourceError
from guard.model import Reason
from guard.sources.document import MAX_RATIO

FREE = 4_000_000
"""So many bytes may come out of an archive or member, however small it is."""
_PIECE = 1 << 16
_GZIP = 31
"""zlib's `wbits` for a gzip header and trailer, whose check sums it verifies."""


class Budget:
    """How much may come out of an archive and all archives in it together."""

    def __init__(self, packed: int) -> None:
        self.left = max(FREE, MAX_RATIO * packed)

    def spend(self, size: int) -> bool:
        """Whether `size` more bytes were still allowed."""
        self.left -= size
        return self.left >= 0


class UnpackedStream(io.RawIOBase):
    """Bytes that come out of an archive. `failure` says why they ended early."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._given = 0
        self._returned = b""
        self._ended = False
        self.failure: SourceError | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes (all that is left with -1), fewer only at the end or before a failure."""
        wanted = size if size is not None and size >= 0 else 1 << 62
        pieces = [self._returned[:wanted]]
        self._returned = self._returned[wanted:]
        wanted -= len(pieces[0])
        while wanted and (piece := self._piece(min(wanted, _PIECE))):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def unread(self, data: bytes) -> None:
        """Give back what was read last; it comes again."""
        self._returned = data + self._returned

    def _piece(self, size: int) -> bytes:
        if self._ended or self.failure is not None:
            return b""
        data = self._unpack(size)
        self._given += len(data)
        self._ended = not data
        if data and (not self._budget.spend(len(data)) or self._given > max(FREE, MAX_RATIO * self._packed())):
            return self._fail("an archive expands too much", Reason.BOMB)
        return data

    def readall(self) -> bytes:
        return self.read(-1)

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer)).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    @abstractmethod
    def _unpack(self, size: int) -> bytes:
        """Some bytes, at most `size`; b"" at the end."""

    @abstractmethod
    def _packed(self) -> int:
        """How many packed bytes stand behind what was given."""

    def _fail(self, message: str, reason: Reason) -> bytes:
        self.failure = SourceError(message, reason=reason)
        return b""


class GunzipStream(UnpackedStream):
    """The content of a gzip file of one or several members. Zeros may follow the last one, nothing else."""

    def __init__(self, file: BinaryIO, budget: Budget, *, closes: bool = True) -> None:
        """`closes`: closing the stream closes the file."""
        super().__init__(budget)
        self._file = file
        self._closes = closes
        self._engine = zlib.decompressobj(_GZIP)
        self._held = b""
        self._read = 0

    def _packed(self) -> int:
        return self._read

    def _unpack(self, size: int) -> bytes:
        try:
            return self._inflate(size)
        except zlib.error:
            return self._fail("a gzip file is corrupt", Reason.CORRUPT)
        except OSError:
            return self._fail("a gzip file cannot be read", Reason.UNREADABLE)

    def _inflate(self, size: int) -> bytes:
        while True:
            if self._engine.eof and not self._next_member():
                return b""
            if not self._held:
                self._held = self._fill()
            given = self._held
            data = self._engine.decompress(given, size)
            self._held = self._engine.unconsumed_tail or self._engine.unused_data
            if data:
                return data
            if not given and not self._engine.eof:
                return self._fail("a gzip file is truncated", Reason.TRUNCATED)

    def _next_member(self) -> bool:
        while not (rest := self._held.lstrip(b"\0")):
            self._held = self._fill()
            if not self._held:
                return False
        if rest != self._held or not rest.startswith(b"\x1f"):
            self._fail("something follows the end of a gzip file", Reason.CORRUPT)
            return False
        self._engine = zlib.decompressobj(_GZIP)
        return True

    def _fill(self) -> bytes:
        data = self._file.read(_PIECE)
        self._read += len(data)
        return data

    def close(self) -> None:
        if not self.closed and self._closes:
            self._file.close()
        super().close()


class MemberStream(UnpackedStream):
    """The content of one member of a zip file."""

    def __init__(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: Budget) -> None:
        super().__init__(budget)
        self._member = member
        self._stream = self._guard(lambda: archive.open(member))

    def _packed(self) -> int:
        return self._member.compress_size

    def _unpack(self, size: int) -> bytes:
        stream = self._stream
        return b"" if stream is None else self._guard(lambda: stream.read(size)) or b""

    def _guard(self, ask: Callable[[], Any]) -> Any:
        """What `ask` gives. Every error of the library is a corrupt member; its text may show names."""
        try:
            return ask()
        except EOFError:
            self._fail("a member of an archive is truncated", Reason.TRUNCATED)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError):
            self._fail("a member of an archive is corrupt", Reason.CORRUPT)
        return None

    def close(self) -> None:
        if not self.closed and self._stream is not None:
            self._stream.close()
        super().close()

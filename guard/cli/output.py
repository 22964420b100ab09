"""Where results go: new files that appear whole or not at all, and streams whose reader may go away."""

from __future__ import annotations

import io
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from guard.errors import OutputError, UsageError

if TYPE_CHECKING:
    from guard.model import Finding

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def created(path: Path) -> Iterator[TextIO]:
    """A text file of mode 0600 that takes the place of `path` when it is complete; devices are written to directly."""
    try:
        if _is_special(path):
            with path.open("w", encoding="utf-8", newline="\n") as file:
                yield file
            return
        half = path.with_name(f".{path.name}.guard-{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(half, _NEW, 0o600), "w+", encoding="utf-8", newline="\n") as file:
                os.fchmod(file.fileno(), 0o600)
                yield file
            half.replace(path)
        finally:
            with suppress(FileNotFoundError):
                half.unlink()
    except OSError as error:
        raise OutputError.of(error, "a report") from None


def _is_special(path: Path) -> bool:
    """Whether something stands at `path` that a file must not take the place of."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise UsageError("a report cannot take the place of a folder", hint="name a file")
    return not stat.S_ISREG(mode)


class FindingsFile:
    """A sink that streams findings to a file as JSON Lines."""

    def __init__(self, file: TextIO) -> None:
        if not file.seekable():
            raise UsageError("--findings needs a file that can be shortened",
                             hint="findings of a document are taken back when a state-secret mark stands in it")
        self._file = file
        self._kept = 0

    def write(self, finding: Finding) -> None:
        self._file.write(json.dumps(finding.as_json(), ensure_ascii=False) + "\n")

    def keep(self) -> None:
        self._kept = self._file.tell()

    def withdraw(self) -> None:
        self._file.seek(self._kept)
        self._file.truncate()


class Outlet(io.FileIO):
    """A standard stream that takes everything. A reader that went away is no error: what is written then is lost, and
    the exit code stays what it is. `failure` says why anything else could not be written (a full disk)."""

    failure = ""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            pass
        except OSError as error:
            self.failure = error.strerror or type(error).__name__
        return memoryview(data).nbytes  # type: ignore[arg-type]


def open_outlets() -> Outlet:
    """Put outlets in the place of stdout and stderr; returns that of stdout."""
    outlets = [Outlet(os.devnull if stream is None else stream.fileno(), "w", closefd=stream is None)
               for stream in (sys.stdout, sys.stderr)]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(outlet), "utf-8" if stream is None else stream.encoding, "backslashreplace",
                         line_buffering=outlet.isatty() or stream is sys.stderr)
        for outlet, stream in zip(outlets, (sys.stdout, sys.stderr), strict=True))
    return outlets[0]

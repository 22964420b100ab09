"""Where results go: new files that appear whole or not at all, and the standard output."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

from guard.errors import OutputError, UsageError

if TYPE_CHECKING:
    from guard.model import Finding

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STDOUT = ("-", "/dev/stdout")
_DEVICES = (Path("/dev"), Path("/proc"))
"""What lies there may lead to a file (`/dev/fd/3`); another file must not take its place all the same."""
_HELD = 1 << 23
_ENCODER = json.JSONEncoder(ensure_ascii=False)


def is_stdout(path: Path | None) -> bool:
    """Whether this path of an option stands for the standard output."""
    return path is not None and str(path) in _STDOUT


@contextmanager
def created(path: Path) -> Iterator[TextIO]:
    """A text file of mode 0600 that takes the place of `path` when it is complete.

    Devices are written to directly, and so is the standard output, which `-` stands for.
    """
    try:
        if is_stdout(path):
            yield sys.stdout
            return
        if _is_special(path):
            with path.open("w", encoding="utf-8", newline="\n") as file:
                yield file
            return
        half = path.with_name(f".{path.name}.guard-{os.urandom(8).hex()}")
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
    if any(devices in path.absolute().parents for devices in _DEVICES):
        return True
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise UsageError("a report cannot take the place of a folder", hint="name a file")
    return not stat.S_ISREG(mode)


class FindingsFile:
    """A sink that writes findings to a file as JSON Lines."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._kept = self._written = 0

    def write(self, finding: Finding) -> None:
        line = _line(finding)
        self._file.write(line)
        # Counted, as a file that is asked writes everything out first.
        self._written += len(line) if line.isascii() else len(line.encode())

    def keep(self) -> None:
        self._kept = self._written

    def withdraw(self) -> None:
        self._file.seek(self._kept)
        self._file.truncate()
        self._written = self._kept


class FindingsStream:
    """A sink that passes findings on as JSON Lines to what cannot be shortened: a pipe, a terminal.

    Those of a document wait in `held` until it has been read: when a state-secret mark stands in it, they are taken
    back.
    """

    def __init__(self, file: TextIO, held: IO[str]) -> None:
        self._file, self._held = file, held

    def write(self, finding: Finding) -> None:
        self._held.write(_line(finding))

    def keep(self) -> None:
        self._held.seek(0)
        for line in self._held:
            self._file.write(line)
        self._file.flush()
        self.withdraw()

    def withdraw(self) -> None:
        self._held.seek(0)
        self._held.truncate()


@contextmanager
def findings_to(file: TextIO) -> Iterator[FindingsFile | FindingsStream]:
    """The sink that fits a file or stream."""
    if file is not sys.stdout and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        yield FindingsFile(file)
        return
    import tempfile

    # Beyond some megabytes it becomes a file without a name; it holds previews only.
    with tempfile.SpooledTemporaryFile(_HELD, "w+", encoding="utf-8", newline="\n") as held:
        yield FindingsStream(file, cast(IO[str], held))


def _line(finding: Finding) -> str:
    return _ENCODER.encode(finding.as_json()) + "\n"

"""Where results go: new files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import stat
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

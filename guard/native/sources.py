"""The sources of all loops: their digest names the machine code that is made of them.

A loop is part of those that call it, so a change anywhere may matter.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache as once
from pathlib import Path

from guard import cache

PACKAGE = Path(__file__).parent.parent


@once
def digest() -> str:
    """64 hex digits; noted in the user's cache for these very files, since reading them all takes longer than loading
    a loop."""
    files = sorted(_modules(str(PACKAGE)))
    note = cache.key("sources of loops", repr(files))
    if (known := cache.load(note)) is not None:
        return known.decode("ascii")
    found = _digest(Path(path) for path, _, _ in files)
    cache.store(note, found.encode("ascii"))
    return found


def _digest(paths: Iterator[Path]) -> str:
    """Of what makes machine code, and has loops; the same wherever the package lies."""
    total = hashlib.sha256()
    for path in paths:
        source = path.read_bytes()
        if b"guard.compiled import" in source or path.parent.name == "native" or path.name == "compiled.py":
            total.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + hashlib.sha256(source).digest())
    return total.hexdigest()


def _modules(folder: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of change of every module below a folder. That of their content would not do: some ways to
    install files give it one value for all versions."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.path, status.st_size, status.st_ctime_ns
            elif not entry.name.startswith("_") and entry.is_dir():
                yield from _modules(entry.path)

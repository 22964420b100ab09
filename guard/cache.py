"""The user's cache of compiled rules and checked content: small files that only their owner can have written.

A serialised Hyperscan database is run as it is, so a blob is trusted input. The directory must belong to the user and
be closed to everybody else, no link is followed on the last step, a file carries the digest of its content, and its
name is a digest of all that the content depends on. Every doubt and every error means "not there": the caller
compiles anew and nothing is said.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import TypeVar

Blob = TypeVar("Blob", bytes, bytearray)

MAGIC = b"guard rules 1\n"
_HEAD = len(MAGIC) + 32
MAX_BLOB = 64_000_000
KEEP = 64
"""So many blobs stay: a handful for each version and rule set that somebody really uses."""
KEPT_FAMILY = 5
"""So many older directories of machine code stay, a few megabytes each: several versions may be in use."""
_SUFFIX = ".rules"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def directory() -> Path | None:
    """`$GUARD_CACHE_DIR`, else `guard` in `$XDG_CACHE_HOME` or `~/.cache`; None where there is no home."""
    if chosen := os.environ.get("GUARD_CACHE_DIR"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base, "guard")
    try:
        return Path.home() / ".cache" / "guard"
    except RuntimeError:
        return None


def is_refused() -> bool:
    """Whether the directory is there, but not for its owner alone, so that nothing is kept in it."""
    path = directory()
    with contextlib.suppress(OSError):
        return path is not None and not _is_private(path.lstat())
    return False


def key(*parts: str) -> str:
    """The name of a blob: 64 hex digits over the parts and the machine whose code the blob is."""
    machine = (sys.platform, platform.machine(), sys.byteorder, _processor())
    return hashlib.sha256("\0".join((*parts, *machine)).encode()).hexdigest()


def digest_of(paths: Iterable[Path]) -> str:
    """A digest of the files that a blob is made by or of; empty where one cannot be read, and then nothing is kept."""
    total = hashlib.sha256()
    try:
        for path in paths:
            total.update(path.read_bytes())
    except OSError:
        return ""
    return total.hexdigest()


def load(name: str, within: str = "") -> bytes | None:
    """The blob stored under `key()`, or None when there is none that can be trusted.

    `within` is the name of a `subdirectory`, where a blob is the file of its name.
    """
    return _loaded(name, within, FileIO.read)


def load_writable(name: str, within: str = "") -> bytearray | None:
    """As `load`, for blobs that are to be written to."""
    return _loaded(name, within, _read_writable)


def _read_writable(file: FileIO, size: int) -> bytearray:
    blob = bytearray(size)
    return blob if file.readinto(blob) == size else bytearray()


def _loaded(name: str, within: str, read: Callable[[FileIO, int], Blob]) -> Blob | None:
    """The blob as `read` gives it: a large one is not copied, for each page of it is dear."""
    with contextlib.suppress(OSError), _opened(within, create=False) as folder:
        handle = os.open(name if within else name + _SUFFIX, os.O_RDONLY | _NO_FOLLOW, dir_fd=folder)
        with FileIO(handle) as file:
            state = os.fstat(handle)
            if stat.S_ISREG(state.st_mode) and _is_private(state) and _HEAD <= state.st_size <= MAX_BLOB:
                head, blob = file.read(_HEAD), read(file, state.st_size - _HEAD)
                is_whole = len(blob) == state.st_size - _HEAD and not file.read(1)
                return blob if is_whole and head == MAGIC + hashlib.sha256(blob).digest() else None
    return None


def store(name: str, blob: bytes, within: str = "") -> None:
    """Keeps a blob for the next process: complete or not at all, mode 0600."""
    temporary = f"{os.urandom(8).hex()}.new"
    with contextlib.suppress(OSError), _opened(within, create=True) as folder:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
        handle = os.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + hashlib.sha256(blob).digest() + blob)
            os.replace(temporary, name if within else name + _SUFFIX, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
        if not within:
            _prune(folder)


def identity(name: str) -> str:
    """Which file it is that lies under `key()` now: no copy of it, restored or moved, is the same. "" without one."""
    with contextlib.suppress(OSError), _opened("", create=False) as folder:
        state = os.stat(name + _SUFFIX, dir_fd=folder, follow_symlinks=False)
        return f"{state.st_dev}:{state.st_ino}:{state.st_ctime_ns}:{state.st_size}"
    return ""


def subdirectory(name: str, family: str) -> Path | None:
    """A directory of its own, mode 0700, for files that belong together; None when none can be trusted.

    Older ones whose names begin with `family` go, but for the latest few.
    """
    path = directory()
    with contextlib.suppress(OSError), _opened("", create=True) as folder:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode=0o700, dir_fd=folder)
            _prune_family(folder, name, family)
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if path is not None and stat.S_ISDIR(state.st_mode) and _is_private(state):
            return path / name
    return None


def _prune_family(folder: int, name: str, family: str) -> None:
    """Machine code of versions that are gone."""
    import shutil  # with it come three ways to compress, for what happens once after an update

    others = [entry for entry in os.listdir(folder) if entry.startswith(family) and entry != name]
    ages = {entry: os.stat(entry, dir_fd=folder, follow_symlinks=False).st_mtime for entry in others}
    for entry in sorted(others, key=ages.__getitem__, reverse=True)[KEPT_FAMILY:]:
        shutil.rmtree(entry, dir_fd=folder, ignore_errors=True)


@contextlib.contextmanager
def _opened(within: str, *, create: bool) -> Iterator[int]:
    """The directory, or one in it, as a descriptor, so that nobody can swap it between two steps.

    Raises OSError on any doubt.
    """
    path = directory()
    if path is None or os.open not in os.supports_dir_fd:
        raise OSError("no cache directory on this system")
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        folder = _opened_folder(path, None, stack)
        yield _opened_folder(within, folder, stack) if within else folder


def _opened_folder(path: str | Path, parent: int | None, stack: contextlib.ExitStack) -> int:
    folder = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW, dir_fd=parent)
    stack.callback(os.close, folder)
    if not _is_private(os.fstat(folder)):
        raise OSError("the cache directory is open to others")
    return folder


def _is_private(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not stat.S_IMODE(state.st_mode) & 0o077


def _prune(folder: int) -> None:
    """Blobs and left-over temporary files go, those first that were not used for longest, so that the directory stays
    small. Systems note a day's first use, or none: then it is the oldest that go."""
    entries = [entry for entry in os.listdir(folder) if entry.endswith((_SUFFIX, ".new"))]
    states = {entry: os.stat(entry, dir_fd=folder, follow_symlinks=False) for entry in entries}
    uses = {entry: max(state.st_mtime, state.st_atime) for entry, state in states.items()}
    for entry in sorted(entries, key=uses.__getitem__, reverse=True)[KEEP:]:
        os.unlink(entry, dir_fd=folder)


@functools.cache
def processor_features() -> frozenset[str]:
    """What the processor can do, as Linux lists it; nothing on other systems."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            head = file.read(8192)
    except OSError:
        return frozenset()
    lines = [line for line in head.splitlines() if line.startswith((b"flags", b"Features"))]
    return frozenset(lines[0].decode("ascii", "replace").partition(":")[2].split()) if lines else frozenset()


@functools.cache
def _processor() -> str:
    """A digest of its features: a database compiled for wider registers must not be loaded."""
    features = processor_features()
    return hashlib.sha256(" ".join(sorted(features)).encode()).hexdigest() if features else platform.processor()

"""Files that only their owner may read: opened with that checked, made whole or not at all, replaced in one step.

For keyrings, key files and the audit log. Every failure is a KeyringError that names the file and never its content.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.errors import KeyringError, UnwrittenError

MAX_FILE = 1 << 20
"""Bytes of the largest file that `read_private` takes."""
_ASIDE_BYTES = 6


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner can read. Raises KeyringError for any other, and for one too large."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        content = os.read(descriptor, MAX_FILE)
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        os.close(descriptor)
    return content


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a private file. What is open is checked, not the path, so that no swap comes between."""
    try:
        # Without O_NONBLOCK a named pipe at this path would hang us.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError as error:
        raise unwritten(path, error) if flags & os.O_CREAT else KeyringError(f"{_name(path)} does not exist") from None
    except OSError as error:
        if path.is_symlink():
            raise KeyringError(f"{_name(path)} is a symbolic link", hint="name the file itself") from None
        raise (unwritten if flags & os.O_CREAT else _unreadable)(path, error) from None
    try:
        _check_private(os.fstat(descriptor), path)
    except KeyringError:
        os.close(descriptor)
        raise
    return descriptor


def create_private(path: Path, content: bytes) -> None:
    """A new file, mode 0600, all or nothing, never over another: written aside, synced, and linked into place."""
    try:
        with _aside(path, content) as aside:
            # A link, not a rename: it fails when a file appeared at the path meanwhile.
            os.link(aside, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        raise unwritten(path, error) from None


def replace_private(path: Path, content: bytes) -> None:
    """New content, mode 0600, in place of a file: a reader, or a crash at any moment, meets the old or the new whole.

    The caller holds `locked(path)`, so whatever lies aside was left by a process that is gone, and is removed.
    """
    sweep(path)
    try:
        with _aside(path, content) as aside:
            os.replace(aside, path)  # noqa: PTH105 - one system call, atomic
        sync_folder(path.parent)
    except OSError as error:
        raise unwritten(path, error) from None


def sweep(path: Path) -> None:
    """Remove what writers that were killed left beside `path`: it may hold a key that is destroyed by now."""
    length = len(path.name) + 2 + 2 * _ASIDE_BYTES
    try:
        names = [beside.name for beside in path.parent.iterdir()]
    except OSError as error:
        raise unwritten(path, error) from None
    for name in names:
        if name.startswith(f".{path.name}.") and len(name) == length:
            path.with_name(name).unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The only writer of a private file that exists, as long as the context lasts; others wait.

    The lock is on the file itself, which every writer replaces: who comes to hold the lock of a file that was replaced
    meanwhile opens the new one and waits again.
    """
    while True:
        descriptor = open_private(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """What was made, renamed or removed in a folder is on disk afterwards."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exists_already(path: Path) -> KeyringError:
    """The error for a file that would be overwritten."""
    return KeyringError(f"{_name(path)} exists already", hint="a keyring is never overwritten; choose another path")


def unwritten(path: Path, error: OSError) -> KeyringError:
    """The error for a failed write."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return KeyringError(f"the folder that should hold {_name(path)} does not exist", hint="create it first")
    return UnwrittenError(f"{_name(path)} cannot be written ({error.strerror})")


def _name(path: Path) -> str:
    """What a file is called; of `.` and `/` the name is empty."""
    return path.name or str(path)


def _unreadable(path: Path, error: OSError) -> KeyringError:
    return KeyringError(f"{_name(path)} cannot be read ({error.strerror})")


@contextmanager
def _aside(path: Path, content: bytes) -> Iterator[Path]:
    """The content in a file beside `path`, on disk; removed at the end where it is still there."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(_ASIDE_BYTES)}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def _check_private(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyringError(f"{_name(path)} is not a regular file")
    if status.st_uid != os.geteuid():
        raise KeyringError(f"{_name(path)} belongs to another user")
    if status.st_mode & 0o077:
        raise KeyringError(f"{_name(path)} can be read by others than its owner", hint=f"chmod 600 {path.name}")

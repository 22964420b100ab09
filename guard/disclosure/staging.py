"""A release is made in a staging folder beside its place and moved there in one step, or leaves nothing.

A lock file beside the staging folder is held while its process lives; the next release into the same place sweeps the
folders whose process is gone (kill -9, power cut). The lock is made before the folder and removed after it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from guard.errors import OutputError, UsageError


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A private folder beside `target`; removed at the end unless `publish` moved it away."""
    if os.path.lexists(target):
        raise UsageError("the output exists already", hint="name a place where nothing is yet")
    if not os.path.isdir(target.parent):  # noqa: PTH112 - never raises
        raise UsageError("the folder that should hold the output does not exist", hint="create it first")
    sweep(target)
    folder = target.parent / f".{target.name}.guard-{secrets.token_hex(8)}"
    with output_errors():
        lock = _locked(_lock_of(folder))
    try:
        with output_errors():
            folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            _lock_of(folder).unlink()
        os.close(lock)


def publish(folder: Path, target: Path) -> None:
    """Move the finished staging folder to its place: everything is on disk first, the move itself is one rename."""
    with output_errors():
        for path in [*folder.rglob("*"), folder]:
            _sync(path)
        if os.path.lexists(target):
            raise UsageError("the output folder appeared while the release was made")
        os.rename(folder, target)  # noqa: PTH104 - one system call, atomic
        _sync(target.parent)


def publish_file(file: Path, target: Path) -> None:
    """Move a finished file of the staging folder to its place, where nothing may have appeared meanwhile."""
    with output_errors():
        _sync(file)
        try:
            # A link, not a rename, which would replace what is there.
            os.link(file, target)
        except FileExistsError:
            raise UsageError("the output appeared while it was made") from None
        _sync(target.parent)


def sweep(target: Path) -> int:
    """Remove the staging folders of releases into `target` whose process is gone. Returns how many."""
    swept = 0
    for folder in target.parent.glob(f".{_escaped(target.name)}.guard-" + "[0-9a-f]" * 16):
        if not folder.is_symlink() and folder.is_dir() and not _is_alive(folder):
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    for lock in target.parent.glob(f".{_escaped(target.name)}.guard-{'[0-9a-f]' * 16}.lock"):
        if not _is_alive(lock.with_suffix("")):
            with suppress(OSError):
                lock.unlink()
    return swept


@contextmanager
def output_errors() -> Iterator[None]:
    """Turn a failed write into one clear error."""
    try:
        yield
    except OSError as error:
        raise OutputError.of(error) from None


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _locked(path: Path) -> int:
    lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _is_alive(folder: Path) -> bool:
    try:
        lock = os.open(_lock_of(folder), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

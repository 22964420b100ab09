"""Where machine code is kept: one file for each loop and signature, in a directory of the user's cache.

The name of the directory is a digest of the sources of all loops, the versions and the processor: a loop is part of
those that call it, so a change anywhere may matter. The files are those of `guard.cache`: of one user, closed to
others, with a digest of their content, complete or not there.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache as once
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from guard import cache
from guard.native import loading, shipped, sources
from guard.native.loading import Code, Machine
from guard.native.signatures import Signature

_FAMILY = "loops-"
_COMPLETE = "complete"
_LOCK = "lock"


def load(function: Callable[..., Any], signature: Signature) -> Code | None:
    """The function as machine code for arguments of that signature, if it is kept and works in this process."""
    name = name_of(function, signature)
    for find in (shipped.load, load_bytes):
        with contextlib.suppress(LookupError, ValueError, TypeError, RuntimeError):
            if (content := find(name)) is not None:
                return loading.load(Machine.from_bytes(content, name))
    return None


def load_bytes(name: str) -> bytes | None:
    """What is kept here under that name."""
    folder = directory()
    return cache.load(name, folder.name) if folder is not None else None


def store(function: Callable[..., Any], signature: Signature, machine: Machine) -> Code:
    """The same of code that was made in this process, which is kept for others. Raises as `loading.load`."""
    code, folder, name = loading.load(machine), directory(), name_of(function, signature)
    if folder is not None:
        cache.store(name, machine.to_bytes(name), folder.name)
    return code


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """While it lasts no other process compiles: they wait, and find what this one has made. Without a directory, or
    locks on it, each for itself."""
    folder, handle = directory(), -1
    with contextlib.suppress(OSError):
        if folder is not None:
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle >= 0:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)  # a worker that was forked meanwhile has the file open, too
            os.close(handle)


def is_filled() -> bool:
    """Whether there is machine code of all that is usually needed: it came with the package, or earlier processes have
    left it; one that was interrupted has not."""
    return shipped.is_usable() or load_bytes(_COMPLETE) is not None


def note_filled() -> None:
    """Say that it is all there."""
    if (folder := directory()) is not None:
        cache.store(_COMPLETE, b"", folder.name)


@once
def directory() -> Path | None:
    """None where nothing may be kept: then every process compiles for itself."""
    return cache.subdirectory(_FAMILY + _digest()[:32], _FAMILY)


def name_of(function: Callable[..., Any], signature: Signature) -> str:
    """The name of its file: whose code it is."""
    constants: dict[str, str] = {}
    _find_constants(function, constants)
    digest = hashlib.sha256(repr((signature, sorted(constants.items()))).encode()).hexdigest()
    return f"{function.__module__}.{function.__qualname__}-{digest[:32]}"


def _find_constants(function: Callable[..., Any], found: dict[str, str]) -> None:
    """What a loop, and those that it calls, has of its module and of others: the compiler makes constants of them.

    Names of attributes are looked up everywhere, which tells more than is needed.
    """
    names = function.__code__.co_names
    spaces = [function.__globals__]
    spaces += [vars(value) for name in names if isinstance(value := spaces[0].get(name), ModuleType)
               and value.__name__.startswith("guard.")]
    for space in spaces:
        for name in names:
            value, place = space.get(name), f"{space['__name__']}.{name}"
            if place in found:
                continue
            if isinstance(value, np.ndarray):
                kind = repr((value.dtype.str, value.shape)).encode()
                found[place] = hashlib.sha256(kind + value.tobytes()).hexdigest()
            elif isinstance(value, np.generic):
                found[place] = f"{value.dtype.str} {value.item()!r}"
            elif isinstance(value, (int, float, str, bytes, tuple)):
                found[place] = repr(value)
            elif isinstance(inner := getattr(value, "__wrapped__", None), FunctionType):
                found[place] = ""
                _find_constants(inner, found)


def _digest() -> str:
    """Of the sources of all loops, of what they are compiled with, and of the processor."""
    return cache.key(sources.digest(), sys.version, *_versions())


def _versions() -> tuple[str, ...]:
    """Of the compiler, its back end and NumPy: as written in their files, since asking for them takes longer."""
    found = (importlib.util.find_spec(name) for name in ("numba", "llvmlite"))
    files = [Path(spec.origin).with_name("_version.py") for spec in found if spec is not None and spec.origin]
    return np.__version__, *(file.read_text("utf-8") for file in files if file.exists())

"""Loops that run as machine code: the one place that knows the compiler (numba).

A module of compiled loops is plain Python that a reader can follow and a test can run; `loop` makes machine code of
it when it is first called. Compiling takes seconds, so the code is kept in the user's cache, in a directory whose name
is a digest of the sources, the versions and the processor. Importing the compiler costs a third of a second: callers
import modules of loops only when there is enough to do (`guard.detect.matcher`), and do without where there is no
compiler for the platform.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import Any, TypeVar

from guard import cache

Function = TypeVar("Function", bound=Callable[..., Any])
WORTH = 3_000_000
"""Bytes of work for which loading the compiler takes about as long as doing without it."""
WORTH_COMPILING = 30_000_000
"""The same where the loops have to be compiled first."""
_PACKAGE = Path(__file__).parent
_choosing = threading.Lock()
_work = 0


@once
def is_available() -> bool:
    """Whether the compiler is installed."""
    return importlib.util.find_spec("numba") is not None


def pays(work: int) -> bool:
    """Whether loops should do `work` more bytes: only when the process has had enough, or the compiler is loaded.

    The result is the same either way. Bytes are added up roughly, without a lock.
    """
    global _work
    _work += work
    if "numba" in sys.modules:
        return True
    return _work >= WORTH and is_available() and (_work >= WORTH_COMPILING or _is_compiled())


def expect(work: int) -> None:
    """Say that `work` bytes are going to be scanned, so that loops are used from the first of them on."""
    global _work
    _work += work


@once
def _is_compiled() -> bool:
    """Whether an earlier process has left machine code, that of the engine at least."""
    folder = _directory()
    return folder is not None and any(folder.glob("*/sweep.sweep-*.nbi"))


def loop(function: Function) -> Function:
    """The function as machine code: arrays of fixed types in, numbers out; it runs without the interpreter lock."""
    return _made(function)


def tight_loop(function: Function) -> Function:
    """As `loop`, for a function that makes no array: several times faster where many arrays are passed on.

    The compiler counts references to each array in each call, by locked instructions, unless it is told not to. It
    says so when such a function does make an array, or calls another that does.
    """
    return _made(function, **_uncounted())


def inlined_loop(function: Function) -> Function:
    """As `tight_loop`, for a short function: it becomes a part of each loop that calls it.

    A call of its own would pass every array on as seven numbers or more.
    """
    return _made(function, forceinline=True, **_uncounted())


def _uncounted() -> dict[str, bool]:
    """Known to numba only by a name of its own; without it the loop is the same, but slow."""
    options = importlib.import_module("numba.core.cpu").CPUTargetOptions
    return {"_nrt": False} if hasattr(options, "_nrt") else {}


def inlined(function: Function) -> Function:
    """A small tight loop that becomes a part of every one that calls it."""
    options = importlib.import_module("numba.core.cpu").CPUTargetOptions
    return _made(function, inline="always", **({"_nrt": False} if hasattr(options, "_nrt") else {}))


def _made(function: Function, **options: Any) -> Function:
    numba = importlib.import_module("numba")
    made = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if (folder := _directory()) is not None:
        _keep_in(folder, made, numba.config)
    compiled: Function = made
    return compiled


def _keep_in(folder: Path, made: Any, config: Any) -> None:
    """The compiler's own choice would be beside the sources, and blind to changes in what a loop calls."""
    with _choosing:
        usual, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            made.enable_caching()
        finally:
            config.CACHE_DIR = usual


@once
def _directory() -> Path | None:
    """Where machine code is kept; None where nothing may be kept, then every process compiles for itself."""
    name = f"loops-{_digest()[:32]}"
    return cache.subdirectory(name, "loops-")


def _digest() -> str:
    """Over all sources of the package: a loop is inlined into its callers, so a change anywhere may matter."""
    digest = hashlib.sha256(cache.key(sys.version, *_versions()).encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        if b"guard.compiled import" in (source := path.read_bytes()):
            digest.update(hashlib.sha256(source).digest())
    return digest.hexdigest()


def _versions() -> tuple[str, ...]:
    from importlib.metadata import version  # imports the e-mail library

    return tuple(version(name) for name in ("numba", "llvmlite", "numpy"))

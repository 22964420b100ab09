"""Machine code that is part of the package: made when it was built (`hatch_build.py`), so that no user waits for it.

It is there in wheels for Linux on x86-64 and in installations from source on such machines. It runs on processors of
the level x86-64-v3 (System V ABI, AMD64 supplement: 2013 and later), and counts only for the very sources that it was
made of and the version of Python, since its names depend on how Python sees a function (`guard.native.kept`).
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import sys
from collections.abc import Mapping
from functools import cache as once
from pathlib import Path

from guard import cache
from guard.native import sources

FOLDER = sources.PACKAGE / "_machine" / f"{sys.implementation.cache_tag}{sys.abiflags}"
LEVEL = "x86-64-v3"
_MADE_OF = "made-of"
_DIGEST = 32
_NEEDED = frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave", "cx16", "lahf_lm", "popcnt",
                     "sse4_1", "sse4_2", "ssse3"})
"""The level's features, as Linux lists them."""


def load(name: str) -> bytes | None:
    """What is there under that name, of code that can be used here, if it is whole."""
    if is_usable():
        with contextlib.suppress(OSError):
            content = (FOLDER / name).read_bytes()
            code = content[_DIGEST:]
            return code if content[:_DIGEST] == hashlib.sha256(code).digest() else None
    return None


@once
def is_usable() -> bool:
    """Whether there is code for such a Python, of these sources, and for such a processor."""
    try:
        made_of = (FOLDER / _MADE_OF).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return is_processor() and made_of == sources.digest()


@once
def is_processor() -> bool:
    """Whether this machine runs code of that level."""
    return sys.platform == "linux" and platform.machine() == "x86_64" and cache.processor_features() >= _NEEDED


def write(folder: Path, codes: Mapping[str, bytes]) -> None:
    """Codes by name, for a package of these sources, into a folder that is empty."""
    for name, code in codes.items():
        (folder / name).write_bytes(hashlib.sha256(code).digest() + code)
    (folder / _MADE_OF).write_text(sources.digest(), "ascii")

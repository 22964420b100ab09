"""Memory of the command: kept when it is given back, from the first compiled loop on."""

from __future__ import annotations

import platform
import subprocess
import sys

import numpy as np
import pytest

from guard import compiled
from guard.cli.memory import keep_freed
from guard.compiled import tight_loop

PAGES = """
import resource
from guard.cli.memory import keep_freed
keep_freed()
def touched():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytes(24 << 20).count(1)
    bytearray(b"x" * (24 << 20))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = touched()
print(first, min(touched() for _ in range(3)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have no such parameters")
def test_what_was_given_back_is_taken_again() -> None:
    # With pages of 4 kB, as in PAGES 24 MB are 6,144 of them.
    answer = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, check=True, text=True)
    first, again = map(int, answer.stdout.split())
    assert again < first / 10


def test_something_is_done_once_at_the_first_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    monkeypatch.setattr(compiled, "_first_uses", [])
    compiled.at_first_use(lambda: done.append("once"))

    @tight_loop
    def total(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
        count = 0
        for at in range(len(numbers)):
            count += numbers[at]
        return count

    monkeypatch.setattr(compiled, "is_available", lambda: True)
    monkeypatch.setattr(compiled.Loop, "_made", lambda loop, *_: loop._function)
    assert total(np.arange(4)) == total(np.arange(4)) == 6
    assert done == ["once"]


def test_other_platforms_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "ctypes", None)
    keep_freed()

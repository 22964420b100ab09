"""Runs one scanner as a process of its own and says what it used: the one way in which everything is measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

KILOBYTE = 1024
OFFLINE = "GUARD_BENCH_OFFLINE"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and the children it waited for used: CPU seconds (user and system), wall seconds, peak bytes.

    The peak is that of the largest of these processes. It begins at the size of the process that started it, so this
    script itself must stay small: it imports nothing but the standard library.
    """

    cpu: float
    wall: float
    peak: int


class ScannerError(Exception):
    """A scanner that did not do its work; the message is fit for the page, what it said goes to the screen."""


def run(command: Sequence[str], *, output: Path, folder: Path, environment: Mapping[str, str] | None = None,
        accept: Sequence[int] = (0,)) -> Usage:
    """Run a command in `folder` with its standard output in a file; raises ScannerError on other exit codes."""
    log = output.with_suffix(".log")
    with output.open("wb") as out, log.open("wb") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, cwd=folder,
                                   env={**plain_environment(), **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accept:
        print(f"  {log.read_bytes()[-500:].decode('utf-8', 'replace')}", file=sys.stderr)
        raise ScannerError(f"{Path(command[0]).name} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else KILOBYTE
    return Usage(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit)


def plain_environment() -> dict[str, str]:
    """The environment of every scanner: byte code may be cached, no settings of their own are inherited."""
    without = ("PYTHONDONTWRITEBYTECODE", "GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML", "BETTERLEAKS_CONFIG",
               "BETTERLEAKS_CONFIG_TOML", "RIPGREP_CONFIG_PATH", "GUARD_PASSPHRASE")
    return {name: value for name, value in os.environ.items() if name not in without}


def leave_network() -> bool:
    """Go on in a network namespace without interfaces, where the system has them; whether this process is in one.

    The process is replaced, so this is called first. What runs in it can reach no host, whatever its options say.
    """
    if os.environ.get(OFFLINE):
        return True
    for tool in (("unshare", "--net"), ("unshare", "--user", "--map-current-user", "--net")):
        if shutil.which(tool[0]) and subprocess.run([*tool, "true"], capture_output=True, check=False).returncode == 0:
            os.environ[OFFLINE] = "1"
            os.execvp(tool[0], [*tool, sys.executable, *sys.argv])
    return False

"""Runs the installed command, as a user does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

GUARD = Path(sys.executable).with_name("guard")


@dataclass(frozen=True, slots=True)
class Answer:
    """Exit code and streams of one run."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one error line, without its prefix."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without Guard's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GUARD_") or k == "GUARD_CACHE_DIR"}
    return {**kept, "PYTHONWARNINGS": "error::ResourceWarning", **more}


def listen_to_interrupts() -> None:
    """For a child before it begins: what a shell starts in the background ignores Ctrl-C, with all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def guard(*arguments: object, stdin: bytes = b"", timeout: float = 180, **env: str) -> Answer:
    """One run of `guard` with these arguments; a hang is a failure."""
    return run(str(GUARD), *map(str, arguments), stdin=stdin, timeout=timeout, **env)


def unprivileged(*arguments: object) -> Answer:
    """One run that may not read what its modes forbid, even as root: without the capabilities that override them."""
    if os.geteuid() != 0:
        return guard(*arguments)
    return run("setpriv", "--bounding-set", "-dac_override,-dac_read_search", str(GUARD), *map(str, arguments))


def run(*command: str, stdin: bytes = b"", timeout: float = 180, **env: str) -> Answer:
    """What a command answers; a traceback is a failure."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout,
                          env=environment(**env), check=False)
    answer = Answer(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    assert "Traceback" not in answer.err, answer.err
    return answer

"""The page that `make bench` writes: figures as a table, and what a reader needs to repeat or to doubt them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bench_peers import Peer

_LIBRARIES = ("hyperscan", "google-re2", "numpy", "pyarrow")
_HEAD = """\
# Benchmarks

Written by:

    {command}

MB (10^6 bytes) per CPU-second, user and system time of all processes together; the scanners took turns on the same
bytes; median of {rounds} rounds, lowest and highest in brackets. Guard runs its full pipeline: file to report with
places, validation and classification, all default packs. The others only find, and read every file as text. The
corpora are generated (`guard.demo`, seed 2026): an application log of which one line in five holds personal
information, a register of 16 columns of which half are personal (by column as `.csv`, as lines of text as `.txt`), and
API answers as JSON Lines. Names and streets in them repeat after 4,096 rows, numbers do not; Guard remembers what the
cells of a column were found to be. Slow peers read the first part of the same file, as the size says; their speed does
not depend on the length.
"""


class Measured(Protocol):
    """What a row needs to know."""

    @property
    def corpus(self) -> str: ...
    @property
    def peer(self) -> Peer: ...
    @property
    def rates(self) -> tuple[float, ...]: ...
    @property
    def size(self) -> int: ...
    @property
    def findings(self) -> int: ...
    @property
    def rate(self) -> float: ...


def page(results: Sequence[Measured], rounds: int, command: str) -> str:
    """The whole page as Markdown; the first result of each corpus is Guard's."""
    lines = [_HEAD.format(rounds=rounds, command=command),
             "| corpus | scanner | MB per CPU-s | Guard is | read | findings |", "|---|---|---|---|---|---|"]
    base = {result.corpus: result.rate for result in reversed(results) if result.peer.whole}
    for result in results:
        spread = f"{_figure(result.rate)} ({_figure(min(result.rates))}–{_figure(max(result.rates))})"
        ratio = "" if result.peer.whole else _ratio(base[result.corpus] / result.rate)
        lines.append(f"| {result.corpus} | {result.peer.name} | {spread} | {ratio} | {result.size / 1e6:.1f} MB "
                     f"| {result.findings:,} |")
    return "\n".join([*lines, "", "Counts of findings are not comparable: each scanner looks for other things.", "",
                      *_rules(results), "", *_machine(), ""])


def _figure(rate: float) -> str:
    return f"{rate:.1f}" if rate >= 10 else f"{rate:.3f}"


def _ratio(ratio: float) -> str:
    return f"x{ratio:,.0f}" if ratio >= 10 else f"x{ratio:.1f}"


def _rules(results: Sequence[Measured]) -> list[str]:
    peers = {result.peer.name: result.peer for result in results}
    return ["| scanner | version | rules run |", "|---|---|---|",
            *(f"| {peer.name} | {peer.version} | {peer.rules} |" for peer in peers.values())]


def _machine() -> list[str]:
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    return ["| machine | |", "|---|---|", f"| processor | {_processor()}, {os.cpu_count()} cores |",
            f"| system | {platform.system()} {platform.release()}, {platform.machine()} |",
            f"| python | {platform.python_implementation()} {platform.python_version()} |",
            f"| libraries | {libraries} |"]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")

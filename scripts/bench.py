"""Throughput of Guard beside its peers on the same bytes: `make bench`.

Every corpus is generated from a seed. The scanners take turns (A, B, C, A, B, C, …); every run is a process of its own,
and the figure is MB (10^6 bytes) per CPU-second, user and system time of the process and its children together, so that
threads, worker processes and a loaded machine change little. Ratios are taken round by round; their median counts.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench_contests import GROUPS, ROOT, TITLES, Bench
from bench_page import page
from bench_real import measure_real
from bench_run import ScannerError, leave_network


def arguments() -> argparse.Namespace:
    """The options of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=80, help="size of each corpus (default 80); the memory rows "
                        "take up to 25 times, the workers row 2.5 times as much")
    parser.add_argument("--sample", type=int, default=300, help="kB of it that slow peers read (default 300)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (default 3)")
    parser.add_argument("--only", type=_groups, default=tuple(GROUPS), help=f"groups of rows: {', '.join(GROUPS)}")
    parser.add_argument("--real", type=Path, help="scan a folder of your own files too, text as text")
    parser.add_argument("--data", type=Path, default=ROOT / "bench-data", help="where the corpora are written")
    parser.add_argument("--output", type=Path, help="the page to write (default: docs/benchmarks.md when everything "
                        "ran, else only the screen)")
    return parser.parse_args()


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if unknown := [name for name in names if name not in GROUPS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    return names


def command(given: Sequence[str]) -> str:
    """How to repeat this run. Folders are left out: names of folders say nothing to a reader, and may say too much."""
    words: list[str] = []
    for word, before in zip(given, ["", *given], strict=False):
        if word not in ("--data", "--output") and before not in ("--data", "--output"):
            words.append("FOLDER" if before == "--real" else word)
    return f'make bench BENCH_ARGS="{shlex.join(words)}"' if words else "make bench"


def main() -> None:
    """Measure, print the page, write it."""
    options = arguments()
    offline, start, load = leave_network(), time.monotonic(), os.getloadavg()[0]
    options.data.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.data.resolve(), options.megabytes, options.sample, options.rounds)
    for name in options.only:
        print(name, file=sys.stderr)
        bench.group = TITLES[name]
        try:
            GROUPS[name](bench)
        except ScannerError as error:
            bench.missing.append(f"{name}: {error}")
    if options.real:
        measure_real(bench, options.real.resolve())
    print(f"{time.monotonic() - start:.0f} s in all", file=sys.stderr)
    text = page(bench, command(sys.argv[1:]), offline, load)
    print(text)
    output = options.output or (ROOT / "docs" / "benchmarks.md" if options.only == tuple(GROUPS) else None)
    if output:
        output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

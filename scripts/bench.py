"""Throughput of Guard beside its peers on the same bytes: `make bench`.

Every corpus is generated from a seed. The scanners take turns (A, B, C, A, B, C, …); the figure is the median of the
rounds in MB (10^6 bytes) per CPU-second, user and system time of this process and its children together, so that
threads, worker processes and a loaded machine change nothing. Construction and warm caches are not timed.
"""

from __future__ import annotations

import argparse
import resource
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_page import page
from bench_peers import Peer, peers

from guard.demo import write_json_lines, write_log, write_register

ROOT = Path(__file__).parents[1]
CORPORA: dict[str, Callable[[Path, float], int]] = {
    "app.log": write_log, "register.csv": write_register, "register.txt": write_register,
    "payloads.jsonl": write_json_lines,
}
"""The suffix chooses how Guard reads: the same register once by column and once as lines of text."""


@dataclass(frozen=True, slots=True)
class Result:
    """One scanner on one corpus: the MB per CPU-second of each round, the bytes and the findings of one round."""

    corpus: str
    peer: Peer
    rates: tuple[float, ...]
    size: int
    findings: int

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def cpu_seconds() -> float:
    """CPU time used so far by this process and the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(corpus: Path, sample: Path, scanners: Sequence[Peer], rounds: int) -> list[Result]:
    """All scanners on one corpus, in turn."""
    rates: dict[str, list[float]] = {peer.name: [] for peer in scanners}
    findings: dict[str, int] = {}
    for _ in range(rounds):
        for peer in scanners:
            path = corpus if peer.whole else sample
            start = cpu_seconds()
            findings[peer.name] = peer.count(path)
            rates[peer.name].append(path.stat().st_size / 1e6 / (cpu_seconds() - start))
            print(f"  {peer.name:20} {rates[peer.name][-1]:10.3f} MB/CPU-s", file=sys.stderr)
    return [
        Result(corpus.name, peer, tuple(rates[peer.name]), (corpus if peer.whole else sample).stat().st_size,
               findings[peer.name]) for peer in scanners
    ]


def prepare(folder: Path, name: str, megabytes: float, sample_kilobytes: int) -> tuple[Path, Path]:
    """The corpus, and its first whole lines up to `sample_kilobytes` under the same suffix."""
    folder.mkdir(exist_ok=True)
    corpus, sample = folder / name, folder / f"sample-{name}"
    CORPORA[name](corpus, megabytes)
    with corpus.open("rb") as lines:
        head = lines.read(sample_kilobytes * 1000)
    sample.write_bytes(head[: head.rindex(b"\n") + 1])
    return corpus, sample


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=80, help="size of each corpus (default 80)")
    parser.add_argument("--sample", type=int, default=200, help="kB of it that the slow peers read (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (default 3)")
    parser.add_argument("--data", type=Path, default=ROOT / "bench-data", help="where the corpora are written")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="the page to write")
    parser.add_argument("--without-presidio", action="store_true", help="only Guard and its oracle")
    return parser.parse_args()


def command(given: Sequence[str]) -> str:
    """How to repeat this run."""
    return f'make bench BENCH_ARGS="{shlex.join(given)}"' if given else "make bench"


def main() -> None:
    """Measure, print the page, write it."""
    options = arguments()
    scanners = peers(with_presidio=not options.without_presidio)
    results: list[Result] = []
    for name in CORPORA:
        print(name, file=sys.stderr)
        corpus, sample = prepare(options.data, name, options.megabytes, options.sample)
        for peer in scanners:
            peer.count(sample)
        results += measure(corpus, sample, scanners, options.rounds)
    text = page(results, options.rounds, command(sys.argv[1:]))
    options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

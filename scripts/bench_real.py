"""The text rows on files of the reader's own: what generated files cannot show.

Nothing of the files but their kind, their size and counts goes into the page.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import bench_sides as sides
from bench_contests import SECRET_PACKS, Bench
from bench_corpora import Corpus, size_of

TEXT = frozenset({".log", ".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".har", ".yaml", ".yml", ".sql", ".xml",
                  ".html", ".py", ".js", ".java", ".properties", ".env", ".conf", ".ini", ".toml"})
WANTED = 8_000_000
REAL = "The reader's own files"


def measure_real(bench: Bench, folder: Path) -> None:
    """Guard, its oracle, Presidio and the secret scanners on the text files of a folder, one corpus for each kind."""
    for kind, paths in sorted(_by_kind(folder).items()):
        on = _joined(bench.folder, kind, paths)
        bench.group = REAL
        scanners = [sides.library("guard", "guard", "disclosure-guard", whole=True, as_format="text"),
                    sides.library("oracle", "plain oracle", "disclosure-guard")]
        if sides.version("presidio-analyzer"):
            scanners.append(sides.library("presidio-lines", "presidio, all patterns, by line", "presidio-analyzer"))
        bench.contest(on, scanners)
        secret = sides.command_line("guard scan, secret packs", packs=SECRET_PACKS, options=["--as", "text"],
                                    lists=True)
        bench.contest(on, [secret, sides.kingfisher(bench.folder / "kingfisher-rules"), sides.betterleaks()])


def _by_kind(folder: Path) -> dict[str, list[Path]]:
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in TEXT:
            kinds[path.suffix[1:]].append(path)
    return kinds


def _joined(folder: Path, kind: str, paths: list[Path]) -> Corpus:
    """All files of one kind one after the other, over and over until there is enough to measure."""
    place = folder / "real"
    place.mkdir(exist_ok=True)
    # The suffix would choose the reader of some scanners: lines of text are what all of them can read.
    joined = place / f"real-{kind}.txt"
    once = b"".join(path.read_bytes().rstrip(b"\n") + b"\n" for path in paths)
    joined.write_bytes(once * max(1, -(-WANTED // len(once))))
    return Corpus(joined, size_of(joined))

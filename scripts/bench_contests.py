"""Scanners in turn on the same bytes, and the groups of rows of the page."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bench_sides as sides
from bench_corpora import Corpus, corpus, first_part, remove, size_of
from bench_identifiers import PACK, PLAIN, SAME
from bench_run import ScannerError, Usage, run
from bench_sides import BIN, HERE, Found, Side

ROOT = HERE.parent
SECRET_PACKS = tuple(sorted((ROOT / "detectors").glob("secret*.yml")))
USER_PACK = HERE / "bench_user_pack.yml"
WARM_KILOBYTES = 50
WHOLE_WARM_KILOBYTES = 2_000
"""For libraries that read the whole corpus: enough for Guard to load its loops, which the rows of whole processes
count."""
MEMORY_SECONDS = 60
START_RUNS = 7
_PRESIDIO = {
    "presidio-default": "presidio, default engine, by line", "presidio-lines": "presidio, all patterns, by line",
    "presidio-blocks": "presidio, all patterns, in blocks",
}


@dataclass(slots=True)
class Result:
    """One scanner on one corpus: a figure for each round, and what it reported in the last one."""

    corpus: str
    side: Side
    size: int
    part: str = ""
    group: str = ""
    rates: list[float] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    found: Found = field(default_factory=lambda: Found(0))
    recall: float | None = None
    failure: str = ""

    @property
    def rate(self) -> float:
        """MB (10^6 bytes) per CPU-second, the median of the rounds."""
        return statistics.median(self.rates)


Figures = dict[str, list[float]]
"""By the key of a goal: the figure of each round."""


@dataclass(slots=True)
class Bench:
    """What a run was asked for, and what it has found out so far."""

    folder: Path
    megabytes: float
    sample: int
    rounds: int
    results: list[Result] = field(default_factory=list)
    group: str = ""
    figures: Figures = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def corpus(self, name: str, megabytes: float | None = None) -> Corpus:
        return corpus(name, self.folder, self.megabytes if megabytes is None else megabytes)

    def contest(self, on: Corpus, scanners: Sequence[Side | None], sample: int | None = None) -> list[Result]:
        """All scanners on one corpus, in turn, after a warm-up of each; in the order given, without missing ones."""
        part = first_part(on.path, self.folder, sample or self.sample)
        results = [Result(on.name, side, on.size if side.whole else size_of(part), "" if side.whole else "first part",
                          self.group) for side in scanners if side]
        for result in results:
            # Where its package has none, Guard compiles its loops on the first large file of all; others warm
            # themselves up on a small one.
            if result.side.is_guard and result.side.whole:
                self._once(result, on.path, self._warm(on, result.side), keep=False)
            elif not result.side.inside:
                self._once(result, (warm := self._warm(on, result.side)), warm, keep=False)
        for _ in range(self.rounds):
            for result in results:
                if not result.failure:
                    self._once(result, on.path if result.side.whole else part, self._warm(on, result.side), keep=True)
        for result in results:
            result.recall = _recall(result, on, part)
        done = [result for result in results if not result.failure]
        self.missing += [f"{result.side.name} on {on.name}: {result.failure}" for result in results if result.failure]
        self.results += done
        return done

    def _warm(self, on: Corpus, side: Side) -> Path:
        """What a scanner is warmed up on."""
        if on.name.endswith(".parquet"):
            return on.path
        return first_part(on.path, self.folder, WHOLE_WARM_KILOBYTES if side.whole and side.inside else WARM_KILOBYTES)

    def _once(self, result: Result, target: Path, warm: Path, keep: bool) -> None:
        side, report = result.side, self.folder / f"report-{_slug(result.side.name)}"
        for old in self.folder.glob(f"{report.name}*"):
            old.unlink()
        try:
            usage = run(side.command(target, warm, report), output=report.with_suffix(".out"), folder=self.folder,
                        environment=side.environment, accept=side.accept)
            found = side.read(report.with_suffix(".out"), report, target)
        except ScannerError as error:
            result.failure = str(error)
            return
        except (OSError, ValueError, KeyError) as error:
            result.failure = f"its report cannot be read ({type(error).__name__})"
            return
        if keep:
            _keep(result, usage, found)

    def ratio(self, key: str, one: Result | None, other: Result | None) -> None:
        """Note how many times as fast `one` was, round by round."""
        if one and other:
            self.figures[key] = [first / second for first, second in zip(one.rates, other.rates, strict=True)]


def _keep(result: Result, usage: Usage, found: Found) -> None:
    cpu = found.cpu if found.cpu is not None else usage.cpu
    result.rates.append(result.size / 1e6 / cpu)
    result.walls.append(found.wall if found.wall is not None else usage.wall)
    result.peaks.append(usage.peak)
    result.found = found
    name = f"{result.corpus}, {result.side.name}"
    print(f"  {name:48} {result.rates[-1]:10.3f} MB/CPU-s {found.count:>10,} findings", file=sys.stderr)


def _recall(result: Result, on: Corpus, part: Path) -> float | None:
    """The share of the planted lines that the scanner reported; None when nothing was planted or it told no places."""
    places = result.found.places
    if not on.planted or result.failure or not places:
        return None
    planted = [(path, line) for path, line, _ in on.planted if result.side.whole or _reaches(part, path, line)]
    # A reader of records may know the file only; one secret stands in a file of the tree, so that this suffices.
    return sum(one in places or (one[0], 0) in places for one in planted) / len(planted) if planted else None


def _reaches(part: Path, path: str, line: int) -> bool:
    file = part / path if part.is_dir() else part
    return file.exists() and file.read_bytes().count(b"\n") >= line


def _median_rate(result: Result | None) -> float:
    return result.rate if result else 0.0


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _named(results: Sequence[Result], name: str) -> Result | None:
    return next((result for result in results if result.side.name == name), None)


def _guard(as_format: str = "", packs: Sequence[Path] = (), name: str = "guard") -> Side:
    return sides.library("guard", name, "disclosure-guard", whole=True, as_format=as_format, packs=packs)


def _oracle() -> Side:
    return sides.library("oracle", "plain oracle", "disclosure-guard")


def _presidio(*engines: str) -> list[Side]:
    return [sides.library(engine, _PRESIDIO[engine], "presidio-analyzer")
            for engine in engines if sides.version("presidio-analyzer")]


def _text(bench: Bench, name: str, key: str, as_format: str = "") -> None:
    every = _presidio("presidio-default", "presidio-lines", "presidio-blocks")
    done = bench.contest(bench.corpus(name), [_guard(as_format), _oracle(), *every])
    bench.ratio(f"{key}-oracle", _named(done, "guard"), _named(done, "plain oracle"))
    bench.ratio(f"{key}-presidio", _named(done, "guard"), _named(done, "presidio, all patterns, by line"))


def _log(bench: Bench) -> None:
    _text(bench, "app.log", "log")


def _register(bench: Bench) -> None:
    # A register is recognised as a table whatever its suffix is; this asks for the lines of text.
    _text(bench, "register.txt", "register", "text")


def _json(bench: Bench) -> None:
    _text(bench, "payloads.jsonl", "json")


def _prose(bench: Bench) -> None:
    for name in ("chinese.txt", "english.txt"):
        bench.contest(bench.corpus(name), [_guard(), _oracle(), *_presidio("presidio-lines")])


def _columns(bench: Bench) -> None:
    whole = sides.command_line()
    reads = [sides.library(f"csv-{kind}", f"pyarrow.csv, {kind}, read only", "pyarrow", whole=True)
             for kind in ("strings", "inferred")]
    done = bench.contest(bench.corpus("register.csv"), [whole, _guard(), *reads])
    scan = _named(done, whole.name)
    bench.figures["columns-rate"] = scan.rates if scan else []
    # Which of the two is the faster depends on what the columns hold.
    bench.ratio("columns-share", scan, max((_named(done, one.name) for one in reads), key=_median_rate, default=None))


def _parquet(bench: Bench) -> None:
    whole = sides.command_line()
    read = sides.library("parquet", "pyarrow.parquet, read only", "pyarrow", whole=True)
    done = bench.contest(bench.corpus("register.parquet"), [whole, _guard(), read])
    scan = _named(done, whole.name)
    bench.figures["parquet-rate"] = scan.rates if scan else []


def _secret_side() -> Side:
    return sides.command_line("guard scan, secret packs", packs=SECRET_PACKS, lists=True)


def _secret_peers(bench: Bench) -> list[Side | None]:
    return [sides.kingfisher(bench.folder / "kingfisher-rules"), sides.betterleaks(), sides.gitleaks(),
            sides.detect_secrets()]


def _secrets(bench: Bench) -> None:
    done = bench.contest(bench.corpus("secrets.log"), [_secret_side(), *_secret_peers(bench)], sample=1000)
    bench.ratio("secrets-kingfisher", _named(done, "guard scan, secret packs"), _named(done, "kingfisher"))


def _tree(bench: Bench) -> None:
    done = bench.contest(bench.corpus("source"), [_secret_side(), *_secret_peers(bench)], sample=1000)
    for peer in ("kingfisher", "betterleaks"):
        bench.ratio(f"tree-{peer}", _named(done, "guard scan, secret packs"), _named(done, peer))


def _identifiers(bench: Bench) -> None:
    rules = bench.folder / "identifiers"
    subprocess.run([sys.executable, str(HERE / "bench_identifiers.py"), str(rules)], check=True)
    for name, key, as_format in (("app.log", "log", []), ("register.txt", "register", ["--as", "text"])):
        scanners = [
            sides.command_line("guard scan, identifiers", packs=[rules / PACK], options=as_format),
            sides.ripgrep("rg -o -b", rules / PLAIN, (), "the same 13 patterns, look-arounds left out"),
            sides.ripgrep("rg -o -b --pcre2", rules / SAME, ("--pcre2",), "the same 13 patterns, boundaries included"),
        ]
        done = bench.contest(bench.corpus(name), scanners)
        bench.ratio(f"identifiers-{key}", _named(done, "guard scan, identifiers"), _named(done, "rg -o -b"))


def _user(bench: Bench) -> None:
    with_user = [*sorted(path for path in (ROOT / "detectors").glob("*.yml") if path.name != "taxonomy.yml"), USER_PACK]
    done = bench.contest(bench.corpus("app.log"), [_guard(), _guard("", with_user, "guard, 20 user regexes more")])
    bench.ratio("user-slower", _named(done, "guard"), _named(done, "guard, 20 user regexes more"))


def _workers(bench: Bench) -> None:
    scanners = [sides.command_line(f"guard scan, workers: {count}", workers=count) for count in (1, 2)]
    done = bench.contest(bench.corpus("app.log", 2.5 * bench.megabytes), scanners)
    if len(done) == 2:
        bench.figures["workers"] = [alone / both for alone, both in zip(done[0].walls, done[1].walls, strict=True)]


def _scaling(bench: Bench) -> None:
    small, large = (bench.contest(bench.corpus("app.log", size), [_guard()])
                    for size in (bench.megabytes / 10, bench.megabytes))
    if small and large:
        pairs = zip(large[0].rates, small[0].rates, strict=True)
        bench.figures["scaling"] = [large[0].size / small[0].size * (slow / fast) for fast, slow in pairs]


def _memory(bench: Bench) -> None:
    """One scan each of a file that is as large as its scan in some minutes allows, 2 GB by default."""
    side = sides.command_line("guard scan, large file")
    for name, key in (("app.log", "log"), ("register.csv", "register")):
        once = Bench(bench.folder, bench.megabytes, bench.sample, rounds=1, group=bench.group)
        rates = [result.rate for result in once.contest(once.corpus(name, bench.megabytes / 10), [side])]
        large = min([25 * bench.megabytes, *(MEMORY_SECONDS * rate for rate in rates)])
        on = bench.corpus(name, float(f"{large:.2g}"))
        done = once.contest(on, [side])
        bench.figures[f"memory-{key}"] = [result.peaks[0] / 1e6 for result in done]
        bench.results += done
        bench.missing += once.missing
        remove(on)


def _protection(bench: Bench) -> None:
    """Guard and its peers in one process of its own: the script tells the ratios of every round."""
    if not sides.version("fastfpe"):
        raise ScannerError("fastfpe is not installed")
    output = bench.folder / "report-protection.out"
    run([sys.executable, str(HERE / "bench_protection.py"), "--rounds", str(bench.rounds)], output=output,
        folder=bench.folder)
    for key, answer in json.loads(output.read_text("utf-8")).items():
        bench.figures[key] = answer["ratios"]
        print(f"  {key:48} {statistics.median(answer['guard']) / 1e6:10.3f} million values/CPU-s", file=sys.stderr)


def _start(bench: Bench) -> None:
    small = bench.folder / "small.log"
    small.write_bytes(bench.corpus("app.log", 0.1).path.read_bytes()[:1000])
    guard = str(BIN / "guard")
    for key, command in (("start-help", [guard, "--help"]), ("start-scan", [guard, "scan", str(small)])):
        used = [run(command, output=bench.folder / "report-start.out", folder=bench.folder).cpu
                for _ in range(START_RUNS + 2)]
        bench.figures[key] = used[2:]


TITLES = {
    "log": "A log", "register": "A register as lines of text", "json": "JSON Lines", "prose": "Prose",
    "columns": "A register by columns", "parquet": "A register as Parquet", "secrets": "A log with secrets",
    "tree": "A source tree", "identifiers": "Chinese identifiers only", "user": "With user regexes",
    "workers": "Two cores", "scaling": "A tenth, and the whole", "memory": "Large files",
    "protection": "Protection", "start": "Start-up",
}
GROUPS: dict[str, Callable[[Bench], None]] = {
    "log": _log, "register": _register, "json": _json, "prose": _prose, "columns": _columns, "parquet": _parquet,
    "secrets": _secrets, "tree": _tree, "identifiers": _identifiers, "user": _user, "workers": _workers,
    "scaling": _scaling, "memory": _memory, "protection": _protection, "start": _start,
}

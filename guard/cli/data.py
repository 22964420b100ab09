"""The verbs about data: scan, check, release, verify, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from guard.cli.options import FORMATS, Reading, apply, deciding, keeping, reading, reporting
from guard.cli.output import created, findings_to, is_stdout
from guard.cli.paths import FilePath, SourcePath
from guard.errors import ReleaseError, UsageError
from guard.model import CERTAIN, LIKELY, POSSIBLE, Report, Verdict

if TYPE_CHECKING:
    from guard.scanner import Progress, Sink

_FLOORS = {"possible": POSSIBLE, "likely": LIKELY, "certain": CERTAIN}
_MOST_KNOWN = 100_000
_CODES = {Verdict.PASS: 0, Verdict.VIOLATION: 1, Verdict.INCOMPLETE: 3}


@click.command("scan")
@click.argument("source", type=SourcePath(is_stream=True), required=False)
@click.option("--git", is_flag=True,
              help="Scan every content that files have or had in the git repository at SOURCE (default: here), each "
              "once, following all refs.")
@click.option("--since", default="", metavar="REV",
              help="With --git: only what commits of HEAD brought that are not in this revision.")
@click.option("--staged", is_flag=True, help="Scan what is staged in the git repository at SOURCE (default: here).")
@click.option("--ignore-marks", is_flag=True,
              help="Report also the secrets that inline marks in source code allow, such as gitleaks:allow.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=LIKELY, show_default=True,
              help="Show findings from this confidence on; counts always begin at 0.3.")
@click.option("--fail-on", type=click.Choice(tuple(_FLOORS)), default=None,
              help="Exit 1 when there is a finding of at least this confidence.")
@click.option("--write-baseline", type=FilePath(), default=None, metavar="FILE",
              help="Record all findings as known false positives in this new file (needs --keyring and --reason).")
@click.option("--reason", default="", help="Why the findings of --write-baseline are false.")
@reading
@reporting
def scan_command(source: Path | None, git: bool, since: str, staged: bool, ignore_marks: bool, min_confidence: float,
                 fail_on: str | None, write_baseline: Path | None, reason: str, **options: Any) -> int:
    """Find what is in a file, a folder, stdin (-) or a git repository."""
    how, what = Reading.take(options), _Scanned(source, git, since, staged, ignore_marks)
    what.check()
    with _sink(options) as sink, _recorded(write_baseline, reason, how, sink) as recorded, \
            _progress(None if what.is_repository else source) as progress:
        report = what.report(how, min_confidence, recorded, progress)
    report = _answered(report, fail_on, allow_incomplete=how.allow_incomplete)
    _emit(report, options)
    return _CODES[report.verdict]


def _answered(report: Report, fail_on: str | None, *, allow_incomplete: bool) -> Report:
    """The report with the verdict that its reader asked for."""
    if fail_on and any(c.hits and c.confidence >= _FLOORS[fail_on] for f in report.fields for c in f.classes):
        return replace(report, verdict=Verdict.VIOLATION)
    if allow_incomplete and report.verdict is Verdict.INCOMPLETE:
        return replace(report, verdict=Verdict.PASS)
    return report


class _Scanned(NamedTuple):
    """What `scan` is asked to look at."""

    source: Path | None
    git: bool
    since: str
    staged: bool
    ignore_marks: bool

    @property
    def is_repository(self) -> bool:
        return self.git or self.staged

    def check(self) -> None:
        """Raise UsageError for options that do not go together."""
        if self.since and not self.git:
            raise UsageError("--since needs --git", hint="guard scan --git --since REV")
        if self.since and self.staged:
            raise UsageError("--since and --staged exclude each other", hint="the index is newer than any commit")
        if not self.is_repository and self.source is None:
            raise UsageError("nothing to scan is named", hint="name a file, a folder, - for stdin, or use --git")
        if self.is_repository and str(self.source) == "-":
            raise UsageError("a repository cannot be read from stdin", hint="name its folder")

    def report(self, how: Reading, min_confidence: float, sink: Sink | None, progress: Progress | None) -> Report:
        """The report on it."""
        scanner = how.scanner(min_confidence)
        common: dict[str, Any] = {
            "as_format": how.as_format or "", "encoding": how.encoding, "max_document": how.max_document, "sink": sink,
            "progress": progress, "workers": how.processes(), "inline_marks": not self.ignore_marks}
        if self.is_repository:
            return scanner.scan_git(self.source or Path(), since=self.since, staged=self.staged, **common)
        return scanner.scan(sys.stdin.buffer if str(self.source) == "-" else self.source or Path(), **common)


@click.command("check")
@click.argument("source", type=SourcePath())
@deciding
@reading
@reporting
def check_command(source: Path, policy: str, audience: str, exceptions: Path | None, **options: Any) -> int:
    """Say whether a file or folder may be released; write no data."""
    from guard.disclosure.pipeline import check

    how = Reading.take(options)
    with _sink(options) as sink, _progress(source) as progress:
        report = check(source, policy=_policy(policy, exceptions), audience=audience, scanner=how.scanner(),
                       allow_incomplete=how.allow_incomplete, options=how.sources(), sink=sink, progress=progress,
                       workers=how.processes())
    _emit(report, options)
    return _CODES[report.verdict]


@click.command("release")
@click.argument("source", type=SourcePath())
@deciding
@click.option("--out", required=True, type=FilePath(), metavar="DIR",
              help="The folder to make; it must not exist.")
@keeping
@reading
@reporting
def release_command(source: Path, policy: str, audience: str, exceptions: Path | None, out: Path,
                    vault: Path | None, **options: Any) -> int:
    """Protect a file or folder, check the result and put it at DIR, or leave nothing there."""
    from guard.disclosure.pipeline import release

    how = Reading.take(options)
    try:
        with _sink(options) as sink, _progress(source, passes=2) as progress:
            done = release(source, policy=_policy(policy, exceptions), audience=audience, out=out,
                           keyring=how.open_keyring(), scanner=how.scanner(), options=how.sources(), sink=sink,
                           allow_incomplete=how.allow_incomplete, progress=progress, workers=how.processes(),
                           vault=vault)
    except ReleaseError as error:
        if error.report is not None:
            _emit(error.report, options)
        raise
    _emit(done.report, options)
    return 0


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--format", "format_", type=click.Choice(("terminal", "json")), default="terminal", show_default=True,
              help="Form of the answer.")
def verify_command(folder: Path, format_: str) -> int:
    """Name every file of a release that differs, is missing or is not listed."""
    from guard.disclosure.manifest import verify
    from guard.render.escape import shown

    found = verify(folder)
    if format_ == "json":
        click.echo(json.dumps({"intact": found.intact, "files": found.files, "signature": found.signature,
                               "differences": [{"path": d.path, "kind": d.kind} for d in found.differences]},
                              ensure_ascii=False))
    else:
        for difference in found.differences:
            click.echo(f"{difference.kind}: {shown(difference.path)}")
        click.echo(f"{'intact' if found.intact else 'not intact'}: {found.files} files listed, "
                   f"{len(found.differences)} differences; {found.signature}")
    return 0 if found.intact else 1


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@apply(
    click.option("--format", "format_", type=click.Choice(FORMATS), default="terminal", show_default=True,
                 help="Form of the report."),
    click.option("--output", "-o", type=click.Path(path_type=Path), default=None, metavar="FILE",
                 help="Write to this file (mode 0600) instead of stdout (-)."),
    click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True,
                 help="Language of the report."),
    click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
                 help="Colour on the terminal; NO_COLOR is honoured."),
)
def report_command(run: Path, **options: Any) -> int:
    """Show a stored JSON report (RUN) in another form."""
    from guard.render import load_report

    _emit(load_report(run), options)
    return 0


def _policy(name: str, exceptions: Path | None) -> Any:
    from guard.policy import Policy, load_exceptions

    policy = Policy.load(name)
    return policy.with_exceptions(load_exceptions(exceptions)) if exceptions is not None else policy


def _emit(report: Report | dict[str, Any], options: dict[str, Any]) -> None:
    """Write a report, or the JSON of a stored one."""
    if options["format_"] == "terminal":
        _show(report.as_json() if isinstance(report, Report) else report, options)
        return
    from guard.render import render

    text = render(report, options["format_"], options["lang"])
    with created(options["output"] or Path("-")) as file:
        file.write(text if text.endswith("\n") else f"{text}\n")


def _show(report: dict[str, Any], options: dict[str, Any]) -> None:
    from guard.cli.terminal import page, show

    path = options["output"]
    if path is None or is_stdout(path):
        stream = sys.stderr if is_stdout(options.get("findings")) else sys.stdout
        show(report, page(stream, options["color"]), options["lang"])
        return
    with created(path) as file:
        show(report, page(file, "never"), options["lang"])


@contextmanager
def _sink(options: dict[str, Any]) -> Iterator[Sink | None]:
    """A sink that streams findings as JSON Lines, when a place for them is named.

    Raises UsageError where a program would read them and a report in one stream.
    """
    path, output = options["findings"], options["output"]
    if is_stdout(path) and (is_stdout(output) or (output is None and options["format_"] != "terminal")):
        raise UsageError("findings and report cannot both go to stdout", hint="--output FILE puts the report elsewhere")
    if path is None:
        yield None
        return
    with created(path) as file, findings_to(file) as sink:
        yield sink


@contextmanager
def _recorded(path: Path | None, reason: str, how: Reading, sink: Sink | None) -> Iterator[Sink | None]:
    """A sink that also records the findings in a new baseline; `sink` itself when none is asked for."""
    if path is None:
        yield sink
        return
    from guard.policy import Baseline
    from guard.scanner import FindingList, Sinks

    key = how.fingerprint_key()
    if key is None:
        raise UsageError("--write-baseline needs --keyring", hint="its fingerprints are keyed with the project's key")
    recorded = FindingList(limit=_MOST_KNOWN)
    yield Sinks([recorded, sink] if sink else [recorded])
    Baseline.create(recorded.findings, reason, key).save(path)


@contextmanager
def _progress(source: Path | None, passes: int = 1) -> Iterator[Progress | None]:
    """Progress on stderr, when that is a terminal. Without a source nobody knows how much there is to read."""
    if not sys.stderr.isatty():
        yield None
        return
    from guard.cli.progress import progress

    with progress(passes * _bytes(source) if source else 0, enabled=True) as bar:
        yield bar.advance


def _bytes(source: Path) -> int:
    try:
        if source.is_file():
            return source.stat().st_size
        return sum(p.lstat().st_size for p in source.rglob("*") if p.is_file() and not p.is_symlink())
    except OSError:
        raise UsageError("the source cannot be read", hint="check its permissions") from None

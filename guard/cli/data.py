"""The verbs about data: scan, check, release, verify, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guard.cli.options import FORMATS, Reading, apply, deciding, reading, reporting
from guard.cli.output import FindingsFile, created
from guard.errors import ReleaseError, UsageError
from guard.model import CERTAIN, LIKELY, POSSIBLE, Report, Verdict

if TYPE_CHECKING:
    from guard.scanner import Sink

_FLOORS = {"possible": POSSIBLE, "likely": LIKELY, "certain": CERTAIN}
_MOST_KNOWN = 100_000
_CODES = {Verdict.PASS: 0, Verdict.VIOLATION: 1, Verdict.INCOMPLETE: 3}


@click.command("scan")
@click.argument("source", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=LIKELY, show_default=True,
              help="Show findings from this confidence on; counts always begin at 0.3.")
@click.option("--fail-on", type=click.Choice(tuple(_FLOORS)), default=None,
              help="Exit 1 when there is a finding of at least this confidence.")
@click.option("--write-baseline", type=click.Path(path_type=Path), default=None, metavar="FILE",
              help="Record all findings as known false positives in this new file (needs --keyring and --reason).")
@click.option("--reason", default="", help="Why the findings of --write-baseline are false.")
@reading
@reporting
def scan_command(source: Path, min_confidence: float, fail_on: str | None, write_baseline: Path | None, reason: str,
                 **options: Any) -> int:
    """Find what is in a file, a folder or stdin (-)."""
    how = Reading.take(options)
    with _sink(options["findings"]) as sink, _recorded(write_baseline, reason, how, sink) as recorded, \
            _progress(source) as progress:
        report = how.scanner(min_confidence).scan(
            sys.stdin.buffer if str(source) == "-" else source, as_format=how.as_format or "", encoding=how.encoding,
            max_document=how.max_document, sink=recorded, progress=progress, workers=how.processes())
    _emit(report, options)
    if fail_on and any(c.hits and c.confidence >= _FLOORS[fail_on] for f in report.fields for c in f.classes):
        return 1
    return 0 if how.allow_incomplete else _CODES[report.verdict]


@click.command("check")
@click.argument("source", type=click.Path(path_type=Path))
@deciding
@reading
@reporting
def check_command(source: Path, policy: str, audience: str, exceptions: Path | None, **options: Any) -> int:
    """Say whether a file or folder may be released; write no data."""
    from guard.disclosure.pipeline import check

    how = Reading.take(options)
    with _sink(options["findings"]) as sink, _progress(source) as progress:
        report = check(source, policy=_policy(policy, exceptions), audience=audience, scanner=how.scanner(),
                       allow_incomplete=how.allow_incomplete, options=how.sources(), sink=sink, progress=progress,
                       workers=how.processes())
    _emit(report, options)
    return _CODES[report.verdict]


@click.command("release")
@click.argument("source", type=click.Path(path_type=Path))
@deciding
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR",
              help="The folder to make; it must not exist.")
@reading
@reporting
def release_command(source: Path, policy: str, audience: str, exceptions: Path | None, out: Path,
                    **options: Any) -> int:
    """Protect a file or folder, check the result and put it at DIR, or leave nothing there."""
    from guard.disclosure.pipeline import release

    how = Reading.take(options)
    try:
        with _sink(options["findings"]) as sink, _progress(source, passes=2) as progress:
            done = release(source, policy=_policy(policy, exceptions), audience=audience, out=out,
                           keyring=how.open_keyring(), scanner=how.scanner(), options=how.sources(), sink=sink,
                           allow_incomplete=how.allow_incomplete, progress=progress, workers=how.processes())
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
                 help="Write to this file (mode 0600) instead of stdout."),
    click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True,
                 help="Language of the report."),
    click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
                 help="Colour on the terminal; NO_COLOR is honoured."),
)
def report_command(run: Path, **options: Any) -> int:
    """Show a stored JSON report (RUN) in another form."""
    from guard.render import load_report

    _emit_plain(load_report(run), options)
    return 0


def _policy(name: str, exceptions: Path | None) -> Any:
    from guard.policy import Policy, load_exceptions

    policy = Policy.load(name)
    return policy.with_exceptions(load_exceptions(exceptions)) if exceptions is not None else policy


def _emit(report: Report, options: dict[str, Any]) -> None:
    _emit_plain(report.as_json(), options)


def _emit_plain(report: dict[str, Any], options: dict[str, Any]) -> None:
    if options["format_"] == "terminal":
        _show(report, options)
        return
    from guard.render import render

    text = render(report, options["format_"], options["lang"])
    if options["output"] is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    with created(options["output"]) as file:
        file.write(text)


def _show(report: dict[str, Any], options: dict[str, Any]) -> None:
    from guard.cli.terminal import page, show

    if options["output"] is None:
        show(report, page(sys.stdout, options["color"]), options["lang"])
        return
    with created(options["output"]) as file:
        show(report, page(file, "never"), options["lang"])


@contextmanager
def _sink(path: Path | None) -> Iterator[Sink | None]:
    """A sink that streams findings to a file as JSON Lines, when one is named."""
    if path is None:
        yield None
        return
    with created(path) as file:
        yield FindingsFile(file)


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
def _progress(source: Path, passes: int = 1) -> Iterator[Callable[[str, int], None] | None]:
    """Progress on stderr, when that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from guard.cli.progress import progress

    with progress(passes * _bytes(source), enabled=True) as bar:
        yield bar.advance


def _bytes(source: Path) -> int:
    try:
        if source.is_file():
            return source.stat().st_size
        return sum(p.lstat().st_size for p in source.rglob("*") if p.is_file() and not p.is_symlink())
    except OSError:
        raise UsageError("the source cannot be read", hint="check its permissions") from None

"""Reports and progress on a terminal. Names reach rich only as `Text`: never as markup, never unescaped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from guard.render.escape import shown
from guard.render.phrases import Phrases, phrases
from guard.render.rows import Cut, DecisionRow, FieldRow
from guard.render.view import View, view

Color = Literal["auto", "always", "never"]
MAX_ROWS = 40
MAX_WIDTH = 140
_PIPE_WIDTH = 120
_VERDICT = {"pass": "bold green", "violation": "bold red", "incomplete": "bold yellow"}
_SIGN = {"pass": "✓", "violation": "✗", "incomplete": "!"}
_GRADE = {4: "bold red", 3: "yellow", 2: "cyan", 1: "dim"}
_ACTION = {"block": "bold red", "review": "bold yellow", "drop": "bold"}


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command line, which ends quietly: rich would end the process itself."""
        raise BrokenPipeError from None


def console(stream: TextIO, color: Color = "auto") -> Console:
    """A console on `stream`. `color` goes before NO_COLOR, that before FORCE_COLOR, that before being a terminal."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # a code page that lacks a sign must not end a finished scan
    terminal = stream.isatty()
    wanted = color == "always" or (color == "auto" and _wants_color(terminal))
    # A pipe has no width: rich would take 80, which cuts names for no reason.
    width = None if terminal or "COLUMNS" in os.environ else _PIPE_WIDTH
    return _Console(file=stream, width=width, force_terminal=True if wanted else None, no_color=not wanted,
                    color_system=("auto" if terminal else "standard") if wanted else None, markup=False, emoji=False,
                    highlight=False)


def _wants_color(terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM") != "dumb")


def show(report: Mapping[str, Any], out: Console, language: str = "en") -> None:
    """Print a report (the JSON of `guard.report/v1`) for a person: the verdict stands last, where the eye is."""
    seen, words = view(report, language, MAX_ROWS), phrases(language)
    for section in (_fields, _examples, _decisions, _skipped, _checks, _others):
        section(seen, words, out)
    _verdict(seen, words, out)


def _fields(seen: View, words: Phrases, out: Console) -> None:
    if not seen.fields.total:
        return
    table = _table(words, ("grade", "field", "data_class", "role", "confidence"), ("hits", "masked"))
    for row in seen.fields.rows:
        title = Text(row.title)
        if row.also:
            title.append(f"\n{row.also}", "dim")
        table.add_row(Text(row.grade, _GRADE[row.level]), _name(row), title, Text(row.role), Text(row.confidence),
                      Text(row.hits), Text(row.masked))
    _section(words("section.fields"), table, seen.fields, words, out)


def _examples(seen: View, words: Phrases, out: Console) -> None:
    if not seen.examples.total:
        return
    _heading(words("section.examples"), out)
    for row in seen.examples.rows:
        out.print(_name(row, "  "))
        for example in row.examples:
            line = Text("  ")
            line.append(example.preview, "bold")
            line.append(f"  {example.title}")
            line.append(f"  {example.place}", "dim")
            out.print(line)
    _more(seen.examples, words, out)


def _decisions(seen: View, words: Phrases, out: Console) -> None:
    if seen.decisions.total:
        table = _table(words, ("action", "field", "data_class", "scope", "basis"))
        for row in seen.decisions.rows:
            table.add_row(_action(row, words), _name(row), Text(row.title), Text(row.scope),
                          Text(words.listing(list(row.basis_ids)), "dim"))
        _section(words("section.decisions"), table, seen.decisions, words, out)
    if seen.unchanged:
        out.print(Text(words("decisions.unchanged", count=seen.unchanged), "dim"))


def _action(row: DecisionRow, words: Phrases) -> Text:
    text = Text(row.action, _ACTION.get(row.code, ""))
    for detail in (row.params, words("decisions.waived", what=row.waived_by) if row.waived_by else ""):
        if detail:
            text.append(f"\n{detail}", "dim")
    return text


def _skipped(seen: View, words: Phrases, out: Console) -> None:
    if not seen.skipped.total:
        return
    table = _table(words, ("dataset", "reason", "place", "detail"))
    for row in seen.skipped.rows:
        table.add_row(Text(row.dataset), Text(row.reason, "yellow"), Text(row.place), Text(row.detail, "dim"))
    _section(words("section.skipped"), table, seen.skipped, words, out)


def _checks(seen: View, words: Phrases, out: Console) -> None:
    if not seen.checks:
        return
    _heading(words("section.checks"), out)
    for check in seen.checks:
        key = "pass" if check.passed else "violation"
        line = Text(f"{_sign(key, out)} ", _VERDICT[key])
        line.append(check.title)
        line.append(f"  {check.detail}", "dim")
        out.print(line)


def _others(seen: View, words: Phrases, out: Console) -> None:
    lines = [f"{name}{words('format.colon')}{count}" for name, count in seen.suppressed]
    for title, rows in ((words("section.suppressed"), lines), (words("section.warnings"), seen.warnings.rows)):
        if rows:
            _heading(title, out)
            for row in rows:
                out.print(Text(f"- {row}"))
    if seen.warnings.hidden:
        _more(seen.warnings, words, out)


def _verdict(seen: View, words: Phrases, out: Console) -> None:
    statement = seen.statement
    out.print()
    for sentence in (*statement.lead, *statement.why):
        out.print(Text(sentence))
    for number, sentence in enumerate(statement.next_steps, 1):
        out.print(Text(f"{number}. {sentence}"))
    line = words("terminal.verdict_line", verdict=statement.word, headline=statement.headline)
    out.print()
    out.print(Text(f"{_sign(statement.verdict, out)} {line}", _VERDICT[statement.verdict]))


def _name(row: FieldRow | DecisionRow, between: str = "\n") -> Text:
    text = Text(row.field or row.dataset)
    if row.field:
        text.append(f"{between}{row.dataset}", "dim")
    return text


def _sign(verdict: str, out: Console) -> str:
    """The sign of a verdict, in ASCII where the code page may lack it."""
    unicode = out.encoding.lower().startswith("utf")
    return _SIGN[verdict] if unicode else {"pass": "+", "violation": "x", "incomplete": "!"}[verdict]


def _table(words: Phrases, columns: Iterable[str], numbers: Iterable[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for name in columns:
        table.add_column(Text(words(f"column.{name}")), overflow="fold")
    for name in numbers:
        table.add_column(Text(words(f"column.{name}")), justify="right", no_wrap=True)
    return table


def _heading(title: str, out: Console) -> None:
    out.print()
    out.print(Text(title, "bold"))


def _section(title: str, table: Table, rows: Cut[Any], words: Phrases, out: Console) -> None:
    _heading(title, out)
    out.print(table, width=min(out.width, MAX_WIDTH))
    _more(rows, words, out)


def _more(rows: Cut[Any], words: Phrases, out: Console) -> None:
    if rows.hidden:
        out.print(Text(words("terminal.more_rows", count=rows.hidden), "dim"))


class Meter:
    """How much was read. One that was never started counts and shows nothing."""

    def __init__(self, bar: Progress | None, task: TaskID, words: Phrases) -> None:
        self._bar, self._task, self._words = bar, task, words
        self._names: set[str] = set()

    def advance(self, name: str, count: int) -> None:
        """`count` more bytes of the file `name` are done. Safe to call from several threads."""
        if self._bar is None:
            return
        self._names.add(name)
        files = self._words("terminal.files", count=len(self._names))
        self._bar.update(self._task, advance=count, files=files, name=shown(name, 40))


@contextmanager
def progress(total_bytes: int, enabled: bool, language: str = "en", out: Console | None = None) -> Iterator[Meter]:
    """A progress line on stderr, gone when it ends. Nothing at all unless `enabled` and stderr is a terminal.

    `total_bytes` 0 means unknown.
    """
    words = phrases(language)
    target = out or Console(stderr=True, markup=False, emoji=False, highlight=False)
    if not (enabled and target.is_terminal):
        yield Meter(None, TaskID(0), words)
        return
    with Progress(*_meter_columns(words), console=target, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task("", total=total_bytes or None, files="", name="")
        yield Meter(bar, task, words)


def _meter_columns(words: Phrases) -> Sequence[Any]:
    # markup=False: the name of a file stands in these templates.
    return (TextColumn(words("terminal.reading"), markup=False), BarColumn(bar_width=30), DownloadColumn(),
            TextColumn("{task.fields[files]}", markup=False), TextColumn("{task.fields[name]}", markup=False))

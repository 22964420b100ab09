"""The report for a person at a terminal, or for the file or pipe that stands in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TextIO

from guard.cli.page import Cell, Page, PlainPage
from guard.render.phrases import Phrases, phrases
from guard.render.rows import CheckRow, Cut, DecisionRow, FieldRow, SkippedRow
from guard.render.view import View, view

Color = Literal["auto", "always", "never"]
MAX_ROWS = 40
_VERDICT = {"pass": "bold green", "violation": "bold red", "incomplete": "bold yellow"}
_SIGN = {"pass": "✓", "violation": "✗", "incomplete": "!"}
_GRADE = {4: "bold red", 3: "yellow", 2: "cyan", 1: "dim"}
_ACTION = {"block": "bold red", "review": "bold yellow", "drop": "bold"}


def page(stream: TextIO, color: Color = "auto") -> Page:
    """A page on `stream`. `color` goes before NO_COLOR, that before FORCE_COLOR, that before being a terminal."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # a code page that lacks a sign must not end a finished scan
    colored = color == "always" or (color == "auto" and _wants_color(stream.isatty()))
    if not colored and not stream.isatty():
        return PlainPage(stream)
    from guard.cli.rich_page import rich_page

    return rich_page(stream, colored=colored)


def _wants_color(terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM") != "dumb")


def show(report: Mapping[str, Any], out: Page, language: str = "en") -> None:
    """Print a report (the JSON of `guard.report/v1`) for a person: the verdict stands last, where the eye is."""
    seen, words = view(report, language, MAX_ROWS), phrases(language)
    for section in (_fields, _examples, _decisions, _skipped, _checks, _others):
        section(seen, words, out)
    _verdict(seen, words, out)


def _fields(seen: View, words: Phrases, out: Page) -> None:
    if seen.fields.total:
        _heading(words("section.fields"), out)
        names = ("grade", "field", "data_class", "role", "confidence", "hits", "masked")
        out.table(_header(names, words), [_field(row) for row in seen.fields.rows], numbers=2)
        _more(seen.fields, words, out)


def _field(row: FieldRow) -> Sequence[Cell]:
    also = [(f"\n{row.also}", "dim")] if row.also else []
    return ([(row.grade, _GRADE[row.level])], _name(row), [(row.title, ""), *also], [(row.role, "")],
            [(row.confidence, "")], [(row.hits, "")], [(row.masked, "")])


def _examples(seen: View, words: Phrases, out: Page) -> None:
    if not seen.examples.total:
        return
    _heading(words("section.examples"), out)
    for row in seen.examples.rows:
        out.line(*_name(row, "  "))
        for example in row.examples:
            out.line(("  ", ""), (example.preview, "bold"), (f"  {example.title}", ""), (f"  {example.place}", "dim"))
    _more(seen.examples, words, out)


def _decisions(seen: View, words: Phrases, out: Page) -> None:
    if seen.decisions.total:
        _heading(words("section.decisions"), out)
        names = ("action", "field", "data_class", "scope", "basis")
        out.table(_header(names, words), [_decision(row, words) for row in seen.decisions.rows], numbers=0)
        _more(seen.decisions, words, out)
    if seen.unchanged:
        out.line((words("decisions.unchanged", count=seen.unchanged), "dim"))


def _decision(row: DecisionRow, words: Phrases) -> Sequence[Cell]:
    waived = words("decisions.waived", what=row.waived_by) if row.waived_by else ""
    details = [(f"\n{detail}", "dim") for detail in (row.params, waived) if detail]
    return ([(row.action, _ACTION.get(row.code, "")), *details], _name(row), [(row.title, "")], [(row.scope, "")],
            [(words.listing(list(row.basis_ids)), "dim")])


def _skipped(seen: View, words: Phrases, out: Page) -> None:
    if seen.skipped.total:
        _heading(words("section.skipped"), out)
        names = ("dataset", "reason", "place", "detail")
        out.table(_header(names, words), [_unread(row) for row in seen.skipped.rows], numbers=0)
        _more(seen.skipped, words, out)


def _unread(row: SkippedRow) -> Sequence[Cell]:
    return [(row.dataset, "")], [(row.reason, "yellow")], [(row.place, "")], [(row.detail, "dim")]


def _checks(seen: View, words: Phrases, out: Page) -> None:
    if seen.checks:
        _heading(words("section.checks"), out)
    for check in seen.checks:
        _check(check, out)


def _check(check: CheckRow, out: Page) -> None:
    key = "pass" if check.passed else "violation"
    out.line((f"{_sign(key, out)} ", _VERDICT[key]), (check.title, ""), (f"  {check.detail}", "dim"))


def _others(seen: View, words: Phrases, out: Page) -> None:
    lines = [f"{name}{words('format.colon')}{count}" for name, count in seen.suppressed]
    for title, rows in ((words("section.suppressed"), lines), (words("section.warnings"), seen.warnings.rows)):
        if rows:
            _heading(title, out)
            for row in rows:
                out.line((f"- {row}", ""))
    _more(seen.warnings, words, out)


def _verdict(seen: View, words: Phrases, out: Page) -> None:
    statement = seen.statement
    out.line()
    for sentence in (*statement.lead, *statement.why):
        out.line((sentence, ""))
    for number, sentence in enumerate(statement.next_steps, 1):
        out.line((f"{number}. {sentence}", ""))
    line = words("terminal.verdict_line", verdict=statement.word, headline=statement.headline)
    out.line()
    out.line((f"{_sign(statement.verdict, out)} {line}", _VERDICT[statement.verdict]))


def _name(row: FieldRow | DecisionRow, between: str = "\n") -> Cell:
    name = (row.field or row.dataset, "")
    return [name, (f"{between}{row.dataset}", "dim")] if row.field else [name]


def _sign(verdict: str, out: Page) -> str:
    """The sign of a verdict, in ASCII where the code page may lack it."""
    unicode = out.encoding.lower().startswith("utf")
    return _SIGN[verdict] if unicode else {"pass": "+", "violation": "x", "incomplete": "!"}[verdict]


def _header(names: Sequence[str], words: Phrases) -> list[str]:
    return [words(f"column.{name}") for name in names]


def _heading(title: str, out: Page) -> None:
    out.line()
    out.line((title, "bold"))


def _more(rows: Cut[Any], words: Phrases, out: Page) -> None:
    if rows.hidden:
        out.line((words("terminal.more_rows", count=rows.hidden), "dim"))

"""The report on a terminal: what it shows, when it has colour, and that names cannot act on it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_example import ALL, HOSTILE, violation
from rich.cells import cell_len
from rich.console import Console

from guard.cli.page import MAX_CELL, PlainPage
from guard.cli.progress import progress
from guard.cli.rich_page import RichPage, rich_page
from guard.cli.terminal import MAX_ROWS, page, show
from guard.render import shown

ESCAPE = "\x1b"


class Stream(io.StringIO):
    """A text stream that says whether it is a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def printed(report: dict[str, Any], language: str = "en", *, terminal: bool = False, color: Any = "auto") -> str:
    stream = Stream(terminal=terminal)
    show(report, page(stream, color), language)
    return stream.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_stays_as_it_is(language: str, snapshot: Any) -> None:
    assert "\n".join(line.rstrip() for line in printed(violation(), language).splitlines()) == snapshot


@pytest.mark.parametrize(("name", "last"), [
    ("violation", "✗ Not passed. Must not be released"),
    ("incomplete", "! Incomplete. No answer: part of the input was not read"),
    ("release", "✓ Passed. Released: what was found was dealt with and the output was checked"),
    ("empty", "✓ Passed. Scan finished: nothing was found"),
])
def test_the_verdict_stands_last(name: str, last: str) -> None:
    assert printed(ALL[name]()).rstrip().splitlines()[-1] == last


@pytest.mark.parametrize(("terminal", "color", "environment", "colored"), [
    (True, "auto", {}, True),
    (False, "auto", {}, False),
    (True, "never", {}, False),
    (True, "auto", {"NO_COLOR": "1"}, False),
    (True, "auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    (True, "always", {"NO_COLOR": "1"}, True),
    (False, "always", {}, True),
    (False, "auto", {"FORCE_COLOR": "1"}, True),
    (True, "auto", {"TERM": "dumb"}, False),
    (True, "auto", {"NO_COLOR": ""}, True),
])
def test_colour_is_for_who_wants_it(monkeypatch: pytest.MonkeyPatch, terminal: bool, color: str,
                                    environment: dict[str, str], colored: bool) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (ESCAPE in printed(violation(), terminal=terminal, color=color)) is colored


def test_a_hostile_name_is_shown_and_does_not_act() -> None:
    report = violation()
    report["fields"][0]["field"] = report["decisions"][0]["dataset"] = HOSTILE
    text = re.sub(r"\s+", "", printed(report))
    assert ESCAPE not in text
    assert "\u202e" not in text
    assert re.sub(r"\s+", "", shown(HOSTILE)) in text


@given(st.text(st.characters(), max_size=80))
def test_any_name_fits_any_width(name: str) -> None:
    report = violation()
    for row in (*report["fields"], *report["decisions"], *report["skipped"], *report["inputs"]):
        row["dataset"] = row["field"] = row["path"] = name
    for width in (40, 80):
        stream = Stream(terminal=False)
        show(report, RichPage(Console(file=stream, width=width, markup=False, emoji=False, highlight=False)), "zh")
        assert max(map(cell_len, stream.getvalue().splitlines())) <= width
        assert ESCAPE not in stream.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(ALL))
def test_a_pipe_is_told_the_same_as_a_terminal(name: str, language: str) -> None:
    def words(text: str) -> str:
        return re.sub(r"\s+", "", text)

    stream = Stream(terminal=True)
    show(ALL[name](), rich_page(stream, colored=False), language)
    # Where a cell is folded, its lines stand between those of its neighbours: compared are the signs.
    assert sorted(words(stream.getvalue())) == sorted(words(printed(ALL[name](), language)))


@given(st.lists(st.tuples(*[st.text(st.characters(categories=["Lu", "Lo", "Zs"]), max_size=150)] * 3), min_size=1))
def test_the_columns_of_a_pipe_stand_below_each_other(rows: list[tuple[str, str, str]]) -> None:
    stream = Stream(terminal=False)
    marked = [[[(f"|{text}", "")] for text in row] for row in rows]
    PlainPage(stream).table(["|a", "|b", "|c"], marked, numbers=1)
    lines = stream.getvalue().splitlines()
    starts = {cell_len(line[: line.index("|", 1)]) for line in lines if line.count("|") == 3}
    assert len(starts) == 1
    assert max(map(cell_len, lines)) <= 3 * MAX_CELL + 4
    text = "".join(re.sub(r"\s", "", line) for line in lines)
    assert sorted(text) == sorted(re.sub(r"\s", "", "|a|b|c" + "".join(f"|{cell}" for row in rows for cell in row)))


def test_a_word_that_fits_is_not_cut() -> None:
    stream = Stream(terminal=False)
    PlainPage(stream).table(["h"], [[[("word " * 40, "")]]], numbers=0)
    assert {word for line in stream.getvalue().splitlines()[1:] for word in line.split()} == {"word"}


def test_long_tables_are_cut_and_it_is_said() -> None:
    report = violation()
    report["fields"] = [{**report["fields"][0], "field": f"f{n:03}"} for n in range(500)]
    text = printed(report)
    assert text.count("f0") <= 2 * MAX_ROWS
    assert f"and {500 - MAX_ROWS} more" in text


def test_a_code_page_without_the_signs_does_not_end_the_run() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    show(violation(), page(stream, "never"), "zh")
    stream.flush()
    assert b"x \\u4e0d\\u901a\\u8fc7" in raw.getvalue()


def test_a_closed_pipe_is_left_to_the_command_line() -> None:
    class Closed(Stream):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        show(violation(), page(Closed(terminal=False)))


# -- progress ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("terminal", "enabled", "seen"), [
    (True, True, True), (False, True, False), (True, False, False),
])
def test_progress_is_for_terminals(terminal: bool, enabled: bool, seen: bool) -> None:
    stream = Stream(terminal=terminal)
    with progress(2000, enabled, "zh", Console(file=stream, force_terminal=terminal, width=120)) as meter:
        meter.advance("低保公示.csv", 500)
        meter.advance("低保公示.csv", 500)
        meter.advance(HOSTILE, 500)
    text = stream.getvalue()
    assert ("2 个文件" in text and "1.5/2.0 kB" in text) is seen
    assert bool(text) is seen
    assert "\u202e" not in text
    assert "\x1b[31m" not in text


def test_progress_without_a_known_size_counts_on() -> None:
    stream = Stream(terminal=True)
    with progress(0, True, out=Console(file=stream, force_terminal=True, width=120)) as meter:
        meter.advance("a.csv", 700)
    assert "1 file" in stream.getvalue()

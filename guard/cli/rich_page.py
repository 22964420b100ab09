"""A page with colour, as wide as the terminal. Names reach rich only as `Text`: never as markup, never unescaped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from guard.cli.page import Cell, Part

MAX_WIDTH = 140
_PIPE_WIDTH = 120


class RichPage:
    """Prints on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.encoding = console.encoding

    def line(self, *parts: Part) -> None:
        self._console.print(Text.assemble(*parts))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: int) -> None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
        for index, name in enumerate(header):
            if index < len(header) - numbers:
                table.add_column(Text(name), overflow="fold")
            else:
                table.add_column(Text(name), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*(Text.assemble(*cell) for cell in row))
        self._console.print(table, width=min(self._console.width, MAX_WIDTH))


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to the command line, which ends quietly: rich would end the process itself."""
        raise BrokenPipeError from None


def rich_page(stream: TextIO, *, colored: bool) -> RichPage:
    """A page on `stream`, which need not be a terminal: colour may be wanted in a pipe."""
    terminal = stream.isatty()
    # A pipe has no width: rich would take 80, which cuts names for no reason.
    width = None if terminal or "COLUMNS" in os.environ else _PIPE_WIDTH
    return RichPage(_Console(file=stream, width=width, force_terminal=True if colored else None, no_color=not colored,
                             color_system=("auto" if terminal else "standard") if colored else None, markup=False,
                             emoji=False, highlight=False))

"""What a report is printed on: lines and tables of parts, each a text and how it looks; here without any looks.

Who reads a pipe or a file wants neither colour nor a width, and the library for both takes longer to import than a
small scan takes: `guard.cli.rich_page` is for terminals.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Protocol, TextIO

from guard.patterns import pattern

Part = tuple[str, str]
"""A text, which may hold line breaks in a table, and its style: words such as `bold red`, "" for none."""
Cell = Sequence[Part]

MAX_CELL = 60
"""Columns of a terminal that a cell of a table takes at most; what is longer goes on below."""
_GAP = "  "
_JOINS = pattern("[\u1160-\u11ff\u3164\ud7b0-\ud7fb\uffa0]")
"""Vowels and finals of Hangul, drawn into the syllable before them, and fillers: Unicode calls none combining."""


class Page(Protocol):
    """Takes the lines and tables of a report."""

    encoding: str

    def line(self, *parts: Part) -> None:
        """Print one line."""
        ...

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: int) -> None:
        """Print a table; its last `numbers` columns are set to the right."""
        ...


class PlainPage:
    """Text and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding or "utf-8"

    def line(self, *parts: Part) -> None:
        self._stream.write("".join(text for text, _ in parts).rstrip() + "\n")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], numbers: int) -> None:
        texts = [list(header), *(["".join(text for text, _ in cell) for cell in row] for row in rows)]
        folded = [[_fold(text) for text in row] for row in texts]
        widths = [max(map(_width, (line for row in folded for line in row[column]))) for column in range(len(header))]
        for row in folded:
            for lines in zip_longest(*row, fillvalue=""):
                self._stream.write(_aligned(lines, widths, numbers) + "\n")


def _aligned(texts: Sequence[str], widths: Sequence[int], numbers: int) -> str:
    first_number = len(widths) - numbers
    blanks = [" " * (width - _width(text)) for text, width in zip(texts, widths, strict=True)]
    cells = [blank + text if index >= first_number else text + blank
             for index, (text, blank) in enumerate(zip(texts, blanks, strict=True))]
    return _GAP.join(cells).rstrip()


def _fold(text: str) -> list[str]:
    """The lines of a cell, none wider than MAX_CELL."""
    return [part for line in text.split("\n") for part in _pieces(line)]


def _pieces(line: str) -> Iterator[str]:
    while _width(line) > MAX_CELL:
        end = next(end for end in range(MAX_CELL // 2, len(line)) if _width(line[: end + 1]) > MAX_CELL)
        end = line.rfind(" ", 1, end + 1) + 1 or end
        yield line[:end].rstrip()
        line = line[end:]
    yield line


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: two for each character of Chinese, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) or _JOINS.match(sign)
               else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)

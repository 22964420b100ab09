"""The tables behind names, addresses and numbers: `guard/detect/data/*.tsv`, one entry a line, made by `scripts/`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of a table."""
    return tuple(tuple(line.split("\t")) for line in _lines(name))


def _lines(name: str) -> list[str]:
    """Those that are rows; lines that start with # say where the table comes from."""
    text = (_FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and line[0] != "#"]


@cache
def table(name: str) -> frozenset[str]:
    """The first column of a table as a set."""
    return frozenset([line.partition("\t")[0] for line in _lines(name)])


@cache
def longest_first(name: str) -> tuple[str, ...]:
    """The first column of a table, longer words first, as alternations of patterns need them."""
    return tuple(sorted((row[0] for row in rows(name)), key=len, reverse=True))


@cache
def numbers(name: str) -> dict[str, float]:
    """A table of two columns as a mapping to numbers."""
    return {row[0]: float(row[1]) for row in rows(name)}


@cache
def divisions() -> frozenset[str]:
    """Codes of GB/T 2260: two digits for provinces, four for prefectures, six for counties."""
    codes = table("divisions")
    return codes | {code[:2] for code in codes} | {code[:4] for code in codes}

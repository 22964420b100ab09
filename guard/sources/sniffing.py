"""Telling JSON and delimited tables from other text by their first bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from guard.sources.delimited_cells import DELIMITERS, split_records

ENOUGH_ROWS = 4
"""Fewer rows than this prove no table in a file whose name does not say so."""
_BLANKS = bytes(code for code in range(128) if chr(code).isspace())
_OPENING = b"{", b"["
_BRACKETS, _CLOSED_AND_OPENED = bytes.maketrans(b"{}", b"[]"), b"]["
_ROWS, _FIRST_ROWS = 100, 8
"""How many rows are looked at, and how many before the others."""


def sniff_json(text: str, whole: bool) -> str:
    """`json`, `jsonl` or "" for a text that begins (`whole`: is) `text`. A log line such as `[12:00] up` is neither."""
    stripped = text.lstrip()
    if not stripped.startswith(("{", "[")):
        return ""
    try:
        _, end = json.JSONDecoder().raw_decode(stripped)
    except RecursionError:
        return "json"
    except json.JSONDecodeError as error:
        return "json" if not whole and _is_cut(stripped, error) else ""
    rest = stripped[end:].lstrip(" \t\r")
    if not rest.strip():
        return "json" if whole or stripped[:end].count("\n") else "jsonl"
    return "jsonl" if rest.startswith("\n") and rest.lstrip().startswith(("{", "[")) else ""


def is_one_value(head: bytes) -> bool:
    """Whether a whole file that is called JSON needs no parser to tell that it is no JSON Lines: nowhere does an object
    or array begin right behind the end of another, as the next line of these would."""
    if not head.isascii():
        return False
    return head.lstrip(_BLANKS).startswith(_OPENING) and _CLOSED_AND_OPENED not in head.translate(_BRACKETS, _BLANKS)


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text was good JSON up to where the head ends."""
    return error.pos >= len(text) - 16 or error.msg.startswith("Unterminated string")


def sniff_delimited(text: str, whole: bool) -> str:
    """The delimiter of a text whose rows all have the same number of cells, or "" for other text."""
    data = text.encode()
    return next((delimiter.decode() for delimiter in DELIMITERS
                 if delimiter in data and _is_table(data, delimiter, whole)), "")


def _is_table(data: bytes, delimiter: bytes, whole: bool) -> bool:
    least = 3 if delimiter in (b",", b";") else 2
    # Nearly every text that is no table shows it in its first rows. The last of these may be cut.
    if not _are_even(_widths(split_records(data, delimiter, limit=_FIRST_ROWS)[:-1]), least):
        return False
    records = split_records(data, delimiter, limit=_ROWS)
    widths = _widths(records if whole or len(records) == _ROWS else records[:-1])
    return len(widths) >= ENOUGH_ROWS and _are_even(widths, least)


def _widths(records: Sequence[Sequence[str]]) -> list[int]:
    """The cells of each row that is not blank."""
    return [len(record) for record in records if len(record) > 1 or record[0]]


def _are_even(widths: Sequence[int], least: int) -> bool:
    return all(width == widths[0] >= least for width in widths)

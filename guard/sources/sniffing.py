"""Telling JSON and delimited tables from other text by their first bytes."""

from __future__ import annotations

import json
import re
from collections import Counter

from guard.sources.delimited_cells import DELIMITERS, split_records

_NEXT_LINE = re.compile(r"[}\]][ \t\r]*\n\s*[{\[]")
ENOUGH_ROWS = 4
"""Fewer rows than this prove no table in a file whose name does not say so."""


def may_be_lines(text: str) -> bool:
    """Whether an object or array may end before a line that begins with another one; JSON has a comma between them."""
    return _NEXT_LINE.search(text) is not None


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


def _is_cut(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text was good JSON up to where the head ends."""
    return error.pos >= len(text) - 16 or error.msg.startswith("Unterminated string")


def sniff_delimited(text: str, whole: bool) -> str:
    """The delimiter of a text whose rows all have the same number of cells, or "" for other text."""
    data = text.encode()
    for delimiter in DELIMITERS:
        records = split_records(data, delimiter, limit=100)
        if not whole and len(records) < 100:
            records = records[:-1]
        widths = Counter(len(record) for record in records if len(record) > 1 or record[0])
        width, rows = widths.most_common(1)[0] if widths else (1, 0)
        if rows >= ENOUGH_ROWS and rows == widths.total() and width >= (3 if delimiter in (b",", b";") else 2):
            return delimiter.decode()
    return ""

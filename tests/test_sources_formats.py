"""What a file is: told by its content and its name, or by whoever reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.errors import UsageError
from guard.model import PlainLabels, Reason
from guard.sources import Document, Options, discover
from guard.sources.delimited_cells import DELIMITERS, split_records
from guard.sources.formats import CONTROLS, sniff
from guard.sources.sniffing import is_one_value, sniff_delimited, sniff_json


def found(path: Path, **options: str) -> dict[str, str]:
    """Shown name: format, or the reason of a skip."""
    items = discover(path, Options(**options), PlainLabels())  # type: ignore[arg-type]
    return {item.name if isinstance(item, Document) else item.dataset:
            item.format if isinstance(item, Document) else str(item.reason) for item in items}


LOG = "".join(f"[2024-01-01 12:00:0{i}] INFO a, b, c{', d' * (i % 2)}\n" for i in range(9))
TABLE = "".join(f"{i}\t张三\t1380013800{i}\n" for i in range(9))


ZIP = b"PK\x03\x04" + b"\0" * 26
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1.."
LINES = b'{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(("content", "suffix", "expected"), [
    (b"PAR1....", "csv", "parquet"), (b"\x1f\x8b\x08...", "txt", "gzip"), (ZIP + b"a.csv", "", "zip"),
    (ZIP + b"xl/workbook.xml", "bin", "xlsx"), (ZIP + b"x", "xlsx", "xlsx"), (OLE, "xls", "xlsx"),
    (b"a,b\n", "csv", "csv"), (b"a\tb\n", "TSV", "tsv"), (LINES, "", "jsonl"), (b'{"a":\n 1}\n', "", "json"),
    (b'{"a": 1}\n', "ndjson", "jsonl"), (b'[{"a": 1}, {"b": "x"}]', "txt", "json"), (LINES, "json", "jsonl"),
    (b'\xef\xbb\xbf{"a": 1}', "", "json"), ('{"a": 1}'.encode("utf-16"), "", "json"),
    (b'{"a": nonsense', "json", "json"), (b"[" * 70_000, "", "json"),
    (LOG.encode(), "", "text"), (LOG.encode(), "log", "text"), (b"[123] message\n[124] other\n", "", "text"),
    (TABLE.encode(), "txt", "csv"), (TABLE.encode("gbk"), "dat", "csv"), (TABLE.encode("utf-16"), "", "csv"),
    (b"<table><tr><td>1</td></tr></table>", "xls", "text"), (b"a, b, and c.\nd, e.\nf, g, h, i.\nj\n", "", "text"),
    (b"select 1, 2, 3;\n" * 9, "sql", "text"), (b"-----BEGIN PRIVATE KEY-----\n", "", "text"),
    ("café déjà\n".encode("cp1252"), "", "text"), (b"\x1b[31mred\x1b[0m\n" * 3, "", "text"),
])
def test_formats_are_told_by_content_and_name(content: bytes, suffix: str, expected: str) -> None:
    assert sniff(content, suffix and "." + suffix, Options()) == expected


@pytest.mark.parametrize(("content", "suffix", "reason"), [
    (b"", "csv", Reason.EMPTY), (b"\x00\x01\x02\x03" * 50, "csv", Reason.BINARY),
    (bytes(range(256)) * 4, "", Reason.BINARY), (b"%PDF-1.7\n", "pdf", Reason.UNSUPPORTED),
    (b"\x89PNG\r\n\x1a\n", "txt", Reason.UNSUPPORTED), (b"SQLite format 3\0", "csv", Reason.UNSUPPORTED),
    (b"7z\xbc\xaf\x27\x1c", "", Reason.UNSUPPORTED), (b"\0" * 257 + b"ustar", "tar", Reason.UNSUPPORTED),
    (b"{\\rtf1 x}", "doc", Reason.UNSUPPORTED), (ZIP + b"word/document.xml", "docx", Reason.UNSUPPORTED),
    (OLE, "doc", Reason.UNSUPPORTED), (b"\x7fELF\x02", "", Reason.UNSUPPORTED),
])
def test_what_cannot_be_read_is_said_and_not_passed(content: bytes, suffix: str, reason: Reason) -> None:
    result = sniff(content, suffix and "." + suffix, Options())
    assert isinstance(result, tuple)
    assert result[0] == reason


def test_a_named_format_is_obeyed(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("a,b\n1,2\n")
    assert found(tmp_path, as_format="csv") == {"a.log": "csv"}
    with pytest.raises(UsageError):
        discover(tmp_path, Options(as_format="no-such"), PlainLabels())
    with pytest.raises(UsageError):
        discover(tmp_path, Options(encoding="no-such"), PlainLabels())


@pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
@pytest.mark.parametrize("byte", range(256))
def test_the_loop_knows_the_same_controls(byte: int) -> None:
    from guard.sources.text_loops import has_controls

    text = np.frombuffer(b"abc " * 20 + bytes([byte]) + b" def" * 20, np.uint8)
    assert bool(has_controls(text)) == (byte in CONTROLS)


@given(st.lists(st.sampled_from(("a", "b,c", "1,2,3", "x;y;z", "k\tv", '"q,\n",', '"', "", "p|q", "~")), max_size=14),
       st.sampled_from(("\n", "\r\n", "\n\n")), st.integers(1, 12), st.booleans())
def test_a_table_is_told_by_all_of_its_rows(cells: list[str], end: str, times: int, whole: bool) -> None:
    """That the first rows are looked at before the others changes nothing."""
    text = end.join(cells * times)
    found = []
    for delimiter in DELIMITERS:
        records = split_records(text.encode(), delimiter, limit=100)
        records = records if whole or len(records) == 100 else records[:-1]
        widths = [len(record) for record in records if record != [""]]
        least = 3 if delimiter in (b",", b";") else 2
        if len(widths) >= 4 and len({*widths}) == 1 and widths[0] >= least:
            found.append(delimiter.decode())
    assert sniff_delimited(text, whole) == (found[0] if found else "")


@given(st.lists(st.sampled_from(('{"a": 1}', "[1]", "{", "}", "[", "]", "\n", "\r\n", " ", "\x1c", "\x0b", '"', ",",
                                 "1", '"}\\n{"', "\xa0", "é")), max_size=10).map("".join))
def test_a_file_called_json_is_lines_when_its_parser_says_so(text: str) -> None:
    """What is told without the parser is told alike."""
    head = text.encode()
    expected = sniff_json(text, True) or "json"
    assert not is_one_value(head) or expected == "json"
    if head and b"\x1c" not in head:  # of which a few make a file binary
        assert sniff(head, ".json", Options()) == expected


@pytest.mark.parametrize("kind", ["csv", "text", "json", "parquet"])
def test_a_forced_reader_does_not_read_what_is_evidently_something_else(tmp_path: Path, kind: str) -> None:
    """A folder that is released `--as csv` would take its pictures and documents along as clean."""
    contents = {"a": b"%PDF-1.4\n1 0 obj", "b": b"\x89PNG\r\n\x1a\n", "c": b"{\\rtf1 x}", "d": b"7z\xbc\xaf\x27\x1c0",
                "e": b"x\0".ljust(257, b" ") + b"ustar  ", "f": b"SQLite format 3\0"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert set(found(tmp_path, as_format=kind).values()) == {str(Reason.UNSUPPORTED)}


def test_a_forced_reader_reads_text_that_begins_like_something_else(tmp_path: Path) -> None:
    for name, content in {"a": b"ORC,id\n1,2\n", "b": b"BZh,x\n1,2\n"}.items():
        (tmp_path / name).write_bytes(content)
    assert found(tmp_path) == {"a": str(Reason.UNSUPPORTED), "b": str(Reason.UNSUPPORTED)}
    assert found(tmp_path, as_format="csv") == {"a": "csv", "b": "csv"}

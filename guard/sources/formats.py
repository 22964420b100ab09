"""Which reader reads which input: magic bytes first, then the name, then the content."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, cast

from guard import compiled
from guard.errors import SourceError, UsageError
from guard.model import Labels, Reason, Skipped
from guard.patterns import pattern
from guard.sources import encoding
from guard.sources.document import Document, Options
from guard.sources.stable import Opener, read_fully
from guard.sources.stream import skipped

HEAD = 1 << 16

READERS = {
    "csv": "guard.sources.delimited:DelimitedDocument",
    "tsv": "guard.sources.delimited:DelimitedDocument",
    "json": "guard.sources.json_document:JsonDocument",
    "jsonl": "guard.sources.json_lines:JsonLinesDocument",
    "text": "guard.sources.text:TextDocument",
    "parquet": "guard.sources.parquet:ParquetDocument",
    "xlsx": "guard.sources.xlsx:XlsxDocument",
    "gzip": "guard.sources.archive:GzipDocument",
    "zip": "guard.sources.archive:ZipDocument",
}
"""Format: module and class. Every class takes (name, output, opener, size, options, labels), archives also depth."""

ARCHIVES = ("gzip", "zip")
STREAMS = ("csv", "tsv", "json", "jsonl", "text")
"""Formats of which most files are, and all of a tree of sources."""
SEEKING = ("parquet", "xlsx", "zip")
"""Formats that are read at random: from a pipe or a member they are taken into memory, up to `max_document`."""

FORMATS = tuple(name for name in READERS if name not in ARCHIVES)
"""What `Options.as_format` may name."""

_MAGIC = (
    (b"PAR1", "parquet"), (b"PARE", "parquet"), (b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)
_UNSUPPORTED = (
    (0, b"%PDF-", "PDF"), (0, b"\x89PNG", "PNG image"), (0, b"\xff\xd8\xff", "JPEG image"), (0, b"GIF8", "GIF image"),
    (0, b"II*\0", "TIFF image"), (0, b"MM\0*", "TIFF image"), (8, b"WEBP", "WebP image"), (0, b"{\\rtf", "RTF"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"), (0, b"Rar!\x1a\x07", "RAR"), (0, b"BZh", "bzip2"), (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"), (0, b"\x04\x22\x4d\x18", "LZ4"), (257, b"ustar", "tar"),
    (0, b"SQLite format 3\0", "SQLite database"), (0, b"Obj\x01", "Avro"), (0, b"ORC", "ORC"), (0, b"ARROW1", "Arrow"),
    (0, b"\x7fELF", "program"), (0, b"MZ\x90", "program"), (4, b"Standard Jet DB", "Access database"),
    (4, b"Standard ACE DB", "Access database"), (0, b"salted__", "encrypted"), (0, b"Salted__", "encrypted"),
)
_MARKS = tuple(mark for mark, _ in _MAGIC)
_OFFSETS = sorted({at for at, _, _ in _UNSUPPORTED})
_UNSUPPORTED_MARKS = [tuple(mark for place, mark, _ in _UNSUPPORTED if place == at) for at in _OFFSETS]
"""The same by offset: most files begin with none of them, which is asked of all at once."""
_SUFFIXES = {
    "csv": "csv", "tsv": "tsv", "tab": "tsv", "json": "json", "geojson": "json", "har": "json", "jsonl": "jsonl",
    "ndjson": "jsonl", "xlsx": "xlsx", "xlsm": "xlsx", "xlsb": "xlsx", "ods": "xlsx", "xls": "xlsx", "et": "xlsx",
    **dict.fromkeys((
        "log", "md", "rst", "html", "htm", "xhtml", "xml", "svg", "sql", "yml", "yaml", "toml", "ini", "cfg", "conf",
        "env", "properties", "py", "js", "ts", "jsx", "tsx", "java", "kt", "go", "rs", "c", "h", "cc", "cpp", "hpp",
        "cs", "php", "rb", "pl", "sh", "bash", "zsh", "ps1", "bat", "lua", "r", "scala", "swift", "vue", "css", "scss",
        "pem", "key", "crt", "cer", "csr", "tex"), "text"),
}
_OFFICE = pattern(rb"PK\x03\x04.{26}(?:xl/|mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet)", re.DOTALL)
_OTHER_OFFICE = pattern(
    rb"PK\x03\x04.{26}(?:word/|ppt/|mimetypeapplication/vnd\.oasis\.opendocument\.(?!spreadsheet))", re.DOTALL)
CONTROLS = bytes(set(range(32)) - set(b"\x01\b\t\n\v\f\r\x1a\x1b")) + b"\x7f"
"""Bytes that text hardly has. \\x01 is the delimiter of Hive exports, \\x1b begins colours in logs."""


def open_document(name: str, output: PurePosixPath, opener: Opener, size: int, options: Options, labels: Labels,
                  depth: int = 0, path: Path | None = None) -> Document | Skipped:
    """The document behind `opener`, or why it is none.

    `name` is shown and `output` is safe to create; `size` is in bytes, -1 when unknown; `path` (or a member's raw name)
    is looked at for its suffix only. Archives call this again for their members with `depth` + 1.
    """
    check_options(options)
    try:
        with opener() as stream:
            head, seekable = read_fully(stream, HEAD), stream.seekable()
    except SourceError as error:
        return skipped(name, error)
    except OSError:
        return Skipped(name, Reason.UNREADABLE)
    return recognised(head, name, output, opener, size, options, labels, depth, (path or output).suffix,
                      seekable=seekable)


def recognised(head: bytes, name: str, output: PurePosixPath | None, opener: Opener, size: int, options: Options,
               labels: Labels, depth: int, suffix: str, *, seekable: bool = True) -> Document | Skipped:
    """As `open_document`, for a content of which the first bytes were read already, and a name with this suffix."""
    found = sniff(head, suffix, options)
    if isinstance(found, tuple):
        return Skipped(name, *found)
    if found in SEEKING and not seekable:
        opener = in_memory(opener, options.max_document)
    return construct(found, name, output, opener, size, options, labels, depth)


def construct(found: str, name: str, output: PurePosixPath | None, opener: Opener, size: int, options: Options,
              labels: Labels, depth: int = 0) -> Document:
    """The document of a known format; its module is imported only now. Without an `output` the name is that path."""
    reader = _reader(found)
    if output is None and found not in STREAMS:
        output = PurePosixPath(name)
    further: dict[str, Any] = {"depth": depth} if found in ARCHIVES else {}
    document = reader(name, output, opener, size, options, labels, **further)
    document.format = found if found in FORMATS else document.format
    return document


@cache
def _reader(found: str) -> Callable[..., Document]:
    module, _, attribute = READERS[found].partition(":")
    return cast(Callable[..., Document], getattr(import_module(module), attribute))


def check_options(options: Options) -> None:
    """Raise UsageError for a format or encoding that does not exist."""
    if options.as_format and options.as_format not in FORMATS:
        raise UsageError("unknown format", hint=f"one of {', '.join(FORMATS)}")
    if options.encoding:
        encoding.named(options.encoding)


def in_memory(opener: Opener, limit: int) -> Opener:
    """An opener that gives the whole content in memory. Opening raises SourceError above `limit` bytes."""
    def open_in_memory() -> io.BytesIO:
        with opener() as stream:
            data = read_fully(stream, limit + 1)
        if len(data) > limit:
            raise SourceError("an input is too large to be read at random", reason=Reason.TOO_LARGE)
        return io.BytesIO(data)

    return open_in_memory


def sniff(head: bytes, suffix: str, options: Options) -> str | tuple[Reason, str]:
    """The format of a file that begins with `head` (all of it when shorter than HEAD), or why there is none."""
    if not head:
        return Reason.EMPTY, ""
    suffix = suffix.lower().lstrip(".")
    if head.startswith(_MARKS):
        magic = next(found for mark, found in _MAGIC if head.startswith(mark))
        return _packed(magic, head, suffix, options)
    if any(map(head.startswith, _UNSUPPORTED_MARKS, _OFFSETS)):
        _, mark, kind = next(known for known in _UNSUPPORTED if head.startswith(known[1], known[0]))
        # Of a folder, `--as csv` forces a reader on its pictures too.
        if not options.as_format or _is_evident(mark):
            return Reason.UNSUPPORTED, kind
    return options.as_format or _textual(head, suffix, options)


def _is_evident(mark: bytes) -> bool:
    """Whether no text begins so by chance, as it may with `ORC`."""
    return len(mark) >= 5 or not (mark.isascii() and mark.decode("ascii").isprintable())


def _packed(magic: str, head: bytes, suffix: str, options: Options) -> str | tuple[Reason, str]:
    named = _SUFFIXES.get(suffix, "")
    if magic == "ole":
        return "xlsx" if "xlsx" in (named, options.as_format) else (Reason.UNSUPPORTED, "Office 97 document")
    if magic != "zip":
        return magic
    if _OFFICE.search(head) or named == "xlsx":
        return "xlsx"
    return (Reason.UNSUPPORTED, "Office document") if _OTHER_OFFICE.search(head) else "zip"


def _textual(head: bytes, suffix: str, options: Options) -> str | tuple[Reason, str]:
    codec = _codec_of(head, options)
    if codec is None or _is_binary(head, codec):
        return Reason.BINARY, ""
    named = _SUFFIXES.get(suffix, "")
    if named in ("csv", "tsv", "text", "jsonl"):
        return named
    from guard.sources.sniffing import is_one_value, sniff_delimited, sniff_json

    whole = len(head) < HEAD
    if named == "json" and whole and is_one_value(head):
        return "json"
    text = _as_text(head, codec)
    if found := sniff_json(text, whole):
        return found
    if named == "json":
        return "json"
    return "csv" if sniff_delimited(text, whole) else "text"


def _codec_of(head: bytes, options: Options) -> str | None:
    """How to read the head; None for binary. What encoding the file is in, its reader decides on more evidence."""
    if options.encoding:
        return encoding.named(options.encoding).codec
    found = encoding.from_mark(head)
    if found is None and b"\0" in head:
        found = encoding.from_zeros(head)
        return found.codec if found else None
    return found.codec if found else "utf-8"


def _is_binary(head: bytes, codec: str) -> bool:
    """Whether control characters are no exception."""
    if codec == "utf-8" and not _has_controls(head):  # in which they are single bytes
        return False
    text = _as_text(head, codec)
    controls = sum(text.count(chr(byte)) for byte in CONTROLS)
    return controls > 0.02 * len(text) or (controls > 0 and len(text) < 8)


def _has_controls(head: bytes) -> bool:
    if not compiled.pays(len(head)):
        return len(head.translate(None, CONTROLS)) != len(head)
    return _compiled_has_controls()(head)


@cache
def _compiled_has_controls() -> Callable[[bytes], bool]:
    """The same as a loop; its modules are imported when it is first asked for, and not looked up for each file."""
    import numpy as np

    from guard.sources.text_loops import has_controls

    return lambda head: bool(has_controls(np.frombuffer(head, np.uint8)))


def _as_text(head: bytes, codec: str) -> str:
    return head.decode(codec, "replace").removeprefix("\ufeff")

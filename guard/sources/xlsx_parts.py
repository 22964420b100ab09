"""What else lies in an Office Open XML or OpenDocument package beside the cells: text to scan, and what cannot be read.

Comments, properties, drawings, charts, pivot caches and external links hold copies of values; they are scanned as text.
Images, macros and embedded objects are named. The package's limits are checked here, before anything unpacks it whole.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from html import unescape

from guard.errors import SourceError
from guard.model import Reason
from guard.sources.document import MAX_RATIO

FREE = 16_000_000
"""A package or part may always expand to this many bytes."""
MAX_CELLS = 20_000_000
"""Cells of the rectangle around a sheet's used cells. The reader lays it out whole, filled or not."""

_TEXTS = (
    (re.compile(r"xl/(comments|threadedComments|persons)|word/comments"), "comments"),
    (re.compile(r"docProps/|meta\.xml"), "properties"),
    (re.compile(r"xl/(drawings|diagrams)/"), "drawings"),
    (re.compile(r"xl/charts/"), "charts"),
    (re.compile(r"xl/pivot|xl/slicer|xl/timeline"), "pivot tables"),
    (re.compile(r"xl/externalLinks/|xl/connections|xl/queryTables/"), "external links"),
    (re.compile(r"customXml/"), "custom XML"),
)
_BINARIES = (
    (re.compile(r"xl/media/|Pictures/|docProps/thumbnail|Thumbnails/"), "embedded images"),
    (re.compile(r"xl/vbaProject|Basic/|Scripts/|xl/macrosheets/"), "macros"),
    (re.compile(r"xl/(embeddings|activeX|ctrlProps)/|Object "), "embedded objects"),
    (re.compile(r"xl/model/|xl/customData"), "data models"),
)
_SHEET = re.compile(r"xl/(?:worksheets|chartsheets)/[^/]+\.xml")
_HEADER_FOOTER = re.compile(rb"<headerFooter.*?</headerFooter>", re.DOTALL)
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_CONTENT = re.compile(r">([^<]+)<")
_ATTRIBUTES = re.compile(
    r'\b(?:v|name|displayName|userId|author|caption|Target|connection|command|title|descr)="([^"]+)"')


def open_package(data: bytes, limit: int) -> zipfile.ZipFile:
    """The package, unpacked to its end once within its limits. Raises SourceError: corrupt, encrypted, bomb."""
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
        total, allowed = 0, max(FREE, min(len(data) * MAX_RATIO, 4 * limit))
        for member in package.infolist():
            if member.flag_bits & 1:
                raise SourceError("a workbook is encrypted", reason=Reason.ENCRYPTED)
            with package.open(member) as part:
                while piece := part.read(1 << 20):
                    total += len(piece)
                    if total > allowed:
                        raise SourceError("a workbook expands too much", reason=Reason.BOMB)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        raise SourceError("a workbook is corrupt", reason=Reason.CORRUPT) from None
    return package


def check_area(package: zipfile.ZipFile) -> None:
    """Raise SourceError when a sheet's used cells lie so far apart that their rectangle cannot be held."""
    for name in filter(_SHEET.fullmatch, package.namelist()):
        columns, rows = set(), set()
        for column, row in _CELL.findall(package.read(name)):
            columns.add(column)
            rows.add(row)
        if columns and _span(map(_column_number, columns)) * _span(map(int, rows)) > MAX_CELLS:
            raise SourceError("the cells of a sheet lie too far apart", reason=Reason.TOO_LARGE)


def _span(numbers: Iterator[int]) -> int:
    found = list(numbers)
    return max(found) - min(found) + 1


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def texts(package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Kind and text of the parts that are no cells, one line for each piece of text."""
    for name in package.namelist():
        kind = next((kind for pattern, kind in _TEXTS if pattern.match(name)), "")
        if kind and name.endswith((".xml", ".vml", ".rels")):
            if text := _text_of(package.read(name)):
                yield kind, text
        elif _SHEET.fullmatch(name) and (found := _HEADER_FOOTER.search(package.read(name))):
            yield "headers and footers", _text_of(found.group())


def _text_of(xml: bytes) -> str:
    source = xml.decode("utf-8", "replace")
    pieces = (*_CONTENT.findall(source), *_ATTRIBUTES.findall(source))
    return "\n".join(text for piece in pieces if (text := unescape(piece).strip()))


def unreadable(package: zipfile.ZipFile) -> list[str]:
    """What is in the package and cannot be read, with its number: `3 embedded images`."""
    counts: Counter[str] = Counter()
    for name in package.namelist():
        for pattern, kind in _BINARIES:
            if pattern.match(name) and not name.endswith((".rels", "/")):
                counts[kind] += 1
                break
    return [f"{count} {kind}" for kind, count in sorted(counts.items())]

"""Which reader reads which input: magic bytes first, then the name, then the content."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import cast

from guard.model import Labels, Reason, Skipped
from guard.sources.document import Document, Options
from guard.sources.stable import Opener

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


def open_document(name: str, output: PurePosixPath, opener: Opener, size: int, options: Options, labels: Labels,
                  depth: int = 0, path: Path | None = None) -> Document | Skipped:
    """The document behind `opener`, or why it is none.

    `name` is shown and `output` is safe to create; `size` is in bytes, -1 when unknown; `path` (or a member's raw name)
    is looked at for its suffix only. Archives call this again for their members with `depth` + 1.
    """
    raise NotImplementedError

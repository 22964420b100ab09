"""What holds values has no repr that shows them: it could reach a log or a traceback."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from guard.batch import Batch, CellEdit, Edits, SpanEdit
from guard.detect.damage import repaired
from guard.detect.folding import fold
from guard.model import PlainLabels
from guard.sources import Document, Options, discover
from guard.sources.json_documents import Text

VALUE = "geheim-8713"


def _xlsx() -> bytes:
    book, file = Workbook(), io.BytesIO()
    for cell in ("name", VALUE):
        book.active.append([cell])
    book.save(file)
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"name": [VALUE]}), file)
    return file.getvalue()


CONTENTS = {"a.txt": f"see {VALUE}\n".encode(), "a.csv": f"name,b\n{VALUE},1\n".encode(),
            "a.json": f'{{"name": "{VALUE}"}}'.encode(), "a.jsonl": f'{{"name": "{VALUE}"}}\n'.encode() * 2,
            "a.xlsx": _xlsx(), "a.parquet": _parquet()}


@pytest.mark.parametrize("name", CONTENTS)
def test_batches_and_columns(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTENTS[name])
    (document,) = discover(tmp_path / name, Options(), PlainLabels())
    assert isinstance(document, Document)
    batches = [item for item in document.read() if isinstance(item, Batch)]
    assert batches
    for batch in batches:
        assert VALUE not in repr(batch) + repr(batch.columns) + repr(getattr(batch, "pointer", ""))


def test_what_is_made_of_them() -> None:
    data, values, at = f"{VALUE} \xff".encode("latin-1"), pa.array([VALUE]), np.zeros(1, np.int64)
    for holder in (CellEdit(0, at, values), SpanEdit(at, at, values), Edits((CellEdit(0, at, values),)),
                   Text("a.json", data, Options()), fold(VALUE.encode()), repaired(data, [(0, len(data))])):
        assert VALUE not in repr(holder)

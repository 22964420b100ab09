"""What tests of tables and workbooks share: a value that must not survive, labels that hide, an editor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from guard.batch import Batch, CellEdit, Edits, SpanEdit
from guard.model import Skipped
from guard.sources.document import Document

CANARY = "110101199003074514"


class HidingLabels:
    """Labels that withhold every name with a digit."""

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        return fallback if any(character.isdigit() for character in raw) else raw


class Changes:
    """An editor that drops some fields, and writes `<value>` (or what a function says) over the cells of others."""

    def __init__(self, *fields: str, drops: tuple[str, ...] = (), change: Any = lambda value: f"<{value}>",
                 only: int | None = None) -> None:
        self.fields = fields
        self.dropped = drops
        self.change = change
        self.only = only

    def drops(self, dataset: str, field: str) -> bool:
        return field in self.dropped

    def edit(self, batch: Batch) -> Edits:
        if batch.is_text:
            return Edits(spans=SpanEdit(np.array([0]), np.array([3]), pa.array(["T"]))) if "text" in self.fields else (
                Edits())
        edits = []
        for index, column in enumerate(batch.columns):
            which = [cell for cell in range(len(column)) if self.only in (None, int(column.rows[cell]))]
            if column.field in self.fields and which:
                values = [self.change(column.value(cell).decode()) for cell in which]
                edits.append(CellEdit(index, np.array(which), pa.array(values, pa.string())))
        return Edits(tuple(edits))


def skips(document: Document) -> list[Skipped]:
    return [item for item in document.read() if isinstance(item, Skipped)]

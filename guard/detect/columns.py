"""Columns: cells joined to one buffer, scanned once, hits mapped back to their cells."""

from __future__ import annotations

import numpy as np

from guard.batch import Column, Hits
from guard.detect.plain import scan_cell, to_hits
from guard.detect.plan import Plan


def scan_column(plan: Plan, column: Column) -> Hits:
    """Hits in the values of a column; offsets are bytes of the value."""
    known: dict[bytes, Hits] = {}
    parts = []
    for index in range(len(column)):
        value = column.value(index)
        if (hits := known.get(value)) is None:
            hits = known[value] = to_hits(scan_cell(plan.rules, value, column.header), 0)
        cell = np.full(len(hits), index, np.int64)
        parts.append(Hits(hits.detector, hits.start, hits.end, hits.confidence, hits.flags, cell))
    return Hits.concat(parts)

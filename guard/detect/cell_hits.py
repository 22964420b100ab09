"""Hits of the cells of a column in order, each once, overlaps flagged: `scan.merge` where there is much to merge.

Nearly every cell of a register has one hit, so that mostly there is nothing to sort and nothing that overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.batch import Hits, Ints
from guard.detect import cell_hit_loops as loops
from guard.detect.judging_loops import HitColumns, arrange, shadow
from guard.detect.rule import Rules
from guard.detect.scan import Found, concatenate


def placed(found: Found, firsts: Ints) -> tuple[Found, Ints]:
    """Hits with offsets of their cells, and the cells; `firsts` are where these begin in the buffer."""
    cells, starts, ends = (np.empty(len(found.start), np.int64) for _ in range(3))
    loops.place(firsts, found.start, found.end, cells, starts, ends)
    return Found(found.detector, starts, ends, found.confidence, found.flags), cells


def merge_cells(rules: Rules, parts: Sequence[tuple[Found, Ints]], count: int) -> Hits:
    """What `scan.merge` makes of hits with their cells, of which there are `count`."""
    parts = [(found, cells) for found, cells in parts if len(cells)] or list(parts[:1])
    whole = parts[0][0] if len(parts) == 1 else concatenate([found for found, _ in parts])
    cells = parts[0][1] if len(parts) == 1 else np.concatenate([cells for _, cells in parts])
    if not loops.are_apart(cells):
        whole, cells = _resolved(rules, whole, cells, count)
    return Hits(whole.detector.astype(np.int16), whole.start, whole.end, whole.confidence.astype(np.float32),
                whole.flags.astype(np.uint8), cells)


def _resolved(rules: Rules, whole: Found, cells: Ints, count: int) -> tuple[Found, Ints]:
    """The same in order, each once, overlaps flagged."""
    order = np.empty(len(cells), np.int64)
    loops.sort_by_cell(cells, whole.start, np.zeros(count + 1, np.int64), order)
    order = order[: arrange(order, cells, whole.start, whole.end, whole.detector, whole.flags)]
    hits = HitColumns(whole.detector, whole.start, whole.end, whole.confidence, whole.flags)
    chosen, kept = np.empty(len(order), np.int64), HitColumns._make(np.empty(len(order), each.dtype) for each in hits)
    loops.pick(order, cells, hits, chosen, kept)
    shadow(rules.traits, chosen, kept.start, kept.end, kept.detector, kept.confidence, kept.flags,
           np.empty(len(order), np.int64))
    return Found(*kept), chosen

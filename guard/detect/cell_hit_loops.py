"""Hits of the cells of a column, put in their cells and in order, as compiled loops: `guard.detect.cell_hits`."""

from __future__ import annotations

from guard.batch import Ints
from guard.compiled import inlined_loop, tight_loop
from guard.detect.judging_loops import HitColumns

_NEAR = 4
"""Cells that are looked at one by one before the cell of a hit is searched among all."""


@tight_loop
def place(firsts: Ints, starts: Ints, ends: Ints, cells: Ints, lows: Ints, highs: Ints) -> None:
    """Says in which cell each hit is, and its offsets there; `firsts` are where cells begin in the buffer.

    Hits of one rule come in order, so that the cell is mostly the next one.
    """
    cell = 0
    for index in range(len(starts)):
        cell = _cell_of(firsts, starts[index], cell)
        cells[index] = cell
        lows[index], highs[index] = starts[index] - firsts[cell], ends[index] - firsts[cell]


@inlined_loop
def _cell_of(firsts: Ints, offset: int, near: int) -> int:
    """The last cell that begins at `offset` or before it."""
    cell, last = near, min(near + _NEAR, len(firsts) - 1)
    if firsts[cell] <= offset:
        while cell < last and firsts[cell + 1] <= offset:
            cell += 1
        if cell + 1 == len(firsts) or firsts[cell + 1] > offset:
            return cell
    low, high = 0, len(firsts)
    while low < high:
        middle = (low + high) // 2
        if firsts[middle] <= offset:
            low = middle + 1
        else:
            high = middle
    return low - 1


@tight_loop
def are_apart(cells: Ints) -> bool:
    """Whether no two hits are in one cell, and all in order."""
    index = 1
    while index < len(cells) and cells[index] > cells[index - 1]:
        index += 1
    return index >= len(cells)


@tight_loop
def sort_by_cell(cells: Ints, starts: Ints, edges: Ints, order: Ints) -> None:
    """Fills `order` with the numbers of the hits by cell and start, otherwise as they come. `edges` are zeros, one more
    than there are cells."""
    for index in range(len(cells)):
        edges[cells[index] + 1] += 1
    for cell in range(1, len(edges)):
        edges[cell] += edges[cell - 1]
    for index in range(len(cells)):
        order[edges[cells[index]]] = index
        edges[cells[index]] += 1
    for index in range(1, len(order)):
        hit, at = order[index], index
        while at > 0 and cells[order[at - 1]] == cells[hit] and starts[order[at - 1]] > starts[hit]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = hit


@tight_loop
def pick(order: Ints, cells: Ints, hits: HitColumns, chosen: Ints, kept: HitColumns) -> None:
    """Writes the hits of these numbers to `kept`, and their cells to `chosen`."""
    for index in range(len(order)):
        hit = order[index]
        chosen[index], kept.detector[index] = cells[hit], hits.detector[hit]
        kept.start[index], kept.end[index] = hits.start[hit], hits.end[hit]
        kept.confidence[index], kept.flags[index] = hits.confidence[hit], hits.flags[hit]

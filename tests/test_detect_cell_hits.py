"""Hits of cells by loops, against what NumPy sorts and the plain rules of overlaps say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Ints
from guard.detect import Matcher, load
from guard.detect.cell_hits import merge_cells, placed
from guard.detect.scan import Found, merge
from guard.model import CERTAIN, LIKELY, POSSIBLE

MATCHER = Matcher(load())
CELLS = 40

hits = st.tuples(st.integers(0, CELLS - 1), st.integers(0, 6), st.integers(1, 6), st.integers(0, 9),
                 st.sampled_from((POSSIBLE, LIKELY, CERTAIN)), st.sampled_from((0, 1, 2, 8, 17, 34)))


def found(rows: list[tuple[int, int, int, int, float, int]]) -> tuple[Found, Ints]:
    columns = [np.array([row[number] for row in rows], np.int64) for number in (3, 1, 2, 5)]
    worths = np.array([row[4] for row in rows], np.float64)
    return (Found(columns[0], columns[1], columns[1] + columns[2], worths, columns[3]),
            np.array([row[0] for row in rows], np.int64))


@given(st.lists(st.lists(hits, max_size=60), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_merged_as_by_numpy(parts: list[list[tuple[int, int, int, int, float, int]]]) -> None:
    columns = [found(rows) for rows in parts]
    whole, cells = found([row for rows in parts for row in rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: False)
        expected = merge(MATCHER.rules, whole, cells)
    merged = merge_cells(MATCHER.rules, columns, CELLS)
    for name in ("detector", "start", "end", "confidence", "flags", "cell"):
        assert getattr(merged, name).dtype == getattr(expected, name).dtype
        assert getattr(merged, name).tolist() == getattr(expected, name).tolist()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50), st.lists(st.integers(0, 10**6), max_size=80))
@settings(max_examples=150, deadline=None)
def test_hits_are_put_in_their_cells(sizes: list[int], places: list[int]) -> None:
    firsts = np.cumsum([0, *(size + 1 for size in sizes)])[:-1]
    starts = np.array(places, np.int64) % int(firsts[-1] + sizes[-1] + 1)
    nothing = np.zeros(len(starts), np.int64)
    inside, cells = placed(Found(nothing, starts, starts + 3, np.zeros(len(starts)), nothing), firsts)
    assert cells.tolist() == (np.searchsorted(firsts, starts, "right") - 1).tolist()
    assert inside.start.tolist() == (starts - firsts[cells]).tolist()
    assert (inside.end - inside.start).tolist() == [3] * len(starts)

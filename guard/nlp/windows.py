"""Windows: the stretches of a buffer that a model is given, each around something that may be a name.

A sentence is one window. A longer one, in the extreme a megabyte without a full stop, is covered by windows of WINDOW
bytes that overlap by twice MARGIN, and what a model finds counts in the one in whose middle it begins: so there is text
on both sides of it, and nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints

Bytes = npt.NDArray[np.uint8]
WINDOW, MARGIN = 384, 48
"""Bytes: 128 and 16 Han characters."""
STEP = WINDOW - 2 * MARGIN
_LINE_ENDS = (0x0A, 0x0D, 0x09)
_HAN_STOPS = {0xE3: ((0x80, 0x82),), 0xEF: ((0xBC, 0x81), (0xBC, 0x9F), (0xBC, 0x9B))}
"""。 and ！？； in UTF-8, by their first byte."""


class Spans(NamedTuple):
    """Parallel offsets of a buffer, in order of the starts."""

    starts: Ints
    ends: Ints

    def take(self, which: npt.NDArray[Any]) -> Spans:
        """Those at the given indices or under the given mask."""
        return Spans(self.starts[which], self.ends[which])


class Windows(NamedTuple):
    """Windows of a buffer: entities of `data[start:end]` that begin in `data[low:high]` count.

    `candidates[i]` are the indices of the candidates of window i.
    """

    starts: Ints
    ends: Ints
    lows: Ints
    highs: Ints
    candidates: Sequence[Ints]

    def __len__(self) -> int:
        return len(self.starts)


def windows_around(view: Bytes, candidates: Spans, breaks: Ints) -> Windows:
    """The windows that hold candidates; sentences end at `breaks` and at the end of the buffer."""
    places = candidates.starts
    number = np.searchsorted(breaks, places, "right")
    bounds = np.concatenate([[0], breaks, [len(view)]]).astype(np.int64)
    first, last = bounds[number], bounds[number + 1]
    final = np.maximum(0, -((first + WINDOW - last) // STEP))
    step = np.clip((places - first - MARGIN) // STEP, 0, final)
    begin = first + step * STEP
    _, chosen, owner = np.unique(begin, return_index=True, return_inverse=True)
    first, last, begin, step, final = first[chosen], last[chosen], begin[chosen], step[chosen], final[chosen]
    is_last = step == final
    lows = np.where(step == 0, first, begin + MARGIN)
    highs = np.where(is_last, last, begin + STEP + MARGIN)
    ends = np.where(is_last, last, begin + WINDOW)
    order = np.argsort(owner, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(owner[order])) + 1) if len(order) else []
    return Windows(_aligned(view, begin, first), _aligned(view, ends, begin), lows, highs, groups)


def breaks_of(view: Bytes, *, han_stops: bool) -> Ints:
    """Behind which bytes a sentence ends: line ends and tabs, with `han_stops` also 。！？；."""
    found = [np.flatnonzero(view == byte) + 1 for byte in _LINE_ENDS]
    if han_stops:
        for lead, tails in _HAN_STOPS.items():
            at = np.flatnonzero(view[:-2] == lead)
            found += [at[(view[at + 1] == second) & (view[at + 2] == third)] + 3 for second, third in tails]
    return np.sort(np.concatenate(found)).astype(np.int64)


def unexplained(candidates: Spans, starts: Ints, ends: Ints) -> npt.NDArray[np.bool_]:
    """Which candidates share no byte with any of the spans, which come in any order."""
    order = np.argsort(starts, kind="stable")
    reach = np.concatenate([[-1], np.maximum.accumulate(ends[order])])
    before = np.searchsorted(starts[order], candidates.ends)
    return np.asarray(reach[before] <= candidates.starts, bool)


def _aligned(view: Bytes, places: Ints, least: Ints) -> Ints:
    """Places moved back, by three bytes at most and not before `least`, to where a character begins."""
    places = places.copy()
    for _ in range(3):
        inside = (places > least) & (places < len(view))
        inside[inside] = view[places[inside]] & 0xC0 == 0x80
        places -= inside
    return places

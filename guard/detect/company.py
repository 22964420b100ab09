"""Company: hits that need another class near them in their line, over columns (`judge.companions` for one line)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.dense import Spans
from guard.detect.judge import COMPANION_DISTANCE, belongs
from guard.detect.shapes import Block


def with_company(block: Block, spans: Sequence[Spans]) -> list[Spans]:
    """Without the hits that need another class near them and have none."""
    if not any(span.rule.detector.near and len(span.start) for span in spans):
        return list(spans)
    characters = _characters(block)
    kept = []
    for span in spans:
        near = span.rule.detector.near
        if near:
            friends = [other for other in spans if belongs(other.rule.detector.data_class, near)]
            span = _take(span, _reached(block, characters, span, friends))
        kept.append(span)
    return kept


def _characters(block: Block) -> npt.NDArray[np.uint32]:
    """How many characters stand before each offset."""
    counts = np.zeros(block.size + 1, np.uint32)
    np.cumsum((block.buffer[: block.size] & 0xC0) != 0x80, dtype=np.uint32, out=counts[1:])
    return counts


def _reached(block: Block, characters: npt.NDArray[np.uint32], span: Spans, friends: Sequence[Spans],
             ) -> npt.NDArray[np.bool_]:
    """Whether a friend begins behind each hit, or ends before it, in its line and not too far off."""
    starts = np.sort(np.concatenate([np.empty(0, np.int64), *(friend.start for friend in friends)]))
    ends = np.sort(np.concatenate([np.empty(0, np.int64), *(friend.end for friend in friends)]))
    line = np.searchsorted(block.bounds, span.start, "right")
    low, high = block.bounds[line - 1] + 1, block.bounds[line]
    reached = np.zeros(len(span.start), bool)
    following = np.searchsorted(starts, span.end, "left")
    there = following < len(starts)
    reached[there] = _near(characters, span.end[there], starts[following[there]]) & (
        starts[following[there]] < high[there])
    prior = np.searchsorted(ends, span.start, "right") - 1
    there = prior >= 0
    reached[there] |= _near(characters, ends[prior[there]], span.start[there]) & (ends[prior[there]] > low[there])
    return reached


def _near(characters: npt.NDArray[np.uint32], first: Ints, last: Ints) -> npt.NDArray[np.bool_]:
    distance = characters[last].astype(np.int64) - characters[first]
    return np.asarray(distance <= COMPANION_DISTANCE, bool)


def _take(span: Spans, which: npt.NDArray[np.bool_]) -> Spans:
    return Spans(span.rule, span.start[which], span.end[which], span.confidence[which], span.flags[which])

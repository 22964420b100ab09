"""Company: hits that need another class near them in their line, over columns (`judge.companions` for one line)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import judge
from guard.detect.dense import Spans
from guard.detect.judging_loops import find_near
from guard.detect.shapes import Block

_belongs = lru_cache(maxsize=8192)(judge.belongs)


def with_company(block: Block, spans: Sequence[Spans]) -> list[Spans]:
    """Without the hits that need another class near them and have none."""
    kept = []
    for span in spans:
        near = span.rule.detector.near
        if near and len(span.start):
            friends = [other for other in spans if _belongs(other.rule.detector.data_class, near)]
            span = _take(span, _reached(block, span, friends))
        kept.append(span)
    return kept


def _reached(block: Block, span: Spans, friends: Sequence[Spans]) -> npt.NDArray[np.bool_]:
    near = np.zeros(len(span.start), bool)
    if friends:
        find_near(block.buffer, span.start, span.end, _ordered([friend.start for friend in friends]),
                  _ordered([friend.end for friend in friends]), near)
    return near


def _ordered(parts: Sequence[Ints]) -> Ints:
    joined = np.concatenate(parts)
    joined.sort(kind="stable")  # merges parts that are in order already
    return joined


def _take(span: Spans, which: npt.NDArray[np.bool_]) -> Spans:
    return Spans(span.rule, span.start[which], span.end[which], span.confidence[which], span.flags[which])

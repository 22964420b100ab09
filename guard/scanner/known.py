"""What is left of hits when some are known to be false: other claims about the same value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from guard.batch import SHADOWED, Hits

Mask = npt.NDArray[np.bool_]


def without_known(hits: Hits, known: Mask, classes: Sequence[str]) -> Hits:
    """The hits without the `known` ones; `classes` are those of the detectors.

    Nobody was shown a hit that a known one shadowed. Within the known value and of the same class it says nothing else,
    and goes too. Any other is a claim of its own: it is shown from now on, the most confident first.
    """
    gone, flags = known.copy(), hits.flags.copy()
    for group in _touching(hits, known):
        rivals = sorted((i for i in group if not known[i]), key=lambda i: -hits.confidence[i])
        for index in rivals:
            over = [i for i in group if i != index and _overlap(hits, i, index)]
            if any(known[i] and _says_the_same(hits, i, index, classes) for i in over):
                gone[index] = True
            elif any(known[i] for i in over) and all(gone[i] or flags[i] & SHADOWED for i in over):
                flags[index] &= ~np.uint8(SHADOWED)
    return Hits(hits.detector, hits.start, hits.end, hits.confidence, flags, hits.cell).take(~gone)


def _says_the_same(hits: Hits, known: int, other: int, classes: Sequence[str]) -> bool:
    is_within = hits.start[known] <= hits.start[other] and hits.end[other] <= hits.end[known]
    return bool(hits.flags[other] & SHADOWED and is_within
                and classes[hits.detector[known]] == classes[hits.detector[other]])


def _overlap(hits: Hits, one: int, two: int) -> bool:
    return bool(hits.start[one] < hits.end[two] and hits.start[two] < hits.end[one])


def _touching(hits: Hits, known: Mask) -> Iterator[range]:
    """The runs of hits of one cell that touch and have a known one among them."""
    if not known.any():
        return
    stride = int(hits.end.max()) + 1
    starts, ends = hits.start + hits.cell * stride, hits.end + hits.cell * stride
    reach = np.maximum.accumulate(ends)
    heads = np.flatnonzero(np.concatenate([[True], starts[1:] >= reach[:-1]]))
    for low, high in zip(heads.tolist(), [*heads[1:].tolist(), len(hits)], strict=True):
        if high - low > 1 and known[low:high].any():
            yield range(low, high)

"""Company: hits that need another class near them in their line, over columns (`judge.companions` for one line)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from guard.detect.judging_loops import HitColumns, find_near, note_kinds
from guard.detect.rule_tables import Rulings
from guard.detect.shapes import Block


def in_company(rulings: Rulings, block: Block, hits: HitColumns, count: int) -> npt.NDArray[np.bool_]:
    """Which of the first `count` hits need no class near them, or have one."""
    kept, detector = np.ones(count, bool), hits.detector[:count]
    present = np.zeros(len(rulings.rules), bool)
    note_kinds(detector, present)
    if not present[rulings.lonely].any():
        return kept
    for near, needy in rulings.needy.items():
        if not (present & needy).any():
            continue
        lonely, friends = np.flatnonzero(needy[detector]), rulings.friends(near)[detector]
        found = np.zeros(len(lonely), bool)
        find_near(block.buffer, hits.start[lonely], hits.end[lonely],
                  np.sort(hits.start[:count][friends], kind="stable"),
                  np.sort(hits.end[:count][friends], kind="stable"), found)
        kept[lonely] = found
    return kept

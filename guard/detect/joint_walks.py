"""Several automata as one, for cells that a match can only fill: what they all say takes one walk.

In a column of numbers most cells are of digits from end to end, so that a match which no digit may touch begins where
the cell begins. There the states of all automata together are one state, of which few occur.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.detect.cell_walk_loops import Joint, Mask

MOST_STATES = 4096
_ASCII = 128
States = npt.NDArray[np.uint16]


class Steps(NamedTuple):
    """An automaton for ASCII: the next state for each state and byte, and the states in which a match may end."""

    moves: States
    ends: Mask


def join(automata: Sequence[Steps], members: Sequence[int], barred: Mask) -> Joint | None:
    """The automata, fewer than 64, as one, whose bit n is number `members[n]`. None where there were too many states.

    `barred` are the bytes that may stand neither before nor behind a match of any of them.
    """
    moves = [automaton.moves for automaton in automata]
    columns = np.concatenate([~barred[None, :_ASCII], *moves]).T.astype("<u2")
    spelled = [column.tobytes() for column in columns]
    kinds = {column: kind for kind, column in enumerate(sorted({*spelled}))}  # those that are barred come first
    kind_of = np.array([kinds[column] for column in spelled], np.uint8)
    samples = [spelled.index(column) for column in kinds]
    found = _together([move[:, samples] for move in moves])
    if found is None:
        return None
    states, following = found
    shift = (len(kinds) - 1).bit_length()
    table = np.zeros((len(states), 1 << shift), np.uint16)
    table[:, : len(kinds)] = following
    ends = sum(automaton.ends[states[:, bit]].astype(np.int64) << bit for bit, automaton in enumerate(automata))
    return Joint(kind_of, table.ravel(), np.asarray(ends, np.int64), np.array(members, np.int64), shift,
                 int(np.count_nonzero(columns[samples, 0] == 0)))


def _together(moves: Sequence[States]) -> tuple[States, States] | None:
    """The states that are met, each the states of all automata, and the number of the next one for each kind.

    State 0 is the one in which all are dead, and 1 that in which all begin.
    """
    first = np.ones((1, len(moves)), np.uint16)
    numbers = {bytes(first.nbytes): 0, first.tobytes(): 1}
    states, rows, fresh = [0 * first, first], [np.zeros((1, moves[0].shape[1]), np.uint16)], first
    while len(fresh):
        behind = np.stack([move[fresh[:, bit]] for bit, move in enumerate(moves)], axis=-1)
        spelled = behind.tobytes()
        keys = [spelled[at : at + first.nbytes] for at in range(0, len(spelled), first.nbytes)]
        known = len(numbers)
        following = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.uint16)
        rows.append(following.reshape(len(fresh), -1))
        if len(numbers) > MOST_STATES:
            return None
        fresh = np.frombuffer(b"".join(list(numbers)[known:]), np.uint16).reshape(-1, len(moves))
        states.append(fresh)
    return np.concatenate(states), np.concatenate(rows)

"""All beginnings as one automaton, and the room in which its states are made while a text is walked.

The automaton is not made deterministic beforehand: texts meet a few thousand of its states, of which each is made when
a character first leads there (`guard.detect.walk_loops`), as in RE2. When the room is full all are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guard.detect.beginnings import ACCEPT, BEFORE, Graph, Step
from guard.detect.classes import END, HAN, Mask, Table, classes_of, members_of
from guard.detect.walk_loops import ACCEPTED, DEAD, EVERYTHING, ROOTS, STATES, UNKNOWN, Automaton, Walks

MOST_STATES = 32_768
MOST_ROOTS = 32
"""Sets of openings that are walked in lines of their own kind; in lines of further kinds all are."""
MOST_HAN = 48
"""Han characters that words spell from which on a step is a set of its own, such as surnames, and no word."""
MOST_ALIKE = 64
"""Han characters of one class from which on they are what no word spells: none that words do spell is taken for those.
"""
HAN_CLASSES = 128
"""Classes of Han characters that words spell, of those that the same sets take."""
LISTED = 1 << 22
"""Nodes that all states have together, at most; memory is used only as far as it is filled."""
WINDOW = 4096
"""Bytes that are classed at once."""
BEYOND = 56
"""How many characters more are classed behind them: as far as a walk goes, and some."""
WIDEST = 4
"""Bytes of a character, at most."""


def automaton_of(graphs: Sequence[Graph]) -> Automaton:
    """One automaton for some beginnings; opening n is graph n."""
    steps: dict[Step, int] = {}
    nodes, follows, openings, roots = [0], [[0]], [0], []
    for opening, graph in enumerate(graphs):
        base = len(nodes) - BEFORE
        roots.append(len(nodes))
        for step, behind in zip(graph.steps, graph.follows, strict=True):
            if step is not None:
                nodes.append(steps.setdefault(step, len(steps)))
                openings.append(opening)
                follows.append([ACCEPTED if node == ACCEPT else base + node for node in sorted(behind)])
    classes, samples = classes_of(list(dict.fromkeys(step.chosen for step in steps)))
    members = np.array([[step.end, *members_of(step.chosen, samples[1:])] for step in steps]
                       or [[False] * len(samples)], bool)
    classes, members = _fewer(classes, samples, members)
    classes[[10, 13]] = END
    ends = np.cumsum([0, *map(len, follows)])
    return Automaton(classes, np.ascontiguousarray(members.T, np.uint8), np.array(nodes, np.int32),
                     ends.astype(np.int32),
                     np.array([node for behind in follows for node in behind], np.int32), np.array(openings, np.int32),
                     np.array(roots or [0], np.int32))


def _fewer(classes: Table, samples: Sequence[int], members: Mask) -> tuple[Table, Mask]:
    """The same with some Han characters taken for one another.

    Words spell hundreds of them, each with a class of its own, and most rows of the table would be about these. A walk
    that takes one for the other only goes on too far. Those that many steps take, such as surnames, are told apart.
    """
    codes = np.array(samples)
    spelled = np.flatnonzero((codes >= HAN[0]) & (codes <= HAN[1])
                             & (np.bincount(classes, minlength=len(codes)) <= MOST_ALIKE))
    wide = members[members[:, spelled].sum(axis=1) > MOST_HAN][:, spelled]
    kinds = np.unique(wide.T, axis=0, return_inverse=True)[1].ravel() if len(spelled) else spelled
    keys = kinds * HAN_CLASSES + np.arange(len(spelled)) % HAN_CLASSES
    _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
    numbers = np.arange(len(samples))
    numbers[spelled] = spelled[firsts[groups]]
    kept, ranks = np.unique(numbers, return_inverse=True)
    merged = np.zeros((len(members), len(kept)), bool)
    np.logical_or.at(merged.T, ranks, members.T)
    return ranks[classes].astype(np.uint16), merged


def new_walks(automaton: Automaton) -> Walks:
    """Room for the states of one thread."""
    nodes, openings, columns = len(automaton.steps), len(automaton.roots), len(automaton.members) + 1
    words = -(-openings // 64)
    walks = Walks(np.zeros(MOST_STATES * columns, np.uint32), np.zeros(max(LISTED, BEYOND * nodes), np.int32),
                  np.zeros(MOST_STATES, np.int32), np.zeros(BEYOND * (openings + MOST_STATES), np.int32),
                  np.zeros(MOST_STATES, np.int32), np.zeros(4 * MOST_STATES, np.int32),
                  np.zeros((MOST_ROOTS, words), np.uint64), np.zeros(MOST_ROOTS, np.int32),
                  np.zeros(4 * MOST_ROOTS, np.int32), np.zeros(nodes, np.int32), np.zeros(openings, np.int32),
                  np.zeros(8, np.int64))
    forget(walks)
    return walks


def forget(walks: Walks) -> None:
    """Room for new states and roots in place of the old ones."""
    columns = len(walks.table) // MOST_STATES
    walks.table[: walks.counts[STATES] * columns] = UNKNOWN
    walks.table[DEAD * columns : (DEAD + 1) * columns] = DEAD * columns
    walks.slots[:] = 0
    walks.root_slots[:] = 0
    walks.root_states[:] = UNKNOWN
    walks.root_rows[EVERYTHING] = ~np.uint64(0)
    walks.marks[:] = 0
    walks.opening_marks[:] = 0
    walks.counts[:] = 0
    walks.counts[STATES], walks.counts[ROOTS] = DEAD + 1, EVERYTHING + 1

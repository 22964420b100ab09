"""Where a match could begin: tables for one pass over the text that look at a character, its two neighbours and runs.

Characters fall into classes that no opening tells apart. A pair of classes names the programs that can begin there;
what stands before it, and the length of the run that begins there, rule out most of them before the machine is started.
Programs whose openings are too common for that are left to Hyperscan.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.detect.charsets import ANY, LAST, Charset
from guard.detect.openings import DIGITS, HAN, LETTERS, PLACES, RUNS, Opening, Pair, is_within

PLANE = 65_536
"""Code points with a class of their own; those beyond share one that belongs to every set reaching there."""
END = 0
"""The class of the end of a line."""
COMMON = 0.02
"""Share of all places above which an opening is too common."""
RARE = 0.003
"""The same for programs that Hyperscan finds by a literal."""
_TELLING = 4
_SHARES = ((range(48, 58), 0.015), (range(97, 123), 0.0135), (range(65, 91), 0.003), (range(32, 48), 0.01))
_HAN_SHARE = 0.3
_LONG = 8
ALIKE = (DIGITS, LETTERS, HAN)
"""Most characters of a text have their like before them, and hardly a match begins there."""
_STRETCHED = 0.25
"""The share of runs that have what must stand behind them."""
Table = npt.NDArray[np.uint16]
Bits = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


class Triggers(NamedTuple):
    """Sets of openings are bits in words of 64, opening n is bit n % 64 of word n // 64.

    `classes[code point]` (PLANE: all beyond) is the class of a character; `pairs[class, next class]` a list number, 0
    for none, and `lists[list]` its openings. `before[class]` are the openings that may stand behind a class,
    `further[n, class]` those that may have it n + 2 places behind their first character. `runs[opening]` is (kind,
    least) of a run of RUNS that must begin here, kind -1 for none; `stretches[opening]` is (kind, least, most) of its
    `Stretch`, kind -1 for none, and `following[opening, class]` whether a class may stand behind it. `alike[class]` is
    the number of the set of ALIKE that a class belongs to, from 1 on, 0 for none, and `midst[number - 1]` are the
    openings that may begin with two characters of this set behind another.
    """

    classes: Table
    pairs: Table
    lists: Bits
    before: Bits
    further: Bits
    runs: npt.NDArray[np.int32]
    stretches: npt.NDArray[np.int32]
    following: npt.NDArray[np.bool_]
    alike: npt.NDArray[np.uint8]
    midst: Bits


def is_rare(opening: Opening | None, lines: float) -> bool:
    """Whether looking at every place where a match could begin, in a share of the lines, costs less than asking
    Hyperscan."""
    if opening is None or _is_partial(opening.barred):
        return False
    return places_share(opening) * lines <= (RARE if opening.literal >= _TELLING else COMMON)


def places_share(opening: Opening) -> float:
    """The share of all places of ordinary text that the opening allows, very roughly."""
    known = 1.0 if opening.stretch is None or opening.stretch.least == 0 else _STRETCHED
    return known * sum(_share(first) * (1.0 if second is None else _share(second)) * _begun(opening, first)
                       for first, second in opening.pairs)


def _begun(opening: Opening, first: Charset) -> float:
    """How much rarer a character is where it may not stand behind its like: where runs begin; few runs are long."""
    if not is_within(first, opening.barred):
        return 1.0
    return 0.05 if max(opening.runs) >= _LONG else 0.3 if first.ascii else 0.15


def _is_partial(chosen: Charset) -> bool:
    """Whether a set holds some but not all of the code points that share a class."""
    return any(high >= PLANE and (low > PLANE or high < LAST) for low, high in chosen.beyond)


def _share(chosen: Charset) -> float:
    """How common the characters of a set are in ordinary text, very roughly."""
    total = sum(weight for codes, weight in _SHARES for code in codes if code in chosen.ascii)
    for low, high in chosen.beyond:
        overlap = max(0, min(high, HAN.beyond[0][1]) - max(low, HAN.beyond[0][0]) + 1)
        total += min(_HAN_SHARE, overlap * 1e-4)
    return min(total, 1.0)


def triggers(openings: Sequence[Opening]) -> Triggers:
    """The tables for some openings, numbered in the order given."""
    sets = list(dict.fromkeys([ANY, *RUNS, *ALIKE, *(s for o in openings for s in _sets(o))]))
    classes, samples = _classes(sets)
    inside = {chosen: _members(chosen, samples) for chosen in sets}
    pairs, lists = _pairs(openings, inside)
    everything = np.ones_like(inside[ANY])
    before = np.stack([~inside[opening.barred] for opening in openings] or [everything])
    before[:, END] = [opening.leads for opening in openings] or [True]
    further = np.stack([[everything if chosen is None else inside[chosen] for chosen in opening.further]
                        for opening in openings] or [[everything] * (PLACES - 2)])
    return Triggers(classes, pairs, as_bits(lists), as_bits(before.T), as_bits(np.moveaxis(further, 0, -1)),
                    np.array([_longest_run(opening) for opening in openings] or [(-1, 0)], np.int32),
                    np.array([_stretch(opening) for opening in openings] or [(-1, 0, 0)], np.int32),
                    np.stack([_following(opening, inside) for opening in openings] or [np.zeros(1, bool)]),
                    np.sum([number * inside[alike] for number, alike in enumerate(ALIKE, 1)], axis=0).astype(np.uint8),
                    as_bits(_midst(openings, inside)))


def _midst(openings: Sequence[Opening], inside: dict[Charset, Mask]) -> Mask:
    """Which openings may begin with two characters of each set of ALIKE behind another."""
    return np.array([[(inside[alike] & ~inside[opening.barred]).any() and any(
        (inside[first] & inside[alike]).any() and (second is None or (inside[second] & inside[alike]).any())
        for first, second in opening.pairs) for opening in openings] for alike in ALIKE], bool)


def as_bits(members: Mask) -> Bits:
    """Masks over openings (the last axis) as words of 64 bits."""
    padding = [(0, 0)] * (members.ndim - 1) + [(0, -members.shape[-1] % 64)]
    packed = np.packbits(np.pad(members, padding), axis=-1, bitorder="little")
    words: Bits = np.ascontiguousarray(packed).view("<u8").astype(np.uint64)
    return words


def _longest_run(opening: Opening) -> tuple[int, int]:
    """The kind and the length of the run that rules out most: of equal ones the first, which is the narrowest."""
    least = max(opening.runs)
    return (opening.runs.index(least), least) if least > 4 else (-1, 0)


def _stretch(opening: Opening) -> tuple[int, int, int]:
    stretch = opening.stretch
    return (-1, 0, 0) if stretch is None else (stretch.kind, stretch.least, stretch.most)


def _following(opening: Opening, inside: dict[Charset, Mask]) -> Mask:
    """The classes that may stand behind the stretch that an opening begins with."""
    if opening.stretch is None:
        return np.ones_like(inside[ANY])
    classes = inside[opening.stretch.following].copy()
    classes[END] = opening.stretch.end
    return classes


def _sets(opening: Opening) -> list[Charset]:
    pairs = [chosen for pair in opening.pairs for chosen in pair if chosen is not None]
    further = [chosen for chosen in opening.further if chosen is not None]
    return [opening.barred, *pairs, *further, *([opening.stretch.following] if opening.stretch else [])]


def _classes(sets: Sequence[Charset]) -> tuple[Table, list[int]]:
    """The class of each code point, and a code point of each class (-1: the end of a line).

    Membership in all sets becomes one random number a code point, which is summed up over the edges of ranges.
    """
    steps = [0] * (PLANE + 2)
    source = random.Random(1)  # noqa: S311 - the same numbers for everybody, not secret ones
    for chosen in sets:
        mark = source.getrandbits(64)
        spans = [(code, code) for code in chosen.ascii]
        spans += [(low, min(high, PLANE - 1)) for low, high in chosen.beyond if low < PLANE]
        spans += [(PLANE, PLANE)] if any(high >= PLANE for _, high in chosen.beyond) else []
        for low, high in spans:
            steps[low] += mark
            steps[high + 1] -= mark
    marks = np.cumsum(np.array([step % 2**64 for step in steps], np.uint64))[: PLANE + 1]
    _, first, inverse = np.unique(marks, return_index=True, return_inverse=True)
    # In order of their first code point, so that the rows of ASCII lie together.
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return (rank[inverse] + 1).astype(np.uint16), [-1, *first[order].tolist()]


def _members(chosen: Charset, samples: Sequence[int]) -> Mask:
    """Which classes belong to a set."""
    return np.array([_holds(chosen, code) for code in samples], bool)


def _holds(chosen: Charset, code: int) -> bool:
    if code < 0:
        return False
    if code >= PLANE:
        return any(high >= PLANE for _, high in chosen.beyond)
    return code in chosen.ascii if code < 128 else any(low <= code <= high for low, high in chosen.beyond)


def _pairs(openings: Sequence[Opening], inside: dict[Charset, Mask]) -> tuple[Table, Mask]:
    """The number of the list for each pair of classes, and the openings in each list."""
    count = len(inside[ANY])
    marks = np.zeros((count, count), np.uint64)
    source = random.Random(2)  # noqa: S311
    filled = [_filled(opening.pairs, inside, count) for opening in openings]
    for cells in filled:
        marks[cells] += np.uint64(source.getrandbits(64))
    distinct, first, inverse = np.unique(marks.ravel(), return_index=True, return_inverse=True)
    if len(distinct) >= PLANE or distinct[0] != 0:
        raise ValueError("more lists than there is room for")
    lists = np.stack([cells.ravel()[first] for cells in filled] or [np.zeros(len(first), bool)], axis=1)
    return inverse.reshape(count, count).astype(np.uint16), lists


def _filled(pairs: Sequence[Pair], inside: dict[Charset, Mask], count: int) -> Mask:
    """The pairs of classes that some pairs of sets cover."""
    cells = np.zeros((count, count), bool)
    by_second: dict[Charset | None, Mask] = {}
    for first, second in pairs:
        by_second[second] = by_second.get(second, np.zeros(count, bool)) | inside[first]
    for second, firsts in by_second.items():
        cells[firsts] |= np.ones(count, bool) if second is None else inside[second]
    return cells


__all__ = ["END", "LAST", "PLANE", "Triggers", "is_rare", "places_share", "triggers"]

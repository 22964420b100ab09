"""Where patterns match in short cells, asked once for each form of cell.

Characters that no set of any pattern tells apart are of one kind, and cells with the same kinds in the same order are
of one form: every pattern matches at the same places in all of them. Names of people hardly repeat, but most of them
are of a few forms: a surname, and characters that stand in no word.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import limits
from guard.detect.cell_form_loops import note_forms, spread
from guard.detect.cell_loops import PLANE
from guard.detect.charsets import LAST, Charset, charset, charset_of, told_apart
from guard.detect.classes import HAN
from guard.detect.context import compile_words
from guard.detect.kept_tables import KeptTables, name_of
from guard.detect.memory import CompiledNumbers
from guard.detect.pack import bounded
from guard.detect.supersets import parts
from guard.detect.values import Values

if TYPE_CHECKING:
    from guard.detect.assembly import Pattern
    from guard.detect.cell_text import CellText
    from guard.detect.sweep import Found as Matches

Kinds = npt.NDArray[np.uint16]
Sweep = Callable[[Values], Ints]
ENOUGH = 16_384
"""Cells for which it pays to find out the kinds of characters: that takes some milliseconds, where it was not done
before."""
LONGEST = 40
"""Bytes of the longest cell: forms of longer ones hardly repeat."""
MOST_FORMS = 8_192
"""Forms that are remembered for a column, about a megabyte."""
WORTH = 0.7
"""The share of cells whose form came before, below which cells are searched as others are."""
_MOST_RANGES = 62
_FEW = 64
_WIDTHS = (charset([(0, 0x7F)]), charset([(0x80, 0x7FF)]))
_RUNS = (charset([HAN]), charset([(0x20, 0x20)]), charset([(0xB7, 0xB7)]))
"""What goes on in a name that begins otherwise (`Graph.begin_with`)."""
_WORD = charset([(48, 57), (65, 90), (95, 95), (97, 122)])


class CellForms:
    """The forms of the cells of a column that were seen so far, and the matches of some patterns in each.

    Matches of a form are columns (pattern, start, end); bytes count from the beginning of the cell.
    """

    def __init__(self, patterns: Sequence[Pattern], kept: KeptTables) -> None:
        self._patterns, self._tables = patterns, kept
        self._cells = self._fresh = 0
        self._forget()

    def matches(self, text: CellText, sweep: Sweep) -> Ints | None:
        """Columns (pattern, start, end, line) of all matches in plain cells; `sweep` is asked about new forms. None
        where it has to be asked about all cells."""
        values = text.values
        self._cells += len(values)
        longest = int((values.ends - values.starts).max(initial=0))
        is_early = self._cells < ENOUGH and self._tables.get(self._name) is None
        if is_early or longest > LONGEST or self._kinds is None or not self._is_worth_it:
            return None
        which, first = self._forms(self._kinds, text)
        if len(first):
            self._fresh += len(first)
            self._learn(sweep(Values(values.data, values.starts[first], values.ends[first]).lines()), len(first))
        if limits.current().exhausted:
            self._forget()
            return None
        sizes = np.diff(self._edges)
        out = np.empty((4, int(sizes[which].sum())), np.int64)
        spread(self._edges, which, self._known, values.starts, out)
        if len(self._numbers) > MOST_FORMS:
            self._forget()
        return out

    @property
    def _is_worth_it(self) -> bool:
        return self._cells < 2 * ENOUGH or self._fresh < (1 - WORTH) * self._cells

    @cached_property
    def _sources(self) -> tuple[list[str], list[tuple[str, ...]], list[str]]:
        """The expressions of all patterns, and what leaves matches out that would not count: words of the contexts
        without which they do not, characters that names begin with."""
        rules = {pattern.rule for pattern in self._patterns}
        contexts = [rule.detector.context for rule in rules if rule.detector.require == "context"]
        return ([bounded(pattern.source, pattern.rule.detector.boundary) for pattern in self._patterns],
                sorted(context.words for context in contexts if context is not None),
                sorted({"".join(sorted(rule.firsts)) for rule in rules}))

    @cached_property
    def _name(self) -> str:
        return name_of(*self._sources)

    @cached_property
    def _kinds(self) -> Kinds | None:
        if (known := self._tables.get(self._name)) is not None:
            return known["kinds"] if len(known["kinds"]) else None
        sources, words, firsts = self._sources
        others = (pattern.pattern for chosen in words if (pattern := compile_words(chosen)) is not None)
        begun = (charset([(ord(one), ord(one)) for one in first]) for first in firsts if first)
        found = kinds_of([*sources, *others], [*_RUNS, *begun])
        self._tables.put(self._name, {"kinds": np.empty(0, np.uint16) if found is None else found})
        return found

    def _forget(self) -> None:
        self._numbers = CompiledNumbers()
        self._edges, self._known = np.zeros(1, np.int64), np.empty((3, 0), np.int64)

    def _forms(self, kinds: Kinds, text: CellText) -> tuple[Ints, Ints]:
        """The form of each cell, and the first cell of each new one."""
        values = text.values
        out, edges = np.empty(len(values.data), np.uint16), np.zeros(len(values) + 1, np.int64)
        size = int(note_forms(kinds, text.block.buffer, values.starts, values.ends, out, edges))
        edges *= out.itemsize
        before = len(self._numbers)
        which, new = self._numbers.number(Values(out[:size].tobytes(), edges[:-1], edges[1:]))
        first = np.zeros(len(new), np.int64)
        order = np.flatnonzero(which >= before)[::-1]
        first[which[order] - before] = order  # the last to be written is the first cell
        return which, first

    def _learn(self, found: Ints, count: int) -> None:
        """Adds the matches in `count` cells of new forms, given as (pattern, start, end, line) with starts that count
        from the line."""
        found = found[:, np.argsort(found[3], kind="stable")]
        self._known = np.concatenate([self._known, found[:3]], axis=1)
        self._edges = np.concatenate([self._edges, self._edges[-1] + np.cumsum(np.bincount(found[3], minlength=count))])


def relative(matches: Matches, bounds: Ints) -> Ints:
    """Matches as columns (pattern, start, end, line), bytes counted from the beginning of the line."""
    firsts = bounds[matches.line] + 1
    return np.stack([matches.program, matches.start - firsts, matches.end - firsts, matches.line]).astype(np.int64)


def kinds_of(sources: Iterable[str], others: Iterable[Charset] = ()) -> Kinds | None:
    """The kind of every code point up to PLANE, and of all beyond: of two of one kind every pattern says the same, they
    are in the same other sets and have as many bytes. None where more than kinds count, such as a character that has to
    come again."""
    found: set[Charset] = {*_WIDTHS, *others}
    for source in sources:
        tree = parser.parse(source, re.ASCII)
        sets = list(_sets(tree.data, bool(tree.state.flags & re.IGNORECASE)))
        if None in sets:
            return None
        found.update(chosen for chosen in sets if chosen is not None)
    return _told_apart(sorted(found, key=repr))


def _told_apart(sets: Sequence[Charset]) -> Kinds | None:
    ranges = [chosen for chosen in sets if _size(chosen) > _FEW]
    if len(ranges) > _MOST_RANGES or any(low >= PLANE or PLANE <= high < LAST for chosen in sets
                                         for low, high in chosen.beyond):
        return None
    kinds = told_apart(ranges, PLANE)
    told = int(kinds.max()) + 1
    kinds[PLANE] = told  # apart from all others, whatever sets it is in
    listed = defaultdict[int, list[int]](list)
    for number, chosen in enumerate(sets):
        if _size(chosen) <= _FEW:
            for low, high in _spans(chosen):
                for code in range(low, high + 1):
                    listed[code].append(number)
    numbers: dict[tuple[int, ...], int] = {}
    for code, members in listed.items():
        kinds[code] = told + 1 + numbers.setdefault((int(kinds[code]), *members), len(numbers))
    # Zero is left to what stands between cells.
    return (kinds + 1).astype(np.uint16)


def _spans(chosen: Charset) -> Iterator[tuple[int, int]]:
    yield from ((code, code) for code in chosen.ascii)
    yield from ((low, min(high, PLANE)) for low, high in chosen.beyond)


def _size(chosen: Charset) -> int:
    return len(chosen.ascii) + sum(high - low + 1 for low, high in chosen.beyond)


def _sets(items: Iterable[tuple[Any, Any]], fold: bool) -> Iterator[Charset | None]:
    """All sets that patterns ask for; None for what asks for more."""
    for operation, value in items:
        if (chosen := charset_of(operation, value, fold)) is not None:
            yield chosen
        elif operation in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            yield None
        elif operation is sre.AT:
            yield _WORD
        inner = fold
        if operation is sre.SUBPATTERN:
            inner = (fold or bool(value[1] & re.IGNORECASE)) and not value[2] & re.IGNORECASE
        for part in parts(operation, value):
            yield from _sets(part, inner)


def takes_forms(patterns: Sequence[Pattern]) -> bool:
    """Whether all matches of the patterns lie in one line, and are looked for whatever keywords stand there."""
    return bool(patterns) and not any(pattern.spans_lines or pattern.rule.keywords for pattern in patterns)

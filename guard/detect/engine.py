"""The compiled engine: one scan of one buffer, every step over columns and no object for a match.

The same hits as `guard.detect.plain`, in another order of work: sweep, then what the matches are worth. Blocks that
are no UTF-8 are swept without their damaged lines; these are spelled anew and swept for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from guard.batch import Ints, distinct
from guard.detect import limits
from guard.detect.assembly import Assembly, Pattern
from guard.detect.classes import Bits
from guard.detect.confirm_loops import OUT_OF_STEPS, around, confirm
from guard.detect.damage import without_damage
from guard.detect.folding import fold, fold_quickly
from guard.detect.gate_loops import open_gates
from guard.detect.judge import Kind, reported
from guard.detect.limits import AnyPattern, LimitedPattern
from guard.detect.lines import LineText
from guard.detect.pack import bounded
from guard.detect.scan import Found, concatenate, from_damaged
from guard.detect.shapes import Block
from guard.detect.stride_loops import DONE, FULL, NOTED
from guard.detect.sweep import Found as Matches
from guard.detect.sweep import Workspace, sweep, sweep_screened
from guard.detect.verdicts import Verdicts
from guard.detect.walk import forget
from guard.detect.walk_loops import NO_ROOM, Walks
from guard.hashing_loops import words_of

PATIENCE = 200_000_000
"""Steps of the machine that one program has in one block: some seconds, which only a hostile pattern needs. In this
block and all that follow it is then for `regex`, whose time is limited and which knows some ways that lead nowhere."""

AROUND = 100
"""Bytes in which words can be looked for in the time that it takes to look around one match."""


class EngineScan:
    """The hits of `data` under `header` ("" in text), without the rules that span lines.

    After `found`, `multiline` has the indices of those rules that the caller has to run, each with offsets of lines
    where something of them was seen. Those that ran out of patience are in `Budget.exhausted`.
    """

    def __init__(self, assembly: Assembly, workspace: Workspace, data: bytes, header: str) -> None:
        self._assembly, self._workspace, self._header = assembly, workspace, header
        self._data = data
        folded, self._damaged = fold_quickly(data), list[tuple[int, int]]()
        if folded is None:
            self._damaged, sound = without_damage(data)
            folded = fold(sound)
        self._folded = folded
        self._block = Block(self._folded.data)
        self._heading = assembly.heading(header)
        self.multiline: dict[int, list[int]] = {}

    def found(self) -> Found:
        """All hits."""
        matches, bits = self._swept()
        verdicts = Verdicts(self._assembly, self._workspace.memory, self._block, self._folded, self._header, bits)
        found = verdicts.hits(matches)
        return concatenate([found, self._from_damaged()]) if self._damaged else found

    def _swept(self) -> tuple[Matches, Bits]:
        """Every match, and the bits of the lines."""
        assembly, work, block = self._assembly, self._workspace, self._block
        count = len(assembly.patterns)
        budget = limits.current()
        resume = np.zeros(count, np.int64)
        patience = np.full(count, PATIENCE, np.int64)
        if given_up := budget.exhausted | budget.slow:
            patience[[pattern.rule.index in given_up for pattern in assembly.patterns]] = OUT_OF_STEPS
        bits = self._wanted()
        programs, ends, searched = self._events(bits)
        found = self._found_by_openings(bits, resume, patience)
        place, backs = np.array([0, 0, found]), self._backs()
        while (found := around(assembly.programs, assembly.starts, block.buffer, block.bounds, programs, ends,
                               backs, work.out, resume, work.memory, patience, place)) < 0:
            work.make_room(2 * place[2])
        columns, late = work.out[:, :found], np.flatnonzero(patience < 0)
        if len(late):
            anew = [number for number in late.tolist() if assembly.patterns[number].rule.index not in budget.exhausted]
            budget.slow.update(assembly.patterns[number].rule.index for number in anew)
            columns = columns[:, ~np.isin(columns[0], anew)]
            searched += self._searched_everywhere(anew)
        if searched:
            columns = np.concatenate([columns, np.array(searched, np.int64).reshape(-1, 4).T], axis=1)
        # Chosen or joined, columns may lie one in another, which would be arguments of another kind.
        return Matches(*np.ascontiguousarray(columns)), self._with_contexts(bits, columns.shape[1])

    def _found_by_openings(self, bits: Bits, resume: Ints, patience: Ints) -> int:
        """Fills the workspace with the matches of programs that have openings; how many there are."""
        assembly, work, block, found = self._assembly, self._workspace, self._block, 0
        walks, place = work.walks(assembly.automaton), np.zeros(3, np.int64)
        edges, told = np.empty(len(assembly.starts.addresses) + 1, np.int64), FULL
        while told != DONE:
            told = self._sweep_on(walks, bits, place)
            if told == NO_ROOM:
                forget(walks)
                continue
            work.make_room(found + place[NOTED])
            found = confirm(assembly.programs, assembly.starts, block.buffer, block.bounds, work.events, place[NOTED],
                            edges, work.order, work.out, found, resume, work.memory, patience)
            place[NOTED] = 0
        return found

    def _sweep_on(self, walks: Walks, bits: Bits, place: Ints) -> int:
        """Notes further events, as many as there is room for."""
        assembly, block = self._assembly, self._block
        window, events = self._workspace.window, self._workspace.events
        if assembly.prefilter.is_worth_it:
            return sweep_screened(assembly.automaton, walks, window, assembly.prefilter.pairs, block.buffer,
                                  words_of(block.buffer), block.twos, block.bounds, bits, assembly.walked, events,
                                  place)
        return sweep(assembly.automaton, walks, window, block.buffer, block.bounds, bits, assembly.walked, events,
                     place)

    def _events(self, bits: Bits) -> tuple[Ints, Ints, list[tuple[int, int, int, int]]]:
        """Programs and ends of the events of patterns without an opening, by end, and what `re` found for others."""
        assembly, block = self._assembly, self._block
        self._find_spanning(bits)
        raw = assembly.text_finder.events(block.data)
        events = np.array(raw, np.int64) if raw else np.empty((0, 2), np.int64)
        programs, ends = events[:, 0] + assembly.opened, events[:, 1]
        everywhere = [assembly.opened + index for index in sorted(assembly.text_finder.unfiltered)]
        if everywhere:
            lines = block.bounds[1:]
            programs = np.concatenate([programs, np.repeat(everywhere, len(lines))])
            ends = np.concatenate([ends, np.tile(lines, len(everywhere))])
        order = np.lexsort((programs, ends))
        programs, ends = programs[order], ends[order]
        by_machine = assembly.starts.addresses[programs] >= 0
        searched = list(self._searched(programs[~by_machine], ends[~by_machine]))
        return programs[by_machine], ends[by_machine], searched

    def _backs(self) -> Ints:
        """How many characters before its events matches of each program begin, at most. Those of which nothing is told
        have an event at the end of each line, and are looked for in all of it (-1)."""
        everywhere = self._assembly.text_finder.unfiltered
        if not everywhere:
            return self._assembly.backs
        backs = self._assembly.backs.copy()
        backs[[self._assembly.opened + index for index in everywhere]] = -1
        return backs

    def _find_spanning(self, bits: Bits) -> None:
        """Notes the lines that hold the literal of a pattern that spans lines, as few do of any."""
        assembly = self._assembly
        bits_of = assembly.spanning.items()
        for word in {bit >> 6 for _, bit in bits_of}:
            masks = {number: np.uint64(1 << (bit & 63)) for number, bit in bits_of if bit >> 6 == word}
            lines = np.flatnonzero(bits[:, word] & np.bitwise_or.reduce([*masks.values()]))
            held = bits[lines, word]
            for number, mask in masks.items():
                if len(mine := lines[held & mask != 0]):
                    self._note_spanning(assembly.patterns[number], mine)

    def _note_spanning(self, pattern: Pattern, lines: Ints) -> None:
        self.multiline.setdefault(pattern.rule.index, []).extend(self._original_lines(lines))

    def _wanted(self) -> Bits:
        """For each line the bits of the patterns with an opening that are looked for there, of the contexts that may
        say something, where nothing else depends on words of all, and in the last word of the buckets of openings."""
        assembly = self._assembly
        wanted = self._bits(assembly.contexts)
        if assembly.contexts is None:
            open_gates(assembly.gates, self._block, wanted)
        return wanted

    def _bits(self, more: Bits | None) -> Bits:
        """The same bits for every line: of the openings that are looked for everywhere, and `more`."""
        always, row = self._heading.always, np.zeros(self._assembly.gates.members.shape[1], np.uint64)
        row[: len(always)], row[-1] = always, self._heading.active
        if more is not None:
            row |= more
        bits = np.empty((len(self._block.bounds) - 1, len(row)), np.uint64)
        bits[:] = row
        return bits

    def _with_contexts(self, bits: Bits, matches: int) -> Bits:
        """The bits for judging so many matches: where there are few, each is looked around without knowing of words."""
        if self._assembly.contexts is None or matches * AROUND < self._block.size:
            return bits
        bits = self._bits(None)
        open_gates(self._assembly.gates, self._block, bits)
        return bits

    def _searched(self, programs: Ints, ends: Ints) -> Iterator[tuple[int, int, int, int]]:
        """(pattern, start, end, line) of the matches of patterns that the machine cannot run, in lines with events."""
        if not len(programs):
            return
        lines = self._block.lines_of(ends)
        for number in distinct(programs).tolist():
            pattern, chosen = self._assembly.patterns[number], distinct(lines[programs == number])
            if pattern.spans_lines:
                self._note_spanning(pattern, chosen)
            else:
                yield from self._searched_by(number, chosen.tolist())

    def _searched_by(self, number: int, lines: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        pattern = self._assembly.patterns[number]
        compiled = pattern.rule.masked if pattern.kind is Kind.MASKED else pattern.rule.pattern
        for line in lines:
            low, high = int(self._block.bounds[line]) + 1, int(self._block.bounds[line + 1])
            text = self._block.data[low:high].decode("utf-8")
            for first, last in _spans_of(pattern, compiled, text):
                yield (number, low + len(text[:first].encode()), low + len(text[:last].encode()), line)

    def _searched_everywhere(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
        """The same for patterns whose way through some line is too deep or too long for the machine, in all lines."""
        for number in numbers:
            pattern = self._assembly.patterns[number]
            compiled = LimitedPattern(bounded(pattern.source, pattern.rule.detector.boundary), pattern.rule.index)
            for line, (low, high) in enumerate(pairwise(self._block.bounds.tolist())):
                text = LineText(self._block.data[low + 1 : high])
                for first, last in _spans_of(pattern, compiled, text.text):
                    yield number, low + 1 + text.bytes(first), low + 1 + text.bytes(last), line

    def _original_lines(self, lines: Ints) -> list[int]:
        """An offset of the buffer in each of the lines; folding keeps lines."""
        firsts = self._block.bounds[lines] + 1
        originals: list[int] = self._folded.originals(firsts, firsts + 1)[0].tolist()
        return originals

    def _from_damaged(self) -> Found:
        """The hits in damaged lines. Rules that span lines may have seen something there, for nobody looked."""
        assembly = self._assembly.whole
        for rule in assembly.rules:
            if rule.detector.multiline:
                self.multiline.setdefault(rule.index, []).extend(start for start, _ in self._damaged)
        return from_damaged(assembly.rules, self._data, self._damaged, self._header, assembly.tells_stray_bytes,
                            lambda data: EngineScan(assembly, self._workspace, data, self._header).found())


def _spans_of(pattern: Pattern, compiled: AnyPattern | None, text: str) -> Iterator[tuple[int, int]]:
    for found in compiled.finditer(text) if compiled is not None else ():
        masked = pattern.kind is Kind.MASKED
        start, end = found.span(1 if found.re.groups else 0) if masked else reported(found, pattern.rule.detector.group)
        if end > start:
            yield start, end

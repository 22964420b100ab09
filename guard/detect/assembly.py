"""What the compiled engine runs for a set of rules: one program a pattern, and where each of them is looked for.

A pattern whose matches begin in a rare way is looked for where they could begin (`guard.detect.triggers`). Of the
others Hyperscan tells ends of possible matches, and the program looks before them. A pattern that the machine cannot
run is left to `re`, in the lines that Hyperscan tells.
"""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.context import compile_words
from guard.detect.context_loops import Words
from guard.detect.firsts import first_of
from guard.detect.judge import Kind
from guard.detect.openings import Opening, opening_of
from guard.detect.program import WIDTH, Assembler, Op, Part, Programs, UnsuitableError
from guard.detect.rule import Rule, bounded
from guard.detect.supersets import NoSupersetError, event_reach, longest_literal, superset
from guard.detect.sweep import Starts
from guard.detect.triggers import Triggers, is_rare, triggers

MOST_NEEDS = 63
"""Rules whose words are looked for before they are: as many as a mask has bits."""
_NO_WORDS = np.zeros(256, np.uint8)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a rule. `address` is its program, -1 when `re` has to search; `back` is how many characters a
    match may begin before an event, -1: anywhere in the line."""

    rule: Rule
    kind: Kind
    address: int
    opening: Opening | None
    back: int

    @property
    def source(self) -> str:
        return self.rule.detector.masked if self.kind is Kind.MASKED else self.rule.detector.pattern

    @property
    def spans_lines(self) -> bool:
        return self.kind is Kind.PATTERN and self.rule.detector.multiline


class Assembly:
    """Programs and tables for some rules. Made once, then only read; safe to share between threads."""

    def __init__(self, rules: Sequence[Rule], *, use_cache: bool) -> None:
        self.rules = tuple(rules)
        self._use_cache = use_cache
        assembler = Assembler()
        found = [_pattern(assembler, rule, kind) for rule in rules for kind in (Kind.PATTERN, Kind.MASKED)
                 if (rule.detector.masked if kind is Kind.MASKED else rule.detector.pattern)]
        opened = [pattern for pattern in found if pattern.address >= 0 and is_rare(pattern.opening)]
        told = [pattern for pattern in found if not (pattern.address >= 0 and is_rare(pattern.opening))]
        self.patterns = (*opened, *told)
        """Those with an opening first; their numbers are those of programs."""
        self.opened = len(opened)
        self.words = {rule.index: _words(assembler, rule) for rule in rules if rule.vicinity is not None}
        self.programs: Programs = assembler.finish()
        self.triggers: Triggers = triggers([p.opening for p in opened if p.opening is not None])
        self.starts = Starts(np.array([self._entry(p, n < self.opened) for n, p in enumerate(self.patterns)] or [0],
                                      np.int32),
                             np.array([_group(p) for p in self.patterns] or [0], np.int32))
        self.backs = np.array([p.back for p in self.patterns] or [0], np.int64)
        needy = [rule for rule in rules if rule.detector.require == "context" and rule.detector.context]
        self.needs = {rule.index: bit for bit, rule in enumerate(needy[:MOST_NEEDS])}
        """The bit, in the mask of a line, of each rule that counts only beside a word of its context."""
        self.needed = _needed(needy[:MOST_NEEDS])
        """The bits of the rules that each such word speaks for."""

    def _entry(self, pattern: Pattern, opened: bool) -> int:
        """Where its program begins; what may stand before a match was looked at already where it has an opening."""
        address = pattern.address
        while opened and self.programs[len(Part) + WIDTH * address] == Op.NOT_BEHIND:
            address += 1
        return address

    @cached_property
    def finder(self) -> LineFinder:
        """Tells events of the patterns without an opening, expression n is pattern `opened + n`, and of the words of
        `needed` behind them."""
        patterns = [_expression(pattern) for pattern in self.patterns[self.opened :]]
        finder = LineFinder([*patterns, *map(_word_expression, self.needed)], use_cache=self._use_cache)
        finder.prepare()
        return finder


def _pattern(assembler: Assembler, rule: Rule, kind: Kind) -> Pattern:
    source = rule.detector.masked if kind is Kind.MASKED else rule.detector.pattern
    if kind is Kind.PATTERN and rule.detector.multiline:
        return Pattern(rule, kind, -1, None, -1)
    spelled = bounded(source, rule.detector.boundary)
    try:
        address = assembler.add(spelled)
    except UnsuitableError:
        return Pattern(rule, kind, -1, None, -1)
    reach = event_reach(source)
    return Pattern(rule, kind, address, opening_of(spelled), -1 if reach is None else reach)


def _group(pattern: Pattern) -> int:
    """The group that is reported; of a masked pattern the first, if it has one."""
    if pattern.kind is Kind.PATTERN:
        return pattern.rule.detector.group
    return 1 if re.compile(pattern.source, re.ASCII).groups else 0


def _expression(pattern: Pattern) -> bytes:
    try:
        return longest_literal(pattern.source) if pattern.spans_lines else superset(pattern.source)
    except NoSupersetError:
        return EVERY_LINE


def _needed(needy: Sequence[Rule]) -> dict[str, int]:
    words: dict[str, int] = {}
    for bit, rule in enumerate(needy):
        for word in rule.detector.context.words if rule.detector.context else ():
            words[word] = words.get(word, 0) | 1 << bit
    return words


def _word_expression(word: str) -> bytes:
    pattern = compile_words((word,))
    try:
        return superset(pattern.pattern) if pattern else EVERY_LINE
    except NoSupersetError:
        return EVERY_LINE


def _words(assembler: Assembler, rule: Rule) -> Words | None:
    """The context words of a rule as programs; None when the machine cannot run them."""
    context = rule.detector.context
    if context is None:
        return None
    addresses, firsts = [], []
    for words in (context.words, context.against):
        pattern = compile_words(words)
        if pattern is None:
            addresses.append(-1)
            firsts.append(_NO_WORDS)
            continue
        try:
            addresses.append(assembler.add(pattern.pattern))
        except UnsuitableError:
            return None
        firsts.append(np.array(first_of(list(parser.parse(pattern.pattern, re.ASCII)), False).table(), np.uint8))
    return Words(addresses[0], addresses[1], firsts[0], firsts[1], context.window, context.after)

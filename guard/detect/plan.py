"""The plan: for each rule the cheapest way to find it, and one Hyperscan database for all lines and words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from guard.batch import Ints
from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.context import compile_words
from guard.detect.dense import Surroundings
from guard.detect.judge import Kind
from guard.detect.judgements import Judgements
from guard.detect.memory import ColumnMemories
from guard.detect.rule import Rule
from guard.detect.shapes import Shape, Words, compile_shape
from guard.detect.supersets import NoSupersetError, longest_literal, superset
from guard.detect.windows import Search, make_search


class Plan:
    """How `rules` are found. Made once and then only read, but for what it remembers of surroundings and columns."""

    def __init__(self, rules: Sequence[Rule], *, use_cache: bool) -> None:
        self.rules = tuple(rules)
        self.surroundings = Surroundings()
        self.memories = ColumnMemories()
        self.judgements = Judgements(self.rules)
        self.use_cache = use_cache

    @cached_property
    def shapes(self) -> dict[int, Shape]:
        """The shapes, by index of their rule."""
        found = {rule.index: compile_shape(rule.detector.pattern, rule.detector.boundary)
                 for rule in self.rules if _is_dense(rule)}
        return {index: shape for index, shape in found.items()
                if shape is not None and _implies_keyword(shape, self.rules[index])}

    @cached_property
    def searches(self) -> tuple[Search, ...]:
        """What is searched line by line: patterns that are no shapes, and masked patterns; by rule, pattern first."""
        both = [(rule, kind) for rule in self.rules for kind in (Kind.PATTERN, Kind.MASKED)]
        chosen = [(rule, kind) for rule, kind in both if self._searched(rule, kind)]
        return tuple(make_search(number, rule, kind) for number, (rule, kind) in enumerate(chosen))

    def _searched(self, rule: Rule, kind: Kind) -> bool:
        if kind is Kind.MASKED:
            return bool(rule.detector.masked)
        return bool(rule.detector.pattern) and rule.index not in self.shapes

    @cached_property
    def words(self) -> dict[str, frozenset[int]]:
        """The rules of each context word: many rules share words, and each is looked for once."""
        found: dict[str, set[int]] = {}
        for rule in self.rules:
            context = rule.detector.context
            if context and (rule.index in self.shapes or rule.detector.require == "context"):
                for word in (*context.words, *context.against):
                    found.setdefault(word, set()).add(rule.index)
        return {word: frozenset(rules) for word, rules in found.items()}

    @cached_property
    def finder(self) -> LineFinder:
        expressions = [*map(_search_expression, self.searches), *map(_word_expression, self.words)]
        finder = LineFinder(expressions, use_cache=self.use_cache)
        finder.prepare()
        return finder

    @cached_property
    def everywhere(self) -> frozenset[int]:
        """Searches (by number) for which every line has to be looked at."""
        return frozenset(index for index in self.finder.unfiltered if index < len(self.searches))

    @cached_property
    def wordless(self) -> frozenset[int]:
        """Rules with a context word that could not be compiled: it may be anywhere."""
        words = list(self.words.values())
        refused = [index - len(self.searches) for index in self.finder.unfiltered if index >= len(self.searches)]
        return frozenset(rule for index in refused for rule in words[index])

    @cached_property
    def owners(self) -> Ints:
        """The rule of each search."""
        return np.array([search.rule.index for search in self.searches], np.int64)

    @cached_property
    def words_of(self) -> dict[int, Ints]:
        """The numbers of the words of each rule."""
        found: dict[int, list[int]] = {}
        for number, rules in enumerate(self.words.values()):
            for rule in rules:
                found.setdefault(rule, []).append(number)
        return {rule: np.array(numbers, np.int64) for rule, numbers in found.items()}

    def events(self, data: bytes) -> Events:
        """All events in a normalised block."""
        found = self.finder.events(data)
        return Events(self, np.array(found, np.int64) if found else np.empty((0, 2), np.int64))


class Events:
    """What the finder found in one block: ends of possible matches by search, and ends of context words by rule."""

    def __init__(self, plan: Plan, found: Ints) -> None:
        self._plan = plan
        is_line = found[:, 0] < len(plan.searches)
        lines, words = found[is_line], found[~is_line]
        self.line_searches, self.line_ends = lines[:, 0], lines[:, 1]
        words = words[np.argsort(words[:, 1], kind="stable")]
        self._words, self._ends = words[:, 0] - len(plan.searches), words[:, 1]

    def word_ends(self, rule: Rule) -> Ints:
        """Sorted ends of the rule's context words."""
        mine = np.zeros(len(self._plan.words) + 1, bool)
        mine[self._plan.words_of.get(rule.index, [])] = True
        return self._ends[mine[self._words]]

    def words(self, rule: Rule) -> Words | None:
        """The context words of a rule; None when they are not known."""
        context = rule.detector.context
        if rule.index in self._plan.wordless or context is None:
            return None
        # A character has at most four bytes.
        return Words(self.word_ends(rule), 4 * context.window, 4 * context.after)


def _is_dense(rule: Rule) -> bool:
    """Whether matrices can judge it: one span, no search for its real ends, nothing that looks at other hits."""
    detector = rule.detector
    plain = not (detector.multiline or detector.group or detector.extent or detector.entropy or detector.near)
    return bool(detector.pattern) and plain


def _implies_keyword(shape: Shape, rule: Rule) -> bool:
    """Whether every line with a match holds one of the keywords, if there are any."""
    return not rule.keywords or (shape.anchor is not None and chr(shape.anchor.byte) in rule.keywords)


def _search_expression(search: Search) -> bytes:
    detector = search.rule.detector
    try:
        if search.spans_lines:
            return longest_literal(detector.pattern)
        return superset(detector.masked if search.kind is Kind.MASKED else detector.pattern)
    except NoSupersetError:
        return EVERY_LINE


def _word_expression(word: str) -> bytes:
    pattern = compile_words((word,))
    try:
        return superset(pattern.pattern) if pattern else EVERY_LINE
    except NoSupersetError:
        return EVERY_LINE

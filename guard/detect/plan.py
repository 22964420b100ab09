"""The plan: for each rule the cheapest way to find it, and one Hyperscan database for all lines and words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from guard.batch import Ints
from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.context import compile_words
from guard.detect.dense import Surroundings
from guard.detect.rule import Rule
from guard.detect.shapes import Reach, Shape, compile_shape
from guard.detect.supersets import NoSupersetError, longest_literal, superset

LINE, WORD = 0, 1
"""What an event of the finder means: look at this line, or here ends a word of the rule's context."""


class Plan:
    """How `rules` are found. Everything in it is made once and then only read, but for the memory of surroundings."""

    def __init__(self, rules: Sequence[Rule], *, use_cache: bool) -> None:
        self.rules = tuple(rules)
        self.surroundings = Surroundings()
        self.use_cache = use_cache

    @cached_property
    def shapes(self) -> dict[int, Shape]:
        """The shapes, by index of their rule."""
        found = {rule.index: compile_shape(rule.detector.pattern, rule.detector.boundary)
                 for rule in self.rules if _is_dense(rule)}
        return {index: shape for index, shape in found.items()
                if shape is not None and _implies_keyword(shape, self.rules[index])}

    @cached_property
    def expressions(self) -> tuple[tuple[int, int, bytes], ...]:
        """(rule, LINE or WORD, expression) of all that the finder looks for."""
        return tuple(expression for rule in self.rules for expression in self._expressions(rule))

    def _expressions(self, rule: Rule) -> Iterator[tuple[int, int, bytes]]:
        detector = rule.detector
        if detector.pattern and rule.index not in self.shapes:
            yield rule.index, LINE, _expression(detector.pattern, detector.multiline)
        if detector.masked:
            yield rule.index, LINE, _expression(detector.masked, False)
        if detector.context and (rule.index in self.shapes or detector.require == "context"):
            words = compile_words((*detector.context.words, *detector.context.against))
            if words is not None:
                yield rule.index, WORD, _expression(words.pattern, False)

    @cached_property
    def finder(self) -> LineFinder:
        finder = LineFinder([expression for _, _, expression in self.expressions], use_cache=self.use_cache)
        finder.prepare()
        return finder

    @cached_property
    def everywhere(self) -> frozenset[int]:
        """Rules for which every line has to be looked at."""
        return self._unfiltered(LINE)

    @cached_property
    def wordless(self) -> frozenset[int]:
        """Rules whose context words could not be compiled: a word may be anywhere."""
        return self._unfiltered(WORD)

    def _unfiltered(self, wanted: int) -> frozenset[int]:
        refused = [self.expressions[index] for index in self.finder.unfiltered]
        return frozenset(rule for rule, kind, _ in refused if kind == wanted)

    def events(self, data: bytes) -> Events:
        """All events in a normalised block."""
        found = self.finder.events(data)
        if not found:
            return Events(self, np.empty((0, 2), np.int64))
        return Events(self, np.array(found, np.int64))


class Events:
    """What the finder found in one block: (rule, offset) of lines to look at, and ends of context words by rule."""

    def __init__(self, plan: Plan, found: Ints) -> None:
        self._plan = plan
        owners = np.array([rule for rule, _, _ in plan.expressions] or [0], np.int64)
        kinds = np.array([kind for _, kind, _ in plan.expressions] or [0], np.int64)
        rules, ends, kind = owners[found[:, 0]], found[:, 1], kinds[found[:, 0]]
        self.line_rules, self.line_ends = rules[kind == LINE], ends[kind == LINE]
        self.word_rules, self.word_ends = rules[kind == WORD], ends[kind == WORD]

    def reach(self, rule: Rule) -> Reach | None:
        """What the rule's context words reach; None when they are not known."""
        context = rule.detector.context
        if rule.index in self._plan.wordless or context is None:
            return None
        # A character has at most four bytes.
        return Reach(np.sort(self.word_ends[self.word_rules == rule.index]), 4 * context.window, 4 * context.after)


def _is_dense(rule: Rule) -> bool:
    """Whether matrices can judge it: one span, no search for its real ends, nothing that looks at other hits."""
    detector = rule.detector
    plain = not (detector.multiline or detector.group or detector.extent or detector.entropy or detector.near)
    return bool(detector.pattern) and plain


def _implies_keyword(shape: Shape, rule: Rule) -> bool:
    """Whether every line with a match holds one of the keywords, if there are any."""
    return not rule.keywords or (shape.anchor is not None and chr(shape.anchor.byte) in rule.keywords)


def _expression(pattern: str, multiline: bool) -> bytes:
    try:
        return longest_literal(pattern) if multiline else superset(pattern)
    except (NoSupersetError, re.error):
        return EVERY_LINE

"""The plan: for each rule the cheapest way to find it, and one Hyperscan database for all lines and words."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from guard import compiled
from guard.batch import Ints
from guard.detect.analysis import Analysis, analysis
from guard.detect.compile import LineFinder, Samples
from guard.detect.damage import are_told_apart
from guard.detect.dense import Surroundings
from guard.detect.judgements import Judgements
from guard.detect.rule import Rule, Rules
from guard.detect.shapes import Shape, Words
from guard.detect.windows import Search

if TYPE_CHECKING:
    from guard.detect.assembly import Assembly
    from guard.detect.joined import Meanings
    from guard.detect.memory import ColumnMemories
    from guard.detect.sweep import Workspace


class Plan:
    """How `rules` are found. Made once and then only read, but for what it remembers of surroundings and columns."""

    def __init__(self, rules: Rules, digest: str, *, use_cache: bool) -> None:
        # How a rule is found depends on whether its pattern may run without a limit.
        self._digest = digest + "".join("-+"[rule.detector.reviewed] for rule in rules)
        self.rules = rules
        self.surroundings = Surroundings()
        self.judgements = Judgements(self.rules)
        self.use_cache = use_cache
        self._local = threading.local()

    def uses_loops(self, work: int) -> bool:
        """Whether the compiled engine should look through so many bytes more."""
        return compiled.pays(work) if self.use_cache else compiled.pays_alone(work)

    @cached_property
    def _analysis(self) -> Analysis:
        return analysis(self.rules, self._digest, use_cache=self.use_cache)

    @cached_property
    def memories(self) -> ColumnMemories:
        """What is known of columns: a text has none."""
        from guard.detect.memory import ColumnMemories

        return ColumnMemories()

    @cached_property
    def meanings(self) -> Meanings:
        """Which headers say the same."""
        from guard.detect.joined import Meanings

        return Meanings(self.rules.headers)

    @cached_property
    def assembly(self) -> Assembly:
        """What the compiled engine runs."""
        from guard.detect.assembly import Assembly

        return Assembly(self.rules, self._digest, use_cache=self.use_cache)

    @cached_property
    def tells_stray_bytes(self) -> bool:
        """Whether a pattern may tell bytes that are no UTF-8 from what `guard.detect.damage` writes for them."""
        sources = ((rule.detector.pattern, rule.detector.masked) for rule in self.rules)
        return are_told_apart(source for pair in sources for source in pair if source)

    @property
    def workspace(self) -> Workspace:
        """The memory of this thread for the compiled engine."""
        from guard.detect.sweep import Workspace

        if not hasattr(self._local, "workspace"):
            self._local.workspace = Workspace()
        workspace: Workspace = self._local.workspace
        return workspace

    @property
    def shapes(self) -> dict[int, Shape]:
        """The shapes, by index of their rule."""
        return self._analysis.shapes

    @property
    def searches(self) -> tuple[Search, ...]:
        """What is searched line by line: patterns that are no shapes, and masked patterns; by rule, pattern first."""
        return self._analysis.searches

    @property
    def words(self) -> dict[str, frozenset[int]]:
        """The rules of each context word."""
        return self._analysis.words

    @cached_property
    def finder(self) -> LineFinder:
        """Where nothing is kept, the compiled engine looks through all that is large."""
        finder = LineFinder(self._analysis.expressions, use_cache=self.use_cache, samples=self._samples,
                            light=not self.use_cache and compiled.is_alone())
        finder.prepare()
        return finder

    def _samples(self) -> Samples:
        """Asked for once for each file of the cache."""
        from guard.detect.examples import samples

        return samples((search.number, search.rule, search.kind) for search in self.searches)

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

"""What is asked of the candidates of each rule, as tables that compiled loops read (`sifting_loops`, `judging_loops`).

A rule gets its row when the first of its candidates turns up: of hundreds of rules a file needs some twenty.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import address_loops, check_tables, name_loops, names
from guard.detect.context_loops import NO_SECOND, OPPOSES, PAIRS, SUPPORTS, Words, pair
from guard.detect.dense import worths
from guard.detect.judge import belongs
from guard.detect.rule import Rule

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
(READY, EXTENT, FIRST_WORD, LAST_WORD, FOREIGN, CONTEXT, SUPPORTING, OPPOSING, WINDOW, AFTER, WAY, FIRST_STEP, FORM,
 SPACED, FIRST_WORTH, WORTHS, COLUMNS) = range(17)
"""Columns of `RuleTables.rows`: whether the row is filled; how the extent is found (NONE, or a way of `name_loops`, or
FIRST_ADDRESS and a way of `address_loops`); the first keyword and the one behind the last, and whether some are not
ASCII; how words around a match are weighed (NONE, BY_LOOP, ASKED), the addresses of their programs, and how far they
reach; how a value is judged (BY_STEPS, BY_WORDS, ASKED, or BUT_PATHS: asked but for
paths of names, which do not count), its first step, normal form, and whether spaces do not count; the worth of the
circumstances 0 without a fitting header, and how far behind are those with one."""
NONE, BY_LOOP, ASKED = range(-1, 2)
BY_STEPS, BY_WORDS, BUT_PATHS = 2, 3, 4
FIRST_ADDRESS = 16
OF_EXTENT, OF_VALUE = 0, 1
"""Columns of `RuleTables.floors`: least plausibility of a name that is cut out, and with which a check may pass."""
IS_NAME, IN_DIVISION, IS_ADDRESS = 0, 4, 5
FLOORS = np.array([names.LENIENT, names.USUAL, names.FAIR, names.STRICT])
"""Checks of names and addresses as steps: the place in `WORD_CHECKS`; of names the least plausibility."""
WORD_CHECKS = ("is_name", "is_usual_name", "is_fair_name", "is_sure_name", "in_division", "is_address")
MOST_EVIDENCE = 4
"""Pieces of evidence up to which there is a table of what everything they can say is worth."""
UNSUPPORTED = 2
MOST_HEADERS = 256
EXTENTS: Mapping[str, tuple[Any, float]] = {
    "labelled_name": (name_loops.CUT, names.LENIENT), "fair_name": (name_loops.CUT, names.FAIR),
    "sure_name": (name_loops.WHOLE, names.STRICT), "begun_name": (name_loops.BEGUN, names.FAIR),
    "followed_name": (name_loops.FOLLOWED, names.FAIR), "evident_name": (name_loops.FOLLOWED, names.EVIDENT),
    "name_before": (name_loops.BEFORE, names.EVIDENT), "listed_name": (name_loops.LISTED, names.FAIR),
    "known_latin_name": (name_loops.LATIN, 0.0),
    "address_number": (FIRST_ADDRESS + address_loops.AROUND_NUMBER, 0.0),
    "address_label": (FIRST_ADDRESS + address_loops.BEHIND_LABEL, 0.0),
}
"""The way and the least plausibility of each extent."""


class RuleTables(NamedTuple):
    """One row a rule. `steps` are how many filters, checks and pieces of evidence there are, then those, for all rules
    one behind the other; `separators[rule]` says of each byte whether it is left out of values; keyword n is
    `letters[edges[n]:edges[n + 1]]`, in lower case; `firsts[rule]` and `pairs[rule]` tell how words of the context may
    begin (`context_loops.weigh`); `worths` and `marks` are confidence and flags by circumstances."""

    rows: Ints
    floors: Floats
    steps: Ints
    separators: Bytes
    letters: Bytes
    edges: Ints
    firsts: Bytes
    pairs: Bytes
    worths: Floats
    marks: Bytes


class Bearings(NamedTuple):
    """What the name of a column says, by rule: the least sign with which a match counts (`least_sign`), the sign where
    the text says nothing, and whether it fits."""

    least: npt.NDArray[np.int8]
    signs: npt.NDArray[np.int8]
    fits: Mask


def least_sign(rule: Rule, fits: bool) -> int:
    """The least sign of the context with which a rule counts, UNSUPPORTED when it does not."""
    if fits or rule.detector.require == "nothing":
        return -1
    return 1 if rule.detector.require == "context" else UNSUPPORTED


class Rulings:
    """The tables of some rules, filled as they are asked for; safe to share between threads.

    `words` are the programs of their context words, None for those that the machine cannot run.
    """

    def __init__(self, rules: Sequence[Rule], words: Mapping[int, Words | None], *, use_cache: bool = False) -> None:
        self.rules, self._words, self.use_cache = tuple(rules), words, use_cache
        self.needs_lexicons = False
        """Whether a rule that has a row asks for names or addresses."""
        self._filling = threading.Lock()
        self._unusual: dict[tuple[int, bool, int], int] = {}
        self._bearings: dict[str, Bearings] = {}
        self._friends: dict[tuple[str, ...], Mask] = {}
        count = len(self.rules)
        self.tables = RuleTables(
            np.zeros((count, COLUMNS), np.int64), np.zeros((count, 2)), np.zeros(1, np.int64),
            np.zeros((count, 256), np.uint8), np.zeros(0, np.uint8), np.zeros(1, np.int64),
            np.zeros((count, 256), np.uint8), np.zeros((count, PAIRS), np.uint8), np.zeros(1), np.zeros(1, np.uint8))

    def fill(self, wanted: Sequence[int]) -> RuleTables:
        """The tables with the rows of the `wanted` rules. Tables that were handed out are never written to again."""
        with self._filling:
            missing = [index for index in wanted if not self.tables.rows[index, READY]]
            if missing:
                filling = _Filling(RuleTables._make(table.copy() for table in self.tables))
                for index in missing:
                    filling.fill(index, self.rules[index], self._words.get(index))
                rows = filling.tables.rows
                asks = (rows[:, EXTENT] != NONE) | (rows[:, WAY] == BY_WORDS)
                self.needs_lexicons = bool((asks & (rows[:, READY] != 0)).any())
                self.tables = filling.tables
            return self.tables

    def bearings(self, header: str, fits: Sequence[bool], signs: Sequence[int]) -> Bearings:
        """What a header says, given which rules it fits, and its signs as context."""
        if (known := self._bearings.get(header)) is None:
            if len(self._bearings) >= MOST_HEADERS:
                self._bearings.clear()
            fitting = np.array(fits, bool)
            known = Bearings(np.where(fitting, *self._least), np.array(signs, np.int8), fitting)
            self._bearings[header] = known
        return known

    @cached_property
    def _least(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """`least_sign` of each rule, under a header that fits and under another one."""
        return (np.array([least_sign(rule, True) for rule in self.rules], np.int8),
                np.array([least_sign(rule, False) for rule in self.rules], np.int8))

    @cached_property
    def needy(self) -> dict[tuple[str, ...], Mask]:
        """Which rules need one of some classes near them, by these classes."""
        found: dict[tuple[str, ...], Mask] = {}
        for index, rule in enumerate(self.rules):
            if rule.detector.near:
                found.setdefault(rule.detector.near, np.zeros(len(self.rules), bool))[index] = True
        return found

    @cached_property
    def lonely(self) -> Ints:
        """All rules that need some class near them."""
        return np.array([index for index, rule in enumerate(self.rules) if rule.detector.near], np.int64)

    def friends(self, near: tuple[str, ...]) -> Mask:
        """Which rules are of one of these classes."""
        if (known := self._friends.get(near)) is None:
            known = np.array([belongs(rule.detector.data_class, near) for rule in self.rules])
            self._friends[near] = known
        return known

    def unusual_worth(self, index: int, fits: bool, code: int) -> int:
        """What stands for the circumstances `code` of a rule with so much evidence that no table has it all."""
        key = index, fits, code
        with self._filling:
            if key not in self._unusual:
                filling = _Filling(self.tables)
                self._unusual[key] = filling.add_worths(*worths(self.rules[index], np.array([code]), fits))
                self.tables = filling.tables
            return self._unusual[key]


class _Filling:
    """Tables that grow."""

    def __init__(self, tables: RuleTables) -> None:
        self.tables = tables

    def fill(self, index: int, rule: Rule, words: Words | None) -> None:
        row = self.tables.rows[index]
        row[EXTENT], self.tables.floors[index, OF_EXTENT] = EXTENTS.get(rule.detector.extent, (NONE, 0.0))
        self._put_keywords(row, rule)
        row[CONTEXT] = NONE if rule.vicinity is None else ASKED if words is None else BY_LOOP
        if words is not None:
            row[SUPPORTING], row[OPPOSING], row[WINDOW], row[AFTER] = words[:2] + words[4:]
            self.tables.firsts[index] = (words.supporting_first | words.opposing_first) & 1
            self.tables.pairs[index] = word_pairs(rule)
        self._put_steps(row, index, rule)
        if len(rule.evidence) <= MOST_EVIDENCE:
            unfit, fit = rule.worths
            row[FIRST_WORTH] = self.add_worths(*unfit)
            row[WORTHS] = self.add_worths(*fit) - row[FIRST_WORTH]
        row[READY] = 1

    def _put_keywords(self, row: Ints, rule: Rule) -> None:
        known, words = self.tables, [word.encode() for word in rule.keywords]
        row[FIRST_WORD], row[LAST_WORD] = len(known.edges) - 1, len(known.edges) - 1 + len(words)
        row[FOREIGN] = not all(word.isascii() for word in rule.keywords)
        edges = known.edges[-1] + np.cumsum([len(word) for word in words], dtype=np.int64)
        self.tables = known._replace(letters=np.append(known.letters, np.frombuffer(b"".join(words), np.uint8)),
                                     edges=np.append(known.edges, edges))

    def _put_steps(self, row: Ints, index: int, rule: Rule) -> None:
        detector, known = rule.detector, self.tables
        row[WAY], row[FIRST_STEP] = BUT_PATHS if _refuses_paths(rule) else ASKED, len(known.steps)
        if len(rule.evidence) > MOST_EVIDENCE:
            return
        if (steps := check_tables.steps(rule)) is not None:
            row[WAY], row[FORM], numbers = BY_STEPS, steps.form, steps.numbers
            known.separators[index] = steps.dropped
        elif _is_of_words(rule):
            groups = (detector.filters, detector.check, tuple(detector.evidence))
            checks = [WORD_CHECKS.index(name) for group in groups for name in group]
            row[WAY], row[SPACED], numbers = BY_WORDS, bool(detector.separators), np.array([*map(len, groups), *checks])
            floors = [FLOORS[check] for check in checks if check < len(FLOORS)]
            known.floors[index, OF_VALUE] = min(floors, default=np.inf)
        else:
            return
        self.tables = known._replace(steps=np.append(known.steps, numbers))

    def add_worths(self, confidence: Floats, flags: Bytes) -> int:
        """Where they stand in `worths` and `marks`."""
        known = self.tables
        self.tables = known._replace(worths=np.append(known.worths, confidence), marks=np.append(known.marks, flags))
        return len(known.worths)


def word_pairs(rule: Rule) -> Bytes:
    """Which kinds of context words (SUPPORTS, OPPOSES) may begin with two characters, by `context_loops.pair`."""
    found, context = np.zeros(PAIRS, np.uint8), rule.detector.context
    for kind, words in ((SUPPORTS, context.words), (OPPOSES, context.against)) if context else ():
        for word in words:
            ignored = word[0].isascii()
            for first in _keys(word[0], ignored):
                found[[pair(first, second) for second in _keys(word[1:2], ignored)]] |= kind
    return found


def _keys(character: str, ignored: bool) -> Iterable[int]:
    """The last eight bits of what a character of a context word stands for; with `ignored` its case is (as in
    `context.compile_words`). A blank may be left out, and then anything may come."""
    if not character or (ignored and (character in " _" or not character.isascii())):
        return range(NO_SECOND + 1)
    return {ord(one) & 255 for one in ({character.lower(), character.upper()} if ignored else character)}


def _refuses_paths(rule: Rule) -> bool:
    """Whether no value, as it is written, is a path of names: of what stands where a secret could, most is one."""
    detector = rule.detector
    if detector.separators or detector.form or len(rule.evidence) > MOST_EVIDENCE:
        return False
    return "not_reference" in detector.filters


def _is_of_words(rule: Rule) -> bool:
    """Whether all its checks are those of names and addresses, of values as they are written but for spaces."""
    detector = rule.detector
    checks = {*detector.filters, *detector.check, *detector.evidence}
    if detector.entropy or detector.form or not checks.issubset(WORD_CHECKS):
        return False
    return not detector.separators or (detector.separators == (" ",) and checks.isdisjoint(WORD_CHECKS[IN_DIVISION:]))

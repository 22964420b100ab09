"""What the compiled engine runs for a set of rules: one program a pattern, and where each of them is looked for.

A pattern is looked for where its matches could begin (`guard.detect.walk`), and one that cannot do without a word only
in lines that hold it (`guard.detect.gates`). Where they could begin nearly everywhere, Hyperscan tells ends of possible
matches, and the program looks before them. A pattern that the machine cannot run is left to `re`, in the lines that
Hyperscan tells.
"""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import sys
from collections.abc import Mapping, Sequence
from functools import cache as once
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard import cache
from guard.detect import kept_arrays
from guard.detect.beginnings import Graph, Item, TooLargeError, begins_with, graph_of, is_run, ways_of
from guard.detect.classes import Bits, as_bits
from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.context import compile_words
from guard.detect.context_loops import Words
from guard.detect.damage import are_told_apart
from guard.detect.examples import samples
from guard.detect.factors import Words as Factors
from guard.detect.factors import factors, factors_of, fewest, line_share, rarest
from guard.detect.firsts import first_of
from guard.detect.gates import Gates, gates
from guard.detect.judge import Kind
from guard.detect.pack import bounded
from guard.detect.prefilter import Prefilter, prefilter
from guard.detect.program import WIDTH, Assembler, Op, Part, Programs, UnsuitableError
from guard.detect.rule import Rule, Rules
from guard.detect.rule_tables import Rulings
from guard.detect.sifting_loops import Patterns as JudgedPatterns
from guard.detect.supersets import (
    NoSupersetError,
    event_reach,
    longest_literal,
    stretch,
    superset,
    superset_of,
    width_before,
)
from guard.detect.sweep import Starts
from guard.detect.walk import automaton_of
from guard.detect.walk_loops import Automaton

ANCHOR = "@"
"""A character so rare that a match is best looked for from there: local parts of addresses are made of anything."""
MOST_HEADINGS = 256
MOST_WAYS = 12
"""Alternatives at the beginning of a pattern that are looked for one by one."""
CHEAP = 0.2
"""Characters a place for which an opening is followed in every line, whether a word of it stands there or not."""
DEAR = 1.0
"""Characters a place from which on a pattern is left to Hyperscan."""
FEW = 32
"""Rules whose matches are looked for without a look at words first, where all that they begin with is rare."""
_CODE = ("assembly", "beginnings", "charsets", "classes", "compile", "context", "factors", "firsts", "gates",
         "kept_arrays", "names", "pack", "prefilter", "program", "rule", "supersets", "walk", "walk_loops")
_NO_WORDS = np.zeros(256, np.uint8)


class Pattern(NamedTuple):
    """One pattern of a rule. `address` is its program, -1 when `re` has to search; `back` is how many characters a
    match may begin before an event, -1: anywhere in the line. `group` is the one that is reported."""

    rule: Rule
    kind: Kind
    address: int
    back: int
    group: int

    @property
    def source(self) -> str:
        """The regular expression, without its boundaries."""
        return _source(self.rule, self.kind)

    @property
    def reported(self) -> int:
        """The group for the loops: below 0 where nothing is reported when it took no part."""
        return -self.group if self.kind is Kind.MASKED else self.group

    @property
    def spans_lines(self) -> bool:
        return self.kind is Kind.PATTERN and self.rule.detector.multiline


class Heading(NamedTuple):
    """What the name of a column says, by rule: whether it fits, and its sign as context. `always` are the bits of the
    openings that are looked for in every line: the name of the column may do for a word as well. `active` are those of
    their buckets."""

    fits: tuple[bool, ...]
    signs: tuple[int, ...]
    always: Bits
    active: np.uint64


class Assembly:
    """Programs and tables for some rules. Made once, then only read; safe to share between threads.

    `patterns` are those with openings, `opened` of them, and then the others; their numbers are those of programs.
    `owners[opening]` is the number of its pattern, `walked` are the bits of the openings that are followed in every
    line. `beside[rule]` is the bit of lines that hold a word of its context, behind those of the openings; any line may
    where there is none. `spanning[pattern]` is the bit of lines that hold the literal of a pattern that spans lines.
    `whole` is the assembly of which it is a part, or itself.
    """

    contexts: Bits | None = None
    """Where words are looked for on behalf of contexts alone: the bits of these."""

    def __init__(self, rules: Rules, digest: str, *, use_cache: bool) -> None:
        self.whole: Assembly = self
        self.rules = rules
        self._use_cache = use_cache
        kept = assembled(rules, digest, use_cache=use_cache)
        self.patterns, self.opened = kept.patterns, kept.opened
        self.programs, self.automaton, self.words = kept.programs, kept.automaton, kept.words
        self.prefilter = kept.prefilter
        self._expressions = kept.expressions
        self.starts = Starts(kept.entries if len(kept.entries) else np.zeros(1, np.int32),
                             np.array([pattern.reported for pattern in self.patterns] or [0], np.int32),
                             kept.owners if len(kept.owners) else np.zeros(1, np.int32))
        self.backs = np.array([pattern.back for pattern in self.patterns] or [0], np.int64)
        self._headings: dict[str, Heading] = {}
        self.gates, self.owners, self.beside, self.spanning = kept.gates, kept.owners, kept.beside, kept.spanning
        self._gated, self.walked = np.array(kept.gated, bool), as_bits(np.array(kept.walked, bool))
        if not (self._gated.any() or self.spanning):
            bits = np.zeros(64 * self.gates.members.shape[1], bool)
            bits[list(self.beside.values())] = True
            self.contexts = as_bits(bits)
        self._needy = [opening for opening, number in enumerate(kept.owners.tolist())
                       if self.patterns[number].rule.detector.require == "context"]

    def heading(self, header: str) -> Heading:
        """What a header says; kept, since batch after batch has the same."""
        if (known := self._headings.get(header)) is None:
            if len(self._headings) >= MOST_HEADINGS:
                self._headings.clear()
            known = self._headings[header] = self._read(header)
        return known

    def _read(self, header: str) -> Heading:
        fits, signs = [False] * len(self.rules), [0] * len(self.rules)
        if header:
            index = self.rules.headers
            for rule in index.fitting(header):
                fits[rule.index] = True
            for number, sign in index.signs(header).items():
                signs[number] = sign
        always = np.ones(len(self.owners), bool)
        always[self._gated] = False
        for opening in self._needy:
            index = self.patterns[self.owners[opening]].rule.index
            always[opening] |= fits[index] or signs[index] > 0
        return Heading(tuple(fits), tuple(signs), as_bits(always), self.prefilter.active(always))

    @cached_property
    def tells_stray_bytes(self) -> bool:
        """Whether a pattern may tell bytes that are no UTF-8 from what `guard.detect.damage` writes for them."""
        return are_told_apart(pattern.source for pattern in self.patterns)

    @cached_property
    def rulings(self) -> Rulings:
        """What is asked of the candidates of each rule."""
        return Rulings(self.rules, self.words, use_cache=self._use_cache)

    @cached_property
    def judged(self) -> JudgedPatterns:
        """The patterns as `sifting_loops` sees them."""
        beside = [self.beside.get(rule.index, -1) for rule in self.rules]
        return JudgedPatterns(np.array([pattern.rule.index for pattern in self.patterns], np.int32),
                              np.array([pattern.kind is Kind.MASKED for pattern in self.patterns], bool),
                              np.array(beside, np.int32))

    @cached_property
    def finder(self) -> LineFinder:
        """Tells events of the patterns without an opening: expression n is pattern `opened + n`."""
        return self._finder(len(self._expressions))

    @cached_property
    def text_finder(self) -> LineFinder:
        """The same without those that are `spanning`, which stand last."""
        return self._finder(len(self._expressions) - len(self.spanning))

    def _finder(self, count: int) -> LineFinder:
        told = self.patterns[self.opened : self.opened + count]
        finder = LineFinder(self._expressions[:count], use_cache=self._use_cache, samples=lambda: samples(
            (number, pattern.rule, pattern.kind) for number, pattern in enumerate(told)))
        finder.prepare()
        return finder


class Assembled(NamedTuple):
    """What `Assembly` is made of and what takes long to make."""

    patterns: tuple[Pattern, ...]
    opened: int
    entries: npt.NDArray[np.int32]
    programs: Programs
    automaton: Automaton
    prefilter: Prefilter
    words: dict[int, Words | None]
    expressions: tuple[bytes, ...]
    gates: Gates
    owners: npt.NDArray[np.int32]
    gated: tuple[bool, ...]
    walked: tuple[bool, ...]
    beside: dict[int, int]
    spanning: dict[int, int]


def assembled(rules: Sequence[Rule], digest: str, *, use_cache: bool) -> Assembled:
    """The parts for the rules whose digest is given, from the cache if it can be."""
    name = cache.key("assembly", digest, _code(), sys.version) if use_cache and _code() else ""
    if name and (kept := cache.load_writable(name)) is not None and (known := _load(rules, kept)) is not None:
        return known
    made = assemble(rules)
    if not name:
        return made
    blob = _dump(made)
    cache.store(name, blob)
    # As all others have it: machine code is made for arrays that may be written to, or for such that may not.
    return _load(rules, blob) or made


def assemble(rules: Sequence[Rule]) -> Assembled:
    """Looks at every pattern and every list of words."""
    assembler = Assembler()
    found = [_pattern(assembler, rule, kind) for rule in rules for kind in (Kind.PATTERN, Kind.MASKED)
             if _source(rule, kind)]
    opened = [(pattern, beginnings) for pattern, beginnings in found if beginnings]
    told = sorted((pattern for pattern, beginnings in found if not beginnings), key=lambda one: bool(_literal(one)))
    patterns = (*(pattern for pattern, _ in opened), *told)
    words = {rule.index: _words(assembler, rule) for rule in rules if rule.vicinity is not None}
    ways = [(way, number) for number, (_, beginnings) in enumerate(opened) for way in beginnings]
    beginnings = [way for way, _ in ways]
    literals = {number: word for number, pattern in enumerate(patterns) if (word := _literal(pattern))}
    if len(rules) <= FEW and not literals and all(way.is_walked for way in beginnings):
        beginnings = [way._replace(words=None) for way in beginnings]
    graphs = [way.graph for way in beginnings]
    places = prefilter(graphs, [way.words if way.is_gated else None for way in beginnings])
    gates_of_all, beside, spanning = _gates(beginnings, rules, literals, places.buckets)
    programs = assembler.finish()
    entries = [_entry(programs, pattern.address, number < len(opened)) for number, pattern in enumerate(patterns)]
    return Assembled(patterns, len(opened), np.array(entries, np.int32), programs,
                     automaton_of(graphs), places, words,
                     tuple(map(_expression, told)), gates_of_all, np.array([n for _, n in ways], np.int32),
                     tuple(way.is_gated for way in beginnings), tuple(way.is_walked for way in beginnings), beside,
                     spanning)


def _entry(programs: Programs, address: int, opened: bool) -> int:
    """Where a program begins; what may stand before a match was looked at already where it has an opening."""
    while opened and programs[len(Part) + WIDTH * address] == Op.NOT_BEHIND:
        address += 1
    return address


def _group(rule: Rule, kind: Kind) -> int:
    """The group that is reported; of a masked pattern the first, if it has one."""
    if kind is Kind.PATTERN:
        return rule.detector.group
    return 1 if parser.parse(_source(rule, kind), re.ASCII).state.groups > 1 else 0


class Beginning(NamedTuple):
    """A way in which matches of a pattern begin, and words without which there is none; None: nothing is known.

    `counts` says whether a match counts even where no word stands; `cost` is that of `Graph`.
    """

    graph: Graph
    words: Factors | None
    counts: bool
    cost: float

    @property
    def share(self) -> float:
        """The characters a place that have to be looked at."""
        return self.cost * (1.0 if self.words is None else line_share(self.words))

    @property
    def is_walked(self) -> bool:
        """Whether it is followed in every line."""
        return self.words is None or self.cost < CHEAP

    @property
    def is_gated(self) -> bool:
        """Whether it is looked for only in lines that hold one of its words."""
        return self.words is not None and not (self.counts and self.is_walked)


def _beginnings(rule: Rule, kind: Kind, spelled: str) -> list[Beginning]:
    """How matches begin: in one way, or one for each alternative, which then has words of its own, where that is hardly
    more to look at; empty when it is too much."""
    ways, fold = ways_of(spelled)
    context = rule.detector.context
    beside = compile_words(context.words) if rule.detector.require == "context" and context is not None else None
    needed = factors(beside.pattern) if beside else None
    words_of_rule = rarest(needed, _keywords(rule))
    is_told = kind is Kind.PATTERN and begins_with(rule.detector.group, spelled)
    firsts = frozenset(map(ord, rule.firsts)) if is_told else frozenset()

    def beginning(items: Sequence[Item], words: Factors | None) -> Beginning | None:
        try:
            graph = graph_of(items, fold)
        except TooLargeError:
            return None
        # A blank or dot before a name is a separator, which its checks never see.
        if firsts and graph.begins_in_han and is_run(items, fold):
            graph.begin_with(firsts)
        return Beginning(graph, rarest(words, words_of_rule), needed is None, graph.cost())

    whole = beginning(parser.parse(spelled, re.ASCII).data, factors(spelled))
    apart = [beginning(way, factors_of(way, fold)) for way in ways] if 1 < len(ways) <= MOST_WAYS else [None]
    chosen = [whole] if None in apart or (whole and sum(b.share for b in apart if b) >= 1.2 * whole.share) else apart
    found = [way for way in chosen if way is not None and way.share <= DEAR]
    return found if len(found) == len(chosen) else []


def _keywords(rule: Rule) -> Factors | None:
    """Words one of which stands in every line where a match of the rule counts, if it has keywords in ASCII.

    Of the characters beyond ASCII two have ASCII letters in their lower case, and may stand for these.
    """
    if not rule.keywords or not "".join(rule.keywords).isascii():
        return None
    others = [sign for sign in ("\u0130", "\u212a") if not set(sign.lower()).isdisjoint("".join(rule.keywords))]
    return fewest(frozenset(word.encode() for word in (*rule.keywords, *others)))


def _gates(ways: Sequence[Beginning], rules: Sequence[Rule], literals: Mapping[int, bytes],
           buckets: Bits) -> tuple[Gates, dict[int, int], dict[int, int]]:
    """The gates of all openings, and behind them the bits of the contexts of rules, by rule, and those of literals, by
    pattern."""
    contexts = {rule.index: words for rule in rules if (words := _context_words(rule)) is not None}
    first = -(-max(1, len(ways)) // 64) * 64
    beside = {index: first + number for number, index in enumerate(contexts)}
    spanning = {number: first + len(contexts) + place for place, number in enumerate(literals)}
    needed: dict[int, Factors] = {
        **{number: way.words for number, way in enumerate(ways) if way.words and way.is_gated},
        **{beside[index]: words for index, words in contexts.items()},
        **{spanning[number]: _spelled(literal) for number, literal in literals.items()}}
    needing: dict[bytes, list[int]] = {}
    for number, words in needed.items():
        for word in sorted(words):
            needing.setdefault(word, []).append(number)
    return gates(needing, first + len(contexts) + len(literals), buckets), beside, spanning


def _literal(pattern: Pattern) -> bytes:
    """What every match of a pattern that spans lines holds in one of them, as an expression; b"" where nothing is known
    that the gates can find."""
    try:
        literal = stretch(pattern.source).encode() if pattern.spans_lines else b""
    except NoSupersetError:
        return b""
    return literal if _spelled(literal) else b""


def _spelled(literal: bytes) -> Factors:
    """The words one of which stands where a literal does, none where they are too short to be looked for."""
    words = factors(literal.decode()) or Factors()
    are_usable = all(len(word) > 1 and word.isascii() and word.decode().isprintable() for word in words)
    return words if are_usable else Factors()


def _context_words(rule: Rule) -> Factors | None:
    """Words one of which stands wherever the context of a rule says anything; None where that is not known."""
    context = rule.detector.context
    if context is None:
        return None
    needed = [factors(pattern.pattern) for words in (context.words, context.against)
              if (pattern := compile_words(words)) is not None]
    return None if None in needed else fewest(Factors().union(*(words for words in needed if words is not None)))


def _source(rule: Rule, kind: Kind) -> str:
    return rule.detector.masked if kind is Kind.MASKED else rule.detector.pattern


def _pattern(assembler: Assembler, rule: Rule, kind: Kind) -> tuple[Pattern, list[Beginning]]:
    source, group = _source(rule, kind), _group(rule, kind)
    if kind is Kind.PATTERN and rule.detector.multiline:
        return Pattern(rule, kind, -1, -1, group), []
    spelled = bounded(source, rule.detector.boundary)
    try:
        address = assembler.add(spelled)
    except UnsuitableError:
        return Pattern(rule, kind, -1, -1, group), []
    width = width_before(source, ANCHOR)
    reach = event_reach(source) if width is None else width + 1
    return Pattern(rule, kind, address, -1 if reach is None else reach, group), _beginnings(rule, kind, spelled)


def _expression(pattern: Pattern) -> bytes:
    try:
        if not pattern.spans_lines and width_before(pattern.source, ANCHOR) is not None:
            return superset(re.escape(ANCHOR))
        if pattern.spans_lines:
            return longest_literal(pattern.source)
        return superset_of(pattern.source, reviewed=pattern.rule.detector.reviewed)
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
        first = first_of(list(parser.parse(pattern.pattern, re.ASCII)), False)
        keys = [2 * first.admits(key) for key in range(256)]
        firsts.append(np.array(first.table(), np.uint8) | np.array(keys, np.uint8))
    return Words(addresses[0], addresses[1], firsts[0], firsts[1], context.window, context.after)


@once
def _code() -> str:
    """A digest of the code that assembles; empty where its source cannot be read, and then nothing is kept."""
    return cache.digest_of(Path(__file__).parent / f"{name}.py" for name in _CODE)


def _dump(made: Assembled) -> bytes:
    """The arrays, and what is none."""
    words = {index: list(found[:2]) + list(found[4:]) if found else None for index, found in made.words.items()}
    plain = {"patterns": [[p.rule.index, int(p.kind), p.address, p.back, p.group] for p in made.patterns],
             "opened": made.opened, "words": words, "gated": made.gated, "walked": made.walked, "beside": made.beside,
             "spanning": made.spanning,
             "expressions": [expression.decode("latin-1") for expression in made.expressions]}
    arrays = {f"walk_{name}": array for name, array in made.automaton._asdict().items()}
    arrays |= {f"place_{name}": array for name, array in made.prefilter._asdict().items()}
    arrays |= {f"gate_{name}": array for name, array in made.gates._asdict().items()}
    for index, found in made.words.items():
        if found:
            arrays |= {f"supporting_{index}": found.supporting_first, f"opposing_{index}": found.opposing_first}
    return kept_arrays.dump(plain, {"entries": made.entries, "programs": made.programs, "owners": made.owners,
                                    **arrays})


def _load(rules: Sequence[Rule], blob: bytes | bytearray) -> Assembled | None:
    """The parts in a blob; None when it is of another form."""
    try:
        plain, kept = kept_arrays.load(blob)
        patterns = tuple(Pattern(rules[index], Kind(kind), address, back, group)
                         for index, kind, address, back, group in plain["patterns"])
        words = {int(index): Words(found[0], found[1], kept[f"supporting_{index}"], kept[f"opposing_{index}"],
                                   found[2], found[3]) if found else None
                 for index, found in plain["words"].items()}
        automaton = Automaton(**{name: kept[f"walk_{name}"] for name in Automaton._fields})
        places = Prefilter(**{name: kept[f"place_{name}"] for name in Prefilter._fields})
        return Assembled(patterns, plain["opened"], kept["entries"], kept["programs"], automaton, places, words,
                         tuple(expression.encode("latin-1") for expression in plain["expressions"]),
                         Gates(**{name: kept[f"gate_{name}"] for name in Gates._fields}), kept["owners"],
                         tuple(plain["gated"]), tuple(plain["walked"]),
                         *({int(index): bit for index, bit in plain[name].items()}
                           for name in ("beside", "spanning")))
    except (ValueError, KeyError, TypeError, IndexError):
        return None

"""What the compiled engine runs for a set of rules: one program a pattern, and where each of them is looked for.

A pattern whose matches begin in a rare way is looked for where they could begin (`guard.detect.triggers`). Of the
others Hyperscan tells ends of possible matches, and the program looks before them. A pattern that the machine cannot
run is left to `re`, in the lines that Hyperscan tells.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as once
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard import cache
from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.context import compile_words
from guard.detect.context_loops import Words
from guard.detect.dense import header_sign
from guard.detect.examples import samples
from guard.detect.firsts import first_of
from guard.detect.judge import Kind
from guard.detect.openings import Opening, opening_of
from guard.detect.pack import bounded
from guard.detect.program import WIDTH, Assembler, Op, Part, Programs, UnsuitableError
from guard.detect.rule import Rule
from guard.detect.supersets import NoSupersetError, event_reach, longest_literal, superset, width_before
from guard.detect.sweep import Starts
from guard.detect.triggers import Bits, Triggers, as_bits, is_rare, triggers

ANCHOR = "@"
"""A character so rare that a match is best looked for from there: local parts of addresses are made of anything."""
MOST_HEADINGS = 256
_CODE = ("assembly", "charsets", "compile", "context", "firsts", "openings", "pack", "program", "rule",
         "supersets", "triggers")
_NO_WORDS = np.zeros(256, np.uint8)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a rule. `address` is its program, -1 when `re` has to search; `back` is how many characters a
    match may begin before an event, -1: anywhere in the line."""

    rule: Rule
    kind: Kind
    address: int
    back: int

    @property
    def source(self) -> str:
        """The regular expression, without its boundaries."""
        return _source(self.rule, self.kind)

    @property
    def group(self) -> int:
        """The group that is reported; of a masked pattern the first, if it has one."""
        if self.kind is Kind.PATTERN:
            return self.rule.detector.group
        return 1 if parser.parse(self.source, re.ASCII).state.groups > 1 else 0

    @property
    def spans_lines(self) -> bool:
        return self.kind is Kind.PATTERN and self.rule.detector.multiline


class Heading(NamedTuple):
    """What the name of a column says, by rule: whether it fits, and its sign as context. `always` are the bits of the
    patterns with an opening that are looked for in every line: the name of the column may do for a word as well."""

    fits: tuple[bool, ...]
    signs: tuple[int, ...]
    always: Bits


class Assembly:
    """Programs and tables for some rules. Made once, then only read; safe to share between threads.

    `patterns` are those with an opening, `opened` of them, and then the others; their numbers are those of programs.
    `gates[n]` are the bits of the patterns with an opening that are looked for in lines where gate n is found: a word
    that their rules cannot do without.
    """

    def __init__(self, rules: Sequence[Rule], digest: str, *, use_cache: bool) -> None:
        self.rules = tuple(rules)
        self._use_cache = use_cache
        kept = assembled(rules, digest, use_cache=use_cache)
        self.patterns, self.opened = kept.patterns, kept.opened
        self.programs, self.triggers, self.words = kept.programs, kept.triggers, kept.words
        self._expressions = kept.expressions
        entries = [self._entry(pattern, number < self.opened) for number, pattern in enumerate(self.patterns)]
        self.starts = Starts(np.array(entries or [0], np.int32),
                             np.array([pattern.group for pattern in self.patterns] or [0], np.int32))
        self.backs = np.array([pattern.back for pattern in self.patterns] or [0], np.int64)
        self._headings: dict[str, Heading] = {}
        self._members = kept.gates
        self.gates = as_bits(self._mask_of_gates())

    def _mask_of_gates(self) -> npt.NDArray[np.bool_]:
        masks = np.zeros((max(1, len(self._members)), max(1, self.opened)), bool)
        for gate, members in enumerate(self._members):
            masks[gate, list(members)] = True
        return masks

    def heading(self, header: str) -> Heading:
        """What a header says; kept, since batch after batch has the same."""
        if (known := self._headings.get(header)) is None:
            if len(self._headings) >= MOST_HEADINGS:
                self._headings.clear()
            known = self._headings[header] = self._read(header)
        return known

    def _read(self, header: str) -> Heading:
        fits = tuple(bool(header) and rule.header_words.fit(header) > 0 for rule in self.rules)
        signs = tuple(header_sign(rule, header) for rule in self.rules)
        always = np.ones(max(1, self.opened), bool)
        for members in self._members:
            always[list(members)] = False
        for gate in (index - self.told for index in self.finder.unfiltered if index >= self.told):
            always[list(self._members[gate])] = True
        for number, pattern in enumerate(self.patterns[: self.opened]):
            index, needy = pattern.rule.index, pattern.rule.detector.require == "context"
            always[number] |= needy and (fits[index] or signs[index] > 0)
        return Heading(fits, signs, as_bits(always))

    @property
    def told(self) -> int:
        """How many patterns have no opening."""
        return len(self.patterns) - self.opened

    def _entry(self, pattern: Pattern, opened: bool) -> int:
        """Where its program begins; what may stand before a match was looked at already where it has an opening."""
        address = pattern.address
        while opened and self.programs[len(Part) + WIDTH * address] == Op.NOT_BEHIND:
            address += 1
        return address

    @cached_property
    def finder(self) -> LineFinder:
        """Tells events of the patterns without an opening, expression n is pattern `opened + n`, and of the gates
        behind them."""
        told = self.patterns[self.opened :]
        finder = LineFinder(self._expressions, use_cache=self._use_cache, samples=lambda: samples(
            (number, pattern.rule, pattern.kind) for number, pattern in enumerate(told)))
        finder.prepare()
        return finder


class Assembled(NamedTuple):
    """What `Assembly` is made of and what takes long to make."""

    patterns: tuple[Pattern, ...]
    opened: int
    programs: Programs
    triggers: Triggers
    words: dict[int, Words | None]
    expressions: tuple[bytes, ...]
    gates: tuple[tuple[int, ...], ...]


def assembled(rules: Sequence[Rule], digest: str, *, use_cache: bool) -> Assembled:
    """The parts for the rules whose digest is given, from the cache if it can be."""
    name = cache.key("assembly", digest, _code(), sys.version) if use_cache and _code() else ""
    if name and (blob := cache.load(name)) is not None and (known := _load(rules, blob)) is not None:
        return known
    made = assemble(rules)
    if name:
        cache.store(name, _dump(made))
    return made


def assemble(rules: Sequence[Rule]) -> Assembled:
    """Looks at every pattern and every list of words."""
    assembler = Assembler()
    found = [_pattern(assembler, rule, kind) for rule in rules for kind in (Kind.PATTERN, Kind.MASKED)
             if _source(rule, kind)]
    opened = [(pattern, opening) for pattern, opening in found if opening is not None]
    told = [pattern for pattern, opening in found if opening is None]
    patterns = (*(pattern for pattern, _ in opened), *told)
    words = {rule.index: _words(assembler, rule) for rule in rules if rule.vicinity is not None}
    gates = _gates([pattern for pattern, _ in opened])
    return Assembled(patterns, len(opened), assembler.finish(), triggers([opening for _, opening in opened]), words,
                     (*map(_expression, told), *gates), tuple(gates.values()))


def _gates(opened: Sequence[Pattern]) -> dict[bytes, tuple[int, ...]]:
    """Expressions, and the patterns that are looked for only in lines where one of theirs is found."""
    members: dict[bytes, list[int]] = {}
    for number, pattern in enumerate(opened):
        for expression in _gates_of(pattern):
            members.setdefault(expression, []).append(number)
    return {expression: tuple(numbers) for expression, numbers in members.items()}


def _gates_of(pattern: Pattern) -> list[bytes]:
    context = pattern.rule.detector.context
    if pattern.rule.detector.require == "context" and context is not None:
        return [_word_expression(word) for word in context.words]
    return []


def _source(rule: Rule, kind: Kind) -> str:
    return rule.detector.masked if kind is Kind.MASKED else rule.detector.pattern


def _pattern(assembler: Assembler, rule: Rule, kind: Kind) -> tuple[Pattern, Opening | None]:
    """A pattern, and its opening when that is rare enough to be looked for."""
    source = _source(rule, kind)
    if kind is Kind.PATTERN and rule.detector.multiline:
        return Pattern(rule, kind, -1, -1), None
    spelled = bounded(source, rule.detector.boundary)
    try:
        address = assembler.add(spelled)
    except UnsuitableError:
        return Pattern(rule, kind, -1, -1), None
    width, opening = width_before(source, ANCHOR), opening_of(spelled)
    reach = event_reach(source) if width is None else width + 1
    pattern = Pattern(rule, kind, address, -1 if reach is None else reach)
    return pattern, opening if is_rare(opening) else None


def _expression(pattern: Pattern) -> bytes:
    try:
        if not pattern.spans_lines and width_before(pattern.source, ANCHOR) is not None:
            return superset(re.escape(ANCHOR))
        return longest_literal(pattern.source) if pattern.spans_lines else superset(pattern.source)
    except NoSupersetError:
        return EVERY_LINE


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
        first = first_of(list(parser.parse(pattern.pattern, re.ASCII)), False)
        keys = [2 * first.admits(key) for key in range(256)]
        firsts.append(np.array(first.table(), np.uint8) | np.array(keys, np.uint8))
    return Words(addresses[0], addresses[1], firsts[0], firsts[1], context.window, context.after)


@once
def _code() -> str:
    """A digest of the code that assembles; empty where its source cannot be read, and then nothing is kept."""
    folder, total = Path(__file__).parent, hashlib.sha256()
    try:
        for name in _CODE:
            total.update((folder / f"{name}.py").read_bytes())
    except OSError:
        return ""
    return total.hexdigest()


def _dump(made: Assembled) -> bytes:
    """Arrays as NumPy writes them, and what is no array as JSON in one more."""
    words = {index: list(found[:2]) + list(found[4:]) if found else None for index, found in made.words.items()}
    plain = {"patterns": [[p.rule.index, int(p.kind), p.address, p.back] for p in made.patterns],
             "opened": made.opened, "words": words, "gates": made.gates,
             "expressions": [expression.decode("latin-1") for expression in made.expressions]}
    arrays = {f"trigger_{name}": array for name, array in made.triggers._asdict().items()}
    for index, found in made.words.items():
        if found:
            arrays |= {f"supporting_{index}": found.supporting_first, f"opposing_{index}": found.opposing_first}
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, plain=np.frombuffer(json.dumps(plain).encode(), np.uint8),
             programs=made.programs, **arrays)
    return out.getvalue()


def _load(rules: Sequence[Rule], blob: bytes) -> Assembled | None:
    """The parts in a blob; None when it is of another form."""
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as kept:
            plain = json.loads(kept["plain"].tobytes())
            patterns = tuple(Pattern(rules[index], Kind(kind), address, back)
                             for index, kind, address, back in plain["patterns"])
            words = {int(index): Words(found[0], found[1], kept[f"supporting_{index}"], kept[f"opposing_{index}"],
                                       found[2], found[3]) if found else None
                     for index, found in plain["words"].items()}
            tables = Triggers(**{name: kept[f"trigger_{name}"] for name in Triggers._fields})
            return Assembled(patterns, plain["opened"], kept["programs"], tables, words,
                             tuple(expression.encode("latin-1") for expression in plain["expressions"]),
                             tuple(tuple(members) for members in plain["gates"]))
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError, zipfile.BadZipFile):
        return None

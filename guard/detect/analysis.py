"""What the patterns of a rule set were found to be: shapes, searches, expressions; kept from process to process.

Analysing a hundred patterns takes a fifth of a second, which a scan of one small file would feel. The result depends
on the rules and on the code that analyses, so both are part of its name in the cache.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache as once
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import cache
from guard.detect.compile import EVERY_LINE
from guard.detect.context import compile_words
from guard.detect.judge import Kind
from guard.detect.kept_arrays import dump, load
from guard.detect.rule import Rule
from guard.detect.shapes import SHAPE_ARRAYS, Shape, compile_shape
from guard.detect.supersets import NoSupersetError, event_reach, longest_literal, pattern_reach, superset, superset_of
from guard.detect.windows import Search

_CODE = ("analysis", "automaton", "shapes", "supersets", "windows", "rule", "context", "pack", "kept_arrays")
Words = dict[str, frozenset[int]]
"""The rules of each context word: many rules share words, and each is looked for once."""


class Analysis(NamedTuple):
    """How each rule is found. `expressions` are those of `searches`, then those of `words`, in their order."""

    shapes: dict[int, Shape]
    searches: tuple[Search, ...]
    words: Words
    expressions: tuple[bytes, ...]


def analysis(rules: Sequence[Rule], digest: str, *, use_cache: bool) -> Analysis:
    """The analysis of the rules whose digest is given, from the cache if it can be."""
    name = cache.key("analysis", digest, _code(), sys.version) if use_cache and _code() else ""
    if name and (blob := cache.load(name)) is not None and (known := _load(rules, blob)) is not None:
        return known
    made = analyse(rules)
    if name:
        cache.store(name, _dump(made))
    return made


def analyse(rules: Sequence[Rule]) -> Analysis:
    """Looks at every pattern."""
    found = {rule.index: compile_shape(rule.detector.pattern, rule.detector.boundary)
             for rule in rules if _is_dense(rule)}
    shapes = {index: shape for index, shape in found.items() if shape and _implies_keyword(shape, rules[index])}
    both = [(rule, kind) for rule in rules for kind in (Kind.PATTERN, Kind.MASKED)]
    chosen = [(rule, kind) for rule, kind in both if _is_searched(rule, kind, shapes)]
    searches = tuple(Search(number, rule, kind, event_reach(source := _source(rule, kind)), pattern_reach(source))
                     for number, (rule, kind) in enumerate(chosen))
    words = _words(rules, shapes)
    return Analysis(shapes, searches, words, (*map(_search_expression, searches), *map(_word_expression, words)))


def _is_dense(rule: Rule) -> bool:
    """Whether matrices can judge it: one span, no search for its real ends, nothing that looks at other hits.

    A shape asks `re` about doubtful places, so its pattern has to be a reviewed one.
    """
    detector = rule.detector
    plain = not (detector.multiline or detector.group or detector.extent or detector.entropy or detector.near)
    return bool(detector.pattern) and detector.reviewed and plain


def _implies_keyword(shape: Shape, rule: Rule) -> bool:
    """Whether every line with a match holds one of the keywords, if there are any."""
    return not rule.keywords or (shape.anchor is not None and chr(shape.anchor.byte) in rule.keywords)


def _source(rule: Rule, kind: Kind) -> str:
    return rule.detector.masked if kind is Kind.MASKED else rule.detector.pattern


def _is_searched(rule: Rule, kind: Kind, shapes: dict[int, Shape]) -> bool:
    return bool(_source(rule, kind)) and (kind is Kind.MASKED or rule.index not in shapes)


def _words(rules: Sequence[Rule], shapes: dict[int, Shape]) -> Words:
    found: dict[str, set[int]] = {}
    for rule in rules:
        context = rule.detector.context
        if context and (rule.index in shapes or rule.detector.require == "context"):
            for word in (*context.words, *context.against):
                found.setdefault(word, set()).add(rule.index)
    return {word: frozenset(indices) for word, indices in found.items()}


def _search_expression(search: Search) -> bytes:
    source, reviewed = _source(search.rule, search.kind), search.rule.detector.reviewed
    try:
        return longest_literal(source) if search.spans_lines else superset_of(source, reviewed=reviewed)
    except NoSupersetError:
        return EVERY_LINE


def _word_expression(word: str) -> bytes:
    pattern = compile_words((word,))
    try:
        return superset(pattern.pattern) if pattern else EVERY_LINE
    except NoSupersetError:
        return EVERY_LINE


@once
def _code() -> str:
    """A digest of the code that analyses; empty where its source cannot be read, and then nothing is kept."""
    return cache.digest_of(Path(__file__).parent / f"{name}.py" for name in _CODE)


def _dump(made: Analysis) -> bytes:
    """Expressions are half a megabyte, of which JSON would take longer than all else."""
    shapes, joined = dict[int, Any](), np.frombuffer(b"".join(made.expressions), np.uint8)
    arrays: dict[str, npt.NDArray[Any]] = {"expressions": joined}
    for index, shape in made.shapes.items():
        shapes[index], parts = shape.taken_apart()
        arrays |= {f"{index} {name}": array for name, array in parts.items()}
    searches = [[search.rule.index, int(search.kind), search.back, search.reach] for search in made.searches]
    return dump({"shapes": shapes, "searches": searches, "lengths": list(map(len, made.expressions))}, arrays)


def _load(rules: Sequence[Rule], blob: bytes) -> Analysis | None:
    """The analysis in a blob; None when it is of another form."""
    try:
        plain, arrays = load(blob)
        shapes = {int(index): Shape.put_together(shape, {name: arrays[f"{index} {name}"] for name in SHAPE_ARRAYS})
                  for index, shape in plain["shapes"].items()}
        searches = tuple(Search(number, rules[index], Kind(kind), back, reach)
                         for number, (index, kind, back, reach) in enumerate(plain["searches"]))
        joined, ends = arrays["expressions"].tobytes(), accumulate(plain["lengths"])
        expressions = tuple(joined[end - length : end] for length, end in zip(plain["lengths"], ends, strict=True))
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return Analysis(shapes, searches, _words(rules, shapes), expressions)

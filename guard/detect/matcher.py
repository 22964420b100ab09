"""The fast matcher: exactly the hits of `PlainMatcher`, found in another order.

Patterns depend on one line only, so it is enough to know which lines could hold a match of which rule, and to run the
plain code there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from guard.batch import Column, Hits, Ints
from guard.detect.compile import EVERY_LINE, LineFinder
from guard.detect.folding import fold
from guard.detect.judge import Place, scan_line
from guard.detect.normalise import Line, normal_form
from guard.detect.overlap import Placed
from guard.detect.pack import Detector
from guard.detect.plain import digest, header_classes, place_line, scan_blocks, scan_cell, to_hits
from guard.detect.rule import Rule, compile_rules
from guard.detect.supersets import NoSupersetError, longest_literal, superset


class Matcher:
    """Finds what `detectors` describe. Immutable; safe to share between threads and to use after a fork."""

    def __init__(self, detectors: Sequence[Detector], *, cache: bool = True) -> None:
        self.detectors = tuple(detectors)
        self.rules = compile_rules(self.detectors)
        self.digest = digest(self.detectors)
        owners = [(rule.index, expression) for rule in self.rules for expression in _expressions(rule)]
        self._owners = [index for index, _ in owners]
        self._finder = LineFinder([expression for _, expression in owners], use_cache=cache)

    def scan_text(self, data: bytes) -> Hits:
        """Hits in a UTF-8 buffer; offsets are its bytes."""
        found: list[Placed] = []
        blocks: set[int] = set()
        for line, chosen in self._candidate_lines(data, blocks):
            rules = [self.rules[index] for index in sorted(chosen)]
            found.extend(place_line(scan_line(rules, line.text, Place()), line))
        found.extend(scan_blocks([self.rules[index] for index in sorted(blocks)], data))
        return to_hits(found, 0)

    def scan_column(self, column: Column) -> Hits:
        """Hits in the values of a column; offsets are bytes of the value, the header is context."""
        known: dict[bytes, Hits] = {}
        parts = []
        for index in range(len(column)):
            value = column.value(index)
            if (hits := known.get(value)) is None:
                hits = known[value] = to_hits(scan_cell(self.rules, value, column.header), 0)
            cell = np.full(len(hits), index, np.int64)
            parts.append(Hits(hits.detector, hits.start, hits.end, hits.confidence, hits.flags, cell))
        return Hits.concat(parts)

    def header_classes(self, header: str) -> tuple[str, ...]:
        """The data classes that a header names, best first; each once."""
        return header_classes(self.rules, header)

    def normal_form(self, index: int, raw: bytes) -> str:
        """The value as detector `index` compares it: one value however it is written gives one text."""
        detector = self.detectors[index]
        return normal_form(raw.decode("utf-8", "surrogateescape"), detector.separators, detector.form)

    def _candidate_lines(self, data: bytes, blocks: set[int]) -> Iterable[tuple[Line, set[int]]]:
        """The lines that could hold a match, with the rules to try; indices of `multiline` rules go to `blocks`."""
        events = self._finder.events(fold(data).data)
        always = {self._owners[index] for index in self._finder.unfiltered}
        separators = _line_ends(fold(data).data)
        ends = np.fromiter((end for _, end in events), np.int64, len(events))
        numbers = np.searchsorted(separators, ends - 1, "right").tolist()
        chosen: dict[int, set[int]] = defaultdict(set)
        for (expression, _), number in zip(events, numbers, strict=True):
            chosen[number].add(self._owners[expression])
        bounds = [-1, *_line_ends(data).tolist(), len(data)]
        for number in sorted(chosen) if not always else range(len(bounds) - 1):
            start, end = bounds[number] + 1, bounds[number + 1]
            rules = chosen[number] | always
            blocks.update(index for index in rules if self.detectors[index].multiline)
            if end > start:
                yield Line(data[start:end], start), rules


def _line_ends(data: bytes) -> Ints:
    buffer = np.frombuffer(data, np.uint8)
    return np.flatnonzero((buffer == 10) | (buffer == 13))


def _expressions(rule: Rule) -> list[bytes]:
    patterns = [pattern for pattern in (rule.detector.pattern, rule.detector.masked) if pattern]
    return [_expression(pattern, rule.detector.multiline) for pattern in patterns]


def _expression(pattern: str, multiline: bool) -> bytes:
    try:
        return longest_literal(pattern) if multiline else superset(pattern)
    except NoSupersetError:
        return EVERY_LINE

"""The plain matcher: every pattern over every line, one after the other. Slow, obvious, and the definition of right.

The fast matcher must give exactly the same hits; a test holds it to that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from guard.batch import NOISY, Column, Hits
from guard.detect.decoding import DecodedValues, decoded_column, decoded_text, with_decoded
from guard.detect.headers import HeaderWords
from guard.detect.judge import Kind, Place, Span, Verdict, companions, judge, reported, scan_line
from guard.detect.limits import Budget, within
from guard.detect.normalise import Line, lines, normal_form
from guard.detect.overlap import Placed, resolve
from guard.detect.pack import Detector, digest
from guard.detect.rule import Rule, compile_rules
from guard.detect.validators import NO_CHECKS, Checks


class PlainMatcher:
    """Finds what `detectors` describe. Immutable; safe to share between threads.

    `checks` are functions that they name besides the shipped ones.
    """

    def __init__(self, detectors: Sequence[Detector], *, checks: Checks = NO_CHECKS) -> None:
        self.detectors = tuple(detectors)
        self.rules = compile_rules(self.detectors, checks)
        self.digest = digest(detectors)
        self._decoded = DecodedValues()

    def scan_text(self, data: bytes, budget: Budget | None = None) -> Hits:
        """Hits in a UTF-8 buffer; offsets are its bytes.

        Rules that run out are noted in `budget`, that of the file; without one they are a SourceError.
        """
        with within(budget, len(data), self.detectors):
            found = [hit for line in lines(data) for hit in place_line(scan_line(self.rules, line.text, Place()), line)]
            found.extend(scan_blocks(self.rules, data))
            return with_decoded(to_hits(found, 0), decoded_text(data, self._scan_values), self.rules)

    def scan_column(self, column: Column, budget: Budget | None = None) -> Hits:
        """Hits in the values of a column; offsets are bytes of the value, the header is context. As for `budget`, see
        `scan_text`."""
        with within(budget, column.size, self.detectors):
            return with_decoded(self._scan_values(column), decoded_column(column, self._scan_values), self.rules)

    def _scan_values(self, column: Column) -> Hits:
        parts = [to_hits(scan_cell(self.rules, column.value(i), column.header), i) for i in range(len(column))]
        return Hits.concat(parts)

    def decoded_value(self, source: bytes | Column, hits: Hits, index: int) -> bytes:
        """The value behind hit `index`, which is DECODED, of a text or column that was scanned."""
        with within(None, len(source) if isinstance(source, bytes) else source.size, self.detectors):
            return self._decoded.value(self._scan_values, source, hits, index)

    def header_classes(self, header: str) -> tuple[str, ...]:
        """The data classes that a header names, best first; each once."""
        return header_classes(self.rules, header)

    def normal_form(self, index: int, raw: bytes) -> str:
        """The value as detector `index` compares it: one value however it is written gives one text."""
        detector = self.detectors[index]
        return normal_form(raw.decode("utf-8", "surrogateescape"), detector.separators, detector.form)


def place_line(verdicts: Sequence[Verdict], line: Line) -> Iterator[Placed]:
    """The hits of a line with the bytes of their buffer, NOISY where the value is not written in its normal form."""
    for verdict in verdicts:
        detector = verdict.rule.detector
        raw = line.raw(verdict.start, verdict.end)
        noisy = NOISY if normal_form(raw, detector.separators, detector.form) != raw else 0
        yield Placed(verdict.rule.index, detector.data_class, *line.span(verdict.start, verdict.end),
                     verdict.confidence, verdict.flags | noisy)


def scan_blocks(rules: Sequence[Rule], data: bytes, header: str = "") -> Iterator[Placed]:
    """The hits of `multiline` rules: over the whole buffer as it is, one byte one character."""
    text = ""
    for rule in rules:
        if not rule.detector.multiline or rule.pattern is None:
            continue
        text = text or data.decode("latin-1")
        yield from judge_block(rule, text, rule.pattern.finditer(text), header)


def judge_block(rule: Rule, text: str, matches: Iterable[re.Match[str]], header: str = "") -> Iterator[Placed]:
    """The hits among matches of a rule in a buffer of one byte a character."""
    for found in matches:
        verdict = judge(rule, text, Span(*reported(found, rule.detector.group)), Place(header))
        if verdict is not None:
            yield Placed(rule.index, rule.detector.data_class, verdict.start, verdict.end, verdict.confidence,
                         verdict.flags)


def scan_cell(rules: Sequence[Rule], value: bytes, header: str) -> list[Placed]:
    """The hits of one cell: each line of it as text with the header as context, then the cell as a whole."""
    place = Place(header)
    found = [hit for line in lines(value) for hit in place_line(scan_line(rules, line.text, place), line)]
    found.extend(scan_blocks(rules, value, header))
    fitting = [rule for rule in rules if (rule.cell or rule.header_only) and rule.header_words.fit(header)]
    if fitting:
        seen = {hit.detector for hit in found}
        whole = Line(value)
        verdicts = [v for rule in fitting if rule.index not in seen and (v := judge_cell(rule, whole.text, place))]
        found.extend(place_line(companions(verdicts), whole))
    return found


def judge_cell(rule: Rule, text: str, place: Place) -> Verdict | None:
    """The whole cell under a header that fits: by the `cell` pattern, or whatever it is for a header-only detector."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if start >= end:
        return None
    if rule.cell is not None:
        matched = rule.cell.fullmatch(text, start, end)
        if matched is None:
            return None
        if rule.cell.groups:
            start, end = matched.span(1)
    return judge(rule, text, Span(start, end, Kind.CELL), place)


def header_classes(rules: Sequence[Rule], header: str) -> tuple[str, ...]:
    """The data classes that a header names (not those it only hints at), best first; each once."""
    # What fits is known already; most rules do not.
    fits = [(rule.header_words.names(header), rule) for rule in rules
            if rule.header_words and rule.header_words.fit(header)]
    ranked = sorted((pair for pair in fits if pair[0]), key=lambda pair: (-pair[0], pair[1].index))
    return tuple(dict.fromkeys(rule.detector.data_class for _, rule in ranked))


def to_hits(found: Sequence[Placed], cell: int) -> Hits:
    """Hits of one buffer or cell, ordered by start, longer first, then detector, overlaps flagged."""
    ordered = sorted(found, key=lambda hit: (hit.start, -hit.end, hit.detector, hit.flags))
    flags = resolve(ordered)
    return Hits.build([h.detector for h in ordered], [h.start for h in ordered], [h.end for h in ordered],
                      [h.confidence for h in ordered], flags, [cell] * len(ordered))


__all__ = ["HeaderWords", "PlainMatcher", "header_classes", "judge_cell", "place_line", "scan_blocks",
           "scan_cell", "to_hits"]

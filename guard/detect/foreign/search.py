"""Searches texts for what rules describe: matches, their secrets, and what makes them no findings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from guard.detect.foreign.expressions import any_of, any_word, compiled
from guard.detect.foreign.presence import Presence
from guard.detect.foreign.rules import Allowlist, ForeignRule, Required
from guard.detect.judge import entropy


class Place(NamedTuple):
    """Where a text is from: the name of its dataset, the full id of its commit."""

    path: str = ""
    commit: str = ""


class Span(NamedTuple):
    """Bytes of a match and of the secret in it; `rule` is a number."""

    rule: int
    start: int
    end: int
    match: int
    match_end: int


@dataclass(frozen=True, slots=True)
class Searched:
    """Rules of one file by number, and the allowlists for all of them."""

    rules: Sequence[ForeignRule]
    allowlists: Sequence[Allowlist]
    presence: Presence

    def fitting(self, path: str) -> frozenset[int]:
        """The rules that hold for a dataset of this name."""
        return frozenset(number for number, rule in enumerate(self.rules)
                         if not rule.path or compiled(rule.path).search(path.encode("utf-8", "replace")))


class Search:
    """What `searched` finds in texts from one place."""

    def __init__(self, searched: Searched, place: Place) -> None:
        self._searched = searched
        self._place = place
        self._fitting = searched.fitting(place.path)
        self._by_id = {rule.id: number for number, rule in enumerate(searched.rules)}

    def text(self, data: bytes) -> list[Span]:
        """The secrets in a text."""
        return self._found(data, self._chosen(self._searched.presence.candidates(data)))

    def cells(self, header: str, values: Sequence[bytes]) -> Iterator[tuple[int, Span]]:
        """The secrets in the values of a column, each a text of its own; keywords may stand in any or in the header."""
        candidates = self._searched.presence.candidates_of(header.encode("utf-8", "replace"), values)
        if chosen := self._chosen(candidates):
            for cell, value in enumerate(values):
                yield from ((cell, span) for span in self._found(value, chosen))

    def _chosen(self, candidates: Sequence[int]) -> list[int]:
        rules = self._searched.rules
        return [number for number in candidates if number in self._fitting and rules[number].reported]

    def _found(self, data: bytes, numbers: Sequence[int]) -> list[Span]:
        text = _Text(data)
        found: list[Span] = []
        for number in numbers:
            spans = self._matches(text, number)
            found += [span for span in spans if self._company(text, span)]
        return found

    def _matches(self, text: _Text, number: int) -> list[Span]:
        """The matches of a rule that count, whatever it requires."""
        if number not in text.matches:
            rule = self._searched.rules[number]
            text.matches[number] = [span for span in _spans(rule, number, text.data) if self._counts(rule, text, span)]
        return text.matches[number]

    def _counts(self, rule: ForeignRule, text: _Text, span: Span) -> bool:
        secret = text.data[span.start : span.end]
        if rule.entropy and entropy(secret.decode("utf-8", "replace")) <= rule.entropy:
            return False
        lists = (*rule.allowlists, *self._searched.allowlists)
        return not any(self._allows(allowlist, text, span, secret) for allowlist in lists)

    def _allows(self, allowlist: Allowlist, text: _Text, span: Span, secret: bytes) -> bool:
        checks = self._checks(allowlist, text, span, secret)
        return all(checks) if allowlist.needs_all else any(checks)

    def _checks(self, allowlist: Allowlist, text: _Text, span: Span, secret: bytes) -> Iterator[bool]:
        """One answer for each kind of property that the allowlist names."""
        if allowlist.commits:
            yield self._place.commit in allowlist.commits
        if allowlist.paths:
            yield bool(any_of(allowlist.paths).search(self._place.path.encode("utf-8", "replace")))
        if allowlist.stopwords:
            yield bool(any_word(allowlist.stopwords).search(secret))
        if allowlist.regexes:
            expression = any_of(allowlist.regexes)
            if allowlist.target == "line":
                yield text.line_has(expression, span)
            else:
                target = secret if allowlist.target == "secret" else text.data[span.match : span.match_end]
                yield bool(expression.search(target))

    def _company(self, text: _Text, span: Span) -> bool:
        """Whether all that the rule requires is there."""
        return all(self._is_near(text, span, needed) for needed in self._searched.rules[span.rule].required)

    def _is_near(self, text: _Text, span: Span, needed: Required) -> bool:
        number = self._by_id[needed.rule]
        if number not in text.begins:
            text.begins[number] = _Begins(text, [span.match for span in self._matches(text, number)])
        return text.begins[number].any_near(span.match, needed.lines, needed.columns)


class _Text:
    """One text while it is searched: matches by rule and where they begin, lines."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.matches: dict[int, list[Span]] = {}
        self.begins: dict[int, _Begins] = {}
        self._verdicts: dict[tuple[int, int, int], bool] = {}

    def line_has(self, expression: Any, span: Span) -> bool:
        """Whether the lines of a match hold the expression; asked once for each."""
        low, high = self._lines_of(span)
        key = (id(expression), low, high)
        if key not in self._verdicts:
            self._verdicts[key] = bool(expression.search(self.data[low:high]))
        return self._verdicts[key]

    def place(self, start: int) -> tuple[int, int]:
        """Line and column of a byte, from 0."""
        line = bisect_right(self._starts, start) - 1
        return line, start - self._starts[line]

    @property
    def lines(self) -> int:
        """How many there are."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """Where a line begins; behind the last one where the text ends."""
        return self._starts[line] if line < len(self._starts) else len(self.data) + 1

    def _lines_of(self, span: Span) -> tuple[int, int]:
        line, _ = self.place(span.match)
        last, _ = self.place(max(span.match_end - 1, span.match))
        return self._starts[line], self.line_start(last + 1)

    @cached_property
    def _starts(self) -> list[int]:
        starts, end = [0], self.data.find(b"\n")
        while end >= 0:
            starts.append(end + 1)
            end = self.data.find(b"\n", end + 1)
        return starts


class _Begins:
    """Where the matches of one rule begin in a text."""

    def __init__(self, text: _Text, places: list[int]) -> None:
        self._text = text
        self._places = places

    @cached_property
    def _columns(self) -> list[int]:
        return sorted(self._text.place(place)[1] for place in self._places)

    def any_near(self, place: int, lines: int | None, columns: int | None) -> bool:
        """Whether one of them is at most so many lines and columns (None: any number) from a place."""
        line, column = self._text.place(place)
        if lines is None:
            return bool(self._places) and (columns is None or _any_between(self._columns, column - columns,
                                                                           column + columns))
        first, last = max(line - lines, 0), min(line + lines, self._text.lines - 1)
        if columns is None:
            return _any_between(self._places, self._text.line_start(first), self._text.line_start(last + 1) - 1)
        return any(_any_between(self._places, start + max(column - columns, 0),
                                min(start + column + columns, self._text.line_start(number + 1) - 1))
                   for number in range(first, last + 1) for start in (self._text.line_start(number),))


def _any_between(ordered: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(ordered, low)
    return at < len(ordered) and ordered[at] <= high


def _spans(rule: ForeignRule, number: int, data: bytes) -> Iterator[Span]:
    """Matches without the line ends at their edges, and the secret in each."""
    for found in compiled(rule.regex).finditer(data):
        start, end = found.span()
        while start < end and data[start] == 10:
            start += 1
        while end > start and data[end - 1] == 10:
            end -= 1
        low, high = _secret(found, rule.group) or (start, end)
        if high > low:
            yield Span(number, low, high, start, end)


def _secret(found: Any, group: int) -> tuple[int, int] | None:
    """The span of the group that was asked for, or of the first that took any character."""
    if group:
        low, high = found.span(group)
        return (low, high) if low >= 0 else (0, 0)
    spans = (found.span(number) for number in range(1, found.re.groups + 1))
    return next(((low, high) for low, high in spans if high > low >= 0), None)

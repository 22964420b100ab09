"""The inline examples of packs, run as tests: every detector says itself what it must and must not find.

Of a database that was compiled before, they show that it still sees anything at all (`guard.detect.compile`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from guard.batch import MASKED, Hits
from guard.detect.judge import Kind
from guard.detect.limits import Budget
from guard.detect.normalise import lines
from guard.detect.pack import Detector
from guard.detect.rule import Rule


class TextMatcher(Protocol):
    """What runs the examples."""

    def scan_text(self, data: bytes) -> Hits:
        """The hits in a text."""
        ...


class Failure(NamedTuple):
    """An example that does not hold: the `number`-th (from 1) of its kind (match, no_match or masked)."""

    detector: str
    kind: str
    number: int


def samples(patterns: Iterable[tuple[int, Rule, Kind]]) -> list[tuple[int, bytes]]:
    """Normalised lines of the examples that hold a match of a pattern, each behind the number of the pattern."""
    with Budget().spending(0):
        return [(number, text) for number, rule, kind in patterns for text in _matched(rule, kind)]


def _matched(rule: Rule, kind: Kind) -> Iterator[bytes]:
    pattern = rule.masked if kind is Kind.MASKED else rule.pattern
    examples = rule.detector.examples.masked if kind is Kind.MASKED else rule.detector.examples.match
    if pattern is None or rule.detector.multiline:
        return
    for text in examples:
        yield from (line.text.encode("utf-8", "replace") for line in lines(text.encode()) if pattern.search(line.text))


def failures(detectors: Sequence[Detector], matcher: TextMatcher) -> list[Failure]:
    """The examples of `detectors` that do not hold in `matcher`, whose detectors must be the same."""
    return [failure for index, detector in enumerate(detectors) for failure in _failing(index, detector, matcher)]


def _failing(index: int, detector: Detector, matcher: TextMatcher) -> Iterator[Failure]:
    wanted = {"match": (True, False), "no_match": (False, False), "masked": (False, True)}
    for kind, answer in wanted.items():
        for number, text in enumerate(getattr(detector.examples, kind), 1):
            hits = matcher.scan_text(text.encode())
            masked = hits.flags[hits.detector == index] & MASKED != 0
            found = bool((~masked).any()), bool(masked.any())
            if found != answer and not (kind == "no_match" and not found[0]):
                yield Failure(detector.id, kind, number)

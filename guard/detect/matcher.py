"""The fast matcher: exactly the hits of `PlainMatcher`, found in another order.

Two engines (`guard.detect.choice`): loops of machine code where there is enough to scan (`guard.detect.engine`), else
and where there is no compiler, NumPy and Hyperscan (`guard.detect.plan`):

- A bounded pattern over ASCII (numbers, codes) is a *shape*: all its matches in a block are found and judged by NumPy.
- Of every other pattern Hyperscan says which lines could hold it; there the plain code runs.

Hits of a line depend on this line and the header only, so the ways can be merged line by line. What only columns or
many small texts need is imported for these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from guard.batch import Column, Hits
from guard.detect.choice import scanned
from guard.detect.decoding import DecodedValues, decoded_column, decoded_text, with_decoded
from guard.detect.limits import Budget, within
from guard.detect.normalise import normal_form
from guard.detect.pack import Detector, digest
from guard.detect.plain import header_classes
from guard.detect.plan import Plan
from guard.detect.rule import compile_rules
from guard.detect.scan import concatenate, found_of, merge
from guard.detect.spanning import scan_around
from guard.detect.validators import NO_CHECKS, Checks


class Matcher:
    """Finds what `detectors` describe. Immutable; safe to share between threads and to use after a fork.

    `checks` are functions that they name besides the shipped ones.
    """

    joins: ClassVar[bool] = True
    """Whether hits of a line follow from the line and its header alone, so that texts can be scanned joined."""

    def __init__(self, detectors: Sequence[Detector], *, checks: Checks = NO_CHECKS, cache: bool = True) -> None:
        self.detectors, self._checks = tuple(detectors), checks
        self.rules = compile_rules(self.detectors, checks, use_cache=cache)
        self.digest = digest(detectors)
        self._decoded = DecodedValues()
        self._plan = Plan(self.rules, self.digest, use_cache=cache)

    def scan_text(self, data: bytes, budget: Budget | None = None) -> Hits:
        """Hits in a UTF-8 buffer; offsets are its bytes.

        Rules that run out are noted in `budget`, that of the file; without one they are a SourceError.
        """
        with within(budget, len(data), self.detectors):
            found, multiline = scanned(self._plan, data, "")
            spanning = list(scan_around(self.rules, data, multiline))
            hits = merge(self.rules, concatenate([found, found_of(spanning)]) if spanning else found)
            return with_decoded(hits, decoded_text(data, self._scan_values), self.rules)

    def scan_column(self, column: Column, budget: Budget | None = None) -> Hits:
        """Hits in the values of a column; offsets are bytes of the value, the header is context. As for `budget`, see
        `scan_text`."""
        with within(budget, column.size, self.detectors):
            return with_decoded(self._scan_values(column), decoded_column(column, self._scan_values), self.rules)

    def scan_texts(self, texts: Sequence[bytes], budget: Budget | None = None) -> list[Hits]:
        """What `scan_text` finds in each of many small texts, several times faster than one by one."""
        if not self.joins:
            return [self.scan_text(text, budget) for text in texts]
        from guard.detect.joined import scan_texts

        with within(budget, sum(map(len, texts)), self.detectors):
            return scan_texts(self._plan, texts, self._scan_values)

    def scan_columns(self, columns: Sequence[Column], budget: Budget | None = None) -> list[Hits]:
        """What `scan_column` finds in each column; small ones are scanned together."""
        if not self.joins:
            return [self.scan_column(column, budget) for column in columns]
        from guard.detect.joined import scan_columns

        return scan_columns(self._plan, columns, lambda column: self.scan_column(column, budget))

    def at(self, path: str, commit: str = "") -> Matcher:
        """The matcher for a dataset of this name: rules of others may hold for some only (`guard.detect.foreign`)."""
        return self

    def _scan_values(self, column: Column) -> Hits:
        """The same without what the values decode to."""
        from guard.detect.columns import scan_column

        return scan_column(self._plan, column)

    def decoded_value(self, source: bytes | Column, hits: Hits, index: int) -> bytes:
        """The value behind hit `index`, which is DECODED, of a text or column that was scanned."""
        with within(None, len(source) if isinstance(source, bytes) else source.size, self.detectors):
            return self._decoded.value(self._scan_values, source, hits, index)

    def header_classes(self, header: str) -> tuple[str, ...]:
        """The data classes that a header names, best first; each once."""
        return header_classes(self.rules.headers.fitting(header), header)

    def normal_form(self, index: int, raw: bytes) -> str:
        """The value as detector `index` compares it: one value however it is written gives one text."""
        detector = self.detectors[index]
        return normal_form(raw.decode("utf-8", "surrogateescape"), detector.separators, detector.form)

    def __reduce__(self) -> tuple[Callable[..., Matcher], tuple[tuple[Detector, ...], Checks, bool]]:
        return _restore, (self.detectors, self._checks, self._plan.use_cache)


def _restore(detectors: tuple[Detector, ...], checks: Checks, cache: bool) -> Matcher:
    return Matcher(detectors, checks=checks, cache=cache)

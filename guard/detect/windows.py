"""Searching only where Hyperscan saw something: the matches of a pattern in a line, given ends of possible ones.

A pattern of bounded width cannot begin farther from such an end than it is wide, so the rest of a long line need not
be looked at, and the matches are those of a search through the whole line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guard.detect.judge import Kind, Span, reported
from guard.detect.limits import AnyPattern
from guard.detect.rule import Rule


class Search(NamedTuple):
    """One pattern of a rule.

    `back` is how far in characters a match may begin before an end that was told, `reach` how far a match and what it
    looks at go; None: no bound.
    `number` orders the searches of a plan; `spans_lines` patterns are run over whole buffers by somebody else.
    """

    number: int
    rule: Rule
    kind: Kind
    back: int | None
    reach: int | None

    @property
    def spans_lines(self) -> bool:
        return self.kind is Kind.PATTERN and self.rule.detector.multiline

    @property
    def pattern(self) -> AnyPattern:
        """Compiled when first used: most searches of a run never are."""
        compiled = self.rule.masked if self.kind is Kind.MASKED else self.rule.pattern
        assert compiled is not None
        return compiled

    def spans(self, text: str, ends: Sequence[int] | None) -> Iterator[Span]:
        """The candidates in a normalised line, as `judge.candidates` finds them; `ends` are sorted indices of it."""
        pattern = self.pattern
        found = pattern.finditer(text) if ends is None or self.back is None else self._near(pattern, text, ends)
        for match in found:
            start, end = self._reported(match)
            if end > start:
                yield Span(start, end, self.kind)

    def _reported(self, match: re.Match[str]) -> tuple[int, int]:
        if self.kind is Kind.MASKED:
            return match.span(1 if match.re.groups else 0)
        return reported(match, self.rule.detector.group)

    def _near(self, pattern: AnyPattern, text: str, ends: Sequence[int]) -> Iterator[re.Match[str]]:
        """Every match begins at most `back` before an end; behind the end nothing farther than `reach` is looked at."""
        back, position, known = self.back or 0, 0, 0
        for end in ends:
            # No match begins between `position` and `known`, as an earlier search has seen.
            position = max(position, end - back, known)
            while position < end:
                # Up to the limit, so that the edge of the window is never taken for the edge of the line.
                limit = len(text) if self.reach is None else end + self.reach
                found = pattern.search(text, position, limit)
                if found is None and limit >= len(text):
                    return
                if found is None or found.start() >= end:
                    # A match that begins so near the limit could look different in the whole line.
                    known = found.start() if found is not None and limit >= len(text) else end
                    break
                yield found
                position = max(found.end(), found.start() + 1)

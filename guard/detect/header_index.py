"""Which of many rules a header speaks to: looked up by its end and by the words in it, and not asked of every rule.

Of four hundred rules a header fits two or three, and a table has dozens of headers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from guard.detect.context import squeezed
from guard.detect.dense import header_sign
from guard.detect.headers import endings, may_end, parts
from guard.detect.rule import Rule

MOST_HEADERS = 4096


class HeaderIndex:
    """Rules by the words of headers, one of which ends every header that fits, and by the words of contexts."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.fitting = lru_cache(maxsize=MOST_HEADERS)(self._fitting)
        self._ends, self._words = defaultdict[str, list[Rule]](list), defaultdict[str, list[Rule]](list)
        for rule in rules:
            for word in rule.header_words.words():
                self._ends[word].append(rule)
            context = rule.detector.context
            for word in {*map(squeezed, (*context.words, *context.against))} if context else ():
                self._words[word].append(rule)
        self._longest = max(map(len, self._ends), default=0)
        self._endings = endings(self._ends)

    def _fitting(self, header: str) -> tuple[Rule, ...]:
        """The rules that the header fits, in their order: kept, as every batch asks for the same headers."""
        if not may_end(header, self._endings):
            return ()
        joined = "".join(parts(header))
        ends = (joined[start:] for start in range(max(0, len(joined) - self._longest), max(1, len(joined))))
        near = {rule.index: rule for end in ends for rule in self._ends.get(end, ())}
        return tuple(rule for _, rule in sorted(near.items()) if rule.header_words.fit(header))

    def signs(self, header: str) -> dict[int, int]:
        """What the header says as context, by the index of the rules to which it says something."""
        if not header:
            return {}
        text = squeezed(header)
        near = {rule.index: rule for word, rules in self._words.items() if word in text for rule in rules}
        return {rule.index: sign for rule in near.values() if (sign := header_sign(rule, header))}

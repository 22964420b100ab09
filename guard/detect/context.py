"""Context: the words around a match that say what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from guard.detect.pack import Context

_CUTS = ",;。\t|"
_CUT_BEFORE = re.compile(f"[{_CUTS}](?!.*[{_CUTS}])", re.DOTALL)
_CUT_AFTER = re.compile(f"[{_CUTS}\n]")


class Vicinity:
    """The compiled words of one detector's context."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._words = compile_words(context.words)
        self._against = compile_words(context.against)

    def weigh(self, line: str, start: int, end: int, header: str) -> int:
        """1 when a supporting word is nearest to `line[start:end]`, -1 when an opposing one is, 0 when there is none.

        Words behind the match count only when there is none before it; then the header of the column counts.
        """
        for text in (before(line, start, self.context.window), behind(line, end, self.context.after), header):
            if text and (sign := self._nearest(text)):
                return sign
        return 0

    def _nearest(self, text: str) -> int:
        word, against = _last(self._words, text), _last(self._against, text)
        if word == against:
            return 0
        return 1 if word > against else -1


def before(line: str, start: int, window: int) -> str:
    """At most `window` code points before `start`, cut at the last separator of fields or sentences."""
    text = line[max(0, start - window) : start]
    cut = max(text.rfind(mark) for mark in _CUTS)
    # A mark that touches the value ("电话,138") separates a label from its value, not two fields.
    return text[cut + 1 :] if text[cut + 1 :].strip() or cut < 0 else text


def behind(line: str, end: int, after: int) -> str:
    """At most `after` code points behind `end`, cut at the first separator."""
    text = line[end : end + after]
    found = _CUT_AFTER.search(text)
    return text[: found.start()] if found else text


def compile_words(words: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern for any of the words, case ignored. A Latin word must stand alone or begin at a camel hump."""
    if not words:
        return None
    parts = [_latin(word) if word[0].isascii() else re.escape(word) for word in sorted(words, key=len, reverse=True)]
    return re.compile("|".join(parts))


def _latin(word: str) -> str:
    spelled = re.escape(word).replace(r"\ ", "[ _-]?").replace("_", "[ _-]?")
    return rf"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:{spelled})s?(?![a-z])"


def _last(pattern: re.Pattern[str] | None, text: str) -> int:
    """The end of the last occurrence, -1 when there is none."""
    last = -1
    if pattern is not None:
        for found in pattern.finditer(text):
            last = found.end()
    return last

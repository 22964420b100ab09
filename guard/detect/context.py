"""Context: the words around a match that say what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from guard.detect.pack import Context
from guard.patterns import pattern

_CUTS = ",;。\t|"
_GAPS = str.maketrans("", "", " _-")
_CUT_AFTER = pattern(f"[{_CUTS}\n]")


class Vicinity:
    """The compiled words of one detector's context."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        return _compile_grouped(self.context.words)

    @cached_property
    def _against(self) -> re.Pattern[str] | None:
        return _compile_grouped(self.context.against)

    def weigh(self, line: str, start: int, end: int, header: str) -> int:
        """1 when a supporting word is nearest to `line[start:end]`, -1 when an opposing one is, 0 when there is none.

        Words behind the match count only when there is none before it; then the header of the column counts.
        """
        left = before(line, start, self.context.window)
        if left and (sign := _nearest(self, left)):
            return sign
        right = behind(line, end, self.context.after)
        if right and (sign := _nearest(self, right)):
            return sign
        return self.of_header(header)

    def of_header(self, header: str) -> int:
        """What the name of a column says."""
        return _of_header(self, header) if header else 0

    def nearest(self, text: str) -> int:
        """Which kind of word stands last in a text: 1 supporting, -1 opposing, 0 none.

        Most texts hold none, and for these the words need not be compiled.
        """
        words = self._words if may_hold(self.context.words, text) else None
        return _last_kind(words, self._against if may_hold(self.context.against, text) else None, text)


def _last_kind(words: re.Pattern[str] | None, others: re.Pattern[str] | None, text: str) -> int:
    word, against = _last(words, text), _last(others, text)
    if word == against:
        return 0
    return 1 if word > against else -1


@lru_cache(maxsize=8192)
def _of_header(vicinity: Vicinity, header: str) -> int:
    """`Vicinity.of_header`, kept. Only the words that may stand there are compiled: the others match nowhere."""
    context = vicinity.context
    return _last_kind(compile_words(held(context.words, header)), compile_words(held(context.against, header)), header)


@lru_cache(maxsize=8192)
def _nearest(vicinity: Vicinity, text: str) -> int:
    """`nearest`, kept: headers, keys and labels come again and again."""
    return vicinity.nearest(text)


def before(line: str, start: int, window: int) -> str:
    """At most `window` code points before `start`, cut at the last separator of fields or sentences."""
    text = line[max(0, start - window) : start]
    # Spelled out, since this is asked for every value: the marks of `_CUTS`.
    tail = text[max(text.rfind(","), text.rfind(";"), text.rfind("。"), text.rfind("\t"), text.rfind("|")) + 1 :]
    # A mark that touches the value ("电话,138") separates a label from its value, not two fields.
    return tail if tail.strip() else text


def behind(line: str, end: int, after: int) -> str:
    """At most `after` code points behind `end`, cut at the first separator."""
    found = _CUT_AFTER.search(line, end, end + after)
    return line[end : found.start() if found else end + after]


def may_hold(words: Sequence[str], text: str) -> bool:
    """Whether one of the words may stand in a text; sure is only that none does."""
    whole = squeezed(text)
    return any(squeezed(word) in whole for word in words)


def held(words: Sequence[str], text: str) -> tuple[str, ...]:
    """Those of the words that may stand in a text; sure is only that the others do not."""
    whole = squeezed(text)
    return tuple(word for word in words if squeezed(word) in whole)


@lru_cache(maxsize=8192)
def squeezed(text: str) -> str:
    """In lower case and without what may stand in the gaps of a word."""
    return text.lower().translate(_GAPS)


def compile_words(words: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern for any of the words. A Latin word must stand alone or begin at a camel hump, and its case is ignored:
    that of its own letters, so that the sign of the kelvin is no k, and a long s no s."""
    if not words:
        return None
    parts = [_latin(_spelled(word)) if word[0].isascii() else re.escape(word) for word in _longest_first(words)]
    return re.compile("|".join(parts), re.ASCII)


def _compile_grouped(words: Sequence[str]) -> re.Pattern[str] | None:
    """The same in less than half the time: what stands around every Latin word is written once. No match can begin both
    with a Latin word and another, so their order among each other is free."""
    if not words:
        return None
    latin = [_spelled(word) for word in _longest_first(words) if word[0].isascii()]
    others = [re.escape(word) for word in _longest_first(words) if not word[0].isascii()]
    return re.compile("|".join([_latin("|".join(latin)), *others] if latin else others), re.ASCII)


def _longest_first(words: Sequence[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def _spelled(word: str) -> str:
    # A run of blanks is one repeat: one after the other they could share a text in ever so many ways.
    spelled = re.sub(r"(?:\\ |_)+", lambda gap: f"[ _-]{{0,{gap[0].count('_') + gap[0].count(' ')}}}", re.escape(word))
    return re.sub(r"[^\x00-\x7f]", lambda letter: _in_both_cases(letter[0]), spelled)


def _in_both_cases(letter: str) -> str:
    both = {form for form in (letter.lower(), letter.upper()) if len(form) == 1 and form.lower() == letter.lower()}
    return f"[{''.join(sorted(both))}]" if len(both) > 1 else letter


def _latin(spelled: str) -> str:
    return rf"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:{spelled})s?(?![a-z])"


def _last(pattern: re.Pattern[str] | None, text: str) -> int:
    """The end of the last occurrence, -1 when there is none."""
    last = -1
    if pattern is not None:
        for found in pattern.finditer(text):
            last = found.end()
    return last

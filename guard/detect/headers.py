"""Headers: what the name of a column or key says about its values.

Headers come as Chinese words (联系人手机号（必填）), English ones in any case (userPhone, user_phone), pinyin initials
(sfzh, with the role before it: sqrsfzh) and paths ($.name[*].text). A detector's words are compared with the end of the
header, since what stands before only says whose value it is; a word written `=owner` must be the whole header. A word
written `?name` must be the whole header and only hints at the class: products and places have names too, so it lets the
patterns of a cell be tried and says nothing by itself; `?` alone is for columns without a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

from guard.detect.normalise import normalise
from guard.detect.tables import table
from guard.patterns import pattern

_GENERIC = frozenset(("text", "value", "val", "content", "data", "string", "str", "v", "values", "item", "items"))
_NOTE = pattern(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")
_TAIL = pattern(r"[ _.\-]*[0-9]{0,2}[ :*?]*$")
_HUMP = pattern(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = pattern(r"[^0-9A-Za-z\u4e00-\u9fff]+")
_APART = frozenset("([<\x1b")
"""What begins something that is no word of a header, and is left away with what stands in it."""
_BETWEEN_WORDS = {code: None for code in range(128) if not chr(code).isalnum()}


@lru_cache(maxsize=4096)
def parts(header: str) -> tuple[str, ...]:
    """The words of a header in lower case, without notes in brackets, counters and generic path ends."""
    if header.isascii() and header.isalpha() and header.islower():
        return (header,)
    text = normalise(header).strip()
    if text.startswith("$"):
        text = text.replace("[*]", "").replace("[]", "")
    text = _TAIL.sub("", _NOTE.sub("", text)) or text
    words = tuple(word.lower() for word in _SPLIT.split(_HUMP.sub(" ", text)) if word)
    while len(words) > 1 and words[-1] in _GENERIC:
        words = words[:-1]
    return words


def endings(words: Iterable[str]) -> tuple[str, ...]:
    """How headers end in which one of these words is the last, or from whose end `parts` may leave something away."""
    return (*(word for word in words if word), *_GENERIC, *"0123456789")


def may_end(header: str, ends: tuple[str, ...]) -> bool:
    """Whether it needs a closer look to tell that a header has none of these `endings`, and words at all; most keys of
    JSON do not at the first."""
    bare = header.replace("_", "")  # then nearly every key is letters and digits, and need not be gone through
    if not bare.isascii() or not (bare.isalnum() or _APART.isdisjoint(bare)):
        return True
    bare = bare if bare.isalnum() else bare.translate(_BETWEEN_WORDS)
    return not bare or bare.lower().endswith(ends)


class HeaderWords:
    """The header words of one detector, compiled."""

    def __init__(self, words: Iterable[str]) -> None:
        chosen = tuple(words)
        self.whole = frozenset("".join(parts(word[1:])) for word in chosen if word.startswith("="))
        self.hints = frozenset("".join(parts(word[1:])) for word in chosen if word.startswith("?"))
        ends = [word for word in chosen if not word.startswith(("=", "?"))]
        self.latin = frozenset("".join(parts(word)) for word in ends if word.isascii())
        han = (normalise(word).lower() for word in ends if not word.isascii())
        self.han = tuple(sorted(han, key=len, reverse=True))

    @cached_property
    def _endings(self) -> tuple[str, ...]:
        return endings((*self.whole, *self.hints, *self.latin))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.whole or self.hints or self.latin or self.han)

    def words(self) -> frozenset[str]:
        """The words of all kinds: the end of every header that fits is one of them (`parts`, joined)."""
        return frozenset((*self.whole, *self.hints, *self.latin, *self.han))

    def fit(self, header: str) -> int:
        """How well the header fits: 0 not at all, else the length of the word found, 100 more for the whole header."""
        return _fit(self, header)

    def may_fit(self, header: str) -> bool:
        """Whether it needs a closer look to tell that a header does not fit."""
        return may_end(header, self._endings)

    def hint(self, header: str) -> int:
        """As `fit`, for the words that only hint at the class."""
        if not self.hints:
            return 0
        joined = "".join(parts(header))
        return 100 + len(joined) if joined in self.hints else 0

    def names(self, header: str) -> int:
        """As `fit`, without the words that only hint at the class."""
        words = parts(header)
        joined = "".join(words)
        if not joined or not (self.whole or self.latin or self.han):
            return 0
        if joined in self.whole or joined in self.latin or joined in self.han:
            return 100 + len(joined)
        return max(self._fit_latin(words), self._fit_han(joined))

    def _fit_latin(self, words: Sequence[str]) -> int:
        for size in range(len(words)):
            if (tail := "".join(words[size:])) in self.latin:
                return len(tail)
        last = words[-1]
        for cut in range(2, len(last) - 1):
            if last[:cut] in table("header_roles") and last[cut:] in self.latin:
                return len(last) - cut
        return 0

    def _fit_han(self, joined: str) -> int:
        return next((len(word) for word in self.han if joined.endswith(word)), 0)


@lru_cache(maxsize=8192)
def _fit(words: HeaderWords, header: str) -> int:
    """`HeaderWords.fit`, kept: every value of a column asks for the same one."""
    return words.names(header) or words.hint(header) if words.may_fit(header) else 0

"""Normalised text: what patterns see, with an exact way back to the bytes of the original.

Full-width forms become ASCII, invisible characters vanish, kinds of dash and dot become one. Every character becomes
one character or none, so that the way back is an index per character. Unicode's NFKC would also fold compatibility Han
and fractions, which lengthens text; what people and input methods really produce is in the table below.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

INVISIBLE = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0x00AD, 0xFEFF, 0xFE0F, 0x180E)
"""Zero-width and bidi marks, soft hyphen, byte order mark, variation selector."""

_DASHES = (0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63)
_DOTS = (0x2022, 0x2027, 0x30FB, 0xFF65)
_SPACES = (0x00A0, 0x3000, *range(0x2000, 0x200B), 0x202F, 0x205F)
TABLE: Mapping[int, int | None] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{code: 0x30 + (code - 0x1D7CE) % 10 for code in range(0x1D7CE, 0x1D800)},
    **dict.fromkeys(_DASHES, 0x2D),
    **dict.fromkeys(_DOTS, 0xB7),
    **dict.fromkeys(_SPACES, 0x20),
    **dict.fromkeys(INVISIBLE),
}
_INVISIBLE = frozenset(map(chr, INVISIBLE))
_LINE_END = re.compile(rb"[\r\n]")


def normalise(text: str) -> str:
    """The text as patterns see it."""
    return text if text.isascii() else text.translate(TABLE)


class Line:
    """One line (or cell) in both forms. `text` is normalised; `span` maps its indices to bytes of the buffer.

    `start` is the byte offset of the line in its buffer. Bytes that are no UTF-8 count one character each.
    """

    __slots__ = ("__dict__", "original", "start", "text")

    def __init__(self, raw: bytes, start: int = 0) -> None:
        self.start = start
        self.original = raw.decode("utf-8", "surrogateescape")
        self.text = normalise(self.original)

    @cached_property
    def _kept(self) -> list[int] | None:
        """For each character of `text` its index in `original`; None when no character vanished."""
        if len(self.text) == len(self.original):
            return None
        return [index for index, character in enumerate(self.original) if character not in _INVISIBLE]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Byte offsets in the buffer of `text[start:end]`, which must not be empty."""
        if self._kept is not None:
            start, end = self._kept[start], self._kept[end - 1] + 1
        if self.original.isascii():
            return self.start + start, self.start + end
        before = _width(self.original[:start])
        return self.start + before, self.start + before + _width(self.original[start:end])

    def raw(self, start: int, end: int) -> str:
        """The original characters behind `text[start:end]`."""
        if self._kept is not None:
            start, end = self._kept[start], self._kept[end - 1] + 1
        return self.original[start:end]

    def index(self, start: int) -> int:
        """The index in `text` of the character at index `start` of `original` (or of the next that is kept)."""
        return start if self._kept is None else bisect_left(self._kept, start)


def _width(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def lines(data: bytes) -> Iterator[Line]:
    """The lines of a buffer that hold anything; a line ends at LF or CR."""
    start = 0
    for match in _LINE_END.finditer(data):
        if match.start() > start:
            yield Line(data[start : match.start()], start)
        start = match.end()
    if start < len(data):
        yield Line(data[start:], start)


def _national(text: str) -> str:
    return re.sub(r"^(?:\+86|0086|\(\+?86\)|86)(?=\d{11}$)", "", re.sub(r"[^\d+]", "", text))


_COUNTRY = re.compile(r"^\(?(?:\+86|0086|86(?=[ -]))\)?")
_EXTENSION = re.compile(r"(?<=\d{4})[^0-9A-Za-z]*(?:转|ext\.?|#|分机|-)[^0-9]*(\d{1,6})$")


def _landline(text: str) -> str:
    """Area code and number as digits, the extension behind a hyphen."""
    national = _COUNTRY.sub("", text)
    extension = _EXTENSION.search(national) if len(re.sub(r"\D", "", national)) > 10 else None
    number = re.sub(r"\D", "", national[: extension.start()] if extension else national)
    if national != text:
        number = "0" + number.lstrip("0")
    # In 0571-87654321 the last hyphen stands before the number itself, not before an extension.
    if extension and len(number) < 10:
        return re.sub(r"\D", "", national)
    return f"{number}-{extension[1]}" if extension else number


def _compact_upper(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z\u4e00-\u9fff]", "", text).upper()


FORMS: Mapping[str, Callable[[str], str]] = {
    "upper": str.upper,
    "lower": str.lower,
    "digits": lambda text: re.sub(r"\D", "", text),
    "mobile": _national,
    "landline": _landline,
    "compact_upper": _compact_upper,
    "date": lambda text: "-".join(part.zfill(2) for part in re.findall(r"\d+", text)),
}
"""What `form` of a detector may name: one value however it is written becomes one text."""


def normal_form(text: str, separators: tuple[str, ...], form: str) -> str:
    """The value without its dress: normalised, separators removed, in the named form."""
    value = normalise(text).strip()
    for separator in separators:
        value = value.replace(separator, "")
    return FORMS[form](value) if form else value

"""Normalised text: what patterns see, with an exact way back to the bytes of the original.

Full-width forms become ASCII, invisible characters vanish, kinds of dash and dot become one, control sequences of
terminals (colours in logs) become blanks: their last letter would stand before a number. Every character becomes one
character or none, so that the way back is an index per character. Unicode's NFKC would also fold compatibility Han
and fractions, which lengthens text; what people and input methods really produce is in the table below.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate

from guard.patterns import pattern

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
_DRESSED = pattern(f"[{''.join(map(chr, TABLE))}]")
ESCAPE = 0x1B
_CONTROL = r"\x1b\[[0-9;:?]{0,16}[A-Za-z]"
"""CSI sequences (ECMA-48, 5.4) as terminals know them."""
_CONTROL_TEXT, _CONTROL_BYTES = pattern(_CONTROL), pattern(_CONTROL.encode())
_LINE_END = pattern(rb"[\r\n]")
_STRIDE = 1024
"""Characters between two places of a long line whose bytes are counted once."""
_SHORT = 64
"""Characters of a value whose normal form is kept; it is asked for several times in a row."""


def normalise(text: str) -> str:
    """The text as patterns see it."""
    if "\x1b" in text:
        text = _CONTROL_TEXT.sub(lambda found: " " * len(found[0]), text)
    # To search is several times cheaper than to translate, and most texts need no change.
    return text if text.isascii() or not _DRESSED.search(text) else text.translate(TABLE)


def without_controls(data: bytes) -> bytes:
    """The buffer with blanks for the control sequences of terminals; as many bytes as before."""
    return _CONTROL_BYTES.sub(lambda found: b" " * len(found[0]), data) if b"\x1b" in data else data


class Line:
    """One line (or cell) in both forms. `text` is normalised; `span` maps its indices to bytes of the buffer.

    `start` is the byte offset of the line in its buffer. Bytes that are no UTF-8 count one character each.
    """

    __slots__ = ("_edges", "_kept", "original", "start", "text")

    def __init__(self, raw: bytes, start: int = 0) -> None:
        self.start = start
        self.original = raw.decode("utf-8", "surrogateescape")
        self.text = normalise(self.original)
        self._edges: tuple[int, ...] = ()
        # For each character of `text` its index in `original`; None when no character vanished.
        self._kept = None if len(self.text) == len(self.original) else [
            index for index, character in enumerate(self.original) if character not in _INVISIBLE]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Byte offsets in the buffer of `text[start:end]`, which must not be empty."""
        if self._kept is not None:
            start, end = self._kept[start], self._kept[end - 1] + 1
        first = self._bytes_before(start)
        return self.start + first, self.start + first + _width(self.original[start:end])

    def _bytes_before(self, index: int) -> int:
        """The bytes of the characters before `index`, counted from the last edge so that long lines stay linear."""
        if index < _STRIDE:
            return _width(self.original[:index])
        if not self._edges:
            widths = (_width(self.original[at : at + _STRIDE]) for at in range(0, len(self.original), _STRIDE))
            self._edges = tuple(accumulate(widths, initial=0))
        edge = index // _STRIDE
        return self._edges[edge] + _width(self.original[edge * _STRIDE : index])

    def raw(self, start: int, end: int) -> str:
        """The original characters behind `text[start:end]`."""
        if self._kept is not None:
            start, end = self._kept[start], self._kept[end - 1] + 1
        return self.original[start:end]

    def index(self, start: int) -> int:
        """The index in `text` of the character at index `start` of `original` (or of the next that is kept)."""
        return start if self._kept is None else bisect_left(self._kept, start)


def _width(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


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


_COUNTRY = pattern(r"^\(?(?:\+86|0086|86(?=[ -]))\)?")
_EXTENSION = pattern(r"(?<=\d{4})[^0-9A-Za-z]*(?:转|ext\.?|#|分机|-)[^0-9]*(\d{1,6})$")


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
    if not separators and not form:
        return normalise(text).strip()
    return _kept_form(text, separators, form) if len(text) <= _SHORT else _formed(text, separators, form)


def _formed(text: str, separators: tuple[str, ...], form: str) -> str:
    value = normalise(text).strip()
    for separator in separators:
        value = value.replace(separator, "")
    return FORMS[form](value) if form else value


_kept_form = lru_cache(maxsize=1024)(_formed)

"""The dressing of a value: what it wears in a file and is not part of it, taken off before and put on again after.

Spaces, dashes and dots between digits, a country code, full-width characters, small letters. So the same number gets
the same pseudonym however it is written, and each is written as it was.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_BETWEEN = re.compile(r"[\s\-‐‑–—_./·・•:：()+]")
_COUNTRY_CODE = re.compile(r"(?:00)?86(?=1[0-9]{10}$)")
_FULL_WIDTH = 0xFEE0
"""From an ASCII character to its full-width form."""


@dataclass(frozen=True, slots=True)
class Dressed:
    """A value without its dressing, and the dressing: the characters as they stood and which of them were the value."""

    bare: str
    _worn: tuple[str, ...]
    _places: tuple[int, ...]
    _small: bool

    def wear(self, bare: str) -> str:
        """Another value of as many characters in the same dressing."""
        worn = list(self._worn)
        text = bare.lower() if self._small else bare
        for place, character in zip(self._places, text, strict=True):
            wide = 0xFF01 <= ord(worn[place]) <= 0xFF5E and 0x21 <= ord(character) <= 0x7E
            worn[place] = chr(ord(character) + _FULL_WIDTH) if wide else character
        return "".join(worn)

    def __repr__(self) -> str:
        return "<Dressed>"


def undress(value: str, *, phone: bool = False, separated: bool = True) -> Dressed:
    """A value of an identifier without its dressing; letters become capital.

    `phone`: a country code of China is dressing. Without `separated` only blanks around the value and full width are,
    and letters stay as they are: where a template says what stands between, it is part of the value.
    """
    worn = tuple(value)
    folded = [unicodedata.normalize("NFKC", character) for character in worn]
    around = (len(value) - len(value.lstrip()), len(value.rstrip()))
    places = [place for place, character in enumerate(folded)
              if (not _is_between(character) if separated else around[0] <= place < around[1])]
    text = "".join(folded[place] for place in places)
    if any(len(folded[place]) != 1 for place in places):
        # A character that is several (a ligature, a fraction) belongs to no identifier: nothing is undressed.
        return Dressed(value, worn, tuple(range(len(worn))), False)
    if phone and (found := _COUNTRY_CODE.match(text)):
        places, text = places[found.end() :], text[found.end() :]
    small = separated and text != text.upper() and text == text.lower()
    return Dressed(text.upper() if separated else text, worn, tuple(places), small)


def _is_between(character: str) -> bool:
    return bool(_BETWEEN.fullmatch(character)) or unicodedata.category(character[:1] or " ") == "Cf"

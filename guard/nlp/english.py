"""English: which lines may hold a name, and what of a model's answer counts.

A name is two capitalised words or more, side by side. The first must be a given name that the tables know; or else the
line must be prose, that is, hold words in small letters, and the words be none of those that names do not hold. Small
English models take many a capitalised word for a person, so the same is asked again of what they answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from guard.batch import Ints
from guard.detect.tables import table
from guard.nlp.entity import Entity, Judged, Kind
from guard.nlp.windows import Bytes, Spans, breaks_of

KNOWN_NAME, UNKNOWN_NAME = 0.7, 0.45
"""What a person is worth whose given name the tables know, and another one in prose."""
ORGANISATION = 0.6
_WORD = r"[A-Z][a-z]+(?:-[A-Z][a-z]+)?"
_PAIR = re.compile(rf"({_WORD})(?: [A-Z]\.?)? (?:(?:de|van|von|bin|al|la|da|der) |al-|[A-Z]['’]|Mac|Mc)?({_WORD})")
_NAME = re.compile(rf"{_PAIR.pattern}(?: {_WORD}){{0,2}}(?![A-Za-z])")
_SMALL_WORD = re.compile(r"(?<![\w./:=-])[a-z]+(?![\w./:=-])")
_ORGANISATION = re.compile(
    r"\b(?:Inc|LLC|Ltd|Limited|Corp|Corporation|Company|Co|GmbH|AG|PLC|plc|LLP|Bank|University|College|Hospital|"
    r"Institute|Foundation|Group|Holdings|Partners|Agency|Ministry|Department|Council|Association)\.?$")
PROSE = 4
"""Words in small letters, of which prose has at least so many to a line."""
FARTHEST = 32
"""Bytes between the beginnings of two words of a name."""


def breaks(view: Bytes) -> Ints:
    """Behind which bytes a line ends: a full stop also stands behind initials."""
    return breaks_of(view, han_stops=False)


def candidates(view: Bytes) -> Spans:
    """Places of two capitalised words that may stand side by side, from the first to behind the second capital."""
    is_capital, is_small = (view >= 0x41) & (view <= 0x5A), (view >= 0x61) & (view <= 0x7A)
    begins = is_capital[:-1] & is_small[1:]
    begins[1:] &= ~(is_capital | is_small)[:-2]
    capital = np.flatnonzero(begins)
    first, second = capital[:-1], capital[1:]
    between = view[second - 1]
    near = (second - first <= FARTHEST) & ((between == 0x20) | (between == 0x2D) | (between == 0x27) | (between > 0x7F))
    return Spans(first[near], second[near] + 1)


def is_plausible(text: str, start: int, end: int) -> bool:
    """Whether the candidate `text[start:end]` begins a name."""
    found = _PAIR.match(text, start)
    return found is not None and _worth(text, found[0]) > 0


def judged(text: str, entities: Sequence[Entity]) -> Iterator[Judged]:
    """What counts of a model's answer."""
    for start, end, kind in entities:
        value = text[start:end]
        if kind is Kind.ORGANISATION and _ORGANISATION.search(value):
            yield Judged(start, end, kind, ORGANISATION)
        elif kind is Kind.PERSON and (found := _NAME.match(value)) and (worth := _worth(text, found[0])):
            yield Judged(start, start + found.end(), kind, worth)


def _worth(text: str, name: str) -> float:
    """What capitalised words side by side are worth as a name in this line, 0 for nothing."""
    words = name.lower().replace("-", " ").split()
    if not table("no_english_names").isdisjoint(words):
        return 0.0
    if words[0] in _given_names():
        return KNOWN_NAME
    return UNKNOWN_NAME if len(_SMALL_WORD.findall(text)) >= PROSE else 0.0


@cache
def _given_names() -> frozenset[str]:
    return frozenset(name.lower() for name in table("given_latin"))

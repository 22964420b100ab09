"""English: which lines may hold a name, and what of a model's answer counts.

A name is two capitalised words or more, side by side, none of them a word that names do not hold, in a line of prose,
that is, among words in small letters. Of these there must be more where the tables do not know the given name. Small
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
_PAIR = rf"{_WORD}(?: [A-Z]\.?)? (?:(?:de|van|von|bin|al|la|da|der) |al-|[A-Z]['’]|Mac|Mc)?{_WORD}"
_NAME = re.compile(rf"{_PAIR}(?: {_WORD}){{0,2}}(?![A-Za-z])")
_SMALL_WORD = re.compile(r"(?<![\w./:=-])[a-z]+(?![\w./:=-])")
_ORGANISATION = re.compile(
    r"\b(?:Inc|LLC|Ltd|Limited|Corp|Corporation|Company|Co|GmbH|AG|PLC|plc|LLP|Bank|University|College|Hospital|"
    r"Institute|Foundation|Group|Holdings|Partners|Agency|Ministry|Department|Council|Association)\.?$")
_CALLED_AFTER = frozenset(re.findall("[a-z]+", """
airport award boulevard bridge building castle cathedral crescent cup festival foundation highway institute library
museum palace plaza prize square stadium theatre tower trail trophy
"""))
"""Words of what is called after persons."""
_TITLES = frozenset(re.findall("[a-z]+", """
access account act agreement api app application apps article browser chapter client cloud cluster code command
commission console contract council database desktop directive document engine entity error event exception federal
field form framework function gateway guide hub image key law layer learning library linux machine mobile model
module monday network object office online open operating page plan platform policy power process program project
protocol python query recognition registry request resource response rule runtime safe script secret section
security service session shell site social software standard storage studio swarm tax team template token tool
tuesday version virtual web wednesday window windows workflow thursday friday saturday sunday january february march
april june july august september october november december
"""))
"""Technical and official words that English writes with capitals. Behind a known given name some of them are names."""
SOME_PROSE, PROSE = 2, 6
"""Words in small letters around a name, of which a line has at least so many: a name alone in a cell or between values
tells a model nothing, and then it takes places and products for persons. More where the given name is not known."""
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
    found = _NAME.match(text, start)
    return found is not None and _worth(text, *found.span()) > 0


def judged(text: str, entities: Sequence[Entity]) -> Iterator[Judged]:
    """What counts of a model's answer."""
    for start, end, kind in entities:
        if kind is Kind.ORGANISATION and _ORGANISATION.search(text, start, end):
            yield Judged(start, end, kind, ORGANISATION)
        if kind is Kind.PERSON and (found := _NAME.match(text, start, end)):
            worth = _worth(text, *found.span())
            yield from [Judged(start, found.end(), kind, worth)] if worth else []


def _worth(text: str, start: int, end: int) -> float:
    """What capitalised words side by side are worth as a name in this line, 0 for nothing."""
    words = text[start:end].lower().replace("-", " ").split()
    if not (_CALLED_AFTER.isdisjoint(words) and table("no_english_names").isdisjoint(words)):
        return 0.0
    small = len(_SMALL_WORD.findall(text[:start])) + len(_SMALL_WORD.findall(text[end:]))
    if words[0] in _given_names():
        return KNOWN_NAME if small >= SOME_PROSE else 0.0
    return UNKNOWN_NAME if small >= PROSE and _TITLES.isdisjoint(words) else 0.0


@cache
def _given_names() -> frozenset[str]:
    return frozenset(name.lower() for name in table("given_latin"))

"""A model of entities that knows a list of words, for tests of everything around a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from guard.nlp import Entity, Kind


class ListedModel:
    """Sees the words of `known` wherever they stand, and keeps what it was asked."""

    def __init__(self, known: Mapping[str, Kind], language: str = "zh") -> None:
        self.known, self.language, self.id = dict(known), language, "listed 1"
        self.asked: list[str] = []

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Each known word in each text."""
        self.asked += texts
        return [[Entity(found.start(), found.end(), kind) for word, kind in self.known.items()
                 for found in re.finditer(re.escape(word), text)] for text in texts]


def persons(*names: str, language: str = "zh") -> ListedModel:
    """A model that knows these persons."""
    return ListedModel(dict.fromkeys(names, Kind.PERSON), language)

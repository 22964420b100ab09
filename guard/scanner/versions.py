"""Versions of one file: what a version has that the ones before it had is not counted again.

The contents of a repository are scanned one by one, each as a whole. A secret that stays in a file for a hundred
commits is in a hundred of them, but it is one finding: at the commit that brought it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from guard.batch import Batch, Hits, distinct
from guard.hashing import Hashes, hash64
from guard.model import Labels, Reason, Skipped
from guard.sources import Document

_KEPT = 1_000_000
_ODD = np.uint64(0x9E3779B97F4A7C15)
Scan = Callable[[Document], Iterable[tuple[Batch, Sequence[Hits]]]]
"""Gives the hits in each batch of a document."""


class VersionMemory:
    """Keyed hashes of the values that were found in the contents that were scanned last. Safe for threads."""

    def __init__(self, key: int) -> None:
        self.key = key
        self._kept: OrderedDict[str, Hashes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, version: str) -> Hashes | None:
        """The values of a content, None where it is not known."""
        with self._lock:
            return self._kept.get(version)

    def put(self, version: str, values: Hashes) -> None:
        """Keep the values of a content; the oldest ones go."""
        with self._lock:
            if version not in self._kept:
                self._kept[version] = values
                self._size += len(values) + 1
            while self._size > _KEPT and len(self._kept) > 1:
                self._size -= len(self._kept.popitem(last=False)[1]) + 1


class NewValues:
    """The values of `document` that none of the versions before it had (`Document.before`).

    These are scanned only when there is a hit and they are not remembered. One that cannot be read knows no value.
    """

    def __init__(self, document: Document, labels: Labels, scan: Scan, memory: VersionMemory) -> None:
        self._document = document
        self._labels = labels
        self._scan = scan
        self._memory = memory
        self._mine: list[Hashes] = []
        self._known: Hashes | None = None

    def among(self, batch: Batch, found: Sequence[Hits]) -> tuple[Hits, ...]:
        """The hits of a batch of the document whose value is new."""
        values = [self._values(batch, column, hits) for column, hits in enumerate(found)]
        self._mine += values
        if not any(map(len, found)):
            return tuple(found)
        if self._known is None:
            self._known = self._read_earlier()
        return tuple(hits.take(~np.isin(mine, self._known)) for hits, mine in zip(found, values, strict=True))

    def remember(self) -> None:
        """The document was read to its end: later versions may ask for its values."""
        self._memory.put(self._document.version, _joined(self._mine))

    def _read_earlier(self) -> Hashes:
        return _joined([self._values_of(version) for version in self._document.before])

    def _values_of(self, version: str) -> Hashes:
        known = self._memory.get(version)
        if known is None:
            earlier = self._document.earlier(version, self._labels)
            known = _joined([self._values(batch, column, hits) for batch, found in self._scan(earlier)
                             for column, hits in enumerate(found)] if earlier is not None else [])
            self._memory.put(version, known)
        return known

    def _values(self, batch: Batch, number: int, hits: Hits) -> Hashes:
        """One hash for each hit, over its detector and the bytes of its value."""
        if not len(hits):
            return np.empty(0, np.uint64)
        if batch.is_text:
            found = hash64(batch.data, hits.start, hits.end, self._memory.key)
        else:
            column = batch.columns[number]
            base = column.starts[hits.cell]
            found = hash64(column.data, base + hits.start, base + hits.end, self._memory.key)
        return found ^ ((hits.detector.astype(np.uint64) + np.uint64(1)) * _ODD)


class Histories:
    """Folders in which git keeps what files once were, left out of the scan of a folder and counted."""

    def __init__(self) -> None:
        self._count = 0

    def left_out(self, documents: Iterable[Document | Skipped]) -> Iterator[Document | Skipped]:
        """All documents but those."""
        for document in documents:
            if isinstance(document, Skipped) and document.reason is Reason.HISTORY:
                self._count += 1
            else:
                yield document

    def warnings(self) -> list[str]:
        """What the report says of them."""
        repositories = "repository" if self._count == 1 else "repositories"
        said = f"the history of {self._count} {repositories} is left out: scan --git reads it"
        return [said] if self._count else []


def _joined(values: Sequence[Hashes]) -> Hashes:
    return distinct(np.concatenate([np.empty(0, np.uint64), *values]))

"""Many small texts or columns in one scan: what a scan costs however little there is to it is paid once for all.

What a pattern finds in a line follows from this line and its header alone, so texts are scanned with a line end between
them, and columns of equal meaning as one. Rules that span lines are run over each text for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from guard.batch import Column, Hits, Ints
from guard.detect.choice import scanned
from guard.detect.decoding import Scan, decoded_text, with_decoded
from guard.detect.header_index import MOST_HEADERS, HeaderIndex
from guard.detect.overlap import Placed
from guard.detect.plan import Plan
from guard.detect.scan import concatenate, found_of, merge
from guard.detect.spanning import scan_around

SILENT = "q"
"""Stands for every header that says nothing to any rule."""
LARGEST = 1 << 14
"""Bytes of the largest column that is joined with others: to larger ones a scan of their own is no burden, and it is
narrowed to what they can hold."""
Meaning = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""The rules that a header fits, and the signs that it is to rules as context."""
MOST_MEANINGS = 4096
"""Headers that stand for others."""
_MANY = 256
"""Values of a column, on average, from which on columns are soon looked at one by one."""
_NOTHING = Hits.empty()


def scan_texts(plan: Plan, texts: Sequence[bytes], scan_values: Scan) -> list[Hits]:
    """The hits of each text; offsets are its own bytes. `scan_values` scans what the texts decode to."""
    starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
    data = b"\n".join(texts)
    found, multiline = scanned(plan, data, "")
    spanning = list(_spanning(plan, texts, starts, multiline))
    hits = merge(plan.rules, concatenate([found, found_of(spanning)]))
    hits = with_decoded(hits, decoded_text(data, scan_values), plan.rules)
    return _split(hits, np.searchsorted(hits.start, starts), starts)


def _spanning(plan: Plan, texts: Sequence[bytes], starts: Ints, multiline: Mapping[int, Sequence[int]]
              ) -> Iterator[Placed]:
    """The hits of rules that span lines, around the lines where the scan saw something of them."""
    for index, seen in sorted(multiline.items()):
        offsets = np.sort(np.asarray(seen, np.int64))
        edges = np.searchsorted(offsets, np.append(starts, offsets[-1:] + 1))
        for number in np.flatnonzero(np.diff(edges)).tolist():
            start = int(starts[number])
            mine = (offsets[edges[number] : edges[number + 1]] - start).tolist()
            for hit in scan_around(plan.rules, texts[number], {index: mine}):
                yield hit._replace(start=hit.start + start, end=hit.end + start)


def _split(hits: Hits, firsts: Ints, starts: Ints) -> list[Hits]:
    """The hits of each text, of which the first of each is given."""
    edges = [*firsts.tolist(), len(hits)]
    parts = [_NOTHING] * len(starts)
    for number in np.flatnonzero(np.diff(edges)).tolist():
        mine = hits.take(np.arange(edges[number], edges[number + 1]))
        parts[number] = replace(mine, start=mine.start - starts[number], end=mine.end - starts[number])
    return parts


def scan_columns(plan: Plan, columns: Sequence[Column], scan: Scan) -> list[Hits]:
    """The hits of each column; `scan` scans one."""
    alike: dict[tuple[str, bool, bool], list[int]] = defaultdict(list)
    found = [_NOTHING] * len(columns)
    lengths = [len(column.starts) for column in columns]
    for number, (column, size) in enumerate(zip(columns, _sizes(columns, lengths), strict=True)):
        if size > LARGEST:
            found[number] = scan(column)
        elif lengths[number]:
            alike[plan.meanings.of(column.header), column.text, column.key].append(number)
    for (header, _, _), numbers in alike.items():
        hits = scan(_joined([columns[number] for number in numbers], header))
        edges = np.cumsum([0, *(lengths[number] for number in numbers)])
        cuts = np.searchsorted(hits.cell, edges).tolist()
        for place, number in enumerate(numbers):
            if cuts[place] < cuts[place + 1]:
                mine = hits.take(np.arange(cuts[place], cuts[place + 1]))
                found[number] = replace(mine, cell=mine.cell - edges[place])
    return found


def _sizes(columns: Sequence[Column], lengths: Sequence[int]) -> list[int]:
    """`Column.size` of each of these columns, which have so many values."""
    if sum(lengths) >= _MANY * len(columns):
        return [column.size for column in columns]
    starts, ends = (np.concatenate([getattr(column, name) for column in columns]) for name in ("starts", "ends"))
    before = np.concatenate([[0], np.cumsum(ends - starts)])
    edges = np.cumsum([0, *lengths])
    sizes: list[int] = (before[edges[1:]] - before[edges[:-1]]).tolist()
    return sizes


def _joined(columns: Sequence[Column], header: str) -> Column:
    """The values of all columns, one behind the other."""
    if len(columns) == 1:
        return replace(columns[0], header=header)
    buffers = {id(column.data): column.data for column in columns}
    if len(buffers) == 1:
        starts, ends = (np.concatenate([getattr(column, name) for column in columns]) for name in ("starts", "ends"))
        return replace(columns[0], header=header, starts=starts, ends=ends, rows=np.arange(len(starts)))
    offsets = dict(zip(buffers, np.cumsum([0, *map(len, buffers.values())]).tolist(), strict=False))
    starts = np.concatenate([column.starts + offsets[id(column.data)] for column in columns])
    ends = np.concatenate([column.ends + offsets[id(column.data)] for column in columns])
    return replace(columns[0], header=header, data=b"".join(buffers.values()), starts=starts, ends=ends,
                   rows=np.arange(len(starts)))


class Meanings:
    """One header for all that say the same to every one of some rules."""

    def __init__(self, headers: HeaderIndex) -> None:
        self.of = lru_cache(maxsize=MOST_HEADERS)(self._of)
        self._headers = headers
        self._known: dict[Meaning, str] = {}
        self._knows_silence = self._is_silent(SILENT)

    def _of(self, header: str) -> str:
        """The one for a header, kept."""
        if not header or self._is_silent(header):
            return SILENT if header and self._knows_silence else header
        if len(self._known) >= MOST_MEANINGS:
            return header
        fitting = tuple(rule.index for rule in self._headers.fitting(header))
        return self._known.setdefault((fitting, tuple(sorted(self._headers.signs(header).items()))), header)

    def _is_silent(self, header: str) -> bool:
        """Whether no rule fits a header that is not empty, and no word of a context stands in it."""
        return not self._headers.fitting(header) and not self._headers.signs(header)

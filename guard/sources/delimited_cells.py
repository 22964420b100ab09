"""Cells of delimited text (RFC 4180 and what is found outside it): found fast, or exactly, one by one.

A quote opens only at the beginning of a cell, is doubled inside, and closes before a delimiter or line end. Where every
quote of a block keeps to this, its cells follow from the positions of delimiters, line ends and the parity of quotes;
a compiled loop (`delimited_loops`) finds those of a block with quotes several times as fast. Where one does not, the
block is split by `split_exactly`, which is also what the fast ways are tested against: a quote inside an unquoted cell
is literal, and so is a cell like `"a"b` or an opening quote that is never closed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints

Mask = npt.NDArray[np.bool_]

DELIMITERS = (b",", b"\t", b";", b"|", b"\x01", b"^", b"~")
QUOTE, CR, LF = b'"\r\n'


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cells:
    """The cells of the whole records at the beginning of a buffer.

    `starts`/`ends` are spans with quotes and without delimiter or line end, `counts` the cells of each record. `quoted`
    and `escaped` tell cells in quotes and those with doubled quotes inside. `end` is where the last record ends, line
    end included. `unclosed` are the positions of opening quotes that nothing closes. `is_plain` where it is known that
    no quote stands in the buffer: every record is a line.
    """

    starts: Ints
    ends: Ints
    counts: Ints
    quoted: Mask
    escaped: Mask
    end: int
    unclosed: tuple[int, ...] = ()
    is_plain: bool = False

    @property
    def columns(self) -> Ints:
        """The column of each cell, from 0."""
        first = np.cumsum(self.counts) - self.counts
        return np.arange(len(self.starts)) - np.repeat(first, self.counts)


def split_cells(data: bytes, delimiter: bytes, *, final: bool) -> Cells:
    """The cells of all records of `data` that surely end in it; with `final` the last one ends where `data` does."""
    if data and compiled.pays(len(data)):
        found = _split_compiled(data, delimiter, final)
    else:
        found = _split_fast(data, delimiter, final) if data else None
    return found if found is not None else split_exactly(data, delimiter, final=final)


def _split_compiled(data: bytes, delimiter: bytes, final: bool) -> Cells | None:
    """As `split_exactly`, or None when a quote stands where it should not."""
    from guard.hashing_loops import words_of
    from guard.sources import delimited_loops as loops

    text = np.frombuffer(data, np.uint8)
    most = loops.count_stops(text, delimiter[0]) + 1
    starts, ends, counts = (np.empty(most, np.int64) for _ in range(3))
    quoted, escaped = np.zeros(most, np.bool_), np.zeros(most, np.bool_)
    is_plain = b'"' not in data
    if is_plain:
        size, records, end = loops.split_plain(text, words_of(data), delimiter[0], final, starts, ends, counts)
    else:
        size, records, end = loops.split(text, delimiter[0], final, starts, ends, counts, quoted, escaped)
    if size == loops.IRREGULAR:
        return None
    return Cells(starts[:size], ends[:size], counts[:records], quoted[:size], escaped[:size], end, is_plain=is_plain)


def _split_fast(data: bytes, delimiter: bytes, final: bool) -> Cells | None:
    """As `split_exactly`, or None when a quote stands where it should not."""
    text = np.frombuffer(data, np.uint8)
    marks = _separators(data, text, delimiter, final)
    quotes = None
    if b'"' in data:
        is_quote = text == QUOTE
        outside = np.bitwise_xor.accumulate(is_quote.view(np.uint8)) == 0
        if final and not outside[-1]:
            return None
        marks &= outside
        quotes = np.flatnonzero(is_quote)
        if not _are_regular(text, quotes, marks, final):
            return None
    return _build(data, text, delimiter, np.flatnonzero(marks), quotes, final)


def _separators(data: bytes, text: npt.NDArray[np.uint8], delimiter: bytes, final: bool) -> Mask:
    """Where delimiters and line ends are: LF, and CR unless an LF follows (or may follow)."""
    marks: Mask = text == delimiter[0]
    marks |= text == LF
    if b"\r" in data:
        alone = text == CR
        alone[:-1] &= text[1:] != LF
        alone[-1] &= final
        marks |= alone
    return marks


def _are_regular(text: npt.NDArray[np.uint8], quotes: Ints, marks: Mask, final: bool) -> bool:
    """Whether each quote opens at a cell's beginning, closes at its end, or is one of a doubled pair."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = marks[opening - 1] | (opening == 0)
    before[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    if not before.all():
        return False
    behind = np.minimum(closing + 1, len(text) - 1)
    after = marks[behind] | (closing + 1 >= len(text))
    after[: len(opening) - 1] |= opening[1:] == closing[: len(opening) - 1] + 1
    if not after.all():
        # A CR behind a quote is no mark when it begins a CRLF, or where the LF is still to come.
        crlf = text[behind] == CR
        crlf &= (text[np.minimum(behind + 1, len(text) - 1)] == LF) | (not final and behind + 1 >= len(text))
        after |= crlf
    return bool(after.all())


def _build(data: bytes, text: npt.NDArray[np.uint8], delimiter: bytes, stops: Ints, quotes: Ints | None,
           final: bool) -> Cells:
    ended = text[stops] != delimiter[0]
    if final and not (len(stops) and stops[-1] == len(data) - 1 and ended[-1]):
        stops, ended = np.append(stops, len(data)), np.append(ended, True)
    last = np.flatnonzero(ended)
    size = int(last[-1]) + 1 if len(last) else 0
    stops = stops[:size]
    starts = np.empty(size, np.int64)
    starts[:1], starts[1:] = 0, stops[:-1] + 1
    end = min(int(stops[-1]) + 1, len(data)) if size else 0
    ends = _without_cr(data, text, starts, stops)
    quoted, escaped = _quoting(text, starts, ends, quotes)
    return Cells(starts, ends, np.diff(last, prepend=-1), quoted, escaped, end)


def _without_cr(data: bytes, text: npt.NDArray[np.uint8], starts: Ints, stops: Ints) -> Ints:
    """Ends of cells without the CR of their CRLF."""
    if b"\r" not in data or not len(stops):  # one byte is found four times faster than two
        return stops
    at = np.minimum(stops, len(data) - 1)
    crlf = (text[at] == LF) & (text[at - 1] == CR) & (stops > starts) & (stops < len(data))
    ends: Ints = stops - crlf
    return ends


def _quoting(text: npt.NDArray[np.uint8], starts: Ints, ends: Ints, quotes: Ints | None) -> tuple[Mask, Mask]:
    if quotes is None or not len(starts):
        return np.zeros(len(starts), np.bool_), np.zeros(len(starts), np.bool_)
    quoted: Mask = (ends > starts) & (text[np.minimum(starts, len(text) - 1)] == QUOTE)
    escaped = quoted.copy()
    which = np.flatnonzero(quoted)
    escaped[which] = np.searchsorted(quotes, ends[which]) - np.searchsorted(quotes, starts[which]) > 2
    return quoted, escaped


@cache
def _cell_pattern(delimiter: bytes) -> re.Pattern[bytes]:
    inner, rest = rb'[^"]*+(?:""[^"]*+)*+', rb"[^\r\n" + re.escape(delimiter) + rb"]*+"
    stop = re.escape(delimiter) + rb"|\r\n?|\n|\Z"
    return re.compile(rb'(?:("' + inner + rb'")(?=' + stop + rb')|("' + inner + rb'")?' + rest + rb")(" + stop + rb")")


def split_exactly(data: bytes, delimiter: bytes, *, final: bool, give_up: bool = False, limit: int = 0) -> Cells:
    """The cells one by one. An opening quote that nothing closes waits for more text; with `final` or `give_up` it is
    literal and noted in `unclosed`. `limit` stops after so many records."""
    starts: list[int] = []
    ends: list[int] = []
    quoted: list[bool] = []
    counts: list[int] = []
    unclosed: list[int] = []
    done, first = 0, 0
    for cell in _cell_pattern(delimiter).finditer(data):
        start, stop = cell.start(), cell.start(3)
        if start >= len(data) and first == len(starts):
            break
        if not final and (cell.end() == len(data) and cell[3] in (b"", b"\r")):
            break
        if data.startswith(b'"', start) and cell[1] is None and cell[2] is None:
            if not (final or give_up):
                break
            unclosed.append(start)
        starts.append(start)
        ends.append(stop)
        quoted.append(cell[1] is not None)
        if cell[3] != delimiter:
            counts.append(len(starts) - first)
            first, done = len(starts), cell.end()
            if cell[3] == b"" or len(counts) == limit:
                break
    size = sum(counts)
    escaped = [is_quoted and b'"' in data[start + 1 : end - 1]
               for start, end, is_quoted in zip(starts[:size], ends, quoted, strict=False)]
    return Cells(np.array(starts[:size], np.int64), np.array(ends[:size], np.int64), np.array(counts, np.int64),
                 np.array(quoted[:size], np.bool_), np.array(escaped, np.bool_), done,
                 tuple(position for position in unclosed if position < done))


def split_records(data: bytes, delimiter: bytes, *, limit: int) -> list[list[str]]:
    """The values of the first records, for looking at them."""
    cells = split_exactly(data, delimiter, final=True, limit=limit)
    values = iter(cell_values(data, cells))
    return [[next(values).decode("utf-8", "replace") for _ in range(count)] for count in cells.counts.tolist()]


def cell_values(data: bytes, cells: Cells) -> list[bytes]:
    """The values of all cells, without quotes."""
    spans = zip(cells.starts.tolist(), cells.ends.tolist(), cells.quoted.tolist(), strict=True)
    return [data[start + 1 : end - 1].replace(b'""', b'"') if quoted else data[start:end]
            for start, end, quoted in spans]

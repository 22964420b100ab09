"""Cutting a file into pieces that can be read one without the other, so that several processes share one big file.

The file is read once, in order, to find the cuts and, where that is wanted, to hash it: behind line ends that end a
line, or a record of a delimited table, quotes observed. Lines, rows and offsets of a piece count from its own
beginning; who puts the pieces together adds what came before (`Extent`). Where the cuts lie depends on the file alone,
never on who reads the pieces.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol, cast

import numpy as np

from guard import compiled
from guard.patterns import pattern
from guard.sources.encoding import SAMPLE, UTF8, Encoding, decide, from_mark, from_zeros
from guard.sources.stable import Readable, StableFile, read_fully

MOST, LEAST = 1 << 24, 1 << 21
"""Bytes of the largest and of the smallest piece; a file that is not larger than the largest is not cut."""
SHARE = 8
"""A piece is at most this part of what is left, so that all readers end at about the same time."""

_CHUNK = 1 << 18
_PEM_MAX = 1 << 16
_WIDTHS = {"ascii": 1, "utf-8": 1, "gb18030": 1, "gbk": 1, "gb2312": 1, "cp1252": 1, "iso8859-1": 1,
           "utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
"""Bytes of a line end. In these encodings no byte of another character looks like a line end, quote or comma."""
_TRAILING = 0x30
"""From here on an ASCII byte may be the second half of a character in GB18030."""
_HIGH = pattern(rb"[\x80-\xff]")


class Piece(NamedTuple):
    """Bytes `start` to `stop` (None: to the end) of a file.

    `encoding` is None while the file held nothing but ASCII up to `stop`, or nobody can tell. `stamp` is what the file
    was when it was cut.
    """

    start: int
    stop: int | None
    encoding: Encoding | None
    stamp: tuple[int, ...]

    def opened(self, file: StableFile) -> Readable:
        """The bytes of the piece in an open file."""
        file.seek(self.start)
        return file if self.stop is None else _Range(file, self.stop - self.start)


KeyPath = tuple[str | None, ...]
"""The keys that lead to a place in JSON, None for the items of an array."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Extent:
    """How far a piece of text goes: its line ends, its bytes as UTF-8, its records, the places in its JSON.

    `is_entangled` says that a field of the piece is called after what came before, which the piece did not know.
    """

    lines: int = 0
    bytes: int = 0
    rows: int = 0
    places: frozenset[KeyPath] = frozenset()
    is_entangled: bool = False

    def __add__(self, other: Extent) -> Extent:
        if other.places <= self.places:
            places, are_many = self.places, False
        else:
            places = self.places | other.places
            are_many = _are_many(places)
        return Extent(self.lines + other.lines, self.bytes + other.bytes, self.rows + other.rows, places,
                      self.is_entangled or other.is_entangled or are_many)


def _are_many(places: Collection[KeyPath]) -> bool:
    """Whether there are too many places, or keys in one object, to tell them all apart."""
    from guard.sources.json_paths import MAX_KEYS, MAX_PATHS  # nothing but JSON has places

    keys = Counter(place[:-1] for place in places if place and place[-1] is not None)
    return len(places) > MAX_PATHS or max(keys.values(), default=0) > MAX_KEYS


class Borders(Protocol):
    """Finds where a piece may end, in chunks that come in order, one byte for each unit of the encoding."""

    def last(self, chunk: bytes) -> int:
        """Where the last record that ends in this chunk ends in it; 0 when none does."""
        ...

    def confirm(self, tail: bytes, encoding: Encoding | None) -> bool:
        """Whether a piece may end behind `tail`, the text up to there."""
        ...


class LineBorders:
    """Lines; with `keeps_blocks` a PEM block, which spans lines, stays in one piece."""

    def __init__(self, *, keeps_blocks: bool = False) -> None:
        self._keeps_blocks = keeps_blocks

    def last(self, chunk: bytes) -> int:
        return chunk.rfind(b"\n") + 1

    def confirm(self, tail: bytes, encoding: Encoding | None) -> bool:
        begin = tail.rfind(b"-----BEGIN") if self._keeps_blocks else -1
        return begin < 0 or tail.find(b"-----END", begin) >= 0


class RecordBorders:
    """Records of a delimited table: a line end in quotes ends none."""

    def __init__(self, delimiter: bytes) -> None:
        self.delimiter = delimiter
        self._state = 0

    def last(self, chunk: bytes) -> int:
        if self._state < 2 and b'"' not in chunk:
            # The states CELL and INSIDE of `record_loop`. This is the way of most files, and costs next to nothing.
            separators = (self.delimiter[0], *b"\r\n")
            self._state = self._state if not chunk else int(chunk[-1] not in separators)
            return chunk.rfind(b"\n") + 1
        end, self._state = _search()(chunk, self.delimiter, self._state)
        return end

    def confirm(self, tail: bytes, encoding: Encoding | None) -> bool:
        # Many ASCII characters are also the second half of one in GB18030: there quotes may not be where they seem.
        return self.delimiter[0] < _TRAILING or (encoding or UTF8).codec not in ("gb18030", "gbk")


class Cutter:
    """The pieces of an open file, in order; when all are given, the whole file was read, and hashed if it is to be.

    `encoding` is what has been decided so far. Memory holds one chunk.
    """

    def __init__(self, file: StableFile, size: int, forced: Encoding | None) -> None:
        self.encoding = forced
        self._file = file
        self._left = size
        self._stamp = file.stamp
        self._undecided = False

    def pieces(self, borders: Callable[[bytes, Encoding | None], Borders], first: int,
               largest: int = MOST) -> Iterator[Piece]:
        """The pieces. The first has at least `first` bytes, which `borders` is told, and their encoding."""
        head = read_fully(self._file, max(first, SAMPLE))
        self._begin(head)
        self._note(head, 0)
        chosen, width = borders(head[:first], self.encoding), self._width()
        start = last = 0
        wanted = max(first, self._wanted(largest))
        position = len(self.encoding.mark) if self.encoding else 0
        step = max(4, min(_CHUNK, largest) & ~3)
        while chunk := self._next(position, step):
            if width and not self._undecided and (
                    end := chosen.last(_narrowed(chunk, width, self.encoding)) * width):
                last = position + end
            position += len(chunk)
            if last - start >= wanted and chosen.confirm(self._tail(start, last, width), self.encoding):
                yield Piece(start, last, self.encoding, self._stamp)
                self._left -= last - start
                start, wanted = last, self._wanted(largest)
        if position > start:
            yield Piece(start, None, self.encoding, self._stamp)

    def _wanted(self, largest: int) -> int:
        return max(min(LEAST, largest), min(largest, self._left // SHARE))

    def _next(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        chunk = read_fully(self._file, size)
        self._note(chunk, position)
        return chunk

    def _begin(self, head: bytes) -> None:
        """As `TextReader` begins: the mark, or the zeros of UTF-16."""
        marked = from_mark(head)
        if self.encoding is None:
            self.encoding = marked or from_zeros(head[:SAMPLE])
        else:
            same = marked is not None and marked.codec == self.encoding.codec
            self.encoding = Encoding(self.encoding.codec, marked.mark if marked and same else b"")

    def _note(self, chunk: bytes, position: int) -> None:
        """Decide the encoding at the first byte that is not ASCII, as `TextReader` does."""
        if self.encoding is not None or self._undecided or chunk.isascii():
            return
        found = _HIGH.search(chunk)
        begin = max(0, position + (found.start() if found else 0) - 1)
        self._file.seek(begin)
        self.encoding = decide(read_fully(self._file, SAMPLE))
        self._undecided = self.encoding is None

    def _width(self) -> int:
        """Bytes of a line end; 0 where the file cannot be cut."""
        return _WIDTHS.get((self.encoding or UTF8).codec, 0)

    def _tail(self, start: int, end: int, width: int) -> bytes:
        begin = max(start, end - _PEM_MAX * width)
        self._file.seek(begin)
        return _narrowed(read_fully(self._file, end - begin), width, self.encoding)


def _narrowed(chunk: bytes, width: int, encoding: Encoding | None) -> bytes:
    """One byte for each unit of UTF-16 or UTF-32; what is not ASCII becomes 0xFF."""
    if width == 1:
        return chunk
    order = ">" if (encoding or UTF8).codec.endswith("be") else "<"
    units = np.frombuffer(chunk[: len(chunk) // width * width], f"{order}u{width}")
    return bytes(np.minimum(units, 0xFF).astype(np.uint8))


Search = Callable[[bytes, bytes, int], tuple[int, int]]


def _search() -> Search:
    return _search_compiled if compiled.is_available() else search_plainly


def _search_compiled(chunk: bytes, delimiter: bytes, state: int) -> tuple[int, int]:
    from guard.sources.record_loop import last_record_end

    end, after = last_record_end(np.frombuffer(chunk, np.uint8), delimiter[0], state)
    return int(end), int(after)


def search_plainly(chunk: bytes, delimiter: bytes, state: int) -> tuple[int, int]:
    """As `record_loop.last_record_end`, for systems without the compiler: from quote to quote."""
    end, position = 0, 0
    separators = (delimiter[0], *b"\r\n")
    while True:
        quote = chunk.find(b'"', position)
        if state >= 2:
            if state == 3 and quote != position:
                if position >= len(chunk):
                    return end, state
                state = 1
                continue
            if quote < 0:
                return end, 2
            state, position = 2 if state == 3 else 3, quote + 1
            continue
        stop = len(chunk) if quote < 0 else quote
        end = max(end, chunk.rfind(b"\n", position, stop) + 1)
        if stop > position:
            state = int(chunk[stop - 1] not in separators)
        if quote < 0:
            return end, state
        state, position = (2 if state == 0 else 1), quote + 1


class _Range:
    """The next `left` bytes of a file."""

    def __init__(self, file: StableFile, left: int) -> None:
        self._file = file
        self._left = left

    def read(self, size: int, /) -> bytes:
        data = read_fully(cast(BinaryIO, self._file), min(size, self._left))
        self._left -= len(data)
        return data

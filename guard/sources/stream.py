"""What readers of text streams share: opening, decoding, cutting at line ends, the digest, writing back."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple

from guard.batch import Batch, Edited, Editor
from guard.errors import OutputError, SourceError
from guard.model import Labels, Reason, Skipped
from guard.sources.cutting import MOST, Borders, Cutter, Extent, LineBorders, Piece
from guard.sources.document import Document, Options
from guard.sources.encoding import UTF8, DecodingError, Encoding, TextReader, count_line_ends, named
from guard.sources.stable import Opener, StableFile

_SHORT = 1 << 12
"""Bytes in which Python's own search for line ends is done before NumPy has begun."""


class Place(NamedTuple):
    """Where a block begins in its text: line from 1, byte offset of the UTF-8 form, code points of its first line that
    earlier blocks hold."""

    line: int = 1
    offset: int = 0
    column: int = 0

    def after(self, text: bytes) -> Place:
        """The place right behind `text`."""
        ends = count_line_ends(text)
        column = (0 if ends else self.column) + _code_points(text[line_start(text, len(text)) :])
        return Place(self.line + ends, self.offset + len(text), column)

    def locate(self, text: bytes, start: int) -> tuple[int, int]:
        """Line and column (code points from 1) of the byte `start` of the block `text`."""
        before, column = _BEFORE.of(text, start)
        return self.line + before, column + (0 if before else self.column) + 1


START = Place()


def line_start(text: bytes, position: int) -> int:
    """Where the line that holds `position` begins."""
    start = text.rfind(b"\n", 0, position) + 1
    return max(start, text.rfind(b"\r", start, position) + 1)


class _Before(threading.local):
    """What stands before a place in the block that this thread asked about last: many places of one block are asked for
    in a row, mostly in order, so that every byte is looked at once. Blocks are told apart by identity, as to compare
    them takes longer than to look."""

    def __init__(self) -> None:
        self._text = b""
        self._begin = self._count = self._place = self._column = 0
        self._has_returns = False

    def of(self, text: bytes, place: int) -> tuple[int, int]:
        """How many lines end in a block before this place, and how many code points of its own line stand there."""
        if text is not self._text:
            self._text, self._has_returns = text, b"\r" in text
            self._begin = self._count = self._place = self._column = 0
        elif place < self._begin:
            self._begin = self._count = 0
        if not self._begin <= self._place <= place:
            self._place, self._column = self._begin, 0
        self._move_to_line(text, place)
        self._column += _code_points(text[self._place : place])
        self._place = place
        return self._count, self._column

    def _move_to_line(self, text: bytes, place: int) -> None:
        """There is no line end between the beginning of the line and the last place."""
        begin = max(self._begin, text.rfind(b"\n", self._place, place) + 1)
        if self._has_returns:
            begin = max(begin, _behind_return(text, max(begin, self._place), place))
        if begin == self._begin:
            return
        if begin - self._begin < _SHORT and not self._has_returns:
            self._count += text.count(b"\n", self._begin, begin)
        else:
            self._count += count_line_ends(text[self._begin : begin])
        self._begin, self._place, self._column = begin, begin, 0


def _behind_return(text: bytes, start: int, place: int) -> int:
    """The byte behind the last CR between two bytes that is a line end by itself, 0 for none."""
    found = text.rfind(b"\r", start, place)
    if found >= 0 and text.startswith(b"\n", found + 1):
        found = text.rfind(b"\r", start, found)
    return found + 1


_BEFORE = _Before()


def _code_points(text: bytes) -> int:
    return len(text.decode("utf-8", "replace"))


class Sink:
    """Writes UTF-8 text to a binary file in the encoding of the input. Raises OutputError."""

    def __init__(self, out: BinaryIO, encoding: Encoding) -> None:
        self._out = out
        self._encoding = encoding
        self._put(encoding.mark)

    def write(self, text: bytes) -> None:
        self._put(self._encoding.encode(text))

    def _put(self, data: bytes) -> None:
        try:
            self._out.write(data)
        except OSError as error:
            raise OutputError.of(error) from None


class StreamDocument(Document):
    """A document read as a stream of text, in constant memory. Subclasses give the batches and their rewriting.

    `can_be_cut` tells those whose pieces can be read one without the other. Without an `output` the name is that path.
    """

    can_be_cut = False
    extent = Extent()
    """How far the piece goes that was read last."""
    _decided: Encoding | None = None

    def __init__(self, name: str, output: PurePosixPath | None, opener: Opener, size: int, options: Options,
                 labels: Labels) -> None:
        self.name = name
        if output is not None:
            self.output = output
        self.size = size
        self._opener = opener
        self._options = options
        self._labels = labels
        self._forced = named(options.encoding) if options.encoding else None

    @abstractmethod
    def _batches(self, reader: TextReader) -> Iterator[Batch | Skipped]:
        """The batches of the whole text; lines that did not decode are added by the caller."""

    @abstractmethod
    def _rewrite(self, reader: TextReader, sink: Sink, editor: Editor) -> Edited:
        """Write the changed text. A record that does not parse raises SourceError."""

    def pieces(self, largest: int = MOST) -> Iterator[Piece | Skipped]:
        """The document in pieces of at most about `largest` bytes; afterwards encoding and digest are there.

        Together they hold all that `read` gives, but not block for block: a block ends with its piece.
        """
        try:
            with self._opened() as file:
                cutter = Cutter(file, self.size, self._forced)
                yield from cutter.pieces(self._borders, self._least_piece(), largest)
                self._decided = cutter.encoding or UTF8
                self.encoding = self._decided.name
                self.digest = file.digest
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield skipped(self.name, error)
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def read_piece(self, piece: Piece) -> Iterator[Batch | Skipped]:
        """The batches of a piece, with lines, rows and offsets of its own; afterwards `extent` says how far it goes."""
        self.extent, rows = Extent(), 0
        try:
            with StableFile.wrap(self._opener(), hashed=False) as file:
                if file.stamp != piece.stamp:
                    yield Skipped(self.name, Reason.CHANGED)
                    return
                reader = TextReader(piece.opened(file), piece.encoding, resumed=piece.start > 0)
                for batch in self._later_batches(file, piece, reader) if piece.start else self._batches(reader):
                    yield from self._bad_lines(reader)
                    yield batch
                    rows += 0 if isinstance(batch, Skipped) or batch.is_text else batch.rows
                yield from self._bad_lines(reader)
                self.extent = self._extent(reader, rows)
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield skipped(self.name, error)
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def _opened(self) -> StableFile:
        return StableFile.wrap(self._opener(), hashed=self._options.hashed)

    def _extent(self, reader: TextReader, rows: int) -> Extent:
        """What a piece holds that was read to its end."""
        return Extent(reader.lines, reader.size, rows)

    def _borders(self, head: bytes, encoding: Encoding | None) -> Borders:
        """Where the document may be cut; `head` are its first `_least_piece` bytes."""
        return LineBorders()

    def _least_piece(self) -> int:
        """How many bytes the first piece must have."""
        return 0

    def _later_batches(self, file: StableFile, piece: Piece, reader: TextReader) -> Iterator[Batch | Skipped]:
        """The batches of a piece that does not begin the document; `reader` reads it, `file` is all of it."""
        return self._batches(reader)

    def read(self) -> Iterator[Batch | Skipped]:
        try:
            with self._opened() as file:
                reader = TextReader(file, self._forced)
                empty = True
                for batch in self._batches(reader):
                    yield from self._bad_lines(reader)
                    yield batch
                    empty = False
                if empty:
                    yield Skipped(self.name, Reason.EMPTY)
                yield from self._bad_lines(reader)
                self.encoding = reader.encoding_name
                self._decided = reader.encoding or UTF8
                self.digest = file.digest
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield skipped(self.name, error)
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        try:
            encoding = self._decided or self._find_encoding()
            with StableFile.wrap(self._opener()) as file:
                reader = TextReader(file, encoding, strict=True)
                edited = self._rewrite(reader, Sink(out, encoding), editor)
                self.encoding = reader.encoding_name
                self.digest = file.digest
                if file.changed():
                    raise SourceError("an input changed while it was read", reason=Reason.CHANGED)
        except OSError as error:
            raise SourceError(f"an input cannot be read ({error.strerror})") from None
        return edited

    def _find_encoding(self) -> Encoding:
        """A new value may be the first that is not ASCII, so the encoding must be known before the first block."""
        with StableFile.wrap(self._opener()) as file:
            reader = TextReader(file, self._forced)
            while reader.read(self._options.block) and reader.encoding is None:
                pass
            return reader.encoding or UTF8

    def _bad_lines(self, reader: TextReader) -> Iterator[Skipped]:
        for line in reader.take_bad_lines():
            yield Skipped(self.name, Reason.UNDECODABLE, line=line)


def skipped(dataset: str, error: SourceError) -> Skipped:
    """The error as a value. Its message holds no scanned value, by the rule for all errors of Guard."""
    reason = Reason(error.reason) if error.reason in set(Reason) else Reason.UNREADABLE
    return Skipped(dataset, reason, line=error.line if isinstance(error, DecodingError) else None)

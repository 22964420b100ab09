"""What readers of text streams share: opening, decoding, cutting at line ends, the digest, writing back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from guard.batch import Batch, Edited, Editor
from guard.errors import OutputError, SourceError
from guard.model import Labels, Reason, Skipped
from guard.sources.document import Document, Options
from guard.sources.encoding import UTF8, DecodingError, Encoding, TextReader, count_line_ends, named
from guard.sources.stable import Opener, StableFile


@dataclass(frozen=True, slots=True)
class Place:
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
        begin = line_start(text, start)
        held = self.column if begin == 0 else 0
        return self.line + count_line_ends(text[:begin]), held + _code_points(text[begin:start]) + 1


START = Place()


def line_start(text: bytes, position: int) -> int:
    """Where the line that holds `position` begins."""
    return max(text.rfind(b"\n", 0, position), text.rfind(b"\r", 0, position)) + 1


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
    """A document read as a stream of text, in constant memory. Subclasses give the batches and their rewriting."""

    def __init__(self, name: str, output: PurePosixPath, opener: Opener, size: int, options: Options,
                 labels: Labels) -> None:
        self.name = name
        self.output = output
        self.size = size
        self._opener = opener
        self._options = options
        self._labels = labels
        self._forced = named(options.encoding) if options.encoding else None
        self._decided: Encoding | None = None

    @abstractmethod
    def _batches(self, reader: TextReader) -> Iterator[Batch | Skipped]:
        """The batches of the whole text; lines that did not decode are added by the caller."""

    @abstractmethod
    def _rewrite(self, reader: TextReader, sink: Sink, editor: Editor) -> Edited:
        """Write the changed text. A record that does not parse raises SourceError."""

    def read(self) -> Iterator[Batch | Skipped]:
        try:
            with StableFile.wrap(self._opener()) as file:
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

"""Plain text, logs, source code: blocks of whole lines, scanned as one field `text`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guard.batch import Batch, Edited, Editor
from guard.model import Location, Skipped
from guard.sources.cutting import Borders, LineBorders
from guard.sources.document import Options
from guard.sources.encoding import Encoding, TextReader, count_line_ends, is_plain_utf8
from guard.sources.splice import as_binary, splice
from guard.sources.stream import START, Place, Sink, StreamDocument, line_start
from guard.utf8 import known_utf8

TEXT_FIELD = "text"
BLOCKS = 2
"""Blocks of the options that are one batch: what is done once for each batch would be a tenth of the time of one."""
REST = 8
"""Less than this part of a block is no block of its own: what is left at the end of a piece."""
LONG_LINE = 2
"""A line longer than this many blocks (4 MB) is cut inside, so that a file without line ends needs no more memory."""

_PEM_MAX = 1 << 16
_SEARCHED = 1 << 12
_SAFE = b" \t,;|&<>\"'(){}[]"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextBatch(Batch):
    """A piece of text. `place` is where it begins in its dataset."""

    place: Place = START

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        line, code_point = self.place.locate(self.data, start)
        return Location(self.dataset, TEXT_FIELD, line, code_point, self.place.offset + start, end - start)


def is_whole_text(content: bytes, options: Options) -> bool:
    """Whether `TextDocument.read` gives all of a small file as one batch of the same bytes: UTF-8 that nobody called
    otherwise."""
    return not options.encoding and 0 < len(content) <= options.block and is_plain_utf8(content)


def whole_text(name: str, content: bytes, options: Options) -> TextBatch:
    """That batch."""
    return TextBatch(name, count_lines(content), content, is_source=options.source_tree)


def count_lines(text: bytes) -> int:
    """How many lines a text has that is not empty."""
    return count_line_ends(text) + (not text.endswith((b"\n", b"\r")))


class TextDocument(StreamDocument):
    """A text file of any kind."""

    format = "text"
    can_be_cut = True

    def _batches(self, reader: TextReader) -> Iterator[Batch | Skipped]:
        place = START
        for block in cut_blocks(reader, BLOCKS * self._options.block):
            after = place.after(block)
            # A line counts where it begins: a cut inside a long line must not count it twice.
            rows = (place.column == 0) + after.line - place.line - (after.column == 0)
            yield TextBatch(self.name, rows, block, is_source=self._options.source_tree, place=place)
            place = after

    def _borders(self, head: bytes, encoding: Encoding | None) -> Borders:
        return LineBorders(keeps_blocks=True)

    def _rewrite(self, reader: TextReader, sink: Sink, editor: Editor) -> Edited:
        replaced = rows = 0
        for batch in self._batches(reader):
            assert isinstance(batch, TextBatch)
            changed, count = edit_text(batch, editor)
            sink.write(changed)
            replaced += count
            rows += batch.rows
        return Edited(replaced=replaced, rows=rows)


def edit_text(batch: Batch, editor: Editor) -> tuple[bytes, int]:
    """The text of the batch after the editor's spans, and how many there were."""
    spans = editor.edit(batch).spans
    if spans is None or not len(spans.starts):
        return batch.data, 0
    return splice(batch.data, spans.starts, spans.ends, as_binary(spans.values)), len(spans.starts)


def cut_blocks(reader: TextReader, size: int) -> Iterator[bytes]:
    """Blocks of about `size` bytes cut at line ends; joined they are the text."""
    # With what would be no block of its own: a piece of this size is then one read, and its text is not copied again.
    held = reader.read(size + size // REST)
    while fresh := reader.read(size):
        if len(fresh) < size // REST:
            held += fresh
            continue
        if cut := _block_end(held, size):
            yield known_utf8(held[:cut])
        held = held[cut:] + fresh
    if held:
        yield known_utf8(held)


def _block_end(text: bytes, size: int) -> int:
    """Where to cut `text` when more may follow: 0 for nowhere yet."""
    # The last byte may be the CR of a CRLF, so a CR there is no line end yet.
    end = max(text.rfind(b"\n"), text.rfind(b"\r", 0, len(text) - 1)) + 1
    if end:
        return _before_open_pem(text, end)
    return safe_end(text) if len(text) >= LONG_LINE * size else 0


def _before_open_pem(text: bytes, end: int) -> int:
    """The beginning of the line where a PEM block begins that does not end before `end`, else `end`."""
    begin = text.rfind(b"-----BEGIN", max(0, end - _PEM_MAX), end)
    if begin < 0 or text.find(b"-----END", begin, end) >= 0:
        return end
    start = line_start(text, begin)
    return start if start or len(text) < _PEM_MAX else end


def safe_end(text: bytes) -> int:
    """A cut inside a long line: behind the last ASCII space or bracket near the end, else at the end."""
    begin = max(0, len(text) - _SEARCHED)
    end = 1 + max(text.rfind(byte, begin) for byte in _SAFE)
    return end or len(text) - text.endswith(b"\r")

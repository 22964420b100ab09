"""What we read, and write again."""

from guard.sources.cutting import MOST, Extent, Piece
from guard.sources.document import Document, Options, Recipe
from guard.sources.files import discover, is_versioned, open_stream, open_table, reopen
from guard.sources.formats import FORMATS, open_document
from guard.sources.stable import Opener, StableFile
from guard.sources.stream import StreamDocument
from guard.sources.text import count_lines, is_whole_text, whole_text

__all__ = [
    "FORMATS", "MOST", "Document", "Extent", "Opener", "Options", "Piece", "Recipe", "StableFile", "StreamDocument",
    "count_lines", "discover", "is_versioned", "is_whole_text", "open_document", "open_stream", "open_table", "reopen",
    "whole_text",
]

"""What we read, and write again."""

from guard.sources.cutting import MOST, Extent, Piece
from guard.sources.document import Document, Options, Recipe
from guard.sources.files import discover, is_versioned, open_stream, open_table, reopen
from guard.sources.formats import FORMATS, open_document
from guard.sources.stable import Opener, StableFile
from guard.sources.stream import StreamDocument
from guard.sources.text import whole_text

__all__ = [
    "FORMATS", "MOST", "Document", "Extent", "Opener", "Options", "Piece", "Recipe", "StableFile", "StreamDocument",
    "discover", "is_versioned", "open_document", "open_stream", "open_table", "reopen", "whole_text",
]

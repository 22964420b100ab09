"""What we read, and write again."""

from guard.sources.document import Document, Options
from guard.sources.files import discover, open_stream, open_table
from guard.sources.formats import FORMATS, open_document
from guard.sources.stable import Opener, StableFile

__all__ = [
    "FORMATS", "Document", "Opener", "Options", "StableFile", "discover", "open_document", "open_stream", "open_table",
]

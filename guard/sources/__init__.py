"""What we read, and write again."""

from guard.sources.document import Document, Options
from guard.sources.formats import open_document
from guard.sources.stable import Opener, StableFile

__all__ = ["Document", "Opener", "Options", "StableFile", "open_document"]

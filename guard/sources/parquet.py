"""Parquet files, in batches of rows. What is written is new: no foreign metadata, no dictionaries carried over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from guard.batch import Batch, Edited, Editor
from guard.errors import SourceError
from guard.model import Labels, Reason, Skipped
from guard.sources.arrow import BATCH_ROWS, brings_much, read_batches
from guard.sources.document import Document, Options
from guard.sources.stable import Opener, StableFile

_ENCRYPTED_MAGIC = b"PARE"
_REPEATED = 8
"""Bytes a row below which a column of strings is read as a dictionary: others have hardly any value twice."""
_LARGE = 1 << 18
"""Bytes of a dictionary in the file that is too much to bring with each batch."""
_CODECS = {"SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"}


class ParquetDocument(Document):
    """A Parquet file. Memory holds one batch of rows and what the file's own row groups and pages ask for."""

    format = "parquet"

    def __init__(self, name: str, output: PurePosixPath, opener: Opener, size: int, options: Options,
                 labels: Labels) -> None:
        self.name = name
        self.output = output
        self.size = size
        self._opener = opener
        self._hashed = options.hashed
        self._labels = labels

    def read(self) -> Iterator[Batch | Skipped]:
        try:
            with StableFile.wrap(self._opener(), hashed=self._hashed) as file:
                yield from read_batches(self.name, *_open(file, keep_dictionaries=True), self._labels)
                self.digest = file.digest
                if file.changed():
                    yield Skipped(self.name, Reason.CHANGED)
        except SourceError as error:
            yield Skipped(self.name, Reason(error.reason))
        except OSError:
            yield Skipped(self.name, Reason.UNREADABLE)

    def rewrite(self, out: BinaryIO, editor: Editor) -> Edited:
        from guard.sources.arrow_edits import write_edited

        try:
            with StableFile.wrap(self._opener()) as file:
                _, codec = _metadata(file)
                edited = write_edited(self.name, lambda: _open(file), self._labels, out, editor, compression=codec)
                self.digest = file.digest
                if file.changed():
                    raise SourceError("an input changed while it was read", reason=Reason.CHANGED)
        except OSError as error:
            raise SourceError(f"an input cannot be read ({error.strerror})") from None
        return edited


def _open(file: StableFile, *, keep_dictionaries: bool = False) -> tuple[Any, Iterator[Any]]:
    """Schema and record batches. Raises SourceError, now and while the batches are read."""
    parquet, _ = _metadata(file)
    if keep_dictionaries and (repeating := _repeating(parquet.metadata)):
        return parquet.schema_arrow, _batches_with_dictionaries(file, repeating)
    return parquet.schema_arrow, _batches(parquet)


def _batches_with_dictionaries(file: StableFile, repeating: Sequence[str]) -> Iterator[Any]:
    """The batches with some columns as dictionaries, up to one that brings much of it: what the file says of their
    sizes need not be true, and the library copies a dictionary for each batch. From there on without."""
    done = 0
    for batch in _batches(_metadata(file, repeating)[0]):
        if any(brings_much(column, BATCH_ROWS) for column in batch.columns):
            break
        yield batch
        done += batch.num_rows
    else:
        return
    for batch in _batches(_metadata(file)[0]):
        if batch.num_rows > done:
            yield batch.slice(done)
        done = max(0, done - batch.num_rows)


def _repeating(metadata: Any) -> list[str]:
    """The columns of strings that the file keeps as a small dictionary and numbers, as far as their size tells."""
    sizes, large, columns = dict[str, int](), set[str](), metadata.schema.names
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        for place in range(chunks.num_columns):
            chunk = chunks.column(place)
            if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page:
                sizes[chunk.path_in_schema] = sizes.get(chunk.path_in_schema, 0) + chunk.total_uncompressed_size
                if chunk.data_page_offset - chunk.dictionary_page_offset > _LARGE:
                    large.add(chunk.path_in_schema)
    return [name for name in columns if name not in large and name in sizes
            and sizes[name] < _REPEATED * metadata.num_rows]


def _metadata(file: StableFile, repeating: Sequence[str] = ()) -> tuple[Any, str]:
    """The opened file, which gives the `repeating` columns as dictionaries, and the compression of its first column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_magic(file)
    try:
        parquet = pq.ParquetFile(pa.PythonFile(file, "r"), pre_buffer=False, page_checksum_verification=True,
                                 read_dictionary=list(repeating))
        metadata = parquet.metadata
        has_data = metadata.num_row_groups and metadata.num_columns
        codec = metadata.row_group(0).column(0).compression if has_data else "SNAPPY"
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _failure(error) from None
    return parquet, codec.lower() if codec in _CODECS else "none"


def _check_magic(file: StableFile) -> None:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - 4))
    if file.read(4) == _ENCRYPTED_MAGIC:
        raise SourceError("a Parquet file is encrypted", reason=Reason.ENCRYPTED)
    file.seek(0)


def _batches(parquet: Any) -> Iterator[Any]:
    import pyarrow as pa

    try:
        yield from parquet.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _failure(error) from None


def _failure(error: Exception) -> SourceError:
    """The reason behind an error of the Parquet library; its text may show values, so it goes no further."""
    if "encrypt" in str(error) or "decrypt" in str(error):
        return SourceError("a Parquet file is encrypted", reason=Reason.ENCRYPTED)
    return SourceError("a Parquet file is corrupt", reason=Reason.CORRUPT)

"""Finding documents: folders, links, special files, names that are findings, standard input."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import io
import os
import socket
import sys
import time
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.batch import Batch, Edits
from guard.errors import SourceError, UsageError
from guard.model import PlainLabels, Reason, Skipped
from guard.sources import Document, Options, StableFile, discover, open_document, open_stream, open_table
from guard.sources.stable import peek


class HidingLabels:
    """Withholds every name with a digit run, as a scanner would one with a phone number."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        self.seen.append((raw, dataset))
        return fallback if "138" in raw else raw


class Unchanged:
    def drops(self, dataset: str, field: str) -> bool:
        return False

    def edit(self, batch: Batch) -> Edits:
        return Edits()


def found(path: Path, **options: str) -> dict[str, str]:
    """Shown name: format, or the reason of a skip."""
    items = discover(path, Options(**options), PlainLabels())  # type: ignore[arg-type]
    return {item.name if isinstance(item, Document) else item.dataset:
            item.format if isinstance(item, Document) else str(item.reason) for item in items}


def only(path: Path, *, hashed: bool = True) -> Document:
    item = next(iter(discover(path, Options(hashed=hashed), PlainLabels())))
    assert isinstance(item, Document)
    return item


def test_a_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    for name in ("b.log", "a/z.csv", "a/.hidden.txt", ".git/config.txt", "c/d/e/f.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"a": 1}\n')
    items = list(discover(tmp_path, Options(), PlainLabels()))
    assert all(isinstance(item, Document) for item in items)
    assert list(found(tmp_path)) == [".git/config.txt", "a/.hidden.txt", "a/z.csv", "b.log", "c/d/e/f.json"]


def test_one_file_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    document = only(tmp_path / "a.log")
    assert (document.name, document.output, document.size) == ("a.log", PurePosixPath("a.log"), 2)


def test_a_missing_path_is_a_usage_error_without_the_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        discover(tmp_path / "13800138000.csv", Options(), PlainLabels())
    assert "138" not in str(caught.value) + caught.value.hint


def test_links_are_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "source"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("x\n")
    (inside / "out").symlink_to(tmp_path / "secret.txt")
    (inside / "up").symlink_to(tmp_path)
    (inside / "loop").symlink_to(inside)
    (inside / "self").symlink_to(inside / "self")
    (inside / "gone").symlink_to(tmp_path / "nothing")
    assert set(found(inside).values()) == {str(Reason.SYMLINK)}
    assert len(found(inside)) == 5


def test_a_link_that_is_named_is_the_source_and_a_loop_is_none(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x\n")
    (tmp_path / "named.csv").symlink_to(tmp_path / "data.csv")
    assert list(found(tmp_path / "named.csv")) == ["named.csv"]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError):
        discover(tmp_path / "loop", Options(), PlainLabels())


def test_special_files_are_skipped_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        begin = time.monotonic()
        assert found(tmp_path) == {"pipe": str(Reason.SPECIAL), "socket": str(Reason.SPECIAL)}
        assert time.monotonic() - begin < 2
    assert found(Path("/dev/zero")) == {"zero": str(Reason.SPECIAL)}


def test_a_pipe_put_there_after_the_listing_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    document = only(tmp_path / "a.log")
    (tmp_path / "a.log").unlink()
    os.mkfifo(tmp_path / "a.log")
    assert list(document.read()) == [Skipped("a.log", Reason.SPECIAL)]


def test_a_link_put_there_after_the_listing_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret\n")
    (tmp_path / "a.log").write_text("x\n")
    document = only(tmp_path / "a.log")
    (tmp_path / "a.log").unlink()
    (tmp_path / "a.log").symlink_to(tmp_path / "secret.txt")
    assert list(document.read()) == [Skipped("a.log", Reason.SYMLINK)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    (tmp_path / "a.log").chmod(0)
    (tmp_path / "folder").mkdir(mode=0)
    assert found(tmp_path) == {"a.log": str(Reason.UNREADABLE), "folder": str(Reason.UNREADABLE)}


def test_a_file_that_is_gone_when_it_is_read_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x\n")
    document = only(tmp_path / "a.log")
    (tmp_path / "a.log").unlink()
    assert list(document.read()) == [Skipped("a.log", Reason.UNREADABLE)]


def test_folders_may_be_nested_deeper_than_calls(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["d"] * 400)
    folder.mkdir(parents=True)
    (folder / "x.log").write_text("x\n")
    limit, here = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(here + 200)
    try:
        assert found(tmp_path) == {"d/" * 400 + "x.log": "text"}
    finally:
        sys.setrecursionlimit(limit)


def test_names_pass_the_labels_part_by_part(tmp_path: Path) -> None:
    labels = HidingLabels()
    folder = tmp_path / "13800138000"
    folder.mkdir()
    (folder / "plain.csv").write_text("x\n")
    (folder / "张三13800138000.csv").write_text("x\n")
    items = list(discover(tmp_path, Options(), labels))
    outputs = [str(item.output) for item in items if isinstance(item, Document)]
    assert outputs == ["folder 1/plain.csv", "folder 1/file 2.csv"]
    assert "138" not in repr([item.name for item in items if isinstance(item, Document)])
    assert ("plain.csv", "folder 1/file 1.csv") in labels.seen


def test_a_withheld_name_never_meets_another(tmp_path: Path) -> None:
    for name in ("13800138000.csv", "file 1.csv", "file 1-.csv"):
        (tmp_path / name).write_text("x\n")
    items = list(discover(tmp_path, Options(), HidingLabels()))
    outputs = [str(item.output) for item in items if isinstance(item, Document)]
    assert sorted(outputs) == ["file 1--.csv", "file 1-.csv", "file 1.csv"]


def test_names_that_are_no_utf8_are_called_by_number(tmp_path: Path) -> None:
    for raw in (b"\xd0\xd5.txt", b"\xd0\xd6.txt"):
        (tmp_path / os.fsdecode(raw)).write_text("x\n")
    assert list(found(tmp_path)) == ["file 1.txt", "file 2.txt"]


def test_an_empty_file_and_one_of_nothing_but_a_mark_are_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf")
    assert found(tmp_path)["a.csv"] == str(Reason.EMPTY)
    assert list(only(tmp_path / "b.csv").read()) == [Skipped("b.csv", Reason.EMPTY)]


# -- stability -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["a.csv", "a.log"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("a,b\n1,2\n")
    items = only(path).read()
    next(items)
    with path.open("a") as file:
        file.write("3,4\n")
    assert list(items)[-1] == Skipped(name, Reason.CHANGED)


def test_a_file_that_changes_while_it_is_rewritten_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("a\n")

    class Touching(Unchanged):
        def edit(self, batch: Batch) -> Edits:
            path.write_text("bcd\n")
            return Edits()

    with pytest.raises(SourceError) as caught:
        only(path).rewrite(io.BytesIO(), Touching())
    assert caught.value.reason == Reason.CHANGED


def test_the_digest_is_that_of_the_file_read_or_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("姓名,电话\n张三,13800138000\n".encode("gbk"))
    expected = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    document = only(path)
    list(document.read())
    assert document.digest == expected
    document.digest = ""
    document.rewrite(io.BytesIO(), Unchanged())
    assert document.digest == expected


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_where_no_digest_is_wanted_there_is_none_and_all_is_read(tmp_path: Path, name: str) -> None:
    content = b"name,phone\nLi,13800138000\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    hashed, unhashed = only(path), only(path, hashed=False)
    read = [[(item.rows, item.data) for item in document.read() if isinstance(item, Batch)]
            for document in (hashed, unhashed)]
    assert read[0] == read[1] != []
    assert hashed.digest.startswith("sha256:")
    assert unhashed.digest == ""


def test_a_file_read_at_random_has_the_digest_of_all_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 100)
    with StableFile.open(path) as file:
        file.seek(-10, os.SEEK_END)
        assert file.read(4) == bytes(range(246, 250))
        file.seek(100)
        file.read(300)
        assert file.digest == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        assert not file.changed()
        os.utime(path, ns=(1, 1))
        assert file.changed()


def test_documents_hold_no_file_open_before_they_are_read(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.log").write_text("x\n")
    before = len(list(Path("/dev/fd").iterdir()))
    items = list(discover(tmp_path, Options(), PlainLabels()))
    assert len(items) == 300
    assert len(list(Path("/dev/fd").iterdir())) == before


# -- standard input ------------------------------------------------------------------------------------------------

class Pipe(io.RawIOBase):
    """A stream that cannot seek and gives what it has in small pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self._data.read(min(size, 1000) if size is not None and size >= 0 else -1)


def piped(data: bytes, **options: object) -> Document | Skipped:
    return open_stream(Pipe(data), Options(**options), PlainLabels())  # type: ignore[arg-type]


def test_standard_input_is_read_once() -> None:
    data = "姓名,电话\n".encode() + "张三,13800138000\n".encode() * 40_000
    document = piped(data, as_format="csv")
    assert isinstance(document, Document)
    assert not document.rereadable
    assert sum(item.rows for item in document.read() if isinstance(item, Batch)) == 40_000
    assert document.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    again = list(document.read())
    assert [item.reason for item in again if isinstance(item, Skipped)] == [Reason.UNREADABLE]
    assert len(again) == 1


@pytest.mark.parametrize(("data", "expected"), [
    (b"", Reason.EMPTY), (b"%PDF-1.4", Reason.UNSUPPORTED), (b"\0\1\2" * 9, Reason.BINARY),
])
def test_standard_input_that_cannot_be_read_is_skipped(data: bytes, expected: Reason) -> None:
    item = piped(data)
    assert isinstance(item, Skipped)
    assert (item.dataset, item.reason) == ("-", expected)


def test_a_format_read_at_random_comes_into_memory_up_to_its_limit() -> None:
    data = b'{"a": "' + b"x" * 100_000 + b'"}'
    document = piped(data, max_document=50_000)
    assert isinstance(document, Document)
    assert [item.reason for item in document.read() if isinstance(item, Skipped)] == [Reason.TOO_LARGE]
    whole = piped(data)
    assert isinstance(whole, Document)
    assert [item.rows for item in whole.read() if isinstance(item, Batch)] != []


def test_an_opener_that_fails_is_skipped_with_its_reason() -> None:
    def opener() -> BinaryIO:
        raise SourceError("expands too much", reason=Reason.BOMB)

    item = open_document("a.zip!b", PurePosixPath("b"), opener, -1, Options(), PlainLabels(), depth=1)
    assert item == Skipped("a.zip!b", Reason.BOMB)


def test_a_table_in_memory_is_a_document() -> None:
    import pyarrow as pa

    document = open_table(pa.table({"姓名": ["张三", "李四"]}), PlainLabels(), "people")
    batches = [item for item in document.read() if isinstance(item, Batch)]
    assert [(item.dataset, item.rows, item.columns[0].value(1).decode()) for item in batches] == [("people", 2, "李四")]


# -- any bytes -----------------------------------------------------------------------------------------------------

SEEDS = [
    "姓名,电话\n张三,13800138000\n".encode() * 4, "姓名,电话\r\n张三,13800138000\r\n".encode("gbk") * 4,
    "a\tb\n".encode("utf-16") * 4, b'"x","y""z"\n' * 4, "café déjà\n".encode("cp1252"), bytes(range(256)),
    b"\r\n\r", b'"',
]


@settings(max_examples=400, deadline=None)
@given(parts=st.lists(st.one_of(st.sampled_from(SEEDS), st.binary(max_size=6)), max_size=5), cut=st.integers(0, 200),
       suffix=st.sampled_from([".csv", ".tsv", ".log", ""]), block=st.sampled_from([16, 64, 1 << 20]))
def test_any_bytes_are_read_and_written_back_as_they_were_or_said_not_to_be(
        parts: list[bytes], cut: int, suffix: str, block: int) -> None:
    data = b"".join(parts)[:cut]
    document = open_document("f", PurePosixPath("f" + suffix), lambda: io.BytesIO(data), len(data),
                             Options(block=block), PlainLabels())
    if isinstance(document, Skipped) or document.format not in ("csv", "tsv", "text"):
        return
    items = list(document.read())
    skipped = {item.reason for item in items if isinstance(item, Skipped)} - {Reason.EMPTY}
    for item in items:
        if isinstance(item, Batch):
            item.data.decode()
    out = io.BytesIO()
    try:
        document.rewrite(out, Unchanged())
    except SourceError:
        assert skipped
    else:
        assert not skipped
        assert out.getvalue() == data


def test_a_file_that_grows_while_it_is_looked_at_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                        ) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x" * 100)
    real = os.read

    def read(descriptor: int, size: int) -> bytes:
        with path.open("ab") as file:
            file.write(b"y")
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", read)
    data, size, is_all = peek(str(path), 1000)
    assert data.startswith(b"x" * 100 + b"y")
    assert size == 100
    assert not is_all
    assert peek(str(path), 50)[::2] == (b"x" * 50, False)


def test_of_a_file_that_may_not_be_read_it_is_known_when_it_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                     ) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "full.txt").write_bytes(b"x")

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert list(discover(tmp_path, Options(), PlainLabels())) == [
        Skipped("empty.txt", Reason.EMPTY), Skipped("full.txt", Reason.UNREADABLE)]


def test_what_is_no_regular_file_is_named_and_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "b.txt")
    monkeypatch.setattr(os, "open", None)
    found = [Skipped("a.txt", Reason.SYMLINK), Skipped("b.txt", Reason.SPECIAL)]
    assert list(discover(tmp_path, Options(), PlainLabels())) == found
    assert list(discover(tmp_path / "b.txt", Options(), PlainLabels())) == found[1:]


@pytest.mark.parametrize("kind", ["csv", "text", "jsonl", "json"])
def test_how_much_a_stream_held_is_known_at_its_end(kind: str) -> None:
    data = {"csv": b"a,b\n" + b"1,2\n" * 5000, "text": "电话\n".encode("gb18030") * 4000, "jsonl": b'{"a": 1}\n' * 5000,
            "json": b'[{"a": "b"}]'}[kind]
    document = open_stream(io.BytesIO(data), Options(as_format=kind), PlainLabels())
    assert isinstance(document, Document)
    assert document.size == -1
    assert not [item for item in document.read() if isinstance(item, Skipped)]
    assert document.size == len(data)

"""gzip and zip: members as documents, hostile archives as skips, new archives without traces of the old."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import stat
import tracemalloc
import warnings
import zipfile
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guard.batch import Batch, CellEdit, Edits
from guard.errors import OutputError, SourceError
from guard.model import PlainLabels, Reason, Skipped
from guard.sources import archive_streams
from guard.sources.archive import GzipDocument, ZipDocument
from guard.sources.archive_streams import Budget, GunzipStream
from guard.sources.document import MAX_DEPTH, Document, Options

CANARY = "110101199003074514"
CSV = "编号,姓名,手机号\n1,张三,13800138000\n2,李四,13800138001\n".encode()
LINES = b'{"a":"x"}\n{"a":"y"}\n'


class HidingLabels:
    """Labels that withhold every name with a digit."""

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        return fallback if any(character.isdigit() for character in raw) else raw


class Changes:
    """An editor that writes `*` over the cells of the given fields."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def drops(self, dataset: str, field: str) -> bool:
        return False

    def edit(self, batch: Batch) -> Edits:
        wanted = [(index, len(column)) for index, column in enumerate(batch.columns) if column.field in self.fields]
        return Edits(tuple(CellEdit(index, np.arange(size), pa.array(["*"] * size)) for index, size in wanted if size))


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice is what a test may want
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in members:
                archive.writestr(name, data, compress_type=method)
    return out.getvalue()


def zip_document(data: bytes, labels: Any = None, **options: Any) -> ZipDocument:
    return ZipDocument("a.zip", PurePosixPath("a.zip"), lambda: io.BytesIO(data), len(data), Options(**options),
                       labels or PlainLabels())


def gzip_document(data: bytes, name: str = "a.jsonl.gz", **options: Any) -> GzipDocument:
    return GzipDocument(name, PurePosixPath(name), lambda: io.BytesIO(data), len(data), Options(**options),
                        PlainLabels())


def contents(document: Document) -> dict[str, int]:
    """Values by dataset."""
    found: dict[str, int] = {}
    for batch in document.read():
        if isinstance(batch, Batch):
            found[batch.dataset] = found.get(batch.dataset, 0) + sum(map(len, batch.columns))
    return found


def skips(document: Document) -> list[tuple[str, Reason]]:
    return [(item.dataset, item.reason) for item in document.read() if isinstance(item, Skipped)]


def values(document: Document) -> list[bytes]:
    return [column.value(cell) for batch in document.read() if isinstance(batch, Batch) for column in batch.columns
            for cell in range(len(column))]


# gzip


@pytest.mark.parametrize("data", [
    gzip.compress(LINES * 2, mtime=0), gzip.compress(LINES, mtime=0) * 2,
    gzip.compress(LINES * 2, mtime=0) + b"\0" * 1000,
    gzip.compress(LINES, mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(LINES, mtime=0),
])
def test_gzip_is_read_through_all_its_members(data: bytes) -> None:
    document = gzip_document(data)
    assert values(document) == [b"x", b"y"] * 2
    assert not skips(document)
    assert document.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_what_was_read_of_a_truncated_gzip_is_scanned() -> None:
    random_ = random.Random(1)
    lines = "".join(f'{{"a":"{random_.random()}"}}\n' for _ in range(20_000)).encode()
    document = gzip_document(gzip.compress(lines, mtime=0)[:-5000])
    assert len(values(document)) > 10_000
    assert skips(document)[-1] == ("a.jsonl.gz", Reason.TRUNCATED)
    with pytest.raises(SourceError):
        document.rewrite(io.BytesIO(), Changes())


@pytest.mark.parametrize(("data", "reason"), [
    (gzip.compress(LINES, mtime=0)[:-4], Reason.TRUNCATED),
    (gzip.compress(LINES, mtime=0)[:-8] + b"\0" * 8, Reason.CORRUPT),
    (gzip.compress(LINES, mtime=0) + b"garbage", Reason.CORRUPT),
    (gzip.compress(LINES, mtime=0) + b"\0\0garbage", Reason.CORRUPT),
    (gzip.compress(LINES, mtime=0)[:10] + b"\xff" * 20, Reason.CORRUPT),
    (gzip.compress(LINES, mtime=0)[:6], Reason.TRUNCATED),
    (gzip.compress(b"", mtime=0), Reason.EMPTY),
])
def test_damaged_gzip_is_never_clean(data: bytes, reason: Reason) -> None:
    assert reason in [found for _, found in skips(gzip_document(data))]
    with pytest.raises(SourceError):
        gzip_document(data).rewrite(io.BytesIO(), Changes())


def test_a_gzip_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_streams, "FREE", 100_000)
    data = gzip.compress(LINES * 200_000, mtime=0)
    stream = GunzipStream(io.BytesIO(data), Budget(len(data)))
    assert len(stream.read(-1)) < 200 * len(data) + 200_000
    assert stream.failure is not None
    assert stream.failure.reason == Reason.BOMB
    assert ("a.jsonl.gz", Reason.BOMB) in skips(gzip_document(data))


@pytest.mark.parametrize("size", [1, 7, 64, 1 << 16, -1])
def test_the_unpacked_stream_is_the_same_however_it_is_read(size: int) -> None:
    data = bytes(random.Random(2).choices(b"abcd\n", k=20_000))
    packed_twice = gzip.compress(data[:9000], mtime=0) + gzip.compress(data[9000:], mtime=0)
    stream = GunzipStream(io.BytesIO(packed_twice), Budget(10**6))
    head = stream.read(100)
    stream.unread(head)
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
    assert b"".join(pieces) == data
    assert stream.failure is None


def test_gzip_is_read_in_constant_memory() -> None:
    random_ = random.Random(3)
    line = "".join(random_.choices("abcdefgh", k=80))
    data = gzip.compress("".join(f'{{"a":"{line}","n":{number}}}\n' for number in range(200_000)).encode(), 1)
    tracemalloc.start()
    for _ in gzip_document(data, block=1 << 17).read():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000  # of 20 MB of text


def test_a_stream_that_can_be_opened_once_is_enough_to_read() -> None:
    opened = [io.BytesIO(gzip.compress(LINES, mtime=0))]
    document = GzipDocument("-", PurePosixPath("stdin.gz"), opened.pop, -1, Options(), PlainLabels())
    assert values(document) == [b"x", b"y"]
    assert document.digest.startswith("sha256:")


def test_gzip_around_formats_that_are_read_at_random() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"a": ["x", "y"]}), out)
    assert values(gzip_document(gzip.compress(out.getvalue()), "a.parquet.gz")) == [b"x", b"y"]
    assert contents(gzip_document(gzip.compress(packed(("b.csv", CSV))), "a.zip.gz")) == {"a.zip.gz!b.csv": 6}


def test_a_new_gzip_tells_nothing_about_the_old_one() -> None:
    old = io.BytesIO()
    with gzip.GzipFile(f"{CANARY}.jsonl", "wb", fileobj=old, mtime=1_700_000_000) as file:
        file.write(LINES)
    assert CANARY.encode() in old.getvalue()
    outs = [io.BytesIO(), io.BytesIO()]
    for out in outs:
        edited = gzip_document(old.getvalue()).rewrite(out, Changes("$.a"))
        assert (edited.replaced, edited.rows) == (2, 2)
    assert outs[0].getvalue() == outs[1].getvalue()
    assert outs[0].getvalue()[3:8] == bytes(5)  # no name, no time
    assert gzip.decompress(outs[0].getvalue()) == b'{"a":"*"}\n{"a":"*"}\n'


# zip


def test_members_are_documents_of_their_own() -> None:
    document = zip_document(packed(("d/", b""), ("d/a.csv", CSV), ("b.jsonl", LINES),
                                   ("c.jsonl.gz", gzip.compress(LINES, mtime=0)), ("e.zip", packed(("名单.csv", CSV)))))
    assert contents(document) == {"a.zip!d/a.csv": 6, "a.zip!b.jsonl": 2, "a.zip!c.jsonl.gz": 2,
                                  "a.zip!e.zip!名单.csv": 6}
    assert not skips(document)


@pytest.mark.parametrize("name", [
    "../a.csv", "d/../../a.csv", "/etc/a.csv", "C:a.csv", "c:/a.csv", "d\\a.csv", "..\\a.csv", "d//a.csv", "./a.csv",
    "..", "a\n.csv", "a\x1b[31m.csv", "\\\\server\\a.csv",
])
def test_unsafe_names_are_refused_and_never_shown(name: str) -> None:
    entry = zipfile.ZipInfo("placeholder")
    entry.filename = name  # the constructor would make some of them safe
    document = zip_document(packed((entry, CSV), ("ok.csv", CSV)))
    found = list(document.read())
    assert [(item.dataset, item.reason) for item in found if isinstance(item, Skipped)] == [
        ("a.zip!member 1", Reason.UNSAFE_PATH)]
    assert contents(document) == {"a.zip!ok.csv": 6}
    with pytest.raises(SourceError):
        document.rewrite(io.BytesIO(), Changes())


@pytest.mark.parametrize(("mode", "reason"), [(stat.S_IFLNK, Reason.SYMLINK), (stat.S_IFIFO, Reason.SPECIAL),
                                              (stat.S_IFCHR, Reason.SPECIAL)])
def test_links_and_devices_are_not_followed(mode: int, reason: Reason) -> None:
    entry = zipfile.ZipInfo("a.csv")
    entry.create_system, entry.external_attr = 3, (mode | 0o644) << 16
    assert skips(zip_document(packed((entry, b"/etc/passwd")))) == [("a.zip!member 1", reason)]


def test_encrypted_members_are_told_and_the_rest_read() -> None:
    data = bytearray(packed(("a.csv", CSV), ("b.csv", CSV)))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + at] |= 1
    document = zip_document(bytes(data))
    assert skips(document) == [("a.zip!a.csv", Reason.ENCRYPTED)]
    assert contents(document) == {"a.zip!b.csv": 6}


@pytest.mark.parametrize("data", [b"PK\x03\x04" + b"x" * 40, packed(("a.csv", CSV))[:-8], packed(("a.csv", CSV))[:40]])
def test_an_archive_without_its_directory_is_corrupt(data: bytes) -> None:
    assert skips(zip_document(data)) == [("a.zip", Reason.CORRUPT)]


def test_a_damaged_member_is_told_and_the_rest_read() -> None:
    data = bytearray(packed(("a.csv", CSV), ("b.csv", CSV), method=zipfile.ZIP_STORED))
    data[data.index(b"13800138000")] ^= 1
    document = zip_document(bytes(data))
    assert skips(document) == [("a.zip!a.csv", Reason.CORRUPT)]
    assert contents(document)["a.zip!b.csv"] == 6
    with pytest.raises(SourceError):
        document.rewrite(io.BytesIO(), Changes())


def test_a_bomb_is_stopped_whatever_its_header_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_streams, "FREE", 100_000)
    data = bytearray(packed(("a.jsonl", LINES * 200_000), ("b.csv", CSV)))
    assert ("a.zip!a.jsonl", Reason.BOMB) in skips(zip_document(bytes(data)))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + at
        data[place : place + 4] = (1000).to_bytes(4, "little")
    assert {reason for name, reason in skips(zip_document(bytes(data))) if name == "a.zip!a.jsonl"} & {
        Reason.BOMB, Reason.CORRUPT}


def test_nested_archives_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_streams, "FREE", 100_000)
    inner = packed(("x.jsonl", LINES * 2000))
    data = packed(*((f"{letter}.zip", inner) for letter in "abcdefgh"), method=zipfile.ZIP_STORED)
    assert Reason.BOMB not in [reason for _, reason in skips(zip_document(packed(("a.zip", inner))))]
    monkeypatch.setattr(archive_streams, "MAX_RATIO", 20)
    assert Reason.BOMB in [reason for _, reason in skips(zip_document(data))]


def test_members_that_share_bytes_are_a_bomb() -> None:
    data = bytearray(packed(("a.csv", CSV), ("b.csv", CSV)))
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)  # b.csv now begins where a.csv does
    assert skips(zip_document(bytes(data))) == [("a.zip", Reason.BOMB)]


def test_archives_are_opened_up_to_a_depth() -> None:
    data = packed(("x.csv", CSV))
    for level in range(MAX_DEPTH - 1):
        data = packed((f"{level}.zip", data))
    assert sum(contents(zip_document(data)).values()) == 6
    too_deep = packed(("top.zip", data))
    assert [reason for _, reason in skips(zip_document(too_deep))] == [Reason.TOO_DEEP]
    with pytest.raises(SourceError):
        zip_document(too_deep).rewrite(io.BytesIO(), Changes())


def test_a_nested_archive_must_fit_into_memory() -> None:
    inner = packed(("x.csv", bytes(random.Random(1).choices(b"abc,\n", k=50_000))))
    document = zip_document(packed(("i.zip", inner)), max_document=1000)
    assert skips(document) == [("a.zip!i.zip", Reason.TOO_LARGE)]


def test_names_that_may_not_be_shown_are_neither_shown_nor_written() -> None:
    data = packed((f"{CANARY}/{CANARY}.csv", CSV), (f"ok/{CANARY}.txt", b"hello"), ("ok/b.csv", CSV))
    document = zip_document(data, HidingLabels())
    assert set(contents(document)) == {"a.zip!folder 1/member 1.csv", "a.zip!ok/member 2.txt", "a.zip!ok/b.csv"}
    out = io.BytesIO()
    document.rewrite(out, Changes())
    assert CANARY.encode() not in out.getvalue()
    assert zipfile.ZipFile(out).namelist() == ["folder 1/member 1.csv", "ok/member 2.txt", "ok/b.csv"]


def test_two_members_of_one_name_are_both_read_and_written() -> None:
    document = zip_document(packed(("a.csv", CSV), ("A.csv", CSV), ("a.csv", CSV)))
    assert contents(document) == {"a.zip!a.csv": 6, "a.zip!2 A.csv": 6, "a.zip!3 a.csv": 6}
    out = io.BytesIO()
    document.rewrite(out, Changes("姓名"))
    with zipfile.ZipFile(out) as archive:
        assert len(set(archive.namelist())) == 3
        assert {archive.read(name) for name in archive.namelist()} == {
            CSV.replace("张三".encode(), b"*").replace("李四".encode(), b"*")}


@pytest.mark.parametrize("codec", ["gb18030", "utf-8"])
def test_names_without_the_utf8_mark_are_understood(codec: str) -> None:
    data = packed(("NAMEXX.csv", CSV)).replace(b"NAMEXX", {"gb18030": "花名册", "utf-8": "名册"}[codec].encode(codec))
    assert list(contents(zip_document(data))) == [
        {"gb18030": "a.zip!花名册.csv", "utf-8": "a.zip!名册.csv"}[codec]]


def test_a_new_zip_tells_nothing_about_the_old_one() -> None:
    entry = zipfile.ZipInfo("d/a.csv", (2024, 5, 6, 7, 8, 10))
    entry.comment, entry.extra, entry.external_attr = CANARY.encode(), b"\xfe\xca\x04\0" + b"extr", 0o100755 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, CSV)
        archive.comment = f"联系 {CANARY}".encode()
    document = zip_document(out.getvalue())
    texts = [batch.data.decode() for batch in document.read() if isinstance(batch, Batch) and batch.is_text]
    assert texts == [f"联系 {CANARY}\n{CANARY}"]
    outs = [io.BytesIO(), io.BytesIO()]
    for target in outs:
        document.rewrite(target, Changes())
    assert outs[0].getvalue() == outs[1].getvalue()
    with zipfile.ZipFile(outs[0]) as archive:
        found, = archive.infolist()
        assert (archive.comment, found.comment, found.extra) == (b"", b"", b"")
        assert (found.date_time, found.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), stat.S_IFREG | 0o644)
        assert archive.read(found) == CSV


class FullDisk(io.BytesIO):
    """A file that takes 100 bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 100:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_output_error() -> None:
    noise = "".join(f'{{"a":"{random.Random(5).random()}"}}\n' for _ in range(100)).encode()
    with pytest.raises(OutputError):
        zip_document(packed(("a.jsonl", noise), ("b.csv", CSV))).rewrite(FullDisk(), Changes())
    with pytest.raises(OutputError):
        gzip_document(gzip.compress(noise * 50, mtime=0)).rewrite(FullDisk(), Changes())


def test_what_cannot_be_read_inside_stops_a_rewrite() -> None:
    document = zip_document(packed(("a.csv", CSV), ("i.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50)))
    assert skips(document) == [("a.zip!i.png", Reason.UNSUPPORTED)]
    with pytest.raises(SourceError):
        document.rewrite(io.BytesIO(), Changes())

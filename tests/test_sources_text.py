"""Text documents: blocks, places, spans replaced, long lines, PEM blocks, bad bytes."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.batch import Batch, Edits, SpanEdit
from guard.errors import OutputError, SourceError
from guard.model import PlainLabels, Reason, Skipped
from guard.sources import Options
from guard.sources.stream import Place
from guard.sources.text import TextDocument


def text_document(data: bytes, block: int = 1 << 20, encoding: str = "") -> TextDocument:
    options = Options(block=block, encoding=encoding)
    return TextDocument("a.log", PurePosixPath("a.log"), lambda: io.BytesIO(data), len(data), options, PlainLabels())


def batches(document: TextDocument) -> list[Batch]:
    found = list(document.read())
    assert not [item for item in found if isinstance(item, Skipped)]
    return [item for item in found if isinstance(item, Batch)]


class Replacing:
    """Replaces every occurrence of `old` in text."""

    def __init__(self, old: bytes, new: str | None) -> None:
        self.old, self.new = old, new

    def drops(self, dataset: str, field: str) -> bool:
        return False

    def _starts(self, data: bytes) -> Iterator[int]:
        at = data.find(self.old)
        while at >= 0:
            yield at
            at = data.find(self.old, at + len(self.old))

    def edit(self, batch: Batch) -> Edits:
        starts = np.array(list(self._starts(batch.data)), np.int64)
        return Edits(spans=SpanEdit(starts, starts + len(self.old), pa.array([self.new] * len(starts), pa.string())))


LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
LINES = st.lists(st.tuples(st.text(st.sampled_from("ab 1中𠀀"), max_size=6), LINE_ENDS), max_size=12)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, tail=st.text("ab中", max_size=3), block=st.integers(1, 30))
def test_blocks_join_to_the_text_and_count_its_lines(lines: list[tuple[str, str]], tail: str, block: int) -> None:
    text = "".join(line + end for line, end in lines) + tail
    found = batches(text_document(text.encode(), block)) if text else []
    assert b"".join(batch.data for batch in found) == text.encode()
    assert sum(batch.rows for batch in found) == len(io.StringIO(text, newline=None).read().splitlines())


@settings(max_examples=300, deadline=None)
@given(lines=LINES, block=st.integers(1, 30), data=st.data())
def test_every_place_is_the_place_in_the_whole_text(
        lines: list[tuple[str, str]], block: int, data: st.DataObject) -> None:
    text = "".join(line + end for line, end in lines) + "end"
    for batch in batches(text_document(text.encode(), block)):
        start = data.draw(st.integers(0, len(batch.data.decode()) - 1))
        begin = len(batch.data.decode()[:start].encode())
        place = batch.locate(-1, 0, begin, begin + 1)
        assert place.offset is not None
        before = text.encode()[: place.offset].decode()
        at_line_end = before.endswith("\r") and text[len(before)] == "\n"
        lines_before = io.StringIO(before, newline=None).read()
        if not at_line_end:
            assert place.line == lines_before.count("\n") + 1
            assert place.column == len(lines_before) - (lines_before.rfind("\n") + 1) + 1
        assert (place.dataset, place.field, place.length) == ("a.log", "text", 1)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, data=st.data())
def test_places_are_the_same_in_any_order(lines: list[tuple[str, str]], data: st.DataObject) -> None:
    text = "".join(line + end for line, end in lines)
    starts = [at for at in range(len(text)) if text[max(0, at - 1) : at + 1] != "\r\n"]
    raw = text.encode()
    for at in data.draw(st.lists(st.sampled_from(starts), max_size=8)) if starts else ():
        lines_before = re.split("\r\n|\r(?!\n)|\n", text[:at] + "x")
        assert Place().locate(raw, len(text[:at].encode())) == (len(lines_before), len(lines_before[-1]))


def test_places_in_one_long_line_take_no_longer_than_in_many() -> None:
    def seconds(text: bytes) -> float:
        begun = time.process_time()
        assert [Place().locate(text, at)[1] for at in range(0, len(text), 40)][-1] > 0
        return time.process_time() - begun

    line = "电话 13800138000 和别的".encode().ljust(39, b".")
    one, many = ((line + end) * 40_000 for end in (b" ", b"\n"))
    assert seconds(one) < 0.2 + 5 * seconds(many)


def test_a_block_ends_at_a_line_end() -> None:
    found = batches(text_document(b"0123456789\n" * 100, 64))
    assert len(found) > 5
    assert all(batch.data.endswith(b"\n") for batch in found)


@pytest.mark.parametrize(("more", "blocks"), [(0, 1), (16, 1), (31, 1), (32, 2), (144, 2), (159, 2), (160, 3)])
def test_a_small_rest_is_no_block_of_its_own(more: int, blocks: int) -> None:
    """A block is about 128 bytes here, the first one with an eighth more."""
    text = b"01234567890123\n" * 20
    found = batches(text_document(text[: 128 + more], 64))
    assert b"".join(batch.data for batch in found) == text[: 128 + more]
    assert len(found) == blocks


PEM = (b"-----BEGIN RSA PRIVATE KEY-----\n" + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZn\n" * 30
       + b"-----END RSA PRIVATE KEY-----\n")


@pytest.mark.parametrize("before", range(0, 400, 37))
def test_a_pem_block_is_never_split(before: int) -> None:
    data = b"x" * before + b"\n" + PEM + b"after\n" * 100
    assert any(PEM in batch.data for batch in batches(text_document(data, 256)))


def test_a_begin_without_end_does_not_hold_up_the_rest() -> None:
    data = b"-----BEGIN CERTIFICATE-----\n" + b"line\n" * 60_000
    found = batches(text_document(data, 1 << 16))
    assert max(len(batch.data) for batch in found) < 1 << 18
    assert b"".join(batch.data for batch in found) == data


def test_a_line_without_end_is_cut_at_a_space() -> None:
    data = b"13800138000 " * 1000
    found = batches(text_document(data, 100))
    assert len(found) > 10
    assert max(len(batch.data) for batch in found) <= 600
    assert all(batch.data.endswith(b" ") for batch in found)
    assert sum(batch.rows for batch in found) == 1


def test_a_line_without_any_space_is_cut_between_characters() -> None:
    data = "中".encode() * 5000
    found = batches(text_document(data, 100))
    assert b"".join(batch.data for batch in found) == data
    assert len(found) > 10
    assert "".join(batch.data.decode() for batch in found) == "中" * 5000
    last = found[-1].locate(-1, 0, 0, 3)
    assert last.line == 1
    assert last.column == last.offset // 3 + 1 if last.offset else False


@settings(max_examples=200, deadline=None)
@given(text=st.text("ab\n\r 中", max_size=80), block=st.integers(1, 30),
       new=st.sampled_from(["", "X", "很长的新值", None]))
@example("ab\r\nab", 4, None)
def test_replacing_equals_replacing_in_the_whole_text(text: str, block: int, new: str | None) -> None:
    out = io.BytesIO()
    edited = text_document(text.encode(), block).rewrite(out, Replacing("中".encode(), new))
    assert out.getvalue() == text.replace("中", new or "").encode()
    assert edited.replaced == text.count("中")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030", "utf-32"])
def test_the_encoding_and_its_mark_are_kept(codec: str) -> None:
    text = "时间 2024 用户 张三 电话 13800138000 登录成功\r\n" * 50
    out = io.BytesIO()
    document = text_document(text.encode(codec), 128)
    document.rewrite(out, Replacing("张三".encode(), "张*"))
    assert out.getvalue() == text.replace("张三", "张*").encode(codec)


def test_a_new_value_before_the_first_other_character_is_written_in_the_right_encoding() -> None:
    text = "token abc\n" * 100 + "用户登录成功，系统已经记录\n"
    out = io.BytesIO()
    text_document(text.encode("gbk"), 64).rewrite(out, Replacing(b"abc", "[密钥]"))
    assert out.getvalue() == text.replace("abc", "[密钥]").encode("gbk")


def test_reading_tells_encoding_and_digest() -> None:
    import hashlib

    data = "用户登录成功，系统已经记录\n".encode("gbk")
    document = text_document(data)
    batches(document)
    assert (document.encoding, document.digest) == ("gb18030", "sha256:" + hashlib.sha256(data).hexdigest())


def test_bad_bytes_are_skipped_with_their_line_and_the_rest_is_scanned() -> None:
    found = list(text_document("好\n".encode() * 9 + b"\xff\n" + b"13800138000\n").read())
    assert Skipped("a.log", Reason.UNDECODABLE, line=10) in found
    assert any(isinstance(item, Batch) and b"13800138000" in item.data for item in found)


def test_bad_bytes_fail_a_rewrite() -> None:
    with pytest.raises(SourceError) as caught:
        text_document("好\n".encode() * 9 + b"\xff\n").rewrite(io.BytesIO(), Replacing(b"x", "y"))
    assert caught.value.reason == Reason.UNDECODABLE


def test_an_encoding_that_cannot_be_told_is_skipped() -> None:
    found = list(text_document("Привет, как дела сегодня".encode("cp1251")).read())
    assert found == [Skipped("a.log", Reason.UNKNOWN_ENCODING, line=1)]


def test_overlapping_edits_are_refused() -> None:
    class Overlapping(Replacing):
        def edit(self, batch: Batch) -> Edits:
            return Edits(spans=SpanEdit(np.array([0, 1]), np.array([2, 3]), pa.array(["a", "b"])))

    with pytest.raises(ValueError, match="overlap"):
        text_document(b"abcdef").rewrite(io.BytesIO(), Overlapping(b"", ""))


class Failing(io.RawIOBase):
    """A stream that fails with the system's error after some bytes, on reading and on writing."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data

    def read(self, size: int | None = -1) -> bytes:
        data, self.data = self.data[:4], self.data[4:]
        if not data:
            raise OSError(5, "Input/output error")
        return data

    def write(self, data: object) -> int:
        raise OSError(28, "No space left on device")


def test_a_read_error_is_skipped_when_reading_and_an_error_when_rewriting() -> None:
    def document() -> TextDocument:
        return TextDocument("a.log", PurePosixPath("a.log"), lambda: Failing(b"12345678"), 8, Options(), PlainLabels())  # type: ignore[arg-type,return-value]

    assert list(document().read()) == [Skipped("a.log", Reason.UNREADABLE)]
    with pytest.raises(SourceError):
        document().rewrite(io.BytesIO(), Replacing(b"x", "y"))


def test_a_full_disk_is_an_output_error() -> None:
    with pytest.raises(OutputError, match="no space"):
        text_document(b"abc\n").rewrite(Failing(), Replacing(b"x", "y"))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=300)
@given(pieces=st.lists(st.sampled_from(("a", "é", "中", "\n", "\r", "\r\n", "x" * 5000)), max_size=30),
       shares=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_line_and_column_are_told_of_places_in_any_order(pieces: list[str], shares: list[float]) -> None:
    text = "".join(pieces)
    data = text.encode()
    ends = [found.end() for found in re.finditer("\r\n|\r|\n", text)]
    for share in shares:
        at = int(share * len(text))
        before = [end for end in ends if end <= at]
        found = Place(5, 0, 3).locate(data, len(text[:at].encode()))
        assert found == (5 + len(before), at - before[-1] + 1 if before else at + 4)

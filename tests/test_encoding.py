"""Encodings: decided on evidence, followed through blocks, written back byte for byte."""

from __future__ import annotations

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.errors import OutputError, UsageError
from guard.model import Reason
from guard.sources.encoding import UTF8, DecodingError, Encoding, TextReader, count_line_ends, named

REGISTER = ("序号,姓名,身份证号,联系电话\n1,王小明,330106199001011234,13800138000\n"
            "2,李秀英,11010519491231002X,0571-88888888\n")

CHINESE = {
    "utf-8": "utf-8", "utf-8-sig": "utf-8-bom", "gbk": "gb18030", "gb18030": "gb18030", "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be", "utf-32": "utf-32-le",
}


def read_all(data: bytes, size: int = 1 << 20, **options: object) -> tuple[TextReader, bytes]:
    reader = TextReader(io.BytesIO(data), **options)  # type: ignore[arg-type]
    text = b""
    while block := reader.read(size):
        text += block
    return reader, text


@pytest.mark.parametrize("size", [64, 97, 1 << 20])
@pytest.mark.parametrize(("codec", "name"), CHINESE.items())
def test_chinese_is_recognised_in_every_encoding(codec: str, name: str, size: int) -> None:
    reader, text = read_all(REGISTER.encode(codec), size)
    assert (reader.encoding_name, text.decode()) == (name, REGISTER)
    assert reader.take_bad_lines() == []


@pytest.mark.parametrize("text", [
    "café, déjà vu, naïve, Müller, straße, señor\n", "AÇÃO E REAÇÃO DA NAÇÃO, SÃO JOÃO\n",
    "25°C for £5 – “quoted” text’s\n",
    "Ångström Øre Æble blåbær smörgåsbord\n", "PEÑA NUÑEZ MUÑOZ\n", "©2024 Ñandú®\n", "é\n",
])
def test_western_text_is_not_taken_for_chinese(text: str) -> None:
    reader, read = read_all(text.encode("cp1252"))
    assert (reader.encoding_name, read.decode()) == ("cp1252", text)


@pytest.mark.parametrize(("codec", "text"), [
    ("cp1251", "Привет, как дела сегодня, хорошо"), ("koi8-r", "Привет, как дела сегодня, хорошо"),
    ("euc-kr", "안녕하세요 세계 여러분 반갑습니다 대한민국 서울특별시 강남구"),
    ("shift-jis", "今日は世界の日本語のテキストです"),
    ("big5", "台北市中正區重慶南路一段一百二十二號電話號碼聯絡人"), ("cp1253", "Καλημέρα κόσμε, τι κάνεις σήμερα"),
])
def test_what_cannot_be_told_is_an_error_and_not_a_guess(codec: str, text: str) -> None:
    with pytest.raises(DecodingError) as caught:
        read_all(("id,name\n" + text).encode(codec))
    assert caught.value.reason == Reason.UNKNOWN_ENCODING
    assert caught.value.line == 2
    assert not any(word in str(caught.value) for word in text.split())


def test_a_named_encoding_is_obeyed() -> None:
    text = "台北市中正區重慶南路\n"
    assert read_all(text.encode("big5"), encoding=named("big5"))[1].decode() == text


@pytest.mark.parametrize("name", ["no-such-codec", "rot13", "base64", "\0"])
def test_a_name_that_is_no_text_encoding_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        named(name)


def test_the_decision_waits_for_the_first_block_that_is_not_ascii() -> None:
    ascii_part = b"2024-01-01 ok\n" * 1000
    reader = TextReader(io.BytesIO(ascii_part + REGISTER.encode("gbk")))
    assert reader.read(len(ascii_part)) == ascii_part
    assert reader.encoding is None
    assert reader.read(1 << 20).decode() == REGISTER
    assert reader.encoding == Encoding("gb18030")


def test_ascii_is_utf8() -> None:
    assert read_all(b"plain\n")[0].encoding_name == "utf-8"


def test_bad_bytes_are_told_by_line_and_the_rest_is_read() -> None:
    data = "第一行\n第二行\n".encode() + b"bad \xff here\n" + "第四行 13800138000\n".encode()
    reader, text = read_all(data)
    assert reader.take_bad_lines() == [3]
    assert reader.take_bad_lines() == []
    assert "第四行 13800138000" in text.decode()


def test_bad_bytes_in_gb18030_are_told_by_line() -> None:
    data = REGISTER.encode("gbk") * 20
    reader, text = read_all(data + b"bad \xff\xff here\n" + data)
    assert reader.encoding_name == "gb18030"
    assert reader.take_bad_lines() == [61]
    assert text.decode().endswith(REGISTER)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_strict_reading_refuses_bad_bytes(codec: str) -> None:
    with pytest.raises(DecodingError) as caught:
        read_all(REGISTER.encode(codec) * 20 + b"\xff\xff\n", strict=True)
    assert (caught.value.reason, caught.value.line) == (Reason.UNDECODABLE, 61)


def test_strict_reading_refuses_text_that_would_come_back_otherwise() -> None:
    # UTF-7 writes the same text in more than one way.
    with pytest.raises(DecodingError):
        read_all(b"+AGEAYg-\n", encoding=Encoding("utf-7"), strict=True)


def test_a_character_that_the_encoding_lacks_is_an_error_without_it() -> None:
    with pytest.raises(OutputError) as caught:
        Encoding("cp1252").encode("姓名".encode())
    assert "姓" not in str(caught.value) + caught.value.hint


def test_line_numbers_count_every_kind_of_line_end() -> None:
    assert count_line_ends(b"a\nb\r\nc\rd\r\r\n") == 5


def test_a_crlf_cut_between_two_blocks_is_one_line_end() -> None:
    reader = TextReader(io.BytesIO("a\r\nb\r\n中\r\n".encode() + b"\xff\n"), UTF8)
    while reader.read(2):
        pass
    assert reader.take_bad_lines() == [4]


class Trickle(io.BytesIO):
    """A stream that gives a byte or two at a time, as pipes do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(2, size) if size and size > 0 else 2)


def test_short_reads_are_gathered() -> None:
    reader = TextReader(Trickle(REGISTER.encode("utf-16")))
    assert reader.read(1 << 20).decode() == REGISTER


HAN = st.sampled_from("中国人民的一是在姓名电话张李王，。（）１２")
TEXTS = st.text(st.one_of(HAN, st.sampled_from("abc019,;\"\n\r\t 𠀀é")), max_size=80)


@settings(max_examples=200, deadline=None)
@example(text="𠀀", codec="gb18030", size=1)
@given(text=TEXTS, codec=st.sampled_from(["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-32-le"]),
       size=st.integers(1, 40))
def test_named_encodings_round_trip_over_any_block_border(text: str, codec: str, size: int) -> None:
    data = text.encode(codec)
    reader, read = read_all(data, size, encoding=Encoding(codec), strict=True)
    assert read.decode() == text
    assert reader.encoding is not None
    assert reader.encoding.encode(read) == data


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60), size=st.integers(1, 20))
def test_any_bytes_read_as_utf8_give_valid_utf8_as_python_replaces_them(data: bytes, size: int) -> None:
    reader, read = read_all(data, size, encoding=UTF8)
    text = data.removeprefix(b"\xef\xbb\xbf") if size >= 3 or len(data) <= size else data
    expected = text.decode("utf-8", "replace").removeprefix("\ufeff")
    assert read.decode().removeprefix("\ufeff") == expected
    assert bool(reader.take_bad_lines()) == ("\ufffd" in expected and "\ufffd".encode() not in text)

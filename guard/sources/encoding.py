"""Encodings: decided on evidence, followed through the stream, and written back byte for byte.

Inside Guard all text is UTF-8 bytes. A UTF-8 file passes through validated but not decoded; others are transcoded
block by block. As long as only ASCII was seen nothing is decided, because every candidate reads it alike.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import numpy as np

from guard.errors import OutputError, SourceError, UsageError
from guard.model import Reason
from guard.sources.stable import Readable, read_fully
from guard.utf8 import is_utf8

SAMPLE = 1 << 18
"""How many bytes from the first that is not ASCII are looked at. It decides once, so it may be generous."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKS = tuple(mark for mark, _ in _BOMS)
_ENDIAN = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_HIGH = re.compile(rb"[\x80-\xff]")
_REPLACEMENT = "\ufffd"

_FREQUENT = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形"
    "相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展"
    "五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战"
    "先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白"
    "教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空况今集温传土许步群广石记需段研界拉林律叫究观"
    "姓号码址住省市县镇乡村街栋室族男女户籍龄备注编码登财民政局厅委办院校部门司银卡手机邮箱王李刘陈杨赵黄周吴徐孙胡朱何郭罗宋郑谢"
)
"""The usual characters of Chinese prose and forms. A third to four fifths of real text; an eighth of chance text."""


class DecodingError(SourceError):
    """Bytes that are no text in the file's encoding, or an encoding that cannot be told. `line` counts from 1."""

    def __init__(self, message: str, *, reason: Reason, line: int) -> None:
        super().__init__(message, reason=reason, hint="name the encoding with --encoding, or save the file as UTF-8")
        self.line = line


class Encoding(NamedTuple):
    """A codec of the standard library and the byte order mark that the file begins with (or b"")."""

    codec: str
    mark: bytes = b""

    @property
    def name(self) -> str:
        """What reports show: the codec, `utf-8-bom` with a mark in UTF-8."""
        return "utf-8-bom" if self.codec == "utf-8" and self.mark else self.codec

    def encode(self, text: bytes) -> bytes:
        """UTF-8 `text` in this encoding. Raises OutputError when a character does not exist in it."""
        if self.codec == "utf-8":
            return text
        try:
            return text.decode().encode(self.codec)
        except UnicodeEncodeError:
            raise OutputError(f"a new value cannot be written in the encoding {self.codec}",
                              hint="save the input as UTF-8 or GB18030 first") from None


UTF8 = Encoding("utf-8")


def named(encoding: str) -> Encoding:
    """The encoding that a user asked for. Raises UsageError for a name that is no text encoding."""
    try:
        info = codecs.lookup(encoding)
        "".encode(info.name)  # `rot13` and the like are codecs too, but not of text
    except (LookupError, TypeError, ValueError):
        raise UsageError("unknown encoding", hint="for example utf-8, gb18030, utf-16-le or cp1252") from None
    return Encoding(_ENDIAN.get(info.name, info.name))


def from_mark(head: bytes) -> Encoding | None:
    """The encoding whose byte order mark begins `head`."""
    if not head.startswith(_MARKS):  # as nearly none does
        return None
    for mark, codec in _BOMS:
        if head.startswith(mark):
            return Encoding(codec, mark)
    return None


def from_zeros(head: bytes) -> Encoding | None:
    """UTF-16 without a mark: ASCII letters, digits and line ends leave zeros on one side of each pair only."""
    head = head[: len(head) & ~1]
    even, odd = head[::2].count(0), head[1::2].count(0)
    floor = len(head) // 2 * 0.03
    for mine, other, codec in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if mine > floor and not other and _is_clean(head, codec):
            return Encoding(codec)
    return None


def _is_clean(head: bytes, codec: str) -> bool:
    text, bad = _decode(head, codec)
    return not bad and not re.search(r"[\x00-\x08\x0e-\x1a\x7f]", text)


def is_plain_utf8(content: bytes) -> bool:
    """Whether all of a file is UTF-8 as `TextReader` would find: no mark, no zeros of a wider form, no damage."""
    if b"\0" in content or from_mark(content) is not None:
        return False
    try:
        return content.isascii() or bool(content.decode())
    except UnicodeDecodeError:
        return False


def decide(sample: bytes) -> Encoding | None:
    """The encoding of bytes that are not all ASCII (their end may be cut), or None when the evidence is too thin.

    UTF-8 proves itself by its form. GB18030 decodes almost anything, so its characters must be the usual ones; Western
    text must look like single accents between ASCII letters. Anything else (Big5, Shift-JIS, Cyrillic, binary) is None.
    """
    text, bad = _decode(sample, "utf-8")
    if bad * 4 <= _count_high(text) - bad:
        return UTF8
    text, bad = _decode(sample, "gb18030")
    if bad * 50 <= _count_high(text) - bad and _is_chinese(text):
        return Encoding("gb18030")
    text, bad = _decode(sample, "cp1252")
    if bad * 50 <= _count_high(text) - bad and _is_western(text):
        return Encoding("cp1252")
    return None


def _decode(sample: bytes, codec: str) -> tuple[str, int]:
    """The text with replacements, and how many there are. An unfinished character at the end counts as none."""
    text = codecs.getincrementaldecoder(codec)("replace").decode(sample, final=False)
    real = sample.count(_REPLACEMENT.encode()) if codec == "utf-8" else 0
    return text, text.count(_REPLACEMENT) - real


def _count_high(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))


def _is_chinese(text: str) -> bool:
    """Whether the text is Chinese rather than another language that GB18030 happens to decode."""
    # Portuguese AÇÃO decodes as one usual character, but one squeezed between ASCII letters.
    text = re.sub(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])", _REPLACEMENT, text)
    high = re.sub(r"[\x00-\x7f]", "", text)
    rows = [_row(character) for character in high]
    han = [character for character, row in zip(high, rows, strict=True) if row == "han"]
    usual = len(han) + rows.count("mark")
    if not han or usual < 0.65 * len(high):
        return False
    # Korean in EUC-KR lies wholly in these rows; only how often which character comes tells them apart.
    return len(han) < 16 or sum(character in _FREQUENT for character in han) >= 0.22 * len(han)


def _row(character: str) -> str:
    """Where GB 2312 has the character: `han` for its first level, `mark` for signs and full width, else `rare`."""
    try:
        lead = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return "rare"
    if 0xB0 <= lead <= 0xD7:
        return "han"
    return "mark" if lead in (0xA1, 0xA2, 0xA3) else "rare"


def _is_western(text: str) -> bool:
    """Whether what is not ASCII comes one or two characters at a time and stays the smaller part of its words."""
    runs = [len(run) for run in re.findall(r"[^\x00-\x7f]+", text)]
    high = sum(runs)
    words = sum(len(word) for word in re.findall(r"[0-9A-Za-z\x80-\uffff]+", text))
    return sum(size for size in runs if size <= 2) >= 0.8 * high and (high <= 0.6 * words or high < 4)


class TextReader:
    """A binary stream as UTF-8 text, block by block.

    `encoding` is None until it is decided (an ASCII file stays open: `encode` leaves it as it is). Bytes that do not
    decode are replaced by U+FFFD and their lines kept for `take_bad_lines`; with `strict` they raise DecodingError, and
    so does a block whose text would not encode to the same bytes again. An undecidable encoding always raises.
    A `resumed` stream is a later piece of a file: no byte order mark is looked for at its beginning.
    """

    def __init__(self, stream: Readable, encoding: Encoding | None = None, *, strict: bool = False,
                 resumed: bool = False) -> None:
        self.encoding = encoding
        self._stream = stream
        self._strict = strict
        self._pending = self._ahead = b""
        self._waiting, self._state = b"", 0
        self._lines = 0
        self._after_cr = False
        self._bad_lines: list[int] = []
        self._started = resumed
        self._ended = False
        self._size = 0

    @property
    def encoding_name(self) -> str:
        """What reports show; a file of nothing but ASCII is UTF-8."""
        return (self.encoding or UTF8).name

    @property
    def lines(self) -> int:
        """How many line ends were read so far."""
        return self._lines

    @property
    def size(self) -> int:
        """How many bytes of UTF-8 text were read so far."""
        return self._size

    def read(self, size: int) -> bytes:
        """The text of about `size` more bytes of the file; b"" only at its end."""
        while not self._ended:
            raw = self._pending + self._fill(size) if self._pending else self._fill(size)
            if not self._started:
                raw = self._start(raw)
            text = self._transcode(raw)
            if text:
                self._count_lines(text)
                self._size += len(text)
                return text
        return b""

    def take_bad_lines(self) -> list[int]:
        """The lines (at most one per block) with bytes that did not decode, since the last call."""
        lines, self._bad_lines = self._bad_lines, []
        return lines

    def _fill(self, size: int) -> bytes:
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(data) < size:
            data += read_fully(self._stream, size - len(data))
        self._ended = len(data) < size
        return data

    def _start(self, head: bytes) -> bytes:
        self._started = True
        marked = from_mark(head)
        if self.encoding is None:
            self.encoding = marked or from_zeros(head[:SAMPLE])
        else:
            same = marked is not None and marked.codec == self.encoding.codec
            self.encoding = Encoding(self.encoding.codec, marked.mark if marked and same else b"")
        return head[len(self.encoding.mark) :] if self.encoding else head

    def _transcode(self, raw: bytes) -> bytes:
        self._pending = b""
        ascii_based = self.encoding is None or self.encoding.codec in ("utf-8", "gb18030", "cp1252")
        # In GB18030 the second and last of four bytes are ASCII digits: an unfinished character takes them first.
        if ascii_based and not self._waiting and raw.isascii():
            return raw
        if self.encoding is None:
            self.encoding = self._decide(raw)
        if self.encoding.codec == "utf-8":
            return self._validate(raw)
        return self._decode(raw, self.encoding.codec)

    def _decide(self, raw: bytes) -> Encoding:
        first = _HIGH.search(raw)
        high = first.start() if first else 0
        begin = max(0, high - 1)  # the letter before tells an accent from Han
        # Look ahead, so that what is decided does not depend on where a block happens to end.
        self._ahead += read_fully(self._stream, max(0, SAMPLE - (len(raw) - begin) - len(self._ahead)))
        found = decide((raw[begin:] + self._ahead)[:SAMPLE])
        if found is None:
            raise DecodingError("the encoding cannot be told", reason=Reason.UNKNOWN_ENCODING,
                                line=self._line_of(raw[:high]))
        return found

    def _validate(self, raw: bytes) -> bytes:
        cut = len(raw) if self._ended else _whole_utf8(raw)
        self._pending, text = raw[cut:], raw[:cut]
        if is_utf8(text):
            return text
        try:
            text.decode()
        except UnicodeDecodeError as error:
            self._report(text, "utf-8", error.start)
        return text.decode("utf-8", "replace").encode()

    def _decode(self, raw: bytes, codec: str) -> bytes:
        state = (self._waiting, self._state)
        try:
            text, waiting = self._feed(raw, codec, "strict")
        except UnicodeDecodeError as error:
            self._waiting, self._state = state
            self._report(raw, codec, error.start - len(self._waiting))
            return self._feed(raw, codec, "replace")[0].encode()
        whole = state[0] + raw
        if self._strict and text.encode(codec, "replace") != whole[: len(whole) - len(waiting)]:
            raise DecodingError(f"text in {codec} would not be written back as it was", reason=Reason.UNDECODABLE,
                                line=self._lines + 1)
        return text.encode()

    def _feed(self, raw: bytes, codec: str, errors: str) -> tuple[str, bytes]:
        """The text of `raw`, and the bytes of a character that is not finished; they wait for the next block."""
        decoder = codecs.getincrementaldecoder(codec)(errors)
        decoder.setstate((self._waiting, self._state))
        text = decoder.decode(raw, final=self._ended)
        self._waiting, self._state = decoder.getstate()
        return text, self._waiting

    def _report(self, raw: bytes, codec: str, start: int) -> None:
        line = self._line_of(raw[: max(0, start)].decode(codec, "replace").encode())
        if self._strict:
            raise DecodingError("bytes that do not decode", reason=Reason.UNDECODABLE, line=line)
        self._bad_lines.append(line)

    def _line_of(self, before: bytes) -> int:
        return self._lines + count_line_ends(before) - (self._after_cr and before.startswith(b"\n")) + 1

    def _count_lines(self, text: bytes) -> None:
        self._lines = self._line_of(text) - 1
        self._after_cr = text.endswith(b"\r")


def count_line_ends(text: bytes) -> int:
    """How many line ends (LF, CRLF or CR alone) are in the text."""
    # NumPy: `bytes.count` stops at each of the many hits and is three times slower on a log.
    ends = int(np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")))
    if b"\r" in text:
        ends += text.count(b"\r") - text.count(b"\r\n")
    return ends


def _whole_utf8(raw: bytes) -> int:
    """Where the last whole character ends: a lead byte among the last three may wait for more."""
    for back in range(1, min(4, len(raw) + 1)):
        byte = raw[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(raw) - back if needed > back else len(raw)
        if byte < 0x80:
            break
    return len(raw)

"""Decoding: what is encoded is found at its place, by both matchers alike, and nothing is read into random bytes."""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import random
import re
import urllib.parse
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import guard
from guard.batch import DECODED, Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, load, tokens
from guard.detect.escapes import PERCENT, SHORT, find_escapes
from guard.detect.layers import MARGIN, WINDOW, layers
from guard.detect.tokens import LEAST, find_tokens
from guard.disclosure.withheld import WithheldValues
from guard.disclosure.withholding import Remembrance
from guard.scanner import Scanner

MOBILE, KEY = "13800138000", "AKIAMEONVE7NV7EGV7PR"
PERSON = f'{{"name": "王小明", "mobile": "{MOBILE}", "note": "办理 ok"}}'
Encoding = Callable[[str], str]
ENCODINGS: dict[str, Encoding] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 unpadded": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent all": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "utf-16": lambda text: "".join(f"\\u{unit:04x}" for unit in np.frombuffer(text.encode("utf-16-le"), "<u2")),
    "json": lambda text: json.dumps(text + "。")[1:-1],
    "bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
}


@cache
def detectors() -> tuple[Detector, ...]:
    return load()


@cache
def plain() -> PlainMatcher:
    return PlainMatcher(detectors())


@cache
def scanner() -> Scanner:
    return Scanner(cache=False)


def fast() -> Matcher:
    return scanner().matcher


def as_column(values: list[bytes], header: str, glue: bytes) -> Column:
    lengths = np.array([len(value) for value in values], np.int64)
    starts = np.cumsum(lengths + len(glue)) - lengths - len(glue)
    return Column("field", header, glue.join(values), starts, starts + lengths, np.arange(len(values)))


def as_rows(hits: Hits) -> list[tuple[int, ...]]:
    return list(zip(hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(), hits.detector.tolist(),
                    hits.flags.tolist(), hits.confidence.tolist(), strict=True))


def decoded(matcher: Matcher | PlainMatcher, source: bytes | Column) -> dict[str, tuple[str, str]]:
    """Of each class found by decoding: the value, and what stands at its place."""
    hits = matcher.scan_text(source) if isinstance(source, bytes) else matcher.scan_column(source)
    found = {}
    for index in np.flatnonzero(hits.flags & DECODED).tolist():
        whole = source if isinstance(source, bytes) else source.value(int(hits.cell[index]))
        found[detectors()[int(hits.detector[index])].data_class] = (
            matcher.decoded_value(source, hits, index).decode(),
            whole[int(hits.start[index]) : int(hits.end[index])].decode())
    return found


def assert_alike(data: bytes) -> None:
    assert as_rows(fast().scan_text(data)) == as_rows(plain().scan_text(data))


# What is found, and where.


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_value_is_found_in_every_encoding_at_its_place(name: str) -> None:
    encoded = ENCODINGS[name](PERSON)
    data = f"2026-03-01 请求 body={encoded} cost=3ms\n".encode()
    found = decoded(fast(), data)
    assert found["person.name"][0] == "王小明"
    if name != "percent" and name != "json":
        assert found["person.phone.mobile"][0] == MOBILE
    assert all(place in encoded for _, place in found.values())
    assert_alike(data)


@pytest.mark.parametrize(("encoded", "place"), [
    ("to=li.ming%40example.org&x=1", "li.ming%40example.org"),
    ("to=li.ming\\u0040example.org;", "li.ming\\u0040example.org"),
    ("to=li.ming\\x40example.org;", "li.ming\\x40example.org"),
    ("to=li.ming%2540example.org&x=1", "li.ming%2540example.org"),
])
def test_escapes_are_placed_exactly(encoded: str, place: str) -> None:
    assert decoded(fast(), f"GET /a?{encoded}".encode())["person.email"] == ("li.ming@example.org", place)
    assert_alike(f"GET /a?{encoded}".encode())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(ENCODINGS)), min_size=1, max_size=3),
       st.text("ab 中,%\\", max_size=6), st.integers(0, 5))
@example(["base64", "base64", "base64"], "", 0)
@example(["bytes", "percent all", "hex"], "中", 1)
def test_encodings_of_encodings_down_to_the_third(chain: list[str], before: str, shift: int) -> None:
    """Where the value is told to stand, its encoding stands: without these bytes it is not found any more."""
    encoded = "x" * shift + f" key: {KEY} 备注"
    for name in chain:
        encoded = ENCODINGS[name](encoded)
    data = f"{before} {encoded}\n后面".encode()
    hits = fast().scan_text(data)
    classes = [detectors()[index].data_class for index in hits.detector.tolist()]
    # Encodings that leave letters as they are leave the key in clear.
    at = classes.index("secret.cloud.aws.access_key")
    assert fast().decoded_value(data, hits, at) == KEY.encode() or KEY in encoded
    left = data[: int(hits.start[at])] + b" [gone] " + data[int(hits.end[at]) :]
    assert "secret.cloud.aws.access_key" not in {
        detectors()[index].data_class for index in fast().scan_text(left).detector.tolist()}
    assert_alike(data)


def test_nothing_is_decoded_a_fourth_time() -> None:
    encoded = f"call {MOBILE}, 手机 {MOBILE}"
    for _ in range(3):
        encoded = ENCODINGS["base64"](encoded)
    assert "person.phone.mobile" in decoded(fast(), encoded.encode())
    assert decoded(fast(), ENCODINGS["base64"](encoded).encode()) == {}


def test_a_token_beside_words_and_paths() -> None:
    token = ENCODINGS["base64 url"](f"手机：{MOBILE}，其他")
    for text in (f"/api/v1/{token}/x", f"key_{ENCODINGS['base64'](PERSON)}", f"data:text/plain;base64,{token}",
                 f"<{token}>", f"{token}==", f"中{token}文"):
        assert decoded(fast(), text.encode())["person.phone.mobile"][0] == MOBILE


def test_a_token_that_was_cut() -> None:
    encoded = ENCODINGS["base64"](f"手机：{MOBILE}，其他事项")
    for cut in range(1, 9):
        assert decoded(fast(), encoded[:-cut].encode())["person.phone.mobile"][0] == MOBILE


def test_each_line_of_wrapped_base64_is_a_token() -> None:
    encoded = base64.encodebytes(b"".join(f"{i:03} phone: {MOBILE} \n".encode() for i in range(9)))
    hits = fast().scan_text(encoded)
    assert 0 < len(hits) < 9


def test_a_label_that_is_escaped_speaks_for_a_value_in_clear() -> None:
    text = json.dumps({"手机号": MOBILE})
    unlabelled = scanner().scan_text(f'{{"x": "{MOBILE}"}}')[0]
    labelled = scanner().scan_text(text)[0]
    assert labelled.confidence > unlabelled.confidence
    assert text[labelled.start : labelled.end] == MOBILE
    assert labelled.reason == ""


# What is not found.


def test_random_bytes_are_no_text() -> None:
    chance = random.Random(5)
    lines = []
    for _ in range(300):
        raw = chance.randbytes(chance.randint(18, 60))
        lines += [base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex().encode(),
                  hashlib.sha256(raw).hexdigest().encode(), b"/usr/lib/python3/distpackages/" + raw.hex()[:5].encode(),
                  b"getUserProfileByDepartmentIdentifier"]
    assert layers(b"\n".join(lines)) == []


def test_what_is_only_possible_is_left_out() -> None:
    assert decoded(fast(), ENCODINGS["base64"](f"order {MOBILE} of 2026 was sent").encode()) == {}
    assert decoded(fast(), ENCODINGS["base64"](f"手机 {MOBILE} of 2026 was sent").encode()) != {}


@pytest.mark.parametrize("text", ["100%41", "%4", "%zz", "\\u12", "\\x4", "%", "\\", "%D5%C5%C8%FD", "\\ud800",
                                  "%00%1b", "\\u0000\\x07", "%C0%80", "%ED%A0%80", "%F4%90%80%80", "%E5%BC"])
def test_what_stands_for_no_character_stays(text: str) -> None:
    assert [layer for layer in layers(text.encode()) if b"A" not in layer.data] == []
    assert_alike(text.encode())


def test_short_escapes_alone_change_nothing() -> None:
    assert layers(b'C:\\new\\table {\\"a\\": 1}\\n') == []
    assert layers(b'{\\"a\\": \\"\\u5f20\\"}\\n')[0].data == '{"a": "张"}\n'.encode()


# One implementation against another.


def plain_escapes(data: bytes) -> list[tuple[int, int, int]]:
    """(start, width, code point), by reading one byte after the other."""
    found, at = [], 0
    while at < len(data):
        for pattern, prefix in ((rb"(?:%[0-9A-Fa-f]{2})+", 1), (rb"(?:\\x[0-9A-Fa-f]{2})+", 2)):
            if run := re.compile(pattern).match(data, at):
                raw = bytes.fromhex(run[0].replace(b"%", b"").replace(b"\\x", b"").decode())
                for size in (1, 2, 3, 4):
                    try:
                        point = ord(raw[:size].decode())
                    except (UnicodeDecodeError, TypeError):
                        continue
                    found.append((at, size * (prefix + 2), point))
                    break
                break
        else:
            if unit := re.compile(rb"\\u([0-9A-Fa-f]{4})(?:\\u([0-9A-Fa-f]{4}))?").match(data, at):
                pair = [int(group, 16) for group in unit.groups() if group]
                high = 0xD800 <= pair[0] < 0xDC00 and len(pair) == 2 and 0xDC00 <= pair[1] < 0xE000
                point = 0x10000 + ((pair[0] & 0x3FF) << 10) + (pair[1] & 0x3FF) if high else pair[0]
                found.append((at, 12 if high else 6, point))
            elif data[at : at + 1] == b"\\":
                letter = data[at + 1 : at + 2]
                if letter and letter in b"\"'/\\nrt":
                    found.append((at, 2, ord({b"n": "\n", b"r": "\r", b"t": "\t"}.get(letter, letter.decode()))))
                elif letter:
                    at += 1
                    continue
        at = found[-1][0] + found[-1][1] if found and found[-1][0] == at else at + 1
    return [row for row in found if is_text(row[2])]


def is_text(point: int) -> bool:
    return point in (9, 10, 13) or (point >= 32 and not 127 <= point < 160 and not 0xD800 <= point < 0xE000)


BITS = ("%", "%4", "%41", "%E5%BC%A0", "%E5", "%BC", "%F0%9F%98%80", "\\", "\\\\", "\\u", "\\u5f20", "\\ud83d\\ude00",
        "\\ud83d", "\\ude00", "\\x", "\\xe5\\xbc\\xa0", "\\x41", "\\n", '\\"', "u0041", "x41", "41", "a", " ", "中",
        "%C3", "\\xc3\\xa9")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(BITS), max_size=12).map("".join))
@example("\\\\\\u5f20\\\\u5f20")
def test_escapes_are_those_that_a_reader_finds(text: str) -> None:
    data = text.encode()
    found = find_escapes(data)
    got = list(zip(found.starts.tolist(), found.widths.tolist(), found.points.tolist(), strict=True))
    expected = plain_escapes(data)
    if not re.search(rb"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})", data):
        # Without a number the short ones are not looked for.
        expected = [row for row in expected if data[row[0] : row[0] + 1] == b"%"]
    assert got == expected
    assert set(found.kinds.tolist()) <= {PERCENT, 1, SHORT}


def plain_tokens(data: bytes) -> list[tuple[int, int, bytes]]:
    """(start, end, text), by trying every run of every alphabet."""
    found: list[tuple[int, int, bytes]] = []
    for run, digits in ((rb"[0-9A-Fa-f]", None), (rb"[A-Za-z0-9+/]", b"+/"), (rb"[A-Za-z0-9_-]", b"-_")):
        for match in re.finditer(rb"(?<!%b)%b{%d,}" % (run, run, LEAST), data):
            start, end, letters = *match.span(), match[0]
            if any(start < other[1] and other[0] < end for other in found):
                continue
            if digits is None:
                raw = bytes.fromhex(letters[: len(letters) // 2 * 2].decode())
            else:
                letters = letters[: len(letters) - (len(letters) % 4 == 1)]
                raw = base64.b64decode(letters + b"=" * (-len(letters) % 4), digits)
                end += len(re.compile(b"={0,%d}" % (-len(letters) % 4)).match(data, end)[0])  # type: ignore[index]
            try:
                # A character that has begun at the end is left away.
                text = codecs.getincrementaldecoder("utf-8")().decode(raw)
            except UnicodeDecodeError:
                continue
            if all(is_text(ord(c)) or 128 <= ord(c) < 160 for c in text):
                found.append((start, end, text.encode()))
    return sorted(found)


PIECES = st.one_of(
    st.sampled_from((" ", "=", "==", "/", "-", "_", "+", "\n", "中", ".", "a", "Z", "0", "g")),
    st.text("ab1 中é/>?~", min_size=12, max_size=40).map(ENCODINGS["base64"]),
    st.text("ab1 中é/>?~", min_size=12, max_size=40).map(ENCODINGS["base64 url"]),
    st.text("ab1 中é", min_size=12, max_size=40).map(ENCODINGS["hex"]),
    st.binary(min_size=17, max_size=40).map(lambda raw: base64.b64encode(raw).decode()),
    st.text("0123456789abcdefABZ+/_-", min_size=15, max_size=40),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join))
@example("MTEx" * 8 + "MTE-" + "31" * 12)
@example("b25l" * 8 + "/" + "b25l" * 8 + "-" + "b25l" * 8)
def test_tokens_are_those_that_trying_everything_finds(text: str) -> None:
    data = text.encode()
    assert [(token.start, token.end, token.text) for token in find_tokens(data)] == plain_tokens(data)
    compiled = [(decode, starts.tolist(), ends.tolist()) for decode, starts, ends in tokens._candidates_compiled(data)]
    assert compiled == [(decode, starts.tolist(), ends.tolist()) for decode, starts, ends in tokens._candidates(data)]


# Columns.


def cells(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    values = [PERSON, MOBILE, KEY, f"手机：{MOBILE}", "li@example.org", "无", "", "%", "\\", "中文 %41"]
    out = []
    for _ in range(chance.randint(1, 12)):
        text = chance.choice(values)
        for _ in range(chance.choice((0, 1, 1, 2))):
            text = chance.choice(sorted(ENCODINGS.items()))[1](text)
        out.append((text if chance.random() < 0.8 else text[: chance.randint(0, len(text))]).encode())
    return out


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("glue", [b"", b",", b"\n"])
def test_columns_like_single_cells(seed: int, glue: bytes) -> None:
    values = cells(seed)
    header = random.Random(seed).choice(("", "备注", "手机号", "token"))
    column = as_column(values, header, glue)
    rows = as_rows(fast().scan_column(column))
    assert rows == as_rows(plain().scan_column(column))
    alone = [(cell, *row[1:]) for cell, value in enumerate(values)
             for row in as_rows(fast().scan_column(as_column([value], header, b"")))]
    assert rows == alone


def test_many_cells_through_the_loops_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [value for seed in range(40) for value in cells(seed)]
    column, rows = as_column(values, "", b","), []
    for answer in (True, False):
        monkeypatch.setattr("guard.compiled.pays", lambda work, answer=answer: answer)
        held = tokens.may_hold_token(column.data, column.starts, column.ends)
        assert all(held[cell] for cell, value in enumerate(values) if find_tokens(value))
        rows.append(as_rows(fast().scan_column(column)))
    assert rows[0] == rows[1]


def test_the_header_speaks_for_decoded_cells() -> None:
    value = ENCODINGS["percent all"](MOBILE).encode()
    surer, plainer = (fast().scan_column(as_column([value], header, b"")) for header in ("联系电话", "备注"))
    assert surer.flags.tolist() == plainer.flags.tolist() == [DECODED]
    assert surer.confidence[0] > plainer.confidence[0]


# Long lines and bounds.


def test_a_long_line_is_decoded_around_its_escapes() -> None:
    filler = "abc " * (WINDOW // 2)
    for text in (f"{filler}mail li.ming%40example.org {filler}", f"{filler}中{filler}%E4%B8%AD li.ming%40example.org"):
        data = text.encode()
        assert decoded(fast(), data)["person.email"][0] == "li.ming@example.org"
        assert max(len(layer.data) for layer in layers(data)) <= 2 * WINDOW + 20
        assert_alike(data)


def test_nothing_is_believed_near_a_cut() -> None:
    """A date is no date when its line goes on behind the cut; what stands in clear there was judged in full before."""
    near = "x" * (WINDOW - MARGIN // 2)
    data = f"{MOBILE}{near}%41".encode()
    assert as_rows(fast().scan_text(data)) == as_rows(fast().scan_text(data.replace(b"%41", b"A")))


@pytest.mark.parametrize("piece", [b"%41", b"%41 ", b"%2541", b"\\u0041", b"\\x41\\n", b"\\", b"QUFB", b"QUFB\n",
                                   b"414141", b"aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ= ", b"%E5%BC%A0\n", b"=", b"-_+/"])
def test_work_is_bounded_by_the_size(piece: bytes) -> None:
    data = piece * (200_000 // len(piece))
    found = layers(data)
    assert all(len(layer.data) <= len(data) for layer in found)
    assert sum(len(layer.data) for layer in found) <= 3 * len(data)
    for layer in found:
        assert np.all(layer.starts[1:] > layer.ends[:-1])
        ends = layer.places(layer.starts[layer.ends > layer.starts], layer.ends[layer.ends > layer.starts])
        assert np.all((ends[0] >= 0) & (ends[0] < ends[1]) & (ends[1] <= len(data)))


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(b"\n".join(cells(seed + 50)))
    for _ in range(min(8, len(data))):
        place = chance.randrange(len(data))
        data[place : place + 1] = chance.choice((b"", b"\xff", b"\xe4", b"%", b"\\", b"="))
    assert_alike(bytes(data))


def test_a_block_is_the_sum_of_its_lines() -> None:
    data = b"\n".join(value for seed in range(12) for value in cells(seed))
    apart, at = [], 0
    for line in data.split(b"\n"):
        apart += [(row[1] + at, row[2] + at, *row[3:]) for row in as_rows(fast().scan_text(line))]
        at += len(line) + 1
    assert [row[1:] for row in as_rows(fast().scan_text(data))] == apart


# What becomes of the findings.


@pytest.mark.parametrize("name", ["base64", "hex", "percent all", "utf-16"])
def test_findings_show_and_compare_the_value(name: str) -> None:
    clear = next(f for f in scanner().scan_text(f"手机：{MOBILE}。") if f.data_class == "person.phone.mobile")
    text = f"中文 {ENCODINGS[name](f'手机：{MOBILE}。还有别的')} 后面"
    found = next(f for f in scanner().scan_text(text) if f.data_class == "person.phone.mobile")
    assert (found.preview, found.fingerprint, found.reveal()) == (clear.preview, clear.fingerprint, MOBILE)
    assert found.reason == "found by decoding"
    encoded = text[found.start : found.end]
    assert encoded not in repr(found)
    assert MOBILE not in repr(found)
    assert text.encode()[found.location.offset :][: found.location.length].decode() == encoded


@pytest.mark.parametrize("name", ["base64", "hex", "percent all", "utf-16", "bytes"])
def test_a_masked_payload_gives_nothing_back(name: str) -> None:
    text = f"log {ENCODINGS[name](PERSON)} end"
    masked = guard.mask(text, policy="cn-open-data", audience="public", scanner=scanner())
    assert (masked[:4], masked[-4:]) == ("log ", " end")
    assert scanner().scan_text(masked) == []
    everything = b"".join(layer.data for layer in layers(masked.encode())) + masked.encode()
    assert MOBILE.encode() not in everything
    assert "小明".encode() not in everything
    for start in range(len(MOBILE) - 4):
        assert ENCODINGS[name](MOBILE[start : start + 5]) not in masked


def test_both_forms_of_an_encoded_value_are_withheld() -> None:
    withheld, data = WithheldValues(), f"body={ENCODINGS['base64'](f'手机：{MOBILE}，其他')}".encode()
    hits = fast().scan_text(data)
    Remembrance(fast(), withheld).hits(data, data, hits.start, hits.end, hits)
    for value in (MOBILE.encode(), data[int(hits.start[0]) : int(hits.end[0])]):
        hashes = withheld.hashes(value, np.zeros(1, np.int64), np.array([len(value)]))
        assert withheld.probe(hashes).all()


def test_a_released_log_holds_nothing_encoded(tmp_path: Path) -> None:
    lines = ["start", f"body={ENCODINGS['base64'](f'手机：{MOBILE}，其他')} ok", "GET /x?to=li.ming%40example.org 200"]
    (tmp_path / "a.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    guard.release(tmp_path / "a.log", policy="cn-open-data", audience="public", out=tmp_path / "out")
    released = next((tmp_path / "out" / "public").rglob("a.log")).read_bytes()
    assert b"[E-mail address]" in released
    assert len(fast().scan_text(released)) == 0
    assert not any(MOBILE.encode() in layer.data for layer in layers(released))


def test_json_text_is_decoded_once_by_its_reader() -> None:
    """The reader unescapes: what stands in a string is what is scanned, and an escape in it is one of the text."""
    payload = {"body": f"姓名：王小明，手机：{MOBILE}", "twice": json.dumps({"手机": MOBILE})}
    masked = guard.mask(json.loads(json.dumps(payload)), policy="cn-open-data", audience="public", scanner=scanner())
    assert MOBILE not in json.dumps(masked)
    assert set(masked) == {"body", "twice"}

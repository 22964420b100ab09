"""The fast matcher against the plain one, which defines what is right: no hit missing, none more, all alike.

What is joined here are the packs' own examples and pieces of them: a piece that is almost a match, beside a letter,
a Han character or a line end, finds the slips that whole documents never show.
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.batch import Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, load
from guard.detect import compile as finder

pytestmark = pytest.mark.usefixtures("engine")

Row = tuple[str, int, int, int, float, int]
GLUE = ("", " ", "\n", "\r\n", "\r", ",", "，", "：", ":", "1", "a", "Z", "中", "\u200b", "-", ".", "．", '"', "０",
        "\t", "|", "、", "=", "(", "\u3000", "·", "*", "_", "\xa0", "é", "İ", "\u212a")


@cache
def detectors() -> tuple[Detector, ...]:
    return load()


@cache
def matchers() -> tuple[PlainMatcher, Matcher]:
    return PlainMatcher(detectors()), Matcher(detectors())


@cache
def examples() -> tuple[str, ...]:
    kinds = ("match", "no_match", "masked")
    return tuple(text for detector in detectors() for kind in kinds for text in getattr(detector.examples, kind))


@cache
def headers() -> tuple[str, ...]:
    return ("", "备注", *(word.lstrip("=") for detector in detectors() for word in detector.headers[:4]))


def as_rows(hits: Hits) -> list[Row]:
    """Every hit whole, in the order given."""
    return [(detectors()[d].id, cell, start, end, round(float(confidence), 5), flags)
            for d, cell, start, end, confidence, flags in
            zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                hits.confidence.tolist(), hits.flags.tolist(), strict=True)]


def as_column(values: list[bytes], header: str) -> Column:
    lengths = np.array([len(value) for value in values], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    return Column("field", header, b"\0".join(values), starts, starts + lengths, np.arange(len(values)))


@cache
def expected_rows(data: bytes) -> list[Row]:
    """What the plain matcher finds, whichever engine the other one runs."""
    return as_rows(matchers()[0].scan_text(data))


def assert_alike(data: bytes) -> int:
    """Both matchers agree on a text; returns the number of hits."""
    assert as_rows(matchers()[1].scan_text(data)) == expected_rows(data)
    return len(expected_rows(data))


def pieces(seed: int, count: int) -> str:
    """Examples, whole or cut, glued at random."""
    chance, parts = random.Random(seed), []
    for _ in range(count):
        text = chance.choice(examples())
        if chance.random() < 0.4:
            cut = chance.randint(0, len(text))
            text = chance.choice((text[:cut], text[cut:]))
        parts += [text, chance.choice(GLUE)]
    return "".join(parts)


def test_every_example_alone() -> None:
    assert sum(assert_alike(text.encode()) for text in examples()) > len(examples()) // 3


@pytest.mark.parametrize("seed", range(30))
def test_pieces_joined(seed: int) -> None:
    assert_alike(pieces(seed, 12).encode())


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(pieces(seed + 1000, 10).encode())
    for _ in range(12):
        place = chance.randrange(len(data))
        data[place : place + 1] = chance.choice((b"", b"\xff", b"\xe4", b"\x80", b"\x00"))
    assert_alike(bytes(data))


def test_damage_in_lines_of_what_spans_them() -> None:
    spanning = [detector for detector in detectors() if detector.multiline]
    texts = [text.encode() for detector in spanning for text in detector.examples.match]
    damaged = [b"\xff " + text for text in texts] + [text.replace(b"\n", b" \xe4\n", 1) + b"\n\x80" for text in texts]
    assert sum(map(assert_alike, damaged)) > len(spanning)
    plain, fast = matchers()
    column = as_column(damaged, "")
    assert as_rows(fast.scan_column(column)) == as_rows(plain.scan_column(column))
    assert list(map(as_rows, fast.scan_texts(damaged))) == [as_rows(fast.scan_text(text)) for text in damaged]


def test_a_block_is_the_sum_of_its_lines() -> None:
    fast = matchers()[1]
    spanning = {detector.id for detector in detectors() if detector.multiline}
    data = pieces(7, 120).encode()
    # Flags are left out: a hit that spans lines may shadow one inside it.
    whole = sorted(row[:5] for row in as_rows(fast.scan_text(data)) if row[0] not in spanning)
    apart, start = [], 0
    for line in data.splitlines(keepends=True):
        apart += [(name, cell, first + start, end + start, confidence)
                  for name, cell, first, end, confidence, _ in as_rows(fast.scan_text(line)) if name not in spanning]
        start += len(line)
    assert whole == sorted(apart)
    assert len(whole) > 40


def log_text(seed: int, lines: int) -> str:
    """A log as services write it: times, ids, hashes, addresses, now and then a person."""
    chance, out = random.Random(seed), []
    for number in range(lines):
        head = f"2026-03-{number % 28 + 1:02} 08:{number % 60:02}:07.{chance.randrange(1000):03} "
        body = chance.choice((
            f"INFO requestId={chance.getrandbits(128):032x} cost={chance.randrange(900)}ms bytes={10**10 + number}",
            f"WARN ip=10.{chance.randrange(256)}.{chance.randrange(256)}.7 user=li{number}@example.com failed",
            f"短信发送成功 mobile=138{chance.randrange(10**8):08} 模板 SMS_{number}",
            f"order {chance.randrange(10**18):018} by card 6222{chance.randrange(10**12):012}，{number}.00 元",
            f"姓名：王小明　证件号 １１０１０１１９９００３０７１２３Ｘ 电话\u200b：010-6655{number + 1000}",
            f"token: {chance.getrandbits(160):040x} password=Hz{number}!x trace 7f3a52c1-90b4-4d2e-8a61-{number:012x}",
            f"{chance.choice(examples())}",
        ))
        out.append(head + body.replace("\n", " "))
    return "\n".join(out)


def test_a_log() -> None:
    assert assert_alike(log_text(1, 150).encode()) > 60


def test_a_register_as_text_and_json_lines() -> None:
    row = ("{},王小明,男,汉族,1990-03-07,11010119900307123X,13800138{:03},浙江省杭州市西湖区文三路{}号2幢101室,"
           "6222026198643666411\n")
    line = '{{"name": "李雷", "idCard": "11010119900307123X", "mobile": "13900139{:03}", "email": "a{}@example.org"}}\n'
    assert assert_alike("".join(row.format(i, i, i) for i in range(25)).encode()) > 100
    assert assert_alike("".join(line.format(i, i) for i in range(25)).encode()) > 50


@pytest.mark.parametrize("seed", range(40))
def test_columns_like_single_cells(seed: int) -> None:
    chance, (plain, fast) = random.Random(seed), matchers()
    values = []
    for _ in range(chance.randint(1, 10)):
        text = chance.choice(examples())
        cut = chance.randint(0, len(text))
        values.append(chance.choice((text, text, text[cut:], f" {text}　", text + chance.choice(GLUE) + text)).encode())
    values *= chance.choice((1, 1, 6))
    column = as_column(values, chance.choice(headers()))
    assert as_rows(fast.scan_column(column)) == as_rows(plain.scan_column(column))


def test_every_header_over_fitting_and_other_cells() -> None:
    plain, fast = matchers()
    texts = ("王小明", "13800138000", "11010119900307123X", "110101199003071233", " 男 ", "",
             "浙江省杭州市西湖区文三路1号", "2020-01-02", "a@b.cn", "\u3000", "张*", "０１０－６６５５４４３３")
    values = [text.encode() for text in texts]
    for header in headers()[:: max(1, len(headers()) // 60)]:
        column = as_column(values, header)
        assert as_rows(fast.scan_column(column)) == as_rows(plain.scan_column(column)), header


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(GLUE) | st.text("0123456789Xx-. +@:*年月日号省市路", max_size=14) | st.sampled_from(
    ("身份证", "电话", "password=", "姓名：", "+86", "62220261", "1380013")), max_size=14))
def test_random_texts(parts: list[str]) -> None:
    assert_alike("".join(parts).encode())


@pytest.mark.parametrize("missing", [{"hyperscan"}, {"hyperscan", "re2"}])
def test_without_the_engines(missing: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = finder._module
    monkeypatch.setattr(finder, "hyperscan", None)
    monkeypatch.setattr(finder, "_module", lambda name: None if name in missing else found(name))
    plain, slow = matchers()[0], Matcher(detectors(), cache=False)
    for seed in range(3):
        data = pieces(seed + 500, 12).encode()
        assert as_rows(slow.scan_text(data)) == as_rows(plain.scan_text(data))


def test_no_shipped_rule_looks_at_every_line() -> None:
    plan = matchers()[1]._plan
    assert {plan.searches[number].rule.detector.id for number in plan.everywhere} == set()
    assert {detectors()[index].id for index in plan.wordless} == set()

"""The fast matcher's parts and promises: folding, supersets, automata, kernels; threads, forks, pickles, borders."""

from __future__ import annotations

import datetime
import multiprocessing
import pickle
import random
import re
import threading
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reviewed_detectors import reviewed

from guard.batch import NOISY, SHADOWED, VALIDATED, Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, load
from guard.detect.automaton import compile_automaton
from guard.detect.compile import LineFinder
from guard.detect.folding import fold
from guard.detect.normalise import TABLE, Line
from guard.detect.pack import Context
from guard.detect.shapes import Block, compile_shape
from guard.detect.supersets import NoSupersetError, longest_literal, stretch, superset
from guard.detect.validators import VALIDATORS
from guard.detect.vector_checks import EIGHT_DIGITS, ELEVEN_DIGITS, KERNELS, TEN_BYTES
from guard.taxonomy import Title

NOISE = st.sampled_from([chr(code) for code in TABLE])
TEXTS = st.lists(NOISE | st.sampled_from(list("ab1 ，。中文é·😀")), max_size=24).map("".join)


@cache
def matcher() -> Matcher:
    return Matcher(load(), cache=False)


def detector(pattern: str, name: str = "test", **more: object) -> Detector:
    return reviewed(id=name, data_class="person.account", title=Title(en="test", zh="测试"), pattern=pattern, **more)


def spans(hits: Hits) -> list[tuple[int, int]]:
    return list(zip(hits.start.tolist(), hits.end.tolist(), strict=True))


def agree(rules: tuple[Detector, ...], data: bytes) -> Hits:
    """The hits of both matchers, which must be the same."""
    fast, plain = Matcher(rules, cache=False).scan_text(data), PlainMatcher(rules).scan_text(data)
    for name in ("detector", "start", "end", "confidence", "flags", "cell"):
        assert getattr(fast, name).tolist() == getattr(plain, name).tolist()
    return fast


@given(TEXTS, st.data())
def test_folding_a_buffer_is_normalising_its_lines(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    line, folded = Line(raw), fold(raw)
    assert folded.data == line.text.encode()
    if line.text:
        start = data.draw(st.integers(0, len(line.text) - 1))
        end = data.draw(st.integers(start + 1, len(line.text)))
        before, upto = (len(line.text[:index].encode()) for index in (start, end))
        starts, ends = folded.originals(np.array([before]), np.array([upto]))
        assert (int(starts[0]), int(ends[0])) == line.span(start, end)


@given(st.binary(max_size=30))
def test_folding_damaged_bytes(raw: bytes) -> None:
    assert fold(raw).data == Line(raw).text.encode("utf-8", "surrogateescape")


PATTERNS = (
    r"key *= *\S{6,}", r"(?i:ab|c)+d?", r"(?<![0-9])1[3-9]\d{9}(?![0-9])", r"[京津沪][A-Z]\d{3}", r"[一-龥]{2,4}(?=、)",
    r"(?<=,)[一-龥]{2}(?=$|,)", r"^ab|ba$", r"(a|b)\1c", r"[^()]{2}x", r"姓 *名[:=]? ?([一-龥]{2,3})",
    r"a(?:b{2,3}|c)?(?:d|e{0,2})", r"\w+@\w+\.\w{2,}",
)


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=60, deadline=None)
@given(text=st.text("ab cdex1389=@.,()、姓名：京张A\nKEYkey", max_size=40))
def test_a_superset_ends_in_every_line_with_a_match(pattern: str, text: str) -> None:
    finder = LineFinder([superset(pattern)], use_cache=False)
    data, offset = text.encode(), 0
    ends = [end for _, end in finder.events(data)]
    for line in data.split(b"\n"):
        if re.search(pattern, line.decode(), re.ASCII):
            assert any(offset < end <= offset + len(line) + 1 for end in ends)
        offset += len(line) + 1


def test_patterns_without_superset() -> None:
    for pattern in ("a*", r"(?:a|b?)", "(?!a)", ""):
        with pytest.raises(NoSupersetError):
            superset(pattern)
    with pytest.raises(NoSupersetError):
        longest_literal(r"\d+")


STRETCHES = ("-----BEGIN [A-Z]{1,9}-----", "ab[x-z]?cd", "a[-^]{0,3}b{2}c",
             r"k\s{1,3}value[\"']?: {0,2}['\"]?x{3,40}", "(?i)Key=v", "name[.]+value", "(?:x|y)abc(?=d)")


@given(st.sampled_from(STRETCHES), st.data())
def test_a_stretch_stands_in_every_match(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(pattern, re.ASCII)))
    assert re.search(stretch(pattern).encode("ascii"), text.encode("utf-8")), pattern


def test_a_stretch_goes_on_behind_the_longest_run() -> None:
    assert re.fullmatch(stretch(STRETCHES[3]), "value':")
    assert not re.search(stretch(STRETCHES[3]), "the value of it")
    for pattern in (r"\d+", "值+"):
        with pytest.raises(NoSupersetError):
            stretch(pattern)


SHAPES = (
    (r"1[3-9]\d{9}", "digit"), (r"\d{3}[ -]?\d{4}", "digit"), (r"\d[A-Z]{2}\d{2,4}|\d{4}", "alnum"),
    (r"(\d)(-|/)\d\2\d", "alnum"),
    (r"\d{1,3}(?:\.\d{1,3}){3}", "alnum"), (r"[a-z0-9]{1,5}@[a-z]{1,4}\.[a-z]{2,3}", "alnum"), (r"\d{2}年\d", "digit"),
    (r"(?<![a-z\d])\d{2,3}(?!-)", "none"), (r"\d{1,40}x", "digit"), (r"(?:\d|\d\d-){2,3}", "digit"),
)


@pytest.mark.parametrize(("pattern", "boundary"), SHAPES)
@settings(max_examples=80, deadline=None)
@given(text=st.text("0123456789AZaz.-@/ 年中x\n\r", max_size=60) | st.text("139.-@a1\n", max_size=60))
def test_a_shape_finds_what_re_finds_line_by_line(pattern: str, boundary: str, text: str) -> None:
    shape = compile_shape(pattern, boundary)
    assert shape is not None
    starts, ends = shape.find(Block(text.encode()))
    expected, offset = [], 0
    for line in re.split(r"([\r\n])", text):
        for found in shape.pattern.finditer(line):
            before, value = (len(part.encode()) for part in (line[: found.start()], found.group()))
            expected.append((offset + before, offset + before + value))
        offset += len(line.encode())
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == expected


def test_what_has_no_table() -> None:
    for pattern in ("[一-龥]{2}", "a*", r"(?P<x>a)?(?(x)b|c)", "[ab]{300}"):
        assert compile_automaton(pattern) is None


def samples(name: str) -> list[str]:
    """Values near the edge of what a check accepts, of all lengths that packs use."""
    chance = random.Random(name)
    alphabet = "0123456789" * 4 + "ABCDEFGHJKLMNPQRTUWXYIOSVZ"
    values = ["".join(chance.choices(alphabet[:40], k=k)) for k in (8, 9, 11, 15, 16, 17, 18, 19) for _ in range(150)]
    values += ["".join(chance.choices(alphabet, k=k)) for k in (9, 17, 18) for _ in range(300)]
    days = [datetime.date(1880, 1, 1) + datetime.timedelta(days=chance.randrange(60000)) for _ in range(200)]
    for day in days:
        odd = f"{day.year}{chance.randrange(14):02}{chance.randrange(33):02}"
        written = f"{day:%Y%m%d}" if chance.random() < 0.8 else odd
        values += [written, f"330106{written}{chance.randrange(1000):03}X", f"4403{written}9{written[2:]}"[:15]]
    values += ["4" + "0" * 14 + str(digit) for digit in range(10)] + ["62" + "1" * n + "9" for n in range(13, 17)]
    values += [f"1{n:02}00000000" for n in range(100)] + ["91330106MA2CF5T1X5", "91110000100000000X", "MA2CF5T1X"]
    return values


@pytest.mark.parametrize("name", sorted({*KERNELS, *EIGHT_DIGITS, *ELEVEN_DIGITS}))
def test_a_kernel_says_what_the_check_says(name: str) -> None:
    kernels, length = KERNELS, None
    for special, only in ((EIGHT_DIGITS, 8), (ELEVEN_DIGITS, 11)):
        kernels, length = (special, only) if name in special else (kernels, length)
    by_length: dict[int, list[str]] = {}
    for value in samples(name):
        by_length.setdefault(len(value), []).append(value)
    compared = 0
    for size, values in by_length.items():
        if length not in (None, size):
            continue
        matrix = np.array([list(value.encode()) for value in values], np.uint8)
        assert kernels[name](matrix).tolist() == [VALIDATORS[name](value) for value in values]
        compared += len(values)
    assert compared > 50


def test_written_dates() -> None:
    chance = random.Random(3)
    days = [f"{chance.randrange(1890, 2030)}-{chance.randrange(14):02}-{chance.randrange(33):02}" for _ in range(400)]
    values = [*days, "12-03-1990", "1990/03/07", "1990-03 07", "31-12-1990", "13-12-1990", "1990--3-07", "0000000000"]
    matrix = np.array([list(value.encode()) for value in values], np.uint8)
    assert TEN_BYTES["birth_date"](matrix).tolist() == [VALIDATORS["birth_date"](value) for value in values]


def test_offsets_are_bytes_of_the_original() -> None:
    text = "身份证：１１０１０１１９９００３０７１２３Ｘ，手机138\u200b0013\u200b8000"
    data = text.encode()
    hits = matcher().scan_text(data)
    shown = {matcher().detectors[d].id: data[s:e].decode() for d, s, e in
             zip(hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True)}
    assert shown["cn-resident-id"] == "１１０１０１１９９００３０７１２３Ｘ"
    assert shown["cn-mobile"] == "138\u200b0013\u200b8000"
    assert all(flags & NOISY for flags in hits.flags.tolist())


def test_nothing_and_almost_nothing() -> None:
    for data in (b"", b"\n", b"\r\n\r\n", b" ", b"\xff", "\u200b".encode()):
        assert len(matcher().scan_text(data)) == 0


def test_a_check_digit_is_flagged() -> None:
    hits = matcher().scan_text(b"110101199003071233")
    best = hits.take(hits.flags & SHADOWED == 0)
    assert [matcher().detectors[i].id for i in best.detector.tolist()] == ["cn-resident-id"]
    assert best.flags[0] & VALIDATED


def column(values: list[str], header: str = "") -> Column:
    raw = [value.encode() for value in values]
    lengths = np.array([len(value) for value in raw], np.int64)
    starts = np.cumsum(lengths) - lengths
    return Column("field", header, b"".join(raw), starts, starts + lengths, np.arange(len(raw)))


def test_no_hit_crosses_from_one_cell_into_the_next() -> None:
    assert len(matcher().scan_column(column(["1380013", "8000", "110101199003", "07123X"]))) == 0
    assert len(matcher().scan_column(column([]))) == 0
    key = "-----BEGIN EC PRIVATE KEY-----"
    halves = [key + "\nMHcCAQEEIIGVkTQj5Vq7mCwqLJSmZk0kqg==\n", "MHcCAQ==\n-----END EC PRIVATE KEY-----"]
    hits = matcher().scan_column(column(halves))
    assert all(end <= len(halves[cell]) for cell, end in zip(hits.cell.tolist(), hits.end.tolist(), strict=True))


def test_repeated_values_give_each_cell_its_hits() -> None:
    values = ["13800138000", "", "x", "13900139000"] * 300
    hits = matcher().scan_column(column(values, "手机号"))
    best = hits.take(hits.flags & SHADOWED == 0)
    assert best.cell.tolist() == [i for i, value in enumerate(values) if len(value) == 11]
    assert spans(best) == [(0, 11)] * 600


def test_threads_find_the_same() -> None:
    data = ("电话 13800138000 邮箱 zhang@example.com\n姓名：王小明 password=Hz9!kd82xQ\n" * 40).encode()
    fresh = Matcher(load())
    expected, results = len(fresh.scan_text(data)), []
    threads = [threading.Thread(target=lambda: results.extend(len(fresh.scan_text(data)) for _ in range(4)))
               for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert expected > 100
    assert results == [expected] * 24


def count_hits(data: bytes, answers: multiprocessing.SimpleQueue[int]) -> None:
    answers.put(len(matcher().scan_text(data)))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_finds_the_same() -> None:
    data = "电话 13800138000，zhang@example.com".encode()
    expected, context = len(matcher().scan_text(data)), multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    process = context.Process(target=count_hits, args=(data, answers))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert answers.get() == expected > 0


def test_a_pickled_matcher_finds_the_same() -> None:
    data = "电话 13800138000".encode()
    again = pickle.loads(pickle.dumps(Matcher(load())))
    assert again.digest == matcher().digest
    assert spans(again.scan_text(data)) == spans(matcher().scan_text(data)) != []


def test_the_digest_is_that_of_the_plain_matcher() -> None:
    assert matcher().digest == PlainMatcher(load()).digest
    assert matcher().digest != Matcher(load()[1:], cache=False).digest


def test_headers_and_normal_forms() -> None:
    index = [d.id for d in matcher().detectors].index("cn-mobile")
    assert matcher().normal_form(index, "+86 １３８-0013-8000".encode()) == "13800138000"
    assert matcher().header_classes("手机号")[0] == "person.phone.mobile"
    assert matcher().header_classes("") == ()


def test_overlapping_matches_are_passed_over_as_re_does() -> None:
    hits = agree((detector(r"\d\d-\d\d", boundary="none"),), b"12-34-56-78 11-22")
    assert spans(hits) == [(0, 5), (6, 11), (12, 17)]


def test_context_near_and_far() -> None:
    rule = detector(r"\d{9}", require="context", context=Context(words=("工号", "staff_no"), window=12, after=4))
    text = "工号 123456789\n工号很远很远很远很远很远 123456789\n123456789(工号)\n"
    text += "Staff No.: 123456789, 987654321\nstaff\n 123456789"
    assert len(agree((rule,), text.encode())) == 3
    assert len(agree((rule,), text.replace("工", "\u200b工").encode())) == 3


def test_rules_that_hyperscan_cannot_take() -> None:
    rules = (detector(r"(?P<x>a)?(?(x)b|c)", "conditional", boundary="none"), detector(r"z?", "empty", boundary="none"),
             detector(r"(?:[一-龥]{1,60}x){1,60}", "large", boundary="none"))
    assert len(agree(rules, "ab c zz 中文x\nabc\n\nc".encode())) > 4


def test_a_keyword_beyond_ascii_that_folds_to_it() -> None:
    rule = detector(r"=\d{4}", "word", keywords=("key",), boundary="none")
    assert len(agree((rule,), "\u212aey=1234\nKEY=1234\nno=1234".encode())) == 2


@pytest.mark.parametrize("text", ["1" * 200_000, "1 " * 100_000, "a@" * 100_000, "a." * 100_000, "姓名" * 60_000,
                                  "中" * 60_000, "-" * 200_000, "1380013800" * 20_000])
def test_long_runs_do_not_hang(text: str) -> None:
    matcher().scan_text(text.encode())

"""Columns by compiled loops and without: the plain matcher's hits, from the splitter to the tally."""

from __future__ import annotations

import dataclasses
import random
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Scanner, compiled
from guard.batch import Batch, Column, Hits, Ints
from guard.demo import bulk
from guard.detect import Detector, Matcher, PlainMatcher, load
from guard.detect import memory as memories
from guard.detect.memory import CompiledNumbers, Numbers
from guard.detect.values import Values
from guard.model import Location
from guard.scanner.count import count_column, free_texts
from guard.sources.delimited_batch import quote, table_batch
from guard.sources.delimited_cells import split_cells, split_exactly
from guard.sources.encoding import count_line_ends
from guard.sources.stream import START
from guard.sources.table_head import FieldName

GLUE = ("", " ", "\n", "\r\n", "，", "1", "a", "中", "\u200b", "-", "．", "０", "\u3000", "·", "*", "某", "（", "\xa0")


@cache
def detectors() -> tuple[Detector, ...]:
    return load()


@cache
def plain() -> PlainMatcher:
    return PlainMatcher(detectors())


@cache
def shared() -> Matcher:
    return Matcher(detectors())


def as_new() -> Matcher:
    """One that remembers nothing of the columns that it has scanned."""
    vars(shared()._plan).pop("memories", None)
    return shared()


@cache
def headers() -> tuple[str, ...]:
    return ("", "备注", "name", *(word.lstrip("=?") for d in detectors() for word in d.headers[:3]))


@cache
def examples() -> tuple[str, ...]:
    kinds = ("match", "no_match", "masked")
    return tuple(text for d in detectors() for kind in kinds for text in getattr(d.examples, kind))


@pytest.fixture(params=[True, False], ids=["compiled", "without"])
def fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways, whatever the amount of work."""
    if request.param and not compiled.is_available():
        pytest.skip("no compiler here")
    monkeypatch.setattr(compiled, "pays", lambda work: request.param)
    return bool(request.param)


def as_column(values: list[bytes], header: str, seed: int = 0) -> Column:
    """The values scattered over a buffer, as the cells of a table are."""
    chance, data, starts = random.Random(seed), bytearray(), []
    for value in values:
        data += chance.choice((b"", b",", b"\n9", b"x"))
        starts.append(len(data))
        data += value
    first = np.array(starts, np.int64)
    return Column("field", header, bytes(data), first, first + [len(v) for v in values], np.arange(len(values)))


def as_rows(hits: Hits) -> list[tuple[str, int, int, int, float, int]]:
    return [(detectors()[d].id, cell, start, end, round(float(confidence), 5), flags)
            for d, cell, start, end, confidence, flags in
            zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                hits.confidence.tolist(), hits.flags.tolist(), strict=True)]


def some_values(chance: random.Random, count: int) -> list[bytes]:
    values = []
    for _ in range(count):
        text = chance.choice(examples())
        cut = chance.randint(0, len(text))
        glue = chance.choice(GLUE)
        values.append(chance.choice((text, text[cut:], glue + text, text + glue, text + glue + text, "")).encode())
    return values


@pytest.mark.parametrize("seed", range(24))
def test_any_values_under_any_header(fast: bool, seed: int) -> None:
    chance = random.Random(seed)
    column = as_column(some_values(chance, chance.randint(1, 12)) * chance.choice((1, 3)), chance.choice(headers()))
    assert as_rows(as_new().scan_column(column)) == as_rows(plain().scan_column(column))


@pytest.mark.parametrize("header", ["姓名", "籍贯", "工作单位", "银行账号", "补助金额", "手机号码"])
def test_cells_in_every_dress(fast: bool, header: str) -> None:
    texts = ["王小明", "\u200b王小明", "王小明\ufeff", " 王小明", "王\u3000明", "王*明", "某人",
             "６２１７００６５８４２４５９２２８１１", "6217006584245922811", "\u200b6217006584245922811\u200b",
             "甲（乙）公司", "甲\n乙", "甲\r\n乙公司", "·",
             "\u200b", "#1", "×1", "415.00", "é", "é\xa0", "😀", "1380013８０００"]
    values = [text.encode() for text in texts] + [b"\xe7\x8e", b"a\xffb"]
    for chosen in (values[:-2], values):
        column = as_column(chosen, header)
        assert as_rows(as_new().scan_column(column)) == as_rows(plain().scan_column(column))


@pytest.mark.parametrize("header", ["工作单位", "employer", "银行账号", "家庭年收入", "诊断结果", "宗教信仰"])
def test_plain_cells_that_all_say_the_same(fast: bool, header: str) -> None:
    cells = ["青岛发星机械制造有限责任公司", "6217006584245922811", "415.00", "高血压", "x", "佛教", "公" * 200, ""]
    column = as_column([cell.encode() for cell in cells], header)
    assert as_rows(as_new().scan_column(column)) == as_rows(plain().scan_column(column))


def test_values_that_come_again_in_later_batches(fast: bool) -> None:
    chance, matcher = random.Random(5), Matcher(detectors())
    stock = some_values(chance, 30)
    for header in ("联系电话", "姓名", "备注"):
        for batch in range(4):
            values = [chance.choice(stock) for _ in range(25)] + some_values(chance, batch)
            column = as_column(values, header, batch)
            assert as_rows(matcher.scan_column(column)) == as_rows(plain().scan_column(column))


@given(st.lists(st.sampled_from(("", "a", "13800138000", "王小明", "13800138000 ", "低保")), min_size=1, max_size=6),
       st.lists(st.integers(0, 5), min_size=12, max_size=40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_values_that_share_slices(words: list[str], chosen: list[int], overlapping: bool) -> None:
    parts = [word.encode() for word in words]
    stops = np.cumsum([len(part) for part in parts])
    starts, ends = (stops - [len(part) for part in parts])[np.array(chosen) % len(parts)], stops[
        np.array(chosen) % len(parts)]
    if overlapping:
        ends = np.maximum(starts, ends - np.arange(len(ends)) % 2)
    column = Column("field", "手机号码", b"".join(parts), starts, ends, np.arange(len(starts)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: compiled.is_available())
        assert as_rows(as_new().scan_column(column)) == as_rows(plain().scan_column(column))


def test_the_compiler_comes_in_between_two_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    matcher, column = Matcher(detectors()), as_column([b"13800138000", "王小明".encode(), b"13800138000"] * 3, "手机")
    expected = as_rows(plain().scan_column(column))
    for pays in (False, True, False):
        monkeypatch.setattr(compiled, "pays", lambda work, pays=pays: pays)
        assert as_rows(matcher.scan_column(column)) == expected


def test_values_that_do_not_repeat_are_given_up_and_still_found(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "TRIAL", 10)
    monkeypatch.setattr(memories, "MOST_VALUES", 12)
    matcher, chance = Matcher(detectors()), random.Random(11)
    for start in range(3):
        values = [f"1380013{8000 + 20 * start + n}".encode() for n in range(20)] + some_values(chance, 3)
        column = as_column(values, "手机号码", start)
        assert as_rows(matcher.scan_column(column)) == as_rows(plain().scan_column(column))


@given(st.lists(st.lists(st.binary(max_size=20) | st.sampled_from((b"", b"a", b"ab", b"\0", b"a" * 17)), max_size=30),
                max_size=4))
@settings(max_examples=60, deadline=None)
def test_numbers_of_values_are_the_same_both_ways(batches: list[list[bytes]]) -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    one, two = Numbers(), CompiledNumbers()
    for batch in batches:
        column = as_column(batch, "")
        values = Values(column.data, column.starts, column.ends)
        (which, new), (again, also) = one.number(values), two.number(values)
        assert which.tolist() == again.tolist()
        assert new.as_list() == also.as_list()
        assert len(one) == len(two)


@given(st.lists(st.binary(max_size=12), max_size=20))
def test_values_one_below_the_other(parts: list[bytes]) -> None:
    column = as_column(parts, "", 3)
    values = Values(column.data, column.starts, column.ends)
    for pays in (False, compiled.is_available()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "pays", lambda work, pays=pays: pays)
            lines = values.lines()
        assert lines.data == b"\n".join(parts)
        assert lines.as_list() == parts


def test_whole_cells_are_those_of_the_pattern() -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    from guard.detect.cell_shapes import cell_pattern

    chance = random.Random(2)
    texts = [value.decode() for value in some_values(chance, 400)]
    texts = [text for text in texts if text and not {"\r", "\n"} & set(text)]
    texts += ["😀", "男", "王小明", "1990-03-07", "·", "é"]
    lines = Values(*_joined([text.encode() for text in texts]))
    buffer = np.frombuffer(lines.data + bytes(8), np.uint8)
    patterns = [detector.cell for detector in detectors() if detector.cell] + [r"(\d)\1+", "(?i)abc|王+", r"\w+\b.*"]
    taken = 0
    for source in patterns:
        pattern = re.compile(source, re.ASCII)
        expected = [pattern.fullmatch(text) is not None for text in texts]
        for _ in range(2):
            got = cell_pattern(pattern).takes(lines.data, buffer, lines.starts, lines.ends).tolist()
            assert got == expected, source
        taken += sum(expected)
    assert taken > 100


def _joined(values: list[bytes]) -> tuple[bytes, Ints, Ints]:
    column = as_column(values, "")
    lines = Values(column.data, column.starts, column.ends).lines()
    return lines.data, lines.starts, lines.ends


@given(st.text("ab,\"\r\n中", max_size=40), st.booleans())
@settings(max_examples=200, deadline=None)
def test_cells_of_quoted_text(text: str, final: bool) -> None:
    expected = split_exactly(text.encode(), b",", final=final)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: compiled.is_available())
        got = split_cells(text.encode(), b",", final=final)
    for name in ("starts", "ends", "counts", "quoted", "escaped"):
        assert getattr(got, name).tolist() == getattr(expected, name).tolist(), name
    assert (got.end, got.unclosed) == (expected.end, expected.unclosed)


@given(st.text(",-\r\n\x0b\x0ea中", max_size=60), st.booleans())
@settings(max_examples=200, deadline=None)
def test_cells_of_text_without_quotes(text: str, final: bool) -> None:
    expected = split_exactly(text.encode(), b",", final=final)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: compiled.is_available())
        got = split_cells(text.encode(), b",", final=final)
    for name in ("starts", "ends", "counts", "quoted", "escaped"):
        assert getattr(got, name).tolist() == getattr(expected, name).tolist(), name
    assert got.end == expected.end
    if got.is_plain and text.encode()[: got.end].endswith((b"\n", b"\r")):
        assert count_line_ends(text.encode()[: got.end]) == len(got.counts)


@given(st.lists(st.lists(st.text("a1\"中", max_size=12), min_size=3, max_size=3), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_columns_one_below_the_other(rows: list[list[str]]) -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    text = "".join(",".join(quote(cell.encode(), b",").decode() for cell in row) + "\n" for row in rows).encode()
    made = []
    for pays in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "pays", lambda work, pays=pays: pays)
            cells = split_cells(text, b",", final=True)
            made.append(table_batch("t", text, cells, lambda n: FieldName(str(n), str(n), ""), 3, 5, START))
    for number, (one, two) in enumerate(zip(made[0].columns, made[1].columns, strict=True)):
        values = [row[number].encode() for row in rows if row[number]]
        assert [two.value(cell) for cell in range(len(two))] == [one.value(cell) for cell in range(len(one))] == values
        assert two.rows.tolist() == one.rows.tolist()
        assert made[1].members[number].tolist() == made[0].members[number].tolist()
        assert two.stacked
        assert two.data == b"\n".join(values)


def test_a_part_of_stacked_values_is_stacked_anew() -> None:
    values = Values(b"a\nbc\nd", np.array([0, 2, 5]), np.array([1, 4, 6]), stacked=True)
    assert values.lines() is values
    for chosen in ([0, 2], [1], [], [2, 1, 0]):
        part = Values(values.data, values.starts[chosen], values.ends[chosen], stacked=True).lines()
        assert part.data == b"\n".join(values.value(index) for index in chosen)
        assert part.as_list() == [values.value(index) for index in chosen]


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_hits_are_counted_alike(data: st.DataObject) -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    letters = data.draw(st.sampled_from(("a1 中", "a中")))
    values = data.draw(st.lists(st.text(letters, min_size=1, max_size=30).map(str.encode), min_size=1, max_size=120))
    column, batch = as_column(values, "备注"), PlainBatch("t", len(values))
    cells = sorted(data.draw(st.lists(st.integers(0, len(values) - 1), max_size=200)))
    sizes = [len(values[cell]) for cell in cells]
    hits = Hits.build(
        [data.draw(st.integers(0, 2)) for _ in cells], [0] * len(cells), sizes,
        [data.draw(st.sampled_from((0.3, 0.6, 0.9, 0.95))) for _ in cells],
        [data.draw(st.sampled_from((0, 1, 2, 4, 5, 8, 16))) for _ in cells], cells)
    counted = []
    for pays in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "pays", lambda work, pays=pays: pays)
            long = free_texts([column])[0]
            # In one buffer with others, and behind one of another buffer.
            assert free_texts([column, as_column([], ""), column]) == [long, 0, long]
            assert free_texts([*slices(column), column]) == [*(free_texts([part])[0] for part in slices(column)), long]
            counted.append(count_column(batch, column, long, hits, detectors(), (), 99))
    assert counted[0] == counted[1]


def slices(column: Column) -> list[Column]:
    """The first values of a column, and the others."""
    return [dataclasses.replace(column, starts=column.starts[part], ends=column.ends[part], rows=column.rows[part])
            for part in (slice(0, 3), slice(3, None))]


class PlainBatch(Batch):
    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        raise AssertionError("nothing is located here")


def test_a_register_from_file_to_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not compiled.is_available():
        pytest.skip("no compiler here")
    path = tmp_path / "register.csv"
    bulk.write_register(path, 0.15)
    with path.open("ab") as file:
        file.write('1,"王""小""明","男,女"\r\n2,,,,,"110101199003071233",\n'.encode())
    reports = []
    for pays in (False, True):
        monkeypatch.setattr(compiled, "pays", lambda work, pays=pays: pays)
        report = Scanner(fingerprint_key=b"k" * 32).scan(path)
        reports.append([field.as_json() for field in report.fields] + [f.as_json() for f in report.findings])
    assert reports[0] == reports[1]
    assert len(reports[0]) > 100

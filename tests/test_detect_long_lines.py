"""Lines of a megabyte made to hurt: judging stays linear, and offsets far inside a line stay exact."""

from __future__ import annotations

import time
from functools import cache

import pytest

from guard.detect import Matcher, load
from guard.detect.addresses import LONGEST, around_number
from guard.detect.normalise import Line

MEGABYTE = 1_000_000
PATIENCE = 5.0
"""CPU seconds for a megabyte; what is quadratic takes minutes."""
UNITS = ("1号", "地址", "东湖街道12号", "北京市朝阳区", "(", "@", "-", "a.", "姓名", "张伟、", "姓名：张*，", "\u200b1")


@cache
def matcher() -> Matcher:
    found = Matcher(load())
    found.scan_text(b"warm")
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_one_unit_again_and_again(unit: str) -> None:
    line = unit.encode() * (MEGABYTE // len(unit.encode()))
    started = time.process_time()
    matcher().scan_text(line)
    assert time.process_time() - started < PATIENCE


@pytest.mark.parametrize("unit", ["a", "号", "a号", "\u200b中", "\U0001d7d8x", "\uff11"])
def test_offsets_far_inside_a_line(unit: str) -> None:
    original = unit * 3000
    line = Line(original.encode(), 7)
    for index in (0, 1, 1023, 1024, 1025, 2047, 2048, 2999):
        start, end = line.span(index, index + 1)
        raw = original.encode()[start - 7 : end - 7].decode()
        assert raw == line.raw(index, index + 1)
        assert Line(raw.encode()).text == line.text[index]


def test_every_number_of_an_address_gives_the_whole_of_it() -> None:
    address = "浙江省杭州市西湖区文三路138号桂花苑2幢3单元501室"
    text = f"住{address}，电话"
    for number in ("138号", "2幢", "3单元", "501室"):
        start = text.index(number)
        assert around_number(text, start, start + len(number)) == (1, 1 + len(address))


def test_an_address_ends_somewhere() -> None:
    text = "北京市朝阳区东门路" + "1号" * LONGEST
    found = around_number(text, 9, 11)
    assert found is not None
    assert found[1] - found[0] <= LONGEST

"""Addresses as compiled loops: the same as the patterns on everything that can be put together."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from span_arrays import Candidate, Lines, differences, locate

from guard import compiled
from guard.detect import addresses, names
from guard.detect.tables import longest_first, rows

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")

EXTENTS = ("address_number", "address_label")
CHECKS = ("in_division", "is_address")
DIVISIONS = [row[1] for row in rows("divisions")]
SHORT = sorted(names.places())
HAN = [row[0] for row in rows("given")]
ENDINGS, PLACES, UNITS = (longest_first(f"address_{name}") for name in ("divisions", "places", "units"))
NUMBER = re.compile(f"(?:[0-9]{{1,5}}(?:-[0-9]{{1,4}}){{0,2}}|[{addresses.TENTHS}]{{1,3}})(?:{'|'.join(UNITS)})")


def pieces(chance: random.Random) -> tuple[Callable[[], str], ...]:
    def of(words: Sequence[str]) -> Callable[[], str]:
        return lambda: chance.choice(words)

    def han(most: int) -> str:
        return "".join(chance.choices(HAN, k=chance.randint(0, most)))

    def digits(most: int) -> str:
        return str(chance.randint(0, 10 ** chance.randint(1, most)))

    def count() -> str:
        return chance.choice((
            lambda: digits(6), lambda: "-".join(digits(5) for _ in range(chance.randint(1, 5))),
            lambda: "".join(chance.choices(addresses.NUMERALS, k=chance.randint(1, 6))), lambda: "A" + digits(2)))()

    def number() -> str:
        tail = chance.choice(("", "", "", " ", "之一", "之12 ", "之"))
        return chance.choice(("", "", "附", "第")) + count() + chance.choice(UNITS) + tail

    def place() -> str:
        return han(3) + chance.choice(PLACES)

    def quarter() -> str:
        directions = "".join(chance.choices(addresses.DIRECTIONS, k=chance.randint(0, 3)))
        return place() + directions + chance.choice(addresses.ROADS + " ")

    return (
        of(DIVISIONS), of(DIVISIONS), of(SHORT), of(["北京", "广东", "上海"]), place, quarter, number, number, number,
        lambda: han(3) + chance.choice(ENDINGS), lambda: han(12), lambda: digits(6), lambda: number() + number(),
        lambda: digits(4) + "-" + digits(5), of(addresses.DATED), of(" ()-#·，。:0A😀\0é"),
        lambda: chance.choice(addresses.HOMES) + "".join(chance.choices(addresses.LEADS, k=chance.randint(1, 2))),
        lambda: chance.choice(PLACES) * chance.randint(1, 4), lambda: f"({place()}{number()})",
        lambda: chance.choice(DIVISIONS) + chance.choice(DIVISIONS) + place() + number() + number(),
        lambda: han(3) + chance.choice("镇乡") + han(2) + "村" + number(),
    )


def drawn(seed: int, count: int) -> tuple[Lines, list[Candidate]]:
    """Lines put together of all that addresses are made of, their numbers, and stretches of them."""
    chance = random.Random(seed)
    kinds, lines, candidates = pieces(chance), list[str](), list[Candidate]()
    while len(candidates) < count:
        line = "".join(chance.choice(kinds)() for _ in range(chance.randint(1, 14)))
        for _ in range(4):
            start = chance.randint(0, len(line))
            size = chance.choice((1, 2, 3, 5, 10, 20, 40, 65, 150))
            candidates.append((len(lines), start, min(len(line), start + size)))
        candidates += ((len(lines), found.start(), found.end()) for found in NUMBER.finditer(line))
        lines.append(line)
    return Lines(lines), candidates


@pytest.fixture(scope="module")
def sample() -> tuple[Lines, list[Candidate]]:
    return drawn(5, 30_000)


@pytest.mark.parametrize("kind", [*EXTENTS, *CHECKS])
def test_results_are_those_of_the_patterns(sample: tuple[Lines, list[Candidate]], kind: str) -> None:
    lines, candidates = sample
    assert differences(lines, kind, candidates) == []
    got = lines.located(kind, candidates) if kind in EXTENTS else lines.checked(kind, candidates)
    assert len(candidates) / 100 < sum(answer not in (False, (-1, -1)) for answer in got) < len(candidates)


def test_every_division_begins_an_address() -> None:
    values = [known for group in addresses.division_names().values() for known in group]
    lines = Lines([*values, *(value[:-1] for value in values)])
    candidates = [(number, 0, len(line)) for number, line in enumerate(lines.lines)]
    assert differences(lines, "in_division", candidates) == []
    assert all(lines.checked("in_division", candidates[: len(values)]))


ATOMS = (
    "北京市", "朝阳区", "省", "镇", "街道", "村", "和平", "里", "三条", "路", "东路", "花园", "道", "大道", "东", "一",
    "号", "号楼", "单元", "组", "12", "3-2", "-", "301", "附", "第", "之一", "甲", "十二", "年", "住", "位于", "家",
    *"()# ·，A",
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(ATOMS), max_size=30).map("".join), st.data())
def test_any_stretch_of_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    candidates = [(0, start, data.draw(st.integers(start, len(text)))),
                  *((0, found.start(), found.end()) for found in NUMBER.finditer(text))]
    for kind in (*EXTENTS, *CHECKS):
        assert differences(Lines([text]), kind, candidates) == []


@pytest.mark.parametrize(("kind", "line", "candidate", "value"), [
    ("address_number", "住北京市朝阳区和平里三条12号，月", "12号", "北京市朝阳区和平里三条12号"),
    ("address_number", "浙江省杭州市文三路138号2幢3单元501室。", "3单元", "浙江省杭州市文三路138号2幢3单元501室"),
    ("address_number", "家住杨家岭镇东湖村13组", "13组", "杨家岭镇东湖村13组"),
    ("address_number", "杭政办〔2018〕116号", "116号", None),
    ("address_number", "上海市静安区解放路993号(桂花苑37号楼301)", "993号", "上海市静安区解放路993号(桂花苑37号楼301)"),
    ("address_label", "家住成都市武侯区环城北路", "成都市武侯区环城北路", "成都市武侯区环城北路"),
    ("address_label", "地址：见附件说明书", "见附件说明书", None),
])
def test_where_an_address_begins_and_ends(kind: str, line: str, candidate: str, value: str | None) -> None:
    lines, at = Lines([line]), line.index(candidate)
    start, end = lines.located(kind, [(0, at, at + len(candidate))])[0]
    assert (lines.buffer[start:end].tobytes().decode() if start >= 0 else None) == value


@pytest.mark.parametrize("filler", ["路", "里三条", "1号", "北京市", "一", "1-", "住", "花园东路 "])
def test_long_lines_of_one_piece(filler: str) -> None:
    """What makes a backtracking matcher slow, or reaches the ends of the windows."""
    line = "北京市朝阳区" + filler * 80 + "12号" + filler * 80 + "3单元"
    at, last = line.index("12号"), line.rindex("3单元")
    candidates = [(0, at, at + 3), (0, last, last + 3), (0, 0, len(line)), (0, 3, 64), (0, 6, 7)]
    for kind in (*EXTENTS, *CHECKS):
        assert differences(Lines([line]), kind, candidates) == []


def test_spans_outside_of_their_line_have_no_extent() -> None:
    """Also where the bytes are no UTF-8 and the span ends with the buffer: nothing is read behind it."""
    chance = np.random.default_rng(4)
    address = np.frombuffer("北京市朝阳区和平路12号3单".encode(), np.uint8)
    buffer = np.concatenate([chance.integers(0, 256, 300, np.uint8), *([address] * 4), address[:-1]])
    low, high, starts, ends = chance.integers(-20, len(buffer) + 20, (4, 20_000))
    inside = (low >= 0) & (low <= starts) & (starts <= ends) & (ends <= high) & (high <= len(buffer))
    for kind in EXTENTS:
        out_starts, out_ends = locate(kind, buffer, (low, high, starts, ends))
        found = out_starts >= 0
        assert (found <= inside).all()
        assert ((out_starts >= low) & (out_ends <= high))[found].all()

"""Names as compiled loops: the same as the Python functions on everything that can be put together."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from span_arrays import Candidate, Lines, differences, locate

from guard import compiled
from guard.detect import names
from guard.detect.tables import longest_first, rows

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")

EXTENTS = ("labelled_name", "fair_name", "sure_name", "name_before", "listed_name", "known_latin_name", "begun_name",
           "followed_name", "evident_name")
CHECKS = ("is_name", "is_usual_name", "is_fair_name", "is_sure_name")
SURNAMES, WORDS, LATIN = ([row[0] for row in rows(name)] for name in ("surnames", "words", "given_latin"))
GIVEN = [row[0] for row in rows("given")]
USUAL = [row[0] for row in rows("given") if float(row[1]) > 3]
PLACES = sorted(names.places() | names.divisions())
FOLLOWERS, LEADS, PARTS = (longest_first(name) for name in ("name_followers", "name_leads", "name_parts"))
ODD = "·某、，:： 1aZé\0😀\uffff\u9fa6一龥-等和及与的同男"


def pieces(chance: random.Random) -> tuple[Callable[[], str], ...]:
    def name() -> str:
        return chance.choice(SURNAMES) + "".join(chance.choices(USUAL, k=chance.choice((1, 2, 2, 3))))

    def of(words: list[str] | tuple[str, ...] | str) -> Callable[[], str]:
        return lambda: chance.choice(words)

    return (
        name, name, name, of(SURNAMES), of(GIVEN), of(WORDS), of(PLACES), of(FOLLOWERS), of(LEADS), of(ODD), of(ODD),
        lambda: "".join(chance.choices(PARTS, k=chance.randint(1, 5))),
        lambda: "·".join(chance.choice(GIVEN) * chance.randint(1, 11) for _ in range(chance.randint(1, 6))),
        lambda: chance.choice(LATIN) + chance.choice((" ", "-", "")) + chance.choice(LATIN).upper(),
        lambda: chance.choice(LATIN).lower() + " " * chance.randint(1, 3),
    )


def drawn(seed: int, count: int) -> tuple[Lines, list[Candidate]]:
    """Lines put together of all that names touch, and stretches of them."""
    chance = random.Random(seed)
    kinds = pieces(chance)
    lines = ["".join(chance.choice(kinds)() for _ in range(chance.randint(1, 7))) for _ in range(count // 5)]
    candidates = []
    for number, line in enumerate(lines):
        for _ in range(5):
            start = chance.randint(0, len(line))
            size = chance.choice((0, 1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 14, 20, 56))
            candidates.append((number, start, min(len(line), start + size)))
    return Lines(lines), candidates


@pytest.fixture(scope="module")
def sample() -> tuple[Lines, list[Candidate]]:
    return drawn(7, 30_000)


@pytest.mark.parametrize("kind", EXTENTS)
def test_extents_are_those_of_the_functions(sample: tuple[Lines, list[Candidate]], kind: str) -> None:
    lines, candidates = sample
    assert differences(lines, kind, candidates) == []
    found = sum(span != (-1, -1) for span in lines.located(kind, candidates))
    assert len(candidates) / 250 < found < len(candidates)


@pytest.mark.parametrize("kind", CHECKS)
def test_checks_are_those_of_the_functions(sample: tuple[Lines, list[Candidate]], kind: str) -> None:
    lines, candidates = sample
    assert differences(lines, kind, candidates) == []
    assert lines.checked(kind, candidates, spaced=True) == lines.expected_checks(kind, candidates, spaced=True)
    assert any(lines.checked(kind, candidates))


def test_every_name_of_the_tables_is_weighed_alike() -> None:
    """Each surname, word and place alone and with a character behind it: no entry is lost in the hash table."""
    values = sorted({run + end for run in (*SURNAMES, *WORDS, *PLACES) for end in ("", "伟", "秀")})
    lines = Lines(values)
    candidates = [(number, 0, len(value)) for number, value in enumerate(values)]
    for kind in CHECKS:
        assert differences(lines, kind, candidates) == []


def test_every_latin_name_of_the_table_is_known() -> None:
    values = [f"{chosen} X" for name in LATIN for chosen in (name, name.upper(), name[:-1], name + "q")]
    lines = Lines(values)
    assert differences(lines, "known_latin_name", [(number, 0, len(v)) for number, v in enumerate(values)]) == []


ALPHABET = "王李欧阳诸葛张伟娜秀英电话同志某·、等石家庄白云扎西多吉买患者被告人 aZ-1é😀\0"
TEXT = st.text(st.sampled_from(ALPHABET), max_size=24)


@settings(deadline=None, max_examples=150)
@given(TEXT, st.data())
def test_any_stretch_of_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    candidates = [(0, start, data.draw(st.integers(start, len(text))))]
    for kind in (*EXTENTS, *CHECKS):
        assert differences(Lines([text]), kind, candidates) == []


@pytest.mark.parametrize(("kind", "line", "candidate", "value"), [
    ("labelled_name", "联系人刘洋电话13800000000", "刘洋电话", "刘洋"),
    ("fair_name", "被告人李建国，男", "被告人李建国", "李建国"),
    ("fair_name", "申请人应当提交", "应当提交", None),
    ("begun_name", "被告万佳琪民间借贷", "万", "万佳琪"),
    ("evident_name", "阿依努尔·艾力来到窗口，", "阿", "阿依努尔·艾力"),
    ("followed_name", "市长丛培德主持，", "丛", "丛培德"),
    ("followed_name", "市长高度重视", "高", None),
    ("evident_name", "王秀英", "王", "王秀英"),
    ("evident_name", "李鹏举世闻名", "李", None),
    ("name_before", "聘任王秀英同志", "同志", "王秀英"),
    ("listed_name", "陈晓东、刘洋等同志", "刘洋", "刘洋"),
    ("listed_name", "石家庄、白云山矿", "白云", None),
    ("sure_name", "欧阳修文", "欧阳修文", "欧阳修文"),
    ("known_latin_name", "User Mary Lee wrote", "User Mary Lee", "Mary Lee"),
])
def test_where_a_name_ends(kind: str, line: str, candidate: str, value: str | None) -> None:
    lines, at = Lines([line]), line.index(candidate)
    start, end = lines.located(kind, [(0, at, at + len(candidate))])[0]
    assert (lines.buffer[start:end].tobytes().decode() if start >= 0 else None) == value


def test_spans_outside_of_their_line_have_no_extent() -> None:
    """Also where the bytes are no UTF-8 and the span ends with the buffer: nothing is read behind it."""
    chance = np.random.default_rng(3)
    buffer = np.concatenate([chance.integers(0, 256, 400, np.uint8), np.frombuffer("王秀".encode(), np.uint8)[:-1]])
    low, high, starts, ends = chance.integers(-20, 430, (4, 5_000))
    inside = (low >= 0) & (low <= starts) & (starts <= ends) & (ends <= high) & (high <= len(buffer))
    for kind in EXTENTS:
        out_starts, out_ends = locate(kind, buffer, (low, high, starts, ends))
        assert (out_starts[~inside] == -1).all()
        found = out_starts >= 0
        assert (found <= inside).all()
        assert (out_ends <= high)[found].all()


def test_nothing_to_do_is_done() -> None:
    assert Lines([""]).located("fair_name", []) == []
    assert Lines([""]).checked("is_name", []) == []


def test_no_word_is_longer_than_what_is_read_of_it():
    from guard.detect import name_loops

    words = {name_loops._LONGEST_NAME_PART: PARTS, name_loops._LEAD: LEADS, name_loops._FOLLOWER: FOLLOWERS}
    assert all(len(word) <= most for most, group in words.items() for word in group)

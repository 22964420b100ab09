"""Forms of short cells: what is found in one cell of a form is found in all, and nothing else."""

from __future__ import annotations

import random
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Column, Hits
from guard.detect import Budget, Matcher, PlainMatcher, cell_forms, load, narrowing
from guard.detect.cell_forms import CellForms, kinds_of
from guard.detect.charsets import LAST, charset, told_apart

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
LETTERS = "王李张刘陈欧阳诸葛伟芳军长平主任先生女士记者说由联系人内部机密市区路号楼甲乙丙·、,:：* 一二12aBſK😀é"


@cache
def matchers() -> tuple[PlainMatcher, Matcher]:
    return PlainMatcher(load()), Matcher(load())


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine, narrowing and forms, however little there is to scan."""
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    monkeypatch.setattr(narrowing, "LEAST", 0)
    monkeypatch.setattr(narrowing, "PLENTY", 0)
    monkeypatch.setattr(narrowing, "MOST_WANTED", 1.0)
    monkeypatch.setattr(cell_forms, "ENOUGH", 0)


def as_column(values: list[str], header: str) -> Column:
    cells = [value.encode() for value in values]
    ends = np.cumsum([len(cell) + 1 for cell in cells]) - 1
    return Column("f", header, b"\n".join(cells), ends - [len(cell) for cell in cells], ends, np.arange(len(cells)))


def rows(hits: Hits) -> list[tuple[int, ...]]:
    return list(zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                    hits.flags.tolist(), strict=True))


def forms(matcher: Matcher) -> list[CellForms]:
    kept = matcher._plan.memories._narrowed._kept.values()  # type: ignore[union-attr]
    return [one._made.forms for one in kept if getattr(one._made, "forms", None) is not None]


@pytest.mark.parametrize("header", ["姓名", "备注", ""])
@pytest.mark.parametrize("alphabet", [LETTERS[:24], LETTERS[:42], LETTERS])
def test_random_short_cells(header: str, alphabet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_forms, "WORTH", 0.0)
    monkeypatch.setattr(cell_forms, "MOST_FORMS", 200)
    chance, (plain, fast) = random.Random(alphabet + header), matchers()
    asked = sum(one._fresh for one in forms(fast)) if fast._plan.memories._narrowed else 0
    for _ in range(4):
        values = ["".join(chance.choices(alphabet, k=chance.randint(1, 6))) for _ in range(200)]
        column = as_column(values, header)
        assert rows(fast.scan_column(column, Budget())) == rows(plain.scan_column(column, Budget()))
    if alphabet == LETTERS[:24]:
        assert sum(one._fresh for one in forms(fast)) > asked


def test_cells_of_few_forms_are_searched_once() -> None:
    plain, fast = PlainMatcher(load()), Matcher(load())
    names = [surname + given for surname in "王李张刘陈" for given in ("伟", "芳", "军", "丙丙")]
    for size in (5, 20):
        column = as_column(names[:size], "姓名")
        assert rows(fast.scan_column(column, Budget())) == rows(plain.scan_column(column, Budget()))
    assert 0 < sum(one._fresh for one in forms(fast)) < 7


def test_forms_that_do_not_repeat_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_forms, "ENOUGH", 10)
    chance, fast = random.Random(3), Matcher(load())
    for _ in range(6):
        fast.scan_column(as_column(["".join(chance.choices(LETTERS[:38], k=8)) for _ in range(50)], "姓名"))
    found = forms(fast)
    assert found
    assert all(one._fresh < one._cells / 2 for one in found)


@given(st.text("aAbK1_ -王李张\u212a\u017f😀é", max_size=6), st.data())
@settings(max_examples=200, deadline=None)
def test_cells_of_one_form_match_alike(text: str, data: st.DataObject) -> None:
    sources = [r"(?<![一-龥])([一-龥]{2})(?=李|$)", r"(?i:ak)\b", r"[aA]b?1|_+", r"[^王a]+K", r"\d\W", r"(?s:.)é"]
    kinds = kinds_of(sources)
    assert kinds is not None
    alike = "".join(data.draw(st.sampled_from(sorted(
        one for one in "aAbBcK1290_ -王李张刘\u212a\u017f😀🙂éè" if kinds[min(ord(one), 65536)] == kinds[
            min(ord(letter), 65536)]))) for letter in text)
    assert len(alike.encode()) == len(text.encode())
    for source in sources:
        found, other = ([match.span() for match in re.finditer(source, one, re.ASCII)] for one in (text, alike))
        assert found == other


@pytest.mark.parametrize("source", [r"(a)\1", r"(a)?(?(1)b|c)", "[\U00010000-\U00010010]"])
def test_where_more_than_kinds_counts(source: str) -> None:
    assert kinds_of([source]) is None


@given(st.lists(st.tuples(st.lists(st.tuples(st.integers(0, 220), st.integers(0, 40)), max_size=4), st.booleans()),
                max_size=6))
def test_code_points_are_told_apart_where_a_set_does(given_sets: list[tuple[list[tuple[int, int]], bool]]) -> None:
    last = 200
    sets = [charset([(low, low + size) for low, size in ranges], negate=negate) for ranges, negate in given_sets]
    kinds = told_apart(sets, last).tolist()
    assert len(kinds) == last + 1
    members = [tuple(code in one.ascii or any(low <= code <= high for low, high in one.beyond) for one in sets)
               for code in range(last)]
    for one in range(last):
        assert all((kinds[one] == kinds[other]) == (members[one] == members[other]) for other in range(one))


def test_what_lies_beyond_the_last_code_point_is_of_one_kind() -> None:
    everything, nothing = charset([(0, LAST)]), charset([(500, 600)])
    kinds = told_apart([everything, nothing], 200).tolist()
    assert kinds[200] not in (kinds[10], kinds[13])  # no set holds line ends
    assert len({*told_apart([], 200).tolist()}) == 1

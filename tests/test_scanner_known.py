"""A baseline covers what a person was shown, and with it what says the same of the same value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guard import Scanner
from guard.batch import SHADOWED, Hits
from guard.demo import People
from guard.policy import Baseline
from guard.scanner import FindingList
from guard.scanner.known import without_known

KEY = b"k" * 32
CLASSES = ("person.id.cn", "org.uscc", "person.id.cn")


def left(rows: list[tuple[int, int, int, int, bool]], known: list[int]) -> list[tuple[int, int, int, bool]]:
    """(detector, start, end, is shown) of what is left; rows are (detector, start, end, cell, is shadowed)."""
    hits = Hits.build([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [0.9] * len(rows),
                      [SHADOWED * r[4] for r in rows], [r[3] for r in rows])
    found = without_known(hits, np.isin(np.arange(len(rows)), known), CLASSES)
    return [(d, a, b, not f & SHADOWED) for d, a, b, f in
            zip(found.detector.tolist(), found.start.tolist(), found.end.tolist(), found.flags.tolist(), strict=True)]


def test_the_same_class_within_the_value_goes_too() -> None:
    assert left([(0, 0, 18, 0, False), (2, 0, 18, 0, True)], [0]) == []
    assert left([(0, 0, 18, 0, False), (2, 0, 17, 0, True), (2, 30, 40, 0, True)], [0]) == [(2, 30, 40, False)]


def test_another_class_is_shown_from_now_on() -> None:
    assert left([(0, 0, 18, 0, False), (1, 0, 18, 0, True)], [0]) == [(1, 0, 18, True)]


def test_more_than_the_value_is_shown_from_now_on() -> None:
    assert left([(2, 0, 24, 0, True), (0, 0, 18, 0, False)], [1]) == [(2, 0, 24, True)]


def test_what_something_else_still_shadows_stays_hidden() -> None:
    rows = [(1, 0, 30, 0, False), (0, 0, 18, 0, False), (1, 2, 18, 0, True)]
    assert left(rows, [1]) == [(1, 0, 30, True), (1, 2, 18, False)]


def test_other_cells_stay_as_they_are() -> None:
    assert left([(0, 0, 18, 0, False), (2, 0, 18, 1, True)], [0]) == [(2, 0, 18, False)]


spans = st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 6), st.integers(0, 1), st.booleans())


@given(st.lists(spans, max_size=8), st.sets(st.integers(0, 7)))
def test_nothing_that_was_shown_and_is_not_known_goes(found: list[tuple[int, int, int, int, bool]], known: set[int]
                                                      ) -> None:
    rows = sorted(((d, a, a + n, c, s) for d, a, n, c, s in found), key=lambda r: (r[3], r[1], -r[2]))
    kept = left(rows, sorted(known))
    for number, (detector, start, end, _, is_shadowed) in enumerate(rows):
        if number not in known and not is_shadowed:
            assert (detector, start, end, True) in kept


def test_a_baseline_of_names_and_numbers_covers_them_all(tmp_path: Path, people: People) -> None:
    """Names in a column are found by two detectors, and some resident IDs pass as credit codes."""
    source = tmp_path / "a.csv"
    source.write_text("姓名,身份证号\n" + "".join(f"{people.name()},{people.resident_id()}\n" for _ in range(60)))
    shown = FindingList()
    first = Scanner(fingerprint_key=KEY).scan(source, sink=shown)
    assert sum(count.hits for field in first.fields for count in field.classes) > len(shown.findings)
    baseline = Baseline.create(shown.findings, "made up", KEY)
    more = FindingList()
    second = Scanner(fingerprint_key=KEY, suppressor=baseline).scan(source, sink=more)
    assert {finding.data_class for finding in more.findings} <= {"org.uscc", "person.bank_card"}
    counted = {c.data_class: c.hits for field in second.fields for c in field.classes if c.hits}
    assert counted.keys() == {finding.data_class for finding in more.findings}

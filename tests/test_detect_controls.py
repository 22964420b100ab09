"""Colours of terminals in logs: their last letter stands before a value and is none of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Column
from guard.detect import Matcher, PlainMatcher, load
from guard.detect.folding import fold
from guard.detect.normalise import normalise

CHOSEN = tuple(detector for detector in load() if detector.id in ("cn-mobile", "cn-resident-id", "email-address"))
LINES = [b"\x1b[31m13871924865\x1b[0m ok", b"\x1b[1;32muser\x1b[0m=\x1b[33mzhang@example.com\x1b[K",
         b"no \x1b[38;5;196mcolour 13871924865", b"\x1b[", b"\x1b[31", "\x1b[7m手机\x1b[27m13871924865，".encode()]


@pytest.fixture(params=["loops", "interpreted"])
def matcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Matcher:
    if request.param == "loops" and not compiled.is_available():
        pytest.skip("no compiler for this platform")
    monkeypatch.setattr(compiled, "pays", lambda _: request.param == "loops")
    return Matcher(CHOSEN)


def test_a_value_in_colour_is_found_where_it_stands(matcher: Matcher) -> None:
    data = b"\n".join(LINES)
    hits, expected = matcher.scan_text(data), PlainMatcher(CHOSEN).scan_text(data)
    found = sorted(zip(hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True))
    assert found == sorted(zip(expected.detector.tolist(), expected.start.tolist(), expected.end.tolist(), strict=True))
    assert [data[start:end] for _, start, end in sorted(found, key=lambda hit: hit[1])] == [
        b"13871924865", b"zhang@example.com", b"13871924865", b"13871924865"]


def test_a_cell_in_colour_is_found(matcher: Matcher) -> None:
    ends = np.cumsum([len(line) for line in LINES])
    column = Column("note", "note", b"".join(LINES), ends - [len(line) for line in LINES], ends, np.arange(len(LINES)))
    hits, expected = matcher.scan_column(column), PlainMatcher(CHOSEN).scan_column(column)
    assert sorted(hits.cell.tolist()) == sorted(expected.cell.tolist()) == [0, 1, 2, 5]


@given(st.text(st.sampled_from("\x1b[0;31mK1aé３\u200b ")))
def test_both_forms_of_a_line_are_the_same(text: str) -> None:
    assert fold(text.encode()).data.decode() == normalise(text)
    # Without an invisible character inside of it a control sequence is one from the start.
    assert "\u200b" in text or normalise(normalise(text)) == normalise(text)

"""Names in running text: where they begin behind a word before them, as patterns would say it."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.detect import names
from guard.detect.tables import longest_first

LEAD = re.compile(f"(?:{'|'.join(longest_first('name_leads'))})(?=[一-龥]{{2}})")
RUN = re.compile("[一-龥·]+")
PARTS = re.compile(f"(?:{'|'.join(longest_first('name_parts'))}){{2,4}}")
WORDS = [*longest_first("name_leads"), *longest_first("name_parts"), *"张王李四·龥一龦䷿a :，"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)


@settings(max_examples=300)
@given(TEXTS, st.data())
def test_where_a_name_begins(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text) + 2))
    found, run = LEAD.match(text, start, end), RUN.match(text, start, start + 64)
    assert names._behind_lead(text, start, end) == (found.end() if found else start)
    assert names._run_end(text, start, start + 64, also="·") == (run.end() if run else start)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(longest_first("name_parts")), min_size=1, max_size=5).map("".join))
def test_names_made_of_known_parts(name: str) -> None:
    assert (names.plausibility(name) == names.ETHNIC) is bool(PARTS.fullmatch(name))

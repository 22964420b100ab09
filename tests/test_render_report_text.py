"""A report written from its objects is the text of the JSON of the report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_example import HOSTILE, REPORT

from guard.model import ClassCount, Field, Input, Role
from guard.render import FORMATS, render

TEXT = st.text(st.characters(), max_size=12)
NUMBER = st.integers(0, 10**12)
COUNT = ClassCount("secret.password", 1, 0, 0, 1, 0, 1, 0.75)
FIELDS = st.builds(
    Field, TEXT, TEXT, st.sampled_from(("column", "text", "name")), TEXT, st.sampled_from(Role), st.integers(1, 4),
    st.floats(0, 1), NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, st.sampled_from(((), (COUNT,))),
    st.sampled_from(((), REPORT.findings[:1])), TEXT, TEXT)
INPUTS = st.builds(
    Input, TEXT.filter(bool), NUMBER, st.sampled_from(("scanned", "skipped", "failed")), TEXT, TEXT, TEXT, TEXT)


@given(st.lists(FIELDS, max_size=4), st.lists(INPUTS, max_size=4))
def test_rows_are_those_of_the_report_as_json(fields: list[Field], inputs: list[Input]) -> None:
    report = replace(REPORT, fields=tuple(fields), inputs=tuple(inputs))
    assert render(report, "json") == render(report.as_json(), "json")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_report_is_rendered_as_its_json_is(format_: str) -> None:
    report = replace(REPORT, inputs=(Input(HOSTILE, 1, "scanned", encoding="utf-8"), *REPORT.inputs))
    assert render(report, format_, "zh") == render(report.as_json(), format_, "zh")

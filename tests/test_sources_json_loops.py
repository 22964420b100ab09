"""The compiled loops of JSON Lines against the same in NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.model import PlainLabels
from guard.sources import json_records, json_tokens
from guard.sources.json_paths import Paths

PIECES = ['"', "\\", '\\"', "\\\\", "\\u00e9", "\\u12", "\\x", "{", "}", "[", "]", ",", ":", " ", "\t", "\r", "\n",
          "\x01", "true", "false", "null", "nul", "0", "-1", "01", "1.5e+9", "1.", "-",
          "é", "中", '"key":', '"a": 1', "{}"]
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                          st.text(max_size=4), inner, max_size=3), max_leaves=8)
LINES = st.lists(st.builds(json.dumps, VALUES, ensure_ascii=st.booleans()) | st.just("") | st.just(' "broken'),
                 max_size=8)
MIXED = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | LINES.map("\n".join)

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler")


def same(one: object, other: object) -> None:
    for name in one.__slots__:  # type: ignore[attr-defined]
        first, second = getattr(one, name), getattr(other, name)
        if isinstance(first, np.ndarray):
            assert first.dtype == second.dtype, name
            assert first.tolist() == second.tolist(), name


@settings(max_examples=400)
@given(MIXED)
def test_tokens_of_lines(text: str) -> None:
    data = text.encode()
    same(json_tokens._by_loop(data, True), json_tokens._by_arrays(data, True))


@settings(max_examples=200)
@given(MIXED)
def test_tokens_of_a_document(text: str) -> None:
    data = text.encode()
    found, expected = json_tokens._by_loop(data, False), json_tokens._by_arrays(data, False)
    assert found.wrong.tolist() == expected.wrong.tolist()
    if not len(expected.wrong):
        same(found, expected)


@settings(max_examples=300)
@given(MIXED | st.lists(LINES.map("\n".join), max_size=3).map(lambda parts: "\n".join(parts * 3)))
def test_records(text: str) -> None:
    data = text.encode()
    tokens = json_tokens._by_arrays(data, True)
    ways = []
    for read in (json_records._by_arrays, json_records._by_loops):
        paths = Paths("data", PlainLabels())
        records = read(data, tokens, 7, paths)
        ways.append((records, [node.part for node in paths.nodes]))
    (expected, nodes), (found, others) = ways
    assert (found.count, found.wrong.tolist(), others) == (expected.count, expected.wrong.tolist(), nodes)
    same(found.values, expected.values)
    same(found.keys, expected.keys)


def test_more_tokens_and_errors_than_were_guessed() -> None:
    for data in (b"[" * 5_000, b"x," * 5_000, b'"' + b"\x01" * 5_000 + b'"', b"[]\n" * 4_000):
        same(json_tokens._by_loop(data, True), json_tokens._by_arrays(data, True))

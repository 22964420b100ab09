"""The steps of a scan of text beside the sweep: lines, words of gates, rules that span lines, keywords."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reviewed_detectors import reviewed

from guard import cache, compiled
from guard.detect import Matcher
from guard.detect.folding import fold, fold_quickly
from guard.detect.gates import gates
from guard.detect.normalise import TABLE, normalise
from guard.detect.pack import Confidence, Context
from guard.detect.plain import PlainMatcher, scan_blocks
from guard.detect.rule import compile_rules
from guard.detect.shapes import Block
from guard.detect.spanning import scan_around
from guard.native import kept
from guard.scanner.count import line_starts

pytest.importorskip("numba")

text = st.text(st.sampled_from("ab\n\n\r\t \0\x0b号"), max_size=40).map(str.encode)


def by_loops(monkeypatch, wanted):
    monkeypatch.setattr(compiled, "pays", lambda work: wanted)


def detector(pattern, **more):
    return reviewed(id="it", data_class="secret.password", title={"en": "it", "zh": "它"}, pattern=pattern,
                    boundary="none", confidence=Confidence(shape=0.6, checked=0.9, failed=0.3), **more)


@given(text)
def test_line_ends_by_a_loop(data):
    with pytest.MonkeyPatch.context() as patch:
        by_loops(patch, True)
        fast = Block(data).bounds
        by_loops(patch, False)
        assert fast.tolist() == Block(data).bounds.tolist()


def test_line_ends_of_nothing_but_lines(monkeypatch):
    by_loops(monkeypatch, True)
    assert Block(b"\n" * 5000).bounds.tolist() == list(range(-1, 5001))


@given(text, st.lists(st.integers(0, 120), max_size=12))
def test_hits_are_in_one_line_where_no_line_ends_between_them(data, places):
    from guard.hashing_loops import words_of
    from guard.scanner import count_loops

    offsets = np.array(sorted(place for place in places if place < len(data)), np.int64)
    numbers = np.empty(len(offsets), np.int64)
    count_loops.number_lines(np.frombuffer(data, np.uint8), words_of(data), 10 if b"\n" in data else 13, offsets,
                             numbers)
    lines = np.searchsorted(line_starts(data), offsets, side="right")
    assert (np.diff(numbers) > 0).tolist() == (np.diff(lines) > 0).tolist()
    assert (np.diff(numbers) >= 0).all()


@given(st.lists(st.text(st.sampled_from("abcZz019 -号"), max_size=40), max_size=5),
       st.lists(st.text(st.sampled_from("abcz019 号"), min_size=1, max_size=20), min_size=1, max_size=6, unique=True),
       st.integers(0, 4), st.booleans())
def test_long_words_stand_where_all_their_letters_do(rows, words, row, upper):
    from guard.detect import gate_loops

    rows = [*rows, *(word.upper() if upper else word for word in words[row:])]
    block = Block("\n".join(rows).encode())
    wanted = np.zeros((len(block.bounds) - 1, 1), np.uint64)
    gate_loops.open_gates(gates({word.encode(): [number] for number, word in enumerate(words)}, len(words)), block,
                          wanted)
    for line, bits in zip(rows, wanted[:, 0].tolist(), strict=False):
        assert [bool(bits >> number & 1) for number in range(len(words))] == [word in line.lower() for word in words]


def test_a_word_stands_beside_more_than_fits_into_memory_at_once():
    from guard.detect import gate_loops

    words = [b"ab" + bytes([97 + number]) for number in range(20)]
    data = b"ab\nabc" * 30_000 + b"abt"
    block = Block(data)
    wanted = np.zeros((len(block.bounds) - 1, 1), np.uint64)
    gate_loops.open_gates(gates({word: [number] for number, word in enumerate(words)}, 20), block, wanted)
    lines = data.split(b"\n")
    assert [bits for (bits,) in wanted.tolist()] == [
        sum((word in line) << number for number, word in enumerate(words)) for line in lines]


def test_every_character_that_changes_is_found_among_others():
    """The loop passes over stretches without a byte that such characters begin with."""
    for filling in ("a" * 70, "号" * 30, "é" * 40):
        data = "".join(f"{filling}{chr(code)}" for code in TABLE).encode() + filling.encode()
        fast, slow = fold_quickly(data), fold(data)
        assert fast is not None
        assert fast.data == slow.data
        assert fast.points.tolist() == slow.points.tolist()
        assert fast.shifts.tolist() == slow.shifts.tolist()


@given(st.binary(max_size=80))
def test_what_is_no_utf8_is_not_folded(data):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert fold_quickly(data) is None
    else:
        folded = fold_quickly(data)
        assert folded is not None
        assert folded.data.decode() == normalise(text)


PATTERNS = ("name: {0,4}\\S{1,9}\\s{1,5}value", "(?<=a)value(?=\\sb)", "value[ab\n]{1,6}", "(?:a|\\n){2,5}?value",
            "value(?:a|b\\n){1,3000}", "VALUE{2,3}\\n")
pieces = st.lists(st.sampled_from(["name: ", "x", "value", "VALUEE", "a", "b", "\n", "\n\n", " ", "号", "x" * 50]),
                  max_size=25).map("".join)


@settings(max_examples=200)
@given(pieces, st.sampled_from(PATTERNS))
def test_rules_that_span_lines_are_found_around_theirs(data, pattern):
    raw, rules = data.encode(), compile_rules((detector(pattern, multiline=True),))
    word = b"VALUE" if pattern.startswith("VALUE") else b"value"
    offsets, start = [], raw.find(word)
    while start >= 0:
        offsets.append(start)
        start = raw.find(word, start + 1)
    assert list(scan_around(rules, raw, {0: offsets} if offsets else {})) == list(scan_blocks(rules, raw))


@settings(max_examples=60)
@given(pieces, st.sampled_from(PATTERNS))
def test_both_engines_find_rules_that_span_lines(data, pattern):
    detectors = (detector(pattern, multiline=True),)
    expected = PlainMatcher(detectors).scan_text(data.encode())
    with pytest.MonkeyPatch.context() as patch:
        for fast in (True, False):
            by_loops(patch, fast)
            found = Matcher(detectors, cache=False).scan_text(data.encode())
            assert [(a, b) for a, b in zip(found.start.tolist(), found.end.tolist(), strict=True)] == [
                (a, b) for a, b in zip(expected.start.tolist(), expected.end.tolist(), strict=True)]


@pytest.mark.parametrize("filling", ["", "x" * 2000])
@pytest.mark.parametrize("require", ["nothing", "context"])
@settings(max_examples=40)
@given(st.lists(st.sampled_from(["code 12345678", "12345678", "no 12345678", "code", "代码12345678", "x"]), max_size=8))
def test_few_rules_know_their_context_wherever_words_are_looked_for(filling, require, rows):
    """With much text for each match, matches are looked around one by one; else words are found in all of it."""
    context = Context(words=("code", "代码"), against=("no",), boost=0.2, penalty=0.2)
    detectors = (detector("[0-9]{8}", context=context, require=require),)
    data = "\n".join([*rows, filling]).encode()
    expected = PlainMatcher(detectors).scan_text(data)
    with pytest.MonkeyPatch.context() as patch:
        by_loops(patch, True)
        found = Matcher(detectors, cache=False).scan_text(data)
    assert found.start.tolist() == expected.start.tolist()
    assert found.confidence.tolist() == expected.confidence.tolist()


@pytest.mark.parametrize("line", ["token a1b2", "TOKEN a1b2", "to\u212aen a1b2", "api a1b2", "AP\u0130 a1b2",
                                  "toen a1b2", "to\uff4ben a1b2", "no a1b2"])
def test_keywords_open_gates_as_lower_case_says(monkeypatch, line):
    by_loops(monkeypatch, True)
    detectors = (detector("[a-z0-9]{1,2}[0-9]", keywords=("token", "api")),)
    found = Matcher(detectors, cache=False).scan_text(line.encode())
    expected = PlainMatcher(detectors).scan_text(line.encode())
    assert dataclasses.astuple(found)[1].tolist() == dataclasses.astuple(expected)[1].tolist()


def test_no_loop_that_is_kept_needs_a_linker():
    """With LLVM, a process that needs but one loop linked takes 40 MB and 50 ms more (`guard.native.placing`)."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("objects are laid out on this platform only")
    folder = kept.directory()
    files = [] if folder is None else [file for file in folder.iterdir() if file.name.startswith("guard.")]
    linked = [name for file in files if (content := cache.load(file.name, file.parent.name)) is not None
              for name, _, _, place in [json.loads(content.partition(b"\n")[0])] if place is None]
    assert linked == []

"""Words without which there is no match, and the pass that finds the lines that hold them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import detect
from guard.detect.context import compile_words
from guard.detect.factors import factors, line_share, rarest
from guard.detect.gates import gates
from guard.detect.shapes import Block

DETECTORS = detect.load()


@pytest.mark.parametrize(("pattern", "words"), [
    ("secret=[a-z]{8}", {b"secret="}),
    ("(?i:Secret)[_-]?KEY=.{3}", {b"secretKEY=", b"secret_KEY=", b"secret-KEY="}),
    ("(?:ab|cd)+[0-9]{4}xyz", {b"xyz"}),
    ("(?:[A-Z][a-z]+ )+(?:St|Ave)", {b" St", b" Ave"}),
    ("[一-龥]{2}(?:先生|女士)", {"先生".encode(), "女士".encode()}),
    ("[0-9]+(?=元整)", {"元整".encode()}),
    ("(?<=tel:)[0-9]+", {b"tel:"}),
    ("[0-9]+(?!元整)", None),
    ("(?:token)?[0-9]{8}", None),
    ("(?:token|[0-9]{8})", None),
    ("[0-9]{8}", None),
    ("(?:token){2}[0-9]", {b"tokentoken"}),
    ("(?:token){2,}[0-9]", {b"token"}),
    ("a(?:bcd|bcde)f", {b"abcdf", b"abcdef"}),
])
def test_the_words_of_a_pattern(pattern, words):
    assert factors(pattern) == words


def test_the_rarest_words_are_chosen():
    assert rarest(frozenset([b"key"]), frozenset([b"zhipuai"])) == {b"zhipuai"}
    assert rarest(None, frozenset([b"e"])) is None
    assert line_share(frozenset([b"key", b"token", b"secret", b"code"])) <= 0.9


def holds(word: bytes, line: bytes) -> bool:
    """Whether a word stands in a line, its small letters for both cases."""
    signs = [b"[%c%c]" % (byte, byte - 32) if 97 <= byte <= 122 else re.escape(bytes([byte])) for byte in word]
    return re.search(b"".join(signs), line) is not None


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.id)
def test_every_match_holds_a_word(detector):
    for pattern in filter(None, (detector.pattern, detector.masked)):
        words = factors(pattern)
        for example in (*detector.examples.match, *detector.examples.masked) if words is not None else ():
            for line in example.splitlines():
                if re.search(pattern, line, re.ASCII):
                    assert any(holds(word, line.encode()) for word in words), example
    context = detector.context
    pattern = compile_words(context.words) if context is not None else None
    for word in context.words if pattern is not None and (words := factors(pattern.pattern)) else ():
        assert any(holds(factor, word.encode()) for factor in words)


lines = st.lists(st.text(st.sampled_from("aAbBzZ0#*-号名é \0"), max_size=12), min_size=1, max_size=6)
chosen = st.lists(st.text(st.sampled_from("abzAB0#*-号名é"), min_size=1, max_size=5), min_size=1, max_size=8,
                  unique=True)


@given(lines, chosen)
def test_the_lines_of_words(rows, texts):
    loops = pytest.importorskip("guard.detect.gate_loops")
    words = {text.encode(): [number] for number, text in enumerate(texts)}
    block = Block("\n".join(rows).encode())
    wanted = np.zeros((len(block.bounds) - 1, 1), np.uint64)
    table = gates(words, len(words))
    loops.open_gates(table, block, wanted)
    for row, bits in zip(rows, wanted[:, 0].tolist(), strict=False):
        assert [bits >> number & 1 for number in range(len(words))] == [holds(word, row.encode()) for word in words]


def test_no_words_open_nothing():
    loops = pytest.importorskip("guard.detect.gate_loops")
    block, wanted = Block(b"token"), np.zeros((1, 1), np.uint64)
    loops.open_gates(gates({}, 0), block, wanted)
    assert not wanted.any()

"""Patterns with long lists of words: what the line finder takes only in pieces is found all the same."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest

from guard.detect import Detector, Matcher, limits, supersets
from guard.detect import compile as compile_module
from guard.detect.compile import LineFinder
from guard.taxonomy import Title

CHOOSE = random.Random(20260101)
WORDS = sorted({"".join(CHOOSE.choice("abcdefghij") for _ in range(CHOOSE.randint(6, 8))) for _ in range(450)})
LIST = "|".join(WORDS)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supersets, "LARGE", 8)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("pattern", "count"), [
    ("(?:red|green|blue|black)", 4), ("x(red|green|blue)[|()]y", 3), ("(?:a|(?:red|green|blue)z)-", 3),
    ("(?:(?:red|green|blue),){2}", 1), ("(?:ab|cd)(?:red|green|blue|grey)", 4), ("plain", 1),
    ("x(?:|red|green|blue)y", 4), (r"x(?:\b|red|green|blue)y", 4), ("x(?:red||green|blue)y", 4),
    ("gre(?:(?<=[g]re)|black|green)en", 3),
    (r"\((?:red\)|gre\|en|bl[)|]ue)", 3), ("(?i:red|green|blue)", 3)])
def test_pieces_find_together_what_the_expression_finds(pattern: str, count: int) -> None:
    expression = supersets.superset(pattern)
    pieces = supersets.pieces(expression)
    assert len(pieces) == count
    assert len(set(pieces)) == count
    whole, some = re.compile(expression, re.DOTALL), [re.compile(piece, re.DOTALL) for piece in pieces]
    parts = [b"red", b"green", b"blue", b"black", b"grey", b"x", b"y", b"(", b")", b"|", b"-", b",", b"a", b"z", b"ab",
             b"cd", b"plain", b"gre", b"en", b"bl", b"ue", b"RED"]
    for _ in range(4000):
        text = b"".join(CHOOSE.choices(parts, k=5))
        assert (whole.search(text) is None) == all(piece.search(text) is None for piece in some), text


def test_a_list_that_is_too_long_for_one_expression_is_looked_for_in_pieces() -> None:
    finder = LineFinder([supersets.superset(f"(?:{LIST})")], use_cache=False)
    text = f"nothing\n{WORDS[0]}\nno {WORDS[-1]}\n".encode()
    assert finder.events(b"nothing here\n") == []
    assert {end for _, end in finder.events(text)} >= {8 + len(WORDS[0]), len(text) - 1}
    assert not finder.unfiltered


def test_nothing_is_lost_where_one_of_the_words_is_none() -> None:
    one = Detector(id="mine-list", data_class="person.name", title=Title(en="Mine", zh="我的"), boundary="none",
                   pattern=f"x(?:|{LIST})y")
    assert len(Matcher([one], cache=False).scan_text(b"xy")) == 1


@pytest.mark.usefixtures("small")
def test_a_piece_that_is_refused_refuses_all_of_its_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    hyperscan, database = pytest.importorskip("hyperscan"), compile_module._database

    def picky(expressions: Sequence[tuple[int, bytes]]) -> Any:
        if any(b"[\\x71]" in expression for _, expression in expressions):
            raise hyperscan.HyperscanError("refused")
        return database(expressions)

    monkeypatch.setattr(compile_module, "_database", picky)
    finder = LineFinder([supersets.superset("(?:q|a long word)"), supersets.superset("plain")], use_cache=False)
    assert finder.events(b"a plain word") == [(1, 7)]
    assert finder.unfiltered == {0}


@pytest.mark.usefixtures("engine")
def test_a_long_list_does_not_run_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.05)
    monkeypatch.setattr(limits, "PATIENCE_PER_BYTE", 0.0)
    one = Detector(id="mine-list", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=f"(?:{LIST})")
    matcher = Matcher([one], cache=False)
    lines = [f"a bad cab, a jade hedge, a big cage and a faded bead: number {number}" for number in range(20000)]
    lines[10000] += f" {WORDS[7]}"
    text = "\n".join(lines).encode()
    found = matcher.scan_text(text)
    assert [text[start:end].decode() for start, end in zip(found.start, found.end, strict=True)] == [WORDS[7]]

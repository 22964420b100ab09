"""What Hyperscan tells, held against `re`: an expression that is matched has an event, wherever that stands."""

from __future__ import annotations

import random
import re

import pytest

from guard.detect import Detector, Matcher, PlainMatcher, load
from guard.detect.analysis import analyse
from guard.detect.compile import LineFinder
from guard.detect.examples import samples
from guard.detect.rule import compile_rules
from guard.taxonomy import Title

CHOOSE = random.Random(20261123)
FILLS = (b".", b" ", b"a", b"0", b"-", b"x=1 ", "中".encode())
TEXTS = 40_000
OVERLOOKED = r"(?:[张王李赵]|token|(?i:id{2,60})|PRJ)编号"
"""Hyperscan 5.4 overlooks `token编号` behind twelve characters and more, unless the repeat has no upper end."""


def test_no_match_of_a_shipped_expression_is_overlooked() -> None:
    analysis = analyse(compile_rules(load()))
    finder = LineFinder(analysis.expressions)
    texts = samples((search.number, search.rule, search.kind) for search in analysis.searches)
    overlooked = set()
    for _ in range(TEXTS):
        number, text = CHOOSE.choice(texts)
        before, behind = (CHOOSE.choice(FILLS) * CHOOSE.randrange(70) for _ in range(2))
        data = before + CHOOSE.choice((b"", CHOOSE.choice(texts)[1])) + text + behind
        if not any(found == number for found, _ in finder.events(data)):
            overlooked |= {number} if re.search(analysis.expressions[number], data, re.DOTALL) else set()
    assert not overlooked


@pytest.mark.usefixtures("engine")
def test_no_match_of_an_own_pattern_is_overlooked() -> None:
    own = Detector(id="mine", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=OVERLOOKED,
                   boundary="none")
    matcher, plain = Matcher([own], cache=False), PlainMatcher([own])
    for length in range(40):
        text = f"{'.' * length}token编号{'.' * length}".encode()
        assert matcher.scan_text(text).start.tolist() == plain.scan_text(text).start.tolist() == [length]

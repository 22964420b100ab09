"""The compiled machine takes the way that `re` takes: same matches, same groups, over patterns shipped and invented."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.detect import load
from guard.detect.program import Assembler, Programs, UnsuitableError
from guard.detect.rule import bounded

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
Span = tuple[int, int]
PADDING = b"\n" * 8


class Runner:
    """Runs one program over lines; offsets are code points, as those of `re`."""

    def __init__(self, pattern: str) -> None:
        from guard.detect import machine

        self.machine = machine
        assembler = Assembler()
        self.address = assembler.add(pattern)
        self.programs: Programs = assembler.finish()
        self.groups = re.compile(pattern, re.ASCII).groups
        self.memory = machine.new_memory()

    def matches(self, text: str) -> Iterator[list[Span]]:
        raw = text.encode()
        buffer = np.frombuffer(PADDING + raw + PADDING, np.uint8)
        low, high = len(PADDING), len(PADDING) + len(raw)
        self.memory[self.machine.STEPS], at = 10_000_000, low
        while at <= high:
            found = self.machine.find(self.programs, self.address, buffer, low, high, at, self.memory)
            assert found != self.machine.EXHAUSTED
            if found < 0:
                return
            yield [self._span(raw, low, group) for group in range(self.groups + 1)]
            end = int(self.memory[1])
            at = end if end > found else end + (self.machine.width_at(buffer, end) if end < high else 1)

    def _span(self, raw: bytes, low: int, group: int) -> Span:
        start, end = int(self.memory[2 * group]), int(self.memory[2 * group + 1])
        if start < 0 or end < 0:
            return -1, -1
        return len(raw[: start - low].decode()), len(raw[: end - low].decode())


def expected(pattern: str, text: str) -> list[list[Span]]:
    compiled_pattern = re.compile(pattern, re.ASCII)
    found, at = [], 0
    while at <= len(text):
        match = compiled_pattern.search(text, at)
        if match is None:
            break
        found.append([match.span(group) for group in range(compiled_pattern.groups + 1)])
        at = match.end() if match.end() > match.start() else match.end() + 1
    return found


def shipped() -> list[tuple[str, str, tuple[str, ...]]]:
    chosen = []
    for detector in load():
        texts = (*detector.examples.match, *detector.examples.no_match, *detector.examples.masked)
        for kind in ("pattern", "masked"):
            # Patterns that span lines are run by `re` over whole buffers.
            if (source := getattr(detector, kind)) and not detector.multiline:
                chosen.append((f"{detector.id}-{kind}", bounded(source, detector.boundary), texts))
    return chosen


def soup(pattern_texts: tuple[str, ...], seed: str) -> Iterator[str]:
    """Pieces of a detector's own examples joined at random, so that edges of matches meet."""
    choose = random.Random(seed)
    lines = [line for text in pattern_texts for line in re.split(r"[\r\n]", text)] or ["x"]
    for _ in range(12):
        pieces = []
        for _ in range(choose.randint(1, 4)):
            line = choose.choice(lines)
            start = choose.randint(0, max(0, len(line) - 1))
            pieces.append(line[start : start + choose.randint(1, 40)] if choose.random() < 0.5 else line)
        yield choose.choice(["", " ", ",", ":", "=", "的", "1", "a"]).join(pieces)


@pytest.mark.parametrize(("name", "pattern", "texts"), shipped(), ids=lambda value: value if "-" in value[:80] else "")
def test_shipped_patterns_match_as_re_does(name: str, pattern: str, texts: tuple[str, ...]) -> None:
    runner = Runner(pattern)
    for text in [line for example in texts for line in re.split(r"[\r\n]", example)] + list(soup(texts, name)):
        assert list(runner.matches(text)) == expected(pattern, text), name


CHARACTERS = ["a", "b", "A", "0", "1", "_", "-", ".", " ", "张", "三", "·", "é", "𠮷", "[ab]", "[^a]", r"\d", r"\w",
              r"\s", r"\D", r"\W", ".", "[一-龥]", "[^一-龥a]", "(?i:a)", "(?i:[b-z])"]

QUANTIFIERS = ["?", "*", "+", "{2}", "{1,3}", "{0,2}", "??", "*?", "+?", "{1,2}?", "?+", "*+", "{1,3}+"]


def patterns() -> st.SearchStrategy[str]:
    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        quantifier = st.sampled_from(QUANTIFIERS)
        return st.one_of(
            st.lists(inner, min_size=1, max_size=3).map("".join),
            st.lists(inner, min_size=2, max_size=4).map(lambda ways: f"(?:{'|'.join(ways)})"),
            st.tuples(inner, quantifier).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
            inner.map(lambda body: f"({body})"), inner.map(lambda body: f"(?={body})"),
            inner.map(lambda body: f"(?!{body})"), inner.map(lambda body: f"(?>{body})"),
            st.sampled_from(["^", "$", r"\b", r"\B", "(?<=a)", "(?<![0-9])", "(?<=张三)", "(?<!ab)", "(?<=[a张])",
                             "(?<=[a张]{2})", "(?<![0-9]张)", "(?<!ab(?:0|1))", "(?<=(?i:A)b)", "(?<!(?:a[01]){2})",
                             r"(?<=\ba)", "(?<!(a)b)"]))

    return st.recursive(st.sampled_from(CHARACTERS), extend, max_leaves=8)


@settings(max_examples=400, deadline=None)
@given(patterns(), st.lists(st.text("abA01_-. 张三·é𠮷", min_size=1, max_size=12), min_size=1, max_size=5))
def test_invented_patterns_match_as_re_does(pattern: str, texts: list[str]) -> None:
    try:
        re.compile(pattern, re.ASCII)
        runner = Runner(pattern)
    except (re.error, UnsuitableError):
        return
    for text in texts:
        assert list(runner.matches(text)) == expected(pattern, text)


def test_a_hostile_pattern_runs_out_of_patience() -> None:
    from guard.detect import machine

    assembler = Assembler()
    address = assembler.add("(?:a+)+b")
    programs = assembler.finish()
    buffer = np.frombuffer(b"a" * 200 + PADDING, np.uint8)
    memory = machine.new_memory()
    memory[machine.STEPS] = 100_000
    assert machine.run(programs, address, buffer, 0, 200, 0, memory) == machine.EXHAUSTED
    assert memory[machine.STEPS] <= 0

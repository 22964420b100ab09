"""Patterns that are walked through as tables in cells of few ASCII characters: the plain matcher's matches."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Column
from guard.detect import Budget, Detector, Matcher, PlainMatcher, cell_walks, engine, joint_walks, narrowing
from guard.detect.automaton import DIGITS, Automaton, compile_narrow_automaton
from guard.detect.joint_walks import Steps, join
from guard.detect.narrowing import NarrowedAssembly
from guard.taxonomy import Title

PATTERNS = (
    ("digit", r"[1-9]\d{3}"), ("digit", r"\d{2}([-/.])\d\1\d"), ("digit", r"1(?P<s>[ -]?)2(?P=s)3\d{0,2}"),
    ("digit", r"(?<![+*])(?<![0-9][A-C])1\d{2}(?![A-C*]|\.\d)"), ("alnum", r"[0-9A-C]{5}|[A-C]\d{2,3}"),
    ("alnum", r"(?:(A)|B)\d\1"), ("none", r"A+B?"), ("none", r"(?:A|AB)(?:C|BC)?"), ("none", r"(?=\d\d)\d[A-C]?"),
    ("none", r"\d{2}(?=-)"), ("digit", r"(?i:a)\d{1,2}"), ("none", r"[^A-C]{3}C"), ("alnum", r"\d+(?:\.\d+)?"),
    ("digit", r"\b\d{1,2}-\d\b"), ("none", r"^[A-C]\d|\d$"), ("none", "中[0-9]|1C?(?<=中)"), ("digit", r"\d{1,3}?"),
)
ALPHABETS = ("0123", "0123-", "012.-/ ", "01ABC", "123ABC-", "12+*.A", "ABCabc1")


def detector(boundary: str, pattern: str, number: int, **more: object) -> Detector:
    return Detector(id=f"mine-{number}", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=pattern,
                    boundary=boundary, **more)  # type: ignore[arg-type]


DETECTORS = (*(detector(boundary, pattern, number) for number, (boundary, pattern) in enumerate(PATTERNS)),
             detector("digit", r"(1)[23]|([A-C])-", 90, group=1), detector("none", r"0?(\d[A-C])", 91, group=1))


@pytest.fixture(autouse=True, params=[1, 10**9], ids=["joined", "apart"])
def always(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled engine and narrowing, however little there is to scan; tables as one or one by one."""
    if not compiled.is_available():
        pytest.skip("no compiler for this platform")
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    monkeypatch.setattr(narrowing, "LEAST", 0)
    monkeypatch.setattr(narrowing, "PLENTY", 0)
    monkeypatch.setattr(narrowing, "MOST_WANTED", 1.0)
    monkeypatch.setattr(cell_walks, "ENOUGH", request.param)


def as_column(values: list[str]) -> Column:
    ends = np.cumsum([len(value) + 1 for value in values]) - 1
    return Column("f", "", "\n".join(values).encode(), ends - [len(value) for value in values], ends,
                  np.arange(len(values)))


def rows(matcher: PlainMatcher | Matcher, values: list[str]) -> list[tuple[int, ...]]:
    hits = matcher.scan_column(as_column(values), Budget())
    return list(zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                    hits.flags.tolist(), strict=True))


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_cells_of_an_alphabet(alphabet: str) -> None:
    chance, plain, fast = random.Random(alphabet), PlainMatcher(DETECTORS), Matcher(DETECTORS)
    found = 0
    for longest in (2, 4, 7, 12):
        values = ["".join(chance.choices(alphabet, k=chance.randint(1, longest))) for _ in range(400)]
        expected = rows(plain, values)
        assert rows(fast, values) == expected
        found += len(expected)
    assert found > 500
    narrowed = [found._made for found in fast._plan.memories._narrowed._kept.values()]  # type: ignore[union-attr]
    assert all(isinstance(one, NarrowedAssembly) and one.cell_walks is not None for one in narrowed)


@given(st.sampled_from(PATTERNS), st.sampled_from(ALPHABETS), st.data())
@settings(max_examples=300, deadline=None)
def test_a_table_takes_all_that_the_pattern_takes(pattern: tuple[str, str], alphabet: str, data: st.DataObject) -> None:
    """And nothing else, if it is complete, in a text that it fills."""
    automaton = compile_narrow_automaton(pattern[1], frozenset(alphabet.encode()))
    assert automaton is not None
    text = data.draw(st.text(alphabet, min_size=1, max_size=8))
    taken = accepts(automaton, text)
    least, most = automaton.widths()
    assert not taken or least <= len(text) <= most
    if re.compile(pattern[1], re.ASCII).fullmatch(text):
        assert taken
    elif automaton.complete:
        assert not taken


def accepts(automaton: Automaton, text: str) -> bool:
    state, steps = 1, automaton.steps(128)
    for byte in text.encode():
        state = int(steps[state, byte])
    return bool(automaton.accepting[state])


def test_what_the_alphabet_leaves_is_exact() -> None:
    for pattern, alphabet, complete in ((r"\d([- ]?)\d\1\d", "0123", True), (r"\d([- ]?)\d\1\d", "0123-", False),
                                        (r"\d(-)?\d\1", "01-", False), (r"(?:(-)|0)\d\1", "01-", False),
                                        (r"\d(?=-)", "01", True), (r"\d(?!A)", "01", True), (r"中\d", "01", True)):
        automaton = compile_narrow_automaton(pattern, frozenset(alphabet.encode()))
        assert automaton is not None
        assert automaton.complete == complete or not automaton.accepting.any(), pattern


def test_a_program_that_runs_out_of_steps_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 2000)
    matcher, budget = Matcher((detector("none", r"(?:1|11)+(?!1|0)(?<!1)2?", 0),)), Budget()
    matcher.scan_column(as_column(["1" * 40 + "0"] * 50), budget)
    assert budget.exhausted == {0}


@given(st.sampled_from(ALPHABETS), st.data())
@settings(max_examples=200, deadline=None)
def test_automata_as_one_say_what_each_says(alphabet: str, data: st.DataObject) -> None:
    automata = [made for boundary, pattern in PATTERNS if boundary == "digit"
                if (made := compile_narrow_automaton(pattern, frozenset(alphabet.encode()))) is not None]
    barred = np.isin(np.arange(256), list(DIGITS))
    joint = join([Steps(one.steps(128), one.accepting) for one in automata], range(len(automata)), barred)
    assert joint is not None
    assert [joint.kinds[code] < joint.closed for code in range(128)] == barred[:128].tolist()
    state, states = 1, [1] * len(automata)
    for code in data.draw(st.text(alphabet, max_size=9)).encode():
        state = int(joint.moves[state << joint.shift | joint.kinds[code]])
        states = [int(one.steps(128)[before, code]) for one, before in zip(automata, states, strict=True)]
        assert [joint.ends[state] >> bit & 1 for bit in range(len(automata))] == [
            one.accepting[there] for one, there in zip(automata, states, strict=True)]
    assert (state == 0) == (not any(states))


def test_too_many_states_are_walked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_walks, "MOST_STATES", 3)
    chance, plain, fast = random.Random(2), PlainMatcher(DETECTORS), Matcher(DETECTORS, cache=False)
    values = ["".join(chance.choices("0123-A", k=chance.randint(1, 9))) for _ in range(400)]
    assert rows(fast, values) == rows(plain, values)

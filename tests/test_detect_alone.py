"""A process that may keep nothing makes for itself what pays for what it has to read, and finds the same."""

from __future__ import annotations

import dataclasses

import pytest

from guard import compiled
from guard.compiled import pays_alone  # before a fixture of all tests takes its place
from guard.detect import Matcher, PlainMatcher, load
from guard.detect import compile as finders
from guard.native import kept, shipped


@pytest.fixture
def nothing_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_work", "_announced", "_is_running"):
        monkeypatch.setattr(compiled, name, 0)
    monkeypatch.setattr(compiled, "pays_alone", pays_alone)


@pytest.mark.usefixtures("nothing_done")
@pytest.mark.parametrize("announced", [True, False])
def test_rules_are_assembled_for_much_only(monkeypatch: pytest.MonkeyPatch, announced: bool) -> None:
    monkeypatch.setattr(compiled, "is_alone", lambda: True)
    monkeypatch.setattr(compiled, "is_available", lambda: True)
    monkeypatch.setattr(kept, "is_filled", lambda: True)
    assert not compiled.pays_alone(compiled.WORTH_ASSEMBLING - 1)
    (compiled.announce if announced else compiled.expect)(compiled.WORTH_ASSEMBLING)
    assert compiled.pays_alone(1)
    monkeypatch.setattr(compiled, "is_alone", lambda: False)
    assert not compiled.pays_alone(1), "others in this process keep what they make"


@pytest.mark.parametrize(("may_keep", "is_shipped", "expected"), [(False, True, True), (True, True, False),
                                                                  (False, False, False)])
def test_who_is_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: object, may_keep: bool, is_shipped: bool,
                      expected: bool) -> None:
    monkeypatch.setattr(compiled, "is_available", lambda: True)
    monkeypatch.setattr(kept, "directory", lambda: tmp_path if may_keep else None)
    monkeypatch.setattr(shipped, "is_usable", lambda: is_shipped)
    assert compiled.is_alone() == expected


def test_a_light_finder_needs_no_hyperscan_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    monkeypatch.setattr(compiled, "is_alone", lambda: True)
    monkeypatch.setattr(finders, "_database", lambda *_: pytest.fail("compiled for seconds"))
    detectors = load()
    text = "\n".join(text for detector in detectors for text in detector.examples.match[:2]).encode()
    light, plain = (made.scan_text(text) for made in (Matcher(detectors, cache=False), PlainMatcher(detectors)))
    for ours, theirs in zip(dataclasses.astuple(light), dataclasses.astuple(plain), strict=True):
        assert ours.tolist() == theirs.tolist()
    assert len(light) > 500

"""Regular expressions from the cache: the same as `re` makes, or `re` is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard import cache, kept_patterns
from guard.detect.matcher import Matcher
from guard.detect.pack import Detector, bounded, load
from guard.kept_patterns import Program, compiled

NAME = "(?P<name>[一-龥]{2,4})(?:·([一-龥]+))?先生"
FLAGS = re.ASCII | re.IGNORECASE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, as a process that has just begun sees it."""
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache"
    forget()


def forget() -> None:
    compiled.cache_clear()
    kept_patterns._programs.cache_clear()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The expressions that `re` compiles."""
    expressions, compile_ = list[str](), re.compile

    def noted(expression: str, flags: int = 0) -> re.Pattern[str]:
        expressions.append(expression)
        return compile_(expression, flags)

    monkeypatch.setattr(kept_patterns.re, "compile", noted)
    return expressions


def test_the_next_process_need_not_compile(asked: list[str]) -> None:
    first = compiled(NAME, FLAGS)
    assert asked == [NAME]
    forget()
    second = compiled(NAME, FLAGS)
    assert asked == [NAME]
    assert (second, second.groupindex, second.groups, second.flags, second.pattern) == (
        first, first.groupindex, first.groups, first.flags, first.pattern)
    found = second.search("李四·王先生")
    assert found is not None
    assert found.groupdict() == {"name": "李四"}
    assert found[2] == "王"


def test_other_flags_are_another_pattern(asked: list[str]) -> None:
    assert compiled(NAME).flags != compiled(NAME, FLAGS).flags
    assert asked == [NAME, NAME]


def test_what_is_soon_compiled_is_not_kept(asked: list[str], folder: Path) -> None:
    assert compiled("[a-z]+").fullmatch("abc")
    assert asked == ["[a-z]+"]
    assert not folder.exists()


@pytest.mark.parametrize("blob", [b"", b"[]\n", b"{\n", b'{"0 [\xe4\xb8\x80]": 1}\n', b"\xff"])
def test_what_cannot_be_read_is_compiled_anew(blob: bytes, asked: list[str]) -> None:
    cache.store(kept_patterns._Programs()._name, blob)
    assert compiled("[一]").fullmatch("一")
    assert asked == ["[一]"]


@pytest.mark.parametrize("change", [{"steps": b"\1\2\3"}, {"steps": b"\xff" * 8}, {"flags": "x"},
                                    {"names": {"name": 7}}, {"names": []}])
def test_steps_that_are_none_are_compiled_anew(change: dict[str, object], asked: list[str]) -> None:
    broken = Program.of(NAME, 0)._replace(**change)  # type: ignore[arg-type]
    cache.store(kept_patterns._Programs()._name, kept_patterns._dump({f"0 {NAME}": broken}))
    assert compiled(NAME) == re.compile(NAME)
    assert asked == [NAME, NAME]


def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    monkeypatch.setattr(kept_patterns, "MOST", 1)
    for _ in range(2):
        compiled("[一]"), compiled("[二]")
        forget()
    assert asked == ["[一]", "[二]", "[二]"]


def test_without_a_cache_all_is_compiled(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", "/dev/null")
    for _ in range(2):
        forget()
        assert compiled(NAME).search("张三先生")
    assert asked == [NAME, NAME]


def test_an_error_is_that_of_re() -> None:
    with pytest.raises(re.error, match="unterminated"):
        compiled("[一")


def test_a_matcher_without_a_cache_takes_no_pattern_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_patterns, "compiled", lambda *_: pytest.fail("asked for"))
    rule = next(rule for rule in Matcher(load(), cache=False).rules if rule.detector.cell)
    assert rule.cell == re.compile(rule.detector.cell, re.ASCII)


@pytest.mark.parametrize("detector", [found for found in load() if not found.pattern.isascii()], ids=lambda d: d.id)
def test_programs_of_the_packs_are_those_of_re(detector: Detector) -> None:
    for source in filter(None, (detector.cell, bounded(detector.pattern, detector.boundary))):
        assert Program.of(source, re.ASCII).pattern(source) == re.compile(source, re.ASCII)

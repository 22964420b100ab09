"""Names that are scanned many at once are shown as names that are scanned one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import Scanner
from guard.detect import Budget, Matcher
from guard.model import Skipped
from guard.scanner import labels as module
from guard.scanner.labels import ScannedLabels
from guard.sources import Options, discover, files

MATCHER = Scanner().matcher
NAMES = ("plain.csv", "13800138000.csv", "手机 13800138000", "张三\n13800138000", "张三", "机密★10年.docx", "机密★10年",
         "", " ", "a\r", "password", "id_rsa", "1380013", "8000", "user@example.com", "x" * 300)


@given(st.lists(st.sampled_from(NAMES), max_size=12), st.lists(st.sampled_from(NAMES), max_size=12))
def test_what_was_foreseen_changes_nothing(foreseen: list[str], asked: list[str]) -> None:
    ahead, alone = ScannedLabels(MATCHER), ScannedLabels(MATCHER)
    ahead.foresee(foreseen)
    assert not ahead.found
    for number, name in enumerate(asked):
        assert not ahead.is_plain(name) or ahead.label(name, "?") == name
        assert ahead.label(name, f"file {number}", dataset=name) == alone.label(name, f"file {number}", dataset=name)
    assert ahead.take() == alone.take()
    assert [ahead.is_secret(name) for name in asked] == [alone.is_secret(name) for name in asked]


def test_only_so_many_names_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN", 3)
    labels = ScannedLabels(MATCHER)
    for names in (["a", "b"], ["c", "13800138000", "e", "f"], ["g"]):
        labels.foresee(names)
        assert len(labels._fired) <= 3
    assert labels.label("13800138000", "file 1") == "file 1"


def test_many_names_that_were_foreseen_are_not_scanned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the findings of one document that are kept."""
    monkeypatch.setattr(module, "REMEMBERED", 3)
    labels, names = ScannedLabels(MATCHER), [f"key_{number}" for number in range(20)]
    labels.foresee(names)
    monkeypatch.setattr(Matcher, "scan_text", lambda *_: pytest.fail("scanned again"))
    assert [labels.label(name, "?") for name in names] == names


def test_a_detector_that_runs_out_over_many_names_is_asked_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be fast over every single one."""
    def run_out(self: Matcher, texts: list[bytes], budget: Budget) -> list[object]:
        budget.exhausted.add(0)
        return [None] * len(texts)

    monkeypatch.setattr(Matcher, "scan_texts", run_out)
    labels = ScannedLabels(MATCHER)
    labels.foresee(["plain.csv", "13800138000.csv"])
    assert labels.label("plain.csv", "file 1") == "plain.csv"
    assert labels.label("13800138000.csv", "file 2") == "file 2"
    assert not labels.unfinished


def test_a_tree_is_listed_ahead_and_told_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/13800138000/x.log", "a/b/13900139000.log", "a.log", "机密★10年/c.log", "机密★10年/d/e.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    (tmp_path / os.fsdecode(b"a/\xff13800138000.log")).write_text("x\n")
    told = []
    for ahead in (1, 2, 512):
        monkeypatch.setattr(files, "AHEAD", ahead)
        labels = ScannedLabels(MATCHER)
        names = [item.dataset if isinstance(item, Skipped) else item.name
                 for item in discover(tmp_path, Options(), labels)]
        told.append((names, labels.take(), [labels.is_secret(name) for name in names]))
    assert told[0] == told[1] == told[2]
    assert told[0][0] == ["a/folder 1/x.log", "a/b/file 1.log", "a/file 3.log", "a.log", "folder 3/c.log",
                          "folder 3/d/e.log"]

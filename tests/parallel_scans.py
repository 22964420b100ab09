"""Scans by many processes of files that would be too small for them, for the tests of it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard import Scanner
from guard.demo import People
from guard.model import Finding, PlainLabels, Report
from guard.scanner import FindingList, parallel, run
from guard.sources import Options, StreamDocument, discover

KEY = b"the key of all processes of test"
SCANNER = Scanner(fingerprint_key=KEY)


@contextlib.contextmanager
def small_pieces() -> Iterator[None]:
    """Workers for next to nothing, and pieces of a few KB; afterwards no process is left."""
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, 6_000)
        patch.setattr(run, "ENOUGH", 1)
        patch.setattr(run, "WARM", 0)
        patch.setattr(parallel, "start_method", lambda: "fork" if sys.platform == "linux" else "spawn")
        yield
        assert not multiprocessing.active_children()


def cut(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(run, "LARGEST", size)
    monkeypatch.setattr(run, "LARGEST_WITH_FINDINGS", size)


def told(report: Report) -> str:
    return json.dumps({**report.as_json(), "created": ""}, ensure_ascii=False)


def scanned(source: Path, workers: int) -> tuple[str, list[Finding]]:
    """Everything that a scan tells: the report without its time, and all findings in the order of their stream."""
    sink = FindingList()
    return told(SCANNER.scan(source, workers=workers, sink=sink)), sink.findings


def log(people: People, lines: int) -> str:
    return "".join(f"2026-01-02 03:04:05 INFO 用户 {people.name()} 手机 {people.mobile()} 邮箱 {people.email()}\n"
                   if number % 3 else f"2026-01-02 03:04:05 WARN queue {number} slow\n" for number in range(lines))


def document_at(path: Path) -> StreamDocument:
    (document,) = discover(path, Options(), PlainLabels())
    assert isinstance(document, StreamDocument)
    return document

"""Machine code counts as there when all that is usual was compiled: no small scan compiles the rest."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guard import compiled
from guard.detect import load, shipped
from guard.native import kept
from guard.native import shipped as machine_code
from guard.scanner import Scanner, rehearsal
from guard.sources import json_documents
from guard.sources.files import Foreseeing

SCANNER = Scanner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own, in a process that has done nothing yet."""
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compiled, "is_available", lambda: True)
    monkeypatch.setattr(machine_code, "is_usable", lambda: False)
    for name, value in (("_is_running", False), ("_work", 0), ("_announced", 0)):
        monkeypatch.setattr(compiled, name, value)
    kept.directory.cache_clear()
    found = kept.directory()
    assert found is not None
    yield found
    kept.directory.cache_clear()


def test_what_an_interrupted_scan_left_is_not_used_by_small_ones(folder: Path) -> None:
    (folder / "guard.detect.sweep.sweep-0").touch()
    assert not compiled.pays(compiled.WORTH)
    kept.note_filled()
    assert compiled.pays(compiled.WORTH)


def test_only_a_scan_that_had_reason_to_compile_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearsals: list[bool] = []
    def rehearse() -> None:
        rehearsals.append(True)
        kept.note_filled()

    small = Scanner(packs=[path for path in shipped() if path.name == rehearsal.FEW])

    def scan() -> int:
        small.scan(io.BytesIO(b"nothing\n"))
        return len(rehearsals)

    monkeypatch.setattr(rehearsal, "rehearse", rehearse)
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    assert scan() == 0
    monkeypatch.setattr(compiled, "_is_running", True)
    assert scan() == 0
    monkeypatch.setattr(compiled, "_work", compiled.MUCH)
    assert scan() == 1
    assert scan() == 1


def test_the_documents_of_a_rehearsal_are_read_whole_and_hold_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "RECORDS", tuple((kind, 300) for kind, _ in rehearsal.RECORDS))
    contents = list(rehearsal.documents(load()))
    assert [kind for kind, _ in contents] == ["", "csv", "jsonl", "csv", "jsonl", "csv"]
    assert len(dict.fromkeys(contents)) == 6
    for kind, text in contents[:3]:
        report = SCANNER.scan(io.BytesIO(text.encode()), as_format=kind)
        assert report.skipped == ()
        assert sum(field.hits for field in report.fields) > 300


def test_small_documents_are_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    def read_documents(texts: list[json_documents.Text], labels: Foreseeing) -> None:
        read.extend(json.loads(text.content) for text in texts)

    monkeypatch.setattr(rehearsal, "documents", lambda detectors: [])
    monkeypatch.setattr(json_documents, "read_documents", read_documents)
    noted: list[bool] = []
    monkeypatch.setattr(kept, "note_filled", lambda: noted.append(True))
    rehearsal.rehearse()
    assert len(read) > 1
    assert noted == [True]


def test_places_are_looked_for_in_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.detect import engine

    gone: set[str] = set()
    def noted(name: str, loop: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: object) -> int:
            gone.add(name)
            return loop(*arguments)

        return call

    for name in ("sweep", "sweep_screened"):
        monkeypatch.setattr(engine, name, noted(name, getattr(engine, name)))
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    monkeypatch.setattr(rehearsal, "documents", lambda detectors: [("text", "a line of text\n")])
    monkeypatch.setattr(kept, "note_filled", lambda: None)
    rehearsal.rehearse()
    assert gone == {"sweep", "sweep_screened"}

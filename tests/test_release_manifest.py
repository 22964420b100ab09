"""verify: every file that differs, is missing or is not listed has a name."""

import json
from pathlib import Path

import pytest

from guard.disclosure.manifest import verify, write_manifest
from guard.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("x,y\n")
    (tmp_path / "data" / "b.csv").write_text("1,2\n")
    write_manifest(tmp_path, {"created": "2026-11-22T00:00:00Z"})
    return tmp_path


def found(folder: Path) -> list[tuple[str, str]]:
    return [(d.path, d.kind) for d in verify(folder).differences]


def test_an_untouched_folder_is_intact_and_unsigned(folder: Path) -> None:
    answer = verify(folder)
    assert answer.intact
    assert answer.files == 2
    assert answer.signature.startswith("unsigned")


def test_every_kind_of_difference_is_named(folder: Path) -> None:
    (folder / "data" / "a.csv").write_text("x,z\n")
    (folder / "data" / "b.csv").unlink()
    (folder / "stranger").write_text("")
    assert found(folder) == [("data/a.csv", "differs"), ("data/b.csv", "missing"), ("stranger", "not listed")]


def test_a_link_in_the_place_of_a_file_differs_even_with_equal_content(folder: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.csv"
    elsewhere.write_text("x,y\n")
    (folder / "data" / "a.csv").unlink()
    (folder / "data" / "a.csv").symlink_to(elsewhere)
    (folder / "linked").symlink_to(elsewhere.parent)
    assert found(folder) == [("data/a.csv", "differs"), ("linked", "not listed")]


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "data/../../x", "./data/a.csv"])
def test_a_path_outside_is_refused(folder: Path, path: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError):
        verify(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "guard.manifest/v9"}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(UsageError):
        verify(folder)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        verify(tmp_path)

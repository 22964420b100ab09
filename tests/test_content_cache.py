"""Packs, taxonomy and strings from the cache: what comes out is what stands in the files, or the files are read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guard import cache, content, taxonomy
from guard.detect import pack
from guard.detect.pack import Detector, load
from guard.errors import ContentError

PACK = """\
- id: badge
  data_class: person.account
  title: {en: Badge, zh: 工牌}
  pattern: 'B[0-9]{6}'
  evidence: {not_placeholder: 0.1}
  validate: [not_placeholder]
  context: {words: [工牌], boost: 0.2}
  examples: {match: [B123456, 'B234567', B345678], no_match: [B1, B2, B3]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "mine.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed, in order."""
    names: list[str] = []
    parse = content.Source.parse

    def counted(source: content.Source) -> Any:
        names.append(source.name)
        return parse(source)

    monkeypatch.setattr(content.Source, "parse", counted)
    taxonomy.taxonomy()  # read once for all tests of a process
    names.clear()
    return names


def blobs(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_the_shipped_packs_are_the_same_from_cache_and_files(parsed: list[str]) -> None:
    first = load()
    assert len(parsed) == len(pack.shipped())
    assert load() == first == load(use_cache=False)
    assert len(parsed) == 2 * len(pack.shipped())
    assert all(isinstance(detector, Detector) for detector in first)


def test_every_field_of_a_detector_survives(written: Callable[[str], Path]) -> None:
    path = written(PACK)
    cold, warm, direct = load([path]), load([path]), load([path], use_cache=False)
    assert cold == warm == direct
    badge = warm[0]
    assert badge.check == ("not_placeholder",)
    assert badge.evidence == {"not_placeholder": 0.1}
    assert badge.context == pack.Context(words=("工牌",), boost=0.2)
    assert badge.examples.match == ("B123456", "B234567", "B345678")
    assert badge.title == taxonomy.Title("Badge", "工牌")
    assert repr(warm) == repr(direct)
    assert pickle.loads(pickle.dumps(warm)) == direct


def test_a_changed_pack_is_seen(written: Callable[[str], Path], parsed: list[str]) -> None:
    assert load([written(PACK)])[0].pattern == "B[0-9]{6}"
    assert load([written(PACK.replace("{6}", "{7}"))])[0].pattern == "B[0-9]{7}"
    assert load([written(PACK)])[0].pattern == "B[0-9]{6}"
    assert parsed == ["mine.yml", "mine.yml"]


def test_a_changed_reader_is_seen(written: Callable[[str], Path], parsed: list[str], tmp_path: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(PACK)
    load([path])
    other = tmp_path / "pack.py"
    other.write_bytes(Path(pack.__file__).read_bytes() + b"# changed\n")
    monkeypatch.setattr(pack, "__file__", str(other))
    load([path])
    assert parsed == ["mine.yml", "mine.yml"]


def test_a_changed_taxonomy_is_seen(written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(PACK)
    load([path])
    monkeypatch.setattr(taxonomy, "source", lambda: content.Source("taxonomy.yml", b"{}"))
    monkeypatch.setattr(taxonomy, "taxonomy", dict)
    with pytest.raises(ContentError, match="unknown data class"):
        load([path])


@pytest.mark.parametrize("damage", [
    lambda blob: blob[:-1], lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]), lambda blob: b"", lambda blob: b"[]",
], ids=["cut", "one bit", "empty", "no digest"])
def test_a_damaged_blob_is_not_used(written: Callable[[str], Path], folder: Path, parsed: list[str],
                                    damage: Callable[[bytes], bytes]) -> None:
    path = written(PACK)
    whole = load([path])
    for blob in blobs(folder):
        blob.write_bytes(damage(blob.read_bytes()))
    assert load([path]) == whole
    assert parsed == ["mine.yml", "mine.yml"]


def test_a_blob_that_is_no_json_is_not_used(written: Callable[[str], Path], folder: Path, parsed: list[str]) -> None:
    path = written(PACK)
    whole = load([path])
    for blob in blobs(folder):
        cache.store(blob.stem, b"\xff\x00 no content")
    assert load([path]) == whole
    assert parsed == ["mine.yml", "mine.yml"]


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_a_blob_that_others_could_write_or_read_is_not_used(written: Callable[[str], Path], folder: Path,
                                                            parsed: list[str], mode: int) -> None:
    path = written(PACK)
    load([path])
    for blob in blobs(folder):
        blob.chmod(mode)
    load([path])
    assert parsed == ["mine.yml", "mine.yml"]


def test_a_directory_that_is_open_to_others_is_not_used(written: Callable[[str], Path], folder: Path,
                                                        parsed: list[str]) -> None:
    path = written(PACK)
    load([path])
    folder.chmod(0o755)
    load([path])
    assert parsed == ["mine.yml", "mine.yml"]


def test_a_broken_pack_is_an_error_each_time_and_never_kept(written: Callable[[str], Path], folder: Path) -> None:
    path = written(PACK.replace("B[0-9]", "(B[0-9]"))
    for _ in range(2):
        with pytest.raises(ContentError, match=r"mine\.yml:4:12: bad pattern"):
            load([path])
    assert not folder.exists()


def test_without_the_cache_nothing_is_read_or_written(written: Callable[[str], Path], folder: Path) -> None:
    load([written(PACK)], use_cache=False)
    assert not folder.exists()


def test_a_cache_that_cannot_be_made_costs_nothing_but_time(written: Callable[[str], Path], tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "file"))
    assert load([written(PACK)])[0].id == "badge"


def test_code_without_a_source_file_is_read_anew(monkeypatch: pytest.MonkeyPatch, folder: Path,
                                                 written: Callable[[str], Path]) -> None:
    monkeypatch.setattr(pack, "__file__", "/nowhere/pack.pyc")
    assert load([written(PACK)])[0].id == "badge"
    assert not folder.exists()


def test_the_taxonomy_is_the_same_from_cache_and_file() -> None:
    taxonomy.taxonomy.cache_clear()
    try:
        cold = taxonomy.taxonomy()
        taxonomy.taxonomy.cache_clear()
        assert taxonomy.taxonomy() == cold == taxonomy.source().parse().validate(dict[str, taxonomy.DataClass])
    finally:
        taxonomy.taxonomy.cache_clear()


def test_plain_data_of_another_shape_has_another_name(tmp_path: Path) -> None:
    path = tmp_path / "strings.yml"
    path.write_text("a: {b: c}\n", encoding="utf-8")
    assert content.checked(path, dict[str, dict[str, str]]) == {"a": {"b": "c"}}
    with pytest.raises(ContentError, match=r"strings\.yml:1:4: a: input should be a valid string"):
        content.checked(path, dict[str, str])


def test_what_is_kept_is_plain_json(folder: Path, written: Callable[[str], Path]) -> None:
    load([written(PACK)])
    kept = [cache.load(blob.stem) for blob in blobs(folder)]
    assert sum(b'"badge"' in data for data in kept if data is not None and json.loads(data)) == 1

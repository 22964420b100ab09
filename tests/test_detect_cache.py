"""The cache of compiled rules: fast when it can be trusted, silent and unused when it cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from reviewed_detectors import reviewed

from guard import cache, compiled
from guard.detect import Matcher, analysis
from guard.detect import compile as compile_module
from guard.detect.compile import LineFinder
from guard.detect.pack import Examples
from guard.taxonomy import Title

NAME = "0" * 64
EXPRESSIONS = (b"abc[0-9]", b"\\xe5\\xa7\\x93")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "deep" / "guard"
    monkeypatch.setenv("GUARD_CACHE_DIR", str(place))
    return place


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_is_stored_is_loaded(folder: Path) -> None:
    assert cache.load(NAME) is None
    cache.store(NAME, b"blob")
    assert cache.load(NAME) == b"blob"
    assert cache.load_writable(NAME) == bytearray(b"blob")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600


def test_loading_makes_no_directory(folder: Path) -> None:
    assert cache.load(NAME) is None
    assert not folder.exists()


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw + b"x", lambda raw: b"", lambda raw: raw[:20],
                                    lambda raw: b"X" + raw[1:], lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])])
def test_a_damaged_file_is_not_used(folder: Path, damage: object) -> None:
    cache.store(NAME, b"blob")
    path = only_file(folder)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert cache.load(NAME) is None
    cache.store(NAME, b"blob")
    assert cache.load(NAME) == b"blob"


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o770, 0o701])
def test_a_directory_open_to_others_is_not_used(folder: Path, mode: int) -> None:
    cache.store(NAME, b"blob")
    folder.chmod(mode)
    assert cache.load(NAME) is None
    cache.store("1" * 64, b"other")
    assert len(list(folder.iterdir())) == 1


def test_a_file_open_to_others_is_not_used(folder: Path) -> None:
    cache.store(NAME, b"blob")
    only_file(folder).chmod(0o666)
    assert cache.load(NAME) is None


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    cache.store(NAME, b"blob")
    path = only_file(folder)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache.load(NAME) is None
    cache.store(NAME, b"new")
    assert not path.is_symlink()
    assert elsewhere.read_bytes().endswith(b"blob")


def test_a_linked_directory_is_not_used(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(real)
    cache.store(NAME, b"blob")
    assert list(real.iterdir()) == []
    assert cache.load(NAME) is None


def test_a_fifo_does_not_hang(folder: Path) -> None:
    cache.store(NAME, b"blob")
    path = only_file(folder)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert cache.load(NAME) is None


def test_another_owner_is_not_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store(NAME, b"blob")
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert cache.load(NAME) is None


def test_an_unusable_place_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "file" / "guard"))
    cache.store(NAME, b"blob")
    assert cache.load(NAME) is None


def test_a_failed_write_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    cache.store(NAME, b"blob")
    assert list(folder.iterdir()) == []


def test_old_files_go(folder: Path) -> None:
    for number in range(cache.KEEP + 5):
        cache.store(f"{number:064}", b"blob")
    assert len(list(folder.iterdir())) == cache.KEEP
    assert cache.load(f"{cache.KEEP + 4:064}") == b"blob"


def test_what_is_used_outlives_what_is_newer(folder: Path) -> None:
    for number in range(cache.KEEP):
        cache.store(f"{number:064}", b"blob")
    used, first = (next(folder.glob(f"{number:064}*")) for number in (0, 1))
    for path, use in ((used, 9), (first, 1)):
        os.utime(path, (use * 10**9, 10**9))
    for path in folder.iterdir():
        if path not in (used, first):
            os.utime(path, (2 * 10**9, 2 * 10**9))
    cache.store(f"{cache.KEEP:064}", b"blob")
    assert used.exists()
    assert not first.exists()


def test_the_directory_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GUARD_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    assert cache.directory() == Path("/x/cache/guard")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache.directory() == Path("/home/somebody/.cache/guard")


def test_the_key_depends_on_every_part() -> None:
    keys = {cache.key("a", "b"), cache.key("ab"), cache.key("a", "b", ""), cache.key("b", "a")}
    assert len(keys) == 4


def found(finder: LineFinder) -> list[tuple[int, int]]:
    return sorted(finder.events("abc1 姓 abc".encode()))


def test_a_digest_of_files_depends_on_each_and_needs_them_all(tmp_path: Path) -> None:
    paths = [tmp_path / "one.py", tmp_path / "two.py"]
    for path in paths:
        path.write_text("1")
    before = cache.digest_of(paths)
    paths[1].write_text("2")
    assert len({before, cache.digest_of(paths), cache.digest_of(paths[:1])}) == 3
    paths[0].unlink()
    assert cache.digest_of(paths) == ""


def test_a_finder_from_the_cache_finds_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = LineFinder(EXPRESSIONS)
    assert found(first) == [(0, 4), (1, 8)]
    monkeypatch.setattr("guard.detect.compile._compile", lambda *_: pytest.fail("compiled although it was cached"))
    assert found(LineFinder(EXPRESSIONS)) == [(0, 4), (1, 8)]


def test_a_blob_that_is_no_database_is_compiled_anew(folder: Path) -> None:
    found(LineFinder(EXPRESSIONS))
    name = only_file(folder).name.removesuffix(".rules")
    cache.store(name, b"\nnot a database")
    assert found(LineFinder(EXPRESSIONS)) == [(0, 4), (1, 8)]


def test_other_expressions_have_another_name(folder: Path) -> None:
    found(LineFinder(EXPRESSIONS))
    assert sorted(LineFinder((b"xyz",)).events(b"abc1 xyz")) == [(0, 8)]
    assert len(list(folder.iterdir())) == 2


def test_without_cache_nothing_is_written(folder: Path) -> None:
    found(LineFinder(EXPRESSIONS, use_cache=False))
    assert not folder.exists()


def matcher() -> Matcher:
    """Rules of every kind: a shape with an anchor, one with context, a search, a masked pattern."""
    made = [reviewed(id=name, data_class="person.account", title=Title(en="t", zh="t"), pattern=pattern, masked=masked,
                     examples=Examples(match=("a1@bc 姓名小明 19年",)))
            for name, pattern, masked in (("number", r"\d{4}-\d{4}", ""), ("mail", r"[a-z0-9]{1,9}@[a-z]{2,4}", ""),
                                          ("word", "姓名[一-龥]{2}", r"姓名\*{4}"), ("date", r"(?<!\d)\d{2}年", ""))]
    return Matcher(made)


TEXT = "1234-5678 a1@bc 姓名小明 姓名**** 19年".encode()


def hits(chosen: Matcher) -> list[tuple[int, int, int]]:
    found = chosen.scan_text(TEXT)
    return list(zip(found.detector.tolist(), found.start.tolist(), found.end.tolist(), strict=True))


def test_a_matcher_from_the_cache_finds_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = hits(matcher())
    assert len(expected) == 5
    monkeypatch.setattr(analysis, "analyse", lambda *_: pytest.fail("analysed although it was cached"))
    assert hits(matcher()) == expected


@pytest.mark.parametrize("blob", [b"", b"[]", b"{}", b'{"shapes": {"0": {}}, "searches": [], "expressions": []}',
                                  b'{"shapes": {}, "searches": [[99, 0, 1, 1]], "expressions": []}', b"\xff"])
def test_an_analysis_of_another_form_is_made_anew(folder: Path, blob: bytes) -> None:
    expected = hits(matcher())
    for path in folder.iterdir():
        cache.store(path.name.removesuffix(".rules"), blob)
    assert hits(matcher()) == expected


def test_an_analysis_belongs_to_its_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    hits(matcher())
    before = len(list(folder.iterdir()))
    monkeypatch.setattr(analysis, "_code", lambda: "another")
    hits(matcher())
    assert len(list(folder.iterdir())) == before + 2, "an analysis, and the note that the database was tried"


@pytest.mark.parametrize("loops", [False, True])
def test_a_database_that_sees_nothing_is_built_anew(folder: Path, monkeypatch: pytest.MonkeyPatch,
                                                    loops: bool) -> None:
    if loops and not compiled.is_available():
        pytest.skip("no compiler for this platform")
    monkeypatch.setattr(compiled, "pays", lambda work: loops)
    expected = hits(matcher())
    blind = compile_module._database([(0, b"nothing")])
    monkeypatch.setattr(compile_module, "_unpack", lambda blob: (blind, []))
    assert hits(matcher()) == expected


def test_a_database_is_tried_once_for_each_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    tried: list[int] = []
    sees = compile_module._sees
    monkeypatch.setattr(compile_module, "_sees", lambda *given: (tried.append(1), sees(*given))[1])
    hits(matcher())
    assert tried == [], "it was compiled here"
    hits(matcher())
    hits(matcher())
    assert tried == [1]
    for path in list(folder.iterdir()):
        restored = path.read_bytes()
        path.unlink()
        path.write_bytes(restored)
        path.chmod(0o600)
    hits(matcher())
    assert tried == [1, 1], "a restored cache is tried again"

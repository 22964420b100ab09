"""Machine code that comes with the package is used where it was made for, and nothing is compiled then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard import cache, compiled
from guard.compiled import Loop, tight_loop
from guard.native import building, kept, shipped, sources

pytestmark = pytest.mark.skipif(not compiled.is_available() or not shipped.is_processor(),
                                reason="code is shipped for one platform only")
VALUES = np.arange(5)


@tight_loop
def last_of(values: Any) -> int:
    return int(values[len(values) - 1])


def fresh() -> Any:
    """The loop as another process has it."""
    return Loop(last_of.__wrapped__, **last_of._options)  # type: ignore[attr-defined]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package that was built with this loop's code, and a user's cache that is empty."""
    (tmp_path / "users").mkdir()
    for number in (0, 1):
        monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "users" / str(number)))
        kept.directory.cache_clear()
        if not number:
            assert fresh()(VALUES) == 4
            found = {name: content for name in names() if (content := kept.load_bytes(name)) is not None}
            (tmp_path / "machine").mkdir()
            shipped.write(tmp_path / "machine", found)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "machine")
    monkeypatch.setattr(shipped, "is_usable", shipped.is_usable.__wrapped__)
    yield tmp_path / "machine"
    kept.directory.cache_clear()


def names() -> list[str]:
    return [kept.name_of(function, kinds) for function, kinds in compiled.used() if function is last_of.__wrapped__]


def times_compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made, build = list[str](), building.build
    monkeypatch.setattr(building, "build", lambda *given: made.append("made") or build(*given))
    return made


def test_it_runs_and_nothing_is_compiled_or_kept(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = times_compiled(monkeypatch)
    assert kept.is_filled()
    assert fresh()(VALUES) == 4
    assert made == []
    assert kept.load_bytes(names()[0]) is None


def test_a_small_scan_uses_it_from_the_first_on(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_work", "_announced", "_is_running"):
        monkeypatch.setattr(compiled, name, 0)
    assert not compiled.pays(compiled.WORTH - 1)
    assert compiled.pays(1)


@pytest.mark.parametrize("changed", ["sources", "processor", "system", "nothing there", "no text"])
def test_code_that_was_made_for_something_else_is_not_there(package: Path, monkeypatch: pytest.MonkeyPatch,
                                                            changed: str) -> None:
    assert shipped.is_usable()
    if changed == "sources":
        monkeypatch.setattr(sources, "digest", lambda: 64 * "0")
    elif changed == "nothing there":
        monkeypatch.setattr(shipped, "FOLDER", package / "none")
    elif changed == "no text":
        (package / "made-of").write_bytes(b"\xff")
    else:
        monkeypatch.setattr(shipped, "is_processor", shipped.is_processor.__wrapped__)
        monkeypatch.setattr(cache, "processor_features", lambda: frozenset({"sse2", "avx"}))
        if changed == "system":
            monkeypatch.setattr(cache, "processor_features", lambda: shipped._NEEDED)
            monkeypatch.setattr(sys, "platform", "darwin")
    assert not shipped.is_usable()
    assert not kept.is_filled()
    assert shipped.load(names()[0]) is None


@pytest.mark.parametrize("harm", ["gone", "cut", "a bit", "of another loop"])
def test_harmed_code_is_made_anew_and_kept_for_the_user(package: Path, monkeypatch: pytest.MonkeyPatch, harm: str,
                                                        ) -> None:
    file = package / names()[0]
    content = file.read_bytes()
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif harm == "a bit":
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    else:
        code = content[shipped._DIGEST :].replace(b"last_of", b"soft_of")
        shipped.write(package, {file.name: code})
    made = times_compiled(monkeypatch)
    assert [fresh()(VALUES) for _ in range(3)] == [4, 4, 4]
    assert made == ["made"]

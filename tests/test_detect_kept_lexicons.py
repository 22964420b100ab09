"""The tables of names and addresses from the rule cache are those that are built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard.detect import kept_lexicons
from guard.detect.kept_lexicons import dump_lexicons, load_lexicons
from guard.detect.lexicon import address_lexicon, name_lexicon


def assert_alike(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, tuple):
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.flags.c_contiguous) == (other.dtype, other.shape, other.flags.c_contiguous)
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "guard"))
    monkeypatch.setattr(kept_lexicons, "_lexicons", kept_lexicons._lexicons.__wrapped__)
    return tmp_path / "guard"


def test_they_come_back_as_they_were() -> None:
    made = name_lexicon(), address_lexicon()
    assert_alike(load_lexicons(dump_lexicons(made)), made)


def test_they_are_built_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kept_lexicons.lexicons(True, use_cache=True)
    monkeypatch.setattr(kept_lexicons, "name_lexicon", None)
    assert_alike(kept_lexicons.lexicons(True, use_cache=True), made)


def test_without_the_cache_nothing_is_written(folder: Path) -> None:
    assert_alike(kept_lexicons.lexicons(True), (name_lexicon(), address_lexicon()))
    assert not folder.exists()


def test_bytes_of_another_form_are_not_used() -> None:
    short = dump_lexicons((name_lexicon(), address_lexicon()))[:-9]
    for blob in (b"", b"[]\n", b"{}\n", b"[{}, []]\n", short):
        assert load_lexicons(blob) is None

"""Loops as they are written, over arrays that watch their indices.

The compiler takes every index as it is (`guard.native.building`), so that a negative one, which in Python counts from
the end, would be a place before the array.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guard import Scanner, compiled
from guard.detect import load
from guard.model import Finding

SIZE = 900
"""Characters of a document: each takes the interpreter thousands of steps."""
NEGATIVE: set[str] = set()
WHOLE = frozenset((np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32))
"""Whole numbers, but for `uint64`, which the compiler keeps as it is."""
_at, _put = np.ndarray.__getitem__, np.ndarray.__setitem__


class Watched(np.ndarray[Any, Any]):
    """An array that notes who asks for what is before it; its numbers are as wide as those of the compiler."""

    # Called millions of times: most keys are one number.
    def __getitem__(self, key: Any) -> Any:
        if type(key) is not int or key < 0:
            self._watch(key)
        found = _at(self, key)
        return int(found) if type(found) in WHOLE else found

    def __setitem__(self, key: Any, value: Any) -> None:
        if type(key) is not int or key < 0:
            self._watch(key)
        _put(self, key, value)

    def _watch(self, key: Any) -> None:
        for part in key if isinstance(key, tuple) else (key,):
            if isinstance(part, int | np.integer) and part < 0:
                code = sys._getframe(2)
                NEGATIVE.add(f"{Path(code.f_code.co_filename).name}:{code.f_lineno}")


def watched(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.view(Watched)
    if isinstance(argument, tuple):
        parts = map(watched, argument)
        return argument._make(parts) if hasattr(argument, "_make") else tuple(parts)
    return argument


def documents() -> Iterator[tuple[str, bytes]]:
    """Examples of some detectors, as documents of each kind."""
    # At a state-secret mark the reading of a document ends.
    chosen = [detector for detector in load()[::3] if not detector.data_class.startswith("state.")]
    texts = [text for detector in chosen for text in detector.examples.match]
    sizes = itertools.accumulate(map(len, texts))
    texts = [text for text, size in zip(texts, sizes, strict=True) if size < SIZE]
    rows = [{"备注": text, "电话": str(13_800_000_000 + 7919 * number)} for number, text in enumerate(texts)]
    yield "text", "\n".join(texts).encode()
    quoted = ('"{}",{}'.format(row["备注"].replace('"', '""'), row["电话"]) for row in rows)
    yield "csv", "\n".join(["备注,电话", *quoted]).encode()
    yield "jsonl", "\n".join(json.dumps(row, ensure_ascii=number % 2 == 0) for number, row in enumerate(rows)).encode()


def said(finding: Finding) -> tuple[Any, ...]:
    """All but the fingerprint, whose key is that of its run."""
    return finding.detector, finding.location, finding.start, finding.end, finding.confidence


@pytest.mark.parametrize("number", range(3))
def test_no_index_is_negative(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: set[str] = set()

    def call(loop: compiled.Loop, *arguments: Any) -> Any:
        called.add(loop.__name__)
        return loop._function(*map(watched, arguments))

    kind, content = list(documents())[number]
    path = tmp_path / "document"
    path.write_bytes(content)
    expected = Scanner().scan(path, as_format=kind)
    monkeypatch.setattr(compiled.Loop, "__call__", call)
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    NEGATIVE.clear()
    with np.errstate(all="ignore"):
        found = Scanner().scan(path, as_format=kind)
    assert [said(finding) for finding in found.findings] == [said(finding) for finding in expected.findings]
    assert not NEGATIVE
    assert {"sweep", "confirm", "sift", "judge"} <= called

"""Columns by compiled loops and without: the plain matcher's hits, from the splitter to the tally."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from guard import compiled
from guard.batch import Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, load
from guard.detect import memory as memories

GLUE = ("", " ", "\n", "\r\n", "，", "1", "a", "中", "\u200b", "-", "．", "０", "\u3000", "·", "*", "某", "（", "\xa0")


@cache
def detectors() -> tuple[Detector, ...]:
    return load()


@cache
def plain() -> PlainMatcher:
    return PlainMatcher(detectors())


@cache
def headers() -> tuple[str, ...]:
    return ("", "备注", "name", *(word.lstrip("=?") for d in detectors() for word in d.headers[:3]))


@cache
def examples() -> tuple[str, ...]:
    kinds = ("match", "no_match", "masked")
    return tuple(text for d in detectors() for kind in kinds for text in getattr(d.examples, kind))


@pytest.fixture(params=[True, False], ids=["compiled", "without"])
def fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways, whatever the amount of work."""
    if request.param and not compiled.is_available():
        pytest.skip("no compiler here")
    monkeypatch.setattr(compiled, "pays", lambda work: request.param)
    return bool(request.param)


def as_column(values: list[bytes], header: str, seed: int = 0) -> Column:
    """The values scattered over a buffer, as the cells of a table are."""
    chance, data, starts = random.Random(seed), bytearray(), []
    for value in values:
        data += chance.choice((b"", b",", b"\n9", b"x"))
        starts.append(len(data))
        data += value
    first = np.array(starts, np.int64)
    return Column("field", header, bytes(data), first, first + [len(v) for v in values], np.arange(len(values)))


def as_rows(hits: Hits) -> list[tuple[str, int, int, int, float, int]]:
    return [(detectors()[d].id, cell, start, end, round(float(confidence), 5), flags)
            for d, cell, start, end, confidence, flags in
            zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                hits.confidence.tolist(), hits.flags.tolist(), strict=True)]


def some_values(chance: random.Random, count: int) -> list[bytes]:
    values = []
    for _ in range(count):
        text = chance.choice(examples())
        cut = chance.randint(0, len(text))
        glue = chance.choice(GLUE)
        values.append(chance.choice((text, text[cut:], glue + text, text + glue, text + glue + text, "")).encode())
    return values


@pytest.mark.parametrize("seed", range(24))
def test_any_values_under_any_header(fast: bool, seed: int) -> None:
    chance = random.Random(seed)
    column = as_column(some_values(chance, chance.randint(1, 12)) * chance.choice((1, 3)), chance.choice(headers()))
    assert as_rows(Matcher(detectors()).scan_column(column)) == as_rows(plain().scan_column(column))

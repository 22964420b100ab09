"""Lines that are no UTF-8: both engines read them spelled anew, and find what the plain matcher finds."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewed_detectors import reviewed

from guard import compiled
from guard.batch import Column, Hits
from guard.detect import Detector, Matcher, PlainMatcher, engine, load, scan
from guard.detect.assembly import Assembly
from guard.detect.damage import are_told_apart, repaired
from guard.detect.limits import within
from guard.detect.pack import Confidence
from guard.detect.rule import compile_rules
from guard.detect.scan import merge
from guard.detect.sweep import Workspace
from guard.errors import ContentError

pytest.importorskip("numba")

STRAY = (b"\xff", b"\x80", b"\xe4", b"\xe4\xb8", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xed\xb2\x80", b"\xbf\xfe")


@pytest.fixture(autouse=True)
def by_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: True)


@pytest.fixture
def no_plain_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a line went to the plain code")

    monkeypatch.setattr(scan, "scan_line", refuse)


@cache
def matchers() -> tuple[PlainMatcher, Matcher]:
    return PlainMatcher(load()), Matcher(load())


def rows(hits: Hits) -> list[tuple[object, ...]]:
    return list(zip(*(column.tolist() for column in (hits.detector, hits.cell, hits.start, hits.end, hits.confidence,
                                                     hits.flags)), strict=True))


def pieces(seed: int) -> bytes:
    """Examples of the packs in long lines, with stray bytes within and between them."""
    chance, parts = random.Random(seed), []
    examples = [text.encode() for detector in load() for text in (*detector.examples.match, *detector.examples.masked)]
    for _ in range(40):
        text = chance.choice(examples)
        cut = chance.randint(0, len(text))
        parts += [text[:cut], chance.choice((b"", b"", *STRAY)), text[cut:], chance.choice((b" ", b",", *STRAY))]
    return b"".join(parts)


@given(st.lists(st.lists(st.sampled_from([b"a", "中".encode(), "é".encode(), *STRAY]), max_size=6).map(b"".join),
                min_size=1, max_size=4))
def test_every_character_has_its_way_back(lines: list[bytes]) -> None:
    data = b"##" + b"\n##".join(lines)
    firsts = np.cumsum([2] + [len(line) + 3 for line in lines])[:-1].tolist()
    found = repaired(data, [(first, first + len(line)) for first, line in zip(firsts, lines, strict=True)])
    assert found is not None
    text, places = found.data.decode(), [0]
    for character in text:
        places.append(places[-1] + len(character.encode()))
    kept = [index for index, character in enumerate(text) if character != "\n"]
    starts, ends = found.originals(np.array(places, np.int64)[kept], np.array(places, np.int64)[[i + 1 for i in kept]])
    originals = [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    assert originals == [character.encode("utf-8", "surrogateescape") for line in lines
                         for character in line.decode("utf-8", "surrogateescape")]


@pytest.mark.usefixtures("no_plain_code")
@pytest.mark.parametrize("seed", range(12))
def test_damaged_lines_go_through_the_loops_and_give_the_same(seed: int) -> None:
    plain, fast = matchers()
    data = pieces(seed)
    assert rows(fast.scan_text(data)) == rows(plain.scan_text(data)) != []


@pytest.mark.usefixtures("no_plain_code")
@pytest.mark.parametrize("data", [
    *map(pieces, range(6)), b"\xf0\x9f\x98\t" + "崔辉静\t028-9583638".encode(),
    b"\xef\xbc" + "。".encode() + b"\xef\xbcMara Lo\xfe1380013" + "\u200b8001".encode(),
    b"\xe5\x8f" + "\ufeff".encode() + b"\x91" + "票代码01900111".encode()])
def test_they_go_through_hyperscan_and_give_the_same(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, fast = matchers()
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    assert rows(fast.scan_text(data)) == rows(plain.scan_text(data))


@pytest.mark.usefixtures("no_plain_code")
def test_damaged_cells_of_a_column() -> None:
    plain, fast = matchers()
    cells = [value for seed in range(3) for value in pieces(seed).split(b" ")]
    lengths = np.array([len(cell) for cell in cells], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    for header in ("", "身份证号", "备注"):
        column = Column("field", header, b"\0".join(cells), starts, starts + lengths, np.arange(len(cells)))
        assert rows(fast.scan_column(column)) == rows(plain.scan_column(column)) != []


def detector(pattern: str) -> Detector:
    return reviewed(id="it", data_class="secret.password", title={"en": "it", "zh": "它"}, pattern=pattern,
                    boundary="none", confidence=Confidence(shape=0.6, checked=0.9, failed=0.3))


@pytest.mark.parametrize("pattern", [r"key=[^\s]{4}", "key=[^\ue0ff]{4}", "key=[\u4e00-\ue0a0]{4}",
                                     r"key=[\ue000-\uf8ff]{4}"])
@pytest.mark.parametrize("data", [b"\xffkey=\xff\x80\x81\xa2\n", b"key=\xff\xfe\xfd\xfc", "\ue0ff\ue080".encode() * 2
                                  + b"key=\xff" + "\ue0fe\ue0ff\ue082".encode()])
def test_patterns_and_lines_with_characters_of_the_private_use_area(pattern: str, data: bytes) -> None:
    rules = compile_rules((detector(pattern),))
    assembly = Assembly(rules, "none", use_cache=False)
    with within(None, len(data), (detector(pattern),)):
        found = merge(rules, engine.EngineScan(assembly, Workspace(), data, "").found())
    assert rows(found) == rows(PlainMatcher((detector(pattern),)).scan_text(data))


def test_no_shipped_pattern_tells_stray_bytes() -> None:
    assert not are_told_apart(pattern for detector in load() for pattern in (detector.pattern, detector.masked))


@pytest.mark.parametrize("pattern", [r"a[\u4e00-\uDFFF]", r"\ud83d\ude00", r"\\\udc80", r"\U0000d800"])
def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path, pattern: str) -> None:
    pack = tmp_path / "pack.yml"
    pack.write_text(f"- id: it\n  data_class: person.name\n  title: {{en: it, zh: 它}}\n  pattern: '{pattern}'\n")
    with pytest.raises(ContentError, match="half of a surrogate pair") as refused:
        load([pack])
    assert refused.value.place.startswith("pack.yml:4:")


def test_a_backslash_before_such_letters_is_not_refused(tmp_path: Path) -> None:
    pack = tmp_path / "pack.yml"
    pack.write_text("- id: it\n  data_class: person.name\n  title: {en: it, zh: 它}\n  pattern: 'a\\\\ud8'\n")
    assert load([pack])[0].pattern == r"a\\ud8"

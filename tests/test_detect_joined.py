"""Many small texts or columns in one scan: each has exactly the hits that it has alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.batch import Column, Hits
from guard.detect import Budget, Matcher, PlainMatcher, joined, load
from guard.detect.dense import header_sign
from guard.detect.pack import Confidence, Detector
from guard.taxonomy import Title

KEY = "\n".join(("-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA" + "x7Kq" * 12, "b3Vyc2VsdmVz" + "9Zt4" * 12,
                 "-----END RSA PRIVATE KEY-----"))
ENDS = ("", "\n", "\r\n", "\r")
EDGES = ("password", "password = ", "'Xk9#mQ2$vL7pWz'", "手机号：", "13800138000", "身份证", "11010519491231002X",
         "AKIA", "IOSFODNN7EXAMPLE", "\u200b", "１３８", "00138000", "", "张三", "cGFzc3dvcmQ9WGs5I21RMiR2TDdwV3o=",
         "%E5%BC%A0", "\\u5f20", *KEY.split("\n"), KEY)


@cache
def matcher() -> Matcher:
    return Matcher(load())


@cache
def plain() -> PlainMatcher:
    """It remembers no values."""
    return PlainMatcher(load())


@cache
def examples() -> tuple[str, ...]:
    kinds = ("match", "no_match", "masked")
    shown = [detector.examples for detector in matcher().detectors]
    return tuple(text for examples in shown for kind in kinds for text in getattr(examples, kind))


def rows(hits: Hits) -> list[tuple[float, ...]]:
    """Every hit whole, in the order given."""
    return list(zip(*(getattr(hits, name).tolist() for name in (
        "detector", "start", "end", "confidence", "flags", "cell")), strict=True))


def column(header: str, values: list[str], *, key: bool = False) -> Column:
    data = [value.encode() for value in values]
    sizes = np.array([len(value) for value in data], np.int64)
    ends = np.cumsum(sizes + 3) - 3
    return Column("field", header, b"###".join(data), ends - sizes, ends, np.arange(len(data)), key=key)


def texts() -> st.SearchStrategy[str]:
    return st.tuples(st.lists(st.sampled_from((*EDGES, *examples())), max_size=3).map(" ".join),
                     st.sampled_from(ENDS)).map("".join)


@pytest.mark.usefixtures("engine")
@given(st.lists(texts(), max_size=8))
def test_joined_texts_have_the_hits_of_each(found: list[str]) -> None:
    data = [text.encode() for text in found]
    assert [rows(hits) for hits in matcher().scan_texts(data)] == [rows(matcher().scan_text(text)) for text in data]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("end", ENDS)
def test_nothing_of_one_text_backs_another(end: str) -> None:
    """A key that begins in one and ends in the next, a word before a value, the first half of a number."""
    begin, _, rest = KEY.partition("\n")
    pairs = [(begin, rest), ("password =", "'Xk9#mQ2$vL7pWz'"), ("13800", "138000"), ("身份证号", "110105194912310021")]
    for pair in pairs:
        data = [f"{pair[0]}{end}".encode(), pair[1].encode()]
        assert [rows(hits) for hits in matcher().scan_texts(data)] == [rows(matcher().scan_text(text)) for text in data]
    alone = matcher().scan_text(KEY.encode())
    assert len(alone)
    before, whole, behind = matcher().scan_texts([f"text{end}".encode(), KEY.encode(), b"text"])
    assert rows(whole) == rows(alone)
    assert not len(before) + len(behind)


HEADERS = ("", "q", "备注", "note", "zq", "password", "姓名", "phone", "用户手机号", "Kſ", "~")


@pytest.mark.usefixtures("engine")
@given(st.lists(st.tuples(st.sampled_from(HEADERS), st.lists(texts(), max_size=4), st.booleans()), max_size=6))
def test_joined_columns_have_the_hits_of_each(found: list[tuple[str, list[str], bool]]) -> None:
    columns = [column(header, values, key=key) for header, values, key in found]
    assert [rows(hits) for hits in matcher().scan_columns(columns)] == [rows(plain().scan_column(c)) for c in columns]


@cache
def said(header: str) -> list[tuple[bool, int]]:
    """What a header says to each rule."""
    return [(rule.header_words.fit(header) > 0, header_sign(rule, header)) for rule in matcher().rules]


def words() -> Iterator[str]:
    for detector in matcher().detectors:
        yield from (header for word in detector.headers if (header := word.lstrip("=?")))
        if detector.context is not None:
            for word in (*detector.context.words, *detector.context.against):
                yield from (word, f"x{word.title()}")


def test_a_header_that_only_one_of_the_packs_knows_is_not_silent() -> None:
    """Headers are joined when they say the same to every rule of this matcher."""
    plan = matcher()._plan
    silent, meant = said(joined.SILENT), {header: plan.meanings.of(header) for header in words()}
    for header, meaning in meant.items():
        assert said(meaning) == said(header)
        assert (meaning == joined.SILENT) == (said(header) == silent)
    assert len(set(meant.values())) < len(meant)
    assert plan.meanings.of("deadline_path_role") == plan.meanings.of("zq") == joined.SILENT
    assert plan.meanings.of("") == ""


def test_more_meanings_than_are_kept_stand_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MOST_MEANINGS", 0)
    plan = Matcher(load())._plan
    assert [plan.meanings.of(header) for header in ("password", "passwd")] == ["password", "passwd"]


@pytest.mark.usefixtures("engine")
def test_a_detector_that_runs_out_is_noted_for_all() -> None:
    endless = Detector(id="endless", data_class="secret", title=Title("Endless", "无尽"), pattern=r"(?:a|a)+(?:a|a)+b",
                       confidence=Confidence(shape=0.9))
    budget = Budget()
    budget.exhausted.add(0)
    assert [len(hits) for hits in Matcher([endless]).scan_texts([b"aab", b"aab"], budget)] == [0, 0]
    assert [len(hits) for hits in Matcher([endless]).scan_texts([b"aab", b"x", b"aab"])] == [1, 0, 1]

"""Small JSON documents that are read together: each gives the batch that it gives alone, or is left alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.batch import Batch
from guard.model import PlainLabels, Skipped
from guard.sources import Options
from guard.sources.json_document import JsonDocument
from guard.sources.json_documents import Text, read_documents
from guard.sources.json_values import Cells, JsonBatch

DEFAULT = Options()
SECRET = "13800138000"
KEYS = ("a", "b", "name", "a b", "中", "", "value", *(f"k{number}" for number in range(9)))
LEAVES = st.none() | st.booleans() | st.integers(-99, 99) | st.just(1.5e9) | st.text(max_size=6) | st.just("x\ny")
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(
    st.sampled_from(KEYS), inner, max_size=5), max_leaves=24)
RECORDS = st.lists(st.dictionaries(st.sampled_from(KEYS), LEAVES, max_size=4), max_size=6)
MAPS = st.integers(60, 70).flatmap(lambda size: st.lists(LEAVES | RECORDS, min_size=size, max_size=size)).map(
    lambda values: {f"id{number}": value for number, value in enumerate(values)})
WRITTEN = st.builds(json.dumps, VALUES | RECORDS | MAPS | st.dictionaries(st.sampled_from(KEYS), MAPS, max_size=3),
                    ensure_ascii=st.booleans(), indent=st.sampled_from((None, 1)))
PIECES = ['"', "\\", "\\u00e9", "{", "}", "[", "]", ",", ":", " ", "\n", "\x01", "true", "nul", "0", "-1", "01", "é",
          '"key":', '"a": 1', '"a":', "{}", "[]", '"k\\u0041":1', f'"{SECRET}":1']
BROKEN = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
DOCUMENTS = st.one_of(WRITTEN, BROKEN, st.lists(WRITTEN | BROKEN, max_size=3).map("\n".join),
                      st.builds(lambda text, at: text[:at], WRITTEN, st.integers(0, 60)))


class Labels(PlainLabels):
    """Labels that know every name as plain but one."""

    def foresee(self, raw: Iterable[str]) -> None:
        self.names = list(raw)

    def is_plain(self, raw: str) -> bool:
        return bool(raw.strip()) and raw != SECRET

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        return raw if self.is_plain(raw) else fallback


@pytest.fixture(scope="module", autouse=True)
def _with_loops() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: compiled.is_available())
        yield


pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler")


def alone(name: str, content: bytes, options: Options) -> list[Batch | Skipped]:
    document = JsonDocument(name, PurePosixPath("x.json"), lambda: io.BytesIO(content), len(content), options, Labels())
    return list(document.read())


def texts_of(*contents: str, options: Options = DEFAULT) -> list[Text]:
    return [Text(f"{number}.json", content.encode(), options) for number, content in enumerate(contents)]


def plain(cells: Cells) -> object:
    return [column.tolist() for column in (cells.rows, cells.starts, cells.ends, cells.escaped)]


def check(found: JsonBatch, expected: Batch | Skipped) -> None:
    assert isinstance(expected, JsonBatch)
    assert (found.dataset, found.rows, found.data, found.region) == (
        expected.dataset, expected.rows, expected.data, expected.region)
    assert len(found.columns) == len(expected.columns) == len(found.cells) == len(found.literals)
    for number, (mine, theirs) in enumerate(zip(found.columns, expected.columns, strict=True)):
        assert (mine.field, mine.header, mine.ordinal, mine.text, mine.key) == (
            theirs.field, theirs.header, theirs.ordinal, theirs.text, theirs.key)
        assert [mine.value(cell) for cell in range(len(mine))] == [theirs.value(cell) for cell in range(len(theirs))]
        assert mine.rows.tolist() == theirs.rows.tolist()
        assert plain(found.cells[number]) == plain(expected.cells[number])
        assert plain(found.literals[number]) == plain(expected.literals[number])
        for cell in range(len(mine)):
            assert found.locate(number, cell, 0, 1) == expected.locate(number, cell, 0, 1)


@settings(max_examples=100)
@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
@example(['{"a": {"b": 1}}', '{"a" "b"}', '{"a": {"b": 1}}'])
@example(['[{"a": 1, "b": "x"}, {"a": "2"}]', "[]", "{}", "42", '"x" {"a": [1]} {"a": null}', "[[1], [2, [3]]]"])
def test_each_is_read_as_alone(contents: list[str]) -> None:
    texts = texts_of(*contents)
    for text, found in zip(texts, read_documents(texts, Labels()), strict=True):
        if found is not None:
            (expected,) = alone(text.name, text.content, text.options)
            check(found, expected)


def test_documents_of_the_usual_kind_are_read_together() -> None:
    wide = {f"key {number}": {"id": number, "name": "x"} for number in range(99)}
    usual = ['{"a": 1}', "[1, 2, [3]]", '{"a": "\\u00e9\\n", "中": [{"b": null}, {"b": 2}]}', json.dumps(wide),
             json.dumps([wide, wide]), "[" * 200 + "]" * 200]
    found = read_documents(texts_of(*usual), Labels())
    assert all(batch is not None for batch in found)
    assert {column.field for column in found[3].columns} == {"$.*.id", "$.*.name", "$.* (key)"}  # type: ignore[union-attr]


@pytest.mark.parametrize("content", [
    "", " \n", '{"a": 1', '{"a": 01}', '{"a": 1}}', "{]", "\ufeff{}", '{"\\u0061": 1}',
    f'{{"{SECRET}": 1}}', '{" ": 1}',
    '{"a": 1}\n{"a": 2}', "[" * 201 + "]" * 201, "[" + ",".join(f'{{"{"k" * n}": 1}}' for n in range(5000)) + "]",
    "[" + "1," * 50_000 + "1]", '{"a" : : 1}', '["a": 1]', '{"a"}', "[1,]", '{"a": 1,}', "[1 2]", "}", ":", "1,2"])
def test_any_other_is_left_alone(content: str) -> None:
    batches = read_documents(texts_of('{"a": 1}', content, '{"a": 1}'), Labels())
    assert [batch is None for batch in batches] == [False, True, False]


def test_what_its_reader_may_refuse_is_left_to_it() -> None:
    for options in (Options(encoding="utf-8"), Options(max_document=7), Options(block=7)):
        assert read_documents(texts_of('{"a": 1}', options=options), Labels()) == [None]
    assert read_documents([Text("x", '{"a": "é"}'.encode("latin-1"), Options())], Labels()) == [None]


def test_keys_are_told_once_for_all() -> None:
    labels = Labels()
    read_documents(texts_of('{"a": {"b": 1, "a": 2}}', '{"b": [{"c": 1}]}'), labels)
    assert labels.names == ["a", "b", "c"]


def test_without_loops_each_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "pays", lambda work: False)
    assert read_documents(texts_of("{}"), Labels()) == [None]

"""JSON and JSON Lines: what is read, where it stands, and that edits change nothing else. Oracle: the json module."""

from __future__ import annotations

import io
import json
import random
import string
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.batch import Batch, CellEdit, Edits
from guard.errors import SourceError
from guard.model import Location, PlainLabels, Reason, Skipped
from guard.sources import json_document, json_lines, json_paths, json_tokens
from guard.sources.document import Document, Options
from guard.sources.json_document import JsonDocument
from guard.sources.json_lines import JsonLinesDocument


class HidingLabels:
    """Labels that withhold every name with a digit."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        self.asked.append(raw)
        return fallback if any(character.isdigit() for character in raw) else raw


class Changes:
    """An editor that drops some fields and passes every value of others through a function."""

    def __init__(self, changes: dict[str, Any] | None = None, drops: tuple[str, ...] = ()) -> None:
        self.changes = changes or {}
        self.dropped = drops

    def drops(self, dataset: str, field: str) -> bool:
        return field in self.dropped

    def edit(self, batch: Batch) -> Edits:
        edits = []
        for index, column in enumerate(batch.columns):
            if (change := self.changes.get(column.field)) and len(column):
                values = [change(column.value(cell).decode()) for cell in range(len(column))]
                edits.append(CellEdit(index, np.arange(len(column)), pa.array(values, pa.string())))
        return Edits(tuple(edits))


def make(data: bytes | str, kind: type[JsonLinesDocument] = JsonLinesDocument, labels: Any = None,
         **options: Any) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return kind("x", PurePosixPath("x.json"), lambda: io.BytesIO(raw), len(raw), Options(**options),
                labels or PlainLabels())


def batches(document: Document) -> list[Batch]:
    items = list(document.read())
    assert not [item for item in items if isinstance(item, Skipped)], items
    return [item for item in items if isinstance(item, Batch)]


def cells(document: Document) -> Counter[tuple[str, str, bool]]:
    """All (field, value, is text), with their numbers."""
    return Counter((column.field, column.value(cell).decode(), column.text)
                   for batch in batches(document) for column in batch.columns for cell in range(len(column)))


def skips(document: Document) -> list[Skipped]:
    return [item for item in document.read() if isinstance(item, Skipped)]


def rewritten(document: Document, editor: Changes) -> str:
    out = io.BytesIO()
    document.rewrite(out, editor)
    return out.getvalue().decode()


def walk(value: Any, field: str = "$") -> Counter[tuple[str, str, bool]]:
    """The oracle: the same multiset out of what `json.loads` gives; numbers come as they were written."""
    if isinstance(value, dict):
        return sum((walk(item, field + json_paths.step(key)) for key, item in value.items()), Counter())
    if isinstance(value, list):
        return sum((walk(item, f"{field}[*]") for item in value), Counter())
    if isinstance(value, _Number):
        return Counter([(field, str(value), False)])
    if isinstance(value, str):
        return Counter([(field, value.encode("utf-8", "replace").decode(), True)])
    return Counter()


class _Number(str):
    """A number, as it was written."""


def loads(text: str) -> Any:
    return json.loads(text, parse_int=_Number, parse_float=_Number)


keys = st.text(st.sampled_from("ab中é \\\"'/~😀"), max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(
    max_size=8) | st.sampled_from(["13800138000", "张三", "\ud800", "{\"a\":[", "\\", "\n", "\"", ""])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
                      max_leaves=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(values, min_size=1, max_size=8), st.booleans(), st.integers(1, 64), st.sampled_from(["\n", "\r\n"]))
def test_lines_hold_what_json_says(records: list[Any], ascii_only: bool, block: int, end: str) -> None:
    texts = [json.dumps(record, ensure_ascii=ascii_only or _is_lonely(record)) for record in records]
    expected = sum((walk(loads(text)) for text in texts), Counter())
    found = make(end.join(texts), block=block)
    assert cells(found) == expected
    assert sum(batch.rows for batch in batches(found)) == len(records)


@settings(max_examples=150, deadline=None)
@given(values, st.booleans(), st.sampled_from([None, 0, 3]), st.integers(4, 40))
def test_documents_hold_what_json_says(value: Any, ascii_only: bool, indent: int | None, piece: int) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only or _is_lonely(value), indent=indent)
    assert cells(make(text, JsonDocument)) == walk(loads(text))
    whole = json_tokens.tokenize(text.encode(), lines=False)
    pieces = json_tokens.tokenize_document(text.encode(), piece=piece)
    for name in ("kinds", "starts", "ends", "escaped", "wrong"):
        assert np.array_equal(getattr(whole, name), getattr(pieces, name)), name


def _is_lonely(value: Any) -> bool:
    """Whether it holds a surrogate, which UTF-8 cannot write unescaped."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


@settings(max_examples=150, deadline=None)
@given(st.lists(values, min_size=1, max_size=6))
def test_an_edit_changes_its_values_and_nothing_else(records: list[Any]) -> None:
    text = "\n".join(json.dumps(record) for record in records)
    for kind in (JsonLinesDocument, JsonDocument):
        document = make(text, kind)
        assert rewritten(document, Changes()) == text
        found = cells(document)
        changed = rewritten(document, Changes({field: lambda value: f'<"{value}\\>' for field, _, _ in found}))
        expected = Counter[tuple[str, str, bool]]()
        for (field, value, _), count in found.items():
            expected[field, f'<"{value}\\>', True] += count
        assert sum((walk(loads(line)) for line in changed.split("\n")), Counter()) == expected


MUTATIONS = '{}[]:,"\\ 019.eE+-tfnul\t\x01中\n'


@settings(max_examples=400, deadline=None)
@given(values, st.randoms(use_true_random=False))
def test_a_line_is_valid_exactly_when_json_says_so(value: Any, random_: random.Random) -> None:
    text = json.dumps(value)
    for _ in range(random_.randint(1, 3)):
        at, kind = random_.randint(0, len(text)), random_.randint(0, 2)
        text = text[:at] + (random_.choice(MUTATIONS) if kind else "") + text[at + (kind != 1) :]
    text = text.replace("\n", " ")
    try:
        json.loads(text, parse_constant=lambda name: 1 / 0)
        valid = True
    except (ValueError, ZeroDivisionError):
        valid = not text.strip(" \t\r")
    # A neighbour shows that a bad line spoils no other.
    found = list(make(f'{{"ok":"1"}}\n{text}\n{{"ok":"2"}}\n').read())
    assert [item.line for item in found if isinstance(item, Skipped)] == ([] if valid else [2])
    shown = [column.value(cell) for batch in found if isinstance(batch, Batch) for column in batch.columns
             if column.field == "$.ok" for cell in range(len(column))]
    assert {b"1", b"2"} <= set(shown)
    if text.strip(" \t\r"):
        assert bool(skips(make(text, JsonDocument))) == (not valid and not _is_sequence(text))


def _is_sequence(text: str) -> bool:
    """Whether the text is several values one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip(" \t\r"):
        if at and text[at - 1].isalnum() and (text[at].isalnum() or text[at] == "-"):
            return False  # the decoder takes 01 and 0null for two values
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r"))
        try:
            _, at = decoder.raw_decode(text, at)
        except ValueError:
            return False
    return "NaN" not in text and "Infinity" not in text


@pytest.mark.parametrize("bad", [
    "01", "-", "1.", ".5", "1e", "+1", "NaN", "Infinity", "-Infinity", "truefalse", "nul", "True", "'a'", '"\\x"',
    '"\\u12g4"', '"\\u12"', '"a\tb"', '"a', '{"a" 1}', '{"a":1,}', "[1,]", "[1 2]", '{"a":1}}', "]", "{1:2}", '{"a"}',
    '["a":1]', '"a""b"', "[1]]", "1 2", "\u00a0 1", "{,}", "[,1]", ":", ",", '"\x02"', "\ufeff1", "[" * 201 + "]" * 201,
    '\\"abc"', '{"a":"q\\"}',
])
def test_what_is_no_json_is_told_with_its_line_and_never_shown(bad: str) -> None:
    document = make(f'{{"a":1}}\n\n{bad}\n[2]')
    assert skips(document) == [Skipped("x", Reason.INVALID_RECORD, line=3)]
    with pytest.raises(SourceError) as raised:
        document.rewrite(io.BytesIO(), Changes())
    assert raised.value.reason == Reason.INVALID_RECORD
    assert bad not in str(raised.value)


def test_deep_nesting_is_valid_up_to_the_limit() -> None:
    deep = json_paths.MAX_NESTING
    assert not skips(make("[" * deep + "1" + "]" * deep))
    assert skips(make("[" * 100_000))
    assert skips(make("[" * 100_000, JsonDocument))


@pytest.mark.parametrize(("text", "line", "column"), [
    ('{"a":1,\n "b":[{"x":1},{"x":,}]}', 2, 20),
    ('{"data":[\n{"x":"1"},\n{"x":"2"}', 3, 10),
    ('{"data":[{"x":"1"},{"x":01}]}', 1, 25),
    ('{"中":"', 1, 6),
    ("[1]\nx", 2, 1),
    ('[{"a":1},{"a":1}]]', 1, 18),
    ('[{"a":1},{"a":1],1}', 1, 16),
])
def test_an_invalid_document_is_skipped_whole_with_the_place(text: str, line: int, column: int) -> None:
    assert list(make(text, JsonDocument).read()) == [
        Skipped("x", Reason.INVALID_RECORD, f"line {line} column {column}", line)]
    with pytest.raises(SourceError):
        make(text, JsonDocument).rewrite(io.BytesIO(), Changes())


def locations(document: Document, field: str, start: int = 0, end: int | None = None) -> list[Location]:
    return [batch.locate(index, cell, start, len(column.value(cell)) if end is None else end)
            for batch in batches(document) for index, column in enumerate(batch.columns) if column.field == field
            for cell in range(len(column))]


@pytest.mark.parametrize("kind", [JsonLinesDocument, JsonDocument])
def test_every_place_points_at_the_value(kind: type[JsonLinesDocument]) -> None:
    text = '{"名":"张三","a/b~":[{"p":"1"},{"p":"\\u0031\\n2"}]}\n\n  {"名": "😀李四", "n": 12.0}\n'
    document = make(text, kind)
    first, second = locations(document, "$.名")
    assert (first.line, first.column, first.row, first.pointer) == (1, 7, 1, "/名")
    assert (second.line, second.column, second.row, second.pointer) == (3, 10, 2, "/名")
    raw = text.encode()
    for found, value in ((first, "张三"), (second, "😀李四")):
        assert found.offset is not None
        assert found.length is not None
        assert raw[found.offset : found.offset + found.length].decode() == value
    nested = locations(document, "$['a/b~'][*].p")
    assert [found.pointer for found in nested] == ["/a~1b~0/0/p", "/a~1b~0/1/p"]
    escaped = locations(document, "$['a/b~'][*].p", 1, 3)[1]
    assert escaped.offset is not None
    assert escaped.length is not None
    assert text.encode()[escaped.offset : escaped.offset + escaped.length] == b"\\n2"
    assert [found.pointer for found in locations(document, "$.n")] == ["/n"]


@settings(max_examples=60, deadline=None)
@given(values, st.integers(1, 5))
def test_pointers_lead_to_their_values(value: Any, size: int) -> None:
    text = json.dumps({"head": 1, "list": [value] * 3, "tail": "end"})
    document = loads(text)
    original, json_document.BATCH_VALUES = json_document.BATCH_VALUES, size
    try:
        found = batches(make(text, JsonDocument))
    finally:
        json_document.BATCH_VALUES = original
    for batch in found:
        for index, column in enumerate(batch.columns):
            for cell in range(len(column)):
                location = batch.locate(index, cell, 0, len(column.value(cell)))
                target = document
                for part in (location.pointer or "").split("/")[1:]:
                    part = part.replace("~1", "/").replace("~0", "~")
                    target = target[int(part)] if isinstance(target, list) else target[part]
                assert str(target).encode("utf-8", "replace") == column.value(cell)
                assert location.row in (1, 2, 3)


@pytest.mark.parametrize(("text", "rows", "row_of"), [
    ('[{"p":"a"},{"p":"b"},{"p":"c"}]', 3, {"a": 0, "b": 1, "c": 2}),
    ('{"code":0,"data":{"list":[{"p":"a","t":[{"q":1},{"q":2}]},{"p":"b"},{"p":"c"}]},"p":"z"}', 3,
     {"a": 0, "b": 1, "c": 2, "z": 0}),
    ('{"p":"a","x":{"p":"b"}}', 1, {"a": 0, "b": 0}),
    ('{"p":"a"}{"p":"b"} {"p":"c"}', 3, {"a": 0, "b": 1, "c": 2}),
    ('{"m":{"k":{"p":"a"},"l":{"p":"b"}}}', 1, {"a": 0, "b": 0}),
])
def test_rows_are_the_items_of_the_array_of_records(text: str, rows: int, row_of: dict[str, int]) -> None:
    found = batches(make(text, JsonDocument))
    assert sum(batch.rows for batch in found) == rows
    assert {column.value(cell).decode(): column.rows[cell] for batch in found for column in batch.columns
            if column.header == "p" for cell in range(len(column))} == row_of


def test_headers_are_the_nearest_key_and_fields_with_literals_only_are_known() -> None:
    batch, = batches(make('{"phones":["1",["2"]],"ok":true,"none":null,"a b":{"it\'s":3}}\n{}\n'))
    assert {(column.field, column.header, len(column), column.text) for column in batch.columns} == {
        ("$.phones[*]", "phones", 1, True), ("$.phones[*][*]", "phones", 1, True), ("$.ok", "ok", 0, False),
        ("$.none", "none", 0, False), ("$['a b']['it\\'s']", "it's", 1, False)}


def test_records_without_values_are_a_table_not_text() -> None:
    batch, = batches(make("{}\n[]\n"))
    assert not batch.is_text
    assert batch.rows == 2


def test_duplicate_keys_are_all_read_and_all_edited() -> None:
    document = make('{"a":"1","a":"2"}')
    assert sorted(cells(document)) == [("$.a", "1", True), ("$.a", "2", True)]
    assert rewritten(document, Changes({"$.a": lambda value: f"<{value}>"})) == '{"a":"<1>","a":"<2>"}'


def test_numbers_keep_their_bytes_and_new_numbers_stay_numbers() -> None:
    text = '{ "a" : 1.0, "b":12345678901234567890,"c":1E5 ,"d":-0.0}'
    assert rewritten(make(text), Changes()) == text
    changed = rewritten(make(text), Changes({"$.b": lambda value: "42", "$.c": lambda value: "1*5",
                                             "$.d": lambda value: None}))
    assert changed == '{ "a" : 1.0, "b":42,"c":"1*5" ,"d":null}'


def test_a_dropped_field_becomes_null_with_its_literals() -> None:
    document = make('{"a":"x","l":[1,"2",true]}\n{"a":false}\n{"b":"a"}\n')
    out = io.BytesIO()
    edited = document.rewrite(out, Changes(drops=("$.a", "$.l[*]")))
    assert out.getvalue() == b'{"a":null,"l":[null,null,null]}\n{"a":null}\n{"b":"a"}\n'
    assert (edited.dropped, edited.rows) == (2, 3)


def test_keys_that_are_findings_are_values() -> None:
    labels = HidingLabels()
    text = '{"users":{"13800138000":{"n":"a"},"13800138001":{"n":"b"}},"ok":"c"}'
    document = make(text, labels=labels)
    batch, = batches(document)
    found = {column.field: column for column in batch.columns}
    assert set(found) == {"$.users.* (key)", "$.users.*.n", "$.ok"}
    key = found["$.users.* (key)"]
    assert key.key
    assert key.header == "users"
    assert [key.value(0), key.value(1)] == [b"13800138000", b"13800138001"]
    assert batch.locate(batch.columns.index(key), 1, 0, 11).pointer == "/users/*"
    masked = rewritten(make(text, labels=HidingLabels()), Changes({"$.users.* (key)": lambda value: "138****"}))
    assert masked == '{"users":{"138****":{"n":"a"},"138****-2":{"n":"b"}},"ok":"c"}'
    dropped = rewritten(make(text, labels=HidingLabels()), Changes(drops=("$.users.* (key)",)))
    assert dropped == '{"users":{"*":{"n":"a"},"*-2":{"n":"b"}},"ok":"c"}'


def test_a_new_key_avoids_the_keys_that_stay() -> None:
    text = '{"a":1,"b":2,"x-2":3,"138":4,"139":5,"140":6}\n{"138":1}'
    editor = Changes({"$.* (key)": lambda value: value if value == "140" else "x"})
    changed = rewritten(make(text, labels=HidingLabels()), editor)
    for line in changed.split("\n"):
        pairs = json.loads(line, object_pairs_hook=list)
        assert len({key for key, _ in pairs}) == len(pairs)
    assert changed.split("\n")[1] == '{"x":1}'


@pytest.mark.parametrize("kind", [JsonLinesDocument, JsonDocument])
def test_an_object_with_many_keys_is_a_map(kind: type[JsonLinesDocument]) -> None:
    names = [a + b for a in string.ascii_lowercase for b in "abc"]
    batch, = batches(make(json.dumps({"m": {name: {"v": name} for name in names}}), kind))
    columns = {column.field: column for column in batch.columns}
    assert set(columns) == {"$.m.*.v", "$.m.* (key)"}
    assert len(columns["$.m.* (key)"]) == len(columns["$.m.*.v"]) == len(names)


def test_fields_stay_bounded_whatever_the_keys_are() -> None:
    random_ = random.Random(3)
    lines = "\n".join(json.dumps({random_.choice("abcdefgh") * random_.randint(1, 8): {
        str(random_.random()): {str(random_.random()): "v"}}}) for _ in range(3000))
    labels = HidingLabels()
    found = batches(make(lines, labels=labels, block=4096))
    assert len({column.field for batch in found for column in batch.columns}) < json_paths.MAX_PATHS
    values_seen = sum(len(column) for batch in found for column in batch.columns if not column.key)
    assert values_seen == 3000
    tree = json_paths.Paths("x", PlainLabels())
    for _ in range(400):
        nest = "".join(f'{{"{random_.randrange(60)}":' for _ in range(60))
        tree.slots((nest + "\x01" + "}" * 60).encode())
    assert len(tree.nodes) <= json_paths.MAX_PATHS + 1
    assert tree.fields()[0][-1] == "$..*"


def test_lines_in_a_json_file_are_read_as_lines() -> None:
    document = make('{"a":"1"}\n{"a":"2"}\nbroken\n', JsonDocument)
    found = list(document.read())
    assert [item for item in found if isinstance(item, Skipped)] == [Skipped("x", Reason.INVALID_RECORD, line=3)]
    text = '{"a":"1"}\n{"a":"2"}\n'
    assert rewritten(make(text, JsonDocument), Changes({"$.a": lambda value: value * 2})) == (
        '{"a":"11"}\n{"a":"22"}\n')


def test_documents_beyond_the_limit_are_skipped() -> None:
    text = json.dumps([{"a": "x" * 50}] * 100)
    assert [item.reason for item in skips(make(text, JsonDocument, max_document=1000))] == [Reason.TOO_LARGE]
    with pytest.raises(SourceError) as raised:
        make(text, JsonDocument, max_document=1000).rewrite(io.BytesIO(), Changes())
    assert raised.value.reason == Reason.TOO_LARGE


def test_a_line_that_is_too_long_is_skipped_and_the_rest_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE", 1000)
    text = '{"a":"1"}\n{"a":"' + "x" * 5000 + '"}\n{"a":"2"}\nbad\n'
    found = list(make(text, block=100).read())
    assert [(item.reason, item.line) for item in found if isinstance(item, Skipped)] == [
        (Reason.TOO_LARGE, 2), (Reason.INVALID_RECORD, 4)]
    assert [column.value(cell) for batch in found if isinstance(batch, Batch) for column in batch.columns
            for cell in range(len(column))] == [b"1", b"2"]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("kind", [JsonLinesDocument, JsonDocument])
def test_encodings_are_read_and_written_back(codec: str, kind: type[JsonLinesDocument]) -> None:
    text = '{"姓名":"张三丰的名字是常用的中文","n":1.0}\n' * 3
    mark = "\ufeff" if codec == "utf-16-be" else ""
    raw = (mark + text).encode(codec)
    document = make(raw, kind)
    assert cells(document)[("$.姓名", "张三丰的名字是常用的中文", True)] == 3
    out = io.BytesIO()
    document.rewrite(out, Changes())
    assert out.getvalue() == raw
    out = io.BytesIO()
    document.rewrite(out, Changes({"$.姓名": lambda value: "李*"}))
    assert out.getvalue() == (mark + text).replace("张三丰的名字是常用的中文", "李*").encode(codec)


def test_new_values_are_escaped_where_the_encoding_cannot_write_them() -> None:
    raw = '{"a":"café crème brûlée à la carte","b":"x"}\n'.encode("cp1252")
    out = io.BytesIO()
    make(raw, encoding="cp1252").rewrite(out, Changes({"$.b": lambda value: "张*"}))
    assert json.loads(out.getvalue().decode("cp1252")) == {"a": "café crème brûlée à la carte", "b": "张*"}


@pytest.mark.parametrize("text", ["", " \n\t", "\n\n"])
def test_nothing_is_empty(text: str) -> None:
    assert [item.reason for item in skips(make(text, JsonDocument))] == [Reason.EMPTY]


def test_values_beside_each_other_in_several_batches_are_all_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "BATCH_VALUES", 7)
    text = json.dumps([{"a": f"v{number}", "b": [number, None]} for number in range(40)])
    document = make(text, JsonDocument)
    assert len(batches(document)) > 5
    assert json.loads(rewritten(document, Changes({"$[*].a": str.upper}))) == [
        {"a": f"V{number}", "b": [number, None]} for number in range(40)]

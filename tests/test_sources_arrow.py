"""Arrow tables and Parquet files: what is read, what is written again, and what must not survive."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import CANARY, Changes, HidingLabels, skips

from guard.batch import Batch
from guard.errors import SourceError
from guard.model import PlainLabels, Reason, Skipped
from guard.sources.arrow import BATCH_ROWS, TableDocument
from guard.sources.document import Document, Options
from guard.sources.parquet import ParquetDocument


def columns_of(document: Document) -> dict[str, list[tuple[int, str]]]:
    """(row, value) of every column; nothing may be skipped."""
    found: dict[str, list[tuple[int, str]]] = {}
    for batch in document.read():
        assert isinstance(batch, Batch), batch
        for column in batch.columns:
            pairs = [(int(column.rows[cell]), column.value(cell).decode()) for cell in range(len(column))]
            found.setdefault(column.field, []).extend(pairs)
    return found


def table_document(table: Any, labels: Any = None) -> TableDocument:
    return TableDocument("t", PurePosixPath("t.parquet"), table, labels or PlainLabels())


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def parquet_document(data: bytes, labels: Any = None) -> ParquetDocument:
    return ParquetDocument("p", PurePosixPath("p.parquet"), lambda: io.BytesIO(data), len(data), Options(),
                           labels or PlainLabels())


def rewritten(document: Document, editor: Any) -> pa.Table:
    out = io.BytesIO()
    document.rewrite(out, editor)
    return pq.read_table(io.BytesIO(out.getvalue()))


MOMENT = dt.datetime(1990, 3, 7, 1, 2, 3, 4)
TYPES = {
    "string": (pa.array(["张三", None, ""]), [(0, "张三"), (2, "")]),
    "large": (pa.array(["a", None, "b"], pa.large_string()), [(0, "a"), (2, "b")]),
    "view": (pa.array(["a" * 30, None, "b"], pa.string_view()), [(0, "a" * 30), (2, "b")]),
    "dictionary": (pa.array(["x", None, "x"]).dictionary_encode(), [(0, "x"), (2, "x")]),
    "categories": (pa.DictionaryArray.from_arrays(pa.array([2, 0, 2], pa.int8()), pa.array(
        ["", "y", "中"], pa.large_string()).slice(0, 3)), [(0, "中"), (1, ""), (2, "中")]),
    "shifted": (pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint16()), pa.array(["w", "x", "y"]).slice(1)),
                [(0, "y"), (2, "x")]),
    "hole": (pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), pa.array(["x", None])), [(1, "x")]),
    "coded": (pa.DictionaryArray.from_arrays(pa.array([1, 0, 1]), pa.array([7, None])), [(1, "7")]),
    "integer": (pa.array([13800138000, None, -1]), [(0, "13800138000"), (2, "-1")]),
    "float": (pa.array([13800138000.0, None, 1.5]), [(0, "13800138000"), (2, "1.5")]),
    "half": (pa.array(np.array([1.5, 2, 3], np.float16)), [(0, "1.5"), (1, "2"), (2, "3")]),
    "huge": (pa.array([1e300, None, float("nan")]), [(0, "1e+300"), (2, "nan")]),
    "bool": (pa.array([True, None, False]), [(0, "true"), (2, "false")]),
    "date": (pa.array([dt.date(1990, 3, 7), None, None]), [(0, "1990-03-07")]),
    "moment": (pa.array([MOMENT, None, None]), [(0, "1990-03-07 01:02:03.000004")]),
    "midnight": (pa.array([dt.datetime(1990, 3, 7), None, None]), [(0, "1990-03-07 00:00:00")]),
    "zone": (pa.array([MOMENT, None, None], pa.timestamp("us", "UTC")), [(0, "1990-03-07 01:02:03.000004")]),
    "time": (pa.array([dt.time(1, 2, 3), None, None], pa.time32("s")), [(0, "01:02:03")]),
    "decimal": (pa.array([decimal.Decimal("1.50"), None, None]), [(0, "1.50")]),
    "binary": (pa.array(["中".encode(), None, b"b"]), [(0, "中"), (2, "b")]),
    "fixed": (pa.array([b"ab", None, b"cd"], pa.binary(2)), [(0, "ab"), (2, "cd")]),
    "null": (pa.nulls(3), []),
}


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_canonical_form(name: str) -> None:
    array, expected = TYPES[name]
    table = pa.table({name: array})
    assert columns_of(table_document(table)) == {name: expected}
    later = [(row - 1, value) for row, value in expected if row]
    assert columns_of(table_document(table.slice(1))) == {name: later}


NESTED = pa.table({
    "p": [{"n": "a", "t": [1, 2]}, None, {"n": None, "t": None}],
    "l": pa.array([[["x"], []], None, [None, ["y", None]]]),
    "m": pa.array([[("k", "v")], None, [("k2", None)]], pa.map_(pa.string(), pa.string())),
    "f": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
})


def test_nested_types_are_paths() -> None:
    assert columns_of(table_document(NESTED)) == {
        "p.n": [(0, "a")], "p.t[*]": [(0, "1"), (0, "2")], "l[*][*]": [(0, "x"), (2, "y")],
        "m.* (key)": [(0, "k"), (2, "k2")], "m.*": [(0, "v")], "f[*]": [(0, "1"), (0, "2"), (2, "3"), (2, "4")]}


def test_values_hidden_under_a_null_list_are_not_given_to_other_rows() -> None:
    hidden = pa.ListArray.from_arrays(pa.array([0, 2, 4]), pa.array(["a", "b", "c", "d"]),
                                      mask=pa.array([True, False]))
    assert columns_of(table_document(pa.table({"l": hidden}))) == {"l[*]": [(1, "c"), (1, "d")]}


def test_nested_values_are_edited_in_place() -> None:
    found = rewritten(table_document(NESTED), Changes("p.n", "p.t[*]", "l[*][*]", "m.* (key)", "f[*]")).to_pydict()
    assert found == {"p": [{"n": "<a>", "t": ["<1>", "<2>"]}, None, {"n": None, "t": None}],
                     "l": [[["<x>"], []], None, [None, ["<y>", None]]],
                     "m": [[("<k>", "v")], None, [("<k2>", None)]],
                     "f": [["<1>", "<2>"], None, ["<3>", "<4>"]]}


def test_a_dropped_part_of_a_nested_column_becomes_null_and_a_whole_one_goes() -> None:
    found = rewritten(table_document(NESTED), Changes(drops=("p.n", "l[*][*]", "m.* (key)", "m.*"))).to_pydict()
    assert found["p"] == [{"n": None, "t": [1, 2]}, None, {"n": None, "t": None}]
    assert set(found) == {"p", "f"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.none() | st.text(max_size=5), st.none() | st.integers(-2**62, 2**62),
                          st.none() | st.floats(allow_nan=False)), max_size=12), st.integers(1, 5))
def test_what_is_not_edited_is_identical(rows: list[tuple[Any, Any, Any]], size: int) -> None:
    texts, integers, floats = ([row[place] for row in rows] for place in range(3))
    table = pa.table({"t": pa.array(texts, pa.string()), "i": pa.array(integers, pa.int64()),
                      "f": pa.array(floats, pa.float64())})
    data = parquet(table, row_group_size=size)
    assert rewritten(parquet_document(data), Changes()).equals(table)
    edited = rewritten(parquet_document(data), Changes("t", "i"))
    assert edited["t"].to_pylist() == [None if text is None else f"<{text}>" for text in texts]
    assert edited["f"].equals(table["f"])
    filled = [(row, text) for row, text in enumerate(texts) if text is not None]
    assert columns_of(parquet_document(data))["t"] == filled


def test_new_values_keep_the_type_while_they_parse_in_it() -> None:
    table = pa.table({"i": pa.array([1, 2], pa.int16()), "d": [dt.date(1990, 3, 7)] * 2, "f": [1.5, 2.5]})
    same = rewritten(table_document(table), Changes("i", "f", change=lambda value: "7"))
    assert same.schema.types == table.schema.types
    assert same["i"].to_pylist() == [7, 7]
    out = io.BytesIO()
    edited = table_document(table).rewrite(out, Changes("i", "d", change=lambda value: value[:1] + "*", only=1))
    found = pq.read_table(io.BytesIO(out.getvalue()))
    assert found.to_pydict() == {"i": ["1", "2*"], "d": ["1990-03-07", "1*"], "f": [1.5, 2.5]}
    assert edited.notes == ("column 1: int16 became text", "column 2: date32[day] became text")
    assert edited.replaced == 2


def test_a_type_that_changes_in_a_late_batch_changes_for_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.sources.arrow.BATCH_ROWS", 10)
    table = pa.table({"i": list(range(50))})
    found = rewritten(table_document(table), Changes("i", only=45))["i"].to_pylist()
    assert found == [f"<{number}>" if number == 45 else str(number) for number in range(50)]


class Unseekable(io.BytesIO):
    """Where a member of a zip is written to."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation


def test_a_type_that_changes_needs_no_seekable_output() -> None:
    out = Unseekable()
    table_document(pa.table({"i": [1, 2]})).rewrite(out, Changes("i"))
    assert pq.read_table(io.BytesIO(out.getvalue()))["i"].to_pylist() == ["<1>", "<2>"]


def test_columns_that_repeat_are_read_as_the_others() -> None:
    rows = 3000
    table = pa.table({
        "few": [("甲", "乙", None, "")[row % 4] for row in range(rows)], "one": ["中文" * 9] * rows,
        "all": [f"{row:09}" for row in range(rows)], "part": [{"few": "xyz"[row % 3]} for row in range(rows)],
        "n": pa.array(range(rows)), "late": ["a"] * 2000 + [f"{row:040}" for row in range(1000)]})
    data = parquet(table, row_group_size=1100, dictionary_pagesize_limit=600)
    document = parquet_document(data)
    expected = {"part.few": [row["few"] for row in table["part"].to_pylist()], **{
        name: table[name].to_pylist() for name in ("few", "one", "all", "n", "late")}}
    assert columns_of(document) == {name: [(row, str(value)) for row, value in enumerate(values) if value is not None]
                                    for name, values in expected.items()}
    few = next(batch for batch in document.read() if isinstance(batch, Batch)).columns[0]
    assert len(few.data) < 10
    assert len(few) > 500
    assert rewritten(parquet_document(data), Changes()).schema.equals(table.schema)


@pytest.mark.parametrize("tells_sizes", [True, False])
def test_a_large_dictionary_is_not_brought_with_each_batch(monkeypatch: pytest.MonkeyPatch, tells_sizes: bool) -> None:
    """Whatever the file says of its size: each batch would copy all of it, and few of its values are used in most."""
    strings, rows = [f"{number:050}" for number in range(40_000)], 8 * BATCH_ROWS
    keys = [*range(len(strings)), *[7] * (rows - len(strings))]
    table = pa.table({"few": ["ab"[row % 2] for row in range(rows)],
                      "v": pa.DictionaryArray.from_arrays(pa.array(keys), pa.array(strings)).cast(pa.string())})
    data = parquet(table, dictionary_pagesize_limit=1 << 30)
    if not tells_sizes:
        monkeypatch.setattr("guard.sources.parquet._repeating", lambda metadata: ["few", "v"])
    batches = [batch for batch in parquet_document(data).read() if isinstance(batch, Batch)]
    read = [batch.columns[1] for batch in batches]
    cells = [column.value(cell).decode() for column in read for cell in range(len(column))]
    assert cells == [strings[key] for key in keys]
    assert sum(len(column.data) for column in read) == 50 * rows
    assert [int(row) for batch in batches for row in batch.columns[0].rows] == list(range(rows))
    assert (len(batches[0].columns[0].data) < 10) == tells_sizes


def test_no_removed_value_survives_in_parquet() -> None:
    """Dictionaries, statistics, schema and file metadata are where values hide."""
    keys = pa.DictionaryArray.from_arrays(pa.array([0, 0, 0]), pa.array(["ok", CANARY]))
    frame = pd.DataFrame({"c": pd.Categorical(["a", "a", "a"], categories=["a", CANARY])})
    table = pa.table({"k": keys, "v": [CANARY, "x", "y"], "gone": [CANARY] * 3, "list": [[CANARY], [], None]})
    table = table.append_column(pa.field("m", pa.int64(), metadata={"note": CANARY}), pa.array([1, 2, 3]))
    table = table.append_column("c", pa.Table.from_pandas(frame)["c"])
    nested = pa.struct([pa.field("n", pa.string(), metadata={"note": CANARY})])
    table = table.append_column("s", pa.array([{"n": "x"}] * 3, nested))
    data = parquet(table.replace_schema_metadata({"author": CANARY}), compression="none")
    assert CANARY.encode() in data
    out = io.BytesIO()
    parquet_document(data).rewrite(out, Changes("v", "list[*]", drops=("gone",), change=lambda value: "***"))
    assert CANARY.encode() not in out.getvalue()
    schema = pq.read_schema(io.BytesIO(out.getvalue()))
    assert schema.metadata is None
    assert [field.metadata for field in schema if field.metadata and b"note" in field.metadata] == []
    assert schema.names == ["k", "v", "list", "m", "c", "s"]


def test_names_that_may_not_be_shown_are_not_written_either() -> None:
    table = pa.table({CANARY: ["a"], "p": pa.array([{"x1": "b", "y": "c"}]), "": ["d"]})
    labels = HidingLabels()
    assert columns_of(table_document(table, labels)) == {
        "column 1": [(0, "a")], "p['part 1']": [(0, "b")], "p.y": [(0, "c")], "column 3": [(0, "d")]}
    found = rewritten(table_document(table, labels), Changes())
    assert found.schema.names[:2] == ["column 1", "p"]
    assert found["p"].to_pylist() == [{"part 1": "b", "y": "c"}]


def test_empty_tables_keep_their_columns() -> None:
    table = pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.int64())})
    assert rewritten(parquet_document(parquet(table)), Changes(drops=("b",))).schema.names == ["a"]


def test_bytes_that_are_no_text_are_skipped_and_stop_a_rewrite() -> None:
    document = table_document(pa.table({"a": ["x"] * 3, "b": [b"\xff\xfe", b"ok", None]}))
    assert [(item.reason, item.detail) for item in document.read() if isinstance(item, Skipped)] == [
        (Reason.BINARY, "column 2, part 1")]
    with pytest.raises(SourceError):
        document.rewrite(io.BytesIO(), Changes())


@pytest.mark.parametrize("damage", ["cut", "tail", "head", "middle", "nothing but magic"])
def test_corrupt_parquet_is_a_skip_without_values(damage: str) -> None:
    data = parquet(pa.table({"a": [CANARY] * 1000, "b": list(range(1000))}), compression="zstd")
    broken = {"cut": data[: len(data) // 2], "tail": data[:-5], "head": b"PAR1" + data[200:],
              "middle": data[:40] + b"\xff" * 40 + data[80:], "nothing but magic": b"PAR1PAR1"}[damage]
    found = [item for item in parquet_document(broken).read() if isinstance(item, Skipped)]
    assert [item.reason for item in found] == [Reason.CORRUPT]
    assert CANARY not in repr(found)
    with pytest.raises(SourceError) as raised:
        parquet_document(broken).rewrite(io.BytesIO(), Changes())
    assert CANARY not in str(raised.value)


def test_encrypted_parquet_is_told() -> None:
    assert [item.reason for item in skips(parquet_document(b"PARE" + b"\0" * 60 + b"PARE"))] == [Reason.ENCRYPTED]


@pytest.mark.parametrize(("table", "expected"), [
    (pd.DataFrame({"a": ["x", None], "n": [1, None]}), {"a": [(0, "x")], "n": [(0, "1")]}),
    (pd.DataFrame({"a": [1, "x"]}, index=[CANARY, "b"]), {"index": [(0, CANARY), (1, "b")], "a": [(0, "1"), (1, "x")]}),
    (pl.DataFrame({"a": ["x", None], "c": pl.Series(["u", "v"], dtype=pl.Categorical)}),
     {"a": [(0, "x")], "c": [(0, "u"), (1, "v")]}),
    (pa.record_batch({"a": ["x"]}), {"a": [(0, "x")]}),
    (pa.table({}), {"$": []}),
])
def test_tables_of_other_libraries(table: Any, expected: dict[str, Any]) -> None:
    assert columns_of(table_document(table)) == expected


def test_what_is_no_table_is_refused_without_showing_it() -> None:
    with pytest.raises(SourceError) as raised:
        table_document({"a": CANARY})
    assert CANARY not in str(raised.value)

"""Delimited tables: cells, headers, places, edits, and files that keep to no rule."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.batch import Batch, CellEdit, Edited, Edits
from guard.errors import SourceError
from guard.model import Labels, PlainLabels, Reason, Skipped
from guard.sources import Options
from guard.sources.delimited import DelimitedDocument, choose_delimiter
from guard.sources.delimited_cells import cell_values, split_cells, split_exactly
from guard.sources.table_head import TableHead, find_head

ROWS = [["1", "张三", "330106199001011234", "13800138000"], ["2", "李四", "11010519491231002X", "13900139000"],
        ["3", "欧阳小红", "440308199911110022", "18600001111"]]
HEADER = ["序号", "姓名", "身份证号", "电话"]


class HidingLabels:
    """Labels that withhold some names, as a scanner would."""

    def __init__(self, *hidden: str) -> None:
        self.hidden = hidden
        self.seen: list[str] = []

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        self.seen.append(raw)
        return fallback if raw in self.hidden else raw


class Changing:
    """Drops some fields and replaces values of others by `change`."""

    def __init__(self, drop: tuple[str, ...] = (), edit: tuple[str, ...] = (),
                 change: Callable[[str], str | None] = lambda value: "***") -> None:
        self.drop, self.edit_fields, self.change = drop, edit, change

    def drops(self, dataset: str, field: str) -> bool:
        return field in self.drop

    def edit(self, batch: Batch) -> Edits:
        edits = []
        for number, column in enumerate(batch.columns):
            if column.field in self.edit_fields:
                values = [self.change(column.value(cell).decode()) for cell in range(len(column))]
                edits.append(CellEdit(number, np.arange(len(column)), pa.array(values, pa.string())))
        return Edits(tuple(edits))


def table(data: bytes, block: int = 1 << 20, labels: Labels | None = None, as_format: str = "") -> DelimitedDocument:
    return DelimitedDocument("a.csv", PurePosixPath("a.csv"), lambda: io.BytesIO(data), len(data),
                             Options(block=block, as_format=as_format), labels or PlainLabels())


def write(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> bytes:
    return "".join(delimiter.join(row) + end for row in rows).encode()


def values_of(document: DelimitedDocument) -> dict[str, dict[int, str]]:
    """Field: record number (from 0): value."""
    found: dict[str, dict[int, str]] = {}
    for item in document.read():
        if isinstance(item, Skipped) or item.is_text:
            continue
        for column in item.columns:
            values = {int(row): column.value(cell).decode() for cell, row in enumerate(column.rows)}
            found.setdefault(column.field, {}).update(values)
    return found


def rows_of(document: DelimitedDocument) -> int:
    return sum(item.rows for item in document.read() if isinstance(item, Batch) and not item.is_text)


def rewritten(document: DelimitedDocument, editor: Changing) -> tuple[str, Edited]:
    out = io.BytesIO()
    edited = document.rewrite(out, editor)
    return out.getvalue().decode(), edited


# -- cells ---------------------------------------------------------------------------------------------------------

def cells_by_character(text: str, delimiter: str) -> list[list[str]]:
    """The oracle: cells by a state machine, characters one by one. Literal cells keep their quotes."""
    records: list[list[str]] = []
    record: list[str] = []
    at = 0
    while at < len(text) or record:
        end = at
        value = None
        if text[at : at + 1] == '"':
            inside, end = "", at + 1
            while end < len(text) and not (text[end] == '"' and text[end + 1 : end + 2] != '"'):
                end += 2 if text[end] == '"' else 1
                inside = text[at + 1 : end].replace('""', '"')
            if end < len(text):
                end += 1
                value = inside
            else:
                end = at
        rest = end
        while rest < len(text) and text[rest] not in delimiter + "\r\n":
            rest += 1
        if value is None or rest > end:
            value = text[at:rest]
        record.append(value)
        at = rest
        if text[at : at + 1] == delimiter:
            at += 1
            continue
        at += 2 if text[at : at + 2] == "\r\n" else 1
        records.append(record)
        record = []
    return records


CELL_TEXT = st.text(st.sampled_from('a,"\n\r"x;'), max_size=16)


def records_of(data: bytes, cells_of: Callable[[bytes], object]) -> list[list[str]]:
    cells = cells_of(data)
    values = iter(cell_values(data, cells))  # type: ignore[arg-type]
    return [[next(values).decode() for _ in range(count)] for count in cells.counts.tolist()]  # type: ignore[attr-defined]


@settings(max_examples=600, deadline=None)
@given(text=CELL_TEXT)
@example('"a""b",c\r\n"x\ny",""')
@example('a"b,"c"d\n')
@example('"never closed,1\n2,3')
def test_cells_are_those_of_the_state_machine(text: str) -> None:
    expected = cells_by_character(text, ",")
    assert records_of(text.encode(), lambda data: split_exactly(data, b",", final=True)) == expected
    assert records_of(text.encode(), lambda data: split_cells(data, b",", final=True)) == expected


@settings(max_examples=300, deadline=None)
@given(text=CELL_TEXT, cut=st.integers(0, 16))
def test_what_is_sure_at_a_cut_stays_as_it_is(text: str, cut: int) -> None:
    data = text.encode()
    for split in (split_cells, split_exactly):
        early = split(data[:cut], b",", final=False)
        late = split(data, b",", final=True)
        if not late.unclosed:
            count = len(early.starts)
            assert early.starts.tolist() == late.starts[:count].tolist()
            assert early.ends.tolist() == late.ends[:count].tolist()
            assert early.counts.tolist() == late.counts[: len(early.counts)].tolist()


def write_quoted(rows: list[list[str]], quote_all: bool, end: str = "\n") -> bytes:
    """RFC 4180; a lone empty cell needs no quotes, for an empty record is one empty cell here."""
    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if quote_all or set(value) & set(',"\r\n') else value

    return write([[cell(value) for value in row] for row in rows], end=end)


VALUES = st.text(st.sampled_from('ab,"\n\r 中'), max_size=6)
TABLES = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width), max_size=8))


@settings(max_examples=300, deadline=None)
@given(rows=TABLES, quote_all=st.booleans(), end=st.sampled_from(["\n", "\r\n", "\r"]), block=st.integers(1, 50))
def test_what_was_written_is_read_whatever_the_blocks(
        rows: list[list[str]], quote_all: bool, end: str, block: int) -> None:
    width = len(rows[0]) if rows else 2
    header = [f"column_{number}" for number in range(width)]
    body = [["12345"] * width] * 4 + rows
    # A block holds some values at least: what is longer than 16 blocks counts as a record that does not parse.
    document = table(write_quoted([header, *body], quote_all, end), 20 + block)
    expected = {name: {row: record[at] for row, record in enumerate(body) if record[at]}
                for at, name in enumerate(header)}
    assert values_of(document) == expected
    assert rows_of(document) == len(body)


def test_blocks_give_the_same_as_the_whole() -> None:
    data = write([HEADER, *ROWS * 3000])
    assert len(list(table(data, 4096).read())) > 10
    assert values_of(table(data, 4096)) == values_of(table(data))


# -- dialects ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "\x01"])
def test_delimiters_and_line_ends_are_found_out(delimiter: str, end: str) -> None:
    found = values_of(table(write([HEADER, *ROWS], delimiter, end)))
    assert list(found) == HEADER
    assert found["身份证号"] == {row: record[2] for row, record in enumerate(ROWS)}


def test_mixed_line_ends() -> None:
    data = "姓名,电话\r\n张三,13800138000\n李四,13900139000\r王五,18600001111\r\n".encode()
    assert values_of(table(data))["电话"] == {0: "13800138000", 1: "13900139000", 2: "18600001111"}
    assert rows_of(table(data)) == 3


def test_a_semicolon_table_with_decimal_commas() -> None:
    assert choose_delimiter(b"name;value\na;1,5\nb;2,5\nc;3,7\n", whole=True) == b";"


def test_tsv_is_split_at_tabs_only() -> None:
    found = values_of(table(b"name\tnote\na\tx,y\nb\tz,w\n", as_format="tsv"))
    assert found["note"] == {0: "x,y", 1: "z,w"}


def test_one_column() -> None:
    found = values_of(table("电话\n13800138000\n\n13900139000\n".encode()))
    assert found == {"电话": {0: "13800138000", 2: "13900139000"}}


# -- headers -------------------------------------------------------------------------------------------------------

def test_no_header_at_all_names_columns_by_number_and_keeps_the_first_row() -> None:
    labels = HidingLabels()
    found = values_of(table(write(ROWS), labels=labels))
    assert list(found) == ["column 1", "column 2", "column 3", "column 4"]
    assert found["column 3"][0] == "330106199001011234"
    assert labels.seen == []


def test_title_rows_are_text_and_the_header_is_found_below() -> None:
    titles = "XX县农村低保对象名单公示,,,\n填报人：赵六 13700001111,,,\n"
    items = list(table(titles.encode() + write([HEADER, *ROWS])).read())
    first = items[0]
    assert isinstance(first, Batch)
    assert first.is_text
    assert (first.data.decode(), first.rows) == (titles, 2)
    at = first.data.find(b"13700001111")
    place = first.locate(-1, 0, at, at + 11)
    assert (place.line, place.column, place.field) == (2, 8, "text")
    assert values_of(table(titles.encode() + write([HEADER, *ROWS])))["姓名"] == {0: "张三", 1: "李四", 2: "欧阳小红"}


@pytest.mark.parametrize(("rows", "titles", "header"), [
    ([HEADER, *ROWS], 0, True),
    (ROWS, 0, False),
    ([["低保名单"], ["姓名", "性别", "住址"], ["张三", "男", "杭州市西湖区"], ["李四", "女", "杭州"],
      ["王五", "男", "宁波"]], 1, True),
    ([["xm", "xb", "mz"], ["张三", "男", "汉族"], ["李四", "女", "回族"], ["王五", "男", "汉族"]], 0, True),
    ([["张三", "男", "汉族"], ["李四", "女", "回族"], ["王五", "男", "汉族"]], 0, False),
    ([["杭州市", "西湖区"], ["宁波市", "江北区"], ["温州市", "鹿城区"]], 0, False),
    ([["First Name", "City"], ["Ann", "Rome"], ["Bob", "Oslo"], ["Eve", "Bonn"]], 0, True),
    ([["John Smith", "Paris"], ["Ann Lee", "Rome"], ["Bob Ray", "Oslo"]], 0, False),
    ([["region", "2019", "2020"], ["A", "1.5", "2"], ["B", "2.5", "3"], ["C", "1", "1"]], 0, True),
    ([["2024-01-01", "INFO", "up"], ["2024-01-02", "WARN", "down"], ["2024-01-03", "INFO", "up"]], 0, False),
    ([["姓名", "身份证号"]], 0, True),
    ([["参数名", "参数值"], ["数据库口令", "abc"], ["最大连接", "高"]], 0, True),
    ([["配置项", "说明", "值"], ["口令", "系统", "abc"], ["开关", "系统", "开"], ["级别", "系统", "高"]], 0, True),
    ([["变量", "属性"], ["口令", "abc"]], 0, True),
    ([["姓名", "身份证"], ["张三", "110101199003070011"]], 0, True),
    ([["户主姓名", "手机"], ["张三", "13800138000"], ["李四", "13800138001"]], 0, True),
    ([["张三", "身份证", "女"], ["李四", "护照", "男"]], 0, False),
    ([["张三", "李四"]], 0, False),
    ([["张三"], ["李四", "13800138000"], ["王五", "13800138000"]], 0, False),
    ([["张三", "", "", ""], ["李四", "13800138000", "杭州", "男"], ["王五", "13800138000", "杭州", "男"],
      ["赵六", "13800138000", "杭州", "男"]], 0, False),
    ([["# exported"], ["id", "name", "phone"], ["1", "a", "138"], ["2", "b", "139"], ["3", "c", "137"]], 1, True),
    ([], 0, False), ([[""]], 0, False),
])
def test_where_a_table_begins(rows: list[list[str]], titles: int, header: bool) -> None:
    assert find_head(rows) == TableHead(titles, header)


def test_repeated_empty_and_stray_header_names() -> None:
    data = write([["qlr", " zl ", "qlr", "", "uni_ social_crd_ cd"], *[["a", "1", "b", "22222", "3"]] * 4])
    items = [item for item in table(data).read() if isinstance(item, Batch)]
    assert [column.field for column in items[0].columns] == ["qlr", "zl", "qlr.1", "column 4", "uni_ social_crd_ cd"]
    assert [column.header for column in items[0].columns] == ["qlr", "zl", "qlr", "", "uni_ social_crd_ cd"]


def test_a_header_that_is_a_finding_is_shown_by_its_number_and_written_so() -> None:
    data = write([["姓名", "张三的电话"], ["张三", "12345"], ["李四", "23456"], ["王五", "34567"]])
    labels = HidingLabels("张三的电话")
    items = [item for item in table(data, labels=labels).read() if isinstance(item, Batch)]
    assert [(column.field, column.header) for column in items[0].columns] == [
        ("姓名", "姓名"), ("column 2", "张三的电话")]
    text, _ = rewritten(table(data, labels=labels), Changing())
    assert text == "姓名,column 2\n张三,12345\n李四,23456\n王五,34567\n"


def test_a_header_alone_still_has_fields() -> None:
    items = [item for item in table("姓名,身份证号\n".encode()).read() if isinstance(item, Batch)]
    assert [(item.rows, [column.field for column in item.columns]) for item in items] == [(0, ["姓名", "身份证号"])]


# -- ragged rows and broken records --------------------------------------------------------------------------------

def test_extra_cells_are_fields_and_missing_ones_absent() -> None:
    data = write([HEADER, *ROWS, ["4", "赵六"], [""], ["5", "钱七", "x", "y", "多出 13811112222", "再多"]])
    found = values_of(table(data))
    assert found["column 5"] == {5: "多出 13811112222"}
    assert found["column 6"] == {5: "再多"}
    assert 3 not in found["电话"]
    assert rows_of(table(data)) == 6


def test_a_record_of_very_many_cells_stays_bounded() -> None:
    data = write([HEADER, *ROWS, ["9"] * 5000])
    found = list(table(data).read())
    assert isinstance(found[0], Batch)
    assert len(found[0].columns) == 4 + 64
    assert sum(len(column) for column in found[0].columns) == 12 + 5000


def test_a_quote_that_is_never_closed_is_told_and_what_follows_is_scanned() -> None:
    data = write([HEADER, *ROWS]) + b'4,"zhao,1,2\n5,qian,3,13811112222\n'
    items = list(table(data).read())
    assert Skipped("a.csv", Reason.INVALID_RECORD, line=5) in items
    assert values_of(table(data))["电话"][4] == "13811112222"
    with pytest.raises(SourceError) as caught:
        table(data).rewrite(io.BytesIO(), Changing())
    assert caught.value.reason == Reason.INVALID_RECORD


def test_an_open_quote_before_much_text_does_not_take_the_rest_of_the_file() -> None:
    data = write([HEADER, *ROWS * 300]) + b'4,"zhao,1,2\n' + write(ROWS * 4000)
    items = list(table(data, 4096).read())
    assert [item.line for item in items if isinstance(item, Skipped)] == [902]
    assert values_of(table(data, 4096))["电话"][12_900] == "18600001111"


def test_a_record_without_end_is_cut_told_and_scanned() -> None:
    data = write([HEADER, *ROWS]) + b"4," + b"13800138000 " * 20_000 + b"\n" + write(ROWS)
    items = list(table(data, 4096).read())
    assert {item.reason for item in items if isinstance(item, Skipped)} == {Reason.INVALID_RECORD}
    assert {item.line for item in items if isinstance(item, Skipped)} == {5}
    scanned = b"".join(item.data for item in items if isinstance(item, Batch))
    assert scanned.count(b"13800138000") == 20_000 + 2
    assert b"18600001111" in scanned[-200:]


def test_quotes_inside_unquoted_cells_are_literal() -> None:
    data = b'name,size,price\nnail,5" long,100\nscrew,6" long,200\nbolt,"7"" long",300\n'
    assert values_of(table(data))["size"] == {0: '5" long', 1: '6" long', 2: '7" long'}


# -- places --------------------------------------------------------------------------------------------------------

@settings(max_examples=150, deadline=None)
@given(rows=TABLES, block=st.integers(20, 80), data=st.data())
def test_places_point_at_the_value_in_the_file(rows: list[list[str]], block: int, data: st.DataObject) -> None:
    width = len(rows[0]) if rows else 2
    text = write_quoted([[f"column_{n}" for n in range(width)], *[["12345"] * width] * 3, *rows], False)
    for batch in table(text, block).read():
        assert isinstance(batch, Batch)
        for number, column in enumerate(batch.columns):
            if not len(column):
                continue
            cell = data.draw(st.integers(0, len(column) - 1))
            value = column.value(cell)
            place = batch.locate(number, cell, 0, len(value))
            assert place.offset is not None
            assert place.length is not None
            assert text[place.offset : place.offset + place.length].replace(b'""', b'"') == value
            lines = text[: place.offset].decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
            assert (place.line, place.column) == (len(lines), len(lines[-1]) + 1)
            assert (place.row, place.field) == (int(column.rows[cell]) + 1, column.field)


def test_a_place_inside_a_cell_with_doubled_quotes() -> None:
    data = '姓名,备注\n张三,"他说""电话""是13800138000"\n李四,"无，""好"""\n王五,x\n'.encode()
    batch = next(iter(table(data).read()))
    assert isinstance(batch, Batch)
    start = batch.columns[1].value(0).find(b"13800138000")
    place = batch.locate(1, 0, start, start + 11)
    assert (place.line, place.column, place.length, place.row) == (2, 14, 11, 1)
    assert data[place.offset :][:11] == b"13800138000" if place.offset else False


# -- rewriting -----------------------------------------------------------------------------------------------------

QUOTED = '序号,"姓名",备注\r\n1,"张三","a,b"\r2,李四,"说""好"""\n3,,\n\n4,王五,x,多,余'


@pytest.mark.parametrize("block", [20, 1 << 20])
def test_nothing_changed_is_byte_identical(block: int) -> None:
    text, edited = rewritten(table(QUOTED.encode(), block), Changing())
    assert text == QUOTED
    assert (edited.replaced, edited.dropped, edited.rows) == (0, 0, 5)


@settings(max_examples=300, deadline=None)
@given(text=CELL_TEXT, header=st.booleans(), block=st.integers(16, 64))
def test_any_table_that_parses_is_written_back_byte_identical(text: str, header: bool, block: int) -> None:
    data = (write([["name", "phone"], *[["a", "13800138000"]] * 3]) if header else b"") + text.encode()
    if any(isinstance(item, Skipped) for item in table(data, block).read()):
        return
    assert rewritten(table(data, block), Changing())[0].encode() == data


@pytest.mark.parametrize("block", [20, 1 << 20])
def test_dropping_a_column_takes_one_delimiter(block: int) -> None:
    document = table(QUOTED.encode(), block)
    assert rewritten(document, Changing(drop=("姓名",)))[0] == '序号,备注\r\n1,"a,b"\r2,"说""好"""\n3,\n\n4,x,多,余'
    without_first, _ = rewritten(document, Changing(drop=("序号",)))
    assert without_first == '"姓名",备注\r\n"张三","a,b"\r李四,"说""好"""\n,\n\n王五,x,多,余'
    text, edited = rewritten(document, Changing(drop=("序号", "姓名", "column 5")))
    assert text == '备注\r\n"a,b"\r"说""好"""\n\n\nx,多'
    assert edited.dropped == 3


def test_dropping_every_column_leaves_the_line_ends() -> None:
    text, _ = rewritten(table(write([HEADER, *ROWS])), Changing(drop=tuple(HEADER)))
    assert text == "\n" * 4


def test_new_values_keep_the_style_of_the_cell_and_are_quoted_where_they_must() -> None:
    document = table(QUOTED.encode())
    assert rewritten(document, Changing(edit=("姓名",)))[0].startswith('序号,"姓名",备注\r\n1,"***","a,b"\r2,***,"说')
    text, edited = rewritten(document, Changing(edit=("姓名",), change=lambda value: 'x,"y"\n' + value))
    assert text == ('序号,"姓名",备注\r\n1,"x,""y""\n张三","a,b"\r2,"x,""y""\n李四","说""好"""\n'
                    '3,,\n\n4,"x,""y""\n王五",x,多,余')
    assert edited.replaced == 3


def test_a_null_leaves_an_empty_cell() -> None:
    text, _ = rewritten(table(QUOTED.encode()), Changing(edit=("姓名", "备注"), change=lambda value: None))
    assert text == '序号,"姓名",备注\r\n1,,\r2,,\n3,,\n\n4,,,多,余'


def test_titles_are_kept_and_can_be_edited() -> None:
    from guard.batch import SpanEdit

    class TitleEditor(Changing):
        def edit(self, batch: Batch) -> Edits:
            if not batch.is_text:
                return super().edit(batch)
            at = batch.data.find(b"13700001111")
            return Edits(spans=SpanEdit(np.array([at]), np.array([at + 11]), pa.array(["137****1111"])))

    data = "公示名单,,,\n联系电话 13700001111,,,\n".encode() + write([HEADER, *ROWS])
    text, edited = rewritten(table(data), TitleEditor(drop=("姓名",)))
    assert text.startswith("公示名单,,,\n联系电话 137****1111,,,\n序号,身份证号,电话\n1,3301")
    assert edited.replaced == 1


@settings(max_examples=150, deadline=None)
@given(rows=TABLES, block=st.integers(20, 80), new=st.one_of(st.none(), VALUES), drop=st.integers(0, 4),
       quote_all=st.booleans())
def test_edits_and_drops_read_back_as_they_were_meant(
        rows: list[list[str]], block: int, new: str | None, drop: int, quote_all: bool) -> None:
    width = len(rows[0]) if rows else 3
    names = [f"column_{number}" for number in range(width)]
    body = [["12345"] * width] * 4 + rows
    dropped = names[drop : drop + 1] if width > 1 else []
    editor = Changing(tuple(dropped), (names[0],), lambda value: new)
    text, _ = rewritten(table(write_quoted([names, *body], quote_all), block), editor)
    expected = {name: {row: value for row, record in enumerate(body)
                       if (value := (new or "") if at == 0 and record[0] else record[at])}
                for at, name in enumerate(names) if name not in dropped}
    assert values_by_character(text, len(expected)) == expected


def values_by_character(text: str, width: int) -> dict[str, dict[int, str]]:
    """Values by the state machine, the first record as header."""
    header, *records = cells_by_character(text, ",")
    assert len(header) == width
    return {name: {row: record[at] for row, record in enumerate(records) if at < len(record) and record[at]}
            for at, name in enumerate(header)}


@pytest.mark.parametrize("codec", ["gb18030", "utf-8-sig", "utf-16", "utf-16-be"])
def test_other_encodings_are_edited_and_kept(codec: str) -> None:
    text = write([HEADER, *ROWS * 50], end="\r\n").decode()
    out = io.BytesIO()
    document = table(text.encode(codec), 256)
    document.rewrite(out, Changing(edit=("姓名",), change=lambda value: value[0] + "*"))
    assert out.getvalue() == text.replace("张三", "张*").replace("李四", "李*").replace("欧阳小红", "欧*").encode(codec)


def test_an_edit_of_the_wrong_size_is_refused() -> None:
    class Wrong(Changing):
        def edit(self, batch: Batch) -> Edits:
            return Edits((CellEdit(0, np.arange(2), pa.array(["a"])),))

    with pytest.raises(ValueError, match="one value"):
        table(write([HEADER, *ROWS])).rewrite(io.BytesIO(), Wrong())

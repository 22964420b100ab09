"""Workbooks: what is read, what is written again, and what must not survive."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import PurePosixPath
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from tables import CANARY, Changes, HidingLabels, skips

from guard.batch import Batch
from guard.errors import SourceError
from guard.model import PlainLabels, Reason, Skipped
from guard.sources import xlsx_parts
from guard.sources.document import Document, Options
from guard.sources.xlsx import XlsxDocument


def workbook(build: Any) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    build(book)
    book.save(out)
    return out.getvalue()


def xlsx_document(data: bytes, labels: Any = None, name: str = "b.xlsx", **options: Any) -> XlsxDocument:
    return XlsxDocument("b.xlsx", PurePosixPath(name), lambda: io.BytesIO(data), len(data), Options(**options),
                        labels or PlainLabels())


def sheets_of(document: Document) -> dict[str, dict[str, list[tuple[int, str, bool]]]]:
    found: dict[str, dict[str, list[tuple[int, str, bool]]]] = {}
    for batch in document.read():
        assert isinstance(batch, Batch), batch
        for column in batch.columns:
            cells = found.setdefault(batch.dataset, {}).setdefault(column.field, [])
            cells += [(int(column.rows[cell]), column.value(cell).decode(), column.text) for cell in range(len(column))]
    return found


def texts_of(document: Document) -> dict[str, str]:
    return {batch.dataset: batch.data.decode() for batch in document.read()
            if isinstance(batch, Batch) and batch.is_text}


def register(book: Any) -> None:
    sheet = book.active
    sheet.title = "名单"
    sheet.append(["2025年花名册"])
    sheet.append(["姓名", "手机号", "出生日期", "备注"])
    sheet.append(["张三", 13800138000, dt.datetime(1990, 3, 7), "=SUM(B3:B4)"])
    sheet.append(["李四", 1.5, dt.datetime(1990, 3, 7, 1, 2, 3), True])
    sheet.append(["王五", None, None, "-1+1"])
    sheet.merge_cells("A1:D1")
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["姓名", "证件号码"])
    hidden.append(["赵六", CANARY])
    veiled = book.create_sheet("veiled")
    veiled.sheet_state = "veryHidden"
    veiled.append(["电话", "地址"])
    veiled.append(["13800138001", "杭州"])


def test_every_sheet_is_a_table_with_title_and_header() -> None:
    document = xlsx_document(workbook(register))
    found = sheets_of(document)
    assert found["b.xlsx#名单"]["姓名"] == [(0, "张三", True), (1, "李四", True), (2, "王五", True)]
    assert found["b.xlsx#名单"]["手机号"] == [(0, "13800138000", False), (1, "1.5", False)]
    assert found["b.xlsx#名单"]["出生日期"] == [(0, "1990-03-07", False), (1, "1990-03-07 01:02:03", False)]
    assert found["b.xlsx#hidden"]["证件号码"] == [(0, CANARY, True)]
    assert found["b.xlsx#veiled"]["电话"] == [(0, "13800138001", True)]
    assert texts_of(document)["b.xlsx#名单"].startswith("2025年花名册")
    assert document.digest.startswith("sha256:")
    batch = next(batch for batch in document.read() if isinstance(batch, Batch) and batch.columns)
    assert (batch.locate(0, 2, 0, 1).line, batch.locate(0, 2, 0, 1).row) == (5, 3)


def test_a_rewritten_workbook_holds_values_only() -> None:
    def build(book: Any) -> None:
        register(book)
        book.active["A3"].comment = Comment(f"旧号 {CANARY}", "author")
        book.properties.creator = CANARY
        book.defined_names["n"] = openpyxl.workbook.defined_name.DefinedName("n", attr_text=f'"{CANARY}"')
        book.active.oddHeader.center.text = CANARY
    data = workbook(build)
    document = xlsx_document(data)
    out = io.BytesIO()
    edited = document.rewrite(out, Changes("姓名", "手机号", "text", drops=("备注",),
                                           change=lambda value: "=1+1" if value == "张三" else "13*"))
    assert (edited.replaced, edited.dropped, edited.rows) == (6, 1, 3)
    assert "2 hidden sheets left out" in edited.notes
    with zipfile.ZipFile(out) as package:
        assert CANARY not in "".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())
        assert not [name for name in package.namelist() if "comment" in name or "custom" in name]
    book = openpyxl.load_workbook(out)
    rows = [[cell.value for cell in row] for row in book["名单"].iter_rows(max_col=3)]
    assert rows[1:] == [["姓名", "手机号", "出生日期"], ["=1+1", "13*", dt.datetime(1990, 3, 7)],
                        ["13*", "13*", dt.datetime(1990, 3, 7, 1, 2, 3)], ["13*", None, None]]
    assert book["名单"]["A3"].data_type == "s"
    assert book.properties.creator in (None, "")


def test_the_same_workbook_gives_the_same_bytes() -> None:
    data, outs = workbook(register), [io.BytesIO(), io.BytesIO()]
    for out in outs:
        xlsx_document(data).rewrite(out, Changes())
    assert outs[0].getvalue() == outs[1].getvalue()


def test_what_lies_beside_the_cells_is_scanned_or_named() -> None:
    def build(book: Any) -> None:
        register(book)
        book.active["A3"].comment = Comment(f"旧号 {CANARY}", "李经办")
        book.properties.creator = "周科长"
        book.active.oddFooter.left.text = "制表 孙某"
    data = workbook(build)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts |= {"xl/media/image1.png": b"\x89PNG", "xl/media/image2.png": b"\x89PNG", "xl/vbaProject.bin": b"x",
              "xl/pivotCache/pivotCacheDefinition1.xml": '<sharedItems><s v="钱某 &amp; 138"/></sharedItems>'.encode()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    document = xlsx_document(out.getvalue())
    assert [(item.reason, item.detail) for item in document.read() if isinstance(item, Skipped)] == [
        (Reason.UNSUPPORTED, "2 embedded images"), (Reason.UNSUPPORTED, "1 macros")]
    told = "\n".join(f"{batch.dataset}: {batch.data.decode()}" for batch in document.read()
                     if isinstance(batch, Batch) and batch.is_text)
    for expected in (f"旧号 {CANARY}", "李经办", "周科长", "制表 孙某", "钱某 & 138"):
        assert expected in told


def test_sheet_names_pass_the_labels_and_fit_into_excel() -> None:
    def build(book: Any) -> None:
        for title in (CANARY, "a" * 31, "A" * 30):
            sheet = book.create_sheet(title)
            sheet.append(["姓名", "住址"])
            sheet.append(["张三", "杭州"])
    document = xlsx_document(workbook(build), HidingLabels())
    assert set(sheets_of(document)) == {"b.xlsx#sheet 2", "b.xlsx#" + "a" * 31, "b.xlsx#" + "A" * 30}
    out = io.BytesIO()
    document.rewrite(out, Changes())
    assert openpyxl.load_workbook(out).sheetnames == ["sheet 2", "a" * 31, "A" * 30]


@pytest.mark.parametrize("damage", ["cut", "not a package", "old format"])
def test_corrupt_workbooks_are_a_skip(damage: str) -> None:
    data = workbook(register)
    broken = {"cut": data[:-300], "not a package": b"PK\x03\x04" + b"x" * 100,
              "old format": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600}[damage]
    assert Reason.CORRUPT in [item.reason for item in skips(xlsx_document(broken))]
    with pytest.raises(SourceError):
        xlsx_document(broken).rewrite(io.BytesIO(), Changes())


def test_workbooks_that_expand_or_spread_too_much_are_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(register)
    assert [item.reason for item in skips(xlsx_document(data, max_document=100))] == [Reason.TOO_LARGE]

    def far(book: Any) -> None:
        book.active["A1"], book.active["XFD1048576"] = 1, 2
    assert [item.reason for item in skips(xlsx_document(workbook(far)))] == [Reason.TOO_LARGE]
    monkeypatch.setattr(xlsx_parts, "FREE", 1000)
    monkeypatch.setattr(xlsx_parts, "MAX_RATIO", 2)
    assert [item.reason for item in skips(xlsx_document(data))] == [Reason.BOMB]


def test_an_empty_workbook_is_said_and_a_header_alone_gives_its_fields() -> None:
    assert Reason.EMPTY in [item.reason for item in skips(xlsx_document(workbook(lambda book: None)))]
    header = workbook(lambda book: book.active.append(["姓名", "身份证号", "联系电话"]))
    assert sheets_of(xlsx_document(header))["b.xlsx#Sheet"] == {"姓名": [], "身份证号": [], "联系电话": []}


def test_other_workbooks_are_written_as_xlsx() -> None:
    document = xlsx_document(workbook(register), name="dir/b.xlsm")
    assert document.output == PurePosixPath("dir/b.xlsx")
    assert "written as xlsx" in document.rewrite(io.BytesIO(), Changes()).notes

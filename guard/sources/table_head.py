"""Where a table begins: title rows, the header, the first record. Used for CSV and for sheets.

A header row looks unlike the rows below it: words over digits, dates, codes or long text. Taking a record for a header
would show its values as names, taking the header for a record would lose what it says, so both need evidence; where
the shapes say nothing (all columns hold words) the row must read like names of columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from guard.model import Labels
from guard.patterns import pattern

MAX_TITLES = 10
SAMPLE_ROWS = 60
"""How many rows a caller should give: all shapes are seen, and it stays cheap."""

_NUMBER = pattern(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?%?")
_DATE = pattern(
    r"\d{2,4}[-/.年]\d{1,2}(?:[-/.月]\d{1,4}日?)?(?:[ T]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?")
_CODE = pattern(r"(?=.*\d)[A-Za-z0-9*×_.:/@+#\u4e00-\u9fff-]{5,}")
_IDENTIFIER = pattern(
    r"[a-z][a-z0-9]*(?:[_. -][a-z0-9]+)*|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Za-z]+(?:[A-Z][a-z0-9]+)+")
_YEAR = pattern(r"(?:19|20)\d{2}年?")
_HAN_NAME = pattern(
    r"\D*(?:姓名|[名称号码址别族期间型类数量额价率注话位级龄籍贯份值项键]|日期|时间|年月|手机|方式|单位|部门|机构|状态|情况|结果|原因|内容|事项|标题|学历|专业|"
    r"职务|职业|职称|身份|证件|邮箱|邮编|电邮|排名|成绩|分数|说明|描述|来源|用途|面积|品牌|学校|班级|项目|经度|纬度|负责人|联系人|经办人|申请人|代表人|"
    r"权利人|户主|权人|年度|地区|地点|区域|信仰|宗教|状况|面貌|程度|关系|诊断|病史|罪名|刑期|人员|对象|症状|参数|变量|属性|配置|手机|电话|传真|微信|身份证|护照)(?:[(（\[][^)）\]]*[)）\]])?[:：*]?|(?:所[在属])?(?:省份?|市|县|区|镇|乡|村|街道|社区|序|地)")
_ENGLISH = frozenset((
    "id", "no", "name", "surname", "sex", "gender", "age", "birth", "birthday", "date", "time", "year", "month", "day",
    "phone", "mobile", "tel", "telephone", "fax", "email", "mail", "address", "street", "city", "county", "district",
    "province", "state", "country", "region", "zip", "postcode", "code", "type", "kind", "category", "class", "status",
    "level", "grade", "title", "note", "notes", "remark", "remarks", "comment", "comments", "description", "value",
    "amount", "total", "price", "cost", "count", "number", "quantity", "unit", "company", "employer", "organisation",
    "organization", "department", "office", "school", "user", "username", "account", "card", "bank", "key", "hash",
    "url", "link", "host", "port", "latitude", "longitude", "message", "text", "content", "source", "target", "owner"))


class TableHead(NamedTuple):
    """How many title rows stand above the table, and whether the next row is a header."""

    titles: int
    header: bool


class FieldName(NamedTuple):
    """`field` may be shown; `raw` is the header as it stands (a value), stripped; `shown_as` its label."""

    field: str
    raw: str
    shown_as: str


def find_head(rows: Sequence[Sequence[str]]) -> TableHead:
    """Titles and header among the first rows of a table (at most SAMPLE_ROWS are looked at)."""
    filled = [[cell.strip() for cell in row] for row in rows[:SAMPLE_ROWS]]
    titles = _count_titles(filled)
    if _is_header(filled[titles:]):
        return TableHead(titles, True)
    # Rows that look like titles over records without a header may be sparse records: they stay in the table.
    return TableHead(0, _is_header(filled) if titles else False)


def _count_titles(rows: Sequence[Sequence[str]]) -> int:
    """Leading rows with far fewer cells than the table has: a title, a note, an empty row."""
    counts = [sum(map(bool, row)) for row in rows]
    usual = _median(counts[1:]) if len(counts) > 2 else max(counts, default=0)
    if usual < 2:
        return 0
    few = next((index for index, count in enumerate(counts) if count > max(1, usual / 2)), 0)
    return few if few <= MAX_TITLES else 0


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    header = rows[0] if rows else []
    if not any(header):
        return False
    # Tables that were put together from several repeat their header.
    body = [row for row in rows[1:] if any(row) and row != header]
    votes = sum(_vote(name, [row[index] for row in body if index < len(row) and row[index]])
                for index, name in enumerate(header) if name)
    names = [name for name in header if name and not _YEAR.fullmatch(name)]
    reads_so = 2 * sum(map(_reads_like_a_name, names)) > len(names) and not any(map(_is_value, names))
    # Two rows are few to compare with: chance makes them differ in shape.
    return reads_so if votes == 0 or (votes > 0 and len(body) < 3) else votes > 0


def _vote(name: str, values: Sequence[str]) -> int:
    """What one column says: above 0 for a header, below for a record."""
    if _YEAR.fullmatch(name):
        return -3 if values and all(map(_YEAR.fullmatch, values)) else 0
    if _is_value(name):
        return -3
    if not values:
        return 0
    kind, share = _shape(values)
    if kind != "words":
        return 3 if share >= 0.8 else 1
    if name in values:
        return -2 if len(values) < 200 else 0
    return _vote_words(name, values)


def _vote_words(name: str, values: Sequence[str]) -> int:
    han = sum(map(_has_han, values))
    if len(values) >= 3 and not _has_han(name) and han >= 0.8 * len(values):
        return 2
    if _median([*map(len, values)]) >= 3 * len(name) and min(map(len, values)) > len(name):
        return 1
    return 0


def _has_han(text: str) -> bool:
    return not text.isascii() and any("\u3400" <= character <= "\u9fff" for character in text)


def _median(counts: Sequence[int]) -> float:
    """As `statistics.median`, whose module takes as long to import as a table head takes to find."""
    ordered = sorted(counts)
    return (ordered[len(ordered) // 2] + ordered[(len(ordered) - 1) // 2]) / 2


def _shape(values: Sequence[str]) -> tuple[str, float]:
    """The most frequent kind of the values and its share."""
    kind, count = Counter(map(_kind, values)).most_common(1)[0]
    return kind, count / len(values)


def _kind(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return "number"
    if _DATE.fullmatch(value):
        return "date"
    return "code" if _CODE.fullmatch(value) else "words"


def _is_value(name: str) -> bool:
    """Whether no column would be called so: a number, a date, a long code with more digits than letters, an address."""
    if _kind(name) in ("number", "date") or "@" in name:
        return True
    digits = sum(character.isdigit() for character in name)
    return digits >= 5 and 2 * digits >= len(name)


def _reads_like_a_name(name: str) -> bool:
    words = re.findall(r"[a-z]+", name.lower())
    return bool(_IDENTIFIER.fullmatch(name) or (len(name) <= 24 and _HAN_NAME.fullmatch(name))
                or (len(words) <= 5 and not _ENGLISH.isdisjoint(words)))


def name_fields(headers: Sequence[str], labels: Labels, dataset: str) -> tuple[FieldName, ...]:
    """Safe and distinct names for the columns: `column N` for an empty or withheld header, `qlr.1` when repeated."""
    named: list[FieldName] = []
    taken: set[str] = set()
    repeated: Counter[str] = Counter()
    for number, header in enumerate(headers, 1):
        raw, fallback = " ".join(header.split()), f"column {number}"
        label = labels.label(raw, fallback, dataset=dataset) if raw else fallback
        field = label
        while field in taken:
            repeated[label] += 1
            field = f"{label}.{repeated[label]}"
        taken.add(field)
        named.append(FieldName(field, raw, label if raw else ""))
    return tuple(named)

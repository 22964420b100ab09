"""Names and values in columns of their own: `{"name": "db_password", "value": "…"}`, tables of keys and values.

There the header says nothing (`value`), and the name beside a value says what it is. So values with a telling name are
scanned again below that name as their header, and what is found so takes the place of what was found without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import DECODED, Batch, Column, Hits, Ints
from guard.detect import Budget, Detector, Matcher

Mask = npt.NDArray[np.bool_]
NAMES = frozenset(("name", "key", "field", "label", "property", "param", "parameter", "variable", "attribute", "字段",
                   "字段名", "字段名称", "名称", "键", "属性", "参数", "参数名", "项目", "配置项"))
VALUES = frozenset(("value", "val", "content", "data", "字段值", "值", "内容", "取值", "属性值", "参数值", "配置值"))
LONGEST_NAME = 64
"""Bytes. What is longer is no name of a field."""


def is_value_key(key: str) -> bool:
    """Whether a member or column so called holds values whose name stands beside them."""
    return key.lower() in VALUES


def may_be_named(column: Column) -> bool:
    """Whether the values of a column may have names beside them."""
    return is_value_key(column.header) and not column.key and len(column) > 0


def is_name_key(key: str) -> bool:
    """Whether a member or column so called holds names of values."""
    return key.lower() in NAMES


def name_in(members: Mapping[Any, Any]) -> str | None:
    """The name that an object gives its value; None when it has none, or several."""
    names = [value for key, value in members.items() if is_name_key(str(key)) and isinstance(value, str)]
    return names[0] if len(names) == 1 and len(names[0].encode("utf-8", "replace")) <= LONGEST_NAME else None


def with_names(matcher: Matcher, batch: Batch, index: int, hits: Hits, budget: Budget | None) -> Hits:
    """The hits of column `index` of a batch, with those of values that stand beside a telling name."""
    column = batch.columns[index]
    if not may_be_named(column):
        return hits
    for number, other in enumerate(batch.columns):
        if is_name_key(other.header) and other.text and not other.key and _parent(other) == _parent(column):
            for name, cells in _named(matcher, other, partial(_partners, batch, index, number)):
                hits = _rescanned(matcher, column, name, cells, hits, budget)
    return hits


def _parent(column: Column) -> str:
    """The object that the members of a path stand in; the same for all columns of a table."""
    return column.field.rpartition(".")[0] if column.field.startswith("$") else ""


def _partners(batch: Batch, values: int, names: int) -> Ints:
    """For each cell of column `values` the cell of column `names` in the same object or row, -1 where it has none."""
    mine, theirs = (_groups(batch, index) for index in (values, names))
    order = np.argsort(theirs, kind="stable")
    ordered = theirs[order]
    first = np.searchsorted(ordered, mine)
    is_one = np.searchsorted(ordered, mine, "right") - first == 1
    kinds, counts = np.unique(mine, return_counts=True)
    alone = counts[np.searchsorted(kinds, mine)] == 1
    found = order[np.minimum(first, len(order) - 1)] if len(order) else np.zeros(len(mine), np.int64)
    return np.where(is_one & alone, found, -1)


def _groups(batch: Batch, index: int) -> Ints:
    """A number for each cell that only cells beside it share: what stands between two braces, else the record."""
    from guard.sources.json_values import JsonBatch

    if not isinstance(batch, JsonBatch):
        return batch.columns[index].rows
    region = np.frombuffer(batch.region, np.uint8)
    braces = np.flatnonzero((region == ord("{")) | (region == ord("}")))
    starts = np.concatenate([cells.starts for cells in batch.cells])
    ends = np.concatenate([cells.ends for cells in batch.cells])
    order = np.argsort(starts)
    before = np.searchsorted(starts[order], braces) - 1
    inside = (before >= 0) & (braces < ends[order][before])
    return np.searchsorted(braces[~inside], batch.cells[index].starts)


def _named(matcher: Matcher, names: Column, partners: Callable[[], Ints]) -> Iterator[tuple[str, Ints]]:
    """Each name that says what its values are, with the cells of these; `partners` are asked for when there is one."""
    numbers: dict[bytes, int] = {}
    number_of = [numbers.setdefault(names.value(cell), len(numbers)) for cell in range(len(names))]
    headers = [(name.decode("utf-8", "replace"), number) for name, number in numbers.items()
               if len(name) <= LONGEST_NAME]
    telling = [(header, number) for header, number in headers if matcher.header_classes(header)]
    if telling:
        found = partners()
        of_partner = np.where(found >= 0, np.array(number_of, np.int64)[found], -1)
        for header, number in telling:
            cells = np.flatnonzero(of_partner == number)
            if len(cells):
                yield header, cells


def _rescanned(matcher: Matcher, column: Column, name: str, cells: Ints, hits: Hits, budget: Budget | None) -> Hits:
    part = dataclasses.replace(column, header=name, starts=column.starts[cells], ends=column.ends[cells],
                               rows=column.rows[cells])
    found = matcher.scan_column(part, budget)
    found = dataclasses.replace(found, cell=cells[found.cell])
    telling = np.setdiff1d(found.cell[_has_form(matcher.detectors, found)], found.cell[found.flags & DECODED != 0])
    joined = Hits.concat([hits.take(~np.isin(hits.cell, telling)), found.take(np.isin(found.cell, telling))])
    return joined.take(np.argsort(joined.cell, kind="stable"))


def _has_form(detectors: Sequence[Detector], hits: Hits) -> Mask:
    """Which hits are of detectors that look closely at the value: a name alone says too little (`Age: 35` of HTTP)."""
    close = np.array([bool(detector.pattern or detector.filters or detector.check) for detector in detectors], bool)
    return np.asarray(close[hits.detector], bool)

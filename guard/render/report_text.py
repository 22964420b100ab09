"""A report as JSON text, straight from its objects.

The same text as `guard.render.stored.write_json` gives for `Report.as_json`. A scan of a tree has a row for each file
and each field, and in most of them nothing was found: to make a dictionary of such a row and to encode that takes many
times as long as to fill in its text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from guard.model import Field, Input, Report, Role
from guard.render.stored import arrange, dump, encoded, rows_on_lines


def write_report(report: Report) -> str:
    """The report as JSON text that ends with a newline: keys in the order of the schema, rows sorted, one on a line."""
    arranged = arrange(dataclasses.replace(report, inputs=(), fields=()).as_json())
    inputs = sorted(report.inputs, key=lambda row: row.path)
    fields = sorted(report.fields, key=lambda row: (row.dataset, row.field, row.kind))
    rows: dict[str, Sequence[str]] = {
        **{key: [encoded(row) for row in value] for key, value in arranged.items() if isinstance(value, list)},
        "inputs": [_input_row(row) for row in inputs], "fields": [_field_row(row) for row in fields],
    }
    members = (f"{dump(key)}: {rows_on_lines(rows[key]) if rows.get(key) else dump(value)}"
               for key, value in arranged.items())
    return "{\n" + ",\n".join(members) + "\n}\n"


def _field_row(field: Field) -> str:
    if field.classes or field.examples:
        return encoded(field.as_json())
    what = _beginning_of_field(field.kind, field.data_class, field.role, field.grade, field.confidence)
    return (f'{{"dataset": {quoted(field.dataset)}, "field": {quoted(field.field)}, {what}, "rows": {field.rows}, '
            f'"filled": {field.filled}, "hits": {field.hits}, "masked_hits": {field.masked_hits}, '
            f'"long_text": {field.long_text}, "classes": [], "examples": []'
            f'{_rest_of_field(field.reason, field.schema_hash)}')


@lru_cache(maxsize=256)
def _beginning_of_field(kind: str, data_class: str, role: Role, grade: int, confidence: float) -> str:
    """The same for most fields, and so is their rest."""
    return encoded({"kind": kind, "data_class": data_class, "role": str(role), "grade": grade,
                    "confidence": round(confidence, 3)})[1:-1]


@lru_cache(maxsize=256)
def _rest_of_field(reason: str, schema_hash: str) -> str:
    members = {"reason": reason, "schema_hash": schema_hash}
    return "".join(f", {quoted(key)}: {quoted(value)}" for key, value in members.items() if value) + "}"


def _input_row(row: Input) -> str:
    rest = _rest_of_input(row.status, row.reason, row.format, row.encoding)
    return f'{{"path": {quoted(row.path)}, "bytes": {row.bytes}, {rest}'


@lru_cache(maxsize=256)
def _rest_of_input(status: str, reason: str, format_: str, encoding: str) -> str:
    """The same for most files."""
    members = {"status": status, "reason": reason, "format": format_, "encoding": encoding}
    return encoded({key: value for key, value in members.items() if value})[1:]

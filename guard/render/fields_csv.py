"""The fields as CSV for spreadsheets, one row each with what was decided."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from guard.render.escape import csv_cell
from guard.render.phrases import Phrases, phrases
from guard.render.references import reference_title
from guard.render.rows import strictness
from guard.render.sentences import say
from guard.render.stored import arrange

COLUMNS = ("dataset", "field", "kind", "data_class", "title", "grade", "role", "confidence", "rows", "filled", "hits",
           "masked_hits", "action", "rule", "basis", "waived_by", "reason")
Json = Mapping[str, Any]


def write_fields(report: Json, language: str) -> str:
    """All fields, CRLF line ends, with a byte order mark (without one spreadsheets take UTF-8 for the local code page).

    `action`, `rule`, `basis` are those of the strictest decision of the field. The column names are not translated:
    they are what scripts read.
    """
    strictest = _strictest(report["decisions"])
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for field in arrange(report)["fields"]:
        row = _row(field, strictest.get((field["dataset"], field["field"]), {}), phrases(language))
        writer.writerow([csv_cell(cell) for cell in row])
    return out.getvalue()


def _strictest(decisions: list[Json]) -> dict[tuple[str, str], Json]:
    by_field: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for decision in decisions:
        by_field[decision["dataset"], decision["field"]].append(decision)
    return {name: min(of_field, key=lambda d: (-strictness(d["action"]), d["rule"], d["data_class"]))
            for name, of_field in by_field.items()}


def _row(field: Json, decision: Json, words: Phrases) -> list[object]:
    identifier = field["data_class"]
    return [
        field["dataset"], field["field"], field["kind"], identifier,
        words.data_class(identifier) if identifier else "", field["grade"], field["role"],
        field["confidence"], field["rows"], field["filled"], field["hits"], field["masked_hits"],
        decision.get("action", ""), decision.get("rule", ""),
        "; ".join(reference_title(name, words) for name in decision.get("basis", ())),
        decision.get("waived_by", ""), say(field.get("reason", ""), words.language),
    ]

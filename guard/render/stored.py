"""Stored reports: reading `guard.report/v1` back, and writing it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from guard.errors import UsageError
from guard.render.escape import escape_json, shown

SCHEMA = "guard.report/v1"
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)
MAX_STORED = 1_000_000_000
_HINT = "give the JSON that guard wrote with --format json"

# What renderers rely on. Keys that are not named here may be there; a later version of v1 may add them.
_TEXT, _COUNT, _NUMBER, _FLAG, _LIST, _OBJECT = (str,), (int,), (int, float), (bool,), (list,), (dict,)
_REPORT: Mapping[str, tuple[type, ...]] = {
    "tool": _OBJECT, "created": _TEXT, "rules": _OBJECT, "policy": _OBJECT, "audience": _TEXT, "verdict": _TEXT,
    "summary": _OBJECT, "inputs": _LIST, "skipped": _LIST, "fields": _LIST, "findings": _LIST, "decisions": _LIST,
    "risk": _OBJECT, "suppressed": _OBJECT, "checks": _LIST, "warnings": _LIST,
}
_FINDING: Mapping[str, tuple[type, ...]] = {
    "detector": _TEXT, "data_class": _TEXT, "dataset": _TEXT, "field": _TEXT, "location": _OBJECT, "start": _COUNT,
    "end": _COUNT, "confidence": _NUMBER, "validated": _FLAG, "masked": _FLAG, "preview": _TEXT, "fingerprint": _TEXT,
}
_ROWS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "inputs": {"path": _TEXT, "bytes": _COUNT, "status": _TEXT},
    "skipped": {"dataset": _TEXT, "reason": _TEXT, "detail": _TEXT},
    "fields": {
        "dataset": _TEXT, "field": _TEXT, "kind": _TEXT, "data_class": _TEXT, "role": _TEXT, "grade": _COUNT,
        "confidence": _NUMBER, "rows": _COUNT, "filled": _COUNT, "hits": _COUNT, "masked_hits": _COUNT,
        "long_text": _COUNT, "classes": _LIST, "examples": _LIST,
    },
    "findings": _FINDING,
    "decisions": {
        "dataset": _TEXT, "field": _TEXT, "data_class": _TEXT, "scope": _TEXT, "action": _TEXT, "params": _OBJECT,
        "rule": _TEXT, "basis": _LIST,
    },
    "checks": {"id": _TEXT, "passed": _FLAG},
}
_CLASS: Mapping[str, tuple[type, ...]] = {"data_class": _TEXT, "hits": _COUNT, "masked": _COUNT}
_OPTIONAL: Mapping[str, tuple[type, ...]] = {
    "reason": _TEXT, "line": _COUNT, "column": _COUNT, "offset": _COUNT, "length": _COUNT, "row": _COUNT,
    "pointer": _TEXT, "commit": _TEXT, "format": _TEXT, "encoding": _TEXT, "waived_by": _TEXT, "title": _TEXT,
    "schema_hash": _TEXT,
}


def load_report(path: str | Path) -> dict[str, Any]:
    """A report that `guard` stored as JSON. Raises UsageError when the file is none, or of a version unknown here."""
    try:
        if Path(path).stat().st_size > MAX_STORED:
            raise UsageError("the stored report is too large to be one", hint=_HINT)
        raw = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"the stored report cannot be read ({error.strerror})", hint=_HINT) from None
    return parse_report(raw)


def parse_report(raw: bytes) -> dict[str, Any]:
    """Like `load_report`, from bytes."""
    try:
        report = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):  # also UnicodeDecodeError; its text would show bytes of the file
        raise UsageError("the stored report is not JSON", hint=_HINT) from None
    if not isinstance(report, dict) or "schema" not in report:
        raise UsageError("the file is not a report of guard", hint=_HINT)
    if report["schema"] != SCHEMA:
        raise UsageError(f"the report is of the version {shown(report['schema'], 40)}, not {SCHEMA}",
                         hint="render it with the guard that made it")
    for place in _misshapen(report):
        raise UsageError(f"the report is not valid at {place}", hint=_HINT)
    return report


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and infinity are not JSON")


def write_json(report: Mapping[str, Any]) -> str:
    """The report as JSON text that ends with a newline: keys in the order of the schema, rows sorted, one on a line."""
    members = (f"{dump(key)}: {_dump_rows(value)}" for key, value in arrange(report).items())
    return "{\n" + ",\n".join(members) + "\n}\n"


def write_findings(report: Mapping[str, Any]) -> str:
    """The findings as JSON Lines, in the order of their places."""
    return "".join(f"{dump(row)}\n" for row in arrange(report)["findings"])


def _dump_rows(value: Any) -> str:
    return rows_on_lines(map(encoded, value)) if isinstance(value, list) and value else dump(value)


def rows_on_lines(rows: Iterable[str]) -> str:
    """A list of encoded rows, of which there is one. A row on a line reads and compares well, and keeps to the encoder
    in C, which knows no indentation."""
    return "[\n" + escape_json(",\n".join(rows)) + "\n]"


def encoded(value: Any) -> str:
    """A value as JSON, not yet with `escape_json`."""
    return _ENCODER.encode(value)


def dump(value: Any) -> str:
    """A value as JSON."""
    return escape_json(encoded(value))


def arrange(report: Mapping[str, Any]) -> dict[str, Any]:
    """The same report with its rows in an order that does not depend on the order of the scan."""
    arranged = dict(report)
    arranged["inputs"] = sorted(report["inputs"], key=lambda row: row["path"])
    arranged["skipped"] = sorted(report["skipped"], key=skipped_order)
    arranged["fields"] = sorted(report["fields"], key=lambda row: (row["dataset"], row["field"], row["kind"]))
    arranged["findings"] = sorted(report["findings"], key=finding_order)
    arranged["decisions"] = sorted(report["decisions"], key=lambda row: (row["dataset"], row["field"],
                                                                         row["data_class"], row["rule"], row["action"]))
    return arranged


def finding_order(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sort key of findings: by place, then by detector."""
    location = finding["location"]
    return (finding["dataset"], location.get("line") or 0, location.get("column") or 0, location.get("row") or 0,
            finding["field"], location.get("pointer") or "", finding["start"], finding["detector"],
            finding["fingerprint"])


def skipped_order(skipped: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sort key of what was not read: by place, then by reason."""
    return skipped["dataset"], skipped.get("line") or 0, skipped["reason"], skipped["detail"]


def _misshapen(report: Mapping[str, Any]) -> Iterator[str]:
    """Places that renderers could not rely on, first to last. Places only: a value is never part of a message."""
    if place := _wrong(report, _REPORT):
        yield place
        return  # the rows below cannot be walked
    yield from (f"warnings/{i}" for i, text in enumerate(report["warnings"]) if not isinstance(text, str))
    yield from (f"suppressed/{i}" for i, count in enumerate(report["suppressed"].values()) if not _is(count, _COUNT))
    for section, shape in _ROWS.items():
        for index, row in enumerate(report[section]):
            yield from (f"{section}/{index}/{place}" for place in _misshapen_row(section, row, shape))


def _misshapen_row(section: str, row: Any, shape: Mapping[str, tuple[type, ...]]) -> Iterator[str]:
    if place := _wrong(row, shape):
        yield place
    elif section == "findings":
        yield from _misshapen_location(row)
    elif section == "fields":
        for index, count in enumerate(row["classes"]):
            yield from [f"classes/{index}/{place}"] if (place := _wrong(count, _CLASS)) else ()
        for index, example in enumerate(row["examples"]):
            places = [place] if (place := _wrong(example, _FINDING)) else _misshapen_location(example)
            yield from (f"examples/{index}/{place}" for place in places)
    elif section == "decisions":
        yield from (f"basis/{i}" for i, identifier in enumerate(row["basis"]) if not isinstance(identifier, str))


def _misshapen_location(finding: Mapping[str, Any]) -> Iterator[str]:
    if place := _wrong(finding["location"], {}):
        yield f"location/{place}"


def _wrong(row: Any, shape: Mapping[str, tuple[type, ...]]) -> str:
    """The first key of `row` that is missing or of another type, "." when it is no object, "" when all is well."""
    if not isinstance(row, dict):
        return "."
    for key, kinds in shape.items():
        if key not in row or not _is(row[key], kinds):
            return key
    return next((key for key, kinds in _OPTIONAL.items() if key in row and not _is(row[key], kinds)), "")


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether the value is of these types; true and false are not numbers here."""
    return isinstance(value, kinds) and (isinstance(value, bool) == (kinds == _FLAG))

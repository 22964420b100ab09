"""What the rooms pass to each other: findings, fields, decisions, reports. No I/O, no NumPy.

No object can be changed. `as_json` methods give the shapes of the report schema `guard.report/v1`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as member
from typing import Any, NamedTuple, NoReturn, Protocol

CERTAIN, LIKELY, POSSIBLE = 0.9, 0.6, 0.3
"""Floors of the three confidence words. Policies see everything from POSSIBLE on."""


def confidence_word(confidence: float) -> str:
    """`certain`, `likely`, `possible` or `none`."""
    if confidence >= CERTAIN:
        return "certain"
    if confidence >= LIKELY:
        return "likely"
    return "possible" if confidence >= POSSIBLE else "none"


def member_name(field: str) -> str:
    """What a field of JSON is called in a table: `id` for `$.id` of a record and `$[*].id` of a list of records."""
    return field.removeprefix("$[*].").removeprefix("$.")


class Action(enum.StrEnum):
    """What happens to a field or span, from the mildest to the strictest."""

    ALLOW = "allow"
    MASK = "mask"
    GENERALISE = "generalise"
    PSEUDONYMISE = "pseudonymise"
    ENCRYPT = "encrypt"
    REVIEW = "review"
    DROP = "drop"
    BLOCK = "block"

    @property
    def strictness(self) -> int:
        """Rank in the order above; the strictest matching rule wins."""
        return _STRICTNESS[self]


_STRICTNESS = {action: rank for rank, action in enumerate(Action)}


class Audience(enum.StrEnum):
    """Who receives the data, widest first."""

    PUBLIC = "public"
    RESTRICTED_API = "restricted_api"
    DEPARTMENT_SHARE = "department_share"
    INTERNAL = "internal"


class Role(enum.StrEnum):
    """What a field can do to identify a person."""

    DIRECT = "direct"
    QUASI = "quasi"
    SENSITIVE = "sensitive"
    NONE = "none"


class Verdict(enum.StrEnum):
    """The answer of a run."""

    PASS = "pass"  # noqa: S105
    VIOLATION = "violation"
    INCOMPLETE = "incomplete"


class Scope(enum.StrEnum):
    """What a decision covers."""

    FIELD = "field"
    SPAN = "span"
    DATASET = "dataset"
    NAME = "name"


class Reason(enum.StrEnum):
    """Why something was not read. Every one makes the run incomplete."""

    EMPTY = "empty"
    BINARY = "binary"
    UNSUPPORTED = "unsupported format"
    UNKNOWN_ENCODING = "unknown encoding"
    UNDECODABLE = "undecodable bytes"
    UNREADABLE = "unreadable"
    SPECIAL = "not a regular file"
    SYMLINK = "symbolic link, not followed"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    ENCRYPTED = "encrypted"
    TOO_LARGE = "too large"
    BOMB = "expands too much"
    UNSAFE_PATH = "unsafe path in archive"
    TOO_DEEP = "nested too deep"
    INVALID_RECORD = "record does not parse"
    STOPPED = "stopped at a state-secret mark"
    CHANGED = "changed while it was read"
    TIMED_OUT = "timed out"
    CRASHED = "crashed while it was read"
    HISTORY = "history of a repository"


class Hidden:
    """A value that no repr, str, format, pickle or JSON gives away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<hidden>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a hidden value cannot be pickled")


@dataclass(frozen=True, slots=True)
class Location:
    """A place that a person can open.

    `dataset` is the shown name of the file, member or sheet; `line` and `column` count from 1 (column in code points),
    `offset` and `length` are bytes of the UTF-8 form of the dataset's text, `row` counts records from 1 (header not
    counted), `pointer` is a JSON pointer (RFC 6901), `commit` the abbreviated id of the commit whose version it is.
    """

    dataset: str
    field: str = ""
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    length: int | None = None
    row: int | None = None
    pointer: str | None = None
    commit: str | None = None

    def as_json(self) -> dict[str, Any]:
        names = ("line", "column", "offset", "length", "row", "pointer", "commit")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where one detector fired.

    `start` and `end` are code points of the scanned text (`scan_text`) or of the cell. `preview` is masked,
    `fingerprint` is a keyed HMAC of class and normalised value. Only `reveal` gives the value.
    """

    detector: str
    data_class: str
    location: Location
    start: int
    end: int
    confidence: float
    validated: bool
    masked: bool
    preview: str
    fingerprint: str
    reason: str = ""
    _value: Hidden | None = member(default=None, repr=False, compare=False)

    def reveal(self) -> str:
        """The raw value, in memory only. Raises ValueError when it was not kept (a loaded or pickled finding)."""
        if self._value is None:
            raise ValueError("the value of this finding was not kept")
        return self._value._value

    def __reduce__(self) -> tuple[Any, ...]:
        public = (self.detector, self.data_class, self.location, self.start, self.end, self.confidence, self.validated,
                  self.masked, self.preview, self.fingerprint, self.reason)
        return Finding, public

    def as_json(self) -> dict[str, Any]:
        return {
            "detector": self.detector, "data_class": self.data_class, "dataset": self.location.dataset,
            "field": self.location.field, "location": self.location.as_json(), "start": self.start, "end": self.end,
            "confidence": round(self.confidence, 3), "validated": self.validated, "masked": self.masked,
            "preview": self.preview, "fingerprint": self.fingerprint,
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read, as a value: it travels to the report and to the exit code."""

    dataset: str
    reason: Reason
    detail: str = ""
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        line = {} if self.line is None else {"line": self.line}
        return {"dataset": self.dataset, "reason": str(self.reason), "detail": self.detail, **line}


class Input(NamedTuple):
    """One input file. `status` is scanned, skipped or failed; `digest` is `sha256:…` of its bytes (evidence of a
    release only). A tree has thousands, and a tuple is soon made, as for `Field`."""

    path: str
    bytes: int
    status: str
    reason: str = ""
    format: str = ""
    encoding: str = ""
    digest: str = ""

    def as_json(self) -> dict[str, Any]:
        pairs = {"path": self.path, "bytes": self.bytes, "status": self.status, "reason": self.reason,
                 "format": self.format, "encoding": self.encoding}
        return {key: value for key, value in pairs.items() if value != ""}


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How often one data class fired in one field.

    `hits` are findings at POSSIBLE or more that are not masked, `validated` of them passed a check digit or an
    equivalent proof, `certain`/`likely` reach these words, `masked` are already masked values, `cells` are the cells or
    lines with at least one unmasked hit, `confidence` is the highest seen.
    """

    data_class: str
    hits: int
    validated: int
    certain: int
    likely: int
    masked: int
    cells: int
    confidence: float
    dense: bool = False
    from_header: bool = False
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "data_class": self.data_class, "hits": self.hits, "validated": self.validated, "certain": self.certain,
            "likely": self.likely, "masked": self.masked, "cells": self.cells, "confidence": round(self.confidence, 3),
            "dense": self.dense, "from_header": self.from_header, **({"reason": self.reason} if self.reason else {}),
        }


class Field(NamedTuple):
    """The verdict on one field: what it is, from header and values together.

    `kind` is column, text or name (a path, header, sheet or key that is itself a finding). `data_class` is the class
    that stands for the field ("" for none); `classes` are all that fired. `rows` counts records or lines, `filled`
    those not empty, `long_text` those that hold free text (20 code points or more, several words or Han text).
    """

    dataset: str
    field: str
    kind: str
    data_class: str
    role: Role
    grade: int
    confidence: float
    rows: int
    filled: int
    hits: int
    masked_hits: int
    long_text: int
    classes: tuple[ClassCount, ...] = ()
    examples: tuple[Finding, ...] = ()
    reason: str = ""
    schema_hash: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset, "field": self.field, "kind": self.kind, "data_class": self.data_class,
            "role": str(self.role), "grade": self.grade, "confidence": round(self.confidence, 3), "rows": self.rows,
            "filled": self.filled, "hits": self.hits, "masked_hits": self.masked_hits, "long_text": self.long_text,
            "classes": [count.as_json() for count in self.classes], "examples": [e.as_json() for e in self.examples],
            **({"reason": self.reason} if self.reason else {}),
            **({"schema_hash": self.schema_hash} if self.schema_hash else {}),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one class in one field. `rule` names the policy rule, `basis` its legal ground.

    `waived_by` is the id of the exception that changed the action.
    """

    dataset: str
    field: str
    data_class: str
    scope: Scope
    action: Action
    rule: str
    params: Mapping[str, Any] = member(default_factory=dict)
    basis: tuple[str, ...] = ()
    reason: str = ""
    waived_by: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset, "field": self.field, "data_class": self.data_class, "scope": str(self.scope),
            "action": str(self.action), "params": dict(self.params), "rule": self.rule, "basis": list(self.basis),
            **({"reason": self.reason} if self.reason else {}),
            **({"waived_by": self.waived_by} if self.waived_by else {}),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One run, whole: what was read, what it is, what was decided, what was not read.

    `tool` is {name, version}; `rules`, `policy` are {id?, version?, digest}; `risk` is {"status": "not_measured"} until
    it is measured; `suppressed` counts {"baseline": n, "exceptions": n, "inline": n}; `summary` is free-form counts for
    readers; `checks` are the release's own checks of its output, each {id, title, passed, detail}.
    """

    tool: Mapping[str, str]
    rules: Mapping[str, Any]
    inputs: tuple[Input, ...]
    fields: tuple[Field, ...]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    verdict: Verdict
    created: str
    policy: Mapping[str, Any] = member(default_factory=dict)
    audience: str = ""
    decisions: tuple[Decision, ...] = ()
    risk: Mapping[str, Any] = member(default_factory=lambda: {"status": "not_measured"})
    suppressed: Mapping[str, int] = member(default_factory=dict)
    checks: tuple[Mapping[str, Any], ...] = ()
    summary: Mapping[str, Any] = member(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": "guard.report/v1", "tool": dict(self.tool), "created": self.created, "rules": dict(self.rules),
            "policy": dict(self.policy), "audience": self.audience, "verdict": str(self.verdict),
            "summary": dict(self.summary), "inputs": [i.as_json() for i in self.inputs],
            "skipped": [s.as_json() for s in self.skipped], "fields": [f.as_json() for f in self.fields],
            "findings": [f.as_json() for f in self.findings], "decisions": [d.as_json() for d in self.decisions],
            "risk": dict(self.risk), "suppressed": dict(self.suppressed), "checks": [dict(c) for c in self.checks],
            "warnings": list(self.warnings),
        }


class Labels(Protocol):
    """Turns raw names into names that may be shown: names are data and pass the scanner first."""

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        """`raw` itself when nothing fires in it, else `fallback` (`column 3`), noting a finding of kind name."""
        ...


class PlainLabels:
    """Labels that trust every name; for tests and for sources whose names were made by Guard itself."""

    def label(self, raw: str, fallback: str, *, dataset: str = "") -> str:
        return raw or fallback

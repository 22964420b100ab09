"""The rows of a report as readers see them: escaped, translated, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from guard import taxonomy
from guard.model import Action, confidence_word
from guard.render.escape import shown
from guard.render.phrases import Phrases, number
from guard.render.sentences import say

Row = TypeVar("Row")
Json = Mapping[str, Any]


class Cut(NamedTuple, Generic[Row]):
    """The rows that are shown, of `total`."""

    rows: tuple[Row, ...]
    total: int

    @property
    def hidden(self) -> int:
        return self.total - len(self.rows)


class Example(NamedTuple):
    """A masked value and its place, or for a secrecy mark the place alone."""

    title: str
    preview: str
    place: str


class FieldRow(NamedTuple):
    """One field with a finding. `level` is the grade as a number, `evidence` the confidence word as in the model."""

    dataset: str
    field: str
    kind: str
    title: str
    also: str
    data_class: str
    sensitive: bool
    level: int
    grade: str
    role: str
    evidence: str
    confidence: str
    percent: str
    rows: str
    hits: str
    masked: str
    reason: str
    examples: tuple[Example, ...]


class DecisionRow(NamedTuple):
    """One decision. `code` is the action as in the model."""

    code: str
    action: str
    dataset: str
    field: str
    title: str
    scope: str
    rule: str
    basis: tuple[str, ...]
    basis_ids: tuple[str, ...]
    params: str
    reason: str
    waived_by: str


class SkippedRow(NamedTuple):
    """One thing that was not read."""

    dataset: str
    reason: str
    detail: str
    place: str


class InputRow(NamedTuple):
    """One file. `code` is the status as in the model."""

    path: str
    format: str
    encoding: str
    size: str
    code: str
    status: str
    reason: str


class CheckRow(NamedTuple):
    """One check that a release made of its output."""

    title: str
    passed: bool
    result: str
    detail: str


def field_row(field: Json, words: Phrases) -> FieldRow:
    """The row of a field with a finding."""
    classes = sorted({count["data_class"] for count in field["classes"]} - {field["data_class"]})
    main, others = field["data_class"], [words.data_class(name) for name in classes]
    if not main:
        title = others[0] if len(others) == 1 else words("fields.several")
        main, others = (classes[0], []) if len(classes) == 1 else ("", others)
    else:
        title = words.data_class(main)
    word = confidence_word(field["confidence"])
    also = words("fields.also" if main else "fields.kinds", what=words.listing(others)) if others else ""
    return FieldRow(
        dataset=shown(field["dataset"]), field=shown(field["field"]), kind=words.term("kind", field["kind"]),
        title=title, also=also, data_class=shown(main),
        sensitive=any(is_sensitive(name) for name in (main, *classes)),
        level=min(max(field["grade"], 1), 4), grade=grade_title(field["grade"], words),
        role=words.term("role", field["role"]), evidence=word, confidence=words.term("confidence", word),
        percent=f"{field['confidence']:.2f}", rows=number(field["rows"]), hits=number(field["hits"]),
        masked=number(field["masked_hits"]), reason=_said(field, "reason", words),
        examples=tuple(_example(finding, words) for finding in field["examples"]),
    )


def _example(finding: Json, words: Phrases) -> Example:
    preview = shown(finding["preview"]) or words("examples.no_preview")
    return Example(words.data_class(finding["data_class"]), preview, place(finding["location"], words))


def decision_row(decision: Json, words: Phrases) -> DecisionRow:
    """The row of a decision."""
    from guard.render.references import reference_title  # a scan decides nothing

    identifier = decision["data_class"]
    return DecisionRow(
        code=decision["action"], action=words.term("action", decision["action"]), dataset=shown(decision["dataset"]),
        field=shown(decision["field"]), title=words.data_class(identifier) if identifier else "",
        scope=words.term("scope", decision["scope"]), rule=shown(decision["rule"]),
        basis=tuple(reference_title(name, words) for name in decision["basis"]),
        basis_ids=tuple(shown(name) for name in decision["basis"]), params=_params(decision["params"], words),
        reason=_said(decision, "reason", words), waived_by=shown(decision.get("waived_by", "")),
    )


def _params(params: Json, words: Phrases) -> str:
    """The parameters of an action in words; one without a phrase by name and value."""
    known, said = words.sections["param"], []
    for name, value in sorted(params.items()):
        text = "+".join(map(str, value)) if isinstance(value, list) else str(value)
        if f"{name} {text}" in known:
            said.append(words(f"param.{name} {text}"))
        else:
            said.append(words(f"param.{name}", value=text) if name in known else f"{shown(name)}: {shown(text)}")
    return words.listing(said)


def skipped_row(skipped: Json, words: Phrases) -> SkippedRow:
    """The row of something that was not read."""
    line = {"line": skipped["line"]} if skipped.get("line") is not None else {}
    return SkippedRow(shown(skipped["dataset"]), words.term("reason", skipped["reason"]),
                      _said(skipped, "detail", words), place(line, words))


def input_row(item: Json, words: Phrases) -> InputRow:
    """The row of a file."""
    reason = item.get("reason", "")
    return InputRow(shown(item["path"]), shown(item.get("format", "")), shown(item.get("encoding", "")),
                    words.size(item["bytes"]), item["status"], words.term("status", item["status"]),
                    words.term("reason", reason) if reason else "")


def check_row(check: Json, words: Phrases) -> CheckRow:
    """The row of a check; one that did not clearly pass has failed."""
    known = check["id"] in words.sections["check_title"]
    title = words.term("check_title", check["id"]) if known else shown(check.get("title") or check["id"])
    passed = check["passed"] is True
    return CheckRow(title, passed, words("check.passed" if passed else "check.failed"), _said(check, "detail", words))


def _said(row: Json, key: str, words: Phrases) -> str:
    """A sentence of another room, in the reader's language."""
    return shown(say(row.get(key) or "", words.language))


def has_findings(field: Json) -> bool:
    """Whether anything fired in the field, by value or by header."""
    return bool(field["data_class"] or field["classes"] or field["hits"] or field["masked_hits"])


def is_sensitive(identifier: str) -> bool:
    """Whether the taxonomy treats the class as sensitive personal information (PIPL Art. 28)."""
    try:
        return bool(identifier and taxonomy.data_class(identifier).pipl28)
    except KeyError:
        return False


def strictness(action: str) -> int:
    """Rank of an action; one of a later version counts as the strictest, so that it is never hidden."""
    return Action(action).strictness if action in list(Action) else len(Action)


def grade_title(level: int, words: Phrases) -> str:
    """What a grade is called; 0 is a field without a finding."""
    return words("grade.label", grade=level) if level else words("grade.none")


def place(location: Json, words: Phrases) -> str:
    """Where a finding is, in words: line and column, else record, else JSON pointer; and the commit that brought it."""
    where = _place(location, words)
    if commit := location.get("commit"):
        return words("place.commit", place=where, commit=shown(commit)) if where else shown(commit)
    return where


def _place(location: Json, words: Phrases) -> str:
    if "line" in location and "column" in location:
        return words("place.line_column", line=location["line"], column=location["column"])
    for name in ("line", "row", "pointer"):
        if name in location:
            return words(f"place.{name}", **{name: location[name]})
    return ""

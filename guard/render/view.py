"""A report as readers see it: escaped, translated, sorted, cut to what fits. Formats for people are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from guard import taxonomy
from guard.model import Action, confidence_word
from guard.render.escape import shown
from guard.render.phrases import Phrases, number, phrases
from guard.render.references import reference_says, reference_title
from guard.render.sentences import say
from guard.render.verdict import Statement, state

Row = TypeVar("Row")
Json = Mapping[str, Any]
MAX_PLAIN_NAMES = 60
MAX_EXAMPLE_FIELDS = 60
MAX_GROUND_DECISIONS = 20_000
GRADES = (4, 3, 2, 1, 0)
"""From the highest; 0 stands for a field without a finding."""


@dataclass(frozen=True, slots=True)
class Cut(Generic[Row]):
    """The rows that are shown, of `total`."""

    rows: tuple[Row, ...]
    total: int

    @property
    def hidden(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Example:
    """A masked value and its place, or for a secrecy mark the place alone."""

    title: str
    preview: str
    place: str


@dataclass(frozen=True, slots=True)
class FieldRow:
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


@dataclass(frozen=True, slots=True)
class DecisionRow:
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


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One thing that was not read."""

    dataset: str
    reason: str
    detail: str
    place: str


@dataclass(frozen=True, slots=True)
class InputRow:
    """One file. `code` is the status as in the model."""

    path: str
    format: str
    encoding: str
    size: str
    code: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check that a release made of its output."""

    title: str
    passed: bool
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class GradeBar:
    """One part of the chart of grades: where it starts and how wide it is, in thousandths of the bar."""

    level: int
    title: str
    number: str
    start: int
    width: int


@dataclass(frozen=True, slots=True)
class View:
    """A whole report for readers of one language. Every text in it is safe to show on one line."""

    phrases: Phrases
    statement: Statement
    tool: str
    created: str
    audience: str
    policy: str
    policy_digest: str
    rules: str
    rules_digest: str
    figures: tuple[tuple[str, str], ...]
    grades: tuple[GradeBar, ...]
    grade_summary: str
    fields: Cut[FieldRow]
    plain_fields: Cut[str]
    examples: Cut[FieldRow]
    decisions: Cut[DecisionRow]
    unchanged: int
    skipped: Cut[SkippedRow]
    inputs: Cut[InputRow]
    checks: tuple[CheckRow, ...]
    suppressed: tuple[tuple[str, str], ...]
    waived: Cut[DecisionRow]
    risk: tuple[tuple[str, str], ...]
    warnings: Cut[str]
    grounds: tuple[tuple[str, str], ...]


def view(report: Json, language: str, limit: int) -> View:
    """The report for readers of `language`, at most `limit` rows in each table."""
    words = phrases(language)
    holding = [field for field in report["fields"] if has_findings(field)]
    plain = [field for field in report["fields"] if not has_findings(field)]
    acting = [d for d in report["decisions"] if d["action"] != Action.ALLOW or d.get("waived_by")]
    with_examples = [field for field in holding if field["examples"]]
    policy, rules, grades = report["policy"], report["rules"], _grade_bars(report["fields"], words)
    return View(
        phrases=words,
        statement=state(report, words, len(holding)),
        tool=shown(f"{report['tool'].get('name', 'guard')} {report['tool'].get('version', '')}".strip()),
        created=moment(report["created"]),
        audience=words.term("audience", report["audience"]) if report["audience"] else "",
        policy=_identity(policy), policy_digest=shown(policy.get("digest", "")),
        rules=_identity(rules), rules_digest=shown(rules.get("digest", "")),
        figures=_figures(report, words, holding),
        grades=grades,
        grade_summary=words("fields.chart", what=words.listing([f"{bar.title} {bar.number}" for bar in grades])),
        fields=_cut(holding, _field_order, limit, lambda field: _field_row(field, words)),
        plain_fields=_cut(plain, _name_order, min(limit, MAX_PLAIN_NAMES), lambda field: shown(_full_name(field))),
        examples=_cut(with_examples, _field_order, min(limit, MAX_EXAMPLE_FIELDS), lambda f: _field_row(f, words)),
        decisions=_cut(acting, _decision_order, limit, lambda decision: _decision_row(decision, words)),
        unchanged=len(report["decisions"]) - len(acting),
        skipped=_cut(report["skipped"], _skipped_order, limit, lambda skipped: _skipped_row(skipped, words)),
        inputs=_cut(report["inputs"], lambda item: item["path"], limit, lambda item: _input_row(item, words)),
        checks=tuple(_check_row(check, words) for check in report["checks"]),
        suppressed=tuple((words.term("suppressed", name), number(count))
                         for name, count in sorted(report["suppressed"].items()) if count),
        waived=_cut([d for d in acting if d.get("waived_by")], _decision_order, limit,
                    lambda decision: _decision_row(decision, words)),
        risk=_risk(report["risk"]),
        warnings=_cut(report["warnings"], str, limit, lambda text: shown(say(text, language), 400)),
        grounds=_grounds(acting[:MAX_GROUND_DECISIONS], words),
    )


def has_findings(field: Json) -> bool:
    """Whether anything fired in the field, by value or by header."""
    return bool(field["data_class"] or field["classes"] or field["hits"] or field["masked_hits"])


def moment(created: str) -> str:
    """An ISO 8601 time as people write it, to the minute and with its offset; anything else as it is."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        return shown(created)
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".strip()


def place(location: Json, words: Phrases) -> str:
    """Where a finding is, in words: line and column, else record, else JSON pointer."""
    if "line" in location and "column" in location:
        return words("place.line_column", line=location["line"], column=location["column"])
    for name in ("line", "row", "pointer"):
        if name in location:
            return words(f"place.{name}", **{name: location[name]})
    return ""


def _cut(items: Iterable[Any], order: Callable[[Any], Any], limit: int, build: Callable[[Any], Row]) -> Cut[Row]:
    ordered = sorted(items, key=order)
    return Cut(tuple(build(item) for item in ordered[:limit]), len(ordered))


def _identity(facts: Json) -> str:
    return shown(" ".join(str(facts[name]) for name in ("id", "version") if facts.get(name)))


def _full_name(field: Json) -> str:
    return f"{field['dataset']} · {field['field']}" if field["field"] else str(field["dataset"])


def _name_order(row: Json) -> tuple[str, str]:
    return row["dataset"], row["field"]


def _field_order(field: Json) -> tuple[Any, ...]:
    return -field["grade"], -field["confidence"], field["dataset"], field["field"], field["kind"]


def _decision_order(decision: Json) -> tuple[Any, ...]:
    return (-strictness(decision["action"]), decision["dataset"], decision["field"], decision["data_class"],
            decision["rule"])


def strictness(action: str) -> int:
    """Rank of an action; one of a later version counts as the strictest, so that it is never hidden."""
    return Action(action).strictness if action in list(Action) else len(Action)


def _skipped_order(skipped: Json) -> tuple[Any, ...]:
    return skipped["dataset"], skipped.get("line") or 0, skipped["reason"]


def _figures(report: Json, words: Phrases, holding: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    actions = Counter(decision["action"] for decision in report["decisions"])
    open_count = actions[Action.BLOCK] + actions[Action.REVIEW]
    counts = {
        "inputs": len(report["inputs"]), "fields": len(report["fields"]), "with_findings": len(holding),
        "hits": sum(field["hits"] for field in holding), "masked": sum(field["masked_hits"] for field in holding),
        "decisions": sum(actions.values()) - actions[Action.ALLOW] - open_count, "open": open_count,
        "skipped": len(report["skipped"]),
    }
    if not report["policy"]:
        del counts["decisions"], counts["open"]
    return tuple((number(count), words(f"figure.{name}", count=count)) for name, count in counts.items())


def _grade_bars(fields: Sequence[Json], words: Phrases) -> tuple[GradeBar, ...]:
    counts = Counter(min(max(field["grade"], 1), 4) if has_findings(field) else 0 for field in fields)
    total, start, bars = sum(counts.values()), 0, []
    for level in GRADES:
        if count := counts[level]:
            # Each part stays visible: rounding may not swallow the one field of grade 4 among ten thousand.
            width = max(8, round(1000 * count / total))
            bars.append((level, count, width))
    scale, drawn = 1000 / max(1, sum(width for _, _, width in bars)), []
    for level, count, width in bars:
        end = start + round(width * scale)
        drawn.append(GradeBar(level, grade_title(level, words), number(count), start, end - start))
        start = end
    return tuple(drawn)


def grade_title(level: int, words: Phrases) -> str:
    """What a grade is called; 0 is a field without a finding."""
    return words("grade.label", grade=level) if level else words("grade.none")


def _field_row(field: Json, words: Phrases) -> FieldRow:
    classes = sorted({count["data_class"] for count in field["classes"]} - {field["data_class"]})
    main, others = field["data_class"], [words.data_class(name) for name in classes]
    if not main:
        title = others[0] if len(others) == 1 else words("fields.several")
        main, others = (classes[0], []) if len(classes) == 1 else ("", others)
    else:
        title = words.data_class(main)
    word = confidence_word(field["confidence"])
    return FieldRow(
        dataset=shown(field["dataset"]), field=shown(field["field"]), kind=words.term("kind", field["kind"]),
        title=title, also=words("fields.also", what=words.listing(others)) if others else "", data_class=shown(main),
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


def is_sensitive(identifier: str) -> bool:
    """Whether the taxonomy treats the class as sensitive personal information (PIPL Art. 28)."""
    try:
        return bool(identifier and taxonomy.data_class(identifier).pipl28)
    except KeyError:
        return False


def _decision_row(decision: Json, words: Phrases) -> DecisionRow:
    identifier = decision["data_class"]
    return DecisionRow(
        code=decision["action"], action=words.term("action", decision["action"]), dataset=shown(decision["dataset"]),
        field=shown(decision["field"]), title=words.data_class(identifier) if identifier else "",
        scope=words.term("scope", decision["scope"]), rule=shown(decision["rule"]),
        basis=tuple(reference_title(name, words) for name in decision["basis"]),
        basis_ids=tuple(shown(name) for name in decision["basis"]),
        params=_params(decision["params"], words), reason=_said(decision, "reason", words), waived_by=shown(decision.get("waived_by", "")),
    )


def _said(row: Json, key: str, words: Phrases) -> str:
    """A sentence of another room, in the reader's language."""
    return shown(say(row.get(key) or "", words.language))


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


def _grounds(decisions: Iterable[Json], words: Phrases) -> tuple[tuple[str, str], ...]:
    """The grounds that the decisions name, each with what it asks."""
    named = sorted({name for decision in decisions for name in decision["basis"]})
    return tuple((reference_title(name, words), says) for name in named if (says := reference_says(name, words)))


def _skipped_row(skipped: Json, words: Phrases) -> SkippedRow:
    line = {"line": skipped["line"]} if skipped.get("line") is not None else {}
    return SkippedRow(shown(skipped["dataset"]), words.term("reason", skipped["reason"]), _said(skipped, "detail", words),
                      place(line, words))


def _input_row(item: Json, words: Phrases) -> InputRow:
    reason = item.get("reason", "")
    return InputRow(shown(item["path"]), shown(item.get("format", "")), shown(item.get("encoding", "")),
                    words.size(item["bytes"]), item["status"], words.term("status", item["status"]),
                    words.term("reason", reason) if reason else "")


def _check_row(check: Json, words: Phrases) -> CheckRow:
    known = check["id"] in words.sections["check_title"]
    title = words.term("check_title", check["id"]) if known else shown(check.get("title") or check["id"])
    passed = check["passed"] is True
    return CheckRow(title, passed, words("check.passed" if passed else "check.failed"), _said(check, "detail", words))


def _risk(risk: Json) -> tuple[tuple[str, str], ...]:
    """The measures, empty while nothing was measured. A measure without a status is none."""
    if risk.get("status", "not_measured") == "not_measured":
        return ()
    return tuple((shown(name), shown(value)) for name, value in sorted(risk.items()))

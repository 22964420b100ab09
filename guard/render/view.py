"""A report as readers see it: escaped, translated, sorted, cut to what fits. Formats for people are made from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from guard.model import Action
from guard.render.escape import shown
from guard.render.phrases import Phrases, number, phrases
from guard.render.rows import (
    CheckRow,
    Cut,
    DecisionRow,
    FieldRow,
    InputRow,
    Json,
    Row,
    SkippedRow,
    check_row,
    decision_row,
    field_row,
    grade_title,
    has_findings,
    input_row,
    skipped_row,
    strictness,
)
from guard.render.sentences import say
from guard.render.stored import skipped_order
from guard.render.verdict import Statement, state, versions_in

MAX_PLAIN_NAMES = 60
MAX_EXAMPLE_FIELDS = 60
MAX_GROUND_DECISIONS = 20_000
GRADES = (4, 3, 2, 1, 0)
"""From the highest; 0 stands for a field without a finding."""


class GradeBar(NamedTuple):
    """One part of the chart of grades: where it starts and how wide it is, in thousandths of the bar."""

    level: int
    title: str
    number: str
    start: int
    width: int


class View(NamedTuple):
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
        fields=_cut(holding, _field_order, limit, lambda field: field_row(field, words)),
        plain_fields=_cut(plain, _name_order, min(limit, MAX_PLAIN_NAMES), lambda field: shown(_full_name(field))),
        examples=_cut(with_examples, _field_order, min(limit, MAX_EXAMPLE_FIELDS), lambda f: field_row(f, words)),
        decisions=_cut(acting, _decision_order, limit, lambda decision: decision_row(decision, words)),
        unchanged=len(report["decisions"]) - len(acting),
        skipped=_cut(report["skipped"], skipped_order, limit, lambda skipped: skipped_row(skipped, words)),
        inputs=_cut(report["inputs"], lambda item: item["path"], limit, lambda item: input_row(item, words)),
        checks=tuple(check_row(check, words) for check in report["checks"]),
        suppressed=tuple((words.term("suppressed", name), number(count))
                         for name, count in sorted(report["suppressed"].items()) if count),
        waived=_cut([d for d in acting if d.get("waived_by")], _decision_order, limit,
                    lambda decision: decision_row(decision, words)),
        risk=_risk(report["risk"]),
        warnings=_cut(report["warnings"], str, limit, lambda text: shown(say(text, language), 400)),
        grounds=_grounds(acting[:MAX_GROUND_DECISIONS], words),
    )


def moment(created: str) -> str:
    """An ISO 8601 time as people write it, to the minute and with its offset; anything else as it is."""
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        return shown(created)
    return f"{time:%Y-%m-%d %H:%M} {time.tzname() or ''}".strip()


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


def _figures(report: Json, words: Phrases, holding: Sequence[Json]) -> tuple[tuple[str, str], ...]:
    actions = Counter(decision["action"] for decision in report["decisions"])
    open_count, versions = actions[Action.BLOCK] + actions[Action.REVIEW], versions_in(report)
    counts = {
        **({"inputs": len(report["inputs"])} if versions is None else {"versions": versions}),
        "fields": len(report["fields"]), "with_findings": len(holding),
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


def _grounds(decisions: Iterable[Json], words: Phrases) -> tuple[tuple[str, str], ...]:
    """The grounds that the decisions name, each with what it asks."""
    named = sorted({name for decision in decisions for name in decision["basis"]})
    if not named:  # as for every scan
        return ()
    from guard.render.references import reference_says, reference_title

    return tuple((reference_title(name, words), says) for name in named if (says := reference_says(name, words)))


def _risk(risk: Json) -> tuple[tuple[str, str], ...]:
    """The measures, empty while nothing was measured. A measure without a status is none."""
    if risk.get("status", "not_measured") == "not_measured":
        return ()
    return tuple((shown(name), shown(value)) for name, value in sorted(risk.items()))

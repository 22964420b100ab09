"""Fields, reports and policies as the policy room meets them, in one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.model import CERTAIN, LIKELY, ClassCount, Decision, Field, Report, Scope, Skipped, Verdict
from guard.policy import Policy
from guard.taxonomy import data_class

HEAD = """\
guard_policy: 1
id: test
version: "1"
title: {en: Test, zh: 测试}
"""


def count(identifier: str, hits: int = 100, *, validated: int | None = None, confidence: float = 0.95, masked: int = 0,
          cells: int | None = None, dense: bool = True, from_header: bool = False, reason: str = "") -> ClassCount:
    """One class of a field; by default all of 100 cells hold it, checked."""
    return ClassCount(
        identifier, hits, hits if validated is None else validated, hits if confidence >= CERTAIN else 0,
        hits if confidence >= LIKELY else 0, masked, hits if cells is None else cells, confidence, dense, from_header,
        reason)


def field(name: str, *counts: ClassCount | str, dataset: str = "people.csv", kind: str = "column", filled: int = 100,
          long_text: int = 0, schema_hash: str = "") -> Field:
    """A field of 100 filled cells with these classes."""
    classes = tuple(count(c) if isinstance(c, str) else c for c in counts)
    known = data_class(classes[0].data_class if classes else "org.name")
    return Field(dataset, name, kind, classes[0].data_class if classes else "", known.role, known.grade,
                 max((c.confidence for c in classes), default=0.0), 100, filled, sum(c.hits for c in classes),
                 sum(c.masked for c in classes), long_text, classes, schema_hash=schema_hash)


def report(*fields: Field, audience: str = "", skipped: tuple[Skipped, ...] = (), **more: Any) -> Report:
    """A report on these fields, before any decision."""
    return Report(tool={}, rules={}, inputs=(), fields=fields, findings=(), skipped=skipped, verdict=Verdict.PASS,
                  created="", audience=audience, **more)


def write_policy(folder: Path, text: str, name: str = "test.yml", head: str = HEAD) -> Path:
    """A policy file with the usual head."""
    path = folder / name
    path.write_text(head + text, encoding="utf-8")
    return path


def load_policy(folder: Path, text: str) -> Policy:
    """The policy with the usual head and this text."""
    return Policy.load(write_policy(folder, text))


def by_field(decisions: list[Decision]) -> dict[str, Decision]:
    """The one decision of each field; dataset decisions under their scope."""
    return {d.field or Scope.DATASET: d for d in decisions}

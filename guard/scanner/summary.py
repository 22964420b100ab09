"""From a tally to a report: verdicts on the fields, counts for readers, no decisions."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from guard._version import __version__
from guard.classify import classify
from guard.detect import Matcher
from guard.model import Field, Report, Verdict
from guard.tally import Tally


def now() -> str:
    """The time of a report: UTC, to the second, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def summarised(tally: Tally, matcher: Matcher, warnings: Sequence[str]) -> Report:
    """The report on a tally; `incomplete` when anything was skipped or nothing was there to read."""
    fields = classify(tally, matcher.detectors)
    skipped = tuple(dict.fromkeys(tally.skipped))  # each piece of a large file may say the same of it
    complete = not skipped and any(i.status == "scanned" for i in tally.inputs)
    return Report(
        tool={"name": "guard", "version": __version__},
        rules={"digest": matcher.digest, "detectors": len(matcher.detectors)},
        inputs=tuple(tally.inputs), fields=fields,
        findings=tuple(f for field in tally.fields.values() for f in field.findings), skipped=skipped,
        verdict=Verdict.PASS if complete else Verdict.INCOMPLETE, created=now(), suppressed=dict(tally.suppressed),
        summary=_counts(tally, fields, len(skipped)), warnings=(*warnings, *_weaknesses(tally)),
    )


def _weaknesses(tally: Tally) -> list[str]:
    """The fields that look protected and are not."""
    return [f"{field.dataset}: {field.name}: {field.weakness}" for field in tally.fields.values() if field.weakness]


def _counts(tally: Tally, fields: Sequence[Field], skipped: int) -> dict[str, Any]:
    return {
        "files": len(tally.inputs), "fields": len(fields), "skipped": skipped + tally.skipped_more,
        "bytes": sum(i.bytes for i in tally.inputs),
        "findings": sum(field.hits for field in fields), "masked": sum(field.masked_hits for field in fields),
        "personal_fields": sum(bool(field.data_class) for field in fields),
    }

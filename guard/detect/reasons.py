"""Reasons: what a recorded judgement was made of, as named weights and one outcome.

A test holds that the weights of every hit add up to its confidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from guard.batch import FROM_HEADER, MASKED
from guard.detect.judge import BACKED_WORTH, CEILING, MASKED_WORTH, Kind, context_worth, entropy, is_allowed
from guard.detect.recorded import Record
from guard.detect.recording import Answer, Outcome, Use
from guard.detect.rule import Rule

_ENTROPY = "entropy"


class Weight(NamedTuple):
    """One part of a confidence: what it is worth something for, how much, and of which check it is."""

    name: str
    amount: float
    of: str = ""


def answers(record: Record, value: str) -> Iterator[Answer]:
    """What the checks said about the normal form of the value; the measure of entropy is one of the filters."""
    least, told = record.rule.detector.entropy, record.rule.answers
    filters = [answer for answer in told if answer.use is Use.FILTER]
    yield from filters
    if least and not record.barred and all(answer.passed for answer in filters):
        yield Answer(Use.FILTER, _ENTROPY, entropy(value) >= least)
    yield from told[len(filters):]


def weights(record: Record, told: tuple[Answer, ...], fits: bool) -> Iterator[Weight]:
    """The parts of the confidence, whether or not they suffice. `fits` is whether the header does."""
    rule, worth = record.rule, record.rule.detector.confidence
    if record.barred or not _is_weighed(record, told, fits):
        return
    if (hidden := _hidden_weights(record, fits)) is not None:
        yield from hidden
        return
    checked = [answer.passed for answer in told if answer.use is Use.CHECK]
    if not all(checked):
        if worth.failed and (fits or rule.sign > 0):
            yield Weight("failed", worth.failed)
        return
    parts = [Weight("checked", worth.checked) if checked else Weight("shape", worth.shape)]
    parts += [Weight("evidence", rule.detector.evidence[answer.name], answer.name) for answer in told
              if answer.use is Use.EVIDENCE and answer.passed]
    if around := context_worth(rule, fits, rule.sign):
        parts.append(Weight(_around(fits, rule.sign), around))
    yield from parts
    if (total := sum(part.amount for part in parts)) > CEILING:
        yield Weight("ceiling", CEILING - total)


def _around(fits: bool, sign: int) -> str:
    if fits and sign >= 0:
        return "header"
    return "context" if sign > 0 else "against"


def _is_weighed(record: Record, told: tuple[Answer, ...], fits: bool) -> bool:
    """Whether the judge came as far as adding up."""
    has_value = not record.rule.extents or record.rule.extents[-1] is not None
    return has_value and is_allowed(record.rule, fits, record.rule.sign) and all(
        answer.passed for answer in told if answer.use is Use.FILTER)


def _hidden_weights(record: Record, fits: bool) -> list[Weight] | None:
    """The parts of a masked value, or of one whose mask is too weak; None for a value in clear."""
    verdict = record.verdict
    if verdict is None or record.kind is Kind.PATTERN or verdict.flags & FROM_HEADER:
        return None
    if not verdict.flags & MASKED:
        return [Weight("weak_mask", record.rule.detector.confidence.shape)]
    backed = [Weight("backed", BACKED_WORTH)] if fits or record.rule.sign > 0 else []
    return [Weight("masked", MASKED_WORTH), *backed]


def outcome(record: Record, told: tuple[Answer, ...], fits: bool) -> Outcome:
    """What came of it, but for the overlaps of hits: those the matcher tells."""
    rule = record.rule
    if record.barred:
        return record.barred
    if record.verdict is not None:
        return Outcome.REPORTED if record.placed else Outcome.NO_COMPANY
    if rule.extents and rule.extents[-1] is None:
        return Outcome.NO_VALUE
    if not is_allowed(rule, fits, rule.sign):
        return _unallowed(rule)
    failed = next((answer.use for answer in told if not answer.passed and answer.use is not Use.EVIDENCE), None)
    if failed is None:
        return Outcome.TOO_LITTLE
    return Outcome.FILTERED if failed is Use.FILTER else Outcome.CHECK_FAILED


def _unallowed(rule: Rule) -> Outcome:
    return Outcome.NEEDS_HEADER if rule.detector.require == "header" else Outcome.NEEDS_CONTEXT



"""Detector packs: the schema of `detectors/*.yml`, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field as Constraint

from guard import content
from guard.content import Document, Strict, read_yaml
from guard.taxonomy import Title, taxonomy

TAXONOMY = "taxonomy.yml"


class Confidence(Strict):
    """What a match is worth: `shape` for the pattern alone, `checked` when every validator passes.

    `failed` is its worth when a validator fails although a context word or the header fits (0: not reported then).
    """

    shape: float = Constraint(default=0.5, ge=0, le=1)
    checked: float = Constraint(default=0.95, ge=0, le=1)
    failed: float = Constraint(default=0.0, ge=0, le=0.59)


class Context(Strict):
    """Words near a match, in its line: `words` raise the confidence by `boost`, `against` lower it by `penalty`.

    Looked at are `window` code points before the match and `after` code points behind it, cut at the next comma,
    semicolon, full stop, tab or bar, and the header of the column. When both kinds are there, the nearest counts.
    """

    words: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    boost: float = Constraint(default=0.3, ge=0, le=1)
    penalty: float = Constraint(default=0.45, ge=0, le=1)
    window: int = Constraint(default=24, ge=1, le=200)
    after: int = Constraint(default=8, ge=0, le=200)


class Examples(Strict):
    """Inline tests: texts in which the detector must fire, must not fire, or must tell a value as masked."""

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


class Detector(Strict):
    """A named way to recognise one data class.

    `pattern` is an ASCII-mode regular expression over one normalised line; what is reported is `group` of it
    (the last group that took part when this one did not).
    `boundary` says what may not touch the whole match: ASCII digits, ASCII letters and digits, or nothing is looked at.
    `keywords`: a line without any of them (case ignored) is not searched. `multiline` searches the whole buffer as it
    is (PEM keys). `separators` are what the pattern allows inside a value; they are removed before validation, and
    `form` names what else `normal_form` does (`guard.detect.normalise.FORMS`).
    `extent` names the function that finds where a match really starts and ends, or that there is none
    (`guard.detect.extents`). `filters` drop a match when one says no; `validate` are proofs, whose failure leaves
    `confidence.failed` in a fitting place; `evidence` adds to the confidence what each function that says yes is worth
    (names of `guard.detect.validators`).
    `masked` is the pattern of the value in its masked forms (its first group, if it has one), of which at least
    `hidden` characters must be hidden. `near` are data classes of which one must have a hit in the same line.
    `require` makes the match count only with a context word or fitting header (`context`), or only in a column or
    under a key whose header fits (`header`). A detector without a pattern classifies columns by `headers` alone.
    `cell` is the pattern of a whole cell in a column whose header fits, where it may be looser than `pattern`.
    """

    id: str = Constraint(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    data_class: str
    title: Title
    pattern: str = ""
    cell: str = ""
    group: int = 0
    boundary: Literal["digit", "alnum", "none"] = "alnum"
    separators: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    multiline: bool = False
    form: str = ""
    extent: str = ""
    filters: tuple[str, ...] = ()
    evidence: dict[str, float] = Constraint(default_factory=dict)
    near: tuple[str, ...] = ()
    entropy: float = Constraint(default=0.0, ge=0, le=8)
    check: tuple[str, ...] = Constraint(default=(), alias="validate")
    masked: str = ""
    hidden: int = Constraint(default=4, ge=1, le=12)
    confidence: Confidence = Confidence()
    require: Literal["nothing", "context", "header"] = "nothing"
    context: Context | None = None
    headers: tuple[str, ...] = ()
    examples: Examples = Examples()
    references: tuple[str, ...] = ()


def load(paths: Iterable[Path] | None = None) -> tuple[Detector, ...]:
    """All detectors of the given packs (default: every shipped pack), ordered by id. Raises ContentError with place."""
    chosen = list(paths) if paths is not None else shipped()
    found: dict[str, Detector] = {}
    for path in chosen:
        for index, detector in enumerate(_read(document := read_yaml(path, name=path.name))):
            _check(document, index, detector, found)
            found[detector.id] = detector
    return tuple(found[key] for key in sorted(found))


def shipped() -> list[Path]:
    """The shipped packs."""
    return [path for path in content.files("detectors") if path.name != TAXONOMY]


def _read(document: Document) -> tuple[Detector, ...]:
    return document.validate(tuple[Detector, ...])


def _check(document: Document, index: int, detector: Detector, found: dict[str, Detector]) -> None:
    if detector.id in found:
        raise document.error((index, "id"), f"detector {detector.id} is defined twice")
    if detector.data_class not in taxonomy():
        raise document.error((index, "data_class"), f"unknown data class {detector.data_class}",
                             hint="the classes are listed in detectors/taxonomy.yml")
    for name in ("pattern", "cell", "masked"):
        try:
            groups = re.compile(getattr(detector, name), re.ASCII).groups
        except re.error as error:
            raise document.error((index, name), f"bad pattern: {error.msg} at position {error.pos}") from None
        if name == "pattern" and detector.group > groups:
            raise document.error((index, "group"), f"the pattern has no group {detector.group}")
    if not detector.pattern and not detector.headers:
        raise document.error((index, "id"), f"detector {detector.id} has neither pattern nor headers")

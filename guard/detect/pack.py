"""Detector packs: the schema of `detectors/*.yml`, read and checked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from guard import content, taxonomy
from guard.content import Source
from guard.detect import limits
from guard.taxonomy import STRICT, Title

if TYPE_CHECKING:
    from guard.plain_yaml import Document

_SHARE = {"ge": 0, "le": 1}
_LEFT = {"digit": r"(?<![0-9])", "alnum": r"(?<![0-9A-Za-z])", "none": ""}
_RIGHT = {"digit": r"(?![0-9])", "alnum": r"(?![0-9A-Za-z])", "none": ""}


@dataclass(frozen=True, slots=True)
class Confidence:
    """What a match is worth: `shape` for the pattern alone, `checked` when every validator passes.

    `failed` is its worth when a validator fails although a context word or the header fits (0: not reported then).
    """

    __pydantic_config__ = STRICT

    shape: float = field(default=0.5, metadata=_SHARE)
    checked: float = field(default=0.95, metadata=_SHARE)
    failed: float = field(default=0.0, metadata={"ge": 0, "le": 0.59})


@dataclass(frozen=True, slots=True)
class Context:
    """Words near a match, in its line: `words` raise the confidence by `boost`, `against` lower it by `penalty`.

    Looked at are `window` code points before the match and `after` code points behind it, cut at the next comma,
    semicolon, full stop, tab or bar, and the header of the column. When both kinds are there, the nearest counts.
    """

    __pydantic_config__ = STRICT

    words: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    boost: float = field(default=0.3, metadata=_SHARE)
    penalty: float = field(default=0.45, metadata=_SHARE)
    window: int = field(default=24, metadata={"ge": 1, "le": 200})
    after: int = field(default=8, metadata={"ge": 0, "le": 200})


@dataclass(frozen=True, slots=True)
class Examples:
    """Inline tests: texts in which the detector must fire, must not fire, or must tell a value as masked."""

    __pydantic_config__ = STRICT

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
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
    `reviewed` is no part of a pack: `load` sets it for the shipped ones, whose patterns run without a limit of time.
    """

    __pydantic_config__ = STRICT

    id: str = field(metadata={"pattern": r"^[a-z0-9]+(-[a-z0-9]+)*$"})
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
    evidence: dict[str, float] = field(default_factory=dict)
    near: tuple[str, ...] = ()
    entropy: float = field(default=0.0, metadata={"ge": 0, "le": 8})
    check: tuple[str, ...] = field(default=(), metadata={"alias": "validate"})
    masked: str = ""
    hidden: int = field(default=4, metadata={"ge": 1, "le": 12})
    confidence: Confidence = Confidence()
    require: Literal["nothing", "context", "header"] = "nothing"
    context: Context | None = None
    headers: tuple[str, ...] = ()
    examples: Examples = Examples()
    references: tuple[str, ...] = ()
    reviewed: bool = field(default=False, init=False, compare=False)


class DetectorSet(tuple[Detector, ...]):
    """Detectors in their order, and their `digest`, which takes longer to make than to keep."""

    digest: str

    @classmethod
    def of(cls, detectors: Iterable[Detector], digest: str) -> DetectorSet:
        """Those detectors, of which this is the digest."""
        made = cls(detectors)
        made.digest = digest
        return made


def digest(detectors: Sequence[Detector]) -> str:
    """`sha256:…` of the detectors in their order."""
    if isinstance(detectors, DetectorSet):
        return detectors.digest
    canonical = json.dumps(list(detectors), default=_fields_of, ensure_ascii=False, sort_keys=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _fields_of(record: Any) -> dict[str, Any]:
    """The fields of a detector or of a part of it by name."""
    return {name: getattr(record, name) for name in record.__slots__ if name != "reviewed"}


_PARTS = {"title": Title, "confidence": Confidence, "context": Context, "examples": Examples}


def bounded(pattern: str, boundary: str) -> str:
    """The pattern between its boundaries; they hold for the whole match, so backtracking respects them."""
    return f"{_LEFT[boundary]}(?:{pattern}){_RIGHT[boundary]}"


def load(paths: Iterable[Path] | None = None, *, use_cache: bool = True) -> DetectorSet:
    """All detectors of the given packs (default: every shipped pack), ordered by id. Raises ContentError with place.

    Packs that were read before, byte for byte, come from the user's cache if `use_cache`.
    """
    chosen, reviewed = _chosen(paths)
    packs = [content.read(path, name=path.name) for path in chosen]
    plain = content.kept([*packs, taxonomy.source()], [taxonomy.__file__, __file__, limits.__file__],
                         lambda: _validated(packs, reviewed), shape=str(reviewed), use_cache=use_cache)
    return DetectorSet.of((_detector(data, reviewed[number]) for number, data in plain["detectors"]), plain["digest"])


def _chosen(paths: Iterable[Path] | None) -> tuple[list[Path], list[bool]]:
    """The packs, and of each whether it is a shipped one."""
    ours = shipped()
    if paths is None:
        return ours, [True] * len(ours)
    chosen, known = list(paths), {path.resolve() for path in ours}
    return chosen, [path.resolve() in known for path in chosen]


def shipped() -> list[Path]:
    """The shipped packs."""
    return [path for path in content.files("detectors") if path.name != taxonomy.FILE]


def _detector(data: dict[str, Any], reviewed: bool) -> Detector:
    detector: Detector = _made(Detector, data)
    object.__setattr__(detector, "reviewed", reviewed)
    return detector


def _made(shape: Any, data: dict[str, Any]) -> Any:
    """The object that plain data describes, its parts too; the data is used up. JSON knows no tuples."""
    for name, value in data.items():
        if isinstance(value, list):
            data[name] = tuple(value)
        elif name in _PARTS:
            data[name] = _made(_PARTS[name], value)
    return shape(**data)


def _validated(packs: Sequence[Source], reviewed: Sequence[bool]) -> Any:
    """The detectors of all packs as plain data, each behind the number of its pack, ordered by id; and their digest."""
    found: dict[str, tuple[int, Detector]] = {}
    for number, document in enumerate(pack.parse() for pack in packs):
        for index, detector in enumerate(document.validate(tuple[Detector, ...])):
            _check(document, index, detector, found)
            if not reviewed[number]:
                _check_limits(document, index, detector)
            found[detector.id] = number, detector
    chosen = tuple(found[key] for key in sorted(found))
    return {"detectors": content.plain(tuple[tuple[int, Detector], ...], chosen),
            "digest": digest([detector for _, detector in chosen])}


def _check(document: Document, index: int, detector: Detector, found: Container[str]) -> None:
    if detector.id in found:
        raise document.error((index, "id"), f"detector {detector.id} is defined twice")
    if detector.data_class not in taxonomy.taxonomy():
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


def _check_limits(document: Document, index: int, detector: Detector) -> None:
    """Whether the patterns can be run under a limit of time."""
    for name in ("pattern", "cell", "masked"):
        source = getattr(detector, name)
        spelled = source if name == "cell" else bounded(source, detector.boundary)
        if source and (fault := limits.fault(spelled)):
            raise document.error((index, name), f"bad pattern: {fault}")

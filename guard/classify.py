"""What a field is: its header and its values together.

Confidence of a field is combined from two witnesses, each a probability-like number, as if they were independent:

    1 - (1 - header) * (1 - values)
    header = 0.5 when the header names the class, else 0
    values = best confidence of a hit * min(1, share of filled cells with a hit / 0.5)

It never falls when the header fits, a hit is more certain or more cells are hit, and it is never below that of the best
hit: a text in which one phone number stands certainly holds one. Two caps keep it honest: values whose check digits all
fail, and a header whose values do not fit, are `possible` at most.

A header that only hints at a class (a column `name` may hold persons, places or products) is no witness by itself. What
the hint let fire counts when the column is mixed at least: MIXED of the filled cells are likely hits. Beside two kinds
of data that only natural persons have (identity, sex, birth date, ...) the hint counts like any other header.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from guard.detect.headers import HeaderWords
from guard.detect.pack import Detector
from guard.model import LIKELY, POSSIBLE, ClassCount, Field, Finding, Role
from guard.patterns import pattern
from guard.tally import MAX_EXAMPLES, ClassTally, FieldTally, Tally
from guard.taxonomy import data_class as class_of
from guard.taxonomy import title

DENSE = 0.5
"""Share of the filled cells from which on a class stands for the whole field."""
EXPLAINED = 0.95
"""Share of the filled cells that validated values of another class must fill before a header that says otherwise is
taken for a wrong header."""
MIXED = 0.35
"""Share of the filled cells below which likely hits under a hinting header are chance. Measured on columns of names,
places, jobs and products: the last are above it never, half names half companies are always."""
_BY_FORM = "evident_name"
"""The extent of detectors that know a name in running text by its form and its borders."""
_OF_PERSONS = ("person.id", "person.passport", "person.sex", "person.birth_date", "person.age", "person.ethnic_group",
               "person.marital_status", "person.education", "person.phone.mobile")
_NAME = "person.name"
_NEIGHBOURS = 2
_UNNAMED = pattern(r"column \d+")
_HEADER_WEIGHT = 0.5
_DENSE_CELLS = 3
_UNCERTAIN = LIKELY - 0.01
_STRICTEST_ROLE = (Role.DIRECT, Role.SENSITIVE, Role.QUASI, Role.NONE)
_MASKED_GRADE = 2
_NO_GRADE = 1


def classify(tally: Tally, detectors: Sequence[Detector]) -> tuple[Field, ...]:
    """One verdict per field of the tally, ordered by dataset, kind and place of the field."""
    classes = {detector.id: detector.data_class for detector in detectors}
    hashes = _schema_hashes(tally.fields.values())
    ordered = sorted(tally.fields.values(), key=lambda f: (f.dataset, f.kind, f.ordinal, f.name))
    weighed = _weigh_hints(ordered, detectors)
    return tuple(_classify_field(field, classes, hashes[field.dataset]) for field in weighed)


def _weigh_hints(fields: Sequence[FieldTally], detectors: Sequence[Detector]) -> list[FieldTally]:
    """The fields without what a hint alone let fire by chance, and with the header where neighbours back it."""
    if not any(field.kind == "column" for field in fields):
        return list(fields)
    hinting = [(detector, HeaderWords(detector.headers)) for detector in detectors
               if any(word.startswith("?") for word in detector.headers)]
    by_form = [detector for detector in detectors if detector.extent == _BY_FORM]
    if not hinting and not by_form:  # packs of secrets
        return list(fields)
    records = _records(fields)
    return [_weigh_hint(field, hinting, by_form, records) if field.kind == "column" else field for field in fields]


def _without_chance(field: FieldTally, by_form: Sequence[Detector]) -> FieldTally:
    """The field without detectors that go by the form of a word alone, when short values seldom have it.

    In long text their hits are words of sentences; products and places that are written like names stand alone.
    """
    doubtful = [detector.id for detector in by_form
                if detector.id in field.detectors and detector.data_class not in field.header_classes]
    if not doubtful or field.long_text:
        return field
    if sum(field.detectors[name].likely for name in doubtful) >= MIXED * field.filled:
        return field
    return replace(field, detectors={name: one for name, one in field.detectors.items() if name not in doubtful})


def _weigh_hint(field: FieldTally, hinting: Sequence[tuple[Detector, HeaderWords]], by_form: Sequence[Detector],
                records: Mapping[tuple[str, str], set[str]]) -> FieldTally:
    field = _without_chance(field, by_form)
    owner, header = _headers(field.name)
    fitting = [(d, words) for d, words in hinting if d.data_class not in field.header_classes
               and words.fit(header) and not words.names(header)]
    if not fitting:
        return field
    hinted = {detector.id: detector.data_class for detector, _ in fitting}
    found = records.get((field.dataset, _record(field.name)), set())
    owned = any(words.names(f"{owner}_{header}") for _, words in fitting)
    if owned or (_NAME not in found and len(found) >= _NEIGHBOURS):
        return replace(field, header_classes=(*dict.fromkeys(hinted.values()), *field.header_classes))
    counted = [field.detectors[name] for name in hinted if name in field.detectors]
    # Without any header no cell is backed, so what fired there fired by its own form.
    if sum((one.likely if header else one.cells) + one.masked for one in counted) >= MIXED * field.filled:
        return field
    return replace(field, detectors={name: one for name, one in field.detectors.items() if name not in hinted})


def _records(fields: Iterable[FieldTally]) -> dict[tuple[str, str], set[str]]:
    """What stands beside a field: for each record the kinds of data that only natural persons have, and their names.

    A table has one record; in JSON it is the object that a value belongs to, with the objects inside of it.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for field in fields:
        telling = {kind for name in field.header_classes for kind in (*_OF_PERSONS, _NAME)
                   if name == kind or name.startswith(f"{kind}.")}
        record = _record(field.name)
        while telling:
            found[field.dataset, record] |= telling
            if not record or record.endswith("[*]"):
                break
            record = _record(record)
    return found


def _headers(name: str) -> tuple[str, str]:
    """What a JSON value belongs to, in the singular, and its key: patient and name of `$.patients[*].name`.

    A column that is shown by its number has no header, or one that is not to be shown.
    """
    if not name.startswith("$"):
        return "", "" if _UNNAMED.fullmatch(name) else name
    keys = [key for key in name.replace("[*]", "").split(".")[1:] if key != "*"]
    return (keys[-2].removesuffix("s") if len(keys) > 1 else ""), (keys[-1] if keys else "")


def _record(name: str) -> str:
    """The path of the object that a JSON value belongs to; "" for columns of a table."""
    return name.rpartition(".")[0] if name.startswith("$") else ""


def _schema_hashes(fields: Iterable[FieldTally]) -> dict[str, str]:
    """`sha256:…` over the ordered field names of each dataset: what an exception is bound to."""
    names: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for field in fields:
        known = names[field.dataset]
        if field.kind != "name":
            known.append((field.ordinal, field.name))
    return {dataset: _schema_hash(tuple([name for _, name in sorted(found)])) for dataset, found in names.items()}


@lru_cache(maxsize=64)
def _schema_hash(names: tuple[str, ...]) -> str:
    """Kept, as the files of a tree of texts all have the one field."""
    canonical = json.dumps(names, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


class _Evidence(NamedTuple):
    """One class in one field: what all its detectors counted together."""

    data_class: str
    counted: ClassTally
    cells: int
    dense: bool
    from_header: bool
    field: FieldTally

    @property
    def unshadowed(self) -> int:
        return self.counted.hits - self.counted.shadowed

    @property
    def checks_fail(self) -> bool:
        return 0 < self.counted.hits == self.counted.check_failed and not self.counted.validated

    @property
    def unfitting(self) -> bool:
        """The header names the class, there are values, and not one of them is of the class, masked or not."""
        return self.from_header and not self.counted.hits and self.field.filled > self.counted.masked

    @property
    def confidence(self) -> float:
        """Confidence that the class is in the field, see the head of this module."""
        is_capped = self.unfitting or not self.field.filled or self.checks_fail
        return self.weight if is_capped else max(self.weight, self.counted.confidence)

    @property
    def weight(self) -> float:
        """Both witnesses together: how much of the field the class explains."""
        share = min(1.0, self.cells / self.field.filled / DENSE) if self.field.filled else 0.0
        header = _HEADER_WEIGHT if self.from_header else 0.0
        combined = 1 - (1 - header) * (1 - self.counted.confidence * share)
        if self.unfitting or not self.field.filled:
            return POSSIBLE
        return min(combined, _UNCERTAIN) if self.checks_fail else combined

    @property
    def reason(self) -> str:
        says = f'header says "{title(self.data_class)}"' if self.from_header else ""
        values = self._values(has_header=bool(says))
        return f"{says}, {values}" if says and values else says or values

    def _values(self, *, has_header: bool) -> str:
        filled, hits = self.field.filled, self.counted.hits
        if not filled:
            return "no values"
        if self.checks_fail:
            shaped = "" if has_header else f' shaped like "{title(self.data_class)}"'
            return f"0 of {hits} values{shaped} pass the check digit"
        if self.unfitting:
            return f"none of {filled - self.counted.masked} values fit"
        if not hits:
            return f"{self.counted.masked} already masked values"
        return f"{self.cells} of {filled} {'lines' if self.field.kind == 'text' else 'values'} fit"

    def as_count(self) -> ClassCount:
        """The evidence as the report carries it."""
        counted = self.counted
        return ClassCount(
            self.data_class, counted.hits, counted.validated, counted.certain, counted.likely, counted.masked,
            self.cells, POSSIBLE if self.unfitting else counted.confidence, self.dense, self.from_header, self.reason,
        )


def _classify_field(field: FieldTally, classes: Mapping[str, str], schema_hash: str) -> Field:
    if not field.detectors and not field.header_classes:  # as most files of a tree of sources
        return Field(field.dataset, field.name, field.kind, "", Role.NONE, _NO_GRADE, 0.0, field.rows, field.filled, 0,
                     0, field.long_text, schema_hash=schema_hash)
    evidence = _gather(field, classes)
    own = _own_class(field, evidence)
    raw = [item for item in evidence if item.counted.hits or not item.counted.masked]
    return Field(
        dataset=field.dataset, field=field.name, kind=field.kind, data_class=own.data_class if own else "",
        role=_role(raw), grade=_grade(raw, evidence), confidence=own.confidence if own else _highest(raw),
        rows=field.rows, filled=field.filled, hits=sum(item.unshadowed for item in evidence),
        masked_hits=sum(item.counted.masked for item in evidence), long_text=field.long_text,
        classes=tuple(item.as_count() for item in evidence), examples=_examples(own, evidence),
        reason=own.reason if own else "", schema_hash=schema_hash,
    )


def _gather(field: FieldTally, classes: Mapping[str, str]) -> list[_Evidence]:
    """The classes that fired or that the header names, best first."""
    counted: dict[str, ClassTally] = {}
    for detector, tally in field.detectors.items():
        identifier = classes[detector]
        counted[identifier] = counted[identifier] + tally if identifier in counted else tally
    for identifier in _header_only(field, counted):
        counted[identifier] = ClassTally()
    return sorted((_evidence(field, identifier, tally) for identifier, tally in counted.items()), key=_order)


def _header_only(field: FieldTally, counted: Mapping[str, ClassTally]) -> tuple[str, ...]:
    """The class that the header names although no value is of any class it names; none when values refute it.

    A header may name several (a certificate number is an ID or a passport); only the best of them is suspected.
    """
    if not field.header_classes or any(_fired(counted.get(name)) for name in field.header_classes):
        return ()
    refuted = field.filled and any(tally.validated and tally.cells >= EXPLAINED * field.filled
                                   for tally in counted.values())
    return () if refuted else field.header_classes[:1]


def _fired(tally: ClassTally | None) -> bool:
    return tally is not None and bool(tally.hits or tally.masked)


def _evidence(field: FieldTally, identifier: str, tally: ClassTally) -> _Evidence:
    # Two detectors of one class may hit the same cell; more cells than are filled cannot be.
    cells = min(tally.cells, field.filled)
    from_header = field.kind == "column" and identifier in field.header_classes
    enough = cells >= min(_DENSE_CELLS, field.filled) and cells >= DENSE * field.filled
    dense = field.kind == "column" and (from_header or (cells > 0 and enough))
    return _Evidence(identifier, tally, cells, dense, from_header, field)


def _order(item: _Evidence) -> tuple[bool, bool, float, float, int, str]:
    """The most specific validated class first: what other findings of the same value are shadowed by, then proof."""
    validated = item.counted.validated / item.counted.hits if item.counted.hits else 0.0
    return (not item.dense, not item.unshadowed, -validated, -item.weight, -item.data_class.count("."),
            item.data_class)


def _own_class(field: FieldTally, evidence: Sequence[_Evidence]) -> _Evidence | None:
    """The class that stands for the field: the first dense one of a column, else the only one that fired."""
    if field.kind == "column" and evidence and evidence[0].dense:
        return evidence[0]
    return evidence[0] if len(evidence) == 1 else None


def _role(raw: Sequence[_Evidence]) -> Role:
    """The most telling role of what stands there unmasked; masked values alone identify nobody."""
    roles = {class_of(item.data_class).role for item in raw}
    return next((role for role in _STRICTEST_ROLE if role in roles), Role.NONE)


def _grade(raw: Sequence[_Evidence], evidence: Sequence[_Evidence]) -> int:
    """The highest grade counts (GB/T 43697: 就高从严); masked values count as ordinary personal information at most."""
    grades = [class_of(item.data_class).grade for item in raw]
    masked = [min(_MASKED_GRADE, class_of(item.data_class).grade) for item in evidence if item.counted.masked]
    return max(grades + masked, default=_NO_GRADE)


def _highest(raw: Sequence[_Evidence]) -> float:
    return max((item.counted.confidence for item in raw), default=0.0)


def _examples(own: _Evidence | None, evidence: Sequence[_Evidence]) -> tuple[Finding, ...]:
    """A few findings, those of the field's own class first."""
    ordered = sorted(evidence, key=lambda item: item is not own)
    return tuple(example for item in ordered for example in item.counted.examples)[:MAX_EXAMPLES]

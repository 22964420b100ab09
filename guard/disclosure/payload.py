"""Payloads: one value in, the same shape back with nothing in it that may not leave.

A payload is decided value by value: one hit suffices, and the keys of objects are the headers of their values.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from guard.batch import FROM_HEADER, MASKED, VALIDATED, Batch, Column, Hits
from guard.disclosure.editor import PolicyEditor
from guard.disclosure.leaves import Leaf, Leaves
from guard.disclosure.withheld import WithheldValues
from guard.errors import BlockedError, KeyringError, UsageError
from guard.keys import Keyring
from guard.model import CERTAIN, LIKELY, Action, Audience, ClassCount, Decision, Field, Location, Report, Verdict
from guard.policy import Policy, field_plan
from guard.scanner import STATE_SECRET, Scanner, now
from guard.taxonomy import data_class, title

_DATASET = "payload"
_VERBS = {Action.PSEUDONYMISE: "pseudonymises", Action.ENCRYPT: "encrypts"}
_Signature = tuple[ClassCount, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _PayloadBatch(Batch):
    """Leaves of a payload as the values of columns."""

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        return Location(_DATASET, self.columns[column].field)


def mask(value: Any, *, policy: Policy | str | Path, audience: Audience | str, keyring: Keyring | None = None,
         scanner: Scanner | None = None, on_block: Literal["replace", "raise"] = "replace", domain: str = "") -> Any:
    """`value` (str, bytes, or JSON-like dict, list, scalar) in the same shape, fit for the audience under the policy.

    Text: found values are replaced where they stand, dropped and blocked ones by `[class]`. JSON: a dropped or blocked
    value becomes null, no key goes missing; a number that may not leave becomes null. Pseudonyms need a keyring, and
    join within `domain` (default: this keyring as a whole).

    Raises BlockedError for a blocked value with `on_block="raise"`, KeyringError when a pseudonym needs a keyring,
    UsageError for other types, for bytes that are not UTF-8, and for nesting deeper than 200.
    """
    chosen = policy if isinstance(policy, Policy) else Policy.load(str(policy))
    receiver = _audience(audience)
    if isinstance(value, (bytes, bytearray)):
        text = mask(_decoded(bytes(value)), policy=chosen, audience=receiver, keyring=keyring, scanner=scanner,
                    on_block=on_block, domain=domain)
        return str(text).encode()
    leaves = Leaves()
    rebuild = leaves.take(value)
    _mask_leaves(leaves.found, chosen, receiver, keyring, scanner or _shared_scanner(), on_block, domain,
                 text=isinstance(value, str))
    return rebuild()


@cache
def _shared_scanner() -> Scanner:
    """The scanner of all calls that bring none: compiling the detectors takes longer than masking a payload."""
    return Scanner()


def _mask_leaves(leaves: list[Leaf], policy: Policy, audience: Audience, keyring: Keyring | None, scanner: Scanner,
                 on_block: str, domain: str, *, text: bool) -> None:
    groups = _alike(leaves, scanner, text=text)
    if not groups:
        return
    decisions = policy.decide(_report([field for field, _ in groups]), audience=audience)
    _refuse(decisions, on_block, keyring)
    decisions = [_named_by_class(decision) for decision in decisions]
    if any(d.data_class == STATE_SECRET and d.action is Action.BLOCK for d in decisions):
        for leaf in leaves:
            leaf.masked = f"[{title(STATE_SECRET)}]" if text else None
        return
    editor = PolicyEditor(scanner, field_plan(decisions), keyring, domain, WithheldValues())
    members = [[leaves[index] for index in group] for _, group in groups]
    columns = [_column(field.field, group[0].header, group) for (field, _), group in zip(groups, members, strict=True)]
    for column, group in zip(columns, members, strict=True):
        if editor.drops(_DATASET, column.field):
            for leaf in group:
                leaf.masked = None
    for edit in editor.edit(_batch(columns)).cells:
        for cell, new in zip(edit.cells.tolist(), edit.values.to_pylist(), strict=True):
            leaf = members[edit.column][cell]
            leaf.masked = None if leaf.masked is None else new


def _alike(leaves: list[Leaf], scanner: Scanner, *, text: bool) -> list[tuple[Field, list[int]]]:
    """The leaves with findings by what was found in them: one field, so one decision, for all that are alike.

    Leaves under one key are scanned as one column; a value is decided as if it stood alone all the same.
    """
    by_header: dict[str, list[int]] = {}
    for index, leaf in enumerate(leaves):
        if leaf.value:
            by_header.setdefault(leaf.header, []).append(index)
    alike: dict[tuple[str, _Signature], list[int]] = {}
    for header, indices in by_header.items():
        column = _column(header, header, [leaves[index] for index in indices])
        named = frozenset(scanner.matcher.header_classes(header))
        hits = scanner.hits_of(_batch([column]), 0)
        for cell, signature in _signatures(scanner, column, hits, named, text=text).items():
            alike.setdefault((header, signature), []).append(indices[cell])
    return [(_field(f"value {number}", signature, text=text), indices)
            for number, ((_, signature), indices) in enumerate(alike.items())]


def _column(name: str, header: str, leaves: list[Leaf]) -> Column:
    values = [leaf.value.encode("utf-8", "replace") for leaf in leaves]
    lengths = np.array([len(value) for value in values], np.int64)
    ends = np.cumsum(lengths)
    return Column(name, header, b"".join(values), ends - lengths, ends,
                  np.array([leaf.number for leaf in leaves], np.int64))


def _batch(columns: list[Column]) -> _PayloadBatch:
    return _PayloadBatch(_DATASET, max((len(column) for column in columns), default=0), columns=tuple(columns))


def _signatures(scanner: Scanner, column: Column, hits: Hits, named: frozenset[str], *,
                text: bool) -> dict[int, _Signature]:
    """What was found in each cell: a class that covers all of it, or that its key names, is decided for the whole."""
    lengths = column.ends - column.starts
    whole = (hits.start == 0) & (hits.end == lengths[hits.cell]) & (not text)
    found: dict[int, dict[str, ClassCount]] = {}
    for cell, number, confidence, flags, is_whole in zip(
            hits.cell.tolist(), hits.detector.tolist(), hits.confidence.tolist(), hits.flags.tolist(), whole.tolist(),
            strict=True):
        identifier = scanner.matcher.detectors[number].data_class
        one = _count(identifier, confidence, flags, is_whole or identifier in named)
        counts = found.setdefault(cell, {})
        counts[identifier] = _sum(counts[identifier], one) if identifier in counts else one
    return {cell: tuple(sorted(counts.values(), key=lambda c: (c.hits == 0, -c.confidence, c.data_class)))
            for cell, counts in found.items()}


def _field(name: str, counts: _Signature, *, text: bool) -> Field:
    best = counts[0]
    known = data_class(best.data_class)
    return Field(
        _DATASET, name, "text" if text else "column", best.data_class if best.dense else "", known.role, known.grade,
        best.confidence, 1, 1, sum(c.hits for c in counts), sum(c.masked for c in counts), 0, counts)


def _count(identifier: str, confidence: float, flags: int, dense: bool) -> ClassCount:
    raw = not flags & MASKED
    return ClassCount(identifier, int(raw), int(raw and bool(flags & VALIDATED)), int(raw and confidence >= CERTAIN),
                      int(raw and confidence >= LIKELY), int(not raw), int(raw), confidence, dense,
                      bool(flags & FROM_HEADER))


def _sum(one: ClassCount, two: ClassCount) -> ClassCount:
    return dataclasses.replace(
        one, hits=one.hits + two.hits, validated=one.validated + two.validated, certain=one.certain + two.certain,
        likely=one.likely + two.likely, masked=one.masked + two.masked, confidence=max(one.confidence, two.confidence),
        dense=one.dense or two.dense, from_header=one.from_header or two.from_header)


def _report(fields: list[Field]) -> Report:
    return Report(tool={}, rules={}, inputs=(), fields=tuple(fields), findings=(), skipped=(), verdict=Verdict.PASS,
                  created=now())


def _named_by_class(decision: Decision) -> Decision:
    """A payload's values have no field that a ciphertext could be bound to: it is bound to their class."""
    if decision.action is not Action.ENCRYPT or "name" in decision.params:
        return decision
    return dataclasses.replace(decision, params={**decision.params, "name": decision.data_class})


def _refuse(decisions: list[Decision], on_block: str, keyring: Keyring | None) -> None:
    if on_block == "raise" and (blocked := [d for d in decisions if d.action is Action.BLOCK]):
        raise BlockedError(f"the policy blocks a value of class {blocked[0].data_class}",
                           hint="remove it from the payload, or mask with on_block=\"replace\"")
    keyed = next((d.action for d in decisions if d.action in (Action.PSEUDONYMISE, Action.ENCRYPT)), None)
    if keyring is None and keyed is not None:
        raise KeyringError(f"the policy {_VERBS[keyed]} and no keyring was given",
                           hint="create one with `guard keys init` and pass it as keyring")


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the payload is not UTF-8", hint="decode it first and pass a str") from None


def _audience(audience: Audience | str) -> Audience:
    if audience not in set(Audience):
        raise UsageError(f"unknown audience; one of {', '.join(Audience)}")
    return Audience(audience)

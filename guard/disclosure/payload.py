"""Payloads: one value in, the same shape back with nothing in it that may not leave.

A payload is decided value by value: one hit suffices, and the keys of objects are the headers of their values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from guard.batch import FROM_HEADER, MASKED, VALIDATED, Batch, Column, Hits
from guard.errors import BlockedError, KeyringError, UsageError
from guard.keys import Keyring
from guard.model import CERTAIN, LIKELY, Action, Audience, ClassCount, Decision, Field, Location, Report, Verdict
from guard.policy import Policy, field_plan
from guard.disclosure.editor import PolicyEditor
from guard.disclosure.withheld import WithheldValues
from guard.scanner import STATE_SECRET, Scanner, now
from guard.taxonomy import data_class, title

MAX_DEPTH = 200
_DATASET = "payload"


@dataclass(slots=True)
class _Leaf:
    """A string of the payload: its path is the field's name, its nearest key the header."""

    header: str
    value: str
    text: bool = True
    masked: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _PayloadBatch(Batch):
    """The leaves of a payload as columns of one row each."""

    def locate(self, column: int, cell: int, start: int, end: int) -> Location:
        return Location(_DATASET, self.columns[column].field)


@dataclass(slots=True)
class _Leaves:
    found: list[_Leaf] = field(default_factory=list)

    def take(self, value: Any, header: str, depth: int = 0) -> Callable[[], Any]:
        """Collect the leaves of `value`; what is returned gives the value again with its masked leaves."""
        if depth > MAX_DEPTH:
            raise UsageError(f"the payload is nested deeper than {MAX_DEPTH}")
        if isinstance(value, Mapping):
            parts = [(self._key(key), self.take(item, str(key), depth + 1)) for key, item in value.items()]
            return lambda: {key(): item() for key, item in parts}
        if isinstance(value, (list, tuple)):
            items = [self.take(item, header, depth + 1) for item in value]
            return lambda: [item() for item in items]
        if isinstance(value, bool) or value is None:
            return lambda: value
        if isinstance(value, str):
            return self._leaf(header, value)
        if isinstance(value, (int, float)):
            return self._number(header, value)
        raise UsageError(f"a payload holds strings, numbers, lists and objects, not {type(value).__name__}")

    def _leaf(self, header: str, value: str) -> Callable[[], str | None]:
        leaf = _Leaf(header, value, masked=value)
        self.found.append(leaf)
        return lambda: leaf.masked

    def _number(self, header: str, value: float) -> Callable[[], Any]:
        """A number stays, or becomes null: a masked form would change its type."""
        leaf = _Leaf(header, str(value), text=False, masked=str(value))
        self.found.append(leaf)
        return lambda: value if leaf.masked == leaf.value else None

    def _key(self, key: Any) -> Callable[[], Any]:
        if not isinstance(key, str):
            return lambda: key
        leaf = self._leaf("", key)
        return lambda: leaf() or "[key]"


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
    leaves = _Leaves()
    rebuild = leaves.take(value, "")
    _mask_leaves(leaves.found, chosen, receiver, keyring, scanner or Scanner(), on_block, domain,
                 text=isinstance(value, str))
    return rebuild()


def _mask_leaves(leaves: list[_Leaf], policy: Policy, audience: Audience, keyring: Keyring | None, scanner: Scanner,
                 on_block: str, domain: str, *, text: bool) -> None:
    batch = _batch(leaves)
    found = [scanner.hits(batch, index) for index in range(len(batch.columns))]
    fields = [_field(scanner, column, hits, text=text) for column, hits in zip(batch.columns, found, strict=True)]
    decisions = policy.decide(_report(fields), audience=audience)
    _refuse(decisions, on_block, keyring)
    editor = PolicyEditor(scanner, field_plan(decisions), keyring, domain, WithheldValues())
    if any(d.data_class == STATE_SECRET and d.action is Action.BLOCK for d in decisions):
        for leaf in leaves:
            leaf.masked = f"[{title(STATE_SECRET)}]" if text else None
        return
    for leaf, column in zip(leaves, batch.columns, strict=True):
        if editor.drops(_DATASET, column.field):
            leaf.masked = None
    for edit in editor.edit(batch).cells:
        leaf = leaves[edit.column]
        if leaf.masked is not None:
            leaf.masked = edit.values[0].as_py()


def _batch(leaves: list[_Leaf]) -> _PayloadBatch:
    columns = []
    for number, leaf in enumerate(leaves):
        data = leaf.value.encode("utf-8", "surrogatepass")
        ends = np.array([len(data)] if data else [], np.int64)
        columns.append(Column(f"value {number}", leaf.header, data, np.zeros(len(ends), np.int64), ends,
                              np.zeros(len(ends), np.int64), number, leaf.text))
    return _PayloadBatch(_DATASET, 1, columns=tuple(columns))


def _field(scanner: Scanner, column: Column, hits: Hits, *, text: bool) -> Field:
    """One value as a field: a class that covers all of it, or that its key names, is decided for the whole value."""
    detectors = scanner.matcher.detectors
    named = set(scanner.matcher.header_classes(column.header))
    length = int(column.ends[0]) if len(column) else 0
    counts: dict[str, ClassCount] = {}
    for i in range(len(hits)):
        identifier = detectors[int(hits.detector[i])].data_class
        whole = hits.start[i] == 0 and hits.end[i] == length and not text
        one = _count(identifier, float(hits.confidence[i]), int(hits.flags[i]), whole or identifier in named)
        counts[identifier] = _sum(counts[identifier], one) if identifier in counts else one
    ranked = sorted(counts.values(), key=lambda c: (c.hits > 0, c.confidence), reverse=True)
    best = ranked[0] if ranked else None
    known = data_class(best.data_class) if best else None
    return Field(
        _DATASET, column.field, "text" if text else "column", best.data_class if best and best.dense else "",
        known.role if known else data_class("org.name").role, known.grade if known else 1,
        best.confidence if best else 0.0, 1, len(column), sum(c.hits for c in counts.values()),
        sum(c.masked for c in counts.values()), 0, tuple(ranked))


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


def _refuse(decisions: list[Decision], on_block: str, keyring: Keyring | None) -> None:
    if on_block == "raise" and (blocked := [d for d in decisions if d.action is Action.BLOCK]):
        raise BlockedError(f"the policy blocks a value of class {blocked[0].data_class}",
                           hint="remove it from the payload, or mask with on_block=\"replace\"")
    if keyring is None and any(d.action is Action.PSEUDONYMISE for d in decisions):
        raise KeyringError("the policy pseudonymises and no keyring was given",
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

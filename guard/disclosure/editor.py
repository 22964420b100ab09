"""Carries decisions out on the batches of a source: what `Document.rewrite` asks while it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from guard.batch import DECODED, MASKED, Batch, CellEdit, Column, Edits, Hits, Ints, SpanEdit
from guard.disclosure.cells import spliced, strings
from guard.disclosure.record_keys import RecordKeys
from guard.disclosure.tables import record_column, takes_records
from guard.disclosure.walks import Walks
from guard.disclosure.withheld import Withholding
from guard.disclosure.withholding import Mask, Remembrance
from guard.errors import SourceError, UsageError
from guard.keys import Keyring
from guard.model import Action, Decision
from guard.policy import Plan
from guard.protect import Transform, transform
from guard.protect.factory import RELEASE_DOMAIN
from guard.protect.fpe import FormPseudonym
from guard.protect.fpe_real import RealValues
from guard.scanner import Scanner
from guard.taxonomy import title

_MASK_CHARACTERS = r"[*＊×█•某]"
_FAR = 1 << 32
"""More than any buffer is long: keeps the running ends of one cell apart from the next."""
_REMOVED = (Action.DROP, Action.BLOCK, Action.REVIEW)

Key = tuple[str, str]


@dataclass(slots=True)
class Done:
    """What was done under one decision: cells or spans replaced, and those that stayed as they were."""

    replaced: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Places in a buffer, in order and apart from each other, with their new texts and their cells."""

    starts: Ints
    ends: Ints
    values: Any
    cells: Ints


class PolicyEditor:
    """Edits batch after batch by the plans of their fields, and remembers what was withheld.

    A field that has no plan was not there when the plans were made: that is a SourceError, never a pass. `real` are the
    real values that no pseudonym of a form may be; while they are collected, forms change nothing.
    """

    def __init__(self, scanner: Scanner, plans: Mapping[Key, Plan], keyring: Keyring | None, domain: str,
                 withholding: Withholding, real: RealValues | None = None) -> None:
        self._scanner = scanner
        self._real = real
        self._detectors = scanner.matcher.detectors
        self._plans = plans
        self._keyring = keyring
        self._domain = domain
        self._remember = Remembrance(scanner.matcher, withholding)
        self._transforms: dict[tuple[str, str, str], Transform] = {}
        self._params: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._record_keys: dict[Key, RecordKeys] = {}
        self._subjects: dict[Key, RecordKeys] = {}
        self.done: dict[tuple[str, str, str], Done] = {}

    def drops(self, dataset: str, field: str) -> bool:
        """Whether the policy leaves the whole column out."""
        return self._plan(dataset, field).action in _REMOVED

    def edit(self, batch: Batch) -> Edits:
        """The changes to one batch."""
        if batch.is_text:
            return Edits(spans=self._edit_text(batch))
        edits = (self._edit_column(batch, index) for index in range(len(batch.columns)))
        return Edits(cells=tuple(edit for edit in edits if edit is not None))

    def objections(self) -> list[str]:
        """Why fields, each taken as a whole, may not be protected as they were; asked when all batches were edited."""
        found = [f"{dataset} {field}: {own.objection()}" for (dataset, field, _), own in self._transforms.items()
                 if own.objection()]
        return found + [f"{dataset}: {keys.objection()}" for (dataset, _), keys in self._record_keys.items()
                        if keys.objection()]

    def form_warnings(self) -> list[str]:
        """What an officer should know of the pseudonyms of forms; asked when all batches were edited."""
        forms = [(f"{dataset}: {field}", own) for (dataset, field, _), own in self._transforms.items()
                 if isinstance(own, FormPseudonym)]
        walked = [f"{place}: {own.walked} pseudonyms would have been real values and were walked past; to reveal these "
                  "takes the evidence" for place, own in forms if own.walked]
        return walked + [f"{place}: {own.tokens} values fit no form and became tokens" for place, own in forms
                         if own.tokens]

    def walks(self) -> list[Walks]:
        """How pseudonyms of forms came about that walked past real values, where their link domain is known later."""
        noted: dict[Any, Walks] = {}
        for key, own in self._transforms.items():
            if isinstance(own, FormPseudonym) and own.walks and self._params[key].get("domain", RELEASE_DOMAIN) \
                    != RELEASE_DOMAIN:
                walks = Walks.of(key[-1], self._params[key])
                noted.setdefault(walks.identity, walks).steps.update(own.walks)
        return list(noted.values())

    def _plan(self, dataset: str, field: str) -> Plan:
        plan = self._plans.get((dataset, field))
        if plan is None:
            raise SourceError("an input changed while it was read: it has a field that was not there", reason="changed",
                              hint="release a copy that nothing writes to")
        return plan

    def _edit_text(self, batch: Batch) -> SpanEdit | None:
        plan = self._plan(batch.dataset, "text")
        spans = self._spans(batch, -1, plan) if plan.spans else None
        return None if spans is None else SpanEdit(spans.starts, spans.ends, spans.values)

    def _edit_column(self, batch: Batch, index: int) -> CellEdit | None:
        column = batch.columns[index]
        plan = self._plan(batch.dataset, column.field)
        if not len(column):
            return None
        if plan.decision is not None and plan.decision.action is not Action.ALLOW:
            return self._edit_field(batch, index, plan, plan.decision)
        spans = self._spans(batch, index, plan) if plan.spans else None
        return None if spans is None else _rebuilt(index, column, spans)

    def _edit_field(self, batch: Batch, index: int, plan: Plan, decision: Decision) -> CellEdit | None:
        column, hits = batch.columns[index], self._scanner.hits_of(batch, index)
        if decision.action in _REMOVED:
            self._remember.column(column, hits, plan, decision, np.ones(len(column), bool))
            self._note(decision).replaced += len(column)
            return None
        old = strings(column.data, column.starts, column.ends)
        new = self._applied(decision, batch, column, old)
        self._count(decision, old, _changed(old, new))
        new = self._stricter_inside(new, hits, plan, decision)
        changed = _changed(old, new)
        self._remember.column(column, hits, plan, decision, changed)
        return CellEdit(index, np.flatnonzero(changed), new.filter(pa.array(changed)))

    def _stricter_inside(self, values: Any, hits: Hits, plan: Plan, decision: Decision) -> Any:
        """Where a cell also holds a class that is decided more strictly than its field, the name of that class."""
        inside = _raw(hits, [number for number, chosen in self._acting(plan).items()
                             if chosen.action.strictness > decision.action.strictness])
        if not len(inside):
            return values
        names = [f"[{title(detector.data_class)}]" for detector in self._detectors]
        cells, first = np.unique(inside.cell, return_index=True)
        replaced = np.zeros(len(values), bool)
        replaced[cells] = True
        texts = pa.array([names[number] for number in inside.detector[first].tolist()], pa.string())
        return pc.replace_with_mask(values, pa.array(replaced), texts)

    def _spans(self, batch: Batch, index: int, plan: Plan) -> _Spans | None:
        """What changes inside of cells or text: overlapping hits fall together, the strictest first."""
        acting = self._acting(plan)
        hits = _raw(self._scanner.hits_of(batch, index), list(acting)) if acting else Hits.empty()
        if not len(hits):
            return None
        source = batch.data if index < 0 else batch.columns[index]
        data, base = (source, 0) if isinstance(source, bytes) else (source.data, source.starts[hits.cell])
        starts, ends = base + hits.start, base + hits.end
        rank = np.array([acting[number].action.strictness for number in hits.detector.tolist()])
        heads, first, last, winner = _clusters(hits.cell, starts, ends, rank)
        # An encoded value has no form that a mask or pseudonym could keep: it counts as more than a value.
        whole = (starts[winner] == first) & (ends[winner] == last) & (hits.flags[winner] & DECODED == 0)
        values, changed = self._replacements(acting, hits.detector[winner], strings(data, first, last), whole)
        taken_out = changed[heads]
        self._remember.hits(source, data, starts[taken_out], ends[taken_out], hits.take(taken_out))
        return _Spans(first[changed], last[changed], values.filter(pa.array(changed)), hits.cell[winner][changed])

    def _replacements(self, acting: Mapping[int, Decision], numbers: npt.NDArray[Any], old: Any,
                      whole: Mask) -> tuple[Any, Mask]:
        """New texts, and which are new. A span that is more than the value of its class is replaced by the name."""
        values = np.empty(len(old), object)
        changed = np.ones(len(old), bool)
        for number in np.unique(numbers).tolist():
            decision, which = acting[number], np.flatnonzero(numbers == number)
            name = f"[{title(decision.data_class)}]"
            if decision.action in _REMOVED:
                values[which] = name
                self._note(decision).replaced += len(which)
                continue
            before = old.take(pa.array(which))
            after = self._transform(decision).apply(before)
            changed[which] = _changed(before, after) | ~whole[which]
            self._count(decision, before, changed[which])
            values[which] = [text if text is not None and is_whole else name
                             for text, is_whole in zip(after.to_pylist(), whole[which].tolist(), strict=True)]
        return pa.array(values.tolist(), pa.string()), changed

    def _applied(self, decision: Decision, batch: Batch, column: Column, old: Any) -> Any:
        """The whole values of a column, protected; bound to their records where the decision names a column for that.
        """
        own, record = self._transform(decision), record_column(decision.params)
        if not takes_records(own, record):
            return own.apply(old)
        return own.apply(old, self._keys_of(batch, record, repeat=own.repeats_records).of(batch, column))

    def _keys_of(self, batch: Batch, record: str, *, repeat: bool) -> RecordKeys:
        key = batch.dataset, record
        if repeat:
            return self._subjects.setdefault(key, RecordKeys(*key, repeat=True))
        if key not in self._record_keys:
            plan = self._plans.get(key)
            if plan is not None and (plan.action not in (None, Action.ALLOW) or self._acting(plan)):
                raise UsageError(f"{record} is changed itself and cannot be the record key",
                                 hint="name a column that leaves as it is")
            self._record_keys[key] = RecordKeys(*key)
        return self._record_keys[key]

    def _transform(self, decision: Decision) -> Transform:
        key = (decision.dataset, decision.field, decision.data_class)
        if key not in self._transforms:
            self._params[key] = decision.params
            self._transforms[key] = transform(decision, self._keyring, self._domain,
                                               normaliser(self._scanner, decision.data_class), self._real)
        return self._transforms[key]

    def _acting(self, plan: Plan) -> dict[int, Decision]:
        """The span decisions that change something, by detector."""
        return {number: decision for number, detector in enumerate(self._detectors)
                if (decision := plan.spans.get(detector.data_class)) and decision.action is not Action.ALLOW}

    def _note(self, decision: Decision) -> Done:
        return self.done.setdefault((decision.dataset, decision.field, decision.data_class), Done())

    def _count(self, decision: Decision, old: Any, changed: Mask) -> None:
        """Count what changed. A value that is masked already, blank, or general enough, may stay as it is."""
        done = self._note(decision)
        done.replaced += int(np.count_nonzero(changed))
        if not changed.all() and decision.action is not Action.GENERALISE:
            same = old.filter(pa.array(~changed))
            fine = pc.or_(pc.match_substring_regex(same, _MASK_CHARACTERS), pc.equal(pc.utf8_trim_whitespace(same), ""))
            done.unchanged += len(same) - (pc.sum(fine).as_py() or 0)


def normaliser(scanner: Scanner, identifier: str) -> Callable[[str], str] | None:
    """What gives the normal form of a value of a class; None for a class that has no pattern."""
    matcher = scanner.matcher
    index = next((i for i, d in enumerate(matcher.detectors) if d.data_class == identifier and d.pattern), None)
    return None if index is None else lambda value: matcher.normal_form(index, value.encode("utf-8", "replace"))


def _raw(hits: Hits, numbers: Sequence[int]) -> Hits:
    """The hits of these detectors that are not masked already."""
    return hits.take(np.isin(hits.detector, numbers) & (hits.flags & MASKED == 0)) if numbers else Hits.empty()


def _changed(old: Any, new: Any) -> Mask:
    """Which values differ; a null that was none differs."""
    return np.asarray(pc.fill_null(pc.not_equal(old, new), True).to_numpy(zero_copy_only=False), bool)


def _clusters(cells: Ints, starts: Ints, ends: Ints, rank: npt.NDArray[Any]) -> tuple[Ints, Ints, Ints, Ints]:
    """Groups of overlapping spans of one cell, in order: the group of each span; then for each group its first byte,
    its end and its strictest span."""
    order = np.lexsort((-ends, starts, cells))
    s, e, c = starts[order], ends[order], cells[order]
    reach = np.maximum.accumulate(e + c * _FAR) - c * _FAR
    new = np.ones(len(order), bool)
    new[1:] = (c[1:] != c[:-1]) | (s[1:] >= reach[:-1])
    group = np.cumsum(new) - 1
    heads = np.flatnonzero(new)
    last = np.maximum.reduceat(e, heads)
    best = np.lexsort((order, -(ends - starts)[order], -rank[order], group))
    winner = order[best[np.searchsorted(group[best], np.arange(len(heads)))]]
    of_span = np.empty(len(order), np.int64)
    of_span[order] = group
    return of_span, s[heads], last, winner


def _rebuilt(index: int, column: Column, spans: _Spans) -> CellEdit:
    """Whole new cells from replaced spans."""
    cells = np.unique(spans.cells)
    return CellEdit(index, cells, spliced(column.data, column.starts[cells], column.ends[cells], spans.starts,
                                          spans.ends, spans.values))

"""Carries decisions out on the batches of a source: what `Document.rewrite` asks while it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from guard.batch import MASKED, NOISY, Batch, CellEdit, Column, Edits, Hits, Ints, SpanEdit
from guard.keys import Keyring
from guard.model import Action, Decision, Role
from guard.policy import Plan
from guard.protect import Transform, transform
from guard.disclosure.cells import slices, strings
from guard.disclosure.withheld import WithheldValues
from guard.scanner import Scanner
from guard.taxonomy import data_class, title

SHORTEST = 7
"""Bytes of the shortest value that is remembered as withheld: a shorter one occurs by chance (a two-character name)."""
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


class PolicyEditor:
    """Edits batch after batch by the plans of their fields, and remembers what was withheld."""

    def __init__(self, scanner: Scanner, plans: Mapping[Key, Plan], keyring: Keyring | None, domain: str,
                 withheld: WithheldValues) -> None:
        self._scanner = scanner
        self._plans = plans
        self._keyring = keyring
        self._domain = domain
        self._withheld = withheld
        self._transforms: dict[tuple[str, str, str], Transform] = {}
        self.done: dict[tuple[str, str, str], Done] = {}
        self.rows: Counter[str] = Counter()

    def drops(self, dataset: str, field: str) -> bool:
        """Whether the policy leaves the whole column out."""
        plan = self._plans.get((dataset, field))
        return plan is not None and plan.action in _REMOVED

    def edit(self, batch: Batch) -> Edits:
        """The changes to one batch."""
        self.rows[batch.dataset] += batch.rows
        if batch.is_text:
            return Edits(spans=self._edit_text(batch))
        cells = (self._edit_column(batch, index) for index in range(len(batch.columns)))
        return Edits(cells=tuple(edit for edit in cells if edit is not None))

    def _edit_text(self, batch: Batch) -> SpanEdit | None:
        plan = self._plans.get((batch.dataset, "text"))
        if plan is None or not plan.spans:
            return None
        spans = self._spans(batch, -1, plan, self._scanner.hits(batch, -1))
        if spans is None:
            return None
        starts, ends, values, _ = spans
        return SpanEdit(starts, ends, values)

    def _edit_column(self, batch: Batch, index: int) -> CellEdit | None:
        column = batch.columns[index]
        plan = self._plans.get((batch.dataset, column.field))
        if plan is None or not len(column):
            return None
        if plan.decision is not None and plan.action not in (None, Action.ALLOW):
            return self._edit_field(batch, index, plan.decision)
        if not plan.spans:
            return None
        spans = self._spans(batch, index, plan, self._scanner.hits(batch, index))
        return None if spans is None else _rebuilt(index, column, *spans)

    def _edit_field(self, batch: Batch, index: int, decision: Decision) -> CellEdit | None:
        column = batch.columns[index]
        if _identifies(decision):
            self._withhold_column(batch, index)
        if decision.action in _REMOVED:
            self._note(decision).replaced += len(column)
            return None
        old = strings(column.data, column.starts, column.ends)
        new = self._transform(decision).apply(old)
        self._count(decision, old, new)
        return CellEdit(index, np.arange(len(column), dtype=np.int64), self._stricter_inside(batch, index, new))

    def _stricter_inside(self, batch: Batch, index: int, values: Any) -> Any:
        """Where a cell also holds a class that is decided more strictly than its field, the name of that class."""
        column = batch.columns[index]
        plan = self._plans[batch.dataset, column.field]
        limit = plan.action.strictness if plan.action else 0
        chosen = self._chosen(plan)
        stricter = np.array([d is not None and d.action.strictness > limit for d in chosen], bool)
        if not stricter.any():
            return values
        hits = self._scanner.hits(batch, index)
        inside = hits.take(stricter[hits.detector] & (hits.flags & MASKED == 0)) if len(hits) else hits
        if not len(inside):
            return values
        texts = values.to_pylist()
        for cell, number in zip(inside.cell.tolist(), inside.detector.tolist(), strict=True):
            texts[cell] = f"[{title(self._class(number))}]"
        return pa.array(texts, pa.string())

    def _spans(self, batch: Batch, index: int, plan: Plan, hits: Hits) -> tuple[Ints, Ints, Any, Ints] | None:
        """Byte spans in the buffer, new texts and cells: overlapping hits fall together, the strictest first."""
        chosen = self._chosen(plan)
        acts = np.array([d is not None and d.action is not Action.ALLOW for d in chosen], bool)
        todo = hits.take(acts[hits.detector] & (hits.flags & MASKED == 0)) if len(hits) else hits
        if not len(todo):
            return None
        data = batch.data if index < 0 else batch.columns[index].data
        base = np.zeros(len(todo), np.int64) if index < 0 else batch.columns[index].starts[todo.cell]
        starts, ends = base + todo.start, base + todo.end
        self._withhold_hits(data, starts, ends, todo, chosen)
        rank = np.array([d.action.strictness if d else 0 for d in chosen])[todo.detector]
        first, last, winner = _clusters(todo.cell, starts, ends, rank)
        values = np.empty(len(first), object)
        for number in np.unique(todo.detector[winner]):
            decision = chosen[number]
            which = np.flatnonzero(todo.detector[winner] == number)
            if decision is not None:
                whole = (starts[winner[which]] == first[which]) & (ends[winner[which]] == last[which])
                values[which] = self._replacements(decision, strings(data, first[which], last[which]), whole)
        return first, last, pa.array(values.tolist(), pa.string()), todo.cell[winner]

    def _replacements(self, decision: Decision, old: Any, whole: npt.NDArray[np.bool_]) -> list[str]:
        """New texts: a span that is more than the value of its class (overlapping findings) is replaced by the name."""
        placeholder = f"[{title(decision.data_class)}]"
        if decision.action in _REMOVED:
            self._note(decision).replaced += len(old)
            return [placeholder] * len(old)
        new = self._transform(decision).apply(old)
        self._count(decision, old, new)
        return [n if n is not None and ok else placeholder for n, ok in zip(new.to_pylist(), whole, strict=True)]

    def _transform(self, decision: Decision) -> Transform:
        key = (decision.dataset, decision.field, decision.data_class)
        if key not in self._transforms:
            self._transforms[key] = transform(decision, self._keyring, self._domain, self._normaliser(decision))
        return self._transforms[key]

    def _normaliser(self, decision: Decision) -> Any:
        matcher = self._scanner.matcher
        index = next((i for i, d in enumerate(matcher.detectors) if d.data_class == decision.data_class and d.pattern),
                     None)
        return None if index is None else lambda value: matcher.normal_form(index, value.encode("utf-8", "replace"))

    def _chosen(self, plan: Plan) -> list[Decision | None]:
        """The span decision of the plan for each detector."""
        return [plan.spans.get(detector.data_class) for detector in self._scanner.matcher.detectors]

    def _class(self, index: int) -> str:
        return self._scanner.matcher.detectors[index].data_class

    def _note(self, decision: Decision) -> Done:
        return self.done.setdefault((decision.dataset, decision.field, decision.data_class), Done())

    def _count(self, decision: Decision, old: Any, new: Any) -> None:
        """Count what changed; a value that is masked already, or general already, may stay."""
        done = self._note(decision)
        same = pc.fill_null(pc.equal(old, new), False)
        unchanged = pc.sum(same).as_py() or 0
        if unchanged and decision.action is not Action.GENERALISE:
            masked = pc.match_substring_regex(old, _MASK_CHARACTERS)
            done.unchanged += pc.sum(pc.and_not(same, masked)).as_py() or 0
        done.replaced += len(old)

    def _withhold_column(self, batch: Batch, index: int) -> None:
        column = batch.columns[index]
        hits = self._scanner.hits(batch, index)
        keep = np.ones(len(column), bool)
        keep[hits.cell[hits.flags & MASKED != 0]] = False
        self._withhold(column.data, column.starts[keep], column.ends[keep])
        base = column.starts[hits.cell]
        raw = hits.flags & MASKED == 0
        self._withhold_normal(column.data, (base + hits.start)[raw], (base + hits.end)[raw], hits.take(raw))

    def _withhold_hits(self, data: bytes, starts: Ints, ends: Ints, hits: Hits, chosen: list[Decision | None]) -> None:
        direct = np.array([d is not None and _identifies(d) for d in chosen], bool)[hits.detector]
        self._withhold(data, starts[direct], ends[direct])
        self._withhold_normal(data, starts[direct], ends[direct], hits.take(direct))

    def _withhold_normal(self, data: bytes, starts: Ints, ends: Ints, hits: Hits) -> None:
        """The normal forms of values written in a noisy way, and the values inside cells that hold more."""
        self._withhold(data, starts, ends)
        noisy = np.flatnonzero(hits.flags & NOISY)
        if len(noisy):
            matcher = self._scanner.matcher
            forms = [matcher.normal_form(int(hits.detector[i]), data[starts[i] : ends[i]]) for i in noisy]
            self._withhold(*slices(pa.array(forms, pa.string())))

    def _withhold(self, data: bytes, starts: Ints, ends: Ints) -> None:
        long = ends - starts >= SHORTEST
        if long.any():
            self._withheld.add(self._withheld.hashes(data, starts[long], ends[long]))


def _identifies(decision: Decision) -> bool:
    """Whether the values withheld under this decision must occur nowhere else: direct identifiers and secrets."""
    return bool(decision.data_class) and data_class(decision.data_class).role is Role.DIRECT


def _clusters(cells: Ints, starts: Ints, ends: Ints, rank: npt.NDArray[Any]) -> tuple[Ints, Ints, Ints]:
    """First byte, end and strictest hit of each group of overlapping spans (of one cell), in order."""
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
    return s[heads], last, winner


def _rebuilt(index: int, column: Column, starts: Ints, ends: Ints, values: Any, cells: Ints) -> CellEdit:
    """Whole new cells from replaced spans."""
    pieces: dict[int, list[tuple[int, int, str]]] = {}
    for cell, start, end, value in zip(cells.tolist(), starts.tolist(), ends.tolist(), values.to_pylist(), strict=True):
        pieces.setdefault(cell, []).append((start, end, value))
    texts = [_spliced(column, cell, spans) for cell, spans in pieces.items()]
    return CellEdit(index, np.array(list(pieces), np.int64), pa.array(texts, pa.string()))


def _spliced(column: Column, cell: int, spans: list[tuple[int, int, str]]) -> str:
    parts, position = [], int(column.starts[cell])
    for start, end, value in spans:
        parts += [column.data[position:start], value.encode()]
        position = end
    parts.append(column.data[position : column.ends[cell]])
    return b"".join(parts).decode("utf-8", "replace")

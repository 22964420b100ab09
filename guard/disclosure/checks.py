"""The checks of a release's output: it changed where it had to, nothing withheld occurs, nothing else fires.

They show that what was found was dealt with, not that everything was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, Batch, Hits, Ints
from guard.hashing import Hashes
from guard.model import Action, Decision, Report, Skipped
from guard.disclosure.editor import SHORTEST, Done
from guard.disclosure.withheld import WithheldValues
from guard.scanner import Scanner
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover
from guard.tally import Tally

Key = tuple[str, str]
Decide = Callable[[Report], list[Decision]]
_REPLACED = (Action.MASK, Action.GENERALISE, Action.PSEUDONYMISE, Action.ENCRYPT, Action.DROP)
_NAMED = 5


@dataclass(slots=True)
class OutputScan:
    """What the read of the output gave: its tally, and the hashes and places of values that may be withheld ones."""

    tally: Tally = field(default_factory=Tally)
    suspects: dict[int, str] = field(default_factory=dict)


def scan_output(folder: Path, scanner: Scanner, withheld: WithheldValues, options: Options,
                released: Callable[[str, str], bool]) -> OutputScan:
    """Scan the output again and hold every value in it against the withheld ones.

    `released` tells a field in which the policy lets direct identifiers stand.
    """
    labels = ScannedLabels(scanner.matcher)
    found = OutputScan()
    for document in discover(folder, options, labels):
        found.tally += _scan_document(document, scanner, withheld, released, found.suspects)
    return found


def _scan_document(document: Document | Skipped, scanner: Scanner, withheld: WithheldValues,
                   released: Callable[[str, str], bool], suspects: dict[int, str]) -> Tally:
    total = Tally()
    if isinstance(document, Skipped):
        return Tally(skipped=[document])
    for item in document.read():
        if isinstance(item, Skipped):
            total += Tally(skipped=[item])
            continue
        total += scanner.tally_batch(item)
        _probe(item, scanner, withheld, released, suspects)
    return total


def _probe(batch: Batch, scanner: Scanner, withheld: WithheldValues, released: Callable[[str, str], bool],
           suspects: dict[int, str]) -> None:
    """Hold whole cells, findings, and every run of letters and digits of a batch against the withheld values."""
    for index in range(len(batch.columns)) if batch.columns else (-1,):
        shown = "text" if index < 0 else batch.columns[index].field
        if released(batch.dataset, shown):
            continue
        for data, starts, ends in _values(batch, index, scanner.hits(batch, index)):
            for value, _ in _withheld_among(data, starts, ends, withheld):
                suspects.setdefault(value, f"{batch.dataset} {shown}")
    for data in {id(d): d for d in (batch.data, *(c.data for c in batch.columns))}.values():
        for value, position in _withheld_among(data, *_runs(data), withheld):
            shown = _field_at(batch, data, position)
            if not released(batch.dataset, shown):
                suspects.setdefault(value, f"{batch.dataset} {shown}".rstrip())


def _values(batch: Batch, index: int, hits: Hits) -> Iterator[tuple[bytes, Ints, Ints]]:
    raw = hits.take(hits.flags & MASKED == 0)
    if index < 0:
        yield batch.data, raw.start, raw.end
        return
    column = batch.columns[index]
    base = column.starts[raw.cell]
    yield column.data, column.starts, column.ends
    yield column.data, base + raw.start, base + raw.end


def _withheld_among(data: bytes, starts: Ints, ends: Ints, withheld: WithheldValues) -> list[tuple[int, int]]:
    """Hash and start of each slice that is, or may be, a withheld value."""
    long = ends - starts >= SHORTEST
    if not long.any():
        return []
    starts, ends = starts[long], ends[long]
    hashes = withheld.hashes(data, starts, ends)
    found = withheld.probe(hashes)
    return list(zip(hashes[found].tolist(), starts[found].tolist(), strict=True))


def _field_at(batch: Batch, data: bytes, position: int) -> str:
    """The field whose value holds this byte of a buffer, "" when it stands outside of all values."""
    if not batch.columns:
        return "text"
    for column in batch.columns:
        if column.data is data and np.any((column.starts <= position) & (position < column.ends)):
            return column.field
    return ""


def _runs(data: bytes) -> tuple[Ints, Ints]:
    """The maximal runs of ASCII letters and digits."""
    view = np.frombuffer(data, np.uint8)
    lower = view | 0x20
    word: npt.NDArray[np.int8] = np.zeros(len(view) + 2, np.int8)
    word[1:-1] = ((view - 48) < 10) | ((lower - 97) < 26)
    edges = np.diff(word)
    return np.flatnonzero(edges == 1).astype(np.int64), np.flatnonzero(edges == -1).astype(np.int64)


def confirm(suspects: dict[int, str], sources: Iterable[Hashes]) -> dict[int, str]:
    """Which suspected hashes really belong to withheld values, given all hashes of these once more."""
    wanted = np.array(sorted(suspects), np.uint64)
    confirmed: set[int] = set()
    for hashes in sources:
        confirmed.update(np.intersect1d(wanted, hashes).tolist())
    return {value: place for value, place in suspects.items() if value in confirmed}


def verdicts(done: Mapping[tuple[str, str, str], Done], suspects: Mapping[int, str], tally: Tally, output: Report,
             decisions: Iterable[Decision], decide: Decide) -> list[dict[str, Any]]:
    """The results of the checks, each {id, title, passed, detail}."""
    return [_changed(done), _absent(suspects), _quiet(output, decisions, decide), _readable(tally)]


def _changed(done: Mapping[tuple[str, str, str], Done]) -> dict[str, Any]:
    unchanged = {key: d.unchanged for key, d in done.items() if d.unchanged}
    total = sum(d.replaced for d in done.values())
    places = ", ".join(f"{key[0]} {key[1]}: {count}" for key, count in list(unchanged.items())[:_NAMED])
    return _result("changed", "every value that had to change did", not unchanged,
                   f"{total} values replaced" if not unchanged else f"unchanged values: {places}")


def _absent(suspects: Mapping[int, str]) -> dict[str, Any]:
    places = ", ".join(sorted(set(suspects.values()))[:_NAMED])
    return _result("absent", "no withheld identifier occurs in the output", not suspects,
                   "none found" if not suspects else f"{len(suspects)} withheld values occur in: {places}")


def _quiet(output: Report, decisions: Iterable[Decision], decide: Decide) -> dict[str, Any]:
    planned = {(d.dataset, d.field, d.data_class): d for d in decisions}
    allowed = {(d.dataset, d.field, d.data_class) for d in decide(output) if d.action is Action.ALLOW}
    loud = []
    for verdict in output.fields:
        for count in verdict.classes:
            key = (verdict.dataset, verdict.field, count.data_class)
            before = planned.get(key)
            dealt_with = before is not None and before.action in (Action.ALLOW, *_REPLACED)
            if count.hits and not dealt_with and key not in allowed:
                loud.append(f"{verdict.dataset} {verdict.field}: {count.data_class}")
    return _result("quiet", "nothing fires in the output that the decisions do not account for", not loud,
                   "nothing" if not loud else "; ".join(loud[:_NAMED]))


def _readable(tally: Tally) -> dict[str, Any]:
    skipped = [f"{s.dataset}: {s.reason}" for s in tally.skipped]
    return _result("readable", "the output was read to its end", not skipped,
                   "all of it" if not skipped else "; ".join(skipped[:_NAMED]))


def _result(identifier: str, title: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"id": identifier, "title": title, "passed": passed, "detail": detail}

"""The read of the output: it is scanned again, and every value in it is held against the withheld ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, Batch, Hits, Ints
from guard.disclosure.withheld import SHORTEST, WithheldValues
from guard.hashing import Hashes
from guard.model import Action, Decision, Scope, Skipped
from guard.policy.rulebook import MASKED as MASKED_RULE
from guard.scanner import Scanner
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover
from guard.tally import Tally

Key = tuple[str, str]
MOST_SUSPECTS = 100_000
"""So many suspected values are told apart; a release with more fails without confirmation."""
_WORDS = re.compile(r"[^\W_]+")
_FAR = 1 << 32
"""More than any cell is long."""


@dataclass(slots=True)
class OutputScan:
    """What the read of the output gave: its tally, and the hashes and places of values that may be withheld ones."""

    tally: Tally = field(default_factory=Tally)
    suspects: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the policy knowingly lets stand: per field the classes that are allowed, and fields allowed as a whole;
    the fields in which ciphertexts stand, whose characters can spell anything; and per field the classes whose values
    became others of the class, which can be right numbers of another class as well."""

    classes: Mapping[Key, frozenset[str]]
    fields: frozenset[Key]
    encrypted: frozenset[Key] = frozenset()
    formed: Mapping[Key, frozenset[str]] = field(default_factory=dict)

    @staticmethod
    def of(decisions: Sequence[Decision]) -> Allowances:
        """Those of the decisions on classes that were found in clear, or that the header names."""
        allowed = [d for d in decisions if d.data_class and d.action is Action.ALLOW and d.rule != MASKED_RULE]
        formed = [d for d in decisions if d.action is Action.PSEUDONYMISE and d.params.get("method") == "form"]
        return Allowances(_classes(allowed),
                          frozenset((d.dataset, d.field) for d in allowed if d.scope is Scope.FIELD),
                          frozenset((d.dataset, d.field) for d in decisions if d.action is Action.ENCRYPT),
                          _classes(formed))


def scan_output(folder: Path, scanner: Scanner, withheld: WithheldValues, options: Options, allowances: Allowances,
                origin: Callable[[str], str]) -> OutputScan:
    """Scan the output again and hold every value in it against the withheld ones.

    `origin` gives the name that a data set of the output had in the source, which the decisions call it by.
    """
    labels = ScannedLabels(scanner.matcher)
    found = OutputScan()
    probe = _Probe(scanner, withheld, allowances, found.suspects)
    for document in discover(folder, options, labels):
        if isinstance(document, Skipped):
            found.tally += Tally(skipped=[document])
            continue
        probe.names(document.name, [document.name])
        _scan_document(document, scanner, probe, found.tally, origin)
    found.tally += scanner.names_of(labels).tally(None)
    return found


def _scan_document(document: Document, scanner: Scanner, probe: _Probe, total: Tally,
                   origin: Callable[[str], str]) -> None:
    for item in document.read():
        if isinstance(item, Skipped):
            total += Tally(skipped=[item])
            continue
        dataset = origin(item.dataset)
        hits = [_outside_ciphertexts(item, index, found) if (dataset, name) in probe.allowances.encrypted else found
                for (index, name), found in zip(_fields(item), scanner.hits(item), strict=True)]
        counting = [_outside_pseudonyms(scanner, probe.allowances.formed.get((dataset, name), frozenset()), found)
                    for (_, name), found in zip(_fields(item), hits, strict=True)]
        part = scanner.tally_batch(item, counting, shows=False)
        for counted in part.fields.values():
            counted.dataset = dataset
        total += Tally({(dataset, name): counted for (_, name), counted in part.fields.items()})
        probe.batch(item, dataset, hits)


class _Probe:
    """Looks for withheld values: whole cells, findings, runs of letters and digits, and the words of names.

    A value is no suspect where a class covers it that the policy allows in that field.
    """

    def __init__(self, scanner: Scanner, withheld: WithheldValues, allowances: Allowances,
                 suspects: dict[int, str]) -> None:
        self._scanner = scanner
        self._withheld = withheld
        self.allowances = allowances
        self._suspects = suspects
        self._named: set[Key] = set()

    def names(self, dataset: str, names: Sequence[str]) -> None:
        """Names of files and fields: as a whole, and each word of them."""
        for name in names:
            for part in {name, *_WORDS.findall(name)}:
                value = part.encode("utf-8", "replace")
                if len(value) >= SHORTEST:
                    ends = np.array([len(value)], np.int64)
                    hashes = self._withheld.hashes(value, np.zeros(1, np.int64), ends)
                    self._note(hashes[self._withheld.probe(hashes)], [f"{dataset} (a name)"])

    def batch(self, batch: Batch, dataset: str, found: Sequence[Hits]) -> None:
        """All values of a batch; each buffer is gone through once, however many columns lie in it."""
        for column in batch.columns:
            if (dataset, column.field) not in self._named:
                self._named.add((dataset, column.field))
                self.names(dataset, [column.field, column.header])
        buffers: dict[int, list[int]] = {}
        for index in range(len(found)):
            buffers.setdefault(id(batch.columns[index].data if batch.columns else batch.data), []).append(index)
        for members in buffers.values():
            self._buffer(batch, dataset, found, members)

    def _buffer(self, batch: Batch, dataset: str, found: Sequence[Hits], members: Sequence[int]) -> None:
        data = batch.columns[members[0]].data if batch.columns else batch.data
        allowed: list[tuple[Ints, Ints]] = []
        values = [*_runs(data)]
        for index in members:
            raw = found[index].take(found[index].flags & MASKED == 0)
            base = batch.columns[index].starts[raw.cell] if batch.columns else 0
            starts, ends = base + raw.start, base + raw.end
            values.append((starts, ends))
            key = (dataset, batch.columns[index].field if batch.columns else "text")
            fine = self._is_allowed(key, raw)
            allowed.append((starts[fine], ends[fine]))
            if batch.columns and key not in self.allowances.fields:
                values.append((batch.columns[index].starts, batch.columns[index].ends))
        starts, hashes = self._withheld_among(data, values, _union(allowed))
        if len(hashes):
            self._note(hashes, [f"{dataset} {_field_at(batch, members, at)}".rstrip()
                                for at in starts[:MOST_SUSPECTS].tolist()])

    def _is_allowed(self, key: Key, hits: Hits) -> npt.NDArray[np.bool_]:
        classes = self.allowances.classes.get(key, frozenset())
        numbers = [i for i, d in enumerate(self._scanner.matcher.detectors) if d.data_class in classes]
        return np.isin(hits.detector, numbers)

    def _withheld_among(self, data: bytes, values: Sequence[tuple[Ints, Ints]],
                        allowed: tuple[Ints, Ints]) -> tuple[Ints, Hashes]:
        """Start and hash of each slice that is, or may be, a withheld value, and is not covered by an allowed one."""
        starts, ends = (np.concatenate(part) for part in zip(*values, strict=True))
        long = ends - starts >= SHORTEST
        starts, ends = starts[long], ends[long]
        hashes = self._withheld.hashes(data, starts, ends)
        suspected = self._withheld.probe(hashes)
        starts, ends, hashes = starts[suspected], ends[suspected], hashes[suspected]
        open_ = ~_covered(starts, ends, *allowed)
        return starts[open_], hashes[open_]

    def _note(self, hashes: Hashes, places: Sequence[str]) -> None:
        for value, place in zip(hashes.tolist(), places, strict=False):
            if len(self._suspects) < MOST_SUSPECTS:
                self._suspects.setdefault(value, place)


def _fields(batch: Batch) -> list[tuple[int, str]]:
    """Index and name of each field of a batch; the text has index -1."""
    return [(index, column.field) for index, column in enumerate(batch.columns)] or [(-1, "text")]


def _classes(decisions: Sequence[Decision]) -> dict[Key, frozenset[str]]:
    """The classes that are decided in each field."""
    classes: dict[Key, set[str]] = {}
    for decision in decisions:
        classes.setdefault((decision.dataset, decision.field), set()).add(decision.data_class)
    return {key: frozenset(found) for key, found in classes.items()}


def _outside_pseudonyms(scanner: Scanner, formed: frozenset[str], hits: Hits) -> Hits:
    """The hits but those of other classes inside of a pseudonym: an ID number of Gansu can be a right card number.

    All values of the classes `formed` were replaced, so that what is found of them are pseudonyms.
    """
    if not formed or not len(hits):
        return hits
    numbers = [i for i, d in enumerate(scanner.matcher.detectors) if d.data_class in formed]
    own = np.isin(hits.detector, numbers) & (hits.flags & MASKED == 0)
    # One line for all cells, each far from the next.
    starts, ends = hits.cell * _FAR + hits.start, hits.cell * _FAR + hits.end
    inside = _covered(starts, ends, *_union([(starts[own], ends[own])]))
    return hits.take(own | ~inside)


def _outside_ciphertexts(batch: Batch, index: int, hits: Hits) -> Hits:
    """The hits that do not lie in an encrypted value."""
    # With it comes Arrow, for which a release that encrypts nothing should not have to wait.
    from guard.protect.ciphertext import CIPHERTEXT

    data = batch.data if index < 0 else batch.columns[index].data
    spans = [found.span() for found in CIPHERTEXT.finditer(data.decode("latin-1"))] if len(hits) else []
    if not spans:
        return hits
    starts, ends = np.array(spans, np.int64).T
    base = 0 if index < 0 else batch.columns[index].starts[hits.cell]
    return hits.take(~_covered(base + hits.start, base + hits.end, starts, ends))


def _union(spans: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """All spans by their start, each end moved to the farthest of those before it."""
    starts, ends = (np.concatenate(part) for part in zip(*spans, strict=True))
    order = np.argsort(starts, kind="stable")
    return starts[order], np.maximum.accumulate(ends[order]) if len(order) else ends


def _covered(starts: Ints, ends: Ints, outer_starts: Ints, outer_ends: Ints) -> npt.NDArray[np.bool_]:
    if not len(outer_starts) or not len(starts):
        return np.zeros(len(starts), bool)
    before = np.searchsorted(outer_starts, starts, "right") - 1
    return np.asarray((before >= 0) & (outer_ends[before] >= ends))


def _field_at(batch: Batch, members: Sequence[int], position: int) -> str:
    """The field whose value holds this byte of a buffer, "" when it stands outside of all values."""
    if not batch.columns:
        return "text"
    inside = (batch.columns[i] for i in members)
    return next((c.field for c in inside if np.any((c.starts <= position) & (position < c.ends))), "")


def _runs(data: bytes) -> Iterator[tuple[Ints, Ints]]:
    """The maximal runs of ASCII letters and digits, and those of digits alone."""
    view = np.frombuffer(data, np.uint8)
    digits = (view - 48) < 10
    for word in (digits | (((view | 0x20) - 97) < 26), digits):
        inside: npt.NDArray[np.int8] = np.zeros(len(view) + 2, np.int8)
        inside[1:-1] = word
        edges = np.diff(inside)
        yield np.flatnonzero(edges == 1).astype(np.int64), np.flatnonzero(edges == -1).astype(np.int64)

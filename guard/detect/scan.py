"""One scan of one buffer: shapes by NumPy, the other rules line by line where the finder says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import MASKED, NOISY, Hits, Ints, distinct
from guard.detect.damage import repaired, without_damage
from guard.detect.dense import Spans, header_sign, judge_spans
from guard.detect.folding import Folded, fold
from guard.detect.judge import Place, scan_line
from guard.detect.lines import LineHits, LineScan
from guard.detect.normalise import Line
from guard.detect.overlap import Placed, resolve
from guard.detect.plain import place_line
from guard.detect.plan import Plan
from guard.detect.rule import Rule, Rules
from guard.detect.shapes import Block, Words

HIT_WORK = 32
"""Bytes of a scan that take as long as one hit to merge, roughly."""


class Found(NamedTuple):
    """Hits of a buffer as columns, in any order; offsets are bytes of the original buffer."""

    detector: Ints
    start: Ints
    end: Ints
    confidence: npt.NDArray[np.float64]
    flags: Ints


class Scan:
    """The hits of `data` under `header` ("" in text), without the rules that span lines.

    After `found`, `multiline` has the indices of those rules that the caller has to run, each with offsets of lines
    where something of them was seen.
    """

    def __init__(self, plan: Plan, data: bytes, header: str) -> None:
        self._plan, self._data, self._header = plan, data, header
        self._damaged, self._sound = without_damage(data)
        self._folded = fold(self._sound)
        self._block = Block(self._folded.data)
        self._events = plan.events(self._folded.data)
        self._fits = dict.fromkeys((rule.index for rule in plan.rules), False)
        if header:
            self._fits |= dict.fromkeys((rule.index for rule in plan.rules.headers.fitting(header)), True)
        self.multiline: dict[int, list[int]] = {}

    def found(self) -> Found:
        """All hits."""
        spans = [self._spans(self._plan.rules[index]) for index in self._plan.shapes]
        spans = [found for found in spans if len(found.start)]
        lines = LineScan(self._plan, self._sound, self._folded, self._block, self._events, self._header, self._fits)
        searched = self._from_lines(lines.hits(spans))
        self.multiline = lines.spanning
        parts = [found_spans(self._folded, spans), searched]
        if self._damaged:
            parts.append(self._from_damaged())
        return concatenate(parts)

    def _from_damaged(self) -> Found:
        """The hits in damaged lines. Rules that span lines may have seen something there, for nobody looked."""
        plan = self._plan
        for rule in plan.rules:
            if rule.detector.multiline:
                self.multiline.setdefault(rule.index, []).extend(start for start, _ in self._damaged)
        return from_damaged(plan.rules, self._data, self._damaged, self._header, plan.tells_stray_bytes,
                            lambda data: Scan(plan, data, self._header).found())

    def _spans(self, rule: Rule) -> Spans:
        """The hits of a shape."""
        none = Spans(rule, np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8))
        fits, words = self._fits[rule.index], self._events.words(rule)
        supported = fits or rule.detector.require == "nothing"
        if not supported and (rule.detector.require == "header" or self._is_wordless(rule, words)):
            return none
        needed = None if supported or self._header else words
        starts, ends = self._plan.shapes[rule.index].find(self._block, needed)
        if not len(starts):
            return none
        signs = self._plan.surroundings.signs(rule, self._block, starts, ends, words, self._header)
        return judge_spans(rule, self._block, self._folded, starts, ends, fits, signs)

    def _is_wordless(self, rule: Rule, words: Words | None) -> bool:
        """Whether no word of the rule's context occurs, neither in the block nor in the header."""
        if rule.detector.context is None:
            return True
        if words is None or len(words.ends):
            return False
        return header_sign(rule, self._header) <= 0

    def _from_lines(self, found: LineHits) -> Found:
        starts, ends = np.array(found.starts, np.int64), np.array(found.ends, np.int64)
        flags = np.array(found.flags, np.int64)
        first, last = self._folded.originals(starts, ends)
        # What folding shortened was not written in its normal form.
        flags[last - first != ends - starts] |= NOISY
        return Found(np.array(found.rules, np.int64), first, last, np.array(found.confidence, np.float64), flags)


def from_damaged(rules: Sequence[Rule], data: bytes, lines: Sequence[tuple[int, int]], header: str, told_apart: bool,
                 scan: Callable[[bytes], Found]) -> Found:
    """The hits in the damaged `lines` of `data`. `scan` gives those of a buffer of UTF-8, `told_apart` says whether a
    pattern may tell stray bytes from what is written for them there."""
    spelled = None if told_apart else repaired(data, lines)
    if spelled is None:
        place, found = Place(header), list[Placed]()
        for start, end in lines:
            line = Line(data[start:end], start)
            found += place_line(scan_line(rules, line.text, place), line)
        return found_of(found)
    hits = scan(spelled.data)
    starts, ends = spelled.originals(hits.start, hits.end)
    return Found(hits.detector, starts, ends, hits.confidence, hits.flags)


def found_of(placed: Sequence[Placed]) -> Found:
    """Single hits as columns."""
    detector, start, end, flags = (np.array([getattr(hit, name) for hit in placed], np.int64)
                                   for name in ("detector", "start", "end", "flags"))
    return Found(detector, start, end, np.array([hit.confidence for hit in placed], np.float64), flags)


def concatenate(parts: Sequence[Found]) -> Found:
    """All parts one after the other."""
    return Found(*(np.concatenate([getattr(part, name) for part in parts]) for name in
                   ("detector", "start", "end", "confidence", "flags")))


def found_spans(folded: Folded, spans: Sequence[Spans]) -> Found:
    """Hits of a normalised block where they stand in its original."""
    starts, ends = folded.originals(_joined([span.start for span in spans], np.int64),
                                    _joined([span.end for span in spans], np.int64))
    detector = np.repeat([span.rule.index for span in spans], [len(span.start) for span in spans]).astype(np.int64)
    return Found(detector, starts, ends, _joined([span.confidence for span in spans], np.float64),
                 _joined([span.flags for span in spans], np.uint8).astype(np.int64))


def _joined(parts: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts])


def merge(rules: Rules, whole: Found, cell: Ints | None = None) -> Hits:
    """Hits in order, each once, overlaps flagged: what `plain.to_hits` makes of single ones.

    Of the same span by the same detector the first stays. With `cell`, hits of different cells never overlap.
    """
    cells = np.zeros(len(whole.start), np.int64) if cell is None else cell
    if len(whole.start) and compiled.pays(HIT_WORK * len(whole.start)):
        return _merge_by_loops(rules, whole, cells)
    masked = whole.flags & MASKED
    order = np.lexsort((masked, whole.detector, whole.end, whole.start, cells))
    keys = np.stack([cells, whole.start, whole.end, whole.detector, masked])[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    order = order[first]
    order = order[np.lexsort((whole.flags[order], whole.detector[order], -whole.end[order], whole.start[order],
                              cells[order]))]
    hits = Hits(whole.detector[order].astype(np.int16), whole.start[order], whole.end[order],
                whole.confidence[order].astype(np.float32), whole.flags[order].astype(np.uint8), cells[order])
    _shadow(rules, hits, whole.confidence[order])
    return hits


def _merge_by_loops(rules: Rules, whole: Found, cells: Ints) -> Hits:
    from guard.detect import judging_loops as loops

    stride = int(whole.end.max()) + 1
    order = np.argsort(cells * stride + whole.start, kind="stable")
    order = order[: loops.arrange(order, cells, whole.start, whole.end, whole.detector, whole.flags)]
    cells, start, end, detector = cells[order], whole.start[order], whole.end[order], whole.detector[order]
    confidence, flags = whole.confidence[order], whole.flags[order]
    loops.shadow(rules.traits, cells, start, end, detector, confidence, flags, np.empty(len(order), np.int64))
    return Hits(detector.astype(np.int16), start, end, confidence.astype(np.float32), flags.astype(np.uint8), cells)


def _shadow(rules: Sequence[Rule], hits: Hits, confidence: npt.NDArray[np.float64]) -> None:
    """Flags overlaps in place; only groups of hits that touch are looked at, and of equal groups only one."""
    if not len(hits):
        return
    # Cells are laid out one behind the other, so that one running maximum tells where a group ends.
    stride = int(hits.end.max()) + 1
    starts, ends = hits.start + hits.cell * stride, hits.end + hits.cell * stride
    reach = np.maximum.accumulate(ends)
    joined = np.concatenate([[False], starts[1:] < reach[:-1]])
    heads = np.flatnonzero(~joined)
    sizes = np.diff(np.append(heads, len(hits)))
    columns = np.stack([hits.detector, hits.flags, confidence.view(np.int64), starts, ends], axis=1).astype(np.int64)
    for size in distinct(sizes[sizes > 1]).tolist():
        chosen = heads[sizes == size]
        groups = columns[chosen[:, None] + np.arange(size)]
        groups[:, :, 3:] -= starts[chosen][:, None, None]
        # Raw bytes as keys: NumPy's own `unique` of rows would sort them, which takes longer than everything else here.
        keys = groups.reshape(len(groups), -1).view(f"V{size * 40}").ravel().tolist()
        first = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        flags = {key: _resolved(rules, groups[index]) for key, index in first.items()}
        for offset, column in enumerate(np.array([flags[key] for key in keys], np.uint8).T):
            hits.flags[chosen + offset] = column


def _resolved(rules: Sequence[Rule], group: Ints) -> list[int]:
    """The flags of hits that touch; a row is (detector, flags, confidence as bits, start, end)."""
    return resolve([
        Placed(detector, rules[detector].detector.data_class, start, end, np.int64(bits).view(np.float64).item(), flags)
        for detector, flags, bits, start, end in group.tolist()])

"""One scan of one buffer: shapes by NumPy, the other rules line by line where the finder says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, Hits, Ints
from guard.detect.dense import Spans, judge_spans
from guard.detect.folding import fold
from guard.detect.judge import Kind, Place, Span, Verdict, candidates, companions, judge
from guard.detect.normalise import Line
from guard.detect.overlap import Placed, resolve
from guard.detect.plain import place_line
from guard.detect.plan import Plan
from guard.detect.rule import Rule
from guard.detect.shapes import Block, Words


@dataclass(frozen=True, slots=True, eq=False)
class Found:
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
        self._folded = fold(data)
        self._block = Block(self._folded.data)
        self._bounds = self._block.bounds
        self._events = plan.events(self._folded.data)
        self._fits = {rule.index: bool(header) and rule.header_words.fit(header) > 0 for rule in plan.rules}
        self._spanning = {rule.index for rule in plan.rules if rule.detector.multiline}
        self.multiline: dict[int, list[int]] = {}

    def found(self) -> Found:
        """All hits."""
        spans = [self._spans(self._plan.rules[index]) for index in self._plan.shapes]
        spans = [found for found in spans if len(found.start)]
        placed = list(self._placed(spans))
        return concatenate([*(self._original(found) for found in spans), found_of(placed)])

    def _spans(self, rule: Rule) -> Spans:
        """The hits of a shape."""
        nothing = np.empty(0, np.int64)
        fits, words = self._fits[rule.index], self._events.words(rule)
        supported = fits or rule.detector.require == "nothing"
        if not supported and (rule.detector.require == "header" or self._is_wordless(rule, words)):
            return Spans(rule, nothing, nothing, np.empty(0), np.empty(0, np.uint8))
        needed = None if supported or self._header else words
        starts, ends = self._plan.shapes[rule.index].find(self._block, needed)
        signs = self._plan.surroundings.signs(rule, self._block, starts, ends, words, self._header)
        return judge_spans(rule, self._block, self._folded, starts, ends, fits, signs)

    def _is_wordless(self, rule: Rule, words: Words | None) -> bool:
        """Whether no word of the rule's context occurs, neither in the block nor in the header."""
        if rule.vicinity is None:
            return True
        return words is not None and not len(words.ends) and rule.vicinity.weigh("", 0, 0, self._header) <= 0

    def _original(self, spans: Spans) -> Found:
        starts, ends = self._folded.originals(spans.start, spans.end)
        index = np.full(len(starts), spans.rule.index, np.int64)
        return Found(index, starts, ends, spans.confidence, spans.flags.astype(np.int64))

    def _placed(self, spans: Sequence[Spans]) -> Iterator[Placed]:
        """The hits of all other rules, from the lines that could hold one."""
        beside = _Beside(self._block.data, spans, self._bounds)
        bounds = self._bounds if self._folded.data is self._data else Block(self._data).bounds
        for number, indices in self._chosen_lines(spans):
            start, end = int(bounds[number]) + 1, int(bounds[number + 1])
            for index in self._spanning.intersection(indices):
                self.multiline.setdefault(index, []).append(start)
            indices = [index for index in indices if index not in self._spanning]
            if start < end and indices:
                line = Line(self._data[start:end], start)
                rules = [self._plan.rules[index] for index in indices]
                yield from place_line(self._judge_line(rules, line, number, beside), line)

    def _judge_line(self, rules: Sequence[Rule], line: Line, number: int, beside: _Beside) -> list[Verdict]:
        """As `judge.scan_line`, the hits of the shapes counting as companions."""
        verdicts = self._verdicts([rule for rule in rules if not rule.detector.near], line)
        sociable = [rule for rule in rules if rule.detector.near]
        if not sociable:
            return verdicts
        found = [*verdicts, *beside.verdicts(number)]
        needy = self._verdicts([rule for rule in sociable if self._has_company(rule, found, sociable)], line)
        kept = {id(verdict) for verdict in companions([*found, *needy])} if needy else set()
        return verdicts + [verdict for verdict in needy if id(verdict) in kept]

    def _has_company(self, rule: Rule, found: Sequence[Verdict], others: Sequence[Rule]) -> bool:
        """Whether a class that the rule wants near is there, or could be by one of `others`."""
        return any(_is_near(rule, verdict.rule) for verdict in found) or any(_is_near(rule, other) for other in others)

    def _verdicts(self, rules: Sequence[Rule], line: Line) -> list[Verdict]:
        """What the rules find in a line, each span once for a rule."""
        found: dict[tuple[int, int, int, int], Verdict] = {}
        place, text = Place(self._header), line.text
        lowered = text.lower() if any(rule.keywords for rule in rules) else ""
        for rule in rules:
            for span in self._located(rule, text) if rule.may_match(lowered) else ():
                if (verdict := judge(self._plan.located[rule.index], text, span, place)) is not None:
                    found.setdefault((rule.index, verdict.start, verdict.end, verdict.flags & MASKED), verdict)
        return list(found.values())

    def _located(self, rule: Rule, text: str) -> Iterable[Span]:
        """The candidates of a rule with their real ends: several numbers of one address are one span to judge."""
        if rule.extent is None:
            return candidates(rule, text)
        spans: dict[Span, None] = {}
        for span in candidates(rule, text):
            if span.kind is not Kind.PATTERN:
                spans[span] = None
            elif (extent := rule.extent(text, span.start, span.end)) is not None:
                spans[Span(*extent)] = None
        return spans

    def _chosen_lines(self, spans: Sequence[Spans]) -> Iterator[tuple[int, list[int]]]:
        """(number of a line, indices of the rules to try there), by line."""
        count, events = len(self._plan.rules), self._events
        pairs = np.unique(self._block.lines_of(events.line_ends) * count + events.line_rules)
        pairs = pairs[self._is_supported(pairs)]
        pairs = pairs[self._may_have_company(pairs, spans)]
        chosen: dict[int, list[int]] = defaultdict(list)
        for number, index in zip((pairs // count).tolist(), (pairs % count).tolist(), strict=True):
            chosen[number].append(index)
        always = self._plan.everywhere
        if always:
            chosen = {number: sorted({*chosen[number], *always}) for number in range(len(self._bounds) - 1)}
        return iter(chosen.items())

    def _is_supported(self, pairs: Ints) -> npt.NDArray[np.bool_]:
        """Whether a line (number * rules + rule) holds the context word that the rule cannot do without."""
        numbers, owners = pairs // len(self._plan.rules), pairs % len(self._plan.rules)
        supported = np.ones(len(pairs), bool)
        for rule in (self._plan.rules[index] for index in np.unique(owners).tolist()):
            if self._needs_word(rule):
                mine = owners == rule.index
                supported[mine] = np.isin(numbers[mine], self._block.lines_of(self._events.word_ends(rule)))
        return supported

    def _may_have_company(self, pairs: Ints, spans: Sequence[Spans]) -> npt.NDArray[np.bool_]:
        """Whether the line could hold a hit of a class that the rule wants near, by a shape or by another rule."""
        count, rules = len(self._plan.rules), self._plan.rules
        numbers, owners = pairs // count, pairs % count
        possible = np.ones(len(pairs), bool)
        if self._plan.everywhere:
            return possible
        for rule in (rules[index] for index in np.unique(owners).tolist() if rules[index].detector.near):
            friends = [other.index for other in rules if _is_near(rule, other)]
            lines = [numbers[np.isin(owners, friends)]]
            lines += [self._block.lines_of(found.start + 1) for found in spans if found.rule.index in friends]
            mine = owners == rule.index
            possible[mine] = np.isin(numbers[mine], np.concatenate(lines))
        return possible

    def _needs_word(self, rule: Rule) -> bool:
        """Whether the rule counts only beside a word of its context, and only the line can hold it."""
        if rule.detector.require != "context" or self._fits[rule.index] or rule.index in self._plan.wordless:
            return False
        return rule.vicinity is not None and rule.vicinity.weigh("", 0, 0, self._header) <= 0


@cache
def _wants(near: tuple[str, ...], data_class: str) -> bool:
    return any(data_class == name or data_class.startswith(name + ".") for name in near)


def _is_near(rule: Rule, other: Rule) -> bool:
    """Whether hits of `other` are company for `rule`."""
    return _wants(rule.detector.near, other.detector.data_class)


class _Beside:
    """Hits of shapes as verdicts of their line, made only for lines that hold a rule which needs company."""

    def __init__(self, data: bytes, spans: Sequence[Spans], bounds: Ints) -> None:
        self._data, self._bounds = data, bounds
        self._rules = [found.rule for found in spans for _ in range(len(found.start))]
        starts = [found.start for found in spans] or [np.empty(0, np.int64)]
        self._starts = np.concatenate(starts)
        self._ends = np.concatenate([found.end for found in spans]) if spans else self._starts
        self._order = np.argsort(self._starts, kind="stable")
        self._sorted = self._starts[self._order]

    def verdicts(self, number: int) -> list[Verdict]:
        """The hits in the line; indices are characters of it."""
        first = int(self._bounds[number]) + 1
        left, right = np.searchsorted(self._sorted, self._bounds[number : number + 2] + 1)
        return [self._verdict(index, first) for index in self._order[left:right].tolist()]

    def _verdict(self, index: int, first: int) -> Verdict:
        start, end = int(self._starts[index]), int(self._ends[index])
        characters = len(self._data[first:start].decode("utf-8", "surrogateescape"))
        return Verdict(self._rules[index], characters, characters + end - start, 1.0, 0)


def found_of(placed: Sequence[Placed]) -> Found:
    """Single hits as columns."""
    detector, start, end, flags = (np.array([getattr(hit, name) for hit in placed], np.int64)
                                   for name in ("detector", "start", "end", "flags"))
    return Found(detector, start, end, np.array([hit.confidence for hit in placed], np.float64), flags)


def concatenate(parts: Sequence[Found]) -> Found:
    """All parts one after the other."""
    return Found(*(np.concatenate([getattr(part, name) for part in parts]) for name in
                   ("detector", "start", "end", "confidence", "flags")))


def merge(rules: Sequence[Rule], whole: Found, cell: Ints | None = None) -> Hits:
    """Hits in order, each once, overlaps flagged: what `plain.to_hits` makes of single ones.

    Of the same span by the same detector the first stays. With `cell`, hits of different cells never overlap.
    """
    cells = np.zeros(len(whole.start), np.int64) if cell is None else cell
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
    for size in np.unique(sizes[sizes > 1]).tolist():
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

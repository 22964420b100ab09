"""The rules that are searched line by line, in the lines where Hyperscan saw something of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, NOISY, Ints, among, distinct
from guard.detect.dense import Spans, header_sign
from guard.detect.folding import Folded
from guard.detect.judge import Kind, Place, Span, Verdict, companions
from guard.detect.normalise import normal_form
from guard.detect.plan import Events, Plan
from guard.detect.rule import Rule
from guard.detect.shapes import Block
from guard.detect.windows import Search

Work = tuple[Search, Sequence[int] | None]
"""A search, and the offsets around which it has to look (None: the whole line)."""
LONG_LINE = 1024


@dataclass(slots=True, eq=False, repr=False)
class LineHits:
    """Hits as lists. Offsets are bytes of the normalised block."""

    rules: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)


class LineScan:
    """One pass over the chosen lines of a block.

    `spanning` has, after `hits`, the rules that span lines, each with offsets (in the original) of lines where
    something of them was seen.
    """

    def __init__(self, plan: Plan, data: bytes, folded: Folded, block: Block, events: Events, header: str,
                 fits: Mapping[int, bool]) -> None:
        self._plan, self._data, self._block, self._events = plan, data, block, events
        self._place, self._fits = Place(header), fits
        self._bounds: list[int] = block.bounds.tolist()
        self._originals = block.bounds if folded.data is data else Block(data).bounds
        self.spanning: dict[int, list[int]] = {}

    def hits(self, shapes: Sequence[Spans]) -> LineHits:
        """All hits of the rules that are no shapes; those of the shapes count as company."""
        found, beside = LineHits(), _Beside(self._block, shapes)
        for number, work in self._chosen(shapes):
            if self._bounds[number] + 1 < self._bounds[number + 1]:
                self._scan(number, work, beside, found)
        return found

    def _scan(self, number: int, work: Sequence[Work], beside: _Beside, found: LineHits) -> None:
        first, last = self._bounds[number] + 1, self._bounds[number + 1]
        line = LineText(self._block.data[first:last])
        around = [(search, None if ends is None else line.characters([end - first for end in ends]))
                  for search, ends in work]
        for verdict in self._judge_line(line.text, around, lambda: beside.verdicts(number, line)):
            start, end = line.bytes(verdict.start), line.bytes(verdict.end)
            noisy = _is_noisy(verdict.rule, line.text[verdict.start : verdict.end])
            found.rules.append(verdict.rule.index)
            found.starts.append(first + start)
            found.ends.append(first + end)
            found.confidence.append(verdict.confidence)
            found.flags.append(verdict.flags | (NOISY if noisy else 0))

    def _judge_line(self, text: str, work: Sequence[Work], company: Callable[[], list[Verdict]]) -> list[Verdict]:
        """As `judge.scan_line`: a rule that needs company counts when a class that it wants is near."""
        verdicts = self._verdicts([w for w in work if not w[0].rule.detector.near], text)
        sociable = [w for w in work if w[0].rule.detector.near]
        if not sociable:
            return verdicts
        found = [*verdicts, *company()]
        needy = self._verdicts(_invited(sociable, [verdict.rule for verdict in found]), text)
        kept = {id(verdict) for verdict in companions([*found, *needy])} if needy else set()
        return verdicts + [verdict for verdict in needy if id(verdict) in kept]

    def _verdicts(self, work: Sequence[Work], text: str) -> list[Verdict]:
        """What the searches find in a line, each span once for a rule."""
        found: dict[tuple[int, int, int, int], Verdict] = {}
        lowered = text.lower() if any(search.rule.keywords for search, _ in work) else ""
        for search, ends in work:
            rule = search.rule
            if not rule.may_match(lowered):
                continue
            for span in _located(rule, text, search.spans(text, ends)):
                if (verdict := self._plan.judgements.judge(rule, text, span, self._place)) is not None:
                    found.setdefault((rule.index, verdict.start, verdict.end, verdict.flags & MASKED), verdict)
        return list(found.values())

    def _chosen(self, shapes: Sequence[Spans]) -> Iterator[tuple[int, list[Work]]]:
        """(number of a line, what to search there), by line."""
        plan, events = self._plan, self._events
        count = len(plan.searches)
        keys = self._block.lines_of(events.line_ends) * count + events.line_searches
        order = np.lexsort((events.line_ends, keys))
        pairs, firsts = np.unique(keys[order], return_index=True)
        ends: list[int] = events.line_ends[order].tolist()
        kept = self._is_supported(pairs)
        kept[kept] = self._may_have_company(pairs[kept], shapes)
        lasts = np.append(firsts[1:], len(ends))
        chosen: dict[int, list[Work]] = defaultdict(list)
        for pair, low, high in zip(pairs[kept].tolist(), firsts[kept].tolist(), lasts[kept].tolist(), strict=True):
            number, index = divmod(pair, count)
            search = plan.searches[index]
            if search.spans_lines:
                self.spanning.setdefault(search.rule.index, []).append(int(self._originals[number]) + 1)
            else:
                chosen[number].append((search, ends[low:high] if plan.finder.exhaustive else None))
        return iter(chosen.items()) if not plan.everywhere else self._with_everywhere(chosen)

    def _with_everywhere(self, chosen: Mapping[int, list[Work]]) -> Iterator[tuple[int, list[Work]]]:
        """The same, with the searches that no expression stands for in every line."""
        always = [self._plan.searches[index] for index in sorted(self._plan.everywhere)]
        for search in always:
            if search.spans_lines:
                self.spanning[search.rule.index] = (self._originals[:-1] + 1).tolist()
        rest: list[Work] = [(search, None) for search in always if not search.spans_lines]
        for number in range(len(self._bounds) - 1):
            yield number, sorted([*chosen.get(number, ()), *rest], key=lambda work: work[0].number)

    def _is_supported(self, pairs: Ints) -> npt.NDArray[np.bool_]:
        """Whether a line holds the context word that the rule of the search cannot do without."""
        numbers, owners = self._split(pairs)
        supported = np.ones(len(pairs), bool)
        for rule in (self._plan.rules[index] for index in distinct(owners).tolist()):
            if self._needs_word(rule):
                mine = owners == rule.index
                supported[mine] = among(numbers[mine], self._block.lines_of(self._events.word_ends(rule)))
        return supported

    def _needs_word(self, rule: Rule) -> bool:
        """Whether the rule counts only beside a word of its context, and only the line can hold it."""
        if rule.detector.require != "context" or self._fits[rule.index] or rule.index in self._plan.wordless:
            return False
        return rule.detector.context is not None and header_sign(rule, self._place.header) <= 0

    def _may_have_company(self, pairs: Ints, shapes: Sequence[Spans]) -> npt.NDArray[np.bool_]:
        """Whether the line could hold a hit of a class that the rule wants near, by a shape or by another rule.

        A rule that is itself company for one that may have it stays too: company counts before it has any of its own.
        """
        numbers, owners = self._split(pairs)
        present = [self._plan.rules[index] for index in distinct(owners).tolist()]
        sociable = [rule for rule in present if rule.detector.near] if not self._plan.everywhere else []
        possible = np.ones(len(pairs), bool)
        for rule in sociable:
            friends = np.array([other.index for other in self._plan.rules if is_near(rule, other)], np.int64)
            lines = [numbers[among(owners, friends)]]
            lines += [self._block.lines_of(found.start + 1) for found in shapes if found.rule.index in friends]
            mine = owners == rule.index
            possible[mine] = among(numbers[mine], np.concatenate(lines))
        kept = possible.copy()
        for rule in sociable:
            hosts = np.array([other.index for other in sociable if is_near(other, rule)], np.int64)
            mine = owners == rule.index
            kept[mine] |= among(numbers[mine], numbers[among(owners, hosts) & possible])
        return kept

    def _split(self, pairs: Ints) -> tuple[Ints, Ints]:
        """Numbers of lines and indices of rules."""
        count = len(self._plan.searches)
        return pairs // count, self._plan.owners[pairs % count]


class LineText:
    """A line of a sound block as bytes and as text, with the way between offsets of both.

    A long line may hold thousands of hits, so its offsets are counted once and not from its beginning each time.
    """

    __slots__ = ("_ascii", "_leads", "raw", "text")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.text = raw.decode("utf-8", "surrogateescape")
        self._ascii = len(self.text) == len(raw)
        self._leads: Ints | None = None
        if not self._ascii and len(raw) > LONG_LINE:
            self._leads = np.append(np.flatnonzero((np.frombuffer(raw, np.uint8) & 0xC0) != 0x80), len(raw))

    def bytes(self, index: int) -> int:
        """The offset in bytes of the character at an index."""
        if self._ascii:
            return index
        return len(self.text[:index].encode("utf-8", "surrogateescape")) if self._leads is None else int(
            self._leads[index])

    def characters(self, offsets: Sequence[int]) -> Sequence[int]:
        """The indices of characters at offsets in bytes; an offset inside a character is that of its end."""
        if self._ascii:
            return offsets
        if self._leads is None:
            return [len(self.raw[:offset].decode("utf-8", "replace")) for offset in offsets]
        places: list[int] = np.searchsorted(self._leads[:-1], offsets).tolist()
        return places


def _located(rule: Rule, text: str, spans: Iterable[Span]) -> Iterable[Span]:
    """The candidates with their real ends: several numbers of one address are one span to judge."""
    if rule.extent is None:
        return spans
    located: dict[Span, None] = {}
    for span in spans:
        if span.kind is not Kind.PATTERN:
            located[span] = None
        elif (extent := rule.extent(text, span.start, span.end)) is not None:
            located[Span(*extent)] = None
    return located


def _is_noisy(rule: Rule, value: str) -> bool:
    """Whether a normalised value has separators or a dress that its normal form has not."""
    detector = rule.detector
    if not detector.separators and not detector.form:
        return value != value.strip()
    return normal_form(value, detector.separators, detector.form) != value


def _invited(sociable: Sequence[Work], found: Sequence[Rule]) -> list[Work]:
    """The searches of rules that may have company, and of those that could be it."""
    rules = [*found, *(search.rule for search, _ in sociable)]
    hosts = {search.rule.index: search.rule for search, _ in sociable if any(is_near(search.rule, r) for r in rules)}
    return [work for work in sociable if work[0].rule.index in hosts or any(
        is_near(host, work[0].rule) for host in hosts.values())]


@cache
def _wants(near: tuple[str, ...], data_class: str) -> bool:
    return any(data_class == name or data_class.startswith(name + ".") for name in near)


def is_near(rule: Rule, other: Rule) -> bool:
    """Whether hits of `other` are company for `rule`."""
    return _wants(rule.detector.near, other.detector.data_class)


class _Beside:
    """Hits of shapes as verdicts of their line, made only for lines that hold a rule which needs company."""

    def __init__(self, block: Block, shapes: Sequence[Spans]) -> None:
        self._block = block
        self._rules = [found.rule for found in shapes for _ in range(len(found.start))]
        nothing = np.empty(0, np.int64)
        starts = np.concatenate([nothing, *(found.start for found in shapes)])
        order = np.argsort(starts, kind="stable")
        self._starts = starts[order]
        self._ends = np.concatenate([nothing, *(found.end for found in shapes)])[order].tolist()
        self._order: list[int] = order.tolist()

    def verdicts(self, number: int, line: LineText) -> list[Verdict]:
        """The hits in the line; indices are characters of it."""
        first = int(self._block.bounds[number]) + 1
        low, high = np.searchsorted(self._starts, self._block.bounds[number : number + 2] + 1).tolist()
        starts = line.characters((self._starts[low:high] - first).tolist())
        ends = line.characters([end - first for end in self._ends[low:high]])
        return [Verdict(self._rules[owner], start, end, 1.0, 0)
                for owner, start, end in zip(self._order[low:high], starts, ends, strict=True)]

"""Judging many spans of one rule at once, in the compiled engine: `guard.detect.judge` for columns.

What is asked of a value goes the cheapest way that its checks allow: as a compiled loop over spans (names, addresses),
as matrices of values of one length (numbers and codes), or value by value (secrets, which are rare).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, NOISY, Ints
from guard.detect import extent_arrays
from guard.detect.dense import Spans, judge_spans, worth_of
from guard.detect.folding import Folded
from guard.detect.judge import CEILING, MASKED_WORTH, MASKS, entropy
from guard.detect.normalise import normal_form
from guard.detect.rule import Rule
from guard.detect.shapes import Block
from guard.model import POSSIBLE

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.uint8]


class Candidates:
    """Spans of one rule in a block, with the lines that they stand in. Offsets are bytes of the normalised block."""

    def __init__(self, rule: Rule, start: Ints, end: Ints, low: Ints, high: Ints) -> None:
        self.rule, self.start, self.end, self.low, self.high = rule, start, end, low, high

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: npt.NDArray[np.int64] | Mask) -> Candidates:
        """Some of them."""
        return Candidates(self.rule, self.start[which], self.end[which], self.low[which], self.high[which])


def located(block: Block, found: Candidates) -> Candidates:
    """The spans with their real ends, each once: several numbers of one address are one span to judge."""
    if not found.rule.detector.extent or not len(found):
        return found
    starts, ends = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    extent_arrays.locate(found.rule.detector.extent, block.buffer, found.low, found.high, found.start, found.end,
                         starts, ends)
    there = starts >= 0
    found = Candidates(found.rule, starts[there], ends[there], found.low[there], found.high[there])
    if len(found) < 2:
        return found
    order = np.lexsort((found.end, found.start))
    found = found.take(order)
    fresh = np.ones(len(found), bool)
    fresh[1:] = (found.start[1:] != found.start[:-1]) | (found.end[1:] != found.end[:-1])
    return found.take(fresh)


def judged(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    """The hits among raw candidates; `signs` is what `Vicinity.weigh` says of each."""
    rule, detector = found.rule, found.rule.detector
    names = (*detector.filters, *detector.check, *detector.evidence)
    if not detector.entropy and not detector.form and detector.separators in ((), (" ",)) and (
            extent_arrays.CHECKS.issuperset(names)):
        return _by_loops(block, folded, found, fits, signs)
    if not detector.entropy:
        return judge_spans(rule, block, folded, found.start, found.end, fits, signs)
    return _one_by_one(block, folded, found, fits, signs)


def _by_loops(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    """Values that are looked at as they are written, but for blanks around them and spaces that do not count."""
    rule = found.rule
    starts, ends, noisy = _stripped(block, found)
    spaced = rule.detector.separators == (" ",)
    if spaced:
        noisy |= _has_space(block.buffer, found.start, found.end)

    def passes(name: str) -> Mask:
        return extent_arrays.check(name, block.buffer, starts, ends, spaced=spaced)

    wanted = _all([passes(name) for name in rule.detector.filters], len(found))
    passed = wanted & _all([passes(name) for name in rule.detector.check], len(found))
    codes = ((signs + 1) << 2) | (passed.astype(np.int64) << 1) | wanted
    for bit, name in enumerate(rule.detector.evidence):
        codes |= passes(name).astype(np.int64) << (4 + bit)
    return _spans(block, folded, found, fits, signs, codes, noisy)


def _all(masks: Sequence[Mask], size: int) -> Mask:
    total: Mask = np.logical_and.reduce([np.ones(size, bool), *masks])
    return total


def _has_space(buffer: Matrix, starts: Ints, ends: Ints) -> Mask:
    """Whether a space stands in each span."""
    spaces = np.flatnonzero(buffer == 32)
    inside: Mask = np.searchsorted(spaces, starts) < np.searchsorted(spaces, ends)
    return inside


def _stripped(block: Block, found: Candidates) -> tuple[Ints, Ints, Mask]:
    """The spans without blanks around them, and which had any."""
    blank = may_be_blank(block.buffer, found.start) | may_be_blank(block.buffer, found.end - 1)
    beyond = block.buffer[found.end - 1] >= 0x80
    for back in (2, 3):
        blank |= beyond & may_be_blank(block.buffer, np.maximum(found.end - back, 0))
    starts, ends = found.start.copy(), found.end.copy()
    for index in np.flatnonzero(blank).tolist():
        text = block.data[starts[index] : ends[index]].decode("utf-8", "surrogateescape")
        left, right = len(text) - len(text.lstrip()), len(text.rstrip())
        ends[index] = starts[index] + len(text[:right].encode("utf-8", "surrogateescape"))
        starts[index] += len(text[:left].encode("utf-8", "surrogateescape"))
    return starts, ends, (starts != found.start) | (ends != found.end)


def may_be_blank(buffer: Matrix, places: Ints) -> Mask:
    """Whether white space could begin at each offset: the lead bytes of all that `str.isspace` knows."""
    byte = buffer[places]
    maybe: Mask = (byte <= 32) | (byte == 0xC2) | (byte >= 0xE1) & (byte <= 0xE3)
    return maybe


def _one_by_one(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    rule, detector = found.rule, found.rule.detector
    codes, noisy = np.zeros(len(found), np.int64), np.zeros(len(found), bool)
    allowed = _allowed(rule, fits, signs)
    for index in np.flatnonzero(allowed).tolist():
        text = block.data[found.start[index] : found.end[index]].decode("utf-8", "surrogateescape")
        value = normal_form(text, detector.separators, detector.form)
        noisy[index] = value != text
        codes[index] = _circumstances(rule, value, int(signs[index]))
    return _spans(block, folded, found, fits, signs, codes, noisy)


def _circumstances(rule: Rule, value: str, sign: int) -> int:
    """`dense.circumstances` of one value."""
    detector = rule.detector
    if not all(check(value) for check in rule.filters) or (detector.entropy and entropy(value) < detector.entropy):
        return 0
    passed = all(check(value) for check in rule.checks)
    evidence = sum(check(value) << bit for bit, (check, _) in enumerate(rule.evidence)) if passed else 0
    return evidence << 4 | (sign + 1) << 2 | passed << 1 | 1


def _spans(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints, codes: Ints,
           noisy: Mask) -> Spans:
    distinct, inverse = np.unique(codes, return_inverse=True)
    table = [worth_of(found.rule, int(code), fits) for code in distinct.tolist()]
    confidence = np.array([worth for worth, _ in table], np.float64)[inverse]
    flags = np.array([mark for _, mark in table], np.uint8)[inverse]
    firsts, lasts = folded.originals(found.start, found.end)
    noisy = noisy | (lasts - firsts != found.end - found.start)
    kept = (confidence >= POSSIBLE) & _allowed(found.rule, fits, signs)
    return Spans(found.rule, found.start[kept], found.end[kept], confidence[kept],
                 (flags | np.where(noisy, NOISY, 0).astype(np.uint8))[kept])


def _allowed(rule: Rule, fits: bool, signs: Ints) -> Mask:
    if fits or rule.detector.require == "nothing":
        return np.ones(len(signs), bool)
    return signs > 0 if rule.detector.require == "context" else np.zeros(len(signs), bool)


def judged_masked(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    """The hits among candidates of a masked pattern."""
    rule, detector = found.rule, found.rule.detector
    allowed = _allowed(rule, fits, signs)
    found, signs = found.take(allowed), signs[allowed]
    texts = [block.data[start:end].decode("utf-8", "surrogateescape")
             for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)]
    hidden = np.array([sum(c in MASKS or c in "xX" for c in text) for text in texts], np.int64)
    weak = hidden < detector.hidden
    backed = (signs > 0) | fits
    worth = np.minimum(MASKED_WORTH + np.where(backed, 0.2, 0.0), CEILING)
    confidence = np.where(weak, detector.confidence.shape, worth)
    noisy = np.array([normal_form(t, detector.separators, detector.form) != t for t in texts], bool)
    firsts, lasts = folded.originals(found.start, found.end)
    noisy |= lasts - firsts != found.end - found.start
    flags = np.where(weak, 0, MASKED) | np.where(noisy, NOISY, 0)
    return Spans(rule, found.start, found.end, confidence, flags.astype(np.uint8))


def with_keyword(block: Block, found: Candidates) -> Candidates:
    """Those in lines that hold a keyword of the rule."""
    if not found.rule.keywords or not len(found):
        return found
    known: dict[int, bool] = {}
    kept = np.zeros(len(found), bool)
    for index, (low, high) in enumerate(zip(found.low.tolist(), found.high.tolist(), strict=True)):
        if low not in known:
            known[low] = found.rule.may_match(block.data[low:high].decode("utf-8", "surrogateescape").lower())
        kept[index] = known[low]
    return found.take(kept)


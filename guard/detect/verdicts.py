"""Judging many spans of one rule at once, in the compiled engine: `guard.detect.judge` for columns.

What is asked of a value goes the cheapest way that its checks allow: as a compiled loop over spans (numbers and codes;
names and addresses), or value by value (secrets, which are rare).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, NOISY, Ints
from guard.detect import check_tables, extent_arrays
from guard.detect import judging_loops as loops
from guard.detect.dense import Spans, circumstances, worths
from guard.detect.folding import Folded
from guard.detect.form_loops import LONGEST
from guard.detect.judge import CEILING, MASKED_WORTH, MASKS, entropy
from guard.detect.normalise import normal_form
from guard.detect.rule import Rule
from guard.detect.shapes import Block
from guard.model import POSSIBLE

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.uint8]
_ANY, _SUPPORTED, _NONE = -1, 1, 2
"""The least sign of the context with which a rule counts."""


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
    """The spans with their real ends; several numbers in a row of one address are one span to judge."""
    if not found.rule.detector.extent or not len(found):
        return found
    starts, ends = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    extent_arrays.locate(found.rule.detector.extent, block.buffer, found.low, found.high, found.start, found.end,
                         starts, ends)
    there = starts >= 0
    there[1:] &= (starts[1:] != starts[:-1]) | (ends[1:] != ends[:-1])
    return Candidates(found.rule, starts[there], ends[there], found.low[there], found.high[there])


def judged(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    """The hits among raw candidates; `signs` is what `Vicinity.weigh` says of each."""
    rule, least = found.rule, _least_sign(found.rule, fits)
    if (steps := check_tables.steps(rule)) is not None:
        codes, noisy = _by_steps(steps, block, found, signs, least)
    elif _is_of_words(rule):
        codes, noisy = _by_words(block, found, signs, least)
    else:
        codes, noisy = np.zeros(len(found), np.int64), np.zeros(len(found), bool)
        _one_by_one(block, found, signs, np.flatnonzero(signs >= least), codes, noisy)
    confidence, flags = worths(rule, codes, fits)
    kept = confidence >= POSSIBLE
    noisy |= _is_dressed(folded, found)
    return Spans(rule, found.start[kept], found.end[kept], confidence[kept], (flags | _flag(noisy, NOISY))[kept])


def _least_sign(rule: Rule, fits: bool) -> int:
    if fits or rule.detector.require == "nothing":
        return _ANY
    return _SUPPORTED if rule.detector.require == "context" else _NONE


@lru_cache(maxsize=4096)
def _is_of_words(rule: Rule) -> bool:
    """Whether all its checks are those of names and addresses, of values as they are written."""
    detector = rule.detector
    names = (*detector.filters, *detector.check, *detector.evidence)
    return (not detector.entropy and not detector.form and detector.separators in ((), (" ",))
            and extent_arrays.CHECKS.issuperset(names))


def _is_dressed(folded: Folded, found: Candidates) -> Mask:
    """Which were written in other characters than those that are compared."""
    firsts, lasts = folded.originals(found.start, found.end)
    dressed: Mask = lasts - firsts != found.end - found.start
    return dressed


def _flag(which: Mask, flag: int) -> Matrix:
    return which.view(np.uint8) * np.uint8(flag)


def _by_steps(steps: check_tables.Steps, block: Block, found: Candidates, signs: Ints, least: int) -> tuple[Ints, Mask]:
    """Circumstances of numbers and codes, and which are not written in their normal form."""
    codes, noisy = np.empty(len(found), np.int64), np.empty(len(found), bool)
    unread = loops.judge(
        check_tables.tables(), steps.numbers, steps.form, steps.dropped, today(), block.buffer, found.start, found.end,
        signs, least, np.empty(LONGEST + 4, np.uint8), codes, noisy)
    if unread:
        _one_by_one(block, found, signs, np.flatnonzero(codes == loops.UNREAD), codes, noisy)
    return codes, noisy


def today() -> int:
    """The date as YYYYMMDD, for checks of birth dates."""
    date = datetime.date.today()
    return 10_000 * date.year + 100 * date.month + date.day


def _by_words(block: Block, found: Candidates, signs: Ints, least: int) -> tuple[Ints, Mask]:
    """The same of names and addresses, which are looked at as they are written but for blanks."""
    detector = found.rule.detector
    spaced = bool(detector.separators)
    starts, ends, noisy = _stripped(block, found, spaced)
    answers = extent_arrays.Answers(block.buffer, starts, ends, spaced=spaced)

    def passing(names: Sequence[str], chosen: Ints) -> Ints:
        for name in names:
            chosen = chosen[answers.passed(name, chosen)]
        return chosen

    wanted = passing(detector.filters, np.flatnonzero(signs >= least))
    passed = passing(detector.check, wanted)
    codes = np.zeros(len(found), np.int64)
    codes[wanted] = circumstances(True, False, 0, 0) + (signs[wanted] << 2)
    codes[passed] |= 2
    for bit, name in enumerate(detector.evidence):
        codes[passing((name,), passed)] |= 16 << bit
    return codes, noisy


def _stripped(block: Block, found: Candidates, spaced: bool) -> tuple[Ints, Ints, Mask]:
    """The spans without blanks around them, and which had any, or any inside that do not count."""
    starts, ends = found.start.copy(), found.end.copy()
    noisy, odd = np.empty(len(found), bool), np.empty(len(found), bool)
    loops.strip(block.buffer, starts, ends, spaced, noisy, odd)
    for index in np.flatnonzero(odd).tolist():
        first, last = int(found.start[index]), int(found.end[index])
        text = block.data[first:last].decode("utf-8", "surrogateescape")
        left, right = len(text) - len(text.lstrip()), len(text.rstrip())
        starts[index] = first + len(text[:left].encode("utf-8", "surrogateescape"))
        ends[index] = first + len(text[:right].encode("utf-8", "surrogateescape"))
        noisy[index] = (spaced and " " in text) or right - left < len(text)
    return starts, ends, noisy


def _one_by_one(block: Block, found: Candidates, signs: Ints, which: Ints, codes: Ints, noisy: Mask) -> None:
    """Fills in circumstances and noise of some, by the functions that say what is right."""
    rule, detector = found.rule, found.rule.detector
    for index in which.tolist():
        text = block.data[found.start[index] : found.end[index]].decode("utf-8", "surrogateescape")
        value = normal_form(text, detector.separators, detector.form)
        noisy[index] = value != text
        codes[index] = _circumstances(rule, value, int(signs[index]))


def _circumstances(rule: Rule, value: str, sign: int) -> int:
    """`dense.circumstances` of one value, 0 when it is not wanted."""
    detector = rule.detector
    if not all(check(value) for check in rule.filters) or (detector.entropy and entropy(value) < detector.entropy):
        return 0
    passed = all(check(value) for check in rule.checks)
    evidence = sum(check(value) << bit for bit, (check, _) in enumerate(rule.evidence)) if passed else 0
    return circumstances(True, passed, sign, evidence)


def judged_masked(block: Block, folded: Folded, found: Candidates, fits: bool, signs: Ints) -> Spans:
    """The hits among candidates of a masked pattern."""
    rule, detector = found.rule, found.rule.detector
    allowed = signs >= _least_sign(rule, fits)
    found, signs = found.take(allowed), signs[allowed]
    texts = [block.data[start:end].decode("utf-8", "surrogateescape")
             for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True)]
    hidden = np.array([sum(c in MASKS or c in "xX" for c in text) for text in texts], np.int64)
    weak = hidden < detector.hidden
    backed = (signs > 0) | fits
    worth = np.minimum(MASKED_WORTH + np.where(backed, 0.2, 0.0), CEILING)
    confidence = np.where(weak, detector.confidence.shape, worth)
    noisy = np.array([normal_form(t, detector.separators, detector.form) != t for t in texts], bool)
    noisy |= _is_dressed(folded, found)
    return Spans(rule, found.start, found.end, confidence, _flag(~weak, MASKED) | _flag(noisy, NOISY))


def with_keyword(block: Block, found: Candidates) -> Candidates:
    """Those in lines that hold a keyword of the rule."""
    if not found.rule.keywords or not len(found):
        return found
    letters, edges = _keywords(found.rule)
    state = np.empty(len(found), np.uint8)
    if loops.find_keywords(letters, edges, block.buffer, found.low, found.high, found.start, found.end, state):
        known: dict[int, bool] = {}
        for index in np.flatnonzero(state == loops.ASKED).tolist():
            low, high = int(found.low[index]), int(found.high[index])
            if low not in known:
                known[low] = found.rule.may_match(block.data[low:high].decode("utf-8", "surrogateescape").lower())
            state[index] = known[low]
    return found if state.all() else found.take(state.view(bool))


@lru_cache(maxsize=4096)
def _keywords(rule: Rule) -> tuple[Matrix, Ints]:
    """The keywords one behind the other, and where each begins."""
    words = [word.encode() for word in rule.keywords]
    return np.frombuffer(b"".join(words), np.uint8), np.cumsum([0, *map(len, words)])

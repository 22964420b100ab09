"""Judging many matches of one shape at once: what `guard.detect.judge` does for one, in matrices.

Only matches of a pattern that ends up here as spans of bytes; a test holds every verdict to that of `judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from guard.batch import CHECK_FAILED, NOISY, VALIDATED, Ints, distinct
from guard.detect.context import before, behind
from guard.detect.folding import Folded
from guard.detect.judge import CEILING, HEADER_BOOST
from guard.detect.normalise import normal_form
from guard.detect.rule import Rule
from guard.detect.shapes import Block, Words
from guard.detect.vector_checks import kernel
from guard.model import POSSIBLE

Matrix = npt.NDArray[np.uint8]
Worths = tuple[npt.NDArray[np.float64], Matrix]
"""Confidences (0: no hit) and flags."""
Mask = npt.NDArray[np.bool_]
_FAST_FORMS = frozenset(("", "upper", "lower", "digits", "mobile"))
_MEMO_SIZE = 50_000
_USUAL_EVIDENCE = 4
"""Pieces of evidence up to which the worth of everything they can say is kept."""


class Spans(NamedTuple):
    """Hits of one rule in one block, as columns; offsets are bytes of the normalised block."""

    rule: Rule
    start: Ints
    end: Ints
    confidence: npt.NDArray[np.float64]
    flags: npt.NDArray[np.uint8]


def judge_spans(rule: Rule, block: Block, folded: Folded, starts: Ints, ends: Ints, fits: bool, signs: Ints) -> Spans:
    """The hits among matches `starts`:`ends` of the rule's pattern. `signs` is what `Vicinity.weigh` says of each."""
    allowed = _allowed(rule, fits, signs)
    starts, ends, signs = starts[allowed], ends[allowed], signs[allowed]
    confidence, flags = np.zeros(len(starts)), np.zeros(len(starts), np.uint8)
    original_starts, original_ends = folded.originals(starts, ends)
    dressed = original_ends - original_starts != ends - starts
    for rows, values, changed in _normal_forms(rule, block, starts, ends):
        outcome = _check(rule, values)
        worths, marks = _weigh(rule, outcome, fits, signs[rows])
        confidence[rows] = worths
        flags[rows] = marks | np.where(changed | dressed[rows], NOISY, 0).astype(np.uint8)
    kept = confidence >= POSSIBLE
    return Spans(rule, starts[kept], ends[kept], confidence[kept], flags[kept])


def _allowed(rule: Rule, fits: bool, signs: Ints) -> Mask:
    if fits or rule.detector.require == "nothing":
        return np.ones(len(signs), bool)
    return signs > 0 if rule.detector.require == "context" else np.zeros(len(signs), bool)


def gather(buffer: Matrix, starts: Ints, width: int) -> Matrix:
    """The `width` bytes from each start, as rows. Overlapping void items make this one copy instead of `width`."""
    windows = as_strided(buffer[: len(buffer) - width + 1], shape=(len(buffer) - width + 1, width), strides=(1, 1))
    rows: Matrix = np.ascontiguousarray(windows[starts])
    return rows


def _normal_forms(rule: Rule, block: Block, starts: Ints, ends: Ints) -> Iterator[tuple[Ints, Matrix, Mask]]:
    """(rows, their normal forms, whether these differ from what is written), for each length of a normal form."""
    lengths = ends - starts
    for length in distinct(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        raw = gather(block.buffer, starts[rows], length)
        detector = rule.detector
        blank = _may_have_blanks(raw)
        if detector.form == "date" and length == 10 and not detector.separators:
            yield from _dates(rule, raw, rows)
            continue
        if detector.form not in _FAST_FORMS or any(len(s) != 1 for s in detector.separators) or blank.any():
            yield from _slow_forms(rule, raw, rows)
            continue
        yield from _fast_forms(rule, raw, rows)


def _may_have_blanks(raw: Matrix) -> Mask:
    """Whether white space could stand at an end of each value: the lead bytes of all that `str.isspace` knows."""
    ends = raw[:, [0, *range(max(-3, -raw.shape[1]), 0)]]
    beyond = (ends == 0xC2) | ((ends >= 0xE1) & (ends <= 0xE3))
    return _mask((ends[:, [0, -1]] <= 32).any(axis=1) | beyond.any(axis=1))


def _mask(value: Any) -> Mask:
    return np.asarray(value, bool)


def _fast_forms(rule: Rule, raw: Matrix, rows: Ints) -> Iterator[tuple[Ints, Matrix, Mask]]:
    form = rule.detector.form
    keep = np.ones(raw.shape, bool)
    for separator in rule.detector.separators:
        keep &= raw != ord(separator)
    if form in ("digits", "mobile"):
        keep &= (raw - np.uint8(48)) < 10
    shaped = raw
    if form in ("upper", "lower"):
        base = 97 if form == "upper" else 65
        shaped = raw ^ (((raw - np.uint8(base)) < 26).astype(np.uint8) << np.uint8(5))
    counts = keep.sum(axis=1)
    for count in distinct(counts).tolist():
        chosen = counts == count
        values = shaped[chosen][keep[chosen]].reshape(-1, count)
        if form == "mobile" and count != 11:
            # A country code before the number: rare enough for the scalar form.
            yield from _slow_forms(rule, raw[chosen], rows[chosen])
            continue
        same_width = values.shape[1] == raw.shape[1]
        changed = (values != raw[chosen]).any(axis=1) if same_width else np.ones(len(values), bool)
        yield rows[chosen], values, changed


def _dates(rule: Rule, raw: Matrix, rows: Ints) -> Iterator[tuple[Ints, Matrix, Mask]]:
    """The form `date` of 2020-01-02 and 2020/01/02; every other way of writing is rare enough for the scalar form."""
    values, marks, digits = raw.copy(), raw[:, [4, 7]], (raw - np.uint8(48)) < 10
    values[:, [4, 7]] = ord("-")
    usual = (digits == [True] * 4 + [False] + [True] * 2 + [False] + [True] * 2).all(axis=1) & (marks < 128).all(axis=1)
    if usual.any():
        yield rows[usual], values[usual], (values[usual] != raw[usual]).any(axis=1)
    if not usual.all():
        yield from _slow_forms(rule, raw[~usual], rows[~usual])


def _slow_forms(rule: Rule, raw: Matrix, rows: Ints) -> Iterator[tuple[Ints, Matrix, Mask]]:
    texts = [bytes(row).decode("utf-8") for row in raw]
    detector = rule.detector
    forms = [normal_form(text, detector.separators, detector.form) for text in texts]
    lengths = np.array([len(form.encode()) for form in forms])
    changed = np.array([form != text for form, text in zip(forms, texts, strict=True)])
    for length in distinct(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        joined = "".join(forms[index] for index in chosen.tolist()).encode()
        yield rows[chosen], np.frombuffer(joined, np.uint8).reshape(-1, length), changed[chosen]


class _Outcome(NamedTuple):
    """For each value: whether the filters let it through, the checks pass, and which evidence speaks for it (bits)."""

    wanted: Mask
    passed: Mask
    evidence: Ints


def _check(rule: Rule, values: Matrix) -> _Outcome:
    detector = rule.detector
    wanted = np.ones(len(values), bool)
    for name, function in zip(detector.filters, rule.filters, strict=True):
        wanted &= _apply(name, function, values, wanted)
    passed = wanted.copy()
    for name, function in zip(detector.check, rule.checks, strict=True):
        passed &= _apply(name, function, values, passed)
    counted = passed if rule.checks else wanted
    evidence = np.zeros(len(values), np.int64)
    for bit, (name, (function, _)) in enumerate(zip(detector.evidence, rule.evidence, strict=True)):
        evidence |= _apply(name, function, values, counted).astype(np.int64) << bit
    return _Outcome(wanted, passed, evidence)


def _apply(name: str, function: Callable[[str], bool], values: Matrix, alive: Mask) -> Mask:
    """One check on the values that are still alive."""
    if (vectorised := kernel(name, values.shape[1])) is not None:
        return alive & vectorised(values)
    result = np.zeros(len(values), bool)
    for index in np.flatnonzero(alive).tolist():
        result[index] = function(bytes(values[index]).decode("utf-8"))
    return result


def _weigh(rule: Rule, outcome: _Outcome, fits: bool, signs: Ints) -> Worths:
    """Confidence (0: no hit) and flags of each value."""
    codes = (outcome.evidence << 4) | ((signs + 1) << 2) | (outcome.passed << 1) | outcome.wanted
    return worths(rule, codes, fits)


def worths(rule: Rule, codes: Ints, fits: bool) -> Worths:
    """`worth_of` many `circumstances`."""
    if len(rule.evidence) <= _USUAL_EVIDENCE:
        confidence, flags = rule.worths[fits]
    else:
        distinct, codes = np.unique(codes, return_inverse=True)
        confidence, flags = _worths_of(rule, distinct.tolist(), fits)
    return confidence[codes], flags[codes]


def every_worth(rule: Rule, fits: bool) -> Worths:
    """`worth_of` all circumstances that there can be; kept as `Rule.worths`."""
    return _worths_of(rule, range(16 << len(rule.evidence)), fits)


def _worths_of(rule: Rule, codes: Iterable[int], fits: bool) -> Worths:
    table = [worth_of(rule, code, fits) for code in codes]
    return np.array([worth for worth, _ in table], np.float64), np.array([mark for _, mark in table], np.uint8)


def circumstances(wanted: bool, passed: bool, sign: int, evidence: int) -> int:
    """All that the worth of a value depends on, but for the rule and its header, in one number for `worth_of`."""
    return evidence << 4 | (sign + 1) << 2 | passed << 1 | wanted


def worth_of(rule: Rule, code: int, fits: bool) -> tuple[float, int]:
    """Confidence (0: no hit) and flags: the arithmetic of `judge` in its order, since sums of floats depend on it."""
    wanted, passed, sign, evidence = code & 1, code & 2, (code >> 2 & 3) - 1, code >> 4
    detector = rule.detector
    if not wanted:
        return 0.0, 0
    if rule.checks and not passed:
        return (detector.confidence.failed if fits or sign > 0 else 0.0), CHECK_FAILED
    worth = detector.confidence.checked if rule.checks else detector.confidence.shape
    worth += sum(weight for bit, (_, weight) in enumerate(rule.evidence) if evidence >> bit & 1)
    worth += _context_worth(rule, fits, sign)
    return round(min(worth, CEILING), 4), VALIDATED if rule.checks and rule.is_proof else 0


def _context_worth(rule: Rule, fits: bool, sign: int) -> float:
    context = rule.detector.context
    if fits and sign >= 0:
        return max(HEADER_BOOST, context.boost if context else 0.0)
    if context is None or sign == 0:
        return 0.0
    return context.boost if sign > 0 else -context.penalty


def header_sign(rule: Rule, header: str) -> int:
    """What the header alone says as context; without one the words need not even be compiled."""
    return rule.vicinity.of_header(header) if rule.vicinity else 0


class Surroundings:
    """What stands around matches: `Vicinity.weigh` over many, asked only where a word is within reach.

    The words near a value are few (`"mobile": "`), so answers are kept, by rule and text.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, str, str], int] = {}

    def signs(self, rule: Rule, block: Block, starts: Ints, ends: Ints, words: Words | None, header: str) -> Ints:
        """1, 0 or -1 for each match; `words` are None when they are not known."""
        signs = np.zeros(len(starts), np.int64)
        if rule.detector.context is None or not len(starts):
            return signs
        otherwise = header_sign(rule, header)
        near = words.reach(starts, ends) if words is not None else np.ones(len(starts), bool)
        for index in np.flatnonzero(near).tolist():
            signs[index] = self._sign(rule, block, int(starts[index]), int(ends[index]))
        signs[signs == 0] = otherwise
        return signs

    def _sign(self, rule: Rule, block: Block, start: int, end: int) -> int:
        context, vicinity = rule.detector.context, rule.vicinity
        if context is None or vicinity is None:
            return 0
        first, last = block.line(start)
        text = block.data[max(first, start - 4 * context.window) : start].decode("utf-8", "surrogateescape")
        left = before(text, len(text), context.window)
        rest = block.data[end : min(last, end + 4 * context.after)].decode("utf-8", "surrogateescape")
        right = behind(rest, 0, context.after)
        key = (rule.index, left, right)
        if (sign := self._known.get(key)) is None:
            if len(self._known) >= _MEMO_SIZE:
                self._known.clear()
            sign = self._known[key] = vicinity.weigh(left + right, len(left), len(left), "")
        return sign

"""From the matches of a block to its hits, in the compiled engine: `guard.detect.judge` for columns.

All matches go through the same few loops, whatever rule they are of (`sifting_loops`, `judging_loops`). What these
cannot tell is asked of the functions that say what is right: secrets, which are rare, and masked values.
"""

from __future__ import annotations

import datetime
import threading
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from guard.batch import MASKED, NOISY, Ints, distinct
from guard.detect import check_tables, limits
from guard.detect import judging_loops as loops
from guard.detect import sifting_loops as sifting
from guard.detect.address_loops import new_scratch as new_address_scratch
from guard.detect.company import in_company
from guard.detect.dense import Spans, circumstances
from guard.detect.folding import Folded
from guard.detect.form_loops import LONGEST
from guard.detect.judge import BACKED_WORTH, CEILING, MASKED_WORTH, MASKS, entropy
from guard.detect.judging_loops import HitColumns
from guard.detect.kept_lexicons import lexicons
from guard.detect.name_loops import new_scratch
from guard.detect.normalise import normal_form
from guard.detect.rule import Rule
from guard.detect.rule_tables import MOST_EVIDENCE, Rulings, least_sign
from guard.detect.scan import Found, found_of
from guard.detect.shapes import Block
from guard.detect.sifting_loops import Sifted, Tools
from guard.model import POSSIBLE

if TYPE_CHECKING:
    from guard.detect.assembly import Assembly
    from guard.detect.classes import Bits
    from guard.detect.sweep import Found as Matches

Mask = npt.NDArray[np.bool_]
_NOTHING = np.empty(0, np.int64)
PATIENCE = 200_000_000
"""Steps of the machine that the context words of one rule have in one block, as its patterns have."""


class Verdicts:
    """The matches of one block under a header, on their way to hits. `bits` are those of its lines (`sweep`)."""

    def __init__(self, assembly: Assembly, memory: Ints, block: Block, folded: Folded, header: str, bits: Bits) -> None:
        self._assembly, self._memory, self._block, self._folded = assembly, memory, block, folded
        self._header, self._bits, self._rulings = header, bits, assembly.rulings
        heading = assembly.heading(header)
        self._bearings = self._rulings.bearings(header, heading.fits, heading.signs)

    def hits(self, matches: Matches) -> Found:
        """The hits among matches."""
        if not len(matches.program):
            return found_of([])
        sifted, tools = self._sifted(matches)
        hidden = np.flatnonzero(sifted.doubts)
        out = _columns(len(sifted.rules) + len(hidden))
        raw = _take(sifted, sifted.doubts == 0) if len(hidden) else sifted
        count = judge_spans(self._rulings, tools, self._block, raw, self._bearings.fits, out)
        for index in hidden.tolist():
            count = self._put_hidden(sifted, index, out, count)
        kept, folded = in_company(self._rulings, self._block, out, count), self._folded
        if len(folded.points) or not kept.all():
            count = loops.restore(folded.points, folded.shifts, folded.sizes, folded.lost, kept, out, count)
        return Found(out.detector[:count], out.start[:count], out.end[:count], out.confidence[:count],
                     out.flags[:count])

    def _sifted(self, matches: Matches) -> tuple[Sifted, Tools]:
        """What is left of the matches, of the doubts only HIDDEN; and what their rules need."""
        assembly, size, count = self._assembly, len(matches.program), len(self._rulings.rules)
        columns = Sifted(np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64),
                         np.empty(size, np.int32), np.empty(size, np.int8), np.empty(size, np.uint8))
        left = sifting.UNREADY
        while left == sifting.UNREADY:
            patience, tables = np.full(count, PATIENCE, np.int64), self._rulings.tables
            tools = _TOOLS.of(self._rulings)
            left = sifting.sift(
                tables, assembly.judged, self._bearings, tools, assembly.programs, self._block.buffer,
                self._block.bounds, self._bits, matches, self._memory, patience,
                np.full((count, sifting.SEEN), -1, np.int64), np.zeros(len(assembly.patterns) + 1, np.int64),
                np.empty((size, 4), np.int64), columns)
            if left == sifting.UNREADY:
                self._rulings.fill(distinct(assembly.judged.rules[distinct(matches.program)]).tolist())
        limits.current().exhausted.update(np.flatnonzero(patience < 0).tolist())
        sifted = Sifted._make(column[:left] for column in columns)
        if (sifted.doubts > sifting.HIDDEN).any():
            sifted = _take(sifted, self._settled(sifted))
        return sifted, tools

    def _settled(self, sifted: Sifted) -> Mask:
        """Resolves doubts about keywords and words; which matches are left."""
        kept = np.ones(len(sifted.rules), bool)
        known: dict[tuple[int, int], bool] = {}
        for index in np.flatnonzero(sifted.doubts > sifting.HIDDEN).tolist():
            rule, line, doubt = self._rulings.rules[sifted.rules[index]], int(sifted.lines[index]), sifted.doubts[index]
            low, high = int(self._block.bounds[line]) + 1, int(self._block.bounds[line + 1])
            sifted.doubts[index] &= sifting.HIDDEN
            if doubt & sifting.ASKED_KEYWORD:
                if (line, rule.index) not in known:
                    known[line, rule.index] = rule.may_match(_text(self._block, low, high).lower())
                kept[index] = known[line, rule.index]
            if doubt & sifting.ASKED_WORDS and kept[index]:
                sign = self._plain_sign(rule, low, int(sifted.starts[index]), int(sifted.ends[index]), high)
                sifted.signs[index] = sign
                kept[index] = sign >= self._bearings.least[rule.index]
        return kept

    def _plain_sign(self, rule: Rule, low: int, start: int, end: int, high: int) -> int:
        """What the words around say, for words that the machine cannot run."""
        left, inside, right = (_text(self._block, *span) for span in ((low, start), (start, end), (end, high)))
        return rule.vicinity.weigh(left + inside + right, len(left), len(left + inside), self._header) if (
            rule.vicinity) else 0

    def _put_hidden(self, sifted: Sifted, index: int, out: HitColumns, count: int) -> int:
        """Adds the hit of a masked pattern; how many there are."""
        rule, start, end = self._rulings.rules[sifted.rules[index]], int(sifted.starts[index]), int(sifted.ends[index])
        detector, text = rule.detector, _text(self._block, start, end)
        confidence, flags = detector.confidence.shape, 0
        if sum(character in MASKS or character in "xX" for character in text) >= detector.hidden:
            backed = sifted.signs[index] > 0 or self._bearings.fits[rule.index]
            confidence, flags = min(MASKED_WORTH + (BACKED_WORTH if backed else 0.0), CEILING), MASKED
        if normal_form(text, detector.separators, detector.form) != text:
            flags |= NOISY
        for column, value in zip(out, (rule.index, start, end, confidence, flags), strict=True):
            column[count] = value
        return count + 1


def judge_spans(rulings: Rulings, tools: Tools, block: Block, spans: Sifted, fits: Mask, out: HitColumns) -> int:
    """Fills `out` with the hits among raw values, where they stand in the block; how many they are."""
    codes, noisy = np.empty(len(spans.rules), np.int64), np.empty(len(spans.rules), bool)
    unread = loops.judge(
        rulings.tables, check_tables.tables(), today(), tools, block.buffer, spans.rules, spans.starts,
        spans.ends, spans.signs, np.empty(LONGEST + 4, np.uint8), codes, noisy)
    left = np.flatnonzero(codes == loops.UNREAD) if unread else _NOTHING
    columns = (column[left].tolist() for column in (spans.rules, spans.starts, spans.ends, spans.signs))
    for index, number, start, end, sign in zip(left.tolist(), *columns, strict=True):
        rule, detector = rulings.rules[number], rulings.rules[number].detector
        text = _text(block, start, end)
        value = normal_form(text, detector.separators, detector.form)
        code, noisy[index] = _circumstances(rule, value, sign), value != text
        usual = len(rule.evidence) <= MOST_EVIDENCE
        codes[index] = code if usual else rulings.unusual_worth(number, bool(fits[number]), code)
    return loops.keep(rulings.tables, fits, POSSIBLE, spans.rules, spans.starts, spans.ends, codes, noisy, out)


def judged(rule: Rule, block: Block, folded: Folded, starts: Ints, ends: Ints, signs: Ints, *, fits: bool) -> Spans:
    """The hits among raw values of one rule; `signs` is what `Vicinity.weigh` says of each."""
    rulings, wanted = rule.alone, signs >= least_sign(rule, fits)
    count = int(wanted.sum())
    none = np.zeros(count, np.int32)
    spans = Sifted(none, starts[wanted], ends[wanted], none, signs[wanted].astype(np.int8), none.astype(np.uint8))
    out = _columns(count)
    count = judge_spans(rulings, _TOOLS.of(rulings), block, spans, np.array([fits]), out)
    starts, ends = out.start[:count], out.end[:count]
    first, last = folded.originals(starts, ends)
    dressed = (last - first != ends - starts).view(np.uint8) * np.uint8(NOISY)
    return Spans(rule, starts, ends, out.confidence[:count], out.flags[:count].astype(np.uint8) | dressed)


class _Tools(threading.local):
    """The tools of one thread: with the tables of names and addresses, or without."""

    def __init__(self) -> None:
        self._made: dict[bool, Tools] = {}

    def of(self, rulings: Rulings) -> Tools:
        """Those that are needed, for a block that nothing is known of."""
        needs = rulings.needs_lexicons
        if needs not in self._made:
            names, addresses = lexicons(needs, use_cache=rulings.use_cache)
            self._made[needs] = Tools(names, new_scratch(), addresses, new_address_scratch(addresses))
        self._made[needs].address_scratch.last[:] = 0
        return self._made[needs]


_TOOLS = _Tools()


def _columns(size: int) -> HitColumns:
    return HitColumns._make(np.empty(size, kind) for kind in (np.int64, np.int64, np.int64, np.float64, np.int64))


def _take(sifted: Sifted, which: Mask) -> Sifted:
    return Sifted._make(column[which] for column in sifted)


def _text(block: Block, start: int, end: int) -> str:
    return block.data[start:end].decode("utf-8", "surrogateescape")


def today() -> int:
    """The date as YYYYMMDD, for checks of birth dates."""
    date = datetime.date.today()
    return 10_000 * date.year + 100 * date.month + date.day


def _circumstances(rule: Rule, value: str, sign: int) -> int:
    """`dense.circumstances` of one value, 0 when it is not wanted."""
    detector = rule.detector
    for check in rule.filters_in_turn:
        if not check(value):
            return 0
    if detector.entropy and entropy(value) < detector.entropy:
        return 0
    passed = all(check(value) for check in rule.checks)
    evidence = sum(check(value) << bit for bit, (check, _) in enumerate(rule.evidence)) if passed else 0
    return circumstances(True, passed, sign, evidence)

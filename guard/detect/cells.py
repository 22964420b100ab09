"""Rules that take a whole cell under a fitting header (`Detector.cell`, or any filled cell): judged in a short loop.

Header and context are the same for every cell of a column, so what they are worth is known before the first cell.
Cells that are written in an unusual way go to `plain.judge_cell`, which says what is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from guard.batch import FROM_HEADER, NOISY, Ints
from guard.detect.dense import circumstances, header_sign, worth_of
from guard.detect.judge import MASKS, Place, companions, entropy
from guard.detect.normalise import Line, normal_form, normalise
from guard.detect.overlap import Placed
from guard.detect.plain import judge_cell, place_line
from guard.detect.rule import Rule
from guard.model import POSSIBLE


def is_constant(rule: Rule) -> bool:
    """Whether every cell that the pattern takes is worth the same: nothing else is looked at."""
    looks = rule.reads_value or rule.detector.separators or rule.detector.form
    return not looks and (rule.cell is None or not rule.cell.groups)


def constant_worth(rule: Rule, header: str) -> tuple[float, int]:
    """Confidence and flags of such a cell under a header that fits; no finding below POSSIBLE."""
    confidence, flags = worth_of(rule, circumstances(True, True, header_sign(rule, header), 0), True)
    return confidence, flags | FROM_HEADER


class Explained:
    """In which cells a rule has found something already."""

    def __init__(self, detectors: Ints, cells: Ints, more: Sequence[tuple[int, Placed]]) -> None:
        self._detectors, self._cells, self._more = detectors, cells, more

    def cells(self, rule: Rule) -> Ints:
        """The cells, in any order, some perhaps twice."""
        found = self._cells[self._detectors == rule.index]
        more = [cell for cell, hit in self._more if hit.detector == rule.index]
        return np.concatenate([found, np.array(more, np.int64)]) if more else found


def whole_cells(fitting: Sequence[Rule], header: str, values: Sequence[bytes], explained: Explained,
                ) -> Iterator[tuple[int, Placed]]:
    """(cell, hit) of the rules that fit the header."""
    # Without a header only `judge_cell` knows what a fit is worth.
    together = not header or any(rule.detector.near for rule in fitting)
    judges = [_CellJudge(rule, header) for rule in fitting]
    candidates = [(judge, set(explained.cells(judge.rule).tolist())) for judge in judges]
    for cell, value in enumerate(values):
        open_to = [judge for judge, done in candidates if cell not in done] if value else []
        if not open_to:
            continue
        if len(open_to) == 1 and not together and open_to[0].is_constant and value.isalnum():
            if (worth := open_to[0].constant_worth(value)) is not None:
                yield cell, Placed(open_to[0].rule.index, open_to[0].rule.detector.data_class, 0, len(value), *worth)
            continue
        original = value.decode("utf-8", "surrogateescape")
        text = normalise(original)
        usual = not together and text == original and all(judge.is_usual(text) for judge in open_to)
        placed = _usually(open_to, value, text) if usual else plainly([judge.rule for judge in open_to], value, header)
        for hit in placed:
            yield cell, hit


def plainly(rules: Sequence[Rule], value: bytes, header: str) -> Iterator[Placed]:
    """The hits of one cell as `plain.scan_cell` finds them."""
    line, place = Line(value), Place(header)
    return place_line(companions([v for rule in rules if (v := judge_cell(rule, line.text, place))]), line)


def _usually(judges: Sequence[_CellJudge], value: bytes, text: str) -> Iterator[Placed]:
    stripped = text.strip()
    if not stripped:
        return
    start = 0 if len(stripped) == len(text) else len(text[: text.index(stripped)].encode())
    end = len(value) if len(stripped) == len(text) else start + len(stripped.encode())
    for judge in judges:
        if (worth := judge.worth(stripped)) is not None:
            yield Placed(judge.rule.index, judge.rule.detector.data_class, start, end, *worth)


@dataclass(slots=True, eq=False, repr=False)
class _CellJudge:
    """One rule under one header."""

    rule: Rule
    header: str
    _sign: int = field(init=False)
    _worths: dict[int, tuple[float, int]] = field(init=False, default_factory=dict)
    _constant: tuple[float, int] | None = field(init=False, default=None)
    is_constant: bool = field(init=False)

    def __post_init__(self) -> None:
        self._sign = header_sign(self.rule, self.header)
        self.is_constant = is_constant(self.rule)

    def constant_worth(self, value: bytes) -> tuple[float, int] | None:
        """As `worth`, for a constant judge and a value of ASCII letters and digits, which no mask hides."""
        if self.rule.cell is not None and not self.rule.cell.fullmatch(value.decode("ascii")):
            return None
        if self._constant is None:
            self._constant = constant_worth(self.rule, self.header)
        return self._constant if self._constant[0] >= POSSIBLE else None

    def is_usual(self, text: str) -> bool:
        """Whether the cell is no masked value and the pattern reports all of it."""
        cell = self.rule.cell
        return MASKS.isdisjoint(text) and (cell is None or not cell.groups) and (cell is None or text == text.strip())

    def worth(self, text: str) -> tuple[float, int] | None:
        """Confidence and flags of a value without blanks around it; None when it is no finding."""
        rule, detector = self.rule, self.rule.detector
        if rule.cell is not None and not rule.cell.fullmatch(text):
            return None
        dressed = detector.separators or detector.form
        value = normal_form(text, detector.separators, detector.form) if dressed else text
        if not all(check(value) for check in rule.filters) or (detector.entropy and entropy(value) < detector.entropy):
            return None
        passed = all(check(value) for check in rule.checks)
        evidence = 0
        for bit, (check, _) in enumerate(rule.evidence):
            evidence |= check(value) << bit
        code = circumstances(True, passed, self._sign, evidence)
        if (known := self._worths.get(code)) is None:
            known = self._worths[code] = worth_of(rule, code, True)
        confidence, flags = known
        return (confidence, flags | FROM_HEADER | (NOISY if value != text else 0)) if confidence >= POSSIBLE else None

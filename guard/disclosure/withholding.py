"""What is remembered of the values that an edit takes out: direct identifiers and secrets, as hashes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from guard.batch import DECODED, MASKED, NOISY, Column, Hits, Ints
from guard.detect import Matcher
from guard.disclosure.cells import slices
from guard.disclosure.withheld import SHORTEST, Withholding
from guard.model import Action, Decision, Role
from guard.policy import Plan
from guard.taxonomy import data_class

Mask = npt.NDArray[np.bool_]


def is_direct(identifier: str) -> bool:
    """Whether values of this class must occur nowhere in a release once they are withheld."""
    return bool(identifier) and data_class(identifier).role is Role.DIRECT


class Remembrance:
    """Hands the values that were taken out to a `Withholding`, as they stand and in their normal form.

    A value that stays as it was (an address that is coarse enough already) is not withheld.
    """

    def __init__(self, matcher: Matcher, withholding: Withholding) -> None:
        self._matcher = matcher
        self._withholding = withholding
        self._direct = np.array([is_direct(d.data_class) for d in matcher.detectors], bool)

    def column(self, column: Column, hits: Hits, plan: Plan, decision: Decision, changed: Mask) -> None:
        """The cells of a column decided as a whole where `changed`, and the identifiers inside of them."""
        allowed = self._allowed(plan.spans)
        inside = hits.take(self._direct[hits.detector] & ~allowed[hits.detector] & changed[hits.cell]
                           & (hits.flags & MASKED == 0))
        base = column.starts[inside.cell]
        self.hits(column, column.data, base + inside.start, base + inside.end, inside)
        if is_direct(decision.data_class):
            # Without a hit: an identifier that is not recognised holds a digit; words ("unknown") occur anywhere.
            unknown = changed.copy()
            unknown[hits.cell[hits.flags & MASKED != 0]] = False
            unknown[inside.cell] = False
            cells = np.flatnonzero(unknown)
            cells = cells[_with_digit(column.data, column.starts[cells], column.ends[cells])] if len(cells) else cells
            self._remember(column.data, column.starts[cells], column.ends[cells])

    def hits(self, source: bytes | Column, data: bytes, starts: Ints, ends: Ints, hits: Hits) -> None:
        """Findings in a text or column, at these places of its buffer; those of other classes are left out.

        Of what is encoded both forms are remembered: neither the encoding nor the value may occur.
        """
        direct = self._direct[hits.detector]
        starts, ends, hits = starts[direct], ends[direct], hits.take(direct)
        self._remember(data, starts, ends)
        forms: list[str] = []
        for index in np.flatnonzero(hits.flags & (NOISY | DECODED)).tolist():
            value = data[starts[index] : ends[index]]
            if hits.flags[index] & DECODED:
                value = self._matcher.decoded_value(source, hits, index)
                forms.append(value.decode("utf-8", "replace"))
            forms.append(self._matcher.normal_form(int(hits.detector[index]), value))
        if forms:
            self._remember(*slices(pa.array(forms, pa.string())))

    def _allowed(self, spans: Mapping[str, Decision]) -> Mask:
        return np.array([d.data_class in spans and spans[d.data_class].action is Action.ALLOW
                         for d in self._matcher.detectors], bool)

    def _remember(self, data: bytes, starts: Ints, ends: Ints) -> None:
        long = ends - starts >= SHORTEST
        if long.any():
            self._withholding.add(self._withholding.hashes(data, starts[long], ends[long]))


def _with_digit(data: bytes, starts: Ints, ends: Ints) -> Mask:
    """Which slices hold an ASCII digit."""
    digits = np.flatnonzero(np.frombuffer(data, np.uint8) - 48 < 10)
    return np.asarray(np.searchsorted(digits, ends) > np.searchsorted(digits, starts))

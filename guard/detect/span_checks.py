"""Extents and checks of names and addresses for many spans at once, by compiled loops; others one by one.

    extent_of(rule, buffer, lows, highs, starts, ends)   what `rule.extent` says of each, (-1, -1) for none
    span_check(name)                                     a check over spans, None where there is no loop for it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect import address_loops, name_loops, names
from guard.detect.lexicon import address_lexicon, name_lexicon
from guard.detect.rule import Rule

Mask = npt.NDArray[np.bool_]
SpanCheck = Callable[[Any, Ints, Ints, bool], Mask]
"""(buffer, starts, ends, whether spaces inside do not count) -> whether each span passes."""
_NAMES: Mapping[str, tuple[int, float]] = {
    "labelled_name": (name_loops.CUT, names.LENIENT), "fair_name": (name_loops.CUT, names.FAIR),
    "sure_name": (name_loops.WHOLE, names.STRICT), "name_before": (name_loops.BEFORE, names.STRICT),
    "listed_name": (name_loops.LISTED, names.FAIR), "known_latin_name": (name_loops.LATIN, 0.0),
}
_ADDRESSES = {"address_number": address_loops.AROUND_NUMBER, "address_label": address_loops.BEHIND_LABEL}
_QUESTIONS = {"in_division": address_loops.BEGINS_WITH_DIVISION, "is_address": address_loops.READS_AS_ADDRESS}
_LEAST = {"is_name": names.LENIENT, "is_usual_name": names.USUAL, "is_fair_name": names.FAIR,
          "is_sure_name": names.STRICT}


def extent_of(rule: Rule, buffer: Any, lows: Ints, highs: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Where each candidate really starts and ends in its line `lows`:`highs`."""
    found, last = np.full(len(starts), -1, np.int64), np.full(len(starts), -1, np.int64)
    name = rule.detector.extent
    if name in _NAMES:
        way, least = _NAMES[name]
        name_loops.locate(name_lexicon(), name_loops.new_scratch(), way, least, buffer, lows, highs, starts, ends, found, last)
    elif name in _ADDRESSES:
        lexicon = address_lexicon()
        address_loops.locate(lexicon, address_loops.new_scratch(lexicon), _ADDRESSES[name], buffer, lows, highs, starts,
                             ends, found, last)
    else:
        _one_by_one(rule, buffer, lows, highs, starts, ends, found, last)
    return found, last


def _one_by_one(rule: Rule, buffer: Any, lows: Ints, highs: Ints, starts: Ints, ends: Ints, found: Ints,
                last: Ints) -> None:
    for index, (low, high, start, end) in enumerate(zip(*(a.tolist() for a in (lows, highs, starts, ends)), strict=True)):
        left, inside, rest = (bytes(buffer[a:b]).decode("utf-8", "surrogateescape")
                              for a, b in ((low, start), (start, end), (end, high)))
        span = rule.extent(left + inside + rest, len(left), len(left) + len(inside)) if rule.extent else None
        if span is not None:
            text = left + inside + rest
            found[index], last[index] = (low + len(text[:place].encode("utf-8", "surrogateescape")) for place in span)


def span_check(name: str) -> SpanCheck | None:
    """The check of that name over spans."""
    if name in _LEAST:
        return lambda buffer, starts, ends, spaced: _check_names(name, buffer, starts, ends, spaced)
    if name in _QUESTIONS:
        return lambda buffer, starts, ends, _: _check_addresses(name, buffer, starts, ends)
    return None


def _check_names(name: str, buffer: Any, starts: Ints, ends: Ints, spaced: bool) -> Mask:
    out = np.zeros(len(starts), bool)
    name_loops.check(name_lexicon(), name_loops.new_scratch(), _LEAST[name], name == "is_name", spaced, buffer, starts,
                     ends, out)
    return out


def _check_addresses(name: str, buffer: Any, starts: Ints, ends: Ints) -> Mask:
    out, lexicon = np.zeros(len(starts), bool), address_lexicon()
    address_loops.check(lexicon, address_loops.new_scratch(lexicon), _QUESTIONS[name], buffer, starts, ends, out)
    return out

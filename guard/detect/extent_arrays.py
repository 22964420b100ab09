"""Extents and checks of names and addresses for many candidates at once.

    locate("fair_name", buffer, line_starts, line_ends, starts, ends, out_starts, out_ends)
    check("is_sure_name", buffer, starts, ends) -> mask

Compiled loops where there is a compiler, else the Python functions that say what is right, one by one. Spans are byte
offsets of a buffer of normalised UTF-8 and lie on the borders of characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.detect import addresses, names
from guard.detect.extents import EXTENTS

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_NAME_WAYS: Mapping[str, tuple[str, float]] = {
    "labelled_name": ("CUT", names.LENIENT), "fair_name": ("CUT", names.FAIR), "sure_name": ("WHOLE", names.STRICT),
    "begun_name": ("BEGUN", names.FAIR), "followed_name": ("FOLLOWED", names.FAIR),
    "evident_name": ("FOLLOWED", names.EVIDENT),
    "name_before": ("BEFORE", names.EVIDENT), "listed_name": ("LISTED", names.FAIR), "known_latin_name": ("LATIN", 0.0),
}
_ADDRESS_WAYS: Mapping[str, str] = {"address_number": "AROUND_NUMBER", "address_label": "BEHIND_LABEL"}
_NAME_CHECKS: Mapping[str, tuple[Callable[[str], bool], float]] = {
    "is_name": (names.is_name, names.LENIENT), "is_usual_name": (names.is_usual_name, names.USUAL),
    "is_fair_name": (names.is_fair_name, names.FAIR), "is_sure_name": (names.is_sure_name, names.STRICT),
}
_ADDRESS_CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "in_division": (addresses.in_division, "BEGINS_WITH_DIVISION"),
    "is_address": (addresses.is_address, "READS_AS_ADDRESS"),
}
CHECKS = frozenset((*_NAME_CHECKS, *_ADDRESS_CHECKS))
"""The checks that `check` can make."""


def locate(kind: str, buffer: Bytes, line_starts: Offsets, line_ends: Offsets, starts: Offsets, ends: Offsets,
           out_starts: Offsets, out_ends: Offsets) -> None:
    """Fills in the extent `kind` of each candidate `buffer[starts[i]:ends[i]]` in the line around it; -1, -1 for none.

    A candidate that does not lie in its line, or a line that does not lie in the buffer, has none.
    """
    if not compiled.is_available():
        _locate_plainly(kind, buffer, (line_starts, line_ends, starts, ends), out_starts, out_ends)
        return
    loops = _loops()
    spans = (*map(_fixed, (line_starts, line_ends, starts, ends)), out_starts, out_ends)
    if kind in _ADDRESS_WAYS:
        way, lexicon = getattr(loops.addresses, _ADDRESS_WAYS[kind]), loops.lexicon.address_lexicon()
        loops.addresses.locate(lexicon, loops.addresses.new_scratch(lexicon), way, _fixed(buffer), *spans)
    else:
        way, least = _NAME_WAYS[kind]
        loops.names.locate(loops.lexicon.name_lexicon(), loops.names.new_scratch(), getattr(loops.names, way), least,
                           _fixed(buffer), *spans)


def check(kind: str, buffer: Bytes, starts: Offsets, ends: Offsets, *, spaced: bool = False) -> Mask:
    """What the check `kind` says to each value `buffer[starts[i]:ends[i]]`; as for the rest, see `Answers`."""
    return Answers(buffer, starts, ends, spaced=spaced).passed(kind, np.arange(len(starts)))


class Answers:
    """What checks say to the values `buffer[starts[i]:ends[i]]`.

    With `spaced` spaces in names do not count, as in detectors that have them for separators. What does not lie in the
    buffer passes no check. All checks of names ask the same, with other floors: values are weighed once.
    """

    def __init__(self, buffer: Bytes, starts: Offsets, ends: Offsets, *, spaced: bool) -> None:
        self._buffer, self._starts, self._ends, self._spaced = buffer, starts, ends, spaced
        self._known = np.zeros(len(starts), np.bool_)
        self._worths, self._written = np.empty(len(starts)), np.empty(len(starts), np.bool_)

    def passed(self, kind: str, chosen: Offsets) -> Mask:
        """Which of the chosen values pass the check `kind`."""
        if not compiled.is_available():
            return _check_plainly(kind, self._buffer, self._starts[chosen], self._ends[chosen], self._spaced)
        if kind in _ADDRESS_CHECKS:
            return self._as_addresses(_ADDRESS_CHECKS[kind][1], chosen)
        self._weigh(chosen[~self._known[chosen]])
        passed: Mask = self._worths[chosen] >= _NAME_CHECKS[kind][1]
        return passed | self._written[chosen] if kind == "is_name" else passed

    def _as_addresses(self, question: str, chosen: Offsets) -> Mask:
        loops, passed = _loops(), np.zeros(len(chosen), np.bool_)
        lexicon = loops.lexicon.address_lexicon()
        loops.addresses.check(lexicon, loops.addresses.new_scratch(lexicon), getattr(loops.addresses, question),
                              _fixed(self._buffer), _fixed(self._starts[chosen]), _fixed(self._ends[chosen]), passed)
        return passed

    def _weigh(self, chosen: Offsets) -> None:
        if not len(chosen):
            return
        loops, worths, written = _loops(), np.empty(len(chosen)), np.empty(len(chosen), np.bool_)
        loops.names.weigh(loops.lexicon.name_lexicon(), loops.names.new_scratch(), self._spaced, _fixed(self._buffer),
                          _fixed(self._starts[chosen]), _fixed(self._ends[chosen]), worths, written)
        self._worths[chosen], self._written[chosen], self._known[chosen] = worths, written, True


class _Loops(NamedTuple):
    """The modules that need the compiler."""

    names: Any
    addresses: Any
    lexicon: Any


def _loops() -> _Loops:
    from guard.detect import address_loops, lexicon, name_loops

    return _Loops(name_loops, address_loops, lexicon)


def _fixed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that nobody writes to: arrays that can be written to, and those that cannot, are two types to compile."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _locate_plainly(kind: str, buffer: Bytes, spans: tuple[Offsets, Offsets, Offsets, Offsets], out_starts: Offsets,
                    out_ends: Offsets) -> None:
    out_starts[:], out_ends[:] = -1, -1
    for index, (low, high, start, end) in enumerate(zip(*spans, strict=True)):
        if not 0 <= low <= start <= end <= high <= len(buffer):
            continue
        before = _text(buffer, low, start)
        width = len(_text(buffer, start, end))
        text = before + _text(buffer, start, high)
        found = EXTENTS[kind](text, len(before), len(before) + width)
        if found is not None:
            out_starts[index] = low + len(text[: found[0]].encode())
            out_ends[index] = low + len(text[: found[1]].encode())


def _check_plainly(kind: str, buffer: Bytes, starts: Offsets, ends: Offsets, spaced: bool) -> Mask:
    known = _NAME_CHECKS.get(kind) or _ADDRESS_CHECKS[kind]
    passed = np.zeros(len(starts), np.bool_)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if 0 <= start <= end <= len(buffer):
            value = _text(buffer, start, end)
            passed[index] = known[0](value.replace(" ", "") if spaced else value)
    return passed


def _text(buffer: Bytes, start: int, end: int) -> str:
    return buffer[start:end].tobytes().decode("utf-8", "replace")

"""Inline marks: comments by which the author of source code says that the secret in this line is none.

    gitleaks:allow                          any detector, this line
    trufflehog:ignore                       any detector, this line
    pragma: allowlist secret                any detector, this line
    pragma: allowlist nextline secret       any detector, the line below
    guard:allow[detector-id] reason         this detector (several with commas), this line; without a reason it is none

They are the sender's vote, so the caller asks for them only where nothing is decided by them: `scan` of source code.
They say nothing about personal data.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from guard.batch import Hits
from guard.detect.pack import Detector

_MARK = re.compile(
    rb"gitleaks:allow|trufflehog:ignore|pragma: ?(?:allow|white)list[ -](?:(?P<below>nextline)[ -])?secret"
    rb"|guard:allow\[(?P<ids>[a-z0-9, -]{1,400})\][ \t:]*(?P<reason>[0-9A-Za-z\x80-\xff])")
_WORDS = (b":allow", b":ignore", b"pragma:")
"""A text without these has no mark."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_ANY = ""
Mask = npt.NDArray[np.bool_]


def marked(data: bytes, hits: Hits, detectors: Sequence[Detector]) -> Mask:
    """Which hits of a text are secrets in a line whose mark covers them. Of several lines, one mark suffices."""
    covered = np.zeros(len(hits), bool)
    if not len(hits) or not any(word in data for word in _WORDS):
        return covered
    secret = np.array([_is_secret(detector) for detector in detectors], bool)
    numbers = {detector.id: number for number, detector in enumerate(detectors)}
    for name, lines in _marked_lines(data).items():
        if name == _ANY:
            covered |= _touches(hits, lines)
        elif name in numbers:
            covered |= (hits.detector == numbers[name]) & _touches(hits, lines)
    return np.asarray(covered & secret[hits.detector], bool)


def _is_secret(detector: Detector) -> bool:
    return detector.data_class == "secret" or detector.data_class.startswith("secret.")


def _marked_lines(data: bytes) -> dict[str, list[tuple[int, int]]]:
    """The lines that each detector id (or any) is allowed in, as byte spans in order."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    line = (0, 0)
    for mark in _MARK.finditer(data):
        if mark.start() >= line[1]:
            line = _line_at(data, mark.start())
        span = _line_below(data, line[1]) if mark["below"] else line
        for name in (mark["ids"] or b"").decode("ascii").split(","):
            found[name.strip()].append(span)
    return found


def _line_at(data: bytes, place: int) -> tuple[int, int]:
    start = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place)) + 1
    end = _LINE_END.search(data, place)
    return start, end.start() if end else len(data)


def _line_below(data: bytes, end: int) -> tuple[int, int]:
    """The line that begins behind the line end at `end`."""
    found = _LINE_END.match(data, end)
    start = found.end() if found else len(data)
    following = _LINE_END.search(data, start)
    return start, following.start() if following else len(data)


def _touches(hits: Hits, lines: Sequence[tuple[int, int]]) -> Mask:
    """Which hits share a byte with one of the lines, which are given in order and may repeat."""
    spans = np.unique(np.array(lines, np.int64), axis=0)
    begun = np.searchsorted(spans[:, 0], hits.end, "left")
    ended = np.searchsorted(spans[:, 1], hits.start, "right")
    return np.asarray(begun > ended, bool)

"""Lines that are no UTF-8, spelled so that both engines can read them.

What is right says that each stray byte is a character of its own, as `surrogateescape` has it. UTF-8 has no such
characters, so each is written as one of the private use area beside them (U+E080 to U+E0FF), which no pattern can tell
from it unless it names a character there, and which must not stand in the lines already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from guard.batch import Ints
from guard.detect.shapes import Block
from guard.patterns import pattern
from guard.utf8 import is_utf8

_SPELLINGS = ((b"\xed\xb2", b"\xee\x82"), (b"\xed\xb3", b"\xee\x83"))
"""How the encoded forms of U+DC80 to U+DCFF begin, and those of U+E080 to U+E0FF."""
_NAMED = pattern(r"[\ud800-\ue0ff]|\\u(?:[dD][89a-fA-F]|[eE]0)|\\U0000(?:[dD][89a-fA-F]|[eE]0)")
_MORE = 2
"""Bytes that a spelled character has more than the stray byte."""


def are_told_apart(patterns: Iterable[str]) -> bool:
    """Whether some pattern may tell a stray byte from the character that stands for it here."""
    return any(_NAMED.search(source) for source in patterns)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Repaired:
    """Damaged lines one below the other in `data`, which is UTF-8."""

    data: bytes
    _strays: Ints
    _firsts: Ints
    _starts: Ints

    def originals(self, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """Where spans of `data`, each within a line, stand in the buffer that the lines are of."""
        starts, ends = (spans - _MORE * np.searchsorted(self._strays, spans) for spans in (starts, ends))
        lines = np.searchsorted(self._firsts, starts, "right") - 1
        shifts = self._starts[lines] - self._firsts[lines]
        return starts + shifts, ends + shifts


def without_damage(data: bytes) -> tuple[list[tuple[int, int]], bytes]:
    """Lines that are no UTF-8, and the buffer with nothing but line ends in their place."""
    if is_utf8(data):
        return [], data
    damaged, sound, bounds = [], bytearray(data), Block(data).bounds
    for low, high in zip((bounds[:-1] + 1).tolist(), bounds[1:].tolist(), strict=True):
        if not is_utf8(data[low:high]):
            damaged.append((low, high))
            sound[low:high] = b"\n" * (high - low)
    return damaged, bytes(sound)


def repaired(data: bytes, lines: Sequence[tuple[int, int]]) -> Repaired | None:
    """The lines of `data` that begin and end there. None where they hold characters that would stand for stray
    bytes."""
    spans = np.array(lines, np.int64)
    firsts = np.cumsum(spans[:, 1] - spans[:, 0] + 1) - (spans[:, 1] - spans[:, 0] + 1)
    joined = b"\n".join(data[start:end] for start, end in lines)
    spelled = joined.decode("utf-8", "surrogateescape").encode("utf-8", "surrogatepass")
    if any(chosen in spelled for _, chosen in _SPELLINGS):
        return None
    for escaped, chosen in _SPELLINGS:
        spelled = spelled.replace(escaped, chosen)
    buffer = np.frombuffer(spelled, np.uint8)
    strays = np.flatnonzero((buffer[:-1] == 0xEE) & ((buffer[1:] == 0x82) | (buffer[1:] == 0x83)))
    return Repaired(spelled, strays, firsts, spans[:, 0])

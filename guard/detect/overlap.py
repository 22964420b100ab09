"""Overlap: one value is shown as one finding, the most specific certain one; nothing is deleted.

A hit is SHADOWED when a better one covers at least half of the longer of the two or is a longer reading of the same
class, or when it lies inside a value that is one thing as a whole (a key, a token, an e-mail or postal address). Better
is: proved, then more certain, then longer, then first in the order of detectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from guard.batch import MASKED, SHADOWED, VALIDATED
from guard.model import LIKELY

WHOLES = ("secret.private_key", "secret.token", "person.email", "person.address", "secret.dingtalk", "secret.feishu")
PASSWORDS = "secret.password"


class Placed(NamedTuple):
    """A hit of one buffer or cell: start and end in any one unit."""

    detector: int
    data_class: str
    start: int
    end: int
    confidence: float
    flags: int

    @property
    def rank(self) -> tuple[bool, float, int, int]:
        """The greater, the better."""
        return bool(self.flags & VALIDATED), self.confidence, self.end - self.start, -self.detector


def resolve(hits: Sequence[Placed]) -> list[int]:
    """The flags of each hit, SHADOWED added where it applies. Order of the input is kept."""
    order = sorted(range(len(hits)), key=lambda i: (hits[i].start, -hits[i].end))
    flags = [hit.flags for hit in hits]
    active: list[int] = []
    for current in order:
        active = [other for other in active if hits[other].end > hits[current].start]
        for other in active:
            _compare(hits, other, current, flags)
        active.append(current)
    return flags


def _compare(hits: Sequence[Placed], one: int, two: int, flags: list[int]) -> None:
    worse = two if hits[one].rank >= hits[two].rank else one
    if same_value(hits[one], hits[two]):
        flags[worse] |= SHADOWED
    elif inside_whole(hits[two], hits[one]):
        flags[two] |= SHADOWED
    elif inside_whole(hits[one], hits[two]):
        flags[one] |= SHADOWED


def same_value(one: Placed, two: Placed) -> bool:
    """Whether both spans are readings of one value."""
    shared = min(one.end, two.end) - max(one.start, two.start)
    shorter, longer = sorted((one.end - one.start, two.end - two.start))
    return 2 * shared >= longer or (shared == shorter and one.data_class == two.data_class)


def inside_whole(inner: Placed, outer: Placed) -> bool:
    """Whether `inner` is a part of a value that is one thing as a whole."""
    if inner.start < outer.start or inner.end > outer.end or outer.flags & MASKED or outer.confidence < LIKELY:
        return False
    return outer.data_class.startswith(WHOLES) and not inner.data_class.startswith(PASSWORDS)

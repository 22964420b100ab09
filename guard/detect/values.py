"""Many values as slices of one buffer, and the same values one below the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guard import compiled
from guard.batch import Ints

_SHARED = 2
"""How many times the bytes of a buffer values are together where slices of it stand for many."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Values:
    """Value i is `data[starts[i]:ends[i]]`; `stacked` ones, or more of that kind, are all of it, with a line feed
    between any two."""

    data: bytes
    starts: Ints
    ends: Ints
    stacked: bool = False

    def __len__(self) -> int:
        return len(self.starts)

    def value(self, index: int) -> bytes:
        """The bytes of one value."""
        return self.data[self.starts[index] : self.ends[index]]

    def as_list(self) -> list[bytes]:
        """Every value as an object of its own."""
        return [self.data[start:end] for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    @property
    def size(self) -> int:
        """The bytes of all values."""
        return int((self.ends - self.starts).sum())

    def lines(self) -> Values:
        """The same values in a buffer of their own with a line feed between any two."""
        if self.stacked and self._are_all():
            return self
        if len(self) and compiled.pays(size := self.size):
            return self._joined(size)
        stops = np.cumsum(self.ends - self.starts + 1)
        return Values(b"\n".join(self.as_list()), stops - (self.ends - self.starts) - 1, stops - 1, stacked=True)

    def slices(self) -> tuple[Ints, Values] | None:
        """Which of some slices each value is, and these, where many values share one, as those of a dictionary do; None
        where they do not, or where two slices begin at one place."""
        if self.stacked or self.size < _SHARED * len(self.data):
            return None
        stops = np.full(len(self.data) + 1, -1, np.int64)
        stops[self.starts] = self.ends
        if (stops[self.starts] != self.ends).any():
            return None
        first = np.flatnonzero(stops >= 0)
        stops[first], ends = np.arange(len(first)), stops[first]
        return stops[self.starts], Values(self.data, first, ends)

    def _are_all(self) -> bool:
        """Whether they fill the buffer, in order."""
        starts, ends = self.starts, self.ends
        return (len(self) > 0 and bool(starts[0] == 0) and bool(ends[-1] == len(self.data))
                and bool((starts[1:] == ends[:-1] + 1).all()))

    def _joined(self, size: int) -> Values:
        """`lines` of so many bytes."""
        from guard.detect import value_loops as loops
        from guard.hashing_loops import words_of

        size += len(self)
        out, lows, highs = np.empty(max(size, 16), np.uint8), *(np.empty(len(self), np.int64) for _ in range(2))
        loops.join(np.frombuffer(self.data, np.uint8), words_of(self.data), self.starts, self.ends, out, words_of(out),
                   lows, highs)
        return Values(out[: size - 1].tobytes(), lows, highs, stacked=True)

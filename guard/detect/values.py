"""Many values as slices of one buffer, and the same values one below the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from guard import compiled
from guard.batch import Ints


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
        lengths = self.ends - self.starts
        stops = np.cumsum(lengths + 1)
        return Values(self._joined(), stops - lengths - 1, stops - 1, stacked=True)

    def _are_all(self) -> bool:
        """Whether they fill the buffer, in order."""
        starts, ends = self.starts, self.ends
        return (len(self) > 0 and bool(starts[0] == 0) and bool(ends[-1] == len(self.data))
                and bool((starts[1:] == ends[:-1] + 1).all()))

    def _joined(self) -> bytes:
        if not len(self) or not compiled.pays(self.size):
            return b"\n".join(self.as_list())
        from guard.detect import value_loops as loops
        from guard.hashing_loops import words_of

        size = self.size + len(self)
        out = np.empty(max(size, 8), np.uint8)
        loops.join(np.frombuffer(self.data, np.uint8), words_of(self.data), self.starts, self.ends, out, words_of(out))
        return out[: max(0, size - 1)].tobytes()

"""The values withheld from a release, remembered as keyed hashes, to prove that none of them occurs in its output.

Up to `EXACT` distinct values are kept exactly. Beyond that a Bloom filter of fixed size (64 MiB) takes them, so that
memory does not grow with the data; what it reports is only suspected, and a further read of the source confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.hashing import Hashes, hash64, new_key

EXACT = 1_000_000
SHORTEST = 7
"""Bytes of the shortest value that is remembered: a shorter one (a name of two characters) occurs by chance."""
_BITS = 29
_PROBES = 4
_PENDING = 262_144
_AT_ONCE = 65_536
"""Values whose bits are set or looked up in one go: their positions take 32 bytes each."""


class Withholding(Protocol):
    """Takes the hashes of values that are withheld."""

    def hashes(self, data: bytes, starts: Ints, ends: Ints) -> Hashes:
        """The hashes of slices of a buffer."""
        ...

    def add(self, hashes: Hashes) -> None:
        """These values are withheld."""
        ...


class WithheldValues:
    """A set of values that must not leave. Add all, then `probe` what leaves."""

    def __init__(self, *, exact: int = EXACT) -> None:
        self._key = new_key()
        self._exact = exact
        self._values: Hashes = np.empty(0, np.uint64)
        self._pending: list[Hashes] = []
        self._waiting = 0
        self._filter: npt.NDArray[np.uint8] | None = None

    @property
    def is_exact(self) -> bool:
        """Whether a positive answer is proof; otherwise it is a suspicion to confirm."""
        return self._filter is None

    def hashes(self, data: bytes, starts: Ints, ends: Ints) -> Hashes:
        """The hashes of slices under the key of this set."""
        return hash64(data, starts, ends, self._key)

    def add(self, hashes: Hashes) -> None:
        """Remember values by their hashes."""
        if self._filter is not None:
            self._set_bits(self._filter, hashes)
            return
        self._pending.append(hashes)
        self._waiting += len(hashes)
        # As much again as there is: every value is sorted in a few times only, however many come.
        if self._waiting > max(_PENDING, len(self._values)):
            self._settle()

    def probe(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of the hashes are (or, beyond `EXACT` values, may be) among the withheld values."""
        self._settle()
        if self._filter is not None:
            return self._have_bits(self._filter, hashes)
        if not len(self._values):
            return np.zeros(len(hashes), bool)
        where = np.searchsorted(self._values, hashes)
        where[where == len(self._values)] = 0
        return np.asarray(self._values[where] == hashes)

    def _settle(self) -> None:
        if self._filter is not None or not self._pending:
            return
        # Not by `numpy.unique`, which makes copies: here is where a release takes most memory.
        every = np.concatenate([self._values, *self._pending])
        self._values, self._pending, self._waiting = every[:0], [], 0
        every.sort()
        first = np.ones(len(every), bool)
        np.not_equal(every[1:], every[:-1], out=first[1:])
        if np.count_nonzero(first) > self._exact:
            self._filter = np.zeros(1 << (_BITS - 3), np.uint8)
            self._set_bits(self._filter, every)
            self._values = np.empty(0, np.uint64)
        else:
            self._values = every[first]

    def _bits(self, hashes: Hashes) -> Iterator[Hashes]:
        """The positions of each value: double hashing with the two halves of its 64-bit hash."""
        low, high = hashes & np.uint64(0xFFFFFFFF), (hashes >> np.uint64(32)) | np.uint64(1)
        return ((low + np.uint64(i) * high) & np.uint64((1 << _BITS) - 1) for i in range(_PROBES))

    def _set_bits(self, filter_: npt.NDArray[np.uint8], hashes: Hashes) -> None:
        for start in range(0, len(hashes), _AT_ONCE):
            self._set_some(filter_, hashes[start : start + _AT_ONCE])

    def _set_some(self, filter_: npt.NDArray[np.uint8], hashes: Hashes) -> None:
        for bits in self._bits(hashes):
            np.bitwise_or.at(filter_, bits >> np.uint64(3), np.left_shift(1, bits & np.uint64(7)).astype(np.uint8))

    def _have_bits(self, filter_: npt.NDArray[np.uint8], hashes: Hashes) -> npt.NDArray[np.bool_]:
        answer = np.ones(len(hashes), bool)
        for start in range(0, len(hashes), _AT_ONCE):
            part = answer[start : start + _AT_ONCE]
            for bits in self._bits(hashes[start : start + _AT_ONCE]):
                part &= (filter_[bits >> np.uint64(3)] >> (bits & np.uint64(7)).astype(np.uint8)) & 1 == 1
        return answer


class Confirmation:
    """Takes the withheld values once more and tells which of the suspected hashes really are among them."""

    def __init__(self, withheld: WithheldValues, suspects: Iterable[int]) -> None:
        self._withheld = withheld
        self._suspects = np.array(sorted(suspects), np.uint64)
        self.confirmed: set[int] = set()

    def hashes(self, data: bytes, starts: Ints, ends: Ints) -> Hashes:
        return self._withheld.hashes(data, starts, ends)

    def add(self, hashes: Hashes) -> None:
        self.confirmed.update(hashes[np.isin(hashes, self._suspects)].tolist())

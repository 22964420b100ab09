"""Forms: sets of valid values of one width, counted, so that a value is a number and a number a value.

A form is a row of parts (characters, words of a list) and check characters that follow from them. Of each part the
policy keeps nothing, all, or a group of neighbouring values (the province of a division, a band of birth dates). So a
value is three things: what is kept, as one number; its rank among the values that share it; and how many those are. A
pseudonym is another rank with the same kept number.

A check character is not stored but told by how far it is from the right one, which is kept: a right one stays right,
and a mistyped value stays as wrong as it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from guard.protect.columns import Bytes, Mask

Numbers = npt.NDArray[Any]
"""Unsigned 64-bit numbers, or Python's own (dtype object) in forms of more than 2^62 values."""

LARGEST = 1 << 62
_ABSENT = 255


class Grouping(ABC):
    """Which of a part's values are one group; groups are runs of neighbours."""

    count: int
    least: int
    most: int
    """Groups, and the values of the smallest and the greatest."""

    @abstractmethod
    def split(self, indices: Numbers) -> tuple[Numbers, Numbers]:
        """The group of each value, and its place in the group."""

    @abstractmethod
    def starts(self, groups: Numbers) -> Numbers:
        """The first value of each group."""

    @abstractmethod
    def sizes(self, groups: Numbers) -> Numbers:
        """The values of each group."""


class Blocks(Grouping):
    """Groups of equally many values: of one value, all is kept; of all, nothing."""

    def __init__(self, size: int, block: int) -> None:
        self.count, self.least, self.most = size // block, block, block

    def split(self, indices: Numbers) -> tuple[Numbers, Numbers]:
        if self.most == 1:
            return indices, np.zeros_like(indices)
        if self.count == 1:
            return np.zeros_like(indices), indices
        groups = indices // _like(self.most, indices)
        return groups, indices - groups * _like(self.most, indices)

    def starts(self, groups: Numbers) -> Numbers:
        first: Numbers = groups * _like(self.most, groups)
        return first

    def sizes(self, groups: Numbers) -> Numbers:
        return np.full(len(groups), self.most, groups.dtype)


class Runs(Grouping):
    """Groups of different size, from the index of each group's first value."""

    def __init__(self, starts: Sequence[int], size: int) -> None:
        self._starts = np.array(starts, np.uint64)
        self._sizes = np.diff(self._starts, append=np.uint64(size))
        self._groups = np.repeat(np.arange(len(starts), dtype=np.uint64), self._sizes.astype(np.int64))
        self.count, self.least, self.most = len(starts), int(self._sizes.min()), int(self._sizes.max())

    def split(self, indices: Numbers) -> tuple[Numbers, Numbers]:
        groups = self._groups[indices.astype(np.int64)]
        return groups, indices - self._starts[groups.astype(np.int64)]

    def starts(self, groups: Numbers) -> Numbers:
        return self._starts[groups.astype(np.int64)]

    def sizes(self, groups: Numbers) -> Numbers:
        return self._sizes[groups.astype(np.int64)]


class Part(ABC):
    """Some neighbouring bytes of a value, and what they can be."""

    width: int
    size: int

    @abstractmethod
    def read(self, values: Bytes) -> tuple[Numbers, Mask]:
        """The index of each row's bytes, shape (n, width), and which rows have one; the others' is any."""

    @abstractmethod
    def write(self, indices: Numbers) -> Bytes:
        """The bytes of each index."""


class Characters(Part):
    """Each place one ASCII character of its alphabet, the first place counting most."""

    def __init__(self, *alphabets: str) -> None:
        self.width = len(alphabets)
        self._alphabets = [np.frombuffer(alphabet.encode("ascii"), np.uint8) for alphabet in alphabets]
        self._places = [_places(alphabet) for alphabet in self._alphabets]
        self.size = 1
        for alphabet in alphabets:
            self.size *= len(alphabet)
        self._type: Any = np.uint64 if self.size <= LARGEST else object

    def read(self, values: Bytes) -> tuple[Numbers, Mask]:
        indices = np.zeros(len(values), self._type)
        fits = np.ones(len(values), bool)
        for column, (alphabet, places) in enumerate(zip(self._alphabets, self._places, strict=True)):
            place = places[values[:, column]]
            fits &= place != _ABSENT
            indices *= _like(len(alphabet), indices)
            indices += place.astype(self._type)
        return indices, fits

    def write(self, indices: Numbers) -> Bytes:
        values = np.empty((len(indices), self.width), np.uint8)
        for column in range(self.width - 1, -1, -1):
            alphabet = self._alphabets[column]
            rest = indices // _like(len(alphabet), indices)
            place = indices - rest * _like(len(alphabet), indices)
            values[:, column], indices = alphabet[place.astype(np.intp)], rest
        return values


class Words(Part):
    """One of a list of words of one width, at most eight bytes; their index is their place in the list."""

    def __init__(self, words: Sequence[str]) -> None:
        coded = [word.encode() for word in words]
        self.width, self.size = len(coded[0]), len(coded)
        self._bytes = np.frombuffer(b"".join(coded), np.uint8).reshape(self.size, self.width)
        packed = _packed(self._bytes)
        self._order = np.argsort(packed)
        self._sorted = packed[self._order]

    def read(self, values: Bytes) -> tuple[Numbers, Mask]:
        packed = _packed(values)
        found = np.minimum(np.searchsorted(self._sorted, packed), self.size - 1)
        return self._order[found].astype(np.uint64), self._sorted[found] == packed

    def write(self, indices: Numbers) -> Bytes:
        return self._bytes[indices.astype(np.intp)]


class Either(Part):
    """What one of several parts of the same width can be; no two of them share a value."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(part.size for part in parts)])
        self.width, self.size = parts[0].width, int(self._starts[-1])

    def read(self, values: Bytes) -> tuple[Numbers, Mask]:
        indices, fits = np.zeros(len(values), np.uint64), np.zeros(len(values), bool)
        for start, part in zip(self._starts.tolist(), self._parts, strict=False):
            found, good = part.read(values)
            indices[good] = found[good] + np.uint64(start)
            fits |= good
        return indices, fits

    def write(self, indices: Numbers) -> Bytes:
        values = np.empty((len(indices), self.width), np.uint8)
        which = np.searchsorted(self._starts, indices, side="right") - 1
        for number in np.unique(which).tolist():
            rows = which == number
            values[rows] = self._parts[number].write(indices[rows] - np.uint64(self._starts[number]))
        return values


@dataclass(frozen=True, eq=False)
class Check:
    """A check character at `place`: the sum of what each byte of the value counts tells which of `symbols` is right.

    `counts` has an entry for each place and each of the 256 bytes, `right` the index of the right symbol for every
    remainder of the sum.
    """

    place: int
    symbols: str
    counts: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]

    def distance(self, values: Bytes) -> tuple[Numbers, Mask]:
        """How many symbols the check character of each row is behind the right one, and which rows have a symbol."""
        places = _places(np.frombuffer(self.symbols.encode("ascii"), np.uint8))[values[:, self.place]]
        distance = (places.astype(np.int64) - self._expected(values)) % len(self.symbols)
        return distance.astype(np.uint64), places != _ABSENT

    def write(self, values: Bytes, distance: Numbers) -> None:
        """Set the check character of each row at this distance from the right one."""
        symbols = np.frombuffer(self.symbols.encode("ascii"), np.uint8)
        values[:, self.place] = symbols[(self._expected(values) + distance.astype(np.int64)) % len(symbols)]

    def _expected(self, values: Bytes) -> npt.NDArray[np.int64]:
        total = np.zeros(len(values), np.int64)
        for place in np.flatnonzero(self.counts.any(axis=1)).tolist():
            total += self.counts[place][values[:, place]]
        return self.right[total % len(self.right)]


@dataclass(frozen=True, eq=False)
class Slot:
    """A part at its place in the value, and what of it is kept."""

    start: int
    part: Part
    grouping: Grouping


@dataclass(frozen=True, eq=False)
class Ranked:
    """Values of a form as numbers: `fits` says which rows are values of it; the numbers of the others mean nothing."""

    fits: Mask
    kept: Numbers
    rank: Numbers
    sizes: Numbers

    def only(self, rows: npt.NDArray[Any]) -> Ranked:
        """These rows, by mask or number."""
        return Ranked(self.fits[rows], self.kept[rows], self.rank[rows], self.sizes[rows])


class Form:
    """Values of one width. `name` is what distinguishes their keys; values of the forms `without` are none of it."""

    def __init__(self, name: str, slots: Sequence[Slot], checks: Sequence[Check] = (),
                 without: Sequence[Form] = ()) -> None:
        self.name, self.width = name, sum(slot.part.width for slot in slots) + len(checks)
        self._slots, self._checks, self._without = tuple(slots), tuple(checks), tuple(without)
        self.excludes = bool(without)

    @cached_property
    def least(self) -> int:
        """Values that share what is kept, at the fewest."""
        return _product(slot.grouping.least for slot in self._slots)

    @cached_property
    def most(self) -> int:
        """The same at the most."""
        return _product(slot.grouping.most for slot in self._slots)

    def read(self, values: Bytes) -> Ranked:
        """Rows of bytes, shape (n, width), as numbers."""
        kind: Any = np.uint64 if self.most <= LARGEST else object
        fits = np.ones(len(values), bool)
        kept = np.zeros(len(values), np.uint64)
        rank, sizes = np.zeros(len(values), kind), np.ones(len(values), kind)
        for slot in self._slots:
            indices, good = slot.part.read(values[:, slot.start : slot.start + slot.part.width])
            indices[~good] = 0
            fits &= good
            groups, places = slot.grouping.split(indices)
            kept = kept * np.uint64(slot.grouping.count) + groups.astype(np.uint64)
            size = slot.grouping.sizes(groups).astype(kind)
            rank, sizes = rank * size + places.astype(kind), sizes * size
        for check in self._checks:
            distance, good = check.distance(values)
            fits &= good
            kept = kept * np.uint64(len(check.symbols)) + distance
        return Ranked(fits & self.admits(values), kept, rank, sizes)

    def admits(self, values: Bytes) -> Mask:
        """Which rows are no values of the forms that are taken out of this one."""
        admitted = np.ones(len(values), bool)
        for form in self._without:
            admitted &= ~form.read(values).fits
        return admitted

    def write(self, kept: Numbers, rank: Numbers) -> Bytes:
        """The values of these numbers, shape (n, width)."""
        values = np.zeros((len(kept), self.width), np.uint8)
        distances = []
        for check in reversed(self._checks):
            kept, distance = _divided(kept, len(check.symbols))
            distances.append(distance)
        groups = []
        for slot in reversed(self._slots):
            kept, group = _divided(kept, slot.grouping.count)
            groups.append(group)
        for slot, group in zip(reversed(self._slots), groups, strict=True):
            group = group.astype(rank.dtype)
            size = slot.grouping.sizes(group).astype(rank.dtype)
            rest = rank // size
            indices = slot.grouping.starts(group).astype(rank.dtype) + (rank - rest * size)
            values[:, slot.start : slot.start + slot.part.width] = slot.part.write(indices)
            rank = rest
        for check, distance in zip(self._checks, reversed(distances), strict=True):
            check.write(values, distance)
        return values


def _divided(numbers: Numbers, by: int) -> tuple[Numbers, Numbers]:
    rest = numbers // np.uint64(by)
    return rest, numbers - rest * np.uint64(by)


def _product(numbers: Any) -> int:
    product = 1
    for number in numbers:
        product *= number
    return product


def _like(number: int, numbers: Numbers) -> Any:
    """A number of the type of these: NumPy would make floats of a mixture."""
    return number if numbers.dtype == object else np.uint64(number)


def _places(alphabet: Bytes) -> Bytes:
    """For every byte its place in the alphabet, or `_ABSENT`."""
    places = np.full(256, _ABSENT, np.uint8)
    places[alphabet] = np.arange(len(alphabet), dtype=np.uint8)
    return places


def _packed(values: Bytes) -> npt.NDArray[np.uint64]:
    """Rows of at most eight bytes as one number each."""
    packed = np.zeros(len(values), np.uint64)
    for column in range(values.shape[1]):
        packed = packed << np.uint64(8) | values[:, column]
    return packed

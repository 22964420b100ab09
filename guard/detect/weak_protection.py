"""Columns that look protected and are not: unkeyed hashes of phone and ID numbers, base64, rot13.

An unkeyed hash hides nothing that can be guessed: there are 10^10 phone numbers, and fewer than 10^11 resident IDs of
people who are alive. A column of digests is tried in three ways, from cheap to dear, on a sample:

    the other cells of its row          a digest of the number that stands beside it
    the masked numbers of its row       138****8000 leaves 10^4 numbers to try, 110101********1234 some 4,000
    the space of numbers                so many numbers drawn from it that some of a column's would be among them

The last has its odds in the product of digests and numbers tried: it finds a column of some 10^4 phone numbers, not one
of a hundred. That nothing was found shows nothing. What was found is told with the value masked.
"""

from __future__ import annotations

import binascii
import codecs
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from guard import masking
from guard.batch import MASKED, VALIDATED, Batch, Column, Hits, Ints, distinct
from guard.detect.digests import Bytes, Words, md5, sha1, sha256, sm3
from guard.detect.pack import Detector
from guard.detect.tables import divisions, table
from guard.model import LIKELY
from guard.patterns import pattern
from guard.taxonomy import data_class, title

SAMPLE = 48
FEWEST = 3
"""Values that a column must have to show how it is protected."""
ROWS = 6
"""Rows whose masked neighbours are tried; more than one must be undone."""
MOST_DIGESTS = 1 << 17
TRIES, TRIES_WITH_HEADER = 8, 1 << 21
"""Numbers that are tried: some for each digest, so that it takes about as long as reading them; a second's worth where
the header says what they are."""
WORTH_TRYING = 0.5
"""Numbers that are found on average if the column holds such: with fewer it is not tried."""
MOST_UNMASKED = 60_000
_SHARE = 0.8
_MOBILE, _RESIDENT_ID = "person.phone.mobile", "person.id.cn"
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_BIRTH_YEARS = (1940, 2020)
_MASKED_NUMBER = pattern(rb"[0-9*]{10}[0-9*Xx]|[0-9*]{17}[0-9*Xx]")
_HEXADECIMAL = pattern(rb"[0-9A-Fa-f]+")
_BASE64 = pattern(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
"""The alphabet for URLs (RFC 4648, section 5) as the usual one."""
_TURNED = pattern(rb"6[0-9]{10}|[0-9]{6}(?:64|75)[0-9]{9}[0-9Kk]|[!-~]+@[!-~]+\.(?:pbz|arg|bet|rqh|tbi|pa)",
                  re.IGNORECASE)
"""What a mobile number, an ID number of somebody born in 19.. or 20.., and an address in com, net, org, edu, gov or cn
are like once they are turned. Any address in clear would be like one if its ending could be any word."""
_SHORTEST = 7
"""Bytes that the shortest value has of all these."""
_ROT5 = bytes.maketrans(b"0123456789", b"5678901234")

_MARKED = 20
"""Bits of a digest by which numbers are chosen that are worth a closer look."""
_AT_ONCE = 16_384
_NIBBLES = np.full(256, 16, np.uint8)
_NIBBLES[list(b"0123456789abcdef")] = _NIBBLES[list(b"0123456789ABCDEF")] = np.arange(16)

Hash = Callable[[bytes], bytes]
Texts = npt.NDArray[np.bytes_]


class Finder(Protocol):
    """What finds values of classes in a column: a matcher."""

    @property
    def detectors(self) -> tuple[Detector, ...]: ...

    def scan_column(self, column: Column) -> Hits: ...

    def header_classes(self, header: str) -> tuple[str, ...]: ...


class Weakness(NamedTuple):
    """How the values of a column can be had back: `method` (MD5, base64, …), their class, and one of them, masked."""

    method: str
    data_class: str
    example: str
    is_hash: bool

    def sentence(self) -> str:
        """What a report says of it."""
        if not self.data_class:
            return f"an unkeyed hash ({self.method}) of another column of the same rows"
        said = title(self.data_class)
        if self.is_hash:
            return f'an unkeyed hash ({self.method}) of "{said}": undone by trying values, as {self.example}'
        return f'"{said}" in {self.method}, which is no encryption, as {self.example}'


@dataclass(slots=True, eq=False, repr=False)
class _Field:
    """What was seen of a field: its weakness, or digests to be tried together."""

    weakness: Weakness | None = None
    header_classes: tuple[str, ...] = ()
    width: int = 0
    digests: set[bytes] = field(default_factory=set)


_NOTHING = _Field()
"""What nearly every column shows. It stays as it is."""


class WeakProtection:
    """Looks at the columns of a document: `add` every batch, then `found`."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._fields: dict[tuple[str, str], _Field] = {}

    def add(self, batch: Batch) -> None:
        """Look at the next batch; a column is sampled where it comes first, and its digests are gathered."""
        for column in batch.columns:
            if size := len(column.starts):
                key = (batch.dataset, column.field)
                seen = self._fields.get(key)
                if seen is None:
                    seen = self._fields[key] = _NOTHING if size < FEWEST else self._first_look(batch, column)
                if seen.width and seen.weakness is None:
                    _gather(column, seen)

    def found(self) -> Mapping[tuple[str, str], Weakness]:
        """The weak fields, by data set and field."""
        for seen in self._fields.values():
            if seen.weakness is None and seen.digests:
                seen.weakness = _tried(seen)
                seen.digests.clear()
        return {key: seen.weakness for key, seen in self._fields.items() if seen.weakness}

    def _first_look(self, batch: Batch, column: Column) -> _Field:
        if not _may_be_weak(column):
            return _NOTHING
        values = [column.value(index).strip() for index in range(min(len(column), SAMPLE))]
        if width := _digest_width(values):
            return _Field(_beside(batch, column, width), self._finder.header_classes(column.header), width)
        return _Field(self._encoded(column, values))

    def _encoded(self, column: Column, values: Sequence[bytes]) -> Weakness | None:
        """Whether the values are those of a class once they are decoded."""
        for method, decode in (("base64", _from_base64), ("rot13", _from_rot13)):
            if decoded := _most_of(values, decode):
                found = self._class_of(column, decoded, proven=method == "rot13")
                if found is not None:
                    number, example = found
                    identifier = self._finder.detectors[number].data_class
                    return Weakness(method, identifier, _masked(identifier, example), is_hash=False)
        return None

    def _class_of(self, column: Column, values: Sequence[bytes], *, proven: bool) -> tuple[int, str] | None:
        """The detector that most of the values fit, and one of them. `proven`: by a check digit, or as the header says.

        Digits turned by five are digits again, and any of them may be a phone number.
        """
        ends = np.cumsum([len(value) + 1 for value in values]) - 1
        made = Column(column.field, column.header, b"\n".join(values), ends - [len(value) for value in values], ends,
                      np.arange(len(values)))
        hits, classes = self._finder.scan_column(made), self._finder.header_classes(column.header)
        detectors = self._finder.detectors
        counts = (hits.confidence >= np.float32(LIKELY)) & (hits.flags & MASKED == 0)
        for number in distinct(hits.detector[counts]).tolist():
            these = counts & (hits.detector == number) & (hits.end - hits.start >= 6)
            if proven and detectors[number].data_class not in classes:
                these &= hits.flags & VALIDATED != 0
            if len(distinct(hits.cell[these])) >= max(3, _SHARE * len(values)):
                first = int(np.flatnonzero(these)[0])
                return number, values[int(hits.cell[first])].decode("utf-8", "replace")
        return None


def _may_be_weak(column: Column) -> bool:
    """Whether one of the first values is like those of a weak column, of which most are: mostly none is."""
    size = min(len(column), SAMPLE)
    enough, data = size - math.ceil(_needed(size)) + 1, column.data
    places = zip(column.starts[:enough].tolist(), column.ends[:enough].tolist(), strict=True)
    return any(end - start >= _SHORTEST and _is_telling(data[start:end].strip()) for start, end in places)


def _is_telling(value: bytes) -> bool:
    return len(value) in _HASHES or _from_base64(value) is not None or _TURNED.fullmatch(value) is not None


def _needed(size: int) -> float:
    """How many of so many values have to be of one kind."""
    return max(FEWEST, _SHARE * size)


def _most_of(values: Sequence[bytes], decode: Callable[[bytes], bytes | None]) -> list[bytes]:
    """What the values say when they are decoded; nothing where too few of them say anything."""
    decoded, needed = list[bytes](), _needed(len(values))
    for left, value in zip(range(len(values), 0, -1), values, strict=True):
        if len(decoded) + left < needed:
            return []
        if text := decode(value):
            decoded.append(text)
    return decoded if len(decoded) >= needed else []


def _digest_width(values: Sequence[bytes]) -> int:
    """The hexadecimal digits of a column of digests; 0 for any other column."""
    widths = {len(value) for value in values}
    if len(values) < FEWEST or len(widths) != 1 or not widths <= _HASHES.keys():
        return 0
    return widths.pop() if all(map(_HEXADECIMAL.fullmatch, values)) and len(set(values)) > 1 else 0


def _gather(column: Column, seen: _Field) -> None:
    sizes = column.ends - column.starts
    # Blanks around a digest are rare, and then all are taken one by one.
    digests = (_digests(column, sizes, seen.width) if not (sizes > seen.width).any()
               else (_digest(column.value(index), seen.width) for index in range(len(column))))
    for digest in digests:
        if len(seen.digests) >= MOST_DIGESTS:
            return
        if digest is not None:
            seen.digests.add(digest)


def _digests(column: Column, sizes: Ints, width: int) -> Sequence[bytes]:
    """The digests among values that have no blanks around them."""
    starts = column.starts[sizes == width]
    values = _NIBBLES[np.frombuffer(column.data, np.uint8)[starts[:, None] + np.arange(width)]]
    values = values[(values < 16).all(axis=1)]
    found: list[bytes] = (values[:, ::2] << 4 | values[:, 1::2]).view(f"V{width // 2}").ravel().tolist()
    return found


def _digest(value: bytes, width: int) -> bytes | None:
    value = value.strip()
    return binascii.unhexlify(value) if len(value) == width and _HEXADECIMAL.fullmatch(value) else None


def _beside(batch: Batch, column: Column, width: int) -> Weakness | None:
    """A hash of what stands in the same row, in clear or masked."""
    for other in batch.columns:
        if other is column or not len(other):
            continue
        pairs = _pairs(column, other, width)
        for method, hashed in _HASHES[width]:
            undone = [value for digest, value in pairs if hashed(value) == digest]
            if len(undone) >= max(2, _SHARE * len(pairs)):
                return _undone(method, undone[0])
            if (value := _unmasked(pairs[:ROWS], hashed)) is not None:
                return _undone(method, value)
    return None


def _pairs(column: Column, other: Column, width: int) -> list[tuple[bytes, bytes]]:
    """The digests of some rows and what stands in the other column."""
    rows = dict(zip(other.rows[: 2 * SAMPLE].tolist(), range(2 * SAMPLE), strict=False))
    return [(digest, other.value(rows[row]).strip()) for index, row in enumerate(column.rows[:SAMPLE].tolist())
            if row in rows and (digest := _digest(column.value(index), width)) is not None]


def _unmasked(pairs: Sequence[tuple[bytes, bytes]], hashed: Hash) -> bytes | None:
    """The number behind a masked one, when more than one of the rows gives its number away."""
    masked = [(digest, value) for digest, value in pairs if b"*" in value and _MASKED_NUMBER.fullmatch(value)]
    undone = [number for digest, value in masked
              if (number := next((n for n in _numbers(value) if hashed(n) == digest), None)) is not None]
    return undone[0] if len(undone) > 1 else None


def _numbers(masked: bytes) -> Iterator[bytes]:
    """The numbers that a masked one can be: those with a birth date and a right check digit, or all."""
    hidden = [place for place, byte in enumerate(masked) if byte == 42]
    value = bytearray(masked.upper())
    if len(masked) == 18 and set(range(6, 14)) <= set(hidden) and len(hidden) <= 9:
        for day in _days():
            value[6:14] = day.encode()
            rest = [place for place in hidden if not 6 <= place < 14]
            for digits in product(b"0123456789X", repeat=len(rest)):
                for place, digit in zip(rest, digits, strict=True):
                    value[place] = digit
                if _is_checked(bytes(value)):
                    yield bytes(value)
    elif 10 ** len(hidden) <= MOST_UNMASKED:
        for digits in product(b"0123456789", repeat=len(hidden)):
            for place, digit in zip(hidden, digits, strict=True):
                value[place] = digit
            yield bytes(value)


def _days() -> list[str]:
    return [day.replace("-", "") for day in np.datetime_as_string(_dates()).tolist()]


def _dates() -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """All days on which someone may have been born."""
    first, last = (np.datetime64(f"{year}-01-01", "D") for year in _BIRTH_YEARS)
    return np.arange(first, last)


def _is_checked(number: bytes) -> bool:
    head = number[:17]
    return head.isdigit() and b"10X98765432"[sum(int(w) * (d - 48) for w, d in zip(_WEIGHTS, head, strict=True)) % 11] \
        == number[17]


def _tried(seen: _Field) -> Weakness | None:
    """Numbers of each space, drawn in an order of their own, hashed and looked for among the digests."""
    for identifier, size, draw in _SPACES:
        named = identifier in seen.header_classes
        tries = min(TRIES_WITH_HEADER if named else TRIES * len(seen.digests), -(-8 * size() // len(seen.digests)))
        if tries * len(seen.digests) < WORTH_TRYING * size():
            continue
        numbers = draw(np.random.default_rng(2026), tries)
        for method, hashed in _HASHES[seen.width]:
            found = _first_of(numbers, seen.digests, hashed, _BEGINNINGS[method])
            if found is not None:
                return _undone(method, found, identifier)
    return None


def _first_of(numbers: Texts, digests: Set[bytes], hashed: Hash, beginnings: Callable[[Bytes], Words]) -> bytes | None:
    """The first of the numbers whose hash is among the digests; few are hashed for themselves, those whose hash begins
    as one of these does."""
    marked = np.zeros(1 << _MARKED, bool)
    marked[np.frombuffer(b"".join([digest[:4] for digest in digests]), ">u4") >> 32 - _MARKED] = True
    rows = numbers.view(np.uint8).reshape(len(numbers), -1)
    for start in range(0, len(numbers), _AT_ONCE):
        near = marked[beginnings(rows[start : start + _AT_ONCE]) >> np.uint32(32 - _MARKED)]
        for number in numbers[start : start + _AT_ONCE][near].tolist():
            if hashed(number) in digests:
                return bytes(number)
    return None


def _mobile_count() -> int:
    return len(table("mobile_segments")) * 10**8


def _draw_mobiles(random: np.random.Generator, count: int) -> Texts:
    segments = np.array(sorted(table("mobile_segments")), np.int64)
    return _written(random.choice(segments, count) * 10**8 + random.integers(0, 10**8, count), 11)


def _resident_count() -> int:
    return len(_counties()) * len(_dates()) * 1000


def _draw_residents(random: np.random.Generator, count: int) -> Texts:
    days = np.array(_days(), np.int64)
    heads = (random.choice(_counties(), count) * 10**11 + random.choice(days, count) * 1000
             + random.integers(0, 1000, count))
    digits = _written(heads, 17).view(np.uint8).reshape(count, 17)
    checks = np.frombuffer(b"10X98765432", np.uint8)[(digits - 48) @ _WEIGHTS % 11]
    return np.column_stack([digits, checks]).view("S18").ravel()


def _written(numbers: Ints, size: int) -> Texts:
    """Numbers of so many digits, as text."""
    digits = np.empty((len(numbers), size), np.uint8)
    for place in range(size - 1, -1, -1):
        numbers, rest = np.divmod(numbers, 10)
        digits[:, place] = rest + ord("0")
    return digits.view(f"S{size}").ravel()


def _counties() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(sorted(code for code in divisions() if len(code) == 6 and not code.endswith("00")), np.int64)


_SPACES: tuple[tuple[str, Callable[[], int], Callable[[np.random.Generator, int], Texts]], ...] = (
    (_MOBILE, _mobile_count, _draw_mobiles), (_RESIDENT_ID, _resident_count, _draw_residents))


def _undone(method: str, value: bytes, identifier: str = "") -> Weakness:
    known = identifier or {11: _MOBILE, 18: _RESIDENT_ID}.get(len(value), "") if _MASKED_NUMBER.fullmatch(value) \
        else identifier
    return Weakness(method, known, _masked(known, value.decode("utf-8", "replace")), is_hash=True)


def _masked(identifier: str, value: str) -> str:
    return masking.preview(data_class(identifier).mask if identifier else "full", value)


def _from_base64(value: bytes) -> bytes | None:
    if not _BASE64.fullmatch(value) or value.isdigit():
        return None
    bare = value.rstrip(b"=").translate(_STANDARD)
    try:
        text = binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
        text.decode("utf-8")
    except ValueError:
        return None
    return text if text.strip() and b"\n" not in text else None


def _from_rot13(value: bytes) -> bytes | None:
    """Letters turned by thirteen, and digits, which that leaves as they are, by five."""
    if not _TURNED.fullmatch(value):
        return None
    return codecs.encode(value.decode("ascii"), "rot13").encode("ascii").translate(_ROT5)


def _sm3(value: bytes) -> bytes:
    # The library's: not every build of Python knows SM3.
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SM3())
    digest.update(value)
    return digest.finalize()


_HASHES: dict[int, tuple[tuple[str, Hash], ...]] = {
    32: (("MD5", lambda value: hashlib.md5(value, usedforsecurity=False).digest()),),
    40: (("SHA-1", lambda value: hashlib.sha1(value, usedforsecurity=False).digest()),),
    64: (("SHA-256", lambda value: hashlib.sha256(value).digest()), ("SM3", _sm3)),
}
"""Hashes by the hexadecimal digits of their digests."""
_BEGINNINGS: Mapping[str, Callable[[Bytes], Words]] = {
    "MD5": md5, "SHA-1": sha1, "SHA-256": sha256, "SM3": sm3}
"""The same over columns."""

"""Where the bounded ASCII patterns match in a buffer: masks, runs and tables instead of a search for each pattern.

Comparing and shifting whole buffers runs at gigabytes a second, so the places where a match could begin are found that
way; the automaton then walks all of them at once.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import compiled
from guard.batch import Ints, distinct
from guard.detect.automaton import ALNUM, DIGITS, MAX_WIDTH, Automaton, compile_automaton
from guard.detect.pack import bounded
from guard.detect.supersets import characters_of, parts, pattern_reach

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
PADDING = MAX_WIDTH + 8
_MARGIN = b"\n" * PADDING
_SPEED = 32
"""So many bytes are looked through by NumPy in the time of one byte of other work."""
_ANCHORS = frozenset(b"@.:")
_RARE = frozenset(b"+(-")
LONG_RUN = 8
"""Every word begins with a letter or digit, but few runs of them are as long as this."""
SHAPE_ARRAYS = ("right", "classes_of", "table", "accepting")
"""The names of those that a shape is taken apart into."""
_BARRED = {"digit": DIGITS, "alnum": ALNUM, "none": frozenset[int]()}


def byte_table(codes: frozenset[int]) -> Mask:
    """For each byte whether it is one of `codes`."""
    table = np.zeros(256, bool)
    table[list(codes)] = True
    return table


class Block:
    """One normalised buffer between line ends, with the masks that all shapes share; made when first asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.padded = np.frombuffer(b"".join((_MARGIN, data, _MARGIN)), np.uint8)
        self.buffer = self.padded[PADDING:]
        self._runs: dict[tuple[frozenset[int], int], Mask] = {}
        self._members: dict[frozenset[int], Mask] = {}

    def runs(self, codes: frozenset[int], length: int) -> Mask:
        """For each offset whether `length` bytes from there on are all in `codes` (digits, or letters and digits)."""
        if (known := self._runs.get((codes, length))) is not None:
            return known
        if length == 1:
            mask = self.members(codes)
        else:
            half = length // 2
            mask = self.runs(codes, length - half).copy()
            mask[: -(length - half)] &= self.runs(codes, half)[length - half :]
        self._runs[codes, length] = mask
        return mask

    def members(self, codes: frozenset[int]) -> Mask:
        """For each offset whether its byte is one of `codes`."""
        return self._padded_members(codes)[PADDING:]

    def behind(self, codes: frozenset[int]) -> Mask:
        """For each offset of the data whether the byte before it is one of `codes`."""
        return self._padded_members(codes)[PADDING - 1 : PADDING - 1 + self.size]

    def _padded_members(self, codes: frozenset[int]) -> Mask:
        if (mask := self._members.get(codes)) is None:
            mask = self._members[codes] = _member_mask(self.padded, codes)
        return mask

    @property
    def twos(self) -> npt.NDArray[np.uint16]:
        """The byte before each offset and that at it, as one little-endian number; behind the data too."""
        return np.ndarray((self.size + PADDING,), "<u2", buffer=self.padded, offset=PADDING - 1, strides=(1,))

    @cached_property
    def bounds(self) -> Ints:
        """Offsets of all line ends, with one before the first and one behind the last byte."""
        if compiled.pays(self.size // _SPEED):
            return self._bounds_by_loop()
        # One comparison for all bytes, and two for those that are left.
        controls = np.flatnonzero(self.buffer[: self.size] <= 13)
        found = self.buffer[controls]
        return np.concatenate([[-1], controls[(found == 10) | (found == 13)], [self.size]])

    def _bounds_by_loop(self) -> Ints:
        from guard.detect import line_loops as loops
        from guard.hashing_loops import words_of

        count, room = loops.FULL, 1024 + self.size // 64
        while count == loops.FULL:
            ends = np.empty(room, np.int64)
            count = loops.find_bounds(self.buffer, words_of(self.buffer), self.size, ends)
            room = min(room * 8, self.size + 3)
        return ends[:count]

    def lines_of(self, offsets: Ints) -> Ints:
        """The number of the line of each event; it may have swallowed the line end behind it."""
        last = np.maximum(offsets - 1, 0)
        there = self.buffer[last]
        numbers: Ints = np.searchsorted(self.bounds[1:], np.maximum(last - ((there == 10) | (there == 13)), 0), "left")
        return numbers

    @cached_property
    def _bound_list(self) -> list[int]:
        bounds: list[int] = self.bounds.tolist()
        return bounds

    def line(self, offset: int) -> tuple[int, int]:
        """Start and end of the line around an offset."""
        number = bisect_left(self._bound_list, offset)
        return self._bound_list[number - 1] + 1, self._bound_list[number]


def _member_mask(buffer: Bytes, codes: frozenset[int]) -> Mask:
    """Few ranges are compared, which is ten times as fast as a table."""
    ordered = sorted(codes)
    lows = [code for code in ordered if code - 1 not in codes]
    highs = [code for code in ordered if code + 1 not in codes]
    if len(lows) > 4:
        return byte_table(codes)[buffer]
    mask = np.zeros(len(buffer), bool)
    for low, high in zip(lows, highs, strict=True):
        mask |= (buffer - np.uint8(low)) <= np.uint8(high - low)
    return mask


class Anchor(NamedTuple):
    """A character that every match holds, with at most `width` bytes out of `codes` before it."""

    byte: int
    width: int
    codes: frozenset[int]


@dataclass(frozen=True, eq=False, repr=False)
class Shape:
    """A pattern between its boundaries, ready to be found in blocks.

    `barred` are the bytes that may not stand before a match, `right` those that may follow. `pure` matches consist of
    barred bytes only: they are whole runs, so no two can overlap. `source` is the pattern with its boundaries; a
    `bytewise` one means the same over bytes in the middle of a buffer as over the characters of one line.
    """

    automaton: Automaton
    source: str
    bytewise: bool
    reach: int | None
    barred: frozenset[int]
    right: Mask
    anchor: Anchor | None
    pure: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern between its boundaries."""
        return re.compile(self.source, re.ASCII)

    @cached_property
    def spelled(self) -> re.Pattern[bytes]:
        """The same over bytes."""
        return re.compile(self.source.encode(), re.ASCII)

    def taken_apart(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Plain data and arrays, from which `put_together` makes the same shape."""
        anchor = self.anchor and [self.anchor.byte, self.anchor.width, sorted(self.anchor.codes)]
        automaton, arrays = self.automaton.taken_apart()
        plain = {"automaton": automaton, "source": self.source, "bytewise": self.bytewise, "reach": self.reach,
                 "barred": sorted(self.barred), "anchor": anchor, "pure": self.pure}
        return plain, {"right": self.right, **arrays}

    @staticmethod
    def put_together(plain: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Shape:
        """The shape of `taken_apart`. Raises KeyError, TypeError or IndexError for anything else."""
        anchor = plain["anchor"] and Anchor(plain["anchor"][0], plain["anchor"][1], frozenset(plain["anchor"][2]))
        return Shape(Automaton.put_together(plain["automaton"], arrays), plain["source"], plain["bytewise"],
                     plain["reach"], frozenset(plain["barred"]), arrays["right"], anchor, plain["pure"])

    def find(self, block: Block, words: Words | None = None) -> tuple[Ints, Ints]:
        """Starts and ends of exactly the matches that `re` finds line by line, in order.

        With `words` only those lines count that hold one; a pure shape may leave out what no word reaches.
        """
        starts = self._starts(block)
        if words is not None:
            starts = starts[words.lines(block)[starts]]
            if self.pure:
                starts = starts[words.reach(starts, starts + MAX_WIDTH)]
        if not len(starts):
            return starts, starts
        counts, lengths = self.automaton.run(block.buffer, starts, self.right)
        matched = counts > 0
        starts, counts, lengths = starts[matched], counts[matched], lengths[matched]
        doubtful = counts > 1 if self.automaton.complete else np.ones(len(counts), bool)
        chosen = np.flatnonzero(doubtful)
        lengths[chosen] = [self._decide(block, start) for start in starts[chosen].tolist()]
        sure = lengths > 0
        return _without_overlaps(starts[sure], starts[sure] + lengths[sure])

    def _starts(self, block: Block) -> Ints:
        """Every offset where a match could begin, in order."""
        automaton = self.automaton
        if self.anchor is not None and automaton.lead < 3:
            return self._before_anchor(block, self.anchor)
        if automaton.lead:
            mask = block.runs(automaton.lead_set, automaton.lead)[: block.size]
        else:
            mask = block.members(automaton.first)[: block.size]
        if self.barred:
            mask = mask & ~block.behind(self.barred)
        return np.flatnonzero(mask)

    def _before_anchor(self, block: Block, anchor: Anchor) -> Ints:
        """Walks to the left from each anchor as far as what may stand before it goes on."""
        places = np.flatnonzero(block.members(frozenset([anchor.byte]))[: block.size])
        allowed, first, barred = byte_table(anchor.codes), byte_table(self.automaton.first), byte_table(self.barred)
        found = [places]
        for _ in range(anchor.width):
            places = places - 1
            places = places[allowed[block.padded[places + PADDING]]]
            if not len(places):
                break
            found.append(places)
        starts: Ints = distinct(np.concatenate(found))
        return starts[first[block.buffer[starts]] & ~barred[block.padded[starts + PADDING - 1]]]

    def _decide(self, block: Block, start: int) -> int:
        """The length in bytes of the match that `re` finds at `start`, 0 for none."""
        if self.bytewise:
            exact = self.spelled.match(block.data, start)
            return exact.end() - start if exact else 0
        first, last = block.line(start)
        if self.reach is not None:
            # Four bytes a character; the cut edges lie farther off than the pattern can see.
            first, last = max(first, start - 4 * self.reach), min(last, start + 8 * self.reach)
        before = block.data[first:start].decode("utf-8", "replace")
        text = before + block.data[start:last].decode("utf-8", "replace")
        found = self.pattern.match(text, len(before))
        return len(found.group().encode()) if found else 0


class Words(NamedTuple):
    """Where in a block context words end (sorted), and how far to the right and left of a word its matches may lie."""

    ends: Ints
    behind: int
    ahead: int

    def reach(self, starts: Ints, ends: Ints) -> Mask:
        """Whether a word ends in reach before a start or behind an end; an event may lie one byte behind its word."""
        near: Mask = np.searchsorted(self.ends, starts - self.behind, "left") < np.searchsorted(
            self.ends, ends + self.ahead + 1, "right")
        return near

    def lines(self, block: Block) -> Mask:
        """For each byte of the block whether its line holds a word."""
        worded = np.zeros(len(block.bounds) - 1, bool)
        worded[block.lines_of(self.ends)] = True
        mask: Mask = np.repeat(worded, np.diff(block.bounds))[: block.size]
        return mask


def _without_overlaps(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """What a search from left to right keeps: a match that begins inside the one before it is passed over."""
    if not len(starts) or not (starts[1:] < ends[:-1]).any():
        return starts, ends
    kept, reach = [], 0
    for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        if start >= reach:
            kept.append(index)
            reach = end
    return starts[kept], ends[kept]


def compile_shape(pattern: str, boundary: str) -> Shape | None:
    """The shape of a detector's pattern, or None when it has none and lines have to be searched."""
    automaton = compile_automaton(pattern)
    if automaton is None:
        return None
    tree = parser.parse(pattern, re.ASCII)
    anchor, barred = _anchor(tree.data, tree.state), _BARRED[boundary] | _barred_before(tree.data)
    if anchor is None and not _begins_rarely(automaton, barred):
        return None
    used = {byte for byte in range(256) if automaton.classes_of[byte]}
    return Shape(automaton, bounded(pattern, boundary), _is_bytewise(tree.data), pattern_reach(pattern), barred,
                 ~byte_table(_BARRED[boundary]), anchor, used <= _BARRED[boundary])


def _is_bytewise(items: Iterable[tuple[Any, Any]]) -> bool:
    """Whether no item takes a line end or a character beyond ASCII, or asks for the edge of a line."""
    for operation, value in items:
        if (characters := characters_of(operation, value, False)) is not None:
            alike = not (characters.beyond or characters.line_end)
        elif operation is sre.AT:
            alike = value in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY)
        else:
            alike = all(_is_bytewise(part) for part in parts(operation, value))
        if not alike:
            return False
    return True


def _begins_rarely(automaton: Automaton, barred: frozenset[int]) -> bool:
    """Whether looking at every place where a match could begin is cheaper than asking Hyperscan."""
    if automaton.lead_set == ALNUM:
        return automaton.lead >= LONG_RUN and barred >= ALNUM
    return automaton.first <= DIGITS | _RARE and automaton.first - _RARE <= barred


def _barred_before(items: Iterable[tuple[Any, Any]]) -> frozenset[int]:
    """The bytes that a negative look-behind at the start of a pattern rules out."""
    barred: set[int] = set()
    for operation, value in items:
        if operation is not sre.ASSERT_NOT or value[0] != -1:
            break
        characters = characters_of(value[1][0][0], value[1][0][1], False) if len(value[1]) == 1 else None
        barred |= characters.ascii if characters else set()
    return frozenset(barred)


def _anchor(items: Iterable[tuple[Any, Any]], state: Any, width: int = 0,
            codes: frozenset[int] = frozenset()) -> Anchor | None:
    """The first `@`, `.` or `:` that every match goes through, if what stands before it is short and ASCII."""
    for operation, value in items:
        if operation is sre.LITERAL and value in _ANCHORS:
            return Anchor(value, width, codes)
        if operation is sre.SUBPATTERN:
            inner = value[3]
        elif operation is sre.MAX_REPEAT and value[0] > 0:
            inner = value[2]
        else:
            inner = ()
        if (found := _anchor(inner, state, width, codes)) is not None:
            return found
        if operation in (sre.ASSERT, sre.ASSERT_NOT, sre.AT):
            continue
        longest = parser.SubPattern(state, [(operation, value)]).getwidth()[1]
        used = _codes((operation, value))
        if used is None or width + longest > MAX_WIDTH:
            return None
        width, codes = width + int(longest), codes | used
    return None


def _codes(item: tuple[Any, Any]) -> frozenset[int] | None:
    """All ASCII codes that an item may take, None when it may take others or looks around."""
    operation, value = item
    if (characters := characters_of(operation, value, True)) is not None:
        return None if characters.beyond else characters.ascii
    if operation is sre.SUBPATTERN:
        parts = value[3]
    elif operation is sre.MAX_REPEAT:
        parts = value[2]
    elif operation is sre.BRANCH:
        parts = [part for branch in value[1] for part in branch]
    else:
        return None
    used = [_codes(part) for part in parts]
    return None if None in used else frozenset().union(*(codes for codes in used if codes is not None))

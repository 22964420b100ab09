"""A narrower assembly for the cells of a column: without the patterns that cannot match there at all.

Cells of a table are short and of few characters. Which characters occur and how long the longest cell is, together with
the header, rules most patterns out before a single cell is looked at: of four hundred some twenty are left, and one
pass over them costs a fraction. Nothing is guessed from a sample: every byte was seen (`cell_loops.survey`).
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import cache
from guard.batch import Ints
from guard.detect.assembly import Assembly, Heading, Pattern
from guard.detect.automaton import Automaton
from guard.detect.cell_loops import PLANE, survey
from guard.detect.compile import LineFinder
from guard.detect.gates import Gates, gates
from guard.detect.needs import BEYOND, Needs, code_digest, least_width, needs, needs_of, needs_of_words
from guard.detect.normalise import ESCAPE, TABLE
from guard.detect.openings import HAN, RUNS
from guard.detect.sweep import Starts
from guard.detect.triggers import END, Triggers, as_bits
from guard.detect.values import Values
from guard.detect.walks import Walks, automata

Mask = npt.NDArray[np.bool_]
MOST = 64
"""How many narrowed assemblies a thread keeps, a sixth of a megabyte each."""
LEAST, PLENTY = 1 << 14, 1 << 19
"""Bytes of cells for which it may pay to narrow: always from PLENTY on, else when they come a second time."""
MOST_WALKED, LONGEST_WALKED = 24, 64
"""Patterns for cells of so many bytes: more take longer to walk through one by one than to look for together."""
_FEW_LETTERS = 4
_LETTERS = (range(65, 91), range(97, 123))
_DIGITS = range(48, 58)
_LINE_ENDS = (10, 13)
_WIDTHS = np.array([3 if run is HAN else 1 for run in RUNS])


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Roughly what the cells of a column are made of: at least the first bytes of all their characters, and at least
    the bytes of the longest cell. Columns of one kind have the same from batch to batch."""

    leads: frozenset[int]
    longest: int


class NarrowedAssemblies:
    """The narrowed assemblies of one thread, the longest unused forgotten first."""

    def __init__(self, whole: Assembly, *, use_cache: bool) -> None:
        self._whole = whole
        self._facts = _facts(whole.patterns, use_cache=use_cache)
        self._kept: OrderedDict[tuple[str, Alphabet], _Narrowing] = OrderedDict()

    def of(self, values: Values, header: str) -> Assembly:
        """An assembly that finds in these cells, which lie one below the other, what the whole one would find."""
        is_worth_it = len(values.data) >= LEAST and len(self._whole.owners)
        seen = _seen(values.data) if is_worth_it else None
        if seen is None:
            return self._whole
        longest = int((values.ends - values.starts).max(initial=0))
        key = (header, _alphabet(seen, longest))
        if key not in self._kept:
            self._kept[key] = _Narrowing(self._whole, *key)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        narrowing, facts = self._kept[key], self._facts
        wanted = narrowing.backed | (narrowing.asks & facts.words.met(seen))
        return narrowing.assembly(wanted & facts.needs.met(seen) & (facts.widths <= longest), len(values.data))


class _Narrowing:
    """What was narrowed for one header and alphabet. Patterns that were wanted once stay, so that it comes to rest.

    `backed` are the patterns whose hits count under the header, `asks` those whose hits count beside a word.
    """

    def __init__(self, whole: Assembly, header: str, alphabet: Alphabet) -> None:
        self._whole, self._header, self._alphabet = whole, header, alphabet
        self._made: Assembly | None = None
        self._wanted = np.zeros(len(whole.patterns), bool)
        self._work = 0
        heading = whole.heading(header)
        rules = [pattern.rule for pattern in whole.patterns]
        self.asks = np.array([rule.detector.require == "context" for rule in rules], bool)
        fits = np.array([heading.fits[rule.index] or rule.detector.require == "nothing" for rule in rules], bool)
        self.backed = fits | (self.asks & np.array([heading.signs[rule.index] > 0 for rule in rules], bool))

    def assembly(self, wanted: Mask, work: int) -> Assembly:
        """The assembly for cells of `work` bytes in which only the `wanted` patterns may match."""
        is_known, before = not (wanted & ~self._wanted).any(), self._work
        self._wanted |= wanted
        self._work += work
        if self._made is None or not is_known:
            if not before and work < PLENTY:
                return self._whole
            self._made = NarrowedAssembly(self._whole, self._wanted, self._alphabet, self._header)
        return self._made


class _Facts(NamedTuple):
    """What patterns need, in their matches and of the words beside them, and the characters of their shortest match."""

    needs: Needs
    words: Needs
    widths: Ints


def _facts(patterns: Sequence[Pattern], *, use_cache: bool) -> _Facts:
    """From the cache if it can be: to look at all patterns takes a tenth of a second."""
    said = "\n".join(f"{p.source}\0{p.spans_lines}\0{p.rule.detector.context}" for p in patterns)
    name = cache.key("needs", hashlib.sha256(said.encode()).hexdigest(), code_digest(), sys.version)
    known = _load(cache.load(name)) if use_cache and code_digest() else None
    if known is not None:
        return known
    contexts = [pattern.rule.detector.context for pattern in patterns]
    made = _Facts(needs([needs_of(pattern.source, spans_lines=pattern.spans_lines) for pattern in patterns]),
                  needs([needs_of_words(context.words) if context is not None else () for context in contexts]),
                  np.array([least_width(pattern.source) for pattern in patterns], np.int64))
    if use_cache and code_digest():
        cache.store(name, _dump(made))
    return made


def _dump(facts: _Facts) -> bytes:
    out = io.BytesIO()
    arrays = [*facts.needs[1:], *facts.words[1:], facts.widths]
    np.savez(out, *arrays, allow_pickle=False)
    return out.getvalue()


def _load(blob: bytes | None) -> _Facts | None:
    """The facts in a blob; None when it is of another form."""
    try:
        with np.load(io.BytesIO(blob or b""), allow_pickle=False) as kept:
            arrays = [kept[f"arr_{number}"] for number in range(7)]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        return None
    count = len(arrays[6])
    return _Facts(Needs(count, *arrays[:3]), Needs(count, *arrays[3:6]), arrays[6])


def _seen(data: bytes) -> Mask | None:
    """Which characters there are, as patterns see them; None where some are not on the basic plane or no UTF-8."""
    seen = np.zeros(PLANE + 1, bool)
    survey(_folded(), np.frombuffer(data, np.uint8), seen)
    if seen[PLANE]:
        return None
    seen[BEYOND] = seen[128:].any()
    seen[ord(" ")] |= seen[ESCAPE]
    seen[[*_LINE_ENDS]] = True
    return seen


@lru_cache(maxsize=1)
def _folded() -> npt.NDArray[np.uint16]:
    """What each code point of the basic plane is folded to; a line end where it vanishes."""
    folded = np.arange(PLANE, dtype=np.uint16)
    for code, target in TABLE.items():
        if code < PLANE:
            folded[code] = _LINE_ENDS[0] if target is None else target
    return folded


def _alphabet(seen: Mask, longest: int) -> Alphabet:
    codes = set(np.flatnonzero(seen[:128]).tolist())
    if not codes.isdisjoint(_DIGITS):
        codes.update(_DIGITS)
    for letters in _LETTERS:
        if len(codes.intersection(letters)) > _FEW_LETTERS:
            codes.update(letters)
    found = np.flatnonzero(seen[128:PLANE]) + 128 if seen[BEYOND] else np.empty(0, np.int64)
    return Alphabet(frozenset(codes.union(np.unique(_leads(found)).tolist())),
                    longest if longest <= 20 else 1 << (longest - 1).bit_length())


def _leads(codes: Ints) -> Ints:
    """The first bytes of characters in UTF-8."""
    return np.where(codes < 0x80, codes, np.where(codes < 0x800, 0xC0 | codes >> 6, 0xE0 | codes >> 12))


class NarrowedAssembly(Assembly):
    """Those of the `wanted` patterns of `whole` that may begin in cells of an alphabet, under one header.

    Those of `walks` have no openings and stand behind all others; without others nothing `is_swept`.
    """

    def __init__(self, whole: Assembly, wanted: Mask, alphabet: Alphabet, header: str) -> None:
        heading, present = whole.heading(header), _present(whole.triggers, alphabet)
        possible = _may_begin(whole, alphabet, present)
        wanted, walked = _walked(whole, wanted, possible, alphabet)
        openings = np.flatnonzero(wanted[whole.owners] & possible)
        told = np.flatnonzero(wanted[whole.opened :]) + whole.opened
        opened, owners = np.unique(whole.owners[openings], return_inverse=True)
        chosen = np.concatenate([opened, told, list(walked)]).astype(np.int64)
        self.rules, self.programs, self.words = whole.rules, whole.programs, whole.words
        self.rulings = whole.rulings
        self.patterns, self.opened = tuple(whole.patterns[number] for number in chosen.tolist()), len(opened)
        self.triggers, self.owners = _narrowed(whole.triggers, openings, present), owners.astype(np.int32)
        self.starts = Starts(_some(whole.starts.addresses, chosen), _some(whole.starts.groups, chosen),
                             self.owners if len(openings) else np.zeros(1, np.int32))
        self.backs = _some(whole.backs, chosen)
        self.whole, self.is_swept = whole, len(opened) + len(told) > 0
        self.walks = Walks([(len(opened) + len(told) + number, whole.patterns[old], automaton)
                            for number, (old, automaton) in enumerate(walked.items())]) if walked else None
        # In cells with digits looking for words takes longer than they save: runs of digits tell openings apart.
        always = _members(heading.always, len(whole.owners))[openings] | (ord("0") in alphabet.leads)
        self.gates, self.beside = _gates(whole, openings[~always], openings), {}
        self.finder = _Told(whole.finder, (told - whole.opened).tolist())
        self._heading = Heading(heading.fits, heading.signs, as_bits(_or_none(always)))

    def heading(self, header: str) -> Heading:
        """What the header says for which this assembly was made."""
        return self._heading


def _walked(whole: Assembly, wanted: Mask, possible: Mask, alphabet: Alphabet) -> tuple[Mask, dict[int, Automaton]]:
    """Which patterns have to be looked for, and the automata of those that are walked through instead."""
    begun = np.ones(len(wanted), bool)
    begun[: whole.opened] = False
    begun[whole.owners[possible]] = True
    numbers = np.flatnonzero(wanted & begun).tolist()
    if len(numbers) > MOST_WALKED or alphabet.longest > LONGEST_WALKED or max(alphabet.leads) >= 128:
        return wanted, {}
    found = dict(zip(numbers, automata([whole.patterns[number] for number in numbers], alphabet.leads), strict=True))
    wanted = wanted.copy()
    wanted[[number for number, automaton in found.items() if automaton is not None]] = False
    return wanted, {number: a for number, a in found.items() if a is not None and a.accepting.any()}


def _gates(whole: Assembly, gated: Ints, openings: Ints) -> Gates:
    """The words of `whole` that some of the `gated` openings need, for those that are left of all `openings`."""
    numbers = {opening: number for number, opening in enumerate(openings.tolist())}
    letters, starts = whole.gates.letters.tobytes(), whole.gates.starts.tolist()
    members = _members(whole.gates.members, max(1, len(whole.owners)))[:, gated]
    needing = {letters[starts[word] : starts[word + 1]]: [numbers[n] for n in gated[members[word]].tolist()]
               for word in np.flatnonzero(members.any(axis=1)).tolist()}
    return gates(needing, len(openings))


class _Told(LineFinder):
    """Some expressions of another finder, under new numbers."""

    def __init__(self, whole: LineFinder, chosen: Sequence[int]) -> None:
        super().__init__([whole.expressions[number] for number in chosen], use_cache=False)
        self._whole = whole
        self._numbers = {old: new for new, old in enumerate(chosen)}
        self.unfiltered = frozenset(self._numbers[old] for old in whole.unfiltered if old in self._numbers)

    def events(self, data: bytes) -> list[tuple[int, int]]:
        """As `LineFinder.events`."""
        if not self._numbers:
            return []
        return [(self._numbers[old], end) for old, end in self._whole.events(data) if old in self._numbers]


def _may_begin(whole: Assembly, alphabet: Alphabet, present: Ints) -> Mask:
    """The openings that the alphabet allows."""
    triggers, count = whole.triggers, len(whole.owners)
    behind = np.append(present, END)
    bits = np.bitwise_or.reduce(triggers.lists[np.unique(triggers.pairs[np.ix_(present, behind)])], axis=0)
    for place in triggers.further:
        bits &= np.bitwise_or.reduce(place[behind], axis=0)
    allowed: Mask = _members(bits, count) & triggers.following[:count][:, behind].any(axis=1)
    for kinds, least in (triggers.runs[:count].T, triggers.stretches[:count, :2].T):
        allowed &= (kinds < 0) | (_WIDTHS[kinds] * least <= alphabet.longest)
    return allowed


def _present(triggers: Triggers, alphabet: Alphabet) -> Ints:
    """The classes of the characters of the alphabet."""
    allowed = np.zeros(256, bool)
    allowed[sorted(alphabet.leads)] = True
    return np.unique(triggers.classes[:PLANE][allowed[_leads(np.arange(PLANE))]]).astype(np.int64)


def _narrowed(whole: Triggers, chosen: Ints, present: Ints) -> Triggers:
    """The tables for some of the openings, where only some classes of characters occur.

    Lists and classes that are alike now become one: the tables are read at every character and should be small.
    """
    count = len(whole.runs)
    before, further = _members(whole.before, count)[:, chosen], _members(whole.further, count)[..., chosen]
    following = whole.following[chosen]
    lists, numbers = np.unique(_members(whole.lists, count)[:, chosen], axis=0, return_inverse=True)
    pairs = numbers.ravel()[whole.pairs].astype(np.uint16)
    merged = np.zeros(len(pairs), np.uint16)
    known: dict[bytes, int] = {}
    first: list[int] = []
    for number in [END, *present.tolist()]:
        traits = (pairs[number, present], pairs[present, number], before[number], further[:, number],
                  following[:, number], whole.alike[number])
        merged[number] = known.setdefault(b"".join(trait.tobytes() for trait in traits), len(known))
        if len(known) > len(first):
            first.append(number)
    return Triggers(
        merged[whole.classes], np.ascontiguousarray(pairs[np.ix_(first, first)]), as_bits(_or_none(lists)),
        as_bits(_or_none(before[first])), as_bits(_or_none(further[:, first])), _some(whole.runs, chosen),
        _some(whole.stretches, chosen), np.ascontiguousarray(_or_none(following[:, first])), whole.alike[first],
        as_bits(_or_none(_members(whole.midst, count)[:, chosen])))


def _members(bits: npt.NDArray[np.uint64], count: int) -> Mask:
    """Words of 64 bits as masks over `count` openings: the way back from `as_bits`."""
    flat = np.ascontiguousarray(bits).astype("<u8").view(np.uint8)
    return np.unpackbits(flat, axis=-1, count=count, bitorder="little").astype(bool)


def _or_none(masks: Mask) -> Mask:
    """With one opening that is in no set where there would be none at all: loops want arrays of some length."""
    shape = tuple(max(1, size) for size in masks.shape)
    return masks if shape == masks.shape else np.zeros(shape, bool)


def _some(array: Any, chosen: Ints) -> Any:
    """The chosen rows; where there is none, one that nothing refers to."""
    return array[chosen] if len(chosen) else np.zeros_like(array[:1])

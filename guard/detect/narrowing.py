"""A narrower assembly for the cells of a column: without the patterns that cannot match there at all.

Cells of a table are short and of few characters. Which characters occur and how long the longest cell is, together with
the header, rules most patterns out before a single cell is looked at: of four hundred some twenty are left, and one
pass over them costs a fraction. Nothing is guessed from a sample: every byte was seen (`cell_text`).
"""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from guard import cache
from guard.batch import Ints, distinct
from guard.detect import kept_arrays
from guard.detect.assembly import Assembly, Heading, Pattern
from guard.detect.cell_forms import LONGEST as LONGEST_OF_FORM
from guard.detect.cell_forms import CellForms, takes_forms
from guard.detect.cell_loops import PLANE
from guard.detect.cell_text import CellText
from guard.detect.cell_walks import UNTOLD, WALKED, CellWalks, Walks, walks_of
from guard.detect.classes import as_bits
from guard.detect.compile import LineFinder
from guard.detect.gates import Gates, gates
from guard.detect.kept_tables import KeptTables
from guard.detect.needs import BEYOND, Needs, code_digest, least_width, needs, needs_of, needs_of_words
from guard.detect.sweep import Starts

Mask = npt.NDArray[np.bool_]
MOST = 64
"""How many narrowed assemblies a thread keeps, a sixth of a megabyte each."""
LEAST, PLENTY = 1 << 14, 1 << 16
"""Bytes of cells for which it may pay to narrow: always from PLENTY on, else when they come a second time."""
MOST_WALKED, LONGEST_WALKED = 24, 64
"""Patterns for cells of so many bytes: more take longer to walk through one by one than to look for together."""
MOST_WANTED = 0.5
"""Share of the patterns from which on nothing is gained by leaving the others out: texts of all kinds under one header
hold what most patterns need, and states of their own for these would only have to be made."""
_FEW_LETTERS = 4
_LETTERS = (range(65, 91), range(97, 123))
_DIGITS = range(48, 58)


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
        self._tables = KeptTables(use_cache=use_cache)
        rules = [pattern.rule for pattern in whole.patterns]
        self._rules = np.array([rule.index for rule in rules], np.int64)
        self._asks, self._counts = (np.array([rule.detector.require == asked for rule in rules], bool)
                                    for asked in ("context", "nothing"))
        self._kept: OrderedDict[tuple[str, Alphabet], _Narrowing] = OrderedDict()
        self._last: OrderedDict[str, _Narrowing] = OrderedDict()

    def of(self, text: CellText, header: str) -> Assembly:
        """An assembly that finds in these cells what the whole one would find."""
        values = text.values
        is_worth_it = len(values.data) >= LEAST and len(self._whole.owners)
        seen = text.seen if is_worth_it else None
        if seen is None:
            return self._whole
        longest = int((values.ends - values.starts).max(initial=0))
        last = self._last.get(header)
        if last is None or not last.covers(seen, longest):
            last = self._last[header] = self._narrowing(header, seen, longest)
        self._last.move_to_end(header)
        if len(self._last) > MOST:
            self._last.popitem(last=False)
        return last.assembly(len(values.data))

    def _narrowing(self, header: str, seen: Mask, longest: int) -> _Narrowing:
        """The narrowing for cells of at most `longest` bytes in which no characters but those `seen` occur."""
        key = (header, _alphabet(seen, longest))
        if key not in self._kept:
            heading = self._whole.heading(header)
            fits, speaks = np.array(heading.fits, bool), np.array(heading.signs, np.int64) > 0
            backed = self._counts | fits[self._rules] | (self._asks & speaks[self._rules])
            self._kept[key] = _Narrowing(self._whole, *key, backed, self._asks, self._tables)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        self._kept[key].extend(seen, longest, self._facts)
        return self._kept[key]


class _Narrowing:
    """What was narrowed for one header and alphabet. Patterns that were wanted once stay, so that it comes to rest.

    Those that are `backed` count whatever stands beside their matches, and of others those that `asks` for words there.

    Batch after batch has nearly the same characters, so what is wanted is asked only when a new one occurs.
    """

    def __init__(self, whole: Assembly, header: str, alphabet: Alphabet, backed: Mask, asks: Mask, tables: KeptTables,
                 ) -> None:
        self._whole, self._header, self._alphabet, self._tables = whole, header, alphabet, tables
        self._backed, self._asks = backed, asks
        self._made: Assembly | None = None
        self._wanted, self._has_more = np.zeros(len(whole.patterns), bool), True
        self._seen, self._longest = np.zeros(PLANE + 1, bool), 0
        self._work = 0

    def covers(self, seen: Mask, longest: int) -> bool:
        """Whether it was made for all of these characters and for cells of this length."""
        is_like = bool(seen[BEYOND] == self._seen[BEYOND]) and longest <= self._longest
        return is_like and not (seen > self._seen).any()

    def extend(self, seen: Mask, longest: int, facts: _Facts) -> None:
        """Cells of at most `longest` bytes, of these characters and those before, are to come."""
        self._seen |= seen
        self._longest = max(longest, self._longest)
        wanted = self._backed | (self._asks & facts.words.met(self._seen))
        wanted &= facts.needs.met(self._seen) & (facts.widths <= self._longest)
        self._has_more |= bool((wanted & ~self._wanted).any())
        self._wanted |= wanted

    def assembly(self, work: int) -> Assembly:
        """The assembly for such cells, of `work` bytes."""
        before = self._work
        self._work += work
        if np.count_nonzero(self._wanted) > MOST_WANTED * len(self._wanted):
            return self._whole
        if self._made is None or self._has_more:
            if not before and work < PLENTY:
                return self._whole
            self._made = NarrowedAssembly(self._whole, self._wanted, self._alphabet, self._header, self._tables)
            self._has_more = False
        return self._made


class _Facts(NamedTuple):
    """What patterns need, in their matches and of the words beside them, and the characters of their shortest match."""

    needs: Needs
    words: Needs
    widths: Ints


def _facts(patterns: Sequence[Pattern], *, use_cache: bool) -> _Facts:
    """From the cache if it can be: to look at all patterns takes a tenth of a second."""
    said = "\n".join(f"{p.source}\0{p.spans_lines}\0{p.rule.detector.context}" for p in patterns)
    name = cache.key("needs of patterns", hashlib.sha256(said.encode()).hexdigest(), code_digest(), sys.version)
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
    arrays = [*facts.needs[1:], *facts.words[1:], facts.widths]
    return kept_arrays.dump(None, {str(number): array for number, array in enumerate(arrays)})


def _load(blob: bytes | None) -> _Facts | None:
    """The facts in a blob; None when it is of another form."""
    try:
        _, kept = kept_arrays.load(blob or b"")
        arrays = [kept[str(number)] for number in range(7)]
    except (ValueError, KeyError, TypeError):
        return None
    count = len(arrays[6])
    return _Facts(Needs(count, *arrays[:3]), Needs(count, *arrays[3:6]), arrays[6])


def _alphabet(seen: Mask, longest: int) -> Alphabet:
    codes = set(np.flatnonzero(seen[:128]).tolist())
    if not codes.isdisjoint(_DIGITS):
        codes.update(_DIGITS)
    for letters in _LETTERS:
        if len(codes.intersection(letters)) > _FEW_LETTERS:
            codes.update(letters)
    found = np.flatnonzero(seen[128:PLANE]) + 128 if seen[BEYOND] else np.empty(0, np.int64)
    return Alphabet(frozenset(codes.union(distinct(_leads(found)).tolist())),
                    longest if longest <= 20 else 1 << (longest - 1).bit_length())


def _leads(codes: Ints) -> Ints:
    """The first bytes of characters in UTF-8."""
    return np.where(codes < 0x80, codes, np.where(codes < 0x800, 0xC0 | codes >> 6, 0xE0 | codes >> 12))


class NarrowedAssembly(Assembly):
    """Those of the patterns of `whole` that are `wanted`, under one header; openings keep their numbers.

    Those of the `cell_walks` stand behind all others; without others nothing `is_swept`. Cells without walks may be
    told by their `forms`.
    """

    def __init__(self, whole: Assembly, wanted: Mask, alphabet: Alphabet, header: str, kept: KeptTables) -> None:
        wanted, walked, walks, name = _walked(whole.patterns, wanted, alphabet, kept)
        heading, chosen = whole.heading(header), np.flatnonzero(wanted)
        told, count = chosen[chosen >= whole.opened], len(chosen)
        numbers = np.zeros(len(wanted), np.int32)
        numbers[chosen] = np.arange(count)
        self.whole, self.is_swept = whole, count > 0
        self.cell_walks = CellWalks([whole.patterns[number] for number in walked.tolist()], count, walks, kept,
                                    name) if walks is not None and len(walked) else None
        chosen = np.concatenate([chosen, walked])
        self.rules, self.programs, self.words = whole.rules, whole.programs, whole.words
        self.rulings = whole.rulings
        self.patterns = tuple(whole.patterns[number] for number in chosen.tolist())
        has_forms = not len(walked) and alphabet.longest < 2 * LONGEST_OF_FORM and takes_forms(self.patterns)
        self.forms = CellForms(self.patterns, kept) if has_forms else None
        self.opened, self.owners = count - len(told), numbers[whole.owners]
        self.starts = Starts(_some(whole.starts.addresses, chosen), _some(whole.starts.groups, chosen),
                             self.owners if len(self.owners) else np.zeros(1, np.int32))
        self.backs = _some(whole.backs, chosen)
        openings = wanted[whole.owners]
        self.automaton, self.prefilter, self.walked = whole.automaton, whole.prefilter, whole.walked & as_bits(openings)
        # In cells with digits looking for words takes longer than they save.
        always = _members(heading.always, len(openings)) | (ord("0") in alphabet.leads)
        self.gates, self.beside = _gates(whole, np.flatnonzero(openings & ~always)), {}
        self.finder = self.text_finder = _Told(whole.finder, (told - whole.opened).tolist())
        self.spanning = {}
        self._heading = Heading(heading.fits, heading.signs, as_bits(always & openings),
                                self.prefilter.active(always & openings))

    def heading(self, header: str) -> Heading:
        """What the header says for which this assembly was made."""
        return self._heading


def _walked(patterns: Sequence[Pattern], wanted: Mask, alphabet: Alphabet, kept: KeptTables,
            ) -> tuple[Mask, Ints, Walks | None, str]:
    """Which patterns have to be looked for; the numbers of those that are walked through instead, and what
    `walks_of` says of them."""
    numbers = np.flatnonzero(wanted)
    if len(numbers) > MOST_WALKED or alphabet.longest > LONGEST_WALKED or max(alphabet.leads) >= 128:
        return wanted, numbers[:0], None, ""
    walks, name = walks_of([patterns[number] for number in numbers.tolist()], alphabet.leads, kept)
    left = wanted.copy()
    left[numbers[walks.found != UNTOLD]] = False
    return left, numbers[walks.found == WALKED], walks, name


def _gates(whole: Assembly, gated: Ints) -> Gates:
    """The words of `whole` that some of the `gated` openings need."""
    letters, starts = whole.gates.letters.tobytes(), whole.gates.starts.tolist()
    members = _members(whole.gates.members, max(1, len(whole.owners)))[:, gated]
    needing = {letters[starts[word] : starts[word + 1]]: gated[members[word]].tolist()
               for word in np.flatnonzero(members.any(axis=1)).tolist()}
    return gates(needing, len(whole.owners), whole.prefilter.buckets)


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


def _members(bits: npt.NDArray[np.uint64], count: int) -> Mask:
    """Words of 64 bits as masks over `count` openings: the way back from `as_bits`."""
    flat = np.ascontiguousarray(bits).astype("<u8").view(np.uint8)
    return np.unpackbits(flat, axis=-1, count=count, bitorder="little").astype(bool)


def _some(array: Any, chosen: Ints) -> Any:
    """The chosen rows; where there is none, one that nothing refers to."""
    return array[chosen] if len(chosen) else np.zeros_like(array[:1])

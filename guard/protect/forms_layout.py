"""What a form keeps: from the pieces of a form and the levels that a policy names to a form of at least 10^6 values.

A piece can be kept at several levels, from fine (the county) to coarse (the province). Where what is kept would leave
fewer than 10^6 values to choose from, pieces are kept at their next coarser level, or no more, in the order that the
layout says; what must be kept for a value to be one (the issuer of a card) stays. Where even that is not enough, the
form is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from guard.crypto.ff1_plain import LEAST_DOMAIN
from guard.errors import UsageError
from guard.protect.forms import LARGEST, Blocks, Check, Form, Grouping, Part, Slot


@dataclass(frozen=True, eq=False)
class Piece:
    """A part and the levels at which it can be kept, from fine to coarse: names and groupings.

    A piece that is `needed` is kept at its coarsest level where no finer one is asked for.
    """

    part: Part
    levels: tuple[tuple[str, Grouping], ...] = ()
    needed: bool = False

    @property
    def groupings(self) -> tuple[tuple[str, Grouping], ...]:
        """The levels, and behind them that nothing is kept, where that is possible."""
        return self.levels if self.needed else (*self.levels, ("", Blocks(self.part.size, self.part.size)))


@dataclass(frozen=True, eq=False)
class Layout:
    """The pieces of a form in their order, its checks behind them or among them, and which piece is widened first.

    `is_rest`: its values are those that no other layout of the class takes.
    """

    name: str
    pieces: tuple[Piece, ...]
    checks: tuple[Check, ...] = ()
    widened: tuple[int, ...] = ()
    is_rest: bool = False

    @property
    def width(self) -> int:
        """Bytes of a value."""
        return sum(piece.part.width for piece in self.pieces) + len(self.checks)

    def form(self, keep: Iterable[str], without: Sequence[Form] = ()) -> Form:
        """The form that keeps these levels, or as much of them as leaves 10^6 values; else raises UsageError."""
        wanted = set(keep)
        chosen = [_finest(piece, wanted) for piece in self.pieces]
        while self._least(chosen) < LEAST_DOMAIN:
            wider = next((number for number in self.widened if chosen[number] + 1 < len(self.pieces[number].groupings)),
                         None)
            if wider is None:
                raise UsageError("this form has fewer than 10^6 values, too few to encrypt one as another",
                                 hint="keep less of it, or use tokens")
            chosen[wider] += 1
        if self._kept_numbers(chosen) > LARGEST:
            raise UsageError("this form keeps too many characters", hint="keep less of it")
        kept = [piece.groupings[level][0] for piece, level in zip(self.pieces, chosen, strict=True)]
        # What is kept decides which values are exchanged for each other, so it has keys of its own.
        name = "/".join([self.name, *(level for level in kept if level)])
        return Form(name, self._slots(chosen), self.checks, without)

    def _slots(self, chosen: Sequence[int]) -> list[Slot]:
        taken = {check.place for check in self.checks}
        places = [place for place in range(self.width) if place not in taken]
        starts = accumulate((piece.part.width for piece in self.pieces), initial=0)
        return [Slot(places[start], piece.part, piece.groupings[level][1])
                for start, piece, level in zip(starts, self.pieces, chosen, strict=False)]

    def _least(self, chosen: Sequence[int]) -> int:
        product = 1
        for piece, level in zip(self.pieces, chosen, strict=True):
            product *= piece.groupings[level][1].least
        return product

    def _kept_numbers(self, chosen: Sequence[int]) -> int:
        product = 1
        for piece, level in zip(self.pieces, chosen, strict=True):
            product *= piece.groupings[level][1].count
        for check in self.checks:
            product *= len(check.symbols)
        return product


def levels_of(layouts: Iterable[Layout]) -> tuple[str, ...]:
    """The names of all levels that can be kept, in the order of the pieces."""
    return tuple(dict.fromkeys(name for layout in layouts for piece in layout.pieces for name, _ in piece.levels))


def _finest(piece: Piece, wanted: set[str]) -> int:
    return next((number for number, (name, _) in enumerate(piece.levels) if name in wanted), len(piece.groupings) - 1)

"""The cells of a column as the compiled engine sees them: looked at once for all that has to be known of them."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from guard.batch import Ints
from guard.detect.cell_loops import PLANE, survey
from guard.detect.folding import Folded, fold, fold_quickly
from guard.detect.judge import MASKS
from guard.detect.needs import BEYOND
from guard.detect.normalise import ESCAPE, TABLE
from guard.detect.shapes import Block
from guard.detect.values import Values

Mask = npt.NDArray[np.bool_]
_LINE_ENDS = (10, 13)
_LAST_BLANK = 0x3000


class CellText:
    """Values one below the other. In `plain` ones patterns see every character as it stands, each value is one line,
    and none holds stray bytes."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self._seen = np.zeros(PLANE + 1, bool)
        changes, line_ends = survey(_folded(), np.frombuffer(values.data, np.uint8), self._seen)
        self.is_plain = not (self._seen[PLANE] or self._seen[ESCAPE] or changes) and line_ends == len(values) - 1

    @cached_property
    def seen(self) -> Mask | None:
        """Which characters there are, as patterns see them; None where some are not on the basic plane or no UTF-8."""
        seen = self._seen
        if seen[PLANE]:
            return None
        seen[BEYOND] = seen[128:].any()
        seen[ord(" ")] |= seen[ESCAPE]
        seen[[*_LINE_ENDS]] = True
        return seen

    @cached_property
    def is_usual(self) -> bool:
        """Whether each value is plain and holds neither blanks nor a character that hides others (`judge.MASKS`)."""
        return self.is_plain and not self._seen[_unusual()].any()

    @cached_property
    def folded(self) -> Folded:
        """The buffer as patterns see it."""
        nothing: Ints = np.empty(0, np.int64)
        if self.is_plain:
            return Folded(self.values.data, nothing, nothing, nothing, nothing)
        return fold_quickly(self.values.data) or fold(self.values.data)

    @cached_property
    def block(self) -> Block:
        """The same as a block; the line ends of plain values are known."""
        block = Block(self.folded.data)
        if self.is_plain:
            block.bounds = np.concatenate([[-1], self.values.ends])
        return block


@lru_cache(maxsize=1)
def _unusual() -> Ints:
    """Blanks, but for the line ends between values, and the characters that hide others."""
    codes = {code for code in range(_LAST_BLANK + 1) if chr(code).isspace()}.union(map(ord, MASKS)) - {*_LINE_ENDS}
    return np.array(sorted(codes), np.int64)


@lru_cache(maxsize=1)
def _folded() -> npt.NDArray[np.uint16]:
    """What each code point of the basic plane is folded to; a line end where it vanishes."""
    folded = np.arange(PLANE, dtype=np.uint16)
    for code, target in TABLE.items():
        if code < PLANE:
            folded[code] = _LINE_ENDS[0] if target is None else target
    return folded

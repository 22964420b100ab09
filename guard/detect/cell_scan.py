"""The compiled engine over the cells of a column, one below the other: it walks through what needs no search."""

from __future__ import annotations

import numpy as np

from guard.batch import Ints
from guard.detect import engine, limits
from guard.detect.assembly import Assembly
from guard.detect.cell_forms import relative
from guard.detect.cell_text import CellText
from guard.detect.classes import Bits
from guard.detect.narrowing import NarrowedAssembly
from guard.detect.sweep import Found as Matches
from guard.detect.sweep import Workspace
from guard.detect.values import Values


class CellScan(engine.EngineScan):
    """As `EngineScan`, for a narrowed assembly or a whole one."""

    def __init__(self, assembly: Assembly, workspace: Workspace, text: CellText, header: str) -> None:
        self._text = text
        if not text.is_plain:
            super().__init__(assembly, workspace, text.values.data, header)
            return
        self._assembly, self._workspace, self._header = assembly, workspace, header
        self._data, self._damaged = text.values.data, []
        self._folded, self._block = text.folded, text.block
        self._heading = assembly.heading(header)
        self.multiline: dict[int, list[int]] = {}

    def _swept(self) -> tuple[Matches, Bits]:
        assembly = self._assembly
        if isinstance(assembly, NarrowedAssembly) and assembly.forms is not None and self._text.is_plain:
            found = assembly.forms.matches(self._text, self._matches_of)
            if found is not None:
                return Matches(*found), np.zeros((1, 1), np.uint64)
        return self._swept_through()

    def _matches_of(self, values: Values) -> Ints:
        """The matches in other values, as `CellForms` asks for them."""
        other = CellScan(self._assembly, self._workspace, CellText(values), self._header)
        return relative(other._swept_through()[0], other._block.bounds)

    def _swept_through(self) -> tuple[Matches, Bits]:
        """The same, cell by cell."""
        assembly = self._assembly
        if not isinstance(assembly, NarrowedAssembly) or (assembly.cell_walks is None and assembly.is_swept):
            return super()._swept()
        walked = np.empty((4, 0), np.int64)
        if assembly.cell_walks is not None:
            if limits.current().slow:
                return self._swept_wholly(assembly)
            found = assembly.cell_walks.matches(self._block, assembly.programs, self._workspace.memory, engine.PATIENCE)
            if found is None or limits.current().exhausted:
                return self._swept_wholly(assembly)
            walked = found
        if not assembly.is_swept:
            return Matches(*walked), np.zeros((1, 1), np.uint64)
        matches, bits = super()._swept()
        return Matches(*(np.concatenate(columns) for columns in zip(matches, walked, strict=True))), bits

    def _swept_wholly(self, assembly: NarrowedAssembly) -> tuple[Matches, Bits]:
        """Which programs ran out of steps is for the sweep to say."""
        self._assembly = assembly.whole
        self._heading = assembly.whole.heading(self._header)
        return super()._swept()

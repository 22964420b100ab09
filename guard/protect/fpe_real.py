"""The real values of a release: collected in a read of their own, so that no pseudonym is one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from guard.batch import Ints
from guard.hashing import Hashes
from guard.keys import Keyring
from guard.protect.columns import Bytes, Mask
from guard.protect.forms import Form, Ranked
from guard.protect.fpe import FormPseudonym
from guard.protect.tokens import Token


class ValueSet(Protocol):
    """A set of values by their hashes, of bounded memory; it may hold one that was not added, and never lacks one."""

    def hashes(self, data: bytes, starts: Ints, ends: Ints) -> Hashes:
        """The hashes of slices of a buffer."""
        ...

    def add(self, hashes: Hashes) -> None:
        """Hold these values."""
        ...

    def probe(self, hashes: Hashes) -> Mask:
        """Which of the hashes are held."""
        ...


class RealValues:
    """Undressed real values over a set. While it is open, transforms by form only add to it and change nothing."""

    def __init__(self, values: ValueSet) -> None:
        self._values = values
        self.is_open = True

    def add(self, rows: Bytes) -> None:
        """Rows of bytes, values of one width, are real."""
        self._values.add(self._hashes(rows))

    def close(self) -> None:
        """All were added: from now on transforms make pseudonyms."""
        self.is_open = False

    def __call__(self, rows: Bytes) -> Mask:
        """Which rows are real values."""
        return self._values.probe(self._hashes(rows))

    def _hashes(self, rows: Bytes) -> Hashes:
        starts = np.arange(len(rows), dtype=np.int64) * rows.shape[1]
        return self._values.hashes(np.ascontiguousarray(rows).tobytes(), starts, starts + rows.shape[1])


class FormCensus(FormPseudonym):
    """What a form takes is added to the real values and stays as it is."""

    def __init__(self, forms: Sequence[Form], data_class: str, keyring: Keyring, domain: str, token: Token, *,
                 real: RealValues, separated: bool = True) -> None:
        super().__init__(forms, data_class, keyring, domain, token, real=real, separated=separated)
        self._census = real

    def _walk(self, form: Form, values: Ranked) -> tuple[Mask, Bytes]:
        rows = form.write(values.kept, values.rank)
        self._census.add(rows)
        return np.ones(len(rows), bool), rows

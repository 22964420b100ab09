"""pseudonymise by form: a value becomes another valid value of its class, and with the key itself again.

A value is ranked among the valid values that share what the policy keeps of it (`forms`), its rank is encrypted by FF1
(`fpe_ranks`), and the value of the new rank is its pseudonym: same width, check digit right, dressing put on again.

**Walking past real values.** With the set of real values of a release, no pseudonym is one of them. Encrypting again
until a result is not real would make two persons one: whoever's identifier was walked past ends there too. So the steps
are counted like brackets: a real value on the way opens one, another closes one, and the walk ends where its own is
closed. No two walks end in the same place. How many steps a walk of several took is noted beside its pseudonym
(`walks`), for the way back: real values on the way may have no pseudonym in what is at hand later.

**What is not covered.** A value that fits no form, or that no walk of `MOST_STEPS` leads away from, becomes a token,
which is counted. FF1 is not authenticated: a changed pseudonym reveals another value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from guard.crypto.blocks import BlockCipher
from guard.errors import UsageError
from guard.keys import Keyring
from guard.protect.base import Transform
from guard.protect.columns import Bytes, Mask, Rows, Slices, assemble, from_matrix
from guard.protect.forms import Form, Numbers, Ranked
from guard.protect.fpe_dressing import undress
from guard.protect.fpe_ranks import RankCipher
from guard.protect.tokens import Token, prefix

PURPOSE = "form"
MOST_STEPS = 64
"""Steps of a walk. With one value in ten real, one walk in 10^10 is longer; a cycle of real values alone has no end."""

Known = Callable[[Bytes], Mask]
"""Which rows, undressed values of one width, are in a set."""
Walk = Callable[[Form, Ranked], tuple[Mask, Bytes]]
"""Which rows of a form came to an end, and the values there."""


class FormPseudonym(Transform):
    """pseudonymise by a form.

    `forms` are tried in their order and share no value. `real` tells the real values of the release, which no pseudonym
    is then; `walked` counts the values whose first step was one, `tokens` those that no form took, each once a column.
    `walks` has the steps from a value to its pseudonym (undressed) where they are several: to be kept, and given to
    whoever reveals.
    """

    injective = reversible = keeps_type = True

    def __init__(self, forms: Sequence[Form], data_class: str, keyring: Keyring, domain: str, token: Token, *,
                 real: Known | None = None, separated: bool = True, key_id: str = "") -> None:
        self._forms, self._token, self._real, self._separated = tuple(forms), token, real, separated
        self._is_phone = data_class.startswith("person.phone")
        self._prefix = f"{prefix(data_class)}_"
        algorithms = keyring.algorithms
        self._ciphers = {
            form.name: RankCipher(BlockCipher(
                keyring.derive(f"{PURPOSE}:{form.name}", data_class, domain, 32, key_id=key_id)
                [: algorithms.cipher_key_bytes], algorithms.cipher))
            for form in forms}
        self.walks: dict[str, int] = {}
        self.walked = 0
        self.tokens = 0

    def apply_one(self, value: str) -> str | None:
        result: str | None = self._apply_all(pa.array([value], pa.string()))[0].as_py()
        return result

    def _apply_all(self, values: Any) -> Any:
        return self._exchanged(values, self._walk, self._tokens)

    def reveal_one(self, value: str) -> str:
        revealed: str = self.reveal(pa.array([value], pa.string()))[0].as_py()
        return revealed

    def reveal(self, values: Any, records: Any = None) -> Any:
        """The values of pseudonyms; a token stays, since nobody has its value.

        Where values were walked past (`walked`), `walks` must be those of the release; without them the values of those
        are wrong. Raises UsageError for what is neither token nor pseudonym.
        """
        if not len(values):
            return values
        return self._exchanged(values, self._walk_back, self._kept_tokens).cast(values.type)

    def _exchanged(self, values: Any, walk: Walk, rest: Callable[[Any], Any]) -> Any:
        """Every value exchanged that a form takes, as it stands or undressed; `rest` says what the others become."""
        slices = Slices.of(values)
        parts, left, lost = [], slices.widths >= 0, np.zeros(len(values), bool)
        for width, rows in slices.by_width():
            fits, done, matrix = self._exchange(slices.matrix(rows, width), walk)
            parts.append((rows[done], from_matrix(matrix[done])))
            left[rows[fits]] = False
            lost[rows[fits & ~done]] = True
        if len(others := np.flatnonzero(left)):
            parts.append((others, self._undressed(values.take(pa.array(others)), walk, rest)))
        if len(others := np.flatnonzero(lost)):
            parts.append((others, rest(values.take(pa.array(others)))))
        return assemble(parts, len(values))

    def _undressed(self, values: Any, walk: Walk, rest: Callable[[Any], Any]) -> Any:
        """Values that wear something, or that no form takes."""
        encoded = values.dictionary_encode()
        dressed = [undress(value, phone=self._is_phone, separated=self._separated)
                   for value in encoded.dictionary.to_pylist()]
        bare = Slices.of(pa.array([each.bare for each in dressed], pa.large_string()))
        results = np.empty(len(dressed), object)
        found = np.zeros(len(dressed), bool)
        for width, rows in bare.by_width():
            _, done, matrix = self._exchange(bare.matrix(rows, width), walk)
            for row, new in zip(rows[done].tolist(), matrix[done], strict=True):
                results[row] = dressed[row].wear(new.tobytes().decode())
            found[rows[done]] = True
        missing = np.flatnonzero(~found)
        results[missing] = rest(encoded.dictionary.take(pa.array(missing))).to_pylist() if len(missing) else []
        return pa.array(results.tolist(), pa.string()).take(encoded.indices)

    def _exchange(self, values: Bytes, walk: Walk) -> tuple[Mask, Mask, Bytes]:
        """Which rows of one width a form takes, which of them were exchanged, and the rows."""
        results = np.empty_like(values)
        fits, done = np.zeros(len(values), bool), np.zeros(len(values), bool)
        for form in self._forms:
            left = np.flatnonzero(~fits)
            if form.width != values.shape[1] or not len(left):
                continue
            ranked = form.read(values[left])
            rows: Rows = left[ranked.fits]
            if len(rows):
                ended, new = walk(form, ranked.only(ranked.fits))
                results[rows[ended]], done[rows[ended]], fits[rows] = new, True, True
        return fits, done, results

    def _walk(self, form: Form, values: Ranked) -> tuple[Mask, Bytes]:
        """Which rows came to an end, and the pseudonyms there."""
        admit = _admission(form)
        cipher = self._ciphers[form.name]
        ranks = cipher.exchange(values, values.rank, admit, backward=False)
        results = form.write(values.kept, ranks)
        if self._real is None:
            return np.ones(len(ranks), bool), results
        depth = np.where(self._real(results), 2, 0)
        open_rows = np.flatnonzero(depth)
        self.walked += len(open_rows)
        for step in range(2, MOST_STEPS + 2):
            if not len(open_rows):
                break
            ranks[open_rows] = cipher.exchange(values.only(open_rows), ranks[open_rows], admit, backward=False)
            results[open_rows] = form.write(values.kept[open_rows], ranks[open_rows])
            depth[open_rows] += np.where(self._real(results[open_rows]), 1, -1)
            self.walks.update(dict.fromkeys(_texts(results[open_rows[depth[open_rows] == 0]]), step))
            open_rows = open_rows[depth[open_rows] > 0]
        ended = np.ones(len(ranks), bool)
        ended[open_rows] = False
        return ended, results[ended]

    def _walk_back(self, form: Form, values: Ranked) -> tuple[Mask, Bytes]:
        """The values that pseudonyms stand for: as many steps back as were walked."""
        admit = _admission(form)
        ranks = self._ciphers[form.name].exchange(values, values.rank, admit, backward=True)
        left = np.zeros(len(ranks), np.int64)
        if self.walks:
            left += [self.walks.get(text, 1) - 1 for text in _texts(form.write(values.kept, values.rank))]
        while len(rows := np.flatnonzero(left)):
            ranks[rows] = self._ciphers[form.name].exchange(values.only(rows), ranks[rows], admit, backward=True)
            left[rows] -= 1
        return np.ones(len(ranks), bool), form.write(values.kept, ranks)

    def _tokens(self, values: Any) -> Any:
        tokens = self._token.apply(values)
        self.tokens += len({token for token in tokens.to_pylist() if token})
        return tokens

    def _kept_tokens(self, values: Any) -> Any:
        if any(value.strip() and not value.startswith(self._prefix) for value in values.to_pylist()):
            raise UsageError("a value is no pseudonym of this form", hint="it was not made with these parameters")
        return values


def _texts(rows: Bytes) -> list[str]:
    return [row.tobytes().decode() for row in rows]


def _admission(form: Form) -> Callable[[Numbers, Numbers], Mask] | None:
    if not form.excludes:
        return None
    return lambda kept, ranks: form.admits(form.write(kept, ranks))

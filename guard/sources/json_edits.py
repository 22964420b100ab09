"""Edits of JSON values and keys, as replacements in the text: everything that is not named stays byte-identical."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from guard.batch import Edited, Editor, Ints
from guard.sources.json_tokens import NUMBER
from guard.sources.json_values import Cells, JsonBatch
from guard.sources.splice import splice

NULL = b"null"
HIDDEN_KEY = "*"
"""What is left of a key that is dropped: a member cannot be without one."""
_UNSAFE = re.compile(r'["\\\x00-\x1f]')


class Replacements:
    """What changes in one text: gathered batch by batch, written once."""

    def __init__(self, *, ascii_only: bool) -> None:
        self._ascii_only = ascii_only
        self._starts: list[Ints] = []
        self._ends: list[Ints] = []
        self._texts: list[bytes] = []
        self._keys: dict[int, tuple[int, int, int, str]] = {}
        self.replaced = 0
        self.dropped: set[str] = set()

    def add(self, batch: JsonBatch, editor: Editor, offset: int = 0) -> None:
        """What `editor` wants changed in `batch`, whose region begins at `offset` of the text."""
        gone = {index for index, column in enumerate(batch.columns) if editor.drops(batch.dataset, column.field)}
        for index in gone:
            self._drop(batch, index, offset)
        for edit in editor.edit(batch).cells:
            if edit.column in gone:
                continue
            cells, column = batch.cells[edit.column].take(edit.cells), batch.columns[edit.column]
            values = edit.values.to_pylist()
            self.replaced += len(values)
            if column.key:
                self._rename(cells, [HIDDEN_KEY if value is None else value for value in values], offset)
            else:
                self._replace(cells, [self._literal(value, is_text=column.text) for value in values], offset)

    def _drop(self, batch: JsonBatch, index: int, offset: int) -> None:
        self.dropped.add(batch.columns[index].field)
        cells, literals = batch.cells[index], batch.literals[index]
        if batch.columns[index].key:
            self._rename(cells, [HIDDEN_KEY] * len(cells.starts), offset)
        else:
            self._replace(cells, [NULL] * len(cells.starts), offset)
            self._replace(literals, [NULL] * len(literals.starts), offset)

    def _replace(self, cells: Cells, texts: list[bytes], offset: int) -> None:
        self._starts.append(cells.starts + offset)
        self._ends.append(cells.ends + offset)
        self._texts += texts

    def _rename(self, cells: Cells, names: list[str], offset: int) -> None:
        places = zip((cells.starts + offset).tolist(), (cells.ends + offset).tolist(), cells.objects.tolist(), names,
                     strict=True)
        self._keys.update({start: (start, end, holder, name) for start, end, holder, name in places})

    def _literal(self, value: str | None, *, is_text: bool) -> bytes:
        """A number stays a number while its new value is one."""
        if value is None:
            return NULL
        if not is_text and NUMBER.fullmatch(value.encode()):
            return value.encode()
        return self._quote(value)

    def _quote(self, value: str) -> bytes:
        if _UNSAFE.search(value) or (self._ascii_only and not value.isascii()):
            return json.dumps(value, ensure_ascii=self._ascii_only).encode()
        return f'"{value}"'.encode()

    def apply(self, text: bytes, keys: Cells) -> bytes:
        """`text` with the changes. `keys` are all its keys: a new one stays unique in its object, as `…-2`, `…-3`."""
        if self._keys:
            self._settle_keys(text, keys)
        if not self._texts:
            return text
        import pyarrow as pa

        texts = pa.array(self._texts, pa.binary())
        return splice(text, np.concatenate(self._starts), np.concatenate(self._ends), texts)

    def _settle_keys(self, text: bytes, keys: Cells) -> None:
        touched = np.unique([holder for _, _, holder, _ in self._keys.values()])
        taken = {(holder, _content(text[start:end])) for holder, start, end in _members(keys, touched)
                 if start not in self._keys}
        tried: Counter[tuple[int, str]] = Counter()
        for start, end, holder, name in sorted(self._keys.values()):
            unique = name
            while (holder, unique) in taken:
                tried[holder, name] += 1
                unique = f"{name}-{tried[holder, name] + 1}"
            taken.add((holder, unique))
            self._starts.append(np.array([start]))
            self._ends.append(np.array([end]))
            self._texts.append(self._quote(unique))

    def edited(self, rows: int) -> Edited:
        """The counts of what was done."""
        return Edited(self.replaced, len(self.dropped), rows)


def _members(keys: Cells, holders: Ints) -> Iterable[tuple[int, int, int]]:
    which = np.flatnonzero(np.isin(keys.objects, holders))
    return zip(keys.objects[which].tolist(), keys.starts[which].tolist(), keys.ends[which].tolist(), strict=True)


def _content(literal: bytes) -> str:
    return str(json.loads(literal))

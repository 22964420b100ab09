"""Record keys: the values of a unique column, which randomised ciphertexts are bound to."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.batch import Batch, Column
from guard.disclosure.cells import strings
from guard.errors import UsageError
from guard.hashing import Hashes, hash64, new_key
from guard.model import member_name


class RecordKeys:
    """The values of one column of a data set, for the cells of the others.

    To know that none occurs twice, a hash of each is kept: 8 bytes a record. Where they are subjects, which `repeat`,
    none is.
    """

    def __init__(self, dataset: str, field: str, *, repeat: bool = False) -> None:
        self._dataset, self._field, self._repeat = dataset, field, repeat
        self._key = new_key()
        self._seen: dict[int, Hashes] = {}
        self._batch: Batch | None = None

    def of(self, batch: Batch, column: Column) -> Any:
        """The record key of each cell of a column, a pyarrow string array.

        Raises UsageError where the data set has no such column, or a record no value in it.
        """
        keys = next((own for own in batch.columns if self._field in (own.field, member_name(own.field))), None)
        if keys is None:
            raise UsageError(f"{self._dataset} has no field {self._field} for its record keys",
                             hint="record: names a column that every record has a value in, and another one")
        self._note(batch, keys)
        places = np.minimum(np.searchsorted(keys.rows, column.rows), max(len(keys) - 1, 0))
        found = bool(len(keys)) and bool((keys.rows[places] == column.rows).all())
        if len(column) and not (found and bool((keys.ends[places] > keys.starts[places]).all())):
            raise UsageError(f"{self._dataset}: a record has no record key in {self._field}",
                             hint="name a column that every record has a value in")
        return strings(keys.data, keys.starts[places], keys.ends[places])

    def objection(self) -> str:
        """Why the column cannot hold record keys; "" when it can. Asked once all batches were seen."""
        hashes = np.concatenate(list(self._seen.values())) if self._seen else np.zeros(0, np.uint64)
        repeated = len(hashes) - len(np.unique(hashes))
        return f"{self._field} is no record key: {repeated} of {len(hashes)} values repeat" if repeated else ""

    def _note(self, batch: Batch, keys: Column) -> None:
        """Once for each batch, however many columns are bound to it, and however often it comes: Parquet is edited anew
        when a number becomes text."""
        if self._batch is not batch and not self._repeat and len(keys):
            self._batch = batch
            self._seen[int(keys.rows[0])] = hash64(keys.data, keys.starts, keys.ends, self._key)

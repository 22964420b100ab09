"""What every protection offers, and the three that need no code of their own: leave, remove, refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pyarrow as pa

from guard.errors import BlockedError, UsageError
from guard.model import Action

PIECE = 1 << 26
"""Bytes of Arrow buffers that are transformed at a time, so that the kernels' memory is bounded."""


class Transform(ABC):
    """Protects the values of one data class.

    `injective`: two values of different meaning never get the same result (for tokens: up to their collision bound).
    `reversible`: the value can be had back with the key. `keeps_type`: the result is still a value of its class.
    """

    injective: ClassVar[bool] = False
    reversible: ClassVar[bool] = False
    keeps_type: ClassVar[bool] = False
    binds_records: ClassVar[bool] = False
    """Whether `apply` and `reveal` take record keys, which they bind each value to."""
    repeats_records: ClassVar[bool] = False
    """Whether record keys may repeat: they are subjects, who have several records."""

    @abstractmethod
    def apply_one(self, value: str) -> str | None:
        """The protected form of one value; None where it is removed. A blank value becomes empty."""

    def reveal_one(self, value: str) -> str:
        """What `apply_one` was given, from its result. Raises UsageError where that is not reversible."""
        raise UsageError("this protection is not reversible", hint="nobody can have the value back, with a key or not")

    def reveal(self, values: Any, records: Any = None) -> Any:
        """What `apply` was given, from its result; nulls stay null. `records` is as in `apply`."""
        encoded = values.dictionary_encode()
        results = [self.reveal_one(value) for value in encoded.dictionary.to_pylist()]
        return pa.array(results, values.type).take(encoded.indices)

    def objection(self) -> str:
        """Why the values that went through `apply`, taken together, may not be protected in this way; "" if they may.

        Asked once a whole field was protected, and before anything of it is handed out.
        """
        return ""

    def apply(self, values: Any, records: Any = None) -> Any:
        """A pyarrow array of strings as long as the given one and of its type; nulls stay null.

        `records` are record keys, an array as long as `values`, for a transform that `binds_records`; others leave them
        out of account.
        """
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            raise UsageError(f"a transform takes an array of strings, not of {values.type}")
        if values.nbytes > PIECE and len(values) > 1:
            middle = len(values) // 2
            return pa.concat_arrays([self.apply(values.slice(0, middle)), self.apply(values.slice(middle))])
        return self._apply_all(values).cast(values.type) if len(values) else values

    def _apply_all(self, values: Any) -> Any:
        """The array that `apply` gives; where a column can be done at once, a subclass does so, with equal results."""
        return self._apply_each(values)

    def _apply_each(self, values: Any) -> Any:
        """`apply_one` on each distinct value, once."""
        encoded = values.dictionary_encode()
        results = [self.apply_one(value) for value in encoded.dictionary.to_pylist()]
        return pa.array(results, pa.string()).take(encoded.indices)


class Identity(Transform):
    """allow: the value as it is."""

    injective = reversible = keeps_type = True

    def apply_one(self, value: str) -> str | None:
        return value

    def reveal_one(self, value: str) -> str:
        return value

    def _apply_all(self, values: Any) -> Any:
        return values


class Removal(Transform):
    """drop: null for every value."""

    keeps_type = True

    def apply_one(self, value: str) -> str | None:
        return None

    def _apply_all(self, values: Any) -> Any:
        return pa.nulls(len(values), values.type)


class Refusal(Transform):
    """block, and review that nobody has done: no value passes. Raises BlockedError for any, even an empty column."""

    def __init__(self, action: Action, data_class: str) -> None:
        self._action, self._data_class = action, data_class

    def apply_one(self, value: str) -> str | None:
        raise BlockedError(f"the policy's action on {self._data_class or 'this value'} is {self._action}",
                           hint="remove the values, or let an exception name them")

    def apply(self, values: Any, records: Any = None) -> Any:
        return self.apply_one("")

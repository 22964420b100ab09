"""What a loop is called with, as far as machine code depends on it: the kinds of its arguments.

Arrays of one kind have the same type of elements, number of dimensions, layout and right to be written; a named tuple
has the kinds of its members. Code that was made for one signature must never see another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_C_CONTIGUOUS, _F_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x001, 0x002, 0x100, 0x400
"""Of `PyArrayObject.flags` (NumPy's C API, array flags)."""
_LAYOUTS = {"C": (_C_CONTIGUOUS, _C_CONTIGUOUS), "F": (_C_CONTIGUOUS | _F_CONTIGUOUS, _F_CONTIGUOUS),
            "A": (_C_CONTIGUOUS | _F_CONTIGUOUS, 0)}
_NUMBERS: dict[type, str] = {bool: "bool", np.bool_: "bool", int: "int64", np.int64: "int64", np.uint64: "uint64",
                            float: "float64", np.float64: "float64"}


class Number(NamedTuple):
    """A number, by the type that the compiler takes it for: `bool`, `int64` (Python's integers too), `uint64`,
    `float64`."""

    type: str


class Array(NamedTuple):
    """An array: `type` as NumPy spells it (`<i8`), `layout` C, F or A (any other), as the compiler tells them apart."""

    type: str
    dimensions: int
    layout: str
    aligned: bool
    writeable: bool

    @property
    def flags(self) -> tuple[int, int]:
        """The bits of `PyArrayObject.flags` to look at, and what they must be."""
        bits, wanted = _LAYOUTS[self.layout]
        return bits | _ALIGNED | _WRITEABLE, wanted | _ALIGNED * self.aligned | _WRITEABLE * self.writeable


class Group(NamedTuple):
    """A tuple: the module and the name of its class, and its members."""

    module: str
    name: str
    members: tuple[Kind, ...]


Kind = Number | Array | Group
Signature = tuple[Kind, ...]


class UnsupportedError(TypeError):
    """Something that machine code is not kept for. The message names a type, never a value."""


def signature_of(arguments: Sequence[Any]) -> Signature:
    """The kinds of the arguments. Raises UnsupportedError for what is no number, no array and no tuple."""
    return tuple(_kind(argument) for argument in arguments)


def _kind(argument: Any) -> Kind:
    if isinstance(argument, np.ndarray):
        return _array(argument)
    if isinstance(argument, tuple):
        made = type(argument)
        return Group(made.__module__, made.__qualname__, signature_of(argument))
    if number := _NUMBERS.get(type(argument)):
        return Number(number)
    raise UnsupportedError(f"a loop takes no {type(argument).__name__}")


def _array(argument: np.ndarray[Any, Any]) -> Array:
    kind, flags = argument.dtype, argument.flags
    if kind.kind not in "biuf" or not kind.isnative:
        raise UnsupportedError("a loop takes arrays of numbers in the order of bytes of the machine only")
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return Array(kind.str, argument.ndim, layout, flags.aligned, flags.writeable)


def plain(arguments: Sequence[Any]) -> list[Any]:
    """The same arguments as the entry of machine code knows them: without subclasses of arrays, types of elements that
    are equal to NumPy's own but other objects, and numbers of NumPy that Python has too."""
    return [_plain(argument) for argument in arguments]


def _plain(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return np.asarray(argument).view(np.dtype(argument.dtype.str))
    if isinstance(argument, tuple):
        return getattr(argument, "_make", tuple)(plain(argument))
    return argument.item() if isinstance(argument, np.bool_ | np.float64) else argument

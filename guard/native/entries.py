"""The function that Python calls, as code of LLVM: it checks the arguments, takes them apart for the compiled loop, and
makes an object of what comes back.

The compiler's own does that with helpers that are there only once the compiler is imported, and spends more time on
the types of arguments than many loops take. This one compares addresses, of classes and of types of elements; where
they differ it returns `NotImplemented`, and another entry is tried. It is a METH_FASTCALL function of Python's C API,
and reads arrays as the macros of NumPy's C API do (`PyArray_DATA` is a field of `PyArrayObject`). What it needs of the
process that it runs in, functions of Python and objects, it finds in a table: the array that is its `self`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from guard.native.layout import COUNT, DATA, ELEMENTS, FLAGS, SHAPE, STRIDES, TYPE
from guard.native.loading import ENTRY
from guard.native.signatures import Array, Kind, Number, Signature, UnsupportedError

_POINTER, _BYTE, _INT, _WORD = ir.PointerType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
NUMBERS = {"bool": _BYTE, "int64": _WORD, "uint64": _WORD}
"""Numbers that a loop may return."""
_NULL = ir.Constant(_POINTER, None)


@dataclass(frozen=True, slots=True)
class Native:
    """A compiled loop: its symbol, the types of its parameters as LLVM spells them, and the numbers that it returns;
    `is_tuple` tells a tuple of one number from the number."""

    symbol: str
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    is_tuple: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """`code` is LLVM's assembly, which calls `functions` of Python's C API; `objects` are those whose addresses the
    table holds, as `guard.native.loading` spells them."""

    code: str
    functions: tuple[str, ...]
    objects: tuple[str, ...]


def entry_of(native: Native, signature: Signature) -> Entry:
    """The entry of a loop for one signature. Raises UnsupportedError where the loop takes something else than that."""
    return _Writer().entry(native, signature)


class _Writer:
    """Writes one entry. Whoever calls it holds the arguments, so it counts no references to them."""

    def __init__(self) -> None:
        self._module = ir.Module("entry")
        kind = ir.FunctionType(_POINTER, [_POINTER, _POINTER, _WORD])
        self._function = ir.Function(self._module, kind, ENTRY)
        self._code = ir.IRBuilder(self._function.append_basic_block())
        self._table = self._load(self._function.args[0], DATA, _POINTER)
        self._functions: dict[str, ir.Function] = {}
        self._objects: list[str] = []

    def entry(self, native: Native, signature: Signature) -> Entry:
        _, arguments, count = self._function.args
        self._expect(count, ir.Constant(_WORD, len(signature)))
        values = []
        for index, kind in enumerate(signature):
            values += self._parts(self._load(arguments, 8 * index, _POINTER), kind)
        types = [value.type for value in values]
        if tuple(str(kind) for kind in (_POINTER, _POINTER, *types)) != native.parameters:
            raise UnsupportedError("the compiler passes arguments in another way")
        loop = ir.Function(self._module, ir.FunctionType(_INT, [_POINTER, _POINTER, *types]), native.symbol)
        self._code.ret(self._called(loop, values, native))
        return Entry(str(self._module), tuple(self._functions), tuple(self._objects))

    def _parts(self, value: Any, kind: Kind) -> list[Any]:
        """What the loop is given for an object, which must be of that kind."""
        if isinstance(kind, Array):
            return self._array(value, kind)
        if isinstance(kind, Number):
            return [self._unboxed(value, kind)]
        self._expect_type(value, f"{kind.module} {kind.name}")
        count = ir.Constant(_WORD, len(kind.members))
        self._expect(self._call("PyTuple_Size", _WORD, value), count)
        return [part for index, member in enumerate(kind.members) for part in self._parts(
            self._call("PyTuple_GetItem", _POINTER, value, ir.Constant(_WORD, index)), member)]

    def _array(self, array: Any, kind: Array) -> list[Any]:
        """As the compiler passes arrays: owner and parent (none), elements, bytes of each, data, shape, strides."""
        self._expect_type(array, "numpy ndarray")
        self._expect(self._load(array, ELEMENTS, _POINTER), self._object(f"numpy.dtype {kind.type}"))
        self._expect(self._load(array, COUNT, _INT), ir.Constant(_INT, kind.dimensions))
        bits, wanted = kind.flags
        flags = self._code.and_(self._load(array, FLAGS, _INT), ir.Constant(_INT, bits))
        self._expect(flags, ir.Constant(_INT, wanted))
        shape, strides = (self._words(self._load(array, field, _POINTER), kind) for field in (SHAPE, STRIDES))
        elements: Any = ir.Constant(_WORD, 1)
        for length in shape:
            elements = self._code.mul(elements, length)
        size = ir.Constant(_WORD, np.dtype(kind.type).itemsize)
        return [_NULL, _NULL, elements, size, self._load(array, DATA, _POINTER), *shape, *strides]

    def _words(self, place: Any, kind: Array) -> list[Any]:
        return [self._load(place, 8 * index, _WORD) for index in range(kind.dimensions)]

    def _unboxed(self, value: Any, kind: Number) -> Any:
        if kind.type == "bool":
            self._expect_type(value, "builtins bool")
            same = self._code.icmp_unsigned("==", value, self._object("builtins True"))
            return self._code.zext(same, _BYTE)
        if kind.type == "uint64":
            self._expect_type(value, "numpy uint64")
            return self._call("PyLong_AsUnsignedLongLongMask", _WORD, value)
        if kind.type == "float64":
            self._expect_type(value, "builtins float")
            return self._call("PyFloat_AsDouble", ir.DoubleType(), value)
        of_python, of_numpy = (self._has_type(value, name) for name in ("builtins int", "numpy int64"))
        self._expect(self._code.or_(of_python, of_numpy), ir.Constant(ir.IntType(1), 1))
        number = self._call("PyLong_AsLongLong", _WORD, value)
        with self._code.if_then(self._code.icmp_signed("==", number, ir.Constant(_WORD, -1)), likely=False):
            raised = self._call("PyErr_Occurred", _POINTER)
            with self._code.if_then(self._code.icmp_unsigned("!=", raised, _NULL)):
                self._code.ret(_NULL)
        return number

    def _called(self, loop: ir.Function, values: list[Any], native: Native) -> Any:
        """What the loop returns, as an object; NULL with an error where it did not come to its end."""
        results = ir.LiteralStructType([NUMBERS[name] for name in native.results])
        memory, reason = self._code.alloca(results), self._code.alloca(_POINTER)
        state = self._call("PyEval_SaveThread", _POINTER)
        status = self._code.call(loop, [memory, reason, *values])
        self._call("PyEval_RestoreThread", ir.VoidType(), state)
        with self._code.if_then(self._code.icmp_signed("!=", status, ir.Constant(_INT, 0)), likely=False):
            self._call("PyErr_SetNone", ir.VoidType(), self._object("builtins SystemError"))
            self._code.ret(_NULL)
        whole = self._code.load(memory, typ=results)
        numbers = [self._boxed(self._code.extract_value(whole, index), name)
                   for index, name in enumerate(native.results)]
        if not native.is_tuple:
            return numbers[0] if numbers else self._new_reference("builtins None")
        made = self._call("PyTuple_New", _POINTER, ir.Constant(_WORD, len(numbers)))
        for index, number in enumerate(numbers):
            self._call("PyTuple_SetItem", _INT, made, ir.Constant(_WORD, index), number)
        return made

    def _boxed(self, number: Any, name: str) -> Any:
        if name == "bool":
            return self._call("PyBool_FromLong", _POINTER, self._code.zext(number, _WORD))
        return self._call("PyLong_FromLongLong" if name == "int64" else "PyLong_FromUnsignedLongLong", _POINTER, number)

    def _expect_type(self, value: Any, name: str) -> None:
        self._expect(self._has_type(value, name), ir.Constant(ir.IntType(1), 1))

    def _has_type(self, value: Any, name: str) -> Any:
        return self._code.icmp_unsigned("==", self._load(value, TYPE, _POINTER), self._object(name))

    def _expect(self, value: Any, wanted: Any) -> None:
        with self._code.if_then(self._code.icmp_unsigned("!=", value, wanted), likely=False):
            self._code.ret(self._new_reference("builtins NotImplemented"))

    def _new_reference(self, name: str) -> Any:
        value = self._object(name)
        self._call("Py_IncRef", ir.VoidType(), value)
        return value

    def _call(self, name: str, returned: ir.Type, *arguments: Any) -> Any:
        """Calls a function of Python's C API."""
        function = self._functions.get(name)
        if function is None:
            kind = ir.FunctionType(returned, [argument.type for argument in arguments])
            function = self._functions[name] = ir.Function(self._module, kind, name)
        return self._code.call(function, arguments)

    def _object(self, name: str) -> Any:
        """The address of an object of the process."""
        if name not in self._objects:
            self._objects.append(name)
        return self._load(self._table, 8 * self._objects.index(name), _POINTER)

    def _load(self, place: Any, offset: int, kind: ir.Type) -> Any:
        where = self._code.gep(place, [ir.Constant(_WORD, offset)], source_etype=_BYTE)
        return self._code.load(where, typ=kind)

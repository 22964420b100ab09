"""Machine code made executable, and Python gets a function of it.

Most of it is copied into memory as it is (`guard.native.placing`). Objects of other platforms are linked by LLVM
(`llvmlite`); the compiler is needed for neither. What was loaded stays for as long as the process lives.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import json
import operator
import threading
from collections.abc import Callable
from functools import cache as once
from typing import Any, NamedTuple

import numpy as np

from guard.native import layout, shipped
from guard.native.placing import Place, addresses, put

Code = Callable[..., Any]
"""A function of machine code. It returns `NotImplemented` for arguments that it was not made for."""
ENTRY = "guard_entry"
"""The symbol of the function."""
_METH_FASTCALL = 0x0080
_loading = threading.RLock()
_names = (f"loop {number}" for number in itertools.count())


class Machine(NamedTuple):
    """Machine code of one entry for any process of this version of Python on this machine.

    `image` is laid out as `place` says, or an object of the platform where that is None; it calls `functions` of
    Python's C API; its table holds the addresses of `objects`, which are named by module and name.
    """

    image: bytes
    functions: tuple[str, ...]
    objects: tuple[str, ...]
    place: Place | None = None

    def to_bytes(self, name: str) -> bytes:
        """A line of JSON and the image. `name` tells whose code it is."""
        return json.dumps([name, self.functions, self.objects, self.place]).encode() + b"\n" + self.image

    @staticmethod
    def from_bytes(content: bytes, name: str) -> Machine:
        """What `to_bytes` made. Raises ValueError where it is something else, or code of another name."""
        head, _, image = content.partition(b"\n")
        found, functions, objects, place = json.loads(head)
        if found != name:
            raise ValueError("code of another loop")
        return Machine(image, tuple(functions), tuple(objects), Place(*place) if place else None)


def load(machine: Machine) -> Code:
    """The function. Raises LookupError where it needs an object that is not there, RuntimeError where LLVM finds an
    error, no memory may be run or the machine is another than entries are written for."""
    if not layout.is_known():
        raise RuntimeError("arrays are laid out in another way")
    objects = [_object(*name.split(" ")) for name in machine.objects]
    with _loading:
        address, code = _linked(machine) if machine.place is None else put(machine.image, machine.place,
                                                                           machine.functions)
        table = np.array([id(each) for each in objects], np.uintp)
        method = _Method(b"loop", address, _METH_FASTCALL, None)
        _hold_for_good((code, method, objects))
    return _function(method, table)


def _linked(machine: Machine) -> tuple[int, Any]:
    """The address of the entry of an object, and what holds it."""
    from llvmlite import binding

    library = binding.JITLibraryBuilder().add_object_img(machine.image).add_current_process().export_symbol(ENTRY)
    for name in machine.functions:
        library.import_symbol(name, addresses()[name])
    tracker = library.link(_linker(), next(_names))
    return tracker[ENTRY], tracker


def _hold_for_good(referred: object) -> None:
    """Holds what a function refers to without Python knowing. At its end Python clears modules before it lets go of all
    functions, and reads the method of each once more as it does."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(referred))


class _Method(ctypes.Structure):
    """`PyMethodDef` of Python's C API."""

    _fields_ = (("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int),
                ("doc", ctypes.c_char_p))


def _function(method: _Method, owner: Any) -> Code:
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    made: Code = kind(("PyCFunction_NewEx", ctypes.pythonapi))(ctypes.addressof(method), owner, None)
    return made


@once
def _linker() -> Any:
    from llvmlite import binding

    return binding.create_lljit_compiler(target_machine(), suppress_errors=True)


@once
def target_machine() -> Any:
    """Processors of the level of `guard.native.shipped`, since what others can do beyond it gains these loops nothing;
    below it all that this one can do. At the highest level of optimisation."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    if shipped.is_processor():
        name, features = shipped.LEVEL, ""
    else:
        name, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, reloc="pic", codemodel="small")


def _object(module: str, name: str) -> Any:
    """An object by its module and its name, or the type of elements that NumPy spells so."""
    if module == "numpy.dtype":
        return np.dtype(name)
    try:
        return operator.attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError):
        raise LookupError(f"there is no {module}.{name}") from None

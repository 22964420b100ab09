"""Machine code made: the compiler's code of a loop (numba) and the entry to it (`guard.native.entries`), as one object.

What is asked of the compiler is what it says of itself: the code that `inspect_llvm` shows. The types of the loop's
parameters are compared with what the entry passes, so that another version of the compiler is never called wrongly.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from guard.native.entries import NUMBERS, Native, entry_of
from guard.native.loading import ENTRY, Machine, target_machine
from guard.native.placing import placed
from guard.native.signatures import Signature, UnsupportedError


def dispatcher(function: Callable[..., Any], inner: Mapping[str, Any], options: Mapping[str, Any], *,
               for_python: bool = False) -> Any:
    """What the compiler makes of a function: it compiles when it is asked, for other loops, or for Python too.

    `inner` are the dispatchers of the loops that it calls, by the names that it has for them. Options that the compiler
    does not know, since they are no part of what it promises, are left out.
    """
    numba = importlib.import_module("numba")
    known = importlib.import_module("numba.core.cpu").CPUTargetOptions
    chosen = {"no_cpython_wrapper": not for_python, "no_cfunc_wrapper": True, **options}
    chosen = {name: value for name, value in chosen.items() if hasattr(known, name)}
    names = {**function.__globals__, **inner}
    copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    # A loop may call itself.
    made = names[function.__name__] = numba.njit(nogil=True, error_model="numpy", **chosen)(copy)
    return made


def keep_in(folder: Path, made: Any) -> None:
    """Has the compiler keep what it makes. Its own choice would be beside the sources, and blind to changes in what a
    loop calls. Nothing is kept where the folder cannot be written to."""
    config = importlib.import_module("numba").config
    usual, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        made.enable_caching()
    except RuntimeError:
        return
    finally:
        config.CACHE_DIR = usual


def build(dispatcher: Any, signature: Signature, arguments: Sequence[Any]) -> Machine:
    """Machine code for arguments like these, which are of that signature.

    Raises UnsupportedError for what the entry cannot pass or return, and whatever the compiler raises.
    """
    numba, binding = importlib.import_module("numba"), importlib.import_module("llvmlite.binding")
    types = tuple(numba.typeof(argument) for argument in arguments)
    with _indices_as_they_are():
        dispatcher.compile(types)
    described = dispatcher.overloads[types].fndesc
    module = binding.parse_assembly(dispatcher.inspect_llvm(types))
    loop = module.get_function(described.llvm_func_name)
    results, is_tuple = _results(numba.types, described.restype)
    parameters = tuple(str(each.type) for each in loop.arguments)
    entry = entry_of(Native(described.llvm_func_name, parameters, results, is_tuple), signature)
    _link(module, binding.parse_assembly(entry.code))
    code = bytes(target_machine().emit_object(module))
    try:
        image, place, functions = placed(code, ENTRY)
    except UnsupportedError:  # of another platform: LLVM links it in each process
        return Machine(code, entry.functions, entry.objects)
    return Machine(image, functions, entry.objects, place)


@contextlib.contextmanager
def _indices_as_they_are() -> Iterator[None]:
    """While it lasts, the compiler takes every index as it is.

    Otherwise it looks before each whether it is negative and counts from the end. No loop here does that, and a tenth
    of a scan goes into it, since then no loop over bytes can be done many at once. Under the compiler's own lock, so
    that what others compile stays what it is; another version that has this elsewhere goes on looking.
    """
    try:
        arrays: Any = importlib.import_module("numba.np.arrayobj")
        usual = arrays.fix_integer_index
        lock, word = (importlib.import_module(f"numba.core.{name}") for name in ("compiler_lock", "types"))
    except (ImportError, AttributeError):
        yield
        return
    with lock.global_compiler_lock:
        arrays.fix_integer_index = lambda context, builder, kind, index, size: context.cast(
            builder, index, kind, word.intp)
        try:
            yield
        finally:
            arrays.fix_integer_index = usual


def _results(types: Any, returned: Any) -> tuple[tuple[str, ...], bool]:
    """The numbers that a loop returns, and whether they are a tuple."""
    if returned == types.none:
        return (), False
    is_tuple = isinstance(returned, types.BaseTuple)
    names = tuple(str(each) for each in (returned if is_tuple else (returned,)))
    if not {*names} <= NUMBERS.keys():
        raise UnsupportedError(f"a loop returns no {returned}")
    return names, is_tuple


def _link(module: Any, entry: Any) -> None:
    """Puts the entry into the module of a loop; nothing else of it can be seen from outside."""
    entry.triple, entry.data_layout = module.triple, module.data_layout
    module.link_in(entry)
    for each in (*module.functions, *module.global_variables):
        if not each.is_declaration and each.name != ENTRY:
            each.linkage = "internal"

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
    with _for_objects():
        dispatcher.compile(types)
    described = dispatcher.overloads[types].fndesc
    module = binding.parse_assembly(dispatcher.inspect_llvm(types))
    loop = module.get_function(described.llvm_func_name)
    results, is_tuple = _results(numba.types, described.restype)
    parameters = tuple(str(each.type) for each in loop.arguments)
    entry = entry_of(Native(described.llvm_func_name, parameters, results, is_tuple), signature)
    _link(module, binding.parse_assembly(entry.code))
    _optimise(module)
    code = bytes(target_machine().emit_object(module))
    try:
        image, place, functions = placed(code, ENTRY)
    except UnsupportedError:  # of another platform: LLVM links it in each process
        return Machine(code, entry.functions, entry.objects)
    return Machine(image, functions, entry.objects, place)


@contextlib.contextmanager
def _for_objects() -> Iterator[None]:
    """While it lasts, the compiler makes what an object of ours needs and no more. Under its own lock, so that what
    others compile stays what it is; another version that has a part of this elsewhere goes on doing it.

    It takes every index as it is. Otherwise it looks before each whether it is negative and counts from the end. No
    loop here does that, and a tenth of a scan goes into it, since then no loop over bytes can be done many at once.

    And a loop that is called stays as it was written down, to be optimised in those that call it. Otherwise it would
    become machine code by itself first, which nobody runs: half of the time that compiling takes.
    """
    numba = {name: importlib.import_module(f"numba.{name}") for name in
             ("core.codegen", "core.compiler_lock", "core.types", "np.arrayobj")}
    word, (library, engine) = numba["core.types"].intp, (
        getattr(numba["core.codegen"], name, None) for name in ("CPUCodeLibrary", "JITCPUCodegen"))
    indices = [(numba["np.arrayobj"], "fix_integer_index",
                lambda context, builder, kind, index, size: context.cast(builder, index, kind, word))]
    # All or none: what was not handed to the engine must not be looked for there.
    called = [(library, "_optimize_final_module", lambda library: None),
              (library, "_finalize_final_module", lambda library: setattr(library, "_finalized", True)),
              (engine, "set_env", lambda engine, name, environment: None)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(numba["core.compiler_lock"].global_compiler_lock)
        for parts in (indices, called):
            if all(hasattr(owner, name) for owner, name, _ in parts):
                for part in parts:
                    stack.enter_context(_replaced(*part))
        yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, instead: Any) -> Iterator[None]:
    usual = getattr(owner, name)
    setattr(owner, name, instead)
    try:
        yield
    finally:
        setattr(owner, name, usual)


def _optimise(module: Any) -> None:
    """All that LLVM does at its highest level, but for what pays only in code without loops."""
    binding = importlib.import_module("llvmlite.binding")
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization, options.slp_vectorization = True, False
    builder = binding.create_pass_builder(target_machine(), options)
    builder.getModulePassManager().run(module, builder)


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

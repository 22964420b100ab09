"""Loops that run as machine code: the one place that the rest of the package knows of it.

A module of compiled loops is plain Python that a reader can follow and a test can run; `tight_loop` makes machine code
of it when it is first called. Compiling takes seconds, so the code is kept in the user's cache (`guard.native.kept`),
and a process that finds it there does not import the compiler. Even so loading takes time: callers import modules of
loops only when there is enough to do, as this one does with `guard.native`, and do without where there is no compiler
for the platform.
"""

from __future__ import annotations

import importlib
import importlib.util
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache as once
from functools import cached_property, update_wrapper
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from guard.native.signatures import Signature

Function = TypeVar("Function", bound=Callable[..., Any])
WORTH = 60_000
"""Bytes of work for which loading machine code takes no longer than doing without it."""
WORTH_COMPILING = 30_000_000
"""Bytes of a source for which the loops are compiled, where there is no code of them."""
MUCH = 300_000_000
"""Bytes of work that take longer without loops than to compile them."""
WORTH_ASSEMBLING = 6_000_000
"""The same where what follows from rules is made for this process alone."""
MOST = (1 << 32) - 1
"""Bytes of one buffer that loops can number: some keep offsets in 32 bits."""
_preparing = threading.RLock()
_work = _announced = 0
_is_running = False
_first_uses = list[Callable[[], None]]()
_used = list["tuple[Callable[..., Any], Signature]"]()


@once
def is_available() -> bool:
    """Whether loops can be machine code: the compiler is installed, and memory may be run, which hardened systems
    forbid."""
    from guard.native.placing import may_be_run

    return importlib.util.find_spec("numba") is not None and may_be_run()


def pays(work: int) -> bool:
    """Whether loops should do `work` more bytes: only when the process has had enough, or some were loaded before.

    The result is the same either way. Bytes are added up roughly, without a lock.
    """
    global _work
    if work > MOST:
        return False
    _work += work
    if _is_running:
        return True
    is_worth = max(_work, _announced) >= WORTH
    if not is_worth or not is_available():
        return False
    from guard.native import kept

    return kept.is_filled() or (_is_much() and _can_compile())


def _is_much() -> bool:
    """Whether there is reason to compile: not for names alone, since a large file may turn out to be nothing that is
    scanned."""
    return _work >= MUCH or (_announced >= WORTH_COMPILING and _work >= WORTH)


def pays_alone(work: int) -> bool:
    """As `pays`, for who keeps nothing: only where that is so in the whole process, and when there is so much in all
    that tables of the rules are worth making."""
    return pays(work) and max(_work, _announced) >= WORTH_ASSEMBLING and is_alone()


def is_alone() -> bool:
    """Whether nothing may be kept on this machine, so that every process would compile, and it need not: the code came
    with the package."""
    if not is_available():
        return False
    from guard.native import kept, shipped

    return kept.directory() is None and shipped.is_usable()


@once
def _can_compile() -> bool:
    """Whether the compiler works: it refuses versions of NumPy that are newer than itself, and can be turned off."""
    try:
        return not importlib.import_module("numba").config.DISABLE_JIT
    except Exception:  # whatever it says of its surroundings
        return False


def is_incomplete() -> bool:
    """Whether this process had reason to compile, and others would still have to compile what it did not need."""
    if not _is_running or not _is_much():
        return False
    from guard.native import kept

    return kept.directory() is not None and not kept.is_filled()


def expect(work: int) -> None:
    """Say that `work` bytes are going to be scanned, so that loops are used from the first of them on."""
    global _work
    _work += work


def announce(work: int) -> None:
    """Say that there are `work` bytes in all, of which some may turn out to be nothing that is scanned.

    Names come before contents: this loads for them what contents need anyway.
    """
    global _announced
    _announced = max(_announced, work)


def at_first_use(call: Callable[[], None]) -> None:
    """Have something done when the first loop is loaded: when there is so much to scan that it may pay."""
    _first_uses.append(call)


def used() -> list[tuple[Callable[..., Any], Signature]]:
    """Every loop that has run as machine code, with the kinds of its arguments."""
    return list(_used)


class Loop:
    """A function that runs as machine code, without the interpreter lock: arrays of fixed types in, numbers out.

    Its code is found or made when it is first called with arguments of some types. Without a compiler it runs as it is
    written, slowly.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options
        # Replaced and never changed, since threads read it without a lock.
        self._codes: dict[Signature, Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        for code in self._codes.values():
            if (result := code(*arguments)) is not NotImplemented:
                return result
        return self._prepared(arguments)

    def _prepared(self, arguments: Sequence[Any]) -> Any:
        """What it returns for arguments that no code takes as they are."""
        if not is_available():
            return self._function(*arguments)
        from guard.native.signatures import UnsupportedError, plain

        arguments = plain(arguments)
        try:
            with _preparing:
                code = self._code(arguments)
        except UnsupportedError:
            code = self._by_compiler
        return code(*arguments)

    def _code(self, arguments: Sequence[Any]) -> Callable[..., Any]:
        """The code for such arguments, from now on tried first. Raises UnsupportedError."""
        from guard.native import kept
        from guard.native.signatures import signature_of

        global _is_running
        _is_running = True
        while _first_uses:
            _first_uses.pop()()
        signature = signature_of(arguments)
        if signature not in self._codes:
            code = kept.load(self._function, signature) or self._made(signature, arguments)
            self._codes = {**self._codes, signature: code}
            _used.append((self._function, signature))
        return self._codes[signature]

    def _made(self, signature: Signature, arguments: Sequence[Any]) -> Callable[..., Any]:
        """Compiles, and keeps the code for other processes, unless one of them has done so meanwhile."""
        from guard.native import kept
        from guard.native.building import build

        try:
            with kept.alone():
                return kept.load(self._function, signature) or kept.store(
                    self._function, signature, build(self.in_loops, signature, arguments))
        except Exception:  # another version of the compiler, or of what it stands on: it can do without us
            return self._by_compiler

    @cached_property
    def in_loops(self) -> Any:
        """What other loops call when the compiler makes code of them."""
        from guard.native.building import dispatcher

        return dispatcher(self._function, self._inner(), self._options)

    @cached_property
    def _by_compiler(self) -> Callable[..., Any]:
        """The function as the compiler itself offers it to Python: for any arguments, but slow to load and to call.

        Without a compiler, as it is written.
        """
        if not _can_compile():
            return self._function
        from guard.native import kept
        from guard.native.building import dispatcher, keep_in

        made: Callable[..., Any] = dispatcher(self._function, self._inner(), self._options, for_python=True)
        if (folder := kept.directory()) is not None:
            keep_in(folder, made)
        return made

    def _inner(self) -> dict[str, Any]:
        """What the compiler is to see in place of other loops that this one calls, and of modules that have them."""
        import dis

        code, names = self._function.__code__, self._function.__globals__
        found = {step.argval: names.get(step.argval) for step in dis.get_instructions(code)
                 if step.opname == "LOAD_GLOBAL"}
        loops = {name: value.in_loops for name, value in found.items() if isinstance(value, Loop) and value is not self}
        modules = {name: _as_seen(value, code.co_names) for name, value in found.items()
                   if isinstance(value, ModuleType)}
        return loops | modules


def _as_seen(module: ModuleType, names: Iterable[str]) -> ModuleType:
    """A module as the compiler is to see it: a copy where it has loops of these names."""
    loops = {name: value.in_loops for name in names if isinstance(value := vars(module).get(name), Loop)}
    if not loops:
        return module
    seen = ModuleType(module.__name__)
    vars(seen).update({**vars(module), **loops})
    return seen


def tight_loop(function: Function) -> Function:
    """The function as machine code: arrays of fixed types in, numbers out; it makes no array, and no index of it is
    negative (`guard.native.building` leaves out that one would count from the end).

    The compiler would count references to each array in each call, by locked instructions, unless it is told not to.
    It says so when such a function does make an array.
    """
    return cast(Function, Loop(function, _nrt=False))


def inlined_loop(function: Function) -> Function:
    """As `tight_loop`, for a short function: it becomes a part of each loop that calls it.

    A call of its own would pass every array on as seven numbers or more.
    """
    return cast(Function, Loop(function, _nrt=False, forceinline=True))

"""Loops as machine code: the same from the cache, from the compiler and as plain Python, and never the wrong code."""

from __future__ import annotations

import ast
import importlib
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import pytest
from command import environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.compiled import Loop, tight_loop
from guard.native import building, kept, layout, loading, sources
from guard.native.signatures import Array, Group, Number, UnsupportedError, plain, signature_of

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")
STEP = 3


class Tables(NamedTuple):
    """Arrays of several kinds, as loops take them."""

    weights: np.ndarray[Any, Any]
    marks: np.ndarray[Any, Any]


class OtherTables(NamedTuple):
    """The same members under another name."""

    weights: np.ndarray[Any, Any]
    marks: np.ndarray[Any, Any]


@tight_loop
def weight(tables: Any, at: int) -> int:
    return tables.weights[at] * STEP + (1 if tables.marks[at] else 0)


@tight_loop
def weigh(tables: Any, out: Any, first: int, factor: float, last: bool) -> tuple[int, bool]:
    total = 0
    for index in range(first, len(tables.weights)):
        total += weight(tables, index)
        out[index, 0] = total * factor
    return total, last and total > 0


@tight_loop
def add_all(values: Any) -> int:
    total = 0
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            total += values[row, column] * (row + 2 * column + 1)
    return total


@tight_loop
def double(values: Any) -> None:
    for index in range(len(values)):
        values[index] *= 2


@tight_loop
def count_down(left: int) -> int:
    return 0 if left <= 0 else 1 + count_down(left - 1)


@tight_loop
def mixed(key: np.uint64) -> np.uint64:
    return key * np.uint64(0x9E3779B97F4A7C15)


@tight_loop
def first_of(pair: Any) -> int:
    return pair[0][0]


@tight_loop
def weight_by_module(tables: Any) -> int:
    return this_module.weight(tables, 0) + this_module.STEP


this_module = sys.modules[__name__]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own, which its loops fill."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GUARD_CACHE_DIR", str(tmp_path_factory.mktemp("native") / "guard"))
        kept.directory.cache_clear()
        place = kept.directory()
        assert place is not None
        yield place
    kept.directory.cache_clear()


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(building, "build", lambda *_: pytest.fail("compiled although it was kept"))
    monkeypatch.setattr(building, "dispatcher", lambda *_, **__: pytest.fail("compiled although it was kept"))


def fresh(loop: Any) -> Any:
    """The same loop as another process has it: nothing loaded yet."""
    return Loop(loop.__wrapped__, **loop._options)


def arguments() -> tuple[Any, ...]:
    tables = Tables(np.arange(5), np.array([True, False, True, True, False]))
    return tables, np.zeros((5, 2)), 1, 0.5, True


def test_three_ways_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {"compiled": fresh(weigh), "kept": fresh(weigh), "plain": fresh(weigh)}
    answers, outs = {}, {}
    for way, loop in ways.items():
        with monkeypatch.context() as patch:
            if way == "kept":
                patch.setattr(building, "build", lambda *_: pytest.fail("compiled although it was kept"))
            if way == "plain":
                patch.setattr(compiled, "is_available", lambda: False)
            given = arguments()
            answers[way], outs[way] = loop(*given), given[1].tolist()
    assert answers["compiled"] == answers["kept"] == answers["plain"] == (32, True)
    assert outs["compiled"] == outs["kept"] == outs["plain"]
    assert [type(each) for each in answers["kept"]] == [int, bool]


LAYOUTS: dict[str, Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = {
    "rows": np.ascontiguousarray, "columns": np.asfortranarray, "steps": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1], "frozen": lambda a: _frozen(a.copy()),
    "unaligned": lambda a: _unaligned(a), "long": lambda a: a.astype(np.longlong)}


def _frozen(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values.flags.writeable = False
    return values


def _unaligned(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    shifted = np.frombuffer(b"-" + values.tobytes(), np.uint8)[1:].view(values.dtype).reshape(values.shape)
    assert values.dtype.itemsize == 1 or not shifted.size or not shifted.flags.aligned
    return shifted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.integers(0, 4), columns=st.integers(0, 4), kind=st.sampled_from(["int64", "uint8"]),
       layouts=st.permutations(sorted(LAYOUTS)), seed=st.integers(0, 1000))
def test_every_layout_is_read_as_it_lies(folder: Path, rows: int, columns: int, kind: str, layouts: list[str],
                                         seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 100, (rows, columns)).astype(kind)
    expected = sum(int(v) * (r + 2 * c + 1) for (r, c), v in np.ndenumerate(values))
    assert [add_all(LAYOUTS[name](values)) for name in layouts] == [expected] * len(layouts)


def test_a_frozen_array_is_another_signature(folder: Path) -> None:
    values = np.arange(4)
    double(values)
    values.flags.writeable = False
    with pytest.raises(Exception, match="readonly") as raised:
        double(values)
    assert not isinstance(raised.value, SystemError)
    assert values.tolist() == [0, 2, 4, 6]
    assert signature_of((values,)) != signature_of((values.copy(),))


def test_arguments_of_other_types_never_meet_the_code(folder: Path) -> None:
    tables, out, *numbers = arguments()
    assert weigh(tables, out, *numbers) == (32, True)
    assert weigh(OtherTables(*tables), out, *numbers) == (32, True)
    assert weigh(Tables(tables.weights.astype(np.int32), tables.marks), out, *numbers) == (32, True)
    assert weigh(tables, out, np.int64(1), np.float64(0.5), np.bool_(True)) == (32, True)
    assert weigh(tables, out.astype(np.float32), *numbers) == (32, True)
    with pytest.raises(Exception, match=r"(?i)argument"):
        weigh(tables, out)


def test_tuples_of_other_lengths_never_meet_the_code(folder: Path) -> None:
    one, two = np.array([4]), np.array([5])
    assert [first_of((one, two)), first_of((two,)), first_of((two, one, one))] == [4, 5, 5]


def test_numbers_come_back_as_they_are(folder: Path) -> None:
    assert mixed(np.uint64(2**63 + 1)) == (2**63 + 1) * 0x9E3779B97F4A7C15 % 2**64
    assert double(np.arange(3)) is None
    assert count_down(7) == 7
    assert add_all(np.array([[-1]])) == -1
    with pytest.raises(OverflowError):
        count_down(2**70)
    assert count_down(-1) == 0


def test_a_subclass_of_an_array_is_read_as_an_array(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "values").write_bytes(bytes([1, 2, 3, 4]))
    values = np.memmap(tmp_path / "values", np.uint8, "r", shape=(2, 2))
    assert add_all(values) == add_all(np.array(values)) == 1 + 2 * 3 + 3 * 2 + 4 * 4


@pytest.mark.parametrize("harm", ["a bit", "cut", "open to others", "another loop", "a link"])
def test_harmed_code_is_made_anew(folder: Path, harm: str, tmp_path: Path) -> None:
    fresh(count_down)(3)
    (file,) = folder.glob("*count_down*")
    content = file.read_bytes()
    file.unlink()
    if harm == "a bit":
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif harm == "open to others":
        file.write_bytes(content)
        file.chmod(0o666)
    elif harm == "another loop":
        fresh(mixed)(np.uint64(1))
        file.write_bytes(next(folder.glob("*mixed*")).read_bytes())
    else:
        (tmp_path / "elsewhere").write_bytes(content)
        file.symlink_to(tmp_path / "elsewhere")
    if harm != "open to others" and harm != "a link":
        file.chmod(0o600)
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        build = building.build
        patch.setattr(building, "build", lambda *given: made.append("made") or build(*given))
        assert fresh(count_down)(3) == 3
        assert made == ["made"]
        assert fresh(count_down)(4) == 4
        assert made == ["made"], "it was kept again"
    assert not file.is_symlink()


def test_the_directory_follows_the_sources_of_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "package")
    digest = sources.digest.__wrapped__
    (tmp_path / "package" / "inner").mkdir(parents=True)
    loops, other = tmp_path / "package" / "inner" / "loops.py", tmp_path / "package" / "other.py"
    loops.write_text("from guard.compiled import tight_loop\n")
    other.write_text("nothing = 0\n")
    first = digest()
    assert digest() == first, "as it was noted"
    other.write_text("nothing = 10\n")
    assert digest() == first, "no loop"
    loops.write_text("from guard.compiled import tight_loop as loop\n")
    changed = digest()
    assert changed != first
    status = loops.stat()
    loops.write_text("from guard.compiled import tight_loop as LOOP\n")
    os.utime(loops, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert loops.stat().st_size == status.st_size
    assert digest() != changed, "as installed with times that say nothing"
    loops.write_text("from guard.compiled import tight_loop as loop\n")
    shutil.rmtree(tmp_path / "cache")
    assert digest() == changed, "the same without the note"
    shutil.move(tmp_path / "package", tmp_path / "elsewhere")
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "elsewhere")
    assert digest() == changed, "wherever it lies"


def test_a_constant_of_the_module_is_part_of_the_code(folder: Path) -> None:
    def with_step(step: int) -> Any:
        inner = Loop(_with(weight.__wrapped__, STEP=step), _nrt=False)
        return Loop(_with(weigh.__wrapped__, weight=inner), _nrt=False)

    assert [with_step(step)(*arguments())[0] for step in (3, 4, 3)] == [32, 42, 32]


def test_loops_and_constants_of_other_modules_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Tables(np.array([7]), np.array([True]))
    assert [fresh(weight_by_module)(tables) for _ in range(2)] == [7 * 3 + 1 + 3] * 2
    name = kept.name_of(weight_by_module.__wrapped__, ())
    monkeypatch.setattr(compiled, "STEP", 9, raising=False)
    monkeypatch.setitem(weight_by_module.__wrapped__.__globals__, "this_module", compiled)
    assert kept.name_of(weight_by_module.__wrapped__, ()) != name


def _with(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__)


def test_threads_that_come_at_once_get_the_same(folder: Path) -> None:
    loop, answers, start = fresh(add_all), [], threading.Barrier(4)

    def ask(kind: str) -> None:
        values = np.ones((300, 300), kind)
        start.wait()
        answers.extend(loop(values) for _ in range(20))

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in ("int64", "uint8") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 80
    assert len({*answers}) == 1


@pytest.mark.parametrize("name", ["build", "is_known"])
def test_a_compiler_that_is_another_is_called_by_its_own_rules(
        folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise AttributeError("no attribute of this name")

    if name == "build":
        monkeypatch.setattr(building, "build", fail)
    else:
        monkeypatch.setattr(layout, "is_known", lambda: False)
    values = np.ones((2, 2), np.int16)
    loop = fresh(add_all)
    assert loop(values) == loop(np.asfortranarray(values)) == 1 + 2 + 3 + 4


@pytest.mark.parametrize("broken", ["cannot be imported", "turned off", "nothing can be kept"])
def test_a_compiler_that_does_not_work_is_done_without(
        folder: Path, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ImportError("it needs an older NumPy")

    compiled._can_compile.cache_clear()
    monkeypatch.setattr(building, "build", fail)
    if broken == "cannot be imported":
        monkeypatch.setitem(sys.modules, "numba", None)
    elif broken == "turned off":
        monkeypatch.setattr(importlib.import_module("numba").config, "DISABLE_JIT", 1)
    else:
        monkeypatch.setattr(kept, "directory", lambda: Path("/dev/null/nowhere"))
    try:
        values = np.ones((2, 2), np.float64)
        assert fresh(add_all)(values) == 1 + 2 + 3 + 4
        monkeypatch.setattr(compiled, "_is_running", False)
        monkeypatch.setattr(compiled, "_work", compiled.MUCH)
        monkeypatch.setattr(kept, "is_filled", lambda: False)
        assert compiled.pays(0) is (broken == "nothing can be kept")
    finally:
        compiled._can_compile.cache_clear()


def test_parameters_of_the_compiler_are_compared(folder: Path) -> None:
    count = signature_of((3,))
    dispatcher = fresh(add_all).in_loops
    with pytest.raises(UnsupportedError, match="another way"):
        building.build(dispatcher, count, (np.ones((2, 2), np.int64),))


def _last(values: Any) -> Any:
    return values[-1]


@pytest.mark.parametrize("fails", [False, True])
def test_what_others_compile_counts_from_the_end(folder: Path, fails: bool) -> None:
    numba = importlib.import_module("numba")
    if fails:
        with pytest.raises(Exception, match="No implementation"):
            building.build(building.dispatcher(_last, {}, {}), signature_of((3,)), (3,))
    else:
        building.build(fresh(count_down).in_loops, signature_of((3,)), (3,))
    assert numba.njit(_last)(np.arange(5)) == 4


def test_no_loop_counts_from_the_end() -> None:
    """The compiler takes indices as they are: a negative one would be a place before the array."""
    checked = 0
    for path in sorted(Path(compiled.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_loop(node)):
            indices = [node.slice for node in ast.walk(function) if isinstance(node, ast.Subscript)]
            parts = [part for index in indices for part in (index.elts if isinstance(index, ast.Tuple) else [index])]
            negative = [part for part in parts if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub)]
            assert not negative, f"{path.name}:{negative[0].lineno}"
            checked += len(parts)
    assert checked > 500


def _is_loop(function: ast.FunctionDef) -> bool:
    return any(isinstance(each, ast.Name) and each.id in ("tight_loop", "inlined_loop")
               for each in function.decorator_list)


def test_an_object_that_is_gone_is_a_lookup_error(folder: Path) -> None:
    machine = building.build(fresh(count_down).in_loops, signature_of((3,)), (3,))
    for gone in ("guard Gone", "guard.gone gone"):
        with pytest.raises(LookupError):
            loading.load(loading.Machine(machine.image, machine.functions, (gone, *machine.objects[1:])))
    with pytest.raises(RuntimeError):
        loading.load(loading.Machine(machine.image[: len(machine.image) // 3], machine.functions, machine.objects))


def test_the_layout_of_arrays_is_that_of_this_process() -> None:
    assert layout.is_known()


def test_signatures_tell_what_code_depends_on() -> None:
    given = (np.zeros((2, 3), ">i4")[:, :1], 1)
    with pytest.raises(UnsupportedError):
        signature_of(given)
    with pytest.raises(UnsupportedError, match="str"):
        signature_of(("a value",))
    tables = Tables(np.zeros(2, "<i4"), np.zeros((2, 2), bool).T)
    assert signature_of((tables, True, 1)) == (
        Group(__name__, "Tables", (Array("<i4", 1, "C", True, True), Array("|b1", 2, "F", True, True))),
        Number("bool"), Number("int64"))
    assert type(plain((np.bool_(True),))[0]) is bool


_SCRIPT = """
import os, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import test_native_loops as loops
values = np.arange(6).reshape(2, 3)
assert loops.add_all(values) == 65 and loops.count_down(3) == 3
if hasattr(os, "fork") and not (child := os.fork()):
    os._exit(0 if loops.add_all(values) == 65 and loops.first_of((values[0], values[1])) == 0 else 1)
assert not hasattr(os, "fork") or os.waitpid(child, 0)[1] == 0
print(*sorted({"numba", "llvmlite.binding"} & {*sys.modules}))
"""


def test_a_process_that_finds_code_imports_no_compiler_nor_do_its_children(folder: Path) -> None:
    command = [sys.executable, "-c", _SCRIPT, str(Path(__file__).parent)]
    env = environment(GUARD_CACHE_DIR=str(folder.parent))
    runs = [subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=env).stdout.strip()
            for _ in range(2)]
    is_laid_out = sys.platform == "linux" and platform.machine() == "x86_64"
    assert runs[-1] == ("" if is_laid_out else "llvmlite.binding")


def test_a_buffer_whose_offsets_loops_cannot_number_goes_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_is_running", True)
    monkeypatch.setattr(compiled, "_work", 0)
    assert compiled.pays(compiled.MOST)
    assert not compiled.pays(1 << 32)


def test_one_process_compiles_while_others_wait_for_what_it_makes(tmp_path: Path) -> None:
    code = ("import numpy as np; from guard.detect import fold_loops; from guard.native import building;"
            "calls, build = [], building.build; building.build = lambda *given: calls.append(1) or build(*given);"
            "fold_loops._copy(np.zeros(4, np.uint8), 0, np.zeros(4, np.uint8), 0, 4); print(len(calls))")
    both = [subprocess.Popen([sys.executable, "-c", code], env=environment(GUARD_CACHE_DIR=str(tmp_path / "cache")),
                             stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=180)[0].strip() for process in both) == ["0", "1"]

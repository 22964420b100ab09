"""Objects laid out for memory: code does what LLVM's own linking makes of it, and what cannot be laid out is said."""

from __future__ import annotations

import platform
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from command import environment
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import compiled
from guard.native import loading, placing
from guard.native.loading import ENTRY, Machine
from guard.native.placing import Place, placed
from guard.native.signatures import UnsupportedError

pytestmark = pytest.mark.skipif(
    not compiled.is_available() or sys.platform != "linux" or platform.machine() != "x86_64",
    reason="objects are laid out on this platform only")

COUNTING = """
@calls = internal global i64 0
@earlier = internal global [3 x i64] [i64 5, i64 6, i64 7]
@table = internal constant [4 x i64] [i64 100, i64 200, i64 300, i64 400]
declare ptr @PyLong_FromLongLong(i64)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define ptr @guard_entry(ptr %self, ptr %arguments, i64 %count) {
  %before = load i64, ptr @calls
  %now = add i64 %before, 1
  store i64 %now, ptr @calls
  %place = getelementptr [4 x i64], ptr @table, i64 0, i64 %count
  %value = load i64, ptr %place
  %buffer = alloca i8, i64 %value
  call void @llvm.memset.p0.i64(ptr %buffer, i8 1, i64 %value, i1 false)
  %first = load i8, ptr %buffer
  %wide = zext i8 %first to i64
  %kept = getelementptr [3 x i64], ptr @earlier, i64 0, i64 %wide
  %six = load i64, ptr %kept
  %sum = add i64 %value, %now
  %all = add i64 %sum, %six
  %made = call ptr @PyLong_FromLongLong(i64 %all)
  ret ptr %made
}
"""
"""Returns 100, 200, … by the number of its arguments, and six, and how often it was called."""
SWITCH = "declare ptr @PyLong_FromLongLong(i64)\ndefine ptr @guard_entry(ptr %self, ptr %arguments, i64 %count) {\n" \
    "  switch i64 %count, label %other [" + " ".join(f"i64 {n}, label %l{n}" for n in range(12)) + "]\n" + "".join(
        f"l{n}:\n  %v{n} = call ptr @PyLong_FromLongLong(i64 {n * n * 37 % 101})\n  ret ptr %v{n}\n"
        for n in range(12)) + "other:\n  %v = call ptr @PyLong_FromLongLong(i64 -1)\n  ret ptr %v\n}\n"


HARDENED = """
import ctypes, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
from guard import compiled
from guard.detect import Matcher, load
compiled.expect(compiled.MUCH)
found = Matcher(load(), cache=False).scan_text("身份证 11010119900307123X".encode())
print(compiled.is_available(), compiled.pays(0), len(found.start))
"""


END = """
import ctypes, gc, sys
from llvmlite import binding
from guard.native import loading
image = bytes(loading.target_machine().emit_object(binding.parse_assembly(sys.argv[1])))
codes = [loading.load(loading.Machine(image, ("PyLong_FromLongLong",), ())) for _ in range(20)]
for name in [name for name in vars(loading) if not name.startswith("__")]:
    del vars(loading)[name]
gc.collect()
others = [ctypes.create_string_buffer(bytes([255]) * 31, 32) for _ in range(20_000)]
del codes
print("done")
"""
"""Python's end in small: modules are cleared, what they held becomes other things, and then functions go."""


def made(code: str) -> bytes:
    """An object of LLVM's assembly."""
    from llvmlite import binding

    return bytes(loading.target_machine().emit_object(binding.parse_assembly(code)))


def laid(code: str) -> Machine:
    image, place, functions = placed(made(code), ENTRY)
    return Machine(image, functions, (), place)


def test_code_reads_its_constants_and_keeps_its_variables() -> None:
    machine = laid(COUNTING)
    assert machine.functions == ("PyLong_FromLongLong", "memset")
    for _ in range(2):
        code = loading.load(machine)
        assert [code(), code(1), code(1, 2), code(1, 2, 3)] == [107, 208, 309, 410], "each has variables of its own"


def said_both_ways() -> list[tuple[int, int]]:
    linked = loading.load(Machine(made(SWITCH), ("PyLong_FromLongLong",), ()))
    copied = loading.load(laid(SWITCH))
    return [(linked(*range(count)), copied(*range(count))) for count in range(14)]


def test_both_ways_of_linking_say_the_same() -> None:
    # In a process of its own: the linker aborts one that is so full that it finds no memory near what it has.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        said = pool.submit(said_both_ways).result()
    assert said == [(count * count * 37 % 101 if count < 12 else -1,) * 2 for count in range(14)]


def test_a_machine_survives_its_file() -> None:
    machine = laid(COUNTING)
    assert Machine.from_bytes(machine.to_bytes("it"), "it") == machine
    plain = Machine(made(SWITCH), ("PyLong_FromLongLong",), ())
    assert Machine.from_bytes(plain.to_bytes("it"), "it") == plain


def test_memory_is_run_or_written_to_never_both() -> None:
    machine = laid(COUNTING)
    assert machine.place is not None
    address, memory = placing.put(machine.image, machine.place, machine.functions)
    start = address - machine.place.entry
    with open("/proc/self/maps", encoding="ascii") as file:
        maps = [line.split()[:2] for line in file]
    rights = {}
    for span, right in maps:
        low, high = (int(each, 16) for each in span.split("-"))
        for offset in (0, machine.place.writable):
            if low <= start + offset < high:
                rights[offset] = right[:3]
    assert rights == {0: "r-x", machine.place.writable: "rw-"}
    assert len(memory) == machine.place.size


@pytest.mark.parametrize(("code", "reason"), [
    ("declare i64 @printf(ptr)\ndefine i64 @guard_entry(ptr %f) {\n  %n = call i64 @printf(ptr %f)\n  ret i64 %n\n}",
     "printf"),
    ("@kept = internal global ptr @guard_entry\ndefine ptr @guard_entry() {\n  %p = load volatile ptr, ptr @kept\n"
     "  ret ptr %p\n}", "depends on where"),
    ("@gone = external global i64\ndefine i64 @guard_entry() {\n  %v = load i64, ptr @gone\n  ret i64 %v\n}", "gone")])
def test_what_cannot_be_laid_out_is_left_to_llvm(code: str, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        placed(made(code), ENTRY)


def test_objects_of_other_platforms_are_refused() -> None:
    code = made(SWITCH)
    for other in (b"", b"MZ" + code[2:], code[:18] + b"\xb7\0" + code[20:], code[:4] + b"\1" + code[5:]):
        with pytest.raises(UnsupportedError):
            placed(other, ENTRY)
    with pytest.raises(KeyError):
        placed(code, "another_entry")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_cut_object_never_becomes_an_image(data: st.DataObject) -> None:
    code = made(SWITCH)
    with pytest.raises(UnsupportedError):
        placed(code[: data.draw(st.integers(0, len(code) - 1))], ENTRY)


def test_what_cannot_be_run_here_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = laid(SWITCH)
    assert machine.place is not None
    with pytest.raises(RuntimeError, match="PyGone"):
        placing.put(machine.image, machine.place, ("PyGone",))

    class Hardened:
        @staticmethod
        def mprotect(*_: Any) -> int:
            return -1

    with pytest.raises(RuntimeError, match="no memory"):
        placing.put(machine.image, machine.place._replace(size=1 << 60), machine.functions)
    assert placing.may_be_run()
    monkeypatch.setattr(placing, "_c_library", Hardened)
    with pytest.raises(RuntimeError, match="may be run"):
        placing.put(machine.image, Place(*machine.place), machine.functions)
    assert not placing.may_be_run()


def test_a_hardened_process_scans_without_machine_code() -> None:
    """As under `MemoryDenyWriteExecute=` of systemd: what was written to is never run, by nobody in the process."""
    hardened = subprocess.run([sys.executable, "-c", HARDENED], env=environment(), capture_output=True, text=True)
    if hardened.returncode == 77:
        pytest.skip("the kernel knows no such processes")
    assert (hardened.returncode, hardened.stdout) == (0, "False False 1\n"), hardened.stderr


def test_functions_may_go_after_the_module_that_loaded_them() -> None:
    done = subprocess.run([sys.executable, "-c", END, SWITCH], capture_output=True, text=True, timeout=60,
                          env=environment(), check=False)
    assert (done.returncode, done.stdout) == (0, "done\n")

"""Object code laid out as it lies in memory, so that a process need only copy it there: no linker, and no LLVM.

What the compiler makes for x86-64 refers to its own sections by distances, which stay what they are wherever the code
lies, and to functions of others by calls. So a linker has nothing to do that cannot be done once, when code is kept:
sections are laid one behind the other, distances written, and each function called through a word of a table, which a
process fills. (ELF-64 and its processor supplement for AMD64: System V ABI.) Importing LLVM and having it link the same
code takes 50 ms and 40 MB of memory.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Mapping, Sequence
from functools import cache as once
from typing import Any, NamedTuple

from guard.native.signatures import UnsupportedError

LIBRARY = frozenset({"memcmp", "memcpy", "memmove", "memset"})
"""Functions of C that the compiler calls by itself."""
_HEADER, _SECTION, _SYMBOL, _RELOCATION = (struct.Struct(f"<{form}") for form in
                                           ("16sHHIQQQIHHHHHH", "IIQQQQIIQQ", "IBBHQQ", "QQq"))
_X86_64, _RELOCATABLE = 62, 1
_SYMBOLS, _ADDENDS, _NO_BITS, _UNWINDING = 2, 4, 8, 0x70000001
_WRITTEN, _ALLOCATED = 1, 2
_DISTANCE, _CALL = 2, 4
"""R_X86_64_PC32 and R_X86_64_PLT32: four bytes that say how far it is from there."""
_JUMP = b"\xff\x25"
"""To where the word says that is so many bytes further on."""


class Place(NamedTuple):
    """Offsets in the memory of `size` bytes that an image is copied into: of the code's first instruction, of the table
    of words for the addresses of functions, and from where on memory is written to and not run."""

    entry: int
    slots: int
    writable: int
    size: int


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    each: int


def placed(code: bytes, entry: str) -> tuple[bytes, Place, tuple[str, ...]]:
    """An object as an image, the place of what is in it, and the functions that it calls, in the order of the table.

    Raises UnsupportedError for an object of another platform, and for what compilers of loops have no use for.
    """
    try:
        return _Layout(code).image(entry)
    except (struct.error, IndexError, ValueError):
        raise UnsupportedError("an object of another form") from None


class _Layout:
    """Where the sections and symbols of an object lie."""

    def __init__(self, code: bytes) -> None:
        head = _HEADER.unpack_from(code)
        if head[0][:6] != b"\x7fELF\x02\x01" or head[1:3] != (_RELOCATABLE, _X86_64):
            raise UnsupportedError("an object of another platform")
        self._code = code
        self._sections = [_Section(*_SECTION.unpack_from(code, head[6] + head[11] * index))
                          for index in range(head[12])]
        self._offsets: dict[int, int] = {}
        self._called: list[str] = []
        self._stubs = 0

    def image(self, entry: str) -> tuple[bytes, Place, tuple[str, ...]]:
        symbols = self._symbols()
        self._called = sorted({name for name, (home, _) in symbols.items() if name and not home})
        if unknown := [name for name in self._called if not name.startswith("Py") and name not in LIBRARY]:
            raise UnsupportedError(f"code that calls {unknown[0]}")
        end = self._lay(0, written=False)
        slots = -(-end // 8) * 8
        self._stubs = slots + 8 * len(self._called)
        behind = self._stubs + 8 * len(self._called)
        writable = -(-behind // mmap.PAGESIZE) * mmap.PAGESIZE
        size = self._lay(writable, written=True)
        image = self._filled(slots, writable, size)
        home, value = symbols[entry]
        return bytes(image[:behind] if size == writable else image), Place(
            self._offsets[home] + value, slots, writable, size), tuple(self._called)

    def _lay(self, at: int, *, written: bool) -> int:
        """Lay the sections that are (not) written to one behind the other; tables for unwinding are of no use."""
        for index, section in enumerate(self._sections):
            is_here = section.flags & _ALLOCATED and section.kind != _UNWINDING
            if is_here and bool(section.flags & _WRITTEN) is written:
                alignment = max(section.alignment, 1)
                if alignment > mmap.PAGESIZE:
                    raise UnsupportedError("code of a large alignment")
                at = self._offsets[index] = -(-at // alignment) * alignment
                at += section.size
        return at

    def _filled(self, slots: int, writable: int, size: int) -> bytearray:
        image = bytearray(max(size, writable))
        for index, at in self._offsets.items():
            section = self._sections[index]
            if section.kind != _NO_BITS:
                image[at : at + section.size] = self._code[section.offset : section.offset + section.size]
        for number in range(len(self._called)):
            stub = self._stubs + 8 * number
            image[stub : stub + 6] = _JUMP + struct.pack("<i", slots + 8 * number - (stub + 6))
        for section in self._sections:
            if section.kind == _ADDENDS and section.info in self._offsets:
                self._relocate(image, section)
        return image

    def _relocate(self, image: bytearray, section: _Section) -> None:
        """Write distances to where things lie now."""
        base = self._offsets[section.info]
        for offset, info, addend in _RELOCATION.iter_unpack(self._content(section)):
            if info & 0xFFFFFFFF not in (_DISTANCE, _CALL):
                raise UnsupportedError("code that depends on where it lies")
            place = base + offset
            struct.pack_into("<i", image, place, self._target(section.link, info >> 32) + addend - place)

    def _target(self, table: int, number: int) -> int:
        """Where a symbol lies; for a function of others, the jump to it."""
        name, _, _, home, value, _ = _SYMBOL.unpack_from(self._code, self._sections[table].offset + 24 * number)
        if not home:
            return self._stubs + 8 * self._called.index(self._text(self._sections[table].link, name))
        if home not in self._offsets:
            raise UnsupportedError("code that refers to nothing that is laid out")
        return self._offsets[home] + int(value)

    def _symbols(self) -> dict[str, tuple[int, int]]:
        """The section and the offset of every symbol with a name; section 0: it is elsewhere."""
        found = {}
        for table in self._sections:
            if table.kind == _SYMBOLS:
                for name, _, _, home, value, _ in _SYMBOL.iter_unpack(self._content(table)):
                    found[self._text(table.link, name)] = home, value
        return found

    def _content(self, section: _Section) -> bytes:
        return self._code[section.offset : section.offset + section.size]

    def _text(self, table: int, offset: int) -> str:
        start = self._sections[table].offset + offset
        return self._code[start : self._code.index(b"\0", start)].decode("ascii")


def put(image: bytes, place: Place, functions: Sequence[str]) -> tuple[int, mmap.mmap]:
    """The address of the entry, and the memory, which must be held. Raises RuntimeError where none may be run."""
    memory = _new_memory(max(place.size, place.writable))
    memory[: len(image)] = image
    known = addresses()
    try:
        struct.pack_into(f"<{len(functions)}Q", memory, place.slots, *(known[name] for name in functions))
    except KeyError as error:
        raise RuntimeError(f"there is no function {error.args[0]}") from None
    return _made_executable(memory, place.writable) + place.entry, memory


def may_be_run() -> bool:
    """Whether memory that was written to may be run: SELinux, `MemoryDenyWriteExecute=` of systemd and others forbid
    it, to the compiler too."""
    try:
        _made_executable(_new_memory(mmap.PAGESIZE), mmap.PAGESIZE)
    except RuntimeError:
        return False
    return True


def _new_memory(size: int) -> mmap.mmap:
    try:
        return mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE)
    except OSError:
        raise RuntimeError("there is no memory left") from None


def _made_executable(memory: mmap.mmap, size: int) -> int:
    """The address of memory whose first bytes may be run from now on, and not be written to."""
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if _c_library().mprotect(start, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise RuntimeError("no memory may be run")
    return start


class _Addresses(dict[str, int]):
    """Addresses of functions of Python and of C, looked up when they are first asked for."""

    def __missing__(self, name: str) -> int:
        library = ctypes.pythonapi if name.startswith("Py") else _c_library()
        try:
            found = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        except AttributeError:
            found = None
        if not found:
            raise KeyError(name)
        self[name] = found
        return found


@once
def addresses() -> Mapping[str, int]:
    """Of functions by name; KeyError where there is none."""
    return _Addresses()


@once
def _c_library() -> Any:
    library = ctypes.CDLL(None)
    library.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    library.mprotect.restype = ctypes.c_int
    return library

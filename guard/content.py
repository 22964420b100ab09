"""Finds and reads packs, policies, templates and strings: content that is data, never code.

How YAML is read is told in `guard.plain_yaml`. What was read and checked once is kept in the user's cache as plain
data: the libraries that read and check (PyYAML, pydantic) take longer to import than a small scan takes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from guard import cache
from guard.errors import ContentError

if TYPE_CHECKING:
    from guard.plain_yaml import Document

MAX_BYTES = 8_000_000


@functools.cache
def root(kind: str) -> Path:
    """The folder of `detectors`, `policies` or `reports`: in the wheel inside the package, in a checkout beside it."""
    package = Path(__file__).parent
    for folder in (package / "_content" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise ContentError(f"the folder {kind}/ is missing from the installation", hint="install disclosure-guard again")


def files(kind: str, suffix: str = ".yml") -> Iterator[Path]:
    """The shipped content files of one kind, by name."""
    yield from sorted(path for path in root(kind).rglob(f"*{suffix}") if path.is_file())


def digest(paths: Sequence[Path]) -> str:
    """`sha256:…` over names and bytes of content files, independent of the folder they stand in."""
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda p: p.name):
        total.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return f"sha256:{total.hexdigest()}"


class Source(NamedTuple):
    """A content file as bytes; `name` is what errors call it."""

    name: str
    raw: bytes

    def parse(self) -> Document:
        """The file as a `Document`. Raises ContentError with place for what is not plain, unambiguous data."""
        from guard.plain_yaml import parse_yaml

        return parse_yaml(self.raw, name=self.name)


def read(path: Path, *, name: str | None = None) -> Source:
    """A content file. Raises ContentError when it cannot be read or is larger than MAX_BYTES."""
    name = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ContentError(f"{name}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise ContentError(f"{name}: larger than {MAX_BYTES} bytes")
    return Source(name, raw)


def read_yaml(path: Path, *, name: str | None = None) -> Document:
    """A YAML file as a `Document`. Raises ContentError with place for anything that is not plain, unambiguous data."""
    return read(path, name=name).parse()


def checked(path: Path, shape: Any) -> Any:
    """The plain data of a YAML file, cached as by `kept`. `shape` is made of dicts, lists, texts and numbers."""
    source = read(path, name=path.name)
    return kept([source], [], lambda: source.parse().validate(shape), shape=repr(shape))


def kept(sources: Iterable[Source], code: Iterable[str], make: Callable[[], Any], *, shape: str = "",
         use_cache: bool = True) -> Any:
    """The plain data that `make` gives, from the user's cache when the same bytes went through the same code before.

    `sources` is all that the data depends on, `code` the files of the modules that make it, beside what is said in
    `shape`. The data comes back as JSON brings it back (lists, no tuples), cached or not. What `make` raises is raised;
    it is never remembered.
    """
    name = _key(sources, code, shape) if use_cache else None
    if name is not None and (blob := cache.load(name)) is not None:
        try:
            return json.loads(blob)
        except ValueError:
            pass  # what cannot be read is not there
    blob = json.dumps(make(), ensure_ascii=False).encode("utf-8", "surrogatepass")
    if name is not None:
        cache.store(name, blob)
    return json.loads(blob)


def _key(sources: Iterable[Source], code: Iterable[str], shape: str) -> str | None:
    """Changed content, code or interpreter is another name; None where the code is not there to be compared."""
    readers = (__file__, str(Path(__file__).with_name("plain_yaml.py")), *code)
    try:
        parts = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in readers]
    except OSError:
        return None
    parts += [f"{source.name}\0{hashlib.sha256(source.raw).hexdigest()}" for source in sources]
    return cache.key("content", sys.version, shape, *parts)


def plain(shape: Any, value: Any) -> Any:
    """A checked value of `shape` as plain data that `kept` can keep, without what is at its default."""
    from pydantic import TypeAdapter

    return TypeAdapter(shape).dump_python(value, mode="json", exclude_defaults=True, by_alias=False)

"""The manifest of a release folder, and the check of a folder against it.

A manifest lists every file of its folder with size and SHA-256. It is not signed: it shows accidents, not forgery.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from guard.disclosure.staging import output_errors
from guard.errors import UsageError

NAME = "manifest.json"
SCHEMA = "guard.manifest/v1"
UNSIGNED = "unsigned: shows accidents, not forgery"
_CHUNK = 1 << 20
_MAX_MANIFEST = 64_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not as listed. `kind` is differs, missing or not listed."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. `intact` is true when every listed file is there unchanged and no other file is."""

    differences: tuple[Difference, ...]
    files: int
    signature: str = UNSIGNED

    @property
    def intact(self) -> bool:
        return not self.differences


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """List every file of `folder` in `manifest.json` there, together with `facts`; returns the manifest."""
    listed = [_entry(folder, path) for path in sorted(_files(folder))]
    manifest = {"schema": SCHEMA, **facts, "files": listed, "signature": None}
    write_text(folder / NAME, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return manifest


def write_text(path: Path, text: str) -> None:
    """Create a file of mode 0600 with this text; an existing file is an error."""
    with output_errors():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def verify(release: str | Path) -> Verification:
    """Compare a release folder (or its `public` part alone) with its manifests, offline.

    Raises UsageError when there is no manifest or it cannot be read as one.
    """
    root = Path(release)
    parts = [p for p in (root / "public", root / "evidence") if os.path.isfile(p / NAME)] or [root]  # noqa: PTH113
    differences: list[Difference] = []
    files = 0
    for part in parts:
        prefix = "" if part == root else f"{part.name}/"
        found, count = _verify(part)
        differences += [Difference(prefix + d.path, d.kind) for d in found]
        files += count
    if parts != [root]:
        strangers = sorted(p.name for p in root.iterdir() if p not in parts)
        differences += [Difference(name, "not listed") for name in strangers]
    return Verification(tuple(differences), files)


def _verify(folder: Path) -> tuple[list[Difference], int]:
    listed = _listed(folder)
    present = {path.as_posix() for path in _files(folder)} - {NAME}
    differences = [Difference(path, "not listed") for path in sorted(present - set(listed))]
    for path, (size, digest) in listed.items():
        if path not in present:
            differences.append(Difference(path, "missing"))
        elif _entry(folder, PurePosixPath(path)) != {"path": path, "bytes": size, "sha256": digest}:
            differences.append(Difference(path, "differs"))
    return sorted(differences, key=lambda d: d.path), len(listed)


def _listed(folder: Path) -> dict[str, tuple[int, str]]:
    try:
        if (folder / NAME).stat().st_size > _MAX_MANIFEST:
            raise UsageError("the manifest is too large to be one")
        manifest = json.loads((folder / NAME).read_bytes())
        if manifest["schema"] != SCHEMA:
            raise UsageError("the manifest is of another version", hint="use the Guard that made this release")
        return {_safe(entry["path"]): (int(entry["bytes"]), str(entry["sha256"])) for entry in manifest["files"]}
    except OSError:
        raise UsageError(f"there is no readable {NAME} in the folder", hint="name the folder of a release") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{NAME} is not a manifest of a release") from None


def _safe(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or path != parts.as_posix():
        raise UsageError("the manifest lists a path outside its folder")
    return path


def _files(folder: Path) -> Iterator[PurePosixPath]:
    """Everything in the folder that is not a folder, links and devices included, as relative paths."""
    for directory, names, files in os.walk(folder):
        base = Path(directory)
        links = [name for name in names if (base / name).is_symlink()]
        for name in [*files, *links]:
            yield PurePosixPath((base / name).relative_to(folder).as_posix())


def _entry(folder: Path, path: PurePosixPath) -> dict[str, Any]:
    """Path, size and digest; of something that is no regular file, size -1 and no digest."""
    size, total = -1, hashlib.sha256()
    try:
        handle = os.open(folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return {"path": path.as_posix(), "bytes": -1, "sha256": ""}
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return {"path": path.as_posix(), "bytes": -1, "sha256": ""}
        size = 0
        while chunk := file.read(_CHUNK):
            total.update(chunk)
            size += len(chunk)
    return {"path": path.as_posix(), "bytes": size, "sha256": total.hexdigest()}

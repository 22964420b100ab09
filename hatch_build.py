"""The build hook: machine code of the loops becomes a part of the package (`guard.native.shipped`).

Where it cannot be made, the package is one of Python alone, and Guard compiles at its first large scan. Code that the
user's cache has is taken from there: who builds for others gives the build an empty one (`GUARD_CACHE_DIR`).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "guard/_machine"
PLATFORMS = "manylinux_2_17_x86_64.manylinux2014_x86_64"
"""It calls nothing but four functions of C that are everywhere, and Python."""


class MachineCode(BuildHookInterface[Any]):
    """Compiles for a minute, unless the user's cache has the code. A wheel takes it from a folder of its own; beside an
    editable installation it lies in the source tree, by version of Python."""

    def dependencies(self) -> list[str]:
        """What Guard runs with, for it is run."""
        return list(self.metadata.core.dependencies) if _is_platform() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not _is_platform():
            return
        self._made = tempfile.TemporaryDirectory()
        made = Path(self._made.name)
        if not self._make(made):
            return
        tag = f"{sys.implementation.cache_tag}{sys.abiflags}"
        if version == "editable":
            _put(made, Path(self.root, FOLDER, tag))
        else:
            build_data["force_include"][str(made)] = f"{FOLDER}/{tag}"
        build_data["pure_python"] = False
        build_data["tag"] = f"cp{sys.version_info.major}{sys.version_info.minor}-none-{PLATFORMS}"

    def _make(self, folder: Path) -> bool:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
        paths = os.pathsep.join(filter(None, (self.root, kept.get("PYTHONPATH"))))
        ended = subprocess.run([sys.executable, "-B", "-m", "guard.scanner.shipping", str(folder)],
                               env=kept | {"PYTHONPATH": paths}, cwd=self.root, capture_output=True, text=True,
                               check=False)
        if ended.returncode:
            reason = (ended.stderr.strip().splitlines() or ["not on this machine"])[-1]
            self.app.display_warning(f"Guard's loops are left to be compiled at the first large scan: {reason}")
        return not ended.returncode


def _is_platform() -> bool:
    return (sys.platform, platform.machine(), sys.implementation.name) == ("linux", "x86_64", "cpython")


def _put(made: Path, folder: Path) -> None:
    """In place of what was there, in one step."""
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        shutil.copytree(made, Path(beside, "new"))
        if folder.exists():
            folder.rename(Path(beside, "old"))
        Path(beside, "new").rename(folder)

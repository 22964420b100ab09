"""The build hook: machine code of the loops becomes a part of the package (`guard.native.shipped`).

Where it cannot be made, the package is one of Python alone, and Guard compiles at its first large scan.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "guard/_machine"
PLATFORMS = "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64"
"""It calls nothing but four functions of C that are everywhere, and Python."""


class MachineCode(BuildHookInterface[Any]):
    """Compiles for a minute, unless the user's cache has the code."""

    def dependencies(self) -> list[str]:
        """What Guard runs with, for it is run."""
        return list(self.metadata.core.dependencies) if _is_platform() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        folder = Path(self.root, FOLDER)
        shutil.rmtree(folder, ignore_errors=True)
        if not _is_platform() or not self._made():
            return
        build_data["artifacts"].append(f"/{FOLDER}/*")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp{sys.version_info.major}{sys.version_info.minor}-none-{PLATFORMS}"

    def _made(self) -> bool:
        paths = os.pathsep.join(filter(None, (self.root, os.environ.get("PYTHONPATH"))))
        ended = subprocess.run([sys.executable, "-B", "-m", "guard.scanner.shipping", str(Path(self.root, FOLDER))],
                               env=os.environ | {"PYTHONPATH": paths}, cwd=self.root, capture_output=True, text=True,
                               check=False)
        if ended.returncode:
            reason = (ended.stderr.strip().splitlines() or ["not on this machine"])[-1]
            self.app.display_warning(f"Guard's loops are left to be compiled at the first large scan: {reason}")
        return not ended.returncode


def _is_platform() -> bool:
    return (sys.platform, platform.machine(), sys.implementation.name) == ("linux", "x86_64", "cpython")

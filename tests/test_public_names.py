"""What the library offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import guard

NAMES = [
    "Action", "Audience", "AuditLog", "Baseline", "Binding", "BlockedError", "ContentError", "Decision", "Field",
    "Finding", "GuardError", "IncompleteError", "Keyring", "KeyringError", "Location", "OutputError", "Permission",
    "Policy", "Protection", "ProtectionPlan", "Release", "ReleaseError", "Report", "Role", "Scanner", "Skipped",
    "SourceError", "UsageError", "Verdict", "Verification", "__version__", "check", "mask", "protect_file", "release",
    "reveal_file", "reveal_value", "verify",
]


def test_public_names_are_pinned() -> None:
    assert guard.__all__ == NAMES
    assert dir(guard) == NAMES


def test_every_public_name_is_there_and_documented() -> None:
    for name in NAMES:
        value = getattr(guard, name)
        assert name == "__version__" or value.__doc__


@pytest.mark.parametrize("first", ["verify", "mask", "Release", "check"])
def test_no_submodule_takes_the_place_of_a_public_name(first: str) -> None:
    code = f"import guard; guard.{first}; print(*(type(getattr(guard, n)).__name__ for n in {NAMES!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "module" not in done.stdout.split()


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(guard, "nonsense")


def test_importing_guard_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'pyarrow', 'pydantic', 'rich', 'jinja2', 'hyperscan', 'click', 'cryptography', 'yaml'}"
    code = f"import sys, guard; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_help_loads_no_library_of_data() -> None:
    code = ("import sys, guard.cli.main as m; m.run(['--help']); "
            "print(sorted({'numpy', 'pyarrow', 'pydantic', 'rich', 'jinja2', 'hyperscan'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")

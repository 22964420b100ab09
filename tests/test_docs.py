"""The documentation says what the program does: verbs, options, detectors, policies, formats, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from guard.cli.options import FORMATS, READERS
from guard.cli.verbs import VERBS, cli
from guard.content import files
from guard.detect.pack import load
from guard.errors import GuardError
from guard.taxonomy import taxonomy

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")
EXIT_CODES = {0, 1, 2, 3, 4, 130}


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def commands(path: str = "guard", command: click.Command = cli) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(f"{path} {name}", child)


def test_the_generated_pages_are_up_to_date():
    ended = subprocess.run([sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"], capture_output=True,
                           text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=[path for path, _ in commands()])
def test_every_verb_and_option_has_help_and_is_documented(path, command):
    page = read("docs/cli.md")
    assert f"## {path}\n" in page
    assert command.help
    section = page.partition(f"## {path}\n")[2].partition("\n## ")[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.name}"
            assert all(name in section for name in parameter.opts), f"{path} {parameter.name}"


def test_every_detector_and_its_class_are_documented():
    page = read("docs/detectors.md")
    for detector in load():
        assert f"`{detector.id}`" in page
        assert f"`{detector.data_class}`" in page


@pytest.mark.parametrize("readme", READMES)
def test_a_readme_names_commands_exit_codes_formats_and_policies(readme):
    text = read(readme)
    assert "make demo\n" in text
    assert "make test\n" in text
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)} == EXIT_CODES
    for verb in VERBS:
        assert f"guard {verb}" in text, verb
    for name in (*FORMATS, *READERS):
        assert re.search(rf"\b{name}\b", text, re.IGNORECASE), name
    for path in files("policies"):
        assert path.stem == "references" or f"`{path.stem}`" in text, path.stem


def test_the_exit_codes_of_the_errors_are_documented():
    assert {error.exit_code for error in all_errors(GuardError)} <= EXIT_CODES
    assert set(map(int, re.findall(r"^ *(\d+)  ", str(cli.epilog), re.M))) == EXIT_CODES


def all_errors(error: type[GuardError]) -> Iterator[type[GuardError]]:
    yield error
    for child in error.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("page", [*sorted(path.name for path in ROOT.glob("*.md")),
                                  *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_between_the_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)[^)]*\)", read(page)):
        assert ((ROOT / page).parent / target).exists(), target


def test_classes_that_the_documentation_names_exist():
    roots = "|".join(sorted({name.split(".")[0] for name in taxonomy()}))
    for page in ("README.md", "README.zh.md", "docs/detectors.md"):
        for name in re.findall(rf"`((?:{roots})(?:\.[a-z_0-9]+)+)`", read(page)):
            assert name in taxonomy(), f"{page}: {name}"


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_says_what_guard_never_does(readme):
    said = {"README.md": ("no network", "telemetry", "raw value"), "README.zh.md": ("不联网", "遥测", "原始值")}
    text = read(readme).lower()
    assert all(word in text for word in said[readme])

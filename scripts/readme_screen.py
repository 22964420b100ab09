"""The screen of real output in the two READMEs: what the demonstration says, run and cut to its conclusions."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

GUARD = str(Path(sys.executable).parent / "guard")
_SCREEN = re.compile(r"(?<=<!-- screen -->\n).*?(?=<!-- /screen -->)", re.DOTALL)
_LANGUAGES = {"README.md": "en", "README.zh.md": "zh"}
_POLICY = "--policy cn-open-data --audience public"


def with_screen(name: str, text: str) -> str:
    """The text of a README with its screen made anew."""
    language = _LANGUAGES[name]
    suffix = "" if language == "en" else f" --lang {language}"
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            *_run(Path(folder), "demo demo", conclusions=False),
            *_run(Path(folder), f"release demo/open {_POLICY} --out demo/release{suffix}"),
            *_run(Path(folder), "verify demo/release", conclusions=False),
            *_run(Path(folder), f"check demo/withheld {_POLICY}{suffix}"),
        ]
    return _SCREEN.sub(lambda _: "\n".join(["```", *lines, "```", ""]), text)


def _run(folder: Path, arguments: str, conclusions: bool = True) -> list[str]:
    ended = subprocess.run([GUARD, *arguments.split()], cwd=folder, env=os.environ | {"COLUMNS": "100"},
                           capture_output=True, text=True, check=False)
    output = "\n".join(line.rstrip() for line in ended.stdout.rstrip().split("\n"))
    prompt = f"$ guard {arguments}"
    if not conclusions:
        return [prompt, *output.split("\n")]
    return [prompt, "…", *_conclusions(output), "$ echo $?", str(ended.returncode)]


def _conclusions(output: str) -> list[str]:
    """The checks, the summary and the verdict: the last two paragraphs and those with a tick or a cross."""
    paragraphs = output.split("\n\n")
    kept = [part for part in paragraphs[:-2] if re.search(r"^[✓✗] ", part, re.MULTILINE)]
    return "\n\n".join([*kept, *paragraphs[-2:]]).split("\n")

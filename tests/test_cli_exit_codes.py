"""Exit codes 0, 1, 2, 3, 4 and 130 and their precedence, through the installed command."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import GUARD, environment, guard, listen_to_interrupts

from guard.demo import People

OPEN = ("--policy", "cn-open-data", "--audience", "public")


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "clean"
    folder.mkdir()
    (folder / "counts.csv").write_text("year,visits\n2023,1204\n2024,1391\n2025,1405\n")
    return folder


@pytest.fixture
def secret(tmp_path: Path, people: People) -> Path:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "app.env").write_text(f"DB_PASSWORD={people.secret('Qz7!', 12)}\nTOKEN={people.github_token()}\n")
    return folder


def test_pass_is_0(clean: Path, tmp_path: Path) -> None:
    assert guard("scan", clean).code == 0
    assert guard("check", clean, *OPEN).code == 0
    assert guard("release", clean, *OPEN, "--out", tmp_path / "out").code == 0
    assert guard("verify", tmp_path / "out").code == 0


@pytest.mark.parametrize("format_", ["terminal", "json", "sarif", "html", "markdown", "csv"])
def test_violation_is_1_in_every_format(secret: Path, format_: str) -> None:
    assert guard("check", secret, *OPEN, "--format", format_).code == 1


def test_scan_fails_only_when_asked_to(secret: Path) -> None:
    assert guard("scan", secret).code == 0
    assert guard("scan", secret, "--fail-on", "certain").code == 1


def test_the_report_of_a_scan_says_what_its_exit_code_says(secret: Path) -> None:
    def verdict(*options: str) -> tuple[int, str]:
        answer = guard("scan", secret, *options, "--format", "json")
        return answer.code, json.loads(answer.out)["verdict"]

    assert verdict() == (0, "pass")
    assert verdict("--fail-on", "certain") == (1, "violation")
    (secret / "empty.csv").touch()
    assert verdict() == (3, "incomplete")
    assert verdict("--allow-incomplete") == (0, "pass")
    assert verdict("--allow-incomplete", "--fail-on", "certain") == (1, "violation")
    said = guard("scan", secret, "--fail-on", "certain").out
    assert "Not passed. Scan finished: it found what it was asked to fail on" in said
    assert "Found: " in said


def test_refused_release_is_1_and_leaves_nothing(secret: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    answer = guard("release", secret, *OPEN, "--out", tmp_path / "out")
    assert answer.code == 1
    assert answer.error == "the policy says no"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [
    ("scan",), ("scan", "no-such-file"), ("scan", ".", "--format", "nonsense"), ("nonsense",),
    ("check", ".", "--policy", "no-such-policy", "--audience", "public"),
    ("check", ".", "--policy", "cn-open-data", "--audience", "nobody"), ("report", "no-such-run.json"),
    ("check", ".", "--policy", "cn-open-data"),
    ("verify", "no-such-folder"), ("policy", "show", "no-such-policy"), ("scan", ".", "--packs", "no-such-pack.yml"),
])
def test_usage_is_2_with_one_line_and_a_hint(arguments: tuple[str, ...]) -> None:
    answer = guard(*arguments)
    assert answer.code == 2
    assert answer.error
    assert not answer.error.endswith(".")
    assert "U+" not in answer.error
    assert answer.out == ""


def test_incomplete_is_3_unless_accepted(clean: Path, tmp_path: Path) -> None:
    (clean / "empty.csv").touch()
    assert guard("scan", clean).code == 3
    assert guard("check", clean, *OPEN).code == 3
    assert guard("release", clean, *OPEN, "--out", tmp_path / "no").code == 3
    assert not (tmp_path / "no").exists()
    assert guard("scan", clean, "--allow-incomplete").code == 0
    assert guard("release", clean, *OPEN, "--out", tmp_path / "yes", "--allow-incomplete").code == 0
    assert sorted(p.name for p in (tmp_path / "yes" / "public" / "data").iterdir()) == ["counts.csv"]


def test_nothing_scanned_is_3(tmp_path: Path) -> None:
    for verb, options in (("scan", ()), ("check", OPEN)):
        answer = guard(verb, tmp_path, *options)
        assert answer.code == 3
        assert "Incomplete. No answer: there was nothing to examine" in answer.out
        assert "1. Check that the right file or folder was named" in answer.out
    (tmp_path / "empty").touch()
    assert guard("scan", tmp_path / "empty").code == 3


def test_internal_error_is_4_and_names_type_and_place_only(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import guard.sources.document\n"
        "import guard.scanner\n"
        "def broken(*a, **k):\n    raise ZeroDivisionError('canary 13800138000')\n"
        "guard.scanner.Scanner.tally_batch = broken\n")
    answer = guard("scan", clean, PYTHONPATH=str(tmp_path))
    assert answer.code == 4
    assert "ZeroDivisionError at sitecustomize:4" in answer.error
    assert "canary" not in answer.err


def test_memory_error_is_4(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import guard.scanner\ndef broken(*a, **k):\n    raise MemoryError\n"
        "guard.scanner.Scanner.tally_batch = broken\n")
    assert guard("scan", clean, PYTHONPATH=str(tmp_path)).code == 4


def test_violation_comes_before_incomplete(secret: Path) -> None:
    (secret / "empty.csv").touch()
    assert guard("check", secret, *OPEN).code == 1


def test_usage_comes_before_violation_and_incomplete(secret: Path) -> None:
    (secret / "empty.csv").touch()
    assert guard("check", secret, "--policy", "cn-open-data", "--audience", "nobody").code == 2


def test_internal_error_comes_before_all(secret: Path, tmp_path: Path) -> None:
    (secret / "empty.csv").touch()
    (tmp_path / "sitecustomize.py").write_text(
        "import guard.disclosure.pipeline as p\ndef broken(*a, **k):\n    raise KeyError\np.policy_verdict = broken\n")
    assert guard("check", secret, *OPEN, PYTHONPATH=str(tmp_path)).code == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_is_130_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    child = subprocess.Popen([str(GUARD), "scan", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=environment(), preexec_fn=listen_to_interrupts)
    time.sleep(1.5)
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert out == b""
    assert err == b"error: interrupted\n"


def test_a_closed_pipe_is_quiet(clean: Path) -> None:
    line = f"'{GUARD}' scan '{clean}' --format json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, env=environment(), timeout=60, check=False)
    assert done.stderr == b""
    assert done.returncode == 0

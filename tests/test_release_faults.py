"""A release that dies at any moment leaves nothing at its place, and its staging is swept at the next start."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import GUARD, environment, guard, listen_to_interrupts

import guard as library
from guard.demo import People

ARGUMENTS = ("--policy", "cn-open-data", "--audience", "public")


@pytest.fixture
def source(tmp_path: Path, people: People) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    rows = "".join(f"{i},{people.mobile()},{people.address()}\n" for i in range(3000))
    (folder / "a.csv").write_text("序号,手机号,住址\n" + rows)
    (folder / "b.jsonl").write_text("".join(json.dumps({"mobile": people.mobile()}) + "\n" for _ in range(2000)))
    return folder


def duration(source: Path, out: Path) -> float:
    begin = time.monotonic()
    assert guard("release", source, *ARGUMENTS, "--out", out).code == 0
    return time.monotonic() - begin


def test_kill_at_many_points(tmp_path: Path, source: Path) -> None:
    whole = duration(source, tmp_path / "first")
    chance = random.Random(7)
    finished = 0
    for number in range(12):
        out = tmp_path / f"killed{number % 3}"
        child = subprocess.Popen([str(GUARD), "release", str(source), *ARGUMENTS, "--out", str(out)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        time.sleep(whole * chance.uniform(0.1, 1.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
        if out.exists():
            assert library.verify(out).intact
            finished += 1
            out.rename(tmp_path / f"done{number}")
    assert finished < 12
    for number in range(3):
        assert guard("release", source, *ARGUMENTS, "--out", tmp_path / f"killed{number}").code == 0
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_interrupt_leaves_nothing(tmp_path: Path, source: Path) -> None:
    whole = duration(source, tmp_path / "first")
    child = subprocess.Popen([str(GUARD), "release", str(source), *ARGUMENTS, "--out", str(tmp_path / "out")],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(),
                             preexec_fn=listen_to_interrupts)
    time.sleep(whole * 0.6)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert err == b"error: interrupted\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first", "source"]


def test_an_unwritable_parent_is_said(tmp_path: Path, source: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o500)
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    assert guard("release", source, *ARGUMENTS, "--out", parent / "out").code == 4


def test_the_release_does_not_depend_on_where_it_is_made(tmp_path: Path, source: Path) -> None:
    for name in ("one", "two"):
        assert guard("release", source, *ARGUMENTS, "--out", tmp_path / name).code == 0
    one, two = (sorted((tmp_path / name / "public" / "data").iterdir()) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]

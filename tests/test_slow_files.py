"""Large files through the installed command: the right end, the right output, bounded memory.

GUARD_SLOW_MEGABYTES sets the size (default 1000).
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from command import GUARD, environment

from guard.demo.bulk import write_log, write_register

MEGABYTES = float(os.environ.get("GUARD_SLOW_MEGABYTES", "1000"))
MOST_MEMORY = 400_000_000
MEASURE = ("import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
           "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
KILOBYTE = 1 if sys.platform == "darwin" else 1024

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def loops_are_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The compiler takes more memory than any scan, once: measured here is what every other run takes."""
    source = tmp_path_factory.mktemp("first") / "app.log"
    write_log(source, 40)
    subprocess.run([GUARD, "scan", source, "--format", "json", "--output", source.with_suffix(".json")], check=True,
                   capture_output=True, env=environment())


def released(source: Path, out: Path, policy: str, audience: str, run: Path) -> tuple[int, int]:
    """Exit code and peak resident memory (bytes) of a release, measured by a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(GUARD), "release", str(source), "--policy", policy, "--audience", audience,
         "--out", str(out), "--format", "json", "--output", str(run)],
        capture_output=True, text=True, env=environment(), check=True)
    code, peak = done.stdout.split()
    return int(code), int(peak) * KILOBYTE


def test_a_large_register(tmp_path: Path) -> None:
    source, out = tmp_path / "register.csv", tmp_path / "out"
    write_register(source, MEGABYTES)
    code, peak = released(source, out, "cn-open-data", "public", tmp_path / "run.json")
    report = json.loads((tmp_path / "run.json").read_text())
    assert code == 0, [d for d in report["decisions"] if d["action"] in ("review", "block")]
    assert peak < MOST_MEMORY
    assert all(check["passed"] for check in report["checks"])
    with source.open(newline="") as before, (out / "public" / "data" / "register.csv").open(newline="") as after:
        old, new = csv.DictReader(before), csv.DictReader(after)
        assert not {"姓名", "公民身份号码", "手机号码", "银行账号"} & set(new.fieldnames or ())
        rows = 0
        for one, two in zip(old, new, strict=True):
            rows += 1
            assert one["受理编号"] == two["受理编号"]
    assert rows == max(field["rows"] for field in report["fields"])


def test_a_large_log(tmp_path: Path) -> None:
    source, out = tmp_path / "app.log", tmp_path / "out"
    write_log(source, MEGABYTES)
    code, peak = released(source, out, "cn-open-data", "public", tmp_path / "run.json")
    report = json.loads((tmp_path / "run.json").read_text())
    assert code == 0, [d for d in report["decisions"] if d["action"] in ("review", "block")]
    assert peak < MOST_MEMORY
    assert all(check["passed"] for check in report["checks"])
    with source.open("rb") as before, (out / "public" / "data" / "app.log").open("rb") as after:
        changed = sum(one != two for one, two in zip(before, after, strict=True))
    assert 0 < changed < report["fields"][0]["rows"]


def test_the_measure_sees_a_child() -> None:
    grow = "b = bytearray(300_000_000); b[::4096] = b[::4096]"
    done = subprocess.run([sys.executable, "-c", MEASURE, sys.executable, "-c", grow], capture_output=True, text=True,
                          check=True)
    assert int(done.stdout.split()[1]) * KILOBYTE > 290_000_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0

"""Staging: everything or nothing at the output's place, and what a killed process left is swept."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from guard.disclosure.staging import output_errors, publish, staging, sweep
from guard.errors import OutputError, UsageError


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_published_content_is_at_its_place_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with staging(target) as folder:
        (folder / "a.txt").write_text("x")
        assert not target.exists()
        publish(folder, target)
    assert (target / "a.txt").read_text() == "x"
    assert leftovers(tmp_path) == []


def test_what_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    with staging(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda p: p.symlink_to("nowhere")])
def test_an_existing_place_is_refused_untouched(tmp_path: Path, make) -> None:
    target = tmp_path / "out"
    make(target)
    with pytest.raises(UsageError), staging(target):
        pass
    assert os.path.lexists(target)


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError), staging(tmp_path / "no" / "out"):
        pass


def test_what_a_killed_process_left_is_swept_and_a_living_one_is_spared(tmp_path: Path) -> None:
    target = tmp_path / "out[1]"
    script = ("import sys, time, pathlib\nfrom guard.disclosure.staging import staging\n"
              "with staging(pathlib.Path(sys.argv[1])) as f:\n    (f / 'half').write_text('x')\n"
              "    print('ready', flush=True)\n    time.sleep(60)\n")
    child = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert sweep(target) == 0
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert len(leftovers(tmp_path)) == 2
    assert sweep(target) == 1
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_one_clear_line() -> None:
    with pytest.raises(OutputError, match="no space left"), output_errors():
        raise OSError(errno.ENOSPC, "No space left on device", "secret-name.csv")
    with pytest.raises(OutputError) as caught, output_errors():
        raise OSError(errno.EACCES, "Permission denied", "secret-name.csv")
    assert "secret-name" not in str(caught.value)

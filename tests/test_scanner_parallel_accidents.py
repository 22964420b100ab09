"""Many processes: no accident looks like an answer, and an interrupt ends all of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from command import environment, listen_to_interrupts
from parallel_scans import SCANNER, cut, document_at, log, scanned, small_pieces

from guard import Scanner
from guard.demo import People
from guard.errors import InternalError
from guard.model import Report, Verdict
from guard.scanner import parallel, run, together
from guard.scanner.parts import Part, Unit
from guard.scanner.sink import Sink
from guard.sources import Options, Recipe, discover


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_pieces():
        yield


def test_a_file_that_changes_meanwhile_is_incomplete(tmp_path: Path, people: People) -> None:
    source = tmp_path / "app.log"
    source.write_text(log(people, 3_000))
    reports = []

    def change(name: str, read: int) -> None:
        with source.open("a") as file:
            file.write("one more\n")

    for workers in (1, 2):
        reports.append(SCANNER.scan(source, workers=workers, progress=change))
    for report in reports:
        assert report.verdict is Verdict.INCOMPLETE
        assert "changed while it was read" in {str(s.reason) for s in report.skipped}


def test_a_killed_worker_makes_the_run_incomplete(tmp_path: Path, people: People,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """Of files that it has one by one; several small ones would be tried again, each alone."""
    cut(monkeypatch, 1 << 20)
    monkeypatch.setattr(together, "SMALL", 0)
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.log").write_text(log(people, 300))
    killed = []

    def kill(name: str, read: int) -> None:
        workers = multiprocessing.active_children()
        if workers and not killed:
            time.sleep(0.2)
            os.kill(workers[0].pid or 0, signal.SIGSTOP)  # so that it has something left to do when it dies
            os.kill(workers[0].pid or 0, signal.SIGKILL)
            killed.append(workers[0].pid)

    report = run_all(Slow(SCANNER), folder, workers=2, progress=kill)
    assert killed
    crashed = [s for s in report.skipped if str(s.reason) == "crashed while it was read"]
    assert len(crashed) == 1
    assert crashed[0].detail == "a worker process was ended by signal 9"
    assert report.verdict is Verdict.INCOMPLETE
    assert len(report.inputs) == 30
    read = {field.dataset for field in report.fields}
    assert read == {f"{number:02}.log" for number in range(30)} - {crashed[0].dataset}


class Slow:
    """A scanner whose workers take their time."""

    def __init__(self, scanner: Scanner, what: Callable[[Unit], None] = lambda unit: time.sleep(0.05)) -> None:
        self._scanner = scanner
        self._what = what

    def __getattr__(self, name: str) -> object:
        return getattr(self._scanner, name)

    def scan_units(self, units: Sequence[Unit], sinks: Sequence[Sink | None], contents: Sequence[bytes | None] = ()
                   ) -> list[Part]:
        for unit in units:
            self._what(unit)
        return self._scanner.scan_units(units, sinks, contents)


def run_all(scanner: Slow, source: Path, *, workers: int, progress: run.Progress | None = None) -> Report:
    """As `Scanner.scan`, with workers that run `scanner.scan_units`."""
    from guard.scanner.labels import ScannedLabels
    from guard.tally import Tally

    plain = scanner._scanner
    labels, total = ScannedLabels(plain.matcher), Tally()
    reading = run.ScanRun(scanner, labels, progress=progress, workers=workers)  # type: ignore[arg-type]
    for _, tally in reading.results(discover(source, Options(), labels)):
        total += tally
    return plain.report(total)


def test_one_of_many_small_files_kills_its_worker_and_nothing_else(tmp_path: Path, people: People) -> None:
    """Those that were scanned together with it come back, each to be scanned alone."""
    parts = parts_of(three_jobs(tmp_path, people), lambda units: any(unit.recipe.name == "1.log" for unit in units))
    assert parts == ["", "a worker process ended unexpectedly", ""]


def test_a_worker_that_died_over_small_files_is_not_forgotten(tmp_path: Path, people: People) -> None:
    """None of them kills another one; what ended it nobody knows, and the run is not complete."""
    parts = parts_of(three_jobs(tmp_path, people), lambda units: len(units) > 1)
    assert parts == ["", "", "a worker process ended unexpectedly"]


def three_jobs(folder: Path, people: People) -> list[parallel.Job]:
    jobs = []
    for number in range(3):
        (folder / f"{number}.log").write_text(log(people, 3))
        document = document_at(folder / f"{number}.log")
        assert document.recipe is not None
        jobs.append(parallel.Job(Unit(document.recipe), document))
    assert all(job.is_small for job in jobs)
    return jobs


def parts_of(jobs: Sequence[parallel.Job], kills: Callable[[Sequence[Unit]], bool]) -> list[str]:
    """Why each is broken, scanned together by one worker, which ends at once over some units; "" where it is not."""
    def scan(units: Sequence[Unit], sinks: Sequence[Sink | None]) -> list[Part]:
        if kills(units):
            os._exit(1)
        return SCANNER.scan_units(units, sinks)

    came_back = []
    with parallel.Pool(scan, 1, with_findings=False) as pool:
        pool.give(jobs)
        while any(job.part is None for job in jobs):
            pool.listen(None, None)
            while job := pool.take_back():
                assert not job.is_small
                came_back.append(job)
                pool.give([job])
    assert came_back[:3] == list(jobs)
    return [job.part.broken if job.part else "lost" for job in jobs]


def test_small_files_that_are_too_much_together_are_scanned_alone(tmp_path: Path, people: People) -> None:
    units = []
    for number in range(3):
        path = tmp_path / f"{number}.log"
        path.write_text(log(people, 3))
        units.append(Unit(recipe_of(path)))
    asked: list[int] = []

    def scan(units: Sequence[Unit], sinks: Sequence[Sink | None]) -> list[Part]:
        asked.append(len(units))
        if len(units) > 1 or units[0].recipe.name == "1.log":
            raise MemoryError
        return SCANNER.scan_units(units, sinks)

    answers = list(parallel._answers(scan, units, None))
    assert asked == [3, 1, 1, 1]
    assert [answer.broken for answer in answers if isinstance(answer, Part)] == [
        "", "a worker process ran out of memory", ""]


def recipe_of(path: Path) -> Recipe:
    recipe = document_at(path).recipe
    assert recipe is not None
    return recipe


def fail(error: BaseException) -> Callable[[Unit], None]:
    def failing(unit: Unit) -> None:
        raise error

    return failing


def test_a_worker_without_memory_makes_the_run_incomplete(tmp_path: Path, people: People) -> None:
    source = tmp_path / "app.log"
    source.write_text(log(people, 3_000))
    report = run_all(Slow(SCANNER, fail(MemoryError("13800138000"))), source, workers=2)
    (crashed,) = report.skipped
    assert (str(crashed.reason), crashed.detail) == ("crashed while it was read",
                                                     "a worker process ran out of memory")
    assert report.verdict is Verdict.INCOMPLETE
    assert report.inputs[0].status == "failed" or report.fields


def test_a_bug_in_a_worker_is_told_without_its_text(tmp_path: Path, people: People) -> None:
    source = tmp_path / "app.log"
    source.write_text(log(people, 3_000))
    with pytest.raises(InternalError) as caught:
        run_all(Slow(SCANNER, fail(ValueError("13800138000"))), source, workers=2)
    assert caught.value.exit_code == 4
    assert "13800138000" not in str(caught.value)
    assert caught.value.message.startswith("internal error: ValueError at ")


def test_workers_that_cannot_begin_are_done_without(tmp_path: Path, people: People,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "app.log"
    source.write_text(log(people, 1_000))
    alone = scanned(source, 1)
    monkeypatch.setattr(parallel, "serve", lambda *_: os._exit(1))
    assert scanned(source, 2) == alone


def test_a_system_without_room_for_processes_is_done_without(tmp_path: Path, people: People,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: multiprocessing.process.BaseProcess) -> None:
        raise BlockingIOError("no more processes")

    source = tmp_path / "app.log"
    source.write_text(log(people, 500))
    alone = scanned(source, 1)
    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
    assert scanned(source, 2) == alone


# The command


MAIN = """
import os, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import guard.scanner.run as run
from guard.cli.main import main
from guard.scanner import Scanner
run.ENOUGH, run.WARM, run.LARGEST, run.LARGEST_WITH_FINDINGS = 1, 0, 200_000, 200_000
first, steps = os.getpid(), Scanner.steps
def held(self, unit, sink):
    if os.getpid() != first and not os.path.exists(BUSY):
        open(BUSY, "w").close()
        while os.getppid() == first:
            time.sleep(0.01)
    yield 0
    return (yield from steps(self, unit, sink))
Scanner.steps = held
if __name__ == "__main__":
    main()
"""
"""A scan whose first worker does not come to an end with its first unit while its parent lives."""


@pytest.fixture
def large_source(tmp_path: Path, people: People) -> Path:
    source = tmp_path / "app.log"
    source.write_text(log(people, 3_000) * 4)
    return source


def start(tmp_path: Path, *arguments: object) -> subprocess.Popen[bytes]:
    program = tmp_path / "program.py"
    program.write_text(MAIN.replace("BUSY", repr(str(tmp_path / "busy"))))
    return subprocess.Popen([sys.executable, str(program), *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True, env=environment(PYTHONWARNINGS="ignore"),
                            preexec_fn=listen_to_interrupts)


def children(pid: int) -> list[int]:
    """The processes below one, as Linux tells."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def wait_for_children(process: subprocess.Popen[bytes], tmp_path: Path) -> list[int]:
    """The workers, once one of them has something to do."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        if (tmp_path / "busy").exists():
            return children(process.pid)
        time.sleep(0.005)
    raise AssertionError("no worker was started")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@linux
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_within_a_second(tmp_path: Path, large_source: Path, stop: signal.Signals) -> None:
    found = tmp_path / "found.jsonl"
    process = start(tmp_path, "scan", large_source, "--workers", 2, "--findings", found)
    workers = wait_for_children(process, tmp_path)
    began = time.monotonic()
    if stop is signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does: to all processes
    else:
        process.send_signal(stop)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 1.5
    assert process.returncode == 130
    assert (out, err) == (b"", b"error: interrupted\n")
    assert not any(map(alive, workers))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["app.log", "busy", "program.py"]


@linux
def test_a_killed_parent_leaves_no_worker(tmp_path: Path, large_source: Path) -> None:
    process = start(tmp_path, "scan", large_source, "--workers", 2)
    workers = wait_for_children(process, tmp_path)
    process.kill()
    process.communicate(timeout=10)
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, workers))


@linux
def test_a_killed_worker_is_exit_3(tmp_path: Path, large_source: Path) -> None:
    process = start(tmp_path, "scan", large_source, "--workers", 2, "--format", "json")
    (worker,) = wait_for_children(process, tmp_path)
    os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    (skipped,) = json.loads(out)["skipped"]
    assert skipped["reason"] == "crashed while it was read"

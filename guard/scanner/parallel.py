"""Workers: processes that scan units, and what happens when one of them dies.

A worker has a pipe and nothing else in common with its parent: units come in, findings and parts go out, one unit
after the other. It ends when the pipe does, so that nothing is left of a parent that was killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.errors import GuardError, InternalError, origin_of
from guard.model import Finding
from guard.scanner.parts import Packed, Part, Quiet, Unit, packed
from guard.scanner.sink import FindingList
from guard.scanner.together import is_small
from guard.sources import Document

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

AHEAD = 2
"""Units that a worker has at a time: one to scan, one to go on with."""
HELD = 50_000
"""So many findings of a unit whose turn has not come are held; then its worker has to wait."""
_SENT = 1000
_GRACE = 1.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
_READY = "ready"
_FAILED = 70

Scan = Callable[[Sequence[Unit], Sequence[Any]], Sequence[Part | Quiet]]
"""Scans units, a single one or small files together; the findings of each go to its sink, if one is given."""


@dataclass(slots=True, eq=False)
class Death:
    """The end of a worker over files that it scanned together; `left` of them are still to be tried alone."""

    cause: str
    left: int
    is_told: bool = False


@dataclass(slots=True, eq=False)
class Job:
    """A unit that somebody scans: findings that came so far (`packed` from a worker), and its part when it is done.

    `unit` is None for a document that only this process can read. `told` are the bytes that progress knows of. With
    others it is scanned together, but not when a worker died over all of them.
    """

    unit: Unit | None
    document: Document
    findings: list[Finding] = field(default_factory=list)
    packed: list[Packed] = field(default_factory=list)
    part: Part | Quiet | None = None
    told: int = 0
    death: Death | None = None

    def finish(self, part: Part | Quiet) -> None:
        """Take the part of a unit that was scanned to its end: that of the last one stands for a death nobody caused
        again."""
        self.part = part
        if self.death is not None:
            self.death.left -= 1
            if not self.death.left and not self.death.is_told:
                self.part = Part(broken=self.death.cause)

    @property
    def is_small(self) -> bool:
        """Whether it is scanned together with others."""
        return self.unit is not None and self.death is None and is_small(self.unit)

    @property
    def size(self) -> int:
        """About how many bytes there are to read."""
        return max(self.document.size, 0) if self.unit is None else self.unit.size


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, and what it was given: bundles of jobs that are scanned together, those in front without an answer."""

    process: BaseProcess
    pipe: Connection
    bundles: deque[deque[Job]] = field(default_factory=deque)
    is_ready: bool = False

    @property
    def front(self) -> Job:
        """The job whose answer comes next."""
        return self.bundles[0][0]

    def answered(self) -> Job:
        """Take the job whose answer is there."""
        job = self.bundles[0].popleft()
        if not self.bundles[0]:
            self.bundles.popleft()
        return job


class Pool:
    """`count` workers, started at once. As a context manager it leaves no process behind, however it is left."""

    def __init__(self, scan: Scan, count: int, *, with_findings: bool, method: str = "") -> None:
        self._scan = scan
        self._with_findings = with_findings
        self._method = method
        self._lost: deque[Job] = deque()
        self._workers: list[_Worker] = []
        self._count = count

    def __enter__(self) -> Pool:
        try:
            for _ in range(self._count):
                self._start()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and not any(worker.bundles for worker in self._workers):
            for worker in self._workers:
                worker.pipe.close()
            for worker in self._workers:
                worker.process.join(_GRACE)
        self._kill()

    @property
    def has_room(self) -> bool:
        """Whether a worker could take another job."""
        return any(len(worker.bundles) < AHEAD for worker in self._workers)

    @property
    def is_alive(self) -> bool:
        """Whether there is a worker at all."""
        return bool(self._workers)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is to be waited for."""
        return any(worker.bundles for worker in self._workers)

    def give(self, jobs: Sequence[Job]) -> None:
        """Hand a job, or several that are scanned together, to the worker that has the fewest."""
        worker = min(self._workers, key=lambda worker: len(worker.bundles))
        worker.bundles.append(deque(jobs))
        with contextlib.suppress(OSError):  # it died: that is seen, and the jobs given back, when it is listened to
            worker.pipe.send([job.unit for job in jobs])

    def take_back(self) -> Job | None:
        """A job that a worker died before, to be done by somebody else."""
        return self._lost.popleft() if self._lost else None

    def listen(self, front: Job | None, timeout: float | None) -> None:
        """Take what the workers have to say, waiting for it at most `timeout` seconds (None: until there is some).

        `front` is the job whose findings can be passed on at once; of others only HELD are taken.
        """
        from multiprocessing.connection import wait

        heard = {worker.pipe: worker for worker in self._workers
                 if not worker.bundles or worker.front is front or len(worker.front.packed) < HELD}
        for pipe in wait(list(heard), timeout):
            worker = heard[pipe]  # type: ignore[index]
            try:
                self._hear(worker, worker.pipe.recv())
            except (EOFError, OSError):
                self._bury(worker)

    def _hear(self, worker: _Worker, message: Any) -> None:
        if message == _READY:
            worker.is_ready = True
        elif isinstance(message, (Part, Quiet)):
            worker.answered().finish(message)
        elif isinstance(message, GuardError):
            raise message
        else:
            worker.front.packed += message

    def _bury(self, worker: _Worker) -> None:
        """The unit that a worker died over is not tried again; those behind it are. Of several that were scanned
        together nobody knows which it was: each is tried alone, and where none kills another one, the last of them
        stands for the death, which no run forgets."""
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(_GRACE)
        if worker.is_ready and worker.bundles:
            suspects, cause = worker.bundles[0], _cause(worker.process.exitcode)
            if len(suspects) == 1:
                job = worker.answered()
                job.part = Part(broken=cause)
                if job.death is not None:
                    job.death.is_told = True
            else:
                death = Death(cause, len(suspects))
                for job in suspects:
                    job.death = death
                    job.packed.clear()
        self._lost.extend(job for bundle in worker.bundles for job in bundle)
        if worker.is_ready:  # one that never began shows that here no worker can
            self._start()

    def _start(self) -> None:
        import multiprocessing  # a small scan has no workers, and would pay more for this than for itself

        method = self._method or start_method()
        context: Any = multiprocessing.get_context(method)  # each kind has a type of its own
        ours, theirs = context.Pipe()
        inherited = [ours, *(worker.pipe for worker in self._workers)] if method == "fork" else []
        process = context.Process(target=serve, args=(theirs, self._scan, self._with_findings, inherited), daemon=True,
                                  name="guard-worker")
        try:
            with _single_threaded(), _uninterrupted():
                process.start()
                self._workers.append(_Worker(process, ours))
        except OSError:  # the system gives no further process: those that are there do the work
            ours.close()
        theirs.close()

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()
        self._workers.clear()


def start_method() -> str:
    """`fork` where this process has a single thread (then it is safe, and takes no time), else `spawn`."""
    try:
        threads = len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return "spawn"
    return "fork" if threads == 1 and sys.platform == "linux" else "spawn"


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(pipe: Connection, scan: Scan, with_findings: bool, inherited: Sequence[Connection]) -> None:
    """What a worker does: scan the units that come through the pipe until it is closed."""
    # Ctrl-C reaches all processes of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    _mask("SIG_UNBLOCK")
    for other in inherited:
        other.close()
    try:
        pipe.send(_READY)
        while True:
            for message in _answers(scan, pipe.recv(), _Outbox(pipe) if with_findings else None):
                pipe.send(message)
    except (EOFError, OSError):
        return
    except BaseException:
        os._exit(_FAILED)  # `multiprocessing` would print the exception, and that may hold a value


def _answers(scan: Scan, units: Sequence[Unit], outbox: _Outbox | None) -> Iterator[Part | Quiet | GuardError]:
    """The part of each unit, behind its findings. Units that are too much for the memory together are scanned alone."""
    sinks = [FindingList() if outbox else None for _ in units]
    try:
        parts = scan(units, [outbox] if len(units) == 1 else sinks)
    except MemoryError:
        if len(units) == 1:
            yield Part(broken="a worker process ran out of memory")
        else:
            for unit in units:
                yield from _answers(scan, [unit], outbox)
        return
    except GuardError as error:
        yield error
        return
    except Exception as error:
        yield InternalError(origin_of(error))
        return
    for part, sink in zip(parts, sinks, strict=True):
        if outbox and sink:
            for finding in sink.findings:
                outbox.write(finding)
            outbox.flush()
        yield part


class _Outbox:
    """A sink that sends findings through a pipe, many at a time. The parent keeps or withdraws them."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._waiting: list[Packed] = []

    def write(self, finding: Finding) -> None:
        self._waiting.append(packed(finding))
        if len(self._waiting) >= _SENT:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._pipe.send(self._waiting)
            self._waiting = []

    def keep(self) -> None:
        """Nothing to do: the parent knows when a document is complete."""

    def withdraw(self) -> None:
        """Nothing to do: the parent knows when a document is secret."""


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"a worker process was ended by signal {-code}"
    return "a worker process ended unexpectedly"


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Libraries in a worker make no threads of their own: the cores are taken."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Interrupts wait until the new process is one that can be ended, and can ignore them itself.

    It begins with the signals blocked that its parent blocks. That is not enough where the parent has threads, as
    any of them may be interrupted on behalf of the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _INTERRUPTS}
    _mask("SIG_BLOCK")
    try:
        yield
    finally:
        _mask("SIG_UNBLOCK")
        for number, handler in before.items():
            signal.signal(number, handler)
        for pending in came:
            signal.raise_signal(pending)


def _mask(how: str) -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(getattr(signal, how), _INTERRUPTS)

"""One pass over many documents: what they are cut into, who scans it, and how the parts come together, in order.

Documents are found and cut some way ahead, so that workers have something to do. This process scans too, one batch at
a time, and between two batches it listens to the workers: no threads, no locks, and nothing depends on who was faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from guard import compiled
from guard.model import Input, Skipped
from guard.scanner.labels import ScannedLabels
from guard.scanner.names import NO_NAMES, FoundNames
from guard.scanner.parallel import HELD, Job, Pool
from guard.scanner.parts import DocumentTally, Part, Quiet, Unit, unpacked
from guard.scanner.sink import FindingList, Sink
from guard.scanner.together import MOST_BYTES, MOST_FILES
from guard.sources import MOST, Document, Recipe, StreamDocument
from guard.tally import Tally

ENOUGH = 32_000_000
"""Bytes that must wait to be read before workers are started."""
WARM = 1_000_000
"""Bytes that this process scans before: then a worker that is forked has everything loaded."""
LARGEST = MOST
"""Bytes of the largest piece. Pieces are the same for any number of workers, or results would not be."""
LARGEST_WITH_FINDINGS = 1 << 21
"""As all findings of a piece may have to be held in memory until its turn comes, pieces are small then."""
_MOST_AHEAD = 8_192
_SMALL = 4_000_000
_STEPWISE = ("text", "csv", "jsonl")
"""Formats whose first batch comes soon. Who reads another one does not listen to the workers for a long time."""

Progress = Callable[[str, int], None]
Result = tuple[Document | Skipped, Tally]
Steps = Generator[int, None, Part]
"""Scans a unit batch by batch: gives the bytes of each, and in the end the part."""


class UnitScanner(Protocol):
    """What is asked of the scanner."""

    def steps(self, unit: Unit, sink: Sink | None) -> Steps:
        """Scan a unit step by step."""
        ...

    def steps_of(self, document: Document, labels: ScannedLabels, sink: Sink | None) -> Steps:
        """Scan a document that only this process can read, step by step."""
        ...

    def scan_units(self, units: Sequence[Unit], sinks: Sequence[Sink | None], contents: Sequence[bytes | None] = ()
                   ) -> list[Part | Quiet]:
        """Scan a unit, or small files together, at once."""
        ...

    def names_of(self, labels: ScannedLabels) -> FoundNames:
        """Take what the labels found."""
        ...

    def note_known(self, fingerprints: Iterable[str]) -> None:
        """Known false positives that were met."""
        ...


class _Begin(NamedTuple):
    """A document comes, with what was found in its name."""

    document: Document | Skipped
    tally: DocumentTally | None
    names: FoundNames


class _End:
    """All of the document has been seen."""


@dataclass(slots=True, eq=False)
class _Whole(Job):
    """A document that is scanned as one unit: its beginning, unless that was before, the job, and its end. `names` is
    what was found in its name."""

    names: FoundNames | None = None


_Step = _Begin | Job | Skipped | _End


class _Own(NamedTuple):
    """What this process scans: a job step by step, or small files together, in one step."""

    jobs: list[Job]
    sinks: list[FindingList]
    steps: Generator[int, None, Sequence[Part | Quiet]]


class ScanRun:
    """The pass; `names` are the names that were findings, when it is over."""

    def __init__(self, scanner: UnitScanner, labels: ScannedLabels, *, sink: Sink | None = None,
                 progress: Progress | None = None, workers: int = 1) -> None:
        self.names = FoundNames()
        self._scanner = scanner
        self._labels = labels
        self._sink = sink
        self._progress = progress
        self._workers = workers
        self._steps: deque[_Step] = deque()
        self._free: deque[Job] = deque()
        self._free_bytes = 0
        self._are_enough = False
        self._scanned = 0
        self._current: DocumentTally | None = None
        self._own: _Own | None = None
        self._pool: Pool | None = None

    def results(self, documents: Iterable[Document | Skipped]) -> Iterator[Result]:
        """Every document and what is in it, in order. No process is left when this ends or is given up."""
        plan = self._plan(documents)
        with ExitStack() as stack:
            while self._look_ahead(plan) or self._steps:
                self._start(stack)
                self._share(plan)
                self._advance()
                yield from self._finished()
        self.names += self._scanner.names_of(self._labels)
        if compiled.is_incomplete():
            from guard.scanner.rehearsal import rehearse

            rehearse()

    def _plan(self, documents: Iterable[Document | Skipped]) -> Iterator[_Step]:
        for document in documents:
            names = self._scanner.names_of(self._labels)
            if isinstance(document, Skipped):
                yield _Begin(document, None, names)
                continue
            recipe, is_secret = document.recipe, self._labels.is_secret(document.name)
            largest = LARGEST_WITH_FINDINGS if self._sink else LARGEST
            is_cut = document.size > largest and isinstance(document, StreamDocument) and document.can_be_cut
            if not is_secret and (recipe is None or not is_cut):
                yield _Whole(None if recipe is None else Unit(recipe), document, names=names)
                continue
            tally = DocumentTally(document, self._sink)
            if is_secret:
                tally.stop()
            yield _Begin(document, tally, names)
            if recipe is not None and isinstance(document, StreamDocument) and not is_secret:
                yield from self._cut(document, recipe, largest, tally)
            yield _End()

    def _cut(self, document: StreamDocument, recipe: Recipe, largest: int, tally: DocumentTally) -> Iterator[_Step]:
        for piece in document.pieces(largest):
            if tally.is_closed:
                return
            yield piece if isinstance(piece, Skipped) else Job(Unit(recipe, piece), document)

    def _look_ahead(self, plan: Iterator[_Step]) -> bool:
        """Whether there is a further step; afterwards enough of them are known for all who want something to do."""
        while self._wants_more():
            step = next(plan, None)
            if step is None:
                return False
            self._steps.append(step)
            if isinstance(step, Job):
                self._free.append(step)
                self._free_bytes += step.size
        return True

    def _wants_more(self) -> bool:
        if len(self._steps) >= _MOST_AHEAD:
            return False
        if self._workers == 1:
            return self._own is None and (not self._free or (self._free[-1].is_small and self._has_room(
                self._free_bytes, len(self._free))))
        return self._free_bytes < ENOUGH or len(self._free) < 2

    def _start(self, stack: ExitStack) -> None:
        """Start the workers when it is worth it."""
        if self._workers == 1 or self._pool is not None or not self._free:
            return
        self._are_enough |= self._free_bytes >= ENOUGH and len(self._free) > 1
        is_warm = self._scanned >= WARM or not (self._own or any(map(_is_stepwise, self._free)))
        if self._are_enough and is_warm:
            self._pool = stack.enter_context(
                Pool(self._scanner.scan_units, self._workers - 1, with_findings=self._sink is not None))

    def _share(self, plan: Iterator[_Step]) -> None:
        """Give the workers what they can take, and hear what they have to say."""
        pool = self._pool
        if pool is None:
            return
        while pool.has_room and (job := self._take(lambda job: job.unit is not None)):
            jobs = self._with_others(job)
            for given in jobs:
                given.document.content = None  # who gets it reads the file
            pool.give(jobs)
            self._look_ahead(plan)
        if self._own is None:
            self._take_own()
        front = self._steps[0] if self._steps else None
        if pool.is_busy:
            pool.listen(front if isinstance(front, Job) else None, None if self._waits() else 0)
        while lost := pool.take_back():
            self._free.appendleft(lost)
            self._free_bytes += lost.size

    def _take(self, fits: Callable[[Job], bool]) -> Job | None:
        job = next(filter(fits, self._free), None)
        if job is not None:
            self._free.remove(job)
            self._free_bytes -= job.size
            if job.unit is not None and self._current is not None and job.document is self._current.document:
                job.unit = job.unit._replace(shown=self._current.shown())
        return job

    def _with_others(self, job: Job) -> list[Job]:
        """The job, and if it is a small file those that are to be scanned together with it."""
        jobs, size, free = [job], job.size, self._free
        if not job.is_small:
            return jobs
        while free and self._has_room(size, len(jobs)) and free[0].is_small:
            jobs.append(free.popleft())
            size += jobs[-1].size
        self._free_bytes -= size - job.size
        return jobs

    @staticmethod
    def _has_room(size: int, count: int) -> bool:
        """Whether one more small file may be scanned together with so many of so many bytes."""
        return size < MOST_BYTES and count < MOST_FILES

    def _waits(self) -> bool:
        """Whether this process has nothing to scan, or too many findings whose turn comes after what others scan."""
        if self._own is None:
            return True
        job = self._own.jobs[0]
        front = self._steps[0]
        is_elsewhere = self._pool is not None and self._pool.is_busy and front not in self._free
        return len(job.findings) >= HELD and job is not front and is_elsewhere

    def _take_own(self) -> None:
        front = self._steps[0] if self._steps else None
        alone = not self._are_enough or (self._pool is not None and not self._pool.is_alive)
        job = self._take(lambda job: alone or job is front or _is_stepwise(job))
        if job is not None:
            jobs = self._with_others(job)
            compiled.expect(sum(job.size for job in jobs))
            sinks = [FindingList() for _ in jobs]
            self._own = _Own(jobs, sinks, self._together(jobs, sinks) if len(jobs) > 1 else self._alone(job, sinks[0]))

    def _alone(self, job: Job, sink: FindingList) -> Generator[int, None, Sequence[Part | Quiet]]:
        wanted = sink if self._sink else None
        part = yield from (self._scanner.steps_of(job.document, self._labels, wanted) if job.unit is None
                           else self._scanner.steps(job.unit, wanted))
        return [part]

    def _together(self, jobs: Sequence[Job], sinks: Sequence[FindingList]
                  ) -> Generator[int, None, Sequence[Part | Quiet]]:
        """In one step: `_note_read` tells the progress of each file."""
        contents = [job.document.content for job in jobs]
        yield from ()
        return self._scanner.scan_units([job.unit for job in jobs if job.unit is not None],
                                        [sink if self._sink else None for sink in sinks], contents)

    def _advance(self) -> None:
        """One step of what this process scans itself."""
        if self._own is None:
            self._take_own()
        if self._own is None or self._waits():
            return
        own = self._own
        try:
            read = next(own.steps)
            own.jobs[0].told += read
            self._scanned += read
            if self._progress:
                self._progress(own.jobs[0].document.name, read)
        except StopIteration as end:
            for job, part in zip(own.jobs, end.value, strict=True):
                job.finish(part)
                self._scanned += part.read - job.told
            self._own = None
        for job, sink in zip(own.jobs, own.sinks, strict=True):
            job.findings += sink.findings
            sink.findings.clear()

    def _finished(self) -> Iterator[Result]:
        """Put together what is complete, in order."""
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Job):
                self._begin(step)
                self._pass_on(step)
                if step.part is None:
                    return
            self._steps.popleft()
            result = self._quiet(step, step.part) if isinstance(step, _Whole) and isinstance(step.part, Quiet) \
                else self._merge(step)
            if result is not None:
                yield result

    def _quiet(self, job: _Whole, part: Quiet) -> Result:
        """A document in which nothing was found."""
        if job.names is not None and job.names is not NO_NAMES:
            self.names += job.names
        self._note_read(job, part)
        return job.document, part.tally_of(job.document)

    def _begin(self, job: Job) -> None:
        """The beginning of a whole document, where it is not quiet or nobody knows that yet."""
        if isinstance(job, _Whole) and job.names is not None and not isinstance(job.part, Quiet):
            self._merge(_Begin(job.document, DocumentTally(job.document, self._sink), job.names))
            job.names = None

    def _pass_on(self, job: Job) -> None:
        if (job.findings or job.packed) and self._current is not None:
            self._current.write(job.findings)
            self._current.write(map(unpacked, job.packed))
            job.findings, job.packed = [], []

    def _merge(self, step: _Step) -> Result | None:
        if isinstance(step, _Begin):
            if step.names is not NO_NAMES:
                self.names += step.names
            self._current = step.tally
            if isinstance(step.document, Skipped):
                return step.document, _unread(step.document)
        elif self._current is None:
            raise AssertionError("a step outside of a document")
        elif isinstance(step, _End):
            return self._end(self._current)
        else:
            if isinstance(step, Job) and not self._current.is_closed:
                self._add(step, self._current)
            elif isinstance(step, Skipped) and not self._current.is_closed:
                self._current.note(step)
            if isinstance(step, _Whole):
                return self._end(self._current)
        return None

    def _end(self, tally: DocumentTally) -> Result | None:
        if tally.is_entangled:
            self._read_whole(tally)
            return None
        return tally.document, tally.result()

    def _read_whole(self, tally: DocumentTally) -> None:
        """Scan a document once more, as one unit."""
        tally.begin_anew()
        if tally.document.recipe is None:
            raise AssertionError("a document in pieces has a recipe")
        job = _Whole(Unit(tally.document.recipe), tally.document)
        self._steps.appendleft(job)
        self._free.appendleft(job)
        self._free_bytes += job.size

    def _add(self, job: Job, tally: DocumentTally) -> None:
        part = job.part
        if not isinstance(part, Part):
            raise AssertionError("a part that is not there yet")
        self._note_read(job, part)
        tally.add(part)
        if not tally.is_entangled:
            if part.names is not NO_NAMES:
                self.names += part.names
            if part.known:
                self._scanner.note_known(part.known)


    def _note_read(self, job: Job, part: Part | Quiet) -> None:
        """The content of the job has been read."""
        job.document.content = None
        if job.unit is not None and job.unit.piece is None:
            job.document.encoding, job.document.digest = part.encoding, part.digest
        if self._progress and part.read > job.told:
            self._progress(job.document.name, part.read - job.told)


def _is_stepwise(job: Job) -> bool:
    return job.unit is None or job.size < _SMALL or job.document.format in _STEPWISE


def _unread(skipped: Skipped) -> Tally:
    return Tally(inputs=[Input(skipped.dataset, 0, "skipped", str(skipped.reason))], skipped=[skipped])

"""Where findings go as they are made, when somebody wants all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from guard.errors import UsageError
from guard.model import Finding


class Sink(Protocol):
    """Takes findings one by one, and gives those of the current document back when it turns out to be secret."""

    def write(self, finding: Finding) -> None:
        """Take one finding."""
        ...

    def keep(self) -> None:
        """The document has been read: what was written stays."""
        ...

    def withdraw(self) -> None:
        """Forget everything since the last `keep`: a state-secret mark stands in the document."""
        ...


class FindingList:
    """A sink in memory: `findings` are those of the documents read so far. More than `limit` are a UsageError."""

    def __init__(self, *, limit: int | None = None) -> None:
        self.findings: list[Finding] = []
        self._kept = 0
        self._limit = limit

    def write(self, finding: Finding) -> None:
        if len(self.findings) == self._limit:
            raise UsageError(f"more than {self._limit} findings", hint="narrow what is scanned")
        self.findings.append(finding)

    def keep(self) -> None:
        self._kept = len(self.findings)

    def withdraw(self) -> None:
        del self.findings[self._kept :]


class Sinks:
    """Several sinks as one."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)

    def write(self, finding: Finding) -> None:
        for sink in self._sinks:
            sink.write(finding)

    def keep(self) -> None:
        for sink in self._sinks:
            sink.keep()

    def withdraw(self) -> None:
        for sink in self._sinks:
            sink.withdraw()

"""Every error that Guard raises on purpose.

    GuardError                  exit 4 unless a subclass says otherwise
    ├── UsageError              exit 2: an argument, option or path that cannot be used
    ├── ContentError            exit 2: a pack, policy, template or baseline that is not valid
    ├── KeyringError            exit 2: a keyring that cannot be opened, or is needed and missing
    │   └── UnwrittenError      exit 4: a keyring, key file or audit log could not be written
    ├── SourceError             exit 3: an input that could not be read to its end
    ├── ReleaseError            exit 1: the policy or a check of the output says no, nothing was released
    │   └── IncompleteError     exit 3: something was not read, so nothing was released
    ├── BlockedError            exit 1: `mask` met a value whose action is block
    ├── OutputError             exit 4: a result could not be written
    └── InternalError           exit 4: a bug of Guard, met in another process

A message is one lower-case line without a full stop and without any scanned value; the hint says what to do.
"""

from __future__ import annotations

import errno
from typing import Any


class GuardError(Exception):
    """Base of all errors of Guard. `exit_code` is what the command line ends with."""

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(GuardError):
    """An argument, option or path cannot be used."""

    exit_code = 2


class ContentError(GuardError):
    """A pack, policy, template or baseline is not valid. `place` is `file:line:column`."""

    exit_code = 2

    def __init__(self, message: str, *, place: str = "", hint: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.place = place


class KeyringError(GuardError):
    """A keyring cannot be created or opened, or an operation needs one and none was given."""

    exit_code = 2


class UnwrittenError(KeyringError):
    """A keyring, key file or audit log could not be written (disk full, permission)."""

    exit_code = 4


class SourceError(GuardError):
    """An input could not be read to its end. `reason` is one of `guard.model.Reason`."""

    exit_code = 3

    def __init__(self, message: str, *, reason: str = "unreadable", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class ReleaseError(GuardError):
    """The policy or a check of the output says no; nothing was released. `report` is the Report that says why."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", report: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class IncompleteError(ReleaseError):
    """Something was not read, timed out, or nothing was there to read; nothing was released."""

    exit_code = 3


class BlockedError(GuardError):
    """`mask(on_block="raise")` met a value whose action is block."""

    exit_code = 1


class OutputError(GuardError):
    """A result could not be written (disk full, permission)."""

    exit_code = 4

    @classmethod
    def of(cls, error: OSError, what: str = "the output") -> OutputError:
        """The error for a failed write of `what`, without the path that the system names."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return cls("no space left on the device", hint="free some space and run again")
        return cls(f"{what} cannot be written ({error.strerror or type(error).__name__})")


class InternalError(GuardError):
    """A bug of Guard that another process of the scan met. `origin` is `origin_of` the exception there."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"internal error: {origin}", hint="please report this line as a bug of Guard")
        self.origin = origin

    def __reduce__(self) -> tuple[type[InternalError], tuple[str]]:
        return InternalError, (self.origin,)


def origin_of(error: BaseException) -> str:
    """Type and module:line of an exception; never its text, which may hold a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"

"""Standard streams whose reader may go away."""

from __future__ import annotations

import io
import os
import sys


class Outlet(io.FileIO):
    """A standard stream that takes everything. A reader that went away is no error: what is written then is lost, and
    the exit code stays what it is. `failure` says why anything else could not be written (a full disk)."""

    failure = ""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            pass
        except OSError as error:
            self.failure = error.strerror or type(error).__name__
        return memoryview(data).nbytes  # type: ignore[arg-type]


def open_outlets() -> Outlet:
    """Put outlets in the place of stdout and stderr; returns that of stdout."""
    outlets = [Outlet(os.devnull if stream is None else stream.fileno(), "w", closefd=stream is None)
               for stream in (sys.stdout, sys.stderr)]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(outlet), "utf-8" if stream is None else stream.encoding, "backslashreplace",
                         line_buffering=outlet.isatty() or stream is sys.stderr)
        for outlet, stream in zip(outlets, (sys.stdout, sys.stderr), strict=True))
    return outlets[0]

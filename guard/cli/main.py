"""The command `guard`: one verb, one library function. Errors become one line, a hint and the right exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from guard.cli.outlets import open_outlets
from guard.errors import GuardError, origin_of

INTERNAL, USAGE, INTERRUPTED = 4, 2, 130
FINISHED = (0, 1, 3)
"""Exit codes of verbs that came to their end."""
COLLECTED_AFTER = 500_000
"""Objects made, and not freed when nobody knows them any more, until circles of such are looked for."""


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # As it is imported, NumPy's linear algebra starts a thread for each core: as dear as all else of a small scan, and
    # of no use, for nothing here multiplies large matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's own allocator keeps what was given back: 20 to 50 MB, and a third of a second for a large Parquet file.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Next to nothing of a scan refers to itself in circles: to look for that after every 700 objects is a tenth of it.
    gc.set_threshold(COLLECTED_AFTER)
    outlet = open_outlets()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    code = run(sys.argv[1:])
    sys.stdout.flush()
    if outlet.failure:
        _say(f"error: the output could not be written ({outlet.failure})")
        code = INTERNAL
    sys.stderr.flush()
    if code in FINISHED and sys.gettrace() is None and sys.getprofile() is None:
        # All that was to be closed is. To take a large process apart object by object would cost what its start does.
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """The exit code of one invocation; messages go to stderr."""
    try:
        return _invoked(arguments)
    except KeyboardInterrupt:
        _say("error: interrupted")
        return INTERRUPTED
    except GuardError as error:
        _say(f"error: {error.message}", f"hint: {error.hint}" if error.hint else "")
        return error.exit_code
    except BaseException as error:
        _say(f"error: internal error: {origin_of(error)}", "hint: please report this line as a bug of Guard")
        return INTERNAL


def _invoked(arguments: list[str]) -> int:
    # Imported here, behind what `main` sets for all that is imported.
    import click

    from guard.cli.verbs import NO_ARGUMENTS, cli

    try:
        # Not `cli.main`: that writes a line of its own at an interrupt.
        with cli.make_context("guard", arguments) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except NO_ARGUMENTS as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.ClickException as error:
        return _usage(error.format_message())
    return result if isinstance(result, int) else 0


def _usage(message: str) -> int:
    message = " ".join(message.split())  # click sets choices one below the other
    _say(f"error: {message[:1].lower()}{message[1:].rstrip('.')}", "hint: guard --help lists verbs and options")
    return USAGE


def _say(*lines: str) -> None:
    import click

    from guard.render.escape import shown

    for line in filter(None, lines):
        click.echo(shown(line), err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

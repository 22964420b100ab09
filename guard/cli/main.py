"""The command `guard`: one verb, one library function. Errors become one line, a hint and the right exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from guard._version import __version__
from guard.cli.outlets import open_outlets
from guard.errors import GuardError, origin_of

INTERNAL, USAGE, INTERRUPTED = 4, 2, 130
_NO_ARGUMENTS: tuple[type[click.ClickException], ...] = tuple(filter(None, [
    getattr(click.exceptions, "NoArgsIsHelpError", None)]))
"""What click from 8.2 on raises in place of showing the help where a verb is to follow."""
FINISHED = (0, 1, 3)
"""Exit codes of verbs that came to their end."""
COLLECTED_AFTER = 100_000
"""Objects made, and not freed when nobody knows them any more, until circles of such are looked for."""

EPILOG = """\b
Exit codes, the same for every format:
  0  pass
  1  the policy is violated, or a review is pending (scan: only with --fail-on)
  2  usage, configuration or policy is invalid
  3  incomplete: something was not read (--allow-incomplete accepts it)
  4  internal error, or the output could not be written
130  interrupted"""


VERBS = {
    "scan": ("guard.cli.data:scan_command", "Find what is in a file, a folder, stdin (-) or a git repository."),
    "check": ("guard.cli.data:check_command", "Say whether a file or folder may be released; write no data."),
    "release": ("guard.cli.data:release_command",
                "Protect a file or folder, check the result and put it at DIR, or leave nothing there."),
    "verify": ("guard.cli.data:verify_command", "Name every file of a release that differs, is missing or is not "
               "listed."),
    "report": ("guard.cli.data:report_command", "Show a stored JSON report (RUN) in another form."),
    "mask": ("guard.cli.tools:mask_command",
             "Give a small text or JSON value (file or stdin) back with nothing in it that may not leave."),
    "protect": ("guard.cli.protect:protect_command",
                "Protect the fields of one table, by a plan or a policy, into a new file."),
    "reveal": ("guard.cli.protect:reveal_command",
               "Turn protected values back: with the key, a reason, and an entry in the audit log."),
    "audit": ("guard.cli.protect:audit_group", "The audit log of what was protected and revealed."),
    "keys": ("guard.cli.keys:keys_group", "Keyrings: make, rotate, retire, destroy and look at their keys."),
    "policy": ("guard.cli.tools:policy_group", "Policies: list, show, test."),
    "detectors": ("guard.cli.tools:detectors_group", "Detectors: list, test, explain."),
    "demo": ("guard.cli.tools:demo_command", "Write a small office's files with synthetic people to FOLDER, to try "
             "Guard on."),
}
"""The verbs in the order of their use: where each is defined, and its line in the help.

The line repeats the first of the verb's own help (a test compares them), so that `guard --help` imports no verb.
"""


class Verbs(click.Group):
    """Imports a verb when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=Verbs, epilog=EPILOG,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="guard")
def cli() -> None:
    """Decide what may leave: find personal and secret information, enforce a policy, protect, check, report.

    Nothing here opens a network connection, and no raw value is ever printed but by reveal.
    """


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
        # Not `cli.main`: that writes a line of its own at an interrupt.
        with cli.make_context("guard", arguments) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        _say("error: interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        return _usage(error)
    except GuardError as error:
        _say(f"error: {error.message}", f"hint: {error.hint}" if error.hint else "")
        return error.exit_code
    except BaseException as error:
        _say(f"error: internal error: {origin_of(error)}", "hint: please report this line as a bug of Guard")
        return INTERNAL
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException) -> int:
    if isinstance(error, _NO_ARGUMENTS):
        click.echo(error.format_message(), err=True)
        return USAGE
    message = error.format_message()
    _say(f"error: {message[:1].lower()}{message[1:].rstrip('.')}", "hint: guard --help lists verbs and options")
    return USAGE


def _say(*lines: str) -> None:
    from guard.render.escape import shown

    for line in filter(None, lines):
        click.echo(shown(line), err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

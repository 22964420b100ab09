"""The command `guard`: one verb, one library function. Errors become one line, a hint and the right exit code."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from guard._version import __version__
from guard.cli.data import check_command, release_command, report_command, scan_command, verify_command
from guard.cli.output import open_outlets
from guard.cli.tools import demo_command, detectors_group, keys_group, mask_command, policy_group
from guard.errors import GuardError

INTERNAL, USAGE, INTERRUPTED = 4, 2, 130

EPILOG = """\b
Exit codes, the same for every format:
  0  pass
  1  the policy is violated, or a review is pending (scan: only with --fail-on)
  2  usage, configuration or policy is invalid
  3  incomplete: something was not read (--allow-incomplete accepts it)
  4  internal error, or the output could not be written
130  interrupted"""


class InOrder(click.Group):
    """Lists its commands in the order of their use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, epilog=EPILOG,
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="guard")
def cli() -> None:
    """Decide what may leave: find personal and secret information, enforce a policy, protect, check, report.

    Nothing here opens a network connection, and no raw value is ever printed.
    """


for command in (scan_command, check_command, release_command, verify_command, report_command, mask_command,
                keys_group, policy_group, detectors_group, demo_command):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    outlet = open_outlets()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    code = run(sys.argv[1:])
    sys.stdout.flush()
    if outlet.failure:
        _say(f"error: the output could not be written ({outlet.failure})")
        code = INTERNAL
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
        _say(f"error: internal error: {_origin(error)}", "hint: please report this line as a bug of Guard")
        return INTERNAL
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException) -> int:
    message = error.format_message()
    _say(f"error: {message[:1].lower()}{message[1:].rstrip('.')}", "hint: guard --help lists verbs and options")
    return USAGE


def _origin(error: BaseException) -> str:
    """Type and module:line of an error; never its text, which may hold a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


def _say(*lines: str) -> None:
    from guard.render.escape import shown

    for line in filter(None, lines):
        click.echo(shown(line), err=True)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

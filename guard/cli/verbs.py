"""The verbs of the command `guard`, each imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from guard._version import __version__

NO_ARGUMENTS: tuple[type[click.ClickException], ...] = tuple(filter(None, [
    getattr(click.exceptions, "NoArgsIsHelpError", None)]))
"""What click from 8.2 on raises in place of showing the help where a verb is to follow."""

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

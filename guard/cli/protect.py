"""The verbs protect, reveal and audit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guard.cli.options import apply, keeping, open_keyring, unlocking
from guard.cli.paths import FilePath, SourcePath
from guard.errors import UsageError
from guard.model import Audience

if TYPE_CHECKING:
    from guard.audit import AuditLog
    from guard.disclosure.protecting import Protection
    from guard.keys import Keyring

_LONGEST_VALUE = 1 << 20

keyed = apply(
    click.option("--keyring", type=click.Path(path_type=Path), metavar="FILE", help="The keyring with the keys."),
    unlocking,
    click.option("--audit-log", type=FilePath(), metavar="FILE",
                 help="The audit log (default: .audit.jsonl beside the keyring)."),
)


@click.command("protect")
@click.argument("source", type=SourcePath())
@click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help="What is done to each field.")
@click.option("--policy", metavar="NAME|FILE", help="Or a disclosure policy, which decides by what is found.")
@click.option("--audience", type=click.Choice([str(a) for a in Audience]), help="With --policy: who receives the data.")
@click.option("--out", "-o", required=True, type=FilePath(), metavar="FILE",
              help="The file to make (mode 0600); it must not exist.")
@keyed
@keeping
@click.option("--format", "format_", type=click.Choice(("terminal", "json")), default="terminal", show_default=True,
              help="Form of the answer.")
def protect_command(source: Path, plan: Path | None, policy: str | None, audience: str | None, out: Path,
                    keyring: Path | None, passphrase_file: Path | None, key_file: Path | None,
                    audit_log: Path | None, vault: Path | None, format_: str) -> int:
    """Protect the fields of one table, by a plan or a policy, into a new file."""
    from guard.disclosure.protecting import protect_by_policy, protect_file

    if (plan is None) == (policy is None) or (policy is None) != (audience is None):
        raise UsageError("say what is done: --plan FILE, or --policy NAME with --audience NAME")
    keys = None if keyring is None else open_keyring(keyring, passphrase_file, key_file)
    if plan is not None:
        log = None if keys is None or keyring is None else _log(keyring, keys, audit_log)
        _say(protect_file(source, plan=plan, out=out, keyring=keys, log=log, vault=vault), format_)
        return 0
    report = protect_by_policy(source, policy=str(policy), audience=str(audience), out=out, keyring=keys, vault=vault)
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if format_ == "json" else
               f"protected for {audience}: {len(report.decisions)} decisions, {len(report.checks)} checks passed")
    return 0


@click.command("reveal")
@click.argument("source", type=SourcePath(is_stream=True))
@click.option("--field", "fields", multiple=True, required=True, metavar="NAME",
              help="The field to reveal (repeatable for a file).")
@click.option("--reason", default="", help="Why; it is noted in the audit log.")
@click.option("--out", "-o", type=FilePath(), metavar="FILE",
              help="The file to make (mode 0600); it must not exist. Without one for a single value on stdin (-).")
@click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help="The plan it was protected by.")
@click.option("--dataset", default="", metavar="NAME",
              help="The data set that randomised values are bound to (default: the name of the file).")
@click.option("--domain", default="", metavar="NAME", help="The link domain that deterministic values are bound to.")
@click.option("--name", default="", metavar="NAME", help="The name of the field when it was protected, if another.")
@click.option("--record", default="", metavar="FIELD", help="The field with the record keys that values are bound to.")
@click.option("--record-key", default="", metavar="KEY", help="For a single value: the key of its record.")
@click.option("--key", default="", metavar="KEY",
              help="With --plan: the key of pseudonyms of a form, if the keyring has several; the audit log names it.")
@click.option("--evidence", type=click.Path(path_type=Path), metavar="DIR",
              help="With --plan: the evidence folder of the release that pseudonyms of a form are from.")
@click.option("--inside", is_flag=True, help="Reveal what stands inside of longer cells and texts.")
@keyed
@keeping
def reveal_command(source: Path, fields: tuple[str, ...], reason: str, out: Path | None, plan: Path | None,
                   record_key: str, key: str, evidence: Path | None, inside: bool, keyring: Path | None,
                   passphrase_file: Path | None, key_file: Path | None, audit_log: Path | None, vault: Path | None,
                   **names: str) -> int:
    """Turn protected values back: with the key, a reason, and an entry in the audit log."""
    from guard.disclosure.revealing import Binding, Permission, reveal_file, reveal_value

    if keyring is None:
        raise UsageError("to reveal takes a keyring", hint="--keyring FILE")
    keys = open_keyring(keyring, passphrase_file, key_file)
    permission, bound = Permission(keys, _log(keyring, keys, audit_log), reason), Binding(**names)
    if str(source) == "-":
        if len(fields) != 1 or out is not None or plan is not None or evidence is not None or inside:
            raise UsageError("a value on stdin takes one --field, and no --out, --plan, --evidence or --inside",
                             hint="a pseudonym is revealed in its file")
        click.echo(reveal_value(_value(), permission=permission, field=fields[0], binding=bound, record_key=record_key,
                                vault=vault))
        return 0
    if out is None or record_key:
        raise UsageError("a file takes --out FILE, and no --record-key")
    if (key or evidence) and plan is None:
        raise UsageError("--key and --evidence go with --plan", hint="what is encrypted names its key itself")
    count = reveal_file(source, fields, permission=permission, out=out, binding=bound, plan=plan, key_id=key,
                        inside=inside, evidence=evidence, vault=vault)
    click.echo(f"{_counted(count, 'value')} revealed; the audit log says who, what and why")
    return 0


@click.group("audit")
def audit_group() -> None:
    """The audit log of what was protected and revealed."""


@audit_group.command("verify")
@click.argument("keyring", type=click.Path(path_type=Path))
@unlocking
@click.option("--audit-log", type=FilePath(), metavar="FILE",
              help="The audit log (default: .audit.jsonl beside the keyring).")
@click.option("--expect", metavar="HEAD", help="A head that an earlier run printed and that was noted elsewhere.")
def audit_verify(keyring: Path, passphrase_file: Path | None, key_file: Path | None, audit_log: Path | None,
                 expect: str | None) -> int:
    """Say whether the audit log of KEYRING is whole and unchanged, and where it ends; exit 1 when it is not."""
    from guard.audit import Head

    log = _log(keyring, open_keyring(keyring, passphrase_file, key_file), audit_log)
    found = log.verify(None if expect is None else Head.parse(expect))
    click.echo(f"{'intact' if found.intact else 'not intact'}: {_counted(found.head.entries, 'entry', 'entries')}"
               + (f"; {found.problem}" if found.problem else ""))
    if found.intact:
        click.echo(f"head {found.head}")
    return 0 if found.intact else 1


def _log(path: Path, keyring: Keyring, audit_log: Path | None) -> AuditLog:
    from guard.audit import AuditLog

    return AuditLog(audit_log or AuditLog.beside(path), keyring)


def _value() -> str:
    """One value from stdin, without the end of its line."""
    data = sys.stdin.buffer.read(_LONGEST_VALUE + 1)
    try:
        value = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        value = ""
    if not value or len(data) > _LONGEST_VALUE:
        raise UsageError("there is no encrypted value on stdin", hint="give one value, in one line")
    return value


def _say(done: Protection, format_: str) -> None:
    from guard.render.escape import shown

    if format_ == "json":
        click.echo(json.dumps(done.as_json(), ensure_ascii=False))
        return
    for field in done.fields:
        more: list[Any] = [field.mode, f"bound to {', '.join(field.bound_to)}"] if field.mode else []
        more += ["reversible with the key"] if field.reversible and field.action != "allow" else []
        click.echo("; ".join([f"{shown(field.field)}: {field.action}, {_counted(field.values, 'value')}", *more]))
    for warning in done.warnings:
        click.echo(f"warning: {shown(warning)}")
    key = f", key {done.key_id}" if done.key_id else ""
    click.echo(f"{_counted(done.rows, 'record')} protected as {shown(done.dataset)}{key}")


def _counted(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"

"""The verb keys: keyrings and the life of their keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from guard.cli.options import chosen_key_file, open_keyring, passphrase, unlocking
from guard.cli.paths import FilePath
from guard.errors import UsageError

if TYPE_CHECKING:
    from guard.audit import AuditLog

_KEYRING = click.argument("path", type=FilePath())


@click.group("keys")
def keys_group() -> None:
    """Keyrings: make, rotate, retire, destroy and look at their keys."""


@keys_group.command("init")
@_KEYRING
@click.option("--suite", type=click.Choice(("standard", "domestic")), default="standard", show_default=True,
              help="Algorithms: standard (AES-256, SHA-256) or domestic (SM4, SM3).")
@unlocking
@click.option("--key-variable", metavar="NAME",
              help="The keyring's key is in this variable of the environment, as 64 hexadecimal digits.")
def keys_init(path: Path, suite: str, passphrase_file: Path | None, key_file: Path | None,
              key_variable: str | None) -> int:
    """Make a new keyring with one active key at PATH; without a passphrase, a key file of mode 0600 beside it."""
    from guard.keys import Keyring

    # An ambient passphrase or key file does not stand against what is said here.
    phrase = passphrase(passphrase_file) if passphrase_file or not (key_file or key_variable) else None
    chosen = key_file or (None if phrase or key_variable else chosen_key_file(None))
    keyring = Keyring.create(path, phrase, chosen, key_variable=key_variable, suite=suite)
    click.echo(f"keyring made, active key {keyring.key_id}")
    return 0


@keys_group.command("list")
@_KEYRING
@unlocking
def keys_list(path: Path, passphrase_file: Path | None, key_file: Path | None) -> int:
    """List the keys of the keyring at PATH: id, status, and when each was made, retired and destroyed."""
    for record in open_keyring(path, passphrase_file, key_file).keys:
        click.echo("\t".join((record.id, record.status, record.created, record.retired or "-",
                              record.destroyed or "-")))
    return 0


@keys_group.command("rotate")
@_KEYRING
@unlocking
def keys_rotate(path: Path, passphrase_file: Path | None, key_file: Path | None) -> int:
    """Make a new active key; the one before is retired and still reveals what it protected."""
    keyring = open_keyring(path, passphrase_file, key_file)
    before, made = keyring.key_id, keyring.rotate()
    click.echo(f"active key {made}" + (f", retired {before}" if before else "")
               + "; pseudonyms and deterministic values made from now on do not join with earlier ones, and baselines "
                 "have to be made anew")
    return 0


@keys_group.command("retire")
@_KEYRING
@click.argument("key")
@unlocking
def keys_retire(path: Path, key: str, passphrase_file: Path | None, key_file: Path | None) -> int:
    """Protect nothing more with the active KEY; it still reveals. New values need a rotation then."""
    open_keyring(path, passphrase_file, key_file).retire(key)
    click.echo(f"retired {key}; the keyring has no active key until guard keys rotate")
    return 0


@keys_group.command("destroy")
@_KEYRING
@click.argument("key")
@click.option("--yes", is_flag=True, help="Really: what the key protected is lost, and nothing brings it back.")
@unlocking
def keys_destroy(path: Path, key: str, yes: bool, passphrase_file: Path | None, key_file: Path | None) -> int:
    """Destroy a retired KEY, and with it everything that it protected (crypto-shredding)."""
    from guard.audit import AuditLog

    keyring = open_keyring(path, passphrase_file, key_file)
    log = AuditLog(AuditLog.beside(path), keyring)
    keyring.check_destroyable(key)
    for line in _unreadable(log, key):
        click.echo(line)
    if not yes:
        raise UsageError("nothing was destroyed", hint="run it again with --yes to destroy the key")
    log.append("destroy", {"key": key})
    keyring.destroy_key(key)
    click.echo(f"destroyed {key}; copies of the keyring, backups included, still hold it: destroy these as well")
    return 0


@keys_group.command("inspect")
@_KEYRING
@unlocking
def keys_inspect(path: Path, passphrase_file: Path | None, key_file: Path | None) -> int:
    """Open the keyring at PATH and name its active key, its suite and how many keys it has."""
    keyring = open_keyring(path, passphrase_file, key_file)
    counts = {status: sum(record.status == status for record in keyring.keys)
              for status in ("active", "retired", "destroyed")}
    click.echo(f"active key {keyring.key_id or '-'}")
    click.echo(f"suite {keyring.suite}, opened by {keyring.lock}, keys: "
               + ", ".join(f"{count} {status}" for status, count in counts.items()))
    return 0


def _unreadable(log: AuditLog, key: str) -> list[str]:
    """What is lost with a key: everything that names it, and what the audit log knows of that."""
    from guard.render.escape import shown

    lost = [f"unreadable without {key}: every value that begins with g1:{key}:, and every reversible pseudonym made "
            "under it; tokens made under it cannot be made again"]
    if log.path.exists():
        for entry in log.entries():
            if entry.get("event") == "protect" and entry.get("key") == key:
                lost.append(f"  {shown(str(entry.get('dataset')))}: {shown(', '.join(entry.get('fields', {})))}: "
                            f"{entry.get('rows')} records, protected {shown(str(entry.get('time')))}")
    return lost

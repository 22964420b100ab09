"""The other verbs: mask, policy, detectors, demo."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guard.cli.explain import explain_command
from guard.cli.options import open_keyring
from guard.cli.paths import FilePath, SourcePath
from guard.errors import UsageError
from guard.model import Audience

if TYPE_CHECKING:
    from guard.policy.document import DatasetRule, Rule


@click.command("mask")
@click.argument("source", type=SourcePath(is_stream=True), default="-")
@click.option("--policy", required=True, metavar="NAME|FILE", help="The disclosure policy.")
@click.option("--audience", required=True, type=click.Choice([str(a) for a in Audience]), help="Who receives it.")
@click.option("--json", "as_json", is_flag=True, help="The input is one JSON value; its keys count as headers.")
@click.option("--keyring", type=click.Path(path_type=Path), metavar="FILE", help="Keyring for pseudonyms.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE",
              help="File with the passphrase of the keyring (default: GUARD_PASSPHRASE).")
def mask_command(source: Path, policy: str, audience: str, as_json: bool, keyring: Path | None,
                 passphrase_file: Path | None) -> int:
    """Give a small text or JSON value (file or stdin) back with nothing in it that may not leave."""
    from guard.disclosure.payload import mask

    keys = None if keyring is None else open_keyring(keyring, passphrase_file)
    value = _payload(_input(source), as_json)
    masked = mask(value, policy=policy, audience=audience, keyring=keys)
    click.echo(json.dumps(masked, ensure_ascii=False) if as_json else masked, nl=as_json)
    return 0


def _input(source: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()
    except OSError as error:
        raise UsageError(f"the input cannot be read ({error.strerror})") from None


def _payload(data: bytes, as_json: bool) -> Any:
    try:
        return json.loads(data) if as_json else data.decode("utf-8")
    except (ValueError, RecursionError):
        raise UsageError("the input is not valid " + ("JSON" if as_json else "UTF-8")) from None


@click.group("policy")
def policy_group() -> None:
    """Policies: list, show, test."""


@policy_group.command("list")
def policy_list() -> int:
    """List the shipped policies."""
    from guard import content

    for path in content.files("policies"):
        if path.stem != "references":
            click.echo(path.stem)
    return 0


@policy_group.command("show")
@click.argument("name")
@click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True, help="Language of titles.")
def policy_show(name: str, lang: str) -> int:
    """Show the rules of a policy, inherited ones included."""
    from guard.policy import Policy

    policy = Policy.load(name)
    click.echo(f"{policy.id} {policy.version}  {policy.title.zh if lang == 'zh' else policy.title.en}\n{policy.digest}")
    rules: list[Rule | DatasetRule] = [*policy.rules, *policy.datasets]
    for rule in rules:
        click.echo(f"\n{rule.id}  {rule.title.zh if lang == 'zh' else rule.title.en}")
        click.echo(f"  match: {_plain(rule.match)}")
        click.echo(f"  action: {_plain(rule.action)}")
        click.echo(f"  basis: {', '.join(rule.basis) or '-'}")
    return 0


def _plain(value: Any) -> str:
    """A part of a policy in one line, as it would stand in the file."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(value, ensure_ascii=False, default=str)


@policy_group.command("test")
@click.argument("name")
def policy_test(name: str) -> int:
    """Run the tests that a policy carries; exit 1 when one fails."""
    from guard.policy import Policy

    results = Policy.load(name).test()
    for result in results:
        click.echo(f"pass  {result.name}" if result.passed else f"FAIL  {result.name}: expected {result.expected}, "
                   f"got {result.actual}")
    failed = sum(not result.passed for result in results)
    click.echo(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


@click.group("detectors")
def detectors_group() -> None:
    """Detectors: list, test, explain."""


detectors_group.add_command(explain_command)


@detectors_group.command("list")
@click.option("--packs", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="These packs instead.")
@click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True, help="Language of titles.")
def detectors_list(packs: tuple[Path, ...], lang: str) -> int:
    """List detectors with class and title."""
    from guard.detect import load

    for detector in load(packs or None):
        click.echo(f"{detector.id}\t{detector.data_class}\t{detector.title.zh if lang == 'zh' else detector.title.en}")
    return 0


@detectors_group.command("test")
@click.argument("packs", type=click.Path(path_type=Path), nargs=-1)
def detectors_test(packs: tuple[Path, ...]) -> int:
    """Run the inline examples of packs (default: the shipped ones); exit 1 when one fails."""
    from guard.detect import Matcher, load
    from guard.detect.examples import failures

    detectors = load(packs or None)
    failed = failures(detectors, Matcher(detectors))
    for failure in failed:
        click.echo(f"FAIL  {failure.detector}: {failure.kind} example {failure.number}")
    click.echo(f"{len(detectors)} detectors, {len(failed)} examples failed")
    return 1 if failed else 0


@click.command("demo")
@click.argument("folder", type=FilePath())
@click.option("--seed", type=int, default=2026, show_default=True, help="Seed of the synthetic people.")
def demo_command(folder: Path, seed: int) -> int:
    """Write a small office's files with synthetic people to FOLDER, to try Guard on."""
    from guard.demo import write_demo

    if folder.exists():
        raise UsageError("the folder exists already", hint="name a folder that does not exist yet")
    write_demo(folder, seed)
    click.echo(f"synthetic files written; try: guard release {folder}/open --policy cn-open-data --audience public "
               "--out released")
    return 0

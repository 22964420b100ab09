"""Options that several verbs share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from guard.cache import is_refused
from guard.cli.paths import FilePath
from guard.errors import UsageError
from guard.model import Audience

if TYPE_CHECKING:
    from guard.keys import Keyring
    from guard.nlp import EntityModel
    from guard.policy import Baseline
    from guard.scanner import Scanner
    from guard.sources import Options

F = TypeVar("F", bound=Callable[..., Any])

READERS = ("csv", "tsv", "json", "jsonl", "text", "parquet", "xlsx")
FORMATS = ("terminal", "json", "sarif", "html", "markdown", "csv")
_REFUSED = ("note: the cache directory is not its owner's alone, so nothing is kept there and every large scan "
            "compiles anew (chmod 700 it, or name another by GUARD_CACHE_DIR)")


def apply(*options: Callable[[F], F]) -> Callable[[F], F]:
    """One decorator from several options, shown in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


reading = apply(
    click.option("--as", "as_format", type=click.Choice(READERS), default=None, help="Force this reader."),
    click.option("--encoding", default="", metavar="CODEC", help="Force this encoding (default: recognised)."),
    click.option("--max-document", type=click.IntRange(1), default=256_000_000, show_default=True, metavar="BYTES",
                 help="Largest JSON document, xlsx file or nested archive that is read."),
    click.option("--packs", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
                 help="Use these detector packs instead of the shipped ones (repeatable)."),
    click.option("--rules", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
                 help="Run also the rules of this TOML file, as gitleaks has them (repeatable)."),
    click.option("--skip-refused-rules", is_flag=True,
                 help="Go on without the rules of --rules that cannot be run; the report names them."),
    click.option("--country", "countries", multiple=True, metavar="CODE",
                 help="Also find what identifies people there: ISO 3166 codes such as de, or all (repeatable; needs "
                      "presidio-analyzer)."),
    click.option("--ner", "languages", multiple=True, type=click.Choice(("zh", "en")),
                 help="Also look for names in free text with a model of this language (repeatable; needs the extra "
                      "nlp)."),
    click.option("--no-cache", is_flag=True,
                 help="Take no rules and no machine code from the user's cache, and keep none."),
    click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE",
                 help="Known false positives, left out and counted (needs --keyring)."),
    click.option("--keyring", type=click.Path(path_type=Path), metavar="FILE",
                 help="The project's keyring, for stable fingerprints and pseudonyms."),
    click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE",
                 help="File with the passphrase of the keyring (default: GUARD_PASSPHRASE)."),
    click.option("--workers", type=click.IntRange(1), default=None, metavar="N",
                 help="Processes that scan at the same time (default: one for each core); small inputs need one."),
    click.option("--allow-incomplete", is_flag=True, help="Accept that something could not be read."),
)

reporting = apply(
    click.option("--format", "format_", type=click.Choice(FORMATS), default="terminal", show_default=True,
                 help="Form of the report."),
    click.option("--output", "-o", type=click.Path(path_type=Path), default=None, metavar="FILE",
                 help="Write the report to this file (mode 0600) instead of stdout (-)."),
    click.option("--findings", type=click.Path(path_type=Path), default=None, metavar="FILE",
                 help="Stream every finding to this file as JSON Lines (mode 0600, previews only); with - to stdout, "
                      "and the report to stderr."),
    click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True,
                 help="Language of the report."),
    click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
                 help="Colour on the terminal; NO_COLOR is honoured."),
)

deciding = apply(
    click.option("--policy", required=True, metavar="NAME|FILE", help="The disclosure policy."),
    click.option("--audience", required=True, type=click.Choice([str(a) for a in Audience]),
                 help="Who receives the data."),
    click.option("--exceptions", type=click.Path(path_type=Path), default=None, metavar="FILE",
                 help="Approved exceptions to the policy."),
)


class Reading(NamedTuple):
    """The reading options of one invocation."""

    as_format: str | None
    encoding: str
    max_document: int
    packs: tuple[Path, ...]
    countries: tuple[str, ...]
    rules: tuple[Path, ...]
    skip_refused_rules: bool
    languages: tuple[str, ...]
    no_cache: bool
    baseline: Path | None
    keyring: Path | None
    passphrase_file: Path | None
    workers: int | None
    allow_incomplete: bool

    @classmethod
    def take(cls, options: dict[str, Any]) -> Reading:
        """Take the reading options out of `options`."""
        return cls(**{name: options.pop(name) for name in cls._fields})

    def sources(self) -> Options:
        """These options as the sources take them."""
        from guard.sources import Options

        return Options(as_format=self.as_format or "", encoding=self.encoding, max_document=self.max_document)

    def processes(self) -> int:
        """How many processes may scan."""
        from guard.scanner import usable_cores

        return self.workers or usable_cores()

    def open_keyring(self) -> Keyring | None:
        """The keyring named by the options, or None."""
        if self.keyring is None:
            return None
        return open_keyring(self.keyring, self.passphrase_file)

    def fingerprint_key(self) -> bytes | None:
        """The key of the project's fingerprints, or None without a keyring."""
        keyring = self.open_keyring()
        return None if keyring is None else keyring.derive("fingerprint", "", "project")

    def scanner(self, min_confidence: float = 0.3) -> Scanner:
        """The scanner that these options describe."""
        from guard import compiled
        from guard.cli.memory import keep_freed
        from guard.scanner import Scanner

        compiled.at_first_use(keep_freed)
        if self.no_cache:
            # Machine code lies there too, and is loaded by this process and its workers.
            os.environ["GUARD_CACHE_DIR"] = os.devnull
        elif is_refused():
            click.echo(_REFUSED, err=True)
        key = self.fingerprint_key()
        return Scanner(packs=self.packs or None, countries=self.countries, rules=self.rules,
                       skip_refused_rules=self.skip_refused_rules, min_confidence=min_confidence, fingerprint_key=key,
                       suppressor=self._known(key), models=self._models(), cache=not self.no_cache)

    def _models(self) -> Sequence[EntityModel]:
        if not self.languages:
            return ()
        from guard.nlp import named

        return named(self.languages)

    def _known(self, key: bytes | None) -> Baseline | None:
        if self.baseline is None:
            return None
        from guard.policy import Baseline

        if key is None:
            raise UsageError("--baseline needs --keyring", hint="its fingerprints are keyed with the project's key")
        return Baseline.load(self.baseline, key)


unlocking = apply(
    click.option("--passphrase-file", type=click.Path(path_type=Path), metavar="FILE",
                 help="File with the passphrase of the keyring (default: GUARD_PASSPHRASE)."),
    click.option("--key-file", type=FilePath(), metavar="FILE",
                 help="File with the keyring's key (default: GUARD_KEY_FILE, or .kek beside the keyring)."),
)


keeping = click.option("--vault", type=FilePath(), metavar="FILE",
                       help="The token vault, for tokens that are kept in one; protect and release make it.")


def open_keyring(path: Path, passphrase_file: Path | None, key_file: Path | None = None) -> Keyring:
    """The keyring at `path`, with what opens it from the options or the environment."""
    from guard.keys import Keyring

    # As for a new one: an ambient passphrase or key file does not stand against what is said here.
    phrase = passphrase(passphrase_file) if passphrase_file or not key_file else None
    return Keyring.open(path, passphrase=phrase, key_file=key_file if passphrase_file else chosen_key_file(key_file))


def chosen_key_file(path: Path | None) -> Path | None:
    """The key file of the options or the environment, if there is one."""
    named = os.environ.get("GUARD_KEY_FILE")
    return path or (Path(named) if named else None)


def passphrase(path: Path | None) -> str | None:
    """The passphrase from a file (its first line) or the environment, if there is one."""
    if path is None:
        return os.environ.get("GUARD_PASSPHRASE") or None
    try:
        return path.read_text("utf-8-sig").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise UsageError("the passphrase file cannot be read or is empty") from None

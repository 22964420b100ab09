"""What a file of rules says, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What is no finding after all: with one of these properties, or with one of each kind when it `needs_all`.

    `regexes` are searched in the `target` (secret, match, line), `stopwords` in the secret in any letter case, `paths`
    in the name of the dataset; `commits` are full ids.
    """

    regexes: tuple[str, ...] = ()
    target: str = "secret"
    stopwords: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    needs_all: bool = False


@dataclass(frozen=True, slots=True)
class Required:
    """A rule that must have a match in the same text, begun at most so many lines and columns away (None: anywhere)."""

    rule: str
    lines: int | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignRule:
    """One rule. The secret is group `group` of a match of `regex`, for 0 the first group that took any character.

    A text without any of the `keywords` (letter case ignored) is not searched, one whose dataset does not match `path`
    neither. A secret of `entropy` bits a character or less is none (0: any is one). A rule that is not `reported` is
    there for others that require it.
    """

    id: str
    title: str
    regex: str
    group: int = 0
    entropy: float = 0.0
    keywords: tuple[str, ...] = ()
    path: str = ""
    allowlists: tuple[Allowlist, ...] = ()
    required: tuple[Required, ...] = ()
    reported: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that is not run, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A file, with those that it extends. `allowlists` hold for all of its rules."""

    name: str
    rules: tuple[ForeignRule, ...]
    allowlists: tuple[Allowlist, ...] = ()
    refused: tuple[Refused, ...] = ()

"""What it takes to turn pseudonyms of a form back that walked past real values of their release.

A release notes in its evidence how many steps led to each such pseudonym. Without the note one step is undone, which
gives another pseudonym of the release where it was not the only one: that shows, and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from guard.batch import Column
from guard.disclosure.cells import slices
from guard.disclosure.manifest import write_text
from guard.errors import SourceError, UsageError
from guard.hashing import Hashes, hash64, new_key

NAME = "walks.json"
SCHEMA: Literal["guard.walks/v1"] = "guard.walks/v1"
_LARGEST = 256_000_000


@dataclass(frozen=True, slots=True)
class Walks:
    """The steps to pseudonyms, undressed, of one class, with the parameters of a policy that they were made by."""

    data_class: str
    domain: str
    template: str = ""
    keep: tuple[str, ...] | None = None
    steps: dict[str, int] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(data_class: str, params: Mapping[str, Any]) -> Walks:
        """None noted yet, for the parameters of a decision."""
        keep = params.get("keep")
        return Walks(data_class, str(params.get("domain") or ""), str(params.get("template") or ""),
                     None if keep is None else tuple(sorted(keep)))

    @property
    def identity(self) -> tuple[Any, ...]:
        """What two of one permutation have in common."""
        return self.data_class, self.domain, self.template, self.keep

    def as_json(self) -> dict[str, Any]:
        return {"class": self.data_class, "domain": self.domain, "template": self.template,
                "keep": None if self.keep is None else list(self.keep), "steps": self.steps}

    @staticmethod
    def parse(plain: Mapping[str, Any]) -> Walks:
        """The inverse of `as_json`. Raises KeyError, TypeError, ValueError for anything else."""
        keep = plain["keep"]
        steps = {str(value): int(count) for value, count in plain["steps"].items()}
        if any(count < 1 for count in steps.values()):
            raise ValueError
        return Walks(str(plain["class"]), str(plain["domain"]), str(plain["template"]),
                     None if keep is None else tuple(map(str, keep)), steps)


def write_walks(evidence: Path, key_id: str, walks: Sequence[Walks]) -> None:
    """Put the walks of a release into its evidence folder."""
    facts = {"schema": SCHEMA, "key_id": key_id, "walks": [one.as_json() for one in walks]}
    write_text(evidence / NAME, json.dumps(facts, ensure_ascii=False) + "\n")


def read_walks(evidence: Path, key_id: str) -> tuple[Walks, ...]:
    """The walks of the release with this evidence folder; none where it noted none.

    Raises UsageError where there is no evidence or it was made with another key than `key_id`, SourceError for a file
    of walks that is none.
    """
    if not (evidence / "report.json").is_file():
        raise UsageError("there is no evidence of a release", hint="name the folder evidence of the release")
    path = evidence / NAME
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError
        plain = json.loads(path.read_bytes())
        made_with, found = str(plain["key_id"]), tuple(map(Walks.parse, plain["walks"]))
        if plain["schema"] != SCHEMA:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SourceError(f"{NAME} of the evidence cannot be read", reason="corrupt") from None
    if made_with != key_id:
        raise UsageError("the release was made with another key", hint=f"--key {made_with}" if made_with.isalnum()
                         else "its evidence names it")
    return found


def steps_of(walks: Iterable[Walks], data_class: str, params: Mapping[str, Any]) -> dict[str, int]:
    """The steps of the pseudonyms that a decision made. Raises UsageError where the release had other parameters."""
    wanted = Walks.of(data_class, params)
    alike = [one for one in walks if (one.data_class, one.domain) == (wanted.data_class, wanted.domain)]
    chosen = [one for one in alike if one.identity == wanted.identity]
    if alike and not chosen:
        raise UsageError(f"the release kept something else of {data_class} than the plan says",
                         hint="the plan needs keep and template as the policy had them")
    return chosen[0].steps if chosen else {}


class Doubts:
    """Values that were revealed as if none had been walked past, and the pseudonyms that they were revealed from.

    One that is itself among the pseudonyms was perhaps walked past. 16 bytes a value are kept.
    """

    def __init__(self) -> None:
        self._key = new_key()
        self._pseudonyms: list[Hashes] = []
        self._revealed: list[Hashes] = []

    def note(self, column: Column, revealed: Any) -> None:
        """A column of pseudonyms, and what became of it."""
        before = hash64(column.data, column.starts, column.ends, self._key)
        after = hash64(*slices(revealed), self._key)
        # A token stays what it is.
        changed = before != after
        self._pseudonyms.append(before[changed])
        self._revealed.append(after[changed])

    def count(self) -> int:
        """How many values are in doubt."""
        if not self._revealed:
            return 0
        return int(np.isin(np.concatenate(self._revealed), np.concatenate(self._pseudonyms)).sum())

"""docs/policy.md says every key of the language, every action and every shipped policy; its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from policy_fields import HEAD

from guard.model import Action, Audience
from guard.policy import Policy, load_exceptions, schema, shipped

TEXT = (Path(__file__).parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def keys(part: Any) -> set[str]:
    """All property names of a JSON Schema."""
    if isinstance(part, dict):
        return set(part.get("properties", {})).union(*map(keys, part.values()))
    return set().union(*map(keys, part)) if isinstance(part, list) else set()


def words(part: Any) -> set[str]:
    """All words that a JSON Schema lets one choose from."""
    if isinstance(part, dict):
        return set(part.get("enum", ())).union(*map(words, part.values()))
    return set().union(*map(words, part)) if isinstance(part, list) else set()


@pytest.mark.parametrize("word", sorted({*keys(schema()), *words(schema()), *Action, *Audience, *shipped()}))
def test_every_key_and_word_of_the_language_is_there(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", TEXT)


def test_the_first_example_is_a_policy_that_passes_its_test(tmp_path: Path) -> None:
    path = tmp_path / "city.yml"
    path.write_text(EXAMPLES[0], encoding="utf-8")
    policy = Policy.load(path)
    assert policy.id == "city-open-data"
    assert [result.passed for result in policy.test()] == [True]


def test_the_dataset_example_is_the_rule_of_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(HEAD + EXAMPLES[1].replace("FLOOR-", "OWN-"), encoding="utf-8")
    own, floor = (Policy.load(name).datasets[-1].model_dump(exclude={"id"}) for name in (path, "floor"))
    assert {**own, "basis": ()} == {**floor, "basis": ()}


def test_the_exception_example_loads(tmp_path: Path) -> None:
    path = tmp_path / "exceptions.yml"
    path.write_text(EXAMPLES[2].replace("sha256:…", "sha256:" + "0" * 64), encoding="utf-8")
    assert [e.id for e in load_exceptions(path)] == ["EX-2026-014"]

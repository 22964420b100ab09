"""Reads a policy with all it extends, and refuses what is not sound: unknown names, cycles, loosening."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from guard.content import files, read_yaml, root
from guard.errors import ContentError, UsageError
from guard.model import Action, Audience
from guard.plain_yaml import Document
from guard.policy.document import DatasetRule, Kind, PolicyDocument, Rule, action_for
from guard.policy.references import REFERENCES, references
from guard.policy.rulebook import Evidence, Rulebook
from guard.policy.strictness import rank
from guard.taxonomy import taxonomy

FLOOR = "floor"
"""The policy that every other one extends without saying so."""
_BUILTIN = "builtin:"


@dataclass(frozen=True, slots=True)
class Source:
    """One policy file as read."""

    path: Path
    document: Document
    policy: PolicyDocument


def shipped() -> tuple[str, ...]:
    """The names of the shipped policies."""
    return tuple(path.stem for path in files("policies") if path.name != REFERENCES)


def read_chain(name_or_path: str | Path) -> tuple[Source, ...]:
    """The policy and all it extends, ancestors first, the policy itself last.

    Raises UsageError for an unknown name, ContentError with place for anything unsound in any of the files.
    """
    chain: dict[Path, Source] = {}
    _read(_find(name_or_path), (), chain)
    return tuple(chain.values())


def rulebook(sources: Iterable[Source]) -> Rulebook:
    """The rules and defaults of several files as one."""
    policies = [source.policy for source in sources]
    return Rulebook([rule for policy in policies for rule in policy.rules], [policy.defaults for policy in policies])


def _find(name_or_path: str | Path) -> Path:
    name = str(name_or_path)
    if isinstance(name_or_path, str) and re.fullmatch(r"[a-z0-9-]+", name):
        return _builtin(name, UsageError(f"there is no policy named {name}",
                                         hint=f"use {', '.join(shipped())}, or the path of a .yml file"))
    path = Path(name_or_path)
    if not path.is_file():
        raise UsageError(f"there is no policy file {name!r}", hint=f"shipped policies: {', '.join(shipped())}")
    return path.resolve()


def _builtin(name: str, missing: UsageError | ContentError) -> Path:
    if name not in shipped():
        raise missing
    return (root("policies") / f"{name}.yml").resolve()


def _read(path: Path, above: tuple[Path, ...], chain: dict[Path, Source]) -> list[Source]:
    """The source at `path` and its ancestors, ancestors first; every file once in `chain`."""
    document = read_yaml(path, name=path.name)
    policy = document.validate(PolicyDocument)
    ancestors: dict[Path, Source] = {}
    for index, parent in enumerate(_parents(path, document, policy)):
        if parent in (*above, path):
            steps = " -> ".join(p.name for p in (*above, path, parent))
            raise document.error(("extends", index), f"policies extend each other in a circle: {steps}")
        ancestors.update((source.path, source) for source in _read(parent, (*above, path), chain))
    if path not in chain:
        chain[path] = source = Source(path, document, policy)
        _check(source, list(ancestors.values()))
    return [*ancestors.values(), chain[path]]


def _parents(path: Path, document: Document, policy: PolicyDocument) -> list[Path]:
    floor = (root("policies") / f"{FLOOR}.yml").resolve()
    named = [_parent(path, document, index, name) for index, name in enumerate(policy.extends)]
    return named or ([] if path == floor else [floor])


def _parent(path: Path, document: Document, index: int, name: str) -> Path:
    if name.startswith(_BUILTIN):
        return _builtin(name.removeprefix(_BUILTIN), document.error(
            ("extends", index), f"there is no shipped policy {name}", hint=f"shipped policies: {', '.join(shipped())}"))
    found = (path.parent / name).resolve()
    if not found.is_file():
        raise document.error(("extends", index), f"there is no policy file {name}",
                             hint=f"write {_BUILTIN}NAME, or a path relative to this file")
    return found


def _check(source: Source, ancestors: Sequence[Source]) -> None:
    _check_ids(source, ancestors)
    for section, index, rule in _all_rules(source.policy):
        for number, reference in enumerate(rule.basis):
            if reference not in references():
                raise source.document.error((section, index, "basis", number), f"unknown reference {reference}",
                                            hint=f"references are listed in policies/{REFERENCES}")
        for glob in rule.match.globs:
            if "*" not in glob and glob not in taxonomy():
                raise source.document.error((section, index, "match", "class"), f"unknown data class {glob}",
                                            hint="the classes are listed in detectors/taxonomy.yml")
    for index, rule in enumerate(source.policy.rules):
        _check_audiences(source, index, rule)
    for index, trial in enumerate(source.policy.tests):
        for identifier in (trial.given.data_class, *trial.given.beside):
            if identifier not in taxonomy():
                raise source.document.error(("tests", index, "given"), f"unknown data class {identifier}")
    _check_tightens(source, ancestors)


def _all_rules(policy: PolicyDocument) -> Iterator[tuple[str, int, Rule | DatasetRule]]:
    for index, rule in enumerate(policy.rules):
        yield "rules", index, rule
    for index, dataset_rule in enumerate(policy.datasets):
        yield "datasets", index, dataset_rule


def _check_ids(source: Source, ancestors: Sequence[Source]) -> None:
    taken = {rule.id: other.path.name for other in ancestors for _, _, rule in _all_rules(other.policy)}
    for section, index, rule in _all_rules(source.policy):
        if rule.id in taken:
            raise source.document.error((section, index, "id"), f"rule {rule.id} is already in {taken[rule.id]}",
                                        hint="give it an id of its own: all rules apply and the strictest wins")
        taken[rule.id] = source.path.name
    seen: set[str] = set()
    for index, exception in enumerate(source.policy.exceptions):
        if exception.id in seen:
            raise source.document.error(("exceptions", index, "id"), f"exception {exception.id} is there twice")
        seen.add(exception.id)


def _check_audiences(source: Source, index: int, rule: Rule) -> None:
    named = rule.action if isinstance(rule.action, dict) else {}
    for audience in named:
        if audience not in source.policy.audiences:
            raise source.document.error(("rules", index, "action", audience.value),
                                        f"the policy does not cover the audience {audience}")
    if Audience.PUBLIC not in source.policy.audiences:
        return
    public = action_for(rule.action, Audience.PUBLIC)
    if public is Action.ENCRYPT:
        raise source.document.error(("rules", index, "action"), "encrypt is no action for the audience public",
                                    hint="encrypted personal information is still personal information; use drop")
    if public is Action.PSEUDONYMISE and rule.params.pseudonymise.domain != "release":
        raise source.document.error(("rules", index, "params"), "pseudonyms for the audience public must be unlinkable",
                                    hint="leave domain out, so that the key ends with the release")
    chosen = rule.params.pseudonymise
    if public is Action.PSEUDONYMISE and chosen.method == "vault":
        raise source.document.error(("rules", index, "params"), "a vault keeps the values of what is public",
                                    hint="use tokens, whose key ends with the release")
    if public is Action.PSEUDONYMISE and chosen.method in ("form", "dictionary") and not chosen.synthetic:
        raise source.document.error(
            ("rules", index, "params"), "pseudonyms that look real are refused for the audience public",
            hint="use tokens, or say synthetic: true where readers are told that the data is made up")


def _check_tightens(source: Source, ancestors: Sequence[Source]) -> None:
    """A policy may only tighten what it extends. Raises ContentError where it would loosen it."""
    if not ancestors:
        return
    before, after = rulebook(ancestors), rulebook((*ancestors, source))
    for index, audience in enumerate(source.policy.audiences):
        if any(audience not in ancestor.policy.audiences for ancestor in ancestors):
            raise source.document.error(("audiences", index), f"no policy it extends covers the audience {audience}")
        _check_unclassified(source, before, after, audience)
        for number, rule in enumerate(source.policy.rules):
            _check_rule(source, number, rule, before, audience)


def _check_unclassified(source: Source, before: Rulebook, after: Rulebook, audience: Audience) -> None:
    """Rules only add up, so the one way to loosen is a first rule for a class that its ancestors leave to a default."""
    for evidence in _new_evidence(source.policy.rules, before, audience):
        old, new = before.outcome(evidence, audience), after.outcome(evidence, audience)
        if new.rank(evidence.data_class) < old.rank(evidence.data_class):
            index = [rule.id for rule in source.policy.rules].index(new.rule)
            raise source.document.error(
                ("rules", index, "action"), f"rule {new.rule} loosens {evidence.data_class} for {audience} from "
                f"{old.action} to {new.action}", hint="a policy may only tighten what it extends; use an exception")


def _new_evidence(rules: Sequence[Rule], before: Rulebook, audience: Audience) -> Iterator[Evidence]:
    """Each class that only the new rules are about, at the evidence that floors would waive and at the strongest."""
    for identifier in taxonomy():
        if any(rule.match.covers(identifier) for rule in rules):
            for kind in get_args(Kind):
                if not before.covering(identifier, kind, audience):
                    yield Evidence(identifier, kind, confidence=0.0, rate=0.0, validated=False)
                    yield Evidence(identifier, kind)


def _check_rule(source: Source, index: int, rule: Rule, before: Rulebook, audience: Audience) -> None:
    """A rule that is milder than its ancestors for everything it matches would be dead; its author meant to loosen."""
    action = action_for(rule.action, audience)
    covered = [identifier for identifier in taxonomy() if rule.match.covers(identifier)]
    if action is None or not covered:
        return
    kinds = (rule.match.kind,) if rule.match.kind else get_args(Kind)
    if all(before.outcome(Evidence(identifier, kind), audience).rank(identifier)
           > rank(action, rule.params.of(action), identifier) for identifier in covered for kind in kinds):
        raise source.document.error(
            ("rules", index, "action"), f"rule {rule.id} loosens what the policy extends for {audience}",
            hint="a policy may only tighten what it extends; use an exception")

"""Reads a file of rules: https://github.com/gitleaks/gitleaks#configuration describes the format.

What cannot be run as it was meant is refused, rule by rule, and never run in part: a rule without one of its conditions
would report what its author had left out. An error in the file itself, or in what holds for all rules, is a
ContentError.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from guard.detect.foreign.expressions import ExpressionError, any_of, any_word, compiled
from guard.detect.foreign.rules import Allowlist, ForeignRule, Refused, Required, RuleSet
from guard.errors import ContentError

LARGEST = 8_000_000
"""Bytes of a file."""
DEEPEST = 2
"""Files that extend one another, one behind the other."""
_RULE = frozenset({"id", "description", "regex", "secretGroup", "entropy", "keywords", "path", "tags", "allowlist",
                   "allowlists", "required", "skipReport"})
_ALLOWLIST = frozenset({"description", "condition", "commits", "paths", "regexes", "regexTarget", "stopwords",
                        "targetRules"})
_FILE = frozenset({"title", "description", "version", "minVersion", "betterleaksMinVersion", "extend", "rules",
                   "allowlist", "allowlists"})
_EXTEND = frozenset({"path", "useDefault", "disabledRules"})
_JOINED = ("tags", "keywords", "allowlists")
_TARGETS = {"": "secret", "secret": "secret", "match": "match", "line": "line"}
_CONDITIONS = {"": False, "OR": False, "||": False, "AND": True, "&&": True}
_NAMED = 3
"""Refused rules that an error names."""
_PLACE = re.compile(r"at line (\d+), column (\d+)")
Table = Mapping[str, Any]


class _RefusedError(Exception):
    """Why a rule is not run."""


def read_rules(path: Path) -> RuleSet:
    """The rules of a file and of the files that it extends. Raises ContentError."""
    rules, shared = _read(path, 1)
    found: dict[str, ForeignRule] = {}
    refused: list[Refused] = []
    try:
        common = [(allowlist, _strings(table, "targetRules")) for table in shared if (allowlist := _allowlist(table))]
    except _RefusedError as refusal:
        raise ContentError(f"an allowlist for all rules: {refusal}", place=path.name) from None
    for name, table in rules.items():
        targeted = [allowlist for allowlist, targets in common if name in targets]
        try:
            found[name] = _rule(name, table, targeted)
        except _RefusedError as refusal:
            refused.append(Refused(name, str(refusal)))
    refused += _drop_unmet(found)
    general = tuple(allowlist for allowlist, targets in common if not targets)
    return RuleSet(path.name, tuple(found.values()), general, tuple(refused))


def read_all(paths: Sequence[Path], *, skip_refused: bool) -> tuple[tuple[RuleSet, ...], tuple[str, ...]]:
    """The rules of several files, and a sentence for each rule that is not run. Such a rule is a ContentError, unless
    `skip_refused`: who gives rules relies on them."""
    sets = tuple(map(read_rules, paths))
    refused = [(rules.name, each) for rules in sets for each in rules.refused]
    if refused and not skip_refused:
        named = ", ".join(f"{each.rule} ({each.reason})" for _, each in refused[:_NAMED])
        raise ContentError(f"{len(refused)} rules cannot be run: {named}", place=refused[0][0],
                           hint="--skip-refused-rules runs the others, and the report names these")
    return sets, tuple(f"rule {each.rule} of {name} is not run: {each.reason}" for name, each in refused)


def _drop_unmet(found: dict[str, ForeignRule]) -> Iterable[Refused]:
    """Take out the rules that require one which is not there, and those that require these."""
    refused: list[Refused] = []
    while unmet := [rule for rule in found.values() if any(needed.rule not in found for needed in rule.required)]:
        for rule in unmet:
            del found[rule.id]
            refused.append(Refused(rule.id, "it requires a rule that is not run"))
    return refused


def _read(path: Path, depth: int) -> tuple[dict[str, Table], list[Table]]:
    """Rules by id and the allowlists for all, of a file and those that it extends."""
    document = _parse(path)
    try:
        if unknown := sorted(document.keys() - _FILE):
            raise _RefusedError(f"the file uses {unknown[0]}, which is not known here")
        rules = _by_id(_tables(document, "rules"))
        shared = _allowlists_of(document)
        extend = document.get("extend", {})
        if not isinstance(extend, dict) or extend.keys() - _EXTEND:
            raise _RefusedError("extend holds something unknown")
        disabled, base = _strings(extend, "disabledRules"), _string(extend, "path")
    except _RefusedError as refusal:
        raise ContentError(str(refusal), place=path.name) from None
    if extend.get("useDefault"):
        raise ContentError("extend.useDefault names rules of another program, which are not shipped", place=path.name,
                           hint="name a file with these rules as extend.path, or rely on Guard's own detectors")
    if not base:
        return rules, shared
    if depth > DEEPEST:
        raise ContentError("rules extend one another too deep", place=path.name, hint=f"at most {DEEPEST} files")
    below, more = _read(path.parent / base, depth + 1)
    for name in disabled:
        below.pop(name, None)
    merged = {name: _merged(table, rules.get(name, {})) for name, table in below.items()}
    return {**merged, **{name: table for name, table in rules.items() if name not in merged}}, [*shared, *more]


def _parse(path: Path) -> Table:
    try:
        if path.stat().st_size > LARGEST:
            raise ContentError("the file of rules is too large", place=path.name, hint=f"at most {LARGEST} bytes")
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ContentError(f"the rules cannot be read ({error.strerror})", place=path.name) from None
    except UnicodeDecodeError:
        raise ContentError("the rules are not UTF-8", place=path.name) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Its own message may quote the file.
        found = _PLACE.search(str(error))
        place = f"{path.name}:{found[1]}:{found[2]}" if found else path.name
        raise ContentError("not valid TOML", place=place, hint="--packs takes packs in YAML") from None


def _by_id(tables: Sequence[Table]) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for number, table in enumerate(tables, 1):
        name = _string(table, "id") or f"number {number}"
        if name in found:
            raise _RefusedError(f"rule {name} is there twice")
        found[name] = {**table, "allowlists": _allowlists_of(table)}
    return found


def _allowlists_of(table: Table) -> list[Table]:
    """In either of its two forms."""
    single = table.get("allowlist", {})
    if not isinstance(single, dict):
        raise _RefusedError("allowlist is not a table")
    return [*([single] if single else []), *_tables(table, "allowlists")]


def _merged(base: Table, change: Table) -> Table:
    """A rule of an extended file as the extending one changes it."""
    joined = {key: [*base.get(key, []), *change.get(key, [])] for key in _JOINED if key in base or key in change}
    return {**base, **{key: value for key, value in change.items() if value}, **joined}


def _rule(name: str, table: Table, targeted: Sequence[Allowlist]) -> ForeignRule:
    if unknown := sorted(table.keys() - _RULE):
        raise _RefusedError(f"it uses {unknown[0]}, which is not known here")
    if not table.get("id"):
        raise _RefusedError("it has no id")
    regex, path = _string(table, "regex"), _string(table, "path")
    if not regex:
        raise _RefusedError("it is about names of files, not what is in them" if path else "it has no regex")
    groups = _check("regex", [regex])
    _check("path", [path] if path else [])
    group = _number(table, "secretGroup", int)
    if not 0 <= group <= groups:
        raise _RefusedError(f"its regex has no group {group}")
    allowlists = tuple(filter(None, map(_allowlist, _tables(table, "allowlists"))))
    return ForeignRule(
        name, _string(table, "description") or name, regex, group, _number(table, "entropy", float),
        _strings(table, "keywords"), path, (*allowlists, *targeted), tuple(map(_required, _tables(table, "required"))),
        not table.get("skipReport", False))


def _required(table: Table) -> Required:
    def distance(key: str) -> int | None:
        return _number(table, key, int) if key in table else None

    if not (name := _string(table, "id")) or table.keys() - {"id", "withinLines", "withinColumns"}:
        raise _RefusedError("what it requires is not clear")
    return Required(name, distance("withinLines"), distance("withinColumns"))


def _allowlist(table: Table) -> Allowlist | None:
    """An allowlist; None for one that allows nothing."""
    if unknown := sorted(table.keys() - _ALLOWLIST):
        raise _RefusedError(f"its allowlist uses {unknown[0]}, which is not known here")
    target, condition = _string(table, "regexTarget"), _string(table, "condition").upper()
    if target not in _TARGETS or condition not in _CONDITIONS:
        raise _RefusedError("the target or condition of its allowlist is not known here")
    regexes, paths, stopwords = (_strings(table, key) for key in ("regexes", "paths", "stopwords"))
    _check("allowlist", [*regexes, *paths])
    commits = tuple(commit.lower() for commit in _strings(table, "commits"))
    if not (regexes or paths or stopwords or commits):
        return None
    return Allowlist(regexes, _TARGETS[target], stopwords, paths, commits, _CONDITIONS[condition])


def _check(what: str, expressions: Sequence[str]) -> int:
    """Refuse what RE2 does not take; how many groups the first expression has."""
    try:
        groups = [compiled(expression).groups for expression in expressions]
        any_of(tuple(expressions))
    except ExpressionError:
        raise _RefusedError(f"its {what} is no regular expression of Go") from None
    return groups[0] if groups else 0


def _string(table: Table, key: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _RefusedError(f"its {key} is not a text")
    return value


def _strings(table: Table, key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _RefusedError(f"its {key} is not a list of texts")
    if key == "stopwords" and value:
        any_word(tuple(value))
    return tuple(value)


def _tables(table: Table, key: str) -> Sequence[Table]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _RefusedError(f"its {key} is not a list of tables")
    return value


def _number(table: Table, key: str, kind: type[Any]) -> Any:
    value = table.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, (int, kind)) or not 0 <= value <= 1_000_000:
        raise _RefusedError(f"its {key} is not a number that fits")
    return value

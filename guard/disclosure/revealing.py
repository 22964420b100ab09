"""reveal: values that were encrypted, in clear again: with the key, a reason, and an entry in the audit log.

The entry is on disk before anything is decrypted, and a second one tells how it ended. The reason passes the scanner:
an identifier in it is noted masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from guard.audit import AuditLog
from guard.batch import Batch, Column, Edits, SpanEdit
from guard.disclosure.cells import strings
from guard.disclosure.editor import normaliser
from guard.disclosure.tables import TABLES, TableEditor, applied, open_one, record_column, rewrite, takes_records
from guard.disclosure.vaults import revealing_vault
from guard.disclosure.walks import Doubts, Walks, read_walks, steps_of
from guard.errors import GuardError, KeyringError, UsageError
from guard.keys import Keyring
from guard.model import Action, Decision, Scope, member_name
from guard.policy import ProtectionPlan
from guard.protect import Transform, transform
from guard.protect.ciphertext import CIPHERTEXT, PREFIX, split_prefix
from guard.protect.fpe import FormPseudonym
from guard.protect.vault import VaultToken
from guard.scanner import Scanner
from guard.sources import Options

RULE = "reveal"


@dataclass(frozen=True, slots=True)
class Binding:
    """What ciphertexts were bound to when they were made.

    `dataset` (randomised) is by default the name of the file, `name` that of the field, `domain` the link domain
    (deterministic), `record` the column of the record keys, "" for none.
    """

    dataset: str = ""
    name: str = ""
    domain: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True)
class Permission:
    """What it takes to reveal: the keyring that has the keys, its log, and why. A reason is not empty."""

    keyring: Keyring
    log: AuditLog
    reason: str


def reveal_value(value: str, *, permission: Permission, field: str, binding: Binding, record_key: str = "",
                 scanner: Scanner | None = None, vault: str | Path | None = None) -> str:
    """One encrypted value in clear. `record_key` is the value of the record column of its record, "" for none. With a
    `vault`, the value of a token of it.

    Raises KeyringError when it does not open, without telling why; UsageError for a reason that says nothing.
    """
    reader = scanner or Scanner()
    facts = {"dataset": binding.dataset, "fields": [field], "domain": binding.domain}

    def opened() -> tuple[str, int]:
        tokens = _tokens_of(permission, vault, reader)
        own = tokens or _transform_for(value, permission.keyring, field, binding)
        records = pa.array([record_key]) if record_key and own.binds_records else None
        return str(own.reveal(pa.array([value]), records)[0].as_py()), 1

    result: str = _with_reason(permission, reader, facts, opened)
    return result


def reveal_file(source: str | Path, fields: Sequence[str], *, permission: Permission, out: str | Path,
                binding: Binding | None = None, plan: str | Path | None = None, key_id: str = "", inside: bool = False,
                evidence: str | Path | None = None, scanner: Scanner | None = None,
                options: Options | None = None, vault: str | Path | None = None) -> int:
    """The encrypted fields of a file in clear, in the new file `out` (mode 0600); returns how many values.

    What they were bound to is said by `binding`, or by the `plan` that they were protected with, which also turns
    pseudonyms of a form back; these do not name their key, so `key_id` does where the keyring has several. With
    `inside` ciphertexts that stand in a text or a longer cell are revealed, and what stands around them stays. For
    pseudonyms of a release by a policy `evidence` is its evidence folder, which knows of those that walked past real
    values. With a `vault` the fields that are not of a plan, or have tokens of one by it, are tokens of that vault. Any
    value that does not open, or may be another, ends it, and nothing is left at `out`.
    """
    if not fields:
        raise UsageError("no field is named", hint="--field NAME, as guard scan shows it")
    if inside and vault is not None:
        raise UsageError("tokens of a vault are revealed as whole values only", hint="leave --inside out")
    reader = scanner or Scanner()
    document = open_one(Path(source), reader, options or Options(), (*TABLES, "text") if inside else TABLES)
    given = binding or Binding()
    given = Binding(given.dataset or document.name, given.name, given.domain, given.record)
    loaded = ProtectionPlan.load(plan, given.dataset) if plan else None
    keyring = permission.keyring.at(key_id) if key_id else permission.keyring
    tokens = _tokens_of(permission, vault, reader)
    transforms, records = _of_plan(loaded, fields, keyring, reader, key_id, tokens) if loaded else ({}, {})
    if loaded is None and tokens is not None:
        transforms = dict.fromkeys(fields, tokens)
    if loaded and evidence is not None:
        _set_walks(loaded, transforms, read_walks(Path(evidence), keyring.key_id))
    is_told = evidence is not None or (loaded is not None and _is_noted(permission.log, loaded.dataset))
    editor = RevealEditor(fields, permission.keyring, given, transforms, records, inside=inside, is_told=is_told)
    facts = {"file": document.name, "dataset": loaded.dataset if loaded else given.dataset, "fields": list(fields),
             "domain": given.domain}

    def opened() -> tuple[int, int]:
        rewrite(document, Path(out), editor, lambda _: editor.check())
        count = sum(editor.changed.values())
        return count, count

    result: int = _with_reason(permission, reader, facts, opened)
    return result


class RevealEditor(TableEditor):
    """Turns protected values of some fields back. `is_told`: nobody has to ask whether pseudonyms walked past values.
    """

    def __init__(self, fields: Sequence[str], keyring: Keyring, binding: Binding, transforms: dict[str, Transform],
                 records: Mapping[str, str], *, inside: bool, is_told: bool = False) -> None:
        super().__init__()
        self._fields = fields
        self._keyring = keyring
        self._binding = binding
        self._transforms = transforms
        self._records = records
        self._inside = inside
        self._doubts: dict[str, Doubts] | None = None if is_told else {}
        self._met: set[str] = set()

    def drops(self, dataset: str, field: str) -> bool:
        return False

    def edit_column(self, batch: Batch, column: Column) -> Any | None:
        field = column.field if column.field in self._fields else member_name(column.field)
        if field not in self._fields:
            return None
        self._met.add(field)
        if not int(column.size):
            return None
        if self._inside:
            return self._revealed_inside(field, strings(column.data, column.starts, column.ends))
        own = self._transform(field, column)
        record = self._records.get(field, self._binding.record)
        records = None
        if takes_records(own, record):
            records = self.keys_of(batch, column, record, repeat=own.repeats_records)
        revealed = applied(own.reveal, column, records)
        if isinstance(own, FormPseudonym) and self._doubts is not None:
            self._doubts.setdefault(field, Doubts()).note(column, revealed)
        return revealed

    def edit_text(self, batch: Batch) -> Edits:
        if not self._inside or "text" not in self._fields:
            return Edits()
        self._met.add("text")
        found = list(CIPHERTEXT.finditer(batch.data.decode("latin-1")))
        if not found:
            return Edits()
        self.changed["text"] = self.changed.get("text", 0) + len(found)
        spans = pa.array([self._reveal_one("text", one.group()) for one in found], pa.string())
        starts, ends = np.array([one.span() for one in found], np.int64).T
        return Edits(spans=SpanEdit(starts, ends, spans))

    def check(self) -> None:
        """Raises UsageError unless every field was met, something in it was revealed, and nothing may be wrong."""
        for field in self._fields:
            if field not in self._met:
                raise UsageError(f"the file has no field {field}", hint="name fields as guard scan shows them")
        if not sum(self.changed.values()):
            raise UsageError("nothing in these fields is encrypted", hint="--inside finds it in longer texts")
        for field, doubts in (self._doubts or {}).items():
            if count := doubts.count():
                raise UsageError(f"{count} pseudonyms of {field} may have walked past real values of a release",
                                 hint="--evidence DIR of the release says which; what a plan protected goes by its "
                                 "--dataset, as the audit log has it")

    def _transform(self, field: str, column: Column) -> Transform:
        if field not in self._transforms:
            filled = next(index for index in range(len(column)) if column.ends[index] > column.starts[index])
            first = column.value(filled).decode("utf-8", "replace")
            self._transforms[field] = _transform_for(first, self._keyring, field, self._binding)
        return self._transforms[field]

    def _revealed_inside(self, field: str, values: Any) -> Any:
        return pa.array([CIPHERTEXT.sub(lambda found: self._reveal_one(field, found.group()), value)
                         for value in values.to_pylist()], pa.string())

    def _reveal_one(self, field: str, value: str) -> str:
        return _transform_for(value, self._keyring, field, self._binding).reveal_one(value)


def _transform_for(value: str, keyring: Keyring, field: str, binding: Binding) -> Transform:
    """What turns a ciphertext back, by the mode that it says it has."""
    found = split_prefix(value[:PREFIX].encode("utf-8", "replace"))
    if found is None:
        raise KeyringError("a value cannot be revealed", hint="it is not encrypted; a pseudonym is revealed in "
                           "its file, with --plan and --evidence of the release: it may have walked past real values")
    params: dict[str, Any] = {"mode": "deterministic" if found[1].startswith("d") else "randomised"}
    if params["mode"] == "deterministic":
        if not binding.domain:
            raise UsageError("the value is bound to a link domain", hint="--domain NAME, as the plan or policy had it")
        params["domain"] = binding.domain
    if binding.name:
        params["name"] = binding.name
    return transform(Decision(binding.dataset, field, "", Scope.FIELD, Action.ENCRYPT, RULE, params), keyring, "")


def _of_plan(loaded: ProtectionPlan, fields: Sequence[str], keyring: Keyring, scanner: Scanner,
             key_id: str, tokens: VaultToken | None) -> tuple[dict[str, Transform], dict[str, str]]:
    """The transforms of a plan's fields, and the columns of their record keys."""
    transforms: dict[str, Transform] = {}
    records = {}
    for field in fields:
        decision = loaded.decision(field)
        if decision.params.get("method") == "vault":
            if tokens is None:
                raise UsageError(f"the tokens of {field} are in a vault and none was given", hint="--vault FILE")
            transforms[field], records[field] = tokens, ""
            continue
        own = transform(decision, keyring, loaded.dataset, normaliser(scanner, decision.data_class))
        if not own.reversible or decision.action is Action.ALLOW:
            raise UsageError(f"the plan's protection of {field} is not reversible")
        if decision.action is Action.PSEUDONYMISE and not key_id and len(keyring.keys) > 1:
            # The wrong key would give values of other people that look as right.
            raise UsageError(f"the pseudonyms of {field} do not say which of the {len(keyring.keys)} keys made them",
                             hint="--key KEY, as the audit log or the answer of guard protect names it")
        transforms[field], records[field] = own, record_column(decision.params)
    return transforms, records


def _tokens_of(permission: Permission, vault: str | Path | None, scanner: Scanner) -> VaultToken | None:
    if vault is None:
        return None
    return revealing_vault(vault, permission.keyring, permission.log,
                           masked_reason(permission.reason.strip(), scanner))


def _set_walks(loaded: ProtectionPlan, transforms: Mapping[str, Transform], walks: Sequence[Walks]) -> None:
    for field, own in transforms.items():
        if isinstance(own, FormPseudonym):
            decision = loaded.decision(field)
            own.walks = steps_of(walks, decision.data_class, decision.params)


def _is_noted(log: AuditLog, dataset: str) -> bool:
    """Whether this data set was protected by a plan, which walks past nothing."""
    try:
        return any(entry.get("event") == "protect" and entry.get("dataset") == dataset for entry in log.entries())
    except KeyringError:
        return False


def _with_reason(permission: Permission, scanner: Scanner, facts: Mapping[str, Any],
                 opened: Callable[[], tuple[Any, int]]) -> Any:
    """Note the intent, do it, note the end. Nothing is decrypted when the first note cannot be written."""
    if not permission.reason.strip():
        raise UsageError("to reveal takes a reason", hint='--reason "case 2026-381, ordered by …"')
    noted = {name: value for name, value in facts.items() if value}
    permission.log.append("reveal", {"reason": masked_reason(permission.reason.strip(), scanner), **noted})
    try:
        result, count = opened()
    except GuardError:
        permission.log.append("not revealed", noted)
        raise
    permission.log.append("revealed", {**noted, "values": count})
    return result


def masked_reason(reason: str, scanner: Scanner) -> str:
    """A reason as it may be noted: what is found in it, were it only possible, stands masked."""
    end, parts = 0, []
    for finding in scanner.scan_text(reason):
        if finding.start >= end:
            parts += [reason[end : finding.start], finding.preview]
            end = finding.end
    return "".join([*parts, reason[end:]])

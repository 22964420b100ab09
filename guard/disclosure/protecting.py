"""protect: one table by a plan that says what happens to each field, into a new file.

By a plan it does not scan, and so it does not know what else is in the file: whether the result may be given away is
for `check` and `release` to say. Encrypted and pseudonymised fields need a keyring, and what was done is noted in its
audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.audit import AuditLog
from guard.batch import Batch, Column, Edits
from guard.disclosure.editor import normaliser
from guard.disclosure.pipeline import release
from guard.disclosure.staging import output_errors, publish_file, staging
from guard.disclosure.tables import TableEditor, applied, open_one, record_column, rewrite, takes_records
from guard.disclosure.vaults import needed_vault
from guard.errors import UsageError
from guard.keys import Keyring
from guard.model import Action, Audience, Decision, Report
from guard.policy import Policy, ProtectionPlan
from guard.protect import Transform, transform
from guard.scanner import Scanner
from guard.sources import Options

if TYPE_CHECKING:
    from guard.protect.vault import TokenVault


@dataclass(frozen=True, slots=True)
class ProtectedField:
    """What was done to one field. `bound_to` is what its ciphertexts are bound to: dataset, record or domain."""

    field: str
    action: str
    values: int
    mode: str = ""
    bound_to: tuple[str, ...] = ()
    reversible: bool = False

    def as_json(self) -> dict[str, Any]:
        more = {"mode": self.mode, "bound_to": list(self.bound_to)} if self.mode else {}
        return {"field": self.field, "action": self.action, "values": self.values, "reversible": self.reversible,
                **more}


@dataclass(frozen=True, slots=True)
class Protection:
    """What `protect_file` did: the name of the data set, the key, the fields and what an officer should know."""

    dataset: str
    key_id: str
    rows: int
    fields: tuple[ProtectedField, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"schema": "guard.protection/v1", "dataset": self.dataset, "key_id": self.key_id, "rows": self.rows,
                "fields": [field.as_json() for field in self.fields], "warnings": list(self.warnings)}


def protect_file(source: str | Path, *, plan: ProtectionPlan | str | Path, out: str | Path,
                 keyring: Keyring | None = None, log: AuditLog | None = None, scanner: Scanner | None = None,
                 options: Options | None = None, vault: str | Path | None = None) -> Protection:
    """Protect the fields of one CSV, JSON, JSON Lines or Parquet file by a plan, into the new file `out` (mode 0600).

    `vault` is the file of the token vault for fields with tokens of one; it is made when it is not there.

    Raises UsageError where plan and file do not fit, a field has too few values for its mode, or a record key repeats;
    KeyringError where a key is needed and none was given; SourceError, OutputError. Then nothing is left at `out`.
    """
    reader = scanner or Scanner()
    document = open_one(Path(source), reader, options or Options())
    chosen = plan if isinstance(plan, ProtectionPlan) else ProtectionPlan.load(plan, document.name)
    editor = PlanEditor(chosen, keyring, reader, needed_vault(vault, keyring, chosen.fields.values()))

    def checked(rows: int) -> None:
        _check(editor, chosen)
        # Before the output is in its place: nothing is protected that the log does not know of.
        if log is not None:
            log.append("protect", {"dataset": chosen.dataset, "key": keyring.key_id if keyring else "", "rows": rows,
                                   "fields": {field.field: field.mode or field.action for field in editor.fields()}})

    rows = rewrite(document, Path(out), editor, checked)
    done = editor.fields()
    keyed = keyring is not None and any(field.mode or field.action == "pseudonymise" for field in done)
    return Protection(chosen.dataset, keyring.key_id if keyed and keyring else "", rows, tuple(done), _warnings(done))


def protect_by_policy(source: str | Path, *, policy: Policy | str | Path, audience: Audience | str, out: str | Path,
                      keyring: Keyring | None = None, scanner: Scanner | None = None,
                      options: Options | None = None, vault: str | Path | None = None) -> Report:
    """Protect one file as `release` would, checks of the output included, and put its data alone at `out` (mode 0600).

    Raises what `release` raises; then nothing is left at `out`.
    """
    if not Path(source).is_file():
        raise UsageError("the source is not a file", hint="name one file; guard release takes folders")
    with staging(Path(out)) as folder:
        made = release(source, policy=policy, audience=audience, out=folder / "release", keyring=keyring,
                       scanner=scanner, options=options, vault=vault)
        written = [path for path in (made.path / "public" / "data").rglob("*") if path.is_file()]
        if len(written) != 1:
            raise UsageError("the source is more than one document", hint="guard release takes it")
        with output_errors():
            written[0].chmod(0o600)
        publish_file(written[0], Path(out))
    return made.report


class PlanEditor(TableEditor):
    """Carries a plan out. Transforms are made at once, so that a plan that cannot be carried out changes nothing."""

    def __init__(self, plan: ProtectionPlan, keyring: Keyring | None, scanner: Scanner,
                 vault: TokenVault | None = None) -> None:
        super().__init__()
        self._plan = plan
        self._transforms: dict[str, Transform] = {
            name: transform(decision, keyring, plan.dataset, normaliser(scanner, decision.data_class), vault=vault)
            for name, decision in plan.fields.items() if decision.action is not Action.DROP}
        self._shown: dict[str, str] = {}
        self._dropped: set[str] = set()
        for name, decision in plan.fields.items():
            self._refuse_changed_key(name, decision)

    @property
    def met(self) -> set[str]:
        """The fields of the plan that the file has."""
        return set(self._shown.values()) | self._dropped

    def drops(self, dataset: str, field: str) -> bool:
        decision = self._plan.decision(field)
        if decision.action is Action.DROP:
            self._dropped.add(decision.field)
        return decision.action is Action.DROP

    def edit_text(self, batch: Batch) -> Edits:
        if self._plan.others != "keep":
            raise UsageError("lines above the header of the table are of no field", hint="remove them, or others: keep")
        return Edits()

    def edit_column(self, batch: Batch, column: Column) -> Any | None:
        decision = self._plan.decision(column.field)
        self._refuse_repeated(batch, column)
        self._shown[column.field] = decision.field
        if decision.action in (Action.ALLOW, Action.DROP) or not len(column):
            return None
        own, record = self._transforms[decision.field], record_column(decision.params)
        records = None
        if takes_records(own, record):
            records = self.keys_of(batch, column, record, repeat=own.repeats_records)
        return applied(own.apply, column, records)

    def objections(self) -> list[str]:
        own = [f"{name}: {one.objection()}" for name, one in self._transforms.items() if one.objection()]
        return [*own, *super().objections()]

    def fields(self) -> list[ProtectedField]:
        """What was done, in the order of the plan."""
        return [self._field(name, decision) for name, decision in self._plan.fields.items()]

    def _field(self, name: str, decision: Decision) -> ProtectedField:
        values = sum(count for shown, count in self.changed.items() if self._shown[shown] == name)
        own = self._transforms.get(name)
        mode = str(decision.params.get("mode", "randomised")) if decision.action is Action.ENCRYPT else ""
        bound = {"deterministic": ("domain", "field"), "randomised": ("dataset", "field")}.get(mode, ())
        if mode == "randomised" and decision.params.get("record"):
            bound = (*bound, "record")
        return ProtectedField(name, str(decision.action), values, mode, bound, own is not None and own.reversible)

    def _refuse_repeated(self, batch: Batch, column: Column) -> None:
        """A second column of one header, `id.1`, is not kept in clear because the plan names the first alone."""
        first, _, number = column.field.rpartition(".")
        own = self._plan.fields.get(first)
        if (self._plan.others == "keep" and column.field not in self._plan.fields and number.isdecimal()
                and own is not None and own.action is not Action.ALLOW
                and any(one.field == first and one.header == column.header for one in batch.columns)):
            raise UsageError(f"the field {column.field} has the same header as {first}, which the plan changes",
                             hint="name it in the plan as well")

    def _refuse_changed_key(self, name: str, decision: Decision) -> None:
        record = decision.params.get("record")
        if record and self._plan.decision(str(record)).action is not Action.ALLOW:
            raise UsageError(f"the record key {record} of {name} is changed itself",
                             hint="name a column that the plan leaves as it is: to reveal, its values must be there")


def _check(editor: PlanEditor, plan: ProtectionPlan) -> None:
    """Raises UsageError unless all of the plan was carried out, and may be, now that the whole file was seen."""
    missing: Sequence[str] = sorted(set(plan.fields) - editor.met)
    if missing:
        raise UsageError(f"the file has no field {missing[0]}", hint="a plan names fields as guard scan shows them")
    if objections := editor.objections():
        raise UsageError("; ".join(objections), hint="choose another mode or record key, or say force: true")


def _warnings(fields: Sequence[ProtectedField]) -> tuple[str, ...]:
    return tuple(
        f"{field.field}: equal values have equal ciphertexts, so how often each occurs shows"
        if field.mode == "deterministic" else
        f"{field.field}: encrypted values are bound to data set and field only, not to their record"
        for field in fields if field.mode and "record" not in field.bound_to)

"""The pipeline: from a source, a policy and an audience to a folder that may be sent on, or a no with reasons.

`release` reads the source to know, reads it again to change, and reads the output to check. Whatever goes wrong,
nothing is left at the output's place.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.disclosure.checks import verdicts
from guard.disclosure.manifest import write_manifest, write_text
from guard.disclosure.output import MOST_SUSPECTS, Allowances, scan_output
from guard.disclosure.staging import output_errors, publish, staging
from guard.disclosure.vaults import needed_vault, without_vault
from guard.disclosure.withheld import EXACT, Confirmation, WithheldValues
from guard.disclosure.written import Written
from guard.errors import IncompleteError, KeyringError, ReleaseError, SourceError, UsageError
from guard.keys import Keyring
from guard.model import Action, Audience, Decision, Report, Skipped, Verdict
from guard.policy import Plan, Policy, field_plan
from guard.policy import verdict as policy_verdict
from guard.render import render, render_notice
from guard.scanner import Progress, Scanner, Sink
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover
from guard.tally import Tally

if TYPE_CHECKING:
    from guard.disclosure.editor import PolicyEditor
    from guard.disclosure.walks import Walks
    from guard.protect.fpe_real import RealValues
    from guard.protect.vault import TokenVault

_TABLES = ("csv", "tsv", "parquet")
LANGUAGES = ("en", "zh")
BLOCK = 1 << 19
"""Bytes of a block, half as many as a scan takes: what is changed stands in memory several times."""


@dataclass(frozen=True, slots=True)
class Release:
    """A finished release: its folder and its report."""

    path: Path
    report: Report


@dataclass(frozen=True, slots=True)
class _Run:
    """What one call was asked to do."""

    policy: Policy
    audience: Audience
    scanner: Scanner
    options: Options
    keyring: Keyring | None
    progress: Progress | None
    workers: int
    vault: str | Path | None = None


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What the first read and the policy gave."""

    documents: tuple[Document, ...]
    partial: frozenset[str]
    report: Report
    decisions: tuple[Decision, ...]

    @property
    def plans(self) -> Mapping[tuple[str, str], Plan]:
        """What happens to each field."""
        return field_plan(self.decisions)

    def released(self) -> list[Document]:
        """The documents that were read whole and of which something may leave."""
        emptied = _emptied(self.documents, self.report, self.plans)
        return [d for d in self.documents if d.name not in self.partial and d.name not in emptied]


def check(source: str | Path, *, policy: Policy | str | Path, audience: Audience | str,
          scanner: Scanner | None = None, allow_incomplete: bool = False, options: Options | None = None,
          sink: Sink | None = None, progress: Progress | None = None, workers: int = 1) -> Report:
    """The report with decisions on a file or folder; writes nothing.

    `Report.verdict` is pass when `release` may go on; `workers` is as in `Scanner.scan`. Raises UsageError for a path,
    audience or policy that cannot be used.
    """
    run = _Run(_policy(policy), Audience(_audience(audience)), scanner or Scanner(), options or Options(), None,
               progress, workers)
    return _assess(run, source, sink, allow_incomplete=allow_incomplete).report


def release(source: str | Path, *, policy: Policy | str | Path, audience: Audience | str, out: str | Path,
            keyring: Keyring | None = None, scanner: Scanner | None = None, allow_incomplete: bool = False,
            options: Options | None = None, sink: Sink | None = None, progress: Progress | None = None,
            workers: int = 1, vault: str | Path | None = None) -> Release:
    """Release a file or folder for an audience into the new folder `out`.

    `out/public` holds the data, its manifest and the public notice; `out/evidence` (mode 0700) the report. Without a
    keyring, and always for the public, pseudonyms are made with a key that is destroyed with the release. With
    `allow_incomplete`, files that could not be read whole are left out instead of failing the release. `workers`
    processes share the first read. `vault` is the file of the token vault, for a policy that keeps tokens in one.

    Raises ReleaseError (its `report` says why) when policy or checks say no, IncompleteError when something was not
    read, SourceError when the source changed meanwhile, OutputError when the output cannot be written.
    """
    target = Path(out)
    _refuse_overlap(Path(source), target)
    audience, options = Audience(_audience(audience)), options or Options()
    options = options._replace(block=min(options.block, BLOCK))
    run = _Run(_policy(policy), audience, scanner or Scanner(), options, keyring, progress, workers, vault)
    with staging(target) as folder:
        assessment = _assess(run, source, sink, allow_incomplete=allow_incomplete)
        _refuse(assessment.report)
        _refuse_unreadable(assessment, keyring)
        if not assessment.released():
            raise ReleaseError("nothing of the source may leave", report=assessment.report,
                               hint="the report names what is dropped and why")
        report = _make(run, assessment, folder)
        publish(folder, target)
    return Release(target, report)


def _assess(run: _Run, source: str | Path, sink: Sink | None, *, allow_incomplete: bool) -> _Assessment:
    """Read the source and let the policy decide."""
    labels = ScannedLabels(run.scanner.matcher)
    documents, partial, total = [], set(), Tally()
    reading = run.scanner.run(labels, sink=sink, progress=run.progress, workers=run.workers)
    for document, tally in reading.results(discover(Path(source), run.options, labels)):
        total += tally
        if isinstance(document, Document):
            documents.append(document)
            if tally.skipped:
                partial.add(document.name)
    total += reading.names.tally(sink)
    report = run.scanner.report(total)
    decisions = tuple(run.policy.decide(report, audience=run.audience))
    verdict = policy_verdict(decisions, report)
    if verdict is Verdict.INCOMPLETE and allow_incomplete and any(d.name not in partial for d in documents):
        verdict = Verdict.PASS
    report = dataclasses.replace(
        report, policy=run.policy.as_json(), audience=str(run.audience), decisions=decisions, verdict=verdict,
        warnings=(*report.warnings, *run.policy.warnings(report, run.audience), *encryption_warnings(decisions), *(
            f"{name}: every column is dropped, the file is left out"
            for name in sorted(_emptied(documents, report, field_plan(decisions))))),
        suppressed={**report.suppressed, "exceptions": sum(bool(d.waived_by) for d in decisions)})
    return _Assessment(tuple(documents), frozenset(partial), report, decisions)


def encryption_warnings(decisions: Iterable[Decision]) -> list[str]:
    """What an officer should know of the encrypted fields: what a value is not bound to, and what still shows."""
    fields = {(d.dataset, d.field): d.params for d in decisions if d.action is Action.ENCRYPT}
    return [f"{dataset}: {field}: equal values have equal ciphertexts, so how often each occurs shows"
            if params.get("mode") == "deterministic" else
            f"{dataset}: {field}: encrypted values are bound to data set and field only, not to their record"
            for (dataset, field), params in fields.items()
            if params.get("mode") == "deterministic" or not params.get("record")]


def _emptied(documents: Iterable[Document], report: Report, plans: Mapping[tuple[str, str], Plan]) -> set[str]:
    """The tables of which no column may leave: a file of empty lines would help nobody."""
    tables = {d.name: [f for f in report.fields if f.dataset == d.name] for d in documents if d.format in _TABLES}
    return {name for name, fields in tables.items() if fields and all(
        field.kind == "column" and (plan := plans.get((name, field.field))) and plan.action is Action.DROP
        for field in fields)}


def _make(run: _Run, assessment: _Assessment, folder: Path) -> Report:
    """Write, check and describe the output in the staging folder; returns the final report."""
    own = run.keyring is None or run.audience is Audience.PUBLIC
    keys = Keyring.ephemeral() if own else run.keyring
    data = folder / "public" / "data"
    with output_errors():
        data.mkdir(parents=True)
    plans, vault = assessment.plans, needed_vault(run.vault, run.keyring, assessment.decisions)
    withheld = WithheldValues(exact=EXACT)
    real = _real_values(run, assessment, keys)
    editor = _editor(run, plans, keys, secrets.token_hex(16), withheld, real, vault)
    written = _rewrite(run, assessment, data, editor)
    if own and keys is not None:
        keys.destroy()
    _refuse_objections(editor.objections(), assessment.report)
    found = scan_output(data, run.scanner, withheld, run.options, Allowances.of(assessment.decisions),
                        written.origins(dataset for dataset, _ in plans))
    suspects: Mapping[int, str] = found.suspects
    if suspects and not withheld.is_exact:
        suspects = _confirmed(run, written.documents, plans, withheld, suspects)
    checks = verdicts(editor.done, suspects, found.tally, run.scanner.report(found.tally), assessment.decisions,
                      lambda output: run.policy.decide(output, audience=run.audience))
    report = dataclasses.replace(assessment.report, checks=tuple(checks),
                                 warnings=(*assessment.report.warnings, *editor.form_warnings()))
    _refuse_failed(report)
    _describe(report, folder, pseudonyms="destroyed" if own else "kept",
              key_id="" if own or keys is None else keys.key_id, walks=() if own else editor.walks())
    return report


def _editor(run: _Run, plans: Mapping[tuple[str, str], Plan], keys: Keyring | None, domain: str,
            withheld: WithheldValues | Confirmation, real: RealValues | None = None,
            vault: TokenVault | None = None) -> PolicyEditor:
    """The editor that changes what the plans say. It needs Arrow, for which a mere check should not have to wait."""
    from guard.disclosure.editor import PolicyEditor

    return PolicyEditor(run.scanner, plans, keys, domain, withheld, real, vault)


def _real_values(run: _Run, assessment: _Assessment, keys: Keyring | None) -> RealValues | None:
    """What no pseudonym of a form may be: identifiers that are withheld, and all values of fields that get such
    pseudonyms, from a read of their own. None where no field does."""
    if not any(d.action is Action.PSEUDONYMISE and d.params.get("method") == "form" for d in assessment.decisions):
        return None
    from guard.protect.fpe_real import RealValues

    values = WithheldValues(exact=EXACT)
    real = RealValues(values)
    editor = _editor(run, without_vault(assessment.plans), keys, "real values", values, real)
    _edit_all(assessment.released(), editor)
    real.close()
    return real


def _edit_all(documents: Iterable[Document], editor: PolicyEditor) -> None:
    """Edit everything and write nothing: what counts is what the editor remembers."""
    for document in documents:
        for item in document.read():
            if not isinstance(item, Skipped):
                editor.edit(item)


def _rewrite(run: _Run, assessment: _Assessment, data: Path, editor: PolicyEditor) -> Written:
    """Write every document that was read whole, and hold its digest against that of the first read."""
    written = Written(assessment.released())
    digests = {i.path: i.digest for i in assessment.report.inputs}
    for document, output in written.outputs.items():
        path = data / output
        with output_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                document.rewrite(file, editor)
        if document.digest != digests[document.name]:
            raise SourceError(f"{document.name}: changed while it was read", reason="changed",
                              hint="release a copy that nothing writes to")
        if run.progress:
            run.progress(document.name, document.size)
    return written


def _confirmed(run: _Run, documents: Iterable[Document], plans: Mapping[tuple[str, str], Plan],
               withheld: WithheldValues, suspects: Mapping[int, str]) -> Mapping[int, str]:
    """The suspects that really are withheld values, from a further read of the source."""
    if len(suspects) >= MOST_SUSPECTS:
        return suspects
    confirmation = Confirmation(withheld, suspects)
    _edit_all(documents, _editor(run, without_vault(plans), Keyring.ephemeral(), "confirmation", confirmation))
    return {value: place for value, place in suspects.items() if value in confirmation.confirmed}


def _describe(report: Report, folder: Path, *, pseudonyms: str, key_id: str, walks: Sequence[Walks]) -> None:
    """Write notice, manifests and evidence. Pseudonyms do not name their key, nor the steps to them, so the
    evidence does."""
    public, evidence = folder / "public", folder / "evidence"
    protection = sorted({(d.data_class, str(d.action)) for d in report.decisions
                         if d.data_class and d.action is not Action.ALLOW})
    facts: dict[str, Any] = {
        "created": report.created, "tool": dict(report.tool), "audience": report.audience,
        "policy": dict(report.policy), "rules": dict(report.rules), "pseudonym_key": pseudonyms,
        "protection": [{"data_class": c, "action": a} for c, a in protection],
        "checks": [{"id": c["id"], "passed": c["passed"]} for c in report.checks], "risk": dict(report.risk),
    }
    for language in LANGUAGES:
        write_text(public / f"notice.{language}.html", render_notice({**facts, "signature": None}, language))
    write_manifest(public, facts)
    with output_errors():
        evidence.mkdir(mode=0o700)
    plain = report.as_json()
    plain["inputs"] = [{**i.as_json(), "digest": i.digest} for i in report.inputs]
    write_text(evidence / "report.json", json.dumps(plain, ensure_ascii=False, indent=2) + "\n")
    for language in LANGUAGES:
        write_text(evidence / f"report.{language}.html", render(plain, "html", language))
    if walks:
        # It needs Arrow, as the editor does.
        from guard.disclosure.walks import write_walks

        write_walks(evidence, key_id, walks)
    write_manifest(evidence, {"created": report.created, "of": "evidence", "key_id": key_id})
    _open_modes(folder)


def _open_modes(folder: Path) -> None:
    """The public part may be read by others, the evidence only by its owner."""
    with output_errors():
        folder.chmod(0o755)
        for path in [folder / "public", *(folder / "public").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def _refuse_unreadable(assessment: _Assessment, keyring: Keyring | None) -> None:
    if keyring is None and any(decision.action is Action.ENCRYPT for decision in assessment.decisions):
        raise KeyringError("the policy encrypts and no keyring was given",
                           hint="create one with `guard keys init` and name it: nobody could read what is encrypted")


def _refuse_objections(objections: Iterable[str], report: Report) -> None:
    if objections := list(objections):
        raise ReleaseError("; ".join(objections), report=dataclasses.replace(report, verdict=Verdict.VIOLATION),
                           hint="choose another action or mode for these fields; nothing was released")


def _refuse_failed(report: Report) -> None:
    failed = [str(result["title"]) for result in report.checks if not result["passed"]]
    if failed:
        raise ReleaseError("a check of the output failed: not " + "; not ".join(failed),
                           report=dataclasses.replace(report, verdict=Verdict.VIOLATION),
                           hint="the report's checks name the places; nothing was released")


def _refuse(report: Report) -> None:
    if report.verdict is Verdict.VIOLATION:
        raise ReleaseError("the policy says no", report=report, hint="the report names every field and rule")
    if report.verdict is Verdict.INCOMPLETE:
        raise IncompleteError("something was not read, so nothing was released", report=report,
                              hint="mend or remove what was skipped, or accept it with --allow-incomplete")


def _refuse_overlap(source: Path, target: Path) -> None:
    try:
        outer = source.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UsageError("the source does not exist or cannot be reached", hint="name a file or folder") from None
    try:
        inner = target.resolve()
    except (OSError, RuntimeError, ValueError):
        raise UsageError("the output folder cannot be reached", hint="name a folder that can be made") from None
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise UsageError("the output folder and the source lie inside each other", hint="write the release elsewhere")


def _policy(policy: Policy | str | Path) -> Policy:
    return policy if isinstance(policy, Policy) else Policy.load(str(policy))


def _audience(audience: Audience | str) -> str:
    if audience not in set(Audience):
        raise UsageError(f"unknown audience; one of {', '.join(Audience)}")
    return str(audience)

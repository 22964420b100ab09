"""The pipeline: from a source, a policy and an audience to a folder that may be sent on, or a no with reasons.

`release` reads the source to know, reads it again to change, and reads the output to check. Whatever goes wrong,
nothing is left at the output's place.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.errors import IncompleteError, ReleaseError, SourceError, UsageError
from guard.hashing import Hashes
from guard.keys import Keyring
from guard.model import Action, Audience, Decision, Report, Skipped, Verdict
from guard.policy import Plan, Policy, field_plan
from guard.policy import verdict as policy_verdict
from guard.disclosure.checks import confirm, scan_output, verdicts
from guard.disclosure.editor import PolicyEditor
from guard.disclosure.manifest import write_manifest, write_text
from guard.disclosure.staging import output_errors, publish, staging
from guard.disclosure.withheld import WithheldValues
from guard.render import render, render_notice
from guard.scanner import Progress, Scanner, Sink
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, discover
from guard.tally import Tally

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Release:
    """A finished release: its folder and its report."""

    path: Path
    report: Report


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What the first read and the policy gave."""

    documents: tuple[Document, ...]
    partial: frozenset[str]
    report: Report
    decisions: tuple[Decision, ...]


def check(source: str | Path, *, policy: Policy | str | Path, audience: Audience | str,
          scanner: Scanner | None = None, allow_incomplete: bool = False, options: Options | None = None,
          sink: Sink | None = None, progress: Progress | None = None) -> Report:
    """The report with decisions on a file or folder; writes nothing.

    `Report.verdict` is pass when `release` may go on. Raises UsageError for a path, audience or policy that cannot be
    used.
    """
    return _assess(source, _policy(policy), Audience(_audience(audience)), scanner or Scanner(), allow_incomplete,
                   options or Options(), sink, progress).report


def release(source: str | Path, *, policy: Policy | str | Path, audience: Audience | str, out: str | Path,
            keyring: Keyring | None = None, scanner: Scanner | None = None, allow_incomplete: bool = False,
            options: Options | None = None, sink: Sink | None = None, progress: Progress | None = None) -> Release:
    """Release a file or folder for an audience into the new folder `out`.

    `out/public` holds the data, its manifest and the public notice; `out/evidence` (mode 0700) the report. Without a
    keyring, and always for the public, pseudonyms are made with a key that is destroyed with the release. With
    `allow_incomplete`, files that could not be read whole are left out instead of failing the release.

    Raises ReleaseError (its `report` says why) when policy or checks say no, IncompleteError when something was not
    read, SourceError when the source changed meanwhile, OutputError when the output cannot be written.
    """
    target = Path(out)
    _refuse_overlap(Path(source), target)
    audience = Audience(_audience(audience))
    chosen, scanner, options = _policy(policy), scanner or Scanner(), options or Options()
    with staging(target) as folder:
        assessment = _assess(source, chosen, audience, scanner, allow_incomplete, options, sink, progress)
        _refuse(assessment.report)
        report = _make(assessment, folder, chosen, audience, keyring, scanner, options, progress)
        publish(folder, target)
    return Release(target, report)


def _assess(source: str | Path, policy: Policy, audience: Audience, scanner: Scanner, allow_incomplete: bool,
            options: Options, sink: Sink | None, progress: Progress | None) -> _Assessment:
    labels = ScannedLabels(scanner.matcher)
    documents, partial, total = [], set(), Tally()
    for document in discover(Path(source), options, labels):
        tally = scanner.tally(document, sink, progress)
        total += tally
        if isinstance(document, Document):
            documents.append(document)
            if tally.skipped:
                partial.add(document.name)
    report = scanner.report(total + scanner.names(labels, sink))
    decisions = tuple(policy.decide(report, audience=audience))
    verdict = policy_verdict(decisions, report)
    if verdict is Verdict.INCOMPLETE and allow_incomplete and any(d.name not in partial for d in documents):
        verdict = Verdict.PASS
    report = dataclasses.replace(
        report, policy=policy.as_json(), audience=str(audience),
        decisions=decisions, verdict=verdict, warnings=(*report.warnings, *policy.warnings(report, audience)),
        suppressed={**report.suppressed, "exceptions": sum(bool(d.waived_by) for d in decisions)})
    return _Assessment(tuple(documents), frozenset(partial), report, decisions)


def _make(assessment: _Assessment, folder: Path, policy: Policy, audience: Audience, keyring: Keyring | None,
          scanner: Scanner, options: Options, progress: Progress | None) -> Report:
    """Write, check and describe the output in the staging folder; returns the final report."""
    plans = field_plan(assessment.decisions)
    own = keyring is None or audience is Audience.PUBLIC
    keys = Keyring.ephemeral() if own else keyring
    withheld = WithheldValues()
    editor = PolicyEditor(scanner, plans, keys, secrets.token_hex(16), withheld)
    data = folder / "public" / "data"
    with output_errors():
        data.mkdir(parents=True)
    documents = [d for d in assessment.documents if d.name not in assessment.partial]
    _rewrite(documents, assessment.report, data, editor, progress)
    if own and keys is not None:
        keys.destroy()
    report = _checked(assessment, documents, data, policy, audience, scanner, options, editor, withheld, plans)
    _describe(report, folder, pseudonyms="destroyed" if own else "kept")
    return report


def _rewrite(documents: Sequence[Document], report: Report, data: Path, editor: PolicyEditor,
             progress: Progress | None) -> None:
    digests = {i.path: i.digest for i in report.inputs}
    for document in documents:
        path = data / document.output
        with output_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                document.rewrite(file, editor)
        if document.digest != digests[document.name]:
            raise SourceError(f"{document.name}: changed while it was read", reason="changed",
                              hint="release a copy that nothing writes to")
        if progress:
            progress(document.name, document.size)


def _checked(assessment: _Assessment, documents: Sequence[Document], data: Path, policy: Policy, audience: Audience,
             scanner: Scanner, options: Options, editor: PolicyEditor, withheld: WithheldValues,
             plans: dict[tuple[str, str], Plan]) -> Report:
    """The report with the results of the checks; raises ReleaseError when one fails."""
    scan = scan_output(data, scanner, withheld, options, lambda dataset, name: _is_released(plans.get((dataset, name))))
    suspects = scan.suspects
    if suspects and not withheld.is_exact:
        suspects = confirm(suspects, _withheld_again(documents, scanner, plans, withheld))
    results = verdicts(editor.done, suspects, scan.tally, scanner.report(scan.tally), assessment.decisions,
                       lambda output: policy.decide(output, audience=audience))
    report = dataclasses.replace(assessment.report, checks=tuple(results))
    failed = [str(result["title"]) for result in results if not result["passed"]]
    if failed:
        raise ReleaseError("a check of the output failed: not " + "; not ".join(failed),
                           report=dataclasses.replace(report, verdict=Verdict.VIOLATION),
                           hint="the report's checks name the places; nothing was released")
    return report


class _Recorder(WithheldValues):
    """Passes the hashes of withheld values on instead of keeping them."""

    def __init__(self, original: WithheldValues) -> None:
        super().__init__()
        self._key = original._key
        self.seen: list[Hashes] = []

    def add(self, hashes: Hashes) -> None:
        self.seen.append(hashes)


def _withheld_again(documents: Sequence[Document], scanner: Scanner, plans: dict[tuple[str, str], Plan],
                    withheld: WithheldValues) -> Iterator[Hashes]:
    """The hashes of all withheld values once more, from a further read of the source, batch by batch."""
    recorder = _Recorder(withheld)
    with_keys = Keyring.ephemeral()
    editor = PolicyEditor(scanner, plans, with_keys, "confirm", recorder)
    for document in documents:
        for item in document.read():
            if not isinstance(item, Skipped):
                editor.edit(item)
                yield from recorder.seen
                recorder.seen.clear()


def _describe(report: Report, folder: Path, *, pseudonyms: str) -> None:
    """Write notice, manifests and evidence."""
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
    write_manifest(evidence, {"created": report.created, "of": "evidence"})
    _open_modes(folder)


def _open_modes(folder: Path) -> None:
    """The public part may be read by others, the evidence only by its owner."""
    with output_errors():
        folder.chmod(0o755)
        for path in [folder / "public", *(folder / "public").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def _refuse(report: Report) -> None:
    if report.verdict is Verdict.VIOLATION:
        raise ReleaseError("the policy says no", report=report, hint="the report names every field and rule")
    if report.verdict is Verdict.INCOMPLETE:
        raise IncompleteError("something was not read, so nothing was released", report=report,
                              hint="mend or remove what was skipped, or accept it with --allow-incomplete")


def _refuse_overlap(source: Path, target: Path) -> None:
    if not source.exists():
        raise UsageError("the source does not exist", hint="name a file or folder")
    inner, outer = target.resolve(), source.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise UsageError("the output folder and the source lie inside each other", hint="write the release elsewhere")


def _is_released(plan: Plan | None) -> bool:
    """Whether the policy knowingly lets a class with direct identifiers stand in this field."""
    if plan is None:
        return False
    decisions = [d for d in (plan.decision, *plan.spans.values()) if d is not None]
    return bool(decisions) and all(d.action is Action.ALLOW for d in decisions)


def _policy(policy: Policy | str | Path) -> Policy:
    return policy if isinstance(policy, Policy) else Policy.load(str(policy))


def _audience(audience: Audience | str) -> str:
    if audience not in set(Audience):
        raise UsageError(f"unknown audience; one of {', '.join(Audience)}")
    return str(audience)

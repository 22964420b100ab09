"""The verdict in plain words: what, why, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from guard.model import Action, Verdict
from guard.render.phrases import Phrases

Json = Mapping[str, Any]
MAX_NAMED = 6


class Statement(NamedTuple):
    """What a reader is told first. `verdict` is pass, violation or incomplete; `mode` scan, check or release."""

    verdict: str
    mode: str
    title: str
    word: str
    headline: str
    lead: tuple[str, ...]
    why: tuple[str, ...]
    next_steps: tuple[str, ...]


def state(report: Json, words: Phrases, found: int) -> Statement:
    """The statement of a report in which `found` fields hold findings."""
    mode = "release" if report["checks"] else "check" if report["policy"] else "scan"
    verdict = report["verdict"]
    # An answer that cannot be explained is still given, but never as a pass.
    key = verdict if verdict in list(Verdict) else Verdict.INCOMPLETE
    return Statement(
        verdict=key, mode=mode, title=words(f"title.{mode}"), word=words(f"verdict.{key}"),
        headline=words(f"headline.{mode}_{_headline(report, key, found)}"), lead=tuple(_lead(report, words, found)),
        why=tuple(_why(report, words, key)), next_steps=tuple(_next(report, words, key, mode, found)),
    )


def _headline(report: Json, verdict: str, found: int) -> str:
    if _is_nothing(report, verdict):
        return "nothing"
    if verdict != Verdict.PASS:
        return verdict
    acting = any(decision["action"] != Action.ALLOW for decision in report["decisions"])
    untouched = not acting if report["policy"] else not found
    return "clean" if untouched else "pass"


def _is_nothing(report: Json, verdict: str) -> bool:
    """Whether there is no answer although nothing was left out: nothing was there."""
    return verdict == Verdict.INCOMPLETE and not (report["skipped"] or report["fields"])


def _lead(report: Json, words: Phrases, found: int) -> Iterable[str]:
    read = [item for item in report["inputs"] if item["status"] == "scanned"]
    yield words("lead.scope", count=found, fields=words("counted.fields", count=len(report["fields"])),
                inputs=_inputs(report, words, len(read)), size=words.size(sum(item["bytes"] for item in read)))
    policy = report["policy"]
    if not policy:
        yield words("lead.no_policy")
    elif report["audience"]:
        name = " ".join(str(policy[part]) for part in ("id", "version") if policy.get(part))
        yield words("lead.for_audience", policy=name, audience=words.term("audience", report["audience"]))


def versions_in(report: Json) -> int | None:
    """How many versions of files a scan of a repository read; None for other reports, which count files."""
    count = report["summary"].get("versions")
    return count if isinstance(count, int) else None


def _inputs(report: Json, words: Phrases, files: int) -> str:
    versions, commits = versions_in(report), report["summary"].get("commits")
    if versions is None:
        return words("counted.inputs", count=files)
    what = words("counted.versions", count=versions)
    return words("counted.commits", count=commits, what=what) if isinstance(commits, int) and commits else what


def _why(report: Json, words: Phrases, verdict: str) -> Iterable[str]:
    if _is_nothing(report, verdict):
        yield words("why.nothing_read")
        return
    decisions = report["decisions"]
    if not report["policy"]:
        yield _found(report, words)
    for action, key in ((Action.BLOCK, "blocked"), (Action.REVIEW, "review")):
        if chosen := [d for d in decisions if d["action"] == action]:
            yield words(f"why.{key}", count=len(chosen), what=_classes(chosen, words))
    failed = [check for check in report["checks"] if check["passed"] is not True]
    for check in failed:
        known = check["id"] in words.sections["check_title"]
        title = words.term("check_title", check["id"]) if known else check.get("title") or check["id"]
        yield words("why.failed_check", what=title)
    if report["skipped"]:
        reasons = Counter(words.term("reason", skipped["reason"]) for skipped in report["skipped"])
        yield words("why.skipped", count=len(report["skipped"]), what=_named(reasons, words))
    if verdict == Verdict.PASS:
        yield from _why_passed(report, words, "release" if report["checks"] else "check")
    elif report["policy"] and not failed and not report["skipped"] and not _open(decisions):
        yield words("why.stated")
    if waived := sum(1 for d in decisions if d.get("waived_by")):
        yield words("why.waived", count=waived)


def _why_passed(report: Json, words: Phrases, mode: str) -> Iterable[str]:
    decisions = report["decisions"]
    if report["policy"]:
        if not _open(decisions):
            yield words("why.nothing_open")
        if protecting := sum(1 for d in decisions if d["action"] not in (Action.ALLOW, Action.REVIEW, Action.BLOCK)):
            yield words(f"why.protected_{mode}", count=protecting)
    if report["checks"] and all(check["passed"] is True for check in report["checks"]):
        yield words("why.checks_passed", count=len(report["checks"]))
    yield words("why.accepted" if report["skipped"] else "why.all_read")


def _found(report: Json, words: Phrases) -> str:
    """What a scan saw, the most frequent first."""
    hits: Counter[str] = Counter()
    for field in report["fields"]:
        for count in field["classes"]:
            hits[words.data_class(count["data_class"])] += count["hits"] + count["masked"]
    if hits:
        return words("why.found", what=_named(hits, words))
    return words("why.nothing_new" if versions_in(report) == 0 else "why.nothing_found")


def _next(report: Json, words: Phrases, verdict: str, mode: str, found: int) -> Iterable[str]:
    if _is_nothing(report, verdict):
        yield words("next.nothing_read")
        return
    classes = {count["data_class"] for field in report["fields"] for count in field["classes"]}
    if any(name.startswith("state.secret") for name in classes):
        yield words("next.state_secret")
    if any(name == "secret" or name.startswith("secret.") for name in classes):
        yield words("next.secrets")
    actions = {decision["action"] for decision in report["decisions"]}
    if Action.BLOCK in actions:
        yield words("next.blocked")
    if Action.REVIEW in actions:
        yield words("next.review")
    if any(check["passed"] is not True for check in report["checks"]):
        yield words("next.failed_check")
    if report["skipped"]:
        yield words("next.skipped")
    if mode == "scan":
        yield words("next.scan_found" if found else "next.scan_clean")
    elif verdict == Verdict.PASS:
        yield words(f"next.{mode}_pass")


def _open(decisions: Iterable[Json]) -> bool:
    return any(d["action"] in (Action.BLOCK, Action.REVIEW) for d in decisions)


def _classes(decisions: list[Json], words: Phrases) -> str:
    """What the decisions are about, secrecy marks first: they may not hide behind a count of more."""
    marks, others = Counter[str](), Counter[str]()
    for decision in decisions:
        identifier = decision["data_class"]
        kept = marks if identifier.startswith("state.") else others
        kept[words.data_class(identifier) if identifier else decision["rule"]] += 1
    return _named(others, words, first=marks)


def _named(counts: Mapping[str, int], words: Phrases, first: Mapping[str, int] = MappingProxyType({})) -> str:
    """`first`, then the most frequent names with their counts, and how many more there are."""
    ordered = [*sorted(first.items()), *sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    named = [words("format.counted", name=name, count=words("counted.times", count=count))
             for name, count in ordered[:MAX_NAMED]]
    if more := len(ordered) - MAX_NAMED:
        named += [words("format.more", count=more)] if more > 0 else []
    return words.listing(named)

"""SARIF 2.1.0 (OASIS), with what GitHub code scanning asks for on top of it.

GitHub's limits: 25,000 results in a run, one location a result, region with line and column, `security-severity`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from guard import taxonomy
from guard.model import confidence_word
from guard.render.escape import escape_json, shown
from guard.render.phrases import Phrases, phrases
from guard.render.rows import is_sensitive, place
from guard.render.stored import finding_order, skipped_order

MAX_RESULTS = 25_000
MAX_NOTIFICATIONS = 1000
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SEVERITY = {4: "9.0", 3: "7.0", 2: "4.0", 1: "1.0"}
_UNKNOWN_GRADE = 3
"""Of a class that the taxonomy does not know: a finding that cannot be graded is not a mild one."""
Json = Mapping[str, Any]


def write_sarif(report: Json, language: str) -> str:
    """The findings of a report as one SARIF run, text that ends with a newline."""
    words = phrases(language)
    findings = report["findings"]
    gravest = sorted(findings, key=lambda f: (-_grade(f["data_class"]), -f["confidence"], f["masked"],
                                              finding_order(f)))[:MAX_RESULTS]
    listed = sorted(gravest, key=finding_order)
    rules = sorted({(f["detector"], f["data_class"]) for f in listed})
    index = {rule: number for number, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": _driver(report, rules, words)},
        "automationDetails": {"id": _automation(report)},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, len(findings), words)],
        "results": [_result(finding, index[finding["detector"], finding["data_class"]], seen, words)
                    for finding in listed],
        "properties": {"verdict": report["verdict"], "created": report["created"],
                       "rulesDigest": report["rules"].get("digest", ""),
                       "policyDigest": report["policy"].get("digest", "")},
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return escape_json(json.dumps(document, ensure_ascii=False, allow_nan=False)) + "\n"


def _driver(report: Json, rules: Iterable[tuple[str, str]], words: Phrases) -> dict[str, Any]:
    return {
        "name": shown(report["tool"].get("name") or "guard"),
        "semanticVersion": shown(report["tool"].get("version") or "0.0.0"),
        "rules": [_rule(detector, data_class, words) for detector, data_class in rules],
    }


def _rule(detector: str, data_class: str, words: Phrases) -> dict[str, Any]:
    grade, title = _grade(data_class), words.data_class(data_class)
    tags = ["security", "privacy", f"grade-{grade}", *(["sensitive-personal-information"] if is_sensitive(data_class)
                                                       else [])]
    return {
        "id": _rule_id(detector, data_class),
        "name": shown(detector),
        "shortDescription": {"text": words("sarif.rule", title=title)},
        "fullDescription": {"text": words("sarif.rule_full", detector=detector, data_class=data_class, title=title,
                                          grade=grade)},
        "help": {"text": words("sarif.help")},
        "defaultConfiguration": {"level": _level(grade, "certain", masked=False)},
        "properties": {"tags": tags, "security-severity": _SEVERITY[grade], "precision": "high"},
    }


def _rule_id(detector: str, data_class: str) -> str:
    return shown(f"{data_class}/{detector}")


def _automation(report: Json) -> str:
    """Category and run: GitHub keeps the alerts of different categories apart."""
    parts = ("guard", report["policy"].get("id") or "scan", report["audience"])
    return "/".join(quote(shown(part), safe="") for part in parts if part) + "/"


def _invocation(report: Json, total: int, words: Phrases) -> dict[str, Any]:
    skipped = sorted(report["skipped"], key=skipped_order)[:MAX_NOTIFICATIONS]
    notifications = [_notification(item, words) for item in skipped]
    if total > MAX_RESULTS:
        text = words("sarif.cut", count=MAX_RESULTS, total=total)
        notifications.append({"level": "warning", "message": {"text": text}})
    return {"executionSuccessful": report["verdict"] in ("pass", "violation"),
            "toolExecutionNotifications": notifications}


def _notification(skipped: Json, words: Phrases) -> dict[str, Any]:
    reason = words.term("reason", skipped["reason"])
    if skipped["detail"]:
        reason = f"{reason}; {shown(skipped['detail'])}"
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(skipped["dataset"])}}
    if line := skipped.get("line"):
        physical["region"] = {"startLine": max(1, line)}
    return {"level": "error", "message": {"text": words("sarif.skipped", dataset=skipped["dataset"], reason=reason)},
            "locations": [{"physicalLocation": physical}]}


def _result(finding: Json, rule_index: int, seen: Counter[str], words: Phrases) -> dict[str, Any]:
    grade, word = _grade(finding["data_class"]), confidence_word(finding["confidence"])
    return {
        "ruleId": _rule_id(finding["detector"], finding["data_class"]),
        "ruleIndex": rule_index,
        "level": _level(grade, word, masked=finding["masked"]),
        "message": {"text": _message(finding, word, words)},
        "locations": [_location(finding, words)],
        "partialFingerprints": _fingerprints(finding, seen),
        "properties": {"confidence": finding["confidence"], "validated": finding["validated"],
                       "masked": finding["masked"], "grade": grade, "security-severity": _SEVERITY[grade]},
    }


def _level(grade: int, confidence: str, *, masked: bool) -> str:
    """An alert must be worth a person's time: `error` for what is grave and sure, `note` for masked and for doubt."""
    if masked or confidence not in ("certain", "likely"):
        return "note"
    if grade == 4 and confidence == "certain":
        return "error"
    return "warning" if grade >= 3 else "note"


def _message(finding: Json, word: str, words: Phrases) -> str:
    return words("sarif.message_masked" if finding["masked"] else "sarif.message",
                 title=words.data_class(finding["data_class"]), confidence=words.term("confidence", word),
                 field=shown(finding["field"]) or words("sarif.text_field"),
                 preview=shown(finding["preview"]) or words("sarif.no_preview"))


def _location(finding: Json, words: Phrases) -> dict[str, Any]:
    """Where the value is. What has no lines (Parquet, xlsx) is named by record and field as a logical location."""
    where = finding["location"]
    line, column = max(1, where.get("line") or 1), max(1, where.get("column") or 1)
    length = max(1, finding["end"] - finding["start"])
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + length}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(finding["dataset"])}, "region": region},
    }
    parts = [shown(part) for part in (finding["field"], place(where, words)) if part]
    if parts:
        location["logicalLocations"] = [{"fullyQualifiedName": " · ".join(parts), "kind": "member"}]
    return location


def _uri(name: str) -> str:
    """A relative reference (RFC 3986): a leading slash would name another root, odd file names are kept."""
    return quote(name.lstrip("/"), safe="/", errors="surrogatepass") or "-"


def _fingerprints(finding: Json, seen: Counter[str]) -> dict[str, str]:
    """Both are keyed, by the HMAC in them: they say nothing about the value to who does not hold the project's key.

    GitHub recognises an alert again by `primaryLocationLineHash`. It follows content and field, not the line, so that
    a line inserted above does not open every alert anew; equal values of a field are counted, as GitHub counts equal
    lines. A mark without fingerprint is told apart by its place.
    """
    keyed = finding["fingerprint"]
    anchor = keyed or json.dumps(finding["location"], sort_keys=True)
    parts = "\0".join((finding["detector"], finding["dataset"], finding["field"], anchor))
    line_hash = hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[line_hash] += 1
    return {"primaryLocationLineHash": f"{line_hash}:{seen[line_hash]}", **({"guard/v1": keyed} if keyed else {})}


def _grade(data_class: str) -> int:
    try:
        return taxonomy.data_class(data_class).grade
    except KeyError:
        return _UNKNOWN_GRADE

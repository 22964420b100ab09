"""SARIF: what the standard and GitHub code scanning ask for."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_example import ALL, EXAMPLES, violation

from guard.render import render

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
POSITION = {"type": "integer", "minimum": 1}
SEVERITY = {"type": "string", "pattern": r"^(10|\d)\.\d$"}
# Own words for the part of SARIF 2.1.0 that Guard writes, made strict by what GitHub's documentation requires.
RULE = {
    "type": "object", "required": ["id", "shortDescription", "fullDescription", "help", "properties"],
    "properties": {
        "id": {"type": "string", "minLength": 1}, "shortDescription": TEXT, "fullDescription": TEXT, "help": TEXT,
        "defaultConfiguration": {"properties": {"level": {"enum": ["none", "note", "warning", "error"]}}},
        "properties": {"required": ["security-severity", "tags"], "properties": {
            "security-severity": SEVERITY,
            "tags": {"type": "array", "maxItems": 20, "uniqueItems": True, "contains": {"const": "security"}}}},
    },
}
PHYSICAL = {
    "type": "object", "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"required": ["uri"], "properties": {
            "uri": {"type": "string", "pattern": r"^(?!/)([A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"}}},
        "region": {"required": ["startLine", "startColumn", "endLine", "endColumn"],
                   "additionalProperties": POSITION},
    },
}
RESULT = {
    "type": "object", "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]}, "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
            "required": ["physicalLocation"], "properties": {"physicalLocation": PHYSICAL}}},
        "partialFingerprints": {"required": ["primaryLocationLineHash"], "additionalProperties": {"type": "string"}},
    },
}
SCHEMA = {
    "type": "object", "required": ["$schema", "version", "runs"], "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"},
        "runs": {"type": "array", "minItems": 1, "maxItems": 20, "items": {
            "type": "object", "required": ["tool", "results", "automationDetails", "invocations", "columnKind"],
            "properties": {
                "tool": {"required": ["driver"], "properties": {"driver": {
                    "required": ["name", "semanticVersion", "rules"],
                    "properties": {"rules": {"type": "array", "items": RULE, "maxItems": 25_000}}}}},
                "results": {"type": "array", "items": RESULT, "maxItems": 25_000},
                "columnKind": {"const": "unicodeCodePoints"},
                "automationDetails": {"required": ["id"], "properties": {"id": {"type": "string", "pattern": "/$"}}},
                "invocations": {"type": "array", "minItems": 1, "items": {"required": ["executionSuccessful"],
                                "properties": {"executionSuccessful": {"type": "boolean"}}}},
            },
        }},
    },
}


def sarif(report: dict[str, Any], language: str = "en") -> dict[str, Any]:
    document = json.loads(render(report, "sarif", language))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    run: dict[str, Any] = document["runs"][0]
    return run


def with_findings(*findings: dict[str, Any]) -> dict[str, Any]:
    return {**violation(), "findings": list(findings)}


def one(**changes: Any) -> dict[str, Any]:
    return {**EXAMPLES["phone"][0].as_json(), **changes}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ALL)
def test_it_follows_the_standard(name: str, language: str) -> None:
    run = sarif(ALL[name](), language)
    assert len(run["results"]) == len(ALL[name]()["findings"])
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_it_stays_as_it_is(snapshot: Any) -> None:
    assert json.dumps(sarif(violation()), ensure_ascii=False, indent=1) == snapshot


def test_regions_count_from_one_and_cover_the_value() -> None:
    region = sarif(with_findings(one()))["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 28, "endLine": 2, "endColumn": 28 + 11}


def test_a_record_without_lines_is_named_by_field_and_row() -> None:
    location = sarif(with_findings(one(location={"row": 12}), ))["results"][0]["locations"][0]
    assert location["physicalLocation"]["region"]["startLine"] == 1
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "联系电话 · row 12"


def test_every_skipped_input_is_a_notification() -> None:
    invocation = sarif(violation())["invocations"][0]
    texts = [n["message"]["text"] for n in invocation["toolExecutionNotifications"]]
    assert len(texts) == 3
    assert any("归档.zip!2019/名册.xls (Encrypted; password needed)" in text for text in texts)
    assert invocation["executionSuccessful"] is True
    assert sarif(ALL["incomplete"]())["invocations"][0]["executionSuccessful"] is False


def test_levels_follow_grade_confidence_and_masking() -> None:
    secret = EXAMPLES["log"][0].as_json()
    findings = [one(), one(masked=True), one(confidence=0.4), {**secret}, {**secret, "confidence": 0.7},
                one(data_class="org.uscc"), one(data_class="later.class")]
    levels = {json.dumps([f["data_class"], f["confidence"], f["masked"]]):
              sarif(with_findings(f))["results"][0]["level"] for f in findings}
    assert list(levels.values()) == ["warning", "note", "note", "error", "warning", "note", "warning"]


def test_more_findings_than_github_takes_are_cut_gravest_first_and_it_is_said() -> None:
    mild = [one(data_class="org.uscc", location={"line": n, "column": 1}) for n in range(1, 25_001)]
    run = sarif(with_findings(*mild, EXAMPLES["log"][0].as_json()))
    assert len(run["results"]) == 25_000
    assert any(result["level"] == "error" for result in run["results"])
    assert "25,000 of 25,001" in run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]


def test_fingerprints_follow_the_content_and_not_the_line() -> None:
    def prints(*findings: dict[str, Any]) -> list[str]:
        return [r["partialFingerprints"]["primaryLocationLineHash"] for r in sarif(with_findings(*findings))["results"]]

    moved = one(location={"line": 900, "column": 1})
    other = one(fingerprint="f" * 32)
    assert prints(one()) == prints(moved)
    assert prints(one()) != prints(other)
    first, second = prints(one(), moved)
    assert first != second
    assert (first[:-1], first[-1], second[-1]) == (second[:-1], "1", "2")


def test_a_mark_without_fingerprint_is_told_apart_by_its_place() -> None:
    one_mark = one(data_class="state.secret_mark", preview="", fingerprint="")
    run = sarif(with_findings(one_mark, {**one_mark, "location": {"line": 9, "column": 1}}))
    hashes = {r["partialFingerprints"]["primaryLocationLineHash"] for r in run["results"]}
    assert len(hashes) == 2
    assert all("guard/v1" not in r["partialFingerprints"] for r in run["results"])
    assert "not shown" in run["results"][0]["message"]["text"]


@given(st.text(st.characters(), max_size=30))
def test_any_name_is_a_relative_reference(name: str) -> None:
    run = sarif(with_findings(one(dataset=name)))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"([A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)
    assert unquote(uri, errors="surrogatepass") == (name.lstrip("/") or "-")


def test_runs_for_different_audiences_keep_their_alerts_apart() -> None:
    ids = {sarif({**violation(), "audience": audience})["automationDetails"]["id"]
           for audience in ("public", "internal")}
    assert ids == {"guard/cn-open-data/public/", "guard/cn-open-data/internal/"}
    assert sarif(ALL["scan"]())["automationDetails"]["id"] == "guard/scan/"

"""Our detectors in a real AnalyzerEngine; its example is that of the documentation."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("presidio_analyzer")

from guard.presidio import GuardRecognizer
from guard.presidio.entities import entity_of
from guard.scanner import Scanner
from guard.taxonomy import taxonomy

PAGE = Path(__file__).parents[1] / "docs" / "presidio.md"
TEXT = "联系人：王小明，身份证号110101199003071233"


@cache
def example() -> dict[str, Any]:
    """The names of the example after it ran."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, PAGE.name, "exec"), names)
    return names


def test_the_example_of_the_page_finds_both() -> None:
    results = {(r.entity_type, TEXT[r.start:r.end]) for r in example()["results"]}
    assert results == {("PERSON", "王小明"), ("PERSON_ID_CN", "110101199003071233")}


def test_offsets_are_code_points_and_scores_are_confidences() -> None:
    text = "😀，电话 13800138000\n邮箱zhang.san@example.com"
    scanner = Scanner()
    results = sorted(example()["analyzer"].analyze(text, language="zh"), key=lambda result: result.start)
    assert [(text[r.start:r.end], r.entity_type) for r in results] == [
        ("13800138000", "PHONE_NUMBER"), ("zhang.san@example.com", "EMAIL_ADDRESS")]
    assert [r.score for r in results] == [finding.confidence for finding in scanner.scan_text(text)]


def test_entities_are_chosen() -> None:
    chosen = example()["analyzer"].analyze(TEXT, language="zh", entities=["PERSON_ID_CN"])
    assert [result.entity_type for result in chosen] == ["PERSON_ID_CN"]
    assert GuardRecognizer(scanner=Scanner()).analyze(TEXT, ["EMAIL_ADDRESS"]) == []


def test_no_value_is_kept_and_masked_values_are_no_results() -> None:
    recognizer = GuardRecognizer(scanner=Scanner())
    results = recognizer.analyze(TEXT + "，证件110101********1233", [])
    assert len(results) == 2
    for result in results:
        shown = f"{result!r}{result.to_dict()}{result.analysis_explanation.to_dict()}"
        assert "王小明" not in shown
        assert "110101199003071233" not in shown
        assert result.analysis_explanation.pattern_name in shown


def test_every_class_has_a_name_in_presidio_s_spelling() -> None:
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", entity_of(identifier)) for identifier in taxonomy())
    assert entity_of("secret.cloud.aliyun.access_key") == "SECRET_CLOUD_ALIYUN_ACCESS_KEY"

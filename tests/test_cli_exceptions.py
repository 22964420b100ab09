"""Exceptions and baseline through the installed command: they change the answer, and are counted and shown."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from command import Answer, guard

from guard.demo import People

INSIDE = ("--policy", "cn-department-share", "--audience", "department_share")
TODAY = datetime.date.today()


@pytest.fixture
def source(tmp_path: Path, people: People) -> Path:
    """A table that may be shared but for one column, which asks for a review."""
    folder = tmp_path / "source"
    folder.mkdir()
    rows = "".join(f"{people.mobile()},肺结核\n" for _ in range(12))
    (folder / "cases.csv").write_text("手机号,诊断\n" + rows)
    return folder


def exceptions(path: Path, rule: str, *, expires: datetime.date = TODAY + datetime.timedelta(90)) -> Path:
    path.write_text(f"""exceptions:
  - id: EX-1
    rule: {rule}
    scope: {{dataset: cases.csv, field: 诊断}}
    action: allow
    ground: public_interest
    reason: contract with the health commission
    requested_by: a.li
    approved_by: b.wang
    approved_at: {TODAY - datetime.timedelta(80)}
    expires: {expires}
""")
    return path


def checked(source: Path, *options: object, verb: str = "check") -> tuple[Answer, dict[str, Any]]:
    answer = guard(verb, source, *INSIDE, "--format", "json", *options)
    return answer, json.loads(answer.out)


def reviewed(report: dict[str, Any]) -> dict[str, Any]:
    (decision,) = (d for d in report["decisions"] if d["field"] == "诊断" and d["action"] != "mask")
    return dict(decision)


def test_an_exception_settles_a_review_and_is_counted(source: Path, tmp_path: Path) -> None:
    answer, report = checked(source)
    assert answer.code == 1
    rule = reviewed(report)["rule"]
    file = exceptions(tmp_path / "e.yml", rule)
    answer, report = checked(source, "--exceptions", file)
    assert answer.code == 0, answer.err
    assert reviewed(report)["waived_by"] == "EX-1"
    assert report["suppressed"]["exceptions"] == 1
    answer, report = checked(source, "--exceptions", file, "--out", tmp_path / "out", verb="release")
    assert answer.code == 0, answer.err
    assert "肺结核" in (tmp_path / "out" / "public" / "data" / "cases.csv").read_text()
    evidence = json.loads((tmp_path / "out" / "evidence" / "report.json").read_text())
    assert evidence["suppressed"]["exceptions"] == 1


def test_an_expired_exception_does_not_count_and_is_warned_of(source: Path, tmp_path: Path) -> None:
    rule = reviewed(checked(source)[1])["rule"]
    file = exceptions(tmp_path / "e.yml", rule, expires=TODAY - datetime.timedelta(1))
    answer, report = checked(source, "--exceptions", file)
    assert answer.code == 1
    assert report["suppressed"]["exceptions"] == 0
    assert any("EX-1" in warning and "expired" in warning for warning in report["warnings"])


def test_an_exception_for_nothing_is_warned_of(source: Path, tmp_path: Path) -> None:
    answer, report = checked(source, "--exceptions", exceptions(tmp_path / "e.yml", "NO-SUCH-RULE"))
    assert answer.code == 1
    assert any("EX-1" in warning for warning in report["warnings"])


def test_a_file_of_exceptions_that_is_not_valid_is_usage(source: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.yml"
    file.write_text("exceptions:\n  - id: EX-1\n    nonsense: 1\n")
    answer = guard("check", source, *INSIDE, "--exceptions", file)
    assert answer.code == 2
    assert "e.yml:" in answer.error


@pytest.fixture
def false_positives(tmp_path: Path, people: People) -> Path:
    folder = tmp_path / "numbers"
    folder.mkdir()
    (folder / "a.log").write_text("".join(f"INFO 电话 {people.mobile()} ok\n" for _ in range(6)))
    return folder


def test_a_baseline_leaves_known_findings_out_and_counts_them(false_positives: Path, tmp_path: Path,
                                                              people: People) -> None:
    keyring, known = tmp_path / "keys.json", tmp_path / "known.yml"
    assert guard("keys", "init", keyring).code == 0
    written = guard("scan", false_positives, "--keyring", keyring, "--write-baseline", known, "--reason", "x")
    assert written.code == 0, written.err
    values = [line.split()[2] for line in (false_positives / "a.log").read_text().splitlines()]
    assert not any(value in known.read_text() for value in values)
    how = ("--keyring", keyring, "--baseline", known, "--format", "json")
    report = json.loads(guard("scan", false_positives, *how).out)
    assert (report["suppressed"]["baseline"], report["summary"]["findings"], report["warnings"]) == (6, 0, [])
    (false_positives / "b.log").write_text(f"INFO 电话 {people.mobile()} ok\n")
    report = json.loads(guard("scan", false_positives, *how).out)
    assert (report["suppressed"]["baseline"], report["summary"]["findings"]) == (6, 1)
    (false_positives / "a.log").write_text("\n".join(f"INFO 电话 {value} ok" for value in values[:4]) + "\n")
    report = json.loads(guard("scan", false_positives, *how).out)
    assert report["suppressed"]["baseline"] == 4
    assert len(report["warnings"]) == 2


def test_a_release_with_a_baseline_leaves_known_values_where_they_are(false_positives: Path, tmp_path: Path) -> None:
    keyring, known, out = tmp_path / "keys.json", tmp_path / "known.yml", tmp_path / "out"
    guard("keys", "init", keyring)
    guard("scan", false_positives, "--keyring", keyring, "--write-baseline", known, "--reason", "x")
    answer = guard("release", false_positives, *INSIDE, "--keyring", keyring, "--baseline", known, "--out", out,
                   "--format", "json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["suppressed"]["baseline"] == 6
    assert (out / "public" / "data" / "a.log").read_bytes() == (false_positives / "a.log").read_bytes()


def test_what_a_baseline_needs(false_positives: Path, tmp_path: Path) -> None:
    keyring, other, known = tmp_path / "keys.json", tmp_path / "other.json", tmp_path / "known.yml"
    guard("keys", "init", keyring)
    guard("keys", "init", other)
    write = ("scan", false_positives, "--write-baseline", known)
    assert guard(*write, "--reason", "x").code == 2
    assert guard(*write, "--keyring", keyring).code == 2
    assert not known.exists()
    assert guard(*write, "--keyring", keyring, "--reason", "x").code == 0
    assert guard("scan", false_positives, "--baseline", known).code == 2
    assert guard("scan", false_positives, "--baseline", known, "--keyring", other).code == 2

"""Inline marks in source code: what they cover, what they never do, and where they are not looked at."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command import guard
from hypothesis import given
from hypothesis import strategies as st

import guard as library
from guard import Scanner
from guard.batch import Hits
from guard.detect import Matcher, load
from guard.detect.marks import marked
from guard.model import Report

SECRET = "AKIA" + "QYLPMN5HFJ3KWX2T"
KEY = f"key = '{SECRET}'"
PHONE = "13800138000"
DETECTOR = "aws-access-key"
COVERS = ["# gitleaks:allow", "// trufflehog:ignore", "# pragma: allowlist secret", "# pragma: whitelist secret",
          "#pragma:allowlist secret", "/* pragma: allowlist-secret */", f"# guard:allow[{DETECTOR}] a test key",
          f"# guard:allow[other, {DETECTOR}] 测试用", f"# guard:allow[{DETECTOR}]: documented in the manual"]
COVERS_NOT = ["# gitleaks: allow", "# allowlist secret", "# pragma: allowlist", "# guard:allow", "# nosec",
              f"# guard:allow[{DETECTOR}]", f"# guard:allow[{DETECTOR}] -->", f"# guard:allow [{DETECTOR}] why",
              "# guard:allow[] why", "# guard:allow[other] why", "# guard:allow[*] why"]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(load())


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder under version control."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "tree")], check=True)
    return tmp_path / "tree"


def left(matcher: Matcher, text: str) -> list[str]:
    """The values of secrets and numbers that no mark covers."""
    data = text.encode()
    hits = matcher.scan_text(data)
    hits = hits.take(~marked(data, hits, matcher.detectors))
    return [data[a:b].decode() for a, b in zip(hits.start.tolist(), hits.end.tolist(), strict=True)]


def found(report: Report, data_class: str = "secret.cloud.aws.access_key") -> list[int | None]:
    return [f.location.line for f in report.findings if f.data_class == data_class]


@pytest.mark.parametrize("mark", COVERS)
def test_a_mark_covers_its_line_and_no_other(matcher: Matcher, mark: str) -> None:
    assert DETECTOR in {detector.id for detector in matcher.detectors}
    for end in ("\n", "\r\n", "\r"):
        values = left(matcher, f"{KEY}{end}{KEY}  {mark}{end}{KEY}{end}")
        assert values.count(SECRET) == 2
        assert SECRET not in left(matcher, f"{KEY} {mark}")


@pytest.mark.parametrize("mark", COVERS_NOT)
def test_what_is_no_mark(matcher: Matcher, mark: str) -> None:
    assert SECRET in left(matcher, f"{KEY} {mark}\n")


def test_the_mark_for_the_line_below(matcher: Matcher) -> None:
    mark = "# pragma: allowlist nextline secret"
    for end in ("\n", "\r\n"):
        assert left(matcher, f"{mark}{end}{KEY}{end}{KEY}{end}").count(SECRET) == 1
    assert SECRET in left(matcher, f"{KEY} {mark}\n")
    assert left(matcher, mark) == []


def test_marks_say_nothing_about_people(matcher: Matcher) -> None:
    assert PHONE in left(matcher, f"手机 {PHONE}  # gitleaks:allow\n")
    assert PHONE in left(matcher, f"手机 {PHONE}  # guard:allow[cn-mobile] it is mine\n")


def test_a_key_of_many_lines_is_covered_by_a_mark_in_any_of_them(matcher: Matcher) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" * 4
    key = f"-----BEGIN PRIVATE KEY-----{{}}\n{body}-----END PRIVATE KEY-----\n"
    assert any("PRIVATE KEY" in value for value in left(matcher, key.format("")))
    assert not any("PRIVATE KEY" in value for value in left(matcher, key.format("").replace(
        "-----END PRIVATE KEY-----", "-----END PRIVATE KEY----- # gitleaks:allow")))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.text("ab ;'\"", max_size=8)), max_size=12))
def test_lines_are_covered_one_by_one(lines: list[tuple[bool, bool, str]]) -> None:
    detectors = [d for d in load() if d.id == DETECTOR]
    data, places = b"", []
    for has_key, has_mark, filler in lines:
        if has_key:
            places.append((len(data) + len(filler), has_mark))
        text = filler + ("KEY" if has_key else "") + ("# gitleaks:allow" if has_mark else "") + "\n"
        data += text.encode()
    hits = Hits.build([0] * len(places), [at for at, _ in places], [at + 3 for at, _ in places], [0.9] * len(places),
                      [0] * len(places), [0] * len(places))
    assert marked(data, hits, detectors).tolist() == [covered for _, covered in places]


def test_many_marks_in_one_line_take_linear_time() -> None:
    detectors = [d for d in load() if d.id == DETECTOR]
    data = b"gitleaks:allow guard:allow[aws-access-key] x " * 100_000
    hits = Hits.build([0], [5], [10], [0.9], [0], [0])
    assert marked(data, hits, detectors).tolist() == [True]


def test_a_scan_of_a_source_tree_counts_what_marks_cover(tree: Path, scanner: Scanner) -> None:
    (tree / "a.py").write_text(f"{KEY}  # gitleaks:allow\nx = 1\n{KEY}\n")
    report = scanner.scan(tree)
    assert found(report) == [3]
    assert report.suppressed["inline"] >= 1
    assert found(scanner.scan(tree / "a.py")) == [3]
    assert found(scanner.scan(tree, inline_marks=False)) == [1, 3]
    assert "inline" not in scanner.scan(tree, inline_marks=False).suppressed


def test_marks_count_in_git(tree: Path, scanner: Scanner) -> None:
    (tree / "a.py").write_text(f"{KEY}  # gitleaks:allow\nx = 1\n{KEY}\n")
    subprocess.run(["git", "-C", str(tree), "add", "."], check=True)
    report = scanner.scan_git(tree, staged=True)
    assert found(report) == [3]
    assert report.suppressed["inline"] >= 1
    assert found(scanner.scan_git(tree, staged=True, inline_marks=False)) == [1, 3]


def test_a_mark_that_goes_brings_the_secret_back(tree: Path, scanner: Scanner) -> None:
    for text in (f"{KEY}  # gitleaks:allow\n", f"{KEY}\n"):
        (tree / "a.py").write_text(text)
        subprocess.run(["git", "-C", str(tree), "add", "."], check=True)
        author = ("-c", "user.name=n", "-c", "user.email=n@e.example")
        subprocess.run(["git", "-C", str(tree), *author, "commit", "--quiet", "--message", "c"], check=True)
    assert found(scanner.scan_git(tree)) == [1]


def test_marks_do_not_count_outside_of_version_control(tmp_path: Path, scanner: Scanner) -> None:
    (tmp_path / "a.log").write_text(f"{KEY}  # gitleaks:allow\n")
    report = scanner.scan(tmp_path)
    assert found(report) == [1]
    assert report.suppressed == {}


def test_marks_do_not_count_in_tables_and_records(tree: Path, scanner: Scanner) -> None:
    (tree / "t.csv").write_text("id,note,x\n" + f"1,{SECRET} gitleaks:allow,x\n" * 5)
    (tree / "r.json").write_text(json.dumps([{"note": f"{SECRET} gitleaks:allow"}]))
    assert len(found(scanner.scan(tree))) == 6
    assert scanner.scan(tree).suppressed == {}


def test_a_text_and_a_stream_have_no_marks(scanner: Scanner) -> None:
    assert scanner.scan_text(f"{KEY}  # gitleaks:allow\n")


def test_check_release_and_mask_never_honour_marks(tree: Path, tmp_path: Path) -> None:
    (tree / "a.py").write_text(f"{KEY}  # gitleaks:allow pragma: allowlist secret trufflehog:ignore\n")
    assert guard("scan", tree / "a.py", "--fail-on", "likely").code == 0
    for verb in (["check"], ["release", "--out", tmp_path / "out"]):
        answer = guard(verb[0], tree / "a.py", *verb[1:], "--policy", "cn-open-data", "--audience", "internal")
        assert answer.code == 1, answer.err
    assert not (tmp_path / "out").exists()
    masked = library.mask(f"{KEY}  # gitleaks:allow", policy="cn-open-data", audience="internal")
    assert SECRET not in str(masked)


def test_the_command_shows_and_can_ignore_them(tree: Path) -> None:
    (tree / "a.py").write_text(f"{KEY}  # gitleaks:allow\n")
    shown = guard("scan", tree / "a.py", "--lang", "en")
    assert "Marks in source code" in shown.out
    assert guard("scan", tree / "a.py", "--fail-on", "likely").code == 0
    assert guard("scan", tree / "a.py", "--fail-on", "likely", "--ignore-marks").code == 1


def test_histories_in_a_folder_are_noted(tree: Path, scanner: Scanner) -> None:
    (tree / "a.py").write_text("x = 1\n")
    (tree / "data").mkdir()
    (tree / "data" / ".git").mkdir()
    (tree / "data" / ".git" / "secret.txt").write_text(f"{KEY}\n")
    report = scanner.scan(tree)
    assert report.warnings == ("the history of 1 repository is left out: scan --git reads it",)
    assert not report.skipped
    assert [(f.location.dataset, f.location.line) for f in report.findings if f.data_class.startswith("secret.cloud")] \
        == [("data/.git/secret.txt", 1)]


def test_a_history_is_not_clean_for_a_check(tree: Path) -> None:
    (tree / "a.txt").write_text("nothing here\n")
    answer = guard("check", tree, "--policy", "cn-open-data", "--audience", "public", "--format", "json")
    assert answer.code == 3
    assert [row["reason"] for row in json.loads(answer.out)["skipped"]] == ["history of a repository"]

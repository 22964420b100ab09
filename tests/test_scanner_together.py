"""Small files that are scanned together: of each the same is told as of one that is scanned alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Scanner
from guard.batch import Hits
from guard.detect import Budget, Matcher
from guard.model import Finding, PlainLabels
from guard.scanner import FindingList, run
from guard.scanner.parts import DocumentTally, Part, Quiet, Unit
from guard.scanner.together import SMALL, is_small, scan_together
from guard.sources import Document, Options, discover

SCANNER = Scanner(fingerprint_key=b"the key of all scanners of tests")
PEM = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA" + "x7Kq" * 12, "b3Vyc2VsdmVz" + "9Zt4" * 12,
       "-----END RSA PRIVATE KEY-----"]
LINES = (*PEM, "\n".join(PEM), "password", 'password = "Xk9#mQ2$vL7pWz"', "Xk9#mQ2$vL7pWz", "手机号", "13800138000",
         "身份证号：11010519491231002X", "张三 13900139000", "user@example.com", "plain text", "", "机密★10年",
         "cGFzc3dvcmQ9WGs5I21RMiR2TDdwV3o=", "key = 'AKIAIOSFODNN7EXAMPLE'  # gitleaks:allow", "１３８００１３８０００",
         "a,b,c", "1,张三,13800138000")
ENDS = ("", "\n", "\r\n", "\r")
NAMES = ("a.py", "b.log", "c", "d.yaml", "e.csv", "13800138000.txt", "f.md", "机密★10年.txt")
VALUES: st.SearchStrategy[object] = st.recursive(
    st.sampled_from((1, None, True, 13800138000, "13800138000", "Xk9#mQ2$vL7pWz", "张三", "x", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("password", "name", "value", "phone", "a", "b", "姓名", "13800138000", "deadline")), inner,
        max_size=4), max_leaves=8)


def texts() -> st.SearchStrategy[bytes]:
    lines = st.lists(st.sampled_from(LINES), min_size=1, max_size=6)
    joined = st.builds(lambda found, glue, end: glue.join(found) + end, lines, st.sampled_from(ENDS[1:]),
                       st.sampled_from(ENDS))
    odd = st.sampled_from((b"\x00\x01\x02" * 9, b""))
    return st.one_of(joined.map(str.encode), joined.map(lambda text: b"\xef\xbb\xbf" + text.encode()),
                     joined.map(lambda text: text.encode("gb18030")), joined.map(lambda text: text.encode("utf-16")),
                     joined.map(lambda text: text.encode() + b"\xff\xfe\x80"), odd)


def files() -> st.SearchStrategy[dict[str, bytes]]:
    documents = VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode())
    named = st.one_of(
        st.tuples(st.sampled_from(NAMES), texts()), st.tuples(st.just("g.json"), documents),
        st.tuples(st.just("h.jsonl"), st.lists(documents, min_size=1, max_size=4).map(b"\n".join)))
    found = st.lists(named, min_size=1, max_size=8)
    return found.map(lambda pairs: {f"{number}{name}": data for number, (name, data) in enumerate(pairs)})


def told(folder: Path, most: int, workers: int = 1, scanner: Scanner = SCANNER, **how: bool
         ) -> tuple[str, list[Finding], list[str]]:
    """Report, findings and the values of these when at most so many files are scanned together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "MOST_FILES", most)
        sink = FindingList()
        report = scanner.scan(folder, sink=sink, workers=workers, **how)  # type: ignore[arg-type]
    values = [finding.reveal() for finding in sink.findings] if workers == 1 else []
    return json.dumps({**report.as_json(), "created": ""}), sink.findings, values


@settings(max_examples=60)
@given(files())
def test_together_is_each_alone(found: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()  # makes it a tree of sources, in which inline marks count
        for path, data in found.items():
            (folder / path).write_bytes(data)
        alone = told(folder, 1)
        assert told(folder, 3) == alone
        assert told(folder, 1000) == alone


def write(folder: Path, **contents: str) -> Path:
    for name, text in contents.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


@pytest.mark.parametrize("end", ENDS)
def test_nothing_crosses_from_one_file_into_the_next(tmp_path: Path, end: str) -> None:
    """A key that is cut in two, a word and its value, the halves of a number."""
    begin, rest = PEM[0] + end, "\n".join(PEM[1:]) + end
    write(tmp_path, a_py=begin, b_py=rest, c_py=f"password ={end}", d_py=f"'Xk9#mQ2$vL7pWz'{end}", e_py=f"13800{end}",
          f_py=f"138000{end}", g_py=f"手机号{end}", h_py=f"13800138000{end}")
    report, findings, values = told(tmp_path, 1000)
    assert (report, findings, values) == told(tmp_path, 1)
    assert {f.location.dataset for f in findings} <= {"h.py"}


def test_places_count_from_the_beginning_of_each_file(tmp_path: Path) -> None:
    write(tmp_path, a_py="x\n" * 9, b_py="手机 13800138000", c_py="\n".join(["", *PEM]), d_py="y\r\nAKIA\r\n")
    _, findings, values = told(tmp_path, 1000)
    places = {(f.location.dataset, f.location.line, f.location.column, f.location.offset) for f in findings}
    assert ("b.py", 1, 4, 7) in places
    assert ("c.py", 2, 1, 1) in places
    assert "13800138000" in values


def test_a_mark_ends_its_own_file_only(tmp_path: Path) -> None:
    write(tmp_path, a_py="13800138000\n", b_py="13900139000\n机密★10年\n", c_py="13700137000\n")
    report, findings, _ = told(tmp_path, 1000)
    assert {f.location.dataset for f in findings} == {"a.py", "c.py"}
    assert [skipped["dataset"] for skipped in json.loads(report)["skipped"]] == ["b.py"]


def test_workers_get_small_files_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ENOUGH", 1)
    monkeypatch.setattr(run, "WARM", 0)
    for number in range(60):
        write(tmp_path, **{f"{number}_py": f"line {number}\n手机 138001380{number:02}\n", f"{number}_json": '{"a": 1}'})
    alone = told(tmp_path, 1)[:2]
    assert told(tmp_path, 7, workers=3)[:2] == alone == told(tmp_path, 1000, workers=2)[:2]


def test_what_marks_allow_and_what_is_known_is_left_out_as_alone(tmp_path: Path) -> None:
    write(tmp_path, _git__HEAD="x", a_py='password = "Xk9#mQ2$vL7pWz"  # gitleaks:allow\n',
          b_py='password = "Xk9#mQ2$vL7pWz"\n', c_py="user@example.com\n")
    for how in (True, False):
        assert told(tmp_path, 1000, inline_marks=how) == told(tmp_path, 1, inline_marks=how)
    assert json.loads(told(tmp_path, 1000)[0])["suppressed"] == {"inline": 1}


# What is not scanned together


def units(folder: Path) -> list[Unit]:
    found = discover(folder, Options(), PlainLabels())
    return [Unit(item.recipe) for item in found if isinstance(item, Document) and item.recipe is not None]


def test_only_small_files_are_scanned_together(tmp_path: Path) -> None:
    write(tmp_path, a_py="x", b_py="x" * (SMALL - 1), c_py="x" * SMALL, d_json="{}")
    assert [is_small(unit) for unit in units(tmp_path)] == [True, True, False, True]


def test_what_is_not_as_it_was_is_scanned_alone(tmp_path: Path) -> None:
    """Gone, grown beyond what is small, a link, damaged: the scan of the file alone says what it is."""
    write(tmp_path, a_py="13800138000", b_py="13800138000", c_py="13800138000", d_py="13800138000", e_py="\n", f_py="x")
    found = units(tmp_path)
    (tmp_path / "a.py").unlink()
    (tmp_path / "b.py").write_text("x\n" * SMALL)
    (tmp_path / "c.py").unlink()
    (tmp_path / "c.py").symlink_to(tmp_path / "d.py")
    (tmp_path / "d.py").write_bytes("张三李四王五 13800138000 ".encode() + b"\xff\n")
    parts = scan_together(SCANNER, found, [None] * len(found), [None] * len(found))
    assert [part is None for part in parts] == [True, True, True, True, False, False]
    whole = SCANNER.scan_units(found, [None] * len(found))
    assert [type(part) for part in whole] == [Part] * 4 + [Quiet] * 2
    reasons = [[str(s.reason) for s in part.tally.skipped] for part in whole if isinstance(part, Part)]
    assert reasons == [["unreadable"], [], ["symbolic link, not followed"], ["undecodable bytes"]]


def test_a_detector_that_runs_out_over_all_is_tried_on_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(self: Matcher, texts: list[bytes], budget: Budget) -> list[Hits]:
        budget.exhausted.add(0)
        return [Hits.empty()] * len(texts)

    write(tmp_path, a_py="13800138000", b_py="x")
    alone = told(tmp_path, 1)
    monkeypatch.setattr(Matcher, "scan_texts", run_out)
    assert told(tmp_path, 1000) == alone
    assert alone[1]


def test_a_file_that_changed_since_it_was_listed_is_told_as_it_was_read(tmp_path: Path) -> None:
    write(tmp_path, a_py="13800138000\n", b_py="x\n")
    found = [item for item in discover(tmp_path, Options(), PlainLabels(), with_content=True)
             if isinstance(item, Document)]
    assert [item.content for item in found] == [b"13800138000\n", b"x\n"]
    (tmp_path / "a.py").write_text("y\n")
    parts = SCANNER.scan_units(units(tmp_path), [None, None], [item.content for item in found])
    assert isinstance(parts[0], Part)
    assert isinstance(parts[1], Quiet)
    assert [counted.hits for field in parts[0].tally.fields.values() for counted in field.detectors.values()] == [1]


# What is quiet


QUIET = {"a.py": "x\ny", "b.py": "x\r\n\r\n", "c": "\r", "d.md": "二行\n也好\n", "e.py": " ", "f.json": '{"a": 1}',
         "g.log": "13800138000\n"}


@pytest.mark.parametrize("hashed", [True, False])
def test_a_quiet_text_says_what_a_scan_of_it_alone_does(tmp_path: Path, hashed: bool) -> None:
    for name, text in QUIET.items():
        (tmp_path / name).write_bytes(text.encode())
    found = [item for item in discover(tmp_path, Options(hashed=hashed), PlainLabels()) if isinstance(item, Document)]
    parts = SCANNER.scan_units([Unit(item.recipe) for item in found if item.recipe], [None] * len(found))
    assert [type(part) for part in parts] == [Quiet] * 5 + [Part] * 2
    for document, part in zip(found, parts, strict=True):
        if isinstance(part, Quiet) and document.recipe is not None:
            alone, counted = SCANNER.scan_unit(Unit(document.recipe)), DocumentTally(document, None)
            assert (alone.encoding, alone.digest, alone.read) == (part.encoding, part.digest, part.read)
            counted.add(alone)
            document.encoding, document.digest = alone.encoding, alone.digest
            assert counted.result() == part.tally_of(document)


def test_a_quiet_text_with_a_name_that_is_a_finding_or_a_mark(tmp_path: Path) -> None:
    write(tmp_path, a_py="x\n", b_py="y\n")
    (tmp_path / "13800138000.py").write_text("z\n")
    (tmp_path / "机密★10年.py").write_text("13800138000\n")
    report, findings, _ = told(tmp_path, 1000)
    assert (report, findings) == told(tmp_path, 1)[:2]
    assert [skipped["reason"] for skipped in json.loads(report)["skipped"]] == ["stopped at a state-secret mark"]
    assert sum(field["kind"] == "name" for field in json.loads(report)["fields"]) == 2

"""The scanner: names are data, secret documents show nothing, sums are sums, threads may share it."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import Scanner, UsageError, Verdict
from guard.demo import People
from guard.model import Reason as Why
from guard.model import Report, Skipped
from guard.scanner import FindingList
from guard.scanner.labels import ScannedLabels
from guard.sources import Options, discover
from guard.tally import MAX_EXAMPLES, MAX_FINDINGS, MAX_SKIPPED, ClassTally, FieldTally, Tally

SCANNER = Scanner()
MARK = "绝密★启用前\n"


def stopped(report: Report) -> list[str]:
    return [s.dataset for s in report.skipped if s.reason is Why.STOPPED]


def test_a_mark_late_in_a_file_takes_back_what_was_shown_before(tmp_path: Path, people: People) -> None:
    (tmp_path / "a.log").write_text(f"电话 {people.mobile()}\n")
    early = f"电话 {people.mobile()} {'x' * 400}\n" * 6000
    (tmp_path / "b.log").write_text(early + MARK)
    sink = FindingList()
    report = SCANNER.scan(tmp_path, sink=sink)
    assert stopped(report) == ["b.log"]
    assert {f.location.dataset for f in sink.findings} == {"a.log"}
    assert {f.location.dataset for f in report.findings} == {"a.log"}
    assert not any(field.examples for field in report.fields if field.dataset == "b.log")
    assert any(field.hits for field in report.fields if field.dataset == "b.log")


@pytest.mark.parametrize("name", ["机密★10年 名单.csv", "机密★10年/名单.csv"])
def test_a_mark_in_the_name_of_a_file_or_folder_stops_it(tmp_path: Path, people: People, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("手机号,n\n" + "".join(f"{people.mobile()},1\n" for _ in range(5)))
    report = SCANNER.scan(tmp_path, sink=(sink := FindingList()))
    assert len(stopped(report)) == 1
    assert report.verdict is Verdict.INCOMPLETE
    assert {f.data_class for f in (*report.findings, *sink.findings)} == {"state.secret_mark"}
    assert "机密" not in json.dumps(report.as_json(), ensure_ascii=False)


def test_a_mark_in_the_name_of_a_member_stops_its_archive(tmp_path: Path, people: People) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.txt", f"电话 {people.mobile()}\n")
        archive.writestr("机密★10年.txt", "会议\n")
    report = SCANNER.scan(tmp_path)
    assert stopped(report) == ["a.zip"]
    assert not any(field.examples for field in report.fields if field.kind != "name")


def test_every_private_name_behind_one_label_is_counted(tmp_path: Path, people: People) -> None:
    keys = [people.mobile() for _ in range(5)] + [people.resident_id() for _ in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(dict.fromkeys(keys, 1)))
    names = [field for field in SCANNER.scan(tmp_path).fields if field.kind == "name"]
    found = {c.data_class: c.hits for field in names for c in field.classes}
    assert found["person.phone.mobile"] == 5
    assert found["person.id.cn"] == 3


def test_examples_of_a_rare_detector_are_kept_behind_many_others(tmp_path: Path, people: People) -> None:
    (tmp_path / "a.log").write_text("".join(f"电话 {people.mobile()}\n" for _ in range(200))
                                    + f"邮箱 {people.email()}\n")
    labels = ScannedLabels(SCANNER.matcher)
    (document,) = discover(tmp_path, Options(), labels)
    ((_, tally),) = SCANNER.run(labels).results([document])
    (field,) = tally.fields.values()
    shown = [finding.data_class for counted in field.detectors.values() for finding in counted.examples]
    assert shown.count("person.email") == 1
    assert shown.count("person.phone.mobile") == MAX_EXAMPLES
    assert len(field.findings) == MAX_FINDINGS


def test_positions_are_code_points_whatever_stands_before(people: People) -> None:
    phone, other = people.mobile(), people.mobile()
    text = f"\ud83d😀 第一行\n电话 {phone}，\r\n再电 {other}"
    first, second = (f for f in SCANNER.scan_text(text) if f.data_class == "person.phone.mobile")
    assert text[first.start : first.end] == phone == first.reveal()
    assert text[second.start : second.end] == other
    assert (first.location.line, first.location.column) == (2, 4)
    assert second.location.line == 3


def test_findings_of_a_long_text_take_time_for_each_not_for_all_before(people: People) -> None:
    text = "".join(f"电话 {people.mobile()} {'x' * 40}\n" for _ in range(8000))
    assert len(SCANNER.scan_text(text)) >= 8000


def test_threads_find_the_same(people: People) -> None:
    texts = [f"电话 {people.mobile()} 证件 {people.resident_id()} {i}" for i in range(200)]
    alone = [[f.fingerprint for f in SCANNER.scan_text(text)] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: [f.fingerprint for f in SCANNER.scan_text(text)], texts))
    assert together == alone
    assert all(alone)


def test_a_stream_of_text_is_refused() -> None:
    with pytest.raises(UsageError, match="bytes"):
        SCANNER.scan(io.StringIO("a,b\n"))  # type: ignore[arg-type]


def test_names_that_decide_alone_count_a_class_once_per_name(people: People, tmp_path: Path) -> None:
    (tmp_path / f"{people.mobile()}.csv").write_text("n,m\n1,2\n")
    (name,) = (field for field in SCANNER.scan(tmp_path).fields if field.kind == "name")
    assert (name.field, name.rows, name.hits) == ("file 1.csv", 1, 1)


PARTS = st.lists(st.builds(
    lambda name, hits, skipped, known: Tally(
        {("d", name): FieldTally("d", name, rows=hits, detectors={"x": ClassTally(hits=hits, smallest=(hits,))})},
        skipped=[Skipped("d", Why.EMPTY)] * skipped, suppressed={"baseline": known}),
    st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 3), st.integers(0, 2)), max_size=8)


@given(PARTS)
def test_the_sum_in_place_is_the_sum_and_leaves_its_parts_alone(parts: list[Tally]) -> None:
    before = [repr(part) for part in parts]
    total, in_place = Tally(), Tally()
    for part in parts:
        total = total + part
        in_place += part
    assert total == in_place
    assert [repr(part) for part in parts] == before


def test_more_skipped_than_are_kept_are_counted() -> None:
    one = Tally(skipped=[Skipped("d", Why.EMPTY)] * (MAX_SKIPPED - 1))
    both = one + one
    assert (len(both.skipped), both.skipped_more) == (MAX_SKIPPED, MAX_SKIPPED - 2)

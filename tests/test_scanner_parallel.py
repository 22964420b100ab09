"""Many processes: the same report, and the same findings in the same order."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parallel_scans import KEY, SCANNER, cut, document_at, log, scanned, small_pieces, told

from guard import Baseline, Scanner
from guard.demo import People
from guard.errors import UsageError
from guard.model import Finding, PlainLabels, Report
from guard.scanner import FindingList, parallel, run
from guard.scanner.findings import FindingMaker
from guard.scanner.parts import Unit, packed, unpacked
from guard.sources import Options, Piece, discover
from guard.tally import MAX_FINDINGS


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_pieces():
        yield


def assert_same(source: Path) -> Report:
    """One, two and three processes tell the same; returns what two tell."""
    alone = scanned(source, 1)
    for workers in (2, 3):
        assert scanned(source, workers) == alone
    report = SCANNER.scan(source, workers=2)
    assert told(report) == alone[0]
    return report


def whole(source: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Finding]]:
    with monkeypatch.context() as uncut:
        cut(uncut, 1 << 30)
        return scanned(source, 1)


def register(people: People, rows: int, *, header: bool = True, end: str = "\r\n", delimiter: str = ",",
             quoting: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator=end, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    if header:
        table.writerow(("序号", "姓名", "公民身份号码", "手机号码", "备注"))
    for row in range(rows):
        note = f'第一行 "{row}"{end}第二行 {people.mobile()}{end}{end}' if row % 2 else ""
        table.writerow((row, people.name(), people.resident_id(), people.mobile(), note))
    return out.getvalue()


# One big file


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_log_is_the_same_in_pieces(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch,
                                     end: str) -> None:
    source = tmp_path / "app.log"
    source.write_bytes(log(people, 400).replace("\n", end).encode())
    assert assert_same(source).findings
    assert scanned(source, 2) == whole(source, monkeypatch)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig", "utf-32"])
def test_every_encoding_is_cut_between_characters(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch,
                                                  encoding: str) -> None:
    source = tmp_path / "app.log"
    source.write_bytes(log(people, 300).encode(encoding))
    assert len(list(document_at(source).pieces(6_000))) > 2
    alone = scanned(source, 1)
    assert alone[1]
    assert scanned(source, 2) == alone == whole(source, monkeypatch)


def test_an_encoding_is_decided_once_wherever_its_first_character_stands(tmp_path: Path, people: People,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "app.log"
    source.write_bytes(b"plain line\n" * 3000 + log(people, 100).encode("gb18030") + b"plain line\n" * 3000)
    two = scanned(source, 2)
    assert two == scanned(source, 1) == whole(source, monkeypatch)
    assert json.loads(two[0])["inputs"][0]["encoding"] == "gb18030"


def test_an_encoding_that_cannot_be_told_is_told_once(tmp_path: Path) -> None:
    source = tmp_path / "app.log"
    source.write_bytes(b"call 13800138000\n" * 2000 + "Здравствуйте, товарищи\n".encode("koi8-r") * 3000)
    report = assert_same(source)
    assert [str(s.reason) for s in report.skipped] == ["unknown encoding"]


@pytest.mark.parametrize(("header", "quoting", "end"), [
    (True, csv.QUOTE_MINIMAL, "\r\n"), (False, csv.QUOTE_MINIMAL, "\n"), (False, csv.QUOTE_ALL, "\r\n"),
], ids=["header", "no header, LF", "all quotes"])
def test_a_table_is_cut_between_records_whatever_its_cells_hold(
        tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch, header: bool, quoting: int, end: str) -> None:
    cut(monkeypatch, 8_000)
    source = tmp_path / "register.csv"
    source.write_bytes(register(people, 4_500, header=header, quoting=quoting, end=end).encode())
    assert len(list(document_at(source).pieces(8_000))) > 3
    alone = scanned(source, 1)
    assert scanned(source, 2) == alone
    uncut = whole(source, monkeypatch)
    assert alone[0] == uncut[0]
    assert sorted(map(repr, alone[1])) == sorted(map(repr, uncut[1]))  # in batches of other sizes: in another order


@pytest.mark.parametrize(("encoding", "delimiter"), [("gb18030", ","), ("gb18030", "|"), ("utf-16", "\t")])
def test_tables_in_other_encodings(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch, encoding: str,
                                   delimiter: str) -> None:
    cut(monkeypatch, 8_000)
    source = tmp_path / "register.csv"
    source.write_bytes(register(people, 4_500, delimiter=delimiter).encode(encoding))
    alone = scanned(source, 1)
    assert scanned(source, 2) == alone
    assert alone[0] == whole(source, monkeypatch)[0]


@pytest.mark.parametrize("text", ['a "b\nc,d\n', '"a"b,c\nd,e\n', 'a,"b\n', '""\n"",""\n'])
def test_quotes_that_follow_no_rule_give_the_same(tmp_path: Path, people: People, text: str) -> None:
    source = tmp_path / "register.csv"
    rows = register(people, 1_000)
    source.write_bytes((rows + text * 20 + rows + text + rows).encode())
    alone = scanned(source, 1)
    assert scanned(source, 2) == alone


def test_rows_lines_and_offsets_point_into_the_file(tmp_path: Path, people: People) -> None:
    source = tmp_path / "register.csv"
    text = register(people, 5_000)
    source.write_bytes(text.encode())
    data, lines = text.encode(), text.replace("\r\n", "\n").split("\n")
    _, findings = scanned(source, 3)
    records = list(csv.reader(io.StringIO(text)))
    for finding in (f for f in findings[:: len(findings) // 200] if f.data_class == "person.id.cn"):
        place = finding.location
        assert place.row is not None
        assert place.line is not None
        assert place.offset is not None
        assert place.length == 18
        assert place.column is not None
        value = data[place.offset : place.offset + place.length].decode()
        assert records[place.row][2] == value
        assert lines[place.line - 1][place.column - 1 :].startswith(value)


@given(text=st.text(st.sampled_from('",\r\n|ab号'), max_size=300), size=st.integers(4, 40))
@settings(max_examples=200)
def test_pieces_of_a_table_end_where_records_end(text: str, size: int) -> None:
    from guard.sources.cutting import RecordBorders
    from guard.sources.delimited_cells import split_exactly

    data = text.encode()
    borders, ends = RecordBorders(b","), set()
    for start in range(0, len(data), size):
        if last := borders.last(data[start : start + size]):
            ends.add(start + last)
    records = split_exactly(data, b",", final=False)
    stops = {0}
    rest = data[: records.end]
    while rest:
        first = split_exactly(rest, b",", final=True, limit=1).end
        stops.add(max(stops) + first)
        rest = rest[first:]
    assert {end for end in ends if end <= records.end} <= stops


@given(text=st.text(st.sampled_from('",\r\na'), max_size=80), state=st.integers(0, 3))
@settings(max_examples=300)
def test_the_compiled_search_is_the_plain_one(text: str, state: int) -> None:
    pytest.importorskip("numba")
    import numpy as np

    from guard.sources.cutting import search_plainly
    from guard.sources.record_loop import last_record_end

    data = text.encode()
    compiled = last_record_end(np.frombuffer(data, np.uint8), ord(","), state)
    assert tuple(map(int, compiled)) == search_plainly(data, b",", state)


def payloads(people: People, count: int, more: Callable[[int], dict[str, object]] = lambda number: {}) -> str:
    return "".join(json.dumps({"user": {"name": people.name(), "phone": people.mobile()}, "n": number,
                               "tags": [people.email()] * (number % 3), **more(number)}, ensure_ascii=False) + "\n"
                   for number in range(count))


def test_json_lines_are_the_same_in_pieces(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "api.jsonl"
    source.write_text(payloads(people, 300, lambda number: {"late": people.mobile()} if number == 250 else {})
                      + "no json\n" + payloads(people, 100))
    assert len(list(document_at(source).pieces(6_000))) > 3
    report = assert_same(source)
    ours, uncut = json.loads(scanned(source, 2)[0]), json.loads(whole(source, monkeypatch)[0])
    # Records count from the block on in which a field comes first.
    assert [field["field"] for field in ours["fields"] if field["rows"] < 401] == ["$.late"]
    assert [{**field, "rows": 401} for field in ours.pop("fields")] == uncut.pop("fields")
    assert ours == uncut
    assert [s.line for s in report.skipped] == [301]


@pytest.mark.parametrize("late", [0, 380], ids=["from the beginning", "late"])
@pytest.mark.parametrize("kind", ["many keys", "private keys", "spread keys"])
def test_json_lines_whose_keys_are_data_are_read_as_one(tmp_path: Path, people: People, late: int, kind: str,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(number: int) -> dict[str, object]:
        if number < late:
            return {}
        if kind == "spread keys":  # few in each piece, many in all
            return {"map": {f"k{number // 4}": people.mobile()}}
        names = [f"k{n}" for n in range(80)] if kind == "many keys" else [people.mobile()]
        return {"map": dict.fromkeys(names, 1)}

    source = tmp_path / "api.jsonl"
    source.write_text(payloads(people, 400, keys))
    alone = scanned(source, 1)
    assert scanned(source, 3) == alone
    if kind != "spread keys" or not late:
        assert alone == whole(source, monkeypatch)
        assert any(field["field"].startswith("$.map.*") for field in json.loads(alone[0])["fields"])


def test_a_private_key_stays_in_one_piece(tmp_path: Path, people: People) -> None:
    body = "".join("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" for _ in range(25))
    key = f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"
    source = tmp_path / "app.log"
    source.write_text("".join(log(people, 7) + key for _ in range(20)))
    _, findings = scanned(source, 2)
    assert sum(f.detector.endswith("private-key") or "private_key" in f.data_class for f in findings) >= 20
    pieces = [p for p in document_at(source).pieces(2_000) if isinstance(p, Piece)]
    data = source.read_bytes()
    assert len(pieces) > 2
    for piece in pieces:
        part = data[piece.start : piece.stop]
        assert part.count(b"-----BEGIN") == part.count(b"-----END")


# Folders


def test_a_folder_of_everything_is_the_same(tmp_path: Path, people: People) -> None:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    (folder / "a.log").write_text(log(people, 400))
    (folder / "b" / "r.csv").write_text(register(people, 300))
    (folder / "b" / f"{people.mobile()}.txt").write_text(log(people, 20))
    (folder / "b" / "empty.txt").write_bytes(b"")
    (folder / "b" / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (folder / "c.json").write_text(json.dumps({people.mobile(): 1, "list": [people.email() for _ in range(50)]}))
    (folder / "d.jsonl").write_text("".join(json.dumps({"phone": people.mobile()}) + "\n" for _ in range(400)))
    (folder / "e.csv").write_text(f"{people.mobile()},{people.email()}\n" * 50)
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.writestr(f"{people.mobile()}.txt", log(people, 100))
    for number in range(40):
        (folder / f"g{number:02}.txt").write_text(f"电话 {people.mobile()}\n")
    report = assert_same(folder)
    assert {str(s.reason) for s in report.skipped} == {"empty", "unsupported format"}
    assert sum(field.kind == "name" for field in report.fields) >= 3
    assert report.summary["bytes"] == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()
                                          and p.suffix != ".png")


@pytest.mark.parametrize("method", ["spawn"])
def test_workers_that_are_not_forked(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch,
                                     method: str) -> None:
    monkeypatch.setattr(parallel, "start_method", lambda: method)
    source = tmp_path / "app.log"
    source.write_text(log(people, 3000))
    seen = set[int]()
    monkeypatch.setattr(run, "Pool", watched(seen))
    sink = FindingList()
    report = told(SCANNER.scan(source, workers=2, sink=sink))
    assert seen
    assert (report, sink.findings) == scanned(source, 1)


def watched(seen: set[int]) -> Callable[..., parallel.Pool]:
    """A pool that notes which processes have worked."""

    class Watched(parallel.Pool):
        def listen(self, front: parallel.Job | None, timeout: float | None) -> None:
            # Nothing to do but wait: all the work is done by the others, or this test would show nothing.
            super().listen(front, None)
            seen.update(p.pid for p in multiprocessing.active_children() if p.pid)

    return Watched


def test_findings_wait_for_their_turn_in_bounded_memory(tmp_path: Path, people: People,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps([people.mobile() for _ in range(3_000)]))
    for name in "bcdef":
        (folder / f"{name}.log").write_text(log(people, 200))
    alone = scanned(folder, 1)
    monkeypatch.setattr(run, "HELD", 10)
    monkeypatch.setattr(parallel, "HELD", 10)
    for workers in (2, 3):
        assert scanned(folder, workers) == alone


def test_what_the_report_has_no_room_for_is_not_made(tmp_path: Path, people: People,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.log").write_text(log(people, 900), "utf-8")
    made, make = [], FindingMaker.of_batch
    monkeypatch.setattr(FindingMaker, "of_batch", lambda *args, **named: made.append(1) or make(*args, **named))
    report = SCANNER.scan(tmp_path / "app.log")
    assert sum(field.hits for field in report.fields) > 1000
    assert len(report.findings) == MAX_FINDINGS <= len(made) < 2 * MAX_FINDINGS


def test_little_is_scanned_by_one_process(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ENOUGH", 32_000_000)
    monkeypatch.setattr(run, "Pool", None)
    source = tmp_path / "app.log"
    source.write_text(log(people, 500))
    assert SCANNER.scan(source, workers=8).findings


def test_a_stream_is_scanned_by_one_process(people: People) -> None:
    data = log(people, 500).encode()
    assert told(SCANNER.scan(io.BytesIO(data), workers=3)) == told(SCANNER.scan(io.BytesIO(data)))


def test_there_is_at_least_one_worker() -> None:
    with pytest.raises(UsageError):
        SCANNER.scan("x", workers=0)


def test_known_false_positives_are_met_in_all_processes(tmp_path: Path, people: People) -> None:
    source = tmp_path / "app.log"
    source.write_text(log(people, 300))
    _, findings = scanned(source, 1)
    phones = [f for f in findings if f.data_class == "person.phone.mobile"]
    known = Baseline.create([phones[0], phones[-1]], "an example", KEY)
    other = Baseline.create([phones[0], phones[-1]], "an example", KEY)
    one = Scanner(fingerprint_key=KEY, suppressor=known).scan(source)
    two = Scanner(fingerprint_key=KEY, suppressor=other).scan(source, workers=3)
    assert one.suppressed == two.suppressed == {"baseline": 2}
    assert told(one) == told(two)
    assert not two.warnings


# State secrets


def test_a_state_secret_mark_ends_the_document_there(tmp_path: Path, people: People) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    before, after = log(people, 250), log(people, 900)
    (folder / "a.log").write_text(log(people, 300))
    (folder / "b.log").write_text(before + "机密★10年\n" + after)
    (folder / "c.log").write_text(log(people, 300))
    sink = FindingList()
    report = SCANNER.scan(folder, workers=3, sink=sink)
    assert_same(folder)
    assert [s.dataset for s in report.skipped] == ["b.log"]
    assert {f.location.dataset for f in sink.findings} == {"a.log", "c.log"}
    (marked,) = (field for field in report.fields if field.dataset == "b.log")
    assert marked.rows < before.count("\n") + after.count("\n")
    assert not marked.examples


def test_a_mark_in_a_header_ends_every_piece(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, 8_000)
    source = tmp_path / "register.csv"
    source.write_text(register(people, 5_000).replace("备注", "机密★10年"))
    alone = scanned(source, 1)
    assert alone[1] == [f for f in alone[1] if f.data_class == "state.secret_mark"]
    assert scanned(source, 3) == alone


# What travels


def test_nothing_that_travels_holds_a_value(tmp_path: Path, people: People) -> None:
    phone, name = people.mobile(), people.mobile()
    source = tmp_path / "r.json"
    source.write_text(json.dumps({name: 1, "note": [f"电话 {phone}"] * 30}, ensure_ascii=False))
    (document,) = discover(source, Options(), PlainLabels())
    sink = FindingList()
    assert document.recipe is not None
    part = SCANNER.scan_unit(Unit(document.recipe), sink)
    assert part.names.findings
    assert sink.findings
    sent = pickle.dumps((part, [packed(f) for f in sink.findings]))
    assert phone.encode() not in sent
    assert name.encode() not in sent


def test_a_finding_unpacks_as_it_was(people: People) -> None:
    (finding, *_) = SCANNER.scan_text(f"电话 {people.mobile()}")
    assert unpacked(packed(finding)) == finding
    with pytest.raises(ValueError, match="not kept"):
        unpacked(packed(finding)).reveal()

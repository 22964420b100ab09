"""Attacks on a release: values in places where nobody looks, cells that do not fit, names that collide."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

import guard
from guard import ReleaseError, Scanner, SourceError
from guard.demo import People
from guard.disclosure import pipeline
from guard.disclosure.written import Written
from guard.sources import Document

SCANNER = Scanner()
PUBLIC = {"policy": "cn-open-data", "audience": "public", "scanner": SCANNER}
SHARE = {"policy": "cn-department-share", "audience": "department_share", "scanner": SCANNER}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def data(out: Path) -> dict[str, bytes]:
    folder = out / "public" / "data"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def failed(error: ReleaseError) -> list[str]:
    return [str(check["id"]) for check in error.report.checks if not check["passed"]]


def refused(source: Path, out: Path, **how: object) -> list[str]:
    with pytest.raises(ReleaseError) as caught:
        guard.release(source, out=out, **how)
    assert not out.exists()
    return failed(caught.value)


def test_a_withheld_value_that_nobody_recognises_elsewhere_stops_the_release(source: Path, tmp_path: Path,
                                                                             people: People) -> None:
    phones = [people.mobile() for _ in range(20)]
    (source / "a.csv").write_text("手机号,代码\n" + "".join(f"{p},x{p}y\n" for p in phones))
    assert refused(source, tmp_path / "out", **PUBLIC) == ["absent"]


def test_the_suspicion_of_a_filter_is_confirmed_or_dropped(source: Path, tmp_path: Path, people: People,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "EXACT", 5)
    phones = [people.mobile() for _ in range(40)]
    (source / "a.csv").write_text("手机号,代码\n" + "".join(f"{p},A{i:07}\n" for i, p in enumerate(phones)))
    guard.release(source, out=tmp_path / "good", **PUBLIC)
    with (source / "a.csv").open("a") as file:
        file.write(f"{people.mobile()},x{phones[7]}y\n")
    assert refused(source, tmp_path / "bad", **PUBLIC) == ["absent"]


def test_what_the_filter_only_suspects_does_not_fail(source: Path, tmp_path: Path, people: People,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.disclosure.withheld import WithheldValues

    monkeypatch.setattr(pipeline, "EXACT", 1)
    monkeypatch.setattr(WithheldValues, "_have_bits", lambda self, bits, hashes: hashes == hashes)
    (source / "a.csv").write_text("手机号,代码\n" + "".join(f"{people.mobile()},A{i:07}\n" for i in range(20)))
    guard.release(source, out=tmp_path / "out", **PUBLIC)


def policy(path: Path, *rules: str) -> Path:
    path.write_text("guard_policy: 1\nid: test\nversion: 2026.11.0\ntitle: {en: test, zh: 测试}\n"
                    "audiences: [internal]\nrules:\n" + "".join(
                        f"  - id: T-{n}\n    title: {{en: x, zh: x}}\n    {rule}\n    basis: []\n    severity: high\n"
                        for n, rule in enumerate(rules)))
    return path


def test_an_identifier_that_is_allowed_in_one_field_and_dropped_in_another(source: Path, tmp_path: Path,
                                                                           people: People) -> None:
    """Phones stay as spans of text and go as a column: what is allowed is no leak, what is hidden in a code is."""
    rules = policy(tmp_path / "p.yml",
                   "match: {class: person.phone.mobile, kind: column}\n    action: {internal: drop}",
                   "match: {class: person.phone.mobile, kind: text}\n    action: {internal: allow}")
    phones = [people.mobile() for _ in range(20)]
    (source / "a.csv").write_text("手机号,n\n" + "".join(f"{p},{i}\n" for i, p in enumerate(phones)))
    (source / "b.log").write_text("".join(f"INFO 电话 {p} ok\n" for p in phones))
    how = {"policy": rules, "audience": "internal", "scanner": SCANNER}
    guard.release(source, out=tmp_path / "one", **how)
    assert all(p.encode() in data(tmp_path / "one")["b.log"] for p in phones)
    (source / "b.log").write_text("".join(f"INFO 电话 {p} ok\n" for p in phones) + f"INFO id a{phones[3]}b ok\n")
    assert refused(source, tmp_path / "two", **how) == ["absent"]


def test_a_word_in_a_dropped_column_may_stand_elsewhere(source: Path, tmp_path: Path, people: People) -> None:
    rows = "".join(f"{people.mobile()},一切正常\n" for _ in range(20)) + "未提供电话,未提供电话\n"
    (source / "a.csv").write_text("联系电话,说明\n" + rows)
    guard.release(source, out=tmp_path / "out", **PUBLIC)
    assert "未提供电话" in data(tmp_path / "out")["a.csv"].decode()


def test_an_address_that_is_coarse_already_stays(source: Path, tmp_path: Path) -> None:
    coarse = "浙江省杭州市西湖区"
    rows = "".join(f"{i},{coarse}{f'文三路{i}号3幢201室' if i % 2 else ''}\n" for i in range(30))
    (source / "a.csv").write_text("序号,家庭住址\n" + rows)
    guard.release(source, out=tmp_path / "out", **PUBLIC)
    assert data(tmp_path / "out")["a.csv"].decode().count(coarse) == 30
    assert "文三路" not in data(tmp_path / "out")["a.csv"].decode()


def test_values_in_title_header_and_title_like_columns(source: Path, tmp_path: Path, people: People) -> None:
    title, header = people.resident_id(), people.mobile()
    rows = "".join(f"{people.mobile()},{i},{i}\n" for i in range(20))
    (source / "a.csv").write_text(f"负责人证件 {title}\ntext,n,m\n" + rows)
    (source / "b.csv").write_text(f"手机号,{header}\n" + "".join(f"{people.mobile()},{i}\n" for i in range(20)))
    guard.release(source, out=tmp_path / "out", **PUBLIC)
    written = b"".join(data(tmp_path / "out").values()).decode()
    assert title not in written
    assert header not in written


def test_books_that_would_get_one_name_get_two(source: Path, tmp_path: Path, people: People) -> None:
    for name in ("a.xlsx", "a.xlsm"):
        with xlsxwriter.Workbook(source / name) as book:
            sheet = book.add_worksheet("名册")
            for row, cells in enumerate([["家庭住址", "n"], *[[people.address(), i] for i in range(10)]]):
                sheet.write_row(row, 0, cells)
    done = guard.release(source, out=tmp_path / "out", **PUBLIC)
    assert list(data(tmp_path / "out")) == ["a-2.xlsx", "a.xlsx"]
    assert all(check["passed"] for check in done.report.checks)


def test_the_way_back_from_output_names() -> None:
    def book(name: str, output: str) -> Document:
        made = type("Book", (Document,), {"read": None, "rewrite": None, "__abstractmethods__": frozenset()})()
        made.name, made.output = name, guard.disclosure.written.PurePosixPath(output)
        return made

    written = Written([book("a.xls", "a.xlsx"), book("a.xlsx", "a.xlsx"), book("b.zip", "b.zip")])
    assert [str(path) for path in written.outputs.values()] == ["a.xlsx", "b.zip", "a-2.xlsx"]
    origin = written.origins(["a.xls#S", "a.xlsx#S", "b.zip!c.ET#S"])
    assert [origin(name) for name in ("a.xlsx#S", "a-2.xlsx#S", "b.zip!c.xlsx#S", "x.csv")] == [
        "a.xlsx#S", "a.xls#S", "b.zip!c.ET#S", "x.csv"]


def test_an_archive_with_one_bad_member_is_left_out_whole(source: Path, tmp_path: Path, people: People) -> None:
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("x.csv", "手机号,n\n" + "".join(f"{people.mobile()},1\n" for _ in range(9)))
        archive.writestr("empty.csv", "")
    (source / "b.csv").write_text("n,m\n1,2\n")
    done = guard.release(source, out=tmp_path / "out", allow_incomplete=True, **PUBLIC)
    assert data(tmp_path / "out") == {"b.csv": b"n,m\n1,2\n"}
    assert [s.dataset for s in done.report.skipped] == ["a.zip!empty.csv"]


def test_private_folders_of_one_name_stay_apart(source: Path, tmp_path: Path, people: People) -> None:
    for number in range(2):
        folder = source / people.mobile()
        folder.mkdir()
        (folder / "a.csv").write_text(f"n,m\n{number},2\n")
    guard.release(source, out=tmp_path / "out", **PUBLIC)
    assert sorted(data(tmp_path / "out")) == ["folder 1/a.csv", "folder 2/a.csv"]


def test_keys_that_are_findings_stay_unique(source: Path, tmp_path: Path, people: People) -> None:
    keys = [people.mobile() for _ in range(30)]
    (source / "a.json").write_text(json.dumps({key: {"n": i} for i, key in enumerate(keys)}))
    guard.release(source, out=tmp_path / "out", **PUBLIC)
    written = json.loads(data(tmp_path / "out")["a.json"])
    assert [v["n"] for v in written.values()] == list(range(30))
    assert not set(keys) & set(written)


def test_a_field_that_appears_between_the_reads_stops_the_release(source: Path, tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "a.jsonl").write_text('{"n": 1}\n')
    original = pipeline._make

    def changed(*arguments: object) -> object:
        (source / "a.jsonl").write_text('{"n": 1, "phone": "13800138000"}\n')
        return original(*arguments)

    monkeypatch.setattr(pipeline, "_make", changed)
    with pytest.raises(SourceError, match="changed"):
        guard.release(source, out=tmp_path / "out", **PUBLIC)
    assert list(tmp_path.iterdir()) == [source]


WORDS = st.sampled_from(["办理", "ok", "12", "x", "2024-03-01", "", " ", "正常", "A-17"])


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], str, str]:
    """Planted identifiers, and a table and a text that hold them in any cell and line among other words."""
    people = People(draw(st.integers(0, 10_000)))
    planted: list[str] = []

    def cell() -> str:
        words = [draw(WORDS), draw(WORDS)]
        if draw(st.integers(0, 2)) == 0:
            planted.append(getattr(people, draw(st.sampled_from(["mobile", "resident_id", "email", "bank_card"])))())
            words.insert(draw(st.integers(0, 2)), planted[-1])
        return " ".join(words)

    header = draw(st.sampled_from(["a,b,c", "手机号,证件号码,备注", "姓名,邮箱,银行卡号"]))
    rows = [",".join(cell() for _ in range(3)) for _ in range(draw(st.integers(1, 8)))]
    lines = [cell() for _ in range(draw(st.integers(1, 8)))]
    return planted, "\n".join([header, *rows, ""]), "\n".join([*lines, ""])


@settings(max_examples=8)
@given(tables(), st.sampled_from([PUBLIC, SHARE]))
def test_no_planted_identifier_leaves_and_a_second_release_changes_nothing(made: tuple[list[str], str, str],
                                                                           how: dict[str, object]) -> None:
    planted, table, text = made
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "source" / "a.csv").write_text(table)
        (folder / "source" / "a.txt").write_text(text)
        answers = []
        for out in ("one", "two"):
            try:
                answers.append(data(guard.release(folder / "source", out=folder / out, **how).path))
            except ReleaseError as error:
                answers.append([d.as_json() for d in error.report.decisions])
        assert answers[0] == answers[1]
        if isinstance(answers[0], dict):
            written = b"".join(answers[0].values())
            assert [value[:3] for value in planted if value.encode() in written] == []


@settings(max_examples=4)
@given(st.integers(0, 10_000), st.sampled_from([PUBLIC, SHARE]))
def test_releasing_a_release_passes_and_changes_nothing(seed: int, how: dict[str, object]) -> None:
    people, chance = People(seed), random.Random(seed)
    with TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        persons = [p for p in (people.person() for _ in range(12)) if "·" not in p.name]
        (source / "a.csv").write_text("序号,姓名,身份证号,手机号,金额\n" + "".join(
            f"{i},{p.name},{p.resident_id},{p.mobile},{chance.randrange(900)}.50\n" for i, p in enumerate(persons)))
        (source / "a.log").write_text("".join(f"INFO call {p.mobile} id {p.resident_id} done\n" for p in persons))
        guard.release(source, out=Path(name) / "one", **how)
        shutil.copytree(Path(name) / "one" / "public" / "data", Path(name) / "again")
        guard.release(Path(name) / "again", out=Path(name) / "two", **how)
        assert data(Path(name) / "two") == data(Path(name) / "one")


CELLS = st.sampled_from(["12", '"a,b"', '"x ""y"""', "", "3.50", "ok", "'q'"])


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=6)
def test_cells_that_nothing_is_done_to_are_byte_identical(rows: list[list[str]], end: str) -> None:
    people = People(1)
    with TemporaryDirectory() as name:
        source = Path(name) / "source"
        source.mkdir()
        lines = ["a,b,c,手机号", *(",".join([*row, people.mobile()]) for row in rows), ""]
        (source / "a.csv").write_bytes(end.join(lines).encode())
        guard.release(source, out=Path(name) / "out", **SHARE)
        written = data(Path(name) / "out")["a.csv"].decode().split(end)
        assert [line.rpartition(",")[0] for line in written] == [line.rpartition(",")[0] for line in lines]

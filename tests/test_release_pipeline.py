"""The main job: a folder in, a safe release or a clear no out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import guard
from guard import Action, Audience, Keyring, OutputError, ReleaseError, UsageError, Verdict
from guard.demo import People

PUBLIC = {"policy": "cn-open-data", "audience": "public"}
SHARE = {"policy": "cn-department-share", "audience": "department_share"}


def register(people: People, rows: int = 40) -> list[dict[str, str]]:
    table = []
    for number in range(1, rows + 1):
        person = people.person()
        table.append({"序号": str(number), "姓名": person.name, "身份证号": person.resident_id,
                      "联系电话": person.mobile, "家庭住址": person.address, "金额": f"{number * 10}.00"})
    return table


def as_csv(table: list[dict[str, str]], end: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, table[0], lineterminator=end)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def released(tmp_path: Path) -> Path:
    return tmp_path / "out" / "public" / "data"


def test_a_register_for_the_public_keeps_only_what_may_leave(source: Path, tmp_path: Path, people: People) -> None:
    table = register(people)
    (source / "花名册.csv").write_bytes(as_csv(table).encode("gb18030"))
    done = guard.release(source, **PUBLIC, out=tmp_path / "out")
    text = (released(tmp_path) / "花名册.csv").read_bytes().decode("gb18030")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(lines[0]) == ["序号", "家庭住址", "金额"]
    assert [line["金额"] for line in lines] == [row["金额"] for row in table]
    assert all(line["家庭住址"] != row["家庭住址"] for line, row in zip(lines, table, strict=True))
    assert text.count("\r\n") == len(table) + 1
    assert done.report.verdict is Verdict.PASS
    assert all(check["passed"] for check in done.report.checks)


def test_a_share_between_departments_masks_and_leaves_other_cells_untouched(source: Path, tmp_path: Path,
                                                                            people: People) -> None:
    table = register(people)
    (source / "a.csv").write_text(as_csv(table, "\n"), newline="")
    guard.release(source, **SHARE, out=tmp_path / "out")
    lines = read_csv(released(tmp_path) / "a.csv")
    for line, row in zip(lines, table, strict=True):
        assert (line["序号"], line["金额"]) == (row["序号"], row["金额"])
        assert row["身份证号"] not in line.values()
        assert row["联系电话"] not in line.values()
        assert line["联系电话"] in ("", f"{row['联系电话'][:3]}****{row['联系电话'][7:]}")


def test_spans_in_a_log_are_replaced_where_they_stand(source: Path, tmp_path: Path, people: People) -> None:
    numbers = [people.mobile() for _ in range(30)]
    (source / "app.log").write_text("".join(f"2024-03-01 10:00:{i:02} INFO sent sms to {n} ok\n"
                                            for i, n in enumerate(numbers)))
    guard.release(source, **PUBLIC, out=tmp_path / "out")
    text = (released(tmp_path) / "app.log").read_text()
    assert not any(n in text for n in numbers)
    assert text.splitlines()[7].startswith("2024-03-01 10:00:07 INFO sent sms to ")
    assert text.splitlines()[7].endswith(" ok")


def test_every_format_is_released_in_its_format(source: Path, tmp_path: Path, people: People) -> None:
    phones = [people.mobile() for _ in range(20)]
    rows = [{"phone": p, "n": i, "price": 1.5} for i, p in enumerate(phones)]
    lines = "".join(json.dumps(r) + "\n" for r in rows)
    (source / "a.jsonl").write_text(lines)
    (source / "a.json").write_text(json.dumps({"items": rows}, indent=1))
    (source / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("inner/a.jsonl", lines)
    pq.write_table(pa.table({"phone": phones, "n": list(range(20))}), source / "a.parquet")
    guard.release(source, **PUBLIC, out=tmp_path / "out")
    data = released(tmp_path)
    assert sorted(p.name for p in data.iterdir()) == ["a.json", "a.jsonl", "a.jsonl.gz", "a.parquet", "a.zip"]
    plain = [json.loads(line) for line in (data / "a.jsonl").read_text().splitlines()]
    assert [(r["phone"], r["n"], r["price"]) for r in plain] == [(None, i, 1.5) for i in range(20)]
    assert gzip.decompress((data / "a.jsonl.gz").read_bytes()) == (data / "a.jsonl").read_bytes()
    with zipfile.ZipFile(data / "a.zip") as archive:
        assert archive.read("inner/a.jsonl") == (data / "a.jsonl").read_bytes()
    assert pq.read_table(data / "a.parquet").to_pydict() == {"n": list(range(20))}
    assert [r["n"] for r in json.loads((data / "a.json").read_text())["items"]] == list(range(20))


@pytest.mark.parametrize("text", ["密级：机密★10年\n会议纪要\n", "api_password = 'Qz7!kLm29sXw'\n"])
def test_marks_and_secrets_block_the_release(source: Path, tmp_path: Path, text: str) -> None:
    (source / "a.txt").write_text(text)
    with pytest.raises(ReleaseError) as caught:
        guard.release(source, **PUBLIC, out=tmp_path / "out")
    assert any(d.action is Action.BLOCK for d in caught.value.report.decisions)
    assert not (tmp_path / "out").exists()


def test_a_state_secret_mark_stops_its_file_and_shows_nothing_of_it(source: Path, people: People) -> None:
    (source / "a.txt").write_text(f"绝密★启用前\n联系人电话 {people.mobile()}\n")
    report = guard.check(source, **PUBLIC)
    assert [str(s.reason) for s in report.skipped] == ["stopped at a state-secret mark"]
    assert report.findings == ()
    assert not any(field.examples for field in report.fields)
    assert report.verdict is Verdict.VIOLATION


def test_a_health_line_list_does_not_pass_for_the_public(source: Path, people: People) -> None:
    rows = "".join(f"{'男' if i % 2 else '女'},{30 + i},{people.address()},肺结核\n" for i in range(30))
    (source / "cases.csv").write_text("性别,年龄,住址,诊断\n" + rows)
    assert guard.check(source, **PUBLIC).verdict is Verdict.VIOLATION


def test_the_same_person_gets_the_same_pseudonym_in_every_format(source: Path, tmp_path: Path,
                                                                 people: People) -> None:
    policy = tmp_path / "p.yml"
    policy.write_text(
        "guard_policy: 1\nid: join\nversion: 2026.11.0\ntitle: {en: join, zh: 关联}\n"
        "audiences: [internal]\nrules:\n"
        "  - id: J-1\n    title: {en: tokens, zh: 令牌}\n    match: {class: 'person.phone.*'}\n"
        "    action: {internal: pseudonymise}\n    basis: []\n    severity: high\n")
    phones = [people.mobile() for _ in range(20)]
    (source / "a.csv").write_text("手机号,n\n" + "".join(f"{p},{i}\n" for i, p in enumerate(phones)))
    spaced = [f"+86 {p[:3]} {p[3:7]} {p[7:]}" for p in phones]
    (source / "b.jsonl").write_text("".join(json.dumps({"mobile": p}) + "\n" for p in spaced))
    guard.release(source, policy=policy, audience="internal", out=tmp_path / "out",
                  keyring=Keyring.create(tmp_path / "keys.json"))
    data = released(tmp_path)
    one = [row["手机号"] for row in read_csv(data / "a.csv")]
    two = [json.loads(line)["mobile"] for line in (data / "b.jsonl").read_text().splitlines()]
    assert one == two
    assert len(set(one)) == 20
    assert not set(one) & set(phones)


def test_evidence_is_private_and_the_public_part_holds_no_digest_of_the_input(source: Path, tmp_path: Path,
                                                                              people: People) -> None:
    (source / "a.csv").write_text(as_csv(register(people)))
    done = guard.release(source, **PUBLIC, out=tmp_path / "out")
    assert (tmp_path / "out" / "evidence").stat().st_mode & 0o777 == 0o700
    digest = done.report.inputs[0].digest.removeprefix("sha256:")
    assert len(digest) == 64
    assert digest in (tmp_path / "out" / "evidence" / "report.json").read_text()
    for path in (tmp_path / "out" / "public").rglob("*"):
        assert path.is_dir() or digest.encode() not in path.read_bytes()
    assert guard.verify(tmp_path / "out").intact
    assert guard.verify(tmp_path / "out" / "public").intact


def test_a_leak_behind_the_pipelines_back_fails_the_checks(source: Path, tmp_path: Path, people: People,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    (source / "a.csv").write_text(as_csv(register(people)))
    from guard.disclosure import pipeline

    original = pipeline.scan_output

    def leaking(data, *others):
        leaked = (source / "a.csv").read_text().splitlines()[3].split(",")[2]
        with (data / "a.csv").open("a") as file:
            file.write(f"99,x{leaked}y,1\n")
        return original(data, *others)

    monkeypatch.setattr(pipeline, "scan_output", leaking)
    with pytest.raises(ReleaseError) as caught:
        guard.release(source, **PUBLIC, out=tmp_path / "out")
    assert not all(check["passed"] for check in caught.value.report.checks)
    assert not (tmp_path / "out").exists()


def test_arguments_that_cannot_be_used(source: Path, tmp_path: Path) -> None:
    (source / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError):
        guard.release(source, policy="cn-open-data", audience="nobody", out=tmp_path / "out")
    with pytest.raises(UsageError):
        guard.release(source / "missing", **PUBLIC, out=tmp_path / "out")
    with pytest.raises(UsageError):
        guard.check(source, policy="no-such-policy", audience=Audience.PUBLIC)


@pytest.mark.parametrize("name", ["a\0b", "y" * 300, "/proc/self/mem/x"])
def test_paths_that_cannot_be(source: Path, tmp_path: Path, name: str) -> None:
    (source / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises((UsageError, OutputError)):
        guard.release(source, **PUBLIC, out=tmp_path / name)
    for use in (lambda path: guard.release(path, **PUBLIC, out=tmp_path / "out"), guard.verify,
                lambda path: guard.check(path, **PUBLIC), guard.Scanner().scan):
        with pytest.raises(UsageError):
            use(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source"]


def test_a_table_of_which_nothing_may_leave_is_left_out_and_said(source: Path, tmp_path: Path, people: People) -> None:
    rows = "".join(f"{people.name()},{people.mobile()}\n" for _ in range(9))
    (source / "phones.csv").write_text("姓名,手机号\n" + rows)
    (source / "counts.csv").write_text("year,visits\n2023,1204\n2024,1391\n2025,1405\n")
    done = guard.release(source, **PUBLIC, out=tmp_path / "out")
    assert [p.name for p in released(tmp_path).iterdir()] == ["counts.csv"]
    assert "phones.csv: every column is dropped, the file is left out" in done.report.warnings
    (source / "counts.csv").unlink()
    with pytest.raises(ReleaseError, match="nothing of the source may leave"):
        guard.release(source, **PUBLIC, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()

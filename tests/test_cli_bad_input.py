"""Bad input ends in one clear line and the right code: nothing lost, nothing half-written, nothing hangs."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from command import guard, unprivileged

from guard.demo import People

OPEN = ("--policy", "cn-open-data", "--audience", "public")


def skipped(path: Path, *options: object, code: int = 3) -> list[tuple[str, str]]:
    """(dataset, reason) of everything a scan could not read."""
    answer = guard("scan", path, "--format", "json", *options)
    assert answer.code == code, answer.err
    return [(s["dataset"], s["reason"]) for s in json.loads(answer.out)["skipped"]]


def found(path: Path, data_class: str) -> int:
    """How often a class was found by a scan that may be incomplete."""
    report = json.loads(guard("scan", path, "--format", "json").out)
    return sum(c["hits"] for f in report["fields"] for c in f["classes"] if c["data_class"] == data_class)


@pytest.fixture
def row(people: People) -> str:
    return f"1,{people.mobile()},ok\n"


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert skipped(tmp_path) == [("a.csv", "empty")]


def test_binary_posing_as_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(os.urandom(40_000))
    assert len(skipped(tmp_path)) == 1


def test_truncated_gzip_gives_what_was_readable(tmp_path: Path, row: str) -> None:
    packed = gzip.compress(("id,phone,note\n" + row * 50_000).encode() + os.urandom(50_000).hex().encode())
    (tmp_path / "a.csv.gz").write_bytes(packed[: len(packed) // 2])
    assert [reason for _, reason in skipped(tmp_path)] == ["truncated"]
    assert found(tmp_path, "person.phone.mobile") > 1000


@pytest.mark.parametrize("keep", [slice(0, 300), slice(0, -20), slice(4, None)])
def test_corrupt_parquet(tmp_path: Path, keep: slice) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": ["x"] * 1000}), buffer)
    (tmp_path / "a.parquet").write_bytes(buffer.getvalue()[keep])
    assert len(skipped(tmp_path)) >= 1


def test_corrupt_xlsx(tmp_path: Path) -> None:
    book = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        workbook.add_worksheet().write(0, 0, "x")
    book.write_bytes(book.read_bytes()[:-300])
    assert len(skipped(tmp_path)) == 1


def test_zip_bomb(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zeros.txt", b"0" * 100_000_000)
    assert [reason for _, reason in skipped(tmp_path)] == ["expands too much"]


def test_nested_zip_is_read_and_an_encrypted_one_is_said(tmp_path: Path, row: str) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", "id,phone,note\n" + row * 5)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    assert found(tmp_path, "person.phone.mobile") == 5
    if not shutil.which("zip"):
        pytest.skip("no zip command")
    (tmp_path / "a.csv").write_text("id,phone,note\n" + row)
    subprocess.run(["zip", "-q", "-P", "secret", "locked.zip", "a.csv"], cwd=tmp_path, check=True)
    assert ("locked.zip!a.csv", "encrypted") in skipped(tmp_path)


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a/../../evil.csv"])
def test_zip_path_traversal(tmp_path: Path, name: str, row: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), row)
    assert [reason for _, reason in skipped(source)] == ["unsafe path in archive"]
    assert guard("release", source, *OPEN, "--out", tmp_path / "out", "--allow-incomplete").code in (1, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source"]


def test_line_of_100_megabytes(tmp_path: Path, people: People) -> None:
    with (tmp_path / "a.log").open("w") as file:
        for _ in range(100):
            file.write(f"x{' some words of it' * 58_823} {people.mobile()} ")
    assert found(tmp_path, "person.phone.mobile") == 100


def test_invalid_json_line_in_the_middle(tmp_path: Path, people: People) -> None:
    good = [json.dumps({"phone": people.mobile()}) for _ in range(20)]
    (tmp_path / "a.jsonl").write_text("\n".join([*good[:10], '{"phone": ', *good[10:]]) + "\n")
    report = json.loads(guard("scan", tmp_path, "--format", "json").out)
    (said,) = report["skipped"]
    assert (said["dataset"], said["reason"], said["line"]) == ("a.jsonl", "record does not parse", 11)
    assert found(tmp_path, "person.phone.mobile") == 20


def test_unknown_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\x8d\x81 \xff\xfe\xfd\xfc \x90\x9d text " * 50)
    assert len(skipped(tmp_path)) == 1


def test_unreadable_file(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root reads everything, and there is no setpriv to forbid it")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "a.csv").chmod(0)
    (tmp_path / "folder").mkdir(mode=0)
    answer = unprivileged("scan", tmp_path, "--format", "json")
    assert answer.code == 3
    said = [(s["dataset"], s["reason"]) for s in json.loads(answer.out)["skipped"]]
    assert said == [("a.csv", "unreadable"), ("folder", "unreadable")]


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("a,b\n1,2\n")
    source = tmp_path / "source"
    source.mkdir()
    (source / "out.csv").symlink_to(outside)
    (source / "loop").symlink_to(source)
    (source / "self").symlink_to(source / "self")
    assert sorted(skipped(source)) == [(name, "symbolic link, not followed") for name in ("loop", "out.csv", "self")]


def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind(str(tmp_path / "socket"))
        assert skipped(tmp_path) == [("pipe", "not a regular file"), ("socket", "not a regular file")]
    assert guard("scan", tmp_path / "pipe").code == 3
    assert guard("scan", "/dev/zero").code == 3


def test_output_inside_or_around_the_source(tmp_path: Path) -> None:
    source = tmp_path / "a" / "source"
    source.mkdir(parents=True)
    (source / "a.csv").write_text("a,b\n1,2\n")
    for out in (source / "out", source, tmp_path / "a"):
        answer = guard("release", source, *OPEN, "--out", out)
        assert answer.code == 2
    assert sorted(p.name for p in source.iterdir()) == ["a.csv"]


def test_output_that_exists(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert guard("release", source, *OPEN, "--out", tmp_path / "out").code == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["mine"]


def test_full_disk(tmp_path: Path, row: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    try:
        source = tmp_path / "source"
        source.mkdir()
        (source / "a.csv").write_text("id,visits,note\n" + "1,2,counted\n" * 200_000)
        answer = guard("release", source, *OPEN, "--out", disk / "out")
        assert answer.code == 4
        assert answer.error == "no space left on the device"
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
    assert guard("scan", source, "--format", "json", "--output", "/dev/full").code in (2, 4)


def test_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.csv").write_text("id,visits\n1,2\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import guard.disclosure.pipeline as p\nold = p._make\n"
        "def changed(a, *rest, **more):\n"
        f"    with open({str(source / 'a.csv')!r}, 'a') as file:\n        file.write('3,4\\n')\n"
        "    return old(a, *rest, **more)\n"
        "p._make = changed\n")
    answer = guard("release", source, *OPEN, "--out", tmp_path / "out", PYTHONPATH=str(tmp_path))
    assert answer.code == 3
    assert "changed while it was read" in answer.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "place"), [
    ("guard_policy: 1\nid: x\nnonsense: 1\n", ":3:"),
    ("guard_policy: 1\nid: x\nid: y\n", ":3:1"),
    ("guard_policy: 1\nid: &a x\nversion: *a\n", ":2:"),
    ("guard_policy: [1\n", ":"),
])
def test_invalid_policy_names_its_place(tmp_path: Path, text: str, place: str) -> None:
    policy = tmp_path / "p.yml"
    policy.write_text(text)
    answer = guard("policy", "test", policy)
    assert answer.code == 2
    assert f"p.yml{place}" in answer.error


def test_cycle_of_policies(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yml").write_text(
            f"guard_policy: 1\nid: {name}\nversion: 2026.11.0\ntitle: {{en: x, zh: x}}\n"
            f"extends: [{parent}.yml]\nrules: []\n")
    answer = guard("policy", "show", tmp_path / "a.yml")
    assert answer.code == 2
    assert "in a circle: a.yml -> b.yml -> a.yml" in answer.error


def test_pack_with_a_bad_pattern(tmp_path: Path) -> None:
    pack = tmp_path / "p.yml"
    pack.write_text("- id: broken\n  data_class: person.name\n  title: {en: x, zh: x}\n  pattern: 'a(b'\n")
    answer = guard("scan", tmp_path, "--packs", pack)
    assert answer.code == 2
    assert "p.yml:4:12" in answer.error


def test_names_that_attack_the_reader(tmp_path: Path, people: People) -> None:
    names = ["new\nline.csv", "esc\x1b[31m.csv", "bidi\u202egnp.csv", "[bold red]x[/].csv",
             "<script>alert(1)</script>.csv"]
    for name in names:
        (tmp_path / name.replace("/", "\u2215")).write_text("=cmd|x,+1,-2,@a\n" + f"{people.mobile()},1,2,3\n" * 5)
    for format_ in ("terminal", "json", "sarif", "html", "markdown", "csv"):
        answer = guard("scan", tmp_path, "--format", format_)
        assert answer.code == 0
        assert "\x1b" not in answer.out
        assert "\u202e" not in answer.out
        assert "<script>" not in answer.out if format_ == "html" else True
        if format_ == "csv":
            assert not any(cell.startswith(("=", "+", "-", "@")) for cell in answer.out.replace("\n", ",").split(","))


@pytest.mark.parametrize("arguments", [(), ("keys",), ("policy",), ("detectors",), ("audit",)])
def test_without_a_verb_the_help_is_shown_as_it_is(arguments: tuple[str, ...]) -> None:
    answer = guard(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Usage: guard ")
    assert "\nCommands:\n" in answer.err


@pytest.mark.parametrize("arguments", [
    ("scan", ""), ("scan", "--git", ""), ("check", "", *OPEN), ("release", "", *OPEN, "--out", "out"),
    ("mask", "", *OPEN), ("release", ".", *OPEN, "--out", ""), ("protect", "", "--plan", "p", "-o", "out"),
    ("keys", "init", "")])
def test_an_empty_name_is_not_the_folder_one_stands_in(arguments: tuple[str, ...]) -> None:
    answer = guard(*arguments)
    assert answer.code == 2
    assert answer.error.endswith("the name is empty")


@pytest.mark.parametrize("arguments", [("check", "-", *OPEN), ("release", "-", *OPEN, "--out", "out"),
                                       ("protect", "-", "--plan", "p", "-o", "out")])
def test_what_reads_more_than_once_says_that_it_cannot_read_stdin(arguments: tuple[str, ...]) -> None:
    answer = guard(*arguments, stdin=b"a,b\n1,2\n")
    assert answer.code == 2
    assert "stdin can be read once only" in answer.error


def test_a_file_that_may_not_be_read_is_incomplete_and_its_name_is_not_repeated(tmp_path: Path, people: People) -> None:
    number = people.mobile()
    file = tmp_path / f"{number}.txt"
    file.write_text("x")
    file.chmod(0)
    for arguments in (("scan", file), ("check", file, *OPEN)):
        answer = unprivileged(*arguments)
        assert answer.code == 3
        assert number not in answer.out + answer.err

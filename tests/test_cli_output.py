"""Where results go: whole or not at all, quiet when nobody reads, and never at the price of the exit code."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from command import GUARD, environment, guard

from guard.demo import People

OPEN = "--policy cn-open-data --audience public"


@pytest.fixture
def source(tmp_path: Path, people: People) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "app.env").write_text(f"DB_PASSWORD={people.secret('Qz7!', 12)}\nTOKEN={people.github_token()}\n")
    return folder


def shell(line: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["bash", "-c", line], capture_output=True, env=environment(), timeout=60, check=False)


@pytest.mark.parametrize("verb", [f"check SOURCE {OPEN}", f"release SOURCE {OPEN} --out OUT",
                                  "scan SOURCE --fail-on certain", "policy test SOURCE/bad.yml"])
def test_a_reader_that_goes_away_does_not_turn_no_into_yes(source: Path, tmp_path: Path, verb: str) -> None:
    (source / "bad.yml").write_text(
        "guard_policy: 1\nid: bad\nversion: 2026.11.0\ntitle: {en: x, zh: x}\nextends: ['builtin:cn-open-data']\n"
        "rules: []\ntests:\n  - {name: wrong, given: {class: person.name, audience: public}, expect: allow}\n")
    line = verb.replace("SOURCE", str(source)).replace("OUT", str(tmp_path / "out"))
    done = shell(f"'{GUARD}' {line} | true; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 1
    both = shell(f"'{GUARD}' {line} 2>&1 | true; exit ${{PIPESTATUS[0]}}")
    assert both.returncode == 1
    assert both.stderr == b""


def test_closed_streams_are_no_error(source: Path) -> None:
    assert shell(f"'{GUARD}' check {source} {OPEN} >&- 2>&-").returncode == 1
    assert shell(f"'{GUARD}' scan {source} >&-").returncode == 0


def test_a_full_device_is_said(source: Path) -> None:
    for line in (f"'{GUARD}' scan {source} --format json > /dev/full",
                 f"'{GUARD}' scan {source} --format json --output /dev/full"):
        done = shell(line)
        assert done.returncode == 4, line
        assert done.stderr.startswith(b"error: ")
        assert done.stderr.count(b"error") == 1


def test_a_report_takes_the_place_of_an_old_one_only_when_it_is_whole(source: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("old")
    report.chmod(0o644)
    assert guard("scan", source, "--format", "json", "--output", report).code == 0
    assert json.loads(report.read_text())["schema"] == "guard.report/v1"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    report.write_text("old")
    assert guard("scan", source / "missing", "--findings", report).code == 2
    assert report.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "source"]


def test_a_report_in_the_place_of_a_folder_is_refused(source: Path, tmp_path: Path) -> None:
    assert guard("scan", source, "--format", "json", "--output", tmp_path).code == 2


def test_findings_of_a_secret_file_are_taken_back(source: Path, tmp_path: Path, people: People) -> None:
    (source / "b.log").write_text(f"电话 {people.mobile()} {'x' * 400}\n" * 4000 + "绝密★启用前\n")
    (source / "c.log").write_text(f"电话 {people.mobile()}\n")
    assert guard("scan", source, "--findings", tmp_path / "f.jsonl").code == 3
    datasets = {json.loads(line)["dataset"] for line in (tmp_path / "f.jsonl").read_text().splitlines()}
    assert datasets == {"app.env", "c.log"}


@pytest.mark.parametrize("place", ["-", "/dev/stdout", "/dev/fd/1"])
def test_findings_go_to_stdout_and_the_report_then_to_stderr(source: Path, tmp_path: Path, people: People, place: str
                                                             ) -> None:
    (source / "b.log").write_text(f"电话 {people.mobile()}\n绝密★启用前\n")
    assert guard("scan", source, "--findings", tmp_path / "f.jsonl").code == 3
    done = shell(f"cd {tmp_path}; '{GUARD}' scan {source} --findings {place} | cat; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 3
    wanted = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    lines = [line for line in done.stdout.decode().splitlines() if line.startswith("{")]
    assert [{**json.loads(line), "fingerprint": ""} for line in lines] == [{**one, "fingerprint": ""} for one in wanted]
    assert len(wanted) == 2
    if place != "/dev/fd/1":  # which nobody knows to be the same stream
        assert len(lines) == len(done.stdout.splitlines())
        assert "app.env" in done.stderr.decode()
    assert not (tmp_path / "-").exists()


def test_findings_of_a_secret_file_do_not_reach_a_pipe(source: Path, people: People) -> None:
    (source / "b.log").write_text(f"电话 {people.mobile()} {'x' * 400}\n" * 4000 + "绝密★启用前\n")
    done = guard("scan", source, "--findings", "-", "--workers", 2)
    assert done.code == 3
    assert {json.loads(line)["dataset"] for line in done.out.splitlines()} == {"app.env"}


def test_many_findings_reach_a_pipe(tmp_path: Path, people: People) -> None:
    """More than are held in memory until their file has been read."""
    number = people.mobile()
    (tmp_path / "a.csv").write_text("phone\n" + f"{number}\n" * 30_000)
    done = guard("scan", tmp_path / "a.csv", "--findings", "-")
    assert done.code == 0
    assert len(done.out) > 1 << 23
    assert [json.loads(line)["location"]["row"] for line in done.out.splitlines()] == list(range(1, 30_001))


def test_one_stream_does_not_take_findings_and_report(source: Path) -> None:
    for options in (["--format", "json"], ["--output", "-"], ["--format", "json", "-o", "/dev/stdout"]):
        answer = guard("scan", source, "--findings", "-", *options)
        assert answer.code == 2
        assert answer.out == ""
        assert answer.error == "findings and report cannot both go to stdout"


def test_a_dash_is_stdout_for_reports(source: Path, tmp_path: Path) -> None:
    for line in ("scan SOURCE", f"check SOURCE {OPEN}", "report RUN"):
        guard("scan", source, "--format", "json", "-o", tmp_path / "run.json")
        line = line.replace("SOURCE", str(source)).replace("RUN", str(tmp_path / "run.json"))
        for format_ in ("terminal", "json"):
            done = shell(f"cd {tmp_path}; '{GUARD}' {line} --format {format_} -o -")
            assert b"app.env" in done.stdout
            assert done.stderr == b""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.json", "source"]


@pytest.mark.parametrize("line", [
    f"release SOURCE {OPEN} --out -", "protect SOURCE/a.csv --plan p.yml -o -", "keys init -", "demo -",
    "reveal SOURCE/a.csv --field a --keyring k -o -", "scan SOURCE --write-baseline - --keyring k --reason x",
    "protect SOURCE/a.csv --plan p.yml -o out.csv --keyring k --audit-log -",
    f"release SOURCE {OPEN} --out out --vault -",
])
def test_what_has_to_be_a_file_is_not_made_under_the_name_of_a_dash(source: Path, tmp_path: Path, line: str) -> None:
    done = shell(f"cd {tmp_path}; '{GUARD}' {line.replace('SOURCE', str(source))}")
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error: invalid value for ")
    assert "stdout cannot take it" in done.stderr.decode()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source"]


def test_what_a_device_leads_to_is_written_and_not_replaced(source: Path, tmp_path: Path) -> None:
    """As root, a file would take the place of `/dev/fd/3` itself."""
    kept = tmp_path / "kept.json"
    done = shell(f"'{GUARD}' scan {source} --format json --output /dev/fd/3 3> {kept}; readlink /dev/fd")
    assert done.stdout == b"/proc/self/fd\n"
    assert json.loads(kept.read_text())["schema"] == "guard.report/v1"


def test_the_report_of_a_refused_release_can_be_shown_again(source: Path, tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    assert guard("release", source, *OPEN.split(), "--out", tmp_path / "out", "--format", "json", "-o", run).code == 1
    assert json.loads(run.read_text())["verdict"] == "violation"
    for format_ in ("terminal", "html", "sarif", "markdown", "csv"):
        answer = guard("report", run, "--format", format_, "--lang", "zh")
        assert answer.code == 0
        assert "app.env" in answer.out


def test_modes_whatever_the_umask(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    (source / "a.csv").write_text("n,m\n1,2\n")
    before = os.umask(0o077)
    try:
        assert guard("release", source, *OPEN.split(), "--out", out).code == 0
    finally:
        os.umask(before)
    modes = {str(p.relative_to(tmp_path)): stat.S_IMODE(p.stat().st_mode) for p in [out, *out.rglob("*")]}
    assert modes["out"] == modes["out/public"] == modes["out/public/data"] == 0o755
    assert modes["out/public/data/a.csv"] == modes["out/public/manifest.json"] == 0o644
    assert modes["out/evidence"] == 0o700
    assert {mode for name, mode in modes.items() if name.startswith("out/evidence/")} == {0o600}

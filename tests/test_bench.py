"""The benchmark: how processes are measured, how peers' answers are read, and what stands on the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import bench  # noqa: E402
import bench_contests  # noqa: E402
import bench_identifiers  # noqa: E402
import bench_sides as sides  # noqa: E402
from bench_corpora import Corpus, first_part, size_of  # noqa: E402
from bench_goals import GOALS, Goal  # noqa: E402
from bench_page import figure, page, spread  # noqa: E402
from bench_run import ScannerError, plain_environment, run  # noqa: E402

MEGABYTE = 1_000_000


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_cpu_time_of_children_counts(tmp_path):
    busy = "import time; start = time.process_time()\nwhile time.process_time() - start < 0.15: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    start = time.perf_counter()
    used = run(python(parent), output=tmp_path / "out", folder=tmp_path)
    assert 0.15 <= used.cpu < 1
    assert used.cpu <= 1.2 * used.wall <= 1.2 * (time.perf_counter() - start)


def test_sleep_is_no_cpu_time_and_the_peak_is_that_of_the_child(tmp_path):
    # Measured from a small process: a peak begins at the size of the process that started it.
    child = "import time; b = bytearray(150_000_000); b[::4096] = b[::4096]; time.sleep(0.5)"
    measure = f"""
import sys; sys.path.insert(0, {str(SCRIPTS)!r})
from pathlib import Path
from bench_run import run
used = run([sys.executable, "-c", {child!r}], output=Path("out"), folder=Path("."))
print(used.cpu, used.wall, used.peak)"""
    told = subprocess.run(python(measure), cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    cpu, wall, peak = map(float, told.split())
    assert cpu < wall - 0.45
    assert 150 * MEGABYTE < peak < 200 * MEGABYTE


def test_a_scanner_that_fails_is_told(tmp_path, capfd):
    failing = python("import sys; sys.stderr.write('it broke'); sys.exit(5)")
    with pytest.raises(ScannerError, match="ended with 5"):
        run(failing, output=tmp_path / "out", folder=tmp_path)
    assert "it broke" in capfd.readouterr().err
    run(failing, output=tmp_path / "out", folder=tmp_path, accept=(0, 5))


def test_scanners_may_cache_byte_code_and_inherit_no_settings(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("GITLEAKS_CONFIG", "mine.toml")
    assert not {"PYTHONDONTWRITEBYTECODE", "GITLEAKS_CONFIG"} & set(plain_environment())


def test_the_first_part_is_of_whole_lines_or_whole_files(tmp_path):
    log = tmp_path / "1" / "app.log"
    log.parent.mkdir()
    log.write_bytes(b"a line of text\n" * 500)
    part = first_part(log, tmp_path, 1)
    assert part.name == "app.log"
    assert part.read_bytes() == b"a line of text\n" * 66
    assert first_part(log, tmp_path, 100).read_bytes() == log.read_bytes()
    log.write_bytes("甲".encode() * 500)
    assert first_part(log, tmp_path, 1).read_bytes() == "甲".encode() * 333
    for number in range(5):
        (log.parent / "tree" / f"d{number}").mkdir(parents=True)
        (log.parent / "tree" / f"d{number}" / "f.py").write_bytes(b"x" * 600)
    tree = first_part(log.parent / "tree", tmp_path, 1)
    assert sorted(path.parent.name for path in tree.rglob("*.py")) == ["d0", "d1"]
    assert size_of(tree) == 1200


ANSWERS = {
    # Cut down from what the pinned versions wrote.
    "kingfisher": {"findings": [
        {"rule": {"id": "x"}, "finding": {"snippet": "-", "path": "{root}/a/b.py", "line": 7}},
        {"rule": {"id": "x"}, "finding": {"snippet": "-", "path": "{root}/c.env", "line": 2}}]},
    "betterleaks": {"findings": [
        {"rule_id": "x", "location": {"path": "{root}/a/b.py", "start_line": 7}},
        {"rule_id": "x", "location": {"path": "{root}/c.env", "start_line": 2}}]},
    "gitleaks": [{"RuleID": "x", "File": "{root}/a/b.py", "StartLine": 7},
                 {"RuleID": "x", "File": "{root}/c.env", "StartLine": 2}],
    "detect-secrets": {"results": {"{tail}/a/b.py": [{"type": "x", "line_number": 7}],
                                   "{tail}/c.env": [{"type": "x", "line_number": 2}]}},
}


def every_peer(tmp_path: Path) -> dict[str, sides.Side]:
    found = (sides.kingfisher(tmp_path), sides.betterleaks(), sides.gitleaks(), sides.detect_secrets())
    return {side.name: side for side in found if side}


@pytest.mark.parametrize("name", ANSWERS)
def test_places_of_the_peers_are_relative_to_what_was_scanned(name, tmp_path):
    peers = every_peer(tmp_path)
    if name not in peers:
        pytest.skip(f"{name} is not installed (extra bench)")
    target = tmp_path / "first" / "source"
    target.mkdir(parents=True)
    text = json.dumps(ANSWERS[name]).replace("{root}", str(target)).replace("{tail}", "first/source")
    for file in ("out", "report", "report.json"):
        (tmp_path / file).write_text(text, "utf-8")
    found = peers[name].read(tmp_path / "out", tmp_path / "report", target)
    assert found.count == 2
    assert found.places == {("a/b.py", 7), ("c.env", 2)}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_peer_reaches_out_and_each_has_one_job(name, tmp_path):
    peers = every_peer(tmp_path)
    if name not in peers:
        pytest.skip(f"{name} is not installed (extra bench)")
    side = peers[name]
    words = [*side.command(tmp_path / "x", tmp_path / "w", tmp_path / "r"), *side.environment.items()]
    wanted = {"kingfisher": ["--no-validate", "--no-update-check", "--jobs"], "betterleaks": ["--jobs"],
              "gitleaks": [("GOMAXPROCS", "1")], "detect-secrets": ["--no-verify", "-c"]}
    assert set(wanted[name]) <= set(words)
    assert "--validate" not in words


def test_guard_has_one_job_too_unless_asked(tmp_path):
    words = list(sides.command_line().command(tmp_path, tmp_path, tmp_path))
    assert words[words.index("--workers") + 1] == "1"


def test_findings_of_guard_are_counted_from_its_report(tmp_path):
    source, report = tmp_path / "app.log", tmp_path / "report"
    source.write_text("x\nGITHUB_TOKEN=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\n", "utf-8")
    side = sides.command_line(packs=bench_contests.SECRET_PACKS, lists=True)
    used = run(side.command(source, source, report), output=tmp_path / "out", folder=tmp_path, accept=side.accept)
    found = side.read(tmp_path / "out", report, source)
    assert used.cpu > 0.05
    assert found.count >= 1
    assert ("app.log", 2) in found.places
    assert re.fullmatch(r"\d+ detectors", found.rules)


@pytest.mark.parametrize("engine", ["guard", "oracle"])
def test_a_library_measures_its_scan_alone(engine, tmp_path):
    source = tmp_path / "app.log"
    source.write_text("联系电话 13800138000\n" * 20, "utf-8")
    side = sides.library(engine, engine, "disclosure-guard", as_format="text" if engine == "guard" else "")
    used = run(side.command(source, source, tmp_path / "r"), output=tmp_path / "out", folder=tmp_path)
    found = side.read(tmp_path / "out", tmp_path / "r", source)
    assert found.count == 20
    assert 0 < found.cpu < used.cpu


@pytest.mark.parametrize(("pattern", "wanted"), [
    (r"\d{4}", "(?:[0-9]{4})"), (r"[\dXx]", "(?:[0-9Xx])"), (r"(?<![+*])a(?!b|\.\d)", "(?:a)"),
    (r"(?P<s>[ -]?)x(?P=s)", "(?:(?:[ -]?)x[ -]?)"), (r"(?:a|[)\]])\(", r"(?:(?:a|[)\]])\()"),
])
def test_patterns_for_ripgrep_lose_only_what_it_lacks(pattern, wanted):
    assert bench_identifiers.plain(pattern) == wanted
    re.compile(wanted)


def test_the_pack_of_identifiers_has_the_detectors_of_the_patterns(tmp_path):
    subprocess.run([sys.executable, str(SCRIPTS / "bench_identifiers.py"), str(tmp_path)], check=True)
    for name in (bench_identifiers.SAME, bench_identifiers.PLAIN):
        patterns = (tmp_path / name).read_text("utf-8").splitlines()
        assert len(patterns) == len(bench_identifiers.DETECTORS)
        assert re.fullmatch(patterns[0], "11010519491231002X")
    from guard.detect import load

    assert {one.id for one in load([tmp_path / bench_identifiers.PACK])} == set(bench_identifiers.DETECTORS)


def test_the_user_pack_has_twenty_detectors_whose_examples_hold():
    from guard import Scanner
    from guard.detect import load

    detectors = load([bench_contests.USER_PACK])
    assert len(detectors) == 20
    scanner = Scanner(packs=[bench_contests.USER_PACK], cache=False)
    for detector in detectors:
        for text in detector.examples.match:
            assert detector.id in {one.detector for one in scanner.scan_text(f"编号 {text}。")}, text
        for text in detector.examples.no_match:
            assert detector.id not in {one.detector for one in scanner.scan_text(text)}, text


@pytest.mark.parametrize(("value", "text"), [(0.0382, "0.038"), (1.5, "1.50"), (43.26, "43.3"), (812.4, "812"),
                                             (1600, "1,600")])
def test_figures_have_three_digits(value, text):
    assert figure(value) == text


def test_a_spread_shows_the_median_and_both_ends():
    assert spread([30.0, 10.0, 20.0], "MB/CPU-s") == "20.0 MB/CPU-s (10.0–30.0)"
    assert spread([2.0], "x") == "x2.00"


def test_goals_are_reached_from_the_right_side():
    more, less = Goal("", "x", 2, 4), Goal("", "s", 0.1, 0.06, most=True)
    assert [more.reached(value) for value in (1.9, 2, 4)] == ["no", "yes", "stretch"]
    assert [less.reached(value) for value in (0.11, 0.1, 0.06)] == ["no", "yes", "stretch"]


def test_scanners_take_turns_and_ratios_are_those_of_each_round(tmp_path, monkeypatch):
    order: list[str] = []
    rates = {"guard": iter([10.0, 30.0]), "peer": iter([5.0, 10.0])}

    def once(self, result, target, warm, keep):
        order.append(f"{result.side.name}{'' if keep else ' warm'}")
        if keep:
            result.rates.append(next(rates[result.side.name]))
            result.peaks.append(1)

    monkeypatch.setattr(bench_contests.Bench, "_once", once)
    path = tmp_path / "1" / "app.log"
    path.parent.mkdir()
    path.write_bytes(b"x\n" * 3000)
    measured = bench_contests.Bench(tmp_path, 1, 1, 2)
    both = [sides.Side(name, "1", "r", lambda *_: ["scan", "/a/FILE"], lambda *_: sides.Found(3))
            for name in ("guard", "peer")]
    one, two = measured.contest(Corpus(path, 6000), [both[0], None, both[1]])
    measured.ratio("log-presidio", one, two)
    assert order == ["guard warm", "peer warm", "guard", "peer", "guard", "peer"]
    assert measured.figures["log-presidio"] == [2.0, 3.0]
    measured.missing.append("a peer that is not there")
    text = page(measured, "make bench", offline=True, load=0.5)
    assert "| app.log | peer | 7.50 (5.00–10.0) | x2.50 | 0.006 MB | 0 |" in text
    assert "| x2.50 (2.00–3.00) | x800 | x1,600 | no |" in text
    assert "- a peer that is not there" in text
    assert "This is a quick look" in text
    measured.megabytes = 80
    assert "quick look" not in page(measured, "make bench", offline=True, load=0.5)
    assert text.count("not measured") == len(GOALS) - 1


def test_the_recall_of_planted_secrets_counts_lines_and_files_without_lines(tmp_path):
    corpus = Corpus(tmp_path / "source", 1, (("a.py", 3, "k"), ("b.json", 2, "k"), ("c.py", 9, "k"), ("d.py", 1, "k")))
    side = sides.Side("peer", "1", "r", lambda *_: [], lambda *_: sides.Found(0))
    result = bench_contests.Result("source", side, 1)
    result.found = sides.Found(3, frozenset({("a.py", 3), ("b.json", 0), ("c.py", 8)}))
    assert bench_contests._recall(result, corpus, tmp_path) == 0.5


def test_a_quick_run_writes_its_page(tmp_path):
    ended = subprocess.run(
        [sys.executable, str(SCRIPTS / "bench.py"), "--megabytes", "0.2", "--rounds", "1", "--sample", "20", "--only",
         "columns,scaling", "--data", str(tmp_path / "data"), "--output", str(tmp_path / "page.md")],
        capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "page.md").read_text("utf-8")
    assert re.search(r"\| register.csv \| guard scan \| [\d.]+ \| {2}\| 0.20\d MB \| [\d,]+ \|", text)
    assert "not measured" not in next(line for line in text.splitlines() if "10 times the data" in line)


def test_the_page_names_no_folder_of_the_machine():
    given = ["--real", "/home/somebody/secret", "--data", "/x", "--rounds", "2", "--output", "/y"]
    assert bench.command(given) == 'make bench BENCH_ARGS="--real FOLDER --rounds 2"'
    assert bench.command(["--data", "/x"]) == "make bench"


def test_an_unknown_group_is_a_usage_error(tmp_path):
    ended = subprocess.run([sys.executable, str(SCRIPTS / "bench.py"), "--only", "nothing"], capture_output=True,
                           text=True, check=False)
    assert ended.returncode == 2
    assert "there are log, register" in ended.stderr

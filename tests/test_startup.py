"""What a command imports: the modules say what a start costs, and unlike times they are the same on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command import environment

from guard.cli.verbs import VERBS, cli

LOG = "2026-03-04 12:00:01 INFO user=zhang id=11010119900307003X phone=13800138000 mail=zhang.san@example.com\n"
HEAVY = {"pydantic", "yaml", "jinja2", "rich", "cryptography", "pyarrow", "numba", "pandas", "polars", "xlsxwriter",
         "python_calamine", "re2", "importlib.metadata", "multiprocessing", "concurrent.futures"}
ENGINE = {"numpy", "hyperscan", "guard.detect.matcher", "guard.scanner", "guard.policy"}
_RUN = """
import json, sys
from guard.cli.main import run
code = run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump([code, sorted(sys.modules)], file)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs, and a warm cache."""
    made = tmp_path_factory.mktemp("startup")
    (made / "small.log").write_text(LOG * 10, encoding="utf-8")
    (made / "data").mkdir()
    (made / "data" / "notes.txt").write_text("nothing personal here\n", encoding="utf-8")
    imported(made, "release", made / "data", "--policy", "cn-open-data", "--audience", "public", "--out", made / "out")
    imported(made, "scan", made / "small.log")
    return made


def imported(folder: Path, *arguments: object, **env: str) -> set[str]:
    """The modules that one command line imports; it must end well."""
    listing = folder / "modules.json"
    subprocess.run([sys.executable, "-c", _RUN, str(listing), *map(str, arguments)], check=True, capture_output=True,
                   timeout=60, env=environment(NO_COLOR="1", **env))
    code, modules = json.loads(listing.read_text(encoding="utf-8"))
    assert code == 0
    return set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_click_and_no_verb(folder: Path, arguments: list[str]) -> None:
    modules = imported(folder, *arguments)
    assert sorted(modules & (HEAVY | ENGINE | {"guard.cli.data", "guard.cli.tools", "guard.model"})) == []


@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["--format", "csv"], ["--lang", "zh"]], ids=" ".join)
def test_a_small_scan_imports_the_engine_and_nothing_beside(folder: Path, arguments: list[str]) -> None:
    modules = imported(folder, "scan", folder / "small.log", *arguments)
    assert {"numpy", "guard.detect.matcher"} <= modules
    beside = {"guard.policy", "guard.disclosure", "guard.plain_yaml", "guard.sources.arrow"}
    assert sorted(modules & (HEAVY | beside)) == []


def test_a_scan_without_the_cache_reads_the_packs(folder: Path) -> None:
    small = folder / "small.log", "--packs", small_pack(folder)
    for arguments, reads in ((small, True), (small, False), ((*small, "--no-cache"), True)):
        modules = imported(folder, "scan", *arguments, GUARD_CACHE_DIR=str(folder / "cache"))
        assert ("pydantic" in modules) is reads


def small_pack(folder: Path) -> Path:
    """A pack that is soon compiled, to be used in place of the shipped ones."""
    pack = folder / "pack.yml"
    pack.write_text("- {id: x, data_class: person.account, title: {en: X, zh: X}, pattern: 'xx[0-9]{9}'}\n")
    return pack


def test_verify_imports_no_engine(folder: Path) -> None:
    assert sorted(imported(folder, "verify", folder / "out") & (HEAVY | ENGINE)) == []


def test_a_release_that_needs_no_table_imports_no_arrow(folder: Path) -> None:
    modules = imported(folder, "check", folder / "data", "--policy", "cn-open-data", "--audience", "public")
    assert sorted(modules & {"pyarrow", "jinja2", "rich", "numba"}) == []


def test_the_library_imports_nothing_until_a_name_is_used() -> None:
    code = "import guard, sys; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert sorted({*modules} & (HEAVY | ENGINE | {"click", "guard.model"})) == []


@pytest.mark.parametrize(("name", "ours", "theirs"), [
    ("OPENBLAS_NUM_THREADS", "1", "3"), ("ARROW_DEFAULT_MEMORY_POOL", "system", "mimalloc")])
def test_numpy_starts_no_threads_and_arrow_keeps_no_memory_of_its_own(name: str, ours: str, theirs: str) -> None:
    """The settings must stand before the libraries are imported, and an office's own choice stays."""
    code = ("import os, sys; from guard.cli import main; sys.argv = ['guard', '--version']; os._exit = sys.exit\n"
            f"try: main.main()\nexcept SystemExit: sys.stderr.write(os.environ['{name}'])")
    kept = {key: value for key, value in os.environ.items() if key != name}
    for given, expected in (({}, ours), ({name: theirs}, theirs)):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**kept, **given})
        assert done.stderr == expected


def test_a_command_seldom_looks_for_circles_of_objects() -> None:
    """Its process is its own; whoever imports the library keeps what he chose."""
    code = ("import gc, os, sys; from guard.cli import main; before = gc.get_threshold(); os._exit = sys.exit\n"
            "sys.argv = ['guard', '--version']\n"
            "try: main.main()\nexcept SystemExit: sys.stderr.write(f'{before[0]} {gc.get_threshold()[0]}')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(int, done.stderr.split())
    assert before < 10_000 < after


_LEAVES = """
import atexit, sys
from guard.cli.main import main
atexit.register(lambda: sys.stderr.write("in the ordinary way"))
sys.setprofile(eval(sys.argv.pop(1)))
main()
"""


@pytest.mark.parametrize(("arguments", "watcher", "code", "ordinary"), [
    (["--version"], "None", 0, False), (["scan", "small.log", "--fail-on", "likely"], "None", 1, False),
    (["--version"], "lambda *_: None", 0, True), (["scan", "missing"], "None", 2, True)])
def test_a_verb_that_came_to_its_end_leaves_at_once(folder: Path, arguments: list[str], watcher: str, code: int,
                                                    ordinary: bool) -> None:
    named = [str(folder / name) if name == "small.log" else name for name in arguments]
    done = subprocess.run([sys.executable, "-c", _LEAVES, watcher, *named], capture_output=True,
                          timeout=60, env=environment(NO_COLOR="1"))
    assert done.returncode == code
    assert done.stderr.endswith(b"in the ordinary way") is ordinary
    assert bool(done.stdout) is (code < 2)


def test_what_is_written_to_a_pipe_is_all_there(folder: Path) -> None:
    """Buffers are emptied before."""
    arguments = ["scan", str(folder / "small.log"), "--format", "json"]
    piped, file = (subprocess.run([sys.executable, "-m", "guard", *arguments, *more], capture_output=True, timeout=60,
                                  env=environment(NO_COLOR="1")).stdout for more in ([], ["--output", folder / "r"]))
    assert not file
    kept = json.loads((folder / "r").read_bytes())["summary"]
    assert json.loads(piped)["summary"] == kept


_STARTED = """
import sys
from guard import compiled
from guard.cli.main import run
from guard.detect import choice
from guard.native import kept
interpreted = choice.Scan
choice.Scan = lambda *given: print("interpreted") or interpreted(*given)
kept.is_filled = lambda: sys.argv[1] == "kept"
compiled.Loop._prepared = lambda loop, arguments: loop._function(*arguments)
run(["scan", sys.argv[2], "--format", "json", "--output", sys.argv[3]])
print("compiled" * ("guard.detect.engine" in sys.modules))
"""


@pytest.mark.parametrize(("cache", "size", "engine"), [
    ("kept", 1000, "interpreted"), ("kept", 700_000, "compiled"), ("none", 700_000, "interpreted")])
def test_a_name_is_scanned_by_the_engine_that_its_file_needs(folder: Path, cache: str, size: int, engine: str) -> None:
    file = folder / f"{cache}-{size}.log"
    file.write_bytes(b"\n" * size)  # of which loops that run as plain Python are soon done
    done = subprocess.run([sys.executable, "-c", _STARTED, cache, file, folder / "started.json"], capture_output=True,
                          timeout=60, text=True, env=environment(NO_COLOR="1"), check=True)
    assert {*done.stdout.split()} == {engine}


def test_the_lines_of_the_help_are_those_of_the_verbs() -> None:
    context = click.Context(cli)
    for name, (_, line) in VERBS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert str(command.help).partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".") \
            == line.rstrip("."), name
    assert cli.get_command(context, "unknown") is None


def test_a_cache_that_is_open_to_others_is_named(tmp_path: Path) -> None:
    folder, text = tmp_path / "cache", tmp_path / "a.txt"
    folder.mkdir()
    folder.chmod(0o755)
    text.write_text(LOG)
    packs = "--packs", str(small_pack(tmp_path))
    said = [_stderr_of_a_scan(text, folder, *packs, *options) for options in ((), ("--no-cache",))]
    assert said[0].startswith("note: the cache directory is not its owner's alone")
    assert said[1] == ""
    assert not list(folder.iterdir())


def test_without_a_cache_nothing_is_taken_from_it_and_nothing_kept(tmp_path: Path) -> None:
    folder, text = tmp_path / "cache", tmp_path / "a.txt"
    text.write_text(LOG)
    assert _stderr_of_a_scan(text, folder, "--no-cache") == ""
    assert not folder.exists()
    assert _stderr_of_a_scan(text, folder) == ""
    assert list(folder.iterdir())


def _stderr_of_a_scan(text: Path, cache: Path, *options: str) -> str:
    command = [sys.executable, "-m", "guard", "scan", str(text), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True,
                          env=environment(GUARD_CACHE_DIR=str(cache))).stderr

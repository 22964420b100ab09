"""What is shipped: the content of wheel and sdist, builds that repeat, an installation without a network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pyarrow import csv, parquet

from guard.demo.bulk import write_json_lines, write_log, write_register
from guard.native import shipped

ROOT = Path(__file__).parents[1]
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"
SOURCE_DATE = "1767225600"
CONTENT = ("detectors", "policies", "reports")


def build(source: Path, out: Path, kind: str, **env: str) -> Path:
    """One `wheel` or `sdist`, built without an isolated environment, since that would need the network."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(out), str(source)],
        check=True, capture_output=True, env=os.environ | {"SOURCE_DATE_EPOCH": SOURCE_DATE} | env,
    )
    return next(out.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


def test_the_wheel_holds_the_package_its_content_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in CONTENT:
        shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / kind).rglob("*") if path.is_file()}
        assert shipped, kind
        assert {f"guard/_content/{name}" for name in shipped} <= names
    assert "guard/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"guard"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".key", ".kek"))]


def test_the_wheel_names_licence_command_and_python(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = {name.rpartition("/")[2]: archive.read(name).decode() for name in archive.namelist()
                if ".dist-info/" in name}
    assert re.search(r"^Name: disclosure-guard$", text["METADATA"], re.M)
    assert re.search(r"^License-Expression: Apache-2\.0$", text["METADATA"], re.M)
    assert re.search(r"^Requires-Python: >=3\.11$", text["METADATA"], re.M)
    assert "guard = guard.cli.main:main" in text["entry_points.txt"]


def test_the_sdist_holds_what_a_build_needs_and_no_environment(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "hatch_build.py", "Makefile", "LICENSE"} <= names
    assert {"README.md", "README.zh.md", "docs/design.md"} <= names
    assert {f"guard/{path.name}" for path in (ROOT / "guard").glob("*.py")} <= names
    assert {f"detectors/{path.name}" for path in (ROOT / "detectors").glob("*.yml")} <= names
    assert not [name for name in names if name.startswith((".venv", "demo/", "bench-data/", "build/", "dist/"))]
    assert not [name for name in names if "__pycache__" in name or "site-packages" in name]


def test_the_wheel_comes_out_of_the_sdist_byte_for_byte(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    # Where nothing can be kept, all of the machine code is compiled once more.
    again = build(next((tmp_path / "source").iterdir()), tmp_path / "wheel", "wheel", GUARD_CACHE_DIR=os.devnull)
    assert again.read_bytes() == wheel.read_bytes()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a clean environment outside the source tree that holds the wheel, installed from local files."""
    if not WHEELHOUSE.is_dir():
        if "GUARD_CI" in os.environ:
            pytest.fail("the wheelhouse is missing; `make test` makes it")
        pytest.skip("no wheelhouse; `make test` makes it")
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    subprocess.run(
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile",
         "--no-index", "--find-links", str(WHEELHOUSE), str(wheel)], check=True, capture_output=True, cwd=folder,
    )
    return folder / "bin"


def run(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    return subprocess.run(command, cwd=cwd, env=kept | {"XDG_CACHE_HOME": str(cwd / "cache")}, capture_output=True,
                          text=True, check=False)


def test_the_installed_command_scans_outside_the_source_tree(installed, people, tmp_path):
    person = people.person()
    (tmp_path / "note.txt").write_text(f"身份证号：{person.resident_id}\n", encoding="utf-8")
    ended = run([str(installed / "guard"), "scan", "note.txt", "--format", "json"], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert '"person.id.cn"' in ended.stdout
    assert person.resident_id not in ended.stdout + ended.stderr


@pytest.mark.skipif(not shipped.is_processor(), reason="machine code is shipped for one platform only")
def test_first_scans_after_an_installation_compile_nothing(installed, tmp_path):
    """Each is large enough for loops, of which there are others for each format."""
    files = tmp_path / "files"
    files.mkdir()
    write_log(files / "app.log", 0.5)
    write_register(files / "register.csv", 2)
    write_json_lines(files / "payloads.jsonl", 1)
    parquet.write_table(csv.read_csv(files / "register.csv"), files / "register.parquet")
    (files / "data.json").write_text(json.dumps([{"电话": str(number)} for number in range(5_000)]), encoding="utf-8")
    ended = run([str(installed / "guard"), "scan", "files", "--format", "json"], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(json.loads(ended.stdout)["fields"]) > 30
    kept = [path.name for path in tmp_path.glob("cache/guard/loops-*/*")]
    assert kept == []


def test_content_is_found_in_the_installed_package(installed, tmp_path):
    code = "from guard import content; print(*(content.root(kind) for kind in ('detectors', 'policies', 'reports')))"
    ended = run([str(installed / "python"), "-c", code], tmp_path)
    assert ended.returncode == 0, ended.stderr
    for folder in ended.stdout.split():
        assert Path(folder).is_relative_to(installed.parent)
        assert Path(folder).parent.name == "_content"


def test_content_is_found_beside_the_package_in_the_source_tree():
    code = "from guard import content; print(content.root('detectors'))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(ended.stdout.strip()) == ROOT / "detectors"


def runtime_distributions() -> dict[str, importlib.metadata.Distribution]:
    """Every distribution that an installation without extras brings along."""
    waiting, found = ["disclosure-guard"], {}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    return found


def test_no_runtime_dependency_is_under_a_copyleft_licence_of_the_gpl_family():
    found = runtime_distributions()
    assert {"pyarrow", "hyperscan", "cffi", "markupsafe"} <= set(found)
    for name, distribution in found.items():
        metadata = distribution.metadata
        names = [metadata.get("License-Expression", ""), metadata.get("License", "")[:200],
                 *(line for line in metadata.get_all("Classifier", []) if line.startswith("License"))]
        assert any(names), f"{name} names no licence"
        assert not re.search(r"GPL|General Public License", " ".join(names), re.IGNORECASE), name

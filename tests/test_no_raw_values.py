"""No raw value in any report, log, exception, repr, pickle or temporary file: canaries are planted."""

from __future__ import annotations

import gzip
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from command import guard

from guard import Finding, Scanner
from guard.demo import People
from guard.native import kept

FORMATS = ("terminal", "json", "sarif", "html", "markdown", "csv")


class Canaries:
    """Values that must never be written, drawn once for a source."""

    def __init__(self, seed: int) -> None:
        self._people = People(seed)
        self.values: list[str] = []

    def draw(self, kind: str) -> str:
        value = str(getattr(self._people, kind)())
        self.values.append(value)
        return value

    def secret(self, prefix: str, length: int) -> str:
        self.values.append(self._people.secret(prefix, length))
        return self.values[-1]

    def row(self) -> str:
        return f"{self.draw('resident_id')},{self.draw('mobile')},{self.draw('email')},{self.draw('bank_card')}\n"

    def rows(self, count: int) -> str:
        return "".join(self.row() for _ in range(count))


def plant(folder: Path) -> Canaries:
    """A source full of canaries: as values, names of files, members, sheets, headers, keys, and in broken places."""
    c = Canaries(99)
    folder.mkdir()
    (folder / f"{c.draw('mobile')}.csv").write_text("证件号码,手机,邮箱,银行卡号\n" + c.rows(5))
    (folder / "headless.csv").write_text(c.rows(4))
    (folder / "title.csv").write_text(f"联系人 {c.draw('resident_id')},,,\na,b,c,d\n" + c.rows(5))
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(f"{c.draw('resident_id')}/x.txt", f"电话 {c.draw('mobile')}\n")
        archive.writestr(f"../{c.draw('mobile')}.txt", "x")
    with xlsxwriter.Workbook(folder / "book.xlsx") as book:
        sheet = book.add_worksheet(c.draw("mobile"))
        for i in range(4):
            sheet.write_row(i, 0, c.row().strip().split(","))
        sheet.write_comment(0, 0, f"身份证 {c.draw('resident_id')}")
        book.set_properties({"author": c.draw("email")})
    (folder / "keys.json").write_text(json.dumps({c.draw("mobile"): {"n": 1, "身份证号": c.draw("resident_id")}}))
    (folder / "broken.jsonl").write_text(f'{{"a": "{c.draw("mobile")}"}}\n{{"a": "{c.draw("resident_id")}", "b": \n')
    (folder / "broken.json").write_text(f'{{"phone": "{c.draw("mobile")}", nonsense {c.draw("email")}')
    (folder / "app.log").write_text(f"password={c.secret('Pw9$', 14)} token={c.draw('github_token')}\n")
    (folder / "bad.txt").write_bytes(f"电话 {c.draw('mobile')} ".encode() + b"\xff\xfe\x81 " + c.draw("email").encode())
    (folder / "cut.txt.gz").write_bytes(gzip.compress((f"身份证 {c.draw('resident_id')}\n" * 9000).encode())[:-30])
    pq.write_table(pa.table({c.draw("mobile"): [c.draw("resident_id")] * 3}), folder / "a.parquet")
    (folder / "cut.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-9])
    (folder / "cut.xlsx").write_bytes((folder / "book.xlsx").read_bytes()[:-200])
    return c


def leaks(text: bytes, canaries: Canaries) -> list[str]:
    """The kinds of canaries (their first two characters) that stand in `text` in any encoding."""
    return [value[:2] for value in canaries.values
            for codec in ("utf-8", "gb18030", "utf-16-le") if value.encode(codec) in text]


def written(folder: Path, but: Path) -> bytes:
    """Names and contents of everything below `folder` outside of `but`."""
    paths = [p for p in folder.rglob("*") if but not in (p, *p.parents)]
    return b"\n".join(str(p).encode() + b"\n" + (p.read_bytes() if p.is_file() else b"") for p in paths)


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, Canaries]:
    return tmp_path / "source", plant(tmp_path / "source")


def private(tmp_path: Path) -> dict[str, str]:
    """Environment with temporary and cache folders inside the test's own."""
    for name in ("tmp", "cache"):
        (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
    return {"TMPDIR": str(tmp_path / "tmp"), "GUARD_CACHE_DIR": str(tmp_path / "cache")}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache as the first run leaves it, with machine code; `test_no_release_holds_a_canary` begins with an empty one.
    """
    folder = tmp_path_factory.mktemp("filled")
    (folder / "plain.csv").write_text("number,note\n1,nothing\n")
    env = private(folder)
    if (loops := kept.directory()) is not None:
        shutil.copytree(loops, folder / "cache" / loops.name)
    assert guard("check", folder / "plain.csv", "--policy", "strict", "--audience", "internal", **env).code == 0
    return folder / "cache"


def test_no_report_shows_a_canary(tmp_path: Path, source: tuple[Path, Canaries], filled: Path) -> None:
    folder, canaries = source
    env = private(tmp_path) | {"GUARD_CACHE_DIR": str(filled)}
    for number, format_ in enumerate(FORMATS):
        language = ("en", "zh")[number % 2]
        answer = guard("scan", folder, "--format", format_, "--findings", tmp_path / f"{format_}.jsonl", "--lang",
                       language, "--output", tmp_path / f"report.{format_}", "--min-confidence", "0", **env)
        assert answer.code == 3
        assert leaks((answer.out + answer.err).encode(), canaries) == []
    assert leaks(written(tmp_path, folder) + written(filled, folder), canaries) == []
    assert (tmp_path / "json.jsonl").stat().st_size > 1000


def test_no_decision_shows_a_canary(tmp_path: Path, source: tuple[Path, Canaries], filled: Path) -> None:
    folder, canaries = source
    env = private(tmp_path) | {"GUARD_CACHE_DIR": str(filled)}
    for policy, audience in (("cn-open-data", "public"), ("cn-department-share", "department_share"),
                             ("strict", "internal")):
        for verb in (("check",), ("release", "--out", tmp_path / "out", "--allow-incomplete")):
            answer = guard(verb[0], folder, *verb[1:], "--policy", policy, "--audience", audience, "--format", "json",
                           "--output", tmp_path / f"{policy}.json", **env)
            assert answer.code in (1, 3)
            assert leaks((answer.out + answer.err).encode(), canaries) == []
    assert leaks(written(tmp_path, folder) + written(filled, folder), canaries) == []


def test_no_release_holds_a_canary(tmp_path: Path) -> None:
    folder, out = tmp_path / "source", tmp_path / "out"
    c = Canaries(5)
    folder.mkdir()
    (folder / f"{c.draw('mobile')}.csv").write_text(
        "证件号码,手机,邮箱,银行卡号,备注\n"
        + "".join(f"{c.row().strip()},电话{c.draw('mobile')}\n" for _ in range(30)))
    (folder / "app.log").write_text(
        "".join(f"user {c.draw('resident_id')} called {c.draw('mobile')} ok\n" for _ in range(30)))
    (folder / "a.jsonl").write_text("".join(json.dumps({"phone": c.draw("mobile"), "n": i}) + "\n" for i in range(30)))
    (folder / "keys.json").write_text(json.dumps({c.draw("mobile"): i for i in range(30)}))
    answer = guard("release", folder, "--policy", "cn-open-data", "--audience", "public", "--out", out,
                   **private(tmp_path))
    assert answer.code == 0, answer.out
    assert leaks((answer.out + answer.err).encode(), c) == []
    assert leaks(written(tmp_path, folder), c) == []
    assert len(list((out / "public" / "data").iterdir())) == 4


def test_findings_hide_their_value() -> None:
    people = People(3)
    value = people.mobile()
    (finding,) = Scanner().scan_text(f"电话 {value}")
    assert finding.reveal() == value
    for shown in (repr(finding), str(finding), json.dumps(finding.as_json()), f"{finding._value}"):
        assert value not in shown
    assert value.encode() not in pickle.dumps(finding)
    copy = pickle.loads(pickle.dumps(finding))
    assert isinstance(copy, Finding)
    with pytest.raises(ValueError):
        copy.reveal()
    with pytest.raises(TypeError):
        pickle.dumps(finding._value)

"""A scanner that nobody holds any more goes, with its rules and all that was made of them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard import Scanner

PACK = """
- id: project
  data_class: secret
  title: {en: Project, zh: 项目}
  pattern: 'PRJ-[0-9]{4}'
  masked: 'PRJ-[*]{4}'
  cell: '[0-9]{4}'
  headers: [project]
  context: {words: [build, 工单], against: [sample]}
  confidence: {shape: 0.6}
  filters: [not_reference]
- id: staff
  data_class: person.name
  title: {en: Staff, zh: 工号}
  pattern: '工号[A-Z]{2}[一-龥]{2}'
  confidence: {shape: 0.6}
"""
TEXT = "build PRJ-1234, 工号AB东湖\npassword = PRJ-0001\nUFJKLTk4NzYgaXMgdGhlIGJ1aWxkIFBSSi0xMjM0IG9mIG91cnM=\n"
FILES = {
    "a.txt": TEXT * 50,
    "a.csv": "project,note\n" + "".join(f"{number},build PRJ-{number}\n" for number in range(1000, 3000)),
    "a.json": '{"name": "project", "value": "1234", "rows": [{"project": "2345", "note": "工号AB东湖"}]}\n',
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def parts(scanner: Scanner) -> Iterator[object]:
    """The scanner and what it is made of."""
    matcher = scanner.matcher
    yield from (scanner, matcher, matcher._plan, *matcher.rules)
    if "assembly" in vars(matcher._plan):
        yield matcher._plan.assembly


def used(pack: Path, files: Path) -> list[weakref.ref[object]]:
    """The parts of a scanner that has scanned a text, and files of each kind by themselves and together."""
    scanner = Scanner(packs=[pack], cache=False)
    assert {finding.detector for finding in scanner.scan_text(TEXT)} == {"project", "staff"}
    for path in (*(files / name for name in FILES), files):
        assert scanner.scan(path).findings
    return [weakref.ref(part) for part in parts(scanner)]


@pytest.mark.usefixtures("engine")
def test_scanners_that_nobody_holds_are_collected(tmp_path: Path, files: Path,
                                                  tmp_path_factory: pytest.TempPathFactory) -> None:
    pack = tmp_path_factory.mktemp("pack") / "pack.yml"
    pack.write_text(PACK, encoding="utf-8")
    made = [part for _ in range(3) for part in used(pack, files)]
    gc.collect()
    assert [type(part()).__name__ for part in made if part() is not None] == []

"""Names and values in columns of their own: the name beside a value is its header."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import guard
from guard import Scanner
from guard.detect import Matcher
from guard.detect.joined import SILENT
from guard.model import Finding

PASSWORD, NUMBER = "Zx8kq91L#", "330106199211030017"


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


def found(scanner: Scanner, text: str, path: Path) -> dict[str, str]:
    """Class of every finding by the value that it covers."""
    path.write_text(text, encoding="utf-8")
    return {_revealed(finding): finding.data_class for finding in scanner.scan(path).findings}


def _revealed(finding: Finding) -> str:
    return finding.reveal()


PAIRS = [("db_password", PASSWORD, "secret.password"), ("MYSQL_PWD", "Kx92m{L0w}", "secret.password"),
         ("API_TOKEN", "zR2Um5sD1Wet1aSXBLsP", "secret.api_key"), ("身份证号", NUMBER, "person.id.cn"),
         ("姓名", "粟裕", "person.name"), ("联系电话", "13812345678", "person.phone.mobile")]
OTHERS = [("DB_HOST", "db1"), ("LOG_LEVEL", "debug"), ("health", "ok"), ("Age", "35"), ("user_login", "ab12"),
          ("password", "${DB_PASSWORD}"),
          ("token", "201db662-be80-55f0-71ea-1c02333ecfb1"), ("地址", "http://host/path")]


@pytest.mark.parametrize("names", [("name", "value"), ("Name", "Value"), ("参数名", "参数值")])
def test_members_of_objects(scanner: Scanner, names: tuple[str, str], tmp_path: Path) -> None:
    rows = [(name, value) for name, value, _ in PAIRS] + OTHERS
    expected = {value: data_class for _, value, data_class in PAIRS}
    first = [dict(zip(names, row, strict=True)) for row in rows]
    last = [dict(zip(reversed(names), reversed(row), strict=True)) for row in rows]
    for entries in (first, last, [*first[::2], *last[1::2]]):
        for text in (json.dumps({"env": entries}), json.dumps(entries, indent=1, ensure_ascii=False),
                     "\n".join(json.dumps({"id": at, "spec": {"env": entries}}) for at in range(2))):
            assert found(scanner, text, tmp_path / "a.json") == expected
    assert found(scanner, "\n".join(map(json.dumps, first)), tmp_path / "a.jsonl") == expected


@pytest.mark.parametrize("header", [("name", "value"), ("key", "content")])
def test_rows_of_tables(scanner: Scanner, header: tuple[str, str], tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *((name, value) for name, value, _ in PAIRS), *OTHERS])
    assert found(scanner, text.getvalue(), tmp_path / "a.csv") == {value: name for _, value, name in PAIRS}


def test_a_name_is_only_that_of_the_object_it_stands_in(scanner: Scanner, tmp_path: Path) -> None:
    text = json.dumps([{"name": "db_password"}, {"value": "hello world 7"}, {"name": "LEVEL", "value": "Zx8kq91L#"},
                       {"name": "db_password", "of": {"value": "Zx8kq91L#"}}])
    assert found(scanner, text, tmp_path / "a.json") == {}


def test_a_payload_is_masked_by_the_names_in_it() -> None:
    payload = {"env": [{"name": "db_password", "value": PASSWORD}, {"name": "LEVEL", "value": "debug"}]}
    masked = guard.mask(payload, policy="strict", audience="public")
    assert masked["env"][1] == {"name": "LEVEL", "value": "debug"}
    assert masked["env"][0]["name"] == "db_password"
    assert PASSWORD not in json.dumps(masked)


def test_values_of_a_payload_have_no_other_names_than_their_own() -> None:
    payload = [{"value": "plain"}, {"name": "db_password", "value": "Zx8kq91L#"}, {"name": "LEVEL", "value": "debug1"},
               {"name": ["password"], "value": "debug2"}]
    masked = guard.mask(payload, policy="strict", audience="public")
    assert [masked[0], *masked[2:]] == [payload[0], *payload[2:]]
    assert masked[1]["value"] != "Zx8kq91L#"


def test_the_place_is_that_of_the_value(scanner: Scanner, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"env": [{"name": "A", "value": "x\\y"}, {"name": "db_password", "value": PASSWORD}]}))
    (finding,) = scanner.scan(path).findings
    place = finding.location
    assert place.offset is not None
    assert place.length is not None
    assert path.read_text()[place.offset : place.offset + place.length] == PASSWORD
    assert (place.pointer, place.field) == ("/env/1/value", "$.env[*].value")


def test_columns_are_scanned_again_only_below_telling_names(scanner: Scanner, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    headers = []
    plainly = Matcher.scan_column
    monkeypatch.setattr(Matcher, "scan_column", lambda self, column, budget=None: (
        headers.append(column.header), plainly(self, column, budget))[1])
    goods = [{"name": f"widget {number}", "value": str(number)} for number in range(50)]
    found(scanner, json.dumps([*goods, {"name": "pwd", "value": "x"}]), tmp_path / "a.json")
    assert sorted(headers) == sorted(["name", "pwd", SILENT])  # as what `value` says

"""The synthetic data: valid where it says so, the same for the same seed, and big enough fast enough."""

from __future__ import annotations

import csv
import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.demo import People, noise, numbers, write_demo, write_json_lines, write_log, write_register
from guard.demo.bulk import REGISTER_HEADER, ROWS
from guard.errors import OutputError, UsageError

seeds = st.integers(0, 2**32)


# Published examples: GB 11643-1999, GB 11714-1997, GB 32100-2015, the Luhn patent's successors, SAE J272 / ISO 3779.
@pytest.mark.parametrize(("make", "body", "whole"), [
    (numbers.resident_number, "11010519491231002", "11010519491231002X"),
    (numbers.resident_number, "44052418800101001", "440524188001010014"),
    (numbers.organisation_code, "D2143569", "D2143569X"),
    (numbers.credit_code, "91350100M000100Y4", "91350100M000100Y43"),
    (numbers.luhn_number, "7992739871", "79927398713"),
    (numbers.vehicle_number, "1M8GDM9A0KP042788", "1M8GDM9AXKP042788"),
])
def test_check_digits_of_published_examples(make, body, whole):
    assert make(body) == whole


@given(seeds)
def test_spoiled_numbers_differ_from_the_valid_one_in_the_check_digit_alone(seed):
    people = People(seed)
    for valid, make, place in (
        (people.resident_id(valid=False), lambda n: numbers.resident_number(n[:-1]), -1),
        (people.bank_card(valid=False), lambda n: numbers.luhn_number(n[:-1]), -1),
        (people.uscc(valid=False), lambda n: numbers.credit_code(n[:-1]), -1),
        (people.imei(valid=False), lambda n: numbers.luhn_number(n[:-1]), -1),
        (people.vin(valid=False), numbers.vehicle_number, numbers.VIN_CHECK_POSITION),
    ):
        right = make(valid)
        assert len(right) == len(valid)
        assert [i for i, (a, b) in enumerate(zip(valid, right, strict=True)) if a != b] == [place % len(valid)]


@given(seeds)
def test_the_parts_of_a_person_agree(seed):
    person = People(seed).person()
    assert person.resident_id[:6] == person.division.code
    assert person.resident_id[6:14] == f"{person.birth_date:%Y%m%d}"
    assert (int(person.resident_id[16]) % 2 == 1) == (person.sex == "男")
    assert person.resident_id == numbers.resident_number(person.resident_id[:17])
    assert person.address.startswith(person.division.text)
    assert person.plate.startswith(person.division.plate)
    assert person.landline.startswith(person.division.dialling)


@given(seeds)
def test_a_credit_code_carries_a_valid_organisation_code(seed):
    code = People(seed).uscc()
    assert code[8:17] == numbers.organisation_code(code[8:16])
    assert not set(code) & set("IOSVZ")


def test_the_same_seed_gives_the_same_people():
    first, second, other = People(7), People(7), People(8)
    stream = [first.person() for _ in range(20)]
    assert stream == [second.person() for _ in range(20)]
    assert stream != [other.person() for _ in range(20)]
    assert len({person.resident_id for person in stream}) == 20


@given(seeds, st.sampled_from(["mobile", "resident_id", "bank_card"]))
def test_every_way_of_writing_means_the_same_value(seed, kind):
    value = getattr(People(seed), kind)()
    ways = noise.written(kind, value)
    assert ways.pop("plain") == value
    for way, text in ways.items():
        normal = unicodedata.normalize("NFKC", text).replace(noise.ZERO_WIDTH_SPACE, "").upper()
        normal = normal.translate(str.maketrans("", "", " -"))
        prefix = {"plus_86": "+86", "plus_86_spaced": "+86", "double_zero": "0086"}.get(way, "")
        assert normal == prefix + value


@given(seeds, st.sampled_from(["mobile", "resident_id", "bank_card", "name", "email", "plate"]))
def test_masked_forms_hide_something(seed, kind):
    value = getattr(People(seed), kind)()
    for form in noise.masked(kind, value):
        assert form != value
        assert set(form) & set("*某")
        assert len(form) == len(value) or kind == "email"


def test_the_demonstration_is_the_same_for_the_same_seed(tmp_path):
    first, second, other = write_demo(tmp_path / "a"), write_demo(tmp_path / "b"), write_demo(tmp_path / "c", seed=1)
    for left, right in zip(first, second, strict=True):
        assert left.read_bytes() == right.read_bytes(), left.name
    assert any(left.read_bytes() != right.read_bytes() for left, right in zip(first, other, strict=True))


def test_the_demonstration_has_the_files_of_an_office(tmp_path):
    import openpyxl

    write_demo(tmp_path / "demo")
    opened = tmp_path / "demo" / "open"
    allowances = (opened / "低保公示.csv").read_bytes()
    assert allowances.count(b"\n") == allowances.count(b"\r\n") > 50
    assert allowances.decode("gb18030").startswith("序号,户主姓名,")
    assert (opened / "企业登记.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    book = openpyxl.load_workbook(opened / "花名册.xlsx")
    assert [sheet.sheet_state for sheet in book.worksheets] == ["visible", "hidden"]
    assert "花名册" in book.worksheets[0]["A1"].value
    assert len(json.loads((opened / "办件接口.json").read_text("utf-8"))["data"]["items"]) == 30
    assert "ghp_" in (tmp_path / "demo" / "withheld" / "config" / "production.env").read_text("utf-8")


def test_the_open_half_holds_no_secret_and_no_mark(tmp_path):
    for path in write_demo(tmp_path / "demo"):
        text = path.read_bytes()
        found = [word for word in (b"LTAI", b"ghp_", b"password", "秘密★".encode()) if word in text]
        assert not found or "withheld" in path.parts


def test_the_demonstration_keeps_out_of_a_folder_that_is_in_use(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="empty or new folder"):
        write_demo(tmp_path)
    with pytest.raises(UsageError):
        write_demo(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_demo(tmp_path / "file" / "demo")


@pytest.mark.parametrize("write", [write_log, write_register, write_json_lines])
def test_large_files_have_the_asked_size_and_whole_lines(write, tmp_path):
    path = tmp_path / "large"
    size = write(path, 2.5)
    data = path.read_bytes()
    assert size == len(data)
    assert 2_500_000 <= size < 2_502_000
    assert data.endswith(b"\n")
    write(tmp_path / "again", 2.5)
    assert (tmp_path / "again").read_bytes() == data


def test_a_register_repeats_no_number_and_every_check_digit_is_right(tmp_path):
    path = tmp_path / "register.csv"
    write_register(path, 3)
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == REGISTER_HEADER.split(",")
    assert len(rows) > 2 * ROWS
    assert [int(row["序号"]) for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        identity = row["公民身份号码"]
        assert identity == numbers.resident_number(identity[:17])
        assert identity[6:14] == row["出生日期"].replace("-", "")
        assert (int(identity[16]) % 2 == 1) == (row["性别"] == "男")
        assert row["银行账号"] == numbers.luhn_number(row["银行账号"][:-1])
    assert len({row["公民身份号码"] for row in rows}) > 0.99 * len(rows)
    assert len({row["手机号码"] for row in rows}) > 0.99 * len(rows)


def test_json_lines_are_objects_with_valid_people(tmp_path):
    path = tmp_path / "answers.jsonl"
    write_json_lines(path, 2)
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(records) > ROWS
    assert all(numbers.resident_number(r["user"]["idCard"][:17]) == r["user"]["idCard"] for r in records)


def test_one_line_of_the_log_in_five_is_personal(tmp_path):
    path = tmp_path / "app.log"
    write_log(path, 1)
    lines = path.read_text("utf-8").splitlines()
    personal = sum(any(word in line for word in ("mobile=", "身份证号", "user=", "卡号", "idCard")) for line in lines)
    assert 0.17 < personal / len(lines) < 0.23


def test_generators_are_fast_enough_to_make_gigabytes(tmp_path):
    start = time.process_time()
    size = write_register(tmp_path / "register.csv", 20)
    assert size / 1e6 / (time.process_time() - start) > 25

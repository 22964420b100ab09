"""The generated corpora: the same for a seed, without repetition, with secrets where the notes say."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.demo import numbers, write_chinese_prose, write_english_prose, write_secret_log, write_source_tree
from guard.demo.bulk import write_json_lines, write_log, write_register
from guard.demo.crowd import crowd
from guard.demo.draw import Draw, contents, fixed_width, join, numerals
from guard.demo.secret_values import KINDS, secret_line
from guard.demo.source_tree import LANGUAGES

WRITERS = [write_log, write_register, write_json_lines, write_chinese_prose, write_english_prose]


def draw(seed: int, rows: int) -> Draw:
    return Draw(np.random.default_rng(seed), rows)


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(write, tmp_path):
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        write(tmp_path / name, 0.5, seed=seed)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "same").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("write", WRITERS)
def test_a_small_file_is_the_beginning_of_a_large_one(write, tmp_path):
    write(tmp_path / "small", 0.3)
    write(tmp_path / "large", 2.5)
    assert (tmp_path / "large").read_bytes().startswith((tmp_path / "small").read_bytes())


@pytest.mark.parametrize("write", [write_log, write_register, write_json_lines])
def test_no_line_of_a_large_file_repeats(write, tmp_path):
    write(tmp_path / "large", 4)
    lines = (tmp_path / "large").read_bytes().splitlines()
    # Without the time or the serial number in front, which would make every line another one.
    bodies = Counter(line[60:] if write is write_log else line[9:] for line in lines)
    repeated = sum(count - 1 for count in bodies.values())
    # "retry 3 of upstream …" is short enough to come again; nothing else is.
    assert repeated < 0.01 * len(lines)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300))
def test_people_of_a_crowd_agree_with_their_numbers(seed, rows):
    people = crowd(draw(seed, rows))
    columns = (people.resident_id, people.birth_date, people.sex, people.bank_card, people.mobile)
    for identity, birth, sex, card, mobile in zip(*(column.to_pylist() for column in columns), strict=True):
        assert identity == numbers.resident_number(identity[:17])
        assert identity[6:14] == birth.replace("-", "")
        assert (int(identity[16]) % 2 == 1) == (sex == "男")
        assert card == numbers.luhn_number(card[:-1])
        assert len(card) in (16, 19)
        assert re.fullmatch(r"1[3-9]\d{9}", mobile)
        assert identity[14:17] != "000"


def test_names_differ_as_they_do_among_many_people():
    names = Counter(crowd(draw(7, 20_000)).name.to_pylist())
    # Among 20,000 people the commonest name is borne by dozens, and well over half of the names by one person each.
    assert 10 < names.most_common(1)[0][1] < 200
    assert len(names) > 10_000


@given(st.lists(st.lists(st.integers(0, 127), min_size=3, max_size=3).map(bytes), min_size=1, max_size=20))
def test_fixed_width_text_is_its_bytes(cells):
    matrix = np.frombuffer(b"".join(cells), np.uint8).reshape(-1, 3)
    text = fixed_width(matrix)
    assert text.to_pylist() == [cell.decode() for cell in cells]
    assert bytes(contents(text)) == b"".join(cells)
    assert bytes(contents(text[1:])) == b"".join(cells[1:])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20), st.integers(0, 12))
def test_numerals_are_those_of_python(values, width):
    assert numerals(np.array(values), width).to_pylist() == [str(value).zfill(width) for value in values]


def test_joined_columns_stand_side_by_side():
    one = draw(1, 4)
    parts = one.digits(2), one.pick(("甲", "乙"))
    expected = [f"{number}-{word}" for number, word in zip(*(part.to_pylist() for part in parts), strict=True)]
    assert join(parts[0], "-", parts[1]).to_pylist() == expected


def test_words_follow_their_order():
    words = tuple(f"w{number}" for number in range(50))
    drawn = Counter(draw(3, 50_000).common(words).to_pylist())
    assert drawn["w0"] > 2 * drawn["w5"] > 2 * drawn["w30"] > 0


def test_planted_secrets_of_the_log_stand_where_the_notes_say(tmp_path):
    path = tmp_path / "secrets.log"
    planted = write_secret_log(path, 4)
    lines = path.read_text("utf-8").split("\n")
    assert len(planted) > 15
    assert len({one.line for one in planted}) == len(planted)
    for one in planted:
        assert re.search(MARKS[one.kind], lines[one.line - 1]), one.kind
    assert write_secret_log(tmp_path / "again.log", 4)[0].line == planted[0].line
    assert (tmp_path / "again.log").read_bytes() == path.read_bytes()


def test_planted_secrets_of_the_tree_stand_where_the_notes_say(tmp_path):
    planted = write_source_tree(tmp_path / "tree", 3)
    assert len(planted) > 8
    for one in planted:
        lines = (tmp_path / "tree" / one.path).read_text("utf-8").split("\n")
        line = lines[one.line - 1]
        assert re.search(MARKS[one.kind], json.loads("{" + line.rstrip(",") + "}").popitem()[1]
                         if one.path.endswith(".json") else line), one
    write_source_tree(tmp_path / "again", 3)
    assert contents_of(tmp_path / "tree") == contents_of(tmp_path / "again")


def test_files_of_the_tree_are_what_their_suffix_says(tmp_path):
    write_source_tree(tmp_path, 2)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix[1:] for path in files} == {language.suffix for language in LANGUAGES}
    for path in files:
        assert not re.search(r"@(noun|verb|snake|camel|class|phrase|number|hex|digits|[ab]\b)", path.read_text("utf-8"))
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        if path.suffix == ".py":
            compile(path.read_text("utf-8"), path.name, "exec")


@given(st.randoms(use_true_random=False))
def test_every_kind_of_secret_is_one_line_that_shows_its_kind(chance):
    assert set(MARKS) == set(KINDS)
    for kind, make in KINDS.items():
        text = make(chance)
        assert "\n" not in text
        assert re.search(MARKS[kind], text)
    assert secret_line(chance)[0] in KINDS


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


MARKS = {
    "password-assignment": "^.*password=", "password-property": "datasource.password=",
    "password-json": '"passwd":"', "password-yaml": "db_password: ", "password-chinese": "初始密码：",
    "password-jdbc": "jdbc:mysql://.*&password=", "password-url": "postgres://.*:.*@",
    "password-redis": "redis://:.*@", "password-odbc": "User Id=sa;Password=", "password-command": "mysql -h .* -p",
    "password-curl": "curl -u .*:", "password-sql": "IDENTIFIED BY '", "bearer": "Bearer [0-9A-Za-z]{40}",
    "basic": "Basic [0-9A-Za-z+/]+", "jwt": r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}", "api-key": '"api_key": "',
    "client-secret": "client_secret=", "private-key": "BEGIN PRIVATE KEY", "aliyun": "LTAI5t", "tencent": "AKID",
    "huawei": "HUAWEI_SK=", "baidu": "BAIDU_SK=", "wechat": "appid=wx", "dingtalk": "oapi.dingtalk",
    "wecom": "qyapi.weixin", "feishu": "open.feishu", "amap": "restapi.amap", "aws": "AKIA", "github": "ghp_",
    "gitlab": "glpat-", "google": "AIzaSy", "slack": "xoxb-", "stripe": "sk_live_", "npm": "npm_",
    "openai": "sk-proj-", "azure": "AccountKey=", "sendgrid": r"SG\.", "telegram": "api.telegram",
    "docker": "dckr_pat_", "huggingface": "hf_",
}

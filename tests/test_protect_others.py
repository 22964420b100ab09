"""Date shift, rounding, constants, mask templates and dictionaries: what each keeps, and what it does not."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.detect.names import is_name
from guard.errors import UsageError
from guard.keys import Keyring
from guard.masking import FULL, split_address
from guard.model import Action, Decision, Scope
from guard.protect import Transform, transform

KEYS = {suite: Keyring.ephemeral(suite) for suite in ("standard", "domestic")}
DATES = st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31))


def method(data_class: str, action: Action, suite: str = "standard", domain: str = "x", **params: Any) -> Transform:
    return transform(Decision("d", "f", data_class, Scope.FIELD, action, "r", params), KEYS[suite], domain)


def shift(suite: str = "standard", domain: str = "x", **params: Any) -> Transform:
    return method("person.birth_date", Action.PSEUDONYMISE, suite, domain,
                  **{"method": "shift", "subject": "id", **params})


@pytest.mark.parametrize("suite", list(KEYS))
@settings(max_examples=30)
@given(st.lists(st.tuples(DATES, st.sampled_from(["a", "b", "c"])), min_size=1, max_size=30), st.booleans())
def test_intervals_of_a_subject_stay_and_dates_come_back(suite: str, rows: list[tuple[datetime.date, str]],
                                                         weeks: bool) -> None:
    chosen = shift(suite, days=100, whole_weeks=weeks)
    dates, subjects = pa.array([str(day) for day, _ in rows]), pa.array([subject for _, subject in rows])
    moved = chosen.apply(dates, subjects)
    offsets: dict[str, set[int]] = {}
    for (day, subject), new in zip(rows, moved.to_pylist(), strict=True):
        offsets.setdefault(subject, set()).add((datetime.date.fromisoformat(new) - day).days)
    assert all(len(found) == 1 for found in offsets.values())
    for found in offsets.values():
        (offset,) = found
        assert 0 < abs(offset) <= 100
        assert not weeks or offset % 7 == 0
    assert chosen.reveal(moved, subjects).equals(dates)


def test_offsets_are_even_secret_and_a_subject_s_own_however_written() -> None:
    subjects = pa.array([f"s{number}" for number in range(4000)])
    dates = pa.array(["2020-06-15"] * 4000)
    days = [(datetime.date.fromisoformat(new) - datetime.date(2020, 6, 15)).days
            for new in shift(days=10).apply(dates, subjects).to_pylist()]
    counts = {day: days.count(day) for day in range(-10, 11)}
    assert counts.pop(0) == 0
    assert all(140 < count < 260 for count in counts.values())
    assert shift(days=10).apply(dates, subjects) != shift(days=10, domain="y").apply(dates, subjects)
    same = shift().apply(pa.array(["2020-06-15"] * 3), pa.array(["a 1", " a 1 ", "ａ 1"])).to_pylist()
    assert len(set(same)) == 1


SPELLINGS = ["2020-02-29", "20200229", "2020/02/29", "2020.02.29", "2020年02月29日", "2020-2-9", "2020年2月9日",
             "2020-02-29 13:45:00", "2020-02-29T13:45:00Z", " 2020-02-29 "]


def test_every_spelling_is_kept_and_moved_by_the_same_days() -> None:
    chosen = shift(days=30)
    subjects = pa.array(["a"] * len(SPELLINGS))
    moved = chosen.apply(pa.array(SPELLINGS), subjects).to_pylist()
    plain = moved[0]
    assert moved[1] == plain.replace("-", "")
    assert moved[2:4] == [plain.replace("-", "/"), plain.replace("-", ".")]
    assert moved[7:] == [f"{plain} 13:45:00", f"{plain}T13:45:00Z", f" {plain} "]
    assert moved[4] == f"{plain[:4]}年{plain[5:7]}月{plain[8:]}日"
    assert chosen.reveal(pa.array(moved), subjects).to_pylist()[:5] == SPELLINGS[:5]


def test_what_is_no_date_is_hidden_and_blank_and_null_stay() -> None:
    values = ["2021-02-29", "29.02.2020", "soon", "2020-13-01", "2020-1-32", "99999999", "0001-01-01", "", " ", None]
    moved = shift(days=3650).apply(pa.array(values), pa.array(["a"] * len(values))).to_pylist()
    assert moved[:6] == [FULL] * 6
    assert moved[6] in (FULL, *(str(datetime.date(1, 1, 1) + datetime.timedelta(n)) for n in range(3651)))
    assert moved[7:] == ["", "", None]
    with pytest.raises(UsageError, match="subject"):
        shift().apply(pa.array(["2020-01-01"]), pa.array([None], pa.string()))
    with pytest.raises(UsageError, match="subject"):
        shift().apply(pa.array(["2020-01-01"]), pa.array(["a", "b"]))


@pytest.mark.parametrize("params", [{"days": 6}, {"days": 3651}, {"days": True}, {"days": 30.0}, {"subject": None},
                                    {"length": 16}])
def test_shifts_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        shift(**params)


def generalise(value: str, **params: Any) -> str | None:
    return method("person.income", Action.GENERALISE, **params).apply_one(value)


@pytest.mark.parametrize(("value", "params", "expected"), [
    ("12345", {"step": 100}, "12300"), ("12350", {"step": 100}, "12400"), ("12250", {"step": 100}, "12200"),
    ("-12345", {"step": 1000}, "-12000"), ("¥1,234,567.89", {"step": 1000}, "¥1,235,000"),
    ("0.26", {"step": 0.1}, "0.3"),
    ("-0.01", {"step": 1}, "0"), ("500元", {"least": 1000}, "1000元"), ("98岁", {"most": 90}, "90岁"),
    ("12345", {"least": 0, "most": 20000}, "12345"), ("99999", {"step": 1000, "most": 20000}, "20000"),
    ("１２３４５", {"step": 100}, "12300"), ("about 5", {"step": 10}, FULL), ("1e9", {"step": 10}, FULL),
    ("", {"step": 10}, ""), ("37.5%", {"step": 5}, "40%"), ("anything", {"constant": "-"}, "-"),
    ("  ", {"constant": "-"}, ""),
])
def test_numbers_are_rounded_and_held_within_bounds(value: str, params: dict[str, Any], expected: str) -> None:
    assert generalise(value, **params) == expected


@given(st.decimals(-10**9, 10**9, places=2), st.sampled_from([0.05, 0.1, 1, 5, 100, 2500]))
def test_a_rounded_number_is_a_multiple_and_near(value: Any, step: float) -> None:
    result = generalise(f"{value:f}", step=step)
    assert result is not None
    assert abs(type(value)(result) - value) <= type(value)(str(step)) / 2
    assert type(value)(result) % type(value)(str(step)) == 0


@pytest.mark.parametrize("params", [{"step": 0}, {"step": -1}, {"least": 5, "most": 1}, {"step": float("nan")},
                                    {"step": True}, {"step": 10, "width": 5}, {"constant": "x", "to": "year"}])
def test_roundings_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        generalise("1", **params)


@pytest.mark.parametrize(("template", "value", "expected"), [
    ("###****####", "13800138000", "138****8000"), ("###****####", "+86 138 0013 8000", FULL),
    ("###****####", "138-0013-8000", "138****8000"), ("### **** ####", "13800138000", "138 **** 8000"),
    ("##…##", "11010119900307123X", "11**************3X"), ("##…##", "12345", FULL), ("#…", "张三丰李四", "张****"),
    ("###****####", "1380013800", FULL), ("###****####", "", ""), ("****", "1234", "****"),
])
def test_masks_by_template(template: str, value: str, expected: str) -> None:
    chosen = method("person.phone.mobile", Action.MASK, template=template)
    assert chosen.apply_one(value) == expected
    assert chosen.apply(pa.array([value, None, value])).to_pylist() == [expected, None, expected]


@pytest.mark.parametrize("template", ["###", "###*#", "…#…", "", "#" * 65])
def test_a_template_that_hides_too_little_is_refused(template: str) -> None:
    with pytest.raises(UsageError):
        method("person.phone.mobile", Action.MASK, template=template)
    with pytest.raises(UsageError):
        method("person.phone.mobile", Action.MASK, template="####****", style="phone")


NAMES = ["张三", "李小龙", "欧阳娜娜", "王芳", "John Smith", "諸葛亮"]


@pytest.mark.parametrize("suite", list(KEYS))
def test_a_name_becomes_another_name_and_the_same_every_time(suite: str) -> None:
    chosen = method("person.name", Action.PSEUDONYMISE, suite, method="dictionary")
    made = chosen.apply(pa.array([*NAMES, None, ""])).to_pylist()
    assert made[-2:] == [None, ""]
    assert all(is_name(name) for name in made[:4])
    assert [len(name) for name in made[:4]] == [2, 3, 3, 2]
    assert made[4].count(" ") == 1
    assert not set(made[:-2]) & set(NAMES)
    assert [chosen.apply_one(name) for name in NAMES] == made[:-2]
    assert chosen.apply_one(" 张 三 ") == made[0]
    other = method("person.name", Action.PSEUDONYMISE, suite, "y", method="dictionary")
    assert [other.apply_one(name) for name in NAMES] != made[:-2]
    assert (chosen.injective, chosen.reversible, chosen.keeps_type) == (False, False, True)
    with pytest.raises(UsageError, match="not reversible"):
        chosen.reveal_one(made[0])


def test_surnames_are_as_common_as_they_are() -> None:
    chosen = method("person.name", Action.PSEUDONYMISE, method="dictionary")
    made = [str(chosen.apply_one(f"张{chr(0x4E00 + number)}")) for number in range(3000)]
    counts = {surname: sum(name.startswith(surname) for name in made) for surname in "王李张刘陈丛"}
    assert min(counts["王"], counts["李"], counts["张"]) > 40
    assert counts["丛"] < 15
    assert len(set(made)) > 2500


ADDRESS = "浙江省杭州市西湖区文三路90号3幢201室"


@pytest.mark.parametrize(("keep", "head"), [((), ""), (("province",), "浙江省"), (("city",), "浙江省杭州市"),
                                            (("county",), "浙江省杭州市西湖区")])
def test_an_address_keeps_what_is_said_and_nothing_below(keep: tuple[str, ...], head: str) -> None:
    chosen = method("person.address", Action.PSEUDONYMISE, method="dictionary", keep=list(keep))
    made = str(chosen.apply_one(ADDRESS))
    assert made.startswith(head)
    assert all(split_address(made)[: 2 if made[:3] in ("北京市", "上海市", "天津市", "重庆市") else 3][:1])
    assert "文三路" not in made
    assert "201" not in made
    assert made == chosen.apply_one(ADDRESS)
    assert chosen.apply_one("somewhere else") != made


def test_what_a_dictionary_has_no_words_for_is_refused() -> None:
    for data_class, params in (("person.id.cn", {}), ("person.name", {"keep": ["city"]}),
                               ("person.address", {"keep": ["street"]}), ("person.address", {"length": 16})):
        with pytest.raises(UsageError):
            method(data_class, Action.PSEUDONYMISE, method="dictionary", **params)

"""Generalised values hold the value they come from, and what cannot be read is hidden whole."""

from __future__ import annotations

import datetime
import ipaddress
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import UsageError
from guard.masking import FULL
from guard.model import Action, Decision, Scope
from guard.protect import Transform, transform


def generalise(data_class: str, **params: Any) -> Transform:
    return transform(Decision("d", "f", data_class, Scope.FIELD, Action.GENERALISE, "rule", params), None, "x")


@pytest.mark.parametrize(("data_class", "params", "value", "expected"), [
    ("person.birth_date", {}, "1993-04-05", "1990-1994"),
    ("person.birth_date", {"width": 10}, "1993-04-05", "1990-1999"),
    ("person.birth_date", {"to": "year"}, "1993-04-05", "1993"),
    ("person.birth_date", {"to": "year"}, "1993/4/5", "1993"),
    ("person.birth_date", {"to": "year"}, "1993年4月5日", "1993"),
    ("person.birth_date", {"to": "year"}, "１９９３年４月５日", "1993"),
    ("person.birth_date", {"to": "year"}, "19930405", "1993"),
    ("person.birth_date", {"to": "year"}, "1993.04", "1993"),
    ("person.birth_date", {"to": "year"}, "1993", "1993"),
    ("person.birth_date", {"to": "year"}, "25/12/1993", "1993"),
    ("person.birth_date", {"to": "year"}, "12/25/1993", "1993"),
    ("person.birth_date", {"to": "year"}, "1993-04-05T06:07:08", "1993"),
    ("person.birth_date", {"to": "month"}, "1993-4-5", "1993-04"),
    ("person.birth_date", {"to": "month"}, "25/12/1993", FULL),
    ("person.birth_date", {"to": "month"}, "1993", FULL),
    ("person.birth_date", {"to": "decade"}, "1993-04-05", "1990s"),
    ("person.birth_date", {"to": "year"}, "1993-02-30", FULL),
    ("person.birth_date", {"to": "year"}, "1993-13-01", FULL),
    ("person.birth_date", {"to": "year"}, "31/31/1993", FULL),
    ("person.birth_date", {"to": "year"}, "0001-01-01", FULL),
    ("person.birth_date", {"to": "year"}, "733953600", FULL),
    ("person.age", {}, "37", "30-39"),
    ("person.age", {}, "37岁", "30-39"),
    ("person.age", {"width": 5}, "37", "35-39"),
    ("person.age", {}, "90", "90+"),
    ("person.age", {}, "89", "80-89"),
    ("person.age", {"width": 20}, "85", "80-89"),
    ("person.age", {"top": 60}, "61", "60+"),
    ("person.age", {}, "370", FULL),
    ("person.age", {}, "-1", FULL),
    ("person.income", {"width": 10000}, "12,345.60", "[10000,20000)"),
    ("person.income", {"width": 10000}, "¥12345元", "[10000,20000)"),
    ("person.income", {"width": 10000}, "20000", "[20000,30000)"),
    ("person.income", {"width": 10000}, "-5", "[-10000,0)"),
    ("person.income", {"width": 10000}, "-0", "[0,10000)"),
    ("person.income", {"width": 10000, "top": 15000}, "12000", "[10000,15000)"),
    ("person.income", {"width": 10000, "top": 15000}, "99000", "15000+"),
    ("person.income", {"width": 10000}, "1e5", FULL),
    ("person.income", {"width": 10000}, "NaN", FULL),
    ("person.income", {}, "12345", FULL),
    ("person.address", {}, "浙江省杭州市西湖区文三路18号", "浙江省杭州市西湖区"),
    ("person.address", {"to": "city"}, "浙江省杭州市西湖区文三路18号", "浙江省杭州市"),
    ("person.address", {"to": "province"}, "浙江省杭州市西湖区文三路18号", "浙江省"),
    ("person.address", {"to": "province"}, "杭州市西湖区文三路18号", FULL),
    ("person.address", {"to": "city"}, "西湖区文三路18号", FULL),
    ("person.address", {}, "文三路18号", FULL),
    ("person.native_place", {"to": "province"}, "浙江杭州", "浙江"),
    ("device.ip", {}, "192.168.7.9", "192.168.7.0/24"),
    ("device.ip", {"to": "network"}, "2001:db8:1:2:3::4", "2001:db8:1::/48"),
    ("device.ip", {}, "::ffff:192.168.7.9", FULL),
    ("device.ip", {}, "2002:c0a8:709::1", FULL),
    ("device.ip", {}, "192.168.7.9:80", FULL),
    ("location.coordinates", {}, "120.153576,30.287459", "120.15,30.29"),
    ("location.coordinates", {"digits": 1}, "(120.153576, 30.287459)", "120.2,30.3"),
    ("location.coordinates", {"digits": 0}, "-0.4", "0"),
    ("location.coordinates", {}, "181.0,30.0", FULL),
    ("location.coordinates", {}, "1,2,3", FULL),
    ("person.postcode", {}, "310012", "31****"),
    ("person.postcode", {"digits": 3}, "310012", "310****"),
    ("person.postcode", {"digits": 6}, "310012", "310****"),
    ("person.postcode", {}, "3100", FULL),
    ("person.sex", {}, "男", FULL),
    ("person.id.cn", {"to": "year"}, "110101199003071234", FULL),
    ("person.employer", {"to": "city"}, "浙江省杭州市某公司", "浙江省杭州市"),
])
def test_values_become_the_class_they_lie_in(
        data_class: str, params: dict[str, Any], value: str, expected: str) -> None:
    assert generalise(data_class, **params).apply_one(value) == expected


@given(st.dates(datetime.date(1850, 1, 1), datetime.date(2100, 12, 31)), st.integers(1, 40))
def test_the_band_of_a_birth_date_holds_its_year(date: datetime.date, width: int) -> None:
    band = generalise("person.birth_date", width=width).apply_one(date.isoformat())
    assert band is not None
    first, _, last = band.partition("-")
    assert int(first) <= date.year <= int(last or first)
    assert int(last or first) - int(first) + 1 == width


@given(st.decimals(-10**9, 10**9, places=2), st.integers(1, 10**6))
def test_the_band_of_an_amount_holds_it(amount: Decimal, width: int) -> None:
    band = generalise("person.income", width=width).apply_one(f"{amount:f}")
    assert band is not None
    low, high = (Decimal(part) for part in band.strip("[)").split(","))
    assert low <= amount < high
    assert high - low == width
    assert low % width == 0


@given(st.integers(0, 150), st.integers(1, 30), st.integers(1, 120))
def test_the_band_of_an_age_holds_it(age: int, width: int, top: int) -> None:
    band = generalise("person.age", width=width, top=top).apply_one(str(age))
    assert band is not None
    if band.endswith("+"):
        assert age >= top == int(band[:-1])
    else:
        low, high = map(int, band.split("-"))
        assert low <= age <= high < top


@given(st.ip_addresses(v=4))
def test_the_network_holds_the_address(address: ipaddress.IPv4Address) -> None:
    network = ipaddress.ip_network(str(generalise("device.ip").apply_one(str(address))))
    assert address in network
    assert network.prefixlen == 24


@given(st.sampled_from(["person.birth_date", "person.age", "person.address", "device.ip", "location.coordinates",
                        "person.postcode", "person.health"]), st.lists(st.none() | st.text()))
def test_what_does_not_fit_is_hidden_nulls_stay_and_columns_equal_values(
        data_class: str, column: list[str | None]) -> None:
    chosen = generalise(data_class)
    result = chosen.apply(pa.array(column, pa.string())).to_pylist()
    assert result == [None if v is None else chosen.apply_one(v) for v in column]
    for raw, shown in zip(column, result, strict=True):
        if raw is not None and not any(c.isdigit() for c in raw) and not set(raw) & set("省市区县州盟旗京津沪渝"):
            assert shown == (FULL if raw.strip() else "")


@pytest.mark.parametrize(("data_class", "params"), [
    ("person.birth_date", {"to": "county"}), ("person.address", {"to": "year"}), ("device.ip", {"to": "street"}),
    ("person.age", {"width": 0}), ("person.age", {"width": 2.5}), ("person.age", {"width": True}),
    ("location.coordinates", {"digits": 7}), ("person.postcode", {"digits": -1}), ("person.age", {"stride": 5}),
    ("person.sex", {"to": "planet"}),
])
def test_parameters_that_do_not_fit_are_refused(data_class: str, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        generalise(data_class, **params)

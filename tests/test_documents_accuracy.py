"""Accuracy on whole documents of many kinds, with values drawn anew for each seed."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from document_values import Values
from marked_documents import CHINESE, CLEAN, ENGLISH

from guard import Scanner

MARK = re.compile(r"\[\[(\w+)(\*?)(?:\|(.*?))?\]\]")
CLASSES = {
    "name": "person.name", "en": "person.name", "id": "person.id.cn", "mobile": "person.phone.mobile",
    "tel": "person.phone.landline", "addr": "person.address", "born": "person.birth_date", "card": "person.bank_card",
    "visa": "person.bank_card", "mail": "person.email", "uscc": "org.uscc", "plate": "vehicle.plate",
    "vin": "vehicle.vin", "ip": "device.ip", "mac": "device.mac", "imei": "device.imei", "pass": "person.passport",
    "us": "person.phone.us", "ssn": "person.id.us_ssn", "pw": "secret.password",
    "akid": "secret.cloud.aws.access_key", "sk": "secret.cloud.aws.secret_key", "jwt": "secret.token.jwt",
    "ali": "secret.cloud.aliyun.access_key", "alisk": "secret.cloud.aliyun.secret_key",
    "tid": "secret.cloud.tencent.secret_id", "tkey": "secret.cloud.tencent.secret_key",
    "hak": "secret.cloud.huawei.access_key", "hsk": "secret.cloud.huawei.secret_key",
    "bak": "secret.cloud.baidu.access_key", "bsk": "secret.cloud.baidu.secret_key", "gh": "secret.github.token",
    "gl": "secret.gitlab.token", "slack": "secret.slack.token", "stripe": "secret.stripe.key",
    "google": "secret.cloud.google.api_key", "wxs": "secret.wechat.app_secret", "amap": "secret.amap.key",
    "ding": "secret.dingtalk.webhook", "permit": "person.travel_permit", "soc": "person.id.social_security",
    "qq": "person.social.qq", "wx": "person.social.wechat", "zip": "person.postcode",
    "prc": "person.id.residence_permit", "bdc": "property.real_estate_unit", "inv": "org.invoice",
    "geo": "location.coordinates", "org": "org.code", "imsi": "device.imsi", "x": "person.id.officer",
    "dl": "person.id.driving_licence", "other": "person.id.other", "dis": "person.id.disability",
    "stu": "person.id.student", "intl": "person.phone.international",
}
SCORED = frozenset(CLASSES.values())
Spot = tuple[str, int, int, bool]


def drawn(template: str, values: Values) -> tuple[str, set[Spot]]:
    """A document with its marks filled in, and what must be found: class, start, end, masked."""
    text, spots, last = "", set(), 0
    for mark in MARK.finditer(template):
        text += template[last : mark.start()]
        value = mark[3] or values.of(mark[1])
        spots.add((CLASSES[mark[1]], len(text), len(text) + len(value), bool(mark[2])))
        text, last = text + value, mark.end()
    return text + template[last:], spots


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


def found(scanner: Scanner, text: str) -> set[Spot]:
    """What is found of the marked kinds, from POSSIBLE on."""
    return {(f.data_class, f.start, f.end, f.masked) for f in scanner.scan_text(text) if f.data_class in SCORED}


def overlapping(one: Spot, two: Spot) -> bool:
    """Whether both are of one class and share half of the longer, as practice scores count."""
    shared = min(one[2], two[2]) - max(one[1], two[1])
    return one[0] == two[0] and one[3] == two[3] and 2 * shared >= max(one[2] - one[1], two[2] - two[1])


def compare(expected: set[Spot], got: set[Spot]) -> tuple[Counter[str], Counter[str]]:
    """Rights and wrongs by class; a wrong is a spot that was missed or that nobody marked."""
    right, wrong, left = Counter[str](), Counter[str](), set(expected)
    for spot in got:
        match = next((one for one in left if overlapping(spot, one)), None)
        left.discard(match) if match else None
        (right if match else wrong)[spot[0]] += 1
    wrong.update(spot[0] for spot in left)
    return right, wrong


@pytest.mark.parametrize("seed", range(3))
def test_what_is_marked_is_found_in_documents_of_every_kind(scanner: Scanner, seed: int) -> None:
    rights, wrongs = Counter[str](), Counter[str]()
    for number, template in enumerate(CHINESE + ENGLISH):
        text, spots = drawn(template, Values(seed * 100 + number))
        right, wrong = compare(spots, found(scanner, text))
        rights += right
        wrongs += wrong
    scores = {name: 2 * rights[name] / (2 * rights[name] + wrongs[name]) for name in rights | wrongs}
    assert {name: score for name, score in scores.items() if score < 0.95} == {}
    assert 2 * rights.total() / (2 * rights.total() + wrongs.total()) >= 0.985


@pytest.mark.parametrize("number", range(len(CLEAN)))
def test_nothing_is_found_where_nothing_is(scanner: Scanner, number: int) -> None:
    assert [(f.detector, f.start, f.end) for f in scanner.scan_text(CLEAN[number])] == []

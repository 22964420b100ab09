"""guard.mask: the same shape back, with nothing in it that may not leave."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import guard
from guard import BlockedError, Keyring, Scanner, UsageError
from guard.demo import People

SHARE = {"policy": "cn-department-share", "audience": "department_share"}
PUBLIC = {"policy": "cn-open-data", "audience": "public"}
SCANNER = Scanner()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {len(value): [shape(v) for v in value.values()]}
    return [shape(v) for v in value] if isinstance(value, list) else None


def test_a_text_is_changed_where_values_stand(people: People) -> None:
    phone, identity = people.mobile(), people.resident_id()
    masked = guard.mask(f"电话{phone}，身份证号{identity}，请查收", **SHARE, scanner=SCANNER)
    assert phone not in masked
    assert identity not in masked
    assert masked.startswith("电话")
    assert masked.endswith("，请查收")


def test_json_keeps_its_shape_and_its_keys_count_as_headers(people: People) -> None:
    person = people.person()
    value = {"name": person.name, "tel": person.mobile, "amount": 12.5, "ok": True, "tags": ["a", None],
             "nested": [{"身份证号": person.resident_id}]}
    masked = guard.mask(value, **PUBLIC, scanner=SCANNER)
    assert list(masked) == list(value)
    assert masked["tel"] is None
    assert masked["nested"] == [{"身份证号": None}]
    assert (masked["amount"], masked["ok"], masked["tags"]) == (12.5, True, ["a", None])
    assert person.name not in str(masked)


def test_a_number_that_may_not_leave_becomes_null(people: People) -> None:
    assert guard.mask({"mobile": int(people.mobile()), "n": 7}, **SHARE, scanner=SCANNER) == {"mobile": None, "n": 7}


def test_a_key_that_is_a_finding_does_not_leave(people: People) -> None:
    phone = people.mobile()
    masked = guard.mask({phone: 1, "n": 2}, **PUBLIC, scanner=SCANNER)
    assert phone not in str(masked)
    assert sorted(masked.values()) == [1, 2]


def test_masked_keys_stay_apart_whatever_their_type(people: People) -> None:
    phone, other = people.mobile(), people.mobile()
    value = {phone: 1, int(phone): 2, float(other): 3, other: {other: 4}, True: 5, None: 6, 7: 8}
    masked = guard.mask(value, **SHARE, scanner=SCANNER)
    assert [v for v in masked.values() if not isinstance(v, dict)] == [1, 2, 3, 5, 6, 8]
    assert {True, None, 7} <= set(masked)
    assert phone not in repr(masked)
    assert other not in repr(masked)


def test_a_key_that_looks_like_a_masked_one_is_not_overwritten(people: People) -> None:
    phone = people.mobile()
    (mask_,) = guard.mask({phone: 1}, **SHARE, scanner=SCANNER)
    assert sorted(guard.mask({mask_: 1, phone: 2, f"+86{phone}": 3}, **SHARE, scanner=SCANNER).values()) == [1, 2, 3]


def test_numbers_truth_values_and_tuples(people: People) -> None:
    phone = people.mobile()
    value = {"手机": float(phone), "pair": (phone, 1.5), "big": 10**400, "身份证号": True, "none": None}
    masked = guard.mask(value, **SHARE, scanner=SCANNER)
    assert masked["手机"] is None
    assert isinstance(masked["pair"], tuple)
    assert masked["pair"][1] == 1.5
    assert phone not in repr(masked)
    assert (masked["big"], masked["none"]) == (10**400, None)
    with pytest.raises(UsageError):
        guard.mask({"big": 10**5000}, **SHARE, scanner=SCANNER)


def test_half_a_surrogate_is_no_way_around(people: People) -> None:
    phone = people.mobile()
    masked = guard.mask({"note": f"\ud83d电话{phone}", "only": "\ud83d"}, **SHARE, scanner=SCANNER)
    assert phone not in repr(masked)
    assert masked["only"] == "\ud83d"


def test_a_value_is_decided_as_if_it_stood_alone(people: People) -> None:
    """However many leaves share a key: one hit suffices, and a clean value is left alone."""
    phones = [people.mobile() for _ in range(30)]
    values = [f"电话{phone}" if i % 3 else f"第{i}号" for i, phone in enumerate(phones)]
    together = guard.mask({"说明": values}, **SHARE, scanner=SCANNER)["说明"]
    assert together == [guard.mask({"说明": [value]}, **SHARE, scanner=SCANNER)["说明"][0] for value in values]


def test_ten_thousand_leaves_are_masked_at_once(people: People) -> None:
    value = [{"phone": people.mobile(), "n": i, "note": f"第{i}号"} for i in range(3400)]
    begin = time.process_time()
    masked = guard.mask(value, **PUBLIC, scanner=SCANNER)
    assert time.process_time() - begin < 5
    assert all(record["phone"] is None for record in masked)
    assert [record["n"] for record in masked] == list(range(3400))


def test_threads_share_a_scanner(people: People) -> None:
    phones = [people.mobile() for _ in range(40)]
    policy = guard.Policy.load("cn-department-share")

    def masked(phone: str) -> Any:
        return guard.mask({"tel": phone}, policy=policy, audience="department_share", scanner=SCANNER)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(masked, phones)) == [{"tel": f"{p[:3]}****{p[7:]}"} for p in phones]


def test_blocked_values_are_replaced_or_raise() -> None:
    value = {"password": "Qz7!kLm29sXw"}
    assert guard.mask(value, **SHARE, scanner=SCANNER) == {"password": None}
    with pytest.raises(BlockedError) as caught:
        guard.mask(value, **SHARE, scanner=SCANNER, on_block="raise")
    assert "Qz7" not in str(caught.value)


def test_a_state_secret_mark_withholds_the_whole_payload() -> None:
    assert "会议" not in guard.mask("机密★5年\n会议内容", **SHARE, scanner=SCANNER)


def test_bytes_in_bytes_out(people: People) -> None:
    phone = people.mobile()
    masked = guard.mask(f"电话{phone}".encode(), **SHARE, scanner=SCANNER)
    assert isinstance(masked, bytes)
    assert phone.encode() not in masked


@pytest.mark.parametrize("value", [b"\xff\xfe", {1, 2}, object()])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(UsageError):
        guard.mask(value, **SHARE, scanner=SCANNER)


def test_too_deep_nesting_is_refused() -> None:
    value: Any = "x"
    for _ in range(5000):
        value = [value]
    with pytest.raises(UsageError):
        guard.mask(value, **SHARE, scanner=SCANNER)


@given(JSON)
def test_the_shape_stays_whatever_is_in_it(value: Any) -> None:
    assert shape(guard.mask(value, **SHARE, scanner=SCANNER)) == shape(value)


def test_masking_twice_changes_nothing_more(people: People) -> None:
    once = guard.mask(f"电话{people.mobile()}，身份证号{people.resident_id()}", **SHARE, scanner=SCANNER)
    assert guard.mask(once, **SHARE, scanner=SCANNER) == once


def test_a_keyring_is_needed_for_pseudonyms(tmp_path, people: People) -> None:
    policy = tmp_path / "p.yml"
    policy.write_text(
        "guard_policy: 1\nid: join\nversion: 2026.11.0\ntitle: {en: join, zh: 关联}\naudiences: [internal]\nrules:\n"
        "  - id: J-1\n    title: {en: tokens, zh: 令牌}\n    match: {class: 'person.phone.*'}\n"
        "    action: {internal: pseudonymise}\n    basis: []\n    severity: high\n")
    phone = people.mobile()
    with pytest.raises(guard.KeyringError):
        guard.mask({"tel": phone}, policy=policy, audience="internal", scanner=SCANNER)
    keyring = Keyring.create(tmp_path / "keys")
    one = guard.mask({"tel": phone}, policy=policy, audience="internal", scanner=SCANNER, keyring=keyring)
    two = guard.mask({"手机": f"+86{phone}"}, policy=policy, audience="internal", scanner=SCANNER, keyring=keyring)
    assert one["tel"] == two["手机"] != phone

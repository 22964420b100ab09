"""Pseudonyms of a form: valid, reversible, one for each value, whatever a value wears and whichever suite encrypts."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.detect.identifier_checks import (
    card_issuer,
    cn_region,
    cn_region_of_uscc,
    id_birth_date,
    iso7064_mod11_2,
    luhn,
    mobile_segment,
    organisation_code,
    uscc_check,
    uscc_department,
    uscc_organisation,
)
from guard.detect.tables import divisions, table
from guard.errors import UsageError
from guard.keys import Keyring
from guard.model import Action, Decision, Scope
from guard.protect import transform
from guard.protect.fpe import FormPseudonym

KEYS = {suite: Keyring.ephemeral(suite) for suite in ("standard", "domestic")}
COUNTIES = sorted(code for code in divisions() if len(code) == 6 and not code.endswith("00"))
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def form(data_class: str, suite: str = "standard", real: Any = None, domain: str = "x", **params: Any) -> Any:
    decision = Decision("d", "f", data_class, Scope.FIELD, Action.PSEUDONYMISE, "rule", {"method": "form", **params})
    return transform(decision, KEYS[suite], domain, real=real)


def resident_id(rng: random.Random) -> str:
    day = datetime.date(1935, 1, 1) + datetime.timedelta(rng.randrange(32870))
    head = f"{rng.choice(COUNTIES)}{day:%Y%m%d}{rng.randrange(1000):03d}"
    return next(head + check for check in "0123456789X" if iso7064_mod11_2(head + check))


def mobile(rng: random.Random) -> str:
    return rng.choice(sorted(table("mobile_segments"))) + f"{rng.randrange(10**8):08d}"


def bank_card(rng: random.Random) -> str:
    head = "62" + "".join(rng.choices("0123456789", k=rng.choice([13, 16])))
    return next(head + check for check in "0123456789" if luhn(head + check))


def credit_code(rng: random.Random) -> str:
    head = rng.choice(["91", "92", "12", "51", "93"]) + rng.choice(COUNTIES) + "".join(rng.choices(USCC, k=8))
    head = next(head + check for check in "0123456789X" if organisation_code(head[8:] + check))
    return next(head + check for check in USCC if uscc_check(head + check))


def plate(rng: random.Random) -> str:
    number = rng.choice([f"{rng.randrange(10**5):05d}", f"{rng.choice(PLATE_LETTERS)}{rng.randrange(10**4):04d}",
                         f"D{rng.randrange(10**5):05d}", f"{rng.randrange(10**5):05d}F",
                         f"{rng.randrange(10**4):04d}{rng.choice('挂学警港澳')}"])
    return rng.choice("京沪浙粤") + rng.choice(PLATE_LETTERS) + number


CLASSES: dict[str, tuple[Callable[[random.Random], str], Callable[[str], bool]]] = {
    "person.id.cn": (resident_id, lambda v: iso7064_mod11_2(v) and id_birth_date(v) and cn_region(v)),
    "person.phone.mobile": (mobile, lambda v: len(v) == 11 and mobile_segment(v)),
    "person.bank_card": (bank_card, lambda v: luhn(v) and card_issuer(v)),
    "org.uscc": (credit_code, lambda v: uscc_check(v) and uscc_department(v) and uscc_organisation(v)
                 and cn_region_of_uscc(v)),
    "vehicle.plate": (plate, lambda v: v[0] in "京沪浙粤" and v[1] in PLATE_LETTERS and 7 <= len(v) <= 8),
}


@pytest.mark.parametrize("suite", list(KEYS))
@pytest.mark.parametrize("data_class", list(CLASSES))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_pseudonyms_are_valid_different_and_revealed_again(data_class: str, suite: str, seed: int) -> None:
    make, valid = CLASSES[data_class]
    rng = random.Random(seed)
    values = [make(rng) for _ in range(40)]
    method = form(data_class, suite)
    assert all(map(valid, values)), "a generator of this test makes invalid values"
    column = pa.array([*values, None])
    protected = method.apply(column)
    assert protected.type == column.type
    results = protected.to_pylist()
    assert all(map(valid, results[:-1]))
    assert results[-1] is None
    assert len(set(results)) == len({*values, None})
    assert [len(result) for result in results[:-1]] == [len(value) for value in values]
    assert method.reveal(protected).to_pylist() == column.to_pylist()
    assert [method.apply_one(value) for value in values[:3]] == results[:3]
    assert [method.reveal_one(result) for result in results[:3]] == values[:3]
    assert (method.injective, method.reversible, method.keeps_type) == (True, True, True)


def test_every_key_domain_suite_and_parameter_gives_other_pseudonyms() -> None:
    value = "110101199003071233"
    results = [form("person.id.cn").apply_one(value), form("person.id.cn", "domestic").apply_one(value),
               form("person.id.cn", domain="y").apply_one(value),
               form("person.id.cn", keep=["county"]).apply_one(value),
               form("person.id.cn", keep=["sex"]).apply_one(value),
               transform(Decision("d", "f", "person.id.cn", Scope.FIELD, Action.PSEUDONYMISE, "r", {"method": "form"}),
                         Keyring.ephemeral(), "x").apply_one(value)]
    assert len({value, *results}) == 7


KEPT: list[tuple[str, tuple[str, ...], Callable[[str], object]]] = [
    ("person.id.cn", ("county", "birth_band"), lambda v: (v[:6], int(v[6:10]) // 5)),
    # 365 days of a thousand are too few: the year becomes five.
    ("person.id.cn", ("county", "birth_year"), lambda v: (v[:6], int(v[6:10]) // 5)),
    ("person.id.cn", ("birth_year",), lambda v: v[6:10]),
    ("person.id.cn", ("city", "birth_decade"), lambda v: (v[:4], (int(v[6:10]) - 1925) // 10)),
    ("person.id.cn", ("province", "sex"), lambda v: (v[:2], int(v[16]) % 2)),
    ("person.id.cn", (), len),
    ("person.phone.mobile", ("segment",), lambda v: v[:3]),
    ("person.phone.mobile", ("segment", "area"), lambda v: v[:3]),
    ("person.bank_card", ("issuer",), lambda v: (v[:6], len(v))),
    ("org.uscc", ("county", "category"), lambda v: v[:8]),
    ("org.uscc", ("province",), lambda v: v[:4]),
    ("vehicle.plate", ("province", "authority"), lambda v: v[:2]),
    ("vehicle.plate", ("province",), lambda v: v[0]),
]


@pytest.mark.parametrize(("data_class", "keep", "kept"), KEPT,
                         ids=lambda value: "+".join(value) if isinstance(value, tuple) else "")
def test_what_is_to_be_kept_is_kept_and_the_rest_is_not(data_class: str, keep: tuple[str, ...],
                                                        kept: Callable[[str], object]) -> None:
    rng = random.Random(7)
    values = [CLASSES[data_class][0](rng) for _ in range(300)]
    results = form(data_class, keep=list(keep)).apply(pa.array(values)).to_pylist()
    assert [kept(value) for value in values] == [kept(result) for result in results]
    assert sum(value == result for value, result in zip(values, results, strict=True)) < 3
    tails = [(value[-4:], result[-4:]) for value, result in zip(values, results, strict=True)]
    assert sum(one == other for one, other in tails) < 10


def test_persons_born_in_one_month_of_these_years_are_exchanged_and_none_is_born_later() -> None:
    head = "11010120260115" + "123"
    value = next(head + check for check in "0123456789X" if iso7064_mod11_2(head + check))
    results = {form("person.id.cn", domain=str(n), keep=["county"]).apply_one(value) for n in range(30)}
    assert {result[6:12] for result in results} == {"202601"}
    assert len({result[:6] for result in results}) > 20, "a county and a month would be too few values"


WRONG = ["110101199003071234", "11010119900230123X", "000000000000000000", "990000199003071234", "110199199003071231",
         "110101900307123", "110101901345123", "110101189003071237", "110101206003071230", "99999999999999999X"]


def test_values_that_are_wrong_stay_so_and_are_revealed_again() -> None:
    method = form("person.id.cn")
    results = method.apply(pa.array(WRONG)).to_pylist()
    assert [iso7064_mod11_2(result) for result in results] == [iso7064_mod11_2(value) for value in WRONG]
    assert len(set(results) | set(WRONG)) == 2 * len(WRONG)
    assert method.reveal(pa.array(results)).to_pylist() == WRONG
    assert method.tokens == 0
    for data_class, values in (("person.phone.mobile", ["11013800000", "19913800138", "10000000000"]),
                               ("person.bank_card", ["6222021234567890", "0000000000000"]),
                               ("org.uscc", ["91330106MA2CF5T1X6", "91330106MA2CF5T1YY", "00000000000000000Y"]),
                               ("vehicle.plate", ["浙AABCDE", "浙AABC1D"])):
        method = form(data_class)
        protected = method.apply(pa.array(values))
        assert not set(protected.to_pylist()) & set(values)
        assert method.reveal(protected).to_pylist() == values


DRESSED = {
    "person.phone.mobile": ("13800138000", ["138 0013 8000", "138-0013-8000", "+86 138-0013-8000", "8613800138000",
                                            "008613800138000", "(+86)138.0013.8000", "１３８００１３８０００",
                                            " 13800138000\n", "138\u200b00138000"]),
    "person.id.cn": ("11010119900307123X", ["11010119900307123x", "110101 19900307 123X", "110101-19900307-123x",
                                            "１１０１０１１９９００３０７１２３Ｘ"]),
    "person.bank_card": ("6222021234567890", ["6222 0212 3456 7890", "6222-0212-3456-7890"]),
    "vehicle.plate": ("浙A12345", ["浙A·12345", "浙a12345", "浙A 12345", "浙Ａ１２３４５"]),
    "org.uscc": ("91330106MA2CF5T1X5", ["91330106ma2cf5t1x5", "91330106 MA2CF5T1X5"]),
}


@pytest.mark.parametrize("data_class", list(DRESSED))
def test_the_same_value_gets_the_same_pseudonym_in_the_dressing_that_it_wore(data_class: str) -> None:
    bare, spellings = DRESSED[data_class]
    method = form(data_class)
    plain = method.apply_one(bare)
    for spelling, result in zip(spellings, method.apply(pa.array(spellings)).to_pylist(), strict=True):
        normal = result.translate({c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)}).upper()
        for dressing in (" ", "-", ".", "·", "\n", "\u200b", "(", ")", "+86", "0086"):
            normal = normal.replace(dressing, "")
        assert normal.removeprefix("86" if spelling.startswith("86") else "-") == plain
        assert [c for c in result if c in " -.·\n()+\u200b"] == [c for c in spelling if c in " -.·\n()+\u200b"]
        assert method.reveal_one(result).upper() == spelling.upper()


def test_blank_stays_blank_and_what_fits_no_form_becomes_a_token_that_is_counted() -> None:
    method = form("person.phone.mobile")
    results = method.apply(pa.array(["", "  ", None, "unknown", "0571-87654321", "13800138000"])).to_pylist()
    assert results[:3] == ["", "", None]
    assert results[3].startswith("phone_mobile_")
    assert results[4].startswith("phone_mobile_")
    assert method.tokens == 2
    # Nobody has the value of a token, and a word that is neither is no pseudonym.
    assert method.reveal(pa.array(results)).to_pylist() == ["", "", None, *results[3:5], "13800138000"]
    with pytest.raises(UsageError, match="no pseudonym") as caught:
        method.reveal(pa.array(["unheard-of"]))
    assert "unheard" not in str(caught.value)


def known(values: list[str]) -> Any:
    """Membership in a set, as rows of bytes ask for it."""
    coded = {value.encode() for value in values}
    return lambda rows: np.array([row.tobytes() in coded for row in rows], bool)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["standard", "domestic"]))
def test_no_pseudonym_is_a_real_value_and_no_two_persons_become_one(seed: int, suite: str) -> None:
    # A million values of which many are real: every tenth pseudonym is one at first, and walks meet walks.
    rng = random.Random(seed)
    values = [f"{number:06d}" for number in rng.sample(range(10**6), 100_000)]
    method = form("person.account", suite, real=real_numbers(values), template="999999")
    protected = method.apply(pa.array(values))
    results = protected.to_pylist()
    assert method.tokens <= 3
    assert 8_000 < method.walked < 12_000
    assert not set(results) & set(values)
    assert len(set(results)) == len(values)
    assert 8_000 < len(method.walks) < 12_000
    later = form("person.account", suite, template="999999")
    later.walks = method.walks
    revealed = later.reveal(protected).to_pylist()
    assert [one for one, result in zip(revealed, results, strict=True) if result.isdigit()] == \
        [one for one, result in zip(values, results, strict=True) if result.isdigit()]


def real_numbers(values: list[str]) -> Any:
    """As `known`, for six digits: quick enough for a hundred thousand."""
    flags = np.zeros(10**6, bool)
    flags[np.array(values, np.int64)] = True
    return lambda rows: flags[(rows - 48).astype(np.int64) @ 10 ** np.arange(5, -1, -1)]


def test_where_nearly_all_values_are_real_the_walk_ends_in_a_token() -> None:
    method = form("person.account", real=lambda rows: np.ones(len(rows), bool), template="999999")
    assert method.apply_one("123456").startswith("account_")
    assert (method.walked, method.tokens) == (1, 1)


TEMPLATES = [("999999", "123456"), ("AA-999999", "GD-123456"), ("[E]99999999", "E12345678"), ("aaaa9999", "abcd0123"),
             ("NNNNNN", "A1B2C3"), ("nnnnnn", "a1b2c3"), ("****", "aZ09"), ("9999年第999999号", "2024年第000123号"),
             (r"\A999999\\", "A123456\\"), ("*" * 40, "aZ09" * 10), ("[AAA]99999999999999999999", "ABC" + "12345" * 4)]


@pytest.mark.parametrize(("template", "value"), TEMPLATES)
@pytest.mark.parametrize("suite", list(KEYS))
def test_templates_keep_their_form(template: str, value: str, suite: str) -> None:
    method = form("person.account", suite, template=template)
    result = method.apply_one(value)
    assert result != value
    assert method.tokens == 0
    for one, other in zip(value, result, strict=True):
        assert (one.isdigit(), one.isupper()) == (other.isdigit(), other.isupper()) or "N" in template.upper() \
            or "*" in template
    assert method.reveal_one(result) == value
    assert method.apply(pa.array([value] * 9)).to_pylist() == [result] * 9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.from_regex(r"[A-Z]{2}-[0-9]{6}", fullmatch=True), min_size=1, max_size=40, unique=True))
def test_a_template_is_a_permutation(values: list[str]) -> None:
    method = form("person.account", template="AA-999999")
    results = method.apply(pa.array(values))
    assert len(set(results.to_pylist())) == len(values)
    assert method.reveal(results).to_pylist() == values


@pytest.mark.parametrize(("data_class", "params", "message"), [
    ("person.account", {}, "no form of its own"), ("person.account", {"template": "99999"}, "fewer than"),
    ("person.account", {"template": "[999999]999"}, "fewer than"),
    ("person.account", {"template": "[99]9]"}, "brackets"),
    ("person.account", {"template": "999999["}, "complete"), ("person.account", {"template": "9" * 65}, "64"),
    ("person.account", {"template": "999999", "keep": ["sex"]}, "brackets"),
    ("person.account", {"template": "[" + "9" * 30 + "]999999"}, "too many"),
    ("person.phone.mobile", {"keep": ["county"]}, "nothing that"), ("org.code", {"keep": ["county"]}, "nothing that"),
    ("person.phone.mobile", {"length": 16}, "unknown parameter"),
    ("person.phone.mobile", {"method": "guess"}, "method"),
])
def test_parameters_that_do_not_fit_are_refused(data_class: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        form(data_class, **params)


@pytest.mark.parametrize("suite", list(KEYS))
def test_a_large_column_in_pieces_with_nulls_and_an_offset(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    values: list[str | None] = [resident_id(rng) if rng.random() < 0.9 else None for _ in range(500)]
    whole = pa.array(values, pa.large_string())
    expected = form("person.id.cn", suite).apply(whole)
    assert expected.type == pa.large_string()
    monkeypatch.setattr("guard.protect.base.PIECE", 900)
    monkeypatch.setattr("guard.crypto.ff1.ROWS", 64)
    assert form("person.id.cn", suite).apply(whole).equals(expected)
    assert form("person.id.cn", suite).apply(whole.slice(7, 100)).equals(expected.slice(7, 100))


def test_a_pseudonym_transform_shows_neither_key_nor_value() -> None:
    assert "13800138000" not in repr(form("person.phone.mobile"))
    assert isinstance(form("person.phone.mobile"), FormPseudonym)

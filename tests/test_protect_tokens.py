"""Tokens: the same for the same person however written, keyed, and as rarely equal as the bound says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import UsageError
from guard.keys import Keyring
from guard.model import Action, Decision, Scope
from guard.protect import Transform, transform
from guard.protect.tokens import ALPHABETS, canonical, collision_bound
from guard.taxonomy import taxonomy

KEYS = Keyring.ephemeral()
ENTIRE = "bcdfghjkmnpqrstv"


def token(data_class: str, keys: Keyring = KEYS, domain: str = "x", normalise: Callable[[str], str] | None = None,
          **params: Any) -> Transform:
    decision = Decision("d", "f", data_class, Scope.FIELD, Action.PSEUDONYMISE, "rule", params)
    return transform(decision, keys, domain, normalise)


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def test_a_token_is_the_cut_cmac_of_the_canonical_form() -> None:
    keys = KEYS.derive("token", "person.phone.mobile", "release:x", 64)
    digits = cmac(keys[:32], b"13800138000").hex() + cmac(keys[32:], b"13800138000").hex()
    spelled = digits.translate(str.maketrans("0123456789abcdef", ENTIRE))
    for length in (16, 17, 32, 33, 64):
        expected = "phone_mobile_" + spelled[:length]
        assert token("person.phone.mobile", length=length).apply_one("+86 138-0013-8000") == expected
    hexadecimal = token("person.phone.mobile", alphabet="hex").apply_one("13800138000")
    assert hexadecimal == "phone_mobile_" + digits[:16]


SPELLINGS = [
    ("person.phone.mobile", ["13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000", "+8613800138000",
                             "008613800138000", "8613800138000", "１３８００１３８０００", " 13800138000\n",
                             "138\u200b00138000", "(+86)13800138000"]),
    ("person.phone.landline", ["0571-87654321", "(0571)87654321", "+86 571 8765 4321", "057187654321",
                               "0086-571-87654321"]),
    ("person.id.cn", ["11010119900307123X", "11010119900307123x", "110101 19900307 123X",
                      "１１０１０１１９９００３０７１２３Ｘ"]),
    ("person.bank_card", ["6222021001116245702", "6222 0210 0111 6245 702"]),
    ("person.email", ["User@Example.com", "user@example.com", "USER＠example.com"]),
    ("person.name", ["张三", "张　三", " 张 三 "]),
    ("person.name", ["John  Smith", "john smith", "JOHN SMITH"]),
    ("device.mac", ["AA:BB:CC:11:22:33", "aa-bb-cc-11-22-33", "aabb.cc11.2233"]),
    ("org.uscc", ["91330106MA2AXXXX1Y", "91330106ma2axxxx1y"]),
]


@pytest.mark.parametrize(("data_class", "spellings"), SPELLINGS)
def test_every_spelling_of_a_value_has_one_token(data_class: str, spellings: list[str]) -> None:
    chosen = token(data_class)
    assert len(set(chosen.apply(pa.array(spellings)).to_pylist())) == 1
    assert {chosen.apply_one(s) for s in spellings} == {chosen.apply(pa.array(spellings[:1]))[0].as_py()}


@pytest.mark.parametrize(("data_class", "spellings"), SPELLINGS)
def test_a_canonical_form_is_canonical(data_class: str, spellings: list[str]) -> None:
    once = canonical(data_class, spellings[0])
    assert canonical(data_class, once) == once


@given(st.sampled_from(sorted(taxonomy())), st.text(min_size=1))
def test_no_value_loses_itself_on_the_way(data_class: str, value: str) -> None:
    assert canonical(data_class, value)


def test_classes_in_which_case_matters_keep_it() -> None:
    assert canonical("secret.password", "Ab-c D") == "Ab-c D"
    assert token("person.account").apply_one("Abc") != token("person.account").apply_one("abc")


values = st.one_of(
    st.none(), st.text(), st.from_regex(r"\A[0-9]{17}[0-9Xx]\Z"), st.from_regex(r"\A(86|0086|\+86|0|)1[0-9]{10}\Z"),
    st.from_regex(r"\A[0-9]{5,15}\Z"), st.text("张王李欧阳娜三丰鿿一龥", min_size=1, max_size=5),
    st.from_regex(r"\A[a-zA-Z.]{1,6}@[a-z]{1,6}\.cn\Z"), st.just(" "), st.just(""),
)


@given(st.sampled_from(["person.id.cn", "person.phone.mobile", "person.phone.landline", "person.name", "person.email",
                        "person.account", "device.ip"]), st.lists(values, max_size=40), st.integers(0, 4))
def test_a_column_has_the_tokens_of_its_values(data_class: str, column: list[str | None], skip: int) -> None:
    chosen = token(data_class)
    result = chosen.apply(pa.array(column, pa.string()).slice(min(skip, len(column))))
    result.validate(full=True)
    assert result.to_pylist() == [None if v is None else chosen.apply_one(v) for v in column[skip:]]


@given(st.lists(st.text(), min_size=1))
def test_a_normaliser_of_the_caller_comes_first(column: list[str]) -> None:
    shout = token("person.account", normalise=str.upper)
    plain = token("person.account")
    expected = [plain.apply_one(value.upper()) if value.strip() else "" for value in column]
    assert shout.apply(pa.array(column)).to_pylist() == expected


def test_tables_join_in_one_domain_and_nowhere_else() -> None:
    mobile, landline = "person.phone.mobile", "person.phone.landline"
    named = Decision("d", "f", mobile, Scope.FIELD, Action.PSEUDONYMISE, "rule", {"domain": "city"})
    apart = [token(mobile), token(landline), token(mobile, Keyring.ephemeral()), token(mobile, domain="y"),
             token(mobile, domain="city"), transform(named, KEYS, "x")]
    assert len({str(chosen.apply_one("13800138000")).rpartition("_")[2] for chosen in apart}) == len(apart)
    assert token(mobile).apply_one("13800138000") == token(mobile).apply_one("13800138000")


def test_a_named_domain_links_across_releases() -> None:
    decision = Decision("d", "f", "person.name", Scope.FIELD, Action.PSEUDONYMISE, "r", {"domain": "city"})
    one, two = (transform(decision, KEYS, release).apply_one("张三") for release in ("release 1", "release 2"))
    assert one == two
    default = Decision("d", "f", "person.name", Scope.FIELD, Action.PSEUDONYMISE, "r", {"domain": "release"})
    assert transform(default, KEYS, "city").apply_one("张三") != one


def test_tokens_are_as_rarely_equal_as_the_bound_says() -> None:
    count = 200_000
    column = pa.array([f"{n:018d}" for n in range(count)])
    tokens = token("person.id.cn").apply(column).to_pylist()
    assert len(set(tokens)) == count
    # Cut to 32 bits the birthday bound expects n^2 / 2^33 = 4.7 equal pairs; 20 has a chance below 1 in 10^6.
    pairs = count - len({text[: len("id_cn_") + 8] for text in tokens})
    assert pairs <= 20
    symbols = np.frombuffer("".join(text.removeprefix("id_cn_") for text in tokens[:20_000]).encode(), np.uint8)
    shares = np.unique(symbols, return_counts=True)[1] / len(symbols)
    assert len(shares) == 16
    assert np.all(abs(shares - 1 / 16) < 0.002)


@pytest.mark.parametrize(("alphabet", "shortest", "longest"), [
    ("letters", 16, 64), ("hex", 16, 64), ("digits", 20, 36), ("alphanumeric", 11, 20)])
@pytest.mark.parametrize("suite", ["standard", "domestic"])
def test_tokens_of_every_alphabet_and_suite_are_even_and_carry_64_bits(alphabet: str, shortest: int, longest: int,
                                                                       suite: str) -> None:
    keys, symbols = Keyring.ephemeral(suite), ALPHABETS[alphabet]
    column = pa.array([f"{n:018d}" for n in range(4000)])
    assert collision_bound(2, shortest, alphabet) <= 2**-63
    for length in (shortest, longest):
        chosen = token("person.id.cn", keys, length=length, alphabet=alphabet)
        texts = [text.removeprefix("id_cn_") for text in chosen.apply(column).to_pylist()]
        assert {len(text) for text in texts} == {length}
        assert len(set(texts)) == len(texts)
        for place in (0, length // 2, length - 1):
            counts = [sum(text[place] == symbol for text in texts) for symbol in symbols]
            expected = len(texts) / len(symbols)
            assert sum((count - expected) ** 2 / expected for count in counts) < 3 * len(symbols) + 20
        assert [chosen.apply_one(f"{n:018d}") for n in range(3)] == [f"id_cn_{text}" for text in texts[:3]]
    for length in (shortest - 1, longest + 1):
        with pytest.raises(UsageError, match=f"{shortest} to {longest}"):
            token("person.id.cn", keys, length=length, alphabet=alphabet)


def test_the_collision_bound_is_what_is_said_of_it() -> None:
    assert collision_bound(10**6) == pytest.approx(10**12 / 2**65)
    assert collision_bound(10**12) == 1.0
    assert collision_bound(10**6, 20, "digits") == pytest.approx(10**12 / 2 / 10**20)


def test_a_token_of_the_domestic_suite_is_a_cmac_with_sm4() -> None:
    keys = Keyring.ephemeral("domestic")
    mac = CMAC(SM4(keys.derive("token", "person.phone.mobile", "release:x", 64)[:16]))
    mac.update(b"13800138000")
    made = token("person.phone.mobile", keys, alphabet="hex", length=32).apply_one("13800138000")
    assert made == f"phone_mobile_{mac.finalize().hex()}"


def test_the_default_alphabet_has_neither_digits_nor_vowels() -> None:
    assert len(set(ALPHABETS["letters"])) == len(set(ALPHABETS["hex"])) == 16
    assert not set(ALPHABETS["letters"]) & set("0123456789aeiou")


@pytest.mark.parametrize("params", [
    {"length": 15}, {"length": 65}, {"length": "16"}, {"length": True}, {"alphabet": "base64"}, {"salt": "x"},
])
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        token("person.name", **params)


def test_no_value_and_no_key_is_in_a_transforms_repr() -> None:
    chosen = token("person.name")
    chosen.apply(pa.array(["张三丰"]))
    assert "张三丰" not in repr(chosen)
    assert KEYS.derive("token", "person.name", "release:x", 64).hex() not in repr(vars(chosen))


def test_a_lone_surrogate_in_a_payload_has_a_token() -> None:
    assert token("person.account").apply_one("\ud800") != token("person.account").apply_one("?")

"""Checks of secrets: proofs of formats, and what reads like chance."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import string
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.detect import secret_checks, secret_formats
from guard.detect.rarity import alphabet, is_varied, rarity
from guard.detect.secret_checks import RAREST_WORDS, not_identifier, not_prose, random_text
from guard.detect.secret_formats import base58_check, basic_credentials, bech32, encoded_password

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHANCE = random.Random(4)


def drawn(characters: str, length: int) -> str:
    return "".join(CHANCE.choices(characters, k=length))


# Source: BIP 173, test vectors of valid and invalid strings.
@pytest.mark.parametrize("value", [
    "A12UEL5L", "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
])
def test_bech32_vectors(value: str) -> None:
    assert bech32(value)


@pytest.mark.parametrize("value", ["pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "", "é1q"])
def test_what_is_no_bech32(value: str) -> None:
    assert not bech32(value)


@given(st.text(BECH32, min_size=20, max_size=60), st.integers(0, 19), st.sampled_from(BECH32))
def test_no_single_changed_character_passes_bech32(body: str, place: int, other: str) -> None:
    value = "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"
    changed = value[: 6 + place] + other + value[7 + place :]
    assert bech32(changed) == (changed == value)
    assert not bech32("x" + body) or "1" in body


# Source: Bitcoin wiki, wallet import format; BIP 32, test vector 1.
@pytest.mark.parametrize("value", [
    "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
])
def test_base58_vectors(value: str) -> None:
    assert base58_check(value)
    assert not base58_check(value[:-1] + ("1" if value[-1] != "1" else "2"))


@given(st.binary(min_size=1, max_size=40))
def test_base58_check_of_any_bytes(body: bytes) -> None:
    body = b"\x80" + body
    number, text = int.from_bytes(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4], "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    assert base58_check(text)


@given(st.text(string.ascii_letters, min_size=1, max_size=12), st.text(string.ascii_letters + string.digits + "!@#:",
                                                                      min_size=4, max_size=20))
def test_basic_credentials(user: str, password: str) -> None:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    assert basic_credentials(encoded)
    assert basic_credentials(encoded.rstrip("="))
    assert encoded_password(base64.b64encode(f"{user}{password}xx".encode()).decode())


@pytest.mark.parametrize("value", ["required", "Zm9v", "AAAA", "====", "", "bm8gY29sb24=", "密码", "A"])
def test_what_holds_no_credentials(value: str) -> None:
    assert not basic_credentials(value)


@pytest.mark.parametrize(("characters", "length"), [
    (string.ascii_letters + string.digits, 16), (string.ascii_letters + string.digits, 40), ("0123456789abcdef", 32),
    (string.ascii_uppercase + string.digits, 20), (string.ascii_lowercase + string.digits, 24),
    (string.ascii_letters, 34), (string.ascii_letters + string.digits + "-_", 43),
])
def test_keys_read_like_chance(characters: str, length: int) -> None:
    keys = [drawn(characters, length) for _ in range(500)]
    assert sum(map(random_text, keys)) >= 490


def test_words_and_names_of_code_do_not() -> None:
    """One identifier in a hundred may; they come from a part of the standard library the table was not made of."""
    folder = Path(sysconfig.get_paths()["stdlib"]) / "idlelib"
    words = {word for path in sorted(folder.glob("*.py"))
             for word in re.findall(r"[A-Za-z_][A-Za-z0-9_]{11,40}", path.read_text("utf-8"))}
    assert len(words) > 1000
    assert sum(map(random_text, words)) <= len(words) / 100


@pytest.mark.parametrize("value", [
    "", "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "0000000000000000", "authentication_failed",
    "getSecretKeyFromVault",
    "beijingshizhengwufuwu", "2026-03-01T10:00:00.000Z", "application/octet-stream", "/var/run/secrets/token",
    "1.2.3-rc.4",
    "spring-boot-starter-security", "zhangsan@hangzhou", "MAX_TOKEN_LENGTH_EXCEEDED", "com.example.auth.TokenService",
])
def test_readable_text_is_no_key(value: str) -> None:
    assert not random_text(value)


def test_rarity_grows_with_the_length_of_chance_and_falls_with_words() -> None:
    key = drawn(string.ascii_letters + string.digits, 32)
    assert rarity(key) > rarity(key[:16]) > RAREST_WORDS
    assert rarity("authentication" * 2) < rarity("authentication") < 0


@given(st.text(max_size=60))
def test_no_check_raises(value: str) -> None:
    assert alphabet(value) >= 10
    for module in (secret_checks, secret_formats):
        for name, check in vars(module).items():
            if callable(check) and not name.startswith("_") and getattr(check, "__module__", "") == module.__name__:
                assert check(value) in (True, False)
    assert isinstance(is_varied(value), bool)


@pytest.mark.parametrize("value", [
    "693a91f6-7abc-4bc4-97a0-0ec2516f5aaa", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "349e455d52613c2813c40d2affbb1494",
    "v1.2.3-rc.4",
    "req-8f3a9c", "trace_1d26ab4a", "2026-03-01T10:00:00Z", "db-1.internal.example.cn", "TokenService.java:12",
    "certs/prod/server.pem",
])
def test_names_of_things_are_identifiers(value: str) -> None:
    assert not not_identifier(value)


@pytest.mark.parametrize("value", ["Kx92mZpL0w", "kLCNPloWRlOTcEokd5ihu9lE", "q8#Zp7Lm2"])
def test_keys_and_passwords_are_neither_identifiers_nor_prose(value: str) -> None:
    assert not_identifier(value)
    assert not_prose(value)


@pytest.mark.parametrize("value", ["Enter your password", "请输入密码", "a secret", "must not be empty!"])
def test_hints_are_prose(value: str) -> None:
    assert not not_prose(value)

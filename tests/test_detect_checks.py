"""Checks of identifiers and secrets: known values, broken values, and that none ever raises."""

from __future__ import annotations

import base64
import datetime
import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.demo import People
from guard.detect import secret_checks
from guard.detect.identifier_checks import (
    birth_date,
    business_registration,
    card_issuer,
    iso7064_mod11_2,
    luhn,
    nanp_number,
    organisation_code,
    uscc_check,
    uscc_organisation,
    vin_check,
)
from guard.detect.secret_checks import (
    github_checksum,
    jwt_header,
    not_hex_id,
    not_masked,
    not_placeholder,
    not_reference,
)
from guard.detect.validators import PROOFS, VALIDATORS


@settings(max_examples=600)
@given(st.sampled_from(sorted(VALIDATORS)), st.text(max_size=40) | st.text("0123456789²٣Xx-.:/ABab@张", max_size=24))
def test_no_check_raises(name: str, value: str) -> None:
    assert VALIDATORS[name](value) in (True, False)


def test_proofs_are_checks() -> None:
    assert set(VALIDATORS) >= PROOFS


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_mod_11_2_sees_every_changed_digit(body: str, place: int, step: int) -> None:
    check = next(c for c in "0123456789X" if iso7064_mod11_2(body + c))
    changed = body[:place] + str((int(body[place]) + step) % 10) + body[place + 1 :]
    assert not iso7064_mod11_2(changed + check)
    assert sum(iso7064_mod11_2(body + c) for c in "0123456789X") == 1


@given(st.text("0123456789", min_size=15, max_size=18), st.integers(0, 14), st.integers(1, 9))
def test_luhn_sees_every_changed_digit(body: str, place: int, step: int) -> None:
    check = next(c for c in "0123456789" if luhn(body + c))
    changed = body[:place] + str((int(body[place]) + step) % 10) + body[place + 1 :]
    assert not luhn(changed + check)


# Published: python-stdnum's documentation and the standards themselves; the last of each is broken on purpose.
@pytest.mark.parametrize(("check", "good", "bad"), [
    (iso7064_mod11_2, "11010519491231002X", "110105194912310021"),  # GB 11643-1999, example
    (uscc_check, "91110000600037341L", "91110000600037341M"),
    (uscc_organisation, "91110000600037341L", "91110000600037342L"),
    (organisation_code, "600037341", "600037342"),
    (business_registration, "110108000000016", "110108000000017"),  # GS 15-2006, example
    (luhn, "4111111111111111", "4111111111111112"),
    (card_issuer, "6222021234567890123", "1234567890123456"),
    (vin_check, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),  # 49 CFR 565, example
    (nanp_number, "2125550187", "8005550187"),
])
def test_published_values(check, good: str, bad: str) -> None:  # type: ignore[no-untyped-def]
    assert check(good)
    assert not check(bad)


def test_synthetic_people_pass(people: People) -> None:
    for _ in range(50):
        assert iso7064_mod11_2(people.resident_id())


def test_birth_dates_end_today() -> None:
    today = datetime.date.today()
    assert birth_date(f"{today:%Y%m%d}")
    assert not birth_date(f"{today + datetime.timedelta(1):%Y%m%d}")
    assert not birth_date("19000229")
    assert not birth_date("1850-01-01")
    assert birth_date("04/12/1980")


def test_jwt_header_must_name_an_algorithm() -> None:
    def token(header: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=") + ".e30.x"

    assert jwt_header(token({"alg": "RS256"}))
    assert not jwt_header(token({"typ": "JWT"}))
    assert not jwt_header(token([1]))
    assert not jwt_header("[" * 50)


def test_github_checksum() -> None:
    # The format's announcement: CRC32 of the random part in base 62, six characters; computed for this random part.
    assert github_checksum("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")
    assert not github_checksum("ghp_NqVwYS81VP7Hb1DX8pPd5khxE3pyIh3sJb3R")


@pytest.mark.parametrize("value", [
    "YOUR_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE", "${DB_PASSWORD}", "{{ password }}", "changeme", "CHANGE_ME",
        "xxxxxxxx", "******",
    "<password>", "%PASSWORD%", "$PASSWORD", "password", "123456789", "请填写密码", "process.env.KEY", "os.environ",
        "ENC(abc)",
    "00000000", "example-token", "to-be-filled", "null", "my-secret",
])
def test_placeholders_are_no_secrets(value: str) -> None:
    assert not not_placeholder(value)


@pytest.mark.parametrize("value", ["Hzgov!1748", "s3cr3tPw", "I7P2CrYGSFuS", "#MDksDoqVRYAacr", "correct-Horse7"])
def test_real_passwords_are_no_placeholders(value: str) -> None:
    assert not_placeholder(value)
    assert not_reference(value)
    assert not_masked(value)


STAND_INS = ("example", "Dummy", "your-", "change_ME", "to be ", "INSERT-", "<", ">", "${", "$(", "$A", "%a", "%", "{{",
             "xxxx", "***", "...", "test", "None", "n/A", "无", "aaaa", "aA", "0" * 12, "123456789", "ABCDEF", "-_",
             "示例", "process.env", "GETENV", "config.", "vault:", "enc(", "{cipher}", "{Bcrypt}$", "SHA2", "$2A$",
             "This.", "x", "\n", " ", "\u017f", "\u212a", "İ", "é", "Z9", "q")


@given(st.lists(st.sampled_from(STAND_INS), max_size=4).map("".join))
def test_small_letters_say_what_case_ignored_says(value: str) -> None:
    """What is fast in ASCII gives what the one expression gives for every text."""
    assert not_placeholder(value) is (secret_checks._PLACEHOLDER.search(value) is None)


@pytest.mark.parametrize("value", ["config.password", "getPassword", "user_name", "/run/secrets/db", "DB_PASS",
    "Secret"])
def test_names_of_code_are_no_secrets(value: str) -> None:
    assert not not_reference(value)


@given(st.text(string.hexdigits.lower()[:16], min_size=32, max_size=32))
def test_hashes_and_uuids_are_names_of_things(digest: str) -> None:
    assert not not_hex_id(digest)
    assert not not_hex_id(f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}")

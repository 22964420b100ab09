"""Columns that look protected: told where values can be had back, with the proof masked, and silent elsewhere."""

from __future__ import annotations

import base64
import codecs
import hashlib
import hmac
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes

import guard
from guard.demo import People
from guard.detect import weak_protection
from guard.render.sentences import say

PEOPLE = People(7)
SCANNER = guard.Scanner()


def sm3(value: bytes) -> str:
    digest = hashes.Hash(hashes.SM3())
    digest.update(value)
    return digest.finalize().hex()


HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda v: hashlib.md5(v).hexdigest(), "SHA-1": lambda v: hashlib.sha1(v).hexdigest(),
    "SHA-256": lambda v: hashlib.sha256(v).hexdigest(), "SM3": sm3,
}


def warnings(tmp_path: Path, header: str, rows: Sequence[str]) -> list[str]:
    (tmp_path / "t.csv").write_text(header + "\n" + "".join(f"{row}\n" for row in rows))
    report = SCANNER.scan(tmp_path / "t.csv")
    assert not any(value in str(report.as_json()["warnings"]) for row in rows for value in row.split(",") if
                   len(value) > 6 and "*" not in value)
    return [warning for warning in report.warnings if warning.startswith("t.csv")]


@pytest.mark.parametrize("method", list(HASHES))
@pytest.mark.parametrize("upper", [False, True])
def test_a_hash_of_the_number_beside_it(tmp_path: Path, method: str, upper: bool) -> None:
    values = [PEOPLE.mobile() for _ in range(20)]
    rows = [f"{v},{HASHES[method](v.encode()).upper() if upper else HASHES[method](v.encode())}" for v in values]
    (warning,) = warnings(tmp_path, "a,b", rows)
    assert warning.startswith(f't.csv: b: an unkeyed hash ({method}) of "Mobile')
    assert f"{values[0][:3]}****{values[0][-4:]}" in warning


@pytest.mark.parametrize("method", list(HASHES))
def test_a_hash_beside_the_masked_number(tmp_path: Path, method: str) -> None:
    phones, people = [PEOPLE.mobile() for _ in range(5)], [PEOPLE.resident_id() for _ in range(5)]
    digest = HASHES[method]
    (warning,) = warnings(tmp_path, "a,b", [f"{v[:3]}****{v[7:]},{digest(v.encode())}" for v in phones])
    assert f"({method})" in warning
    assert f"{phones[0][:3]}****{phones[0][7:]}" in warning
    (warning,) = warnings(tmp_path, "a,b", [f"{v[:6]}********{v[14:]},{digest(v.encode())}" for v in people])
    assert f"({method})" in warning
    assert people[0][6:14] not in warning


@pytest.mark.parametrize(("header", "space"), [("hash", "mobile"), ("身份证号", "id")])
def test_a_hash_whose_space_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str, space: str) -> None:
    # The real spaces take a second and 10^4 rows; a thousandth of them does the same with a thousandth of the work.
    rng = random.Random(1)
    counties = weak_protection._counties()[:3]
    monkeypatch.setattr(weak_protection, "_counties", lambda: counties)
    monkeypatch.setattr(weak_protection, "_BIRTH_YEARS", (1980, 1981))
    monkeypatch.setattr(weak_protection, "table", lambda name: ["138"])
    if space == "mobile":
        values = [f"138{rng.randrange(10**8):08d}" for _ in range(10_000)]
    else:
        drawn = weak_protection._draw_residents(np.random.default_rng(9), 2000)
        values = [value.decode() for value in drawn]
    (warning,) = warnings(tmp_path, f"n,{header}", [f"{n},{HASHES['SHA-256'](v.encode())}" for n, v in
                                                    enumerate(values)])
    assert "(SHA-256)" in warning
    assert not any(value in warning for value in values)


def test_numbers_that_are_tried_are_valid_and_of_the_whole_space() -> None:
    from guard.detect.identifier_checks import id_birth_date, iso7064_mod11_2, mobile_segment

    generator = np.random.default_rng(1)
    people = [value.decode() for value in weak_protection._draw_residents(generator, 500)]
    assert all(iso7064_mod11_2(value) and id_birth_date(value) for value in people)
    assert len({value[:6] for value in people}) > 400
    assert all(mobile_segment(value.decode()) for value in weak_protection._draw_mobiles(generator, 500))


@pytest.mark.parametrize("kind", ["mobile", "id", "mail"])
def test_base64_is_no_encryption(tmp_path: Path, kind: str) -> None:
    values = [{"mobile": PEOPLE.mobile, "id": PEOPLE.resident_id, "mail": PEOPLE.email}[kind]() for _ in range(20)]
    found = warnings(tmp_path, "n,secret", [f"{n},{base64.b64encode(v.encode()).decode()}" for n, v in
                                            enumerate(values)])
    assert len(found) == 1
    assert "in base64, which is no encryption" in found[0]


def turned(value: str) -> str:
    return codecs.encode(value, "rot13").translate(str.maketrans("0123456789", "5678901234"))


def test_rot13_is_no_encryption(tmp_path: Path) -> None:
    people = [PEOPLE.resident_id() for _ in range(20)]
    (warning,) = warnings(tmp_path, "n,secret", [f"{n},{turned(v)}" for n, v in enumerate(people)])
    assert "in rot13" in warning
    phones = [PEOPLE.mobile() for _ in range(20)]
    (warning,) = warnings(tmp_path, "n,手机号", [f"{n},{turned(v)}" for n, v in enumerate(phones)])
    assert "in rot13" in warning


def test_addresses_in_clear_are_not_taken_for_turned_ones(tmp_path: Path) -> None:
    """Turned, they are addresses too, but end in no domain that there is."""
    mails = [PEOPLE.email() for _ in range(40)]
    for header in ("邮箱", "email", "x"):
        assert warnings(tmp_path, f"n,{header}", [f"{n},{v}" for n, v in enumerate(mails)]) == []
    (warning,) = warnings(tmp_path, "n,邮箱", [f"{n},{turned(v)}" for n, v in enumerate(mails)])
    assert "in rot13" in warning


def quiet_columns() -> dict[str, list[str]]:
    rng = random.Random(5)
    phones = [PEOPLE.mobile() for _ in range(50)]
    return {
        "keyed": [hmac.new(b"key", v.encode(), "sha256").hexdigest() for v in phones],
        "salted": [hashlib.sha256(b"salt" + v.encode()).hexdigest() for v in phones],
        "random": [f"{rng.getrandbits(128):032x}" for _ in phones],
        "orders": [f"68{rng.randrange(10**9):09d}" for _ in phones],
        "words": [rng.choice(["pending", "closed", "rejected", "reopened"]) for _ in phones],
        "one hash": ["d41d8cd98f00b204e9800998ecf8427e"] * 50,
        "images": [base64.b64encode(rng.randbytes(30)).decode() for _ in phones],
        "empty": [""] * 50,
    }


@pytest.mark.parametrize("name", list(quiet_columns()))
def test_what_is_keyed_or_nothing_of_the_kind_is_left_alone(tmp_path: Path, name: str) -> None:
    phones = [PEOPLE.mobile() for _ in range(50)]
    rows = [f"{phone[:3]}****{phone[-4:]},{value}" for phone, value in zip(phones, quiet_columns()[name], strict=True)]
    assert warnings(tmp_path, "masked,value", rows) == []


def test_the_warning_is_said_in_chinese_too(tmp_path: Path) -> None:
    values = [PEOPLE.mobile() for _ in range(20)]
    (warning,) = warnings(tmp_path, "a,b", [f"{v},{HASHES['MD5'](v.encode())}" for v in values])
    said = say(warning, "zh")
    assert "无密钥散列（MD5）" in said
    assert "手机" in said
    (warning,) = warnings(tmp_path, "n,secret", [f"{n},{base64.b64encode(v.encode()).decode()}" for n, v in
                                                 enumerate(values)])
    assert "并未加密" in say(warning, "zh")


def test_a_secret_mark_withholds_the_proof_and_json_is_looked_at_too(tmp_path: Path) -> None:
    values = [PEOPLE.mobile() for _ in range(20)]
    lines = [f'{{"phone": "{v}", "token": "{HASHES["MD5"](v.encode())}"}}' for v in values]
    (tmp_path / "t.jsonl").write_text("\n".join(lines) + "\n")
    assert any("unkeyed hash (MD5)" in warning for warning in SCANNER.scan(tmp_path / "t.jsonl").warnings)
    marked: list[Any] = ["绝密★启用前"]
    assert warnings(tmp_path, "a,b", [*marked, *(f"{v},{HASHES['MD5'](v.encode())}" for v in values)]) == []


def test_some_values_that_are_encoded_otherwise_do_not_hide_the_others(tmp_path: Path) -> None:
    numbers = [base64.b64encode(PEOPLE.mobile().encode()).decode() for _ in range(20)]
    for others in (0, 4):
        # Four of twenty may be anything, also where they come first.
        rows = ["-"] * others + numbers[others:]
        assert "base64" in "".join(warnings(tmp_path, "ref", rows))
    assert "base64" not in "".join(warnings(tmp_path, "ref", ["-"] * 5 + numbers[5:]))

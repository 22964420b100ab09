"""FF1: the vectors of NIST, and columns held to the one-value implementation, for every radix, length and cipher."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.crypto.blocks import BlockCipher
from guard.crypto.ff1 import FEW, FF1, read_numbers, write_numerals
from guard.crypto.ff1_plain import decrypt_one, encrypt_one
from guard.crypto.ff1_text import AlphabetCipher

VECTORS = json.loads((Path(__file__).parent / "data" / "crypto_bulk.json").read_text())
SAMPLES = [*VECTORS["nist_ff1_samples"]["vectors"], *VECTORS["ff1_crosscheck_not_official"]["vectors"]]
CIPHERS = [BlockCipher(bytes(range(16))), BlockCipher(bytes(range(24))), BlockCipher(bytes(range(32))),
           BlockCipher(bytes(range(16)), "SM4")]


def numerals(vector: dict[str, Any], name: str) -> list[int]:
    return [vector["alphabet"].index(char) for char in vector[name]]


def random_rows(radix: int, length: int, count: int, seed: int) -> Any:
    kind = np.uint8 if radix <= 256 else np.uint16
    return np.random.default_rng(seed).integers(0, radix, (count, length)).astype(kind)


@pytest.mark.parametrize("vector", SAMPLES, ids=lambda v: f"{len(v['key']) * 4} bits, {len(v['plaintext'])} numerals")
@pytest.mark.parametrize("rows", [1, FEW + 2], ids=["alone", "in a column"])
def test_vectors(vector: dict[str, Any], rows: int) -> None:
    cipher, tweak = BlockCipher(bytes.fromhex(vector["key"])), bytes.fromhex(vector["tweak"])
    plain, secret = numerals(vector, "plaintext"), numerals(vector, "ciphertext")
    ff1 = FF1(cipher, vector["radix"], len(plain))
    assert ff1.encrypt(np.array([plain] * rows, np.uint8), tweak).tolist() == [secret] * rows
    assert ff1.decrypt(np.array([secret] * rows, np.uint8), tweak).tolist() == [plain] * rows
    assert encrypt_one(cipher, vector["radix"], tweak, plain) == secret
    assert decrypt_one(cipher, vector["radix"], tweak, secret) == plain


DOMAINS = st.one_of(
    st.tuples(st.integers(2, 62), st.integers(2, 40)), st.tuples(st.integers(63, 65536), st.integers(2, 6)),
    st.tuples(st.sampled_from([2, 10, 16, 36, 62, 255, 256, 257, 65535, 65536]), st.integers(2, 60)),
).filter(lambda domain: domain[0] ** domain[1] >= 10**6)


@settings(max_examples=150)
@given(DOMAINS, st.sampled_from(CIPHERS), st.integers(0, 40), st.booleans(), st.integers(0, 99))
def test_columns_are_the_standard_value_by_value(domain: tuple[int, int], cipher: BlockCipher, tweak_length: int,
                                                 one_tweak: bool, seed: int) -> None:
    radix, length = domain
    rows = random_rows(radix, length, FEW + 3, seed)
    rows[0], rows[1] = 0, radix - 1
    each = np.random.default_rng(seed).integers(0, 256, (len(rows), tweak_length)).astype(np.uint8)
    tweaks = each[0].tobytes() if one_tweak else each
    secret = FF1(cipher, radix, length).encrypt(rows, tweaks)
    expected = [encrypt_one(cipher, radix, each[0 if one_tweak else i].tobytes(), row)
                for i, row in enumerate(rows.tolist())]
    assert secret.tolist() == expected
    assert secret.dtype == rows.dtype
    assert FF1(cipher, radix, length).decrypt(secret, tweaks).tolist() == rows.tolist()
    few = FEW - 1
    some = tweaks if isinstance(tweaks, bytes) else tweaks[:few]
    assert FF1(cipher, radix, length).encrypt(rows[:few], some).tolist() == expected[:few]


@settings(max_examples=60)
@given(DOMAINS.filter(lambda domain: domain[0] ** domain[1] <= 1 << 63), st.sampled_from(CIPHERS), st.integers(0, 99))
def test_numbers_are_the_numerals_read_together(domain: tuple[int, int], cipher: BlockCipher, seed: int) -> None:
    radix, length = domain
    rows = random_rows(radix, length, FEW + 3, seed)
    numbers = read_numbers(rows, radix)
    ff1 = FF1(cipher, radix, length)
    secret = ff1.encrypt_numbers(numbers, b"tweak")
    assert secret.tolist() == read_numbers(ff1.encrypt(rows, b"tweak"), radix).tolist()
    assert ff1.decrypt_numbers(secret, b"tweak").tolist() == numbers.tolist()


@given(st.integers(2, 65536), st.integers(1, 12), st.integers(0, 99))
def test_numerals_of_a_number_are_written_as_they_were_read(radix: int, length: int, seed: int) -> None:
    length = min(length, 63 // radix.bit_length())
    rows = random_rows(radix, max(length, 1), 9, seed)
    written = np.zeros_like(rows)
    write_numerals(read_numbers(rows, radix), radix, written)
    assert written.tolist() == rows.tolist()


def test_a_whole_domain_is_permuted() -> None:
    everything = np.arange(10**6, dtype=np.uint64)
    ff1 = FF1(CIPHERS[2], 1000, 2)
    secret = ff1.encrypt_numbers(everything)
    assert np.array_equal(np.sort(secret), everything)
    assert np.array_equal(ff1.decrypt_numbers(secret), everything)
    assert not np.array_equal(secret, ff1.encrypt_numbers(everything, b"another tweak"))


def test_more_rows_than_are_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.crypto.ff1.ROWS", 7)
    for length in (11, 40):
        rows = random_rows(10, length, 50, 1)
        tweaks = random_rows(256, 8, 50, 2)
        expected = [encrypt_one(CIPHERS[0], 10, bytes(t), row) for t, row in zip(tweaks, rows.tolist(), strict=True)]
        assert FF1(CIPHERS[0], 10, length).encrypt(rows, tweaks).tolist() == expected


@pytest.mark.parametrize(("radix", "length"), [(10, 5), (2, 19), (999, 2), (62, 3), (65536, 1), (1, 30), (65537, 4),
                                               (10, 0)])
def test_a_domain_below_a_million_and_a_radix_out_of_range_are_refused(radix: int, length: int) -> None:
    with pytest.raises(ValueError, match="FF1"):
        FF1(CIPHERS[0], radix, length)
    with pytest.raises(ValueError, match="FF1"):
        encrypt_one(CIPHERS[0], radix, b"", [0] * length)


def test_numerals_that_are_none_and_rows_of_another_length_are_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="below 10") as caught:
        FF1(CIPHERS[0], 10, 6).encrypt(np.full((1, 6), 47, np.uint8))
    assert "47" not in str(caught.value)
    with pytest.raises(ValueError, match="6 numerals"):
        FF1(CIPHERS[0], 10, 6).encrypt(np.zeros((9, 7), np.uint8))
    with pytest.raises(ValueError, match="63 bits"):
        FF1(CIPHERS[0], 10, 19).encrypt_numbers(np.zeros(9, np.uint64))
    assert FF1(CIPHERS[0], 10, 6).encrypt(np.zeros((0, 6), np.uint8)).shape == (0, 6)


TEXTS = st.sampled_from(["0123456789", "0123456789abcdefghijklmnopqrstuvwxyz", string.ascii_letters + string.digits])


@given(TEXTS.flatmap(lambda alphabet: st.tuples(st.just(alphabet), st.lists(
    st.text(alphabet, min_size=6, max_size=24), max_size=20))), st.binary(max_size=20))
def test_texts_are_the_numerals_of_their_alphabet(case: tuple[str, list[str]], tweak: bytes) -> None:
    alphabet, texts = case
    chosen = AlphabetCipher(CIPHERS[0], alphabet)
    expected = ["".join(alphabet[n] for n in encrypt_one(CIPHERS[0], len(alphabet), tweak, [alphabet.index(c)
                        for c in text])) for text in texts]
    assert chosen.encrypt(texts, tweak) == expected
    assert chosen.decrypt(expected, tweak) == texts


def test_characters_outside_the_alphabet_are_refused_and_not_shown() -> None:
    chosen = AlphabetCipher(CIPHERS[0], "0123456789")
    for text in ("13800a38000", "1380013８000", "12345", ""):
        with pytest.raises(ValueError, match=r"alphabet|10\^6|1000000") as caught:
            chosen.encrypt([text])
        assert not text or text not in str(caught.value)
        assert caught.value.__cause__ is None
    for alphabet in ("0", "00", "０１", "0123456789" * 7):
        with pytest.raises(ValueError, match="different ASCII"):
            AlphabetCipher(CIPHERS[0], alphabet)

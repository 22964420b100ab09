"""Block ciphers, CMAC and SIV over many values: the standards' vectors, and the plain implementations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from guard.crypto import siv
from guard.crypto.blocks import BlockCipher, Bytes
from guard.crypto.cmac import Cmac

VECTORS = json.loads((Path(__file__).parent / "data" / "crypto_bulk.json").read_text())
AES_KEYS = st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
SIV_KEYS = st.sampled_from([32, 48, 64]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
VALUES = st.lists(st.binary(max_size=70), max_size=12)
COMPONENTS = st.lists(st.binary(max_size=40), max_size=4)


def matrix(*values: bytes) -> Bytes:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)


def plain_siv(key: bytes, value: bytes, associated: list[bytes], algorithm: type) -> bytes:
    """RFC 5297 sections 2.4 and 2.6, step by step, over the library's own CMAC and CTR."""
    mask = (1 << 128) - 1

    def mac(message: bytes) -> bytes:
        made = CMAC(algorithm(key[: len(key) // 2]))
        made.update(message)
        return made.finalize()

    def double(number: int) -> int:
        return (number << 1) & mask ^ (0x87 if number >> 127 else 0)

    bound = int.from_bytes(mac(bytes(16)), "big")
    for component in associated:
        bound = double(bound) ^ int.from_bytes(mac(component), "big")
    if len(value) >= 16:
        last = value[:-16] + (int.from_bytes(value[-16:], "big") ^ bound).to_bytes(16, "big")
    else:
        padded = (value + b"\x80").ljust(16, b"\0")
        last = (int.from_bytes(padded, "big") ^ double(bound)).to_bytes(16, "big")
    synthetic = mac(last)
    start = int.from_bytes(synthetic, "big") & ~(1 << 63 | 1 << 31)
    counter = Cipher(algorithm(key[len(key) // 2 :]), modes.CTR(start.to_bytes(16, "big"))).encryptor()
    return synthetic + counter.update(value)


def test_sm4_vectors_of_the_standard() -> None:
    once, often = VECTORS["sm4_block"]["vectors"]
    key, block = bytes.fromhex(once["key"]), bytes.fromhex(once["plaintext"])
    cipher = BlockCipher(key, "SM4")
    assert cipher.encrypt(matrix(block)).tobytes().hex() == once["ciphertext"]
    # Encrypted over and over is what CBC makes of zeros: the library does the million, and ours the first thousand.
    chain = Cipher(algorithms.SM4(key), modes.CBC(block)).encryptor().update(bytes(16 * often["iterations"]))
    assert chain[-16:].hex() == often["ciphertext"]
    state = matrix(block)
    for _ in range(1000):
        state = cipher.encrypt(state)
    assert state.tobytes() == chain[16 * 999 : 16 * 1000]


def test_sm4_vectors_of_the_library() -> None:
    for vector in VECTORS["library_sm4_ecb"]["vectors"]:
        blocks = matrix(bytes.fromhex(vector["plaintext"]))
        assert BlockCipher(bytes.fromhex(vector["key"]), "SM4").encrypt(blocks).tobytes().hex() == vector["ciphertext"]


@pytest.mark.parametrize("vector", VECTORS["aes_cmac"]["vectors"] + VECTORS["library_cmac"]["vectors"])
def test_cmac_vectors_of_rfc_4493_and_of_nist(vector: dict[str, str]) -> None:
    mac = Cmac(BlockCipher(bytes.fromhex(vector["key"])))
    assert mac.digest_one(bytes.fromhex(vector["msg"])).hex() == vector["mac"]


@given(AES_KEYS, st.integers(0, 50).flatmap(lambda n: st.lists(st.binary(min_size=n, max_size=n), min_size=1)))
def test_cmac_of_many_messages_is_that_of_each(key: bytes, messages: list[bytes]) -> None:
    expected = []
    for message in messages:
        mac = CMAC(algorithms.AES(key))
        mac.update(message)
        expected.append(mac.finalize())
    assert [row.tobytes() for row in Cmac(BlockCipher(key)).digest(matrix(*messages))] == expected


def test_cmac_with_sm4_is_that_of_the_library() -> None:
    key, message = bytes(range(16)), b"30 bytes, which are two blocks"
    mac = CMAC(algorithms.SM4(key))
    mac.update(message)
    assert Cmac(BlockCipher(key, "SM4")).digest_one(message) == mac.finalize()


@pytest.mark.parametrize("vector", VECTORS["aes_siv"]["vectors"] + VECTORS["library_aes_siv"]["vectors"])
def test_siv_vectors_of_rfc_5297_and_of_the_library(vector: dict[str, str]) -> None:
    key, value = bytes.fromhex(vector["key"]), bytes.fromhex(vector["plaintext"])
    associated = [bytes.fromhex(component) for component in vector["ad"]]
    assert siv.seal_many(key, [value], associated)[0].hex() == vector["out"]
    assert siv.open_many(key, [bytes.fromhex(vector["out"])], associated) == [value]


@given(SIV_KEYS, st.lists(st.binary(min_size=1, max_size=70), max_size=12), COMPONENTS)
def test_bulk_siv_is_the_library_s_byte_for_byte(key: bytes, values: list[bytes], associated: list[bytes]) -> None:
    one = AESSIV(key)
    assert siv.seal_many(key, values, associated) == [one.encrypt(value, associated) for value in values]


@given(st.binary(min_size=32, max_size=32), VALUES, COMPONENTS)
def test_siv_opens_to_what_was_sealed_with_either_cipher(key: bytes, values: list[bytes], bound: list[bytes]) -> None:
    for algorithm in ("AES", "SM4"):
        assert siv.open_many(key, siv.seal_many(key, values, bound, algorithm), bound, algorithm) == values


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=70), COMPONENTS)
def test_siv_with_sm4_is_the_construction_of_the_rfc(key: bytes, value: bytes, associated: list[bytes]) -> None:
    assert siv.seal_many(key, [value], associated, "SM4") == [plain_siv(key, value, associated, algorithms.SM4)]


def test_more_values_than_are_worked_on_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.crypto.siv.ROWS", 7)
    monkeypatch.setattr("guard.crypto.cmac.ROWS", 5)
    values = [bytes([n]) * (n % 40) for n in range(1, 100)]
    sealed = siv.seal_many(bytes(range(64)), values, [b"a"])
    assert sealed == [plain_siv(bytes(range(64)), value, [b"a"], algorithms.AES) for value in values]
    assert siv.open_many(bytes(range(64)), sealed, [b"a"]) == values


def test_values_keep_zero_bytes_at_their_end_and_their_order() -> None:
    values = [b"a\0\0", b"", b"\0", b"b", b"\0\0\0", b""]
    assert siv.open_many(bytes(32), siv.seal_many(bytes(32), values)) == values
    assert siv.seal_many(bytes(32), []) == []


@given(st.binary(max_size=40), st.integers(0, 10**6))
def test_a_flipped_bit_does_not_open(value: bytes, place: int) -> None:
    sealed = bytearray(siv.seal_many(bytes(32), [value], [b"field"])[0])
    sealed[place // 8 % len(sealed)] ^= 1 << place % 8
    with pytest.raises(InvalidTag):
        siv.open_many(bytes(32), [bytes(sealed)], [b"field"])


def test_another_key_field_or_a_missing_byte_does_not_open_and_the_error_says_no_more() -> None:
    sealed = siv.seal_many(bytes(32), [b"13800138000", b"13900139000"], [b"mobile"])
    for key, parts, bound in ((b"k" * 32, sealed, [b"mobile"]), (bytes(32), sealed, [b"other"]),
                              (bytes(32), sealed, []), (bytes(32), [sealed[0], sealed[1][:-1]], [b"mobile"]),
                              (bytes(32), [b"short"], [b"mobile"]), (bytes(32), [b""], [b"mobile"])):
        with pytest.raises(InvalidTag) as caught:
            siv.open_many(key, parts, bound)
        assert str(caught.value) == ""


def test_keys_of_another_length_and_other_ciphers_are_refused() -> None:
    for key, algorithm in ((bytes(15), "AES"), (bytes(32), "SM4"), (bytes(16), "DES")):
        with pytest.raises(ValueError, match=r"key of|block ciphers"):
            BlockCipher(key, algorithm)
    with pytest.raises(ValueError, match="two keys"):
        siv.Siv(bytes(33))
    with pytest.raises(ValueError, match="126"):
        siv.Siv(bytes(32), [b""] * 127)


def test_a_cipher_shows_no_key() -> None:
    assert repr(BlockCipher(b"secret key bytes")) == "<BlockCipher AES>"

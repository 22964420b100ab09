"""A keyring of several keys: what each status may do, both suites, and where the key-encryption key comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from guard.errors import KeyringError
from guard.keys import SUITES, Keyring, KeyStatus, open_sm4_gcm, seal_sm4_gcm
from guard.keys.suites import Unwrapped
from guard.keys.unlocking import SCRYPT

VECTORS = json.loads((Path(__file__).parent / "data" / "field_encryption.json").read_text())
KEK = "5a" * 32


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.keys.unlocking.SCRYPT", {**SCRYPT, "n": 2**14})


@pytest.fixture(params=["standard", "domestic"])
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def derived(keyring: Keyring, key_id: str = "") -> bytes:
    return keyring.derive("token", "person.id.cn", "x", key_id=key_id)


def test_a_rotated_key_still_derives_and_the_new_one_is_active(tmp_path: Path, suite: str) -> None:
    keyring = Keyring.create(tmp_path / "ring", suite=suite)
    first, before = keyring.key_id, derived(keyring)
    second = keyring.rotate()
    opened = Keyring.open(tmp_path / "ring")
    assert opened.suite == suite
    assert [(record.id, record.status) for record in opened.keys] == [
        (first, KeyStatus.RETIRED), (second, KeyStatus.ACTIVE)]
    assert opened.key_id == second != first
    for ring in (keyring, opened):
        assert derived(ring, first) == before != derived(ring)
        assert derived(ring, second) == derived(ring)


def test_retire_leaves_no_active_key_until_the_next_rotation(tmp_path: Path, suite: str) -> None:
    keyring = Keyring.create(tmp_path / "ring", suite=suite)
    first, before = keyring.key_id, derived(keyring)
    keyring.retire(first)
    opened = Keyring.open(tmp_path / "ring")
    assert opened.key_id == ""
    assert derived(opened, first) == before
    with pytest.raises(KeyringError, match="no active key") as caught:
        derived(opened)
    assert "rotate" in caught.value.hint
    assert derived(opened, opened.rotate()) == derived(opened)


def test_a_destroyed_key_is_gone_from_file_and_memory(tmp_path: Path, suite: str) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path, suite=suite)
    first = keyring.key_id
    wrapped = json.loads(path.read_text())["keys"][0]["wrapped"]
    keyring.rotate()
    keyring.destroy_key(first)
    assert wrapped not in path.read_text()
    record = Keyring.open(path).keys[0]
    assert (record.id, record.status, record.wrapped) == (first, KeyStatus.DESTROYED, "")
    assert record.destroyed >= record.retired >= record.created
    for ring in (keyring, Keyring.open(path)):
        with pytest.raises(KeyringError, match=f"{first} was destroyed"):
            derived(ring, first)


def test_what_a_status_does_not_allow_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    keyring = Keyring.create(path)
    first = keyring.key_id
    second = keyring.rotate()
    before = path.read_bytes()
    for refused, match in (
            (lambda: keyring.destroy_key(second), "is active"), (lambda: keyring.retire(first), "is retired"),
            (lambda: keyring.destroy_key("k00000000"), "no such key"), (lambda: keyring.retire("x"), "no such key")):
        with pytest.raises(KeyringError, match=match):
            refused()
        assert path.read_bytes() == before
    keyring.destroy_key(first)
    with pytest.raises(KeyringError, match="destroyed already"):
        keyring.destroy_key(first)


def test_a_keyring_without_a_file_or_forgotten_cannot_be_changed(tmp_path: Path) -> None:
    forgotten = Keyring.create(tmp_path / "ring")
    forgotten.destroy()
    for keyring in (Keyring.ephemeral(), forgotten):
        with pytest.raises(KeyringError, match="no file to change"):
            keyring.rotate()
        with pytest.raises(KeyringError, match="no audit log"):
            keyring.audit_key()


def test_the_audit_key_outlives_the_keys_of_values(tmp_path: Path, suite: str) -> None:
    keyring = Keyring.create(tmp_path / "ring", suite=suite)
    before, first = keyring.audit_key(), keyring.key_id
    keyring.rotate()
    keyring.destroy_key(first)
    assert Keyring.open(tmp_path / "ring").audit_key() == before
    assert before not in (derived(keyring), bytes(32))


def test_a_passphrase_serves_every_change(tmp_path: Path, suite: str) -> None:
    keyring = Keyring.create(tmp_path / "ring", passphrase="one two", suite=suite)
    keyring.rotate()
    opened = Keyring.open(tmp_path / "ring", passphrase="one two")
    assert derived(opened) == derived(keyring)
    with pytest.raises(KeyringError, match="cannot be opened"):
        Keyring.open(tmp_path / "ring", passphrase="one too")


def test_a_variable_of_the_environment_opens_what_it_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          suite: str) -> None:
    monkeypatch.setenv("GUARD_TEST_KEK", KEK)
    made = Keyring.create(tmp_path / "ring", key_variable="GUARD_TEST_KEK", suite=suite)
    assert [path.name for path in tmp_path.iterdir()] == ["ring"]
    assert KEK not in (tmp_path / "ring").read_text()
    assert derived(Keyring.open(tmp_path / "ring")) == derived(made)
    monkeypatch.setenv("GUARD_TEST_KEK", "00" * 32)
    with pytest.raises(KeyringError, match="cannot be opened"):
        Keyring.open(tmp_path / "ring")
    monkeypatch.delenv("GUARD_TEST_KEK")
    with pytest.raises(KeyringError, match="GUARD_TEST_KEK is not set"):
        Keyring.open(tmp_path / "ring")
    with pytest.raises(KeyringError, match="by a variable of the environment"):
        Keyring.open(tmp_path / "ring", passphrase="x")


@pytest.mark.parametrize("value", ["", "correct horse battery staple", "5a" * 31, "5a" * 33, "zz" * 32])
def test_a_variable_must_hold_a_whole_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GUARD_TEST_KEK", value)
    with pytest.raises(KeyringError, match="holds no key") as caught:
        Keyring.create(tmp_path / "ring", key_variable="GUARD_TEST_KEK")
    assert not value or value not in str(caught.value) + caught.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [
    {"key_variable": "A B"}, {"key_variable": "X", "passphrase": "y"}, {"suite": "rot13"},
])
def test_what_cannot_be_a_keyring_is_refused(tmp_path: Path, arguments: dict[str, str]) -> None:
    with pytest.raises(KeyringError):
        Keyring.create(tmp_path / "ring", **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def swap(document: dict[str, Any]) -> None:
    one, two = document["keys"][:2]
    one["wrapped"], two["wrapped"] = two["wrapped"], one["wrapped"]


def revive(document: dict[str, Any]) -> None:
    document["keys"][0].update(status="active")
    document["keys"][1].update(status="retired")


def flip(document: dict[str, Any]) -> None:
    wrapped = bytearray.fromhex(document["keys"][1]["wrapped"])
    wrapped[3] ^= 1
    document["keys"][1]["wrapped"] = wrapped.hex()


EDITS: list[Callable[[dict[str, Any]], Any]] = [
    swap, revive, flip,
    lambda d: d["keys"].reverse(),
    lambda d: d["keys"].pop(0),
    lambda d: d["keys"][0].pop("retired"),
    lambda d: d["keys"][1].update(note="x"),
    lambda d: d.update(suite="standard"),
    lambda d: d.update(suite="domestic"),
    lambda d: d.update(suite=[]),
    lambda d: d.update(wrap=[]),
]


def test_edits_of_the_list_of_keys_give_the_one_error(tmp_path: Path, suite: str) -> None:
    path = tmp_path / "ring"
    Keyring.create(path, suite=suite).rotate()
    whole = path.read_bytes()
    messages = set()
    for change in EDITS:
        document = json.loads(whole)
        change(document)
        if document == json.loads(whole):
            continue
        path.write_text(json.dumps(document))
        with pytest.raises(KeyringError) as caught:
            Keyring.open(path)
        messages.add((caught.value.message, caught.value.hint))
    assert len(messages) == 1


def test_a_swapped_wrap_does_not_open_in_the_domestic_suite_even_without_the_mac() -> None:
    domestic = SUITES["domestic"]
    wrapped = domestic.wrap(bytes(32), b"k" * 32, "k1")
    assert domestic.unwrap(bytes(32), wrapped, "k1") == b"k" * 32
    for other in ((wrapped, "k2"), (wrapped[:-1], "k1"), (b"", "k1"), (wrapped[:12], "k1")):
        with pytest.raises(Unwrapped):
            domestic.unwrap(bytes(32), *other)


def test_the_suites_share_no_key() -> None:
    one, two = Keyring.ephemeral(), Keyring.ephemeral("domestic")
    two._masters[two.key_id][:] = one._masters[one.key_id]
    assert derived(one) != derived(two)


def hkdf_sm3(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with HMAC-SM3, as the oracle."""
    def mac(key: bytes, message: bytes) -> bytes:
        state = HMAC(key, hashes.SM3())
        state.update(message)
        return state.finalize()

    pseudorandom, block, out = mac(bytes(32), secret), b"", b""
    while len(out) < length:
        out += (block := mac(pseudorandom, block + info + bytes([len(out) // 32 + 1])))
    return out[:length]


@pytest.mark.parametrize("length", [16, 32, 64])
def test_the_domestic_suite_derives_by_hkdf_over_sm3(length: int) -> None:
    assert SUITES["domestic"].derive(b"s" * 32, length, b"info") == hkdf_sm3(b"s" * 32, b"info", length)


@pytest.mark.parametrize("vector", VECTORS["sm3"]["vectors"])
def test_sm3_is_that_of_gb_t_32905(vector: dict[str, str]) -> None:
    assert SUITES["domestic"].digest(bytes.fromhex(vector["msg"])).hex() == vector["digest"]


@pytest.mark.parametrize("vector", VECTORS["hmac_sm3_crosscheck"]["vectors"])
def test_hmac_sm3_is_the_construction_of_rfc_2104(vector: dict[str, str]) -> None:
    key, message = bytes.fromhex(vector["key"]), bytes.fromhex(vector["msg"])
    digest = SUITES["domestic"].digest
    padded = key.ljust(64, b"\0")
    inner = digest(bytes(b ^ 0x36 for b in padded) + message)
    assert digest(bytes(b ^ 0x5C for b in padded) + inner).hex() == vector["mac"]
    assert SUITES["domestic"].mac(key, message).hex() == vector["mac"]


@pytest.mark.parametrize("vector", VECTORS["sm4_gcm"]["vectors"])
def test_sm4_gcm_is_that_of_rfc_8998(vector: dict[str, str]) -> None:
    key, nonce, associated, plaintext = (bytes.fromhex(vector[name]) for name in ("key", "iv", "aad", "plaintext"))
    sealed = seal_sm4_gcm(key, nonce, plaintext, associated)
    assert sealed.hex() == vector["ciphertext"] + vector["tag"]
    assert open_sm4_gcm(key, nonce, sealed, associated) == plaintext

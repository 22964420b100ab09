"""The keyring: round trips, what is refused, what is never shown; derivation against published vectors."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import KeyringError
from guard.keys import Keyring, fingerprinter
from guard.keys.unlocking import SCRYPT_BOUNDS

VECTORS = json.loads((Path(__file__).parent / "data" / "crypto.json").read_text())
texts = st.text(max_size=12)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keyrings that cost a sixteenth; the format stays."""
    monkeypatch.setattr("guard.keys.unlocking.SCRYPT", {"n": 2**14, "r": 8, "p": 1})


def derived(keyring: Keyring) -> bytes:
    return keyring.derive("token", "person.id.cn", "release:x")


def test_a_passphrase_opens_what_it_made(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path / "ring", passphrase="correct horse 电池")
    opened = Keyring.open(tmp_path / "ring", passphrase="correct horse 电池")
    assert derived(opened) == derived(made)
    assert opened.key_id == made.key_id
    assert not opened.is_ephemeral


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_may_be_typed_composed_or_decomposed(tmp_path: Path) -> None:
    made = Keyring.create(tmp_path / "ring", passphrase="caf\u00e9")
    assert derived(Keyring.open(tmp_path / "ring", passphrase="cafe\u0301")) == derived(made)


@pytest.mark.parametrize("key_file", [None, "elsewhere"])
def test_a_key_file_opens_what_it_made(tmp_path: Path, key_file: str | None) -> None:
    chosen = tmp_path / key_file if key_file else None
    made = Keyring.create(tmp_path / "ring", key_file=chosen)
    assert derived(Keyring.open(tmp_path / "ring", key_file=chosen)) == derived(made)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["ring", key_file or "ring.kek"])
    assert {p.stat().st_mode & 0o777 for p in tmp_path.iterdir()} == {0o600}


def test_one_key_file_may_serve_two_keyrings(tmp_path: Path) -> None:
    one = Keyring.create(tmp_path / "one", key_file=tmp_path / "kek")
    two = Keyring.create(tmp_path / "two", key_file=tmp_path / "kek")
    assert derived(one) != derived(two)
    assert derived(Keyring.open(tmp_path / "one", key_file=tmp_path / "kek")) == derived(one)


def test_a_keyring_is_never_overwritten(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "ring")
    before = (tmp_path / "ring").read_bytes()
    with pytest.raises(KeyringError, match="exists already"):
        Keyring.create(tmp_path / "ring")
    assert (tmp_path / "ring").read_bytes() == before


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def slower(source: Any, target: Any) -> None:
        Path(target).write_text("another's")
        real(source, target)

    monkeypatch.setattr("guard.private_files.os.link", slower)
    with pytest.raises(KeyringError, match="exists already"):
        Keyring.create(tmp_path / "ring", key_file=tmp_path / "kek")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["another's"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter([False, True])

    def full(_: int) -> None:
        if next(calls, True):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("guard.private_files.os.fsync", full)
    with pytest.raises(KeyringError, match="cannot be written"):
        Keyring.create(tmp_path / "ring")
    assert "ring" not in {p.name for p in tmp_path.iterdir()}
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_missing_folder_is_an_error_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="the folder that should hold ring"):
        Keyring.create(tmp_path / "no" / "ring")
    with pytest.raises(KeyringError, match="does not exist"):
        Keyring.open(tmp_path / "ring")


@pytest.mark.parametrize("arguments", [{"passphrase": ""}, {"passphrase": "x", "key_file": "y"}])
def test_useless_arguments_are_refused(tmp_path: Path, arguments: dict[str, str]) -> None:
    with pytest.raises(KeyringError):
        Keyring.create(tmp_path / "ring", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", ["ring", "ring.kek"])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    Keyring.create(tmp_path / "ring")
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeyringError, match="others") as caught:
        Keyring.open(tmp_path / "ring")
    assert caught.value.hint == f"chmod 600 {name}"


def test_links_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "ring")
    (tmp_path / "link").symlink_to("ring")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, reason in [("link", "symbolic link"), ("pipe", "not a regular file"), (".", "not a regular file")]:
        with pytest.raises(KeyringError, match=reason):
            Keyring.open(tmp_path / name)
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(KeyringError, match="exists already"):
        Keyring.create(tmp_path / "dangling")


def test_another_users_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Keyring.create(tmp_path / "ring")
    monkeypatch.setattr("guard.private_files.os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeyringError, match="another user"):
        Keyring.open(tmp_path / "ring")


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def _flip(document: dict[str, Any]) -> None:
    wrapped = bytearray.fromhex(document["keys"][0]["wrapped"])
    wrapped[9] ^= 1
    document["keys"][0]["wrapped"] = wrapped.hex()


EDITS: list[Callable[[dict[str, Any]], Any]] = [
    _flip,
    lambda d: d["keys"][0].update(status="retired"),
    lambda d: d["keys"][0].update(id="k00000000"),
    lambda d: d["keys"][0].update(created="2020-01-01T00:00:00+00:00"),
    lambda d: d["keys"].append(d["keys"][0]),
    lambda d: d["keys"].clear(),
    lambda d: d.update(keys="none"),
    lambda d: d.update(mac="00" * 32),
    lambda d: d.update(mac="密"),
    lambda d: d.pop("mac"),
    lambda d: d.pop("wrap"),
    lambda d: d.update(suite="domestic"),
    lambda d: d.update(guard_keyring=0),
    lambda d: d["wrap"].update(algorithm="none"),
    lambda d: d["wrap"].update(kek="file"),
    lambda d: d["wrap"]["scrypt"].update(salt="00" * 16),
    lambda d: d["wrap"]["scrypt"].update(salt=""),
    lambda d: d["wrap"]["scrypt"].update(salt=7),
    lambda d: d["wrap"].update(scrypt=None),
    lambda d: d.update(extra=True),
]


@pytest.mark.usefixtures("cheap")
def test_wrong_passphrase_edited_and_truncated_files_give_one_error(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    Keyring.create(path, passphrase="right")
    whole = path.read_bytes()
    messages = {message_of(path, "wrong")}
    for size in (0, 1, 40, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:size])
        messages.add(message_of(path, "right"))
    for garbage in (b"\xff\xfe", b"[]", b"null", b"[" * 50_000, b'{"guard_keyring": 1, "suite": "standard"}'):
        path.write_bytes(garbage)
        messages.add(message_of(path, "right"))
    for change in EDITS[:14] + EDITS[15:]:
        path.write_bytes(whole)
        edited(path, change)
        messages.add(message_of(path, "right"))
    assert len(messages) == 1
    path.write_bytes(whole)
    Keyring.open(path, passphrase="right")


def message_of(path: Path, passphrase: str) -> tuple[str, str]:
    with pytest.raises(KeyringError) as caught:
        Keyring.open(path, passphrase=passphrase)
    return caught.value.message, caught.value.hint


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(("name", "value"), [
    ("n", 2**30), ("n", 2**19), ("n", 2**14 + 1), ("n", 2), ("n", -1), ("n", "16384"), ("n", True), ("n", None),
    ("r", 2**20), ("r", 1), ("p", 2**20), ("p", 0), ("p", 1.0),
])
def test_an_edited_cost_is_refused_before_it_is_paid(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    path = tmp_path / "ring"
    Keyring.create(path, passphrase="right")
    edited(path, lambda d: d["wrap"]["scrypt"].update({name: value}))
    paid: list[tuple[Any, ...]] = []
    monkeypatch.setattr("cryptography.hazmat.primitives.kdf.scrypt.Scrypt", lambda *cost: paid.append(cost))
    message_of(path, "right")
    assert not paid


def test_the_highest_cost_that_is_accepted_fits_into_memory() -> None:
    highest = {name: bounds[1] for name, bounds in SCRYPT_BOUNDS.items()}
    assert 128 * highest["r"] * (highest["n"] + highest["p"]) <= 300 * 2**20


@pytest.mark.usefixtures("cheap")
def test_the_kind_of_key_is_named_when_the_other_kind_is_given(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "phrase", passphrase="right")
    Keyring.create(tmp_path / "file")
    with pytest.raises(KeyringError, match="needs its passphrase"):
        Keyring.open(tmp_path / "phrase")
    with pytest.raises(KeyringError, match="by a key file"):
        Keyring.open(tmp_path / "file", passphrase="right")


@pytest.mark.parametrize("content", ["", "zz" * 32, "00" * 31, "00" * 33, "00" * 32])
def test_a_wrong_key_file_opens_nothing(tmp_path: Path, content: str) -> None:
    Keyring.create(tmp_path / "ring")
    (tmp_path / "ring.kek").write_text(content)
    with pytest.raises(KeyringError, match="cannot be opened"):
        Keyring.open(tmp_path / "ring")


def test_a_newer_format_says_so(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "ring")
    edited(tmp_path / "ring", lambda d: d.update(guard_keyring=2))
    with pytest.raises(KeyringError, match="newer") as caught:
        Keyring.open(tmp_path / "ring")
    assert caught.value.hint == "upgrade guard"


def test_nothing_of_the_key_is_in_file_repr_or_pickle(tmp_path: Path) -> None:
    keyring = Keyring.create(tmp_path / "ring", key_file=tmp_path / "kek")
    master = bytes(keyring._masters[keyring.key_id])
    assert master.hex() not in (tmp_path / "ring").read_text() + (tmp_path / "kek").read_text()
    assert repr(keyring) == str(keyring) == f"<Keyring {keyring.key_id}>"
    for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            refuse(keyring)


def test_an_ephemeral_keyring_ends_with_destroy() -> None:
    keyring = Keyring.ephemeral()
    master = keyring._masters[keyring.key_id]
    assert keyring.is_ephemeral
    assert derived(keyring) == derived(keyring)
    assert derived(keyring) != derived(Keyring.ephemeral())
    keyring.destroy()
    keyring.destroy()
    assert bytes(master) == bytes(32)
    with pytest.raises(KeyringError, match="destroyed"):
        derived(keyring)


@given(st.tuples(texts, texts, texts), st.tuples(texts, texts, texts))
def test_different_purposes_classes_and_domains_never_share_a_key(one: tuple[str, ...], two: tuple[str, ...]) -> None:
    assert (RING.derive(*one) == RING.derive(*two)) == (one == two)


@given(texts, texts, texts, st.integers(0, 12))
def test_moving_a_border_between_the_parts_gives_another_key(a: str, b: str, c: str, cut: int) -> None:
    joined = a + b
    moved = (joined[:cut], joined[cut:])
    assert (RING.derive(*moved, c) == RING.derive(a, b, c)) == (moved == (a, b))


RING = Keyring.ephemeral()


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 in three lines, as the oracle."""
    pseudorandom, block, out = hmac.digest(salt or bytes(32), ikm, "sha256"), b"", b""
    while len(out) < length:
        out += (block := hmac.digest(pseudorandom, block + info + bytes([len(out) // 32 + 1]), "sha256"))
    return out[:length]


@pytest.mark.parametrize("length", [16, 32, 64])
def test_derived_keys_follow_rfc_5869(length: int) -> None:
    parts = ["guard/v1", "standard", "token", "person.name", "发布", str(length)]
    info = b"".join(len(p.encode()).to_bytes(8, "big") + p.encode() for p in parts)
    master = bytes(RING._masters[RING.key_id])
    assert RING.derive("token", "person.name", "发布", length) == hkdf(master, b"", info, length)


@pytest.mark.parametrize("length", [0, 15, 65])
def test_derived_keys_are_neither_short_nor_endless(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 64"):
        RING.derive("token", "", "", length)


@pytest.mark.parametrize("vector", VECTORS["hkdf_sha256"]["vectors"])
def test_the_oracle_and_the_library_agree_with_rfc_5869(vector: dict[str, Any]) -> None:
    ikm, salt, info = (bytes.fromhex(vector[name]) for name in ("ikm", "salt", "info"))
    library = HKDF(hashes.SHA256(), vector["length"], salt=salt, info=info).derive(ikm)
    assert hkdf(ikm, salt, info, vector["length"]).hex() == library.hex() == vector["okm"]


@pytest.mark.parametrize("vector", VECTORS["aes_kwp"]["vectors"])
def test_the_key_wrap_is_that_of_rfc_5649(vector: dict[str, str]) -> None:
    kek, key, wrapped = (bytes.fromhex(vector[name]) for name in ("kek", "key", "wrapped"))
    assert keywrap.aes_key_wrap_with_padding(kek, key) == wrapped
    assert keywrap.aes_key_unwrap_with_padding(kek, wrapped) == key


GOLDEN = {
    "guard_keyring": 1, "suite": "standard", "wrap": {"algorithm": "AES-256-KWP", "kek": "file"},
    "keys": [{"id": "k00c0ffee", "status": "active", "created": "2026-11-22T00:00:00+00:00",
              "wrapped": "af1ae4b90f46ec5d9877f44eec36522d0f385c250d85a65b9cbe34f12f094b31c583ae01130d99d0"}],
    "mac": "c262a449e0098ef3e9551f1c4bdfece16efd2655d878c6dc01609ad0f18987c2",
}


def test_a_keyring_of_the_first_version_still_opens(tmp_path: Path) -> None:
    for name, content in (("ring", json.dumps(GOLDEN)), ("ring.kek", "07" * 32)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    keyring = Keyring.open(tmp_path / "ring")
    assert keyring.key_id == "k00c0ffee"
    expected = "9363c29c6323c50cf6314b0bf4fdf155ed306cc737e6698d5e762902ab381c17"
    assert hashlib.sha256(derived(keyring)).hexdigest() == expected


def test_fingerprints_are_hmac_sha256_over_class_and_value() -> None:
    vector = VECTORS["hmac_sha256"]["vectors"][0]
    assert hmac.digest(bytes.fromhex(vector["key"]), bytes.fromhex(vector["msg"]), "sha256").hex() == vector["mac"]
    key = bytes(range(32))
    message = (12).to_bytes(8, "big") + b"person.email" + (6).to_bytes(8, "big") + "张三".encode()
    assert fingerprinter(key)("person.email", "张三") == hmac.digest(key, message, "sha256").hex()[:32]


@given(st.text(), st.text(), st.text(), st.text())
def test_fingerprints_differ_by_class_value_and_key(a: str, b: str, c: str, d: str) -> None:
    one, two = fingerprinter(b"k" * 32), fingerprinter(b"K" * 32)
    assert (one(a, b) == one(c, d)) == ((a, b) == (c, d))
    assert one(a, b) != two(a, b)
    assert len(one(a, b)) == 32


def test_a_lone_surrogate_has_a_fingerprint_and_a_short_key_has_none() -> None:
    assert fingerprinter(b"k" * 32)("x", "\ud800") != fingerprinter(b"k" * 32)("x", "?")
    with pytest.raises(ValueError, match="at least 16 bytes"):
        fingerprinter(b"short")

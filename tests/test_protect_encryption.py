"""Field encryption: round trips, what a value is bound to, what is refused, and the algorithms behind it."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV, AESSIV
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import KeyringError, UsageError
from guard.keys import Keyring, packed
from guard.model import Action, Decision, Scope
from guard.protect import Transform, transform
from guard.protect import encryption as room
from guard.protect.ciphertext import CIPHERTEXT, Malformed, decoded, encoded
from guard.protect.encryption import LEAST_DISTINCT, DeterministicEncryption, RandomisedEncryption

VECTORS = json.loads((Path(__file__).parent / "data" / "field_encryption.json").read_text())
RINGS = {suite: Keyring.ephemeral(suite) for suite in ("standard", "domestic")}
ID = "11010119900307003X"
texts = st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=12)
suites = st.sampled_from(sorted(RINGS))

Make = Callable[..., Transform]


def randomised(ring: Keyring, dataset: str = "people", field: str = "id") -> RandomisedEncryption:
    return RandomisedEncryption(ring, dataset, field)


def deterministic(ring: Keyring, domain: str = "city", field: str = "id", **more: bool) -> DeterministicEncryption:
    return DeterministicEncryption(ring, domain, field, **more)


MODES: dict[str, Any] = {"r": randomised, "d": deterministic}


@pytest.fixture(params=sorted(RINGS))
def ring(request: pytest.FixtureRequest) -> Keyring:
    return RINGS[str(request.param)]


@pytest.fixture(params=sorted(MODES))
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = MODES[str(request.param)]
    return made


def column(values: list[str | None], kind: Any = None) -> Any:
    return pa.array(values, kind or pa.string())


@given(texts, suites, st.sampled_from(sorted(MODES)), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_column_comes_back_whole(values: list[str | None], suite: str, mode: str, kind: Any) -> None:
    cipher = MODES[mode](RINGS[suite])
    sealed = cipher.apply(column(values, kind))
    assert sealed.type == kind
    for value, text in zip(values, sealed.to_pylist(), strict=True):
        assert (text == value) if not value else (CIPHERTEXT.fullmatch(text) and len(value) < len(text))
    assert cipher.reveal(sealed).to_pylist() == values
    assert cipher.reveal(sealed).type == kind
    assert cipher.injective
    assert cipher.reversible
    assert not cipher.keeps_type


@given(texts, suites)
def test_a_slice_of_a_column_comes_back_as_well(values: list[str | None], suite: str) -> None:
    cipher = deterministic(RINGS[suite])
    sliced = column([*values, "x", "yy"]).slice(1)
    assert cipher.reveal(cipher.apply(sliced)).to_pylist() == sliced.to_pylist()
    assert cipher.apply(sliced).to_pylist() == cipher.apply(column([*values, "x", "yy"])).to_pylist()[1:]


@given(st.text(min_size=1), suites, st.sampled_from(sorted(MODES)))
def test_one_value_comes_back(value: str, suite: str, mode: str) -> None:
    cipher = MODES[mode](RINGS[suite])
    sealed = cipher.apply_one(value)
    assert cipher.reveal_one(sealed) == value
    assert cipher.apply_one("") == ""
    assert cipher.reveal_one("") == ""


def test_equal_values_look_equal_only_where_they_shall(ring: Keyring) -> None:
    values = column([ID] * 3)
    assert len(set(randomised(ring).apply(values).to_pylist())) == 3
    assert len(set(deterministic(ring).apply(values).to_pylist())) == 1
    assert deterministic(ring).apply_one(ID) == deterministic(ring).apply_one(ID)


@given(st.lists(st.text(min_size=1), unique=True, max_size=8), suites)
def test_different_values_look_different(values: list[str], suite: str) -> None:
    assert len(set(deterministic(RINGS[suite]).apply(column([*values])).to_pylist())) == len(values)


def refusal(action: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(KeyringError) as caught:
        action()
    assert ID not in caught.value.message + caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message, caught.value.hint


def test_a_moved_value_another_key_and_any_changed_character_give_one_error(ring: Keyring, make: Make) -> None:
    sealed = str(make(ring).apply_one(ID))
    messages = {
        refusal(lambda: make(ring, "other").reveal_one(sealed)),
        refusal(lambda: make(ring, field="name").reveal_one(sealed)),
        refusal(lambda: make(ring, "peopleid", "").reveal_one(sealed)),
        refusal(lambda: make(Keyring.ephemeral(ring.suite)).reveal_one(sealed)),
        refusal(lambda: make(RINGS["domestic" if ring.suite == "standard" else "standard"]).reveal_one(sealed)),
        refusal(lambda: make(ring).reveal_one(ID)), refusal(lambda: make(ring).reveal_one("g1:")),
    }
    same = renamed(Keyring.ephemeral(ring.suite), ring.key_id)
    messages.add(refusal(lambda: make(same).reveal_one(sealed)))
    for place in range(len(sealed)):
        for symbol in ("A", "B", "0", ":", "=", " ", "\u5bc6"):
            changed = sealed[:place] + symbol + sealed[place + 1 :]
            if changed != sealed:
                messages.add(refusal(lambda: make(ring).reveal_one(changed)))  # noqa: B023 - called at once
    for cut in (1, 5, 17, 30, len(sealed) - 16):
        messages.add(refusal(lambda: make(ring).reveal_one(sealed[:-cut])))  # noqa: B023 - called at once
    for added in ("A", "AAAA", "=", "\n"):
        messages.add(refusal(lambda: make(ring).reveal_one(sealed + added)))  # noqa: B023 - called at once
    assert len(messages) == 1


def renamed(ring: Keyring, key_id: str) -> Keyring:
    """Another key under the same id."""
    from dataclasses import replace

    old = ring.key_id
    ring._document = replace(ring._document, keys=(replace(ring.keys[0], id=key_id),))
    ring._masters[key_id] = ring._masters.pop(old)
    return ring


def test_the_spare_bits_at_the_end_of_base64_count(ring: Keyring, make: Make) -> None:
    value = next(text for text in ("1234", "12345", "123456") if len(str(make(ring).apply_one(text))[16:]) % 4 == 2)
    sealed = str(make(ring).apply_one(value))
    symbols = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = symbols.index(sealed[-1])
    assert last % 16 == 0
    refusal(lambda: make(ring).reveal_one(sealed[:-1] + symbols[last + 1]))


def test_a_bit_in_one_row_refuses_the_column(ring: Keyring, make: Make) -> None:
    sealed = make(ring).apply(column([ID, "b", "c"])).to_pylist()
    payload = bytearray(base64.urlsafe_b64decode(sealed[0][16:] + "=="))
    payload[-1] ^= 1
    sealed[0] = sealed[0][:16] + base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    refusal(lambda: make(ring).reveal(column(sealed)))


def test_a_randomised_value_is_bound_to_its_record(ring: Keyring) -> None:
    values, records = column([ID, None, "", "x"]), column(["r1", "r2", "r3", "r4"])
    cipher = randomised(ring)
    sealed = cipher.apply(values, records)
    assert cipher.reveal(sealed, records).to_pylist() == values.to_pylist()
    messages = {
        refusal(lambda: cipher.reveal(sealed, column(["r4", "r2", "r3", "r1"]))),
        refusal(lambda: cipher.reveal(sealed)),
        refusal(lambda: cipher.reveal(sealed, column(["", "", "", ""]))),
        refusal(lambda: cipher.reveal(cipher.apply(values), records)),
    }
    assert len(messages) == 1
    for bad in (column(["r1", "r2", "", "r4"]), column(["r1", None, "r3", "r4"]), column(["r1"])):
        with pytest.raises(UsageError, match="record key"):
            cipher.apply(values, bad)


def test_the_modes_do_not_open_each_other(ring: Keyring) -> None:
    assert refusal(lambda: randomised(ring).reveal_one(str(deterministic(ring).apply_one(ID)))) == refusal(
        lambda: deterministic(ring).reveal_one(str(randomised(ring).apply_one(ID))))


@pytest.mark.parametrize("suite", sorted(RINGS))
def test_older_keys_still_reveal_and_destroyed_ones_say_so(tmp_path: Path, make: Make, suite: str) -> None:
    keyring = Keyring.create(tmp_path / "ring", suite=suite)
    first = keyring.key_id
    old = make(keyring).apply_one(ID)
    second = keyring.rotate()
    new = make(keyring).apply_one(ID)
    assert (str(old)[3:12], str(new)[3:12]) == (first, second)
    mixed = column([old, new, None, "", old])
    assert make(keyring).reveal(mixed).to_pylist() == [ID, ID, None, "", ID]
    keyring.destroy_key(first)
    message, hint = refusal(lambda: make(keyring).reveal(mixed))
    assert first in message
    assert "again" in hint
    assert make(keyring).reveal_one(str(new)) == ID
    keyring.retire(second)
    with pytest.raises(KeyringError, match="no active key"):
        make(keyring).apply_one(ID)


@pytest.mark.parametrize(("values", "few"), [
    (["男", "女"] * 20, True), (["男", "女", "男"], True), ([str(i % 900) for i in range(5000)], True),
    ([str(i) for i in range(50)], False), ([str(i) for i in range(50)] + ["0"], False), ([""] * 90 + ["x"], False),
    ([str(i % LEAST_DISTINCT) for i in range(3 * LEAST_DISTINCT)], False), ([], False),
])
def test_few_values_are_not_encrypted_deterministically(values: list[str | None], few: bool) -> None:
    cipher = deterministic(RINGS["standard"])
    half = len(values) // 2
    for part in (values[:half], values[half:]):
        cipher.apply(column(part))
    assert bool(cipher.objection()) is few
    assert randomised(RINGS["standard"]).objection() == ""
    forced = deterministic(RINGS["standard"], force=True)
    forced.apply(column(values))
    assert forced.objection() == ""
    if few:
        assert str(len(set(values))) in cipher.objection()
        assert "男" not in cipher.objection()


def test_a_key_serves_no_more_values_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_MESSAGES", 3)
    cipher = randomised(RINGS["standard"])
    cipher.apply(column(["a", "b"]))
    with pytest.raises(UsageError, match="too many values"):
        cipher.apply(column(["c", "d"]))


def payload_of(text: str | None) -> bytes:
    digits = str(text)[16:]
    return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))


def bound(ring: Keyring, mode: str, place: str, *record: str) -> bytes:
    return packed("guard/v1/field", ring.key_id, mode, place, "id", *record)


def test_randomised_is_aes_256_gcm_siv_with_the_documented_binding() -> None:
    ring = RINGS["standard"]
    payload = payload_of(randomised(ring).apply(column([ID]), column(["7"]))[0].as_py())
    key = ring.derive("encrypt:ra", "id", "people", 32)
    assert AESGCMSIV(key).decrypt(payload[:12], payload[12:], bound(ring, "ra", "people", "7")).decode() == ID


@given(st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=6))
def test_deterministic_is_aes_siv_of_rfc_5297(values: list[str]) -> None:
    ring = RINGS["standard"]
    cipher = AESSIV(ring.derive("encrypt:da", "id", "city", 64))
    expected = [cipher.encrypt(value.encode(), [bound(ring, "da", "city")]) for value in values]
    assert [payload_of(text) for text in deterministic(ring).apply(column([*values])).to_pylist()] == expected


@pytest.mark.parametrize("vector", VECTORS["aes_256_gcm_siv"]["vectors"])
def test_the_library_s_gcm_siv_is_that_of_rfc_8452(vector: dict[str, str]) -> None:
    key, nonce, aad, plaintext, out = (bytes.fromhex(vector[n]) for n in ("key", "nonce", "aad", "plaintext", "out"))
    assert AESGCMSIV(key).encrypt(nonce, plaintext, aad) == out
    assert AESGCMSIV(key).decrypt(nonce, out, aad) == plaintext


@given(st.integers(1, 70), st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_digits_are_those_of_base64url(length: int, count: int, random: Any) -> None:
    import numpy as np

    payloads = np.frombuffer(random.randbytes(length * count), np.uint8).reshape(count, length)
    texts = encoded(b"g1:", payloads)
    assert [row.tobytes() for row in texts] == [
        b"g1:" + base64.urlsafe_b64encode(row.tobytes()).rstrip(b"=") for row in payloads]
    assert (decoded(texts[:, 3:]) == payloads).all()


@pytest.mark.parametrize("digits", [b"A", b"AB", b"AAAAA", b"A+AA", b"A=AA", b"A\nAA", b"AA\xff"])
def test_what_is_no_canonical_base64url_is_refused(digits: bytes) -> None:
    import numpy as np

    with pytest.raises(Malformed):
        decoded(np.frombuffer(digits, np.uint8).reshape(1, -1))


def decision(**params: Any) -> Decision:
    return Decision("people", "id", "person.id.cn", Scope.FIELD, Action.ENCRYPT, "r", params)


def test_a_decision_becomes_the_transform_it_says(ring: Keyring) -> None:
    sealed = transform(decision(), ring, "x").apply_one(ID)
    assert randomised(ring).reveal_one(str(sealed)) == ID
    joined = transform(decision(mode="deterministic", domain="city", name="number"), ring, "x").apply_one(ID)
    assert deterministic(ring, field="number").reveal_one(str(joined)) == ID


def test_a_decision_that_cannot_be_carried_out_is_refused() -> None:
    with pytest.raises(KeyringError, match="no keyring was given"):
        transform(decision(), None, "x")
    with pytest.raises(UsageError, match="needs a link domain"):
        transform(decision(mode="deterministic"), RINGS["standard"], "x")
    with pytest.raises(UsageError, match="unknown parameter of encrypt"):
        transform(decision(key="x"), RINGS["standard"], "x")


@pytest.mark.parametrize("action", [Action.MASK, Action.DROP])
def test_what_is_not_reversible_says_so(action: Action) -> None:
    with pytest.raises(UsageError, match="not reversible"):
        transform(Decision("d", "f", "person.id.cn", Scope.FIELD, action, "r"), None, "x").reveal_one("1")

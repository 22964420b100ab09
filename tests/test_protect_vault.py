"""The token vault: one value has one token, whoever asks; back for a reason that was noted; no value in the file."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.errors import GuardError, KeyringError, SourceError, UsageError
from guard.keys import Keyring
from guard.model import Action, Decision, Scope
from guard.protect import transform
from guard.protect.vault import TokenVault, VaultToken

MOBILE = "person.phone.mobile"


class Log:
    """An audit that remembers what it was told."""

    def __init__(self) -> None:
        self.entries: list[tuple[list[str], str]] = []

    def __call__(self, tokens: Sequence[str], reason: str) -> None:
        self.entries.append((list(tokens), reason))


@pytest.fixture(params=["standard", "domestic"])
def keys(request: Any) -> Keyring:
    return Keyring.ephemeral(request.param)


def test_a_value_has_one_token_and_is_given_back_for_a_reason(tmp_path: Path, keys: Keyring) -> None:
    vault, log = TokenVault(tmp_path / "v", keys), Log()
    values = ["13800138000", "13900139000", "13800138000"]
    tokens = vault.tokens(MOBILE, "x", values)
    assert tokens[0] == tokens[2] != tokens[1]
    assert all(token.startswith("phone_mobile_") and len(token) == 29 for token in tokens)
    again = TokenVault(tmp_path / "v", keys)
    assert again.tokens(MOBILE, "x", values) == tokens
    assert again.detokenise(tokens, "case 12", log) == values
    assert log.entries == [(tokens, "case 12")]
    assert vault.tokens(MOBILE, "y", values)[0] != tokens[0], "another link domain"
    assert vault.tokens("person.phone", "x", values)[0] != tokens[0], "another class"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> TokenVault:
    return TokenVault(tmp_path_factory.mktemp("vault") / "v", Keyring.ephemeral())


@settings(max_examples=30)
@given(values=st.lists(st.text(min_size=1).filter(str.strip), max_size=30))
def test_any_text_comes_back(shared: TokenVault, values: list[str]) -> None:
    tokens = shared.tokens("person.account", "x", values)
    assert len(set(tokens)) == len(set(values))
    assert shared.detokenise(tokens, "test", Log()) == values


def test_without_reason_or_audit_nothing_is_given_back(tmp_path: Path, keys: Keyring) -> None:
    vault, log = TokenVault(tmp_path / "v", keys), Log()
    (token,) = vault.tokens(MOBILE, "x", ["13800138000"])
    for reason in ("", "  \n"):
        with pytest.raises(UsageError, match="reason"):
            vault.detokenise([token], reason, log)
    assert log.entries == []

    def full(tokens: Sequence[str], reason: str) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        vault.detokenise([token], "case 12", full)
    with pytest.raises(UsageError, match="audit"):
        VaultToken(MOBILE, vault, "x").reveal_one(token)


def test_a_token_that_is_not_there_is_noted_and_refused(tmp_path: Path, keys: Keyring) -> None:
    vault, log = TokenVault(tmp_path / "v", keys), Log()
    with pytest.raises(KeyringError, match="no value") as caught:
        vault.detokenise(["phone_mobile_bcdfghjkmnpqrstv"], "case 12", log)
    assert "bcdf" not in str(caught.value)
    assert len(log.entries) == 1


def test_the_file_holds_no_value_and_is_its_owner_s(tmp_path: Path, keys: Keyring) -> None:
    path = tmp_path / "v"
    TokenVault(path, keys).tokens("person.name", "x", ["张三丰", "13800138000"])
    assert path.stat().st_mode & 0o777 == 0o600
    for file in tmp_path.iterdir():
        raw = file.read_bytes()
        assert b"13800138000" not in raw
        assert "张三丰".encode() not in raw
    path.chmod(0o644)
    with pytest.raises(SourceError, match="others"):
        TokenVault(path, keys)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="cannot be opened"):
        TokenVault(path, keys)


def test_another_keyring_does_not_open_it_and_rotation_keeps_its_tokens(tmp_path: Path) -> None:
    keys, log = Keyring.create(tmp_path / "keys.json"), Log()
    vault = TokenVault(tmp_path / "v", keys)
    (token,) = vault.tokens(MOBILE, "x", ["13800138000"])
    for other in (Keyring.ephemeral(), Keyring.create(tmp_path / "other.json")):
        with pytest.raises(KeyringError):
            TokenVault(tmp_path / "v", other)
    keys.rotate()
    later = TokenVault(tmp_path / "v", Keyring.open(tmp_path / "keys.json"))
    assert later.tokens(MOBILE, "x", ["13800138000"]) == [token]
    assert later.detokenise([token], "case 12", log) == ["13800138000"]


@pytest.mark.parametrize("change", [
    "UPDATE tokens SET sealed = (SELECT sealed FROM tokens ORDER BY token LIMIT 1)",
    "UPDATE tokens SET domain = 'other'", "UPDATE tokens SET data_class = 'person.name'",
    "UPDATE tokens SET sealed = substr(sealed, 1, 20)", "UPDATE tokens SET sealed = zeroblob(length(sealed))",
])
def test_a_row_that_was_moved_or_changed_gives_nothing_back(tmp_path: Path, keys: Keyring, change: str) -> None:
    vault, log = TokenVault(tmp_path / "v", keys), Log()
    tokens = vault.tokens(MOBILE, "x", ["13800138000", "13900139000"])
    with sqlite3.connect(tmp_path / "v") as database:
        database.execute(change)
    database.close()
    with pytest.raises(KeyringError, match="no value") as caught:
        vault.detokenise(tokens, "case 12", log)
    assert "138" not in str(caught.value)


def test_a_file_that_is_no_vault_or_of_a_later_version_is_refused(tmp_path: Path, keys: Keyring) -> None:
    (tmp_path / "v").write_bytes(b"13800138000,and so on\n" * 100)
    (tmp_path / "v").chmod(0o600)
    with pytest.raises(SourceError, match="cannot be used") as caught:
        TokenVault(tmp_path / "v", keys)
    assert "138" not in str(caught.value)
    TokenVault(tmp_path / "w", keys)
    with sqlite3.connect(tmp_path / "w") as database:
        database.execute("UPDATE about SET format = 2")
    database.close()
    with pytest.raises(SourceError, match="another version"):
        TokenVault(tmp_path / "w", keys)


def _ask(path: Path, keys: Path, start: Any, answers: Any) -> None:
    vault = TokenVault(path, Keyring.open(keys))
    start.wait()
    try:
        answers.put(vault.tokens(MOBILE, "x", [f"138{n:08d}" for n in range(300)]))
    except GuardError as error:
        answers.put(str(error))


def test_processes_that_ask_at_once_get_the_same_tokens(tmp_path: Path) -> None:
    Keyring.create(tmp_path / "keys.json")
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_ask, args=(tmp_path / "v", tmp_path / "keys.json", start, answers))
               for _ in range(4)]
    for worker in workers:
        worker.start()
    told = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert len(set(told[0])) == 300
    assert all(one == told[0] for one in told)


def test_a_token_drawn_twice_is_drawn_anew(tmp_path: Path, keys: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = TokenVault(tmp_path / "v", keys)
    drawn = iter(["same", "same", "other"])
    monkeypatch.setattr("guard.protect.vault._drawn", lambda: next(drawn))
    assert vault.tokens(MOBILE, "x", ["13800138000"]) == ["phone_mobile_same"]
    assert vault.tokens(MOBILE, "x", ["13900139000"]) == ["phone_mobile_other"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, keys: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = TokenVault(tmp_path / "v", keys)
    monkeypatch.setattr(TokenVault, "_known", _fails_second())
    with pytest.raises(OSError, match="died"):
        vault.tokens(MOBILE, "x", ["13800138000"])
    with sqlite3.connect(tmp_path / "v") as database:
        assert database.execute("SELECT count(*) FROM tokens").fetchone() == (0,)
    database.close()


def _fails_second() -> Any:
    calls = iter([{}, OSError("died")])

    def known(*_: Any) -> Any:
        result = next(calls)
        if isinstance(result, OSError):
            raise result
        return result

    return known


def test_a_column_in_any_spelling_and_back(tmp_path: Path, keys: Keyring) -> None:
    vault, log = TokenVault(tmp_path / "v", keys), Log()
    decision = Decision("d", "f", MOBILE, Scope.FIELD, Action.PSEUDONYMISE, "r", {"method": "vault"})
    chosen = transform(decision, keys, "x", vault=vault)
    column = pa.array(["13800138000", "+86 138-0013-8000", None, "", "13900139000"], pa.large_string())
    tokens = chosen.apply(column)
    assert tokens.type == column.type
    assert tokens[0].as_py() == tokens[1].as_py() == chosen.apply_one("１３８００１３８０００")
    assert tokens.to_pylist()[2:4] == [None, ""]
    assert (chosen.injective, chosen.reversible, chosen.keeps_type) == (True, True, False)
    back = VaultToken(MOBILE, vault, "release:x", reason="case 12", audit=log)
    assert back.reveal(tokens).to_pylist() == ["13800138000", "13800138000", None, "", "13900139000"]
    assert back.reveal_one(tokens[0].as_py()) == "13800138000"
    with pytest.raises(UsageError, match="vault"):
        transform(decision, keys, "x")

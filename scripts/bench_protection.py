"""Protection beside its peers, in one process: Guard and peer take turns on the same values.

    python bench_protection.py [--rounds 3] [--values 200000]

The answer is one line of JSON: for every goal the ratio of each round, and values per CPU-second of both. What has a
peer of the same function is held against it first: a figure for another function would be worth nothing.
"""

from __future__ import annotations

import argparse
import hmac
import importlib
import json
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from guard.crypto import siv
from guard.crypto.blocks import BlockCipher
from guard.crypto.ff1_text import AlphabetCipher
from guard.keys import Keyring
from guard.model import Action, Decision, Scope
from guard.protect import transform
from guard.protect.columns import Slices, from_matrix

DIGITS = "0123456789"
PEER_SHARE = 4
"""A peer that works value by value gets a fourth of them; its speed does not depend on how many there are."""
Work = Callable[[], Any]


def contests(count: int) -> dict[str, tuple[Work, int, Work, int]]:
    """For every goal: Guard's work and its values, the peer's work and its values."""
    key, tweak = secrets.token_bytes(32), b"person.id"
    numbers = [f"{number:018d}" for number in np.random.default_rng(2026).integers(0, 10**18, count).tolist()]
    column, some = pa.array(numbers), numbers[: count // PEER_SHARE]
    fast = importlib.import_module("fastfpe").ff1
    told = (key.hex(), tweak.hex(), DIGITS)
    aes, sm4 = (AlphabetCipher(BlockCipher(key[:size], name), DIGITS) for name, size in (("AES", 32), ("SM4", 16)))
    one, raw = AESSIV(key * 2), [number.encode() for number in numbers]
    binary = pa.array(raw, pa.binary())
    token, form = _transform("token", alphabet="hex"), _transform("form", template="9" * 18)

    def fpe_peer() -> list[str]:
        return [fast.encrypt(*told, number) for number in some]

    def hmac_peer() -> list[bytes]:
        return [hmac.digest(key, number, "sha256") for number in raw]

    def siv_peer() -> list[bytes]:
        return [one.encrypt(number, [tweak]) for number in raw]

    assert aes.encrypt(some, tweak) == fpe_peer(), "FF1 differs from fastfpe"
    assert siv.seal_many(key * 2, raw, [tweak]) == siv_peer(), "SIV differs from AESSIV"
    assert _sealed(binary, key, tweak) == b"".join(siv_peer()), "SIV of a column differs from AESSIV"
    peer = (fpe_peer, len(some))
    return {
        "fpe-list": (lambda: aes.encrypt(numbers, tweak), count, *peer),
        "fpe-column": (lambda: _ff1_column(aes, column, tweak), count, *peer),
        "fpe-form": (lambda: form.apply(column), count, *peer),
        "fpe-sm4": (lambda: sm4.encrypt(numbers, tweak), count, *peer),
        "tokens": (lambda: token.apply(column), count, hmac_peer, count),
        "tokens-list": (lambda: token.apply(column).to_pylist(), count, hmac_peer, count),
        "siv": (lambda: _sealed(binary, key, tweak), count, siv_peer, count),
        "siv-list": (lambda: siv.seal_many(key * 2, raw, [tweak]), count, siv_peer, count),
    }


def measure(rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    """For every goal `ratios`, `guard` and `peer` (values per CPU-second), one of each a round."""
    answers: dict[str, dict[str, list[float]]] = {}
    for name, (work, values, peer_work, peer_values) in contests(count).items():
        _seconds(work)
        answer = answers[name] = {"ratios": [], "guard": [], "peer": []}
        for _ in range(rounds):
            mine, theirs = values / _seconds(work), peer_values / _seconds(peer_work)
            answer["guard"].append(mine)
            answer["peer"].append(theirs)
            answer["ratios"].append(mine / theirs)
    return answers


def _seconds(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _transform(method: str, **params: object) -> Any:
    decision = Decision("d", "f", "person.id.cn", Scope.FIELD, Action.PSEUDONYMISE, "r", {"method": method, **params})
    return transform(decision, Keyring.ephemeral(), "bench")


def _ff1_column(cipher: AlphabetCipher, column: Any, tweak: bytes) -> Any:
    rows = Slices.of(column).matrix(np.arange(len(column)), 18)
    return from_matrix(cipher.encrypt_rows(rows, tweak))


def _sealed(column: Any, key: bytes, tweak: bytes) -> bytes:
    """A column of binary values of one width, as a buffer of such."""
    rows = np.frombuffer(column.buffers()[2], np.uint8).reshape(len(column), 18)
    return siv.Siv(key * 2, [tweak]).seal(rows).tobytes()


def main() -> None:
    """Measure and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--values", type=int, default=200_000)
    options = parser.parse_args()
    json.dump(measure(options.rounds, options.values), sys.stdout)


if __name__ == "__main__":
    main()

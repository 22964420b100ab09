"""Digests over columns: the same beginnings as single digests have, and the same numbers found by them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from guard.batch import Column
from guard.detect import digests, weak_protection
from guard.detect.weak_protection import _BEGINNINGS, _HASHES, MOST_DIGESTS, _digest, _Field, _first_of, _gather


def single_sm3(value: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(value)
    return digest.finalize()


SINGLE: dict[str, Callable[[bytes], bytes]] = {
    "md5": lambda value: hashlib.md5(value).digest(), "sha1": lambda value: hashlib.sha1(value).digest(),
    "sha256": lambda value: hashlib.sha256(value).digest(), "sm3": single_sm3}


@pytest.mark.parametrize("name", list(SINGLE))
@given(st.integers(0, 55).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1,
                                                        max_size=4)))
def test_digests_begin_as_single_ones_do(name: str, messages: list[bytes]) -> None:
    rows = np.frombuffer(b"".join(messages), np.uint8).reshape(len(messages), -1)
    expected = [int.from_bytes(SINGLE[name](message)[:4]) for message in messages]
    assert getattr(digests, name)(rows).tolist() == expected


@pytest.mark.parametrize(("width", "method", "hashed"),
                         [(width, *one) for width, all_ in _HASHES.items() for one in all_])
def test_the_first_number_among_the_digests(width: int, method: str, hashed: Callable[[bytes], bytes]) -> None:
    numbers = np.array([f"1380000{n:04d}".encode() for n in range(10_000)] * 2)
    known = {hashed(b"13800009999"), hashed(b"13800005000"), bytes(width // 2)}
    assert _first_of(numbers, known, hashed, _BEGINNINGS[method]) == b"13800005000"
    assert _first_of(numbers[:5000], known, hashed, _BEGINNINGS[method]) is None


cells = st.lists(st.one_of(st.text("0123456789abcdefABCDEF", min_size=32, max_size=32), st.text("0aFg -", max_size=40),
                           st.text("ab", min_size=32, max_size=32).map(" {} ".format)), max_size=8)


@given(cells)
def test_digests_are_gathered_as_one_by_one(values: list[str]) -> None:
    data = "|".join(values).encode()
    sizes = np.array([len(value) for value in values], np.int64)
    ends = np.cumsum(sizes + 1) - 1
    column = Column("f", "f", data, ends - sizes, ends, np.arange(len(values)))
    seen = _Field(width=32)
    _gather(column, seen)
    assert seen.digests == {_digest(value.encode(), 32) for value in values} - {None}


def test_no_more_digests_are_kept_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_DIGESTS > 3
    monkeypatch.setattr(weak_protection, "MOST_DIGESTS", 3)
    data = "".join(f"{number:032x}" for number in range(9)).encode()
    column = Column("f", "f", data, np.arange(9) * 32, np.arange(9) * 32 + 32, np.arange(9))
    seen = _Field(width=32)
    _gather(column, seen)
    assert seen.digests == {number.to_bytes(16) for number in range(3)}

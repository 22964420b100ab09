"""Keyed hashes of slices: equal bytes give equal hashes, wherever they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.hashing import hash64, new_key


def hashes(values: list[bytes], key: int) -> list[int]:
    data = b"|".join(values)
    ends = np.cumsum([len(v) + 1 for v in values]) - 1
    starts = ends - [len(v) for v in values]
    return hash64(data, starts.astype(np.int64), ends.astype(np.int64), key).tolist()


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=30))
def test_equal_bytes_and_only_these_have_equal_hashes(values: list[bytes]) -> None:
    found = hashes(values, 7)
    for one, first in zip(values, found, strict=True):
        for two, second in zip(values, found, strict=True):
            assert (one == two) == (first == second)


def test_a_value_has_the_same_hash_at_every_place_and_another_under_another_key() -> None:
    alone, among = hashes([b"13800138000"], 1), hashes([b"x", b"13800138000", b""], 1)
    assert alone[0] == among[1]
    assert alone != hashes([b"13800138000"], 2)
    assert new_key() != new_key()


def test_long_values_differ_in_their_last_byte() -> None:
    one, two = hashes([b"a" * 500 + b"1", b"a" * 500 + b"2"], 3)
    assert one != two


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20))
def test_with_and_without_a_compiler(values: list[bytes]) -> None:
    found = []
    for pays in (False, compiled.is_available()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "pays", lambda work, pays=pays: pays)
            found.append(hashes(values, 7))
    assert found[0] == found[1]

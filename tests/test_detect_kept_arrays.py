"""Arrays that are kept come back as they were, and other bytes are an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from guard.batch import among, distinct
from guard.detect import kept_arrays

PLAIN = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3) |
                     st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)
ARRAYS = npst.arrays(st.sampled_from(["<i2", "<i4", "<u8", "|u1", "|b1", "<f8"]), npst.array_shapes(min_side=0))


@given(PLAIN, st.dictionaries(st.text(max_size=4), ARRAYS, max_size=4))
def test_arrays_come_back_as_they_were(plain: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    found, kept = kept_arrays.load(kept_arrays.dump(plain, arrays))
    assert found == plain
    assert list(kept) == list(arrays)
    for name, array in arrays.items():
        assert kept[name].dtype == array.dtype
        assert kept[name].shape == array.shape
        assert kept[name].tobytes() == array.tobytes()
        assert kept[name].flags.carray


def test_an_array_of_columns_comes_back_by_rows() -> None:
    given_ = np.asfortranarray(np.arange(12).reshape(3, 4))
    _, kept = kept_arrays.load(kept_arrays.dump(None, {"it": given_}))
    assert (kept["it"] == given_).all()


@pytest.mark.parametrize("blob", [b"", b"{}", b"[1]\n", b"\xff\n", b'[1, [["a", "<i4", [9]]]]\n', b"[[], 3]\n"])
def test_other_bytes_are_an_error(blob: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        kept_arrays.load(blob)


@given(npst.arrays(st.sampled_from(["<i8", "<i2", "|u1", "<u8"]), npst.array_shapes(max_dims=2, min_side=0)))
def test_distinct_numbers_are_those_of_numpy(values: np.ndarray[Any, Any]) -> None:
    found, expected = distinct(values), np.unique(values)
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


@given(st.lists(st.integers(-9, 9)), st.lists(st.integers(-9, 9)))
def test_numbers_among_others_are_those_of_numpy(values: list[int], wanted: list[int]) -> None:
    left, right = np.array(values, np.int64), np.array(wanted, np.int64)
    assert among(left, right).tolist() == np.isin(left, right).tolist()

"""Values one below the other: the same buffer from the compiled loop as from a plain join, wherever values lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import compiled
from guard.detect.values import Values

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")


@given(st.lists(st.binary(max_size=21), max_size=12), st.binary(max_size=9), st.binary(max_size=9), st.randoms())
def test_values_are_joined_wherever_they_lie(parts: list[bytes], before: bytes, behind: bytes, chance: object) -> None:
    """Also at the very beginning and end of the buffer, where no whole word can be read or written."""
    edges = len(before) + np.cumsum([0, *map(len, parts)])
    order = np.array(sorted(range(len(parts)), key=lambda _: chance.random()), np.int64)  # type: ignore[attr-defined]
    values = Values(b"".join([before, *parts, behind]), edges[:-1][order], edges[1:][order])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pays", lambda work: True)
        joined = values.lines()
    assert joined.data == b"\n".join(parts[index] for index in order.tolist())
    assert joined.as_list() == values.as_list()

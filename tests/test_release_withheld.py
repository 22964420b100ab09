"""The set of withheld values: exact while small, a filter of fixed size beyond, never a false 'absent'."""

import numpy as np
import pytest

from guard.disclosure.withheld import WithheldValues


def slices(values: list[str]) -> tuple[bytes, np.ndarray, np.ndarray]:
    data = "".join(values).encode()
    ends = np.cumsum([len(v.encode()) for v in values]).astype(np.int64)
    return data, ends - [len(v.encode()) for v in values], ends


def numbers(first: int, count: int) -> list[str]:
    return [f"1380{n:07d}" for n in range(first, first + count)]


@pytest.mark.parametrize("exact", [10_000, 100])
def test_every_withheld_value_is_found_again(exact: int) -> None:
    withheld = WithheldValues(exact=exact)
    withheld.add(withheld.hashes(*slices(numbers(0, 2000))))
    assert withheld.probe(withheld.hashes(*slices(numbers(0, 2000)))).all()
    assert withheld.is_exact == (exact == 10_000)


def test_beyond_the_exact_size_few_others_are_suspected() -> None:
    withheld = WithheldValues(exact=100)
    withheld.add(withheld.hashes(*slices(numbers(0, 20_000))))
    others = withheld.probe(withheld.hashes(*slices(numbers(50_000, 20_000))))
    assert others.sum() < 5


def test_the_exact_set_suspects_nothing_else() -> None:
    withheld = WithheldValues()
    withheld.add(withheld.hashes(*slices(["张三丰", "13800138000"])))
    answer = withheld.probe(withheld.hashes(*slices(["张三", "13800138001", "13800138000"])))
    assert answer.tolist() == [False, False, True]


def test_an_empty_set_withholds_nothing() -> None:
    withheld = WithheldValues()
    assert not withheld.probe(withheld.hashes(*slices(["13800138000"]))).any()

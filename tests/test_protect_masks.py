"""Masks over columns equal the masks of single values, whatever the column looks like."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import BlockedError, KeyringError, UsageError
from guard.keys import Keyring
from guard.masking import FULL, STYLES, mask
from guard.model import Action, Decision, Scope
from guard.protect import Transform, transform

KEYS = Keyring.ephemeral()


def decide(action: Action, data_class: str = "person.id.cn", **params: Any) -> Transform:
    return transform(Decision("d", "f", data_class, Scope.FIELD, action, "rule", params), KEYS, "x")


values = st.one_of(
    st.none(), st.text(), st.just(""), st.just(" \t"), st.from_regex(r"\A[0-9]{17}[0-9Xx]\Z"),
    st.from_regex(r"\A1[3-9][0-9]{9}\Z"), st.from_regex(r"\A[0-9]{11,19}\Z"), st.from_regex(r"\A[A-Z0-9]{5,18}\Z"),
    st.text("张王李欧阳司马诸葛娜三丰鿿一", min_size=1, max_size=5), st.text("1380０", min_size=10, max_size=12),
    st.text("䷀㐀鿿一", min_size=2, max_size=4),
)
columns = st.lists(values, max_size=40)


@given(st.sampled_from(sorted(STYLES)), columns, st.integers(0, 5), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_column_is_masked_as_its_values_are(style: str, column: list[str | None], skip: int, kind: Any) -> None:
    array = pa.array(column, kind).slice(min(skip, len(column)))
    masked = decide(Action.MASK, style=style).apply(array)
    masked.validate(full=True)
    assert masked.type == kind
    assert masked.to_pylist() == [None if v is None else mask(style, v) for v in column[skip:]]


@given(columns, st.integers(0, 6), st.integers(0, 6))
def test_kept_ends_over_a_column(column: list[str | None], head: int, tail: int) -> None:
    chosen = decide(Action.MASK, keep=[head, tail])
    masked = chosen.apply(pa.array(column, pa.string()))
    assert masked.to_pylist() == [None if v is None else chosen.apply_one(v) for v in column]
    for raw, shown in zip(column, masked.to_pylist(), strict=True):
        assert raw is None or not raw.strip() or shown != raw or set(raw) & set("*＊×●•■□█○")


@pytest.mark.parametrize("repeat", [1, 1000])
def test_wide_columns_repeat_and_mix(repeat: int) -> None:
    column = ["110101199003071234", None, "11010119900307123X", "110101 19900307 1234", "", "张三"] * repeat
    expected = ["110101********1234", None, "110101********123X", "110101 ******** 1234", "", FULL] * repeat
    assert decide(Action.MASK).apply(pa.array(column)).to_pylist() == expected


def test_a_column_above_one_piece_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    column = pa.array([f"1380013{n:04d}" for n in range(500)])
    whole = decide(Action.MASK, "person.phone.mobile").apply(column)
    monkeypatch.setattr("guard.protect.base.PIECE", 512)
    assert decide(Action.MASK, "person.phone.mobile").apply(column).equals(whole)


def test_the_style_is_that_of_the_class_and_unknown_classes_are_hidden_whole() -> None:
    assert decide(Action.MASK, "person.phone.mobile").apply_one("13800138000") == "138****8000"
    assert decide(Action.MASK, "vehicle.vin").apply_one("LSVAA4182E2123456") == "LSVA*********3456"
    assert decide(Action.MASK, "no.such.class").apply_one("13800138000") == FULL
    strict = decide(Action.MASK, "person.id.cn", style="id_strict")
    assert strict.apply_one("110101199003071234") == "1" + "*" * 16 + "4"


@pytest.mark.parametrize("params", [
    {"style": "stars"}, {"keep": [1]}, {"keep": [-1, 2]}, {"keep": [1, 2], "style": "id"}, {"keep": [True, 2]},
    {"shape": "x"},
])
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        decide(Action.MASK, **params)


@given(columns)
def test_allow_changes_nothing_and_drop_leaves_nulls(column: list[str | None]) -> None:
    array = pa.array(column, pa.string())
    assert decide(Action.ALLOW).apply(array).to_pylist() == column
    dropped = decide(Action.DROP).apply(array)
    assert dropped.type == pa.string()
    assert dropped.to_pylist() == [None] * len(column)
    assert decide(Action.DROP).apply_one("x") is None


@pytest.mark.parametrize("action", [Action.BLOCK, Action.REVIEW])
@pytest.mark.parametrize("column", [[], [None], ["13800138000"]])
def test_block_and_review_let_nothing_pass(action: Action, column: list[str | None]) -> None:
    with pytest.raises(BlockedError) as caught:
        decide(action).apply(pa.array(column, pa.string()))
    assert "13800138000" not in str(caught.value)
    with pytest.raises(BlockedError):
        decide(action).apply_one("13800138000")


def test_pseudonymise_needs_a_keyring() -> None:
    decision = Decision("d", "f", "person.name", Scope.FIELD, Action.PSEUDONYMISE, "rule")
    with pytest.raises(KeyringError, match="no keyring"):
        transform(decision, None, "x")


@pytest.mark.parametrize("array", [pa.array([1, 2]), pa.array([b"x"]), pa.array(["x"]).dictionary_encode()])
def test_only_strings_are_transformed(array: Any) -> None:
    with pytest.raises(UsageError, match="array of strings"):
        decide(Action.MASK).apply(array)


def test_each_transform_declares_what_it_is() -> None:
    declared = {str(action): (t.injective, t.reversible, t.keeps_type) for action in (
        Action.ALLOW, Action.MASK, Action.GENERALISE, Action.PSEUDONYMISE, Action.DROP, Action.BLOCK)
        for t in [decide(action)]}
    assert declared == {
        "allow": (True, True, True), "mask": (False, False, False), "generalise": (False, False, False),
        "pseudonymise": (True, False, False), "drop": (False, False, True), "block": (False, False, False),
    }

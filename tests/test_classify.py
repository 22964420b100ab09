"""What a field is, from its header and its values together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.classify import classify
from guard.detect.pack import Detector
from guard.model import LIKELY, POSSIBLE, Field, Finding, Location, Role, confidence_word
from guard.tally import ClassTally, FieldTally, Tally
from guard.taxonomy import Title

ID, MOBILE, CARD, USCC, HEALTH, NAME = (
    "person.id.cn", "person.phone.mobile", "person.bank_card", "org.uscc", "person.health", "person.name")
CLASSES = {"cn-resident-id": ID, "cn-resident-id-15": ID, "cn-mobile": MOBILE, "cn-bank-card": CARD, "cn-uscc": USCC,
           "cn-health": HEALTH, "cn-name": NAME, "cn-sex": "person.sex"}
DETECTORS = tuple(Detector(id=name, data_class=identifier, pattern="x", title=Title(name, name))
                  for name, identifier in CLASSES.items())


def tallied(hits: int, *, validated: int = 0, confidence: float = 0.95, cells: int | None = None,
            **more: Any) -> ClassTally:
    strong = hits if confidence >= LIKELY else 0
    return ClassTally(hits=hits, validated=validated, likely=strong, confidence=confidence if hits else 0.0,
                      cells=hits if cells is None else cells, **more)


def verdict(header: tuple[str, ...] = (), filled: int = 100, kind: str = "column", long_text: int = 0,
            **detectors: ClassTally) -> Field:
    """The verdict on one field; detectors are named with _ for -."""
    named = {name.replace("_", "-"): tally for name, tally in detectors.items()}
    field = FieldTally("people.csv", "f", kind, 0, 100, filled, long_text, header, named)
    return classify(Tally({("people.csv", "f"): field}), DETECTORS)[0]


def only(field: Field) -> Any:
    assert len(field.classes) == 1
    return field.classes[0]


def test_a_column_of_checked_ids_without_header() -> None:
    field = verdict(cn_resident_id=tallied(100, validated=100))
    assert (field.data_class, field.role, field.grade) == (ID, Role.DIRECT, 4)
    assert confidence_word(field.confidence) == "certain"
    assert only(field).dense
    assert not only(field).from_header


def test_a_column_of_ids_whose_check_digits_fail_is_raised_with_the_reason() -> None:
    field = verdict((ID,), filled=12, cn_resident_id=tallied(12, confidence=0.45, check_failed=12))
    assert field.data_class == ID
    assert confidence_word(field.confidence) == "possible"
    assert field.reason == 'header says "Resident identity number", 0 of 12 values pass the check digit'
    assert only(field).dense


def test_failing_check_digits_without_header_are_told_too() -> None:
    field = verdict(filled=12, cn_resident_id=tallied(12, confidence=0.45, check_failed=12))
    assert field.reason == '0 of 12 values shaped like "Resident identity number" pass the check digit'


def test_a_personal_header_over_values_that_do_not_fit_is_possible() -> None:
    field = verdict((ID,))
    assert (field.data_class, field.role, field.confidence) == (ID, Role.DIRECT, POSSIBLE)
    assert field.reason == 'header says "Resident identity number", none of 100 values fit'
    assert (only(field).hits, only(field).from_header, only(field).confidence) == (0, True, POSSIBLE)


def test_an_empty_column_under_a_personal_header() -> None:
    field = verdict((ID,), filled=0)
    assert (field.data_class, field.reason) == (ID, 'header says "Resident identity number", no values')


def test_a_header_that_names_several_classes_is_satisfied_by_one() -> None:
    field = verdict((ID, "person.passport"), cn_resident_id=tallied(90, validated=90))
    assert [c.data_class for c in field.classes] == [ID]
    assert verdict((ID, "person.passport")).data_class == ID


def test_a_header_refuted_by_checked_values_of_another_class_is_not_suspected() -> None:
    refuted = verdict((ID,), cn_uscc=tallied(97, validated=97))
    assert [c.data_class for c in refuted.classes] == [USCC]
    assert refuted.role is Role.NONE
    doubtful = verdict((ID,), cn_uscc=tallied(60, validated=60))
    assert {c.data_class for c in doubtful.classes} == {USCC, ID}


@pytest.mark.parametrize(("hits", "filled", "dense"), [
    (49, 100, False), (50, 100, True), (2, 4, False), (3, 6, True), (2, 2, True), (1, 1, True), (1, 2, False)])
def test_dense_is_half_of_the_filled_cells_and_three_or_all(hits: int, filled: int, dense: bool) -> None:
    assert only(verdict(filled=filled, cn_mobile=tallied(hits))).dense is dense


def test_a_header_makes_a_sparse_class_stand_for_its_column() -> None:
    field = verdict((MOBILE,), cn_mobile=tallied(1))
    assert only(field).dense
    assert field.data_class == MOBILE
    assert field.reason == 'header says "Mobile phone number", 1 of 100 values fit'


def test_a_sparse_class_is_named_when_it_is_the_only_one() -> None:
    assert verdict(cn_mobile=tallied(2)).data_class == MOBILE
    both = verdict(cn_mobile=tallied(2), cn_resident_id=tallied(1, validated=1))
    assert (both.data_class, both.role, both.grade) == ("", Role.DIRECT, 4)


def test_eighteen_digits_are_what_is_unshadowed_and_validated() -> None:
    field = verdict(cn_bank_card=tallied(100, validated=100, shadowed=100), cn_resident_id=tallied(100, validated=100),
                    cn_uscc=tallied(100, validated=9, shadowed=100))
    assert field.data_class == ID
    assert field.hits == 100
    assert {c.data_class: c.hits for c in field.classes} == {ID: 100, CARD: 100, USCC: 100}


def test_detectors_of_one_class_add_up_and_never_exceed_the_cells() -> None:
    field = verdict(cn_resident_id=tallied(80, validated=80, masked=3), cn_resident_id_15=tallied(40, masked=1))
    assert (only(field).hits, only(field).validated, only(field).masked, only(field).cells) == (120, 80, 4, 100)


def test_health_by_header_alone() -> None:
    field = verdict((HEALTH,), cn_health=tallied(100, confidence=0.7, from_header=100))
    assert (field.data_class, field.role, field.grade) == (HEALTH, Role.SENSITIVE, 4)
    assert only(field).from_header
    assert field.confidence >= LIKELY


def test_cells_read_in_the_light_of_a_header_that_names_nothing_are_only_cells() -> None:
    field = verdict(cn_name=tallied(4, confidence=0.7, from_header=4))
    assert not only(field).dense
    assert not only(field).from_header


def test_masked_values_identify_nobody() -> None:
    field = verdict((MOBILE,), cn_mobile=tallied(0, masked=100))
    assert (field.data_class, field.role, field.grade, field.masked_hits) == (MOBILE, Role.NONE, 2, 100)
    assert "100 already masked values" in field.reason


def test_a_masked_column_with_other_values_is_suspected() -> None:
    field = verdict((MOBILE,), cn_mobile=tallied(0, masked=40))
    assert only(field).masked == 40
    assert field.confidence == POSSIBLE
    assert field.reason.endswith("none of 60 values fit")


def test_text_has_no_class_of_its_own_unless_one_fired() -> None:
    text = verdict(kind="text", cn_mobile=tallied(90), cn_resident_id=tallied(5, validated=5))
    assert text.data_class == ""
    assert not any(c.dense for c in text.classes)
    assert verdict(kind="text", cn_mobile=tallied(90)).data_class == MOBILE


def test_a_field_without_anything_is_none_and_keeps_its_free_text() -> None:
    field = verdict(long_text=7)
    assert (field.data_class, field.role, field.grade, field.confidence, field.classes) == ("", Role.NONE, 1, 0.0, ())
    assert field.long_text == 7


def test_examples_of_the_own_class_come_first() -> None:
    def example(detector: str, identifier: str) -> Finding:
        return Finding(detector, identifier, Location("people.csv"), 0, 1, 0.9, True, False, "*", "f" * 32)

    field = verdict(cn_mobile=tallied(1, examples=[example("cn-mobile", MOBILE)] * 3),
                    cn_resident_id=tallied(100, validated=100, examples=[example("cn-resident-id", ID)] * 2))
    assert [e.data_class for e in field.examples] == [ID, ID, MOBILE]


def fields(*names: str, dataset: str = "a.csv") -> Tally:
    return Tally({(dataset, name): FieldTally(dataset, name, ordinal=i, rows=1) for i, name in enumerate(names)})


def test_the_schema_hash_binds_names_and_order_but_not_the_data_set() -> None:
    first, same, other, swapped = (classify(fields(*names, dataset=dataset), DETECTORS)[0].schema_hash
                                   for dataset, names in (("a.csv", "xy"), ("b.csv", "xy"), ("a.csv", "xz"),
                                                          ("a.csv", "yx")))
    assert first == same
    assert len({first, other, swapped}) == 3
    assert first.startswith("sha256:")


def test_names_split_otherwise_hash_otherwise() -> None:
    one, two = (classify(fields(*names), DETECTORS)[0].schema_hash for names in (("ab", "c"), ("a", "bc")))
    assert one != two


def test_a_name_that_is_a_finding_is_no_field_of_the_schema() -> None:
    plain = fields("x", "y")
    named = plain + Tally({("a.csv", "file name"): FieldTally("a.csv", "file name", "name", 9, 1, 1)})
    verdicts = {f.field: f for f in classify(named, DETECTORS)}
    assert verdicts["x"].schema_hash == classify(plain, DETECTORS)[0].schema_hash


def test_fields_come_in_the_order_of_their_columns() -> None:
    tally = fields("x", "m", "a") + fields("z", dataset="0.csv")
    assert [f.field for f in classify(tally, DETECTORS)] == ["z", "x", "m", "a"]


counts = st.integers(0, 100)
levels = st.floats(0.3, 1.0)


@given(st.integers(1, 100), levels)
def test_what_is_certainly_there_is_certain_however_little_it_is(hits: int, confidence: float) -> None:
    for kind in ("text", "column"):
        field = verdict(kind=kind, cn_mobile=tallied(hits, confidence=confidence))
        assert field.confidence == pytest.approx(confidence)


@given(counts, counts, levels, levels)
def test_confidence_never_falls_with_more_cells_or_stronger_hits(few: int, more: int, low: float, high: float) -> None:
    few, more = sorted((few, more))
    low, high = sorted((low, high))
    for header in ((), (MOBILE,)):
        weak = verdict(header, cn_mobile=tallied(few, confidence=low)).confidence
        strong = verdict(header, cn_mobile=tallied(more, confidence=high)).confidence
        assert weak <= strong <= 1


@given(st.integers(1, 100), levels)
def test_a_fitting_header_never_lowers_confidence(hits: int, confidence: float) -> None:
    tally = tallied(hits, confidence=confidence)
    assert verdict(cn_mobile=tally).confidence <= verdict((MOBILE,), cn_mobile=tally).confidence


@given(st.dictionaries(st.sampled_from(sorted(CLASSES)), st.tuples(counts, st.integers(0, 5)), max_size=4),
       st.sampled_from([(), (ID,), (HEALTH,)]), st.sampled_from(["column", "text", "name"]))
def test_no_hit_is_lost(found: dict[str, tuple[int, int]], header: tuple[str, ...], kind: str) -> None:
    field = verdict(header, kind=kind, **{name.replace("-", "_"): tallied(hits, masked=masked)
                                          for name, (hits, masked) in found.items()})
    assert field.hits == sum(c.hits for c in field.classes) == sum(hits for hits, _ in found.values())
    assert field.masked_hits == sum(masked for _, masked in found.values())
    assert len({c.data_class for c in field.classes}) == len(field.classes)


def hinted(column: str, likely: int, filled: int, beside: dict[str, tuple[str, ...]] | None = None) -> Field:
    """The verdict on a column whose header only hints at names, beside other columns by name and header classes."""
    detectors = (*DETECTORS, Detector(
        id="hinted-name", data_class=NAME, pattern="x", title=Title("n", "n"), headers=("?name", "patient_name")))
    fields = {("t", column): FieldTally("t", column, "column", 0, filled, filled, 0, (),
                                        {"hinted-name": tallied(likely, confidence=0.8)} if likely else {})}
    for name, classes in (beside or {}).items():
        fields["t", name] = FieldTally("t", name, "column", 1, filled, filled, 0, classes, {})
    return next(f for f in classify(Tally(fields), detectors) if f.field == column)


@pytest.mark.parametrize(("likely", "named", "seen"), [(0, False, False), (34, False, False), (35, True, True),
                                                       (60, True, True)])
def test_a_hinting_header_needs_values(likely: int, named: bool, seen: bool) -> None:
    field = hinted("name", likely, 100)
    assert bool(field.data_class) is named
    assert bool(field.classes) is seen
    assert not any(count.from_header for count in field.classes)


def test_a_hinting_header_counts_beside_what_only_persons_have() -> None:
    persons = {"sex": ("person.sex",), "born": ("person.birth_date",)}
    assert only(hinted("name", 0, 100, persons)).from_header
    assert hinted("name", 0, 100, {"sex": ("person.sex",)}).classes == ()
    assert hinted("name", 0, 100, {**persons, "owner": (NAME,)}).classes == ()


def test_neighbours_in_json_are_those_of_the_same_object() -> None:
    inside = {"$.people[*].sex": ("person.sex",), "$.people[*].birth.date": ("person.birth_date",)}
    assert hinted("$.people[*].name", 0, 9, inside).data_class == NAME
    assert hinted("$.products[*].name", 0, 9, inside).data_class == ""
    assert hinted("$.name", 0, 9, inside).data_class == ""


def test_the_owner_of_a_json_key_makes_it_specific() -> None:
    assert only(hinted("$.patients[*].name", 0, 9)).from_header
    assert hinted("$.labels[*].name", 0, 9).classes == ()

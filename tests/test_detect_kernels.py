"""Compiled checks, forms, company and merging: the same as the Python functions that define them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from span_arrays import tables_of, tools

from guard import compiled
from guard.batch import MASKED, VALIDATED, Hits
from guard.detect.identifier_checks import ISSUERS
from guard.detect.judge import Verdict, companions
from guard.detect.normalise import normal_form, normalise
from guard.detect.overlap import Placed
from guard.detect.pack import load
from guard.detect.plain import to_hits
from guard.detect.rule import compile_rules
from guard.detect.scan import found_of, merge
from guard.detect.tables import divisions, table
from guard.detect.validators import VALIDATORS

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="no compiler for this platform")

DETECTORS = load()
RULES = compile_rules(DETECTORS)
CHECKS = ("uneven", "contains_digit", "contains_digit_or_mark", "iso7064_mod11_2", "id_birth_date", "cn_province",
          "cn_region", "birth_date", "calendar_date", "uscc_check", "uscc_department", "cn_region_of_uscc",
          "uscc_organisation", "organisation_code", "business_registration", "luhn", "card_issuer", "mobile_segment",
          "area_code", "vin_check", "vin_letters", "embedded_id", "ip_address", "ip_of_somebody", "mac_unicast",
          "nanp_number", "not_file_name")
FORMS = ("", "upper", "lower", "digits", "mobile", "date", "landline", "compact_upper")
SEPARATORS = ((), (" ",), ("-",), (" ", "-"))
PREFECTURES = sorted(code for code in divisions() if len(code) == 4)
SEGMENTS, AREAS, SUFFIXES = (sorted(table(name)) for name in ("mobile_segments", "area_codes", "file_suffixes"))
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


def judged(values: Sequence[str], tables: Any) -> tuple[list[int], list[bool]]:
    """The circumstances of each value as the loop sees them, and whether it is noisy."""
    from guard.detect import check_tables, judging_loops
    from guard.detect.form_loops import LONGEST
    from guard.detect.verdicts import today

    encoded = [value.encode() for value in values]
    buffer = np.frombuffer(b"\n".join(encoded) + b"\n\n\n\n", np.uint8)
    ends = np.cumsum([len(value) + 1 for value in encoded]) - 1
    starts = ends - np.array([len(value) for value in encoded], np.int64)
    codes, noisy = np.empty(len(values), np.int64), np.empty(len(values), bool)
    none = np.zeros(len(values), np.int32)
    judging_loops.judge(tables, check_tables.tables(), today(), tools(), buffer, none, starts, ends,
                        none.astype(np.int8), np.empty(LONGEST + 4, np.uint8), codes, noisy)
    return codes.tolist(), noisy.tolist()


def answers(check: str, values: Sequence[str]) -> list[int]:
    """1, 0 or -1 (not known) for each value."""
    return [code if code < 0 else code & 1 for code in judged(values, tables_of(filters=(check,)))[0]]


def date(chance: random.Random) -> str:
    year, month, day = chance.randint(1890, 2030), chance.randint(0, 13), chance.randint(0, 32)
    return chance.choice((f"{year}{month:02}{day:02}", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}",
                          f"{month}/{day}/{year}", f"{year}年{month}月{day}日", f"{day}.{month}.{year} 10:20"))


def completed(check: str, body: str, letters: str, place: int, chance: random.Random) -> str:
    """The body with the character at `place` that makes the check pass, or, now and then, with another one."""
    options = [body[:place] + letter + body[place:] for letter in letters]
    right = [option for option in options if VALIDATORS[check](option)]
    return chance.choice(right if right and chance.random() < 0.7 else options)


def near_valid(chance: random.Random) -> str:
    """A value that is almost, or quite, what some check wants."""
    def digits(size: int) -> str:
        return "".join(chance.choices("0123456789", k=size))

    def letters(alphabet: str, size: int) -> str:
        return "".join(chance.choices(alphabet, k=size))

    region = chance.choice(PREFECTURES) + digits(2)
    born = f"{chance.randint(1900, 2026)}{chance.randint(1, 12):02}{chance.randint(1, 31):02}"
    low, high, lengths = chance.choice(ISSUERS)
    return chance.choice((
        lambda: completed("iso7064_mod11_2", region + born + digits(3), "0123456789X", 17, chance),
        lambda: "G" + completed("iso7064_mod11_2", region + born + digits(3), "0123456789X", 17, chance) + digits(2),
        lambda: region + born[2:] + digits(3),
        lambda: completed("uscc_check", chance.choice("159AN2") + chance.choice("1239") + region + letters(USCC, 9),
                          USCC, 17, chance),
        lambda: completed("organisation_code", letters(VIN, 8), "0123456789X", 8, chance),
        lambda: completed("vin_check", letters(VIN, 16), "0123456789X", 8, chance),
        lambda: completed("business_registration", digits(14), "0123456789", 14, chance),
        lambda: completed("luhn", (p := chance.choice((low, high))) + digits(chance.choice(lengths) - len(p) - 1),
                          "0123456789", chance.choice(lengths), chance),
        lambda: chance.choice(SEGMENTS) + digits(8), lambda: digits(11), lambda: chance.choice(AREAS) + digits(8),
        lambda: date(chance), lambda: chance.choice("0123456789") * chance.randint(1, 19),
        lambda: ".".join(str(chance.choice((0, 1, 10, 127, 192, 224, 239, 240, 255, 256))) for _ in range(4)),
        lambda: ".".join(letters("0125", chance.randint(0, 3)) for _ in range(chance.randint(3, 5))),
        lambda: ":".join(chance.choice(("", "0", "1", "ff02", "2001", "db8", "12345", "ffff", "a.b.1.2", "fe80%1"))
                         for _ in range(chance.randint(2, 9))),
        lambda: chance.choice(("::", "::1", "0:0:0:0:0:0:0:1", "1::", "ff00::1", "::ff00", "::ffff:127.0.0.1")),
        lambda: chance.choice("0fA") * 12, lambda: letters("0fF:-", 17),
        lambda: f"{letters('abgit', 3)}@{letters('xy2', 2)}.{chance.choice((*SUFFIXES, 'cn', 'com', 'PNG'))}",
        lambda: f"git@{letters('xyz', 4)}.com", lambda: "中" + digits(4), lambda: "", lambda: "浙A·12345",
    ))()


@pytest.fixture(scope="module")
def values() -> list[str]:
    chance = random.Random(11)
    found = [near_valid(chance) for _ in range(12_000)]
    for _ in range(3_000):
        value = list(chance.choice(found) or "1")
        value[chance.randrange(len(value))] = chance.choice("0123456789XxA-. ٣é中:")
        found.append("".join(value).strip())
    return [value for value in found if value.strip() == value and "\n" not in value]


@pytest.mark.parametrize("check", CHECKS)
def test_checks_are_those_of_the_functions(values: list[str], check: str) -> None:
    expected = [int(VALIDATORS[check](value)) for value in values]
    got = answers(check, values)
    assert [(v, e, g) for v, e, g in zip(values, expected, got, strict=True) if g not in (e, -1)] == []
    assert min(got.count(0), got.count(1)) > 100
    unread = [value for value, answer in zip(values, got, strict=True) if answer < 0 and value.isascii()]
    assert sum(VALIDATORS[check](value) for value in unread) < got.count(1) / 4


def test_every_check_with_a_loop_is_held_to_its_function() -> None:
    from guard.detect.check_tables import CHECKS as KERNELS

    assert tuple(KERNELS) == CHECKS


def test_circumstances_are_those_of_the_rules(values: list[str]) -> None:
    """Filters, checks and evidence together, in the normal form that the rule asks for."""
    from guard.detect.rule_tables import BY_STEPS, WAY, Rulings
    from guard.detect.verdicts import _circumstances

    seen = 0
    for rule in RULES:
        tables = Rulings((rule,), {}).fill((0,))
        if tables.rows[0, WAY] != BY_STEPS or not rule.reads_value:
            continue
        codes, _ = judged(values[::7], tables)
        for value, code in zip(values[::7], codes, strict=True):
            detector = rule.detector
            expected = _circumstances(rule, normal_form(value, detector.separators, detector.form), 0)
            assert code in (expected, -1), (detector.id, value)
            seen += code > 0
    assert seen > 1000


def written(chance: random.Random) -> str:
    """A number, code or date in one of the ways in which people write them."""
    digits = "".join(chance.choices("0123456789", k=chance.choice((7, 8, 11, 11, 12))))
    return chance.choice((
        lambda: chance.choice(("", "+86", "86", "0086", "(+86)", "86-", "+86 ", "0086-", "+86-")) + digits,
        lambda: chance.choice(AREAS) + chance.choice(("-", "", " ", ")")) + digits[:8],
        lambda: f"0{digits[:3]}-{digits[:7]}" + chance.choice(("转", "-", " ext.", "#")) + digits[:3],
        lambda: f"({chance.choice(AREAS)}){digits[:8]}",
        lambda: "-".join((digits[:3], digits[3:7], digits[7:])), lambda: date(chance),
        lambda: chance.choice("浙京鄂") + chance.choice("AbC") + chance.choice(("", "·", "-", " ", "・")) + digits[:5],
        lambda: digits[:4] + "xXabZ" + chance.choice((" ", "\t", "\x1c", "\u2028", "\x85", "", "龥", "鿿", "、", "😀")),
        lambda: chance.choice((" ", "\u1680", "\x0b", "-")) + digits + chance.choice((" ", "-", "é")),
    ))()


@pytest.mark.parametrize("form", FORMS)
def test_forms_are_those_of_the_functions(form: str) -> None:
    """Seen through `noisy`, and through a check that depends on every character."""
    chance = random.Random(5)
    samples = [normalise(written(chance)) for _ in range(3_000)]
    for separators in SEPARATORS:
        codes, noisy = judged(samples, tables_of(form=form, separators=separators))
        forms = [normal_form(text, separators, form) for text in samples]
        assert [(text, value) for text, value, code, mark in zip(samples, forms, codes, noisy, strict=True)
                if code >= 0 and mark != (value != text)] == []
        assert sum(code >= 0 for code in codes) > len(codes) // 5
        dropped = tables_of(form=form, separators=separators).separators
        spelled = [spelling(text, form, dropped) for text in samples]
        assert [(text, value, got) for text, value, got in zip(samples, forms, spelled, strict=True)
                if got is not None and got != value] == []


def spelling(text: str, form: str, dropped: npt.NDArray[np.uint8]) -> str | None:
    """The normal form as the loop spells it, given the table of its separators; None when it does not know."""
    from guard.detect.form_loops import FORM_NUMBERS, LONGEST, read

    data, value = text.encode(), np.empty(LONGEST + 4, np.uint8)
    buffer = np.frombuffer(b"\n" + data + b"\n\n\n\n", np.uint8)
    size, plain = read(buffer, 1, 1 + len(data), FORM_NUMBERS[form], dropped, 0, value)
    if size < 0:
        return None
    spelled = value[:size].tobytes().decode()
    assert plain == spelled.isascii() or form == ""
    return spelled


def test_values_that_are_too_long_are_left_to_the_functions() -> None:
    codes, _ = judged(["1" * 500, "1" * 501, "1" * 5000], tables_of(filters=("contains_digit",)))
    assert codes[0] & 1
    assert codes[1:] == [-1, -1]


@pytest.mark.parametrize("changes", [
    {"entropy": 3.0}, {"separators": ("--",)}, {"separators": ("·",)}, {"filters": ("not_placeholder",)},
])
def test_other_rules_are_not_judged_by_steps(changes: dict[str, Any]) -> None:
    from guard.detect.rule_tables import ASKED, WAY

    assert tables_of(**changes).rows[0, WAY] == ASKED


PLACED = st.lists(st.tuples(st.integers(0, len(RULES) - 1), st.integers(0, 30), st.integers(1, 12),
                            st.sampled_from([0.3, 0.6, 0.65, 0.9, 0.99]),
                            st.sampled_from([0, 1, 2, 3, 8, 32, MASKED | 32, VALIDATED | 32])), max_size=40)


def rows(hits: Hits) -> list[tuple[Any, ...]]:
    """Every hit whole, in the order given."""
    columns = (hits.cell, hits.start, hits.end, hits.detector, hits.confidence, hits.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=400)
@given(PLACED, st.integers(1, 3))
def test_hits_are_merged_as_single_ones_are(drawn: list[tuple[int, int, int, float, int]], cells: int) -> None:
    few = [rule for rule in RULES if rule.detector.id in (
        "email-address", "cn-mobile", "cn-bank-card", "card-international", "cn-address", "password-pair",
        "private-key", "cn-resident-id")]
    placed = [Placed((rule := few[detector % len(few)]).index, rule.detector.data_class, start, start + size,
                     confidence, flags) for detector, start, size, confidence, flags in drawn]
    cell = np.array([index % cells for index in range(len(placed))], np.int64)
    each: dict[tuple[int, int, int, int, int], Placed] = {}
    for mine, hit in zip(cell.tolist(), placed, strict=True):
        each.setdefault((mine, hit.detector, hit.start, hit.end, hit.flags & MASKED), hit)
    expected = [row for number in range(cells)
                for row in rows(to_hits([hit for key, hit in each.items() if key[0] == number], number))]
    found = found_of(placed)
    with pytest.MonkeyPatch.context() as patch:
        for fast in (True, False):
            patch.setattr(compiled, "pays", lambda work, fast=fast: fast)
            assert rows(merge(RULES, found, cell)) == expected


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(("一", "a", "é", "\n")), st.integers(0, 170)), max_size=6),
       st.lists(st.tuples(st.booleans(), st.integers(0, 900)), min_size=1, max_size=8))
def test_company_is_that_of_single_lines(stretches: list[tuple[str, int]], places: list[tuple[bool, int]]) -> None:
    from guard.detect.company import in_company
    from guard.detect.judging_loops import HitColumns
    from guard.detect.rule_tables import Rulings
    from guard.detect.shapes import Block

    text = "".join(letter * (1 if letter == "\n" else count) for letter, count in stretches) + "。末"
    needy = next(rule for rule in RULES if rule.detector.id == "cn-name-cell")
    friend = next(rule for rule in RULES if rule.detector.id == "cn-mobile")
    marks = sorted({(place % len(text), is_friend) for is_friend, place in places if text[place % len(text)] != "\n"})
    edges = np.cumsum([0, *(len(letter.encode()) for letter in text)])
    hits = HitColumns(np.array([(friend if is_friend else needy).index for _, is_friend in marks], np.int64),
                      edges[[place for place, _ in marks]], edges[[place + 1 for place, _ in marks]],
                      np.ones(len(marks)), np.zeros(len(marks), np.int64))
    kept = in_company(Rulings(RULES, {}), Block(text.encode()), hits, len(marks)) & (hits.detector == needy.index)
    got = hits.start[kept].tolist()
    expected, line_start = [], 0
    for line in text.split("\n"):
        inside = [(place - line_start, is_friend) for place, is_friend in marks
                  if line_start <= place < line_start + len(line)]
        kept = companions([Verdict(friend if is_friend else needy, place, place + 1, 1.0, 0)
                           for place, is_friend in inside])
        expected += [int(edges[line_start + v.start]) for v in kept if v.rule is needy]
        line_start += len(line) + 1
    assert got == sorted(expected)

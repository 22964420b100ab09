"""Explanations: they tell the hits of the matcher, their weights add up, and what is not reported has a reason."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Scanner
from guard.batch import DECODED, MASKED, SHADOWED
from guard.demo import People
from guard.detect import Explanation, Matcher, explain, load
from guard.detect.explanation import LONGEST
from guard.detect.judge import Place, scan_line
from guard.detect.normalise import lines
from guard.detect.overlap import Placed
from guard.detect.plain import place_line, scan_blocks, scan_cell
from guard.detect.recorded import Record, as_cell, record_cell, record_text
from guard.detect.validators import VALIDATORS
from guard.errors import UsageError
from guard.render.phrases import phrases

HEADERS = ("", "姓名", "sfzh", "联系电话", "password", "地址", "备注", "remark", "xm", "银行卡号", "user_name")
PEOPLE = People(3)
PIECES = (
    lambda: PEOPLE.name(), lambda: PEOPLE.resident_id(), lambda: PEOPLE.mobile(), lambda: PEOPLE.bank_card(),
    lambda: PEOPLE.address(), lambda: PEOPLE.uscc(), lambda: PEOPLE.email(), lambda: "身份证号", lambda: "电话：",
    lambda: "，", lambda: " ", lambda: "\n", lambda: "联系人", lambda: "先生", lambda: "password=Zx8kq91L#",
    lambda: "张*", lambda: "138****5678", lambda: "订单号", lambda: "eyJwaG9uZSI6IjEzODEyMzQ1Njc4In0",
    lambda: "\u200b", lambda: "gitleaks:allow", lambda: "-----BEGIN PRIVATE KEY-----", lambda: "１３８",
    lambda: "3301061992",
)


@cache
def matcher() -> Matcher:
    return Matcher(load())


def hits(text: str, header: str = "") -> list[tuple[str, int, int, float, int]]:
    """Detector, code points, confidence and flags of everything that the matcher finds."""
    data = text.encode()
    found = matcher().scan_column(as_cell(data, header)) if header else matcher().scan_text(data)
    points = [len(data[:at].decode("utf-8", "ignore")) for at in range(len(data) + 1)]
    return sorted((matcher().detectors[d].id, points[s], points[e], float(c), int(f)) for d, s, e, c, f in zip(
        found.detector, found.start, found.end, found.confidence, found.flags, strict=True))


def is_hit(one: Explanation) -> bool:
    return one.outcome in ("reported", "shadowed")


def check(text: str, header: str = "") -> None:
    """The explanations are of the hits, of each of them, and the weights of each are its confidence."""
    found = explain(matcher(), text, header)
    told = [one for one in found if is_hit(one)]
    assert sorted((one.detector, one.start, one.end, one.confidence, one.flags) for one in told) == hits(text, header)
    for one in told:
        assert sum(weight.amount for weight in one.weights) == pytest.approx(one.confidence, abs=2e-4), one.detector
        assert all(weight.name != "rule" for weight in one.weights)
        assert bool(one.flags & SHADOWED) == bool(one.by)
    for one in found:
        assert 0 <= one.start < one.end <= len(text)
        assert is_hit(one) or one.confidence < 0.3 or one.outcome == "no company"


EXAMPLES = [example for detector in load() for kind in ("match", "no_match", "masked")
            for example in getattr(detector.examples, kind)]


@pytest.mark.parametrize("first", range(4))
def test_the_examples_of_all_packs_are_explained_as_they_are_found(first: int) -> None:
    for example in EXAMPLES[first::4]:
        check(example)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(range(len(PIECES))), max_size=7), st.sampled_from(HEADERS))
def test_generated_texts_and_cells_are_explained_as_they_are_found(pieces: list[int], header: str) -> None:
    check("".join(PIECES[piece]() for piece in pieces), header)


def placed(records: list[Record]) -> list[Placed]:
    return sorted(record.placed for record in records if record.placed)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(range(len(PIECES))), max_size=8), st.sampled_from(HEADERS))
def test_recorded_judgements_are_those_of_the_plain_matcher(pieces: list[int], header: str) -> None:
    data, rules = "".join(PIECES[piece]() for piece in pieces).encode(), matcher().rules
    plain = [hit for line in lines(data) for hit in place_line(scan_line(rules, line.text, Place()), line)]
    assert placed(record_text(rules, data)) == sorted([*plain, *scan_blocks(rules, data)])
    assert placed(record_cell(rules, data, header)) == sorted(scan_cell(rules, data, header))


def the(detector: str, text: str, header: str = "") -> Explanation:
    (one,) = explain(matcher(), text, header, only=[detector])
    return one


@pytest.mark.parametrize(("detector", "text", "header", "outcome"), [
    ("cn-resident-id", "身份证330106199211030017", "", "reported"),
    ("cn-resident-id", "身份证330106199211030018", "", "reported"),
    ("cn-resident-id", "330106199211030018", "", "check failed"),
    ("cn-resident-id", "330106199299990018", "身份证号", "filtered"),
    ("cn-mobile", "编号13812345678001", "", "touched"),
    ("cn-mobile", "没有", "", "no match"),
    ("cn-qq", "数 123456789", "", "needs context"),
    ("cn-name-cell", "张伟", "", "no company"),
    ("cn-name-label", "联系人：办公室", "", "no value"),
    ("aws-access-key", "AKIAIOSFODNN7EXAMPLE", "", "filtered"),
    ("cn-name-column", "办公室 3", "姓名", "other form"),
    ("password-told", "password: Abc12345x", "", "shadowed"),
    ("cn-mobile", "编号x13812345678", "", "too little"),
])
def test_outcomes(detector: str, text: str, header: str, outcome: str) -> None:
    assert the(detector, text, header).outcome == outcome


def test_words_are_told_with_their_place() -> None:
    assert the("cn-mobile", "手机 13812345678").word == (1, "手机", "before")
    assert the("cn-mobile", "13812345678(电话)").word == (1, "电话", "behind")
    assert the("cn-mobile", "13812345678", "联系电话").word == (1, "电话", "header")
    against = the("cn-mobile", "订单号 13812345678")
    assert against.word == (-1, "订单号", "before")
    assert [weight.name for weight in against.weights if weight.amount < 0] == ["against"]


def test_company_decoding_and_marks_are_told() -> None:
    assert the("cn-name-cell", "张伟 13812345678").friends == ("person.phone.mobile",)
    assert the("cn-mobile", "eyJwaG9uZSI6IjEzODEyMzQ1Njc4In0=").flags & DECODED
    assert the("password-assignment", "password=Zx8kq91L# gitleaks:allow").marked
    assert not the("password-assignment", "password=Zx8kq91L#").marked
    assert the("cn-mobile", "138****5678").flags & MASKED


def test_places_are_code_points_lines_and_columns() -> None:
    one = the("cn-mobile", "一\n\u200b二 手机13812345678")
    assert (one.start, one.end, one.line, one.column) == (7, 18, 2, 6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(range(5)), min_size=1, max_size=4))
def test_no_two_previews_show_the_same_characters_but_those_of_reports(pieces: list[int]) -> None:
    found = explain(matcher(), " ".join(PIECES[piece]() for piece in pieces))
    shown = [one for one in found if one.preview]
    for at, one in enumerate(shown):
        for other in shown[at + 1 :]:
            apart = one.end <= other.start or other.end <= one.start
            assert apart or one.outcome == other.outcome == "reported"


def test_no_value_is_told_in_clear() -> None:
    text = "张伟 身份证330106199211030018 手机13812345678 password=Zx8kq91L#vv 卡6228480012345678903"
    told = json.dumps([one.as_json() for one in explain(matcher(), text)], ensure_ascii=False) + repr(
        explain(matcher(), text))
    for value in ("张伟", "19921103", "13812345678", "Zx8kq91L", "228480012345678903"):
        assert value not in told


def test_rules_of_others_are_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rules]]\nid = 'ours'\nregex = 'zq_[0-9]{6}'\n", encoding="utf-8")
    found = explain(Scanner(rules=[path]).matcher, "key zq_123456")
    (one,) = [one for one in found if one.detector == "ours"]
    assert (one.outcome, one.start, [weight.name for weight in one.weights]) == ("reported", 4, ["rule"])


def test_what_cannot_be_explained() -> None:
    with pytest.raises(UsageError, match="more than"):
        explain(matcher(), "x" * (LONGEST + 1))
    with pytest.raises(UsageError, match="no detector nonsense"):
        explain(matcher(), "x", only=["nonsense"])
    assert explain(matcher(), "") == ()
    assert explain(matcher(), "\ud800\udfff x") == ()


def test_every_check_has_words_in_both_languages() -> None:
    for language in ("en", "zh"):
        assert set(phrases(language).sections["check_meaning"]) == {*VALIDATORS, "entropy"}

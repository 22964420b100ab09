"""Models beside the rules: what they are asked, where their answers are placed, how they are judged."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_model import ListedModel, persons

from guard import Scanner
from guard.batch import SHADOWED, Column
from guard.detect import Budget, Matcher, load
from guard.errors import GuardError, SourceError, UsageError
from guard.model import Finding, Reason
from guard.nlp import Entity, Kind, ModelMatcher, reading
from guard.scanner.sink import FindingList

NAME = "孟小冬"
SENTENCE = f"昨天下午{NAME}在菜市场门口摔倒了。"
RULES = Matcher(load())


def seen(text: str, model: ListedModel) -> list[tuple[str, str, float]]:
    """Detector, value and confidence of what is found in a text by a model."""
    return [(f.detector, text[f.start : f.end], round(f.confidence, 2)) for f in findings(text, model)
            if f.detector.startswith("model-")]


def findings(text: str, model: ListedModel) -> list[Finding]:
    return Scanner(models=[model]).scan_text(text)


def byte_spans(matcher: Matcher, data: bytes) -> list[tuple[int, int]]:
    """Where models see something in bytes."""
    hits = matcher.scan_text(data)
    chosen = hits.take(hits.detector >= len(RULES.detectors))
    return list(zip(chosen.start.tolist(), chosen.end.tolist(), strict=True))


def column(header: str, *values: str, text: bool = True) -> Column:
    encoded = [value.encode() for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int64)
    starts = ends - np.array([len(value) for value in encoded], np.int64)
    return Column("field", header, b"".join(encoded), starts, ends, np.arange(len(values)), text=text)


def test_a_name_that_no_rule_tells_is_found_by_the_model():
    assert findings(SENTENCE, persons()) == []
    assert seen(SENTENCE, persons(NAME)) == [("model-zh-person", NAME, 0.7)]


def test_a_finding_of_a_model_is_as_any_other():
    finding, = findings(SENTENCE, persons(NAME))
    assert (finding.data_class, finding.reveal(), finding.preview) == ("person.name", NAME, "孟**")
    assert (finding.location.offset, finding.location.length, finding.validated) == (12, 9, False)
    assert NAME not in repr(finding)


def test_what_a_rule_has_explained_is_no_reason_to_ask():
    model = persons(NAME)
    found = findings(f"联系人：{NAME}，地点：菜市场门口", model)
    assert [f.detector for f in found] == ["cn-name-label"]
    assert model.asked == []


def test_of_two_readings_of_one_value_one_is_shown():
    matcher = ModelMatcher(RULES, [persons("王建国", NAME)])
    text = f"根据王建国的陈述，后来是{NAME}把围墙拆掉的。".encode()
    hits = matcher.scan_text(text)
    shown = hits.take(hits.flags & SHADOWED == 0)
    first = shown.take(shown.start == text.index("王建国".encode()))
    assert len(first) == 1
    assert len(hits) > len(shown)


@pytest.mark.parametrize("text", [
    "电费按阶梯计价，每度五角三分。", "2026-01-01 12:00:00 INFO request accepted in 12 ms\n" * 3, "孟小冬",
    "", "。", "电梯坏了好几天了没人修理。",
])
def test_a_text_that_holds_no_name_is_not_asked_about(text):
    model = persons(NAME)
    findings(text, model)
    assert model.asked == []


def test_texts_that_differ_in_digits_only_are_asked_about_once():
    model = persons(NAME)
    text = "".join(f"第{number}号窗口后来是{NAME}接待的。\n" for number in range(10, 40))
    assert len(seen(text, model)) == 30
    assert model.asked == [f"第00号窗口后来是{NAME}接待的。"]


@pytest.mark.parametrize(("value", "kind", "confidence"), [
    ("毛尖", Kind.PERSON, None), ("小冬", Kind.PERSON, None), ("法院", Kind.ORGANISATION, None),
    ("云帆科技有限公司", Kind.ORGANISATION, 0.6), ("桂花城", Kind.PLACE, None),
])
def test_the_tables_have_a_say_in_what_counts(value, kind, confidence):
    text = f"那天{value}和往常一样，{NAME}没有在场。"
    found = [row for row in seen(text, ListedModel({value: kind})) if row[1] == value]
    assert [row[2] for row in found] == ([] if confidence is None else [confidence])


@pytest.mark.parametrize(("places", "tail", "address"), [
    (("翠苑一区",), "十二幢的顶楼", "翠苑一区十二幢"),
    (("朝阳门外大街",), "甲6号万通大厦D座，", "朝阳门外大街甲6号万通大厦D座"),
    (("湖南", "衡阳", "祁东县", "白地市镇"), "的老家", "湖南衡阳祁东县白地市镇"),
    (("湖南", "衡阳"), "的老家", ""), (("长河路",), "的老房子", ""),
])
def test_places_are_an_address_with_the_house_or_one_in_the_other(places, tail, address):
    text = f"后来{NAME}搬到了{''.join(places)}{tail}。"
    found = seen(text, ListedModel(dict.fromkeys(places, Kind.PLACE)))
    assert [value for _, value, _ in found] == ([address] if address else [])


@pytest.mark.parametrize(("text", "value", "kind"), [
    ("信访事项受理告知书 苏民发〔2015〕293号", "苏民发", Kind.PERSON),
    ("当事人不服（2022）浙0106刑初5819号判决，章小明上诉", "浙", Kind.PLACE),
])
def test_numbers_of_documents_and_cases_are_neither_person_nor_house(text, value, kind):
    assert value not in [found for _, found, _ in seen(text, ListedModel({value: kind}))]


@pytest.mark.parametrize(("model_sees", "name"), [("祝", "祝长贵"), ("小刚", "封小刚")])
def test_a_name_that_the_model_cuts_is_whole(model_sees, name):
    assert seen(f"本来约好的{name}没有来，", persons(model_sees)) == [("model-zh-person", name, 0.5)]


WORDS = st.sampled_from([NAME, "，", "\n", "a", "É", "😀", "在菜市场门口摔倒了", "。", "\t", " 12", "\u200b"])
PIECES = st.lists(WORDS | st.text(max_size=6), max_size=30)


@given(PIECES)
def test_offsets_are_bytes_of_the_buffer(pieces):
    data = "".join(pieces).encode("utf-8", "replace")
    for start, end in byte_spans(ModelMatcher(RULES, [persons(NAME)]), data):
        assert data[start:end] == NAME.encode()


@given(st.lists(st.sampled_from([SENTENCE.encode(), b"\xff\xfe", b"\xe5\xad", b"\n", NAME.encode()]), max_size=12))
def test_damaged_text_is_read_around_the_damage(pieces):
    data = SENTENCE.encode() + b"\n" + b"".join(pieces)
    found = byte_spans(ModelMatcher(RULES, [persons(NAME)]), data)
    assert (12, 21) in found
    assert all(data[start:end] == NAME.encode() for start, end in found)


@given(st.integers(0, 700), st.integers(0, 700), st.sampled_from("的é😀a"))
def test_a_name_in_a_sentence_without_end_is_found_once_wherever_it_stands(before, behind, filler):
    model = persons(NAME)
    text = f"{filler * before}当时{NAME}已经到了{filler * behind}"
    start = text.encode().index(NAME.encode())
    assert byte_spans(ModelMatcher(RULES, [model]), text.encode()) == [(start, start + 9)]
    assert max(len(asked.encode()) for asked in model.asked) <= 384 + 3


def test_a_text_of_several_blocks_is_read_as_one(monkeypatch):
    text = SENTENCE * 40 + ("的" * 200 + NAME + "，") * 5
    whole = byte_spans(ModelMatcher(RULES, [persons(NAME)]), text.encode())
    monkeypatch.setattr(reading, "BLOCK", 500)
    assert byte_spans(ModelMatcher(RULES, [persons(NAME)]), text.encode()) == whole
    assert len(whole) == 45


def test_cells_are_read_as_text_each_for_itself():
    model = persons(NAME)
    matcher = ModelMatcher(RULES, [model])
    hits = matcher.scan_column(column("备注", "无", SENTENCE, "", f"x{SENTENCE}", NAME, SENTENCE))
    mine = hits.take(hits.detector >= len(RULES.detectors))
    assert list(zip(mine.cell.tolist(), mine.start.tolist(), mine.end.tolist(), strict=True)) == [
        (1, 12, 21), (3, 13, 22), (5, 12, 21)]
    assert sorted(model.asked) == sorted([SENTENCE, f"x{SENTENCE}"])


def test_a_cell_that_a_rule_explains_as_a_whole_is_not_read():
    model = persons(NAME)
    address = "浙江省杭州市西湖区文三路138号2幢3单元501室"
    hits = ModelMatcher(RULES, [model]).scan_column(column("备注", address, f"{address}，{SENTENCE}", SENTENCE))
    assert sorted(model.asked) == sorted([f"浙江省杭州市西湖区文三路000号0幢0单元000室，{SENTENCE}", SENTENCE])
    mine = hits.take(hits.detector >= len(RULES.detectors))
    place = len(f"{address}，昨天下午".encode())
    assert list(zip(mine.cell.tolist(), mine.start.tolist(), strict=True)) == [(1, place), (2, 12)]


def test_numbers_of_a_typed_column_are_not_read():
    model = persons(NAME)
    assert len(ModelMatcher(RULES, [model]).scan_column(column("n", SENTENCE, text=False))) == 0
    assert model.asked == []


def test_a_column_without_values_is_read():
    assert len(ModelMatcher(RULES, [persons(NAME)]).scan_column(column("备注"))) == 0


def test_a_model_that_takes_too_long_is_a_file_that_was_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr(reading, "SLOWNESS", 1e-9)
    monkeypatch.setattr(reading, "CHUNK", 1)
    text = "".join(f"{chr(0x4E00 + number)}是{NAME}接待的群众。\n" for number in range(50))
    model = persons(NAME)
    report = Scanner(models=[model]).scan(io.BytesIO(text.encode()), as_format="text")
    assert {(skipped.reason, skipped.detail) for skipped in report.skipped} == {
        (Reason.TIMED_OUT, f"detector model-zh-{kind}") for kind in Kind}
    assert report.verdict == "incomplete"
    assert len(model.asked) == 1
    with pytest.raises(SourceError, match="model-zh-person ran out of time"):
        Scanner(models=[persons(NAME)]).scan_text(text)


def test_the_next_file_has_its_own_time(monkeypatch):
    matcher, budget = ModelMatcher(RULES, [persons(NAME)]), Budget()
    with monkeypatch.context() as patch:
        patch.setattr(reading, "SLOWNESS", 1e-9)
        matcher.scan_text(SENTENCE.encode(), budget)
        matcher.scan_text(SENTENCE.replace("菜", "鱼").encode(), budget)
    assert len(budget.exhausted) == len(Kind)
    assert byte_spans(matcher, SENTENCE.replace("菜", "肉").encode()) == [(12, 21)]


def test_a_scan_can_be_interrupted_in_a_model():
    class Interrupted(ListedModel):
        def entities(self, texts):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        findings(SENTENCE, Interrupted({}))


def test_what_a_failing_model_says_goes_nowhere():
    class Failing(ListedModel):
        def entities(self, texts):
            raise ValueError(f"cannot read {texts[0]}")

    with pytest.raises(GuardError, match=r"^model listed 1 failed: ValueError$") as caught:
        findings(SENTENCE, Failing({}))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("answers", [
    [], [[Entity(0, 99, Kind.PERSON)]], [[Entity(-1, 2, Kind.PERSON)]], [[Entity(3, 3, Kind.PERSON)]], [[], []],
])
def test_an_answer_that_does_not_fit_the_question_is_an_error(answers):
    class Confused(ListedModel):
        def entities(self, texts):
            return answers

    with pytest.raises(GuardError, match="answers something else than it was asked"):
        findings(SENTENCE, Confused({}))


def test_entities_are_trimmed():
    model = persons(f"{NAME}\n", "\n", f"又见了{NAME}")
    assert seen(f"昨天下午又见了{NAME}\n", model) == [("model-zh-person", NAME, 0.7)]


def test_there_is_one_model_for_each_language_with_a_gate():
    with pytest.raises(UsageError, match="two models of one language"):
        Scanner(models=[persons(), persons()])
    with pytest.raises(UsageError, match="no gate for models of 'fr'"):
        Scanner(models=[persons(language="fr")])


def test_two_models_read_the_same_text():
    text = f"{SENTENCE} Yesterday the clerk told Margaret Whitfield about it."
    found = Scanner(models=[persons(NAME), persons("Margaret Whitfield", language="en")]).scan_text(text)
    assert [f.detector for f in found] == ["model-zh-person", "model-en-person"]


def test_the_model_is_a_part_of_the_digest_of_the_rules():
    first, second = persons(NAME), persons(NAME)
    second.id = "listed 2"
    assert len({RULES.digest, ModelMatcher(RULES, [first]).digest, ModelMatcher(RULES, [second]).digest}) == 3


def test_a_scanner_with_a_model_reaches_a_worker():
    scanner = pickle.loads(pickle.dumps(Scanner(models=[persons(NAME)])))
    assert [f.data_class for f in scanner.scan_text(SENTENCE)] == ["person.name"]


def test_foreign_rules_run_beside_a_model(tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nid = 'zebra'\nregex = '''zebra-[0-9]{6}'''\npath = 'x'\n"
                     "[[rules]]\nid = 'okapi'\nregex = '''okapi-[0-9]{6}'''\n", encoding="utf-8")
    sink = FindingList()
    scanner = Scanner(rules=[rules], models=[persons(NAME)])
    (tmp_path / "x.txt").write_text(f"{SENTENCE}zebra-123456 okapi-123456", encoding="utf-8")
    scanner.scan(tmp_path / "x.txt", sink=sink)
    assert [f.detector for f in sink.findings] == ["model-zh-person", "zebra", "okapi"]


def test_what_is_encoded_is_found_by_rules_as_without_a_model():
    secret = "姓名：张伟，身份证号：110101199003071233，电话：13800138000"
    text = f"{SENTENCE} data: {__import__('base64').b64encode(secret.encode()).decode()}"
    plain, asked = Scanner().scan_text(text), findings(text, persons(NAME))
    assert {(f.detector, f.reveal()) for f in plain} == {(f.detector, f.reveal()) for f in asked
                                                         if not f.detector.startswith("model-")}
    assert plain

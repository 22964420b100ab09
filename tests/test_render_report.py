"""Rendering through `guard.render`: formats, stored reports, escaping, languages."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import string
import sys
import unicodedata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from render_example import ALL, HOSTILE, REPORT, release, violation

from guard.content import read_yaml, root
from guard.errors import UsageError
from guard.render import FORMATS, LANGUAGES, load_report, parse_report, render, shown
from guard.render.escape import csv_cell, escape_json, markdown_code, markdown_text
from guard.render.references import han_numeral
from guard.render.sentences import say

SCHEMA = json.loads((root("reports") / "report.schema.json").read_text("utf-8"))
ANY_TEXT = st.text(st.characters(), max_size=40)
ACTING = ("Cc", "Cf", "Zl", "Zp", "Cs")


def raw(report: dict[str, Any]) -> bytes:
    return json.dumps(report).encode()


# -- every format -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_the_same_text_again_and_fits_utf8(format_: str, name: str, language: str) -> None:
    text = render(ALL[name](), format_, language)
    assert text.encode("utf-8").decode("utf-8") == text
    assert text == render(ALL[name](), format_, language)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_order_of_the_scan_does_not_show(format_: str) -> None:
    report = violation()
    turned = {key: value[::-1] if isinstance(value, list) else value for key, value in report.items()}
    turned["warnings"] = report["warnings"]
    assert render(turned, format_) == render(report, format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_no_acting_character_reaches_any_format(format_: str) -> None:
    text = render(violation(), format_).replace("\ufeff", "", 1)
    assert not {c for c in text if unicodedata.category(c) in ACTING} - {"\n", "\r"}


def test_unknown_format_and_language_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="unknown report format pdf"):
        render(violation(), "pdf")
    with pytest.raises(UsageError, match="no reports in the language fr"):
        render(violation(), "json", "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_stays_as_it_is(language: str, snapshot: Any) -> None:
    assert render(violation(), "markdown", language) == snapshot


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_tables_stay_as_they_are(format_: str, snapshot: Any) -> None:
    assert render(violation(), format_, "zh") == snapshot


# -- json and its schema ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_json_follows_its_schema_and_comes_back(name: str) -> None:
    text = render(ALL[name](), "json")
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    back = parse_report(text.encode())
    assert render(back, "html", "zh") == render(ALL[name](), "html", "zh")
    assert back["verdict"] == ALL[name]()["verdict"]


def test_the_schema_is_valid_and_refuses_what_is_not_a_report() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    checker = jsonschema.Draft202012Validator(SCHEMA)
    for key in REPORT.as_json():
        assert not checker.is_valid({k: v for k, v in violation().items() if k != key})
    assert not checker.is_valid({**violation(), "verdict": "clean"})


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_escaped_json_means_the_same(text: str) -> None:
    escaped = escape_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(escaped) == {"a": text}
    assert not {c for c in escaped if unicodedata.category(c) in ACTING}


def test_every_ascii_character_is_escaped_or_as_it_was() -> None:
    """Text that is all ASCII takes a shorter way."""
    for code in range(128):
        alone, beside = (escape_json(f'"{before}{chr(code)}"')[1 + len(before) : -1] for before in ("", "中"))
        assert alone == beside
        assert (alone == chr(code)) is (32 <= code < 127 or chr(code) in "\t\n\r")


def test_findings_are_one_json_object_a_line() -> None:
    lines = render(violation(), "jsonl").splitlines()
    assert len(lines) == len(violation()["findings"])
    assert [json.loads(line)["dataset"] for line in lines] == sorted(f["dataset"] for f in violation()["findings"])


# -- stored reports ---------------------------------------------------------------------------------------------------


def test_a_stored_report_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(render(violation(), "json"), "utf-8")
    assert load_report(path)["audience"] == "public"


def test_additional_keys_are_tolerated() -> None:
    report = violation()
    report["later"] = {"x": [1]}
    for row in (*report["fields"], *report["decisions"], *report["findings"]):
        row["later"] = None
    assert "Must not be released" in render(parse_report(raw(report)), "html")


@pytest.mark.parametrize(("content", "message"), [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[]", "not a report of guard"),
    (b"{}", "not a report of guard"),
    (b'{"schema": "guard.report/v2"}', "of the version guard.report/v2"),
    (b'{"schema": "guard.report/v1"}', "not valid at tool"),
    (b"[" * 100_000, "not JSON"),
    (b'{"schema": ' + b"9" * 10_000 + b"}", "not JSON"),
    (raw({**violation(), "summary": {"x": float("nan")}}), "not JSON"),
])
def test_what_is_no_report_is_a_usage_error(content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_report(content)
    assert caught.value.__cause__ is None
    assert caught.value.hint


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            load_report(path)


def test_the_place_of_the_fault_is_named_and_its_value_is_not() -> None:
    report = violation()
    report["fields"][3]["examples"] = [{"preview": "canary-value"}]
    with pytest.raises(UsageError, match=r"not valid at fields/3/examples/0/detector") as caught:
        parse_report(raw(report))
    assert "canary" not in str(caught.value)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_report_is_refused_or_rendered(data: st.DataObject) -> None:
    """Whatever stands in a stored report: UsageError with a place, or every format; never another exception."""
    report = copy.deepcopy(violation())
    for _ in range(data.draw(st.integers(1, 3))):
        _damage(report, data)
    try:
        read = parse_report(json.dumps(report).encode())
    except UsageError:
        return
    for format_ in FORMATS:
        render(read, format_, data.draw(st.sampled_from(LANGUAGES))).encode()


DAMAGE = [None, True, -1, 7, 0.5, "", "x" * 9, "\ud800", [], [1], {}, {"a": 1}]


def _damage(node: Any, data: st.DataObject) -> None:
    """Replace or remove one node somewhere in the tree."""
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], (dict, list)) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        if data.draw(st.booleans()):
            del node[key]
        else:
            node[key] = copy.deepcopy(data.draw(st.sampled_from(DAMAGE)))
        return


# -- names are data ---------------------------------------------------------------------------------------------------


def test_everything_that_acts_is_escaped_and_nothing_else() -> None:
    acting = {c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ACTING}
    assert not [hex(ord(c)) for c in acting if shown(c) == c]
    kept = string.printable.rstrip("\t\n\r\x0b\x0c") + "姓名·é한ا⟨⟩①　\U0001f600"
    assert shown(kept, 0) == kept


@given(ANY_TEXT)
def test_shown_text_is_one_safe_line_and_stays_so(text: str) -> None:
    safe = shown(text)
    assert not {c for c in safe if unicodedata.category(c) in ACTING}
    assert len(safe.splitlines()) <= 1
    assert shown(safe) == safe


def test_a_long_name_keeps_both_ends() -> None:
    name = shown("a" * 500 + ".csv", 50)
    assert len(name) == 50
    assert name.startswith("aaa")
    assert name.endswith("a.csv")


@given(ANY_TEXT)
def test_a_name_in_a_markdown_table_stays_one_cell_of_text(name: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {markdown_code(name)} | {markdown_text(name)} |\n| x | y |\n"
    assert [cell.strip() for cell in _cells(table)[2:4]] == [shown(name).strip(), shown(name, 0).strip()]


@pytest.mark.parametrize("name", [
    "a|b", "a\\|b", "``", "`", "a`b", "\\", "[x](http://a)", "<b>", "&amp;", "*x*", "_x_", "~~x~~", "![i](j)", "a\\",
    "|", "`a`|b", HOSTILE,
])
def test_markup_in_names_is_text_in_markdown(name: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {markdown_code(name)} | {markdown_text(name)} |\n"
    assert _cells(table)[2:] == [shown(name), shown(name)]


def _cells(table: str) -> list[str]:
    """The texts of all cells; anything but text in one is a failure."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table)
    assert {t.type for t in tokens} <= {f"{kind}_{end}" for kind in ("table", "thead", "tbody", "tr", "th", "td")
                                        for end in ("open", "close")} | {"inline"}
    return [_text(t.children or []) for t in tokens if t.type == "inline"]


def _text(children: list[Any]) -> str:
    tags = [c.content for c in children if c.type == "html_inline"]
    assert set(tags) <= {"<code>", "</code>", "<!-- -->"}
    assert {c.type for c in children} <= {"text", "text_special", "code_inline", "html_inline"}
    return "".join(c.content for c in children if c.type != "html_inline")


def test_markdown_mentions_nobody() -> None:
    text = render(violation(), "markdown")
    prose = re.sub(r"<code>.*?</code>|`[^`\n]*`", "", text)
    assert not re.search(r"@\w", prose)
    assert "@<!-- -->team" in markdown_text("@team")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_no_csv_cell_starts_a_formula(start: str) -> None:
    report = violation()
    for row in report["fields"]:
        row["field"] = row["dataset"] = f"{start}HYPERLINK(1)"
    rows = list(csv.reader(io.StringIO(render(report, "csv").removeprefix("\ufeff"), newline="")))
    assert len(rows) == 1 + len(report["fields"])
    assert {row[1] for row in rows[1:]} == {"'" + shown(f"{start}HYPERLINK(1)")}
    assert csv_cell(-5) == -5


@given(ANY_TEXT)
def test_csv_cells_come_back(name: str) -> None:
    report = release()
    report["fields"] = [{**report["fields"][0], "field": name}]
    rows = list(csv.reader(io.StringIO(render(report, "csv").removeprefix("\ufeff"), newline="")))
    assert rows[1][1].removeprefix("'") == shown(name, 0).removeprefix("'")


# -- languages --------------------------------------------------------------------------------------------------------


def strings(language: str) -> dict[str, dict[str, Any]]:
    return read_yaml(root("reports") / f"strings.{language}.yml").data


def placeholders(phrase: Any) -> set[str]:
    texts = phrase.values() if isinstance(phrase, dict) else [phrase]
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_hold_the_same_phrases_with_the_same_values() -> None:
    english, chinese = strings("en"), strings("zh")
    assert {s: list(phrases) for s, phrases in english.items()} == {s: list(phrases) for s, phrases in chinese.items()}
    for section, phrases in english.items():
        for key, phrase in phrases.items():
            optional = {"count"} if isinstance(phrase, dict) else set()
            assert placeholders(phrase) - optional == placeholders(chinese[section][key]) - optional, f"{section}.{key}"


OPEN = {"grade", "role", "confidence", "kind", "action", "scope", "audience", "reason", "status", "check_title",
        "param", "suppressed", "notice_action", "verdict", "title", "headline", "figure", "explain_outcome",
        "explain_weight", "explain_where", "explain_use", "check_meaning"}
"""Sections whose keys are words of the model; they are looked up by value."""


def test_no_phrase_is_left_over() -> None:
    package = Path(sys.modules["guard.render"].__file__ or "").parent
    sources = [*package.glob("*.py"), *(package.parent / "cli").glob("*.py"), *root("reports").glob("*.j2")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    composed = {"section", "column", "method", "format", "place", "next", "why"}  # t("section." ~ name), found by name

    def used(section: str, key: str) -> bool:
        stem = f"{section}.{key.rpartition('_')[0]}_"  # words(f"why.protected_{mode}"), t("lead.caveat_" ~ mode)
        by_name = section in composed and re.search(rf'["\']{key}["\']', text)
        modes = key.endswith(("_scan", "_check", "_release")) and stem in text
        return bool(f"{section}.{key}" in text or by_name or modes or key in ("check_pass", "release_pass"))

    left = [f"{s}.{k}" for s, phrases in strings("en").items() if s not in OPEN for k in phrases if not used(s, k)]
    assert not left


def test_every_word_of_the_model_has_a_phrase() -> None:
    from guard.model import Action, Audience, Reason, Role, Scope, Verdict

    phrases = strings("zh")
    for section, words in {"action": Action, "audience": Audience, "reason": Reason, "role": Role, "scope": Scope,
                           "verdict": Verdict}.items():
        assert set(phrases[section]) == {str(word) for word in words}
    assert set(phrases["notice_action"]) == {str(action) for action in Action}


@pytest.mark.parametrize(("english", "chinese"), [
    ('header says "Resident identity number", 0 of 12 values pass the check digit',
     "字段名表示“公民身份号码”，12 个值中没有一个通过校验码"),
    ('only possible: header says "Health information"', "仅为疑似：字段名表示“健康信息”"),
    ("exception EX-1 is not applied: it expired on 2026-01-31", "例外 EX-1 未适用：已于 2026-01-31 失效"),
    ("a sentence that nobody wrote", "a sentence that nobody wrote"),
    ("", ""),
])
def test_sentences_of_other_rooms_are_said_in_chinese(english: str, chinese: str) -> None:
    assert say(english, "zh") == chinese
    assert say(english, "en") == english


def test_sentences_hold_the_same_values_in_all_languages() -> None:
    for row in read_yaml(root("reports") / "sentences.yml").data:
        assert placeholders(row["en"]) == placeholders(row["zh"]), row["en"]


@pytest.mark.parametrize(("value", "numeral"), [(0, "〇"), (6, "六"), (10, "十"), (14, "十四"), (20, "二十"),
                                                (28, "二十八"), (73, "七十三"), (99, "九十九"), (100, "100")])
def test_articles_are_counted_as_the_law_does(value: int, numeral: str) -> None:
    assert han_numeral(value) == numeral


def test_a_ground_is_named_by_law_and_article() -> None:
    assert "《个人信息保护法》第二十八条" in render(violation(), "html", "zh")
    assert "Personal Information Protection Law, Art. 28" in render(violation(), "html", "en")

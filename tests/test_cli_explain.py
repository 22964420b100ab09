"""`guard detectors explain` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from command import guard

TEXT = "张伟 身份证330106199211030018，手机13812345678 password=YOUR_API_KEY"


def test_the_account_of_a_text() -> None:
    done = guard("detectors", "explain", "--text", TEXT)
    assert (done.code, done.err) == (0, "")
    sections = {part.split(", ")[-1].splitlines()[0]: part for part in done.out.split("\n\n") if part[0] != " "}
    mobile = next(part for name, part in sections.items() if "138****5678" in part and "cn-mobile" in part)
    assert "+0.55  the pattern matches" in mobile
    assert "+0.20  a word speaks for it: 手机, before it" in mobile
    assert "reported: 0.95 (certain)" in mobile
    assert "no   check: the check character of ISO 7064 MOD 11-2 is right" in done.out
    assert "no   filter: it is no stand-in of documentation or templates" in done.out
    assert "a letter or digit touches the match: cn-" in done.out
    for value in ("张伟", "330106199211030018", "13812345678", "19921103"):
        assert value not in done.out


def test_a_cell_and_one_detector_in_chinese() -> None:
    done = guard("detectors", "explain", "--text", "-", "--header", "订单号", "--detector", "cn-mobile", "--lang", "zh",
                 stdin=b"13812345678")
    assert done.code == 0
    assert "手机号码（person.phone.mobile），cn-mobile" in done.out
    assert "有反对它的词：订单号，在字段名中" in done.out
    assert "1 个检测器看过，1 个找到可判断之处。" in done.out


def test_a_detector_that_finds_nothing_says_so() -> None:
    done = guard("detectors", "explain", "--text", "nothing", "--detector", "cn-mobile")
    assert "not reported: its pattern matches nowhere" in done.out
    assert "1 detector looked, 0 found something to judge." in done.out


def test_json_tells_everything() -> None:
    told = json.loads(guard("detectors", "explain", "--text", TEXT, "--json").out)
    mobile = next(one for one in told if one["detector"] == "cn-mobile" and one["outcome"] == "reported")
    assert mobile["context"] == {"sign": 1, "word": "手机", "where": "before"}
    assert sum(weight["amount"] for weight in mobile["weights"]) == mobile["confidence"] == 0.95
    assert (mobile["start"], mobile["line"], mobile["preview"]) == (27, 1, "138****5678")


def test_own_packs_are_explained(tmp_path: Path) -> None:
    pack = tmp_path / "own.yml"
    pack.write_text("- {id: case, data_class: person.id.other, title: {en: Case, zh: 案号}, pattern: 'C[0-9]{5}', "
                    "confidence: {shape: 0.2}, examples: {match: [], no_match: [], masked: []}}\n", encoding="utf-8")
    done = guard("detectors", "explain", "--text", "C12345", "--packs", pack)
    assert "not reported: it is worth too little (0.20)" in done.out
    assert "1 detector looked, 1 found something to judge." in done.out


def test_what_is_refused() -> None:
    assert guard("detectors", "explain", "--text", "x", "--detector", "nothing").error == "there is no detector nothing"
    bad = guard("detectors", "explain", "--text", "-", stdin=b"\xff\xfe")
    assert (bad.code, bad.error) == (2, "the input cannot be read or is not valid UTF-8")
    assert guard("detectors", "explain", "--text", "x" * 20_001).code == 2

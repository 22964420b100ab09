"""Rules that span lines, looked for around the lines that tell of them: what the whole buffer gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.detect import load
from guard.detect.plain import scan_blocks
from guard.detect.rule import compile_rules
from guard.detect.spanning import scan_around

ALL = compile_rules(load())
RULES = {rule.detector.id: rule for rule in ALL if rule.detector.multiline}
SPOKEN = ("environment-secret", "property-element-secret", "terraform-default-secret")
PIECES = (
    "- name: DB_PASSWORD\n", "  value: Kx92mZpL0w\n", "  value: other\n", "name: 'api_Key'\n", "name: HOST\n", "\n",
    " ",
    "<name>db.Secret</name>\n", "<name>db.host</name>", "<value>q8Zp7Lm2xVbN</value>\n", "x" * 200 + "\n", "é\n",
    'variable "db_TOKEN" {\n', 'variable "db_token" {\n', '  default = "Kx92mZpL0w"\n', "}\n", "PASSWORD\n",
    '"name": "PWD_PASS",\n', '"value": "Tr0ub4dor3"\n')
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map(lambda pieces: "".join(pieces).encode())


def lines_with(text: bytes, word: bytes) -> list[int]:
    """An offset in each line that holds a word."""
    return [place for place in range(len(text)) if text.startswith(word, place)]


@given(TEXTS)
def test_what_is_found_around_lines_is_what_is_found_everywhere(text: bytes) -> None:
    for name, word in zip(SPOKEN, (b"value", b"<value>", b"variable"), strict=True):
        rule = RULES[name]
        around = list(scan_around(ALL, text, {rule.index: lines_with(text, word)}))
        assert around == list(scan_blocks([rule], text))


def test_both_cases_of_the_words_beside_are_looked_for() -> None:
    rule = RULES["environment-secret"]
    for spelled in ("DB_PASSWORD", "db_password", "Db-Pwd", "dbApiKey"):
        text = f"- name: {spelled}\n  value: Kx92mZpL0w\n".encode()
        assert len(list(scan_around(ALL, text, {rule.index: [text.index(b"value")]}))) == 1, spelled
    text = b"- name: DB_HOST\n  value: Kx92mZpL0w\n"
    assert not list(scan_around(ALL, text, {rule.index: [text.index(b"value")]}))

"""Presidio's recognizers in our matcher: found beside Han characters, and as right as in Presidio itself."""

from __future__ import annotations

import itertools
import logging
import pickle
import random
import re
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("presidio_analyzer")

from presidio_analyzer import AnalyzerEngine, PatternRecognizer, RecognizerRegistry
from presidio_cases import CASES, Case
from presidio_engine import WordEngine

from guard import compiled
from guard.batch import VALIDATED
from guard.detect import Matcher, PlainMatcher
from guard.errors import UsageError
from guard.model import CERTAIN, POSSIBLE
from guard.presidio import Pack, of_countries, translated
from guard.presidio.entities import DATA_CLASSES, PROOFS
from guard.presidio.installed import recognizers
from guard.presidio.spelling import spelled, with_prefixes
from guard.scanner import Scanner
from guard.taxonomy import taxonomy

Matched = Matcher | PlainMatcher


@cache
def pack() -> Pack:
    return of_countries({"all", "generic"})


@cache
def plain() -> PlainMatcher:
    return PlainMatcher(pack().detectors, checks=pack().checks)


@cache
def fast() -> Matcher:
    return Matcher(pack().detectors, checks=pack().checks)


@cache
def by_entity() -> dict[str, PatternRecognizer]:
    return {recognizer.supported_entities[0]: recognizer for recognizer in recognizers()}


def found(matcher: Matched, entity: str, text: str) -> list[str]:
    """What the detectors of an entity find in a text."""
    data, prefix = text.encode(), re.compile(rf"presidio-{entity.lower().replace('_', '-')}-\d+")
    hits = matcher.scan_text(data)
    return [data[hits.start[i]:hits.end[i]].decode() for i in range(len(hits))
            if prefix.fullmatch(matcher.detectors[hits.detector[i]].id) and hits.confidence[i] >= POSSIBLE]


def core(value: str) -> str:
    """The number behind a label."""
    return re.split(r"\s|[#:](?!/)", value)[-1]


def test_every_pattern_recognizer_has_cases_and_a_class() -> None:
    assert len(recognizers()) >= 90
    assert {case.entity for case in CASES} == set(by_entity()) == set(DATA_CLASSES)
    assert all(len(case.values) == len(set(case.values)) == 3 == len(case.others) for case in CASES)
    assert set(DATA_CLASSES.values()) <= set(taxonomy())
    assert len(pack().detectors) == len({detector.id for detector in pack().detectors}) >= 173


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entity)
def test_a_value_is_found_between_han_characters(case: Case) -> None:
    for value in case.values:
        text = f"{case.word} 为{value}号的记录"
        expected = found(plain(), case.entity, text)
        assert any(hit.endswith(core(value)) for hit in expected)
        assert found(fast(), case.entity, text) == expected


@cache
def engine() -> AnalyzerEngine:
    """Presidio's own, with every pattern recognizer, reading every case as if it were of one language."""
    registry = RecognizerRegistry(supported_languages=["en"])
    for recognizer in recognizers():
        copy = pickle.loads(pickle.dumps(recognizer))
        copy.supported_language = "en"
        registry.add_recognizer(copy)
    return AnalyzerEngine(registry=registry, nlp_engine=WordEngine(), supported_languages=["en"])


def test_recall_and_precision_are_those_of_presidio() -> None:
    different = []
    for case in CASES:
        ours, theirs = [], []
        for text in (f"{case.word} {value}" for value in (*case.values, *case.others)):
            results = engine().analyze(text, language="en", entities=[case.entity], score_threshold=POSSIBLE)
            theirs.append(bool(results))
            ours.append(bool(found(plain(), case.entity, text)))
        if ours != theirs:
            different.append((case.entity, ours, theirs))
        assert all(theirs[:3]), case.entity
    assert different == []


def test_both_matchers_find_the_same_in_all_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [(case.word, value) for case in CASES for value in (*case.values, *case.others)]
    random.Random(4).shuffle(values)
    data = "\n".join(f"{word}：{value}，{value}号" for word, value in values).encode()
    expected = rows(plain(), data)
    assert len(expected) > 600
    for machine in (False, True):
        if machine and not compiled.is_available():
            continue
        monkeypatch.setattr("guard.compiled.pays", lambda _work, answer=machine: answer)
        assert rows(fast(), data) == expected


def rows(matcher: Matched, data: bytes) -> list[tuple[Any, ...]]:
    hits = matcher.scan_text(data)
    columns = (hits.detector, hits.start, hits.end, hits.confidence, hits.flags)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_what_stands_inside_a_longer_run_is_not_found() -> None:
    for value in ("536-90-4399", "86095742719", "943 476 5919", "DE89370400440532013000"):
        assert plain().scan_text(f"号{value}".encode()).start.tolist()
        for text in (f"A1{value}", f"{value}77Z"):
            hits = plain().scan_text(f"号{text}号".encode())
            spans = {text.encode()[s - 3:e - 3].decode() for s, e in zip(hits.start, hits.end, strict=True)}
            assert value not in spans


def test_a_score_becomes_a_confidence() -> None:
    def best(entity: str, text: str) -> float:
        hits = plain().scan_text(text.encode())
        mine = [float(hits.confidence[i]) for i in range(len(hits))
                if f"({entity} " in plain().detectors[hits.detector[i]].title.en]
        return round(max(mine, default=0.0), 2)

    assert best("UK_NINO", "号AA123456B") == 0.5  # the pattern alone: Presidio's score
    assert best("UK_NINO", "NINO 号AA123456B") == 0.85  # and a context word
    assert best("AU_ACN", "号000000019") == 0.46  # a weak pattern and a check digit
    assert best("US_PASSPORT", "号031234567") == 0.0  # a weak pattern alone is none
    assert best("US_PASSPORT", "passport 号031234567") == 0.4  # Presidio's least with a word
    assert best("IBAN_CODE", "号DE89370400440532013000") >= CERTAIN


def test_checks_that_prove_let_little_pass_and_no_others_are_called_proofs() -> None:
    chance, values = random.Random(1), {case.entity: case.values for case in CASES}
    for entity in PROOFS:
        validates = pack().checks.functions[f"{by_entity()[entity].name}.validates"]
        tried = ["".join(chance.choice("0123456789") if c.isdigit() else c for c in value)
                 for value in values[entity] for _ in range(400)]
        wrong = [value for value in tried if value not in values[entity]]
        assert sum(map(validates, wrong)) < len(wrong) / 40
        hits = plain().scan_text(f"号{values[entity][0]}号".encode())
        assert any(flags & VALIDATED for flags in hits.flags.tolist())


def test_an_account_is_found_without_the_word_behind_it() -> None:
    assert "DE89370400440532013000" in found(plain(), "IBAN_CODE", "in DE89370400440532013000 2 days")
    assert "DE89370400440532013000" in found(plain(), "IBAN_CODE", "in DE89370400440532013000 ABCD 12")


def test_prefixes_are_groups() -> None:
    text, groups = with_prefixes(r"(?<!x)(a[()]b)((?:c)?)(d(e)?)(?!y)")
    match = re.search(spelled(text, ignore_case=True), "a)BcDe")
    assert match is not None
    assert (groups, [match[n] for n in range(1, groups + 1)]) == (3, ["a)BcDe", "a)Bc", "a)B"])


def test_a_flag_inside_a_pattern_holds_for_all_of_it() -> None:
    assert spelled(r"\b(?i)[A-Z]\b", ignore_case=False) == r"(?i:\b[A-Z]\b)"
    assert spelled("[A-Z]", ignore_case=False) == "[A-Z]"


def test_what_is_anything_but_some_characters_ends_before_han() -> None:
    pattern = spelled(r"/[^\s]+\[\^", ignore_case=True)
    assert re.findall(pattern, "/a[^号 /b号[^ /c[^") == ["/a[^", "/c[^"]
    assert found(plain(), "URL", "见https://example.com/a?b=1查看")[0] == "https://example.com/a?b=1"


def test_deny_lists_and_unknown_entities_are_translated() -> None:
    made = translated([PatternRecognizer("PROJECT", name="projects", deny_list=["Blue Heron", "a.b"])])
    matcher = PlainMatcher(made.detectors, checks=made.checks)
    hits = matcher.scan_text("项目Blue Heron启动，axb，Blue Herons".encode())
    assert [(d.data_class, d.confidence.shape) for d in made.detectors] == [("person.id.other", 1.0)]
    assert hits.start.tolist() == [6]


def test_a_check_that_fails_leaves_the_pattern_its_score_and_tells_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(PatternRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            raise ValueError(pattern_text)

    made = translated([Failing("X", patterns=by_entity()["UK_NINO"].patterns)])
    hits = PlainMatcher(made.detectors, checks=made.checks).scan_text("号AA123456B号".encode())
    assert [round(float(c), 2) for c in hits.confidence] == [0.5]
    assert "AA123456B" not in caplog.text


def test_no_network_and_no_value_in_a_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    caplog.set_level(logging.DEBUG)
    values = list(itertools.chain.from_iterable((*case.values, *case.others) for case in CASES))
    plain().scan_text("\n".join(values).encode())
    assert not [value for value in values if len(value) > 6 and value in caplog.text]


def test_countries_are_chosen() -> None:
    ids = {detector.id.rsplit("-", 1)[0] for detector in of_countries({"de"}).detectors}
    assert {"presidio-de-tax-id", "presidio-iban-code", "presidio-crypto"} <= ids
    assert not [name for name in ids if not name.startswith(("presidio-de-", "presidio-iban", "presidio-crypto"))]
    assert of_countries({"gb"}).detectors == of_countries({"uk"}).detectors
    assert not [d for d in of_countries({"all"}).detectors if d.data_class.startswith("general.")]
    assert {d.data_class for d in of_countries({"generic"}).detectors} >= {"general.url", "person.email"}
    with pytest.raises(UsageError, match="no recognizer for country 'xx'"):
        of_countries({"xx"})


def test_a_scanner_finds_more_with_a_country_and_the_same_without() -> None:
    text = "税号86095742719号，身份证号110101199003071233"
    home = Scanner(fingerprint_key=b"k" * 32)
    assert home.matcher.digest == Scanner(countries=["CN"]).matcher.digest
    abroad = Scanner(countries=["cn", "DE"], fingerprint_key=b"k" * 32)
    more = {f.data_class for f in abroad.scan_text(text)} - {f.data_class for f in home.scan_text(text)}
    assert more == {"person.id.de"}
    again = pickle.loads(pickle.dumps(abroad))
    assert [f.detector for f in again.scan_text(text)] == [f.detector for f in abroad.scan_text(text)]


def test_the_country_is_an_option_of_scan_and_check(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Steuer 86095742719号\n", encoding="utf-8")
    for verb in (["scan"], ["check", "--policy", "cn-open-data", "--audience", "public"]):
        command = [sys.executable, "-m", "guard", *verb, str(tmp_path), "--country", "de", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert '"person.id.de"' in done.stdout


_WITHOUT = """
import sys
sys.modules["presidio_analyzer"] = None
from guard.cli.main import run
sys.exit(run(["scan", sys.argv[1], "--country", "de"]))
"""


def test_without_presidio_there_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", _WITHOUT, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.splitlines()) == (2, [
        "error: presidio-analyzer is not installed or cannot be imported",
        "hint: pip install 'disclosure-guard[presidio]'"])


def test_presidio_is_imported_only_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\n", encoding="utf-8")
    code = ("import sys; from guard.cli.main import run; run(['scan', sys.argv[1]]); "
            "print(sorted({'presidio_analyzer', 'spacy', 'tldextract', 'guard.presidio'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n")

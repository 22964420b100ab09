"""What is measured: Guard itself and the peers it is held against, each as a function from a file to a count."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from guard.detect.pack import load
from guard.detect.plain import PlainMatcher

Count = Callable[[Path], int]
PRESIDIO_BLOCK = 32_000
"""Code points of a block. Presidio is fastest in blocks; by line is how its own command line walks a file."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A scanner: `count` scans a whole file and returns its number of findings; `whole` scanners get the full corpus.

    The others read the first part of the same file, since they would need minutes for all of it.
    """

    name: str
    version: str
    rules: str
    count: Count
    whole: bool = False


def peers(with_presidio: bool = True) -> tuple[Peer, ...]:
    """Guard first. Everything is constructed, and its caches are warm, before anything is timed."""
    return (guard(), plain(), *(presidio() if with_presidio else ()))


def guard() -> Peer:
    """The full scan from file to report: reading, places, validation, classification; all default packs."""
    from guard import Scanner

    scanner = Scanner()

    def count(path: Path) -> int:
        # A register is recognised as a table whatever its suffix is; `.txt` asks for the lines of text.
        as_format = "text" if path.suffix == ".txt" else ""
        return sum(field.hits for field in scanner.scan(path, as_format=as_format).fields)

    return Peer("guard", importlib.metadata.version("disclosure-guard"), f"{len(load())} detectors", count, whole=True)


def plain() -> Peer:
    """The oracle with the same rules: every pattern over every line, one after the other."""
    matcher = PlainMatcher(load())
    return Peer("plain oracle", "same", f"{len(matcher.detectors)} detectors",
                lambda path: len(matcher.scan_text(path.read_bytes())))


def presidio() -> tuple[Peer, ...]:
    """presidio-analyzer without NLP model: its default engine by line, all its patterns by line and in blocks.

    The default engine has fewer pattern recognizers, but that for phone numbers, which is none of patterns.
    """
    _refuse_network()
    (usual, few), (every, all_) = _presidio_engines()
    version = importlib.metadata.version("presidio-analyzer")
    return (Peer("presidio, default, by line", version, few, lambda path: _by_line(usual, path)),
            Peer("presidio, all patterns, by line", version, all_, lambda path: _by_line(every, path)),
            Peer("presidio, all patterns, in blocks", version, all_, lambda path: _in_blocks(every, path)))


def _by_line(engine: Any, path: Path) -> int:
    return sum(len(engine.analyze(line, "en")) for line in path.read_text("utf-8").splitlines())


def _in_blocks(engine: Any, path: Path) -> int:
    text = path.read_text("utf-8")
    blocks = (text[start : start + PRESIDIO_BLOCK] for start in range(0, len(text), PRESIDIO_BLOCK))
    return sum(len(engine.analyze(block, "en")) for block in blocks)


def _presidio_engines() -> tuple[tuple[Any, str], tuple[Any, str]]:
    # By name and as Any: the types of an optional peer are not there when these scripts are checked without it.
    analyzer: Any = importlib.import_module("presidio_analyzer")
    predefined: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
    nlp_engine: Any = importlib.import_module("presidio_analyzer.nlp_engine")
    tldextract: Any = importlib.import_module("tldextract")
    # The e-mail recognizer asks tldextract, which would fetch the suffix list; its own snapshot does.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    pattern = analyzer.PatternRecognizer
    classes: list[Any] = [found for found in vars(predefined).values()
                          if inspect.isclass(found) and issubclass(found, pattern) and found is not pattern]
    nlp = nlp_engine.NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])

    def engine(recognizers: list[Any]) -> Any:
        registry = analyzer.RecognizerRegistry(recognizers=recognizers, supported_languages=["en"])
        return analyzer.AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])

    # All countries and languages at once, as Guard runs all its packs at once.
    every = [found(supported_language="en") for found in classes]
    default = analyzer.RecognizerRegistry(supported_languages=["en"])
    default.load_predefined_recognizers(languages=["en"])
    usual = [one for one in default.recognizers if "Spacy" not in type(one).__name__]
    return ((engine(usual), f"the {len(usual)} of its default engine, PhoneRecognizer among them, no NLP model"),
            (engine(every), f"all {len(every)} pattern recognizers, no NLP model, no PhoneRecognizer"))


def _refuse_network() -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError("the benchmark opens no connections")

    socket.socket.connect = refuse  # type: ignore[method-assign]

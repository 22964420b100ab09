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
    """presidio-analyzer with all its pattern recognizers and no NLP model, by line and in blocks."""
    _refuse_network()
    engine, rules = _presidio_engine()

    def by_line(path: Path) -> int:
        return sum(len(engine.analyze(line, "en")) for line in path.read_text("utf-8").splitlines())

    def in_blocks(path: Path) -> int:
        text = path.read_text("utf-8")
        blocks = (text[start : start + PRESIDIO_BLOCK] for start in range(0, len(text), PRESIDIO_BLOCK))
        return sum(len(engine.analyze(block, "en")) for block in blocks)

    version = importlib.metadata.version("presidio-analyzer")
    return (Peer("presidio, by line", version, rules, by_line), Peer("presidio, in blocks", version, rules, in_blocks))


def _presidio_engine() -> tuple[Any, str]:
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
    # All countries and languages at once, as Guard runs all its packs at once.
    every = [found(supported_language="en") for found in classes]
    registry = analyzer.RecognizerRegistry(recognizers=every, supported_languages=["en"])
    nlp = nlp_engine.NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    engine = analyzer.AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    return engine, f"all {len(every)} pattern recognizers, no NLP model, no PhoneRecognizer"


def _refuse_network() -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError("the benchmark opens no connections")

    socket.socket.connect = refuse  # type: ignore[method-assign]

"""A library as a process: construct it, warm it up on a small file, then scan a file and say what that used.

    python bench_worker.py ENGINE FILE --warm SMALLER [--as FORMAT] [--packs FILE ...]

The answer is one line of JSON: `cpu` and `wall` seconds of the scan alone, `findings`, and the `rules` that ran.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import resource
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

Count = Callable[[Path], int]
Engine = Callable[[argparse.Namespace], tuple[Count, str]]
PRESIDIO_BLOCK = 32_000
"""Code points of a block. Presidio is fastest in blocks; by line is how its own command line walks a file."""


def guard(options: argparse.Namespace) -> tuple[Count, str]:
    """The full scan from file to report: reading, places, validation, classification."""
    from guard import Scanner

    scanner = Scanner(packs=options.packs or None)

    def count(path: Path) -> int:
        return sum(field.hits for field in scanner.scan(path, as_format=options.as_format).fields)

    return count, f"{len(scanner.matcher.detectors)} detectors"


def oracle(options: argparse.Namespace) -> tuple[Count, str]:
    """The same rules in the slow, obvious way: every pattern over every line, one after the other."""
    from guard.detect.pack import load
    from guard.detect.plain import PlainMatcher

    matcher = PlainMatcher(load(options.packs or None))
    return lambda path: len(matcher.scan_text(path.read_bytes())), f"the same {len(matcher.detectors)} detectors"


def presidio_default(_: argparse.Namespace) -> tuple[Count, str]:
    """The pattern recognizers of Presidio's default engine, and that for phone numbers, by line."""
    engine, count = _presidio(default=True)
    return lambda path: _by_line(engine, path), f"the {count} recognizers of its default engine, no NLP model"


def presidio_lines(_: argparse.Namespace) -> tuple[Count, str]:
    """All pattern recognizers of all countries, by line."""
    engine, count = _presidio(default=False)
    return lambda path: _by_line(engine, path), f"all {count} pattern recognizers, no NLP model"


def presidio_blocks(_: argparse.Namespace) -> tuple[Count, str]:
    """All pattern recognizers of all countries, in blocks."""
    engine, count = _presidio(default=False)

    def in_blocks(path: Path) -> int:
        text = path.read_text("utf-8")
        blocks = (text[start : start + PRESIDIO_BLOCK] for start in range(0, len(text), PRESIDIO_BLOCK))
        return sum(len(engine.analyze(block, "en")) for block in blocks)

    return in_blocks, f"all {count} pattern recognizers, no NLP model"


def csv_strings(_: argparse.Namespace) -> tuple[Count, str]:
    """pyarrow.csv alone, every column as text, nothing kept: how fast the file can be read at all."""
    return lambda path: _read_csv(path, as_text=True), "none: only reads"


def csv_inferred(_: argparse.Namespace) -> tuple[Count, str]:
    """pyarrow.csv alone, with its default types."""
    return lambda path: _read_csv(path, as_text=False), "none: only reads"


def parquet(_: argparse.Namespace) -> tuple[Count, str]:
    """pyarrow.parquet alone."""

    def count(path: Path) -> int:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches(use_threads=False):
                pass
        return 0

    return count, "none: only reads"


ENGINES: dict[str, Engine] = {
    "guard": guard, "oracle": oracle, "presidio-default": presidio_default, "presidio-lines": presidio_lines,
    "presidio-blocks": presidio_blocks, "csv-strings": csv_strings, "csv-inferred": csv_inferred, "parquet": parquet,
}


def _read_csv(path: Path, as_text: bool) -> int:
    import pyarrow as pa
    import pyarrow.csv

    with path.open("rb") as file:
        names = file.readline().decode().rstrip("\n").split(",")
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()) if as_text else None)
    read = pyarrow.csv.ReadOptions(use_threads=False)
    with pyarrow.csv.open_csv(path, read_options=read, convert_options=convert) as batches:
        for _ in batches:
            pass
    return 0


def _by_line(engine: Any, path: Path) -> int:
    return sum(len(engine.analyze(line, "en")) for line in path.read_text("utf-8").splitlines())


def _presidio(default: bool) -> tuple[Any, int]:
    _refuse_network()
    # By name and as Any: the types of an optional peer are not there when these scripts are checked without it.
    analyzer: Any = importlib.import_module("presidio_analyzer")
    nlp_engine: Any = importlib.import_module("presidio_analyzer.nlp_engine")
    tldextract: Any = importlib.import_module("tldextract")
    # The e-mail recognizer asks tldextract, which would fetch the suffix list; its own snapshot does.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    recognizers = _default_recognizers(analyzer) if default else _every_recognizer(analyzer)
    registry = analyzer.RecognizerRegistry(recognizers=recognizers, supported_languages=["en"])
    nlp = nlp_engine.NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    engine = analyzer.AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
    return engine, len(recognizers)


def _default_recognizers(analyzer: Any) -> list[Any]:
    registry = analyzer.RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    return [one for one in registry.recognizers if "Spacy" not in type(one).__name__]


def _every_recognizer(analyzer: Any) -> list[Any]:
    predefined: Any = importlib.import_module("presidio_analyzer.predefined_recognizers")
    pattern = analyzer.PatternRecognizer
    classes: list[Any] = [found for found in vars(predefined).values()
                          if inspect.isclass(found) and issubclass(found, pattern) and found is not pattern]
    # All countries and languages at once, as Guard runs all its packs at once.
    return [found(supported_language="en") for found in classes]


def _refuse_network() -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError("the benchmark opens no connections")

    socket.socket.connect = refuse  # type: ignore[method-assign]


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    """Measure one scan and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("file", type=Path)
    parser.add_argument("--warm", type=Path, required=True)
    parser.add_argument("--as", dest="as_format", default="")
    parser.add_argument("--packs", type=Path, action="append")
    options = parser.parse_args()
    count, rules = ENGINES[options.engine](options)
    count(options.warm)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    findings = count(options.file)
    used = {"cpu": _cpu_seconds() - cpu, "wall": time.perf_counter() - wall}
    json.dump({**used, "findings": findings, "rules": rules}, sys.stdout)


if __name__ == "__main__":
    main()

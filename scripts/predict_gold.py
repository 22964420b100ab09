"""Findings in labelled documents, for scoring.

    python scripts/predict_gold.py [--pipeline] DOCUMENTS.jsonl > PREDICTIONS.jsonl

Each input line is {"doc_id", "format", "text", ...}; each output line {"doc_id", "start", "end", "data_class",
"masked", "detector", "confidence"} with code points of `text`. Tables and JSON are read cell by cell with their
headers, all else as text, as `guard scan` does; shadowed findings are left out. With `--pipeline` the bytes of each
document, in its encoding, go through `Scanner.scan`, and the places of its findings are carried back to `text`;
without it the plain matcher is asked, which defines what is right.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from guard import Scanner
from guard.batch import MASKED, SHADOWED, Column, Hits
from guard.detect.pack import load
from guard.detect.plain import PlainMatcher
from guard.model import Finding
from guard.scanner.sink import FindingList

Found = tuple[int, int, Hits, int]


def as_column(header: str, values: list[str]) -> Column:
    """Values as one column of a batch."""
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    ends = np.cumsum([len(value) for value in encoded], dtype=np.int64)
    starts = ends - np.array([len(value) for value in encoded], np.int64)
    return Column("field", header, b"".join(encoded), starts, ends, np.arange(len(values), dtype=np.int64))


def table_cells(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """For each column its header and (place in the text, value) of its cells."""
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    table = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    columns: list[list[tuple[int, str]]] = [[] for _ in table[0]]
    at = 0
    for number, row in enumerate(table):
        for index, value in enumerate(row):
            place = text.find(value, at) if value else at
            at = max(at, place + len(value))
            if number and value and index < len(columns):
                columns[index].append((place, value))
    yield from zip(table[0], columns, strict=True)


_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|-?\d+(?:\.\d+)?|[\[\]{}:,]|true|false|null')


def json_cells(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """For each value of a JSON document its path as header, its place in the text and the value."""
    stack: list[Any] = [""]
    key = ""
    for found in _STRING.finditer(text):
        token = found.group()
        if token in "{[":
            stack.append(f"{stack[-1]}.{key}" if key else stack[-1])
            key = ""
        elif token in "}]":
            stack.pop()
            key = ""
        elif token in ",:":
            continue
        elif token.startswith('"') and text[found.end() :].lstrip()[:1] == ":":
            key = found[1]
        else:
            value, place = (found[1], found.start() + 1) if token.startswith('"') else (token, found.start())
            yield f"${stack[-1]}.{key}" if key else f"${stack[-1]}", [(place, value)]


def cells(document: dict[str, Any]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """The columns of a structured document."""
    return table_cells(document["text"]) if document["format"] == "csv" else json_cells(document["text"])


def predict(matcher: PlainMatcher, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One line for each finding of a document."""
    if document["format"] not in ("csv", "json"):
        data = document["text"].encode()
        yield from rows(matcher, document, matcher.scan_text(data), [(0, document["text"])])
        return
    for header, values in cells(document):
        column = as_column(header, [value for _, value in values])
        yield from rows(matcher, document, matcher.scan_column(column), values)


def rows(matcher: PlainMatcher, document: dict[str, Any], hits: Hits,
         values: list[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    """The unshadowed hits as lines."""
    for index in np.flatnonzero((hits.flags & SHADOWED) == 0):
        place, value = values[int(hits.cell[index])]
        encoded = value.encode("utf-8", "surrogatepass")
        start, end = (len(encoded[: int(offset)].decode("utf-8", "replace"))
                      for offset in (hits.start[index], hits.end[index]))
        detector = matcher.detectors[int(hits.detector[index])]
        yield {"doc_id": document["doc_id"], "start": place + start, "end": place + end,
               "data_class": detector.data_class, "masked": bool(hits.flags[index] & MASKED), "detector": detector.id,
               "confidence": round(float(hits.confidence[index]), 3)}


def scan(scanner: Scanner, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One line for each finding of a document that was read as a file."""
    reader = {"csv": "csv", "json": "json"}.get(document["format"], "text")
    findings = FindingList()
    data = document["text"].encode(document.get("encoding", "utf-8"))
    scanner.scan(io.BytesIO(data), as_format=reader, sink=findings)
    for finding in findings.findings:
        start, end = span(document["text"], finding)
        yield {"doc_id": document["doc_id"], "start": start, "end": end, "data_class": finding.data_class,
               "masked": finding.masked, "detector": finding.detector, "confidence": round(finding.confidence, 3)}


def span(text: str, finding: Finding) -> tuple[int, int]:
    """The code points of a finding: by its offset in the UTF-8 form of the text, else by line and column."""
    place, value = finding.location, finding.reveal()
    if place.offset is not None and place.length is not None:
        encoded = text.encode("utf-8", "surrogatepass")
        start = len(encoded[: place.offset].decode("utf-8", "replace"))
        return start, start + len(encoded[place.offset : place.offset + place.length].decode("utf-8", "replace"))
    lines = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
    at = lines[(place.line or 1) - 1] + (place.column or 1) - 1
    found = text.find(value, at)
    start = found if found >= 0 else at
    return start, start + len(value)


def main() -> None:
    """Read documents, write predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents")
    parser.add_argument("--floor", type=float, default=0.3, help="least confidence")
    parser.add_argument("--pipeline", action="store_true", help="read each document as a file")
    arguments = parser.parse_args()
    scanner, matcher = Scanner(), PlainMatcher(load())
    with open(arguments.documents, encoding="utf-8") as file:
        for line in file:
            document = json.loads(line)
            for row in scan(scanner, document) if arguments.pipeline else predict(matcher, document):
                if row["confidence"] >= arguments.floor:
                    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()

"""A rehearsal: what the loops of a usual scan are compiled with, so that no later scan has to.

Which loops a scan needs depends on what it reads. One that had reason to compile goes on, at its end, with small
documents of each kind, made of the examples of the packs; only then may others, too small to compile, rely on the code.
"""

from __future__ import annotations

import io
import itertools
import json
from collections import deque
from collections.abc import Iterator

from guard.detect import Detector, load, shipped
from guard.native import kept
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, open_stream

RECORDS = 4_000
"""Enough for columns to be scanned as those of large files are."""
FEW = "device.yml"
"""A pack of which few places of a text come into question: they are looked for in another way than those of all."""
_CSV_SPECIAL = frozenset(',"\n\r')


def rehearse() -> None:
    """Scan some of everything, with all packs and with few rules, and note that the code is all there."""
    from guard.scanner import Scanner

    for scanner in (Scanner(), Scanner(packs=[path for path in shipped() if path.name == FEW])):
        labels = scanner.new_labels()
        for kind, text in documents(load()):
            document = open_stream(io.BytesIO(text.encode("utf-8", "replace")), Options(as_format=kind), labels)
            if isinstance(document, Document):
                deque(scanner.steps_of(document, labels, None), maxlen=0)
        _read_small_ones(labels)
    kept.note_filled()


def _read_small_ones(labels: ScannedLabels) -> None:
    """Small JSON documents, of which many are read together."""
    from guard.sources.json_documents import Text, read_documents

    content = json.dumps({"records": [{"备注": "a\nb", "代码": 1, "date": None}] * 2}, ensure_ascii=False)
    read_documents([Text(f"{number}.json", content.encode(), Options()) for number in range(2)], labels)


def documents(detectors: tuple[Detector, ...]) -> Iterator[tuple[str, str]]:
    """(format, content) of each."""
    # At a state-secret mark the reading of a document ends; the others look much like it.
    texts = [text for detector in detectors if not detector.data_class.startswith("state.")
             for text in (*detector.examples.match, *detector.examples.masked)]
    yield "text", "\n".join(texts)
    rows = _records([text for text in texts if not _CSV_SPECIAL & set(text)])
    # Columns are looked at more closely when more of them comes, unless it is the same again.
    for kind in ("csv", "jsonl", "csv", "jsonl"):
        yield kind, "\n".join(_lines(kind, list(itertools.islice(rows, RECORDS))))


def _lines(kind: str, records: list[dict[str, str]]) -> Iterator[str]:
    if kind == "jsonl":
        return (json.dumps(record, ensure_ascii=False) for record in records)
    return map(",".join, [list(records[0]), *(list(record.values()) for record in records)])


def _records(texts: list[str]) -> Iterator[dict[str, str]]:
    for number, text in enumerate(itertools.cycle(texts)):
        yield {"备注": text, "电话": str(10_000_000 + 7919 * number), "代码": str(number % 50),
               "性别": "男女"[number % 2], "date": f"2026-{1 + number % 12:02}-{1 + number % 28:02}",
               "编号": f"A{number:05}"}

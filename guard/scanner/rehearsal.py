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

import numpy as np

from guard.detect import Detector, load, shipped
from guard.hashing import hash64
from guard.native import kept
from guard.scanner.labels import ScannedLabels
from guard.sources import Document, Options, open_stream

RECORDS = (("csv", 4_000), ("jsonl", 4_000), ("csv", 17_000), ("jsonl", 4_000), ("quoted", 4_000))
"""Enough for columns to be scanned as those of large files are, which are looked at more closely after 16,000 cells."""
FEW = "device.yml"
"""A pack of which few places of a text come into question: they are looked for in another way than those of all."""
_CSV_SPECIAL = frozenset(',"\n\r')
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉"
_NAMES = ("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩", _GIVEN, _GIVEN)
"""What the names of some 15,000 people are made of."""


def rehearse() -> None:
    """Scan some of everything, with all packs and with few rules, and note that the code is all there."""
    from guard.scanner import Scanner

    for packs in (None, [path for path in shipped() if path.name == FEW]):
        scanner = Scanner(packs=packs)
        labels = scanner.new_labels()
        for kind, text in documents(load()):
            document = open_stream(io.BytesIO(text.encode("utf-8", "replace")), Options(as_format=kind), labels)
            if isinstance(document, Document):
                deque(scanner.steps_of(document, labels, None), maxlen=0)
        _read_small_ones(labels)
    _call_others()
    kept.note_filled()


def _call_others() -> None:
    """What only a release needs, and a large table of cells in quotes."""
    from guard.sources.record_loop import last_record_end

    hash64(bytes(2), np.arange(2), np.arange(1, 3), 0)
    last_record_end(np.frombuffer(b'"a"', np.uint8), ord(","), 0)


def _read_small_ones(labels: ScannedLabels) -> None:
    """Small JSON documents, of which many are read together."""
    from guard.sources.json_documents import Text, read_documents

    content = json.dumps({"records": [{"备注": "a\nb", "代码": 1, "date": None}] * 2}, ensure_ascii=False)
    read_documents([Text(f"{number}.json", content.encode(), Options()) for number in range(2)], labels)


def documents(detectors: tuple[Detector, ...]) -> Iterator[tuple[str, str]]:
    """(format, content) of each; without a format it is looked for, as in files."""
    # At a state-secret mark the reading of a document ends; the others look much like it.
    texts = [text for detector in detectors if not detector.data_class.startswith("state.")
             for text in (*detector.examples.match, *detector.examples.masked)]
    yield "", "\n".join(texts)
    rows = _records([text for text in texts if not _CSV_SPECIAL & set(text)])
    for kind, count in RECORDS:
        lines = _lines(kind, list(itertools.islice(rows, count)))
        yield "csv" if kind == "quoted" else kind, "\n".join(lines)


def _lines(kind: str, records: list[dict[str, str]]) -> Iterator[str]:
    if kind == "jsonl":
        return (json.dumps(record, ensure_ascii=False) for record in records)
    rows = [list(records[0]), *(list(record.values()) for record in records)]
    # One cell in quotes has all of them read in another way.
    return map(",".join, rows if kind == "csv" else [*rows, [f'"""{cell}"' for cell in rows[0]]])


def _digits(number: int) -> tuple[int, ...]:
    """The last three digits to base 25."""
    return number // 625 % 25, number // 25 % 25, number % 25


def _records(texts: list[str]) -> Iterator[dict[str, str]]:
    for number, text in enumerate(itertools.cycle(texts)):
        yield {"备注": text, "姓名": "".join(map(str.__getitem__, _NAMES, _digits(number))),
               "电话": str(10_000_000 + 7919 * number), "卡号": str(6_200_000_000_000_000 + 104_729 * number),
               "代码": str(number % 50),
               "性别": "男女"[number % 2], "date": f"2026-{1 + number % 12:02}-{1 + number % 28:02}",
               "编号": f"Q{10**14 + 7919 * number}-{'KZ'[number % 2]}"}

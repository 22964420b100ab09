"""From hits to findings: places, masked previews and keyed fingerprints, made only for what somebody looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from guard.batch import CHECK_FAILED, FROM_HEADER, MASKED, SHADOWED, VALIDATED, Batch, Hits
from guard.detect import Matcher
from guard.keys import fingerprinter
from guard.masking import preview
from guard.model import Finding, Hidden, Location
from guard.taxonomy import data_class


class FindingMaker:
    """Makes findings of one run; `key` keys their fingerprints."""

    def __init__(self, matcher: Matcher, key: bytes) -> None:
        self._matcher = matcher
        self._fingerprint: Callable[[str, str], str] = fingerprinter(key)

    def of_batch(self, batch: Batch, column: int, hits: Hits, *, shadowed: bool = False) -> Iterator[Finding]:
        """The findings of one column of a batch (`column` -1: of its text), in order; shadowed ones on request."""
        for index in range(len(hits)):
            if shadowed or not hits.flags[index] & SHADOWED:
                yield self._of_hit(batch, column, hits, index)

    def of_text(self, text: str, hits: Hits, dataset: str = "") -> Iterator[Finding]:
        """The findings of a text; `start` and `end` are its code points."""
        data = text.encode("utf-8", "surrogatepass")
        for index in range(len(hits)):
            if hits.flags[index] & SHADOWED:
                continue
            first, last = int(hits.start[index]), int(hits.end[index])
            start = _points(data[:first])
            value = _decoded(data[first:last])
            place = Location(dataset, line=data.count(b"\n", 0, first) + 1,
                             column=start - _points(data[: data.rfind(b"\n", 0, first) + 1]) + 1,
                             offset=first, length=last - first)
            yield self.make(hits, index, value, place, start)

    def _of_hit(self, batch: Batch, column: int, hits: Hits, index: int) -> Finding:
        first, last, cell = int(hits.start[index]), int(hits.end[index]), int(hits.cell[index])
        place = batch.locate(column, cell, first, last)
        whole = batch.data if column < 0 else batch.columns[column].value(cell)
        start = (place.column or 1) - 1 if column < 0 else _points(whole[:first])
        return self.make(hits, index, _decoded(whole[first:last]), place, start)

    def make(self, hits: Hits, index: int, value: str, place: Location, start: int) -> Finding:
        """The finding of one hit with this value at this place."""
        number = int(hits.detector[index])
        detector = self._matcher.detectors[number]
        flags = int(hits.flags[index])
        style = data_class(detector.data_class).mask
        return Finding(
            detector.id, detector.data_class, place, start, start + len(value), float(hits.confidence[index]),
            bool(flags & VALIDATED), bool(flags & MASKED), preview(style, value),
            self._fingerprint(detector.data_class, self._matcher.normal_form(number, value.encode("utf-8", "replace"))),
            _reason(flags), Hidden(value),
        )


def _reason(flags: int) -> str:
    if flags & CHECK_FAILED:
        return "format and place fit, check fails"
    return "header says so" if flags & FROM_HEADER else ""


def _points(data: bytes) -> int:
    """Code points of a UTF-8 prefix: every byte that does not continue one."""
    return len(data.decode("utf-8", "replace"))


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")

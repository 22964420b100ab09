"""Where a match may begin at all: a question to a table for every byte of a text, before any walk.

After FDR of Hyperscan (Wang et al., NSDI 2019): openings are put into BUCKETS, and a table says for each two bytes in
which buckets they may stand right at a beginning (the byte before it and the first), behind that, and again behind
that. A place is one for a walk where some bucket that the line asks for takes all six bytes. Each answer may be a
little too often yes, and is never wrongly no.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from guard.detect.beginnings import ACCEPT, BEFORE, Graph, Step
from guard.detect.classes import PLANE, Mask
from guard.detect.factors import Words

PAIRS, BUCKETS = 3, 21
"""Their product is at most the bits of a word."""
SECOND, THIRD = BUCKETS, 2 * BUCKETS
"""Where in an entry the bits of the second and the third two bytes begin."""
_BYTES = 256
_LINE_ENDS = (10, 13)
_ROUNDS = 3
WORTH = 0.2
"""The share of the places of a text that may come through; where more do, all are walked from."""
ORDINARY = """\
2026-03-14 09:26:53,589 INFO  [http-nio-8080-exec-7] c.g.portal.OrderService - order 20260314000871 paid by user=u1938
2026-03-14T09:27:01.120+08:00 WARN gateway timeout after 3000ms path=/api/v2/items/4417/cards?page=2&size=50 status=504
Mar 14 09:27:03 web-02 sshd[20114]: Accepted publickey for deploy from 192.0.2.19 port 52144 ssh2
{"id":48213,"name":"city library","created_at":"2026-03-14T08:00:00Z","tags":["open","data"],"price":12.50,"ok":true}
region_id,district,building,household,amount,updated
310104,Xuhui,17,Room 402,1880.00,2026/03/14
def load_rows(path: str, limit: int = 100) -> list[dict[str, Any]]:
    for index, row in enumerate(reader):
        if not row or row[0].startswith("#"): continue
public static final String DEFAULT_NAME = System.getProperty("app.name", "portal"); // see README
const total = items.filter(item => item.count > 0).reduce((sum, item) => sum + item.count, 0);
SELECT o.id, o.status FROM orders o LEFT JOIN users u ON u.id = o.user_id WHERE o.created_at >= NOW() - INTERVAL 7 DAY
The office publishes what it measures every month: water, air and noise, and the figures of each of its districts.
When the new rules came into force most of the applications had already been made online, and few people came by.
git+https://git.example.org/portal/data.git#v1.4.2 sha512-Xk1Z0nq8hJ3yVbT7mQ2w5uRrPpL9aGdEfCsKjHhNnMm4TtYy6iOo0zAa==
token cache miss key=session:7fa2-51c0 trace=9f3c1a7be04d5528 host=db-01.internal pool=16/64 heap=412M cpu=0.73
今年三月全市共受理网上申请一万二千余件，其中八成在当日办结，群众满意度较上年有所提高。
市民可在政务服务大厅或者通过手机办理，办理时请携带有关材料，咨询时间为工作日上午九点至下午五点。
编号,街道,项目名称,金额,备注
20260017,和平路街道办事处,老旧小区改造工程,380000.00,已验收
"""
"""What most of a text is like: openings that are asked about the same of its places share a bucket."""


class Prefilter(NamedTuple):
    """`pairs[first byte | second << 8]` are the buckets in which two bytes may stand; `buckets[opening]` is the bit of
    the one that it is in."""

    pairs: npt.NDArray[np.uint64]
    buckets: npt.NDArray[np.uint64]

    @property
    def is_worth_it(self) -> bool:
        """Whether few places come through; the table is empty where many would."""
        return len(self.pairs) > 0

    def active(self, openings: Mask) -> np.uint64:
        """The bits of the buckets of some openings."""
        return np.uint64(np.bitwise_or.reduce(self.buckets[: len(openings)][openings], initial=np.uint64(0)))


def prefilter(graphs: Sequence[Graph], words: Sequence[Words | None]) -> Prefilter:
    """The table for some beginnings; `words` are those without which one is not looked for in a line."""
    encoded: dict[Step, _Encoded] = {}
    admitted = [_pairs_of(graph, encoded) for graph in graphs]
    buckets, share = _distributed(admitted, words)
    if share > WORTH:
        return Prefilter(np.empty(0, np.uint64), np.zeros(len(buckets), np.uint64))
    pairs = np.zeros((_BYTES, _BYTES), np.uint64)
    for pair in range(PAIRS):
        for bucket in range(BUCKETS):
            mine = [pairs_of[pair] for pairs_of, other in zip(admitted, buckets, strict=True) if other == bucket]
            if mine:
                pairs[np.logical_or.reduce(mine)] |= np.uint64(1 << pair * BUCKETS + bucket)
    return Prefilter(pairs.T.ravel(), np.array([1 << bucket for bucket in buckets], np.uint64))


class _Form(NamedTuple):
    """Characters of so many bytes: which may be the first and the last, and which follow one another."""

    firsts: Mask
    pairs: tuple[Mask, ...]
    lasts: Mask


class _Encoded:
    """The characters of one step in UTF-8."""

    def __init__(self, step: Step) -> None:
        self._members = np.zeros(PLANE, bool)
        self._members[list(step.chosen.ascii)] = True
        for low, high in step.chosen.beyond:
            self._members[low : high + 1] = True
        self._is_beyond = any(high >= PLANE for _, high in step.chosen.beyond)
        self._ends = step.end

    @cached_property
    def forms(self) -> list[_Form]:
        """By their length; an end of the line is taken for its first byte."""
        single = np.zeros(_BYTES, bool)
        single[:128] = self._members[:128]
        if self._ends:
            single[list(_LINE_ENDS)] = True
        found = [_Form(single, (), single)] if single.any() else []
        for low, behind in ((0x80, 0x800), (0x800, PLANE)):
            codes = low + np.flatnonzero(self._members[low:behind])
            if len(codes):
                found.append(_form(codes, 2 if behind == 0x800 else 3))
        return [*found, _beyond_the_plane()] if self._is_beyond else found

    @cached_property
    def firsts(self) -> Mask:
        """The first bytes of all of them."""
        return _union([form.firsts for form in self.forms])

    @cached_property
    def lasts(self) -> Mask:
        """The last bytes of all of them."""
        return _union([form.lasts for form in self.forms])


def _form(codes: npt.NDArray[np.int64], length: int) -> _Form:
    leads = 0xC0 | codes >> 6 if length == 2 else 0xE0 | codes >> 12
    units = [leads, *(0x80 | codes >> 6 * place & 0x3F for place in reversed(range(length - 1)))]
    pairs = []
    for first, second in pairwise(units):
        pairs.append(np.zeros((_BYTES, _BYTES), bool))
        pairs[-1][first, second] = True
    return _Form(_only(units[0]), tuple(pairs), _only(units[-1]))


def _beyond_the_plane() -> _Form:
    leads, others = _only(np.arange(0xF0, 0xF5)), _only(np.arange(0x80, 0xC0))
    return _Form(leads, (np.outer(leads, others), *2 * (np.outer(others, others),)), others)


def _only(units: npt.NDArray[np.int64]) -> Mask:
    mask = np.zeros(_BYTES, bool)
    mask[units] = True
    return mask


def _union(masks: Sequence[Mask]) -> Mask:
    return np.logical_or.reduce(masks) if masks else np.zeros(_BYTES, bool)


def _pairs_of(graph: Graph, encoded: dict[Step, _Encoded]) -> list[Mask]:
    """Which two bytes may stand right before and at a beginning, behind that, and behind that."""
    def read(node: int) -> _Encoded:
        step = graph.steps[node]
        assert step is not None
        if step not in encoded:
            encoded[step] = _Encoded(step)
        return encoded[step]

    def firsts(nodes: set[int]) -> Mask:
        if ACCEPT in nodes:
            return np.ones(_BYTES, bool)
        return _union([read(node).firsts for node in nodes])

    found = [np.zeros((_BYTES, _BYTES), bool) for _ in range(PAIRS)]
    found[0] |= np.outer(read(BEFORE).lasts, firsts(graph.follows[BEFORE]))
    # Byte by byte: the nodes whose characters may begin there. The pairs behind the first are its bytes 1, 2 and 3, 4.
    reached: list[set[int]] = [set(graph.follows[BEFORE]), *(set() for _ in range(2 * PAIRS + 2))]
    for place in range(2 * PAIRS - 1):
        for node in reached[place] - {ACCEPT}:
            for form in read(node).forms:
                length = len(form.pairs) + 1
                reached[place + length] |= graph.follows[node]
                for pair in range(1, PAIRS):
                    within = 2 * pair - 1 - place
                    if 0 <= within < length - 1:
                        found[pair] |= form.pairs[within]
                    elif within == length - 1:
                        found[pair] |= np.outer(form.lasts, firsts(graph.follows[node]))
        if ACCEPT in reached[place]:
            for pair in range(1 + place // 2, PAIRS):
                found[pair][:] = True
    return found


def _distributed(admitted: Sequence[Sequence[Mask]], words: Sequence[Words | None]) -> tuple[list[int], float]:
    """The bucket of each opening, so that few places of ORDINARY and of random text come through, and the share of the
    former that do.

    One after the other goes where it adds the least, those that let much through first, and all once more.
    """
    if not admitted:
        return [], 0.0
    text = f"\n{ORDINARY}\n\n\n\n\n".encode()
    units = np.frombuffer(text, np.uint8).astype(np.int64)
    size = len(units) - 2 * PAIRS + 1
    asked = [_asked(found, text[:size]) for found in words]
    taken = np.array([[*(pairs[units[2 * pair :][:size], units[2 * pair + 1 :][:size]]
                         for pair, pairs in enumerate(pairs_of)), mine]
                      for pairs_of, mine in zip(admitted, asked, strict=True)]).astype(np.int16)

    def cost(counts: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
        seen = counts > 0
        through: npt.NDArray[np.float64] = seen.all(axis=-2).mean(axis=-1) + seen[..., :PAIRS, :].mean(-1).prod(-1)
        return through

    counts, costs = np.zeros((BUCKETS, *taken.shape[1:]), np.int16), np.zeros(BUCKETS)
    order = np.lexsort((-taken.sum(axis=(1, 2)), -taken.all(axis=1).sum(axis=1)))
    chosen = np.full(len(taken), -1)
    for opening in np.tile(order, _ROUNDS).tolist():
        if (old := chosen[opening]) >= 0:
            counts[old] -= taken[opening]
            costs[old] = cost(counts[old])
        then = cost(counts + taken[opening])
        chosen[opening] = new = int(np.argmin(then - costs))
        counts[new] += taken[opening]
        costs[new] = then[new]
    return chosen.tolist(), float((counts > 0).all(axis=1).any(axis=0).mean())


def _asked(words: Words | None, text: bytes) -> Mask:
    """The places of the lines that hold one of the words; None: of all."""
    lines = text.lower().split(b"\n")
    held = [words is None or any(word in line for word in words) for line in lines]
    return np.repeat(held, [len(line) + 1 for line in lines])[: len(text)]

"""Nothing hangs: patterns of other people's packs, hostile texts for ours, in threads too. A rule that ran out is told.
"""

from __future__ import annotations

import threading
import time
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

import guard
from guard.batch import Column
from guard.detect import Budget, Detector, Matcher, PlainMatcher, limits, load
from guard.errors import SourceError
from guard.model import Reason, Skipped, Verdict
from guard.taxonomy import Title

ENDLESS = "(?:a|aa)+(?!a|c)"
HOSTILE = (r"(a+)+b", r"(?:a|aa)+b", r"(a+)*\1b", r"(?=(?:a+)+b)a", r"(?:a?){30}a{30}b", r"(?:.*a){12}b",
           r"(a*)\1\1b", ENDLESS)
"""The last one is endless for every matcher: any `a` in a line could be the end of it."""
PACK = """
- id: endless
  data_class: person.name
  title: {en: Endless, zh: 无尽}
  pattern: '(?:a|aa)+(?!a|c)'
  boundary: none
- id: plain
  data_class: person.name
  title: {en: Plain, zh: 普通}
  pattern: 'PRJ-[0-9]{4}'
"""
TEXT = b"PRJ-0001 aab\n" + b"a" * 4000 + b"c\nPRJ-0002\n"


@pytest.fixture(autouse=True)
def impatient(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both engines; patience is short, so that tests are."""
    monkeypatch.setattr(limits, "PATIENCE", 0.1)
    monkeypatch.setattr(limits, "PATIENCE_PER_BYTE", 0.0)
    if engine == "loops":
        monkeypatch.setattr("guard.detect.engine.PATIENCE", 2_000_000)


def detector(pattern: str, number: int = 0, **more: object) -> Detector:
    return Detector(id=f"mine-{number}", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=pattern,
                    boundary="none", **more)  # type: ignore[arg-type]


@cache
def ours() -> Matcher:
    return Matcher(load())


@pytest.fixture
def scanner(tmp_path: Path) -> guard.Scanner:
    path = tmp_path / "pack.yml"
    path.write_text(PACK, encoding="utf-8")
    return guard.Scanner(packs=[path])


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_pattern_is_stopped_and_told(pattern: str) -> None:
    rules = (detector(pattern), detector("PRJ-[0-9]{4}", 1))
    for matcher in (Matcher(rules, cache=False), PlainMatcher(rules)):
        matcher.scan_text(b"PRJ-0000 a b\n", Budget())  # the first scan of a process compiles
        budget, started = Budget(), time.process_time()
        hits = matcher.scan_text(TEXT, budget)
        assert time.process_time() - started < 3
        assert hits.start[hits.detector == 1].tolist() == [0, 4015]
        if pattern == ENDLESS:
            assert budget.exhausted == {0}
        if budget.exhausted:
            with pytest.raises(SourceError, match="detector mine-0 ran out of time"):
                matcher.scan_text(TEXT)


@pytest.mark.parametrize("kind", ["text", "column"])
def test_what_the_machine_gives_up_is_given_up_once_in_a_file(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """`regex` sees that there is no `y0` behind, and takes no time."""
    monkeypatch.setattr("guard.detect.engine.PATIENCE", 30_000_000)
    rules = (detector("x(?:a+)+y0"), detector("PRJ-[0-9]{4}", 1))
    budget, plain, times = Budget(), PlainMatcher(rules), list[float]()
    matcher = Matcher(rules, cache=False)
    matcher.scan_text(b"PRJ-0000\n", Budget())
    for number in range(12):
        text = b"y0 x" + b"a" * 60 + b"%d PRJ-1234" % number
        column = Column("c", f"c{number}", text, np.array([0]), np.array([len(text)]), np.arange(1))
        begun = time.process_time()
        found = matcher.scan_text(text, budget) if kind == "text" else matcher.scan_column(column, budget)
        times.append(time.process_time() - begun)
        expected = plain.scan_text(text) if kind == "text" else plain.scan_column(column)
        assert found.start.tolist() == expected.start.tolist()
    assert sum(times[2:]) < 0.5 + 2 * max(times[:2])
    assert budget.exhausted == set()


def test_a_rule_that_ran_out_is_not_run_again_over_the_file() -> None:
    matcher, budget = Matcher((detector(ENDLESS),), cache=False), Budget()
    matcher.scan_text(TEXT, budget)
    started = time.process_time()
    for _ in range(50):
        assert len(matcher.scan_text(TEXT, budget)) == 0
    assert time.process_time() - started < 1
    assert len(matcher.scan_text(b"aab", Budget())) == 1, "another file begins anew"


def test_a_group_that_spans_lines_and_a_cell_are_stopped_too() -> None:
    across = (detector("BEGIN(?:x|xx|\\n)+(?![x\\nq])", multiline=True),)
    cell = (detector("PRJ", cell="(?:a|aa)+b", headers=("name",)),)
    column = Column("name", "name", b"a" * 3999 + b"c", np.array([0]), np.array([4000]), np.array([0]))
    for make in (partial(Matcher, cache=False), PlainMatcher):
        budget = Budget()
        make(across).scan_text(b"BEGIN" + b"xx\n" * 3000 + b"q", budget)
        assert budget.exhausted == {0}
        budget = Budget()
        make(cell).scan_column(column, budget)
        assert budget.exhausted == {0}


def test_what_was_not_searched_to_the_end_is_not_remembered() -> None:
    matcher = Matcher((detector(ENDLESS),), cache=False)
    cells = [b"a" * 199 + b"c", b"aab"]
    column = Column("name", "name", b"".join(cells), np.array([0, 200]), np.array([200, 203]), np.arange(2))
    for _ in range(2):
        budget = Budget()
        matcher.scan_column(column, budget)
        assert budget.exhausted == {0}
    short = Column("name", "name", b"aab", np.array([0]), np.array([3]), np.arange(1))
    assert len(matcher.scan_column(short, Budget())) == 1


def test_a_long_way_is_no_endless_one() -> None:
    text = b'"' + b"ab\\n" * 50_000 + b'" "short"'
    budget = Budget()
    hits = Matcher((detector(r'"(?:[^"\\]|\\.)*"'),), cache=False).scan_text(text, budget)
    assert (hits.start.tolist(), hits.end.tolist()) == ([0, 200_003], [200_002, 200_010])
    assert not budget.exhausted


def test_words_of_context_cannot_hang() -> None:
    from guard.detect.pack import Context

    words = Context(words=("staff" + " " * 60 + "no",), window=200)
    matcher = Matcher((detector("[0-9]{9}", require="context", context=words),), cache=False)
    assert len(matcher.scan_text(b"staff" + b" " * 55 + b"no 123456789")) == 1
    text = (b"staff" + b" " * 100 + b"123456789 ") * 200
    started = time.process_time()
    assert len(matcher.scan_text(text)) == 0
    assert time.process_time() - started < 3


def test_the_report_names_the_detector_once_for_a_file(scanner: guard.Scanner, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, text in (("bad.txt", TEXT * 3), ("good.txt", b"PRJ-0003 aab\n"),
                       ("rows.csv", b"a,b\n" + b"a" * 4000 + b"c,2\n")):
        (tmp_path / "in" / name).write_bytes(text)
    report = scanner.scan(tmp_path / "in")
    assert report.skipped == tuple(
        Skipped(name, Reason.TIMED_OUT, "detector endless") for name in ("bad.txt", "rows.csv"))
    assert report.verdict is Verdict.INCOMPLETE
    found = [(f.location.dataset, f.detector) for f in report.findings]
    assert found.count(("bad.txt", "plain")) == 6
    assert ("good.txt", "endless") in found
    assert {i.path: i.status for i in report.inputs} == dict.fromkeys(("bad.txt", "good.txt", "rows.csv"), "scanned")


def test_workers_and_pieces_tell_the_same(scanner: guard.Scanner, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from guard.scanner import run

    monkeypatch.setattr(run, "LARGEST", 100_000)
    monkeypatch.setattr(run, "ENOUGH", 1)
    path = tmp_path / "large.log"
    path.write_bytes((b"a" * 3000 + b"c\nPRJ-0001\n") * 100)
    one, two = scanner.scan(path), scanner.scan(path, workers=2)
    assert one.skipped == two.skipped == (Skipped("large.log", Reason.TIMED_OUT, "detector endless"),)
    assert one.summary == two.summary
    assert one.verdict is Verdict.INCOMPLETE


def test_a_name_that_cannot_be_judged_is_not_shown(scanner: guard.Scanner, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a" * 300 + b"c,note\n1,2\n")
    report = scanner.scan(path)
    assert {field.field for field in report.fields} == {"column 1", "column 2"}
    assert Skipped("rows.csv", Reason.TIMED_OUT, "detector endless over a name") in report.skipped
    assert report.verdict is Verdict.INCOMPLETE


def test_mask_and_scan_text_and_release_refuse(scanner: guard.Scanner, tmp_path: Path) -> None:
    text = TEXT.decode()
    with pytest.raises(SourceError, match="detector endless ran out of time"):
        scanner.scan_text(text)
    with pytest.raises(SourceError, match="detector endless ran out of time"):
        guard.mask(text, policy="cn-open-data", audience="public", scanner=scanner)
    (tmp_path / "in.txt").write_bytes(TEXT)
    with pytest.raises(guard.GuardError) as raised:
        guard.release(tmp_path / "in.txt", policy="cn-open-data", audience="public", out=tmp_path / "out",
                      scanner=scanner)
    assert raised.value.exit_code in (1, 3)
    assert not (tmp_path / "out").exists()


def test_threads_stop_and_find_as_one_does(engine: str) -> None:
    matcher = Matcher((detector(ENDLESS), detector("PRJ-[0-9]{4}", 1)), cache=False)
    told: list[tuple[set[int], int]] = []

    def scan() -> None:
        budget = Budget()
        hits = matcher.scan_text(TEXT, budget)
        told.append((budget.exhausted, int((hits.detector == 1).sum())))

    threads = [threading.Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told == [({0}, 2)] * 4, engine


def test_two_threads_with_the_shipped_packs_find_what_one_finds() -> None:
    data = "张伟 13800138000 110101199003077758 a@b.cn token=ghp_0123456789abcdefghijABCDEFGHIJ012345\n".encode() * 300
    alone = len(ours().scan_text(data))
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.extend(len(ours().scan_text(data)) for _ in range(5)))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alone > 300
    assert counts == [alone] * 10


UNITS = ("y", "0", "a.", "姓名", "=", '{"', '"', "@", "- ", "[", "路1号", "A", "0.", "sk-",
         "-----BEGIN RSA PRIVATE KEY-----",
         "a\n", "\n", "key=", "https://a", "\0", "%41", "\\u4e2d", "QUJD", "6a")


@pytest.mark.parametrize("unit", UNITS)
def test_hostile_texts_take_linear_time(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least half a megabyte in a second of CPU; what is quadratic would take minutes."""
    raw = unit.encode()
    monkeypatch.setattr("guard.detect.engine.PATIENCE", 200_000_000)
    ours().scan_text(raw * (2000 // len(raw)))
    budget, started = Budget(), time.process_time()
    ours().scan_text(raw * (200_000 // len(raw)), budget)
    assert time.process_time() - started < 2.0
    assert not budget.exhausted

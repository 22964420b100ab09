"""Repeats inside of repeats: no pattern of a user pack takes the finder of lines minutes, gigabytes or the process, and
what it finds stays what `re` finds. Shipped patterns are compiled as they are."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import guard
from guard.batch import Hits
from guard.detect import Detector, Matcher, PlainMatcher, expression_sizes, load, program, supersets
from guard.detect.analysis import analyse
from guard.detect.compile import LineFinder
from guard.detect.rule import Rule
from guard.taxonomy import Title

CHOOSE = random.Random(20261123)
HAN = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
SURNAMES = "[张王李赵]"
CASES = (
    # Each was a crash in the scan: of what was compiled, more than 512 states stood before a literal.
    (f"{SURNAMES}{{84}}-号", "张王李赵" * 21 + "-号"), ("(?:abc|bcd|cde|def){85,}abcd", "cde" * 90 + "abcd"),
    ("(?:ab|c){183}wxyzwxyz", "abc" * 91 + "ab" + "wxyzwxyz"), (SURNAMES * 100 + "-号", "赵" * 100 + "-号"),
    # Each took seconds to minutes, or gigabytes.
    (r"(?:(?:[é-ü]){2,60}){20,}(?:\d|[ab]|)\b", "é" * 60 + "1"),
    (rf"(?:[A-Z]{{3,20}})(?:(?:(?:工单[^a]{{3,20}}.*){{5}}|[{HAN}]){{3,20}}[{HAN}]{{1,3}}){{1,999}}", "ABC" + "甲" * 9),
    ("(?:(?:(?:a?b?){1,60}-?){1,60}c){2,}", "ab-bc-abc"),
    ("[a-z]" + "(?:ab|abc|d)?" * 150 + "e", "xabe"),
)


def detector(pattern: str, number: int = 0) -> Detector:
    return Detector(id=f"mine-{number}", data_class="person.name", title=Title(en="Mine", zh="我的"), pattern=pattern,
                    boundary="none")


def spans(hits: Hits) -> list[tuple[int, int, int]]:
    return sorted(zip(hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True))


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(("pattern", "value"), CASES, ids=range(len(CASES)))
def test_a_large_repeat_neither_crashes_nor_stalls_and_finds_what_it_says(pattern: str, value: str) -> None:
    rules = (detector(pattern), detector("PRJ-[0-9]{4}", 1))
    text = f"nothing\n{value}\n{value[1:]}\n{value[:-1]} PRJ-1234\n{'ab-' * 20}\n".encode()
    begun = time.process_time()
    found = spans(Matcher(rules, cache=False).scan_text(text))
    assert time.process_time() - begun < 5
    assert found == spans(PlainMatcher(rules).scan_text(text))
    assert {number for number, _, _ in found} == {0, 1}


def test_a_pack_of_many_is_compiled_in_time_and_named_by_the_scan(tmp_path: Path) -> None:
    rules = "".join(f"""
- id: mine-{number}
  data_class: person.name
  title: {{en: Mine, zh: 我的}}
  pattern: '(?:[a-z]{{2,60}}-){{3,20}}x{number}(?:[{HAN}]{{2,9}}号){{3,20}}'
  boundary: none
""" for number in range(100))
    (tmp_path / "pack.yml").write_text(rules, encoding="utf-8")
    begun = time.process_time()
    scanner = guard.Scanner(packs=[tmp_path / "pack.yml"], cache=False)
    found = scanner.scan_text("no\nab-cd-ef-x7甲乙号丙丁号戊己号\nab-cd-x7甲乙号丙丁号戊己号\n")
    assert time.process_time() - begun < 8
    assert [(one.detector, one.start, one.end) for one in found] == [("mine-7", 3, 23)]


def test_shipped_patterns_are_compiled_as_they_are() -> None:
    rules = [Rule(index, one) for index, one in enumerate(load())]
    expressions = [expression for expression in analyse(rules).expressions if expression]
    forms, _ = expression_sizes.chosen(expressions)
    assert forms == [[expression] for expression in expressions]


def test_most_instructions_of_all_programs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MOST", 2_000)
    assembler = program.Assembler()
    assembler.add("a(?:b|cd){100}")
    for _ in range(9):
        with pytest.raises(program.UnsuitableError):
            assembler.add("(?:(?:ab|c){30}d){40}")
    assert len(assembler.finish()) < 200_000


@pytest.mark.parametrize("widened", [supersets.relaxed, supersets.repeated_at_will, supersets.with_gaps])
def test_a_wider_form_ends_inside_of_what_the_expression_finds(widened: Callable[[bytes], bytes]) -> None:
    parts = ["a", "b", "ab", "-", "号", "a-", "1", "b1"]
    found = 0
    for _ in range(200):
        expression = supersets.superset(nested(2) + "1")
        narrow, wide = re.compile(expression, re.DOTALL), re.compile(widened(expression), re.DOTALL)
        for _ in range(40):
            line = "".join(CHOOSE.choices(parts, k=CHOOSE.randint(1, 7))).encode()
            if match := narrow.search(line):
                found += 1
                assert wide.search(line, 0, match.end()), (expression, line)
    assert found > 500


def nested(depth: int) -> str:
    if not depth:
        return CHOOSE.choice(["a", "[ab]", "号", "[a-c]{1,3}", "-", "b?"])
    inner = CHOOSE.choice(["", "|"]).join(nested(depth - 1) for _ in range(CHOOSE.randint(1, 3)))
    return f"(?:{inner}){CHOOSE.choice(['', '?', '*', '+', '{2}', '{1,3}', '{0,2}'])}"


def test_what_no_form_of_is_small_enough_is_looked_for_in_every_line() -> None:
    pytest.importorskip("hyperscan")
    expressions = [supersets.superset("".join(f"[{chr(97 + at % 20)}xyz]號?" for at in range(900))), b"[\\x61]"]
    finder = LineFinder(expressions, use_cache=False)
    assert finder.events(b"a b") == [(1, 1)]
    assert finder.unfiltered == {0}

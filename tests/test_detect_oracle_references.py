"""References to groups: the compiled engine, with events of all kinds, finds what the plain matcher finds."""

from __future__ import annotations

import re
import time

import pytest

from guard import compiled
from guard.detect import Budget, Detector, Matcher, PlainMatcher, limits
from guard.detect.compile import EVERY_LINE
from guard.detect.factors import factors
from guard.detect.pack import Confidence
from guard.detect.rule import compile_rules
from guard.taxonomy import Title

PATTERNS = (
    r"(?P<q>['\"]?)\w{4}-?\w{4}(?P=q)", r"([ -]?)\w{2}\1\w{2}", r"(-?)(?:\w\1)+", r"(a?)(?:\w\1)+", r"()(\w\1)+",
    r"(['\"]?)[^'\"]{4,12}\1", r".(?:(?=(a))a)?\1?-", r"(a?b)c\1", r"(?i:(ab))-\1", r"(b|-(?i:a)?)c\1", r"(x?)-\1b\1",
    r"(\d{1,3})(-?)\d+\2\1", r"(?:(a)|b)c(?:\1|-)", r"(号?)\w{2}\1",
)
LINES = (
    "id AB12-CD34 and more text behind it", "ab cd AB CD 12,34 -ab-cd-ef- #x#y#z 'a'b'c'",
    "'hello' there and \"other\" ones", "𠀀--b1倀㐀a鿦", "abcab and bcab abcb behind", "AB-AB aB-aB ab-AB x",
    "bcb -Ac-A -c- bc-", "--b- x-xbx and more of it", "12-34-12 121212 7-7-7-7", "acа ac- bc- aca ca",
    "号ab号 ab号ab " + "long " * 40,
)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_referred_to_is_found_wherever_it_stands(pattern: str) -> None:
    detector = Detector(id="d", data_class="person.name", title=Title(en="x", zh="x"), pattern=pattern,
                        boundary="none", confidence=Confidence(shape=0.9))
    plain, fast = PlainMatcher([detector]), Matcher([detector], cache=False)
    for text in (*LINES, "\n".join(LINES), "\n\n" + "\n".join(reversed(LINES)) + "\n"):
        found, right = fast.scan_text(text.encode()), plain.scan_text(text.encode())
        assert (found.start.tolist(), found.end.tolist()) == (right.start.tolist(), right.end.tolist()), text


def test_a_pattern_of_which_nothing_is_told_is_looked_for_in_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """No expression for Hyperscan, and no beginning that is followed: then each line has an event at its end."""
    if not compiled.is_available():
        pytest.skip("no compiler for this platform")
    from guard.detect import assembly
    from guard.detect.engine import EngineScan
    from guard.detect.sweep import Workspace

    monkeypatch.setattr(assembly, "_expression", lambda pattern: EVERY_LINE)
    monkeypatch.setattr(assembly, "_beginnings", lambda rule, kind, spelled: [])
    rule = Detector(id="d", data_class="person.name", title=Title(en="x", zh="x"), pattern=r"x\d\d?",
                    boundary="none", confidence=Confidence(shape=0.9))
    text = "x1 and then a long line\n\nx22x3" + " " * 90 + "x4\nx5"
    limits._current.set(Budget())
    scan = EngineScan(assembly.Assembly(compile_rules([rule]), "none", use_cache=False), Workspace(), text.encode(), "")
    assert sorted(scan._swept()[0].start.tolist()) == [found.start() for found in re.finditer("x", text)]


def test_many_alternatives_are_looked_through_once() -> None:
    words = [f"{number:x}word{number * number:x}end" for number in range(1500)]
    started = time.process_time()
    assert factors("(?:" + "|".join(rf"{word}\d{{5}}" for word in words) + ")")
    assert time.process_time() - started < 10

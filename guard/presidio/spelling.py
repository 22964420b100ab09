"""Patterns of Presidio, spelled as detectors of ours spell theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

_IGNORECASE = "(?i)"
_HAN = r"\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef"
"""Han characters and their punctuation: a run of anything else ends before them, such as the path of a web address."""
_NEGATED = re.compile(r"(\\.)|\[\^", re.DOTALL)
_STEP = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<plain>\((?!\?))|(?P<open>\()|(?P<close>\))|.", re.DOTALL)


def spelled(pattern: str, *, ignore_case: bool) -> str:
    """The pattern with its flags as a group of its own, since ours stands between others.

    Presidio compiles with IGNORECASE, MULTILINE and DOTALL. Ours see one line, so only the case is left to say; a flag
    inside the pattern holds for all of it, as in the module `regex`. Classes and boundaries mean ASCII here, so that a
    value is found which touches Han characters.
    """
    inner = _NEGATED.sub(lambda found: found[1] or f"[^{_HAN}", pattern.replace(_IGNORECASE, ""))
    return f"(?i:{inner})" if ignore_case or _IGNORECASE in pattern else inner


def with_prefixes(pattern: str) -> tuple[str, int]:
    """The pattern with a group 1, 2, … for the match up to the end of its last outer group, the last but one, …

    And how many there are. For a recognizer that, when its check fails, leaves out the last group and asks again.
    """
    ends = list(_outer_groups(pattern))
    spelled = pattern[: ends[0][0]] + "(" * len(ends)
    start = ends[0][0]
    for _, end in ends:
        spelled += pattern[start:end] + ")"
        start = end
    return spelled + pattern[start:], len(ends)


def _outer_groups(pattern: str) -> Iterator[tuple[int, int]]:
    """Where the capturing groups stand that are in no other group."""
    depth, first = 0, -1
    for step in _STEP.finditer(pattern):
        if step["plain"] or step["open"]:
            if depth == 0 and step["plain"]:
                first = step.start()
            depth += 1
        elif step["close"]:
            depth -= 1
            if depth == 0 and first >= 0:
                yield first, step.end()
                first = -1

"""From a detector's pattern to a cheaper byte pattern that matches wherever the detector could.

The engine only needs to know which lines to look at, so what Hyperscan cannot do is left out (look-arounds,
boundaries), and what makes it report one match many times is cut short: `key=[0-9a-f]{6,}` ends at every byte from
the sixth on, `key=[0-9a-f]{6}` only once. Leaving out can only add candidates. No class holds a line end, since a line
has none; only the edges of a pattern may swallow the one beside them. Han characters are spelled as UTF-8 bytes,
because byte mode is the only mode that is defined for any input.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

Item = tuple[Any, Any]
Group = tuple[Sequence[Item], bool]
"""What a group is made of, and whether case is ignored there."""
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_ZERO_WIDTH = (sre.AT, sre.ASSERT, sre.ASSERT_NOT)
_LINE_EDGES = ((sre.AT, sre.AT_BEGINNING), (sre.AT, sre.AT_END), (sre.AT, sre.AT_BEGINNING_STRING),
               (sre.AT, sre.AT_END_STRING))
_LINE_EDGE = "line edge"
"""An item of our own: the start or end of a line, together with the line end that a match may swallow there."""
_ASCII = frozenset(range(128)) - frozenset(b"\r\n")
_DIGITS = frozenset(b"0123456789")
_SPACES = frozenset(b" \t\f\v")
_WORDS = frozenset(b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CATEGORIES = {
    sre.CATEGORY_DIGIT: _DIGITS, sre.CATEGORY_SPACE: _SPACES, sre.CATEGORY_WORD: _WORDS,
    sre.CATEGORY_NOT_DIGIT: _ASCII - _DIGITS, sre.CATEGORY_NOT_SPACE: _ASCII - _SPACES,
    sre.CATEGORY_NOT_WORD: _ASCII - _WORDS,
}
_WITH_LINE_END = (sre.CATEGORY_SPACE, sre.CATEGORY_NOT_DIGIT, sre.CATEGORY_NOT_WORD)
_NEGATED = (sre.CATEGORY_NOT_DIGIT, sre.CATEGORY_NOT_SPACE, sre.CATEGORY_NOT_WORD)
LONGEST_REPEAT = 1000
"""Hyperscan refuses bounded repeats far above this; a longer one is unbounded in the superset."""
WIDEST = 400
"""Wider patterns search the whole line: a window would cover it anyway."""
LARGE = 4000
"""Expressions of more bytes compile slowly or not at all; they lose the upper ends of their repeats."""
_SMALL = 8
"""Characters of a small class, and of a few."""
_GROUPING = re.compile(rb"\\.|\[[^\]]*\]|\(\?:|\||\)\{?", re.DOTALL)
"""What begins, divides and ends a group of an expression; escapes and classes have none of their own."""
_GROUP_EDGE = re.compile(rb"\(\?:|\)(?P<rounds>\{\d+,\d*\})?")
_ONCE = (b"", b"{0,1}", b"{1,1}")
_GAP = b"[^\\r\\n]{0,}"
_POSITION = re.compile(rb"\[[^\]]*\]|\\x..")
SPELLED_OUT = 64
"""A class of at most so many characters beyond ASCII is spelled byte by byte, a larger one as a range of lead bytes."""


class NoSupersetError(Exception):
    """The pattern uses something that has no superset worth having."""


class Characters(NamedTuple):
    """What one position can be: ASCII codes, and ranges of code points beyond ASCII (both ends included).

    `line_end` tells that the pattern would take a line end too; it is never one of the codes.
    """

    ascii: frozenset[int]
    beyond: tuple[tuple[int, int], ...] = ()
    line_end: bool = False

    @property
    def spelled_out(self) -> bool:
        return sum(high - low + 1 for low, high in self.beyond) <= SPELLED_OUT


def superset(pattern: str) -> bytes:
    """A Hyperscan expression (byte mode, no flags) that ends inside every match. Raises NoSupersetError."""
    tree = parser.parse(pattern, re.ASCII)
    items = _trim(_trim(tree.data, tree.state, last=True), tree.state, last=False)
    if not items:
        raise NoSupersetError("the pattern matches the empty string")
    fold, groups = bool(tree.state.flags & re.IGNORECASE), dict[int, Group]()
    _note_groups(tree.data, fold, groups)
    expression = _spell(items, _Scope(fold, groups))
    return expression if len(expression) <= LARGE else relaxed(expression)


def superset_of(pattern: str, *, reviewed: bool) -> bytes:
    """The `superset` to look for. That of a pattern which is not one of the shipped, whose expressions are tried
    against `re`, has no upper ends of repeats: where one stands in an alternative, Hyperscan (5.4) overlooks matches of
    other alternatives in some places of a text."""
    expression = superset(pattern)
    return expression if reviewed else relaxed(expression)


def width_before(pattern: str, anchor: str) -> int | None:
    """How many characters of a match may stand before its first `anchor`.

    None when the anchor is no part of every match, or what stands before it has no bound.
    """
    tree = parser.parse(pattern, re.ASCII)
    for index, item in enumerate(tree.data):
        if item == (sre.LITERAL, ord(anchor)):
            width = int(parser.SubPattern(tree.state, list(tree.data[:index])).getwidth()[1])
            return width if width <= WIDEST else None
    return None


def relaxed(expression: bytes) -> bytes:
    """The expression without upper ends of repeats: larger still, for those that are too large to compile."""
    return re.sub(rb"\{(\d+),\d+\}", rb"{\1,}", expression)


def repeated_at_will(expression: bytes) -> bytes:
    """The expression with repeats as often as one likes: larger still, its automaton no larger than it is written."""
    return re.sub(rb"\{(\d+),\d*\}", lambda found: b"{%d,}" % min(int(found[1]), 1), expression)


def with_gaps(expression: bytes) -> bytes:
    """The expression with anything in place of the further rounds of a repeat, where one is more than one position."""
    opened, end = [b""], 0
    for token in _GROUP_EDGE.finditer(expression):
        opened[-1] += expression[end : token.start()]
        end = token.end()
        if token[0] == b"(?:":
            opened.append(b"")
            continue
        body, rounds = opened.pop(), token["rounds"] or b""
        if rounds in _ONCE or _POSITION.fullmatch(body):
            opened[-1] += b"(?:" + body + token[0]
        else:
            opened[-1] += (b"" if rounds.startswith(b"{0,") else b"(?:" + body + b")") + _GAP
    return (opened[0] + expression[end:]).removesuffix(_GAP)


def pieces(expression: bytes) -> list[bytes]:
    """Expressions that find together what a `superset` with a long list of words does: each finds some of the words,
    as many as make about LARGE bytes."""
    edges = _longest_list(expression)
    lists, size = [expression[edges[0] : edges[1]]], edges[1] - edges[0]
    for low, high in pairwise(edges[1:]):
        size += high - low
        if size > LARGE:
            lists, size = [*lists, expression[low + 1 : high]], high - low  # without the bar before it
        else:
            lists[-1] += expression[low:high]
    return [expression[: edges[0]] + words + expression[edges[-1] :] for words in lists]


def _longest_list(expression: bytes) -> list[int]:
    """Where each alternative of the group with the most of them begins, and where the last one ends.

    Only of a group that is not repeated and not inside of one that is, or both halves of the list could take part in
    one match.
    """
    groups, opened, found = list[_Alternatives](), list[_Alternatives](), [0, len(expression)]
    for token in _GROUPING.finditer(expression):
        if token[0] == b"(?:":
            opened.append(_Alternatives([token.end()], opened[-1] if opened else None))
        elif token[0] == b"|":
            opened[-1].edges.append(token.start())
        elif token[0].startswith(b")"):
            groups.append(opened.pop())
            groups[-1].edges.append(token.start())
            groups[-1].is_repeated = token[0] == b"){"
    return max([found, *(group.edges for group in groups if not group.is_repeated_somewhere)], key=len)


class _Alternatives:
    """A group of an expression: the `edges` of its alternatives, and the group that it is in."""

    def __init__(self, edges: list[int], outer: _Alternatives | None) -> None:
        self.edges = edges
        self.is_repeated = False
        self._outer = outer

    @property
    def is_repeated_somewhere(self) -> bool:
        """Whether it is repeated, or a group around it."""
        return self.is_repeated or (self._outer is not None and self._outer.is_repeated_somewhere)


def longest_literal(pattern: str) -> bytes:
    """The `longest_run` as a Hyperscan expression (letter case free). Raises NoSupersetError when there is none.

    For patterns that span lines: their superset would report every byte.
    """
    return _spell([(sre.LITERAL, ord(character)) for character in longest_run(pattern)], _Scope(True, {}))


def longest_run(pattern: str) -> str:
    """The longest run of plain characters that every match holds. Raises NoSupersetError when there is none."""
    best: list[int] = []
    current: list[int] = []
    for operation, value in parser.parse(pattern, re.ASCII).data:
        current = [*current, value] if operation is sre.LITERAL else []
        best = max(best, current, key=len)
    if not best:
        raise NoSupersetError("no literal")
    return "".join(map(chr, best))


def stretch(pattern: str) -> str:
    """The `longest_run` as an expression of `re`, with what has to follow it as far as that is plain characters too, or
    few of a small class: every match holds it, and far fewer texts do. Raises NoSupersetError where there is none."""
    tree = parser.parse(pattern, re.ASCII)
    run = longest_run(pattern)
    if not run.isascii():
        raise NoSupersetError("no literal in ASCII")
    if tree.state.flags & re.IGNORECASE:
        return f"(?i:{re.escape(run)})"
    items = list(tree.data)
    first = next(at for at in range(len(items)) if items[at : at + len(run)] == [(sre.LITERAL, ord(c)) for c in run])
    spelled = [_plain(item) for item in items[first:]]
    end = next((at for at, part in enumerate(spelled) if part is None), len(spelled))
    return "".join(part for part in spelled[:end] if part)


def _plain(item: Item) -> str | None:
    """An item as an expression when it is a plain character, or few of a small class; else None."""
    operation, value = item
    low, high, inner = value if operation in _REPEATS else (1, 1, [item])
    characters = characters_of(inner[0][0], inner[0][1], False) if len(inner) == 1 else None
    if characters is None or characters.beyond or characters.line_end:
        return None
    if max(len(characters.ascii), high) > _SMALL:
        return None
    spelled = re.escape("".join(map(chr, sorted(characters.ascii))))
    if operation is sre.LITERAL:
        return spelled
    return f"[{spelled}]{{{low},{high}}}"


def _trim(items: Iterable[Item], state: Any, *, last: bool) -> list[Item]:
    """The items without what is optional at one end; what must stand beside the match there becomes part of it."""
    kept, edge = list(items), -1 if last else 0
    while kept:
        operation, value = kept[edge]
        if operation is sre.ASSERT and value[0] == (1 if last else -1):
            operation, value = sre.SUBPATTERN, (None, 0, 0, value[1])
        if (operation, value) in _LINE_EDGES:
            kept[edge] = (_LINE_EDGE, last)
            return kept
        trimmed = _trim_item(operation, value, state, last=last)
        if trimmed is not None:
            kept[edge] = trimmed
            return kept
        kept.pop(edge)
    return kept


def _trim_item(operation: Any, value: Any, state: Any, *, last: bool) -> Item | None:
    """One item at an end, cut to what every match needs of it; None when it needs nothing."""
    if operation in _ZERO_WIDTH or (operation in _REPEATS and value[0] == 0):
        return None
    if operation in _REPEATS:
        return operation, (value[0], value[0], value[2])
    if operation is sre.SUBPATTERN:
        inner = _trim(value[3], state, last=last)
        return (operation, (*value[:3], parser.SubPattern(state, inner))) if inner else None
    if operation is sre.BRANCH:
        branches = [parser.SubPattern(state, _trim(branch, state, last=last)) for branch in value[1]]
        return (operation, (None, branches)) if all(map(len, branches)) else None
    return operation, value


class _Scope(NamedTuple):
    """What spelling an item depends on: whether case is ignored, and the groups that references may name."""

    fold: bool
    groups: Mapping[int, Group]


def _note_groups(items: Iterable[Item], fold: bool, groups: dict[int, Group]) -> None:
    """Notes the groups of a pattern as they are written: what is trimmed at its ends may still be referred to."""
    for operation, value in items:
        inner = folds(value, fold) if operation is sre.SUBPATTERN else fold
        if operation is sre.SUBPATTERN and value[0] is not None:
            groups[value[0]] = value[3], inner
        for part in parts(operation, value):
            _note_groups(part, inner, groups)


def _spell(items: Iterable[Item], scope: _Scope) -> bytes:
    return b"".join(_spell_item(operation, value, scope) for operation, value in items)


def _spell_item(operation: Any, value: Any, scope: _Scope) -> bytes:
    if operation == _LINE_EDGE:
        return b"(?:[\\r\\n]|$)" if value else b"(?:^|[\\r\\n])"
    if operation in _ZERO_WIDTH:
        return b""
    if (characters := characters_of(operation, value, scope.fold)) is not None:
        return _spell_characters(characters)
    if operation is sre.SUBPATTERN:
        inner = scope._replace(fold=folds(value, scope.fold))
        return b"(?:" + _spell(value[3], inner) + b")"
    if operation is sre.BRANCH:
        return b"(?:" + b"|".join(_spell(branch, scope) for branch in value[1]) + b")"
    if operation is sre.ATOMIC_GROUP:
        return b"(?:" + _spell(value, scope) + b")"
    if operation in _REPEATS:
        return _spell_repeat(value, scope)
    if operation is sre.GROUPREF and value in scope.groups:
        items, fold = scope.groups[value]
        return b"(?:" + _spell(items, scope._replace(fold=fold or scope.fold)) + b")"
    raise NoSupersetError(str(operation))


def folds(subpattern: Any, fold: bool) -> bool:
    """Whether case is ignored inside a group, given whether it is around it."""
    added, removed = subpattern[1], subpattern[2]
    return (fold or bool(added & re.IGNORECASE)) and not removed & re.IGNORECASE


def _spell_repeat(value: Any, scope: _Scope) -> bytes:
    low, high, inner = value
    unbounded = high is sre.MAXREPEAT or high > LONGEST_REPEAT
    items = list(inner)
    characters = characters_of(items[0][0], items[0][1], scope.fold) if len(items) == 1 else None
    if characters is not None and characters.beyond and not characters.spelled_out:
        # Its bytes in any order and as many as the characters can have: a far smaller automaton, and still a superset.
        atom, widths = _loose_class(characters)
        low, high = low * widths[0], high if unbounded else high * widths[1]
    else:
        atom = b"(?:" + _spell(items, scope) + b")"
    low = min(low, LONGEST_REPEAT)
    return atom + b"{%d,%s}" % (low, b"" if unbounded or high > LONGEST_REPEAT else b"%d" % high)


def _loose_class(characters: Characters) -> tuple[bytes, tuple[int, int]]:
    """All bytes that occur in the characters, and how many bytes the shortest and the longest have."""
    low, high = min(low for low, _ in characters.beyond), max(high for _, high in characters.beyond)
    first, last = (chr(low).encode(), chr(high).encode()) if high < 0x10FFFF else (b"\x80", b"\xff" * 4)
    more = b"\\x80-\\xbf\\x%02x-\\x%02x" % (first[0], last[0])
    return _bytes_class(characters.ascii, more), (1 if characters.ascii else len(first), len(last))


def characters_of(operation: Any, value: Any, fold: bool) -> Characters | None:
    """What a one-character item of the syntax tree can be; None for every other item."""
    if operation is sre.LITERAL:
        return _characters([(value, value)], False, fold)
    if operation is sre.NOT_LITERAL:
        return _characters([(value, value)], True, fold)
    if operation is sre.ANY:
        return Characters(_ASCII, ((0x80, 0x10FFFF),), True)
    if operation is not sre.IN:
        return None
    ranges: list[tuple[int, int]] = []
    for member, argument in value:
        if member is sre.LITERAL:
            ranges.append((argument, argument))
        elif member is sre.RANGE:
            ranges.append(argument)
        elif member is sre.CATEGORY:
            ranges += [(code, code) for code in _CATEGORIES[argument]]
            ranges += [(10, 10)] if argument in _WITH_LINE_END else []
            ranges += [(0x80, 0x10FFFF)] if argument in _NEGATED else []
    return _characters(ranges, value[0][0] is sre.NEGATE, fold)


def parts(operation: Any, value: Any) -> list[Sequence[Item]]:
    """The item sequences inside an item of the syntax tree."""
    if operation is sre.BRANCH:
        return list(value[1])
    if operation in (*_REPEATS, sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT):
        return [value[-1]]
    return [value] if operation is sre.ATOMIC_GROUP else []


def event_reach(pattern: str) -> int | None:
    """How many characters may lie between the start of a match and the end that the superset tells of it.

    Less than the width of a match, since the superset is cut short behind; None above `WIDEST`.
    """
    tree = parser.parse(pattern, re.ASCII)
    width = int(parser.SubPattern(tree.state, _trim(tree.data, tree.state, last=True)).getwidth()[1])
    return width + 4 if width <= WIDEST else None


def pattern_reach(pattern: str) -> int | None:
    """How many characters a match and all that it looks at span at most, with a margin; None above `WIDEST`."""
    tree = parser.parse(pattern, re.ASCII)
    reach = int(tree.getwidth()[1]) + _looked_at(tree.data, tree.state)
    return reach + 4 if reach <= WIDEST else None


def _looked_at(items: Iterable[Item], state: Any) -> int:
    """The widths of all look-arounds together."""
    total = 0
    for operation, value in items:
        if operation in (sre.ASSERT, sre.ASSERT_NOT):
            total += int(parser.SubPattern(state, list(value[1])).getwidth()[1])
        total += sum(_looked_at(part, state) for part in parts(operation, value))
    return total


def _characters(ranges: Sequence[tuple[int, int]], negate: bool, fold: bool) -> Characters:
    line_end = any(any(low <= code <= high for low, high in ranges) != negate for code in (10, 13))
    codes = {code for low, high in ranges for code in range(low, min(high, 127) + 1)} & _ASCII
    if fold:
        codes |= {ord(chr(code).swapcase()) for code in codes}
    if negate:
        return Characters(_ASCII - codes, ((0x80, 0x10FFFF),), line_end)
    return Characters(frozenset(codes), tuple((max(low, 128), high) for low, high in ranges if high > 127), line_end)


def _spell_characters(characters: Characters) -> bytes:
    parts = [_bytes_class(characters.ascii)] if characters.ascii else []
    if characters.beyond and characters.spelled_out:
        parts += [_hex(chr(code).encode()) for low, high in characters.beyond for code in range(low, high + 1)]
    elif characters.beyond:
        low, high = characters.beyond[0][0], max(high for _, high in characters.beyond)
        low = min(low for low, _ in characters.beyond)
        parts.append(_lead_range(low, high))
    if not parts:
        raise NoSupersetError("an empty class")
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"


def _lead_range(low: int, high: int) -> bytes:
    """All UTF-8 sequences whose lead byte lies between those of two code points; stray bytes too, if that is all."""
    if high == 0x10FFFF:
        return b"[\\x80-\\xff]{1,4}"
    first, last = chr(low).encode(), chr(high).encode()
    return b"[\\x%02x-\\x%02x][\\x80-\\xbf]{%d,%d}" % (first[0], last[0], len(first) - 1, len(last) - 1)


def _bytes_class(codes: Iterable[int], more: bytes = b"") -> bytes:
    return b"[" + b"".join(b"\\x%02x" % code for code in sorted(codes)) + more + b"]"


def _hex(raw: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in raw)

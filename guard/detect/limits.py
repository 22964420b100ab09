"""Limits: what a pattern that nobody of us has reviewed may cost.

    budget = Budget()                       one for each file, or piece of one
    with budget.spending(size): ...         a block of so many bytes is scanned
    budget.exhausted                        the rules that ran out, by index: what they would have found is unknown
    budget.slow                             those that the machine has given up, and that `regex` runs from then on

Python's `re` cannot be stopped, so such a pattern is run by `regex`, which can and otherwise does the same. What the
two read differently in a pattern is spelled out before. The shipped packs are reviewed and run by `re`.
"""

from __future__ import annotations

import contextlib
import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from guard.errors import SourceError
from guard.model import Reason
from guard.patterns import pattern

if TYPE_CHECKING:
    from guard.detect.pack import Detector

PATIENCE = 5.0
"""Seconds of CPU that one rule may take for nothing, in each file."""
PATIENCE_PER_BYTE = 1e-6
"""Seconds more for each byte of the file: a rule is not stopped where the file is merely large."""
LARGEST = 1_000_000
"""Characters that a pattern spells when its repeats are written out. A larger one would not be compiled in time."""
DEEPEST = 60
"""Groups inside of one another: what looks at a pattern goes into each with several calls."""

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_SURROGATE = pattern(r"[\ud800-\udfff]|(?<!\\)(?:\\\\)*\\(?:u|U0000)[dD][89a-fA-F]")
_TOKEN = pattern(r"(?P<kept>\\N\{[^}]*\}|\\.|\{(?:\d+(?:,\d*)?|,\d*)\})"
                 r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<brace>[{}])|.", re.DOTALL)


class Budget:
    """What the rules may spend on one file. Belongs to one thread at a time."""

    def __init__(self) -> None:
        self.exhausted: set[int] = set()
        self.slow: set[int] = set()
        self._bytes = 0
        self._spent: dict[int, float] = defaultdict(float)

    @contextlib.contextmanager
    def spending(self, size: int) -> Iterator[None]:
        """While a block of `size` bytes is scanned, its rules spend from here."""
        self._bytes += size
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def left(self, rule: int) -> float:
        """Seconds of CPU that a rule still has; 0 and less: it may not run."""
        if rule in self.exhausted:
            return 0.0
        return PATIENCE + PATIENCE_PER_BYTE * self._bytes - self._spent[rule]

    def spend(self, rule: int, seconds: float) -> None:
        """Note what a rule took."""
        self._spent[rule] += seconds


_current: ContextVar[Budget] = ContextVar("guard.detect.limits")


def current() -> Budget:
    """The budget of the scan that this thread is in. Raises LookupError outside of any."""
    return _current.get()


@contextlib.contextmanager
def within(budget: Budget | None, size: int, detectors: Sequence[Detector]) -> Iterator[None]:
    """As `Budget.spending`; without a budget, a rule that runs out is a SourceError, since nobody else would know."""
    spent = budget or Budget()
    with spent.spending(size):
        yield
    if budget is None and spent.exhausted:
        raise SourceError(f"detector {detectors[min(spent.exhausted)].id} ran out of time",
                          reason=str(Reason.TIMED_OUT), hint="its pattern takes too many ways through such a text")


class LimitedPattern:
    """A pattern of rule number `rule`, used as one of `re` is, but within the budget of the scan.

    It should take at least one character: next to an empty match `re` may find another one. When the budget is
    exhausted it finds nothing more, and `Budget.exhausted` says so.
    """

    def __init__(self, pattern: str, rule: int) -> None:
        self.pattern, self.flags = pattern, int(re.ASCII)
        self._rule = rule

    @cached_property
    def _compiled(self) -> Any:
        return _regex().compile(spelled_out(self.pattern), _regex().ASCII)

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._compiled.groups)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """All matches, one behind the other."""
        start = 0
        while start <= len(text) and (found := self.search(text, start)):
            yield found
            start = max(found.end(), found.start() + 1)

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """The first match that begins at `start` or behind it, in the text up to `end`."""
        return self._run(self._compiled.search, text, start, end)

    def fullmatch(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """The match of all of `text[start:end]`."""
        return self._run(self._compiled.fullmatch, text, start, end)

    def _run(self, method: Any, text: str, start: int, end: int | None) -> re.Match[str] | None:
        budget = current()
        if (left := budget.left(self._rule)) <= 0:
            budget.exhausted.add(self._rule)
            return None
        begun = time.thread_time()
        try:
            found: re.Match[str] | None = method(text, start, end, timeout=left)
        except (TimeoutError, MemoryError):
            budget.exhausted.add(self._rule)
            return None
        budget.spend(self._rule, time.thread_time() - begun)
        return found


AnyPattern = re.Pattern[str] | LimitedPattern


def _regex() -> Any:
    """The module, which takes a while to import and is not needed for the shipped packs."""
    import regex

    return regex


def spelled_out(pattern: str) -> str:
    """The pattern with what `regex` would read in a way of its own escaped: `{e}` is no fuzzy match, `[[:alpha:]` no
    named class."""
    return _TOKEN.sub(_spell_token, pattern)


def _spell_token(found: re.Match[str]) -> str:
    token = found.group()
    if found["brace"]:
        return f"\\{token}"
    if found["set"]:
        return "[" + re.sub(r"(\\.)|\[", lambda inner: inner[1] or r"\[", token[1:], flags=re.DOTALL)
    return token


def fault(pattern: str) -> str:
    """Why a pattern that nobody has reviewed cannot be run, "" when it can."""
    if _SURROGATE.search(pattern):
        return "it names half of a surrogate pair, which stands in no text"
    try:
        tree = parser.parse(pattern, re.ASCII)
        if tree.getwidth()[0] == 0:
            return "it must take at least one character"
        if _depth(tree) > DEEPEST:
            return "it is nested too deep"
        if _spelled_size(tree, {}) > LARGEST:
            return f"its repeats and references amount to more than {LARGEST} characters"
        LimitedPattern(pattern, 0).groups  # noqa: B018
    except (re.error, _regex().error) as error:
        return f"{error.msg} at position {error.pos}"
    except (RecursionError, OverflowError, MemoryError):
        return "it is nested too deep"
    return ""


def _depth(items: Iterable[tuple[Any, Any]]) -> int:
    """How many sequences of a syntax tree are inside of one another."""
    from guard.detect.supersets import parts

    return 1 + max((_depth(part) for operation, value in items for part in parts(operation, value)), default=0)


def _spelled_size(items: Iterable[tuple[Any, Any]], groups: dict[int | None, int]) -> int:
    """The characters of a syntax tree with its repeats and references written out, given those of groups before it."""
    total = 0
    for operation, value in items:
        if operation in _REPEATS:
            low, high, inner = value
            total += (low + 1 if high is sre.MAXREPEAT else high) * _spelled_size(inner, groups)
        elif operation is sre.BRANCH:
            total += sum(_spelled_size(way, groups) for way in value[1])
        elif operation is sre.GROUPREF_EXISTS:
            total += sum(_spelled_size(part, groups) for part in value[1:] if part is not None)
        elif operation is sre.SUBPATTERN:
            size = _spelled_size(value[-1], groups)
            groups[value[0]] = max(size, 1)
            total += size
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            total += _spelled_size(value[-1], groups)
        elif operation is sre.GROUPREF:
            total += groups.get(value, 1)
        else:
            total += _spelled_size(value, groups) if operation is sre.ATOMIC_GROUP else 1
    return total

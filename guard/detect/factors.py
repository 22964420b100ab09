"""Words that every match of a pattern holds: where none of them stands, nobody has to look for a match.

    factors("(?i:aliyun|oss)[_-]?secret=.{8}") -> {b"aliyunsecret=", b"aliyun_secret=", …}

A small letter stands for both cases, a capital one for itself. They stand in the match or beside it, in the same
line. An estimate that may be too wide: products of alternatives are cut where they get too many.
"""

from __future__ import annotations

import math
import re
import re._constants as sre  # type: ignore[import-not-found, unused-ignore]
import re._parser as parser  # type: ignore[import-not-found, unused-ignore]
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

from guard.detect.charsets import Charset, charset_of

Words = frozenset[bytes]
SHORTEST = 1
"""Bytes of a word that is worth looking for."""
_LONGEST = 20
_MOST = 256
_SMALL_CLASS = 6
_COMMON = frozenset((b"key", b"token", b"secret", b"name", b"user", b"pass", b"password", b"code", b"data", b"app",
                     b"base", b"type", b"time", b"http", b"://", b"value", b"login", b"post", b"file", b"test"))
"""Words that stand in every other line of somebody's logs."""
_COMMON_SHARE = 0.3
_EVERYWHERE = 2.9
_RARE_SIGNS = b"#@$%^~`*"
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)
_NOTHING: Words = frozenset([b""])


@dataclass(frozen=True, slots=True)
class _Part:
    """What a part of a pattern says: `exact`, all that it can match, if that is little, or else what it ends with
    (`tail`); and words that it, or what it looks at, cannot do without, if there are any."""

    exact: Words | None
    needed: Words | None = None
    tail: Words = _NOTHING


_UNKNOWN = _Part(None)


def factors(pattern: str) -> Words | None:
    """The rarest set of words one of which stands in every match; None when there is none."""
    tree = parser.parse(pattern, re.ASCII)
    return factors_of(tree.data, bool(tree.state.flags & re.IGNORECASE))


def factors_of(items: Iterable[Any], fold: bool) -> Words | None:
    """The same for items of a syntax tree."""
    needed = _needed(_sequence(items, fold))
    return None if needed is None else fewest(needed)


def rarest(*sets: Words | None) -> Words | None:
    """The set that is seen in the fewest lines; None when none of them says anything."""
    told = [words for words in sets if words is not None]
    best = min(told, key=_expected, default=None)
    return None if best is None or _expected(best) >= _EVERYWHERE else best


def line_share(words: Words) -> float:
    """The share of the lines of ordinary text that hold one of the words, very roughly."""
    return min(0.9, _expected(words))


def _expected(words: Words) -> float:
    return sum(map(_share, words))


def _share(word: bytes) -> float:
    if len(word) == 1:
        return _COMMON_SHARE if word in _RARE_SIGNS else math.inf
    if word.isdigit():
        return 2 / len(word)
    if word.lower() in _COMMON:
        return _COMMON_SHARE
    return 0.5 * 0.6 ** _weight(word)


def _weight(word: bytes) -> int:
    """How telling a word is: small letters and bytes of Chinese count once, all else twice."""
    return sum(1 if byte >= 128 or 97 <= byte <= 122 else 2 for byte in word)


def _needed(part: _Part) -> Words | None:
    return rarest(part.needed, _usable(part.exact))


def _usable(exact: Words | None) -> Words | None:
    return None if exact is None or min(map(len, exact)) < SHORTEST else fewest(exact)


def fewest(words: Words) -> Words:
    """Those of the words that say it all, where they are not very many: what holds another of them adds nothing."""
    if len(words) > 4 * _MOST:
        return words
    return frozenset(word for word in words if not any(other != word and other in word for other in words))


def _sequence(items: Iterable[Any], fold: bool) -> _Part:
    """One after the other: neighbours that are known exactly are joined, as long as that does not get too many."""
    run, needed, whole = _NOTHING, None, True
    for operation, value in items:
        part = _item(operation, value, fold)
        needed, joined = rarest(needed, part.needed), _joined(run, part.exact)
        if joined is not None:
            run = joined
            continue
        needed, whole = rarest(needed, _usable(run)), False
        run = part.tail if part.exact is None else part.exact
    return _Part(run, needed) if whole else _Part(None, rarest(needed, _usable(run)), run)


def _joined(run: Words, further: Words | None) -> Words | None:
    if further is None or len(run) * len(further) > _MOST:
        return None
    joined = frozenset(one + other for one in run for other in further)
    return joined if max(map(len, joined)) <= _LONGEST else None


def _item(operation: Any, value: Any, fold: bool) -> _Part:
    if (chosen := charset_of(operation, value, fold)) is not None:
        return _Part(_spelled(chosen))
    if operation is sre.SUBPATTERN:
        return _sequence(value[3], (fold or bool(value[1] & re.IGNORECASE)) and not value[2] & re.IGNORECASE)
    if operation is sre.ATOMIC_GROUP:
        return _sequence(value, fold)
    if operation is sre.BRANCH:
        return reduce(_either, [_sequence(way, fold) for way in value[1]])
    if operation in _REPEATS:
        return _repeated(int(value[0]), int(value[1]), _sequence(value[2], fold))
    if operation is sre.ASSERT:
        return _Part(_NOTHING, _needed(_sequence(value[1], fold)))
    if operation in (sre.AT, sre.ASSERT_NOT):
        return _Part(_NOTHING)
    return _UNKNOWN


def _spelled(chosen: Charset) -> Words | None:
    """The characters of a small class; of a letter in both cases the small one."""
    if len(chosen.ascii) + sum(high - low + 1 for low, high in chosen.beyond) > 2 * _SMALL_CLASS:
        return None
    codes = [code for code in chosen.ascii if not 65 <= code <= 90 or code + 32 not in chosen.ascii]
    codes += [code for low, high in chosen.beyond for code in range(low, high + 1)]
    if not 0 < len(codes) <= _SMALL_CLASS:
        return None
    return frozenset(chr(code).encode("utf-8", "surrogatepass") for code in codes)


def _either(one: _Part, other: _Part) -> _Part:
    if one.exact is not None and other.exact is not None and len(one.exact | other.exact) <= _MOST:
        return _Part(one.exact | other.exact, _both(one.needed, other.needed))
    return _Part(None, _both(_needed(one), _needed(other)))


def _both(one: Words | None, other: Words | None) -> Words | None:
    return None if one is None or other is None else one | other


def _repeated(low: int, high: int, part: _Part) -> _Part:
    if part.exact is not None and high <= 3 and len(part.exact) ** high <= _MOST:
        powers = [_power(part.exact, rounds) for rounds in range(low, high + 1)]
        if all(len(word) <= _LONGEST for power in powers for word in power):
            return _Part(frozenset().union(*powers), part.needed if low > 0 else None)
    return _Part(None, _needed(part), part.tail if part.exact is None else part.exact) if low > 0 else _UNKNOWN


def _power(words: Words, rounds: int) -> Words:
    return reduce(lambda run, _: frozenset(one + other for one in run for other in words), range(rounds), _NOTHING)

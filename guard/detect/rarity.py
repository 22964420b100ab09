"""Rare, not random: whether a value reads like something a person or a program would write.

Entropy counts how often characters occur and so takes every long word for a key. What tells a key apart is that a model
of readable text (which letter follows which in words, identifiers, paths, numbers and pinyin) explains it no better
than chance does. `rarity` is the log-likelihood ratio of the two; a fair coin stands at 0.
"""

from __future__ import annotations

import math
from functools import cache
from operator import add

from guard.detect.tables import rows
from guard.patterns import pattern

_OTHER = "."
"""The symbol of the table for every character that is no ASCII letter or digit, and for the edge of a value."""
_NO_SYMBOL = pattern("[^0-9A-Za-z]")
_ALPHABETS = ((pattern(r"[0-9]+"), 10), (pattern(r"[0-9a-f]+|[0-9A-F]+"), 16),
              (pattern(r"[a-z]+|[A-Z]+"), 26), (pattern(r"[0-9a-z]+|[0-9A-Z]+"), 36),
              (pattern(r"[A-Za-z]+"), 52), (pattern(r"[0-9A-Za-z]+"), 62))
_PRINTABLE = 66
FEWEST_KINDS = 0.4
"""Of the characters that a random value could have, at least this part occurs (a hex digest: all 16; 7 suffice)."""
_KINDS = 24
"""No more kinds are asked for, so that a prefix in other letters does not make a hex digest look poor."""


@cache
def _bits() -> dict[str, float]:
    """For each pair of symbols the bits that the second one costs behind the first."""
    table = rows("letter_bits")
    symbols = [row[0] for row in table]
    return {row[0] + after: int(cost) / 10 for row in table for after, cost in zip(symbols, row[1:], strict=True)}


def rarity(value: str) -> float:
    """Bits by which chance explains the characters better than readable text does; below 0 for words.

    Chance draws from the smallest usual alphabet that has all characters: digits, hex, one case, base 36, base 62.
    """
    bits, size = _bits(), alphabet(value)
    symbols = _NO_SYMBOL.sub(_OTHER, value)
    readable = sum(map(bits.__getitem__, map(add, _OTHER + symbols, symbols)))
    return readable - len(value) * math.log2(size)


def alphabet(value: str) -> int:
    """The number of characters that the value seems to be drawn from."""
    return next((size for alphabet, size in _ALPHABETS if alphabet.fullmatch(value)), _PRINTABLE)


def is_varied(value: str) -> bool:
    """Whether about as many different characters occur as chance would bring: not 0000…, abcabcabc…"""
    return len(set(value)) >= FEWEST_KINDS * min(len(value), alphabet(value), _KINDS)

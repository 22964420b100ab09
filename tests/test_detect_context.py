"""What texts say as context: nothing is missed where the words are not even compiled."""

from __future__ import annotations

import random
from functools import cache

import pytest

from guard.detect import load
from guard.detect.context import Vicinity, compile_words, held, may_hold
from guard.detect.pack import Context

ODD = "\u017f\u0130\u0131\u212aß\u00b5Σς_- sSiIkK中"


def test_headers_of_words_in_any_dress() -> None:
    contexts = [detector.context for detector in load() if detector.context is not None]
    words = sorted({word for context in contexts for word in (*context.words, *context.against)})
    chance, said = random.Random(4), 0
    for _ in range(400):
        word = chance.choice(words)
        header = "".join(chance.choice((word, chance.choice(words).upper(), word.title().replace(" ", ""),
                                        chance.choice(ODD))) for _ in range(chance.randint(1, 3)))
        header = "".join(chance.choice(ODD) if chance.random() < 0.05 else letter for letter in header)
        for context in chance.sample(contexts, 8):
            vicinity = Vicinity(context)
            sign = by_patterns(context, header)
            assert vicinity.of_header(header) == vicinity.nearest(header) == vicinity.weigh("", 0, 0, header) == sign
            said += sign != 0
    assert said > 100


@pytest.mark.parametrize("words", [("kelvin", "\u212ael", "温度"), ("\u212aelvins", "k"), ("is", "\u017fo", "i")])
@pytest.mark.parametrize("text", ["\u212aelvins", "kelvin \u212ael", "i\u017f i\u017fo", "温度 \u212a"])
def test_words_that_begin_like_latin_ones(words: tuple[str, ...], text: str) -> None:
    assert Vicinity(Context(words=words)).nearest(text) == by_patterns(Context(words=words), text)


def by_patterns(context: Context, text: str) -> int:
    """The kind of the last word, all words compiled."""
    word, against = (last_end(words, text) for words in (context.words, context.against))
    return (word > against) - (word < against)


compiled = cache(compile_words)


def last_end(words: tuple[str, ...], text: str) -> int:
    pattern = compiled(words)
    return max((found.end() for found in pattern.finditer(text)), default=-1) if pattern else -1


@pytest.mark.parametrize(("word", "header"), [
    ("id card", "ID_Card"), ("id card", "idCard"), ("staff_no", "staff-no 1"), ("工号", "员工号"),
    ("número", "NÚMERO"), ("n\u00b5m", "N\u00b5m"), ("große", "Große")])
def test_words_that_stand_in_a_header(word: str, header: str) -> None:
    assert may_hold((word,), header)
    assert word in held(("工号", word), header)
    assert Vicinity(Context(words=(word,))).of_header(header) == 1


@pytest.mark.parametrize(("word", "header"), [
    ("id", "\u0130d"), ("id", "\u0131d"), ("ski", "\u017fki"), ("ski", "s\u212ai"), ("n\u00b5m", "N\u039cM"),
    ("große", "GROSSE")])
def test_only_cases_of_its_own_letters_are_ignored(word: str, header: str) -> None:
    assert Vicinity(Context(words=(word,))).of_header(header) == 0
    assert compiled((word,)).search(header) is None  # type: ignore[union-attr]


def test_words_that_do_not() -> None:
    assert not may_hold(("工号", "staff no"), "姓名 name")
    vicinity = Vicinity(Context(words=("工号", "staff no")))
    assert vicinity.of_header("姓名 name") == 0
    assert "_words" not in vars(vicinity)

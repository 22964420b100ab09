"""Headers against the words of detectors: telling soon that one does not fit never hides one that does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.detect.dense import header_sign
from guard.detect.headers import HeaderWords
from guard.detect.pack import load
from guard.detect.rule import compile_rules

WORDS = ("password", "api_key", "=owner", "?name", "?", "手机号", "令牌token", "pass2")
PIECES = (*(word.strip("=?") for word in WORDS), "user", "value", "text", "Text", "x", "(note)", "[1]", "<b>", "_", "-",
          " ", ".", "$.", "$.a[*].", "1", "12", "123", ":", "*", "\x1b[0m", "\x1b(B", "联系人", "\u212a", "ＩＤ")
RULES = compile_rules(load())
HEADERS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)


@given(st.frozensets(st.sampled_from(WORDS), min_size=1), HEADERS, st.booleans())
def test_what_fits_may_fit(chosen: frozenset[str], header: str, is_upper: bool) -> None:
    words = HeaderWords(chosen)
    header = header.upper() if is_upper else header
    fit = words.names(header) or words.hint(header)
    assert words.fit(header) == fit
    assert words.may_fit(header) or not fit


def test_keys_that_end_in_no_word_are_told_apart() -> None:
    words = HeaderWords(("password", "=owner"))
    assert [words.may_fit(header) for header in ("DB-Password", "passwordValue", "count", "pass_word_x")] == [
        True, True, False, False]
    assert [bool(words.fit(header)) for header in ("dbPassword", "owner", "co_owner", "count")] == [
        True, True, False, False]


@given(HEADERS, st.sampled_from(("", "number", "手机", "i\u0307d card", "\u017fecret")))
def test_a_header_speaks_to_the_rules_to_which_it_would_if_each_was_asked(header: str, more: str) -> None:
    spoken = header + more
    index, rules = RULES.headers, RULES
    assert index.fitting(spoken) == tuple(rule for rule in rules if rule.header_words.fit(spoken))
    assert index.signs(spoken) == {rule.index: sign for rule in rules if (sign := header_sign(rule, spoken))}


def test_every_word_of_a_pack_leads_to_its_rule() -> None:
    index = RULES.headers
    for rule in RULES:
        for word in rule.detector.headers:
            assert (rule in index.fitting(word.lstrip("=?"))) == bool(rule.header_words.fit(word.lstrip("=?")))
    assert index.fitting("") == tuple(rule for rule in RULES if rule.header_words.fit(""))

"""`guard detectors explain`: why something is reported, or is not."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from guard.errors import UsageError

if TYPE_CHECKING:
    from guard.detect import Explanation
    from guard.detect.reasons import Weight
    from guard.render.phrases import Phrases

_BRIEF = frozenset(("touched", "no keyword", "no value", "other form"))
"""Outcomes of which there are many: detectors that were not asked, since what they look for is not there."""


@click.command("explain")
@click.option("--text", required=True, metavar="TEXT", help="The text to look at; - reads it from stdin.")
@click.option("--header", default="", metavar="NAME", help="Look at the text as a cell of a column of this name.")
@click.option("--detector", "only", multiple=True, metavar="ID",
              help="Tell in full what this detector made of it, and no other (repeatable).")
@click.option("--packs", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="These packs instead.")
@click.option("--country", "countries", multiple=True, metavar="CODE",
              help="Also look for what identifies people there, as scan does (repeatable; needs presidio-analyzer).")
@click.option("--json", "as_json", is_flag=True, help="Tell everything as one JSON value.")
@click.option("--lang", type=click.Choice(("en", "zh")), default="en", show_default=True, help="Language.")
def explain_command(text: str, header: str, only: tuple[str, ...], packs: tuple[Path, ...],
                    countries: tuple[str, ...], as_json: bool, lang: str) -> int:
    """Tell which detectors looked at a text, what each check and word was worth, and why something is not reported.

    Values are shown masked, as in reports, so the answer may be passed on.
    """
    from guard.detect import explain
    from guard.render.phrases import phrases
    from guard.scanner import Scanner

    matcher = Scanner(packs=packs or None, countries=countries).matcher
    found = explain(matcher, _read() if text == "-" else text, header, only=only)
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=2))
        return 0
    for line in _page(found, phrases(lang), len(only) or len(matcher.detectors), in_full=bool(only)):
        click.echo(line)
    return 0


def _read() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError("the input cannot be read or is not valid UTF-8") from None


def _page(found: Sequence[Explanation], words: Phrases, count: int, *, in_full: bool) -> Iterator[str]:
    matched = len({one.detector for one in found if one.outcome != "no match"})
    brief = [one for one in found if one.outcome in _BRIEF and not in_full]
    for one in found:
        if in_full or one.outcome not in _BRIEF:
            yield from _told(one, words)
            yield ""
    if brief:
        yield words("explain.also")
        yield from _briefly(brief, words)
        yield ""
    yield words("explain.looked", count=count, matched=matched)


def _briefly(found: Sequence[Explanation], words: Phrases) -> Iterator[str]:
    detectors = defaultdict(list)
    for one in found:
        detectors[one.outcome].append(one.detector)
    for outcome, names in detectors.items():
        yield f"  {words.term('explain_outcome', outcome)}: {words.listing(sorted(set(names)))}"


def _told(one: Explanation, words: Phrases) -> Iterator[str]:
    """One place and detector: what it is, what came of it, and the account of it."""
    title = words.data_class(one.data_class)
    if one.outcome == "no match":
        yield words("explain.silent", title=title, data_class=one.data_class, detector=one.detector)
        yield f"  {words('explain.dropped', outcome=words.term('explain_outcome', one.outcome))}"
        return
    yield words("explain.hit", preview=one.preview or words("explain.not_shown"), title=title,
                data_class=one.data_class, detector=one.detector)
    yield f"  {words('explain.place', line=one.line, first=one.column, last=one.column + one.end - one.start - 1)}"
    yield f"  {_outcome(one, words)}"
    for answer in one.checks:
        key, use = "explain.passed" if answer.passed else "explain.failed", words.term("explain_use", answer.use)
        yield f"    {words(key, use=use, check=words.term('check_meaning', answer.name))}"
    for weight in one.weights:
        yield f"    {words('explain.weight', amount=f'{weight.amount:+.2f}', name=_named(weight, one, words))}"
    yield from (f"    {note}" for note in _notes(one, words))


def _outcome(one: Explanation, words: Phrases) -> str:
    outcome, confidence = words.term("explain_outcome", one.outcome), f"{one.confidence:.2f}"
    if one.outcome in ("reported", "shadowed"):
        return words("explain.outcome", outcome=outcome, confidence=confidence,
                     word=words.term("confidence", one.as_json()["word"]))
    return words("explain.short" if one.weights else "explain.dropped", outcome=outcome, confidence=confidence)


def _named(weight: Weight, one: Explanation, words: Phrases) -> str:
    name = words.term("explain_weight", weight.name)
    if weight.of:
        return words("explain.evidence", name=name, check=words.term("check_meaning", weight.of))
    if one.word and weight.name in ("context", "against"):
        return words("explain.word", name=name, word=one.word.word, where=words.term("explain_where", one.word.where))
    return name


def _notes(one: Explanation, words: Phrases) -> Iterator[str]:
    if one.friends:
        yield words("explain.company", classes=words.listing([words.data_class(name) for name in one.friends]))
    if one.by:
        yield words("explain.by", detector=one.by)
    if one.as_json()["decoded"]:
        yield words("explain.decoded")
    if one.marked:
        yield words("explain.marked")

"""Legal grounds by name: `policies/references.yml` turns the ids that decisions carry into titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from guard import content
from guard.render.escape import shown
from guard.render.phrases import Phrases
from guard.taxonomy import Title

_HAN_DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A law or standard, or one article of it; `says` is what it asks in our own words. Other keys are not read."""

    title: Title
    article: str = ""
    says: Title | None = None


_SHAPE = dict[str, Ground]


def reference_title(identifier: str, words: Phrases) -> str:
    """The title and article of a ground; one that the file does not list (an office's own) is shown by its id."""
    reference = _references().get(identifier)
    if reference is None:
        return shown(identifier)
    title = _in(reference.title, words)
    if not reference.article:
        return title
    if not reference.article.isdigit():  # a clause of a standard
        return words("reference.clause", title=title, article=reference.article)
    article = han_numeral(int(reference.article)) if words.language == "zh" else reference.article
    return words("reference.article", title=title, article=article)


def reference_says(identifier: str, words: Phrases) -> str:
    """What the ground asks, "" when that is not known."""
    reference = _references().get(identifier)
    return "" if reference is None or reference.says is None else _in(reference.says, words)


def han_numeral(value: int) -> str:
    """A number below one hundred as Chinese law counts its articles: 28 is 二十八, 14 is 十四."""
    tens, ones = divmod(value, 10)
    if value >= 100:
        return str(value)
    head = "" if not tens else "十" if tens == 1 else f"{_HAN_DIGITS[tens]}十"
    return head + (_HAN_DIGITS[ones] if ones or not tens else "")


def _in(title: Title, words: Phrases) -> str:
    return shown(title.zh if words.language == "zh" else title.en)


@cache
def _references() -> Mapping[str, Ground]:
    path = content.root("policies") / "references.yml"
    if not path.is_file():
        return {}
    file = content.read(path, name=path.name)
    plain = content.kept([file], [__file__], lambda: content.plain(_SHAPE, file.parse().validate(_SHAPE)))
    return {identifier: _made(data) for identifier, data in plain.items()}


def _made(data: dict[str, Any]) -> Ground:
    titles = {name: Title(**data[name]) for name in ("title", "says") if data.get(name)}
    return Ground(**{**data, **titles})

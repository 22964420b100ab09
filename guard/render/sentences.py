"""Reasons, details and warnings in the reader's language: `reports/sentences.yml`.

Other rooms write these sentences in English with numbers and names in them; the table turns them over as a whole.
"""

from __future__ import annotations

import re
from functools import cache

from guard import taxonomy
from guard.content import checked, root

MAX_SENTENCE = 600
"""A longer text is not one of ours, and is not worth the search."""
_NAME = re.compile(r"\{(\w+)\}")


def say(text: str, language: str) -> str:
    """The sentence in `language`; one that the table does not know stays as it is."""
    if language == "en" or not 0 < len(text) <= MAX_SENTENCE:
        return text
    for pattern, template in _table(language):
        if match := pattern.fullmatch(text):
            parts = {name: _part(name, part, language) for name, part in match.groupdict().items()}
            return template.format_map(parts)
    return text


def _part(name: str, text: str, language: str) -> str:
    if name == "rest":
        return say(text, language)
    return _titles(language).get(text, text) if name == "title" else text


@cache
def _titles(language: str) -> dict[str, str]:
    return {known.title.en: getattr(known.title, language) for known in taxonomy.taxonomy().values()}


@cache
def _table(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = checked(root("reports") / "sentences.yml", list[dict[str, str]])
    return tuple((_pattern(row["en"]), row[language]) for row in rows)


def _pattern(template: str) -> re.Pattern[str]:
    """The template as a pattern: fixed words literally, each {name} as the shortest text that fits."""
    parts = _NAME.split(template)
    return re.compile("".join(f"(?P<{part}>{_value(part)})" if index % 2 else re.escape(part)
                              for index, part in enumerate(parts)), re.DOTALL)


def _value(name: str) -> str:
    return r"\d+" if name in ("count", "total", "line", "column", "part") else ".+?"

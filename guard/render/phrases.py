"""What reports say, in each language: `reports/strings.<language>.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from guard import taxonomy
from guard.content import checked, root
from guard.errors import UsageError
from guard.render.escape import shown

LANGUAGES = ("en", "zh")

Phrase = str | Mapping[str, str]
_SHAPE = dict[str, dict[str, str | dict[str, str]]]


class Phrases(NamedTuple):
    """The strings of one language, by section and key.

    A phrase is a format string, or `{one, other}` where a count chooses. Values put into it are escaped here, so that
    no name can act on a terminal or hide in a page.
    """

    language: str
    sections: Mapping[str, Mapping[str, Phrase]]

    def __call__(self, key: str, /, **values: object) -> str:
        """The phrase `section.name` with its values. A missing phrase is a KeyError: it is a bug of the content."""
        section, _, name = key.partition(".")
        return self._fill(self.sections[section][name], values)

    def term(self, section: str, name: str) -> str:
        """What the word `name` of an open vocabulary (action, reason, role, …) is called, or the word itself."""
        phrase = self.sections[section].get(name)
        return shown(name) if phrase is None else self._fill(phrase, {})

    def data_class(self, identifier: str) -> str:
        """What people call a data class; one that the taxonomy does not know is shown by its id."""
        try:
            return taxonomy.title(identifier, self.language)
        except KeyError:
            return shown(identifier)

    def size(self, count: int) -> str:
        """A number of bytes as people say it: three digits and a decimal unit."""
        if count < 1000:
            return self("format.bytes", count=count)
        # One step up from 999.5 on, which would be printed as 1000.
        power = next((power for power in (1, 2, 3) if count < 999.5 * 1000**power), 4)
        return f"{count / 1000**power:.3g} {' KMGT'[power]}B"

    def listing(self, items: list[str]) -> str:
        """The items as one enumeration."""
        return str(self.sections["format"]["list_separator"]).join(items)

    def _fill(self, phrase: Phrase, values: dict[str, Any]) -> str:
        if not isinstance(phrase, str):
            phrase = phrase["one" if values.get("count") == 1 else "other"]
        return phrase.format_map({name: number(value) if isinstance(value, int) else shown(value, 0)
                                  for name, value in values.items()})


def number(value: int) -> str:
    """With thousands separators."""
    return f"{value:,}"


@cache
def phrases(language: str) -> Phrases:
    """The strings of `language`. Raises UsageError for a language that has none."""
    if language not in LANGUAGES:
        raise UsageError(f"no reports in the language {shown(language, 20)}", hint=f"use {' or '.join(LANGUAGES)}")
    return Phrases(language, checked(root("reports") / f"strings.{language}.yml", _SHAPE))

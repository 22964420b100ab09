"""The pattern recognizers of the installed presidio-analyzer. Importing this imports it, which takes a second."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tldextract
from presidio_analyzer import PatternRecognizer, predefined_recognizers
from presidio_analyzer.predefined_recognizers import EmailRecognizer

_HOME = predefined_recognizers.__name__
GENERIC = "generic"
_ISO = {"uk": "gb"}


class OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc]
    """Presidio's, with the suffixes that tldextract carries: its own would fetch the latest list from the network."""

    _suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        """Whether the domain ends in a public suffix."""
        return bool(self._suffixes(pattern_text).fqdn)


@cache
def recognizers() -> tuple[PatternRecognizer, ...]:
    """One of each."""
    kinds = {kind for kind in _kinds(PatternRecognizer) if kind.__module__.startswith(f"{_HOME}.")} - {EmailRecognizer}
    return (OfflineEmailRecognizer(), *(kind() for kind in sorted(kinds, key=lambda kind: kind.__name__)))


def country(recognizer: PatternRecognizer) -> str:
    """The ISO 3166-1 code of its country in lower case, or GENERIC."""
    return iso(recognizer.country_code() or GENERIC)


def iso(code: str) -> str:
    """The ISO 3166-1 code of a country that Presidio, or somebody, calls otherwise."""
    return _ISO.get(code, code)


def _kinds(base: type[PatternRecognizer]) -> Iterator[type[PatternRecognizer]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)

"""Extents: where a value really starts and ends, when no regular expression can say. Named by `extent` in packs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guard.detect import addresses, names
from guard.detect.identifier_checks import known_given_name

LIST_ENDS = "等和及与的同"
"""What may stand right behind the last name of an enumeration."""
PART = 8
"""Han characters of the longest part of a name with dots."""
Extent = Callable[[str, int, int], tuple[int, int] | None]
"""(normalised line, start, end of what the pattern found) -> start and end of the value, or None."""


def labelled_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name behind a label."""
    return names.cut(text, start, end, names.LENIENT)


def fair_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name in a place that speaks for one."""
    return names.cut(text, start, end, names.FAIR)


def begun_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name in a place that speaks for one, from `start` on."""
    return names.begun(text, start, names.FAIR)


def followed_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name in a place that speaks for one, from `start` to its end or a word that follows names."""
    return names.followed(text, start, names.FAIR)


def evident_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name by itself, from `start` to its end or a word that follows names."""
    return names.followed(text, start, names.EVIDENT)


def sure_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A whole run that is a name by itself."""
    return (start, end) if names.is_sure_name(text[start:end]) else None


def name_before(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The surest name that ends where the match starts: what stands before it may be any words.

    With a dot in it (阿依古丽·买买提) it is the whole run of Han characters, as long as a part of a name can be.
    """
    first, length, dotted = start, 0, False
    while first > 0 and length < PART and ("一" <= text[first - 1] <= "龥" or (text[first - 1] == "·" and length)):
        first -= 1
        dotted, length = (True, 0) if text[first] == "·" else (dotted, length + 1)
    if dotted:
        return (first, start) if length > 1 else None
    sized = [(names.plausibility(text[start - size : start]), size) for size in (2, 3, 4) if start - size >= first]
    worth, size = max(sized, default=(names.IMPLAUSIBLE, 0))
    return (start - size, start) if worth >= names.EVIDENT else None


def listed_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name in an enumeration: what follows it is no Han character but one that ends an enumeration."""
    found = names.cut(text, start, end, names.FAIR)
    if found is None or not "一" <= text[found[1] : found[1] + 1] <= "龥":
        return found
    return found if text[found[1]] in LIST_ENDS else None


def known_latin_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A given name that is common somewhere, with what follows it: User Mary Lee is Mary Lee."""
    while start < end and not _is_known(text[start:end]):
        space = text.find(" ", start, end)
        start = space + 1 if space >= 0 else end
    return (start, end) if " " in text[start:end] else None


def _is_known(text: str) -> bool:
    """ASCII only: what other letters are in upper and lower case is a long story, and the table has none."""
    return text.partition(" ")[0].partition("-")[0].isascii() and known_given_name(text)


EXTENTS: Mapping[str, Extent] = {
    "labelled_name": labelled_name,
    "fair_name": fair_name,
    "begun_name": begun_name,
    "followed_name": followed_name,
    "evident_name": evident_name,
    "sure_name": sure_name,
    "name_before": name_before,
    "listed_name": listed_name,
    "known_latin_name": known_latin_name,
    "address_number": addresses.around_number,
    "address_label": addresses.after_label,
}
NAMED_EXTENTS = ("fair_name", "begun_name", "followed_name", "evident_name", "sure_name", "listed_name")
"""Those that begin where they are told to, or behind a lead word that stands there, with a surname or a part of a
name."""

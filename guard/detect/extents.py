"""Extents: where a value really starts and ends, when no regular expression can say. Named by `extent` in packs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guard.detect import addresses, names

Extent = Callable[[str, int, int], tuple[int, int] | None]
"""(normalised line, start, end of what the pattern found) -> start and end of the value, or None."""


def labelled_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name behind a label."""
    return names.cut(text, start, end, names.LENIENT)


def fair_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A name in a place that speaks for one."""
    return names.cut(text, start, end, names.FAIR)


def sure_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """A whole run that is a name by itself."""
    return (start, end) if names.is_sure_name(text[start:end]) else None


def name_before(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The surest name that ends where the run ends: what stands before it may be any words."""
    if "·" in text[start:end]:
        return start, end
    sized = [(names.plausibility(text[end - size : end]), size) for size in (2, 3, 4) if end - size >= start]
    worth, size = max(sized, default=(names.IMPLAUSIBLE, 0))
    return (end - size, end) if worth >= names.STRICT else None


EXTENTS: Mapping[str, Extent] = {
    "labelled_name": labelled_name,
    "fair_name": fair_name,
    "sure_name": sure_name,
    "name_before": name_before,
    "address_number": addresses.around_number,
    "address_label": addresses.after_label,
}

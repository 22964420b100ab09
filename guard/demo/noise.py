"""The ways in which one value is really written, and the ways in which offices mask it."""

from __future__ import annotations

FULL_WIDTH = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
ZERO_WIDTH_SPACE = "\u200b"
_GROUPS = {"mobile": (3, 4, 4), "resident_id": (6, 8, 4), "bank_card": (4, 4, 4, 4, 4)}


def full_width(value: str) -> str:
    """ASCII as full-width forms."""
    return value.translate(FULL_WIDTH)


def grouped(value: str, sizes: tuple[int, ...], separator: str = " ") -> str:
    """The value in groups of the given sizes, empty groups left out."""
    parts, start = [], 0
    for size in sizes:
        parts.append(value[start : start + size])
        start += size
    return separator.join(part for part in parts if part)


def written(kind: str, value: str) -> dict[str, str]:
    """Ways to write a `mobile`, `resident_id` or `bank_card`, by the name of the way; all mean the same value."""
    sizes = _GROUPS[kind]
    ways = {
        "plain": value,
        "full_width": full_width(value),
        "spaced": grouped(value, sizes),
        "hyphenated": grouped(value, sizes, "-"),
        "zero_width": value[: sizes[0]] + ZERO_WIDTH_SPACE + value[sizes[0] :],
    }
    if kind == "mobile":
        ways |= {"plus_86": f"+86{value}", "plus_86_spaced": f"+86 {value}", "double_zero": f"0086{value}"}
    if kind == "resident_id":
        ways["lower_case"] = value.lower()
    return ways


def masked(kind: str, value: str) -> tuple[str, ...]:
    """Masked forms found in published tables for `mobile`, `resident_id`, `bank_card`, `name`, `email` or `plate`."""
    if kind == "name":
        return (value[0] + "*" * (len(value) - 1), value[0] + "某" * (len(value) - 1))
    if kind == "email":
        local, _, domain = value.partition("@")
        return (f"{local[0]}***@{domain}",)
    keep = {"mobile": ((3, 4), (3, 2)), "resident_id": ((6, 4), (3, 4), (1, 1)), "bank_card": ((6, 4), (4, 4)),
            "plate": ((2, 1),)}[kind]
    return tuple(value[:head] + "*" * (len(value) - head - tail) + value[-tail:] for head, tail in keep)

"""The Chinese identifiers as rules for both sides: a pack for Guard and a file of patterns for ripgrep.

    python bench_identifiers.py FOLDER

Chosen are the detectors whose shape says something by itself. Those that count only with a context word (`\\d{12}`,
`[1-9]\\d{4,10}`) are left out: ripgrep knows no context and would print every number.
"""

from __future__ import annotations

import sys
from pathlib import Path

PACK, SAME, PLAIN = "identifiers.yml", "identifiers-same.txt", "identifiers-plain.txt"
DETECTORS = (
    "cn-resident-id", "cn-resident-id-15", "cn-disability-certificate", "cn-student-number", "cn-mobile", "cn-landline",
    "cn-bank-card", "cn-passport", "cn-uscc", "cn-real-estate-unit", "cn-property-certificate", "cn-vehicle-plate",
    "vehicle-vin",
)
_PACKS = ("cn-person.yml", "cn-org.yml", "vehicle.yml")
_TOUCH = {"digit": "[0-9]", "alnum": "[0-9A-Za-z]", "none": ""}


def same(pattern: str, boundary: str) -> str:
    """The pattern with its boundaries as look-arounds, for `rg --pcre2`."""
    touch = _TOUCH[boundary]
    return f"(?<!{touch})(?:{pattern})(?!{touch})" if touch else f"(?:{pattern})"


def plain(pattern: str) -> str:
    """The pattern without look-arounds and back-references, for ripgrep's own engine, which has none.

    It matches in more places; that costs ripgrep nothing but the printing of some more lines.
    """
    text, out = pattern, ""
    while text:
        if text.startswith(("(?<!", "(?!", "(?<=", "(?=")):
            text = text[_group_end(text):]
        elif text.startswith("(?P=s)"):
            out, text = out + "[ -]?", text[6:]
        elif text.startswith("(?P<s>"):
            out, text = out + "(?:", text[6:]
        else:
            width = 2 if text[0] == "\\" else _class_end(text) if text[0] == "[" else 1
            out, text = out + _ascii(text[:width]), text[width:]
    return f"(?:{out})"


def _ascii(piece: str) -> str:
    # Both sides mean ASCII digits; those of Unicode would only slow ripgrep down.
    return piece.replace("\\d", "0-9") if piece[0] == "[" else piece.replace("\\d", "[0-9]")


def _group_end(text: str) -> int:
    depth, place = 0, 0
    while True:
        step = 2 if text[place] == "\\" else _class_end(text[place:]) if text[place] == "[" else 1
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        place += step
        if depth == 0:
            return place


def _class_end(text: str) -> int:
    place = 2
    while text[place] != "]":
        place += 2 if text[place] == "\\" else 1
    return place + 1


def main() -> None:
    """Write the pack and both files of patterns."""
    import yaml

    from guard.detect.pack import shipped

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    found = [one for path in shipped() if path.name in _PACKS for one in yaml.safe_load(path.read_text("utf-8"))]
    chosen = {one["id"]: one for one in found if one["id"] in DETECTORS}
    missing = set(DETECTORS) - set(chosen)
    if missing:
        raise SystemExit(f"no such detectors: {', '.join(sorted(missing))}")
    ordered = [chosen[name] for name in DETECTORS]
    (folder / PACK).write_text(yaml.safe_dump(ordered, allow_unicode=True, sort_keys=False), "utf-8")
    _write(folder / SAME, [same(one["pattern"], one.get("boundary", "alnum")) for one in ordered])
    _write(folder / PLAIN, [plain(one["pattern"]) for one in ordered])


def _write(path: Path, patterns: list[str]) -> None:
    path.write_text("\n".join(patterns) + "\n", "utf-8")


if __name__ == "__main__":
    main()

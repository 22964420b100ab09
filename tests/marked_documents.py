"""Documents with marks, from `data/documents_*.txt`, divided by lines of `===`.

[[kind|value]] is a value that must be found, [[kind]] one that is drawn at random (`document_values`), [[kind*|value]]
a masked one. What is not marked must not be found as any of the marked kinds; in CLEAN nothing must be found at all.
"""

from pathlib import Path


def _read(name: str) -> list[str]:
    path = Path(__file__).parent / "data" / f"documents_{name}.txt"
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n===\n")


CHINESE, ENGLISH, CLEAN = _read("chinese"), _read("english"), _read("clean")
OFFICES, OFFICES_CLEAN = _read("offices"), _read("offices_clean")
